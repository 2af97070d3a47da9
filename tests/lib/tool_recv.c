// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* tool_recv.c - count marked frames on an interface exactly
 *
 * DOC: why the figures can be trusted
 * The kernel writes frames to a mapped ring and counts those for which the ring had no room
 * ("kernel_drops": a result counts only if it is 0). At the end a filter shuts the socket first;
 * then the ring is read until the frames seen are those that the kernel counted. If they are not,
 * it is an error, not a result.
 * Duplicates are found by one bit a number and run; "gaps" are numbers missing below the highest
 * seen; "reordered" frames have a lower number than an earlier one of their flow.
 */
#include "mark.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define NS		1000000000ull
#define RUNS_MAX	64
#define BLOCK_BYTES	(256 * 1024u)
#define BLOCK_TMO_MS	5
#define DRAIN_MAX_NS	(10 * NS)
#define SECONDS_MAX	3600

static const char usage[] =
	"usage: recv -i IFACE [-s SECONDS] [-n COUNT] [--flow N] [--ready FILE] [--ring-kb N]\n"
	"Counts until SIGTERM, SIGINT, -s seconds or -n frames. --flow: only this flow counts.\n"
	"--ready: the file is made once every frame from then on is counted.\n";

struct args {
	const char *iface, *ready;
	uint64_t count;
	double seconds;
	int64_t flow;
	unsigned int ring_kb;
};

struct run {			/* one start of a sender */
	uint32_t id;
	uint64_t *seen;		/* bit by number */
	uint64_t n_bits;
	uint64_t distinct, max_seq;
	uint64_t *next;		/* by flow: highest number so far, + 1 */
};

struct receiver {
	const struct args *args;
	int fd;
	uint8_t *ring;
	unsigned int n_blocks, block;
	struct run runs[RUNS_MAX];
	unsigned int n_runs;
	uint64_t received, duplicates, reordered, foreign;
	uint64_t last_ns, max_gap_ns;
	uint64_t frames;		/* read from the ring, of any kind */
	uint64_t kernel_frames, kernel_drops;
};

static volatile sig_atomic_t stopped;

static void on_signal(int signo)
{
	stopped = 1;
}

static void __attribute__((noreturn)) fail(const char *what)
{
	fprintf(stderr, "recv: %s: %s\n", what, strerror(errno));
	exit(2);
}

static void __attribute__((noreturn)) fail_usage(const char *what)
{
	fprintf(stderr, "recv: %s\n%s", what, usage);
	exit(2);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NS + ts.tv_nsec;
}

/* ---- arguments ---- */
static double number(const char *text, double max)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end || !(value >= 0) || value > max)
		fail_usage(text);
	return value;
}

static void parse_args(struct args *args, int argc, char **argv)
{
	static const struct option options[] = {
		{ "flow", 1, NULL, 'f' }, { "ready", 1, NULL, 'R' },
		{ "ring-kb", 1, NULL, 'k' }, { 0 },
	};
	int option;

	*args = (struct args){ .flow = -1, .ring_kb = 64 * 1024 };
	while ((option = getopt_long(argc, argv, "i:s:n:", options, NULL)) != -1) {
		if (option == 'i')
			args->iface = optarg;
		else if (option == 's')
			args->seconds = number(optarg, SECONDS_MAX);
		else if (option == 'n')
			args->count = number(optarg, MARK_MAX_SEQ);
		else if (option == 'f')
			args->flow = number(optarg, MARK_MAX_FLOWS - 1);
		else if (option == 'R')
			args->ready = optarg;
		else if (option == 'k')
			args->ring_kb = number(optarg, 1 << 20);
		else
			fail_usage("unknown option");
	}
	if (optind < argc || !args->iface)
		fail_usage("-i is needed");
	if (!args->seconds)
		args->seconds = SECONDS_MAX;
}

/* ---- the socket ---- */
static void ignore_outgoing(int fd)
{
	int one = 1;

	if (setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)) < 0)
		fail("PACKET_IGNORE_OUTGOING");
}

