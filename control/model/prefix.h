/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* prefix.h - addresses and prefixes in text */
#ifndef MODEL_PREFIX_H
#define MODEL_PREFIX_H

#include <stdint.h>

#include <base/buf.h>
#include <shunt/packet.h>

/* "192.0.2.1", "2001:db8::1". Return: 4, 6; 0: no address, and @ret_addr is as it was */
uint8_t prefix_read_addr(const char *text, struct shunt_addr *ret_addr);

/**
 * prefix_read() - "192.0.2.0/24", or an address: a prefix of all its bits
 * @ret_l3:	4, 6
 * @ret_len:	Bits of the prefix, of the family
 * Return: 0; -EINVAL: it is none; -EDOM: the address has bits behind the prefix
 */
int prefix_read(const char *text, struct shunt_addr *ret_addr, uint8_t *ret_l3, uint8_t *ret_len);

/* Bits of an address that are behind a prefix; @l3, @len: as above */
struct shunt_addr prefix_open(uint8_t l3, uint8_t len);

/* As prefix_read() takes it */
void prefix_print(const struct shunt_prefix *prefix, struct buf *buf);

#endif
