// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* filter_flow_test.c - what rules ask of the flow table, and write to packets and flows */
#include "ext_world.h"

#include <arpa/inet.h>

#define N(a)		(sizeof(a) / sizeof((a)[0]))
#define LACKS		(~1ULL)
#define SLOT		2
#define HIT		3

static struct ext_world worlds[2], *w;

#define EACH_HOOK for (w = worlds; w < worlds + 2; ext_clear(w), w++)

static const struct pkt_hdr *const u4 = UDP4("10.0.0.1", "10.0.0.2", 1000, 53);
static const struct pkt_hdr *const u6 = UDP6("fd00::1", "fd00::2", 1000, 53);

/* ---- conditions ---- */
static bool holds(const struct pkt *p, struct filter_cond cond)
{
	w->image->ext[0].n_conds = 1;
	w->image->ext[0].cond[0] = cond;
	return ext_ask_pkt(w, w->holds_fd, p);
}

/* Exactly this value; LACKS: none, then nothing holds */
static void check_part(const struct pkt *p, unsigned int part, uint64_t value)
{
	struct filter_cond cond = { .kind = FILTER_COND_FLOW, .field = part, .mask = ~0ULL };
	bool has = value != LACKS;

	cond.last = ~0ULL;
	assert_int_equal(holds(p, cond), has);
	cond.negated = 1;
	assert_false(holds(p, cond));
	cond.first = cond.last = value;
	assert_false(holds(p, cond));
	cond.negated = 0;
	assert_int_equal(holds(p, cond), has);
	cond.first = cond.last = value ^ 1;
	assert_false(holds(p, cond));
	cond.mask = 0xff;
	cond.first = cond.last = value & 0xff;
	assert_int_equal(holds(p, cond), has);
	cond.negated = 1;
	cond.first = cond.last = (value & 0xff) ^ 1;
	assert_int_equal(holds(p, cond), has);
}

/* By enum filter_flow_part: the originator's, then as replies have them */
static void check_parts(const struct pkt *p, const uint64_t *value)
{
	unsigned int i;

	for (i = 0; i < 16; i++)
		check_part(p, i, value[i]);
}

static uint64_t life(enum conntrack_state state, unsigned int flags)
{
	return (uint64_t)state << CONNTRACK_STATE_SHIFT | (uint64_t)flags << CONNTRACK_FLAGS_SHIFT;
}

static void put_flow4(unsigned int flags)
{
	struct conntrack_flow4 *flow = &w->flow4[SLOT];

	flow->flow.life = life(CONNTRACK_UDP_REPLIED, flags);
	inet_pton(AF_INET, "10.0.0.2", &flow->key.addr[0]);
	inet_pton(AF_INET, "10.9.8.7", &flow->key.addr[1]);
	flow->key.port[0] = htons(53);
	flow->key.port[1] = htons(4000);
	inet_pton(AF_INET, "192.0.2.1", &flow->nat_addr[0]);
	inet_pton(AF_INET, "192.0.2.2", &flow->nat_addr[1]);
	flow->nat_port[0] = htons(40001);
	flow->nat_port[1] = htons(40002);
}

static void put_flow6(unsigned int flags)
{
	struct conntrack_flow6 *flow = &w->flow6[SLOT];

	flow->flow.life = life(CONNTRACK_UDP_REPLIED, flags);
	inet_pton(AF_INET6, "fd00::2", &flow->key.addr[0]);
	inet_pton(AF_INET6, "fd00:1:2:3:4:5:6:7", &flow->key.addr[1]);
	flow->key.port[0] = htons(53);
	flow->key.port[1] = htons(4000);
	inet_pton(AF_INET6, "2001:db8::11", &flow->nat_addr[0]);
	inet_pton(AF_INET6, "2001:db8::12", &flow->nat_addr[1]);
	flow->nat_port[0] = htons(40001);
	flow->nat_port[1] = htons(40002);
}

#define A2	0x0a000002
#define A7	0x0a090807
#define S1	0xc0000201
#define S2	0xc0000202
#define NONE6	LACKS, LACKS
#define H2	0xfd00000000000000
#define L2	2
#define H7	0xfd00000100020003
#define L7	0x0004000500060007
#define HS	0x20010db800000000
#define NONE4	LACKS, LACKS

