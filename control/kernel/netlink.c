// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * netlink.c - rtnetlink: fills the mirror of links and addresses and keeps it
 *
 * DOC: libnl makes sockets, messages and attributes; messages are received
 * here, because libnl reports an overrun (ENOBUFS) as if memory was short.
 *
 * A resync dumps into a fresh table and takes the place of the old one only
 * when the dump was whole: mark and sweep in one step. Events that were queued
 * while it ran are applied after it; the last one of a link is its state, so it
 * does no harm that the dump knew already.
 *
 * What the kernel does not tell: when one end of a veth pair is made, moves to
 * another namespace or comes back, nothing is said of the other end, which is
 * asked for then (pairs_repair()). An XDP program that is attached by a link, or
 * to an interface that is down, makes no event either: xdp_prog and xdp_mode are
 * those of the interface's last event or of the last resync.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>

#include <base/arena.h>
#include <kernel/netlink.h>
#include <kernel/netlink_apply.h>

#define EVENT_BYTES	(8 << 20)	/* wanted of the event socket; the kernel doubles it */
#define MESSAGE_BYTES	(256 << 10)	/* a datagram; 32 KiB but for links with many VFs */
#define DUMPS_MAX	5		/* interrupted ones in a row */
#define DATAGRAMS_MAX	4096		/* of one netlink_process(): the loop has other work too */

struct netlink {
	struct nl_sock *event, *dump;
	struct mirror mirror;
	struct netlink_stats stats;
	uint32_t seq;
	char *buffer;
	bool pairs_doubtful;		/* a link came or went since pairs_repair() */
};

/* ---- sockets ----------------------------------------------------------------------------- */
static int sock_new(struct nl_sock **ret_sock, struct err *err)
{
	struct nl_sock *sock = nl_socket_alloc();
	int r;

	if (!sock)
		arena_no_memory();
	r = nl_connect(sock, NETLINK_ROUTE);
	if (r < 0) {
		nl_socket_free(sock);
		return err_set(err, -ENOTCONN, "netlink socket: %s.", nl_geterror(r));
	}
	*ret_sock = sock;
	return 0;
}

/* Past the administrator's limit if we may, else up to it */
static void set_event_bytes(int fd)
{
	int bytes = EVENT_BYTES;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
}

static int open_event(struct netlink *netlink, struct err *err)
{
	int r;

	r = sock_new(&netlink->event, err);
	if (r < 0)
		return r;
	set_event_bytes(nl_socket_get_fd(netlink->event));
	r = nl_socket_add_memberships(netlink->event, RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR,
				      RTNLGRP_IPV6_IFADDR, 0);
	if (r < 0)
		return err_set(err, -EPERM, "subscribe to events of links and addresses: %s.",
			       nl_geterror(r));
	return 0;
}

/* Strict: the kernel refuses a request that it would otherwise half understand. Since Linux 4.20 */
static int open_dump(struct netlink *netlink, struct err *err)
{
	int on = 1, r;

	r = sock_new(&netlink->dump, err);
	if (r < 0)
		return r;
	if (setsockopt(nl_socket_get_fd(netlink->dump), SOL_NETLINK, NETLINK_GET_STRICT_CHK,
		       &on, sizeof(on)) < 0)
		return err_set(err, -errno, "strict netlink checking");
	return 0;
}

/*
 * One datagram of the kernel's. Return: bytes; 0: from somebody else, to be
 * ignored; -EAGAIN: none; -ENOBUFS: some were lost; -EMSGSIZE: cut; -errno
 */
