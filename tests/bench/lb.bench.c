// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * lb.bench.c - what a packet of a service costs, root and parser included
 *
 * Each round begins with the frame as it was (lb_undo.bpf.c). The floor does that, too, so what the
 * balancer costs is the difference. TCP, frames of 80 bytes; a ring of 65537 slots, 100 backends.
 * The peer (lb_peer.bpf.c) is the least that a balancer with a connection table does, in the same
 * run: no product, and no parser to speak of. 'lb.undo' is the floor itself above an empty program.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <bpf/bpf.h>

#include "../lib/bench.h"
#include "../lib/lbrig.h"
#include "../lib/pkt.h"
#include "../lib/rig.h"
#include "lb_peer.h"

#define BACKENDS 100
#define FRAME 80

struct bench_case {
	const char *kind;
	bool six;
	uint8_t forward;
	uint8_t tracking;
	bool keep; /* all slots in transition */
	bool syn, miss;
	unsigned int services;
	bool peer;
};

struct undo {
	uint32_t bytes, len, n, six, floor, services;
};

static void undo_load(const struct undo *undo, const struct pkt *p, int to_fd,
		      struct object_loaded *loaded)
{
	const struct object_value value[] = {
		{ "undo_bytes", &undo->bytes, 4 }, { "undo_len", &undo->len, 4 },
		{ "undo_n", &undo->n, 4 },	   { "undo_six", &undo->six, 4 },
		{ "undo_floor", &undo->floor, 4 }, { "undo_services", &undo->services, 4 },
	};
	struct err err = { 0 };
	uint32_t zero = 0;

	if (object_load(rig_built("tests/bench/lb_undo.xdp.o"), "undo", value, 6, NULL, 0, NULL,
			loaded, &err) < 0)
		bench_die("undo", err.text);
	if (bpf_map_update_elem(object_loaded_map(loaded, "undo_heads"), &zero, p->data, 0) < 0 ||
	    bpf_map_update_elem(object_loaded_map(loaded, "undo_to"), &zero, &to_fd, 0) < 0)
		bench_die("undo", strerror(errno));
}

static void put_services(struct lbrig *rig, const struct bench_case *c)
{
	for (uint32_t i = 0; i < c->services; i++) {
		struct lb_service service = {
			.ring = i ? 1 : 0,
			.slots = i ? 7 : LB_RING,
			.seed = 1,
			.forward = c->forward,
			.drain = 1000,
			.tracking = c->tracking,
			.counter = 0,
			.gue_port = htons(6080),
		};
		struct lb_vip key = { .addr = lbrig_addr(c->six ? "2001:db8:f::" : "203.0.0.0"),
				      .port = htons(80),
				      .proto = 6,
				      .node = 1 };
		uint32_t value = i + 1;

		key.addr.word[3] = htonl(ntohl(key.addr.word[3]) + i);
		lbrig_put(rig, LB_TABLE_SERVICES, &i, &service);
		lbrig_put(rig, LB_TABLE_VIPS, &key, &value);
	}
}

static struct lbrig *world(const struct bench_case *c, uint32_t flows)
{
	const struct lbrig_conf conf = {
		.object = "lb",
		.hook = SHUNT_HOOK_XDP,
		.node = 1,
		.buckets = flows > 65536 ? 1 << 18 : 1 << 17,
		.kinds = LB_KIND_EXACT | (c->six ? LB_KIND_IP6 : LB_KIND_IP4),
	};
	struct lbrig *rig = lbrig_new(&conf);
	uint32_t *ring;

	for (int i = 1; i <= BACKENDS; i++) {
		rig->backend[i] = (struct lb_backend) {
			.addr = lbrig_addr(c->six ? "fd00::" : "10.0.0.0"),
			.src = lbrig_addr(c->six ? "2001:db8::1" : "192.0.2.1"),
			.l3 = c->six ? 6 : 4,
			.ifindex = 1,
			.mtu = 1500,
			.flags = LB_LIVES | LB_RESOLVED,
			.counter = i,
		};
		rig->backend[i].addr.word[3] = htonl(ntohl(rig->backend[i].addr.word[3]) + i);
	}
	put_services(rig, c);
	ring = lbrig_ring(rig, 0, LB_RING, 0);
	for (int i = 0; i < LB_RING; i++)
		ring[i] = LB_SLOT(1 + i % BACKENDS, c->keep ? 1 + (i + 1) % BACKENDS : 0);
	return rig;
}

