// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * attach.c - programs on interfaces: which way, and what is there
 *
 * DOC: Each way is a file: attach_xdp.c (a link of our own), attach_libxdp.c
 * (a dispatcher that others use too), attach_tc.c (tcx, clsact);
 * attach_link.c and attach_pin.c are what they stand on.
 *
 * $SHUNT_NO_TCX=1 makes tc use clsact although the kernel has tcx: so both are
 * tested on every kernel.
 */
#include <errno.h>
#include <string.h>

#include <kernel/attach_parts.h>
#include <shunt/abi.h>

static bool dispatcher_is_there(uint32_t ifindex)
{
	uint32_t id = 0;
	char name[16];
	bool generic;

	return attach_xdp_query(ifindex, &id, &generic) == 0 && id &&
	       !strcmp(attach_prog_name(id, name), "xdp_dispatcher");
}

/* What a deleted interface left behind is in nobody's way: adopting it removes its pin */
static int must_be_free(const struct attach_want *want, struct err *err)
{
	struct attach there;
	int r;

	if (!attach_pin_is(want->pin_dir, want->ifindex, want->hook))
		return 0;
	r = attach_adopt(want->ifindex, want->ifname, want->hook, want->pin_dir, &there, err);
	if (r == 0)
		return err_set(err, -EEXIST, "'%s' (%u) at %s is attached already%s%s.",
			       want->ifname, want->ifindex, attach_pin_hook(want->hook),
			       there.why ? ": " : "", there.why ? there.why : "");
	return r == -ENOENT || r == -ENOLINK ? 0 : r;
}

int attach_add(const struct attach_want *want, struct attach *ret_attach, struct err *err)
{
	int r;

	r = attach_pin_ready(want->pin_dir, err);
	if (r == 0)
		r = must_be_free(want, err);
	if (r < 0)
		return r;
	if (want->hook != SHUNT_HOOK_XDP)
		return attach_tc_add(want, ret_attach, err);
	if (want->share || dispatcher_is_there(want->ifindex))
		return attach_libxdp_add(want, ret_attach, err);
	return attach_xdp_add(want, ret_attach, err);
}

int attach_replace(struct attach *attach, const struct attach_want *want, struct err *err)
{
	switch (attach->how) {
	case ATTACH_XDP_LINK:
	case ATTACH_TCX:
		return attach_link_replace(attach, want, err);
	case ATTACH_XDP_DISPATCHER:
	case ATTACH_XDP_LIBXDP:
		return attach_libxdp_replace(attach, want, err);
	case ATTACH_CLSACT:
		return attach_tc_replace(attach, want, err);
	}
	return err_set(err, -EINVAL, "replace at '%s'", attach->ifname);
}

int attach_del(const struct attach *attach, const char *pin_dir, struct err *err)
{
	switch (attach->how) {
	case ATTACH_XDP_LINK:
	case ATTACH_TCX:
		return attach_link_del(attach, pin_dir, err);
	case ATTACH_XDP_DISPATCHER:
	case ATTACH_XDP_LIBXDP:
		return attach_libxdp_del(attach, pin_dir, err);
	case ATTACH_CLSACT:
		return attach_tc_del(attach, pin_dir, err);
	}
	return err_set(err, -EINVAL, "detach from '%s'", attach->ifname);
}

int attach_adopt(uint32_t ifindex, const char *ifname, uint32_t hook, const char *pin_dir,
		 struct attach *ret_attach, struct err *err)
{
	struct attach attach;
	int r;

	attach_fill(&attach, ifindex, ifname, hook);
	if (hook == SHUNT_HOOK_XDP)
		r = attach_xdp_adopt(pin_dir, &attach, err);
	else
		r = attach_tc_adopt(pin_dir, &attach, err);
	if (r == 0)
		*ret_attach = attach;
	return r;
}
