// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* filter_ext_test.c - conditions of rules: fields, bytes, sets; and what rules count */
#include "ext_world.h"

#include <stdio.h>
#include <time.h>

#define N(a)		(sizeof(a) / sizeof((a)[0]))
#define ALL		(~0ULL)
#define LACKS		(~1ULL)		/* no value of a field is that large */
#define MAC_SRC		0x020000000001ULL	/* as pkt.h gives them */
#define MAC_DST		0x020000000002ULL

static struct ext_world worlds[2], *w;

/* ---- one condition ---- */
static void set_cond(const struct filter_cond *cond)
{
	w->image->ext[0].n_conds = 1;
	w->image->ext[0].cond[0] = *cond;
}

static bool holds(const struct pkt *p, struct filter_cond cond)
{
	set_cond(&cond);
	return ext_ask_pkt(w, w->holds_fd, p);
}

/* A value, or none: then nothing holds */
static void check_value(const struct pkt *p, struct filter_cond cond, uint64_t value)
{
	bool has = value != LACKS;

	cond.mask = ALL;
	cond.first = 0;
	cond.last = ALL;
	assert_int_equal(holds(p, cond), has);
	cond.negated = 1;
	assert_false(holds(p, cond));
	cond.negated = 0;
	cond.first = cond.last = value;
	assert_int_equal(holds(p, cond), has);
	if (!has)
		return;
	cond.negated = 1;
	assert_false(holds(p, cond));
	cond.first++;
	cond.last++;
	assert_true(holds(p, cond));
	cond.negated = 0;
	assert_false(holds(p, cond));
	cond.first = 0;
	cond.last = value - 1;
	if (value)
		assert_false(holds(p, cond));
	cond.mask = 0xf;
	cond.first = cond.last = value & 0xf;
	assert_true(holds(p, cond));
	cond.mask = 0;
	cond.first = cond.last = 0;
	assert_true(holds(p, cond));
	cond.last = cond.first = 1;
	assert_false(holds(p, cond));
}

struct value_case {
	const char *name;
	const struct pkt_hdr *in;
	enum filter_field field;
	uint64_t value;
	size_t pad;
};

#define V(...)	{ __VA_ARGS__, .pad = 0 }
#define U4	UDP4("10.0.0.1", "10.0.0.2", 1000, 53)
#define U6	UDP6("fd00::1", "fd00::2", 1000, 53)
#define ARP	PKT(ETH(.type = 0x0806), FILL(46))

