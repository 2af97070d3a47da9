// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * boundary_test.c - what XDP hands to TC, and what TC believes
 *
 * XDP's half by TEST_RUN. TEST_RUN gives TC neither metadata nor a tag in the skb, so its half
 * receives frames on a veth pair, in a network namespace of this process alone.
 */
#include "../lib/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <base/buf.h>
#include <base/file.h>

#include "../lib/pkt.h"
#include "../lib/rig.h"

#define MARK	4711
#define FRAMES	100	/* of a live run */

static struct rig_outcome out;

/* Two graphs, one hands to the other; the one at @hook is called RIG_GRAPH */
static struct rig *pair_new(uint32_t hook, const char *config)
{
	static const char early[] =	/* probe, guard; of those, accept is handed over */
		"    entry: probe\n    edges:\n      probe: { next: guard }\n"
		"      guard: { accept: boundary(%s), out: pass }\n";
	static const char late[] = "    entry: probe\n    edges:\n      probe: { next: pass }\n";
	bool xdp = hook == SHUNT_HOOK_XDP;
	struct buf yaml = { 0 };
	struct rig *rig;

	buf_printf(&yaml, "nodes:\n  probe: { module: \"%s\", config: { %s } }\n"
		   "  guard: { module: filter, rules: [udp dport 1 drop, udp dport 2 goto out] }\n"
		   "graphs:\n  %s:\n", rig_built("tests/lib/probe"), config,
		   xdp ? RIG_GRAPH : "other");
	buf_printf(&yaml, early, xdp ? "other" : RIG_GRAPH);
	buf_printf(&yaml, "  %s:\n%s", xdp ? "other" : RIG_GRAPH, late);
	buf_printf(&yaml, "attach:\n  - { dev: lo, hook: xdp, graph: %s }\n"
		   "  - { dev: lo, hook: tc-ingress, graph: %s }\n", xdp ? RIG_GRAPH : "other",
		   xdp ? "other" : RIG_GRAPH);
	rig = rig_new(yaml.data, hook);
	buf_fini(&yaml);
	return rig;
}

static struct rig *xdp_new(uint64_t tag)
{
	uint64_t usual = rig_tag;
	struct rig *rig;
	char config[32];

	snprintf(config, sizeof(config), "set_mark: %d", MARK);
	rig_tag = tag;
	rig = pair_new(SHUNT_HOOK_XDP, config);
	rig_tag = usual;
	return rig;
}

/* ---- XDP's half ---- */
static void run_with(struct rig *rig, uint16_t dport, const void *meta, size_t meta_len)
{
	struct pkt p;
	int r;

	pkt_build(&p, UDP4("10.0.0.1", "10.0.0.2", 9, dport));
	r = rig_run_input(rig, &(struct rig_input) { .data = p.data, .len = p.len, .meta = meta,
						     .meta_len = meta_len }, &out);
	if (r < 0)
		fail_msg("test run: %s", strerror(-r));
	if (out.fault[0])
		fail_msg("%s", out.fault);
	assert_int_equal(out.len, p.len);
	assert_memory_equal(out.data, p.data, p.len);
}

static void check_handoff(void)
{
	struct shunt_handoff got;

	assert_string_equal(out.left, "guard.accept");
	assert_int_equal(out.verdict, RIG_PASS);
	assert_int_equal(out.meta_len, sizeof(got));
	memcpy(&got, out.meta, sizeof(got));
	assert_true(got.tag == rig_tag);
	assert_int_equal(got.len, sizeof(got));
	assert_int_equal(got.mark, MARK);
	assert_int_equal(got.hash, 0);
	assert_int_equal(got.user[0], MARK);
	assert_int_equal(got.user[1], 0);
	assert_int_equal(got.user[2], 0);
}

static void test_written_at_the_boundary(void **state)
{
	struct rig *rig = xdp_new(rig_tag);

	run_with(rig, 53, NULL, 0);
	check_handoff();
	rig_free(rig);
}

static void test_written_nowhere_else(void **state)
{
	struct rig *rig = xdp_new(rig_tag);

	run_with(rig, 1, NULL, 0);
	assert_string_equal(out.left, "guard.drop");
	assert_int_equal(out.meta_len, 0);
	run_with(rig, 2, NULL, 0);
	assert_string_equal(out.left, "guard.out");
	assert_int_equal(out.meta_len, 0);
	rig_free(rig);
}

/* What comes with a frame, even with our tag, is taken off and never goes on */
static void test_foreign_is_replaced(void **state)
{
	struct shunt_handoff forged = { .tag = rig_tag, .len = sizeof(forged), .mark = 1,
					.user = { 2, 3, 4 } };
	struct rig *rig = xdp_new(rig_tag);
	size_t len;

	for (len = 4; len <= sizeof(forged); len += 4) {
		run_with(rig, 53, &forged, len);
		check_handoff();
		run_with(rig, 2, &forged, len);
		assert_string_equal(out.left, "guard.out");
		assert_int_equal(out.meta_len, 0);
	}
	rig_free(rig);
}

/* ---- TC's half, live ---- */
static void sh(const char *command)
{
	if (system(command))
		fail_msg("%s", command);
}

static void veth_up(void)
{
	sh("ip link add shunt_a type veth peer name shunt_b && "
	   "sysctl -qw net.ipv6.conf.all.disable_ipv6=1 && "
	   "ip link set shunt_a up && ip link set shunt_b up");
}

static void veth_down(void)
{
	sh("ip link del shunt_a");
}

