// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* classgen.c - draw rule sets like those of routers and firewalls, and packets for them */
#include <stdlib.h>
#include <string.h>

#include "classgen.h"

uint64_t unit_random(uint64_t *state);	/* unit.h needs cmocka */

#define N(a) (sizeof(a) / sizeof((a)[0]))

const char *const classgen_name[CLASSGEN_KINDS] = { "acl", "fw", "ipc" };

/* Weights of 100 */
struct share {
	unsigned int value, weight;
};

enum { PORT_ANY, PORT_HIGH, PORT_LOW, PORT_RANGE, PORT_ONE };

struct profile {
	struct share slen[12], dlen[12];	/* of IPv4; 0: any */
	unsigned int both_any;			/* of 1000 rules, at most */
	struct share sport[5], dport[5];
	struct share proto[7];			/* 0: any */
	unsigned int flags;			/* of 100 TCP rules */
	unsigned int inside;			/* of 100 sources that are in the destinations' nets */
};

static const struct profile profiles[CLASSGEN_KINDS] = {
	[CLASSGEN_ACL] = {
		.slen = { { 0, 25 }, { 32, 28 }, { 24, 14 }, { 27, 6 }, { 28, 5 }, { 26, 4 },
			  { 30, 4 }, { 16, 5 }, { 23, 3 }, { 22, 3 }, { 8, 2 }, { 31, 1 } },
		.dlen = { { 32, 62 }, { 24, 10 }, { 28, 6 }, { 27, 4 }, { 30, 4 }, { 26, 3 },
			  { 23, 3 }, { 16, 3 }, { 20, 2 }, { 22, 1 }, { 12, 1 }, { 0, 1 } },
		.both_any = 3,
		.sport = { { PORT_ANY, 96 }, { PORT_ONE, 3 }, { PORT_HIGH, 1 } },
		.dport = { { PORT_ONE, 62 }, { PORT_ANY, 16 }, { PORT_HIGH, 8 }, { PORT_RANGE, 12 },
			   { PORT_LOW, 2 } },
		.proto = { { 6, 76 }, { 17, 11 }, { 0, 8 }, { 1, 4 }, { 47, 1 } },
		.flags = 12,
		.inside = 40,
	},
	[CLASSGEN_FW] = {
		.slen = { { 0, 34 }, { 32, 24 }, { 24, 10 }, { 28, 7 }, { 27, 5 }, { 29, 5 },
			  { 16, 5 }, { 20, 3 }, { 22, 3 }, { 8, 2 }, { 31, 1 }, { 13, 1 } },
		.dlen = { { 32, 30 }, { 0, 24 }, { 24, 12 }, { 28, 8 }, { 27, 6 }, { 29, 5 },
			  { 26, 4 }, { 16, 4 }, { 20, 3 }, { 22, 2 }, { 8, 1 }, { 14, 1 } },
		.both_any = 12,
		.sport = { { PORT_ANY, 72 }, { PORT_HIGH, 14 }, { PORT_ONE, 11 }, { PORT_RANGE, 2 },
			   { PORT_LOW, 1 } },
		.dport = { { PORT_ONE, 46 }, { PORT_ANY, 20 }, { PORT_RANGE, 18 }, { PORT_HIGH, 12 },
			   { PORT_LOW, 4 } },
		.proto = { { 6, 54 }, { 17, 32 }, { 1, 5 }, { 47, 4 }, { 0, 3 }, { 50, 1 },
			   { 132, 1 } },
		.flags = 30,
		.inside = 15,
	},
	[CLASSGEN_IPC] = {
		.slen = { { 32, 42 }, { 24, 14 }, { 0, 10 }, { 28, 8 }, { 26, 6 }, { 27, 5 },
			  { 22, 4 }, { 16, 4 }, { 30, 3 }, { 20, 2 }, { 8, 1 }, { 18, 1 } },
		.dlen = { { 32, 46 }, { 24, 14 }, { 0, 8 }, { 28, 7 }, { 26, 6 }, { 27, 5 },
			  { 22, 4 }, { 16, 4 }, { 30, 3 }, { 20, 1 }, { 8, 1 }, { 18, 1 } },
		.both_any = 5,
		.sport = { { PORT_ANY, 58 }, { PORT_ONE, 27 }, { PORT_HIGH, 10 }, { PORT_RANGE, 4 },
			   { PORT_LOW, 1 } },
		.dport = { { PORT_ONE, 44 }, { PORT_ANY, 32 }, { PORT_RANGE, 11 }, { PORT_HIGH, 11 },
			   { PORT_LOW, 2 } },
		.proto = { { 6, 44 }, { 17, 36 }, { 0, 14 }, { 1, 3 }, { 47, 1 }, { 50, 1 },
			   { 132, 1 } },
		.flags = 15,
		.inside = 50,
	},
};

