/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* flowmodel_nat_world.h - translations by number (flowtag.h), for the product and for the model */
#ifndef TESTS_FLOWMODEL_NAT_WORLD_H
#define TESTS_FLOWMODEL_NAT_WORLD_H

#include <arpa/inet.h>

#include <kernel/nat.h>

#include "../lib/flowtag.h"
#include "flowmodel_side.h"

/* A kind, and what goes with it: prefix length, or ports from and to */
struct nat_text {
	char kind;			/* 'r' range, 's' range, persistent, 'p' prefix, 'o' own, 'x' gone */
	const char *first, *last;	/* last: NULL: the same */
	unsigned int len, from, to;	/* from, to: 0: any port */
};

/*
 * By number: for IPv4 and IPv6, of the source and of the target. Some addresses are those of hosts that
 * flowgen.c has, so that translated flows and others are in each other's way
 */
static const struct nat_text nat_texts[FLOWTAG_NATS][2][2] = {
	[1] = { { { 'r', "203.0.113.1" } }, { { 'r', "2001:db8:f::1" } } },
	[2] = { { { 'o' } }, { { 'o' } } },
	[4] = { { { 'r', "203.0.113.1", "203.0.113.8" } },
		{ { 'r', "2001:db8:f::fffe", "2001:db8:f::1:2" } } },
	[5] = { { { 's', "203.0.113.254", "203.0.114.3" } },
		{ { 's', "2001:db8:f::20", "2001:db8:f::27" } } },
	[6] = { { { 'r', "203.0.113.1", .from = 2000, .to = 2003 } },
		{ { 'r', "2001:db8:f::1", .from = 2000, .to = 2003 } } },
	[8] = { { [1] = { 'r', "10.0.2.1" } }, { [1] = { 'r', "fd00:0:0:201::" } } },
	[9] = { { [1] = { 'r', "10.0.0.80", .from = 8080, .to = 8080 } },
		{ [1] = { 'r', "fd00::80", .from = 8080, .to = 8080 } } },
	[10] = { { [1] = { 'r', "10.0.2.1", .from = 77, .to = 88 } },
		 { [1] = { 'r', "fd00:0:0:201::", .from = 77, .to = 88 } } },
	[12] = { { [1] = { 'r', "10.0.2.0", "10.0.2.3" } },
		 { [1] = { 'r', "fd00::80", "fd00::83" } } },
	[13] = { { { 'p', "198.18.16.0", .len = 20 } }, { { 'p', "2001:db8:d049::", .len = 48 } } },
	[14] = { { { 'p', "198.18.7.0", .len = 24 } }, { { 'p', "2001:db8:1:ff00::", .len = 56 } } },
	[16] = { { [1] = { 'p', "10.0.7.0", .len = 24 } },
		 { [1] = { 'p', "fd01:203:405::", .len = 48 } } },
	[17] = { { { 'r', "10.0.0.255" }, { 'r', "10.0.2.1" } },
		 { { 'r', "fd00::ff" }, { 'r', "fd00:0:0:201::" } } },
	[18] = { { { 'o' }, { 'r', "10.0.2.1" } }, { { 'o' }, { 'r', "fd00::201" } } },
	[20] = { { { 'r', "10.0.1.2" } }, { { 'r', "fd00:0:0:102::" } } },
	[21] = { { { 'r', "203.0.113.1", .from = 256, .to = 287 } },
		 { { 'r', "2001:db8:f::1", .from = 256, .to = 287 } } },
	[22] = { { { 'r', "2001:db8:f::1" } }, { { 'r', "203.0.113.1" } } },
	[24] = { { { 'o' }, { 'x' } }, { { 'o' }, { 'x' } } },
	[25] = { { { 'o', .from = 60000, .to = 60001 } }, { { 'o', .from = 60000, .to = 60001 } } },
	[26] = { { { 'r', "203.0.113.1", .from = 2000, .to = 2003 },
		   { 'r', "10.0.2.1", .from = 80, .to = 80 } },
		 { { 'r', "2001:db8:f::1", .from = 2000, .to = 2003 },
		   { 'r', "fd00::201", .from = 80, .to = 80 } } },
	[28] = { { [1] = { 'p', "10.1.0.0", .len = 16 } },
		 { [1] = { 'p', "fd01:203:405:6700::", .len = 56 } } },
	[29] = { { { 'r', "203.0.113.1", "203.0.113.2", .from = 2000, .to = 2001 } },
		 { { 'r', "2001:db8:f::1", "2001:db8:f::2", .from = 2000, .to = 2001 } } },
	[30] = { { { 's', "203.0.113.1", "203.0.113.2", .from = 2000, .to = 2040 },
		   { 's', "10.0.2.0", "10.0.2.3", .from = 8000, .to = 8009 } },
		 { { 's', "2001:db8:f::1", "2001:db8:f::2", .from = 2000, .to = 2040 },
		   { 's', "fd00::80", "fd00::83", .from = 8000, .to = 8009 } } },
};

static struct flownat_rule nat_rules[FLOWTAG_NATS][2][2];
static uint32_t nat_has[2];		/* bits by number: source, target */
static unsigned long nat_met[FLOWTAG_NATS];

/* IPv4 behind ::ffff:0:0, as in the packet context */
static struct shunt_addr nat_wide(const uint8_t *addr, bool four)
{
	struct shunt_addr wide = { .v4_prefix = { 0, 0, htonl(0xffff) } };

	memcpy(four ? (void *)&wide.v4 : (void *)&wide, addr, four ? 4 : 16);
	return wide;
}

