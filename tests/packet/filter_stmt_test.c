// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * filter_stmt_test.c - statements of rules: what each does, and that limits hold what they say
 *
 * Times are measured, never assumed: a limit is held against the time that really passed.
 */
#include "ext_world.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <time.h>

#define N(a)		(sizeof(a) / sizeof((a)[0]))
#define NSEC		1000000000ULL
#define STEP(per_s)	((NSEC << 16) / (per_s))
#define HIT		3		/* of the rule under test */
#define CHUNK		20000		/* packets of a TEST_RUN: they take longer than its set-up */
#define EACH_HOOK	for (w = worlds; w < worlds + 2; ext_clear(w), w++)

/* As filter_ext.h has them for programs */
#define RESUME_SHIFT	4

static struct ext_world worlds[2], *w;
static struct pkt udp, udp6, arp;

static struct filter_ext *ext_rule(unsigned int n, const struct filter_stmt *stmt)
{
	struct filter_ext *ext = &w->image->ext[0];

	*ext = (struct filter_ext){ .hit = HIT, .verdict = FILTER_LEAVE, .n_stmts = n,
				    .id = 0xabcd1234 };
	memcpy(ext->stmt, stmt, n * sizeof(*stmt));
	return ext;
}

static uint32_t run(const struct pkt *p)
{
	return ext_ask_pkt(w, w->run_fd, p);
}

/* Whether the rule went to its end, by what comes of it and by its hits */
static bool ends(const struct pkt *p)
{
	uint64_t before = ext_hits(w, HIT).packets;
	uint32_t verdict = run(p);
	uint64_t hits = ext_hits(w, HIT).packets - before;

	assert_true(verdict == FILTER_LEAVE || verdict == FILTER_NEXT);
	assert_int_equal(hits, verdict == FILTER_LEAVE);
	return hits;
}

static unsigned int ends_of(const struct pkt *p, unsigned int n)
{
	unsigned int ended = 0;

	while (n--)
		ended += ends(p);
	return ended;
}

/* The context that the last packet left: of whichever CPU it ran on, one has it */
static const struct shunt_packet *context(struct shunt_cpu *room)
{
	uint32_t cpu = sched_getcpu();

	assert_int_equal(bpf_map_lookup_elem(ext_map(w, "shunt_cpu"), &cpu, room), 0);
	return &room->pkt;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * NSEC + t.tv_nsec;
}

/* ---- verdicts, marks, answers, counters ---- */
static void test_verdicts(void **state)
{
	struct filter_ext *ext;

	EACH_HOOK {
		ext = ext_rule(0, NULL);
		assert_int_equal(run(&udp), FILTER_LEAVE);
		ext->verdict = FILTER_NEXT;
		assert_int_equal(run(&udp), FILTER_NEXT);
		ext->verdict = FILTER_RESUME;
		ext->resume = 0xabcdef7;
		assert_int_equal(run(&udp), FILTER_RESUME | 0xabcdef7u << RESUME_SHIFT);
		assert_int_equal(ext_hits(w, HIT).packets, 3);
		assert_int_equal(ext_hits(w, HIT).bytes, 3 * udp.len);
		ext->hit = ~0U;			/* counts nothing */
		assert_int_equal(run(&udp), FILTER_RESUME | 0xabcdef7u << RESUME_SHIFT);
		assert_int_equal(ext_hits(w, HIT).packets, 3);
		w->bss->index = EXT_N;		/* there is none */
		assert_int_equal(run(&udp), FILTER_NEXT);
	}
}

static void test_simple(void **state)
{
	const struct filter_stmt stmt[] = {
		{ .kind = FILTER_STMT_COUNT, .index = 5 },
		{ .kind = FILTER_STMT_MARK, .mask = 0xffff00ff, .value = 0x1200 },
		{ .kind = FILTER_STMT_REJECT, .value = SHUNT_REJECT_HOST },
		{ .kind = FILTER_STMT_COUNT, .index = 6 },
		{ .kind = FILTER_STMT_MARK, .mask = ~0U, .value = 1 },
		{ .kind = FILTER_STMT_COUNT, .index = 5 },
	};
	static struct shunt_cpu room;

	EACH_HOOK {
		ext_rule(N(stmt), stmt);
		w->bss->mark = 0xaabbccdc;
		assert_true(ends(&udp));
		assert_int_equal(context(&room)->mark, 0xaabb12dd);
		assert_int_equal(context(&room)->reject, SHUNT_REJECT_HOST);
		assert_int_equal(ext_hits(w, 5).packets, 2);
		assert_int_equal(ext_hits(w, 6).packets, 1);
		assert_int_equal(ext_hits(w, 6).bytes, udp.len);
	}
}

