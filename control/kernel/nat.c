// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* nat.c - table 'nat_addrs': what 'masquerade' takes at an interface */
#include <errno.h>
#include <stdio.h>

#include <bpf/bpf.h>

#include <kernel/nat.h>
#include <kernel/pins.h>

int nat_addrs_open(const char *bpffs)
{
	char path[PINS_PATH_MAX];

	snprintf(path, sizeof(path), "%s/nat_addrs", bpffs);
	return pins_get(path);
}

int nat_addrs_put(int fd, uint32_t ifindex, const struct nat_addrs *addrs)
{
	int r = addrs ? bpf_map_update_elem(fd, &ifindex, addrs, BPF_ANY) :
			bpf_map_delete_elem(fd, &ifindex);

	return r < 0 ? -errno : 0;
}

int nat_addrs_next(int fd, uint32_t *ifindex, struct nat_addrs *ret_addrs)
{
	struct nat_addrs addrs = {};
	uint32_t next;

	if (bpf_map_get_next_key(fd, *ifindex ? ifindex : NULL, &next) < 0)
		return -ENOENT;
	*ifindex = next;
	if (bpf_map_lookup_elem(fd, ifindex, &addrs) < 0)
		return -ENOENT;		/* nobody else takes one out */
	*ret_addrs = addrs;
	return 0;
}
