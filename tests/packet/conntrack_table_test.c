// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * conntrack_table_test.c - the flow table: room, races, zones, marks, counters, events
 */
#include "conntrack_world.h"

#include <pthread.h>

#define A4	"10.0.0.9"		/* ends, such that the originator is the key's second */
#define B4	"10.0.0.2"
#define A6	"fd00::9"
#define B6	"fd00::2"

static struct world worlds[2];		/* xdp, tc */
static struct world small[2];		/* of 2 buckets */

#define EACH(w, of)	for (w = of; w < of + 2; w++)

static void forget(struct world *w)
{
	memset(w->tags[0], 0, 8 * w->buckets);
	memset(w->tags[1], 0, 8 * w->buckets);
	memset(w->flow4, 0, sizeof(*w->flow4) * w->buckets * CONNTRACK_WAYS);
	memset(w->flow6, 0, sizeof(*w->flow6) * w->buckets * CONNTRACK_WAYS);
	memset(w->stats, 0, sizeof(*w->stats) * (w->cpus + 1));
	w->conf->flags = CONNTRACK_PICKUP;
}

static void sent(struct world *w, const struct pkt_hdr *hdrs, enum shunt_ct_state state)
{
	world_send(w, hdrs);
	assert_int_equal(world_pkt(w)->ct_state, state);
}

#define OUT4(port, ...)	UDP4(A4, B4, port, 53, ##__VA_ARGS__)
#define BACK4(port, ...) UDP4(B4, A4, 53, port, ##__VA_ARGS__)
#define OUT6(port, ...)	UDP6(A6, B6, port, 53, ##__VA_ARGS__)
#define BACK6(port, ...) UDP6(B6, A6, 53, port, ##__VA_ARGS__)

/* ---- room ---- */

/* Flows until both buckets are full; answered or not */
static void fill(struct world *w, bool answered)
{
	for (int i = 0; i < 400 && world_tagged(w, 0) < 2 * CONNTRACK_WAYS; i++) {
		sent(w, OUT4(1000 + i), SHUNT_CT_NEW);
		if (answered)
			sent(w, BACK4(1000 + i), SHUNT_CT_ESTABLISHED);
	}
	assert_int_equal(world_tagged(w, 0), 2 * CONNTRACK_WAYS);
}

/* Where all is free, a flow lies where it is looked for first */
static void test_first_slot(void **state)
{
	struct world *w;
	uint64_t hash;
	uint32_t slot;

	EACH(w, worlds)
		for (int i = 0; i < 30; i++) {
			forget(w);
			sent(w, OUT4(1000 + i), SHUNT_CT_NEW);
			slot = world_pkt(w)->flow - 1;
			hash = conntrack_hash4(&w->flow4[slot].key, w->conf->seed[0],
					       w->conf->seed[1]);
			assert_int_equal(slot, conntrack_first_bucket(hash, w->buckets) *
					 CONNTRACK_WAYS + conntrack_way(hash));
		}
}

static void test_full_kept(void **state)
{
	struct world *w;

	EACH(w, small) {
		forget(w);
		fill(w, true);
		assert_false(world_send(w, OUT4(9)));
		assert_int_equal(world_pkt(w)->reason, SHUNT_REASON_NO_FLOW);
		assert_int_equal(world_stat(w, CONNTRACK_STAT_FULL), 1);
		w->conf->flags |= CONNTRACK_STATELESS;
		assert_true(world_send(w, OUT4(9)));
		assert_int_equal(world_pkt(w)->ct_state, SHUNT_CT_UNTRACKED);
		assert_int_equal(world_pkt(w)->flow, 0);
		assert_int_equal(world_stat(w, CONNTRACK_STAT_GONE), 0);
	}
}

static void test_full_unreplied(void **state)
{
	struct world *w;

	EACH(w, small) {
		forget(w);
		fill(w, false);
		assert_true(world_send(w, OUT4(9)));
		sent(w, BACK4(9), SHUNT_CT_ESTABLISHED);
		assert_int_equal(world_stat(w, CONNTRACK_STAT_EVICTED), 1);
		assert_int_equal(world_stat(w, CONNTRACK_STAT_REUSED), 0);
		assert_int_equal(world_tagged(w, 0), 2 * CONNTRACK_WAYS);
		/* The oldest one went */
		sent(w, BACK4(1000), SHUNT_CT_NEW);
	}
}