static void send_frames(const struct pkt *p)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET,
				  .sll_ifindex = if_nametoindex("shunt_a") };
	int fd = socket(AF_PACKET, SOCK_RAW, 0), on = 1, i;

	assert_true(fd >= 0);
	/* A new interface has a queue only some time after it is up; until then it loses frames */
	assert_int_equal(setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on)), 0);
	for (i = 0; i < FRAMES; i++)
		assert_int_equal(sendto(fd, p->data, p->len, 0, (void *)&to, sizeof(to)), p->len);
	close(fd);
}

static uint64_t entered(const struct rig *rig)
{
	return counters_get(&rig->shared.counters, rig->graph->entry_counter);
}

/* Frames into shunt_b, through XDP (NULL: none) and TC. Return: how many TC sent by 'seen' */
static uint64_t live(struct rig *xdp, struct rig *tc, const struct pkt *p)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .prog_fd = tc->root_fd);
	uint64_t before = entered(tc), seen = rig_edge(tc, "probe.seen");
	int link = -1, tries;

	veth_up();
	hook.ifindex = if_nametoindex("shunt_b");
	assert_int_equal(bpf_tc_hook_create(&hook), 0);
	assert_int_equal(bpf_tc_attach(&hook, &opts), 0);
	if (xdp) {
		link = bpf_link_create(xdp->root_fd, hook.ifindex, BPF_XDP, NULL);
		assert_true(link >= 0);
	}
	send_frames(p);
	for (tries = 0; entered(tc) - before < FRAMES && tries < 500; tries++)
		usleep(10000);
	fd_close(link);
	veth_down();
	assert_int_equal(entered(tc) - before, FRAMES);
	return rig_edge(tc, "probe.seen") - seen;
}

static struct rig *tc_new(void)
{
	char config[96];

	snprintf(config, sizeof(config), "want_flags: %d, want_mark: %d", SHUNT_PKT_HANDOFF, MARK);
	return pair_new(SHUNT_HOOK_TC_INGRESS, config);
}

static void live_handoff(uint64_t tag, bool xdp, uint64_t want_seen)
{
	struct rig *from = xdp ? xdp_new(tag) : NULL, *to = tc_new();
	struct pkt p;

	pkt_build(&p, UDP4("10.0.0.1", "10.0.0.2", 9, 53, FILL(64)));
	assert_int_equal(live(from, to, &p), want_seen);
	rig_free(from);
	rig_free(to);
}

static void test_tc_takes_it(void **state)
{
	live_handoff(rig_tag, true, FRAMES);
}

static void test_tc_refuses_another_tag(void **state)
{
	live_handoff(rig_tag + 1, true, 0);
	live_handoff(0, true, 0);
}

static void test_tc_without_xdp(void **state)
{
	live_handoff(0, false, 0);
}

/* A root that nobody hands to takes nothing, whatever lies in front of the frame */
static void test_tc_without_producer(void **state)
{
	struct rig *from = xdp_new(0), *to;
	char yaml[512];
	struct pkt p;

	snprintf(yaml, sizeof(yaml), "nodes:\n  probe: { module: \"%s\", config: { want_flags: %d, "
		 "want_mark: %d } }\ngraphs:\n  g: [probe]\n", rig_built("tests/lib/probe"),
		 SHUNT_PKT_HANDOFF, MARK);
	to = rig_new(yaml, SHUNT_HOOK_TC_INGRESS);
	pkt_build(&p, UDP4("10.0.0.1", "10.0.0.2", 9, 53, FILL(64)));
	assert_int_equal(live(from, to, &p), 0);
	rig_free(from);
	rig_free(to);
}

/* The kernel takes the outer tag into the skb before TC sees the frame */
static void vlan_meta(const struct pkt_hdr *hdrs, unsigned int vlans, uint64_t want_seen)
{
	struct rig *tc;
	char yaml[512];
	struct pkt p;

	snprintf(yaml, sizeof(yaml), "nodes:\n  probe: { module: \"%s\", config: { want_flags: %d, "
		 "want_vlans: %u } }\ngraphs:\n  g: [probe]\n", rig_built("tests/lib/probe"),
		 SHUNT_PKT_VLAN_META, vlans);
	tc = rig_new(yaml, SHUNT_HOOK_TC_INGRESS);
	pkt_build(&p, hdrs);
	assert_int_equal(live(NULL, tc, &p), want_seen);
	rig_free(tc);
}

static void test_vlan_in_metadata(void **state)
{
	vlan_meta(UDP4("10.0.0.1", "10.0.0.2", 9, 53, FILL(64)), 0, 0);
	vlan_meta(PKT(ETH(), VLAN(.id = 5), IP4(), UDP(.dport = 53), FILL(64)), 1, FRAMES);
	vlan_meta(PKT(ETH(), VLAN(.id = 5, .tpid = 0x88a8), VLAN(.id = 6), IP4(),
		      UDP(.dport = 53), FILL(64)), 2, FRAMES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_written_at_the_boundary),
		cmocka_unit_test(test_written_nowhere_else),
		cmocka_unit_test(test_foreign_is_replaced),
		cmocka_unit_test(test_tc_takes_it),
		cmocka_unit_test(test_tc_refuses_another_tag),
		cmocka_unit_test(test_tc_without_xdp),
		cmocka_unit_test(test_tc_without_producer),
		cmocka_unit_test(test_vlan_in_metadata),
	};

	unit_folder();		/* its guard stays in the namespace that it cleans up in */
	if (unshare(CLONE_NEWNET) < 0) {
		perror("network namespace");
		return 1;
	}
	return unit_main(tests, sizeof(tests) / sizeof(tests[0]));
}
