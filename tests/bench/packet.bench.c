// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * packet.bench.c - what a packet costs: hops, root and parser, gate, modules
 *
 * 'hop.*' is the cost of one hop: (a chain of n nodes - the root alone) / n. All others are the
 * whole of what a packet meets, floor included. Names of the TC hook begin with 'tc.'.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include <base/buf.h>
#include <base/file.h>
#include <kernel/object.h>

#include "../lib/bench.h"
#include "../lib/pkt.h"
#include "../lib/rig.h"

struct hook {
	uint32_t hook;
	const char *suffix;	/* of object files */
	const char *prefix;	/* of names */
	bool few;		/* the main cases alone: what differs is the hook, not the code */
	int floor_fd;
	struct rig *rig;	/* any graph: its tables are the root's too */
};

static struct hook hooks[] = {
	{ .hook = SHUNT_HOOK_XDP, .suffix = "xdp", .prefix = "" },
	{ .hook = SHUNT_HOOK_TC_INGRESS, .suffix = "tc", .prefix = "tc.", .few = true },
};

static const char *name_of(const struct hook *hook, const char *name)
{
	static char text[96];

	snprintf(text, sizeof(text), "%s%s", hook->prefix, name);
	return text;
}

/* ---- programs without a graph ---- */
static int load(const struct hook *hook, const char *object, const struct object_value *value,
		unsigned int n_values, const struct object_map *map, unsigned int n_maps,
		struct object_loaded *ret_loaded)
{
	struct err err = { 0 };
	char path[128];

	snprintf(path, sizeof(path), "%s.%s.o", object, hook->suffix);
	if (object_load(rig_built(path), object, value, n_values, map, n_maps, NULL, ret_loaded,
			&err) < 0)
		bench_die(object, err.text);
	return ret_loaded->prog_fd;
}

/* The root, in front of nothing: what it parsed passes */
static int root_load(const struct hook *hook, uint32_t depth)
{
	struct shunt_edge edges[SHUNT_EDGES_MAX] = { { .target = SHUNT_TARGET_PASS, .counter = 1 } };
	struct shunt_node_conf conf = { .generation = 1, .miss_counter = 2, .reason_counter = 3 };
	struct object_value value[] = {
		{ "shunt_node_conf", &conf, sizeof(conf) },
		{ "shunt_edge", edges, sizeof(edges) },
		{ "depth", &depth, sizeof(depth) },
	};
	struct object_map map[] = {
		{ .name = "shunt_cpu", .fd = hook->rig->shared.counters.fd },
		{ .name = "shunt_ports",
		  .fd = hook->rig->shared.ports_fd[gates_kind(hook->hook)] },
	};
	struct object_loaded loaded;

	return load(hook, "bpf/root", value, 3, map, 2, &loaded);
}

/* The gate, in front of an empty program */
static int gate_load(const struct hook *hook)
{
	static struct object_loaded loaded;	/* its entry array is to live */
	uint32_t slot = 0;
	struct object_value value = { "shunt_gate_slot", &slot, sizeof(slot) };
	int fd = load(hook, "bpf/gate", &value, 1, NULL, 0, &loaded);

	if (bpf_map_update_elem(object_loaded_map(&loaded, "shunt_entry"), &slot, &hook->floor_fd,
				BPF_ANY) < 0)
		bench_die("gate", "cannot set its entry");
	return fd;
}

static void hook_init(struct hook *hook)
{
	struct object_loaded loaded;

	hook->floor_fd = load(hook, "tests/bench/empty", NULL, 0, NULL, 0, &loaded);
	hook->rig = rig_new("nodes:\n  a: { module: count }\ngraphs:\n  g: [a]\n", hook->hook);
}

/* ---- cases ---- */
/* A program against the floor */
static void measure(const struct hook *hook, const char *name, unsigned int n, int prog_fd,
		    const struct pkt *pkt)
{
	const struct bench_side side[] = {
		{ hook->floor_fd, pkt->data, pkt->len },
		{ prog_fd, pkt->data, pkt->len },
	};
	struct bench_times times[2];

	bench_run(side, 2, times);
	bench_sort(&times[0]);
	bench_sort(&times[1]);
	bench_print(&(struct bench_line){
		.name = name, .n = n, .ns = bench_median(&times[1]), .min_ns = bench_min(&times[1]),
		.floor_ns = bench_median(&times[0]),
	});
}

static struct rig *chain_new(const struct hook *hook, const char *module, unsigned int n)
{
	struct buf yaml = { 0 };
	struct rig *rig;
	unsigned int i;
	char *text;

	buf_printf(&yaml, "nodes:\n");
	for (i = 0; i < n; i++)
		buf_printf(&yaml, "  n%u: { module: \"%s\" }\n", i, module);
	buf_printf(&yaml, "graphs:\n  g: [");
	for (i = 0; i < n; i++)
		buf_printf(&yaml, "%sn%u", i ? ", " : "", i);
	buf_printf(&yaml, "]\n");
	text = buf_take(&yaml);
	rig = rig_new(text, hook->hook);
	free(text);
	return rig;
}