static void test_full_over(void **state)
{
	struct conntrack_flow4 *flow;
	struct world *w;

	EACH(w, small) {
		forget(w);
		fill(w, true);
		flow = &w->flow4[5];
		flow->flow.life = (flow->flow.life & ~0xffffffffULL) |
				  (uint32_t)(flow->flow.life - WORLD_TIMEOUT - 10);
		assert_true(world_send(w, OUT4(9)));
		assert_int_equal(world_stat(w, CONNTRACK_STAT_REUSED), 1);
		assert_int_equal(world_stat(w, CONNTRACK_STAT_EVICTED), 0);
		assert_int_equal(world_pkt(w)->flow, 5 + 1);
		assert_int_equal(world_stat(w, CONNTRACK_STAT_NEW) -
				 world_stat(w, CONNTRACK_STAT_GONE), 2 * CONNTRACK_WAYS);
	}
}

static void test_spilled(void **state)
{
	unsigned int spilled[2], counted[2], i;
	struct world *w;
	uint64_t life;

	EACH(w, small) {
		forget(w);
		fill(w, true);
		memset(spilled, 0, sizeof(spilled));
		for (i = 0; i < 2 * CONNTRACK_WAYS; i++)
			if (conntrack_life_flags(w->flow4[i].flow.life) & CONNTRACK_SPILLED)
				spilled[!(i / CONNTRACK_WAYS)]++;
		for (i = 0; i < 2; i++) {
			counted[i] = conntrack_word_spilled(w->tags[0][i]);
			assert_int_equal(counted[i], spilled[i]);
		}
		assert_true(spilled[0] + spilled[1] > 0);
		/* A spilled one goes: it is counted down */
		for (i = 0; i < 2 * CONNTRACK_WAYS; i++)
			if (conntrack_life_flags(w->flow4[i].flow.life) & CONNTRACK_SPILLED)
				break;
		life = w->flow4[i].flow.life;
		w->flow4[i].flow.life = (life & ~0xffffffffULL) |
					(uint32_t)(life - WORLD_TIMEOUT - 10);
		assert_true(world_send(w, OUT4(9)));
		life = w->flow4[i].flow.life;
		assert_int_equal(conntrack_word_spilled(w->tags[0][0]) +
				 conntrack_word_spilled(w->tags[0][1]),
				 spilled[0] + spilled[1] - 1 +
				 !!(conntrack_life_flags(life) & CONNTRACK_SPILLED));
	}
}

static void test_generation(void **state)
{
	struct world *w;
	uint64_t life;
	uint32_t slot;

	EACH(w, worlds) {
		forget(w);
		sent(w, TCP4(A4, B4, 5, 80, PKT_SYN), SHUNT_CT_NEW);
		slot = world_pkt(w)->flow - 1;
		life = w->flow4[slot].flow.life;
		sent(w, TCP4(A4, B4, 5, 80, PKT_RST), SHUNT_CT_NEW);
		sent(w, TCP4(A4, B4, 5, 80, PKT_SYN), SHUNT_CT_NEW);
		assert_int_equal(world_pkt(w)->flow - 1, slot);
		assert_int_equal(w->flow4[slot].flow.life >> CONNTRACK_GEN_SHIFT,
				 (life >> CONNTRACK_GEN_SHIFT) + 1);
		assert_int_equal(world_stat(w, CONNTRACK_STAT_GONE), 1);
	}
}

static void test_expired(void **state)
{
	struct world *w;

	EACH(w, worlds) {
		forget(w);
		sent(w, OUT4(1), SHUNT_CT_NEW);
		w->flow4[world_pkt(w)->flow - 1].flow.life -= WORLD_TIMEOUT + 10;
		sent(w, TCP4(A4, B4, 5, 80, PKT_SYN), SHUNT_CT_NEW);
		sent(w, BACK4(1), SHUNT_CT_NEW);
	}
}

