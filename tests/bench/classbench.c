// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * classbench.c - build, load, check and time a rule set, print one JSON line
 *
 *	classbench RULES [TRACE] [--packets N] [--seed N]
 *	classbench --gen KIND N SEED [--v6] [--packets N]
 *
 * RULES in ClassBench's format, .xz too; TRACE as its trace_generator writes: numbers for source,
 * destination, their ports, protocol. Rule i accepts where i is even and drops where it is odd,
 * what no rule holds is dropped. --packets random ones (10^6) go through gate, root and filter
 * one by one, and must fare as a linear scan says. Times are medians (and minima) of the whole way
 * of a packet, and of an empty program in place of it ('floor', to be taken off): 'hot' is one
 * packet again and again, 'cold' is 16384 packets, each within some rule, in random order (or
 * those of TRACE). On stderr: the first packet that fared otherwise.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <bpf/bpf.h>
#include <linux/bpf.h>

#include <base/err.h>
#include <kernel/object.h>

#include "../lib/bench.h"
#include "../lib/classgen.h"
#include "../lib/classscan.h"
#include "../lib/rig.h"
#include "classbench.h"
#include "feed.h"

uint64_t unit_random(uint64_t *state);

static const char usage[] =
	"usage: classbench RULES [TRACE] [--packets N] [--seed N]\n"
	"       classbench --gen acl|fw|ipc N SEED [--v6] [--packets N]\n";

static struct {
	const char *name;
	unsigned int family;
	unsigned long packets;
	uint64_t seed;
	const char *trace;
} option = { .family = 4, .packets = 1000000, .seed = 1 };

/* ---- one packet after the other against the linear scan ---- */
static unsigned long mismatches(const struct classbench_set *set, int prog_fd)
{
	struct classscan *scan = classscan_new(set);
	struct classbench_packet packet;
	uint8_t frame[CLASSBENCH_FRAME];
	unsigned long i, wrong = 0;
	uint64_t random = option.seed;
	size_t rule;

	for (i = 0; i < option.packets; i++) {
		LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame);
		uint32_t want;

		classgen_packet(set, CLASSGEN_MIXED, &random, &packet);
		opts.data_size_in = classbench_frame(&packet, set->family, frame);
		rule = classscan_find(scan, &packet);
		want = rule == CLASSBENCH_NONE || rule % 2 ? XDP_DROP : XDP_PASS;
		if (bpf_prog_test_run_opts(prog_fd, &opts) < 0)
			bench_die("run a packet", strerror(errno));
		if (opts.retval != want && !wrong++)
			fprintf(stderr, "%s: packet %lu: rule %zd, verdict %u\n", option.name, i,
				rule == CLASSBENCH_NONE ? -1 : (ssize_t)rule + 1, opts.retval);
	}
	classscan_free(scan);
	return wrong;
}

/* ---- what a packet costs ---- */
static void trace_read(unsigned int family, struct feed_frame *frame)
{
	struct classbench_packet packet = { 0 };
	uint8_t data[CLASSBENCH_FRAME];
	char command[512];
	unsigned int i, proto, sport, dport;
	FILE *file;

	snprintf(command, sizeof(command), "xzcat -f '%s'", option.trace);
	file = popen(command, "r");
	for (i = 0; file && i < FEED_FRAMES; i++) {
		if (fscanf(file, "%u %u %u %u %u%*[^\n]", &packet.saddr[0], &packet.daddr[0],
			   &sport, &dport, &proto) != 5)
			break;
		packet.proto = proto;
		packet.sport = classbench_has_ports(proto) ? sport : 0;
		packet.dport = classbench_has_ports(proto) ? dport : 0;
		packet.flags = proto == 6 ? 0x10 : 0;
		classbench_frame(&packet, family, data);
		memcpy(&frame[i], data, sizeof(*frame));
	}
	if (!i)
		bench_die(option.trace, "no packet in it");
	for (pclose(file), proto = i; i < FEED_FRAMES; i++)
		frame[i] = frame[i % proto];
}

static void frames_draw(const struct classbench_set *set, struct feed_frame *frame)
{
	uint64_t random = option.seed + 1;
	struct classbench_packet packet;
	uint8_t data[CLASSBENCH_FRAME];
	unsigned int i;

	for (i = 0; i < FEED_FRAMES; i++) {
		classgen_packet(set, CLASSGEN_IN, &random, &packet);
		memset(data, 0, sizeof(data));
		classbench_frame(&packet, set->family, data);
		memcpy(&frame[i], data, sizeof(*frame));
	}
}

/* The feeder of so many frames in front of a program; @frames_fd: shared by all */
static int feed_load(int to_fd, uint32_t frames, int frames_fd)
{
	static struct object_loaded loaded[4];		/* their maps are to live */
	static unsigned int n;
	uint32_t mask = frames - 1, zero = 0;
	struct object_value value = { "feed_mask", &mask, sizeof(mask) };
	struct object_map map = { .name = "feed_frames", .fd = frames_fd };
	struct object_loaded *mine = &loaded[n++];
	struct err err = { 0 };

	if (object_load(rig_built("tests/bench/feed.xdp.o"), "feed", &value, 1, &map, 1, NULL,
			mine, &err) < 0)
		bench_die("feed", err.text);
	if (bpf_map_update_elem(object_loaded_map(mine, "feed_to"), &zero, &to_fd, BPF_ANY) < 0)
		bench_die("feed", strerror(errno));
	return mine->prog_fd;
}

