// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * module_test.c - count, limit, terminals, and what happens when a tail call finds nothing
 *
 * Times are measured, never assumed: a limit is held against the time that really passed.
 */
#include "../lib/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <base/file.h>
#include <kernel/gates.h>
#include <kernel/rendering.h>

#include "../lib/pkt.h"
#include "../lib/rig.h"

#define HOOKS		2
#define NSEC_PER_SEC	1000000000ULL
#define DROP_BASE	0x100	/* as SHUNT_DROP_BASE of <shunt/module.h>, which is for programs */
#define EACH_HOOK(h)	for (h = 0; h < HOOKS; h++)

static const uint32_t hooks[HOOKS] = { SHUNT_HOOK_XDP, SHUNT_HOOK_TC_INGRESS };
static struct rig_outcome out;

static void run_list(struct rig *rig, const struct pkt_hdr *hdrs)
{
	struct pkt p;
	int r;

	pkt_build(&p, hdrs);
	r = rig_run(rig, p.data, p.len, &out);
	if (r < 0)
		fail_msg("test run: %s", strerror(-r));
	if (out.fault[0])
		fail_msg("%s", out.fault);
}

static void left_by(const char *edge, const char *reason, enum rig_verdict verdict)
{
	if (strcmp(out.left, edge) || strcmp(out.reason ? out.reason : "", reason ? reason : "") ||
	    out.verdict != verdict)
		fail_msg("left by %s, reason %s, verdict %d; wanted %s, %s, %d", out.left,
			 out.reason ? out.reason : "none", out.verdict, edge,
			 reason ? reason : "none", verdict);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * NSEC_PER_SEC + t.tv_nsec;
}

/* ---- count ---- */
struct total {
	uint64_t packets, bytes;
};

static struct total total_of(struct rig *rig)
{
	int fd = rig_table(rig, "meter", "count_total"), cpus = libbpf_num_possible_cpus(), i;
	struct total each[cpus], sum = { 0 };
	uint32_t zero = 0;

	assert_true(fd >= 0);
	assert_int_equal(bpf_map_lookup_elem(fd, &zero, each), 0);
	for (i = 0; i < cpus; i++) {
		sum.packets += each[i].packets;
		sum.bytes += each[i].bytes;
	}
	fd_close(fd);
	return sum;
}

static void test_count(void **state)
{
	const struct pkt_hdr *const packets[] = {
		UDP4("10.0.0.1", "10.0.0.2", 1, 2),			/* 42 bytes */
		PKT(ETH(), VLAN(.id = 1), IP4(), UDP()),		/* 46 */
		PKT(ETH(), VLAN(.id = 1), VLAN(.id = 2), IP6(), UDP()),	/* 70 */
		PKT(ETH(.type = 0x88b5), FILL(46)),			/* 60 */
		PKT(ETH(), IP4(), TCP(.dport = 1), FILL(1460)),			/* 1514 */
		PKT(ETH(), IP4(.version = 7), UDP()),			/* 42: L2 is enough */
	};
	unsigned int i, round;
	struct total total;
	struct rig *rig;
	int h;

	EACH_HOOK(h) {
		rig = rig_new("nodes:\n  meter: { module: count }\ngraphs:\n  g: [meter]\n",
			      hooks[h]);
		for (round = 0; round < 7; round++) {
			for (i = 0; i < 6; i++) {
				run_list(rig, packets[i]);
				left_by("meter.next", NULL, RIG_PASS);
			}
		}
		total = total_of(rig);
		assert_int_equal(total.packets, 7 * 6);
		assert_int_equal(total.bytes, 7 * (42 + 46 + 70 + 60 + 1514 + 42));
		assert_int_equal(rig_edge(rig, "meter.next"), 7 * 6);
		rig_free(rig);
	}
}

/* ---- limit ---- */
static struct rig *limit_new(uint32_t hook, const char *config)
{
	char yaml[256];

	snprintf(yaml, sizeof(yaml), "nodes:\n  slow: { module: limit, config: { %s } }\n"
		 "graphs:\n  g: [slow]\n", config);
	return rig_new(yaml, hook);
}

/* Whether one packet got through */
static bool passes(struct rig *rig, const struct pkt_hdr *hdrs)
{
	run_list(rig, hdrs);
	if (!strcmp(out.left, "slow.next")) {
		left_by("slow.next", NULL, RIG_PASS);
		return true;
	}
	left_by("slow.over", "rate", RIG_DROP);
	return false;
}

