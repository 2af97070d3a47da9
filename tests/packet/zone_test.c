// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* zone_test.c - rules ahead of conntrack choose the zone; rules behind it ask for the flow's status */
#include "../lib/unit.h"

#include <string.h>

#include "../lib/pkt.h"
#include "../lib/rig.h"

#define N(a)		(sizeof(a) / sizeof((a)[0]))
#define HOOKS		2

static struct rig *rigs[HOOKS], *rig;
static struct rig_outcome out;

#define EACH_HOOK for (rig = rigs[0], hook_ = 0; hook_ < HOOKS; rig = rigs[++hook_ % HOOKS])
static unsigned int hook_;

static const char yaml[] =
	"conntrack: { flows: 1024, flows6: 1024 }\n"
	"nodes:\n"
	"  first:\n    module: filter\n    default: accept\n    rules:\n"
	"      - ip dscp cs1 ct zone set 7\n"
	"      - ip dscp cs2 ct zone set 7 ct zone set 0\n"
	"      - ip6 dscp cs1 ct zone set 65535\n"
	"      - ip dscp cs3 notrack ct zone set 7\n"
	"  ct: { module: conntrack, config: { zone: 3 } }\n"
	"  guard:\n    module: filter\n    default: drop\n    rules:\n"
	"      - ct status & (seen-reply|assured|confirmed|snat|dnat) == confirmed|seen-reply goto answered\n"
	"      - ct status assured goto assured\n"
	"      - ct status confirmed goto there\n"
	"      - ct status ! confirmed accept\n"
	"  keep: { module: commit }\n"
	"graphs:\n  g:\n    entry: first\n    edges:\n"
	"      first: { accept: ct }\n"
	"      ct: { next: guard, established: guard, related: guard }\n"
	"      guard: { accept: keep, there: pass, answered: pass, assured: pass }\n"
	"      keep: { next: pass }\n";

#define A	"10.0.0.1"
#define B	"10.0.0.2"
#define OUT(class_)	PKT(ETH(), IP4(.src = A, .dst = B, .tos = 32 * (class_)), \
			    UDP(.sport = 1000, .dport = 53))
#define BACK(class_)	PKT(ETH(), IP4(.src = B, .dst = A, .tos = 32 * (class_)), \
			    UDP(.sport = 53, .dport = 1000))

/* By @edge, in @zone. Return: the flow */
static uint32_t sent(const struct pkt_hdr *headers, const char *edge, unsigned int zone)
{
	struct pkt p;

	pkt_build(&p, headers);
	assert_int_equal(rig_run(rig, p.data, p.len, &out), 0);
	assert_string_equal(out.fault, "");
	if (strcmp(out.left, edge))
		fail_msg("left by '%s', not '%s'", out.left, edge);
	assert_int_equal(out.pkt.ct_zone, zone);
	assert_int_equal(out.pkt.ct_flags & SHUNT_CT_ZONED, 0);
	return out.pkt.flow;
}

/* The same ends in three zones: three flows, found again each by the packets of its zone */
static void test_zones(void **state)
{
	uint32_t flow[3];
	unsigned int i;

	EACH_HOOK {
		for (i = 0; i < 3; i++) {
			static const unsigned int zone[] = { 3, 7, 0 };

			flow[i] = sent(OUT(i), "keep.next", zone[i]);
			assert_true(flow[i] != 0);
			assert_int_equal(sent(OUT(i), "guard.there", zone[i]), flow[i]);
		}
		assert_true(flow[0] != flow[1] && flow[1] != flow[2] && flow[0] != flow[2]);
		assert_int_equal(sent(BACK(1), "guard.answered", 7), flow[1]);
		assert_int_equal(sent(OUT(0), "guard.there", 3), flow[0]);
		assert_int_equal(sent(OUT(1), "guard.assured", 7), flow[1]);
	}
}

static void test_zone6(void **state)
{
	const struct pkt_hdr *there = PKT(ETH(), IP6(.src = "fd00::1", .dst = "fd00::2",
						     .tc = 32), UDP(.sport = 1, .dport = 2));
	const struct pkt_hdr *elsewhere = UDP6("fd00::1", "fd00::2", 1, 2);
	uint32_t flow;

	EACH_HOOK {
		flow = sent(there, "keep.next", 65535);
		assert_int_not_equal(sent(elsewhere, "keep.next", 3), flow);
		assert_int_equal(sent(there, "guard.there", 65535), flow);
	}
}

/* Has no flow, hence no status either: no rule of the second filter matches */
static void test_untracked(void **state)
{
	EACH_HOOK {
		assert_int_equal(sent(OUT(3), "guard.drop", 0), 0);
		assert_int_equal(out.pkt.ct_state, SHUNT_CT_UNTRACKED);
	}
}

/* Later fragments have their ports from the first one of the same zone */
static void test_fragments(void **state)
{
	const struct pkt_hdr *first = PKT(ETH(), IP4(.src = A, .dst = B, .tos = 32, .id = 9,
						     .mf = true),
					  UDP(.sport = 1000, .dport = 53), FILL(16));
	const struct pkt_hdr *later = PKT(ETH(), IP4(.src = A, .dst = B, .tos = 32, .id = 9,
						     .frag_off = 24, .next = 17), FILL(16));
	const struct pkt_hdr *foreign = PKT(ETH(), IP4(.src = A, .dst = B, .id = 9, .frag_off = 48,
						       .next = 17), FILL(16));
	uint32_t flow;

	EACH_HOOK {
		flow = sent(OUT(1), "guard.assured", 7);
		assert_int_equal(sent(first, "guard.assured", 7), flow);
		assert_int_equal(sent(later, "guard.assured", 7), flow);
		sent(foreign, "ct.invalid", 3);
	}
}

int main(void)
{
	static const uint32_t hooks[HOOKS] = { SHUNT_HOOK_XDP, SHUNT_HOOK_TC_INGRESS };
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_zones),
		cmocka_unit_test(test_zone6),
		cmocka_unit_test(test_untracked),
		cmocka_unit_test(test_fragments),
	};
	unsigned int i;
	int r;

	for (i = 0; i < HOOKS; i++)
		rigs[i] = rig_new(yaml, hooks[i]);
	r = unit_main(tests, N(tests));
	for (i = 0; i < HOOKS; i++)
		rig_free(rigs[i]);
	return r;
}
