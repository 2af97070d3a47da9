// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * nat_test.c - packets of translated flows, byte by byte, at all hooks
 *
 * A case (nat_cases.h) is what goes in and what comes out, packet by packet; what comes out is
 * built anew with its own sums.
 */
#include "nat_cases.h"

#define N(a)		(sizeof(a) / sizeof((a)[0]))
static void run_steps(struct rig *rig, const struct step *step, unsigned int n)
{
	struct pkt in, want;
	char text[256];

	for (unsigned int i = 0; i < n && step[i].in; i++) {
		pkt_build(&in, step[i].in);
		if (!nat_send(rig, &in))
			continue;
		if (!step[i].want) {
			assert_string_equal(out.left, step[i].left);
			assert_int_equal(out.verdict, RIG_DROP);
			continue;
		}
		if (strcmp(out.left, "n.next"))
			fail_msg("packet %u left by %s, reason %s", i + 1, out.left,
				 out.reason ?: "-");
		pkt_build(&want, step[i].want);
		if (pkt_diff(&want, out.data, out.len, text, sizeof(text)))
			fail_msg("packet %u: %s", i + 1, text);
	}
}

static void test_case(void **state)
{
	const struct nat_case *c = *state;

	for (int h = 0; h < NAT_HOOKS; h++) {
		nat_forget(nat_rigs[h]);
		run_steps(nat_rigs[h], c->step, STEPS);
	}
}

/* ---- what depends on the table's secret ---- */

/* Source address and port, as the packet that came out has them */
static const uint8_t *out_src4(void)
{
	return out.data + 26;
}

static unsigned int out_sport(void)
{
	return out.data[34] << 8 | out.data[35];
}

static void send4(struct rig *rig, unsigned int tag, const char *src, const char *dst,
		  unsigned int sport)
{
	struct pkt in;

	pkt_build(&in, T4(tag, src, dst, DGRAM(sport, 53)));
	nat_send(rig, &in);
}

/* Sources of one port to one target: each gets another port of its class, and its replies */
static void check_clash(struct rig *rig, unsigned int sport, unsigned int first, unsigned int last)
{
	bool seen[65536] = { false };
	char src[32];

	nat_forget(rig);
	for (unsigned int i = 1; i <= 40; i++) {
		snprintf(src, sizeof(src), "10.0.0.%u", i);
		send4(rig, S1, src, X4, sport);
		assert_string_equal(out.left, "n.next");
		if (i == 1)
			assert_int_equal(out_sport(), sport);
		assert_in_range(out_sport(), first, last);
		assert_false(seen[out_sport()]);
		seen[out_sport()] = true;
		run_steps(rig, &(struct step){ P4(X4, O4, DGRAM(53, out_sport())),
					       P4(X4, src, DGRAM(53, sport)), NULL }, 1);
	}
}

static void test_clash(void **state)
{
	for (int h = 0; h < NAT_HOOKS; h++) {
		check_clash(nat_rigs[h], 4000, 1024, 65535);
		check_clash(nat_rigs[h], 65535, 1024, 65535);
		check_clash(nat_rigs[h], 700, 600, 1023);
		check_clash(nat_rigs[h], 22, 1, 511);
	}
}

static void test_clash_of_pings(void **state)
{
	struct rig *rig = nat_rigs[0];
	struct pkt in;
	unsigned int id;

	nat_forget(rig);
	pkt_build(&in, T4(S1, A4, X4, ECHO(8, 5)));
	nat_send(rig, &in);
	pkt_build(&in, T4(S1, B4, X4, ECHO(8, 5)));
	nat_send(rig, &in);
	id = out.data[38] << 8 | out.data[39];
	assert_int_not_equal(id, 5);
	run_steps(rig, &(struct step){ P4(X4, O4, ECHO(0, id)), P4(X4, B4, ECHO(0, 5)), 0 }, 1);
	run_steps(rig, &(struct step){ P4(X4, O4, ECHO(0, 5)), P4(X4, A4, ECHO(0, 5)), 0 }, 1);
}

