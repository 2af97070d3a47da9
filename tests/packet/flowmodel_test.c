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
 * Once more with TCP's numbers checked. $TEST_SEED repeats a run, $TEST_COUNT is the number of packets
 * of each (200 000, 100 000)
 */
#include "../lib/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../lib/flowgen.h"
#include "../lib/flowtag.h"
#include "flowmodel_world.h"

#define HOOKS		2
#define PAST		4096	/* packets that are remembered for a message */
#define PAST_SHOWN	24
#define CHECK_EVERY	211	/* packets between two looks at the whole table */

static const uint32_t hooks[HOOKS] = { SHUNT_HOOK_XDP, SHUNT_HOOK_TC_INGRESS };

static struct side sides[HOOKS];
static struct flowgen gen;
static struct rig_outcome out;
static unsigned long step_, not_run, seen_count[SEEN_UNTRACKED + 1], state_count[FLOW_STATES],
	began, refused, checks, moves, ended;
static struct { unsigned long step; struct flowmodel_key key; char text[200]; } past[PAST];

/* ---- saying what is wrong ---- */
static bool same_talk(const struct flowmodel_key *a, const struct flowmodel_key *b)
{
	int turned;

	for (turned = 0; turned < 2; turned++)
		if (a->version == b->version && a->proto == b->proto &&
		    !memcmp(&a->end[0], &b->end[turned], sizeof(a->end[0])) &&
		    !memcmp(&a->end[1], &b->end[!turned], sizeof(a->end[1])))
			return true;
	return false;
}

static void show_past(const struct flowmodel_key *key)
{
	unsigned long from = step_ > PAST ? step_ - PAST : 0, n = 0, at;

	for (at = step_; at > from && n < PAST_SHOWN; at--)
		n += past[at % PAST].step == at && same_talk(&past[at % PAST].key, key);
	for (; at <= step_; at++)
		if (past[at % PAST].step == at && same_talk(&past[at % PAST].key, key))
			print_error("# %lu: %s\n", at, past[at % PAST].text);
}

static void differ(struct side *side, const struct flowmodel_key *key, const char *what,
		   const char *got, const char *want)
{
	show_past(key);
	print_error("# %s\n# the model's flow: %s\n# why: %s\n", flowmodel_key_text(key),
		    flowmodel_text(side->wanted.flow), side->wanted.why ? side->wanted.why : "-");
	fail_msg("step %lu at %s: %s is %s, the model says %s", step_, side->name, what, got, want);
}

static void compare_text(struct side *side, const struct flowmodel_key *key, const char *what,
			 const char *got, const char *want)
{
	if (strcmp(got, want))
		differ(side, key, what, got, want);
}

static void compare_number(struct side *side, const struct flowmodel_key *key, const char *what,
			   uint64_t got, uint64_t want)
{
	char a[24], b[24];

	if (got == want)
		return;
	snprintf(a, sizeof(a), "%#llx", (unsigned long long)got);
	snprintf(b, sizeof(b), "%#llx", (unsigned long long)want);
	differ(side, key, what, a, b);
}

static void note(const struct side *side, const struct pkt *p)
{
	const struct model_packet *m = &side->packet;
	const struct flowmodel_outcome *o = &side->wanted;
	static const char *const frags[] = { "", " first piece", " later piece" };
	typeof(&past[0]) at = &past[step_ % PAST];

	at->step = step_;
	at->key = o->flow ? o->flow->key : o->key;
	snprintf(at->text, sizeof(at->text),
		 "%s%s flags %#x type %u tos %#x %zu bytes: %s%s, %s; %s",
		 flowmodel_key_text(&o->key), frags[m->frag], m->flags, m->icmp_type, m->tos,
		 p->len, flowmodel_seen_name(o->seen), o->reply ? " reply" : "",
		 o->flow ? flowmodel_state_name(o->flow->state) : "no flow", o->why ? o->why : "");
}

/* ---- an entry of the table ---- */
static void compare_flags(struct side *side, const struct flowmodel_flow *flow, unsigned int flags)
{
	const struct flowmodel_key *key = &flow->key;

	compare_number(side, key, "replied", !!(flags & CONNTRACK_REPLIED), flow->replied);
	compare_number(side, key, "assured", !!(flags & CONNTRACK_ASSURED), flow->assured);
	compare_number(side, key, "FIN of the originator", !!(flags & CONNTRACK_FIN_ORIG),
		       flow->fin[0]);
	compare_number(side, key, "FIN of the other end", !!(flags & CONNTRACK_FIN_REPLY),
		       flow->fin[1]);
	compare_number(side, key, "picked up", !!(flags & CONNTRACK_PICKED_UP), flow->picked_up);
	compare_number(side, key, "other flags", flags & (CONNTRACK_SNAT | CONNTRACK_DNAT |
		       CONNTRACK_PEER | CONNTRACK_PROXIED | CONNTRACK_CLAIMED), 0);
}

