// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * probe_icmp.c - an echo request by ICMP or ICMPv6
 *
 * DOC: One 'ping socket' a family (SOCK_DGRAM, IPPROTO_ICMP), which needs no privilege where
 * net.ipv4.ping_group_range has our group. The kernel gives it its id and lets only answers to that
 * id through; the sequence number says which probe one belongs to, and it must come from its address.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>

#include <health/probe.h>

#define PROBES	65536			/* by sequence number */

struct probe {
	uv_timer_t timer;
	uint16_t seq;
	int error;			/* it could not be asked */
	const struct check *check;
	probe_done_fn *done;
	void *data;
};

static struct family {
	uv_poll_t poll;
	int fd;
	bool open;
	uint16_t next;
	struct probe **probe;
} families[2];

static struct family *family_of(const struct check *check)
{
	return &families[check->to.ss_family == AF_INET6];
}

static void closed(uv_handle_t *handle)
{
	free(handle->data);
}

static void cancel(struct probe *probe)
{
	family_of(probe->check)->probe[probe->seq] = NULL;
	uv_close((uv_handle_t *)&probe->timer, closed);
}

static void done(struct probe *probe, const char *why)
{
	cancel(probe);
	probe->done(probe->data, !why, why);
}

static void timed_out(uv_timer_t *timer)
{
	struct probe *probe = timer->data;

	done(probe, probe->error ? strerror(-probe->error) : "no answer in time");
}

static bool same_address(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	if (a->ss_family != b->ss_family)
		return false;
	if (a->ss_family == AF_INET6)
		return !memcmp(&((const struct sockaddr_in6 *)a)->sin6_addr,
			       &((const struct sockaddr_in6 *)b)->sin6_addr,
			       sizeof(struct in6_addr));
	return ((const struct sockaddr_in *)a)->sin_addr.s_addr ==
	       ((const struct sockaddr_in *)b)->sin_addr.s_addr;
}

static void answered(struct family *family, const uint8_t *bytes, ssize_t len,
		     const struct sockaddr_storage *from)
{
	uint8_t reply = from->ss_family == AF_INET6 ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY;
	struct probe *probe;
	uint16_t seq;

	if (len < 8 || bytes[0] != reply)
		return;
	memcpy(&seq, bytes + 6, sizeof(seq));
	probe = family->probe[ntohs(seq)];
	if (probe && same_address(from, &probe->check->to))
		done(probe, NULL);
}

static void ready(uv_poll_t *poll, int status, int events)
{
	struct family *family = poll->data;
	struct sockaddr_storage from;
	uint8_t bytes[256];
	socklen_t from_len;
	ssize_t len;

	for (;;) {
		from_len = sizeof(from);
		len = recvfrom(family->fd, bytes, sizeof(bytes), MSG_DONTWAIT, (void *)&from,
			       &from_len);
		if (len < 0)
			return;
		answered(family, bytes, len, &from);
	}
}

static int family_open(uv_loop_t *loop, struct family *family, bool six)
{
	if (family->open)
		return 0;
	family->fd = socket(six ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
			    six ? (int)IPPROTO_ICMPV6 : (int)IPPROTO_ICMP);
	if (family->fd < 0)
		return -errno;
	family->probe = calloc(PROBES, sizeof(*family->probe));
	if (!family->probe) {
		close(family->fd);
		return -ENOMEM;
	}
	uv_poll_init(loop, &family->poll, family->fd);
	family->poll.data = family;
	uv_poll_start(&family->poll, UV_READABLE, ready);
	family->open = true;
	return 0;
}

static void family_closed(uv_handle_t *handle)
{
	struct family *family = handle->data;

	close(family->fd);
	free(family->probe);
	family->probe = NULL;
}

void probe_icmp_fini(void)
{
	int i;

	for (i = 0; i < 2; i++) {
		if (families[i].open)
			uv_close((uv_handle_t *)&families[i].poll, family_closed);
		families[i].open = false;
	}
}

/* A number that no probe under way has. Return: false: they are all taken */
static bool take_seq(struct family *family, struct probe *probe)
{
	unsigned int tries;

	for (tries = 0; tries < PROBES; tries++) {
		probe->seq = family->next++;
		if (family->probe[probe->seq])
			continue;
		family->probe[probe->seq] = probe;
		return true;
	}
	return false;
}

static int ask(const struct family *family, const struct probe *probe)
{
	bool six = probe->check->to.ss_family == AF_INET6;
	uint8_t bytes[8 + 16] = { six ? ICMP6_ECHO_REQUEST : ICMP_ECHO };
	uint16_t seq = htons(probe->seq);

	memcpy(bytes + 6, &seq, sizeof(seq));	/* the kernel fills in checksum and id */
	if (sendto(family->fd, bytes, sizeof(bytes), 0, (const void *)&probe->check->to,
		   probe->check->to_len) < 0)
		return -errno;
	return 0;
}

static int start(uv_loop_t *loop, const struct check *check, probe_done_fn *done_fn, void *data,
		 struct probe **ret_probe)
{
	struct family *family = family_of(check);
	int r = family_open(loop, family, check->to.ss_family == AF_INET6);
	struct probe *probe;

	if (r < 0)
		return r;
	probe = calloc(1, sizeof(*probe));
	if (!probe)
		return -ENOMEM;
	if (!take_seq(family, probe)) {
		free(probe);
		return -EBUSY;
	}
	probe->check = check;
	probe->done = done_fn;
	probe->data = data;
	uv_timer_init(loop, &probe->timer);
	probe->timer.data = probe;
	probe->error = ask(family, probe);
	uv_timer_start(&probe->timer, timed_out, probe->error ? 0 : check->timeout_ms, 0);
	*ret_probe = probe;
	return 0;
}

const struct probe_ops probe_icmp = { .start = start, .cancel = cancel };