/* Two services, one server: a client that uses one port for both gets another one for the second */
static void test_clash_of_dnat(void **state)
{
	struct rig *rig = nat_rigs[0];

	nat_forget(rig);
	send4(rig, D1, X4, V4, 4000);
	assert_int_equal(out_sport(), 4000);
	send4(rig, D1, X4, "203.0.113.11", 4000);
	assert_string_equal(out.left, "n.next");
	assert_int_not_equal(out_sport(), 4000);
	run_steps(rig, &(struct step){ P4(W4, X4, DGRAM(53, out_sport())),
				       P4("203.0.113.11", X4, DGRAM(53, 4000)), 0 }, 1);
}

static void test_exhausted(void **state)
{
	struct rig *rig = nat_rigs[1];
	unsigned int seen = 0;
	uint64_t before;
	char src[32];

	nat_forget(rig);
	before = flows_stat(rig->shared.flows, CONNTRACK_STAT_EXHAUSTED);
	for (int i = 1; i <= 4; i++) {
		snprintf(src, sizeof(src), "10.0.0.%d", i);
		send4(rig, S(PORTS), src, X4, 4000);
		assert_string_equal(out.left, "n.next");
		seen |= 1 << (out_sport() - 2000);
	}
	assert_int_equal(seen, 15);
	send4(rig, S(PORTS), "10.0.0.5", X4, 4000);
	assert_string_equal(out.left, "n.exhausted");
	assert_string_equal(out.reason, "exhausted");
	assert_int_equal(flows_stat(rig->shared.flows, CONNTRACK_STAT_EXHAUSTED), before + 1);
	send4(rig, S(PORTS), "10.0.0.5", Y4, 4000);
	assert_string_equal(out.left, "n.next");
	assert_int_equal(nat_forget(rig), 5);
	send4(rig, S(PORTS), "10.0.0.5", X4, 4000);	/* keys of replies went, too */
	assert_string_equal(out.left, "n.next");
}

/* As many flows as ports: each finds the one that is left, from wherever its search begins */
static void test_whole_range(void **state)
{
	struct rig *rig = nat_rigs[0];
	struct flow flow;
	uint64_t cursor;
	char src[32];

	nat_forget(rig);
	for (int i = 0; i < 232; i++) {
		cursor = 0;
		if (i >= 32) {
			assert_int_equal(flows_next(rig->shared.flows, &cursor, UINT32_MAX, &flow), 1);
			assert_int_equal(flows_remove(rig->shared.flows, &flow), 0);
		}
		snprintf(src, sizeof(src), "10.0.1.%d", i);
		send4(rig, S(PORTS32), src, X4, 260);
		assert_string_equal(out.left, "n.next");
	}
	send4(rig, S(PORTS32), A4, X4, 260);
	assert_string_equal(out.left, "n.exhausted");
}

/* A source port of the pool's range, in the target: by hash, always the same */
static void test_target_port(void **state)
{
	struct rig *rig = nat_rigs[2];
	unsigned int port = 0;
	struct pkt in;

	for (int i = 0; i < 2; i++) {
		nat_forget(rig);
		pkt_build(&in, T4(D(PORTS), X4, V4, DGRAM(4000, 53)));
		nat_send(rig, &in);
		if (i)
			assert_int_equal(out.data[36] << 8 | out.data[37], port);
		port = out.data[36] << 8 | out.data[37];
		assert_in_range(port, 8000, 8009);
	}
}

/* Which of the pool's addresses a source gets, for several targets */
static unsigned int pool_mask(struct rig *rig, unsigned int tag, const char *src)
{
	static const uint8_t net[] = { 203, 0, 113 };
	unsigned int mask = 0;
	char dst[32];

	for (int i = 1; i <= 64; i++) {
		snprintf(dst, sizeof(dst), "198.51.100.%d", i);
		send4(rig, tag, src, dst, 4000);
		assert_string_equal(out.left, "n.next");
		assert_memory_equal(out_src4(), net, 3);
		assert_in_range(out_src4()[3], 1, 8);
		mask |= 1 << (out_src4()[3] - 1);
	}
	return mask;
}

