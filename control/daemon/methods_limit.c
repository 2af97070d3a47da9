// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* methods_limit.c - what rules count of connections, and by which addresses */
#include <arpa/inet.h>
#include <inttypes.h>
#include <string.h>

#include <uv.h>

#include <base/buf.h>
#include <daemon/methods.h>
#include <kernel/flows.h>
#include <model/expr_print.h>

#define PAGE_MAX	4096		/* counts in an answer */
#define STEP_ENTRIES	65536		/* looked at between two looks at the clock */
#define STEP_NS		5000000		/* the daemon is not there for others for so long */

static const struct plan_limit *limit_find(const struct plan *plan, uint32_t id,
					   const struct plan_filter **ret_filter)
{
	unsigned int i, k;

	for (i = 0; i < plan->n_filters; i++)
		for (k = 0; k < plan->filter[i].n_limits; k++)
			if (plan->filter[i].limit[k].id == id) {
				*ret_filter = &plan->filter[i];
				return &plan->filter[i].limit[k];
			}
	return NULL;
}

static void write_prefix(const struct expr_statement *statement, const struct shunt_addr *addr,
			 struct jsonw *w)
{
	bool six = addr->v4_prefix[2] != htonl(0xffff) || addr->half[0];
	char text[INET6_ADDRSTRLEN];

	if (statement->per == EXPR_PER_RULE) {
		jsonw_null(w, "prefix");
		return;
	}
	inet_ntop(six ? AF_INET6 : AF_INET, six ? (const void *)addr : &addr->v4, text,
		  sizeof(text));
	jsonw_fmt(w, "prefix", "%s/%u", text, six ? statement->len6 : statement->len4);
}

/* Return: whether it is one of a rule that runs; flows of others are still counted, by no rule */
static bool write_count(const struct plan *plan, const char *node,
			const struct flows_counted *counted, struct jsonw *w)
{
	const struct plan_filter *filter;
	const struct plan_limit *limit = limit_find(plan, counted->limit, &filter);
	struct buf text = {};

	if (!limit || (node && strcmp(filter->node, node)))
		return false;
	expr_print_statement(limit->statement, &text);
	jsonw_object(w, NULL);
	jsonw_str(w, "node", filter->node);
	jsonw_fmt(w, "id", "%08x", limit->rule);
	jsonw_str(w, "limit", text.data);
	write_prefix(limit->statement, &counted->addr, w);
	jsonw_u64(w, "flows", counted->flows);
	jsonw_bool(w, "full", counted->flows >= limit->statement->amount);
	jsonw_object_end(w);
	buf_fini(&text);
	return true;
}

METHOD(filter_limits)
{
	const struct flows *flows = install_flows(daemon->install);
	const char *node = rpc_text_or(call, "node", NULL);
	uint64_t cursor, end = uv_hrtime() + STEP_NS;
	struct flows_counted counted;
	unsigned int n = 0;
	uint32_t at;
	int r;

	if (rpc_cursor(call, &cursor, error) < 0 || (node && !method_node(daemon, node, error)))
		return -1;
	at = cursor;
	jsonw_array(w, "counts");
	do {
		r = flows_counted_next(flows, &at, STEP_ENTRIES, &counted);
		if (r > 0)
			n += write_count(&daemon->running->plan, node, &counted, w);
	} while (r >= 0 && n < PAGE_MAX && uv_hrtime() < end);
	jsonw_array_end(w);
	jsonw_u64(w, "limited", flows_stat(flows, CONNTRACK_STAT_LIMITED));
	jsonw_u64(w, "limit_full", flows_stat(flows, CONNTRACK_STAT_LIMIT_FULL));
	if (r < 0)
		jsonw_null(w, "cursor");
	else
		jsonw_fmt(w, "cursor", "%" PRIu32, at);
	return 0;
}
