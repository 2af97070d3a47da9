/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* ethtool.h - offloads of an interface, by SIOCETHTOOL: what XDP's known traps depend on */
#ifndef KERNEL_ETHTOOL_H
#define KERNEL_ETHTOOL_H

#include <stdbool.h>
#include <stdint.h>

#include <base/err.h>

struct ethtool_features {
	bool gro, lro, tx_checksum, tso;
	bool rx_vlan, tx_vlan;		/* tag stripped or put by the driver: XDP does not see it */
	char driver[32];
};

/* In the caller's namespace. Return: 0 or -errno */
int ethtool_get(const char *ifname, struct ethtool_features *ret_features, struct err *err);

/* One of the driver's own statistics by name. Return: 0; -ENOENT; -errno */
int ethtool_stat(const char *ifname, const char *name, uint64_t *ret_value);

#endif