static unsigned int passes_of(struct rig *rig, const struct pkt_hdr *hdrs, unsigned int n)
{
	unsigned int passed = 0;

	while (n--)
		passed += passes(rig, hdrs);
	return passed;
}

/* One at the rate, burst_pkts above it, and what the time that passed gives */
static void check_burst(uint32_t hook, unsigned int burst)
{
	uint64_t start, elapsed;
	unsigned int passed;
	struct rig *rig;
	char config[64];

	snprintf(config, sizeof(config), "rate_pps: 1, burst_pkts: %u", burst);
	rig = limit_new(hook, config);
	start = now_ns();
	passed = passes_of(rig, UDP4("10.0.0.1", "10.0.0.2", 1, 2), burst + 50);
	elapsed = now_ns() - start;
	assert_in_range(passed, burst + 1, burst + 1 + elapsed / NSEC_PER_SEC + 1);
	if (elapsed < NSEC_PER_SEC)
		assert_int_equal(passed, burst + 1);
	assert_int_equal(rig_edge(rig, "slow.next"), passed);
	assert_int_equal(rig_edge(rig, "slow.over"), burst + 50 - passed);
	rig_free(rig);
}

static void test_limit_burst(void **state)
{
	int h;

	EACH_HOOK(h) {
		check_burst(hooks[h], 0);
		check_burst(hooks[h], 1);
		check_burst(hooks[h], 100);
	}
}

/* More than the rate comes all the time: what passes is the rate, over the time that it took */
static void test_limit_rate(void **state)
{
	const uint64_t step = NSEC_PER_SEC / 1000, burst = 50;
	uint64_t start, last, gap = 0, now, passed = 0;
	struct rig *rig;
	struct pkt p;
	int h;

	pkt_build(&p, UDP4("10.0.0.1", "10.0.0.2", 1, 2));
	EACH_HOOK(h) {
		rig = limit_new(hooks[h], "rate_pps: 1000, burst_pkts: 50");
		passed = gap = 0;
		start = last = now_ns();
		do {
			assert_int_equal(rig_run(rig, p.data, p.len, &out), 0);
			passed += out.verdict == RIG_PASS;
			now = now_ns();
			gap = now - last > gap ? now - last : gap;
			last = now;
		} while (now - start < 300 * 1000000);
		assert_true(passed <= burst + 1 + (now - start) / step + 1);
		if (gap < burst * step)		/* an idle time longer than the burst is lost */
			assert_true(passed + 1 >= (now - start) / step);
		rig_free(rig);
	}
}

static void test_limit_sources(void **state)
{
	struct rig *rig;
	int h;

	EACH_HOOK(h) {
		rig = limit_new(hooks[h], "rate_pps: 1, burst_pkts: 0, prefix4: 24, prefix6: 60");
		assert_true(passes(rig, UDP4("10.0.0.1", "10.9.0.1", 1, 2)));
		assert_false(passes(rig, UDP4("10.0.0.255", "10.9.0.2", 3, 4)));
		assert_true(passes(rig, UDP4("10.0.1.1", "10.9.0.1", 1, 2)));
		assert_true(passes(rig, UDP6("fd00:0:0:10::1", "fd00::9", 1, 2)));
		assert_false(passes(rig, UDP6("fd00:0:0:1f:ffff::1", "fd00::9", 1, 2)));
		assert_true(passes(rig, UDP6("fd00:0:0:20::1", "fd00::9", 1, 2)));
		/* What is no IP shares one bucket, which is no address's */
		assert_true(passes(rig, PKT(ETH(.type = 0x88b5), FILL(46))));
		assert_false(passes(rig, PKT(ETH(.type = 0x0806), FILL(46))));
		rig_free(rig);
	}
}

