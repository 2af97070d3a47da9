// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* tool_send.c - send marked frames at a rate and say exactly how many went out
 *
 * DOC: what counts
 * A frame that the kernel refuses (a full queue: ENOBUFS) is not sent: its number goes out with the
 * next try, so that the numbers on the wire have no holes. "sent" counts frames that the kernel
 * took, "failed" tries it refused. "tx_dropped" is the interface's own counter over the run: on
 * kernels where a veth loses a frame without telling the sender it exceeds "failed", and the
 * difference is lost before the wire.
 */
#include "mark.h"
#include "pkt.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <ifaddrs.h>
#include <inttypes.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BATCH		64
#define FRAME_MAX	9014
#define NS		1000000000ull
#define LAG_MAX_NS	(20 * 1000 * 1000ull)	/* what a late sender makes up for */
#define SLEEP_NS	(500 * 1000ull)
#define SECONDS_MAX	3600

static const char usage[] =
	"usage: send -i IFACE [-n COUNT] [-s SECONDS] [-r PPS] [-P udp|tcp] [-6] [--vlan ID]\n"
	"	--dst-mac MAC [--src-mac MAC] --src ADDR --dst ADDR --sport N[-M] --dport N[-M]\n"
	"	[--flags FSRPA] [--size BYTES] [--skip N] [--twice N]\n"
	"-n, -s: whichever is reached first; neither: 10 s   --size: of the frame, even\n"
	"--flags: of TCP, A by default   --skip, --twice: leave out, repeat each Nth frame\n";

struct ports {
	unsigned int from, n;
};

struct args {
	const char *iface, *src_mac, *dst_mac, *src, *dst;
	struct ports sport, dport;
	uint64_t count, pps, skip, twice;
	double seconds;
	int vlan;
	size_t size;
	uint8_t flags;
	bool tcp, ip6;
};

struct sender {
	const struct args *args;
	int fd;
	size_t port_off;	/* of the L4 header */
	size_t check_off;
	uint32_t base_sum;	/* of the L4 checksum with ports and mark zero */
	uint32_t run;
	uint64_t seq, sent, failed;
	int error;		/* errno that ended the run; 0: none */
	struct pkt frame;
	uint8_t frames[BATCH][FRAME_MAX];
};

static volatile sig_atomic_t stopped;

static void on_signal(int signo)
{
	stopped = 1;
}

static void __attribute__((noreturn)) fail(const char *what)
{
	fprintf(stderr, "send: %s: %s\n", what, strerror(errno));
	exit(2);
}

static void __attribute__((noreturn)) fail_usage(const char *what)
{
	fprintf(stderr, "send: %s\n%s", what, usage);
	exit(2);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NS + ts.tv_nsec;
}

/* ---- arguments ---- */
static uint64_t number(const char *text, uint64_t max)
{
	char *end;
	unsigned long long value;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || end == text || *end || *text == '-' || value > max)
		fail_usage(text);
	return value;
}

static struct ports ports(char *text)
{
	char *dash = strchr(text, '-');
	unsigned int from, to;

	if (dash)
		*dash++ = '\0';
	from = number(text, 65535);
	to = dash ? number(dash, 65535) : from;
	if (to < from)
		fail_usage("ports go upwards");
	return (struct ports){ from, to - from + 1 };
}

static uint8_t tcp_flags(const char *text)
{
	static const char letters[] = "FSRPAU";
	uint8_t flags = 0;
	const char *at;

	for (; *text; text++) {
		at = strchr(letters, *text);
		if (!at)
			fail_usage("--flags are letters of FSRPAU");
		flags |= 1 << (at - letters);
	}
	return flags;
}

static double seconds(const char *text)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end || !(value > 0) || value > SECONDS_MAX)
		fail_usage("-s is above 0, at most 3600");
	return value;
}