static int receive(struct netlink *netlink, struct nl_sock *sock, int flags)
{
	struct iovec iov = { .iov_base = netlink->buffer, .iov_len = MESSAGE_BYTES };
	struct sockaddr_nl from = {};
	struct msghdr msg = { .msg_name = &from, .msg_namelen = sizeof(from),
			      .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	do {
		n = recvmsg(nl_socket_get_fd(sock), &msg, flags);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (msg.msg_flags & MSG_TRUNC)
		return -EMSGSIZE;
	return from.nl_pid ? 0 : n;
}

/* ---- requests ---------------------------------------------------------------------------- */
static int send_message(struct netlink *netlink, struct nl_msg *msg, struct err *err)
{
	int r;

	nlmsg_hdr(msg)->nlmsg_seq = ++netlink->seq;
	nlmsg_hdr(msg)->nlmsg_pid = nl_socket_get_local_port(netlink->dump);
	r = nl_send(netlink->dump, msg);
	nlmsg_free(msg);
	return r < 0 ? err_set(err, -EIO, "ask for links and addresses: %s.", nl_geterror(r)) : 0;
}

/* @ifindex: 0: all links. An answer that is no dump ends with its acknowledgement */
static int send_link_request(struct netlink *netlink, uint32_t ifindex, struct err *err)
{
	struct ifinfomsg info = { .ifi_family = AF_UNSPEC, .ifi_index = ifindex };
	struct nl_msg *msg;

	msg = nlmsg_alloc_simple(RTM_GETLINK, NLM_F_REQUEST | (ifindex ? NLM_F_ACK : NLM_F_DUMP));
	if (!msg || nlmsg_append(msg, &info, sizeof(info), NLMSG_ALIGNTO) < 0 ||
	    nla_put_u32(msg, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS) < 0)
		arena_no_memory();
	return send_message(netlink, msg, err);
}

static int send_addr_request(struct netlink *netlink, struct err *err)
{
	struct ifaddrmsg info = { .ifa_family = AF_UNSPEC };
	struct nl_msg *msg;

	msg = nlmsg_alloc_simple(RTM_GETADDR, NLM_F_REQUEST | NLM_F_DUMP);
	if (!msg || nlmsg_append(msg, &info, sizeof(info), NLMSG_ALIGNTO) < 0)
		arena_no_memory();
	return send_message(netlink, msg, err);
}

/* A dump's end, an acknowledgement and an error carry an errno */
static int message_error(struct nlmsghdr *msg)
{
	int code = 0;

	if (nlmsg_datalen(msg) >= (int)sizeof(code))
		memcpy(&code, nlmsg_data(msg), sizeof(code));
	return code > 0 ? -EPROTO : code;
}

/* Return: 0: more follows; 1: the end; -errno. What an earlier request left over is passed by */
static int take_answer(struct netlink *netlink, int len, struct mirror *mirror,
		       bool *interrupted, bool *changed)
{
	struct nlmsghdr *msg = (struct nlmsghdr *)netlink->buffer;
	int r;

	for (; nlmsg_ok(msg, len); msg = nlmsg_next(msg, &len)) {
		if (msg->nlmsg_seq != netlink->seq)
			continue;
		if (msg->nlmsg_flags & NLM_F_DUMP_INTR)
			*interrupted = true;
		if (msg->nlmsg_type == NLMSG_DONE || msg->nlmsg_type == NLMSG_ERROR) {
			r = message_error(msg);
			return r < 0 ? r : 1;
		}
		r = netlink_apply(mirror, msg, changed);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Return: 0; -EAGAIN: interrupted, may lack some; -ENODEV: no such link; -errno */
static int take_answers(struct netlink *netlink, struct mirror *mirror, bool *ret_changed,
			struct err *err)
{
	bool interrupted = false;
	int n, r;

	do {
		n = receive(netlink, netlink->dump, 0);
		r = n < 0 ? n : take_answer(netlink, n, mirror, &interrupted, ret_changed);
	} while (r == 0);
	if (r < 0)
		return err_set(err, r, "ask for links and addresses");
	if (interrupted)
		return err_set(err, -EAGAIN, "links or addresses changed while they were dumped.");
	return 0;
}

static int ask_links(struct netlink *netlink, uint32_t ifindex, struct mirror *mirror,
		     bool *ret_changed, struct err *err)
{
	int r = send_link_request(netlink, ifindex, err);

	return r < 0 ? r : take_answers(netlink, mirror, ret_changed, err);
}

static int ask_addrs(struct netlink *netlink, struct mirror *mirror, bool *ret_changed,
		     struct err *err)
{
	int r = send_addr_request(netlink, err);

	return r < 0 ? r : take_answers(netlink, mirror, ret_changed, err);
}

static bool mirrors_differ(const struct mirror *a, const struct mirror *b)
{
	const struct link_table *la = &a->links, *lb = &b->links;

	return la->n != lb->n || !addr_table_equal(&a->addrs, &b->addrs) ||
	       (la->n && memcmp(la->link, lb->link, la->n * sizeof(*la->link)));
}

static void mirror_fini(struct mirror *mirror)
{
	link_table_fini(&mirror->links);
	addr_table_fini(&mirror->addrs);
}

static int resync(struct netlink *netlink, bool *ret_changed, struct err *err)
{
	struct mirror fresh = {};
	bool added = false;
	int r = -EAGAIN;

	netlink->stats.resyncs++;
	for (int i = 0; r == -EAGAIN && i < DUMPS_MAX; i++) {
		mirror_fini(&fresh);
		fresh.addrs.dumping = true;
		r = ask_links(netlink, 0, &fresh, &added, err);
		if (r == 0)
			r = ask_addrs(netlink, &fresh, &added, err);
		if (r == -EAGAIN)
			netlink->stats.interrupted++;
	}
	netlink->stats.stale = r < 0;
	if (r < 0) {
		mirror_fini(&fresh);
		return r;
	}
	if (mirrors_differ(&netlink->mirror, &fresh))
		*ret_changed = true;
	mirror_fini(&netlink->mirror);
	netlink->mirror = fresh;
	netlink->mirror.addrs.dumping = false;
	return 0;
}

int netlink_resync(struct netlink *netlink, struct err *err)
{
	bool changed = false;

	return resync(netlink, &changed, err);
}

/* ---- events ------------------------------------------------------------------------------ */
static int take_events(struct netlink *netlink, int len, bool *ret_changed)
{
	struct nlmsghdr *msg = (struct nlmsghdr *)netlink->buffer;
	bool changed = false;
	int r;

	for (; nlmsg_ok(msg, len); msg = nlmsg_next(msg, &len)) {
		netlink->stats.events++;
		r = netlink_apply(&netlink->mirror, msg, &changed);
		if (r < 0)
			return r;
	}
	netlink->pairs_doubtful |= changed;
	*ret_changed |= changed;
	return 0;
}

static bool is_pair(const struct link *link)
{
	return link->peer && (!strcmp(link->kind, "veth") || !strcmp(link->kind, "netkit"));
}

/* Ask for those ends whose other end is not here, or does not say the same of the pair */
static int pairs_repair(struct netlink *netlink, bool *ret_changed, struct err *err)
{
	struct link_table *links = &netlink->mirror.links;
	int r = 0;

	netlink->pairs_doubtful = false;
	for (unsigned int i = 0; r == 0 && i < links->n; i++) {
		const struct link *link = &links->link[i], *other;
		uint32_t ifindex = link->ifindex;

		if (!is_pair(link) || link->peer_netns != -1)
			continue;
		other = link_find(links, link->peer);
		if (other && other->peer == ifindex && other->peer_netns == -1)
			continue;
		r = ask_links(netlink, other ? other->ifindex : ifindex, &netlink->mirror,
			      ret_changed, err);
		if (r == -ENODEV)	/* its end is in the events to come */
			r = 0;
	}
	return r;
}

/* What is queued is older than the dump that follows. Another overrun meanwhile is no news */
static void drain(struct netlink *netlink)
{
	int n;

	for (int i = 0; i < DATAGRAMS_MAX; i++) {
		n = receive(netlink, netlink->event, MSG_DONTWAIT);
		if (n < 0 && n != -ENOBUFS && n != -EMSGSIZE)
			return;
	}
}

int netlink_process(struct netlink *netlink, bool *ret_changed, struct err *err)
{
	bool changed = false;
	int n, r = 0;

	for (int i = 0; r == 0 && i < DATAGRAMS_MAX; i++) {
		n = receive(netlink, netlink->event, MSG_DONTWAIT);
		if (n == -EAGAIN)
			break;
		if (n < 0 && n != -ENOBUFS && n != -EMSGSIZE)
			return err_set(err, n, "read events of links and addresses");
		if (n >= 0 && take_events(netlink, n, &changed) == 0)
			continue;
		netlink->stats.overruns++;
		drain(netlink);
		r = resync(netlink, &changed, err);
	}
	if (r == 0 && netlink->pairs_doubtful)
		r = pairs_repair(netlink, &changed, err);
	*ret_changed = changed;
	return r;
}

/* ---- the rest ---------------------------------------------------------------------------- */
int netlink_new(struct netlink **ret_netlink, struct err *err)
{
	struct netlink *netlink = calloc(1, sizeof(*netlink));
	int r;

	if (!netlink)
		arena_no_memory();
	netlink->buffer = malloc(MESSAGE_BYTES);
	if (!netlink->buffer)
		arena_no_memory();
	r = open_event(netlink, err);
	if (r == 0)
		r = open_dump(netlink, err);
	if (r == 0)
		r = netlink_resync(netlink, err);
	if (r < 0) {
		netlink_free(netlink);
		return r;
	}
	*ret_netlink = netlink;
	return 0;
}

void netlink_free(struct netlink *netlink)
{
	if (!netlink)
		return;
	nl_socket_free(netlink->event);
	nl_socket_free(netlink->dump);
	mirror_fini(&netlink->mirror);
	free(netlink->buffer);
	free(netlink);
}

int netlink_fd(const struct netlink *netlink)
{
	return nl_socket_get_fd(netlink->event);
}

const struct link_table *netlink_links(const struct netlink *netlink)
{
	return &netlink->mirror.links;
}

const struct addr_table *netlink_addrs(const struct netlink *netlink)
{
	return &netlink->mirror.addrs;
}

void netlink_stats(const struct netlink *netlink, struct netlink_stats *ret_stats)
{
	*ret_stats = netlink->stats;
}
