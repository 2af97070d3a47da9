// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * flowmodel_test.c - random packets: the flow table does what the model says
 *
 * Each packet goes through conntrack and commit at both hooks. Compared are its way, what the
 * context has of its flow, and the flow's entry; now and then the whole table. Jiffies cannot be
 * set: instead the test takes time off what each flow has left. A flow that would then end within
 * the next seconds ends at once, so that none is over for one side and not yet for the other.
 *
 * Once more with TCP's numbers checked; and both with 'nat' in place of 'commit', where every byte is
 * compared, too. $TEST_SEED repeats a run, $TEST_COUNT is the number of packets of each
 */
#include "../lib/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../lib/flowgen.h"
#include "../lib/flowtag.h"
#include "flowmodel_compare.h"
#include "flowmodel_nat_world.h"

#define HOOKS		2
#define CHECK_EVERY	211	/* packets between two looks at the whole table */

static const uint32_t hooks[HOOKS] = { SHUNT_HOOK_XDP, SHUNT_HOOK_TC_INGRESS };

static struct side sides[HOOKS];
static struct flowgen gen;
static struct rig_outcome out;
static unsigned long not_run, seen_count[SEEN_UNTRACKED + 1], state_count[FLOW_STATES],
	began, refused, checks, moves, ended;

/* ---- one packet ---- */
static const char *wanted_way(const struct side *side)
{
	static char text[32];
	const char *node = side->tos & FLOWTAG_ZONE ? "other" : "ct";

	if (side->left)
		return side->left;
	switch (side->wanted.seen) {
	case SEEN_ESTABLISHED:
	case SEEN_RELATED:
		if (gen.nat)
			return "n.next";
		/* fall through */
	case SEEN_INVALID:
		snprintf(text, sizeof(text), "%s.%s", node,
			 flowmodel_seen_name(side->wanted.seen));
		return text;
	default:
		return side->tos & FLOWTAG_REFUSED ? "guard.refused" :
		       gen.nat ? "n.next" : "keep.next";
	}
}

static void model_step(struct side *side, const struct pkt *p)
{
	struct flowmodel_outcome *wanted = &side->wanted;
	struct flowmodel_flow *flow;

	model_parse(p->data, p->len, &side->packet);
	side->tos = side->packet.tos;
	side->left = NULL;
	memset(wanted, 0, sizeof(*wanted));
	if (side->packet.malformed)
		return;
	if (side->tos & FLOWTAG_NOTRACK && side->packet.version) {
		wanted->seen = SEEN_UNTRACKED;
		return;
	}
	flowmodel_track(&side->model, side->tos & FLOWTAG_ZONE ? FLOWGEN_ZONE : 0, &side->packet,
			wanted);
	if (wanted->flow && translated(wanted->flow) && side->packet.extensions & MODEL_EXT_RT &&
	    (wanted->seen != SEEN_NEW || !(side->tos & FLOWTAG_REFUSED)))
		side->left = "n.refused";
	if (wanted->seen != SEEN_NEW || wanted->flow)
		return;
	if (side->tos & FLOWTAG_REFUSED) {
		refused++;
		return;
	}
	flow = gen.nat ? nat_begin(side, &out) :
	       flowmodel_commit(&side->model, &side->packet, wanted, FLOWTAG_MARK(side->tos),
				FLOWTAG_POLICY(side->tos));
	began += flow != NULL;
	wanted->flow = flow;
	wanted->mark = flow ? flow->mark : 0;
}

/* Every byte of what goes on */
static void compare_bytes(struct side *side)
{
	const struct flowmodel_outcome *wanted = &side->wanted;
	static struct pkt want;
	char text[256];

	if (out.verdict != RIG_PASS)
		return;
	want.len = side->packet.len;
	want.n_layers = 0;
	memcpy(want.data, side->packet.frame, want.len);
	if (wanted->flow && translated(wanted->flow))
		flownat_rewrite(wanted, &side->packet, side->rig->hook == SHUNT_HOOK_XDP,
				want.data);
	if (pkt_diff(&want, out.data, out.len, text, sizeof(text)))
		differ(side, &wanted->key, "the packet", text, "so");
}