static void set_proto(struct args *args, const char *text)
{
	args->tcp = !strcmp(text, "tcp");
	if (!args->tcp && strcmp(text, "udp"))
		fail_usage("-P is udp or tcp");
}

enum { OPT_SRC_MAC = 256, OPT_DST_MAC, OPT_SRC, OPT_DST, OPT_SPORT, OPT_DPORT, OPT_SIZE, OPT_VLAN,
       OPT_FLAGS, OPT_SKIP, OPT_TWICE };

static const struct option options[] = {
	{ "src-mac", 1, NULL, OPT_SRC_MAC }, { "dst-mac", 1, NULL, OPT_DST_MAC },
	{ "src", 1, NULL, OPT_SRC }, { "dst", 1, NULL, OPT_DST },
	{ "sport", 1, NULL, OPT_SPORT }, { "dport", 1, NULL, OPT_DPORT },
	{ "size", 1, NULL, OPT_SIZE }, { "vlan", 1, NULL, OPT_VLAN },
	{ "flags", 1, NULL, OPT_FLAGS }, { "skip", 1, NULL, OPT_SKIP },
	{ "twice", 1, NULL, OPT_TWICE }, { 0 },
};

static void set_option(struct args *args, int option, char *value)
{
	switch (option) {
	case 'i':
		args->iface = value;
		return;
	case 'n':
		args->count = number(value, MARK_MAX_SEQ);
		return;
	case 's':
		args->seconds = seconds(value);
		return;
	case 'r':
		args->pps = number(value, 100 * 1000 * 1000);
		return;
	case 'P':
		return set_proto(args, value);
	case '6':
		args->ip6 = true;
		return;
	case OPT_SRC_MAC:
		args->src_mac = value;
		return;
	case OPT_DST_MAC:
		args->dst_mac = value;
		return;
	case OPT_SRC:
		args->src = value;
		return;
	case OPT_DST:
		args->dst = value;
		return;
	case OPT_SPORT:
		args->sport = ports(value);
		return;
	case OPT_DPORT:
		args->dport = ports(value);
		return;
	case OPT_SIZE:
		args->size = number(value, FRAME_MAX);
		return;
	case OPT_VLAN:
		args->vlan = number(value, 4094);
		return;
	case OPT_FLAGS:
		args->flags = tcp_flags(value);
		return;
	case OPT_SKIP:
		args->skip = number(value, MARK_MAX_SEQ);
		return;
	case OPT_TWICE:
		args->twice = number(value, MARK_MAX_SEQ);
		return;
	default:
		fail_usage("unknown option");
	}
}

static void parse_args(struct args *args, int argc, char **argv)
{
	int option;

	*args = (struct args){ .vlan = -1, .flags = PKT_ACK };
	while ((option = getopt_long(argc, argv, "i:n:s:r:P:6", options, NULL)) != -1)
		set_option(args, option, optarg);
	if (optind < argc || !args->iface || !args->dst_mac || !args->src || !args->dst)
		fail_usage("-i, --dst-mac, --src and --dst are needed");
	if (!args->sport.n || !args->dport.n)
		fail_usage("--sport and --dport are needed");
	if ((uint64_t)args->sport.n * args->dport.n > MARK_MAX_FLOWS)
		fail_usage("more than 65536 flows");
	if (!args->count && !args->seconds)
		args->seconds = 10;
	if (!args->count)
		args->count = MARK_MAX_SEQ;
	if (!args->seconds)
		args->seconds = SECONDS_MAX;
}

