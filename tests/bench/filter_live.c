// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * filter_live.c - what it costs to drop a packet by rules, shunt and its peers, live over veth
 *
 *	sK ==== r (in a namespace of its own, with one peer's rules)
 *
 * Frames leave sK as a driver would send them, in batches of 64, one after the other of 16 384;
 * everything on one CPU. 'ns' is that CPU's time for a packet, sending and receiving
 * included; the floor, an XDP program that drops, has both too. Each row has its link, and rows run
 * in turn. All rules drop and what no rule holds is let through: a packet that reaches a stack
 * is a rule that does not work, and fails the run. A linear list's packets match its last rule.
 * 'acl' and 'fw' are sets of classgen.h, the others the published ones in $SHUNT_CLASSBENCH or
 * ../shared/classbench; their packets lie within all of their rules alike.
 * $CASE picks rows; the table goes to stderr.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>

#include <base/file.h>
#include <kernel/object.h>

#include "../lib/bench.h"
#include "../lib/rig.h"
#include "filter_live.h"

#define BATCH		64
#define PASS_NS		20000000	/* of a pass, about */
#define PASS_MIN	(BATCH * 4)
#define PASS_MAX	(BATCH * 4096)
#define PASSES		15
#define TRIES		5
#define SOURCES		256		/* addresses of xdp-filter's rows that do not say */
#define BPFFS		"/sys/fs/bpf"

enum peer { FLOOR, SHUNT, XDP_FILTER, NFT, IPTABLES, IPTABLES_NFT };

struct row {
	enum peer peer;
	const char *what;		/* rules */
	unsigned int n;
	char name[64];
	struct live_traffic *traffic;
	int ns_fd;			/* of the receiver */
	unsigned int index;
	uint32_t sender;
	struct rig *rig;
	struct object_loaded program;
	unsigned int packets;		/* of a pass */
	double few_ns;			/* that a batch alone takes, most of it the call */
	uint64_t lost;
	struct bench_times times;
};

#define ROW(p, w, number) { .peer = (p), .what = (w), .n = (number) }

static struct row rows[] = {
	ROW(FLOOR, "drop", 0),
	ROW(SHUNT, "simple", 10), ROW(SHUNT, "simple", 1000), ROW(SHUNT, "simple", 10000),
	ROW(SHUNT, "acl", 10), ROW(SHUNT, "acl", 1000), ROW(SHUNT, "acl", 10000),
	ROW(SHUNT, "fw", 10), ROW(SHUNT, "fw", 1000), ROW(SHUNT, "fw", 10000),
	ROW(SHUNT, "acl1_10k", 10000), ROW(SHUNT, "fw1_10k", 10000),
	ROW(XDP_FILTER, "port", 1), ROW(XDP_FILTER, "ip", SOURCES), ROW(XDP_FILTER, "all", 1),
	ROW(XDP_FILTER, "all", 10000),
	ROW(NFT, "simple", 10), ROW(NFT, "simple", 1000), ROW(NFT, "simple", 10000),
	ROW(NFT, "hash", 10000), ROW(NFT, "ranges", 10000),
	ROW(NFT, "acl", 10), ROW(NFT, "acl", 1000), ROW(NFT, "acl", 10000),
	ROW(NFT, "fw", 10), ROW(NFT, "fw", 1000), ROW(NFT, "fw", 10000),
	ROW(NFT, "acl1_10k", 10000), ROW(NFT, "fw1_10k", 10000),
	ROW(IPTABLES, "simple", 10), ROW(IPTABLES, "simple", 1000), ROW(IPTABLES, "simple", 10000),
	ROW(IPTABLES, "acl", 10000), ROW(IPTABLES_NFT, "simple", 1000),
};

#define N_ROWS (sizeof(rows) / sizeof(rows[0]))

static const char *const peer_names[] = {
	"floor", "shunt", "xdp-filter", "nft", "iptables", "iptables-nft",
};

static int home_fd;			/* the senders' namespace */
static int softirq_fd;

static void __attribute__((format(printf, 1, 2))) run(const char *fmt, ...)
{
	char command[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(command, sizeof(command), fmt, args);
	va_end(args);
	if (system(command) != 0)
		bench_die("command failed", command);
}

/* ---- rules ---- */
static FILE *command_in(const struct row *row, const char *command)
{
	char line[256];
	FILE *file;

	snprintf(line, sizeof(line), "exec nsenter --net=/run/netns/r%u %s", row->index, command);
	file = popen(line, "w");
	if (!file)
		bench_die(command, strerror(errno));
	return file;
}

static void command_end(FILE *file, const char *command)
{
	if (pclose(file))
		bench_die("command failed", command);
}

static void setup_nft(struct row *row)
{
	bool set = !strcmp(row->what, "hash") || !strcmp(row->what, "ranges");
	FILE *file = command_in(row, "nft -f -");

	fprintf(file, "table netdev t {\n");
	if (set)
		live_write_elements(file, row->n, !strcmp(row->what, "ranges"));
	fprintf(file, "chain c {\ntype filter hook ingress device r priority 0; policy accept;\n");
	if (set)
		fprintf(file, "ip saddr @s drop\n");
	else
		live_write_rules(file, "", "", row->traffic, true);
	fprintf(file, "}\n}\n");
	command_end(file, "nft");
}

static void setup_iptables(struct row *row)
{
	const char *command = row->peer == IPTABLES ? "iptables-legacy-restore" :
			      "iptables-nft-restore";
	FILE *file = command_in(row, command);

	fprintf(file, "*raw\n");
	live_write_iptables(file, row->traffic);
	fprintf(file, "-A PREROUTING -j ACCEPT\nCOMMIT\n");	/* counts what comes so far */
	command_end(file, command);
}

/*
 * Sources into the table that xdp-filter has just pinned: 10 000 commands would take minutes. The
 * first one is a command, the others get what it wrote; then xdp-filter must know them all.
 */
static void fill_xdp_filter(const struct row *row)
{
	uint32_t source = live_source(0), key = htonl(source), i;
	uint64_t value[1024];		/* of each CPU */
	int fd;

	run("xdp-filter ip -m src 10.%u.%u.%u", source >> 16 & 255, source >> 8 & 255,
	    source & 255);
	fd = bpf_obj_get(BPFFS "/xdp-filter/filter_ipv4");
	if (fd < 0 || libbpf_num_possible_cpus() > 1024 ||
	    bpf_map_lookup_elem(fd, &key, value) < 0)
		bench_die("table of xdp-filter", strerror(errno));
	for (i = 1; i < row->n; i++) {
		key = htonl(live_source(i));
		if (bpf_map_update_elem(fd, &key, value, BPF_NOEXIST) < 0)
			bench_die("table of xdp-filter", strerror(errno));
	}
	fd_close(fd);
	run("xdp-filter status | grep -c '^  10[.].* src ' | grep -qx %u", row->n);
}

/*
 * With what a rule needs, port or address; or with all it can, as it is loaded by default. All that
 * are loaded share the tables in one bpffs: each row has its own.
 */
static void setup_xdp_filter(struct row *row)
{
	const char *features = !strcmp(row->what, "port") ? "udp" :
			       !strcmp(row->what, "ip") ? "ipv4" : "all";

	if (mount("bpf", BPFFS, "bpf", 0, "mode=0700") < 0)
		bench_die(BPFFS, strerror(errno));
	run("nsenter --net=/run/netns/r%u xdp-filter load -p allow -f %s r", row->index, features);
	if (row->n > 1) {
		fill_xdp_filter(row);
		return;
	}
	run("nsenter --net=/run/netns/r%u xdp-filter port -p udp 1033", row->index);
	run("nsenter --net=/run/netns/r%u xdp-filter status | grep -q '1033 *dst,udp'", row->index);
}

static void attach(struct row *row, int prog_fd)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = XDP_FLAGS_DRV_MODE);

	if (setns(row->ns_fd, CLONE_NEWNET) < 0 ||
	    bpf_link_create(prog_fd, if_nametoindex("r"), BPF_XDP, &opts) < 0 ||
	    setns(home_fd, CLONE_NEWNET) < 0)
		bench_die("attach in native mode", strerror(errno));
}