/* Every packet must have gone the way that is measured */
static void check(struct lbrig *rig, const struct bench_case *c, const struct pkt *p)
{
	static struct lbrig_out out;

	lbrig_run(rig, p->data, p->len, 0, &out);
	if (out.edge != (c->miss ? LBRIG_MISS : c->forward == LB_NAT ? LBRIG_NAT : LBRIG_HIT))
		bench_die(c->kind, "the packet went another way");
}

/* ---- the peer ---- */

static void peer_load(uint32_t flows, struct object_loaded *loaded)
{
	const struct object_map map[] = {
		{ .name = "peer_flows",
		  .fd = bpf_map_create(BPF_MAP_TYPE_LRU_HASH, "flows", sizeof(struct peer_flow), 4,
				       2 * (flows ? flows : 65536) + 1024, NULL) },
	};
	struct peer_vip vip = { htonl(0xcb000000), htons(80), 6 };
	struct err err = { 0 };
	uint32_t i, backend, zero = 0;

	if (map[0].fd < 0 || object_load(rig_built("tests/bench/lb_peer.xdp.o"), "peer", NULL, 0,
					 map, 1, NULL, loaded, &err) < 0)
		bench_die("peer", err.text);
	bpf_map_update_elem(object_loaded_map(loaded, "peer_vips"), &vip, &zero, 0);
	for (i = 1; i <= BACKENDS; i++) {
		struct peer_backend to = { htonl(0xc0000201), htonl(0x0a000000 + i) };

		bpf_map_update_elem(object_loaded_map(loaded, "peer_backends"), &i, &to, 0);
	}
	for (i = 0; i < PEER_RING; i++) {
		backend = 1 + i % BACKENDS;
		bpf_map_update_elem(object_loaded_map(loaded, "peer_ring"), &i, &backend, 0);
	}
	close(map[0].fd);
}

/* The packet must have become one in a tunnel */
static void peer_check(const struct object_loaded *peer, const struct pkt *p)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = p->data, .data_size_in = p->len,
		    .repeat = 1);

	if (bpf_prog_test_run_opts(peer->prog_fd, &opts) < 0 || opts.data_size_out != p->len + 20)
		bench_die("peer", "the packet went another way");
}

/* ---- cases ---- */

static void frame_build(const struct bench_case *c, struct pkt *p)
{
	if (c->six)
		pkt_build(p, TCP6("2001:db8:c::", c->miss ? "2001:db8:e::" : "2001:db8:f::", 1024,
				  80, c->syn ? PKT_SYN : PKT_ACK, FILL(FRAME - 74)));
	else
		pkt_build(p,
			  PKT(ETH(),
			      IP4(.src = "198.51.0.0", .dst = c->miss ? "203.1.0.0" : "203.0.0.0",
				  .df = true, .id = 0xffff),
			      TCP(.sport = 1024, .dport = 80, .flags = c->syn ? PKT_SYN : PKT_ACK),
			      FILL(FRAME - 54)));
}

static void run(const struct bench_case *c, uint32_t flows)
{
	struct undo undo = { .six = c->six, .n = flows, .len = FRAME, .services = c->services };
	struct object_loaded loaded[3], peer;
	unsigned int n = c->peer ? 3 : 2;
	struct bench_times times[3];
	struct bench_side side[3];
	struct lbrig *rig;
	char name[96];
	struct pkt p;

	snprintf(name, sizeof(name), "lb.%s.%s.%u%s", c->kind, c->six ? "v6" : "v4", flows,
		 c->services > 1 ? ".services" : "");
	if (!bench_wanted(name))
		return;
	frame_build(c, &p);
	if (!c->miss && c->forward <= LB_GUE)
		undo.bytes = (c->six ? 40 : 20) + (c->forward == LB_GUE ? 8 : 0);
	rig = world(c, flows);
	check(rig, c, &p);
	if (c->peer) {
		peer_load(flows, &peer);
		peer_check(&peer, &p);
	}
	for (unsigned int i = 0; i < n; i++) {
		undo.floor = i == 1;
		undo_load(&undo, &p, i == 2 ? peer.prog_fd : rig->root.prog_fd, &loaded[i]);
		side[i] = (struct bench_side) { loaded[i].prog_fd, p.data, p.len };
	}
	bench_run(side, n, times);
	for (unsigned int i = 0; i < n; i++)
		bench_sort(&times[i]);
	bench_print(&(struct bench_line) { .name = name,
					   .n = c->services > 1 ? c->services : flows,
					   .ns = bench_median(&times[0]),
					   .min_ns = bench_min(&times[0]),
					   .floor_ns = bench_median(&times[1]),
					   .peer_ns = c->peer ? bench_median(&times[2]) : 0 });
	for (unsigned int i = 0; i < n; i++)
		object_loaded_fini(&loaded[i]);
	if (c->peer)
		object_loaded_fini(&peer);
	lbrig_free(rig);
}

