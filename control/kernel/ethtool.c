// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* ethtool.c - offloads of an interface, by SIOCETHTOOL */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <linux/ethtool.h>
#include <linux/sockios.h>

#include <base/file.h>
#include <kernel/ethtool.h>

static int request(int fd, const char *ifname, void *data)
{
	struct ifreq req = { .ifr_data = data };

	snprintf(req.ifr_name, sizeof(req.ifr_name), "%s", ifname);
	return ioctl(fd, SIOCETHTOOL, &req) < 0 ? -errno : 0;
}

/* What a driver does not know of is off */
static int get_value(int fd, const char *ifname, uint32_t cmd, uint32_t *ret_value)
{
	struct ethtool_value value = { .cmd = cmd };
	int r = request(fd, ifname, &value);

	if (r < 0 && r != -EOPNOTSUPP)
		return r;
	*ret_value = r < 0 ? 0 : value.data;
	return 0;
}

static int get_all(int fd, const char *ifname, struct ethtool_features *features)
{
	struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };
	uint32_t gro, csum, tso, flags;
	int r;

	r = request(fd, ifname, &info);
	if (r < 0 && r != -EOPNOTSUPP)
		return r;
	/* both are 32 bytes */
	memcpy(features->driver, info.driver, sizeof(features->driver) - 1);
	if ((r = get_value(fd, ifname, ETHTOOL_GGRO, &gro)) < 0 ||
	    (r = get_value(fd, ifname, ETHTOOL_GTXCSUM, &csum)) < 0 ||
	    (r = get_value(fd, ifname, ETHTOOL_GTSO, &tso)) < 0 ||
	    (r = get_value(fd, ifname, ETHTOOL_GFLAGS, &flags)) < 0)
		return r;
	features->gro = gro;
	features->tx_checksum = csum;
	features->tso = tso;
	features->lro = flags & ETH_FLAG_LRO;
	features->rx_vlan = flags & ETH_FLAG_RXVLAN;
	features->tx_vlan = flags & ETH_FLAG_TXVLAN;
	return 0;
}

int ethtool_get(const char *ifname, struct ethtool_features *ret_features, struct err *err)
{
	struct ethtool_features features = {};
	int fd, r;

	if (strlen(ifname) >= IFNAMSIZ)
		return err_set(err, -ENODEV, "offloads of '%s'", ifname);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_set(err, -errno, "socket for offloads");
	r = get_all(fd, ifname, &features);
	fd_close(fd);
	if (r < 0)
		return err_set(err, r, "offloads of '%s'", ifname);
	*ret_features = features;
	return 0;
}

static int stat_count(int fd, const char *ifname, uint32_t *ret_count)
{
	uint64_t room[3] = {};		/* the header, and one count behind it */
	struct ethtool_sset_info *info = (struct ethtool_sset_info *)room;
	int r;

	info->cmd = ETHTOOL_GSSET_INFO;
	info->sset_mask = 1ULL << ETH_SS_STATS;
	r = request(fd, ifname, info);
	if (r == 0)
		*ret_count = info->sset_mask ? info->data[0] : 0;
	return r;
}

static int stat_read(int fd, const char *ifname, const char *name, uint32_t n, uint64_t *ret_value)
{
	struct ethtool_gstrings *names = calloc(1, sizeof(*names) + n * ETH_GSTRING_LEN);
	struct ethtool_stats *stats = calloc(1, sizeof(*stats) + n * sizeof(uint64_t));
	int r = -ENOMEM;
	uint32_t i;

	if (!names || !stats)
		goto out;
	names->cmd = ETHTOOL_GSTRINGS;
	names->string_set = ETH_SS_STATS;
	names->len = n;
	stats->cmd = ETHTOOL_GSTATS;
	stats->n_stats = n;
	r = request(fd, ifname, names);
	if (r == 0)
		r = request(fd, ifname, stats);
	if (r < 0)
		goto out;
	r = -ENOENT;
	for (i = 0; r < 0 && i < n; i++) {
		if (strncmp((char *)names->data + i * ETH_GSTRING_LEN, name, ETH_GSTRING_LEN))
			continue;
		*ret_value = stats->data[i];
		r = 0;
	}
out:
	free(names);
	free(stats);
	return r;
}

int ethtool_stat(const char *ifname, const char *name, uint64_t *ret_value)
{
	uint32_t n;
	int fd, r;

	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	r = stat_count(fd, ifname, &n);
	if (r == 0)
		r = n ? stat_read(fd, ifname, name, n, ret_value) : -ENOENT;
	fd_close(fd);
	return r;
}