static void load(struct row *row, const char *object, const char *variable, uint32_t content)
{
	struct object_value value = { variable, &content, sizeof(content) };
	struct err err = { 0 };

	if (object_load(rig_built(object), object, &value, 1, NULL, 0, NULL, &row->program,
			&err) < 0)
		bench_die(object, err.text);
}

static void setup_shunt(struct row *row)
{
	uint32_t zero = 0;
	char *yaml = NULL;
	size_t size;
	FILE *file = open_memstream(&yaml, &size);

	if (!file)
		bench_die("rules", strerror(errno));
	fprintf(file, "nodes:\n  guard:\n    module: filter\n    default: accept\n    rules:\n");
	live_write_rules(file, "      - '", "'", row->traffic, false);
	fprintf(file, "graphs:\n  g:\n    entry: guard\n    edges:\n      guard: { accept: pass }\n");
	fclose(file);
	row->rig = rig_new(yaml, SHUNT_HOOK_XDP);
	free(yaml);
	load(row, "bpf/gate.xdp.o", "shunt_gate_slot", 0);
	if (bpf_map_update_elem(object_loaded_map(&row->program, "shunt_entry"), &zero,
				&row->rig->root_fd, BPF_ANY) < 0)
		bench_die("gate", strerror(errno));
	attach(row, row->program.prog_fd);
}