/* ---- what is a flow ---- */
static void test_direction(void **state)
{
	struct world *w;

	EACH(w, worlds) {
		forget(w);
		sent(w, OUT4(1), SHUNT_CT_NEW);
		assert_int_equal(world_pkt(w)->ct_flags, 0);
		sent(w, BACK4(1), SHUNT_CT_ESTABLISHED);
		assert_int_equal(world_pkt(w)->ct_flags, SHUNT_CT_REPLY);
		sent(w, BACK4(2), SHUNT_CT_NEW);	/* the other end begins another */
		assert_int_equal(world_pkt(w)->ct_flags, 0);
		sent(w, OUT4(2), SHUNT_CT_ESTABLISHED);
		assert_int_equal(world_pkt(w)->ct_flags, SHUNT_CT_REPLY);
		/* Equal ends have one direction */
		sent(w, UDP4(A4, A4, 7, 7), SHUNT_CT_NEW);
		sent(w, UDP4(A4, A4, 7, 7), SHUNT_CT_NEW);
		assert_int_equal(world_pkt(w)->ct_flags, 0);
	}
}

static void test_zone(void **state)
{
	struct world *w;
	uint32_t slot;

	EACH(w, worlds) {
		forget(w);
		sent(w, OUT4(1), SHUNT_CT_NEW);
		slot = world_pkt(w)->flow;
		world_programs(w, 7);
		sent(w, BACK4(1), SHUNT_CT_NEW);
		assert_int_equal(world_pkt(w)->ct_zone, 7);
		assert_int_not_equal(world_pkt(w)->flow, slot);
		assert_int_equal(w->flow4[world_pkt(w)->flow - 1].key.zone, 7);
		world_programs(w, 0);
		sent(w, BACK4(1), SHUNT_CT_ESTABLISHED);
		assert_int_equal(world_pkt(w)->flow, slot);
	}
}

static void test_mark(void **state)
{
	struct world *w;

	EACH(w, worlds) {
		forget(w);
		sent(w, OUT4(1), SHUNT_CT_NEW);
		w->flow4[world_pkt(w)->flow - 1].flow.mark = 0xabcd;
		sent(w, BACK4(1), SHUNT_CT_ESTABLISHED);
		assert_int_equal(world_pkt(w)->ct_mark, 0xabcd);
	}
}

static void test_not_tracked(void **state)
{
	struct world *w;

	EACH(w, worlds) {
		forget(w);
		assert_true(world_send(w, PKT(ETH(.type = 0x0806), FILL(46))));
		assert_int_equal(world_pkt(w)->ct_state, SHUNT_CT_NONE);
		sent(w, PKT(ETH(), IP6(), ICMP6(.type = 135), FILL(16)), SHUNT_CT_UNTRACKED);
		sent(w, PKT(ETH(), IP6(), ICMP6(.type = 143), FILL(16)), SHUNT_CT_UNTRACKED);
		sent(w, PKT(ETH(), IP4(), ICMP(.type = 5), FILL(28)), SHUNT_CT_INVALID);
		assert_int_equal(world_tagged(w, 0) + world_tagged(w, 1), 0);
	}
}

/* Without commit behind it, nothing comes into the table */
static void test_no_commit(void **state)
{
	struct world *w;

	EACH(w, worlds) {
		forget(w);
		world_slot(w, 1, -1);
		sent(w, OUT4(1), SHUNT_CT_NEW);
		world_slot(w, 1, w->commit.prog_fd);
		assert_int_equal(world_pkt(w)->flow, 0);
		assert_int_equal(world_tagged(w, 0), 0);
	}
}