/* Lengths of IPv6 in place of those of IPv4: host, LAN, site, provider */
static const uint8_t len6[33] = {
	[8] = 24, [12] = 28, [13] = 29, [14] = 32, [16] = 32, [18] = 36, [20] = 40, [22] = 44,
	[23] = 47, [24] = 48, [26] = 56, [27] = 60, [28] = 64, [29] = 64, [30] = 80, [31] = 127,
	[32] = 128,
};

static const uint16_t services[] = {
	80, 443, 53, 22, 25, 21, 23, 161, 123, 1521, 3306, 8080, 110, 143, 389, 445, 139, 1433,
	5060, 3389, 514, 69, 993, 995, 636, 1723, 5432, 6379, 9092, 179, 88, 111, 2049, 4500, 500,
};

struct drawing {
	const struct profile *profile;
	uint64_t random;
	uint64_t seed;			/* of the tree of networks */
	unsigned int family;
	size_t n, tries;
	unsigned int wide;		/* children of a network, grows with the set */
	uint32_t *table;		/* rules by hash, index + 1 */
	size_t mask;
	unsigned int both_any;
};

static unsigned int below(uint64_t *random, unsigned int n)
{
	return (unit_random(random) >> 33) % n;
}

static bool chance(uint64_t *random, unsigned int percent)
{
	return below(random, 100) < percent;
}

static double unit_real(uint64_t *random)
{
	return (unit_random(random) >> 11) * 0x1p-53;
}

static unsigned int pick(uint64_t *random, const struct share *share, size_t n)
{
	unsigned int sum = 0, at, i;

	for (i = 0; i < n; i++)
		sum += share[i].weight;
	at = below(random, sum);
	for (i = 0; at >= share[i].weight; i++)
		at -= share[i].weight;
	return share[i].value;
}

/* ---- addresses: a tree that is never built ---- */
static uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 32) * 0xd6e8feb86659fd93ull;
	x = (x ^ x >> 32) * 0xd6e8feb86659fd93ull;
	return x ^ x >> 32;
}

/*
 * The next bits of an address. A network has so many children; the first ones are drawn more
 * often. Where they lie is a hash of their parent and number.
 */
static uint32_t child(struct drawing *d, uint64_t *node, unsigned int children, unsigned int bits)
{
	double u = unit_real(&d->random);

	*node = mix(*node + 1 + (uint64_t)(children * u * u));
	return *node >> (64 - bits);
}

static void draw_address4(struct drawing *d, uint64_t tree, uint32_t *addr)
{
	uint64_t node = mix(d->seed + tree);

	addr[0] = child(d, &node, 5 + d->wide / 2, 8) << 24;
	addr[0] |= child(d, &node, 3 + d->wide / 2, 8) << 16;
	addr[0] |= child(d, &node, 4 + d->wide, 8) << 8;
	addr[0] |= child(d, &node, 12, 4) << 4;
	addr[0] |= child(d, &node, 14, 4);
}

static void draw_address6(struct drawing *d, uint64_t tree, uint32_t *addr)
{
	uint64_t node = mix(d->seed + tree);

	addr[0] = 0x20000000 | child(d, &node, 5 + d->wide / 2, 13) << 16;	/* 2000::/3 */
	addr[0] |= child(d, &node, 3 + d->wide / 2, 16);
	addr[1] = child(d, &node, 4 + d->wide, 16) << 16;
	addr[1] |= child(d, &node, 6, 8) << 8;
	addr[1] |= child(d, &node, 6, 8);
	addr[2] = chance(&d->random, 50) ? 0 : child(d, &node, 14, 32);
	addr[3] = child(d, &node, 14, addr[2] ? 32 : 8);
}