static void setup_floor(struct row *row)
{
	load(row, "tests/bench/wire.xdp.o", "wire_role", 2);	/* counts and drops */
	attach(row, row->program.prog_fd);
}

/* ---- links ---- */
/*
 * What is made here is nobody else's, and goes with the process. So does /run: the lock of
 * xdp-filter is that a file is there, which a run that was killed left behind for ever.
 */
static void world_new(void)
{
	if (unshare(CLONE_NEWNET | CLONE_NEWNS) < 0 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("none", "/run", "tmpfs", 0, "mode=0755") < 0 ||
	    mkdir("/run/netns", 0755) < 0 ||
	    mount("bpf", BPFFS, "bpf", 0, "mode=0700") < 0)
		bench_die("namespaces", strerror(errno));
	run("echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6");
	home_fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
}

static void link_new(struct row *row)
{
	unsigned int i = row->index;
	char name[16], path[64];

	run("ip netns add r%u && ip link add s%u type veth peer name r netns r%u "
	    "address 02:00:00:00:00:02", i, i, i);
	run("ip -n r%u link set lo up && ip -n r%u link set r up && ip link set s%u up", i, i, i);
	/* Frames are taken from a ring only where somebody polls it: GRO is a reason to */
	run("nsenter --net=/run/netns/r%u ethtool -K r gro on >/dev/null", i);
	run("nsenter --net=/run/netns/r%u sh -c 'echo 1 > /proc/sys/net/ipv6/conf/r/disable_ipv6'",
	    i);
	snprintf(name, sizeof(name), "s%u", i);
	snprintf(path, sizeof(path), "/run/netns/r%u", i);
	row->sender = if_nametoindex(name);
	row->ns_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (row->ns_fd < 0 || !row->sender)
		bench_die(path, strerror(errno));
}

/* A number out of a file of the receiver's /proc/net */
static uint64_t receiver_number(const struct row *row, const char *path, const char *format,
				unsigned int nth)
{
	unsigned long long number = 0;
	char line[1024];
	FILE *file;

	if (setns(row->ns_fd, CLONE_NEWNET) < 0)
		bench_die("enter", strerror(errno));
	file = fopen(path, "r");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, format, &number) == 1 && nth-- == 0)
			break;
	if (file)
		fclose(file);
	if (setns(home_fd, CLONE_NEWNET) < 0)
		bench_die("come back", strerror(errno));
	return number;
}

