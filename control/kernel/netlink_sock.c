// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* netlink_sock.c - an rtnetlink socket: either for events or for requests and their answers */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <netlink/msg.h>

#include <base/arena.h>
#include <base/file.h>
#include <kernel/netlink_sock.h>

#define EVENT_BYTES	(8 << 20)	/* wanted of an event socket; the kernel doubles it */
#define MESSAGE_BYTES	(256 << 10)	/* a datagram; 32 KiB but for links with many VFs */

static int sock_open(struct netlink_sock *sock, struct err *err)
{
	struct sockaddr_nl own = { .nl_family = AF_NETLINK };

	sock->buffer = malloc(MESSAGE_BYTES);
	if (!sock->buffer)
		arena_no_memory();
	sock->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (sock->fd < 0 || bind(sock->fd, (struct sockaddr *)&own, sizeof(own)) < 0)
		return err_set(err, -errno, "netlink socket");
	return 0;
}

int netlink_sock_open_requests(struct netlink_sock *sock, struct err *err)
{
	int on = 1, r;

	r = sock_open(sock, err);
	if (r == 0 && setsockopt(sock->fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on,
				 sizeof(on)) < 0)
		r = err_set(err, -errno, "strict netlink checking");
	return r;
}

/* Past the administrator's limit if we may, else up to it */
int netlink_sock_open_events(struct netlink_sock *sock, struct err *err)
{
	int bytes = EVENT_BYTES, r;

	r = sock_open(sock, err);
	if (r == 0 && setsockopt(sock->fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) < 0)
		setsockopt(sock->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	return r;
}

int netlink_sock_join(struct netlink_sock *sock, int group)
{
	int r = setsockopt(sock->fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group));

	return r < 0 ? -errno : 0;
}

void netlink_sock_close(struct netlink_sock *sock)
{
	fd_close(sock->fd);
	sock->fd = -1;
	free(sock->buffer);
	sock->buffer = NULL;
}

int netlink_sock_receive(struct netlink_sock *sock, int flags)
{
	struct iovec iov = { .iov_base = sock->buffer, .iov_len = MESSAGE_BYTES };
	struct sockaddr_nl from = {};
	struct msghdr msg = { .msg_name = &from, .msg_namelen = sizeof(from),
			      .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	do {
		n = recvmsg(sock->fd, &msg, flags);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (msg.msg_flags & MSG_TRUNC)
		return -EMSGSIZE;
	return from.nl_pid ? 0 : n;
}

struct nl_msg *netlink_sock_request(int type, int flags, const void *head, size_t len)
{
	struct nl_msg *msg = nlmsg_alloc_simple(type, NLM_F_REQUEST | flags);

	if (!msg || nlmsg_append(msg, (void *)head, len, NLMSG_ALIGNTO) < 0)
		arena_no_memory();
	return msg;
}

int netlink_sock_send(struct netlink_sock *sock, struct nl_msg *msg)
{
	struct nlmsghdr *head = nlmsg_hdr(msg);
	ssize_t n;

	head->nlmsg_seq = ++sock->seq;
	do {
		n = send(sock->fd, head, head->nlmsg_len, 0);
	} while (n < 0 && errno == EINTR);
	nlmsg_free(msg);
	return n < 0 ? -errno : 0;
}

/* A dump's end, an acknowledgement and an error carry an errno */
static int message_error(struct nlmsghdr *msg)
{
	int code = 0;

	if (nlmsg_datalen(msg) >= (int)sizeof(code))
		memcpy(&code, nlmsg_data(msg), sizeof(code));
	return code > 0 ? -EPROTO : code;
}

int netlink_sock_take(struct netlink_sock *sock, int flags, netlink_sock_fn *fn, void *arg,
		      bool *ret_interrupted)
{
	struct nlmsghdr *msg = (struct nlmsghdr *)sock->buffer;
	int len, r;

	len = netlink_sock_receive(sock, flags);
	if (len < 0)
		return len;
	for (; nlmsg_ok(msg, len); msg = nlmsg_next(msg, &len)) {
		if (msg->nlmsg_seq != sock->seq)
			continue;
		if (ret_interrupted && msg->nlmsg_flags & NLM_F_DUMP_INTR)
			*ret_interrupted = true;
		if (msg->nlmsg_type == NLMSG_DONE || msg->nlmsg_type == NLMSG_ERROR) {
			r = message_error(msg);
			return r < 0 ? r : 1;
		}
		r = fn(msg, arg);
		if (r < 0)
			return r;
	}
	return 0;
}

int netlink_sock_answer(struct netlink_sock *sock, netlink_sock_fn *fn, void *arg,
			bool *ret_interrupted)
{
	int r;

	do {
		r = netlink_sock_take(sock, 0, fn, arg, ret_interrupted);
	} while (r == 0);
	return r < 0 ? r : 0;
}