static void hops(const struct hook *hook, const char *label, const char *module, unsigned int n,
		 int root_fd, const struct pkt *pkt)
{
	struct bench_side side[] = {
		{ hook->floor_fd, pkt->data, pkt->len },
		{ root_fd, pkt->data, pkt->len },
		{ -1, pkt->data, pkt->len },
	};
	struct bench_times times[3], hop;
	char name[96];
	struct rig *rig;
	unsigned int i;

	snprintf(name, sizeof(name), "%s%s.%u", hook->prefix, label, n);
	if (!bench_wanted(name))
		return;
	rig = chain_new(hook, module, n);
	side[2].prog_fd = rig->root_fd;
	bench_run(side, 3, times);
	hop = times[2];
	for (i = 0; i < hop.n; i++)
		hop.ns[i] = (hop.ns[i] - times[1].ns[i]) / n;
	bench_sort(&hop);
	for (i = 0; i < 3; i++)
		bench_sort(&times[i]);
	bench_print(&(struct bench_line){
		.name = name, .n = n, .ns = bench_median(&hop),
		.min_ns = (bench_min(&times[2]) - bench_min(&times[1])) / n,
		.floor_ns = bench_median(&times[0]),
	});
	rig_free(rig);
}

static void all_hops(const struct hook *hook)
{
	static const unsigned int nodes[] = { 1, 2, 4, 8, 16 };
	int root_fd = root_load(hook, SHUNT_DEPTH_L2);
	struct pkt pkt;
	unsigned int i;

	pkt_build(&pkt, TCP4("10.0.0.1", "10.0.0.2", 1000, 80, PKT_ACK));
	for (i = 0; i < 5; i++)
		hops(hook, "hop", rig_built("tests/bench/nop"), nodes[i], root_fd, &pkt);
	for (i = 0; i < 5 && !hook->few; i++)
		hops(hook, "hop.count", "count", nodes[i], root_fd, &pkt);
	fd_close(root_fd);
}

static void all_roots(const struct hook *hook)
{
	const struct {
		const char *name;
		uint32_t depth;
		const struct pkt_hdr *in;
	} cases[] = {
		{ "root.parse.l2", SHUNT_DEPTH_L2, TCP4("10.0.0.1", "10.0.0.2", 1000, 80, PKT_ACK) },
		{ "root.parse.l3", SHUNT_DEPTH_L3, TCP4("10.0.0.1", "10.0.0.2", 1000, 80, PKT_ACK) },
		{ "root.parse.tcp4", SHUNT_DEPTH_L4, TCP4("10.0.0.1", "10.0.0.2", 1000, 80, PKT_ACK) },
		{ "root.parse.udp4", SHUNT_DEPTH_L4, UDP4("10.0.0.1", "10.0.0.2", 1000, 53, FILL(16)) },
		{ "root.parse.tcp6", SHUNT_DEPTH_L4, TCP6("fd00::1", "fd00::2", 1000, 80, PKT_ACK) },
		{ "root.parse.vlan2.tcp4", SHUNT_DEPTH_L4,
		  PKT(ETH(), VLAN(.tpid = 0x88a8, .id = 7), VLAN(.id = 9), IP4(),
		      TCP(.dport = 80, .flags = PKT_ACK)) },
		{ "root.parse.ext6", SHUNT_DEPTH_L4,
		  PKT(ETH(), IP6(), HBH(), DSTOPT(), TCP(.dport = 80, .flags = PKT_ACK)) },
	};
	struct pkt pkt;
	unsigned int i;
	int fd;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (!bench_wanted(name_of(hook, cases[i].name)))
			continue;
		pkt_build(&pkt, cases[i].in);
		fd = root_load(hook, cases[i].depth);
		measure(hook, name_of(hook, cases[i].name), 1, fd, &pkt);
		fd_close(fd);
	}
	if (bench_wanted(name_of(hook, "gate"))) {
		pkt_build(&pkt, cases[0].in);
		fd = gate_load(hook);
		measure(hook, name_of(hook, "gate"), 1, fd, &pkt);
		fd_close(fd);
	}
}

/* ---- filter ---- */
enum where { FIRST, LAST, MISS };

/* Rule i is about network i and port 1024 + i; by ports: about the port alone */
#define PORT(i)	(1024 + (i) % 60000)

static char *filter_yaml(bool ip6, bool by_port, unsigned int n)
{
	struct buf yaml = { 0 };
	unsigned int i;

	buf_printf(&yaml, "nodes:\n  f:\n    module: filter\n    rules:%s\n", n ? "" : " []");
	for (i = 0; i < n; i++) {
		if (by_port)
			buf_printf(&yaml, "      - \"tcp dport %u accept\"\n", PORT(i));
		else if (ip6)
			buf_printf(&yaml, "      - \"ip6 saddr fd00:0:%x:%x::/64 tcp dport %u accept\"\n",
				   (i + 1) >> 16, (i + 1) & 0xffff, PORT(i));
		else
			buf_printf(&yaml, "      - \"ip saddr %u.%u.%u.0/24 tcp dport %u accept\"\n",
				   10 + i / 65536, i / 256 % 256, i % 256, PORT(i));
	}
	buf_printf(&yaml, "graphs:\n  g: [f]\n");
	return buf_take(&yaml);
}