static const struct value_case values[] = {
	V("ip length", U4, FILTER_LENGTH, 28),
	{ "ip length counts no padding", U4, FILTER_LENGTH, 28, 60 },
	V("ip length with options", PKT(ETH(), IP4(.opts = "\1\1\1\1", .opts_len = 4),
					UDP(.dport = 1), FILL(100)), FILTER_LENGTH, 132),
	V("ip6 length is the payload's", U6, FILTER_LENGTH, 8),
	V("ip6 length with headers", PKT(ETH(), IP6(), HBH(), DSTOPT(), UDP()), FILTER_LENGTH, 24),
	V("ip length of a later fragment", PKT(ETH(), IP4(.frag_off = 64), FILL(40)),
	  FILTER_LENGTH, 60),
	V("length of what is no IP", ARP, FILTER_LENGTH, LACKS),
	V("ip dscp", PKT(ETH(), IP4(.tos = 0xb9), UDP()), FILTER_DSCP, 46),
	V("ip6 dscp", PKT(ETH(), IP6(.tc = 0xb9), UDP()), FILTER_DSCP, 46),
	V("dscp of what is no IP", ARP, FILTER_DSCP, LACKS),
	V("ttl", PKT(ETH(), IP4(.ttl = 3), UDP()), FILTER_TTL, 3),
	V("hoplimit", PKT(ETH(), IP6(.hops = 255), UDP()), FILTER_TTL, 255),
	V("ttl of what is no IP", ARP, FILTER_TTL, LACKS),
	V("exthdr none", U6, FILTER_EXTHDR, 0),
	V("exthdr hbh and frag", PKT(ETH(), IP6(), HBH(), FRAG(.id = 1), UDP()), FILTER_EXTHDR, 9),
	V("exthdr dst, rt, ah", PKT(ETH(), IP6(), DSTOPT(), ROUTING(.type = 2), AH(), UDP()),
	  FILTER_EXTHDR, 0x16),
	V("exthdr of IPv4", U4, FILTER_EXTHDR, LACKS),
	V("ether saddr", U4, FILTER_ETHER_SADDR, MAC_SRC),
	V("ether daddr", PKT(ETH(.dst = "ff:fe:fd:fc:fb:fa"), IP4(), UDP()), FILTER_ETHER_DADDR,
	  0xfffefdfcfbfaULL),
	V("ether saddr behind a tag", PKT(ETH(), VLAN(.id = 5), IP4(), UDP()), FILTER_ETHER_SADDR,
	  MAC_SRC),
	V("ether type", ARP, FILTER_ETHER_TYPE, 0x0806),
	V("ether type behind tags", PKT(ETH(), VLAN(.id = 5), VLAN(.id = 6), IP6(), UDP()),
	  FILTER_ETHER_TYPE, 0x86dd),
	V("vlan id", PKT(ETH(), VLAN(.id = 4095, .prio = 7, .dei = true), IP4(), UDP()),
	  FILTER_VLAN_ID, 4095),
	V("vlan id is the outer one", PKT(ETH(), VLAN(.id = 9), VLAN(.id = 6), IP4(), UDP()),
	  FILTER_VLAN_ID, 9),
	V("vlan id 0", PKT(ETH(), VLAN(.id = 0, .prio = 3), IP4(), UDP()), FILTER_VLAN_ID, 0),
	V("vlan id without a tag", U4, FILTER_VLAN_ID, LACKS),
	V("vlan pcp", PKT(ETH(), VLAN(.id = 1, .prio = 5, .dei = true), IP4(), UDP()),
	  FILTER_VLAN_PCP, 5),
	V("vlan pcp without a tag", U4, FILTER_VLAN_PCP, LACKS),
	V("iif", U4, FILTER_IIF, 1),
	V("mark", U4, FILTER_MARK, 0xdeadbeef),
	V("protocol", U4, FILTER_PROTO, 17),
	V("protocol behind headers", PKT(ETH(), IP6(), HBH(), TCP(.flags = PKT_SYN)),
	  FILTER_PROTO, 6),
	V("protocol of what is no IP", ARP, FILTER_PROTO, LACKS),
	V("sport", U4, FILTER_SPORT, 1000),
	V("dport", U6, FILTER_DPORT, 53),
	V("dport of SCTP", SCTP4("10.0.0.1", "10.0.0.2", 7, 65535), FILTER_DPORT, 65535),
	V("sport of ICMP", PING4("10.0.0.1", "10.0.0.2"), FILTER_SPORT, LACKS),
	V("dport of a first fragment", PKT(ETH(), IP4(.mf = true), UDP(.dport = 9, .check = 1),
					   FILL(24)), FILTER_DPORT, 9),
	V("dport of a later fragment", PKT(ETH(), IP4(.frag_off = 64, .next = 17), FILL(24)),
	  FILTER_DPORT, LACKS),
	V("dport of what is no IP", ARP, FILTER_DPORT, LACKS),
	V("tcp flags", TCP4("10.0.0.1", "10.0.0.2", 1, 2, PKT_SYN | PKT_ECE | PKT_CWR),
	  FILTER_TCP_FLAGS, 0xc2),
	V("tcp flags of UDP", U4, FILTER_TCP_FLAGS, LACKS),
	V("ct mark", U4, FILTER_CT_MARK, 0xcafe0001),
	V("ct mark of what is no IP", ARP, FILTER_CT_MARK, 0xcafe0001),
	V("ct zone", U6, FILTER_CT_ZONE, 0xabcd),
	V("ct direction", U4, FILTER_CT_DIRECTION, 1),
};

static void test_value(void **state)
{
	const struct value_case *c = *state;
	struct pkt p;
	int i;

	pkt_build(&p, c->in);
	if (c->pad)
		pkt_pad(&p, c->pad);
	for (i = 0; i < 2; i++) {
		w = &worlds[i];
		ext_clear(w);
		w->bss->mark = 0xdeadbeef;
		w->bss->flow = (struct ext_flow){ .mark = 0xcafe0001, .zone = 0xabcd,
						  .state = SHUNT_CT_ESTABLISHED,
						  .flags = SHUNT_CT_REPLY | SHUNT_CT_NAT };
		check_value(&p, (struct filter_cond){ .kind = FILTER_COND_RANGE,
						      .field = c->field }, c->value);
	}
}

