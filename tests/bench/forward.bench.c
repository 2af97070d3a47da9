// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * forward.bench.c - what a forwarded packet costs on native veth, all of it
 *
 *	in0 ==== in1 -- program under test -- out0 ==== out1
 *
 * Frames leave in0 as a driver would send them, in batches of 64, are received by in1, redirected
 * to out0 and counted at out1; everything on one CPU. 'ns' is wall time for each packet
 * that arrived, sending and receiving included: the floor, a bare XDP_REDIRECT, has both too. The
 * peer is the kernel's bridge between the same interfaces.
 */
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <linux/if_link.h>

#include <base/file.h>
#include <kernel/object.h>

#include "../lib/bench.h"
#include "../lib/pkt.h"
#include "../lib/rig.h"

#define BATCH		64
#define PACKETS		(BATCH * 512)	/* of a pass */
#define WARM		(BATCH * 16)

enum { SEND, FORWARD, SINK };			/* wire.bpf.c */
enum { SHUNT, BARE, BRIDGE, SIDES };

struct wire {
	struct rig *rig;			/* the graph under test */
	struct object_loaded gate, end[3];	/* by role */
	int link_fd;				/* at in1; -1: none */
	int sink_fd;				/* link at out1; -1: none */
	uint32_t in0, in1, out0, out1;
	struct pkt pkt;
};

static void run(const char *command)
{
	if (system(command) != 0)
		bench_die("command failed", command);
}

static void wire_interfaces(struct wire *wire)
{
	if (unshare(CLONE_NEWNET) < 0)
		bench_die("network namespace", strerror(errno));
	run("echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6");
	run("ip link add in0 address 02:00:00:00:00:01 type veth peer name in1");
	run("ip link add out0 type veth peer name out1 address 02:00:00:00:00:02");
	run("for d in in0 in1 out0 out1; do ip link set $d up; done");
	wire->in0 = if_nametoindex("in0");
	wire->in1 = if_nametoindex("in1");
	wire->out0 = if_nametoindex("out0");
	wire->out1 = if_nametoindex("out1");
}

static void load(const char *object, const struct object_value *value, const struct object_map *map,
		 unsigned int n_maps, struct object_loaded *ret_loaded)
{
	struct err err = { 0 };

	if (object_load(rig_built(object), object, value, 1, map, n_maps, NULL, ret_loaded,
			&err) < 0)
		bench_die(object, err.text);
}

/* Filter of 10 rules, the last of which matches; what it accepts goes to port 0 */
static struct rig *graph_new(void)
{
	char yaml[2048] = "nodes:\n  guard:\n    module: filter\n    rules:\n", *end;
	unsigned int i;

	for (i = 0; i < 10; i++) {
		end = yaml + strlen(yaml);
		sprintf(end, "      - \"ip saddr 10.0.%u.0/24 udp dport %u accept\"\n", i, 1024 + i);
	}
	strcat(yaml, "graphs:\n  g:\n    entry: guard\n    edges:\n"
	       "      guard: { accept: redirect(out0) }\n");
	return rig_new(yaml, SHUNT_HOOK_XDP);
}

static void wire_programs(struct wire *wire)
{
	uint32_t zero = 0, role;
	struct object_value value = { "wire_role", &role, sizeof(role) };
	struct object_value slot = { "shunt_gate_slot", &zero, sizeof(zero) };
	struct object_map ports = { .name = "shunt_ports", .fd = -1 };

	wire->rig = graph_new();
	ports.fd = wire->rig->shared.ports_fd[GATES_XDP];
	if (bpf_map_update_elem(ports.fd, &zero, &wire->out0, BPF_ANY) < 0)
		bench_die("port", strerror(errno));
	for (role = SEND; role <= SINK; role++)
		load("tests/bench/wire.xdp.o", &value, &ports, 1, &wire->end[role]);
	load("bpf/gate.xdp.o", &slot, NULL, 0, &wire->gate);
	if (bpf_map_update_elem(object_loaded_map(&wire->gate, "shunt_entry"), &zero,
				&wire->rig->root_fd, BPF_ANY) < 0)
		bench_die("gate", strerror(errno));
	pkt_build(&wire->pkt, UDP4("10.0.9.1", "10.1.0.2", 1000, 1033, FILL(18)));
}

static int native_link(int prog_fd, uint32_t ifindex)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = XDP_FLAGS_DRV_MODE);
	int fd = bpf_link_create(prog_fd, ifindex, BPF_XDP, &opts);

	if (fd < 0)
		bench_die("attach in native mode", strerror(errno));
	return fd;
}