static void compare_packet(struct side *side, uint32_t jiffies)
{
	const struct flowmodel_outcome *wanted = &side->wanted;
	const struct flowmodel_key *key = &wanted->key;
	unsigned int flags = (wanted->reply ? SHUNT_CT_REPLY : 0) |
			     (wanted->quoted ? SHUNT_CT_QUOTED : 0) |
			     (wanted->flow && translated(wanted->flow) ? SHUNT_CT_NAT : 0);
	static const char *const names[] = {
#define CT_NAME(id, name) name,
		SHUNT_CT_STATES(CT_NAME)
	};

	compare_text(side, key, "the account", out.fault, "");
	if (side->packet.malformed) {
		compare_text(side, key, "the reason", out.reason ? out.reason : "none",
			     side->packet.malformed);
		return;
	}
	compare_text(side, key, "the way", out.left, wanted_way(side));
	compare_text(side, key, "ct_state", names[out.pkt.ct_state],
		     flowmodel_seen_name(wanted->seen));
	compare_number(side, key, "ct_flags", out.pkt.ct_flags, flags);
	compare_number(side, key, "whether it has a flow", out.pkt.flow != 0, wanted->flow != NULL);
	compare_bytes(side);
	if (!wanted->flow)
		return;
	compare_number(side, key, "ct_mark", out.pkt.ct_mark, wanted->mark);
	compare_number(side, key, "ct_zone", out.pkt.ct_zone, wanted->flow->key.zone);
	compare_entry(side, wanted->flow, out.pkt.flow - 1, jiffies);
	state_count[wanted->flow->state]++;
}

static void step(struct side *side, const struct pkt *p)
{
	uint32_t before = jiffies_now();
	int r;

	side->model.now = ticks(side, before);
	r = rig_run(side->rig, p->data, p->len, &out);
	if (r == -EOPNOTSUPP) {
		not_run++;
		return;
	}
	if (r < 0)
		fail_msg("test run: %s", strerror(-r));
	model_step(side, p);
	note(side, p);
	if (side->wanted.flow)		/* it ran somewhat later, or much, on a busy machine */
		side->wanted.flow->latest += jiffies_now() - before;
	compare_packet(side, before);
	if (!side->packet.malformed)
		seen_count[side->wanted.seen]++;
}

/* ---- the whole table ---- */
static struct flowmodel_flow *model_flow(struct side *side, int family, uint32_t slot)
{
	struct flowmodel_flow *flow;
	struct flowmodel_key key;
	bool ordered;

	entry_key(side, family, slot, &key, &ordered);
	for (flow = side->model.flows; flow; flow = flow->next)
		if (!memcmp(&flow->key, &key, sizeof(key)))
			return flow;
	side->wanted.flow = NULL;
	differ(side, &key, "an entry", "there", "not there");
	return NULL;
}

static void compare_stats(struct side *side)
{
	static const struct { enum conntrack_stat have; enum flowmodel_stat want; } row[] = {
		{ CONNTRACK_STAT_NEW, FLOWSTAT_NEW }, { CONNTRACK_STAT_INVALID, FLOWSTAT_INVALID },
		{ CONNTRACK_STAT_RELATED, FLOWSTAT_RELATED },
		{ CONNTRACK_STAT_FRAG_UNKNOWN, FLOWSTAT_FRAG_UNKNOWN },
		{ CONNTRACK_STAT_FRAG_OVERLAP, FLOWSTAT_FRAG_OVERLAP },
		{ CONNTRACK_STAT_WINDOW, FLOWSTAT_WINDOW },
	};
	static const enum conntrack_stat none[] = { CONNTRACK_STAT_EVICTED, CONNTRACK_STAT_FULL,
						    CONNTRACK_STAT_CLASH, CONNTRACK_STAT_BUSY };
	static const char *const names[] = {
#define STAT_NAME(id, name, help) name,
		CONNTRACK_STATS(STAT_NAME)
	};
	unsigned int i;

	for (i = 0; i < sizeof(row) / sizeof(*row); i++)
		compare_number(side, &side->wanted.key, names[row[i].have],
			       stat_sum(side, row[i].have), side->model.stat[row[i].want]);
	compare_number(side, &side->wanted.key, "exhausted",
		       stat_sum(side, CONNTRACK_STAT_EXHAUSTED), side->exhausted);
	for (i = 0; i < sizeof(none) / sizeof(*none); i++)
		compare_number(side, &side->wanted.key, names[none[i]], stat_sum(side, none[i]), 0);
}

/* The clock goes on by @by ticks: what is in the table has less time left */
static void age(struct side *side, struct conntrack_flow *have, struct flowmodel_flow *flow,
		int64_t by, uint32_t jiffies)
{
	int64_t now = side->model.now + by;
	uint32_t expires = (uint32_t)have->life - (uint32_t)by;

	if (flow->earliest <= now + MARGIN_S * side->conf->second) {
		flow->earliest = flow->latest = now;
		expires = jiffies - 1;
		ended++;
	}
	have->life = (have->life & ~0xffffffffull) | expires;
}