static int floor_load(void)
{
	struct object_loaded loaded;
	struct err err = { 0 };

	if (object_load(rig_built("tests/bench/empty.xdp.o"), "empty", NULL, 0, NULL, 0, NULL,
			&loaded, &err) < 0)
		bench_die("empty", err.text);
	return loaded.prog_fd;
}

/*
 * All frames several times, each side in turn. A call costs the kernel most of a millisecond
 * before and behind the packets: the figure is its own, in whole ns, which has none of that.
 */
static void run_all(const struct bench_side *side, struct bench_times *ret_times)
{
	unsigned int pass, i;

	for (pass = 0; pass < BENCH_PASSES; pass++) {
		for (i = 0; i < 4; i++) {
			LIBBPF_OPTS(bpf_test_run_opts, opts, .repeat = 4 * FEED_FRAMES,
				    .data_in = side[i].data, .data_size_in = side[i].len);

			if (bpf_prog_test_run_opts(side[i].prog_fd, &opts) < 0)
				bench_die("feed", strerror(errno));
			ret_times[i].ns[pass] = opts.duration;
		}
	}
}

/* Floor and filter, one frame and all of them */
static void measure(const struct classbench_set *set, int prog_fd, struct bench_times *ret_times)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	int frames_fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "feed_frames", 4,
				       sizeof(struct feed_frame), FEED_FRAMES, &opts);
	struct feed_frame *frame = mmap(NULL, FEED_FRAMES * sizeof(*frame),
					PROT_READ | PROT_WRITE, MAP_SHARED, frames_fd, 0);
	int floor_fd = floor_load();
	struct bench_side side[4] = {
		{ feed_load(floor_fd, 1, frames_fd), frame, sizeof(*frame) },
		{ feed_load(prog_fd, 1, frames_fd), frame, sizeof(*frame) },
		{ feed_load(floor_fd, FEED_FRAMES, frames_fd), frame, sizeof(*frame) },
		{ feed_load(prog_fd, FEED_FRAMES, frames_fd), frame, sizeof(*frame) },
	};
	unsigned int i;

	if (frame == MAP_FAILED)
		bench_die("frames", strerror(errno));
	if (option.trace)
		trace_read(set->family, frame);
	else
		frames_draw(set, frame);
	run_all(side, ret_times);
	for (i = 0; i < 4; i++) {
		ret_times[i].n = BENCH_PASSES;
		bench_sort(&ret_times[i]);
	}
}

/* ---- the whole ---- */
static void options(int argc, char **argv, struct classbench_set *ret_set)
{
	static const struct option longs[] = {
		{ "gen", 0, NULL, 'g' }, { "v6", 0, NULL, '6' }, { "packets", 1, NULL, 'p' },
		{ "seed", 1, NULL, 's' }, { 0 },
	};
	unsigned int kind = 0;
	bool gen = false;
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c == 'g')
			gen = true;
		else if (c == '6')
			option.family = 6;
		else if (c == 'p')
			option.packets = strtoul(optarg, NULL, 0);
		else if (c == 's')
			option.seed = strtoull(optarg, NULL, 0);
		else
			bench_die("options", usage);
	}
	argv += optind;
	argc -= optind;
	option.name = argv[0];
	if (gen && argc == 3) {
		while (kind < CLASSGEN_KINDS && strcmp(argv[0], classgen_name[kind]))
			kind++;
		if (kind < CLASSGEN_KINDS) {
			classgen_set(kind, option.family, strtoul(argv[1], NULL, 0),
				     strtoull(argv[2], NULL, 0), ret_set);
			return;
		}
	} else if (!gen && (argc == 1 || argc == 2)) {
		option.trace = argv[1];
		classbench_read(argv[0], ret_set);
		return;
	}
	bench_die("arguments", usage);
}

int main(int argc, char **argv)
{
	struct classbench_programs programs;
	struct classbench_set set;
	struct bench_times times[4];
	unsigned long wrong;

	options(argc, argv, &set);
	bench_init();
	classbench_programs_load(&set, &programs);
	wrong = mismatches(&set, programs.gate_fd);
	measure(&set, programs.gate_fd, times);
	printf("{\"name\":\"%s\",\"family\":%u,\"rules\":%zu,\"build_ms\":%.1f,\"load_ms\":%.1f,"
	       "\"verifier_insns\":%u,\"memory_bytes\":%zu,\"worst_steps\":%u,\"packets\":%lu,"
	       "\"mismatches\":%lu,\"hot_ns\":%.0f,\"cold_ns\":%.0f,\"floor_ns\":%.0f,"
	       "\"hot_min_ns\":%.0f,\"cold_min_ns\":%.0f,\"floor_min_ns\":%.0f}\n",
	       option.name, set.family, set.n, programs.build_ms,
	       programs.load_ms, programs.verifier_insns, programs.memory_bytes,
	       programs.worst_steps, option.packets, wrong, bench_median(&times[1]),
	       bench_median(&times[3]), bench_median(&times[2]), bench_min(&times[1]),
	       bench_min(&times[3]), bench_min(&times[2]));
	classbench_fini(&set);
	return wrong ? 1 : 0;
}