static void nat_read(const struct nat_text *text, struct flownat_rule *ret)
{
	const char *last = text->last ? text->last : text->first;
	int family = text->first && strchr(text->first, ':') ? AF_INET6 : AF_INET;

	*ret = (struct flownat_rule){ .len = text->len, .persistent = text->kind == 's',
				      .ports = text->to, .port_first = text->from,
				      .port_last = text->to };
	ret->kind = text->kind == 'x' ? FLOWNAT_NONE : text->kind == 'o' ? FLOWNAT_OWN :
		    text->kind == 'p' ? FLOWNAT_PREFIX : FLOWNAT_RANGE;
	if (!text->first)
		return;
	ret->version = family == AF_INET6 ? 6 : 4;
	assert_int_equal(inet_pton(family, text->first, ret->first), 1);
	assert_int_equal(inet_pton(family, last, ret->last), 1);
}

static void nat_read_all(void)
{
	unsigned int n, six, dnat;

	nat_has[0] = nat_has[1] = 0;
	for (n = 0; n < FLOWTAG_NATS; n++)
		for (six = 0; six < 2; six++)
			for (dnat = 0; dnat < 2; dnat++) {
				if (!nat_texts[n][six][dnat].kind)
					continue;
				nat_read(&nat_texts[n][six][dnat], &nat_rules[n][six][dnat]);
				nat_has[dnat] |= 1u << n;
			}
}

static const struct flownat_rule *nat_rule_of(unsigned int number, bool six, bool dnat)
{
	return nat_has[dnat] >> number & 1 ? &nat_rules[number][six][dnat] : NULL;
}

static void nat_put(const struct side *side, uint32_t number, const struct flownat_rule *rule)
{
	static const uint8_t kinds[] = { NAT_NONE, NAT_RANGE, NAT_PREFIX, NAT_MASQUERADE };
	struct nat_rule put = {
		.kind = kinds[rule->kind], .l3 = rule->version, .len = rule->len,
		.flags = (rule->persistent ? NAT_PERSISTENT : 0) | (rule->ports ? NAT_PORTS : 0),
		.port_first = rule->port_first, .port_last = rule->port_last,
	};

	if (rule->version) {
		put.first = nat_wide(rule->first, rule->version == 4);
		put.last = nat_wide(rule->last, rule->version == 4);
	}
	number--;
	assert_int_equal(bpf_map_update_elem(side->rig->shared.nat_rules_fd, &number, &put,
					     BPF_ANY), 0);
}

/* Another address for the interface, or none. @which: the last byte of it; 0: none */
static void nat_put_own(struct side *side, unsigned int which, unsigned int which6)
{
	struct nat_addrs addrs = { 0 };
	struct flownat *nat = &side->nat;

	nat->has_own[0] = which;
	nat->has_own[1] = which6;
	memcpy(nat->own[0], (uint8_t[16]){ 203, 0, 113, which }, 16);
	memcpy(nat->own[1], (uint8_t[16]){ 0x20, 1, 0xd, 0xb8, [15] = which6 }, 16);
	if (which)
		addrs.addr4 = nat_wide(nat->own[0], true);
	if (which6)
		addrs.addr6 = nat_wide(nat->own[1], false);
	assert_int_equal(nat_addrs_put(side->rig->shared.nat_addrs_fd, 1, &addrs), 0);
}

static void nat_open(struct side *side, uint64_t seed)
{
	unsigned int n, six, dnat;

	for (n = 0; n < FLOWTAG_NATS; n++)
		for (six = 0; six < 2; six++)
			for (dnat = 0; dnat < 2; dnat++)
				if (nat_texts[n][six][dnat].kind)
					nat_put(side, FLOWTAG_RULE(n, six, dnat),
						&nat_rules[n][six][dnat]);
	nat_put_own(side, 77, 0x77);
	side->conf->seed[0] = seed;	/* both hooks choose alike, as no flow is there yet */
	side->conf->seed[1] = ~seed;
}

/* A new flow's packet has gone through the product. Return: the flow, or NULL */
static struct flowmodel_flow *nat_begin(struct side *side, const struct rig_outcome *out)
{
	static const char *const left[] = { "n.next", "n.next", "n.exhausted", "n.refused" };
	unsigned int number = FLOWTAG_NAT(side->tos);
	bool six = side->packet.version == 6;
	struct flowmodel_outcome *wanted = &side->wanted;
	struct flowmodel_key got, outside;
	struct model_packet packet;
	struct flowmodel_flow *flow;
	bool through = !strcmp(out->left, "n.next");
	enum flownat_end end;

	model_parse(out->data, out->len, &packet);
	flowmodel_key(&packet, wanted->key.zone, &got);
	end = flownat_begin(&side->nat, &side->model, &side->packet, &wanted->key,
			    nat_rule_of(number, six, true), nat_rule_of(number, six, false),
			    through ? &got : NULL, &outside, &wanted->why);
	side->left = left[end];
	side->exhausted += end == FLOWNAT_EXHAUSTED;
	nat_met[number] += end == FLOWNAT_TRANSLATED;
	if (end == FLOWNAT_EXHAUSTED || end == FLOWNAT_REFUSED)
		return NULL;
	flow = flowmodel_commit(&side->model, &side->packet, wanted, FLOWTAG_MARK(side->tos),
				FLOWTAG_POLICY(side->tos));
	if (flow)
		flownat_keep(flow, &outside);
	return flow;
}

#endif