/* SADDR4, DADDR4, SADDR6, DADDR6, SPORT, DPORT, SADDR6_LOW, DADDR6_LOW */
static void test_flow4(void **state)
{
	static const uint64_t first[] = {
		A2, A7, NONE6, 53, 4000, NONE6, A7, A2, NONE6, 4000, 53, NONE6,
	}, second[] = {
		A7, A2, NONE6, 4000, 53, NONE6, A2, A7, NONE6, 53, 4000, NONE6,
	}, snat[] = {
		A7, A2, NONE6, 4000, 53, NONE6, A2, S1, NONE6, 53, 40001, NONE6,
	}, dnat[] = {
		A7, A2, NONE6, 4000, 53, NONE6, S2, A7, NONE6, 40002, 4000, NONE6,
	};
	struct pkt p;

	pkt_build(&p, u4);
	EACH_HOOK {
		w->bss->flow = (struct ext_flow){ .slot = SLOT + 1,
						  .state = SHUNT_CT_ESTABLISHED };
		put_flow4(0);
		check_parts(&p, first);
		put_flow4(CONNTRACK_SECOND | CONNTRACK_REPLIED);
		check_parts(&p, second);
		put_flow4(CONNTRACK_SECOND | CONNTRACK_SNAT);
		check_parts(&p, snat);
		put_flow4(CONNTRACK_SECOND | CONNTRACK_DNAT);
		check_parts(&p, dnat);
	}
}

static void test_flow6(void **state)
{
	static const uint64_t first[] = {
		NONE4, H2, H7, 53, 4000, L2, L7, NONE4, H7, H2, 4000, 53, L7, L2,
	}, both[] = {
		NONE4, H7, H2, 4000, 53, L7, L2, NONE4, HS, HS, 40002, 40001, 0x12, 0x11,
	};
	struct pkt p;

	pkt_build(&p, u6);
	EACH_HOOK {
		w->bss->flow = (struct ext_flow){ .slot = SLOT + 1, .state = SHUNT_CT_RELATED };
		put_flow6(0);
		check_parts(&p, first);
		put_flow6(CONNTRACK_SECOND | CONNTRACK_SNAT | CONNTRACK_DNAT);
		check_parts(&p, both);
	}
}

/* A first packet's flow is not in the table: the packet says it */
static void test_new(void **state)
{
	static const uint64_t v4[] = {
		0x0a000001, A2, NONE6, 1000, 53, NONE6, A2, 0x0a000001, NONE6, 53, 1000, NONE6,
	}, v6[] = {
		NONE4, H2, H2, 1000, 53, 1, 2, NONE4, H2, H2, 53, 1000, 2, 1,
	}, ping[] = {
		0x0a000001, A2, NONE6, LACKS, LACKS, NONE6, A2, 0x0a000001, NONE6, LACKS, LACKS,
		NONE6,
	};
	struct pkt p4, p6, icmp;

	pkt_build(&p4, u4);
	pkt_build(&p6, u6);
	pkt_build(&icmp, PING4("10.0.0.1", "10.0.0.2"));
	EACH_HOOK {
		w->bss->flow.state = SHUNT_CT_NEW;
		check_parts(&p4, v4);
		check_parts(&p6, v6);
		check_parts(&icmp, ping);
	}
}

static void check_lacks(const struct pkt *p)
{
	static const uint64_t none[16] = {
		NONE4, NONE4, NONE4, NONE4, NONE4, NONE4, NONE4, NONE4,
	};

	check_parts(p, none);
	check_part(p, FILTER_FLOW_STATUS, LACKS);
}

/* Exactly these bits */
static void check_status(const struct pkt *p, uint64_t bits)
{
	check_part(p, FILTER_FLOW_STATUS, bits);
}

static void test_status(void **state)
{
	struct pkt p4, p6;

	pkt_build(&p4, u4);
	pkt_build(&p6, u6);
	EACH_HOOK {
		w->bss->flow = (struct ext_flow){ .slot = SLOT + 1, .state = SHUNT_CT_RELATED };
		put_flow4(CONNTRACK_SECOND | CONNTRACK_FIN_ORIG);
		put_flow6(CONNTRACK_REPLIED | CONNTRACK_DNAT | CONNTRACK_PICKED_UP);
		check_status(&p4, CONNTRACK_STATUS_CONFIRMED);
		check_status(&p6, CONNTRACK_STATUS_CONFIRMED | CONNTRACK_STATUS_SEEN_REPLY |
				  CONNTRACK_STATUS_DNAT);
		put_flow4(CONNTRACK_ASSURED | CONNTRACK_SNAT | CONNTRACK_SPILLED);
		check_status(&p4, CONNTRACK_STATUS_CONFIRMED | CONNTRACK_STATUS_ASSURED |
				  CONNTRACK_STATUS_SNAT);
		w->bss->flow = (struct ext_flow){ .state = SHUNT_CT_NEW };
		check_status(&p4, 0);			/* not in the table yet */
		check_status(&p6, 0);
	}
}

