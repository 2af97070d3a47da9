/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* rpc.h - JSON-RPC 2.0: one line in, one line out; methods are in one table */
#ifndef DAEMON_RPC_H
#define DAEMON_RPC_H

#include <stdbool.h>
#include <sys/types.h>

#include <jansson.h>

#include <base/buf.h>
#include <base/diag.h>
#include <base/err.h>
#include <base/jsonw.h>
#include <shunt/client.h>

struct daemon;
struct stream;

#define RPC_PARSE_ERROR		(-32700)
#define RPC_INVALID_REQUEST	(-32600)
#define RPC_NO_METHOD		(-32601)
#define RPC_BAD_PARAMS		(-32602)

/* Who may call a method */
#define RPC_READ	0x1	/* on the read-only socket too */
#define RPC_OFFLINE	0x2	/* without a kernel state: shuntd --offline */

struct rpc_peer {
	pid_t pid;
	uid_t uid;
	gid_t gid;
	bool read_only;
	bool offline;
	struct stream *stream;		/* of its connection; NULL: takes no notifications */
};

struct rpc_call {
	const struct rpc_peer *peer;
	const char *method;
	json_t *params;			/* object; borrowed */
};

/* Filled by a handler that fails; the answer is made from it */
struct rpc_error {
	int code;			/* SHUNT_CLIENT_* or RPC_* */
	struct buf message;
	struct buf findings;		/* JSON array, or empty */
};

/* Writes members of the result object into @w. Return: 0, or -1 with @error filled */
typedef int (*rpc_handler)(struct daemon *daemon, const struct rpc_call *call, struct jsonw *w,
			   struct rpc_error *error);

struct rpc_method {
	const char *name;
	unsigned int flags;
	rpc_handler handler;
	const char *params[8];		/* names allowed */
};

extern const struct rpc_method rpc_methods[];	/* methods.c; ends with a NULL name */

/* One request line (no newline) to one answer line (with a newline) */
void rpc_serve(struct daemon *daemon, const struct rpc_peer *peer, const char *line, size_t len,
	       struct buf *answer);

/* For handlers; all return -1 */
int rpc_fail(struct rpc_error *error, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
int rpc_fail_err(struct rpc_error *error, int code, const struct err *err);
int rpc_fail_diags(struct rpc_error *error, const struct diags *diags);
void rpc_findings(struct jsonw *w, const char *key, const struct diags *diags);

/* Parameters. Return: 0; -1: absent or of the wrong type, @error filled */
int rpc_text(const struct rpc_call *call, const char *name, const char **ret_text,
	     struct rpc_error *error);
/* Where a walk goes on that one answer does not end; 0 if it says nothing */
int rpc_cursor(const struct rpc_call *call, uint64_t *ret_cursor, struct rpc_error *error);
const char *rpc_text_or(const struct rpc_call *call, const char *name, const char *otherwise);
json_int_t rpc_number_or(const struct rpc_call *call, const char *name, json_int_t otherwise);
bool rpc_flag(const struct rpc_call *call, const char *name);
/* A list of texts: heap array of borrowed strings, ends with NULL; the caller frees the array */
int rpc_words(const struct rpc_call *call, const char *name, const char ***ret_word,
	      unsigned int *ret_n, struct rpc_error *error);

#endif
