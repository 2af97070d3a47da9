// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * attach_tc.c - TC: a tcx link, or a clsact qdisc with our filter
 *
 * DOC: tcx is tried, and EINVAL means that the kernel has none. With clsact the
 * program is pinned as well, in the place of the link, and a second pin says
 * that the qdisc was made by us: it goes with its last filter. A clsact qdisc
 * that was there before stays. The kernel throws filters away when the
 * interface moves to another namespace.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <netlink/netlink.h>
#include <netlink/route/classifier.h>
#include <netlink/route/qdisc.h>
#include <netlink/route/tc.h>

#include <base/file.h>
#include <kernel/attach_parts.h>
#include <shunt/abi.h>

static const char no_tcx[] = "the kernel has no tcx";
static const char tcx_off[] = "SHUNT_NO_TCX is set";

static bool tcx_is_off(void)
{
	const char *value = getenv("SHUNT_NO_TCX");

	return value && !strcmp(value, "1");
}

static struct bpf_tc_hook tc_hook(uint32_t ifindex, uint32_t hook)
{
	return (struct bpf_tc_hook){
		.sz = sizeof(struct bpf_tc_hook), .ifindex = ifindex,
		.attach_point = hook == SHUNT_HOOK_TC_EGRESS ? BPF_TC_EGRESS : BPF_TC_INGRESS,
	};
}

/* The program at our place. Return: 0; -ENOENT: none (also without clsact); -ENODEV; -errno */
static int filter_query(uint32_t ifindex, uint32_t hook, uint32_t *ret_id)
{
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = ATTACH_TC_HANDLE, .priority = ATTACH_TC_PRIORITY);
	struct bpf_tc_hook at = tc_hook(ifindex, hook);
	int r;

	r = bpf_tc_query(&at, &opts);
	if (r == -EINVAL)	/* no clsact qdisc: "Parent Qdisc doesn't exists" */
		return -ENOENT;
	if (r < 0)
		return r;
	*ret_id = opts.prog_id;
	return 0;
}

/* ---- the qdisc: libbpf could make it, but not see whether it is still used */
static int nl_errno(int r)
{
	switch (-r) {
	case NLE_SUCCESS:
		return 0;
	case NLE_EXIST:
		return -EEXIST;
	case NLE_NODEV:
		return -ENODEV;
	case NLE_OBJ_NOTFOUND:
		return -ENOENT;
	case NLE_PERM:
	case NLE_NOACCESS:
		return -EPERM;
	case NLE_OPNOTSUPP:
		return -EOPNOTSUPP;
	case NLE_NOMEM:
		return -ENOMEM;
	default:
		return -EINVAL;
	}
}

static int sock_new(struct nl_sock **ret_sock)
{
	struct nl_sock *sock = nl_socket_alloc();
	int r;

	if (!sock)
		return -ENOMEM;
	r = nl_connect(sock, NETLINK_ROUTE);
	if (r < 0) {
		nl_socket_free(sock);
		return nl_errno(r);
	}
	*ret_sock = sock;
	return 0;
}

static struct rtnl_qdisc *clsact_new(uint32_t ifindex)
{
	struct rtnl_qdisc *qdisc = rtnl_qdisc_alloc();

	if (!qdisc)
		return NULL;
	rtnl_tc_set_ifindex(TC_CAST(qdisc), ifindex);
	rtnl_tc_set_parent(TC_CAST(qdisc), TC_H_CLSACT);
	rtnl_tc_set_handle(TC_CAST(qdisc), TC_H_MAKE(TC_H_CLSACT, 0));
	if (rtnl_tc_set_kind(TC_CAST(qdisc), "clsact") < 0) {
		rtnl_qdisc_put(qdisc);
		return NULL;
	}
	return qdisc;
}

/* @add: else remove. Return: 0 or -errno */
static int clsact_change(uint32_t ifindex, bool add)
{
	struct nl_sock *sock = NULL;
	struct rtnl_qdisc *qdisc;
	int r;

	qdisc = clsact_new(ifindex);
	if (!qdisc)
		return -ENOMEM;
	r = sock_new(&sock);
	if (r == 0 && add)
		r = nl_errno(rtnl_qdisc_add(sock, qdisc, NLM_F_CREATE | NLM_F_EXCL));
	else if (r == 0)
		r = nl_errno(rtnl_qdisc_delete(sock, qdisc));
	nl_socket_free(sock);
	rtnl_qdisc_put(qdisc);
	return r;
}

