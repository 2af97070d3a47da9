/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * client.h - talk to shuntd (docs/api.md)
 *
 * DOC: JSON-RPC 2.0, one line a message, over a Unix socket. One call at a
 * time on a client; a client is not for several threads at once. Methods,
 * parameters and results are in docs/api.md; both are passed as JSON text.
 */
#ifndef SHUNT_CLIENT_H
#define SHUNT_CLIENT_H

#define SHUNT_CLIENT_SOCKET		"/run/shunt/shuntd.sock"	/* changes and reads */
#define SHUNT_CLIENT_SOCKET_READ	"/run/shunt/shuntd-ro.sock"	/* reads only */

/* error.code of an answer; also exit statuses of the command 'shunt' */
#define SHUNT_CLIENT_USAGE		2	/* bad method or parameters */
#define SHUNT_CLIENT_INVALID		3	/* wrong configuration: see error.data.errors */
#define SHUNT_CLIENT_REFUSED		4	/* refused by the kernel, netlink or disk */
#define SHUNT_CLIENT_UNREACHABLE	5	/* no daemon there (made by the client) */
#define SHUNT_CLIENT_TIMEOUT		124	/* no answer in time (made by the client) */

struct shunt_client;

/**
 * shunt_client_open() - Connect
 * @socket_path: of the daemon
 * @timeout_ms:	For connecting and for each call; 0: none
 * Return: 0 or -errno (-ECONNREFUSED, -ENOENT: no daemon there; -EACCES: not in its group)
 */
int shunt_client_open(const char *socket_path, unsigned int timeout_ms,
		      struct shunt_client **ret_client);

/**
 * shunt_client_open_offline() - The same methods without a daemon, with the caller's rights
 * Starts '@shuntd --offline' as a child: check, module.list, module.inspect and version alone.
 */
int shunt_client_open_offline(const char *shuntd, unsigned int timeout_ms,
			      struct shunt_client **ret_client);
void shunt_client_close(struct shunt_client *client);	/* NULL is fine */

/**
 * shunt_client_call() - One request and its answer
 * @params:	JSON object, or NULL
 * @ret_answer:	JSON text of the result (return 0) or of the error object (return > 0); the
 *		caller frees it with free(); NULL when there is none
 * Return: 0; > 0: error.code of the answer (JSON-RPC's negative ones become SHUNT_CLIENT_USAGE);
 *	   -errno: the connection is of no more use (-ETIMEDOUT, -ECONNRESET, -EBADMSG)
 */
int shunt_client_call(struct shunt_client *client, const char *method, const char *params,
		      char **ret_answer);

/**
 * shunt_client_stream() - A request after whose answer the daemon goes on to tell: 'monitor'
 * Same as shunt_client_call(); then shunt_client_next() alone is of use.
 */
int shunt_client_stream(struct shunt_client *client, const char *method, const char *params,
			char **ret_answer);

/**
 * shunt_client_next() - What the daemon tells next
 * @timeout_ms:	How long to wait for it; 0: for ever
 * @ret_line:	JSON text of the notification; the caller frees it with free()
 * Return: 0; -ETIMEDOUT: nothing yet; -EINTR: a signal came; another -errno: no more use
 */
int shunt_client_next(struct shunt_client *client, unsigned int timeout_ms, char **ret_line);

#endif