/* What a statement ended runs no further, and what came before it stays done */
static void test_order(void **state)
{
	const struct filter_stmt stmt[] = {
		{ .kind = FILTER_STMT_COUNT, .index = 5 },
		{ .kind = FILTER_STMT_QUOTA, .index = 1, .step = 100 },
		{ .kind = FILTER_STMT_COUNT, .index = 6 },
	};

	EACH_HOOK {
		ext_rule(N(stmt), stmt);
		assert_int_equal(ends_of(&udp, 10), 100 / udp.len);
		assert_int_equal(ext_hits(w, 5).packets, 10);
		assert_int_equal(ext_hits(w, 6).packets, 100 / udp.len);
	}
}

/* ---- quota ---- */
static void test_quota(void **state)
{
	struct filter_stmt stmt = { .kind = FILTER_STMT_QUOTA, .index = 2 };

	EACH_HOOK {
		stmt.step = 5 * udp.len;
		stmt.negated = 0;
		ext_rule(1, &stmt);
		assert_int_equal(ends_of(&udp, 20), 5);
		assert_int_equal(w->state[2].value, 6 * udp.len);
		w->state[2].value = 0;
		stmt.step--;
		ext_rule(1, &stmt);
		assert_int_equal(ends_of(&udp, 20), 4);
		w->state[2].value = 0;
		stmt.negated = 1;
		ext_rule(1, &stmt);
		assert_int_equal(ends_of(&udp, 20), 16);
		w->state[2].value = (1ULL << 40) - udp.len;	/* beyond 32 bits */
		stmt.step = 1ULL << 40;
		ext_rule(1, &stmt);
		assert_int_equal(ends_of(&udp, 3), 2);
	}
}

/* ---- log ---- */
struct got {
	unsigned int n;
	struct shunt_event event;
};

static int take(void *arg, void *data, size_t size)
{
	struct got *got = arg;

	assert_int_equal(size, sizeof(struct shunt_event));
	got->event = *(struct shunt_event *)data;
	got->n++;
	return 0;
}

static struct got events(void)
{
	struct got got = { 0 };
	struct ring_buffer *ring = ring_buffer__new(w->events_fd, take, &got, NULL);

	assert_non_null(ring);
	assert_true(ring_buffer__consume(ring) >= 0);
	ring_buffer__free(ring);
	return got;
}

static void check_event(const struct pkt *p, const struct shunt_event *event, uint64_t since)
{
	size_t captured = p->len < SHUNT_EVENT_BYTES ? p->len : SHUNT_EVENT_BYTES;
	static struct shunt_cpu room;

	assert_int_equal(event->size, sizeof(*event));
	assert_int_equal(event->rule, 0xabcd1234);
	assert_int_equal(event->state, 7);
	assert_int_equal(event->statement, 1);
	assert_int_equal(event->captured, captured);
	assert_memory_equal(event->data, p->data, captured);
	assert_in_range(event->pkt.now_ns, since, now_ns());
	assert_memory_equal(&event->pkt, context(&room), sizeof(event->pkt));
}

static void test_log(void **state)
{
	const struct filter_stmt stmt[] = {
		{ .kind = FILTER_STMT_MARK, .mask = ~0U, .value = 5 },
		{ .kind = FILTER_STMT_LOG, .index = 7, .step = 1 },
	};
	struct pkt p[3];
	struct got got;
	uint64_t since;
	unsigned int i;

	p[0] = udp;
	p[1] = arp;
	pkt_build(&p[2], TCP6("2001:db8::1", "2001:db8::2", 1, 2, PKT_SYN, FILL(1400)));
	EACH_HOOK {
		ext_rule(N(stmt), stmt);
		for (i = 0; i < N(p); i++) {
			since = now_ns();
			assert_true(ends(&p[i]));
			got = events();
			assert_int_equal(got.n, 1);
			check_event(&p[i], &got.event, since);
		}
	}
}