/* Return: number of filters at both hooks, or -errno */
static int clsact_filters(uint32_t ifindex)
{
	static const uint32_t parents[] = {
		TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS), TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS),
	};
	struct nl_sock *sock;
	struct nl_cache *cache;
	int n = 0, r;

	r = sock_new(&sock);
	for (unsigned int i = 0; r == 0 && i < 2; i++) {
		r = nl_errno(rtnl_cls_alloc_cache(sock, ifindex, parents[i], &cache));
		if (r < 0)
			break;
		n += nl_cache_nitems(cache);
		nl_cache_free(cache);
	}
	nl_socket_free(sock);
	return r < 0 ? r : n;
}

static int clsact_need(const struct attach_want *want)
{
	int r = clsact_change(want->ifindex, true);

	if (r == -EEXIST)
		return 0;
	if (r < 0)
		return r;
	return attach_pin_qdisc_add(want->pin_dir, want->ifindex, want->prog_fd);
}

/* Ours and empty: gone. Doubt leaves it where it is */
static void clsact_release(uint32_t ifindex, const char *pin_dir)
{
	if (!attach_pin_qdisc_is(pin_dir, ifindex))
		return;
	if (clsact_filters(ifindex) > 0)
		return;
	clsact_change(ifindex, false);
	attach_pin_qdisc_del(pin_dir, ifindex);
}

/* ---- the filter */
static int filter_put(const struct attach_want *want, uint32_t flags, struct err *err)
{
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = ATTACH_TC_HANDLE, .priority = ATTACH_TC_PRIORITY,
		    .prog_fd = want->prog_fd, .flags = flags);
	struct bpf_tc_hook at = tc_hook(want->ifindex, want->hook);
	int r;

	r = bpf_tc_attach(&at, &opts);
	if (r == -EEXIST || (r == -EINVAL && !flags))
		return err_set(err, -EBUSY, "interface '%s' at %s has a foreign filter at priority %u, where ours belongs: remove it ('tc filter show dev %s %s').",
			       want->ifname, attach_pin_hook(want->hook), ATTACH_TC_PRIORITY,
			       want->ifname, attach_pin_hook(want->hook) + 3);
	if (r < 0)
		return err_set(err, r, "attach filter to '%s' at %s", want->ifname,
			       attach_pin_hook(want->hook));
	return 0;
}

/* Only over a program of our own name may a filter be replaced */
static int filter_flags(const struct attach_want *want, uint32_t *ret_flags, struct err *err)
{
	uint32_t id = 0;
	char name[16];
	int r;

	r = filter_query(want->ifindex, want->hook, &id);
	if (r == -ENOENT) {
		*ret_flags = 0;
		return 0;
	}
	if (r < 0)
		return err_set(err, r, "look for filters of '%s'", want->ifname);
	if (strcmp(attach_prog_name(id, name), ATTACH_PROGRAM))
		return err_set(err, -EBUSY, "interface '%s' at %s has the filter of a foreign program, '%s' (id %u), at priority %u, where ours belongs: remove it.",
			       want->ifname, attach_pin_hook(want->hook), name, id,
			       ATTACH_TC_PRIORITY);
	*ret_flags = BPF_TC_F_REPLACE;
	return 0;
}

static int filter_del(uint32_t ifindex, uint32_t hook)
{
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = ATTACH_TC_HANDLE, .priority = ATTACH_TC_PRIORITY);
	struct bpf_tc_hook at = tc_hook(ifindex, hook);

	return bpf_tc_detach(&at, &opts);
}

static int clsact_add(const struct attach_want *want, struct attach *ret_attach, struct err *err)
{
	uint32_t flags;
	int r;

	r = filter_flags(want, &flags, err);
	if (r < 0)
		return r;
	r = clsact_need(want);
	if (r == -ENODEV)
		return err_set(err, r, "interface '%s' is gone.", want->ifname);
	if (r < 0)
		return err_set(err, r, "add clsact qdisc to '%s'", want->ifname);
	r = filter_put(want, flags, err);
	if (r < 0)
		goto out_qdisc;
	r = attach_pin_add(want, want->prog_fd, err);
	if (r < 0)
		goto out_filter;
	attach_fill(ret_attach, want->ifindex, want->ifname, want->hook);
	ret_attach->how = ATTACH_CLSACT;
	ret_attach->prog_id = attach_prog_id(want->prog_fd);
	return 0;
out_filter:
	filter_del(want->ifindex, want->hook);
out_qdisc:
	clsact_release(want->ifindex, want->pin_dir);
	return r;
}

