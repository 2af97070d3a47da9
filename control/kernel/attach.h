/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * attach.h - programs on interfaces
 *
 * DOC: XDP: our own bpf_link, pinned, when the interface is free; through libxdp
 * when a libxdp dispatcher is there or the configuration shares the interface.
 * A foreign program is never touched: it is named in the error. TC: a tcx link
 * where the kernel has it (tried, never guessed by version), pinned, else
 * clsact and a filter with our fixed handle and priority. Pins survive the
 * daemon; a restarted one adopts them.
 */
#ifndef KERNEL_ATTACH_H
#define KERNEL_ATTACH_H

#include <stdbool.h>
#include <stdint.h>

#include <net/if.h>

#include <base/err.h>
#include <model/config.h>

#define ATTACH_TC_PRIORITY	0x5348	/* clsact filter: 'SH' */
#define ATTACH_TC_HANDLE	0x1

enum attach_how {
	ATTACH_XDP_LINK,		/* own bpf_link */
	ATTACH_XDP_DISPATCHER,		/* component of a libxdp dispatcher */
	ATTACH_XDP_LIBXDP,		/* without dispatcher: the kernel refused it; alone */
	ATTACH_TCX,
	ATTACH_CLSACT,
};

struct attach {
	uint32_t ifindex;
	char ifname[IFNAMSIZ];		/* when it was attached; for messages */
	uint32_t hook;			/* one SHUNT_HOOK_* */
	enum attach_how how;
	bool generic;			/* XDP: generic mode is really in use */
	uint32_t prog_id;		/* the gate */
	const char *why;		/* how it came to be so: static; NULL: as wanted */
};

struct attach_want {
	uint32_t ifindex;
	const char *ifname;
	uint32_t hook;
	int prog_fd;			/* the gate; a dispatcher takes file and maps instead */
	enum config_mode mode;
	bool share;
	int priority;
	const char *pin_dir;		/* bpffs folder: IFINDEX-HOOK (a dot is not allowed) */
	const char *gate_path;		/* object file of the gate, for libxdp */
	uint32_t gate_slot;		/* rodata shunt_gate_slot, for libxdp */
	int entry_fd, miss_fd;		/* maps of the gate, for libxdp */
};

/**
 * attach_add() - Attach, pin
 * Return: 0; -EBUSY: a foreign program is there (text: its id and name, and what to do);
 *	   -EOPNOTSUPP: no native mode and generic not allowed; -ENODEV: gone; -errno
 */
int attach_add(const struct attach_want *want, struct attach *ret_attach, struct err *err);

/**
 * attach_replace() - Another gate in place of the one there, without a gap
 */
int attach_replace(struct attach *attach, const struct attach_want *want, struct err *err);

/* Detach (also from an interface that left the namespace), unpin. A severed link is no error */
int attach_del(const struct attach *attach, const char *pin_dir, struct err *err);

/**
 * attach_adopt() - What a pin (or a dispatcher, or clsact) holds
 * @ifindex, @hook: Where it is said to be
 * Return: 0; -ENOENT: nothing of ours is there; -ENOLINK: the interface is gone, and now the pin
 */
int attach_adopt(uint32_t ifindex, const char *ifname, uint32_t hook, const char *pin_dir,
		 struct attach *ret_attach, struct err *err);

/* Pins in @pin_dir: ifindex and hook of each. Return: number, or -errno; the caller frees */
struct attach_pin {
	uint32_t ifindex;
	uint32_t hook;
};
int attach_pins(const char *pin_dir, struct attach_pin **ret_pin, struct err *err);

#endif