static void mask_address(uint32_t *addr, unsigned int len)
{
	unsigned int i;

	for (i = 0; i < 4; i++) {
		if (len <= 32 * i)
			addr[i] = 0;
		else if (len < 32 * (i + 1))
			addr[i] &= ~0u << (32 * (i + 1) - len);
	}
}

static void draw_prefix(struct drawing *d, uint64_t tree, unsigned int len, uint32_t *addr,
			uint8_t *ret_len)
{
	if (d->family == 4)
		draw_address4(d, tree, addr);
	else
		draw_address6(d, tree, addr);
	*ret_len = d->family == 4 ? len : len6[len];
	mask_address(addr, *ret_len);
}

static void draw_addresses(struct drawing *d, struct classbench_rule *rule)
{
	const struct profile *p = d->profile;
	unsigned int slen = pick(&d->random, p->slen, N(p->slen));
	unsigned int dlen = pick(&d->random, p->dlen, N(p->dlen));

	if (!slen && !dlen && d->both_any >= 1 + d->n * p->both_any / 1000)
		dlen = 32;
	draw_prefix(d, chance(&d->random, p->inside) ? 1 : 2, slen, rule->saddr, &rule->slen);
	draw_prefix(d, 1, dlen, rule->daddr, &rule->dlen);
}

/* ---- ports, protocol, flags ---- */
static void draw_port(struct drawing *d, unsigned int kind, uint16_t *first, uint16_t *last)
{
	double u = unit_real(&d->random);
	unsigned int width;

	*first = kind == PORT_HIGH ? 1024 : 0;
	*last = kind == PORT_LOW ? 1023 : 65535;
	if (kind == PORT_ONE || kind == PORT_RANGE) {
		*first = services[(size_t)(u * u * N(services))];
		if (chance(&d->random, kind == PORT_ONE ? 35 : 80))
			*first = 1 + below(&d->random, 65535);
		*last = *first;
	}
	if (kind == PORT_RANGE) {
		width = 1 + below(&d->random, 1u << below(&d->random, 14));
		*last = width > 65535u - *first ? 65535 : *first + width;
	}
}

static void draw_flags(struct drawing *d, struct classbench_rule *rule)
{
	static const uint8_t masks[] = { 0x10, 0x12, 0x02, 0x04, 0x01, 0x3f };
	static const uint8_t values[] = { 0x10, 0x02, 0x00, 0x04, 0x01, 0x10 };
	static const uint8_t types[] = { 8, 0, 3, 11, 13, 4 };
	unsigned int i = below(&d->random, N(masks));

	if (rule->proto == 6 && chance(&d->random, d->profile->flags)) {
		rule->flags = values[i];
		rule->flags_mask = masks[i];
	} else if (rule->proto_mask && classbench_is_icmp(d->family, rule->proto) &&
		   chance(&d->random, 50)) {
		rule->flags = d->family == 4 ? types[i] : 128 + i;
		rule->flags_mask = 0xff;
	}
}

static void draw_rule(struct drawing *d, struct classbench_rule *rule)
{
	const struct profile *p = d->profile;

	while ((size_t)d->wide * d->wide * d->wide < d->n + d->tries)
		d->wide++;
	memset(rule, 0, sizeof(*rule));
	draw_addresses(d, rule);
	rule->proto = pick(&d->random, p->proto, N(p->proto));
	rule->proto_mask = rule->proto ? 0xff : 0;
	if (d->family == 6 && rule->proto == 1)
		rule->proto = 58;
	rule->sport_last = rule->dport_last = 65535;
	if (classbench_has_ports(rule->proto)) {
		draw_port(d, pick(&d->random, p->sport, N(p->sport)), &rule->sport_first,
			  &rule->sport_last);
		draw_port(d, pick(&d->random, p->dport, N(p->dport)), &rule->dport_first,
			  &rule->dport_last);
	}
	draw_flags(d, rule);
}

/* ---- the set ---- */
static uint64_t hash_rule(const struct classbench_rule *rule)
{
	uint64_t word[sizeof(*rule) / 8], hash = 0;
	unsigned int i;

	_Static_assert(sizeof(*rule) == 48, "whole words, no holes but the last two bytes");
	memcpy(word, rule, sizeof(word));
	for (i = 0; i < N(word); i++)
		hash = mix(hash ^ word[i]);
	return hash;
}