int attach_tc_add(const struct attach_want *want, struct attach *ret_attach, struct err *err)
{
	bool off = tcx_is_off();
	int r;

	r = off ? -EINVAL : attach_link_create(want, 0, ATTACH_TCX, ret_attach, err);
	if (r == -ENODEV)
		return err_set(err, r, "interface '%s' is gone.", want->ifname);
	if (r != -EINVAL)
		return r;
	r = clsact_add(want, ret_attach, err);
	if (r == 0)
		ret_attach->why = off ? tcx_off : no_tcx;
	return r;
}

int attach_tc_replace(struct attach *attach, const struct attach_want *want, struct err *err)
{
	uint32_t flags;
	int r;

	r = filter_flags(want, &flags, err);
	if (r == 0 && !flags)
		r = err_set(err, -ENOENT, "the filter of '%s' at %s is gone: attach again.",
			    attach->ifname, attach_pin_hook(attach->hook));
	if (r == 0)
		r = filter_put(want, flags, err);
	if (r < 0)
		return r;
	attach->prog_id = attach_prog_id(want->prog_fd);
	attach_pin_del(want->pin_dir, attach->ifindex, attach->hook);
	return attach_pin_add(want, want->prog_fd, err);
}

int attach_tc_del(const struct attach *attach, const char *pin_dir, struct err *err)
{
	uint32_t id = 0;
	int r;

	r = filter_query(attach->ifindex, attach->hook, &id);
	if (r == 0 && id == attach->prog_id)	/* else it is somebody else's */
		r = filter_del(attach->ifindex, attach->hook);
	if (r < 0 && r != -ENOENT && r != -ENODEV)
		return err_set(err, r, "remove filter of '%s' at %s", attach->ifname,
			       attach_pin_hook(attach->hook));
	if (r != -ENODEV)
		clsact_release(attach->ifindex, pin_dir);
	else
		attach_pin_qdisc_del(pin_dir, attach->ifindex);
	attach_pin_del(pin_dir, attach->ifindex, attach->hook);
	return 0;
}

/* No pin, or one of a program: the filter decides */
static int clsact_adopt(const char *pin_dir, bool pinned, struct attach *attach, struct err *err)
{
	struct attach_want want = { .ifindex = attach->ifindex, .hook = attach->hook,
				    .pin_dir = pin_dir };
	uint32_t id = 0;
	char name[16];
	int fd, r;

	r = filter_query(attach->ifindex, attach->hook, &id);
	if (r == -ENODEV && pinned) {
		attach_pin_del(pin_dir, attach->ifindex, attach->hook);
		attach_pin_qdisc_del(pin_dir, attach->ifindex);
		return err_set(err, -ENOLINK, "interface '%s' (%u) is gone.", attach->ifname,
			       attach->ifindex);
	}
	if (r < 0 && r != -ENOENT && r != -ENODEV)
		return err_set(err, r, "look for our filter on '%s'", attach->ifname);
	if (r < 0 || strcmp(attach_prog_name(id, name), ATTACH_PROGRAM)) {
		if (pinned)
			attach_pin_del(pin_dir, attach->ifindex, attach->hook);
		return err_set(err, -ENOENT, "nothing of ours is attached to '%s' at %s.",
			       attach->ifname, attach_pin_hook(attach->hook));
	}
	attach->how = ATTACH_CLSACT;
	attach->why = tcx_is_off() ? tcx_off : no_tcx;
	attach->prog_id = id;
	if (pinned)
		return 0;
	fd = bpf_prog_get_fd_by_id(id);
	if (fd < 0)
		return err_set(err, -errno, "program %u of '%s'", id, attach->ifname);
	r = attach_pin_add(&want, fd, err);
	fd_close(fd);
	return r;
}

int attach_tc_adopt(const char *pin_dir, struct attach *attach, struct err *err)
{
	enum attach_pin_kind kind;
	int fd, r;

	fd = attach_pin_open(pin_dir, attach->ifindex, attach->hook, &kind, err);
	if (fd < 0 && fd != -ENOENT)
		return fd;
	if (fd == -ENOENT || kind == ATTACH_PIN_PROG) {
		fd_close(fd < 0 ? -1 : fd);
		return clsact_adopt(pin_dir, fd >= 0, attach, err);
	}
	r = attach_link_adopt(fd, pin_dir, attach, err);
	if (r == 0)
		attach->how = ATTACH_TCX;
	return r;
}