static void test_limit_prefix_edges(void **state)
{
	struct rig *rig;
	int h;

	EACH_HOOK(h) {
		rig = limit_new(hooks[h], "rate_pps: 1, burst_pkts: 0, prefix4: 0, prefix6: 0");
		assert_true(passes(rig, UDP4("10.0.0.1", "10.9.0.1", 1, 2)));
		assert_false(passes(rig, UDP4("192.0.2.1", "10.9.0.1", 1, 2)));
		assert_true(passes(rig, UDP6("fd00::1", "fd00::9", 1, 2)));
		assert_false(passes(rig, UDP6("2001:db8::1", "fd00::9", 1, 2)));
		rig_free(rig);
		rig = limit_new(hooks[h], "rate_pps: 1, burst_pkts: 0, prefix4: 32, prefix6: 128");
		assert_true(passes(rig, UDP4("10.0.0.0", "10.9.0.1", 1, 2)));
		assert_true(passes(rig, UDP4("10.0.0.1", "10.9.0.1", 1, 2)));
		assert_false(passes(rig, UDP4("10.0.0.1", "10.9.0.1", 1, 2)));
		assert_true(passes(rig, UDP6("fd00::1", "fd00::9", 1, 2)));
		assert_true(passes(rig, UDP6("fd00::2", "fd00::9", 1, 2)));
		/* ::10.0.0.1 and 10.0.0.1 are two sources */
		assert_true(passes(rig, UDP6("::ffff:10.0.0.1", "fd00::9", 1, 2)));
		rig_free(rig);
	}
}

/* More sources than buckets: the oldest are forgotten, nobody is refused */
static void test_limit_many_sources(void **state)
{
	struct rig *rig = limit_new(hooks[0], "rate_pps: 1, burst_pkts: 0");
	struct pkt p;
	uint32_t i;

	pkt_build(&p, UDP4("10.0.0.0", "10.9.0.1", 1, 2));
	for (i = 0; i < 70000; i++) {
		pkt_set32(&p, 26, 0x0a000000 + i);
		assert_int_equal(rig_run(rig, p.data, p.len, &out), 0);
		if (out.verdict != RIG_PASS)
			fail_msg("source %u: %s", i, out.left);
	}
	assert_int_equal(rig_edge(rig, "slow.next"), 70000);
	rig_free(rig);
}

/* ---- terminals, and what a module returns that it should not ---- */
static void check_edge(uint32_t hook, const char *target, const char *reason,
		       enum rig_verdict verdict)
{
	struct rig *rig;
	char yaml[256];

	snprintf(yaml, sizeof(yaml), "nodes:\n  meter: { module: count }\ngraphs:\n  g:\n"
		 "    entry: meter\n    edges:\n      meter: { next: %s }\n", target);
	rig = rig_new(yaml, hook);
	run_list(rig, UDP4("10.0.0.1", "10.0.0.2", 1, 2));
	left_by("meter.next", reason, verdict);
	rig_free(rig);
}

static void test_terminals(void **state)
{
	int h;

	EACH_HOOK(h) {
		check_edge(hooks[h], "pass", NULL, RIG_PASS);
		check_edge(hooks[h], "drop", "policy", RIG_DROP);
		check_edge(hooks[h], "drop(udp_len)", "udp_len", RIG_DROP);
		check_edge(hooks[h], "redirect(lo)", NULL, RIG_REDIRECT);
		check_edge(hooks[h], "redirect(none0)", "no_port", RIG_DROP);
	}
	check_edge(hooks[0], "tx", NULL, RIG_TX);
	check_edge(hooks[1], "tx", NULL, RIG_REDIRECT);
}

static struct rig *probe_new(uint32_t hook, const char *config, const char *edges)
{
	char yaml[1024];

	snprintf(yaml, sizeof(yaml), "nodes:\n  probe: { module: \"%s\", config: { %s } }\n"
		 "  meter: { module: count }\ngraphs:\n  g:\n    entry: probe\n    edges:\n"
		 "      probe: { %s }\n%s", rig_built("tests/lib/probe"), config, edges,
		 strstr(edges, "meter") ? "      meter: { next: pass }\n" : "");
	return rig_new(yaml, hook);
}

static void check_forward(uint32_t hook, unsigned int ifindex, const char *reason,
			  enum rig_verdict verdict)
{
	struct rig *rig;
	char config[32];

	snprintf(config, sizeof(config), "set_out: %u", ifindex);
	rig = probe_new(hook, config, "next: forward");
	run_list(rig, UDP4("10.0.0.1", "10.0.0.2", 1, 2));
	left_by("probe.next", reason, verdict);
	rig_free(rig);
}

