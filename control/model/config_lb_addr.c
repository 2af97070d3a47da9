// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* config_lb_addr.c - addresses of services and backends */
#include <arpa/inet.h>
#include <string.h>

#include <model/config_lb_read.h>

#define ADDR_BYTES_MAX	64

static struct diag *no_addr(struct config_reader *r, const struct tree *tree, const char *why)
{
	return config_read_error(r, tree, "bad_value", "'%s' is an IP address%s, not '%.60s'",
				 tree->key ? tree->key : "address", why, tree->text);
}

/* One that no machine has, or that says nothing without an interface. NULL: it is fine */
static const char *unfit(const struct shunt_addr *addr, uint8_t l3)
{
	uint32_t v4 = ntohl(addr->v4);

	if (l3 == 4)
		return !v4 ? "that is no address" : v4 == UINT32_MAX ? "that is everybody" :
		       v4 >> 28 == 0xe ? "that is a group" :
		       v4 >> 24 == 127 ? "that is this machine" : NULL;
	if (!addr->half[0] && ntohl(addr->word[2]) == 0xffff)
		return "that is IPv4 in IPv6: write it as IPv4";
	return !addr->half[0] && !addr->half[1] ? "that is no address" :
	       !addr->half[0] && !addr->word[2] && ntohl(addr->word[3]) == 1 ?
	       "that is this machine" :
	       ntohl(addr->word[0]) >> 24 == 0xff ? "that is a group" :
	       ntohl(addr->word[0]) >> 22 == 0xfe80 >> 6 ? "that is one link's" : NULL;
}

/* Return: 4, 6; 0: no address */
static uint8_t parse(const char *text, struct shunt_addr *ret_addr)
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

static bool check(struct config_reader *r, const struct tree *tree, const struct shunt_addr *addr,
		  uint8_t l3)
{
	const char *why = unfit(addr, l3);

	if (!why)
		return true;
	config_read_error(r, tree, "bad_value", "'%s' cannot be %.60s: %s", tree->key, tree->text,
			  why);
	return false;
}

void config_lb_addr(struct config_reader *r, const struct tree *tree, struct shunt_addr *ret_addr,
		    uint8_t *ret_l3)
{
	struct shunt_addr addr;
	uint8_t l3 = parse(tree->text, &addr);

	if (!l3) {
		no_addr(r, tree, "");
	} else if (check(r, tree, &addr, l3)) {
		*ret_addr = addr;
		*ret_l3 = l3;
	}
}

/* "24". Return: more than @max: it is none */
static unsigned int parse_len(const char *text, unsigned int max)
{
	unsigned int len = 0;

	if (!*text || strlen(text) > 3 || strspn(text, "0123456789") != strlen(text))
		return max + 1;
	for (; *text; text++)
		len = 10 * len + *text - '0';
	return len;
}

/* Those behind the prefix go. Return: there were none */
static bool cut(struct shunt_addr *addr, unsigned int len)
{
	bool none = true;
	unsigned int i;
	__be32 mask;

	for (i = 0; i < 4; i++) {
		mask = len >= 32 * (i + 1) ? ~0u :
		       len <= 32 * i ? 0 : htonl(~0u << (32 * (i + 1) - len));
		none = none && !(addr->word[i] & ~mask);
		addr->word[i] &= mask;
	}
	return none;
}

void config_lb_prefix(struct config_reader *r, const struct tree *tree, struct shunt_addr *ret_addr,
		      uint8_t *ret_l3, uint8_t *ret_len)
{
	const char *slash = strchr(tree->text, '/');
	struct shunt_addr addr;
	unsigned int max, len;
	uint8_t l3 = 0;

	if (!slash)
		l3 = parse(tree->text, &addr);
	else if (slash - tree->text < ADDR_BYTES_MAX)
		l3 = parse(arena_strndup(r->arena, tree->text, slash - tree->text), &addr);
	max = l3 == 4 ? 32 : 128;
	len = slash ? parse_len(slash + 1, max) : max;
	if (!l3 || !len || len > max) {
		no_addr(r, tree, " or a prefix of 1 bit or more");
		return;
	}
	if (!cut(&addr, 128 - max + len)) {
		config_read_error(r, tree, "bad_value", "'%s' has bits behind its prefix: '%.60s'",
				  tree->key, tree->text);
		return;
	}
	if (!check(r, tree, &addr, l3))
		return;
	*ret_addr = addr;
	*ret_l3 = l3;
	*ret_len = len;
}
