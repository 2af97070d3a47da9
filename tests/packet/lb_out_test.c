// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* lb_out_test.c - how a balancer's packets leave: tags of VLANs, super-frames, answers that are too many */
#include <time.h>

#include "lb_world.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))
#define B_VLAN 60		/* a backend */
#define EACH_RIG(h) for (int h = 0; h < 3; h++)
#define TO(n) "203.0.113." #n
#define F4(dst_, ...) PKT(ETH(), IP4(.src = CLIENT4, .dst = dst_, .df = true), __VA_ARGS__)

enum { S_SMALL = 1, S_SMALL_L2, S_VLAN, S_VLAN_L2 };

static struct lbrig *rigs[3];
static const uint32_t hooks[3] = { SHUNT_HOOK_XDP, SHUNT_HOOK_TC_INGRESS, SHUNT_HOOK_TC_EGRESS };

/* Not more than 1000 a second: nobody is to be used to flood another */
static void test_told_rate(void **state)
{
	struct timespec from, to;
	unsigned int i, answers;
	struct pkt in;
	double ms;

	pkt_build(&in, F4(TO(1), UDP(.dport = 1), FILL(1400)));
	EACH_RIG (h) {
		clock_gettime(CLOCK_MONOTONIC, &from);
		for (i = answers = 0; i < 500; i++) {
			world_send(rigs[h], &in);
			if (out.edge == LBRIG_ANSWER)
				answers++;
			else
				world_left(-1, SHUNT_REASON_RATE);
		}
		clock_gettime(CLOCK_MONOTONIC, &to);
		ms = (to.tv_sec - from.tv_sec) * 1e3 + (to.tv_nsec - from.tv_nsec) / 1e6;
		if (answers < 40 || answers > 53 + ms)
			fail_msg("%u answers in %.1f ms", answers, ms);
	}
}

/* A super-frame is as long as its segments */
static void test_super(void **state)
{
	static const struct {
		unsigned int opts, size;
		bool fits, udp;
	} super[] = {
		{ 0, 1240, true, false },  { 0, 1241, false, false }, { 12, 1228, true, false },
		{ 12, 1229, false, false }, { 0, 1252, true, true },   { 0, 1253, false, true },
	};
	struct pkt in;

	for (unsigned int h = 1; h < 3; h++) {
		for (unsigned int i = 0; i < N(super); i++) {
			if (super[i].udp)
				pkt_build(&in, F4(TO(2), UDP(.dport = 1), FILL(3000)));
			else
				pkt_build(&in, F4(TO(2), TCP(.dport = 1, .flags = PKT_ACK,
							     .opts = "\1\1\1\1\1\1\1\1\1\1\1\1",
							     .opts_len = super[i].opts),
						  FILL(3000)));
			if (lbrig_run(rigs[h], in.data, in.len, super[i].size, &out))
				fail_msg("cannot run a super-frame");
			if (super[i].fits)
				world_left(LBRIG_HIT, -1);
			else
				world_left(-1, SHUNT_REASON_TOO_BIG);
		}
	}
}

/* A way by a VLAN: one tag of it, whatever tags the frame came with */
static void check_vlan(struct lbrig *rig, bool l2, unsigned int tags)
{
	struct pkt in, want;

	pkt_init(&in);
	pkt_eth(&in, .src = NULL);
	if (tags > 1)
		pkt_vlan(&in, .tpid = 0x88a8, .id = 100, .prio = 3);
	if (tags)
		pkt_vlan(&in, .id = 9, .prio = 5);
	pkt_ip4(&in, .src = CLIENT4, .dst = l2 ? TO(4) : TO(3), .df = true);
	pkt_udp(&in, .sport = 7, .dport = 9);
	pkt_fill(&in, 100);
	if (!world_send(rig, &in))
		fail_msg("cannot run the frame");
	world_left(LBRIG_HIT, -1);
	pkt_init(&want);
	pkt_eth(&want, .src = OWN_MAC, .dst = GW_MAC);
	if (rig == rigs[0])		/* at TC it is beside the frame */
		pkt_vlan(&want, .id = 1234);
	if (!l2)
		pkt_ip4(&want, .src = LB4, .dst = "10.0.0.8", .df = true);
	pkt_ip4(&want, .src = CLIENT4, .dst = l2 ? TO(4) : TO(3), .df = true, .ttl = 63);
	pkt_udp(&want, .sport = 7, .dport = 9);
	pkt_fill(&want, 100);
	world_is(&want);
	assert_int_equal(out.pkt.len, out.len);
}

static void test_vlan(void **state)
{
	EACH_RIG (h) {
		for (unsigned int l2 = 0; l2 < 2; l2++)
			for (unsigned int tags = 0; tags < (h ? 1 : 3); tags++)
				check_vlan(rigs[h], l2, tags);
	}
}

static void world_fill(struct lbrig *rig)
{
	static const struct {
		uint8_t forward;
		unsigned int backend;
	} services[] = {
		[S_SMALL] = { LB_IPIP, B4_SMALL }, [S_SMALL_L2] = { LB_L2, B4_SMALL },
		[S_VLAN] = { LB_IPIP, B_VLAN }, [S_VLAN_L2] = { LB_L2, B_VLAN },
	};
	char vip[40];

	rig->backend[B_VLAN] = rig->backend[B4];
	rig->backend[B_VLAN].addr = lbrig_addr("10.0.0.8");
	rig->backend[B_VLAN].vlan = 1234;
	for (unsigned int i = 1; i < N(services); i++) {
		world_service(rig, i, (struct lb_service){ .forward = services[i].forward },
			      LB_SLOT(services[i].backend, 0));
		snprintf(vip, sizeof(vip), "203.0.113.%u", i);
		world_vip(rig, vip, 0, 0, i + 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vlan),
		cmocka_unit_test(test_super),
		cmocka_unit_test(test_told_rate),
	};

	for (unsigned int i = 0; i < 3; i++) {
		rigs[i] = world_new(hooks[i]);
		world_fill(rigs[i]);
	}
	return unit_main(tests, N(tests));
}
