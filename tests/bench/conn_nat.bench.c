// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * conn_nat.bench.c - what a packet of a translated flow costs, either way, beside one that is not
 *
 * UDP, root, parser and conntrack included. The frame is written anew each time, or it would be
 * translated already; the floor has that too, in front of an empty program. The peer is the same graph
 * with a flow that no rule translates.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <bpf/bpf.h>

#include <kernel/object.h>

#include "../../dataplane/lib/nat.h"
#include "../lib/bench.h"
#include "../lib/pkt.h"
#include "../lib/rig.h"
#include "feed.h"

#define INSIDE4		"10.0.0.1"
#define OUTSIDE4	"203.0.113.1"
#define SERVER4		"198.51.100.7"
#define INSIDE6		"fd00::1"
#define OUTSIDE6	"2001:db8:f::1"
#define SERVER6		"2001:db8:ff::7"

enum way { OUT, BACK };

static const char *built(const char *name, uint32_t hook)
{
	char path[64];

	snprintf(path, sizeof(path), "tests/bench/%s.%s.o", name,
		 hook == SHUNT_HOOK_XDP ? "xdp" : "tc");
	return rig_built(path);
}

/* A program that writes the frame, in front of another */
static int feed(const struct pkt *p, uint32_t hook, int to_fd, struct object_loaded *ret_loaded)
{
	struct feed_frame frame;
	struct err err = { 0 };
	uint32_t zero = 0;

	if (p->len != sizeof(frame))
		bench_die("feed", "frame of another size");
	memcpy(&frame, p->data, sizeof(frame));
	if (object_load(built("feed", hook), "feed", NULL, 0, NULL, 0, NULL, ret_loaded, &err) < 0)
		bench_die("feed", err.text);
	if (bpf_map_update_elem(object_loaded_map(ret_loaded, "feed_frames"), &zero, &frame, 0) ||
	    bpf_map_update_elem(object_loaded_map(ret_loaded, "feed_to"), &zero, &to_fd, 0))
		bench_die("feed", strerror(errno));
	return ret_loaded->prog_fd;
}

static int empty_fd(uint32_t hook)
{
	static struct object_loaded loaded[SHUNT_HOOK_TC_EGRESS + 1];
	struct err err = { 0 };

	if (!loaded[hook].prog_fd && object_load(built("empty", hook), "empty", NULL, 0, NULL, 0,
						 NULL, &loaded[hook], &err) < 0)
		bench_die("empty", err.text);
	return loaded[hook].prog_fd;
}

/* @nat: the flow is one that is translated */
static void build(struct pkt *p, bool six, enum way way, bool nat)
{
	const char *inside = six ? INSIDE6 : INSIDE4, *server = six ? SERVER6 : SERVER4;
	const char *outside = !nat ? inside : six ? OUTSIDE6 : OUTSIDE4;
	const char *from = way == OUT ? inside : server, *to = way == OUT ? server : outside;
	uint16_t client = nat ? 1000 : 1001;
	uint16_t sport = way == OUT ? client : 53, dport = way == OUT ? 53 : client;

	if (six)
		pkt_build(p, PKT(ETH(), IP6(.src = from, .dst = to, .tc = nat),
				 UDP(.sport = sport, .dport = dport), FILL(18)));
	else
		pkt_build(p, PKT(ETH(), IP4(.src = from, .dst = to, .tos = nat),
				 UDP(.sport = sport, .dport = dport), FILL(38)));
}

static void put_rule(const struct rig *rig, bool six)
{
	struct nat_rule rule = { .kind = NAT_RANGE, .l3 = six ? 6 : 4 };
	uint32_t zero = 0;

	if (six) {
		inet_pton(AF_INET6, OUTSIDE6, &rule.first);
	} else {
		rule.first.v4_prefix[2] = htonl(0xffff);
		inet_pton(AF_INET, OUTSIDE4, &rule.first.v4);
	}
	rule.last = rule.first;
	if (bpf_map_update_elem(rig->shared.nat_rules_fd, &zero, &rule, BPF_ANY) < 0)
		bench_die("rule", strerror(errno));
}

static struct rig *world(uint32_t hook, bool six)
{
	struct rig *rig;
	char yaml[512];

	snprintf(yaml, sizeof(yaml), "conntrack: { flows: 1000, flows6: 1000 }\n"
		 "nodes:\n  ct: { module: conntrack }\n  tag: { module: \"%s\" }\n"
		 "  n: { module: nat }\ngraphs:\n  g:\n    entry: ct\n    edges:\n"
		 "      ct: { next: tag, established: n, related: n }\n"
		 "      tag: { next: n }\n      n: { next: pass }\n", rig_built("tests/lib/nattag"));
	rig = rig_new(yaml, hook);
	put_rule(rig, six);
	return rig;
}

static void step(struct rig *rig, bool six, enum way way, bool nat)
{
	static struct rig_outcome out;
	struct pkt p;

	build(&p, six, way, nat);
	if (rig_run(rig, p.data, p.len, &out) < 0 || out.fault[0] || strcmp(out.left, "n.next"))
		bench_die("nat", out.fault[0] ? out.fault : "a packet did not come out");
	if (nat != !!memcmp(p.data, out.data, p.len))
		bench_die("nat", nat ? "a packet was not translated" : "a packet was");
}

static void nat(uint32_t hook, bool six, enum way way)
{
	struct object_loaded loaded[3];
	struct bench_times times[3];
	struct bench_side side[3];
	struct pkt p[2];
	struct rig *rig;
	uint64_t edge;
	char name[64];
	int i;

	snprintf(name, sizeof(name), "%sconn.nat.%s.%s", hook == SHUNT_HOOK_XDP ? "" : "tc.",
		 six ? "6" : "4", way == OUT ? "out" : "back");
	if (!bench_wanted(name))
		return;
	rig = world(hook, six);
	for (i = 0; i < 2; i++) {
		step(rig, six, OUT, i);
		step(rig, six, BACK, i);
		step(rig, six, OUT, i);	/* assured */
		build(&p[i], six, way, i);
	}
	edge = rig_edge(rig, "ct.next");
	for (i = 0; i < 3; i++)
		side[i] = (struct bench_side){
			feed(&p[i != 2], hook, i ? rig->root_fd : empty_fd(hook), &loaded[i]),
			p[i != 2].data, p[i != 2].len,
		};
	bench_run(side, 3, times);
	if (rig_edge(rig, "ct.next") != edge)
		bench_die(name, "some packets were of no established flow");
	for (i = 0; i < 3; i++) {
		bench_sort(&times[i]);
		object_loaded_fini(&loaded[i]);
	}
	bench_print(&(struct bench_line){
		.name = name, .n = 1, .ns = bench_median(&times[1]), .min_ns = bench_min(&times[1]),
		.floor_ns = bench_median(&times[0]), .peer_ns = bench_median(&times[2]),
	});
	rig_free(rig);
}

int main(void)
{
	static const uint32_t hooks[] = { SHUNT_HOOK_XDP, SHUNT_HOOK_TC_INGRESS };

	bench_init();
	for (int hook = 0; hook < 2; hook++)
		for (int six = 0; six < 2; six++)
			for (int way = OUT; way <= BACK; way++)
				nat(hooks[hook], six, way);
	return 0;
}
