// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * tool_conns.c - many TCP connections that stay, and numbers that must arrive, both ways
 *
 * Both ends are here, in namespaces of their own, so that what arrives can be held against what was
 * sent. Each message names its connection: one that comes out at another's end is seen.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECT_S	10
#define DRAIN_MS	60000	/* for what is under way at the end; retransmissions take their time */
#define GROUPS		16
#define GROUP_WORDS	6
#define NETNS_DIR	"/run/netns/"

static const char usage[] =
	"usage: conns -n N [-i MS] [--ready FILE] FROM ADDRESS PORT TO PORT SEEN [...]\n"
	"N connections for each six words: from namespace FROM to ADDRESS and PORT, which is PORT of\n"
	"namespace TO, where they come from address SEEN. Each end sends a number every MS (500).\n"
	"FILE is made when all are there. On SIGTERM all that was sent must arrive; then prints one\n"
	"line of JSON. Status 1: a connection broke, and stderr says which and how.\n";

struct message {
	uint64_t conn, n;
};

struct conn;

struct end {
	struct conn *conn;
	int fd;				/* -1: closed */
	uint64_t sent, got;		/* messages */
	uint64_t since_ms;		/* when the oldest that is under way to this end was sent */
	struct message part;		/* what came of the next one */
	size_t part_len;
};

struct conn {
	struct end end[2];		/* 0: who connects */
	unsigned int number;
	bool broken;
};

struct group {
	const char *from, *to, *seen;
	struct sockaddr_in6 target;	/* IPv4 mapped */
	uint16_t port;			/* that is listened at */
};

static struct conns {
	struct conn *conn;
	unsigned int n, broken;
	int epoll;
	uint64_t interval_ms, numbers, longest_ms;
} conns;

static volatile sig_atomic_t stopped;

static void on_signal(int signo)
{
	stopped = 1;
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ull + ts.tv_nsec / 1000000;
}

static _Noreturn void die(const char *what, const char *name)
{
	fprintf(stderr, "conns: %s '%s': %s\n", what, name, strerror(errno));
	exit(2);
}

/* ---- opening ---- */
static void enter(const char *name)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), NETNS_DIR "%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET) < 0)
		die("namespace", name);
	close(fd);
}

static int stream(const char *name)
{
	const struct timeval limit = { .tv_sec = CONNECT_S };
	int fd, off = 0, on = 1;

	enter(name);
	fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0)
		die("socket in", name);
	return fd;
}

static int group_listen(const struct group *group)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons(group->port) };
	int fd = stream(group->to);

	if (bind(fd, (void *)&any, sizeof(any)) < 0 || listen(fd, 16) < 0)
		die("cannot listen in", group->to);
	return fd;
}

static void check_seen(const struct group *group, const struct sockaddr_in6 *peer)
{
	char text[INET6_ADDRSTRLEN], *at = text;

	inet_ntop(AF_INET6, &peer->sin6_addr, text, sizeof(text));
	if (IN6_IS_ADDR_V4MAPPED(&peer->sin6_addr))
		at = strrchr(text, ':') + 1;
	if (!strcmp(at, group->seen))
		return;
	fprintf(stderr, "conns: a connection from '%s', not from '%s'\n", at, group->seen);
	exit(1);
}

static void end_init(struct conn *conn, int which, int fd)
{
	struct end *end = &conn->end[which];
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = end };
	int on = 1;

	end->conn = conn;
	end->fd = fd;
	if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0 ||
	    epoll_ctl(conns.epoll, EPOLL_CTL_ADD, fd, &event) < 0)
		die("connection", "epoll");
}

/* One after the other, so it is known which end belongs to which */
static void group_open(const struct group *group, struct conn *conn, unsigned int n)
{
	int listener = group_listen(group), fd;
	struct sockaddr_in6 peer;
	socklen_t len;

	for (; n--; conn++) {
		fd = stream(group->from);
		if (connect(fd, (const void *)&group->target, sizeof(group->target)) < 0)
			die("no connection from", group->from);
		end_init(conn, 0, fd);
		len = sizeof(peer);
		fd = accept4(listener, (void *)&peer, &len, SOCK_CLOEXEC);
		if (fd < 0)
			die("nobody comes to", group->to);
		check_seen(group, &peer);
		end_init(conn, 1, fd);
	}
	close(listener);
}

/* ---- numbers ---- */
static void conn_break(struct end *end, const char *why)
{
	struct conn *conn = end->conn;
	int i;

	if (conn->broken)
		return;
	fprintf(stderr, "conns: connection %u, end %d, after %" PRIu64 " sent, %" PRIu64
		" received: %s\n", conn->number, (int)(end - conn->end), end->sent, end->got, why);
	conn->broken = true;
	conns.broken++;
	for (i = 0; i < 2; i++) {
		close(conn->end[i].fd);
		conn->end[i].fd = -1;
	}
}

static struct end *end_other(struct end *end)
{
	return &end->conn->end[end == end->conn->end];
}

static void end_send(struct end *end)
{
	struct message message = { .conn = end->conn->number, .n = end->sent + 1 };
	struct end *other = end_other(end);
	ssize_t n;

	if (end->conn->broken)
		return;
	n = send(end->fd, &message, sizeof(message), MSG_NOSIGNAL);
	if (n < 0 && errno == EAGAIN)		/* the next time */
		return;
	if (n != sizeof(message)) {
		conn_break(end, n < 0 ? strerror(errno) : "sent in part");
		return;
	}
	if (other->got == end->sent)
		other->since_ms = now_ms();
	end->sent++;
}

