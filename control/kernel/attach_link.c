// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * attach_link.c - attachments that are bpf_links: XDP and tcx
 *
 * A link goes with its interface to another namespace, and its descriptor
 * still detaches it from there. When the interface is deleted it is severed:
 * it says interface 0 then.
 */
#include <errno.h>
#include <stdio.h>

#include <bpf/bpf.h>

#include <base/file.h>
#include <kernel/attach_parts.h>
#include <shunt/abi.h>

/* Later than the headers of Linux 6.1 */
#define LINK_TCX_INGRESS	46	/* BPF_TCX_INGRESS */
#define LINK_TCX_EGRESS		47	/* BPF_TCX_EGRESS */

static int link_type(uint32_t hook)
{
	switch (hook) {
	case SHUNT_HOOK_TC_INGRESS:
		return LINK_TCX_INGRESS;
	case SHUNT_HOOK_TC_EGRESS:
		return LINK_TCX_EGRESS;
	default:
		return BPF_XDP;
	}
}

uint32_t attach_prog_id(int prog_fd)
{
	struct bpf_prog_info info = {};
	uint32_t len = sizeof(info);

	return bpf_obj_get_info_by_fd(prog_fd, &info, &len) < 0 ? 0 : info.id;
}

const char *attach_prog_name(uint32_t id, char name[16])
{
	struct bpf_prog_info info = {};
	uint32_t len = sizeof(info);
	int fd = bpf_prog_get_fd_by_id(id);

	if (fd >= 0)
		bpf_obj_get_info_by_fd(fd, &info, &len);
	fd_close(fd < 0 ? -1 : fd);
	snprintf(name, 16, "%s", info.name[0] ? info.name : "?");
	return name;
}

bool attach_is_gone(uint32_t ifindex)
{
	char name[IFNAMSIZ];

	return !if_indextoname(ifindex, name) && errno == ENXIO;
}

void attach_fill(struct attach *attach, uint32_t ifindex, const char *ifname, uint32_t hook)
{
	*attach = (struct attach){ .ifindex = ifindex, .hook = hook };
	snprintf(attach->ifname, sizeof(attach->ifname), "%s", ifname);
}

int attach_link_create(const struct attach_want *want, uint32_t flags, enum attach_how how,
		       struct attach *ret_attach, struct err *err)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = flags);
	struct attach attach;
	int fd, r;

	fd = bpf_link_create(want->prog_fd, want->ifindex, link_type(want->hook), &opts);
	if (fd < 0)
		return err_set(err, fd, "attach to '%s' at %s", want->ifname,
			       attach_pin_hook(want->hook));
	r = attach_pin_add(want, fd, err);
	if (r == 0) {
		attach_fill(&attach, want->ifindex, want->ifname, want->hook);
		attach.how = how;
		attach.prog_id = attach_prog_id(want->prog_fd);
		*ret_attach = attach;
	}
	fd_close(fd);	/* detaches unless it is pinned */
	return r;
}

int attach_link_replace(struct attach *attach, const struct attach_want *want, struct err *err)
{
	enum attach_pin_kind kind;
	int fd, r;

	fd = attach_pin_open(want->pin_dir, attach->ifindex, attach->hook, &kind, err);
	if (fd < 0)
		return fd;
	r = bpf_link_update(fd, want->prog_fd, NULL);
	fd_close(fd);
	if (r == -ENOLINK)
		return err_set(err, r, "interface '%s' is gone.", attach->ifname);
	if (r < 0)
		return err_set(err, r, "replace the program of '%s' at %s", attach->ifname,
			       attach_pin_hook(attach->hook));
	attach->prog_id = attach_prog_id(want->prog_fd);
	return 0;
}

int attach_link_del(const struct attach *attach, const char *pin_dir, struct err *err)
{
	enum attach_pin_kind kind;
	int fd, r;

	fd = attach_pin_open(pin_dir, attach->ifindex, attach->hook, &kind, err);
	if (fd == -ENOENT)
		return 0;	/* no pin, so no link either */
	if (fd < 0)
		return fd;
	r = bpf_link_detach(fd);
	fd_close(fd);
	if (r < 0 && r != -ENOLINK)
		return err_set(err, r, "detach from '%s' at %s", attach->ifname,
			       attach_pin_hook(attach->hook));
	attach_pin_del(pin_dir, attach->ifindex, attach->hook);
	return 0;
}

int attach_link_adopt(int fd, const char *pin_dir, struct attach *attach, struct err *err)
{
	struct bpf_link_info info = {};
	uint32_t len = sizeof(info);
	int r;

	r = bpf_obj_get_info_by_fd(fd, &info, &len);
	fd_close(fd);
	if (r < 0)
		return err_set(err, r, "link of '%s' at %s", attach->ifname,
			       attach_pin_hook(attach->hook));
	if (info.xdp.ifindex == 0) {	/* tcx has it at the same place */
		attach_pin_del(pin_dir, attach->ifindex, attach->hook);
		return err_set(err, -ENOLINK, "interface '%s' (%u) is gone.", attach->ifname,
			       attach->ifindex);
	}
	attach->prog_id = info.prog_id;
	return 0;
}
