/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* attach_parts.h - what attach.c and its ways of attaching share; nobody else includes it */
#ifndef KERNEL_ATTACH_PARTS_H
#define KERNEL_ATTACH_PARTS_H

#include <limits.h>

#include <kernel/attach.h>

#define ATTACH_PROGRAM	"shunt_gate"	/* name of our program in the kernel */

/* ---- attach_pin.c: every attachment has a pin, IFINDEX-HOOK: the link, or the program where
 * there is no link. It is how a restarted daemon learns what it left behind.
 */
enum attach_pin_kind { ATTACH_PIN_LINK, ATTACH_PIN_PROG };

/* Make the folder. Return: 0; -ENOTDIR: it is not in a bpffs; -errno */
int attach_pin_ready(const char *pin_dir, struct err *err);
bool attach_pin_is(const char *pin_dir, uint32_t ifindex, uint32_t hook);
int attach_pin_add(const struct attach_want *want, int fd, struct err *err);
/* Return: fd, or -ENOENT: no such pin, or -errno */
int attach_pin_open(const char *pin_dir, uint32_t ifindex, uint32_t hook,
		    enum attach_pin_kind *ret_kind, struct err *err);
void attach_pin_del(const char *pin_dir, uint32_t ifindex, uint32_t hook);

/* By attachment: "IFINDEX-clsact" says that its qdisc was made by us, so ours to remove */
int attach_pin_qdisc_add(const char *pin_dir, uint32_t ifindex, int prog_fd);
bool attach_pin_qdisc_is(const char *pin_dir, uint32_t ifindex);
void attach_pin_qdisc_del(const char *pin_dir, uint32_t ifindex);

const char *attach_pin_hook(uint32_t hook);	/* "xdp", "tc-ingress", "tc-egress" */

/* ---- attach_link.c: bpf_links, XDP and tcx alike */
int attach_link_create(const struct attach_want *want, uint32_t flags, enum attach_how how,
		       struct attach *ret_attach, struct err *err);
int attach_link_replace(struct attach *attach, const struct attach_want *want, struct err *err);
int attach_link_del(const struct attach *attach, const char *pin_dir, struct err *err);
/* Takes @fd. Return: 0; -ENOLINK: severed, unpinned */
int attach_link_adopt(int fd, const char *pin_dir, struct attach *attach, struct err *err);

/* A loaded program's id (0: not to be had); its name by id ("?": not to be had) */
uint32_t attach_prog_id(int prog_fd);
const char *attach_prog_name(uint32_t id, char name[16]);
bool attach_is_gone(uint32_t ifindex);	/* no such interface in this namespace */
void attach_fill(struct attach *attach, uint32_t ifindex, const char *ifname, uint32_t hook);

/* ---- attach_xdp.c */
int attach_xdp_add(const struct attach_want *want, struct attach *ret_attach, struct err *err);
int attach_xdp_adopt(const char *pin_dir, struct attach *attach, struct err *err);

/* One mode after the other, as @want allows. @try attaches with XDP_FLAGS_*_MODE */
typedef int (*attach_xdp_try)(const struct attach_want *want, uint32_t flags,
			      struct attach *ret_attach, struct err *err);
int attach_xdp_modes(const struct attach_want *want, attach_xdp_try try,
		     struct attach *ret_attach, struct err *err);
/* The program on the interface (0: none), and whether in generic mode. Return: 0 or -errno */
int attach_xdp_query(uint32_t ifindex, uint32_t *ret_id, bool *ret_generic);

/* ---- attach_libxdp.c */
int attach_libxdp_add(const struct attach_want *want, struct attach *ret_attach, struct err *err);
int attach_libxdp_replace(struct attach *attach, const struct attach_want *want, struct err *err);
int attach_libxdp_del(const struct attach *attach, const char *pin_dir, struct err *err);
/* @pinned: there is a pin that says so. Return: 0; -ENOENT: no program of ours is there; -ENODEV */
int attach_libxdp_adopt(const char *pin_dir, bool pinned, struct attach *attach, struct err *err);

/* ---- attach_tc.c */
int attach_tc_add(const struct attach_want *want, struct attach *ret_attach, struct err *err);
int attach_tc_replace(struct attach *attach, const struct attach_want *want, struct err *err);
int attach_tc_del(const struct attach *attach, const char *pin_dir, struct err *err);
int attach_tc_adopt(const char *pin_dir, struct attach *attach, struct err *err);

#endif
