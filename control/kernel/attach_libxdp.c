// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * attach_libxdp.c - XDP beside others: a component of a libxdp dispatcher
 *
 * DOC: libxdp loads the gate itself, as an extension (freplace) of a stub of
 * its dispatcher. An extension may tail-call into our entry array only if the
 * kernel finds it compatible with the array's programs, which are XDP with
 * fragments: same type (the dispatcher's is taken), same expected attach type
 * (an extension has 0 once verified, so all our XDP programs are loaded with 0),
 * same fragment support (libxdp takes that flag off extensions; on_load() puts
 * it back). If one differs the load fails and nothing is attached: a gate that
 * misses every tail call cannot come to be.
 *
 * Where the kernel refuses extensions, libxdp attaches the gate alone, by
 * netlink: it works, but nobody else can share the interface.
 */
#include <errno.h>
#include <linux/if_link.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statfs.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <xdp/libxdp.h>

#include <base/file.h>
#include <kernel/attach_parts.h>
#include <kernel/object_file.h>
#include <shunt/abi.h>

#define SECTION		"xdp.frags"
#define PRIORITY	50	/* libxdp's default, and the configuration's */

static const char alone[] = "the kernel refuses program extensions: without a dispatcher, nobody else can share the interface";
static const char joined[] = "a libxdp dispatcher was there";

static int on_load(struct bpf_program *prog, struct bpf_prog_load_opts *opts, long cookie)
{
	opts->prog_flags |= BPF_F_XDP_HAS_FRAGS;
	return 0;
}

/*
 * A handler is the whole process's: it does what libbpf's own does for this
 * section, but for extensions too. It is never taken back, as libbpf 1.1 frees
 * its list twice when the last one goes.
 */
static int handler_need(void)
{
	LIBBPF_OPTS(libbpf_prog_handler_opts, opts, .prog_prepare_load_fn = on_load);
	static bool is_there;
	int r;

	if (is_there)
		return 0;
	r = libbpf_register_prog_handler(SECTION, BPF_PROG_TYPE_XDP, BPF_XDP, &opts);
	is_there = r >= 0;
	return r < 0 ? r : 0;
}

static bool bpffs_is_there(void)
{
	const char *path = secure_getenv(XDP_BPFFS_ENVVAR);
	struct statfs fs;

	return statfs(path ? path : "/sys/fs/bpf", &fs) == 0 &&
	       (unsigned long)fs.f_type == BPF_FS_MAGIC;
}

static int reuse_map(struct bpf_object *obj, const char *name, int fd)
{
	struct bpf_map *map = bpf_object__find_map_by_name(obj, name);

	return map ? bpf_map__reuse_fd(map, fd) : -ENOENT;
}

/* libbpf keeps initial values where they can be written until the object is loaded */
static int set_slot(const struct object_file *file, uint32_t slot)
{
	struct object_part part;
	int r;

	r = object_file_var(file, ".rodata", "shunt_gate_slot", &part);
	if (r == 0 && part.n != sizeof(slot))
		r = -EINVAL;
	if (r == 0)
		memcpy((void *)part.data, &slot, sizeof(slot));
	return r;
}

static int gate_open(const struct attach_want *want, struct object_file *file, struct err *err)
{
	struct bpf_program *prog;
	int r;

	r = object_file_open(want->gate_path, file, err);
	if (r < 0)
		return r;
	prog = bpf_object__find_program_by_name(file->bpf, ATTACH_PROGRAM);
	r = prog ? bpf_program__set_expected_attach_type(prog, 0) : -ENOENT;
	if (r == 0)
		r = reuse_map(file->bpf, "shunt_entry", want->entry_fd);
	if (r == 0)
		r = reuse_map(file->bpf, "shunt_gate_miss", want->miss_fd);
	if (r == 0)
		r = set_slot(file, want->gate_slot);
	if (r < 0)
		return err_set(err, r, "'%s' is not the gate of this version", want->gate_path);
	return 0;
}

/*
 * What an operator can do about it. A refusal of the program itself is -EPROTO
 * on its way to attach_libxdp_add(): another mode would not help.
 */
static int say_refused(const struct attach_want *want, int code, bool loaded, struct err *err)
{
	if (code == -E2BIG)
		return err_set(err, code, "cannot share '%s': the libxdp dispatcher there is full (10 programs).",
			       want->ifname);
	if (loaded && code != -ENOENT && code != -EPERM)
		return err_set(err, code, "attach to '%s' through libxdp", want->ifname);
	if (!bpffs_is_there())
		return err_set(err, -ENOENT, "cannot share '%s': libxdp keeps its dispatcher in a bpffs at /sys/fs/bpf, and none is mounted there (mount -t bpf bpf /sys/fs/bpf).",
			       want->ifname);
	if (code != -EINVAL)
		return err_set(err, code, "attach to '%s' through libxdp", want->ifname);
	err_set(err, -EOPNOTSUPP, "cannot share '%s': this kernel does not let an extension of libxdp's dispatcher call our programs (fragments or attach type differ); attach without 'share', or at tc-ingress.",
		want->ifname);
	return -EPROTO;
}

/* What became of it: component of a dispatcher, or alone */
static void describe(uint32_t ifindex, struct attach *attach)
{
	struct xdp_multiprog *multi = xdp_multiprog__get_from_ifindex(ifindex);

	if (libxdp_get_error(multi) || !multi)
		return;
	attach->how = xdp_multiprog__is_legacy(multi) ? ATTACH_XDP_LIBXDP : ATTACH_XDP_DISPATCHER;
	attach->generic = xdp_multiprog__attach_mode(multi) == XDP_MODE_SKB;
	xdp_multiprog__close(multi);
}

static int program_attach(const struct attach_want *want, enum xdp_attach_mode mode,
			  struct bpf_object *obj, struct attach *ret_attach, struct err *err)
{
	DECLARE_LIBXDP_OPTS(xdp_program_opts, opts, .obj = obj, .prog_name = ATTACH_PROGRAM);
	struct xdp_program *prog = xdp_program__create(&opts);
	int r = libxdp_get_error(prog);

	if (r)
		return err_set(err, r, "'%s'", want->gate_path);
	r = xdp_program__set_run_prio(prog, want->priority ? want->priority : PRIORITY);
	if (r == 0)
		r = xdp_program__set_xdp_frags_support(prog, true);
	if (r == 0)
		r = xdp_program__attach(prog, want->ifindex, mode, 0);
	if (r < 0) {
		r = say_refused(want, r, xdp_program__fd(prog) >= 0, err);
		goto out;
	}
	attach_fill(ret_attach, want->ifindex, want->ifname, want->hook);
	ret_attach->prog_id = xdp_program__id(prog);
	ret_attach->how = ATTACH_XDP_LIBXDP;
	describe(want->ifindex, ret_attach);
	ret_attach->why = want->share ? NULL : joined;
	if (ret_attach->how == ATTACH_XDP_LIBXDP)
		ret_attach->why = alone;
	r = attach_pin_add(want, xdp_program__fd(prog), err);
	if (r < 0)
		xdp_program__detach(prog, want->ifindex, XDP_MODE_UNSPEC, 0);
out:
	xdp_program__close(prog);
	return r;
}

static int try_libxdp(const struct attach_want *want, uint32_t flags, struct attach *ret_attach,
		      struct err *err)
{
	enum xdp_attach_mode mode = flags & XDP_FLAGS_SKB_MODE ? XDP_MODE_SKB : XDP_MODE_NATIVE;
	struct object_file file = {};
	struct attach attach;
	int r;

	r = handler_need();
	if (r < 0)
		return err_set(err, r, "libbpf handler of section '%s'", SECTION);
	r = gate_open(want, &file, err);
	if (r == 0)
		r = program_attach(want, mode, file.bpf, &attach, err);
	if (r == 0)
		*ret_attach = attach;
	object_file_fini(&file);
	return r;
}

int attach_libxdp_add(const struct attach_want *want, struct attach *ret_attach, struct err *err)
{
	int r = attach_xdp_modes(want, try_libxdp, ret_attach, err);

	return r == -EPROTO ? -EOPNOTSUPP : r;
}

/* libxdp 1.3 adds and removes components, it does not exchange one */
int attach_libxdp_replace(struct attach *attach, const struct attach_want *want, struct err *err)
{
	LIBBPF_OPTS(bpf_xdp_attach_opts, opts);
	int r;

	if (attach->how == ATTACH_XDP_DISPATCHER)
		return err_set(err, -EOPNOTSUPP, "'%s' is shared through a libxdp dispatcher, where a program cannot be replaced without a gap: detach and attach it again.",
			       attach->ifname);
	opts.old_prog_fd = bpf_prog_get_fd_by_id(attach->prog_id);
	if (opts.old_prog_fd < 0)
		return err_set(err, -errno, "program %u of '%s'", attach->prog_id, attach->ifname);
	r = bpf_xdp_attach(attach->ifindex, want->prog_fd,
			   attach->generic ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE, &opts);
	fd_close(opts.old_prog_fd);
	if (r < 0)
		return err_set(err, r, "replace the program of '%s' at xdp", attach->ifname);
	attach->prog_id = attach_prog_id(want->prog_fd);
	attach_pin_del(want->pin_dir, attach->ifindex, attach->hook);
	return attach_pin_add(want, want->prog_fd, err);
}

/* Among what is on the interface: the program with @id, or if that is 0 one of our name */
static struct xdp_program *find(struct xdp_multiprog *multi, uint32_t id)
{
	struct xdp_program *prog = NULL;
	char name[16];

	if (xdp_multiprog__is_legacy(multi)) {
		prog = xdp_multiprog__main_prog(multi);
		return prog && xdp_program__id(prog) == id ? prog : NULL;
	}
	while ((prog = xdp_multiprog__next_prog(prog, multi))) {
		if (id ? xdp_program__id(prog) == id :
		    !strcmp(attach_prog_name(xdp_program__id(prog), name), ATTACH_PROGRAM))
			return prog;
	}
	return NULL;
}

int attach_libxdp_del(const struct attach *attach, const char *pin_dir, struct err *err)
{
	struct xdp_multiprog *multi = xdp_multiprog__get_from_ifindex(attach->ifindex);
	struct xdp_program *prog;
	int r = libxdp_get_error(multi);

	if (r && r != -ENOENT && r != -ENODEV)
		return err_set(err, r, "look for our program on '%s'", attach->ifname);
	prog = r || !multi ? NULL : find(multi, attach->prog_id);
	r = prog ? xdp_program__detach(prog, attach->ifindex, xdp_multiprog__attach_mode(multi),
				       0) : 0;
	if (r == -ENODEV || r == -ENOENT)
		r = 0;
	if (multi && !libxdp_get_error(multi))
		xdp_multiprog__close(multi);
	if (r < 0)
		return err_set(err, r, "detach from '%s' through libxdp", attach->ifname);
	attach_pin_del(pin_dir, attach->ifindex, attach->hook);
	return 0;
}

static uint32_t pinned_id(const char *pin_dir, const struct attach *attach)
{
	enum attach_pin_kind kind;
	uint32_t id;
	int fd;

	fd = attach_pin_open(pin_dir, attach->ifindex, attach->hook, &kind, NULL);
	if (fd < 0)
		return 0;
	id = attach_prog_id(fd);
	fd_close(fd);
	return id;
}

int attach_libxdp_adopt(const char *pin_dir, bool pinned, struct attach *attach, struct err *err)
{
	struct xdp_multiprog *multi = xdp_multiprog__get_from_ifindex(attach->ifindex);
	struct attach_want want = { .ifindex = attach->ifindex, .hook = attach->hook,
				    .pin_dir = pin_dir };
	struct xdp_program *prog = NULL;
	int r = libxdp_get_error(multi);

	if (r == 0 && multi)
		prog = find(multi, pinned ? pinned_id(pin_dir, attach) : 0);
	if (!prog) {
		if (r == 0 && multi)
			xdp_multiprog__close(multi);
		if (pinned)
			attach_pin_del(pin_dir, attach->ifindex, attach->hook);
		if (pinned && attach_is_gone(attach->ifindex))
			return err_set(err, -ENOLINK, "interface '%s' (%u) is gone.",
				       attach->ifname, attach->ifindex);
		return err_set(err, -ENOENT, "nothing of ours is attached to '%s' at xdp.",
			       attach->ifname);
	}
	attach->prog_id = xdp_program__id(prog);
	describe(attach->ifindex, attach);
	attach->why = attach->how == ATTACH_XDP_LIBXDP ? alone : NULL;
	if (!pinned)
		r = attach_pin_add(&want, xdp_program__fd(prog), err);
	xdp_multiprog__close(multi);
	return r;
}
