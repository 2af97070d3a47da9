// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* prefix.c - addresses and prefixes in text */
#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <model/prefix.h>

#define ADDR_BYTES_MAX	64

uint8_t prefix_read_addr(const char *text, struct shunt_addr *ret_addr)
{
	struct shunt_addr addr = { .v4_prefix = { 0, 0, htonl(0xffff) } };
	uint8_t l3 = 0;

	if (inet_pton(AF_INET, text, &addr.v4) == 1)
		l3 = 4;
	else if (inet_pton(AF_INET6, text, &addr) == 1)
		l3 = 6;
	if (l3)
		*ret_addr = addr;
	return l3;
}

/* "24". Return: more than @max: it is none */
static unsigned int read_len(const char *text, unsigned int max)
{
	unsigned int len = 0;

	if (!*text || strlen(text) > 3 || strspn(text, "0123456789") != strlen(text))
		return max + 1;
	for (; *text; text++)
		len = 10 * len + *text - '0';
	return len;
}

struct shunt_addr prefix_open(uint8_t l3, uint8_t len)
{
	unsigned int i, bits = l3 == 4 ? 96 + len : len;
	struct shunt_addr open;

	for (i = 0; i < 4; i++)
		open.word[i] = bits >= 32 * (i + 1) ? 0 :
			       bits <= 32 * i ? ~0u : htonl(~0u >> (bits - 32 * i));
	return open;
}

static bool has_bits(const struct shunt_addr *addr, const struct shunt_addr *open)
{
	return addr->half[0] & open->half[0] || addr->half[1] & open->half[1];
}

int prefix_read(const char *text, struct shunt_addr *ret_addr, uint8_t *ret_l3, uint8_t *ret_len)
{
	const char *slash = strchr(text, '/');
	size_t n = slash ? (size_t)(slash - text) : strlen(text);
	char addr_text[ADDR_BYTES_MAX] = "";
	struct shunt_addr addr, open;
	unsigned int max, len;
	uint8_t l3;

	if (n >= sizeof(addr_text))
		return -EINVAL;
	memcpy(addr_text, text, n);
	l3 = prefix_read_addr(addr_text, &addr);
	max = l3 == 4 ? 32 : 128;
	len = slash ? read_len(slash + 1, max) : max;
	if (!l3 || len > max)
		return -EINVAL;
	open = prefix_open(l3, len);
	if (has_bits(&addr, &open))
		return -EDOM;
	*ret_addr = addr;
	*ret_l3 = l3;
	*ret_len = len;
	return 0;
}

void prefix_print(const struct shunt_prefix *prefix, struct buf *buf)
{
	bool six = prefix->addr.half[0] || prefix->addr.word[2] != htonl(0xffff) ||
		   prefix->open.half[0] || prefix->open.word[2];
	unsigned int i, open = 0, bits = six ? 128 : 32;
	char text[INET6_ADDRSTRLEN];

	for (i = 0; i < 4; i++)
		open += __builtin_popcount(prefix->open.word[i]);
	inet_ntop(six ? AF_INET6 : AF_INET,
		  six ? (const void *)&prefix->addr : &prefix->addr.v4, text, sizeof(text));
	if (open)
		buf_printf(buf, "%s/%u", text, bits - open);
	else
		buf_str(buf, text);
}
