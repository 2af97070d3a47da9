/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* nat.h - table 'nat_addrs' (lib/nat.h): what 'masquerade' takes at an interface */
#ifndef KERNEL_NAT_H
#define KERNEL_NAT_H

#include <stdint.h>

#include "../../dataplane/lib/nat.h"

/* As shared_open() has pinned it. Return: new fd, or -errno */
int nat_addrs_open(const char *bpffs);
/* @addrs: NULL: the interface has none. Return: 0 or -errno */
int nat_addrs_put(int fd, uint32_t ifindex, const struct nat_addrs *addrs);
/* The interface behind *ifindex; 0: the first. Return: 0; -ENOENT: there is none */
int nat_addrs_next(int fd, uint32_t *ifindex, struct nat_addrs *ret_addrs);

#endif
