// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* config_lb_addr.c - addresses of services and backends */
#include <arpa/inet.h>
#include <string.h>

#include <model/config_lb_read.h>
#include <model/prefix.h>

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
	uint8_t l3 = prefix_read_addr(tree->text, &addr);

	if (!l3) {
		no_addr(r, tree, "");
	} else if (check(r, tree, &addr, l3)) {
		*ret_addr = addr;
		*ret_l3 = l3;
	}
}

void config_lb_prefix(struct config_reader *r, const struct tree *tree, struct shunt_addr *ret_addr,
		      uint8_t *ret_l3, uint8_t *ret_len)
{
	struct shunt_addr addr;
	uint8_t l3, len;
	int e = prefix_read(tree->text, &addr, &l3, &len);

	if (e == -EDOM) {
		config_read_error(r, tree, "bad_value", "'%s' has bits behind its prefix: '%.60s'",
				  tree->key, tree->text);
		return;
	}
	if (e < 0 || !len) {
		no_addr(r, tree, " or a prefix of 1 bit or more");
		return;
	}
	if (!check(r, tree, &addr, l3))
		return;
	*ret_addr = addr;
	*ret_l3 = l3;
	*ret_len = len;
}