static void test_counters(void **state)
{
	struct conntrack_counts *counts;
	struct world *w;

	EACH(w, worlds) {
		forget(w);
		w->conf->flags |= CONNTRACK_COUNT;
		sent(w, OUT4(1, FILL(100)), SHUNT_CT_NEW);
		counts = &w->counts[0][world_pkt(w)->flow - 1];
		sent(w, BACK4(1, FILL(10)), SHUNT_CT_ESTABLISHED);
		sent(w, BACK4(1, FILL(10)), SHUNT_CT_ESTABLISHED);
		assert_int_equal(counts->packets[0], 1);
		assert_int_equal(counts->packets[1], 2);
		assert_int_equal(counts->bytes[0], 14 + 20 + 8 + 100);
		assert_int_equal(counts->bytes[1], 2 * (14 + 20 + 8 + 10));
	}
}

/* An expiry is written when it moves far enough, and is then what the timeout says; else nothing is */
static void check_renewal(struct world *w, enum shunt_ct_state state)
{
	struct conntrack_flow *flow;
	uint32_t timeout;
	uint64_t life;

	sent(w, OUT4(1), state);
	flow = &w->flow4[world_pkt(w)->flow - 1].flow;
	life = flow->life;
	timeout = w->conf->timeout[0][life >> CONNTRACK_STATE_SHIFT & 0xff];
	sent(w, OUT4(1), state);
	assert_true(flow->life == life);
	flow->life -= timeout / 64;
	sent(w, OUT4(1), state);
	assert_in_range((uint32_t)flow->life, (uint32_t)life, (uint32_t)life + 5000);
	assert_true(flow->life >> 32 == life >> 32);
}

static void test_expiry(void **state)
{
	struct world *w;

	EACH(w, worlds) {
		forget(w);
		check_renewal(w, SHUNT_CT_NEW);
		sent(w, BACK4(1), SHUNT_CT_ESTABLISHED);
		check_renewal(w, SHUNT_CT_ESTABLISHED);
	}
}

/* ---- events ---- */
static unsigned int kinds[3], n_bad;

static int got_event(void *of, void *data, size_t len)
{
	const struct conntrack_event *event = data;

	if (len != sizeof(*event) || event->size != len || event->kind > 2 || event->l3 != 4 ||
	    event->flow4.key.proto != 17 || !conntrack_life_state(event->flow4.flow.life))
		n_bad++;
	else
		kinds[event->kind]++;
	return 0;
}

static void test_events(void **state)
{
	struct ring_buffer *ring;
	struct world *w;

	EACH(w, small) {
		forget(w);
		memset(kinds, 0, sizeof(kinds));
		n_bad = 0;
		ring = ring_buffer__new(world_fd(w, "ct_events"), got_event, NULL, NULL);
		sent(w, OUT4(1), SHUNT_CT_NEW);		/* nobody watches */
		assert_int_equal(ring_buffer__consume(ring), 0);
		forget(w);
		w->conf->flags |= CONNTRACK_WATCHED;
		fill(w, false);
		sent(w, OUT4(9), SHUNT_CT_NEW);		/* evicts */
		ring_buffer__consume(ring);
		sent(w, BACK4(9), SHUNT_CT_ESTABLISHED);
		sent(w, OUT4(9), SHUNT_CT_ESTABLISHED);
		sent(w, OUT4(9), SHUNT_CT_ESTABLISHED);	/* changes nothing */
		ring_buffer__consume(ring);
		assert_int_equal(n_bad, 0);
		assert_int_equal(kinds[CONNTRACK_EVENT_NEW], world_stat(w, CONNTRACK_STAT_NEW));
		assert_int_equal(kinds[CONNTRACK_EVENT_UPDATE], 2);
		assert_int_equal(kinds[CONNTRACK_EVENT_DESTROY],
				 world_stat(w, CONNTRACK_STAT_GONE));
		for (int i = 0; i < 100; i++)	/* 4096 bytes hold no such number */
			sent(w, OUT4(2000 + i), SHUNT_CT_NEW);
		assert_true(world_stat(w, CONNTRACK_STAT_LOST) > 0);
		ring_buffer__free(ring);
	}
}

/* ---- two CPUs with the same new flows ---- */
#define RACERS	2
#define RACES	20000

struct racer {
	struct world *w;
	unsigned int cpu;
	uint32_t *at, *other_at;	/* how far the two are */
};

