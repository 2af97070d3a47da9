// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * attach_xdp.c - XDP by a link of our own: modes, and why one was refused
 *
 * BPF_LINK_CREATE says no more than an errno; this file knows what drivers
 * mean by it.
 */
#include <errno.h>
#include <linux/if_link.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <base/file.h>
#include <kernel/attach_parts.h>
#include <shunt/abi.h>

static const char elsewhere[] = "the interface is in another network namespace";

/* Why native mode was refused: for status, and for the operator who wanted native mode only */
static const struct refusal {
	int code;
	const char *why;
	const char *advice;
} refusals[] = {
	{ EOPNOTSUPP, "driver has no native XDP",
	  "allow generic mode ('mode: auto'), or attach at tc-ingress" },
	{ ENOSPC, "fewer rx queues than the peer has tx queues",
	  "give this interface at least as many rx queues as its peer has tx queues (ethtool -L), or allow generic mode ('mode: auto')" },
	{ ERANGE, "MTU too large for the driver in native mode",
	  "lower the MTU, or allow generic mode ('mode: auto')" },
	{ EINVAL, "driver refuses native XDP as the interface is set up",
	  "turn LRO off and see the kernel log for the driver's reason, or allow generic mode ('mode: auto')" },
	{ ENOMEM, "driver has not the memory for native XDP",
	  "use fewer or shorter rings (ethtool -L, -G), or allow generic mode ('mode: auto')" },
};

static const struct refusal *refusal_find(int code)
{
	for (unsigned int i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
		if (refusals[i].code == -code)
			return &refusals[i];
	return NULL;
}

int attach_xdp_query(uint32_t ifindex, uint32_t *ret_id, bool *ret_generic)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, opts);
	int r;

	r = bpf_xdp_query(ifindex, 0, &opts);
	if (r < 0)
		return r;
	*ret_generic = opts.attach_mode == XDP_ATTACHED_SKB;
	*ret_id = opts.drv_prog_id ? opts.drv_prog_id :
		  opts.skb_prog_id ? opts.skb_prog_id :
		  opts.hw_prog_id ? opts.hw_prog_id : opts.prog_id;
	return 0;
}

static int say_foreign(const struct attach_want *want, int code, struct err *err)
{
	bool generic = false;
	uint32_t id = 0;
	char name[16];

	if (attach_xdp_query(want->ifindex, &id, &generic) < 0 || !id)
		return err_set(err, code, "attach XDP to '%s'", want->ifname);
	attach_prog_name(id, name);
	return err_set(err, -EBUSY,
		       "interface '%s' has XDP program '%s' (id %u, %s mode) of somebody else: remove it ('ip link set dev %s xdp%s off', or the tool that put it there), or load it through libxdp and say 'share: true'.",
		       want->ifname, name, id, generic ? "generic" : "native",
		       want->ifname, generic ? "generic" : "");
}

static int try_mode(const struct attach_want *want, uint32_t flags, attach_xdp_try try,
		    struct attach *ret_attach, struct err *err)
{
	int r;

	r = try(want, flags, ret_attach, err);
	if (r == 0)
		return 0;
	/* A link to no interface is EINVAL */
	if (r == -ENODEV || attach_is_gone(want->ifindex))
		return err_set(err, -ENODEV, "interface '%s' is gone.", want->ifname);
	if (r == -EBUSY || r == -EEXIST)
		return say_foreign(want, r, err);
	return r;
}

int attach_xdp_modes(const struct attach_want *want, attach_xdp_try try,
		     struct attach *ret_attach, struct err *err)
{
	const struct refusal *refusal;
	struct attach attach;
	int r;

	if (want->mode == CONFIG_MODE_GENERIC)
		return try_mode(want, XDP_FLAGS_SKB_MODE, try, ret_attach, err);
	r = try_mode(want, XDP_FLAGS_DRV_MODE, try, ret_attach, err);
	refusal = r < 0 ? refusal_find(r) : NULL;
	if (!refusal)
		return r;
	if (want->mode == CONFIG_MODE_NATIVE) {
		err_set(err, -EOPNOTSUPP, "no native XDP on '%s': %s; %s.", want->ifname,
			refusal->why, refusal->advice);
		return -EOPNOTSUPP;
	}
	r = try_mode(want, XDP_FLAGS_SKB_MODE, try, &attach, err);
	if (r < 0)
		return r;
	attach.why = attach.why ? attach.why : refusal->why;
	*ret_attach = attach;
	return 0;
}

static int try_link(const struct attach_want *want, uint32_t flags, struct attach *ret_attach,
		    struct err *err)
{
	int r = attach_link_create(want, flags, ATTACH_XDP_LINK, ret_attach, err);

	if (r == 0)
		ret_attach->generic = flags & XDP_FLAGS_SKB_MODE;
	return r;
}

int attach_xdp_add(const struct attach_want *want, struct attach *ret_attach, struct err *err)
{
	return attach_xdp_modes(want, try_link, ret_attach, err);
}

/* The pin's link, or what libxdp has. A link's mode is the interface's, if that is here */
int attach_xdp_adopt(const char *pin_dir, struct attach *attach, struct err *err)
{
	enum attach_pin_kind kind;
	bool generic = false;
	uint32_t id = 0;
	int fd, r;

	fd = attach_pin_open(pin_dir, attach->ifindex, attach->hook, &kind, err);
	if (fd < 0 && fd != -ENOENT)
		return fd;
	if (fd == -ENOENT || kind == ATTACH_PIN_PROG) {
		fd_close(fd < 0 ? -1 : fd);
		return attach_libxdp_adopt(pin_dir, fd >= 0, attach, err);
	}
	r = attach_link_adopt(fd, pin_dir, attach, err);
	if (r < 0)
		return r;
	attach->how = ATTACH_XDP_LINK;
	if (attach_xdp_query(attach->ifindex, &id, &generic) < 0 || id != attach->prog_id)
		attach->why = elsewhere;
	attach->generic = generic && !attach->why;
	return 0;
}
