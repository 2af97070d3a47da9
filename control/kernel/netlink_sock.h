/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * netlink_sock.h - an rtnetlink socket: either for events or for requests and their answers
 *
 * DOC: libnl makes messages; they are sent and received here, because libnl reports an overrun (ENOBUFS)
 * as if memory was short. A socket for requests is strict: the kernel refuses what it would otherwise half
 * understand (since Linux 4.20). The kernel answers before send() returns, so that reading blocks for nothing.
 */
#ifndef KERNEL_NETLINK_SOCK_H
#define KERNEL_NETLINK_SOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/netlink.h>

#include <base/err.h>

struct nl_msg;

struct netlink_sock {
	int fd;				/* -1: closed */
	uint32_t seq;			/* of the last request */
	char *buffer;
};
#define NETLINK_SOCK_CLOSED { .fd = -1 }

/* Return: 0 or -errno; @sock is to be closed in either case */
int netlink_sock_open_requests(struct netlink_sock *sock, struct err *err);
int netlink_sock_open_events(struct netlink_sock *sock, struct err *err);
/* @group: RTNLGRP_*. Return: 0; -EINVAL: this kernel has no such group; -errno */
int netlink_sock_join(struct netlink_sock *sock, int group);
void netlink_sock_close(struct netlink_sock *sock);

/**
 * netlink_sock_receive() - One datagram into the buffer
 * @flags: MSG_DONTWAIT or 0
 * Return: bytes; 0: from somebody else, to be ignored; -EAGAIN: none; -ENOBUFS: some were lost;
 * -EMSGSIZE: it was cut; -errno
 */
int netlink_sock_receive(struct netlink_sock *sock, int flags);

/* @head: of the message's type, e.g. struct rtmsg. Never NULL */
struct nl_msg *netlink_sock_request(int type, int flags, const void *head, size_t len);
/* Frees @msg. Return: 0 or -errno */
int netlink_sock_send(struct netlink_sock *sock, struct nl_msg *msg);

typedef int netlink_sock_fn(struct nlmsghdr *msg, void *arg);	/* Return: 0; -errno: go no further */

/**
 * netlink_sock_take() - One datagram of the answer to the last request; what others left over is passed by
 * @ret_interrupted: set to true if tables changed meanwhile, so that the dump may lack some; may be NULL
 * Return: 0: more follows; 1: that was the end; -EAGAIN: none there yet; -errno: of the socket, of @fn or the
 * kernel's answer
 */
int netlink_sock_take(struct netlink_sock *sock, int flags, netlink_sock_fn *fn, void *arg,
		      bool *ret_interrupted);
/* All of it. Return: 0 or -errno */
int netlink_sock_answer(struct netlink_sock *sock, netlink_sock_fn *fn, void *arg,
			bool *ret_interrupted);

#endif