/* ---- the frame ---- */
static void build_frame(struct sender *s, const char *src_mac)
{
	const struct args *args = s->args;
	struct pkt *p = &s->frame;
	size_t headers, size;

	pkt_init(p);
	pkt_eth(p, .src = src_mac, .dst = args->dst_mac);
	if (args->vlan >= 0)
		pkt_vlan(p, .id = args->vlan);
	if (args->ip6)
		pkt_ip6(p, .src = args->src, .dst = args->dst);
	else
		pkt_ip4(p, .src = args->src, .dst = args->dst, .df = true);
	s->port_off = p->len;
	if (args->tcp)
		pkt_tcp(p, .flags = args->flags, .window = 65535);
	else
		pkt_udp(p);
	s->check_off = s->port_off + (args->tcp ? 16 : 6);

	headers = p->len;
	size = args->size ? args->size : headers + sizeof(struct mark);
	if (size % 2 || size < headers + sizeof(struct mark))
		fail_usage("--size is even and has room for headers and 32 bytes");
	pkt_fill(p, size - headers - sizeof(struct mark));
	pkt_fill(p, sizeof(struct mark));
	memset(p->data + size - sizeof(struct mark), 0, sizeof(struct mark));
	pkt_push(p, &(const struct pkt_hdr)FILL(0));	/* checksums once more, over the zeroes */
	s->base_sum = (uint16_t)~(p->data[s->check_off] << 8 | p->data[s->check_off + 1]);
}

static void set16(uint8_t *at, uint16_t value)
{
	at[0] = value >> 8;
	at[1] = value;
}

static void fill_frame(struct sender *s, uint8_t *frame, uint64_t seq, uint64_t time_ns)
{
	const struct args *args = s->args;
	uint32_t flow = seq % ((uint64_t)args->sport.n * args->dport.n);
	uint16_t sport = args->sport.from + flow / args->dport.n;
	uint16_t dport = args->dport.from + flow % args->dport.n;
	struct mark mark = { seq, time_ns, s->run, flow, MARK_MAGIC };
	uint16_t check;

	check = pkt_checksum(&mark, sizeof(mark), s->base_sum + sport + dport);
	if (!args->tcp && !check)
		check = 0xffff;
	set16(frame + s->port_off, sport);
	set16(frame + s->port_off + 2, dport);
	set16(frame + s->check_off, check);
	memcpy(frame + s->frame.len - sizeof(mark), &mark, sizeof(mark));
}

/* ---- the interface ---- */
static int open_socket(const char *iface)
{
	struct sockaddr_ll addr = { .sll_family = AF_PACKET, .sll_ifindex = if_nametoindex(iface) };
	int size = 16 << 20;
	int fd;

	if (!addr.sll_ifindex)
		fail(iface);
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);	/* protocol 0: receives nothing */
	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		fail(iface);
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	return fd;
}

static void own_mac(int fd, const char *iface, char mac[18])
{
	struct ifreq req = { 0 };
	const uint8_t *at = (const uint8_t *)req.ifr_hwaddr.sa_data;

	strncpy(req.ifr_name, iface, IFNAMSIZ - 1);
	if (ioctl(fd, SIOCGIFHWADDR, &req) < 0)
		fail(iface);
	snprintf(mac, 18, "%02x:%02x:%02x:%02x:%02x:%02x",
		 at[0], at[1], at[2], at[3], at[4], at[5]);
}

static uint32_t tx_dropped(const char *iface)
{
	const struct rtnl_link_stats *stats;
	struct ifaddrs *all, *at;
	uint32_t value = 0;

	if (getifaddrs(&all) < 0)
		fail("getifaddrs");
	for (at = all; at; at = at->ifa_next) {
		if (!at->ifa_addr || at->ifa_addr->sa_family != AF_PACKET)
			continue;
		if (strcmp(at->ifa_name, iface))
			continue;
		stats = at->ifa_data;
		value = stats ? stats->tx_dropped : 0;
	}
	freeifaddrs(all);
	return value;
}

/* ---- sending ---- */
/* The frame was not taken but may be later; anything else ends the run */
static bool transient(int error)
{
	return error == ENOBUFS || error == EAGAIN || error == EINTR || error == ENETDOWN;
}