/* Interface 1 is the one that test runs come in by */
static void test_forward(void **state)
{
	int h;

	EACH_HOOK(h) {
		check_forward(hooks[h], 0, "no_port", RIG_DROP);
		check_forward(hooks[h], 1, NULL, h ? RIG_REDIRECT : RIG_TX);
		check_forward(hooks[h], 2, NULL, RIG_REDIRECT);
	}
	check_forward(SHUNT_HOOK_TC_EGRESS, 0, "no_port", RIG_DROP);
	check_forward(SHUNT_HOOK_TC_EGRESS, 1, NULL, RIG_PASS);
	check_forward(SHUNT_HOOK_TC_EGRESS, 2, NULL, RIG_REDIRECT);
}

static void check_leave(uint32_t hook, unsigned int value, const char *left, const char *reason)
{
	struct rig *rig;
	char config[32];

	snprintf(config, sizeof(config), "leave: %u", value);
	rig = probe_new(hook, config, "next: pass");
	run_list(rig, UDP4("10.0.0.1", "10.0.0.2", 1, 2));
	left_by(left, reason, reason ? RIG_DROP : RIG_PASS);
	rig_free(rig);
}

static void test_leave(void **state)
{
	int h;

	EACH_HOOK(h) {
		check_leave(hooks[h], 0, "probe.next", NULL);
		check_leave(hooks[h], 1, "probe.seen", NULL);
		check_leave(hooks[h], 2, "root.next", "internal");	/* no such edge */
		check_leave(hooks[h], 15, "root.next", "internal");
		check_leave(hooks[h], 16, "root.next", "internal");
		check_leave(hooks[h], 255, "root.next", "internal");
		check_leave(hooks[h], 4294967295u, "root.next", "internal");
		check_leave(hooks[h], DROP_BASE, "root.next", "policy");
		check_leave(hooks[h], DROP_BASE + SHUNT_REASON_IP4_LEN, "root.next",
			    "ip4_len");
		check_leave(hooks[h], DROP_BASE + SHUNT_REASON_MAX, "root.next",
			    "internal");
	}
}

/* ---- a tail call that finds nothing ---- */
static void empty_slot(struct rig *rig, uint32_t slot)
{
	char path[PINS_PATH_MAX + 8];
	int fd;

	rendering_path(rig->bpffs, rig->graph, path);
	strcat(path, "/next");
	fd = pins_get(path);
	assert_true(fd >= 0);
	assert_int_equal(bpf_map_delete_elem(fd, &slot), 0);
	fd_close(fd);
}

static void test_miss_closed(void **state)
{
	static const char yaml[] = "nodes:\n  a: { module: filter }\n  b: { module: limit }\n"
				   "  c: { module: count }\ngraphs:\n  g: [a, b, c]\n";
	static const char *const empty[] = { "a", "b", "c" };
	static const char *const left[] = { "root.next", "a.accept", "b.next" };
	struct rig *rig;
	unsigned int i;
	int h;

	EACH_HOOK(h) {
		for (i = 0; i < 3; i++) {
			rig = rig_new(yaml, hooks[h]);
			run_list(rig, UDP4("10.0.0.1", "10.0.0.2", 1, 2));
			left_by("c.next", NULL, RIG_PASS);
			empty_slot(rig, rig_node(rig, empty[i])->slot);
			run_list(rig, UDP4("10.0.0.1", "10.0.0.2", 1, 2));
			left_by(left[i], "miss", RIG_DROP);
			assert_int_equal(out.miss, 1);
			rig_free(rig);
		}
	}
}

/* Each of several edges has a miss of its own behind it */
static void test_miss_each_edge(void **state)
{
	static const char yaml[] =
		"nodes:\n  a:\n    module: filter\n    rules: [udp dport 1 goto one, "
		"udp dport 2 goto two, udp dport 3 drop]\n  c: { module: count }\n"
		"  d: { module: count }\ngraphs:\n  g:\n    entry: a\n    edges:\n"
		"      a: { accept: c, one: c, two: d, drop: c }\n"
		"      c: { next: pass }\n      d: { next: pass }\n";
	static const char *const left[] = { "a.accept", "a.one", "d.next", "a.drop" };
	struct rig *rig;
	unsigned int i;
	int h;

	EACH_HOOK(h) {
		rig = rig_new(yaml, hooks[h]);
		empty_slot(rig, rig_node(rig, "c")->slot);
		for (i = 0; i < 4; i++) {
			run_list(rig, UDP4("10.0.0.1", "10.0.0.2", 9, i));
			left_by(left[i], i == 2 ? NULL : "miss", i == 2 ? RIG_PASS : RIG_DROP);
			assert_int_equal(out.miss, i == 2 ? 0 : 1);
		}
		rig_free(rig);
	}
}

