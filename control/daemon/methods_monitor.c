// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* methods_monitor.c - method 'monitor': the connection becomes a stream of events */
#include <daemon/daemon.h>
#include <daemon/methods.h>
#include <daemon/monitor.h>
#include <daemon/stream.h>

int method_monitor(struct daemon *daemon, const struct rpc_call *call, struct jsonw *w,
		   struct rpc_error *error)
{
	const char *node = rpc_text_or(call, "node", NULL);
	struct err err = {};

	if (!call->peer->stream)
		return rpc_fail(error, RPC_NO_METHOD, "'monitor' needs a connection of its own");
	if (node && !method_node(daemon, node, error))
		return -1;
	if (monitor_add(daemon, call->peer->stream, node, &err) < 0)
		return rpc_fail_err(error, SHUNT_CLIENT_REFUSED, &err);
	return 0;
}