static void compare_entry(struct side *side, const struct flowmodel_flow *flow, uint32_t slot,
			  uint32_t jiffies)
{
	int family = flow->key.version == 6;
	const struct conntrack_flow *have = entry(side, family, slot);
	int64_t expires;
	struct flowmodel_key key;
	bool ordered;
	char text[64];

	entry_key(side, family, slot, &key, &ordered);
	if (memcmp(&key, &flow->key, sizeof(key)))
		differ(side, &flow->key, "the entry's key", flowmodel_key_text(&key),
		       flowmodel_key_text(&flow->key));
	if (!ordered)
		differ(side, &key, "the first end", "the greater", "the lesser");
	compare_text(side, &key, "the state", state_names[state_of(have->life)],
		     flowmodel_state_name(flow->state));
	compare_flags(side, flow, flags_of(have->life));
	compare_number(side, &key, "the mark", have->mark, flow->mark);
	compare_number(side, &key, "the policy", have->policy, flow->policy);
	compare_number(side, &key, "packets sent", side->counts[family][slot].packets[0],
		       flow->packets[0]);
	compare_number(side, &key, "packets answered", side->counts[family][slot].packets[1],
		       flow->packets[1]);
	compare_number(side, &key, "bytes sent", side->counts[family][slot].bytes[0],
		       flow->bytes[0]);
	compare_number(side, &key, "bytes answered", side->counts[family][slot].bytes[1],
		       flow->bytes[1]);
	expires = ticks(side, jiffies) + (int32_t)((uint32_t)have->life - jiffies);
	if (expires >= flow->earliest && expires <= flow->latest)
		return;
	snprintf(text, sizeof(text), "%lld to %lld ticks from now",
		 (long long)(flow->earliest - ticks(side, jiffies)),
		 (long long)(flow->latest - ticks(side, jiffies)));
	compare_number(side, &key, text, expires - ticks(side, jiffies), ~0ull);
}

/* ---- one packet ---- */
static const char *wanted_way(const struct side *side)
{
	static char text[32];
	const char *node = side->tos & FLOWTAG_ZONE ? "other" : "ct";

	switch (side->wanted.seen) {
	case SEEN_ESTABLISHED:
	case SEEN_RELATED:
	case SEEN_INVALID:
		snprintf(text, sizeof(text), "%s.%s", node,
			 flowmodel_seen_name(side->wanted.seen));
		return text;
	default:
		return side->tos & FLOWTAG_REFUSED ? "guard.refused" : "keep.next";
	}
}

static void model_step(struct side *side, const struct pkt *p)
{
	struct flowmodel_outcome *wanted = &side->wanted;
	struct flowmodel_flow *flow;

	model_parse(p->data, p->len, &side->packet);
	side->tos = side->packet.tos;
	memset(wanted, 0, sizeof(*wanted));
	if (side->packet.malformed)
		return;
	if (side->tos & FLOWTAG_NOTRACK && side->packet.version) {
		wanted->seen = SEEN_UNTRACKED;
		return;
	}
	flowmodel_track(&side->model, side->tos & FLOWTAG_ZONE ? FLOWGEN_ZONE : 0, &side->packet,
			wanted);
	if (wanted->seen != SEEN_NEW || wanted->flow)
		return;
	if (side->tos & FLOWTAG_REFUSED) {
		refused++;
		return;
	}
	flow = flowmodel_commit(&side->model, &side->packet, wanted, FLOWTAG_MARK(side->tos),
				FLOWTAG_POLICY(side->tos));
	began += flow != NULL;
	wanted->flow = flow;
	wanted->mark = flow ? flow->mark : 0;
}

static void compare_packet(struct side *side, uint32_t jiffies)
{
	const struct flowmodel_outcome *wanted = &side->wanted;
	const struct flowmodel_key *key = &wanted->key;
	unsigned int flags = (wanted->reply ? SHUNT_CT_REPLY : 0) |
			     (wanted->quoted ? SHUNT_CT_QUOTED : 0);
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
			if (!is_there(have, now))
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
		 "  keep: { module: commit }\n"
		 "graphs:\n  g:\n    entry: pick\n    edges:\n"
		 "      pick: { next: ct, other: other }\n"
		 "      ct: { next: guard, established: pass, related: pass }\n"
		 "      other: { next: guard, established: pass, related: pass }\n"
		 "      guard: { next: keep, other: drop }\n      keep: { next: pass }\n",
		 gen.window ? "true" : "false", tag, tag, FLOWGEN_ZONE);
	side->rig = rig_new(yaml, hook);
	side->name = module_hook_name(hook);
	open_tables(side);
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
	rig_free(side->rig);
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
}

/* @count: unless it is given */
static void run(unsigned long count, bool window)
{
	const char *given = getenv("TEST_COUNT");
	int hook;

	if (given)
		count = strtoul(given, NULL, 0);
	flowgen_init(&gen, unit_seed());
	gen.window = window;
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
	run(200000, false);
}

static void test_model_window(void **state)
{
	run(100000, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_model_window),
	};

	return unit_main(tests, sizeof(tests) / sizeof(tests[0]));
}
