// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* flow.c - flows of the kernel's table: asked for, and written */
#include <daemon/flow.h>

void flow_to_conn(const struct flow *flow, struct conn *ret_conn)
{
	if (flow->family)
		conn_from_flow6(&flow->flow6, ret_conn);
	else
		conn_from_flow4(&flow->flow4, ret_conn);
}

void flow_write(struct daemon *daemon, const struct flow *flow, const struct conn *conn, bool times,
		bool details, struct jsonw *w)
{
	const struct plan_conntrack *plan = daemon->running->plan.conntrack;
	const struct conn_about about = {
		.counts = plan && plan->flags & CONNTRACK_COUNT ? &flow->counts : NULL,
		.has_times = times,
		.expires_s = flow->expires_s,
		.age_s = flow->age_s,
		.details = details,
		.policy = plan && conn->policy < CONNTRACK_POLICIES ? plan->policy[conn->policy] :
								     NULL,
		.slot = flow->slot,
	};

	conn_write(conn, &about, w);
}

void flow_write_status(struct daemon *daemon, struct jsonw *w)
{
	struct flows *flows = install_flows(daemon->install);
	uint64_t taken, slots, bytes;
	unsigned int i;

	if (!flows_slots(flows)) {
		jsonw_null(w, "flows");
		return;
	}
	jsonw_array(w, "flows");
	for (i = 0; i < FLOWS_FAMILIES; i++) {
		flows_size(flows, i, &taken, &slots, &bytes);
		jsonw_object(w, NULL);
		jsonw_u64(w, "family", i ? 6 : 4);
		jsonw_u64(w, "taken", taken);
		jsonw_u64(w, "slots", slots);
		jsonw_u64(w, "memory_bytes", bytes);
		jsonw_object_end(w);
	}
	jsonw_array_end(w);
}

int flow_filter(struct daemon *daemon, const struct rpc_call *call, struct arena *arena,
		struct expr_rule *ret_filter, struct rpc_error *error)
{
	struct diags diags = { .arena = arena };

	if (!flows_slots(install_flows(daemon->install)))
		return rpc_fail(error, SHUNT_CLIENT_USAGE,
				"no flow table: no graph that is attached has a node of module 'conntrack'");
	if (conn_filter_parse(rpc_text_or(call, "filter", ""), "/filter", &diags, ret_filter) < 0)
		return rpc_fail_diags(error, &diags);
	return 0;
}