static void test_log_every(void **state)
{
	struct filter_stmt stmt = { .kind = FILTER_STMT_LOG, .index = 7 };

	EACH_HOOK {
		stmt.step = 0;
		ext_rule(1, &stmt);
		assert_int_equal(ends_of(&udp, 3), 3);
		assert_int_equal(events().n, 3);
		stmt.step = 10;
		ext_rule(1, &stmt);
		assert_int_equal(ends_of(&udp, 1), 1);
		assert_int_equal(events().n, 1);		/* the first one */
		assert_int_equal(ends_of(&udp, 9), 9);
		assert_int_equal(events().n, 0);
		assert_int_equal(ends_of(&udp, 21), 21);
		assert_int_equal(events().n, 3);
	}
}

static void test_log_full(void **state)
{
	const struct filter_stmt stmt = { .kind = FILTER_STMT_LOG, .index = 7, .step = 1 };
	unsigned int fit = 0;

	EACH_HOOK {
		ext_rule(1, &stmt);
		assert_int_equal(ends_of(&udp, 100), 100);	/* a log ends no rule */
		fit = events().n;
		assert_in_range(fit, EXT_EVENTS / 2 / sizeof(struct shunt_event),
				EXT_EVENTS / sizeof(struct shunt_event));
		assert_int_equal(ext_hits(w, FILTER_HITS_LOST).packets, 100 - fit);
		assert_int_equal(ends_of(&udp, 1), 1);
		assert_int_equal(events().n, 1);
	}
}

/* ---- add ---- */
static void check_add(uint8_t update)
{
	struct filter_stmt stmt = { .kind = FILTER_STMT_ADD, .negated = update, .index = 0,
				    .timeout_ns = 10 * NSEC, .part = { FILTER_KEY_SADDR4,
				    FILTER_KEY_DPORT } };
	struct shunt_set_key key = { .word = { 0x0a000001, 53 } };
	struct shunt_set_value first, second;
	uint64_t since = now_ns();

	ext_rule(1, &stmt);
	assert_true(ends(&udp6));			/* has no such key: adds nothing, goes on */
	assert_true(ends(&udp));
	assert_int_equal(bpf_map_lookup_elem(w->set_fd[0], &key, &first), 0);
	assert_in_range(first.expires_ns, since + 10 * NSEC, now_ns() + 10 * NSEC);
	assert_int_equal(first.timeout_ns, 10 * NSEC);
	assert_true(ends(&udp));
	assert_int_equal(bpf_map_lookup_elem(w->set_fd[0], &key, &second), 0);
	if (update)
		assert_true(second.expires_ns > first.expires_ns);
	else
		assert_int_equal(second.expires_ns, first.expires_ns);
	assert_int_equal(bpf_map_delete_elem(w->set_fd[0], &key), 0);
	assert_int_equal(bpf_map_get_next_key(w->set_fd[0], NULL, &key), -ENOENT);
}

static void test_add(void **state)
{
	EACH_HOOK {
		check_add(0);
		check_add(1);
	}
}

/* ---- limits ---- */
static void test_limit_burst(void **state)
{
	static const uint32_t bursts[] = { 0, 1, 100 };
	struct filter_stmt stmt = { .kind = FILTER_STMT_LIMIT, .index = 4 };
	unsigned int i;

	stmt.step = STEP(1) * 3600;			/* one an hour */
	EACH_HOOK {
		for (i = 0; i < N(bursts); i++) {
			stmt.burst = bursts[i];
			stmt.negated = 0;
			w->state[4].value = 0;
			ext_rule(1, &stmt);
			assert_int_equal(ends_of(&udp, bursts[i] + 50), bursts[i] + 1);
			stmt.negated = 1;
			w->state[4].value = 0;
			ext_rule(1, &stmt);
			assert_int_equal(ends_of(&udp, bursts[i] + 50), 49);
		}
	}
}

/* Bytes beyond the rate: those of the burst, and of the packet that uses it up */
static void test_limit_bytes(void **state)
{
	struct filter_stmt stmt = { .kind = FILTER_STMT_LIMIT, .index = 4, .bytes = 1,
				    .step = STEP(1) * 3600 };
	unsigned int burst;

	EACH_HOOK {
		for (burst = 0; burst < 1000; burst += 7) {
			stmt.burst = burst;
			w->state[4].value = 0;
			ext_rule(1, &stmt);
			assert_int_equal(ends_of(&udp, 30), burst / udp.len + 1);
		}
	}
}