/* What it costs to begin anew, by bytes that are put in front */
static void run_undo(uint32_t bytes)
{
	const struct bench_case c = { .services = 1 };
	struct undo undo = { .n = 1, .len = FRAME, .services = 1, .bytes = bytes, .floor = 1 };
	struct object_loaded loaded[2];
	struct bench_side side[2];
	struct bench_times times[2];
	struct err err = { 0 };
	char name[32];
	struct pkt p;

	snprintf(name, sizeof(name), "lb.undo.%u", bytes);
	if (!bench_wanted(name))
		return;
	frame_build(&c, &p);
	if (object_load(rig_built("tests/bench/empty.xdp.o"), "empty", NULL, 0, NULL, 0, NULL,
			&loaded[1], &err) < 0)
		bench_die("empty", err.text);
	undo_load(&undo, &p, loaded[1].prog_fd, &loaded[0]);
	for (int i = 0; i < 2; i++)
		side[i] = (struct bench_side) { loaded[i].prog_fd, p.data, p.len };
	bench_run(side, 2, times);
	bench_sort(&times[0]);
	bench_sort(&times[1]);
	bench_print(&(struct bench_line) { .name = name,
					   .n = bytes,
					   .ns = bench_median(&times[0]),
					   .min_ns = bench_min(&times[0]),
					   .floor_ns = bench_median(&times[1]) });
	object_loaded_fini(&loaded[0]);
	object_loaded_fini(&loaded[1]);
}

int main(void)
{
	static const uint32_t flows[] = { 1, 1024, 65536, 1000000 };
	const struct bench_case hit[] = {
		{ "ipip.hit", false, LB_IPIP, .services = 1, .peer = true },
		{ "ipip.hit", true, LB_IPIP, .services = 1 },
		{ "ipip.tracked", false, LB_IPIP, LB_TRACK_ALWAYS, .services = 1 },
		{ "ipip.changed", false, LB_IPIP, .keep = true, .services = 1 },
	};
	const struct bench_case one[] = {
		{ "gue.hit", false, LB_GUE, .services = 1 },
		{ "gue.hit", true, LB_GUE, .services = 1 },
		{ "l2.hit", false, LB_L2, .services = 1 },
		{ "l2.hit", true, LB_L2, .services = 1 },
		{ "nat.new", false, LB_NAT, .services = 1 },
		{ "nat.new", true, LB_NAT, .services = 1 },
		{ "miss", false, .miss = true, .services = 1 },
		{ "miss", true, .miss = true, .services = 1 },
		{ "ipip.hit", false, LB_IPIP, .services = 100 },
		{ "ipip.hit", false, LB_IPIP, .services = 4000 },
	};
	const struct bench_case fresh[] = {
		{ "ipip.new", false, LB_IPIP, .syn = true, .services = 1, .peer = true },
		{ "gue.new", false, LB_GUE, .syn = true, .services = 1 },
		{ "miss", false, .miss = true, .services = 1 },
		{ "ipip.new", true, LB_IPIP, .syn = true, .services = 1 },
		{ "ipip.new.changed", false, LB_IPIP, .syn = true, .keep = true, .services = 1 },
		{ "ipip.new.tracked", false, LB_IPIP, LB_TRACK_ALWAYS, .syn = true, .services = 1 },
	};
	unsigned int i, k;

	bench_init();
	run_undo(0);
	run_undo(20);
	for (i = 0; i < sizeof(hit) / sizeof(hit[0]); i++)
		for (k = 0; k < sizeof(flows) / sizeof(flows[0]); k++)
			run(&hit[i], flows[k]);
	for (i = 0; i < sizeof(one) / sizeof(one[0]); i++)
		run(&one[i], 1);
	for (i = 0; i < sizeof(fresh) / sizeof(fresh[0]); i++)
		run(&fresh[i], 0);
	return 0;
}