static void test_range(void **state)
{
	struct filter_cond cond = { .kind = FILTER_COND_RANGE, .field = FILTER_LENGTH, .mask = ALL,
				    .first = 40, .last = 60 };
	unsigned int i, len;
	struct pkt p;

	for (i = 0; i < 2; i++) {
		w = &worlds[i];
		ext_clear(w);
		for (len = 28; len < 80; len++) {
			pkt_init(&p);
			pkt_eth(&p);
			pkt_ip4(&p, .src = NULL);
			pkt_udp(&p, .dport = 1);
			if (len > 28)
				pkt_fill(&p, len - 28);
			cond.negated = 0;
			assert_int_equal(holds(&p, cond), len >= 40 && len <= 60);
			cond.negated = 1;
			assert_int_equal(holds(&p, cond), len < 40 || len > 60);
		}
	}
}

/* ---- bytes ---- */
static uint64_t big_endian(const uint8_t *byte, unsigned int n)
{
	uint64_t value = 0;

	while (n--)
		value = value << 8 | *byte++;
	return value;
}

/* All offsets around both ends of what a base reaches, all lengths */
static void check_base(const struct pkt *p, enum filter_base base, int from, int end)
{
	unsigned int off, len;

	for (len = 0; len <= 9; len++) {
		for (off = 0; off < 80; off++) {
			struct filter_cond cond = { .kind = FILTER_COND_PAYLOAD, .base = base,
						    .off = off, .len = len };
			bool there = from >= 0 && len >= 1 && len <= 8 &&
				     from + (int)(off + len) <= end;

			check_value(p, cond, there ? big_endian(p->data + from + off, len) : LACKS);
		}
	}
}

struct payload_case {
	const char *name;
	const struct pkt_hdr *in;
	int nh, th, end;		/* -1: has none; end of the IP packet */
	size_t pad;
};

#define P(...)	{ __VA_ARGS__, .pad = 0 }

static const struct payload_case payloads[] = {
	P("UDP", UDP4("10.0.0.1", "10.0.0.2", 1000, 53, RAW("\xff\xfe\xfd hello")), 14, 34, 51),
	{ "padded", U4, 14, 34, 42, 60 },
	P("IPv6 with headers", PKT(ETH(), VLAN(.id = 3), IP6(), HBH(), UDP(), FILL(7)), 18, 66, 81),
	P("ARP", ARP, 14, -1, 60),
	P("later fragment", PKT(ETH(), IP4(.frag_off = 64, .next = 17), FILL(24)), 14, -1, 58),
};

static void test_payload(void **state)
{
	const struct payload_case *c = *state;
	struct pkt p;
	int i;

	pkt_build(&p, c->in);
	if (c->pad)
		pkt_pad(&p, c->pad);
	for (i = 0; i < 2; i++) {
		w = &worlds[i];
		ext_clear(w);
		check_base(&p, FILTER_BASE_LL, 0, p.len);
		check_base(&p, FILTER_BASE_NH, c->nh, c->end);
		check_base(&p, FILTER_BASE_TH, c->th, c->end);
		check_base(&p, FILTER_BASE_TH + 1, -1, 0);
	}
}

/* Bytes that lie in both the linear part and a fragment */
static void test_payload_split(void **state)
{
	struct filter_cond cond = { .kind = FILTER_COND_PAYLOAD, .base = FILTER_BASE_TH,
				    .mask = ALL };
	struct ext_frame frame = { 0 };
	struct pkt p;

	pkt_build(&p, UDP4("10.0.0.1", "10.0.0.2", 1000, 53, FILL(1000)));
	w = &worlds[0];
	ext_clear(w);
	frame.data = p.data;
	frame.len = p.len;
	for (frame.linear = 64; frame.linear < 96; frame.linear++) {
		for (cond.len = 1; cond.len <= 8; cond.len++) {
			cond.off = 44;
			cond.first = cond.last = big_endian(p.data + 34 + 44, cond.len);
			set_cond(&cond);
			assert_int_equal(ext_ask(w, w->holds_fd, &frame, 1), 1);
			cond.first++;
			set_cond(&cond);
			assert_int_equal(ext_ask(w, w->holds_fd, &frame, 1), 0);
		}
	}
}