/* Whether the rule was not there */
static bool note_rule(struct drawing *d, const struct classbench_set *set, size_t index)
{
	size_t at = hash_rule(&set->rule[index]) & d->mask;

	for (; d->table[at]; at = (at + 1) & d->mask)
		if (!memcmp(&set->rule[d->table[at] - 1], &set->rule[index],
			    sizeof(set->rule[0])))
			return false;
	d->table[at] = index + 1;
	return true;
}

struct placed {
	struct classbench_rule rule;
	unsigned int special;		/* how much; what is more so comes first */
	uint32_t nth;
};

static int compare_placed(const void *a, const void *b)
{
	const struct placed *x = a, *y = b;

	if (x->special != y->special)
		return x->special > y->special ? -1 : 1;
	return x->nth < y->nth ? -1 : 1;
}

static unsigned int port_special(uint16_t first, uint16_t last)
{
	return first == last ? 16 : last - first == 65535 ? 0 : 8;
}

/* Special ones in front, but for a few that stand anywhere: those hide others */
static void order_rules(struct drawing *d, struct classbench_set *set)
{
	struct placed *placed = calloc(set->n, sizeof(*placed));
	size_t i;

	if (!placed)
		abort();
	for (i = 0; i < set->n; i++) {
		const struct classbench_rule *rule = &set->rule[i];

		placed[i].rule = *rule;
		placed[i].nth = i;
		placed[i].special = (rule->slen + rule->dlen) * (d->family == 4 ? 4 : 1) +
			port_special(rule->sport_first, rule->sport_last) +
			port_special(rule->dport_first, rule->dport_last) +
			(rule->proto_mask ? 8 : 0) + (rule->flags_mask ? 4 : 0);
		placed[i].special /= 24;	/* unsorted within a class */
		if (rule->slen && rule->dlen && chance(&d->random, 3))
			placed[i].special = below(&d->random, 14);
	}
	qsort(placed, set->n, sizeof(*placed), compare_placed);
	for (i = 0; i < set->n; i++)
		set->rule[i] = placed[i].rule;
	free(placed);
}

void classgen_set(enum classgen_kind kind, unsigned int family, size_t n, uint64_t seed,
		  struct classbench_set *ret_set)
{
	struct drawing d = {
		.profile = &profiles[kind], .family = family, .n = n, .seed = mix(seed),
		.random = mix(seed ^ (kind + 1) << 8 ^ family) | 1,
	};
	struct classbench_set set = { .family = family };

	for (d.mask = 64; d.mask < 2 * n; d.mask *= 2)
		;
	d.table = calloc(d.mask--, sizeof(*d.table));
	set.rule = calloc(n, sizeof(*set.rule));
	if (!d.table || !set.rule)
		abort();
	while (set.n < n) {
		struct classbench_rule *rule = &set.rule[set.n];

		draw_rule(&d, rule);
		/* One that holds everything would be the last one that counts */
		if (!(rule->slen || rule->dlen || rule->proto_mask) ||
		    !note_rule(&d, &set, set.n)) {
			d.tries++;	/* the tree grows with them */
			continue;
		}
		d.both_any += !rule->slen && !rule->dlen;
		set.n++;
	}
	order_rules(&d, &set);
	free(d.table);
	*ret_set = set;
}

/* ---- packets ---- */
/* What the parser takes: not none, no SYN with FIN or RST, not FIN, PSH, URG */
static bool flags_good(uint8_t flags)
{
	return (flags & 63) && !((flags & 2) && (flags & 5)) && (flags & 63) != 0x29;
}

static uint8_t draw_packet_flags(const struct classbench_rule *rule, uint8_t proto, bool icmp,
				 uint64_t *random)
{
	unsigned int tries, flags = 0;

	if (proto != 6 && !icmp)
		return 0;
	for (tries = 0; tries < 64; tries++) {
		flags = rule->flags | (below(random, 256) & ~rule->flags_mask);
		if (icmp || flags_good(flags))
			return flags;
	}
	return 0x10;
}

/* Protocols that are no extension header */
static uint8_t draw_proto(unsigned int family, uint64_t *random)
{
	static const uint8_t common[] = { 6, 6, 17, 17, 132, 47, 50 };
	uint8_t proto = chance(random, 90) ? common[below(random, N(common))] : below(random, 256);

	if (family == 6 && (proto == 0 || proto == 43 || proto == 44 || proto == 51 || proto == 60))
		return 58;
	return proto;
}