static void end_take(struct end *end, const struct message *message)
{
	uint64_t now = now_ms();

	if (message->conn != end->conn->number || message->n != end->got + 1) {
		conn_break(end, message->conn != end->conn->number ? "another's number" :
			   "a number out of order");
		return;
	}
	if (now - end->since_ms > conns.longest_ms)
		conns.longest_ms = now - end->since_ms;
	end->since_ms = now;
	end->got++;
	conns.numbers++;
}

static void end_receive(struct end *end)
{
	ssize_t n;

	while (!end->conn->broken) {
		n = recv(end->fd, (char *)&end->part + end->part_len,
			 sizeof(end->part) - end->part_len, 0);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			conn_break(end, n ? strerror(errno) : "closed");
			return;
		}
		end->part_len += n;
		if (end->part_len == sizeof(end->part)) {
			end->part_len = 0;
			end_take(end, &end->part);
		}
	}
}

static void receive_all(int wait_ms)
{
	struct epoll_event event[64];
	int n = epoll_wait(conns.epoll, event, 64, wait_ms), i;

	for (i = 0; i < n; i++)
		end_receive(event[i].data.ptr);
}

/* Their turns are spread over the interval */
static void send_due(uint64_t start, uint64_t *turns)
{
	uint64_t due = (now_ms() - start) * conns.n * 2 / conns.interval_ms;

	for (; *turns < due; ++*turns)
		end_send(&conns.conn[*turns / 2 % conns.n].end[*turns % 2]);
}

static bool all_arrived(void)
{
	unsigned int i;

	for (i = 0; i < conns.n; i++)
		if (!conns.conn[i].broken &&
		    (conns.conn[i].end[0].got != conns.conn[i].end[1].sent ||
		     conns.conn[i].end[1].got != conns.conn[i].end[0].sent))
			return false;
	return true;
}

static void drain(void)
{
	uint64_t end = now_ms() + DRAIN_MS;
	unsigned int i, which;

	while (!all_arrived() && now_ms() < end)
		receive_all(20);
	for (i = 0; i < conns.n; i++)
		for (which = 0; which < 2; which++)
			if (conns.conn[i].end[which].got != conns.conn[i].end[!which].sent)
				conn_break(&conns.conn[i].end[which], "numbers are missing");
}

/* ---- the command line ---- */
static uint16_t read_port(const char *text)
{
	unsigned long port = strtoul(text, NULL, 10);

	if (!port || port > 65535) {
		fprintf(stderr, "conns: '%s' is no port\n", text);
		exit(2);
	}
	return port;
}

static void read_group(char **word, struct group *ret_group)
{
	struct sockaddr_in6 *target = &ret_group->target;
	char mapped[64];

	ret_group->from = word[0];
	ret_group->to = word[3];
	ret_group->seen = word[5];
	ret_group->port = read_port(word[4]);
	target->sin6_family = AF_INET6;
	target->sin6_port = htons(read_port(word[2]));
	snprintf(mapped, sizeof(mapped), "%s%s", strchr(word[1], ':') ? "" : "::ffff:", word[1]);
	if (inet_pton(AF_INET6, mapped, &target->sin6_addr) != 1) {
		fprintf(stderr, "conns: '%s' is no address\n", word[1]);
		exit(2);
	}
}

static void open_all(const struct group *group, unsigned int groups, unsigned int each)
{
	struct rlimit limit;
	unsigned int i;

	conns.n = groups * each;
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	conns.epoll = epoll_create1(EPOLL_CLOEXEC);
	conns.conn = calloc(conns.n, sizeof(*conns.conn));
	if (conns.epoll < 0 || !conns.conn)
		die("cannot begin", "epoll");
	for (i = 0; i < conns.n; i++)
		conns.conn[i].number = i;
	for (i = 0; i < groups; i++)
		group_open(&group[i], conns.conn + i * each, each);
}

static void make_file(const char *path)
{
	int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	if (fd < 0)
		die("cannot make", path);
	close(fd);
}

static void run(void)
{
	uint64_t start = now_ms(), turns = 0;

	while (!stopped) {
		send_due(start, &turns);
		receive_all(5);
	}
	drain();
	printf("{\"connections\":%u,\"broken\":%u,\"numbers\":%" PRIu64 ",\"longest_ms\":%" PRIu64
	       ",\"seconds\":%" PRIu64 "}\n", conns.n, conns.broken, conns.numbers,
	       conns.longest_ms, (now_ms() - start) / 1000);
}

int main(int argc, char **argv)
{
	static const struct option longs[] = { { "ready", required_argument, NULL, 'r' }, {} };
	struct group group[GROUPS] = {};
	const char *ready = NULL;
	unsigned int n = 0, i;
	int c;

	conns.interval_ms = 500;
	while ((c = getopt_long(argc, argv, "n:i:", longs, NULL)) != -1) {
		if (c == 'n')
			n = strtoul(optarg, NULL, 10);
		else if (c == 'i')
			conns.interval_ms = strtoul(optarg, NULL, 10);
		else if (c == 'r')
			ready = optarg;
		else
			break;
	}
	argc -= optind;
	argv += optind;
	if (c != -1 || !n || !conns.interval_ms || !argc || argc % GROUP_WORDS ||
	    argc > GROUPS * GROUP_WORDS) {
		fputs(usage, stderr);
		return 2;
	}
	signal(SIGTERM, on_signal);
	signal(SIGINT, on_signal);
	for (i = 0; i < (unsigned int)argc / GROUP_WORDS; i++)
		read_group(argv + i * GROUP_WORDS, &group[i]);
	open_all(group, argc / GROUP_WORDS, n);
	if (ready)
		make_file(ready);
	run();
	free(conns.conn);
	return conns.broken ? 1 : 0;
}