/* ---- all of them ---- */
static void test_and(void **state)
{
	struct filter_ext *ext;
	unsigned int i, k, n;
	struct pkt p;

	pkt_build(&p, U4);
	for (i = 0; i < 2; i++) {
		w = &worlds[i];
		ext_clear(w);
		w->bss->index = EXT_N - 1;
		ext = &w->image->ext[EXT_N - 1];
		assert_true(ext_ask_pkt(w, w->holds_fd, &p));	/* no condition */
		for (n = 1; n <= FILTER_CONDS_MAX; n++) {
			ext->n_conds = n;
			for (k = 0; k < n; k++)
				ext->cond[k] = (struct filter_cond){
					.kind = FILTER_COND_RANGE, .field = FILTER_TTL, .mask = ALL,
					.first = 64, .last = 64 };
			assert_true(ext_ask_pkt(w, w->holds_fd, &p));
			for (k = 0; k < n; k++) {
				ext->cond[k].last = ext->cond[k].first = 63;
				assert_false(ext_ask_pkt(w, w->holds_fd, &p));
				ext->cond[k].last = ext->cond[k].first = 64;
			}
		}
		ext->cond[0].kind = FILTER_COND_NONE;
		assert_false(ext_ask_pkt(w, w->holds_fd, &p));
		ext->n_conds = 0;
		w->bss->index = EXT_N;				/* there is none */
		assert_false(ext_ask_pkt(w, w->holds_fd, &p));
		w->bss->index = ~0U;
		assert_false(ext_ask_pkt(w, w->holds_fd, &p));
	}
}

/* ---- sets ---- */
struct key_case {
	const char *name;
	const struct pkt_hdr *in;
	uint8_t part[5];
	uint32_t word[SHUNT_SET_KEY_WORDS];
	bool lacks;
};

#define K(...)	{ __VA_ARGS__, .lacks = false }

static const struct key_case keys[] = {
	K("saddr", U4, { FILTER_KEY_SADDR4 }, { 0x0a000001 }),
	K("daddr", U4, { FILTER_KEY_DADDR4 }, { 0x0a000002 }),
	{ "saddr of IPv6", U6, { FILTER_KEY_SADDR4 }, { 1 }, true },
	K("ip6 saddr", UDP6("2001:db8:1:2:3:4:5:6", "fd00::2", 1, 2), { FILTER_KEY_SADDR6 },
	  { 0x20010db8, 0x00010002, 0x00030004, 0x00050006 }),
	K("ip6 daddr", U6, { FILTER_KEY_DADDR6 }, { 0xfd000000, 0, 0, 2 }),
	{ "ip6 daddr of IPv4", U4, { FILTER_KEY_DADDR6 }, { 0, 0, 0xffff, 0x0a000002 }, true },
	K("protocol", U4, { FILTER_KEY_PROTO }, { 17 }),
	K("sport", U4, { FILTER_KEY_SPORT }, { 1000 }),
	K("dport", U4, { FILTER_KEY_DPORT }, { 53 }),
	{ "dport of ICMP", PING4("10.0.0.1", "10.0.0.2"), { FILTER_KEY_DPORT }, { 0 }, true },
	K("ether saddr", U4, { FILTER_KEY_ETHER_SADDR }, { 0x0200, 0x00000001 }),
	K("ether daddr", PKT(ETH(.dst = "ff:fe:fd:fc:fb:fa"), IP4(), UDP()),
	  { FILTER_KEY_ETHER_DADDR }, { 0xfffe, 0xfdfcfbfa }),
	K("mark", U4, { FILTER_KEY_MARK }, { 0xdeadbeef }),
	K("ct mark", U4, { FILTER_KEY_CT_MARK }, { 0xcafe0001 }),
	K("vlan id", PKT(ETH(), VLAN(.id = 77), IP4(), UDP()), { FILTER_KEY_VLAN_ID }, { 77 }),
	{ "vlan id without a tag", U4, { FILTER_KEY_VLAN_ID }, { 0 }, true },
	K("iif", U4, { FILTER_KEY_IIF }, { 1 }),
	K("saddr . dport . proto", U4,
	  { FILTER_KEY_SADDR4, FILTER_KEY_DPORT, FILTER_KEY_PROTO }, { 0x0a000001, 53, 17 }),
	K("ip6 saddr . ip6 daddr . dport . proto", U6,
	  { FILTER_KEY_SADDR6, FILTER_KEY_DADDR6, FILTER_KEY_DPORT, FILTER_KEY_PROTO },
	  { 0xfd000000, 0, 0, 1, 0xfd000000, 0, 0, 2, 53, 17 }),
	K("five parts", PKT(ETH(), VLAN(.id = 77), IP4(), UDP(.sport = 1, .dport = 2)),
	  { FILTER_KEY_VLAN_ID, FILTER_KEY_ETHER_SADDR, FILTER_KEY_SADDR4, FILTER_KEY_SPORT,
	    FILTER_KEY_DPORT }, { 77, 0x0200, 1, 0x0a000001, 1, 2 }),
	{ "last part not there", PING4("10.0.0.1", "10.0.0.2"),
	  { FILTER_KEY_SADDR4, FILTER_KEY_DPORT }, { 0x0a000001 }, true },
	{ "no such part", U4, { 14 }, { 0 }, true },
};