static void test_lacks(void **state)
{
	static const uint8_t without[] = { SHUNT_CT_NONE, SHUNT_CT_INVALID, SHUNT_CT_UNTRACKED };
	struct filter_cond direction = {
		.kind = FILTER_COND_RANGE, .field = FILTER_CT_DIRECTION, .mask = 1, .last = 1,
	};
	struct pkt p, arp;
	unsigned int i;

	pkt_build(&p, u4);
	pkt_build(&arp, PKT(ETH(.type = 0x0806), FILL(46)));
	EACH_HOOK {
		put_flow4(0);
		for (i = 0; i < N(without); i++) {
			w->bss->flow = (struct ext_flow){ .slot = SLOT + 1, .state = without[i] };
			check_lacks(&p);
			direction.negated = 0;
			assert_false(holds(&p, direction));
			direction.negated = 1;
			assert_false(holds(&p, direction));
		}
		w->bss->flow = (struct ext_flow){ .slot = EXT_FLOWS + 1,
						  .state = SHUNT_CT_ESTABLISHED };
		check_lacks(&p);			/* no such slot */
		w->bss->flow.slot = SLOT + 2;
		check_lacks(&p);			/* nothing there (any more) */
		w->bss->flow.slot = SLOT + 1;
		check_lacks(&arp);
		w->bss->flow = (struct ext_flow){ .state = SHUNT_CT_NEW };
		check_part(&arp, FILTER_FLOW_SADDR4, LACKS);
		check_part(&arp, FILTER_FLOW_DPORT, LACKS);
	}
}

/* ---- statements ---- */
static const struct shunt_packet *run(const struct pkt *p, const struct filter_stmt *stmt,
				      unsigned int n)
{
	static struct shunt_cpu cpu;
	struct bpf_map *map = bpf_object__find_map_by_name(w->object, "shunt_cpu");
	uint64_t before = ext_hits(w, HIT).packets;
	uint32_t i, ran = ~0U;

	w->image->ext[0] = (struct filter_ext){ .n_stmts = n, .hit = HIT };
	memcpy(w->image->ext[0].stmt, stmt, n * sizeof(*stmt));
	assert_int_equal(ext_ask_pkt(w, w->run_fd, p), FILTER_LEAVE);
	assert_int_equal(ext_hits(w, HIT).packets, before + 1);
	for (i = 0; i < (uint32_t)w->cpus; i++) {
		assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(map), &i, &cpu), 0);
		if (cpu.pkt.len == p->len && ran == ~0U)
			ran = i;
		else
			memset(&cpu.pkt, 0, sizeof(cpu.pkt));
		bpf_map_update_elem(bpf_map__fd(map), &i, &cpu, 0);
	}
	assert_true(ran != ~0U);
	assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(map), &ran, &cpu), 0);
	return &cpu.pkt;
}

#define MARK(per_, mask_, value_)					\
	{ .kind = FILTER_STMT_MARK, .per = (per_), .mask = (mask_), .value = (value_) }
#define FROM	FILTER_MARK_FROM_CT
#define TO	FILTER_MARK_TO_CT

static void test_marks(void **state)
{
	const struct filter_stmt from[] = { MARK(FROM, 0xff, 0x100) };
	const struct filter_stmt to[] = { MARK(TO, 0xf0, 0x1) };
	const struct filter_stmt own[] = { MARK(FROM | TO, ~0U, 0x3), MARK(0, ~0U, 0x10) };
	const struct shunt_packet *pkt;
	struct pkt p;

	pkt_build(&p, u4);
	EACH_HOOK {
		w->bss->mark = 0xabcd;
		w->bss->flow = (struct ext_flow){ .mark = 0x1234, .state = SHUNT_CT_NEW };
		pkt = run(&p, from, 1);
		assert_true(pkt->mark == 0x134 && pkt->ct_mark == 0x1234);
		pkt = run(&p, to, 1);
		assert_true(pkt->mark == 0xabcd && pkt->ct_mark == 0xc1);
		pkt = run(&p, own, 2);
		assert_true(pkt->mark == 0xabdd && pkt->ct_mark == 0x1237);
	}
}

