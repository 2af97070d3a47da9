// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * methods_nat.c - what rules give flows, and how many flows have it
 *
 * DOC: A flow's entry has its ends as they are outside, not the rule that said so. So a flow is
 * counted for each translation that could have given it its address and port: for two that overlap,
 * twice.
 * As with conn.count, one call counts for STEP_NS, and answers where the next one is to begin.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <base/file.h>
#include <daemon/flow.h>
#include <daemon/methods.h>
#include <kernel/nat.h>

#define STEP_NS		5000000
#define STEP_SLOTS	1024

struct tally {
	const struct plan *plan;
	struct nat_addrs link[NAT_LINKS];	/* what masquerade gives, by interface */
	uint32_t ifindex[NAT_LINKS];
	unsigned int n_links;
	uint64_t *flows;			/* by index in plan->nat */
};

/* ---- whether a flow has what a translation gives ------------------------------------------- */

struct outside {			/* an end of a flow */
	struct shunt_addr addr;
	uint16_t port;
	uint8_t l3, proto;
};

static struct outside outside_of(const struct flow *flow, unsigned int end)
{
	struct outside outside = { .l3 = flow->family ? 6 : 4 };

	if (flow->family) {
		outside.addr = flow->flow6.nat_addr[end];
		outside.port = ntohs(flow->flow6.nat_port[end]);
		outside.proto = flow->flow6.key.proto;
	} else {
		outside.addr = (struct shunt_addr){ .v4_prefix = { 0, 0, htonl(0xffff) },
						    .v4 = flow->flow4.nat_addr[end] };
		outside.port = ntohs(flow->flow4.nat_port[end]);
		outside.proto = flow->flow4.key.proto;
	}
	return outside;
}

static bool in_prefix(const struct shunt_addr *prefix, unsigned int len,
		      const struct shunt_addr *addr)
{
	uint32_t mask;
	unsigned int i;

	for (i = 0; i < 4 && len; i++, len -= len < 32 ? len : 32) {
		mask = len >= 32 ? UINT32_MAX : ~(UINT32_MAX >> len);
		if ((ntohl(prefix->word[i]) ^ ntohl(addr->word[i])) & mask)
			return false;
	}
	return true;
}

static bool of_a_link(const struct tally *tally, const struct outside *outside)
{
	const struct shunt_addr *addr;
	unsigned int i;

	for (i = 0; i < tally->n_links; i++) {
		addr = outside->l3 == 6 ? &tally->link[i].addr6 : &tally->link[i].addr4;
		if (!memcmp(addr, &outside->addr, sizeof(*addr)))
			return true;
	}
	return false;
}

static bool gives(const struct tally *tally, const struct nat_rule *rule,
		  const struct outside *outside)
{
	bool ports = outside->proto == IPPROTO_TCP || outside->proto == IPPROTO_UDP;

	if (rule->flags & NAT_PORTS && ports &&
	    (outside->port < rule->port_first || outside->port > rule->port_last))
		return false;
	if (rule->kind == NAT_MASQUERADE)
		return of_a_link(tally, outside);
	if (rule->l3 != outside->l3)
		return false;
	if (rule->kind == NAT_PREFIX)
		return in_prefix(&rule->first, rule->len + (rule->l3 == 4 ? 96 : 0),
				 &outside->addr);
	return memcmp(&rule->first, &outside->addr, sizeof(outside->addr)) <= 0 &&
	       memcmp(&outside->addr, &rule->last, sizeof(outside->addr)) <= 0;
}

static bool is_dnat(const struct plan_nat *nat)
{
	return *nat->text == 'd';
}

static void count_flow(struct tally *tally, const struct flow *flow)
{
	uint64_t flags = flow->flow.life >> CONNTRACK_FLAGS_SHIFT;
	struct outside end[2];
	unsigned int i;

	if (!(flags & (CONNTRACK_SNAT | CONNTRACK_DNAT)))
		return;
	end[0] = outside_of(flow, 0);
	end[1] = outside_of(flow, 1);
	for (i = 0; i < tally->plan->n_nat; i++) {
		const struct plan_nat *nat = &tally->plan->nat[i];

		if (flags & (is_dnat(nat) ? CONNTRACK_DNAT : CONNTRACK_SNAT))
			tally->flows[i] += gives(tally, &nat->rule, &end[is_dnat(nat)]);
	}
}

/* Return: whether that was the end */
static bool count_flows(struct daemon *daemon, struct tally *tally, uint64_t *cursor)
{
	const struct flows *flows = install_flows(daemon->install);
	uint64_t end = uv_hrtime() + STEP_NS;
	struct flow flow;
	int r;

	if (!tally->plan->n_nat || !flows_slots(flows))
		return true;
	do {
		r = flows_next(flows, cursor, STEP_SLOTS, &flow);
		if (r > 0)
			count_flow(tally, &flow);
	} while (r >= 0 && uv_hrtime() < end);
	return r < 0;
}

/* ---- rules --------------------------------------------------------------------------------- */

static void write_graphs(const struct plan *plan, const char *node, struct jsonw *w)
{
	unsigned int i, k;

	jsonw_array(w, "graphs");
	for (i = 0; i < plan->n_graphs; i++)
		for (k = 0; k < plan->graph[i].n_nodes; k++)
			if (!strcmp(plan->graph[i].node[k].name, node))
				jsonw_fmt(w, NULL, "%s@%s", plan->graph[i].name,
					  module_hook_name(plan->graph[i].hook));
	jsonw_array_end(w);
}