/* One a day, and no room for a product in 64 bits */
static void test_limit_slow(void **state)
{
	struct filter_stmt stmt = { .kind = FILTER_STMT_LIMIT, .index = 4 };

	EACH_HOOK {
		stmt.bytes = 0;
		stmt.step = STEP(1) * 86400;
		stmt.burst = 200;
		ext_rule(1, &stmt);
		assert_int_equal(ends_of(&udp, 300), 201);
		stmt.burst = 213504;		/* days: more than 64 bits of ns, by little */
		ext_rule(1, &stmt);
		assert_int_equal(ends_of(&udp, 300), 300);
		w->state[4].value = 0;
		stmt.bytes = 1;
		stmt.burst = 10 * udp.len;
		ext_rule(1, &stmt);
		assert_int_equal(ends_of(&udp, 30), 11);
	}
}

/* A bucket that was another rate's is full, and one from before a clock's wrap, too */
static void test_limit_changed(void **state)
{
	struct filter_stmt stmt = { .kind = FILTER_STMT_LIMIT, .index = 4, .burst = 3 };

	EACH_HOOK {
		stmt.step = STEP(1) * 3600;
		ext_rule(1, &stmt);
		w->state[4].value = (now_ns() << 8) | 1;
		assert_int_equal(ends_of(&udp, 30), 4);
		stmt.step = (1 << 24) - 1;
		ext_rule(1, &stmt);
		w->state[4].value = now_ns() * 2;
		assert_int_equal(ends_of(&udp, 1), 1);
		w->state[4].value = ((now_ns() << 8) + (1ULL << 50)) | 1;
		assert_int_equal(ends_of(&udp, 1), 1);
	}
}

static void test_limit_per(void **state)
{
	struct filter_stmt stmt = { .kind = FILTER_STMT_LIMIT, .index = 4, .step = STEP(1) * 3600,
				    .burst = 2, .len4 = 24, .len6 = 60 };
	struct pkt p[6];
	unsigned int i;

	pkt_build(&p[0], UDP4("10.0.0.1", "10.9.0.1", 1, 2));
	pkt_build(&p[1], UDP4("10.0.0.255", "10.9.1.1", 1, 2));
	pkt_build(&p[2], UDP4("10.0.1.0", "10.9.1.9", 1, 2));
	pkt_build(&p[3], UDP6("fd00:0:0:10::1", "fd00::1", 1, 2));
	pkt_build(&p[4], UDP6("fd00:0:0:1f:ffff::1", "fd00:0:0:10::1", 1, 2));
	pkt_build(&p[5], UDP6("fd00:0:0:20::1", "fd00:0:0:1f::1", 1, 2));
	EACH_HOOK {
		static const unsigned int by_saddr[] = { 3, 0, 3, 3, 0, 3 };
		static const unsigned int by_daddr[] = { 3, 3, 0, 3, 3, 0 };

		stmt.per = FILTER_PER_SADDR;
		ext_rule(1, &stmt);
		for (i = 0; i < N(p); i++)
			assert_int_equal(ends_of(&p[i], 5), by_saddr[i]);
		stmt.per = FILTER_PER_DADDR;
		stmt.index = 5;				/* another statement: other buckets */
		ext_rule(1, &stmt);
		for (i = 0; i < N(p); i++)
			assert_int_equal(ends_of(&p[i], 5), by_daddr[i]);
		assert_int_equal(ends_of(&arp, 5), 3);	/* what has no address shares one */
		stmt.index = 4;
		assert_int_equal(w->state[4].value, 0);
	}
}

/* ---- limits against the clock ---- */
struct rate {
	uint64_t per_s;			/* tokens */
	uint64_t burst;
	uint8_t bytes;
};

struct load {
	pthread_t thread;
	int cpu;
	uint64_t end_ns, packets;
	uint64_t last_ns, gap_ns;	/* when packets last began to come; longest without any */
};

