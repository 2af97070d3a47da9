// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * tool_load.c - as much as goes, by one process: what tests/bench/nat_live and lb_live measure
 *
 *	load serve PORT			takes connections, ends them; sends datagrams back
 *	load tcp ADDR PORT SECONDS	connects and resets, one after the other; prints how many
 *	load answer PORT		takes connections, one after the other; a byte for a byte
 *	load ask ADDR PORT SECONDS	connects, sends a byte, gets one, resets; prints how many
 *					a second, how many in all, and ns that it has run for
 *	load udp ADDR PORT FLOWS COUNT	datagrams of flows in turn (source ports from 10000 on);
 *					prints the ns that they took by the clock
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BATCH		64
#define PORT_FIRST	10000
#define FLOWS_MAX	50000

/* A UDP header and what it carries. Without a checksum: IPv4 has it at will */
struct datagram {
	uint16_t sport, dport, len, check;
	uint8_t data[18];
};

static void die(const char *what)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static uint64_t now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

static int socket_new(int type, int proto)
{
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, proto);

	if (fd < 0)
		die("socket");
	return fd;
}

static struct sockaddr_in address(const char *addr, unsigned int port)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };

	if (inet_pton(AF_INET, addr, &in.sin_addr) != 1)
		die(addr);
	return in;
}

/* Close by a reset: neither end keeps the connection */
static void hang_up(int fd)
{
	const struct linger linger = { .l_onoff = 1 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	close(fd);
}

static void serve(unsigned int port)
{
	struct sockaddr_in any = address("0.0.0.0", port), from;
	struct pollfd poll_fd[2] = {
		{ .fd = socket_new(SOCK_STREAM | SOCK_NONBLOCK, 0), .events = POLLIN },
		{ .fd = socket_new(SOCK_DGRAM | SOCK_NONBLOCK, 0), .events = POLLIN },
	};
	socklen_t len = sizeof(from);
	char data[64];
	ssize_t n;
	int i, fd;

	for (i = 0; i < 2; i++)
		if (bind(poll_fd[i].fd, (struct sockaddr *)&any, sizeof(any)) < 0)
			die("bind");
	if (listen(poll_fd[0].fd, 4096) < 0)
		die("listen");
	while (poll(poll_fd, 2, -1) >= 0) {
		while ((fd = accept(poll_fd[0].fd, NULL, NULL)) >= 0)
			hang_up(fd);
		while ((n = recvfrom(poll_fd[1].fd, data, sizeof(data), 0,
				     (struct sockaddr *)&from, &len)) >= 0)
			sendto(poll_fd[1].fd, data, n, 0, (struct sockaddr *)&from, len);
	}
	die("poll");
}

/* Until the other end has closed: who connects is who resets, so nothing waits in TIME_WAIT */
static void answer(unsigned int port)
{
	struct sockaddr_in any = address("0.0.0.0", port);
	int listener = socket_new(SOCK_STREAM, 0), one = 1, fd;
	char byte;

	if (bind(listener, (struct sockaddr *)&any, sizeof(any)) < 0 || listen(listener, 4096) < 0)
		die("listen");
	while ((fd = accept(listener, NULL, NULL)) >= 0) {
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		while (read(fd, &byte, 1) == 1)
			if (write(fd, &byte, 1) != 1)
				break;
		hang_up(fd);
	}
	die("accept");
}

static void ask(const struct sockaddr_in *to, double seconds)
{
	uint64_t start = now_ns(), end = start + seconds * 1e9;
	unsigned int n = 0;
	char byte = 'x';
	int fd;

	for (; now_ns() < end; n++) {
		fd = socket_new(SOCK_STREAM, 0);
		if (connect(fd, (const struct sockaddr *)to, sizeof(*to)) < 0)
			die("connect");
		if (write(fd, &byte, 1) != 1 || read(fd, &byte, 1) != 1)
			die("no answer");
		hang_up(fd);
	}
	printf("%.0f %u %llu\n", n * 1e9 / (now_ns() - start), n,
	       (unsigned long long)clock_ns(CLOCK_PROCESS_CPUTIME_ID));
}

static void tcp(const struct sockaddr_in *to, double seconds)
{
	uint64_t start = now_ns(), end = start + seconds * 1e9;
	unsigned int n = 0;
	int fd;

	for (; now_ns() < end; n++) {
		fd = socket_new(SOCK_STREAM, 0);
		if (connect(fd, (const struct sockaddr *)to, sizeof(*to)) < 0)
			die("connect");
		hang_up(fd);
	}
	printf("%.0f\n", n * 1e9 / (now_ns() - start));
}

static void udp(struct sockaddr_in *to, unsigned int flows, unsigned int count)
{
	static struct datagram datagram[BATCH];
	static struct mmsghdr message[BATCH];
	static struct iovec part[BATCH];
	int fd = socket_new(SOCK_RAW, IPPROTO_UDP), size = 1 << 24;
	unsigned int i, at = 0, sent;
	uint64_t start;

	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	for (i = 0; i < BATCH; i++) {
		datagram[i] = (struct datagram){ .dport = to->sin_port,
						 .len = htons(sizeof(datagram[i])) };
		part[i] = (struct iovec){ &datagram[i], sizeof(datagram[i]) };
		message[i].msg_hdr = (struct msghdr){ .msg_name = to, .msg_namelen = sizeof(*to),
						      .msg_iov = &part[i], .msg_iovlen = 1 };
	}
	to->sin_port = 0;		/* of a raw socket: none */
	start = now_ns();
	for (sent = 0; sent < count; sent += BATCH) {
		for (i = 0; i < BATCH; i++, at = (at + 1) % flows)
			datagram[i].sport = htons(PORT_FIRST + at);
		if (sendmmsg(fd, message, BATCH, 0) != BATCH)
			die("send");
	}
	printf("%.1f\n", (double)(now_ns() - start) / sent);
}

int main(int argc, char **argv)
{
	struct sockaddr_in to;

	if (argc == 3 && !strcmp(argv[1], "serve"))
		serve(atoi(argv[2]));
	if (argc == 3 && !strcmp(argv[1], "answer"))
		answer(atoi(argv[2]));
	if (argc < 5) {
		fprintf(stderr, "usage: load serve|answer PORT | tcp|ask ADDR PORT SECONDS | "
			"udp ADDR PORT FLOWS COUNT\n");
		return 2;
	}
	to = address(argv[2], atoi(argv[3]));
	if (!strcmp(argv[1], "tcp"))
		tcp(&to, atof(argv[4]));
	else if (!strcmp(argv[1], "ask"))
		ask(&to, atof(argv[4]));
	else if (argc == 6 && atoi(argv[4]) > 0 && atoi(argv[4]) <= FLOWS_MAX)
		udp(&to, atoi(argv[4]), atoi(argv[5]));
	return 0;
}