static void write_addr(const struct shunt_addr *addr, bool six, const char *key, struct jsonw *w)
{
	char text[INET6_ADDRSTRLEN];

	if (!addr->half[0] && !addr->half[1])
		jsonw_null(w, key);
	else
		jsonw_str(w, key, inet_ntop(six ? AF_INET6 : AF_INET,
					    six ? (const void *)addr : &addr->v4, text,
					    sizeof(text)));
}

static void write_what(const struct plan_nat *nat, struct jsonw *w)
{
	const struct nat_rule *rule = &nat->rule;

	jsonw_str(w, "kind", rule->kind == NAT_MASQUERADE ? "masquerade" :
			     is_dnat(nat) ? "dnat" : "snat");
	jsonw_str(w, "translation", nat->text);
	write_addr(&rule->first, rule->l3 == 6, "first", w);
	write_addr(rule->kind == NAT_RANGE ? &rule->last : &(struct shunt_addr){},
		   rule->l3 == 6, "last", w);
	if (rule->kind == NAT_PREFIX)
		jsonw_u64(w, "prefix_len", rule->len);
	else
		jsonw_null(w, "prefix_len");
	if (rule->flags & NAT_PORTS) {
		jsonw_u64(w, "port_first", rule->port_first);
		jsonw_u64(w, "port_last", rule->port_last);
	} else {
		jsonw_null(w, "port_first");
		jsonw_null(w, "port_last");
	}
	jsonw_bool(w, "persistent", rule->flags & NAT_PERSISTENT);
}

static void write_statement(const struct tally *tally, const struct config_node *node,
			    const struct config_rule *rule, const struct expr_statement *statement,
			    struct jsonw *w)
{
	const struct plan *plan = tally->plan;
	struct buf text = {};
	unsigned int i;

	expr_nat_print(statement, &text);
	for (i = 0; i < plan->n_nat && strcmp(plan->nat[i].text, text.data); i++)
		;
	buf_fini(&text);
	if (i == plan->n_nat)		/* the node is in no graph that is attached */
		return;
	jsonw_object(w, NULL);
	jsonw_str(w, "node", node->name);
	jsonw_fmt(w, "id", "%08x", rule->expr.id);
	write_graphs(plan, node->name, w);
	write_what(&plan->nat[i], w);
	jsonw_u64(w, "flows", tally->flows[i]);
	jsonw_object_end(w);
}

static void write_list(const struct tally *tally, const struct config_node *node,
		       const struct config_rule *rule, unsigned int n, struct jsonw *w)
{
	unsigned int i, k;

	for (i = 0; i < n; i++)
		for (k = 0; k < rule[i].expr.n_statements; k++)
			if (rule[i].expr.statement[k].nat)
				write_statement(tally, node, &rule[i],
						&rule[i].expr.statement[k], w);
}

static void write_rules(struct daemon *daemon, const struct tally *tally, struct jsonw *w)
{
	const struct config *config = &daemon->running->config;
	unsigned int i, k;

	jsonw_array(w, "translations");
	for (i = 0; i < config->n_nodes; i++) {
		const struct config_node *node = &config->node[i];

		if (!plan_filter_find(tally->plan, node->name))
			continue;
		write_list(tally, node, node->rule, node->n_rules, w);
		for (k = 0; k < node->n_chains; k++)
			write_list(tally, node, node->chain[k].rule, node->chain[k].n_rules, w);
	}
	jsonw_array_end(w);
}

/* ---- nat.show ------------------------------------------------------------------------------ */

static void read_links(struct daemon *daemon, struct tally *tally)
{
	int fd = nat_addrs_open(daemon->bpffs);
	uint32_t ifindex = 0;

	while (fd >= 0 && tally->n_links < NAT_LINKS &&
	       nat_addrs_next(fd, &ifindex, &tally->link[tally->n_links]) == 0)
		tally->ifindex[tally->n_links++] = ifindex;
	fd_close(fd);
}

/* Of those that masquerade may take: of interfaces in the order of their numbers */
static void write_links(struct daemon *daemon, const struct tally *tally, struct jsonw *w)
{
	const struct link_table *links = netlink_links(daemon->netlink);
	unsigned int i, k;

	jsonw_array(w, "masquerade");
	for (i = 0; i < links->n; i++) {
		for (k = 0; k < tally->n_links; k++)
			if (tally->ifindex[k] == links->link[i].ifindex)
				break;
		if (k == tally->n_links)
			continue;
		jsonw_object(w, NULL);
		jsonw_str(w, "dev", links->link[i].name);
		write_addr(&tally->link[k].addr4, false, "ip", w);
		write_addr(&tally->link[k].addr6, true, "ip6", w);
		jsonw_object_end(w);
	}
	jsonw_array_end(w);
}

METHOD(nat_show)
{
	const struct flows *flows = install_flows(daemon->install);
	struct tally *tally;
	uint64_t cursor;
	bool done;

	if (rpc_cursor(call, &cursor, error) < 0)
		return -1;
	tally = calloc(1, sizeof(*tally));
	if (!tally)
		arena_no_memory();
	tally->plan = &daemon->running->plan;
	tally->flows = calloc(tally->plan->n_nat + 1, sizeof(*tally->flows));
	if (!tally->flows)
		arena_no_memory();
	read_links(daemon, tally);
	done = count_flows(daemon, tally, &cursor);
	write_rules(daemon, tally, w);
	write_links(daemon, tally, w);
	jsonw_u64(w, "exhausted", flows_slots(flows) ?
				  flows_stat(flows, CONNTRACK_STAT_EXHAUSTED) : 0);
	if (done)
		jsonw_null(w, "cursor");
	else
		jsonw_fmt(w, "cursor", "%" PRIu64, cursor);
	free(tally->flows);
	free(tally);
	return 0;
}