/* Side by side, or they would hardly ever meet. Not for ever: the other one may not run just now */
static void race_abreast(struct racer *r, uint32_t i)
{
	__atomic_store_n(r->at, i, __ATOMIC_SEQ_CST);
	for (int n = 0; n < 100000 && __atomic_load_n(r->other_at, __ATOMIC_SEQ_CST) < i; n++)
		;
}

static void *race(void *arg)
{
	struct racer *r = arg;
	uint8_t data[128];
	cpu_set_t set;
	struct pkt p;
	uint32_t i;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .repeat = 1, .data_in = data);

	CPU_ZERO(&set);
	CPU_SET(r->cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
	pkt_build(&p, OUT4(1));
	memcpy(data, p.data, p.len);
	opts.data_size_in = p.len;
	for (i = 0; i < RACES; i++) {
		*(uint32_t *)(data + 26) = htobe32(0x0b000000 + i / 2);
		race_abreast(r, i);
		bpf_prog_test_run_opts(r->w->root.prog_fd, &opts);
	}
	return NULL;
}

static int by_key(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct conntrack_key4));
}

static void check_race(struct world *w)
{
	static struct conntrack_key4 keys[RACES + 64 * CONNTRACK_WAYS];
	struct racer racer[RACERS];
	pthread_t thread[RACERS];
	uint32_t at[RACERS] = { 0 }, i, n = 0;

	for (i = 0; i < RACERS; i++) {
		racer[i] = (struct racer){ .w = w, .cpu = i % w->cpus,
					  .at = &at[i], .other_at = &at[!i] };
		assert_int_equal(pthread_create(&thread[i], NULL, race, &racer[i]), 0);
	}
	for (i = 0; i < RACERS; i++)
		pthread_join(thread[i], NULL);
	for (i = 0; i < w->buckets * CONNTRACK_WAYS; i++)
		if (conntrack_life_state(w->flow4[i].flow.life))
			keys[n++] = w->flow4[i].key;
	assert_int_equal(n, world_tagged(w, 0));
	assert_int_equal(world_stat(w, CONNTRACK_STAT_NEW) - world_stat(w, CONNTRACK_STAT_GONE), n);
	qsort(keys, n, sizeof(keys[0]), by_key);
	for (i = 1; i < n; i++)
		if (!by_key(&keys[i - 1], &keys[i]))
			fail_msg("a key is there twice");
	print_message("# %u flows, %llu clashes, %llu busy\n", n,
		      (unsigned long long)world_stat(w, CONNTRACK_STAT_CLASH),
		      (unsigned long long)world_stat(w, CONNTRACK_STAT_BUSY));
	assert_true(n > 0);
}

static void test_race(void **state)
{
	static struct world big[2];
	struct world *w;

	EACH(w, big) {
		world_open(w, w == big, 4096);
		check_race(w);
		assert_int_equal(world_tagged(w, 0), RACES / 2);
		world_close(w);
	}
	EACH(w, small) {	/* no room: all evict each other */
		forget(w);
		check_race(w);
		assert_in_range(world_tagged(w, 0), CONNTRACK_WAYS, 2 * CONNTRACK_WAYS);
	}
	world_bind();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_slot), cmocka_unit_test(test_full_kept),
		cmocka_unit_test(test_full_unreplied),
		cmocka_unit_test(test_full_over), cmocka_unit_test(test_spilled),
		cmocka_unit_test(test_generation), cmocka_unit_test(test_expired),
		cmocka_unit_test(test_direction), cmocka_unit_test(test_zone),
		cmocka_unit_test(test_mark), cmocka_unit_test(test_not_tracked),
		cmocka_unit_test(test_no_commit), cmocka_unit_test(test_counters),
		cmocka_unit_test(test_expiry), cmocka_unit_test(test_events),
		cmocka_unit_test(test_race),
	};

	world_open(&worlds[0], true, 64);
	world_open(&worlds[1], false, 64);
	world_open(&small[0], true, 2);
	world_open(&small[1], false, 2);
	return unit_main(tests, sizeof(tests) / sizeof(tests[0]));
}