/* Each flow that is there against the model's, then the clock goes on by @by ticks */
static void check_table(struct side *side, int64_t by)
{
	uint32_t slot, now = jiffies_now();
	struct flowmodel_key nobody = { 0 };
	struct conntrack_flow *have;
	unsigned long found = 0;
	int family;
	bool reply;

	side->model.now = ticks(side, now);
	flowmodel_find(&side->model, &nobody, &reply);	/* sees to those that are over */
	for (family = 0; family < FLOWS_FAMILIES; family++)
		for (slot = 0; slot < slots(side, family); slot++) {
			have = entry(side, family, slot);
			if (!is_there(have, now) || flags_of(have->life) & CONNTRACK_PEER)
				continue;
			side->wanted.flow = model_flow(side, family, slot);
			compare_entry(side, side->wanted.flow, slot, now);
			age(side, have, side->wanted.flow, by, now);
			found++;
		}
	compare_number(side, &side->wanted.key, "flows in the table", found, side->model.n_flows);
	compare_stats(side);
	if (by)
		age_pieces(side, by);
	side->moved += by;
	side->checked = now;
	checks++;
}

static int64_t random_move(void)
{
	int64_t second = sides[0].conf->second;
	unsigned int what = flowgen_below(&gen, 100);

	if (what < 50)
		return 0;
	moves++;
	if (what < 65)			/* less than what is written */
		return 1 + flowgen_below(&gen, second);
	if (what < 80)
		return second * (1 + flowgen_below(&gen, 25));
	if (what < 97)
		return second * (20 + flowgen_below(&gen, 150));
	return second * (1000 + flowgen_below(&gen, 432000));
}

/* ---- the run ---- */

/* Behind the rules: the flow comes into the table, as it is or translated */
static const char *last_nodes(bool edges)
{
	static char text[512];

	if (!gen.nat)
		return edges ? "      ct: { next: guard, established: pass, related: pass }\n"
			       "      other: { next: guard, established: pass, related: pass }\n"
			       "      guard: { next: keep, other: drop }\n      keep: { next: pass }\n" :
			       "  keep: { module: commit }\n";
	if (edges)
		return "      ct: { next: guard, established: n, related: n }\n"
		       "      other: { next: guard, established: n, related: n }\n"
		       "      guard: { next: pickn, other: drop }\n"
		       "      pickn: { next: n }\n      n: { next: pass }\n";
	snprintf(text, sizeof(text), "  pickn: { module: %s, config: { snats: %u, dnats: %u } }\n"
		 "  n: { module: nat }\n", rig_built("tests/lib/flownat"), nat_has[0], nat_has[1]);
	return text;
}

static void open_side(struct side *side, uint32_t hook)
{
	char yaml[4096];
	const char *tag = rig_built("tests/lib/flowtag");

	snprintf(yaml, sizeof(yaml),
		 "conntrack:\n  flows: 8192\n  flows6: 8192\n  counters: true\n  pickup: true\n"
		 "  window: %s\n"
		 "  policies:\n"
		 "    brief: { udp-replied: 12s, tcp-established: 40s, tcp-close: 20s }\n"
		 "    long: { udp-unreplied: 1h, tcp-syn-sent: 1h, icmp: 2m }\n"
		 "nodes:\n  pick: { module: %s }\n  guard: { module: %s, config: { behind: 1 } }\n"
		 "  ct: { module: conntrack }\n"
		 "  other: { module: conntrack, config: { zone: %u } }\n"
		 "%s"
		 "graphs:\n  g:\n    entry: pick\n    edges:\n"
		 "      pick: { next: ct, other: other }\n%s",
		 gen.window ? "true" : "false", tag, tag, FLOWGEN_ZONE, last_nodes(false),
		 last_nodes(true));
	side->rig = rig_new(yaml, hook);
	side->name = module_hook_name(hook);
	open_tables(side);
	if (gen.nat)
		nat_open(side, gen.random);
	flowmodel_init(&side->model, side->conf->second);
	side->model.pickup = true;
	side->model.window = gen.window;
	side->model.timeout[1][FLOW_UDP_REPLIED] = 12 * side->conf->second;
	side->model.timeout[1][FLOW_ESTABLISHED] = 40 * side->conf->second;
	side->model.timeout[1][FLOW_CLOSE] = 20 * side->conf->second;
	side->model.timeout[2][FLOW_UDP_UNREPLIED] = 3600 * side->conf->second;
	side->model.timeout[2][FLOW_SYN_SENT] = 3600 * side->conf->second;
	side->model.timeout[2][FLOW_ICMP] = 120 * side->conf->second;
	side->jiffies_first = side->checked = jiffies_now();
}

static void close_side(struct side *side)
{
	flowmodel_fini(&side->model);
	flownat_fini(&side->nat);
	rig_free(side->rig);
}

/* The interface gets another address, or none, mostly not for long */
static void move_house(void)
{
	static const unsigned int own[] = { 77, 77, 77, 78, 0 };
	unsigned int four = own[flowgen_below(&gen, 5)], six = own[flowgen_below(&gen, 5)];
	int hook;

	for (hook = 0; hook < HOOKS; hook++)
		nat_put_own(&sides[hook], four, six);
}