static void test_pool(void **state)
{
	unsigned int sticky = 0, mask;
	char src[32];

	for (int h = 0; h < NAT_HOOKS; h++) {
		nat_forget(nat_rigs[h]);
		assert_int_equal(pool_mask(nat_rigs[h], S(POOL), A4), 255);
		for (int i = 1; i <= 64; i++) {
			snprintf(src, sizeof(src), "10.0.1.%d", i);
			mask = pool_mask(nat_rigs[h], S(STICKY), src);
			assert_int_equal(mask & (mask - 1), 0);
			sticky |= mask;
			nat_forget(nat_rigs[h]);
		}
		assert_int_equal(sticky, 255);
	}
}

/* GRE has no ports: a second source gets another address of the pool */
static void test_pool_without_ports(void **state)
{
	struct rig *rig = nat_rigs[0];
	unsigned int seen = 0;
	char src[32];
	struct pkt in;

	nat_forget(rig);
	for (int i = 1; i <= 8; i++) {
		snprintf(src, sizeof(src), "10.0.0.%d", i);
		pkt_build(&in, PKT(ETH(), IP4(.src = src, .dst = X4, .next = 47,
					      .tos = S(POOL)), FILL(20)));
		nat_send(rig, &in);
		assert_string_equal(out.left, "n.next");
		seen |= 1 << (out_src4()[3] - 1);
	}
	assert_int_equal(seen, 255);
}

/* The range crosses a boundary of 16 bits: its addresses are numbers, not bytes */
static void test_pool6(void **state)
{
	const struct shunt_addr first = nat_addr("2001:db8:f::fff0");
	const struct shunt_addr last = nat_addr("2001:db8:f::1:f");
	struct rig *rig = nat_rigs[1];
	unsigned int low = 0, high = 0;
	char src[64];
	struct pkt in;

	nat_forget(rig);
	for (int i = 1; i <= 64; i++) {
		snprintf(src, sizeof(src), "fd00::%x", i);
		pkt_build(&in, T6(S(POOL6), src, X6, DGRAM(4000, 53)));
		nat_send(rig, &in);
		assert_string_equal(out.left, "n.next");
		assert_true(memcmp(out.data + 22, &first, 16) >= 0);
		assert_true(memcmp(out.data + 22, &last, 16) <= 0);
		if (out.data[35])
			high++;
		else
			low++;
	}
	assert_true(low && high);
}

static void test_no_own_address(void **state)
{
	struct rig *rig = nat_rigs[2];

	nat_forget(rig);
	nat_put_own(rig, NULL, "2001:db8:f::77");
	send4(rig, S(OWN), A4, X4, 4000);
	assert_string_equal(out.left, "n.exhausted");
	nat_put_own(rig, M4, NULL);
	run_steps(rig, &(struct step){ T6(S(OWN), A6, X6, SYN(4000, 80)), NULL,
				       "n.exhausted" }, 1);
	send4(rig, S(OWN), A4, X4, 4000);
	assert_string_equal(out.left, "n.next");
	nat_put_own(rig, M4, M6);
}

/* The entry as user space sees it */
static void test_entry(void **state)
{
	uint64_t cursor = 0;
	struct flow flow;
	struct rig *rig = nat_rigs[0];
	struct pkt in;

	nat_forget(rig);
	pkt_build(&in, T4(DS(PORT, ONE), A4, V4, SYN(4000, 80)));
	nat_send(rig, &in);
	assert_int_equal(out.pkt.ct_flags, SHUNT_CT_NAT);
	assert_true(flows_next(rig->shared.flows, &cursor, 1000000, &flow) > 0);
	assert_int_equal(flow.slot + 1, out.pkt.flow);
	assert_true(flow.flow.life >> CONNTRACK_FLAGS_SHIFT & CONNTRACK_SNAT);
	assert_true(flow.flow.life >> CONNTRACK_FLAGS_SHIFT & CONNTRACK_DNAT);
	assert_int_equal(flow.flow4.nat_addr[0], nat_addr(O4).v4);
	assert_int_equal(flow.flow4.nat_addr[1], nat_addr(W4).v4);
	assert_int_equal(flow.flow4.nat_port[0], htons(4000));
	assert_int_equal(flow.flow4.nat_port[1], htons(8080));
	assert_int_not_equal(flow.flow.other, 0);
	assert_int_equal(nat_forget(rig), 1);
	assert_int_equal(nat_forget(rig), 0);
}