static void test_miss_open(void **state)
{
	struct rig *rig;
	int h;

	EACH_HOOK(h) {
		rig = probe_new(hooks[h], "leave: 0", "next: meter");
		empty_slot(rig, rig_node(rig, "meter")->slot);
		run_list(rig, UDP4("10.0.0.1", "10.0.0.2", 1, 2));
		left_by("probe.next", NULL, RIG_PASS);
		assert_int_equal(out.miss, 1);
		rig_free(rig);
		/* The other edge of the same module is closed */
		rig = probe_new(hooks[h], "leave: 1", "next: pass, seen: meter");
		empty_slot(rig, rig_node(rig, "meter")->slot);
		run_list(rig, UDP4("10.0.0.1", "10.0.0.2", 1, 2));
		left_by("probe.seen", "miss", RIG_DROP);
		rig_free(rig);
	}
}

static uint32_t run_gate(int fd)
{
	struct pkt p;
	uint8_t data[256];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .repeat = 1, .data_in = p.data, .data_out = data,
		    .data_size_out = sizeof(data));

	pkt_build(&p, UDP4("10.0.0.1", "10.0.0.2", 1, 2));
	opts.data_size_in = p.len;
	assert_int_equal(bpf_prog_test_run_opts(fd, &opts), 0);
	return opts.retval;
}

static void check_gate(struct gates *gates, int h)
{
	static const uint32_t drop[HOOKS] = { 1, 2 }, pass[HOOKS] = { 2, -1 };
	struct err err = { 0 };
	struct rig *rig;
	int fd;

	fd = gates_program(gates, hooks[h], 200, &err);
	if (fd < 0)
		fail_msg("%s", err.text);
	assert_int_equal(run_gate(fd), drop[h]);
	assert_int_equal(run_gate(fd), drop[h]);
	assert_int_equal(gates_misses(gates, hooks[h], 200), 2);
	assert_int_equal(gates_misses(gates, hooks[h], 199), 0);
	rig = rig_new("nodes:\n  meter: { module: count }\ngraphs:\n  g: [meter]\n", hooks[h]);
	assert_int_equal(gates_set(gates, hooks[h], 200, rig->root_fd, &err), 0);
	assert_int_equal(run_gate(fd), pass[h]);
	assert_int_equal(rig_edge(rig, "meter.next"), 1);
	assert_int_equal(gates_misses(gates, hooks[h], 200), 2);
	gates_clear(gates, hooks[h], 200);
	assert_int_equal(run_gate(fd), drop[h]);
	assert_int_equal(gates_misses(gates, hooks[h], 200), 3);
	assert_int_equal(rig_edge(rig, "meter.next"), 1);
	rig_free(rig);
}

static void test_gate(void **state)
{
	static struct gates gates;
	struct err err = { 0 };
	char dir[PINS_PATH_MAX];
	struct rig *rig;
	int h;

	rig = rig_new("nodes:\n  meter: { module: count }\ngraphs:\n  g: [meter]\n", hooks[0]);
	snprintf(dir, sizeof(dir), "%.400s/gates", rig->bpffs);
	assert_int_equal(pins_mkdir(dir, &err), 0);
	if (gates_open(&gates, dir, rig_built("bpf"), &err) < 0)
		fail_msg("%s", err.text);
	EACH_HOOK(h)
		check_gate(&gates, h);
	gates_close(&gates);
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_count), cmocka_unit_test(test_limit_burst),
		cmocka_unit_test(test_limit_rate), cmocka_unit_test(test_limit_sources),
		cmocka_unit_test(test_limit_prefix_edges),
		cmocka_unit_test(test_limit_many_sources), cmocka_unit_test(test_terminals),
		cmocka_unit_test(test_forward), cmocka_unit_test(test_leave), cmocka_unit_test(test_miss_closed),
		cmocka_unit_test(test_miss_each_edge), cmocka_unit_test(test_miss_open),
		cmocka_unit_test(test_gate),
	};

	return unit_main(tests, sizeof(tests) / sizeof(tests[0]));
}