static void steps(unsigned long count)
{
	struct pkt p;
	int64_t by;
	int hook;

	for (step_ = 1; step_ <= count; step_++) {
		flowgen_next(&gen, &sides[0].model, &p);
		for (hook = 0; hook < HOOKS; hook++)
			step(&sides[hook], &p);
		if (step_ % CHECK_EVERY && jiffies_now() - sides[0].checked <
		    2 * sides[0].conf->second)
			continue;
		by = random_move();
		if (gen.nat)
			move_house();
		for (hook = 0; hook < HOOKS; hook++)
			check_table(&sides[hook], by);
	}
}

/* A run that never meets something proves nothing of it */
static void all_was_met(unsigned long count)
{
	unsigned int i;

	if (count < 50000)
		return;
	for (i = SEEN_NONE; i <= SEEN_UNTRACKED; i++)
		if (!seen_count[i])
			fail_msg("no packet was '%s'", flowmodel_seen_name(i));
	for (i = FLOW_NONE + 1; i < FLOW_STATES; i++)
		if (!state_count[i])
			fail_msg("no flow was in state '%s'", flowmodel_state_name(i));
	assert_true(refused > count / 200);
	assert_true(ended > count / 1000);
	assert_true(sides[0].model.stat[FLOWSTAT_FRAG_UNKNOWN] > count / 1000);
	assert_true(sides[0].model.stat[FLOWSTAT_FRAG_OVERLAP] > count / 1000);
	assert_true(!gen.window || sides[0].model.stat[FLOWSTAT_WINDOW] > count / 100);
	assert_true(!gen.nat || sides[0].exhausted > count / 1000);
	for (i = 0; gen.nat && i < FLOWTAG_NATS; i++)
		if (nat_texts[i][0][0].kind + nat_texts[i][0][1].kind && i != 22 && i != 24 &&
		    !nat_met[i])
			fail_msg("no flow was translated by number %u", i);
	assert_true(not_run < count / 5);	/* before Linux 6.18, no fragments at TC */
}

static void say_what_was_met(unsigned long count)
{
	unsigned int i;

	print_message("# steps %lu, differences 0\n", count);
	print_message("# at both hooks: %lu flows, %lu ended by the clock in %lu moves, "
		      "%lu new ones not kept, %lu looks at the whole table, %lu packets not run\n",
		      began, ended, moves, refused, checks, not_run);
	for (i = 0; i <= SEEN_UNTRACKED; i++)
		print_message("# %s: %lu\n", flowmodel_seen_name(i), seen_count[i]);
	for (i = 1; i < FLOW_STATES; i++)
		print_message("# %s: %lu\n", flowmodel_state_name(i), state_count[i]);
	if (gen.window)
		print_message("# numbers outside the window: %lu\n",
			      (unsigned long)sides[0].model.stat[FLOWSTAT_WINDOW]);
	if (!gen.nat)
		return;
	print_message("# exhausted: %lu\n", (unsigned long)sides[0].exhausted);
	for (i = 0; i < FLOWTAG_NATS; i++)
		if (nat_met[i])
			print_message("# flows translated by number %u: %lu\n", i, nat_met[i]);
}

/* @count: unless it is given */
static void run(unsigned long count, bool window, bool nat)
{
	const char *given = getenv("TEST_COUNT");
	int hook;

	if (given)
		count = strtoul(given, NULL, 0);
	flowgen_init(&gen, unit_seed());
	gen.window = window;
	gen.nat = nat;
	nat_read_all();
	memset(nat_met, 0, sizeof(nat_met));
	memset(seen_count, 0, sizeof(seen_count));
	memset(state_count, 0, sizeof(state_count));
	memset(past, 0, sizeof(past));
	memset(sides, 0, sizeof(sides));
	not_run = began = refused = checks = moves = ended = 0;
	jiffies_load();
	for (hook = 0; hook < HOOKS; hook++)
		open_side(&sides[hook], hooks[hook]);
	steps(count);
	say_what_was_met(count);
	all_was_met(count);
	for (hook = 0; hook < HOOKS; hook++)
		close_side(&sides[hook]);
	close(jiffies_fd);
}

static void test_model(void **state)
{
	run(80000, false, false);
}

static void test_model_window(void **state)
{
	run(50000, true, false);
}

static void test_model_nat(void **state)
{
	run(80000, false, true);
}

static void test_model_nat_window(void **state)
{
	run(50000, true, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_model_window),
		cmocka_unit_test(test_model_nat),
		cmocka_unit_test(test_model_nat_window),
	};

	return unit_main(tests, sizeof(tests) / sizeof(tests[0]));
}
