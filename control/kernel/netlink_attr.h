/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* netlink_attr.h - attributes of rtnetlink messages */
#ifndef KERNEL_NETLINK_ATTR_H
#define KERNEL_NETLINK_ATTR_H

#include <stdbool.h>
#include <stdint.h>

#include <netlink/attr.h>

#include <shunt/packet.h>

static inline uint32_t attr_u32(struct nlattr *attr)	/* 0: none */
{
	return attr ? nla_get_u32(attr) : 0;
}

static inline uint16_t attr_u16(struct nlattr *attr)
{
	return attr ? nla_get_u16(attr) : 0;
}

static inline uint8_t attr_u8(struct nlattr *attr)
{
	return attr ? nla_get_u8(attr) : 0;
}

/* IPv4 as ::ffff:a.b.c.d. Return: false: neither family, or too short; @ret_addr is zero then */
bool attr_addr_read(int family, const void *bytes, unsigned int len, struct shunt_addr *ret_addr);
bool attr_addr(int family, struct nlattr *attr, struct shunt_addr *ret_addr);
/* By its length. Return: family; 0: neither */
int attr_addr_any(struct nlattr *attr, struct shunt_addr *ret_addr);
/* A prefix that may be left out where it is of no bits. Return: false: it is malformed */
bool attr_prefix(int family, unsigned int bits, struct nlattr *attr, struct shunt_addr *ret_addr);
bool attr_mac(struct nlattr *attr, uint8_t ret_mac[6]);

#endif