static void filter_packet(bool ip6, unsigned int n, enum where where, struct pkt *ret_pkt)
{
	unsigned int i = where == FIRST ? 0 : where == LAST ? n - 1 : 0xffff - 1024;
	char src[64];

	if (ip6)
		snprintf(src, sizeof(src), "fd00:0:%x:%x::1",
			 where == MISS ? 0xffff : (i + 1) >> 16, (i + 1) & 0xffff);
	else if (where == MISS)
		snprintf(src, sizeof(src), "192.0.2.1");
	else
		snprintf(src, sizeof(src), "%u.%u.%u.1", 10 + i / 65536, i / 256 % 256, i % 256);
	if (ip6)
		pkt_build(ret_pkt, TCP6(src, "fd00::2", 1000, PORT(i), PKT_ACK));
	else
		pkt_build(ret_pkt, TCP4(src, "172.16.0.2", 1000, PORT(i), PKT_ACK));
}

static void filters(const struct hook *hook, const char *label, bool ip6, bool by_port,
		    unsigned int n)
{
	static const char *const wheres[] = { "first", "last", "miss" };
	struct rig *rig = NULL;
	enum where where;
	char name[96], *yaml;
	struct pkt pkt;

	for (where = n ? FIRST : MISS; where <= MISS; where++) {
		snprintf(name, sizeof(name), "%s%s.%u.%s", hook->prefix, label, n, wheres[where]);
		if (!bench_wanted(name))
			continue;
		if (!rig) {
			yaml = filter_yaml(ip6, by_port, n);
			rig = rig_new(yaml, hook->hook);
			free(yaml);
		}
		filter_packet(ip6, n, where, &pkt);
		measure(hook, name, n, rig->root_fd, &pkt);
	}
	rig_free(rig);
}

static void all_filters(const struct hook *hook)
{
	static const unsigned int rules[] = { 0, 10, 100, 1000, 10000, 100000 };
	unsigned int i;

	for (i = 0; i < 6; i++)
		filters(hook, "filter.4.rules", false, false, rules[i]);
	if (hook->few)
		return;
	for (i = 0; i < 6; i++)
		filters(hook, "filter.6.rules", true, false, rules[i]);
	for (i = 1; i < 5; i++)
		filters(hook, "filter.4.ports", false, true, rules[i]);
}

/* One rule and what it does besides matching */
static void all_statements(const struct hook *hook)
{
	static const struct {
		const char *name, *rule;
	} cases[] = {
		{ "filter.limit.rule", "limit rate over 100000000/second drop" },
		{ "filter.limit.source", "limit rate over 100000000/second per saddr drop" },
		{ "filter.quota", "quota over 1000000 gbytes drop" },
		{ "filter.mark", "meta mark set 1 accept" },
		{ "filter.counter", "counter name seen accept" },
		{ "filter.length", "ip length 40-1500 accept" },
	};
	char name[96], *yaml;
	struct buf text = { 0 };
	struct rig *rig;
	struct pkt pkt;
	unsigned int i;

	filter_packet(false, 1, FIRST, &pkt);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(name, sizeof(name), "%s%s", hook->prefix, cases[i].name);
		if (!bench_wanted(name))
			continue;
		buf_printf(&text, "nodes:\n  f:\n    module: filter\n    rules: [ \"%s\" ]\n"
			   "graphs:\n  g: [f]\n", cases[i].rule);
		yaml = buf_take(&text);
		rig = rig_new(yaml, hook->hook);
		measure(hook, name, 1, rig->root_fd, &pkt);
		rig_free(rig);
		free(yaml);
	}
}

/* ---- the others ---- */
static void all_modules(const struct hook *hook)
{
	static const struct {
		const char *name, *yaml;
	} cases[] = {
		{ "count", "nodes:\n  a: { module: count }\ngraphs:\n  g: [a]\n" },
		{ "limit", "nodes:\n  a: { module: limit, config: { rate_pps: 1000000000 } }\n"
			   "graphs:\n  g: [a]\n" },
	};
	struct pkt pkt;
	struct rig *rig;
	unsigned int i;

	pkt_build(&pkt, TCP4("10.0.0.1", "10.0.0.2", 1000, 80, PKT_ACK));
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (!bench_wanted(name_of(hook, cases[i].name)))
			continue;
		rig = rig_new(cases[i].yaml, hook->hook);
		measure(hook, name_of(hook, cases[i].name), 1, rig->root_fd, &pkt);
		rig_free(rig);
	}
}

int main(void)
{
	unsigned int i;

	bench_init();
	for (i = 0; i < 2; i++) {
		hook_init(&hooks[i]);
		all_hops(&hooks[i]);
		all_roots(&hooks[i]);
		all_statements(&hooks[i]);
		all_filters(&hooks[i]);
		all_modules(&hooks[i]);
		rig_free(hooks[i].rig);
	}
	return 0;
}