/* Set up a side: two programs and a sink, or the bridge */
static void wire_side(struct wire *wire, int side)
{
	int prog_fd = side == SHUNT ? wire->gate.prog_fd : wire->end[FORWARD].prog_fd;

	if (side == BRIDGE) {
		fd_close(wire->link_fd);
		fd_close(wire->sink_fd);
		wire->link_fd = wire->sink_fd = -1;
		/* GRO at in1 makes it take frames; the sink would be a second cost there */
		run("ip link add br0 type bridge mcast_snooping 0 && ip link set br0 up && "
		    "ip link set in1 master br0 && ip link set out0 master br0 && "
		    "bridge fdb replace 02:00:00:00:00:02 dev out0 master static && "
		    "ethtool -K in1 gro on >/dev/null");
		return;
	}
	system("ip link del br0 2>/dev/null; ethtool -K in1 gro off >/dev/null");
	if (wire->link_fd < 0) {
		wire->link_fd = native_link(prog_fd, wire->in1);
		wire->sink_fd = native_link(wire->end[SINK].prog_fd, wire->out1);
	} else if (bpf_link_update(wire->link_fd, prog_fd, NULL) < 0) {
		bench_die("replace the program", strerror(errno));
	}
}

/* Packets that out1 received, whoever counts */
static uint64_t wire_received(const struct wire *wire, int side)
{
	uint64_t total[256] = { 0 }, sum = 0;
	unsigned long long packets;
	uint32_t zero = 0;
	char line[256];
	FILE *file;
	int i;

	if (side != BRIDGE) {
		bpf_map_lookup_elem(object_loaded_map(&wire->end[SINK], "wire_total"), &zero, total);
		for (i = 0; i < 256; i++)
			sum += total[i];
		return sum;
	}
	file = fopen("/proc/self/net/dev", "r");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, " out1: %*u %llu", &packets) == 1)
			sum = packets;
	if (file)
		fclose(file);
	return sum;
}

static void wire_send(struct wire *wire, unsigned int packets)
{
	struct xdp_md ctx = { .data_end = wire->pkt.len, .ingress_ifindex = wire->in0 };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .repeat = packets, .batch_size = BATCH,
		    .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .data_in = wire->pkt.data,
		    .data_size_in = wire->pkt.len, .ctx_in = &ctx, .ctx_size_in = sizeof(ctx));

	if (bpf_prog_test_run_opts(wire->end[SEND].prog_fd, &opts) < 0)
		bench_die("send live frames", strerror(errno));
}

/* ns a packet; the last ones may still be under way when the call returns */
static double wire_pass(struct wire *wire, int side, uint64_t *lost)
{
	uint64_t before, start, end, got;

	wire_send(wire, WARM);
	usleep(1000);
	before = wire_received(wire, side);
	start = bench_wall_ns();
	wire_send(wire, PACKETS);
	end = bench_wall_ns();
	usleep(1000);
	got = wire_received(wire, side) - before;
	*lost += PACKETS - got;
	if (!got)
		bench_die("forward", "nothing arrived");
	return (double)(end - start) / got;
}

static void wire_report(struct bench_times *times)
{
	static const char *const name[SIDES] = {
		"forward.veth.native", "forward.veth.bare", "forward.veth.bridge",
	};
	double median[SIDES];
	unsigned int side;

	for (side = 0; side < SIDES; side++) {
		bench_sort(&times[side]);
		median[side] = bench_median(&times[side]);
	}
	for (side = 0; side < SIDES; side++)
		if (bench_wanted(name[side]))
			bench_print(&(struct bench_line){
				.name = name[side], .n = side == SHUNT ? 10 : 0,
				.ns = median[side], .min_ns = bench_min(&times[side]),
				.floor_ns = median[BARE],
				.peer_ns = side == SHUNT ? median[BRIDGE] : 0,
			});
}

int main(void)
{
	struct wire wire = { .link_fd = -1, .sink_fd = -1 };
	struct bench_times times[SIDES] = { 0 };
	uint64_t lost[SIDES] = { 0 };
	unsigned int pass, side;

	if (!bench_wanted("forward.veth.native") && !bench_wanted("forward.veth.bare") &&
	    !bench_wanted("forward.veth.bridge"))
		return 0;
	bench_init();
	wire_interfaces(&wire);
	wire_programs(&wire);
	for (pass = 0; pass < BENCH_PASSES; pass++) {
		for (side = 0; side < SIDES; side++) {
			wire_side(&wire, side);
			times[side].ns[times[side].n++] = wire_pass(&wire, side, &lost[side]);
		}
	}
	for (side = 0; side < SIDES; side++)
		if (lost[side])
			fprintf(stderr, "forward: side %u lost %llu packets\n", side,
				(unsigned long long)lost[side]);
	wire_report(times);
	fd_close(wire.link_fd);
	fd_close(wire.sink_fd);
	rig_free(wire.rig);
	return 0;
}