static void check_key(const struct key_case *c, const struct pkt *p)
{
	struct filter_cond cond = { .kind = FILTER_COND_SET, .slot = 0, .dynamic = 1 };
	struct shunt_set_value value = { 0 };
	struct shunt_set_key key;

	memcpy(key.word, c->word, sizeof(key.word));
	memcpy(cond.part, c->part, sizeof(c->part));
	assert_false(holds(p, cond));
	cond.negated = 1;
	assert_int_equal(holds(p, cond), !c->lacks);
	assert_int_equal(bpf_map_update_elem(w->set_fd[0], &key, &value, 0), 0);
	assert_false(holds(p, cond));
	cond.negated = 0;
	assert_int_equal(holds(p, cond), !c->lacks);
	assert_int_equal(bpf_map_lookup_elem(w->set_fd[0], &key, &value), 0);
	assert_int_equal(value.packets, c->lacks ? 0 : 2);
	assert_int_equal(value.bytes, c->lacks ? 0 : 2 * p->len);
	value.expires_ns = 1;
	assert_int_equal(bpf_map_update_elem(w->set_fd[0], &key, &value, 0), 0);
	assert_false(holds(p, cond));
	assert_int_equal(bpf_map_delete_elem(w->set_fd[0], &key), 0);
	cond.dynamic = 0;		/* slot 0 of the others: an empty set */
	assert_false(holds(p, cond));
	cond.negated = 1;
	assert_int_equal(holds(p, cond), !c->lacks);
}

static void test_key(void **state)
{
	const struct key_case *c = *state;
	struct pkt p;
	int i;

	pkt_build(&p, c->in);
	for (i = 0; i < 2; i++) {
		w = &worlds[i];
		ext_clear(w);
		w->bss->mark = 0xdeadbeef;
		w->bss->flow.mark = 0xcafe0001;
		check_key(c, &p);
	}
}

/* ---- hits ---- */
static void test_hits(void **state)
{
	struct filter_hits hits, before;
	struct ext_frame frame = { 0 };
	struct pkt small, large;
	unsigned int i, k;

	pkt_build(&small, U4);
	pkt_build(&large, UDP4("10.0.0.1", "10.0.0.2", 1, 2, FILL(1000)));
	frame.data = small.data;
	frame.len = small.len;
	for (i = 0; i < 2; i++) {
		w = &worlds[i];
		ext_clear(w);
		for (k = 0; k < EXT_HITS; k++) {
			w->bss->index = k;
			ext_ask(w, w->hit_fd, &frame, k);
			ext_ask_pkt(w, w->hit_fd, &large);
		}
		before = ext_hits(w, 1);
		for (k = EXT_HITS; k < EXT_HITS + 3; k++) {	/* of no rule */
			w->bss->index = k;
			ext_ask_pkt(w, w->hit_fd, &small);
			w->bss->index = ~k;
			ext_ask_pkt(w, w->hit_fd, &small);
		}
		for (k = 0; k < EXT_HITS; k++) {
			unsigned int n = k ? k : 1;	/* TEST_RUN takes 0 for 1 */

			hits = ext_hits(w, k);
			assert_int_equal(hits.packets, n + 1);
			assert_int_equal(hits.bytes, n * small.len + large.len);
			assert_true(hits.last >= before.last && hits.last - before.last < 60000);
		}
		assert_true(before.last);
	}
}

int main(void)
{
	struct CMUnitTest tests[N(values) + N(payloads) + N(keys) + 4];
	size_t n = 0, i;
	int r;

	for (i = 0; i < N(values); i++)
		tests[n++] = unit_row(values[i].name, test_value, &values[i]);
	for (i = 0; i < N(payloads); i++)
		tests[n++] = unit_row(payloads[i].name, test_payload, &payloads[i]);
	for (i = 0; i < N(keys); i++)
		tests[n++] = unit_row(keys[i].name, test_key, &keys[i]);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_range);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_payload_split);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_and);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_hits);
	ext_open(&worlds[0], true);
	ext_open(&worlds[1], false);
	r = unit_main(tests, n);
	ext_close(&worlds[0]);
	ext_close(&worlds[1]);
	return r;
}