static uint64_t received(const struct row *row)
{
	return receiver_number(row, "/proc/thread-self/net/dev", " r: %*u %llu", 0);
}

/* What no rule dropped */
static bool leaks(const struct row *row)
{
	char command[256];

	if (row->peer != IPTABLES && row->peer != IPTABLES_NFT)
		return receiver_number(row, "/proc/thread-self/net/snmp",
				       "Ip: %*u %*u %llu", 0) != 0;
	snprintf(command, sizeof(command), "nsenter --net=/run/netns/r%u %s -t raw -nvL PREROUTING "
		 "| tail -n 1 | grep -q '^ *0 .*ACCEPT'", row->index,
		 row->peer == IPTABLES ? "iptables-legacy" : "iptables-nft");
	return system(command) != 0;
}

/* ---- measurement ---- */
static void send_frames(const struct row *row, unsigned int packets)
{
	static uint8_t frame[ROTATE_BYTES];
	struct xdp_md ctx = { .data_end = sizeof(frame), .ingress_ifindex = row->sender };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .repeat = packets, .batch_size = BATCH,
		    .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .data_in = frame,
		    .data_size_in = sizeof(frame), .ctx_in = &ctx, .ctx_size_in = sizeof(ctx));

	if (bpf_prog_test_run_opts(row->traffic->rotate.prog_fd, &opts) < 0)
		bench_die("send live frames", strerror(errno));
}

/* The kernel thread that receives on this CPU, once a packet is too dear to be received at once */
static int softirq_open(void)
{
	char name[32], path[64], comm[32];
	FILE *file;
	int pid;

	snprintf(name, sizeof(name), "ksoftirqd/%d\n", sched_getcpu());
	for (pid = 2; pid < 1000; pid++) {
		snprintf(path, sizeof(path), "/proc/%d/comm", pid);
		file = fopen(path, "r");
		if (!file)
			continue;
		if (!fgets(comm, sizeof(comm), file))
			comm[0] = '\0';
		fclose(file);
		snprintf(path, sizeof(path), "/proc/%d/schedstat", pid);
		if (!strcmp(comm, name))
			return open(path, O_RDONLY | O_CLOEXEC);
	}
	bench_die(name, "no such thread");
}

/* ns of CPU that sending and receiving took so far: what others took in between is not in it */
static uint64_t spent_ns(void)
{
	char text[64] = "";

	if (pread(softirq_fd, text, sizeof(text) - 1, 0) < 0)
		bench_die("schedstat", strerror(errno));
	return bench_cpu_ns() + strtoull(text, NULL, 10);
}

/* ns that so many packets take, the call included */
static double timed(struct row *row, unsigned int packets)
{
	uint64_t before = received(row), start, wanted = before + packets;
	unsigned int tries;

	start = spent_ns();
	send_frames(row, packets);
	for (tries = 0; received(row) < wanted && tries < 1000; tries++)
		usleep(100);
	row->lost += wanted - received(row);
	return spent_ns() - start;
}

/* The best of a few: somebody else may have the CPU in between */
static double timed_best(struct row *row, unsigned int packets)
{
	double best = timed(row, packets), ns;
	unsigned int i;

	for (i = 1; i < TRIES; i++) {
		ns = timed(row, packets);
		best = ns < best ? ns : best;
	}
	return best;
}

/* ns a packet: what many take longer than few */
static double pass(struct row *row)
{
	return (timed(row, row->packets) - row->few_ns) / (row->packets - BATCH);
}

static void calibrate(struct row *row)
{
	double ns;

	row->few_ns = timed_best(row, BATCH);
	ns = (timed_best(row, PASS_MIN) - row->few_ns) / (PASS_MIN - BATCH);
	if (ns < 10000)			/* else that was long enough */
		ns = (timed_best(row, 64 * BATCH) - row->few_ns) / (63 * BATCH);
	row->packets = ns < 1 ? PASS_MAX : PASS_NS / ns;
	row->packets -= row->packets % BATCH;
	if (row->packets < PASS_MIN)
		row->packets = PASS_MIN;
	if (row->packets > PASS_MAX)
		row->packets = PASS_MAX;
	row->lost = 0;
}