static void map_ring(struct receiver *r)
{
	int version = TPACKET_V3;
	struct tpacket_req3 req = { 0 };
	size_t size;

	r->n_blocks = r->args->ring_kb * 1024ull / BLOCK_BYTES;
	if (r->n_blocks < 2)
		r->n_blocks = 2;
	req.tp_block_size = BLOCK_BYTES;
	req.tp_block_nr = r->n_blocks;
	req.tp_frame_size = 2048;	/* not a limit in version 3, only checked */
	req.tp_frame_nr = r->n_blocks * (BLOCK_BYTES / 2048);
	req.tp_retire_blk_tov = BLOCK_TMO_MS;
	size = (size_t)BLOCK_BYTES * r->n_blocks;
	if (setsockopt(r->fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)) < 0 ||
	    setsockopt(r->fd, SOL_PACKET, PACKET_RX_RING, &req, sizeof(req)) < 0)
		fail("packet ring");
	r->ring = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, 0);
	if (r->ring == MAP_FAILED)
		fail("mmap");
}

/* Bound last: nothing of another interface gets into the ring, and all of ours from then on does */
static void open_socket(struct receiver *r)
{
	struct sockaddr_ll addr = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = if_nametoindex(r->args->iface),
	};
	struct packet_mreq promisc = { .mr_type = PACKET_MR_PROMISC };
	int fd;

	if (!addr.sll_ifindex)
		fail(r->args->iface);
	r->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (r->fd < 0)
		fail("socket");
	ignore_outgoing(r->fd);
	map_ring(r);
	promisc.mr_ifindex = addr.sll_ifindex;
	if (setsockopt(r->fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promisc, sizeof(promisc)) < 0 ||
	    bind(r->fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		fail(r->args->iface);
	if (!r->args->ready)
		return;
	fd = open(r->args->ready, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	if (fd < 0)
		fail(r->args->ready);
	close(fd);
}

/* Let nothing more in, so that what is in the ring is a final figure */
static void shut(struct receiver *r)
{
	struct sock_filter none = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog prog = { 1, &none };

	if (setsockopt(r->fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) < 0)
		fail("SO_ATTACH_FILTER");
}

/* The kernel forgets its figures when they are read: add them up */
static void read_stats(struct receiver *r)
{
	struct tpacket_stats_v3 stats = { 0 };
	socklen_t len = sizeof(stats);

	if (getsockopt(r->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &len) < 0)
		fail("PACKET_STATISTICS");
	r->kernel_frames += stats.tp_packets - stats.tp_drops;
	r->kernel_drops += stats.tp_drops;
}

/* ---- counting ---- */
static struct run *find_run(struct receiver *r, uint32_t id)
{
	struct run *run;
	unsigned int i;

	for (i = r->n_runs; i--;)
		if (r->runs[i].id == id)
			return &r->runs[i];
	if (r->n_runs == RUNS_MAX)
		return NULL;
	run = &r->runs[r->n_runs++];
	*run = (struct run){ .id = id, .next = calloc(MARK_MAX_FLOWS, sizeof(*run->next)) };
	if (!run->next)
		fail("memory");
	return run;
}

static bool test_and_set(struct run *run, uint64_t seq)
{
	uint64_t n_bits = run->n_bits ? run->n_bits : 1 << 20;
	uint64_t bit = 1ull << seq % 64, old;

	while (n_bits <= seq)
		n_bits *= 2;
	if (n_bits != run->n_bits) {
		run->seen = realloc(run->seen, n_bits / 8);
		if (!run->seen)
			fail("memory");
		memset(run->seen + run->n_bits / 64, 0, (n_bits - run->n_bits) / 8);
		run->n_bits = n_bits;
	}
	old = run->seen[seq / 64] & bit;
	run->seen[seq / 64] |= bit;
	return old;
}

static void count(struct receiver *r, const struct mark *mark, uint64_t time_ns)
{
	struct run *run = find_run(r, mark->run);

	if (!run) {
		r->foreign++;
		return;
	}
	r->received++;
	if (r->last_ns && time_ns > r->last_ns && time_ns - r->last_ns > r->max_gap_ns)
		r->max_gap_ns = time_ns - r->last_ns;
	r->last_ns = time_ns;
	if (test_and_set(run, mark->seq)) {
		r->duplicates++;
		return;
	}
	run->distinct++;
	if (mark->seq > run->max_seq)
		run->max_seq = mark->seq;
	if (mark->seq < run->next[mark->flow])
		r->reordered++;
	else
		run->next[mark->flow] = mark->seq + 1;
}

static void read_frame(struct receiver *r, const struct tpacket3_hdr *hdr)
{
	const uint8_t *end = (const uint8_t *)hdr + hdr->tp_mac + hdr->tp_snaplen;
	struct mark mark;

	r->frames++;
	if (hdr->tp_snaplen != hdr->tp_len || hdr->tp_snaplen < sizeof(mark))
		return;
	memcpy(&mark, end - sizeof(mark), sizeof(mark));
	if (mark.magic != MARK_MAGIC)
		return;
	if (mark.seq >= MARK_MAX_SEQ || mark.flow >= MARK_MAX_FLOWS) {
		r->foreign++;
		return;
	}
	if (r->args->flow < 0 || r->args->flow == mark.flow)
		count(r, &mark, hdr->tp_sec * NS + hdr->tp_nsec);
}

/* Return: whether there was a block to read */
static bool read_block(struct receiver *r)
{
	struct tpacket_block_desc *block = (void *)(r->ring + (size_t)BLOCK_BYTES * r->block);
	const struct tpacket3_hdr *hdr;
	uint32_t i;

	if (!(__atomic_load_n(&block->hdr.bh1.block_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER))
		return false;
	hdr = (const void *)((uint8_t *)block + block->hdr.bh1.offset_to_first_pkt);
	for (i = 0; i < block->hdr.bh1.num_pkts; i++) {
		read_frame(r, hdr);
		hdr = (const void *)((const uint8_t *)hdr + hdr->tp_next_offset);
	}
	__atomic_store_n(&block->hdr.bh1.block_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
	r->block = (r->block + 1) % r->n_blocks;
	return true;
}

static void receive(struct receiver *r)
{
	struct pollfd pfd = { .fd = r->fd, .events = POLLIN };
	uint64_t end = now_ns() + r->args->seconds * NS;

	while (!stopped && now_ns() < end && (!r->args->count || r->received < r->args->count))
		if (!read_block(r))
			poll(&pfd, 1, 10);
}

/* Read what is still in the ring: the kernel hands over a block that is not full after a while */
static void drain(struct receiver *r)
{
	uint64_t end = now_ns() + DRAIN_MAX_NS;

	read_stats(r);
	while (r->frames != r->kernel_frames && now_ns() < end) {
		if (!read_block(r))
			usleep(1000);
		read_stats(r);
	}
}

static void print(const struct receiver *r)
{
	uint64_t gaps = 0;
	unsigned int i;

	for (i = 0; i < r->n_runs; i++)
		gaps += r->runs[i].distinct ? r->runs[i].max_seq + 1 - r->runs[i].distinct : 0;
	printf("{\"received\":%" PRIu64 ",\"duplicates\":%" PRIu64 ",\"reordered\":%" PRIu64
	       ",\"gaps\":%" PRIu64 ",\"max_gap_us\":%" PRIu64 ",\"kernel_drops\":%" PRIu64
	       ",\"other\":%" PRIu64 "}\n", r->received, r->duplicates, r->reordered, gaps,
	       r->max_gap_ns / 1000, r->kernel_drops, r->frames - r->received);
}

int main(int argc, char **argv)
{
	static struct receiver r;
	struct args args;

	parse_args(&args, argc, argv);
	signal(SIGTERM, on_signal);
	signal(SIGINT, on_signal);
	r.args = &args;
	open_socket(&r);
	receive(&r);
	shut(&r);
	drain(&r);
	print(&r);
	if (r.frames != r.kernel_frames) {
		fprintf(stderr, "recv: read %" PRIu64 " frames of %" PRIu64 "\n", r.frames,
			r.kernel_frames);
		return 1;
	}
	if (r.foreign) {
		fprintf(stderr, "recv: %" PRIu64 " frames of broken or too many senders\n",
			r.foreign);
		return 1;
	}
	return 0;
}