/* That of the flow in the table is another one only where the flow's mark is set */
static void test_flow_mark(void **state)
{
	const struct filter_stmt to[] = { MARK(TO, 0, 0x77) }, from[] = { MARK(FROM, ~0U, 1) };
	struct pkt p4, p6;

	pkt_build(&p4, u4);
	pkt_build(&p6, u6);
	EACH_HOOK {
		put_flow4(0);
		put_flow6(0);
		w->bss->flow = (struct ext_flow){ .slot = SLOT + 1,
						  .state = SHUNT_CT_ESTABLISHED };
		run(&p4, from, 1);
		assert_int_equal(w->flow4[SLOT].flow.mark, 0);
		assert_int_equal(run(&p4, to, 1)->ct_mark, 0x77);
		assert_int_equal(w->flow4[SLOT].flow.mark, 0x77);
		assert_int_equal(w->flow6[SLOT].flow.mark, 0);
		run(&p6, to, 1);
		assert_int_equal(w->flow6[SLOT].flow.mark, 0x77);
		w->bss->flow.slot = EXT_FLOWS + 1;		/* none */
		assert_int_equal(run(&p4, to, 1)->ct_mark, 0x77);
		w->bss->flow.slot = 0;
		assert_int_equal(run(&p4, to, 1)->ct_mark, 0x77);
		assert_int_equal(w->flow4[0].flow.mark, 0);
	}
}

static void test_policy_notrack(void **state)
{
	const struct filter_stmt stmt[] = {
		{ .kind = FILTER_STMT_POLICY, .index = 5 }, { .kind = FILTER_STMT_NOTRACK },
	};
	const struct shunt_packet *pkt;
	struct pkt p;

	pkt_build(&p, u4);
	EACH_HOOK {
		w->bss->flow = (struct ext_flow){
			.slot = SLOT + 1, .mark = 7, .zone = 8, .state = SHUNT_CT_ESTABLISHED,
			.flags = SHUNT_CT_REPLY,
		};
		pkt = run(&p, stmt, 1);
		assert_true(pkt->ct_policy == 5 && pkt->ct_state == SHUNT_CT_ESTABLISHED &&
			    pkt->flow == SLOT + 1);
		pkt = run(&p, stmt, 2);
		assert_true(pkt->ct_policy == 5 && pkt->ct_state == SHUNT_CT_UNTRACKED &&
			    !pkt->flow && !pkt->ct_flags && pkt->ct_mark == 7 && pkt->ct_zone == 8);
	}
}

/* Once a packet has been looked up it stays where it is */
static void test_zone(void **state)
{
	const struct filter_stmt stmt[] = { { .kind = FILTER_STMT_ZONE, .value = 513 } };
	const struct shunt_packet *pkt;
	unsigned int ct_state;
	struct pkt p;

	pkt_build(&p, u4);
	EACH_HOOK {
		for (ct_state = SHUNT_CT_NONE; ct_state < SHUNT_CT_MAX; ct_state++) {
			w->bss->flow = (struct ext_flow){ .zone = 8, .state = ct_state };
			pkt = run(&p, stmt, 1);
			assert_int_equal(pkt->ct_zone, ct_state ? 8 : 513);
			assert_int_equal(pkt->ct_flags, ct_state ? 0 : SHUNT_CT_ZONED);
		}
	}
}

/* Translations: the last one of a kind stays */
static void test_nat(void **state)
{
	const struct filter_stmt stmt[] = {
		{ .kind = FILTER_STMT_SNAT, .value = 5 }, { .kind = FILTER_STMT_DNAT, .value = 4096 },
		{ .kind = FILTER_STMT_SNAT, .value = 6 },
	};
	const struct shunt_packet *pkt;
	struct pkt p;

	pkt_build(&p, u4);
	EACH_HOOK {
		pkt = run(&p, stmt, 1);
		assert_true(pkt->snat == 5 && !pkt->dnat);
		pkt = run(&p, stmt, 3);
		assert_true(pkt->snat == 6 && pkt->dnat == 4096);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flow4),
		cmocka_unit_test(test_flow6),
		cmocka_unit_test(test_new),
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_lacks),
		cmocka_unit_test(test_marks),
		cmocka_unit_test(test_flow_mark),
		cmocka_unit_test(test_policy_notrack),
		cmocka_unit_test(test_zone),
		cmocka_unit_test(test_nat),
	};
	int r;

	ext_open(&worlds[0], true);
	ext_open(&worlds[1], false);
	r = unit_main(tests, N(tests));
	ext_close(&worlds[0]);
	ext_close(&worlds[1]);
	return r;
}