/* ---- rows ---- */
static bool row_setup(struct row *row)
{
	/* Floor and xdp-filter take packets of a set, too: the generator's costs are the same */
	if (row->peer == FLOOR)
		row->traffic = live_traffic("acl", 10000);
	else if (row->peer == XDP_FILTER)
		row->traffic = live_traffic("any", row->n > 1 ? row->n : SOURCES);
	else if (!strcmp(row->what, "hash") || !strcmp(row->what, "ranges"))
		row->traffic = live_traffic("any", row->n);
	else
		row->traffic = live_traffic(row->what, row->n);
	if (!row->traffic)
		return false;
	link_new(row);
	switch (row->peer) {
	case FLOOR:		setup_floor(row); break;
	case SHUNT:		setup_shunt(row); break;
	case XDP_FILTER:	setup_xdp_filter(row); break;
	case NFT:		setup_nft(row); break;
	case IPTABLES:
	case IPTABLES_NFT:	setup_iptables(row); break;
	}
	calibrate(row);
	return true;
}

static const struct row *row_find(enum peer peer, const char *what, unsigned int n)
{
	size_t i;

	for (i = 0; i < N_ROWS; i++)
		if (rows[i].peer == peer && rows[i].times.n && !strcmp(rows[i].what, what) &&
		    rows[i].n == n)
			return &rows[i];
	return NULL;
}

static void report(void)
{
	double floor = bench_median(&rows[0].times);
	size_t i;

	fflush(stdout);
	fprintf(stderr, "%-36s %7s %10s %10s %10s %9s\n", "", "rules", "ns", "min", "- floor",
		"/ floor");
	for (i = 0; i < N_ROWS; i++) {
		struct row *row = &rows[i];
		const struct row *peer = row_find(NFT, row->what, row->n);
		double ns = row->times.n ? bench_median(&row->times) : 0;

		if (!row->times.n)
			continue;
		bench_print(&(struct bench_line){
			.name = row->name, .n = row->n, .ns = ns,
			.min_ns = bench_min(&row->times), .floor_ns = i ? floor : 0,
			.peer_ns = row->peer == SHUNT && peer ? bench_median(&peer->times) : 0,
		});
		fprintf(stderr, "%-36s %7u %10.0f %10.0f %10.0f %9.2f\n", row->name, row->n, ns,
			bench_min(&row->times), ns - floor, ns / floor);
		if (row->lost)
			fprintf(stderr, "  lost %llu packets\n", (unsigned long long)row->lost);
	}
}

int main(void)
{
	unsigned int round, failed = 0;
	size_t i;

	bench_init();
	softirq_fd = softirq_open();
	world_new();
	for (i = 0; i < N_ROWS; i++) {
		struct row *row = &rows[i];

		row->index = i;
		snprintf(row->name, sizeof(row->name), "filter.live.%s.%s", peer_names[row->peer],
			 row->what);
		if (row->peer == FLOOR || bench_wanted(row->name))
			if (!row_setup(row))
				fprintf(stderr, "%s: no such set, left out\n", row->name);
	}
	for (round = 0; round < PASSES; round++)
		for (i = 0; i < N_ROWS; i++)
			if (rows[i].packets)
				rows[i].times.ns[rows[i].times.n++] =
					pass(&rows[i]);
	for (i = 0; i < N_ROWS; i++) {
		if (!rows[i].packets)
			continue;
		bench_sort(&rows[i].times);
		if (leaks(&rows[i])) {
			fprintf(stderr, "%s: packets were let through\n", rows[i].name);
			failed = 1;
		}
		rig_free(rows[i].rig);
	}
	report();
	return failed;
}
