// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* netlink_attr.c - attributes of rtnetlink messages */
#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

#include <kernel/netlink_attr.h>

bool attr_addr_read(int family, const void *bytes, unsigned int len, struct shunt_addr *ret_addr)
{
	*ret_addr = (struct shunt_addr){};
	if (family == AF_INET && len >= 4) {
		ret_addr->v4_prefix[2] = htonl(0xffff);
		memcpy(&ret_addr->v4, bytes, 4);
		return true;
	}
	if (family == AF_INET6 && len >= 16) {
		memcpy(ret_addr, bytes, 16);
		return true;
	}
	return false;
}

bool attr_addr(int family, struct nlattr *attr, struct shunt_addr *ret_addr)
{
	if (attr)
		return attr_addr_read(family, nla_data(attr), nla_len(attr), ret_addr);
	*ret_addr = (struct shunt_addr){};
	return false;
}

int attr_addr_any(struct nlattr *attr, struct shunt_addr *ret_addr)
{
	int family = !attr ? 0 : nla_len(attr) == 4 ? AF_INET : nla_len(attr) == 16 ? AF_INET6 : 0;

	return attr_addr(family, attr, ret_addr) ? family : 0;
}

bool attr_prefix(int family, unsigned int bits, struct nlattr *attr, struct shunt_addr *ret_addr)
{
	static const uint8_t zero[16];

	if (bits > (family == AF_INET ? 32 : 128))
		return false;
	if (attr)
		return attr_addr(family, attr, ret_addr);
	return !bits && attr_addr_read(family, zero, sizeof(zero), ret_addr);
}

bool attr_mac(struct nlattr *attr, uint8_t ret_mac[6])
{
	if (!attr || nla_len(attr) != 6)
		return false;
	memcpy(ret_mac, nla_data(attr), 6);
	return true;
}
