/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* server.h - Unix sockets: clients, lines, limits */
#ifndef DAEMON_SERVER_H
#define DAEMON_SERVER_H

#include <stdbool.h>

#include <uv.h>

#include <base/err.h>

struct daemon;
struct server;

/**
 * server_new() - Listen
 * @path:	Socket; one left by a daemon that died is replaced
 * @read_only:	Mode 0666 and read methods alone; else 0660, group 'shunt' where it exists
 * Return: 0 or -errno
 */
int server_new(struct daemon *daemon, uv_loop_t *loop, const char *path, bool read_only,
	       struct server **ret_server, struct err *err);
/* Removes the socket; freed when the loop has closed it */
void server_close(struct server *server);

#endif