/* 'full: stateless' lets through what needs no translation, and nothing else */
static void test_full(void **state)
{
	struct rig *rig = nat_rig(SHUNT_HOOK_XDP, "flows: 7, full: stateless");
	struct pkt in;

	for (int i = 0; i < 400; i++) {
		pkt_build(&in, P4(A4, X4, DGRAM(1000 + i, 53)));
		nat_send(rig, &in);
		assert_string_equal(out.left, "n.next");
		if (out.pkt.ct_state == SHUNT_CT_UNTRACKED)
			break;
		pkt_build(&in, P4(X4, A4, DGRAM(53, 1000 + i)));
		nat_send(rig, &in);
		assert_int_equal(out.pkt.ct_state, SHUNT_CT_ESTABLISHED);
	}
	assert_int_equal(out.pkt.ct_state, SHUNT_CT_UNTRACKED);
	send4(rig, S1, A4, Y4, 9000);
	assert_string_equal(out.left, "n.refused");
	rig_free(rig);
}

/* The ends outside are the same two, turned round: the source gets another port, so replies differ */
static void test_turned_round(void **state)
{
	struct rig *rig = nat_rigs[0];
	struct pkt in;

	nat_forget(rig);
	pkt_build(&in, T4(DS(ONE, ONE), W4, O4, DGRAM(5000, 5000)));
	nat_send(rig, &in);
	assert_string_equal(out.left, "n.next");
	assert_int_not_equal(out_sport(), 5000);
	run_steps(rig, &(struct step){ P4(W4, O4, DGRAM(5000, out_sport())),
				       P4(O4, W4, DGRAM(5000, 5000)), 0 }, 1);
	assert_int_equal(nat_forget(rig), 1);
}

static uint64_t places(const struct rig *rig, uint64_t *ret_all)
{
	uint64_t taken, bytes;

	flows_size(rig->shared.flows, 0, &taken, ret_all, &bytes);
	return taken;
}

/* Room for one entry, and the flow needs two: none stays */
static void test_last_place(void **state)
{
	struct rig *rig = nat_rig(SHUNT_HOOK_TC_INGRESS, "flows: 7");
	uint64_t all;
	struct pkt in;

	for (int i = 0; places(rig, &all) + 1 < all; i++) {
		pkt_build(&in, P4(A4, X4, DGRAM(1000 + i, 53)));
		nat_send(rig, &in);
		pkt_build(&in, P4(X4, A4, DGRAM(53, 1000 + i)));
		nat_send(rig, &in);
		assert_int_equal(out.pkt.ct_state, SHUNT_CT_ESTABLISHED);
	}
	send4(rig, S1, A4, Y4, 9000);
	assert_string_equal(out.left, "n.refused");
	assert_int_equal(places(rig, &all), all - 1);
	send4(rig, 0, A4, Y4, 9000);
	assert_string_equal(out.left, "n.next");
	assert_int_equal(places(rig, &all), all);
	rig_free(rig);
}

int main(void)
{
	static const struct CMUnitTest more[] = {
		cmocka_unit_test(test_clash), cmocka_unit_test(test_clash_of_pings),
		cmocka_unit_test(test_clash_of_dnat), cmocka_unit_test(test_exhausted),
		cmocka_unit_test(test_whole_range), cmocka_unit_test(test_target_port), cmocka_unit_test(test_pool),
		cmocka_unit_test(test_pool_without_ports), cmocka_unit_test(test_pool6),
		cmocka_unit_test(test_no_own_address), cmocka_unit_test(test_entry),
		cmocka_unit_test(test_full), cmocka_unit_test(test_turned_round),
		cmocka_unit_test(test_last_place),
	};
	static struct CMUnitTest tests[N(cases) + N(more)];
	unsigned int i;

	for (i = 0; i < N(cases); i++)
		tests[i] = unit_row(cases[i].name, test_case, &cases[i]);
	memcpy(&tests[i], more, sizeof(more));
	for (i = 0; i < NAT_HOOKS; i++)
		nat_rigs[i] = nat_rig(nat_hooks[i], "flows: 2000, flows6: 2000");
	i = unit_main(tests, N(tests));
	for (int h = 0; h < NAT_HOOKS; h++)
		rig_free(nat_rigs[h]);
	return i;
}