static void send_frames(struct sender *s, struct mmsghdr *msgs, unsigned int n)
{
	unsigned int done = 0;
	int r;

	while (done < n) {
		r = sendmmsg(s->fd, msgs + done, n - done, 0);
		if (r > 0) {
			done += r;
			s->sent += r;
			continue;
		}
		if (!transient(errno))
			s->error = errno;
		if (errno != EINTR)
			s->failed++;
		if (s->error || stopped)
			return;	/* for good: no higher number goes out */
		usleep(100);
	}
}

/* The next @limit numbers or fewer, without those to leave out. Return: how many numbers */
static unsigned int send_burst(struct sender *s, unsigned int limit)
{
	const struct args *args = s->args;
	struct mmsghdr msgs[BATCH] = { 0 };
	struct iovec iov[BATCH];
	uint64_t time_ns = now_ns(), seq = s->seq;
	unsigned int i, repeats, n = 0;

	for (; limit && n < BATCH - 1; limit--, seq++) {
		if (args->skip && seq % args->skip == args->skip - 1)
			continue;
		repeats = args->twice && seq % args->twice == args->twice - 1 ? 2 : 1;
		for (i = 0; i < repeats; i++, n++) {
			fill_frame(s, s->frames[n], seq, time_ns);
			iov[n] = (struct iovec){ s->frames[n], s->frame.len };
			msgs[n].msg_hdr = (struct msghdr){ .msg_iov = &iov[n], .msg_iovlen = 1 };
		}
	}
	send_frames(s, msgs, n);
	limit = seq - s->seq;
	s->seq = seq;
	return limit;
}

static void sleep_ns(uint64_t ns)
{
	struct timespec ts = { 0, ns };

	nanosleep(&ts, NULL);
}

static void run(struct sender *s)
{
	const struct args *args = s->args;
	uint64_t start = now_ns(), end = start + args->seconds * NS;
	uint64_t pace = start, paced = 0, now, due, left;

	while (!stopped && !s->error && s->seq < args->count) {
		now = now_ns();
		if (now >= end)
			break;
		left = args->count - s->seq;
		if (args->pps) {
			if (now - pace > LAG_MAX_NS + paced * NS / args->pps) {
				pace = now - LAG_MAX_NS;	/* the rest is not made up for */
				paced = 0;
			}
			due = (now - pace) * args->pps / NS;
			if (due <= paced) {
				sleep_ns(SLEEP_NS);
				continue;
			}
			left = left < due - paced ? left : due - paced;
		}
		paced += send_burst(s, left < BATCH ? left : BATCH);
	}
}

int main(int argc, char **argv)
{
	static struct sender s;
	struct args args;
	char mac[18];
	uint64_t start, ns;
	uint32_t dropped;
	unsigned int i;

	parse_args(&args, argc, argv);
	signal(SIGTERM, on_signal);
	signal(SIGINT, on_signal);
	s.args = &args;
	s.fd = open_socket(args.iface);
	own_mac(s.fd, args.iface, mac);
	build_frame(&s, args.src_mac ? args.src_mac : mac);
	for (i = 0; i < BATCH; i++)
		memcpy(s.frames[i], s.frame.data, s.frame.len);
	dropped = tx_dropped(args.iface);
	start = now_ns();
	s.run = getpid() ^ start;
	run(&s);
	ns = now_ns() - start;
	dropped = tx_dropped(args.iface) - dropped;
	printf("{\"sent\":%" PRIu64 ",\"failed\":%" PRIu64 ",\"tx_dropped\":%" PRIu32
	       ",\"flows\":%u,\"seconds\":%.3f,\"pps\":%.0f}\n", s.sent, s.failed, dropped,
	       args.sport.n * args.dport.n, ns / 1e9, ns ? s.sent * 1e9 / ns : 0);
	close(s.fd);
	if (!s.error)
		return 0;
	fprintf(stderr, "send: %s: %s\n", args.iface, strerror(s.error));
	return 1;
}
