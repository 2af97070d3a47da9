// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * conn.bench.c - what a packet costs when its flow is looked up, and when it begins one
 *
 * UDP, root and parser included. The floor has the same flows drawn, in front of an empty program.
 * 'conn.hit.*' draw one of so many established flows for each packet. IPv4's have a peer: as many
 * keys of the same length in a kernel hash, one lookup without gate, root and parser.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include <kernel/object.h>

#include "../lib/bench.h"
#include "../lib/pkt.h"
#include "../lib/rig.h"

#define FLOWS_USUAL	1000000		/* that the table is made for */
#define FLOWS_MANY	10000000
#define BYTES_MANY	4000000000ULL	/* that these take, peer and all */

struct feeder {
	uint32_t at, n, random;
};

static int empty_fd(void)
{
	static struct object_loaded loaded;
	struct err err = { 0 };

	if (object_load(rig_built("tests/bench/empty.xdp.o"), "empty", NULL, 0, NULL, 0, NULL,
			&loaded, &err) < 0)
		bench_die("empty", err.text);
	return loaded.prog_fd;
}

/* The feeder in front of a program */
static int feed(const struct feeder *feeder, int to_fd, struct object_loaded *ret_loaded)
{
	struct object_value value[] = {
		{ "flow_at", &feeder->at, 4 }, { "flow_n", &feeder->n, 4 },
		{ "flow_random", &feeder->random, 4 },
	};
	struct err err = { 0 };
	uint32_t zero = 0;

	if (object_load(rig_built("tests/bench/flow.xdp.o"), "flow", value, 3, NULL, 0, NULL,
			ret_loaded, &err) < 0)
		bench_die("flow", err.text);
	if (bpf_map_update_elem(object_loaded_map(ret_loaded, "flow_to"), &zero, &to_fd, 0) < 0)
		bench_die("flow", strerror(errno));
	return ret_loaded->prog_fd;
}

static void build(struct pkt *p, bool six, bool reply)
{
	if (six)
		pkt_build(p, reply ? UDP6("fd00::2", "fd00::b00:0", 53, 1000, FILL(4)) :
				     UDP6("fd00::b00:0", "fd00::2", 1000, 53, FILL(4)));
	else
		pkt_build(p, reply ? UDP4("10.0.0.2", "11.0.0.0", 53, 1000, FILL(22)) :
				     UDP4("11.0.0.0", "10.0.0.2", 1000, 53, FILL(22)));
}

static void peer_load(uint32_t adds, const struct object_map *map, struct object_loaded *ret_loaded)
{
	struct object_value value = { "peer_adds", &adds, 4 };
	struct err err = { 0 };

	if (object_load(rig_built("tests/bench/conn_peer.xdp.o"), "peer", &value, 1, map, 1, NULL,
			ret_loaded, &err) < 0)
		bench_die("peer", err.text);
}

/* The program that looks up one of so many keys in a kernel hash */
static void peer_new(uint32_t n, struct object_loaded *ret_loaded)
{
	struct feeder feeder = { .at = 26, .n = n };
	struct object_map map = { .name = "conn_peer", .fd = -1, .entries = n };
	struct object_loaded adder, feeding;
	struct pkt p;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .repeat = n < 2 ? 2 : n, .data_in = p.data);

	peer_load(1, &map, &adder);
	build(&p, false, false);
	opts.data_size_in = p.len;
	if (bpf_prog_test_run_opts(feed(&feeder, adder.prog_fd, &feeding), &opts) < 0)
		bench_die("peer", strerror(errno));
	map.fd = object_loaded_map(&adder, "conn_peer");
	peer_load(0, &map, ret_loaded);
	object_loaded_fini(&adder);
	object_loaded_fini(&feeding);
}

/* So many flows, a packet either way */
static void establish(struct rig *rig, bool six, uint32_t n)
{
	struct object_loaded loaded;
	struct pkt p;

	for (int reply = 0; reply < 2; reply++) {
		struct feeder feeder = { .at = six ? (reply ? 50 : 34) : (reply ? 30 : 26), .n = n };
		LIBBPF_OPTS(bpf_test_run_opts, opts, .repeat = n < 2 ? 2 : n, .data_in = p.data);

		build(&p, six, reply);
		opts.data_size_in = p.len;
		if (bpf_prog_test_run_opts(feed(&feeder, rig->root_fd, &loaded), &opts) < 0)
			bench_die("establish", strerror(errno));
		object_loaded_fini(&loaded);
	}
}

static void measure(const char *name, struct rig *rig, bool six, uint32_t n)
{
	struct feeder feeder = { .at = six ? 34 : 26, .n = n, .random = 1 };
	unsigned int sides = n && !six ? 3 : 2, i;
	struct object_loaded loaded[3], peer;
	struct bench_times times[3];
	struct bench_side side[3];
	int to_fd[3] = { empty_fd(), rig->root_fd };
	struct pkt p;

	if (sides == 3) {
		peer_new(n, &peer);
		to_fd[2] = peer.prog_fd;
	}
	build(&p, six, false);
	for (i = 0; i < sides; i++)
		side[i] = (struct bench_side){ feed(&feeder, to_fd[i], &loaded[i]), p.data, p.len };
	bench_run(side, sides, times);
	for (i = 0; i < sides; i++) {
		bench_sort(&times[i]);
		object_loaded_fini(&loaded[i]);
	}
	if (sides == 3)
		object_loaded_fini(&peer);
	bench_print(&(struct bench_line){
		.name = name, .n = n, .ns = bench_median(&times[1]), .min_ns = bench_min(&times[1]),
		.floor_ns = bench_median(&times[0]),
		.peer_ns = sides == 3 ? bench_median(&times[2]) : 0,
	});
}

static void conn(const char *kind, bool six, uint32_t n)
{
	char name[64], yaml[512];
	uint32_t flows = n > FLOWS_USUAL ? n : FLOWS_USUAL;
	struct rig *rig;
	uint64_t edge;

	if (n)
		snprintf(name, sizeof(name), "conn.%s.%s.%u", kind, six ? "6" : "4", n);
	else
		snprintf(name, sizeof(name), "conn.%s.%s", kind, six ? "6" : "4");
	if (!bench_wanted(name))
		return;
	if (n == FLOWS_MANY &&
	    (uint64_t)sysconf(_SC_AVPHYS_PAGES) * sysconf(_SC_PAGESIZE) < BYTES_MANY) {
		fprintf(stderr, "%s: left out, too little memory is free\n", name);
		return;
	}
	snprintf(yaml, sizeof(yaml), "conntrack: { flows: %u, flows6: %u }\nnodes:\n"
		 "  ct: { module: conntrack }\n  keep: { module: commit }\ngraphs:\n  g:\n"
		 "    entry: ct\n    edges:\n"
		 "      ct: { next: keep, established: pass, related: pass }\n"
		 "      keep: { next: pass }\n", six ? 1 : flows, six ? flows : 1);
	rig = rig_new(yaml, SHUNT_HOOK_XDP);
	if (n)
		establish(rig, six, n);
	edge = rig_edge(rig, "ct.next");
	measure(name, rig, six, n);
	if (n && rig_edge(rig, "ct.next") != edge)
		bench_die(name, "some packets were of no established flow");
	rig_free(rig);
}

int main(void)
{
	static const uint32_t flows[] = { 1, 65536, FLOWS_USUAL, FLOWS_MANY };

	bench_init();
	for (int six = 0; six < 2; six++) {
		for (int i = 0; i < 4; i++)
			conn("hit", six, flows[i]);
		conn("new", six, 0);
	}
	return 0;
}
