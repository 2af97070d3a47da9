// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * conn_sweep.bench.c - what flows that expire cost, and the room that a million takes
 *
 * 'conn.sweep.slot' and '.gone' are the clock's time for one slot of a table whose flows all live, and
 * for one flow that is over. 'conn.sweep.packet' is what an established packet costs while
 * another CPU sweeps without a pause (the daemon does so 1 ms of 125); its peer is the
 * same packet while nobody does. 'conn.memory.*' are bytes.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include <kernel/flows.h>
#include <kernel/object.h>

#include "../lib/bench.h"
#include "../lib/pkt.h"
#include "../lib/rig.h"

#define FLOWS		1000000
#define LIFE_S		20		/* of a flow without an answer: longer than it takes to begin all */
#define PIECE		32768		/* slots of a call, as the daemon's */

struct sweeper {
	struct flows *flows;
	cpu_set_t cpus;
	atomic_bool stop;
};

static struct rig *world(void)
{
	char yaml[512];

	snprintf(yaml, sizeof(yaml), "conntrack: { flows: %u, flows6: %u, timeouts: { udp-unreplied: "
		 "%us } }\nnodes:\n  ct: { module: conntrack }\n  keep: { module: commit }\n"
		 "graphs:\n  g:\n    entry: ct\n    edges:\n"
		 "      ct: { next: keep, established: pass, related: pass }\n"
		 "      keep: { next: pass }\n", FLOWS, FLOWS, LIFE_S);
	return rig_new(yaml, SHUNT_HOOK_XDP);
}

/* One of so many flows for each packet, in front of a program */
static int feed(int to_fd, uint32_t at, uint32_t random, struct object_loaded *ret_loaded)
{
	uint32_t n = FLOWS, zero = 0;
	struct object_value value[] = {
		{ "flow_at", &at, 4 }, { "flow_n", &n, 4 }, { "flow_random", &random, 4 },
	};
	struct err err = { 0 };

	if (object_load(rig_built("tests/bench/flow.xdp.o"), "flow", value, 3, NULL, 0, NULL,
			ret_loaded, &err) < 0)
		bench_die("flow", err.text);
	if (bpf_map_update_elem(object_loaded_map(ret_loaded, "flow_to"), &zero, &to_fd, 0) < 0)
		bench_die("flow", strerror(errno));
	return ret_loaded->prog_fd;
}

static void build(struct pkt *p, bool reply)
{
	pkt_build(p, reply ? UDP4("10.0.0.2", "11.0.0.0", 53, 1000, FILL(22)) :
			     UDP4("11.0.0.0", "10.0.0.2", 1000, 53, FILL(22)));
}

/* A packet of each flow */
static void send_all(const struct rig *rig, bool reply)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .repeat = FLOWS);
	struct object_loaded loaded;
	struct pkt p;

	build(&p, reply);
	opts.data_in = p.data;
	opts.data_size_in = p.len;
	if (bpf_prog_test_run_opts(feed(rig->root_fd, reply ? 30 : 26, 0, &loaded), &opts) < 0)
		bench_die("send", strerror(errno));
	object_loaded_fini(&loaded);
}

/* All slots once. Return: how many flows went; *ret_ns: what it took */
static unsigned int sweep_all(struct flows *flows, uint64_t *ret_ns)
{
	uint64_t slots = flows_slots(flows), done, start = bench_wall_ns();
	unsigned int went = 0;

	for (done = 0; done < slots; done += PIECE)
		went += flows_sweep(flows, slots - done < PIECE ? slots - done : PIECE);
	*ret_ns = bench_wall_ns() - start;
	return went;
}

static void gone(void)
{
	struct rig *rig = world();
	uint64_t ns, slots = flows_slots(rig->shared.flows), taken, bytes;
	unsigned int six;

	send_all(rig, false);
	for (six = 0; six < FLOWS_FAMILIES; six++) {
		flows_size(rig->shared.flows, six, &taken, &slots, &bytes);
		printf("{\"name\":\"conn.memory.%s\",\"n\":%u,\"bytes\":%llu}\n", six ? "6" : "4",
		       FLOWS, (unsigned long long)bytes);
	}
	if (bench_wanted("conn.sweep.slot")) {
		sweep_all(rig->shared.flows, &ns);	/* pages that are touched first */
		if (sweep_all(rig->shared.flows, &ns))
			bench_die("conn.sweep.slot", "flows went that were to live");
		bench_print(&(struct bench_line){ .name = "conn.sweep.slot", .n = FLOWS,
			    .ns = (double)ns / flows_slots(rig->shared.flows) });
	}
	if (bench_wanted("conn.sweep.gone")) {
		sleep(LIFE_S + 1);
		if (sweep_all(rig->shared.flows, &ns) < FLOWS / 100 * 99)
			bench_die("conn.sweep.gone", "flows lived that were over");
		bench_print(&(struct bench_line){ .name = "conn.sweep.gone", .n = FLOWS,
			    .ns = (double)ns / FLOWS });
	}
	rig_free(rig);
}

static void *sweep_on(void *arg)
{
	struct sweeper *sweeper = arg;

	if (sched_setaffinity(0, sizeof(sweeper->cpus), &sweeper->cpus) < 0)
		bench_die("bind the sweeper", strerror(errno));
	while (!sweeper->stop)
		flows_sweep(sweeper->flows, PIECE);
	return NULL;
}

/* @all: CPUs before the process was bound to one */
static void packet(const cpu_set_t *all)
{
	struct rig *rig = world();
	struct sweeper sweeper = { .flows = rig->shared.flows, .cpus = *all };
	struct object_loaded loaded;
	struct bench_times times[2];
	struct bench_side side;
	pthread_t thread;
	struct pkt p;

	send_all(rig, false);
	send_all(rig, true);
	build(&p, false);
	side = (struct bench_side){ feed(rig->root_fd, 26, 1, &loaded), p.data, p.len };
	CPU_CLR(sched_getcpu(), &sweeper.cpus);
	bench_run(&side, 1, &times[0]);
	if (pthread_create(&thread, NULL, sweep_on, &sweeper))
		bench_die("sweeper", "no thread");
	bench_run(&side, 1, &times[1]);
	sweeper.stop = true;
	pthread_join(thread, NULL);
	bench_sort(&times[0]);
	bench_sort(&times[1]);
	bench_print(&(struct bench_line){
		.name = "conn.sweep.packet", .n = FLOWS, .ns = bench_median(&times[1]),
		.min_ns = bench_min(&times[1]), .peer_ns = bench_median(&times[0]),
	});
	object_loaded_fini(&loaded);
	rig_free(rig);
}

int main(void)
{
	cpu_set_t all;

	if (sched_getaffinity(0, sizeof(all), &all) < 0)
		bench_die("CPUs", strerror(errno));
	bench_init();
	if (bench_wanted("conn.sweep.slot") || bench_wanted("conn.sweep.gone") ||
	    bench_wanted("conn.memory.4"))
		gone();
	if (bench_wanted("conn.sweep.packet") && CPU_COUNT(&all) > 1)
		packet(&all);
	return 0;
}