static void addr_in(const uint32_t *prefix, unsigned int len, uint64_t *random, uint32_t *addr)
{
	uint32_t net[4], any[4];
	unsigned int i;

	for (i = 0; i < 4; i++)
		net[i] = any[i] = unit_random(random) >> 16;
	mask_address(net, len);
	for (i = 0; i < 4; i++)
		addr[i] = prefix[i] | (any[i] ^ net[i]);
}

static void addr_edge(const uint32_t *prefix, unsigned int len, unsigned int bits,
		      uint64_t *random, uint32_t *addr)
{
	static const uint32_t ones[4] = { ~0u, ~0u, ~0u, ~0u };
	uint32_t net[4];
	unsigned int i, by = below(random, 8);
	bool last = by & 1;

	memcpy(net, ones, sizeof(net));
	mask_address(net, len);
	for (i = 0; i < 4; i++)
		addr[i] = prefix[i] | (last ? ~net[i] : 0);
	for (i = bits / 32; i-- && by < 2; ) {		/* one beyond */
		addr[i] += last ? 1 : -1;
		if (addr[i] != (last ? 0 : ~0u))
			break;
	}
}

static uint16_t port_edge(uint16_t first, uint16_t last, uint64_t *random)
{
	switch (below(random, 8)) {
	case 0:	 return first - 1;
	case 1:	 return last + 1;
	case 2:
	case 3:
	case 4:	 return first;
	default: return last;
	}
}

static size_t draw_index(size_t n, enum classgen_packets packets, uint64_t *random)
{
	double x = 1 - unit_real(random), at = 1 / (x * x * x * x) - 1;

	if (packets != CLASSGEN_SKEWED || at >= n)
		return unit_random(random) % n;
	return mix((uint64_t)at) % n;		/* anywhere in the set */
}

static void draw_inside(const struct classbench_rule *rule, uint64_t *random,
			struct classbench_packet *packet)
{
	addr_in(rule->saddr, rule->slen, random, packet->saddr);
	addr_in(rule->daddr, rule->dlen, random, packet->daddr);
	packet->sport = rule->sport_first +
			below(random, rule->sport_last - rule->sport_first + 1);
	packet->dport = rule->dport_first +
			below(random, rule->dport_last - rule->dport_first + 1);
}

static void draw_edge(const struct classbench_rule *rule, unsigned int bits, uint64_t *random,
		      struct classbench_packet *packet)
{
	addr_edge(rule->saddr, rule->slen, bits, random, packet->saddr);
	addr_edge(rule->daddr, rule->dlen, bits, random, packet->daddr);
	packet->sport = port_edge(rule->sport_first, rule->sport_last, random);
	packet->dport = port_edge(rule->dport_first, rule->dport_last, random);
}

void classgen_packet(const struct classbench_set *set, enum classgen_packets packets,
		     uint64_t *random, struct classbench_packet *ret_packet)
{
	static const struct classbench_rule any = { .sport_last = 65535, .dport_last = 65535 };
	const struct classbench_rule *rule = &any;
	bool icmp;

	memset(ret_packet, 0, sizeof(*ret_packet));
	if (packets == CLASSGEN_MIXED)
		packets = below(random, CLASSGEN_MIXED);
	if (packets != CLASSGEN_ANY)
		rule = &set->rule[draw_index(set->n, packets, random)];
	if (packets == CLASSGEN_EDGE)
		draw_edge(rule, set->family == 4 ? 32 : 128, random, ret_packet);
	else
		draw_inside(rule, random, ret_packet);
	ret_packet->proto = rule->proto;
	if (!rule->proto_mask || (packets == CLASSGEN_EDGE && chance(random, 10)))
		ret_packet->proto = draw_proto(set->family, random);
	icmp = classbench_is_icmp(set->family, ret_packet->proto);
	ret_packet->flags = draw_packet_flags(packets == CLASSGEN_EDGE && chance(random, 30) ?
					      &any : rule, ret_packet->proto, icmp, random);
	if (!classbench_has_ports(ret_packet->proto))
		ret_packet->sport = ret_packet->dport = 0;
	if (set->family == 4)		/* one word */
		memset(ret_packet->saddr + 1, 0, 12), memset(ret_packet->daddr + 1, 0, 12);
}