/* More than the rate, all the time; the longest time in which nothing came is noted */
static void *load_run(void *arg)
{
	const struct ext_frame frame = { .data = udp.data, .len = udp.len };
	struct load *load = arg;
	cpu_set_t set;
	uint64_t now;

	CPU_ZERO(&set);
	CPU_SET(load->cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
	now = now_ns();
	do {
		load->last_ns = now;
		ext_ask(w, w->run_fd, &frame, CHUNK);
		load->packets += CHUNK;
		now = now_ns();
		if (now - load->last_ns > load->gap_ns)
			load->gap_ns = now - load->last_ns;
	} while (now < load->end_ns);
	return NULL;
}

/* Tokens of so long, and the burst */
static double tokens(const struct rate *rate, uint64_t ns)
{
	return (double)ns / NSEC * rate->per_s + rate->burst;
}

/*
 * No more than two percent above what the whole time gave; no less than two percent below what
 * was there when packets last began to come, and less by the longest time without any: what
 * that left in the bucket need not have been taken again.
 */
static void check_rate(const struct rate *rate, unsigned int threads)
{
	const struct filter_stmt stmt = { .kind = FILTER_STMT_LIMIT, .index = 4,
		.bytes = rate->bytes, .step = STEP(rate->per_s), .burst = rate->burst };
	uint64_t start, elapsed, last = 0, gap = 0, packets = 0;
	uint64_t token = rate->bytes ? udp.len : 1;
	struct load load[2] = { 0 };
	unsigned int i;
	double passed;

	ext_clear(w);
	ext_rule(1, &stmt);
	start = now_ns();
	for (i = 0; i < threads; i++) {
		load[i].cpu = i;
		load[i].end_ns = start + 300000000;
		assert_int_equal(pthread_create(&load[i].thread, NULL, load_run, &load[i]), 0);
	}
	for (i = 0; i < threads; i++) {
		pthread_join(load[i].thread, NULL);
		gap = load[i].gap_ns > gap ? load[i].gap_ns : gap;
		last = load[i].last_ns > last ? load[i].last_ns : last;
		packets += load[i].packets;
	}
	elapsed = now_ns() - start;
	passed = ext_hits(w, HIT).packets * token;
	printf("# %u CPUs, gap %.1f ms: of %.0f tokens %.0f passed, %+.3f %% to %+.3f %% off\n",
	       threads, gap / 1e6, (double)packets * token, passed,
	       (passed / tokens(rate, elapsed) - 1) * 100,
	       (passed / tokens(rate, last - start) - 1) * 100);
	assert_true(passed <= tokens(rate, elapsed) * 1.02 + 2 * token);
	/* Longer idle than the burst is lost; and there must have been enough to ask for */
	if (gap * rate->per_s < NSEC * rate->burst && packets * token > 2 * tokens(rate, elapsed))
		assert_true(passed >= tokens(rate, last - start - gap) * 0.98 - 2 * token);
}

static void test_rate(void **state)
{
	const struct rate *rate = *state;
	cpu_set_t set;

	sched_getaffinity(0, sizeof(set), &set);
	EACH_HOOK {
		check_rate(rate, 1);
		if (w->cpus > 1 && CPU_ISSET(0, &set) && CPU_ISSET(1, &set))
			check_rate(rate, 2);
	}
}

static const struct rate rates[] = {
	{ .per_s = 1000, .burst = 100 },
	{ .per_s = 100000, .burst = 10000 },
	{ .per_s = 333333, .burst = 33333 },
	{ .per_s = 1000000, .burst = 100000, .bytes = 1 },
	{ .per_s = 12500000, .burst = 1250000, .bytes = 1 },	/* 100 Mbit/s */
	{ .per_s = 30000000, .burst = 3000000, .bytes = 1 },
};

int main(void)
{
	static const char *const names[N(rates)] = {
		"1000 packets/second", "100 kpackets/second", "333333 packets/second",
		"1 Mbyte/second", "12.5 Mbytes/second", "30 Mbytes/second",
	};
	struct CMUnitTest tests[16 + N(rates)] = {
		cmocka_unit_test(test_verdicts), cmocka_unit_test(test_simple),
		cmocka_unit_test(test_order), cmocka_unit_test(test_quota),
		cmocka_unit_test(test_log), cmocka_unit_test(test_log_every),
		cmocka_unit_test(test_log_full), cmocka_unit_test(test_add),
		cmocka_unit_test(test_limit_burst), cmocka_unit_test(test_limit_bytes),
		cmocka_unit_test(test_limit_slow), cmocka_unit_test(test_limit_changed),
		cmocka_unit_test(test_limit_per),
	};
	size_t n = 13, i;
	int r;

	for (i = 0; i < N(rates); i++)
		tests[n++] = unit_row(names[i], test_rate, &rates[i]);
	pkt_build(&udp, UDP4("10.0.0.1", "10.0.0.2", 1000, 53));
	pkt_build(&udp6, UDP6("fd00::1", "fd00::2", 1000, 53));
	pkt_build(&arp, PKT(ETH(.type = 0x0806), FILL(46)));
	ext_open(&worlds[0], true);
	ext_open(&worlds[1], false);
	r = unit_main(tests, n);
	ext_close(&worlds[0]);
	ext_close(&worlds[1]);
	return r;
}
