// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * print_lb.c - load balancers of a plan as text
 *
 * DOC: Services, backends and destinations that are as in the running plan are only counted: a change
 * of one among thousands is a few lines.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include <compile/compile.h>

static const char *const forward_names[] = {
	[LB_IPIP] = "ipip", [LB_GUE] = "gue", [LB_L2] = "l2", [LB_NAT] = "nat",
};
static const char *const hash_names[] = {
	[LB_HASH_FLOW] = "flow", [LB_HASH_SOURCE] = "source",
};
static const char *const tracking_names[] = {
	[LB_TRACK_CHANGES] = "changes", [LB_TRACK_ALWAYS] = "always", [LB_TRACK_NEVER] = "never",
};
static const char *const down_names[] = {
	[LB_DOWN_DROP] = "drop", [LB_DOWN_SORRY] = "sorry", [LB_DOWN_LAST] = "last",
};

struct lb_printer {
	struct buf *out;
	const struct plan *plan;
	const struct plan_lb *lb, *before;	/* before: may be NULL */
};

static bool is_v4(const struct shunt_addr *addr)
{
	return !addr->half[0] && addr->word[2] == htonl(0xffff);
}

static void print_addr(struct lb_printer *p, const struct shunt_addr *addr)
{
	char text[INET6_ADDRSTRLEN];
	bool v4 = is_v4(addr);

	buf_str(p->out, inet_ntop(v4 ? AF_INET : AF_INET6,
				  v4 ? (const void *)&addr->v4 : addr, text, sizeof(text)));
}

static void print_proto(struct lb_printer *p, uint8_t proto)
{
	buf_str(p->out, !proto ? "any" : proto == IPPROTO_TCP ? "tcp" :
		proto == IPPROTO_UDP ? "udp" : "sctp");
}

/* ---- backends ------------------------------------------------------------------------------ */

static void print_backend(struct lb_printer *p, const struct plan_backend *backend)
{
	buf_printf(p->out, "lb backend %u: ", backend->number);
	print_addr(p, &backend->entry.addr);
	if (backend->port)
		buf_printf(p->out, " port %u", backend->port);
	buf_printf(p->out, ", %s", forward_names[backend->forward]);
	if (backend->entry.src.half[0] || backend->entry.src.half[1]) {
		buf_str(p->out, " from ");
		print_addr(p, &backend->entry.src);
	}
	if (backend->entry.nat)
		buf_printf(p->out, " rule %u", backend->entry.nat);
	buf_printf(p->out, ", counter %u\n", backend->entry.counter);
}

/* By number */
static bool *numbers_of(const struct plan_lb *lb)
{
	bool *has = calloc(LB_BACKENDS, sizeof(*has));
	unsigned int i;

	if (!has)
		arena_no_memory();
	for (i = 0; lb && i < lb->n_backends; i++)
		has[lb->backend[i]->number] = true;
	return has;
}

static void print_backends(struct lb_printer *p)
{
	bool *before = numbers_of(p->before), *now = numbers_of(p->lb);
	unsigned int i;

	for (i = 0; p->lb && i < p->lb->n_backends; i++)
		if (!before[p->lb->backend[i]->number])
			print_backend(p, p->lb->backend[i]);
	for (i = 0; p->before && i < p->before->n_backends; i++) {
		if (now[p->before->backend[i]->number])
			continue;
		buf_printf(p->out, "lb backend %u: removed\n", p->before->backend[i]->number);
	}
	free(before);
	free(now);
}

/* ---- services ------------------------------------------------------------------------------ */

static bool same_service(const struct plan_service *a, const struct plan_service *b)
{
	unsigned int i;

	if (a->number != b->number || a->n_owners != b->n_owners ||
	    a->slow_start_ms != b->slow_start_ms || a->drain_ms != b->drain_ms)
		return false;
	for (i = 0; i < a->n_owners; i++)
		if (a->owner[i].backend->number != b->owner[i].backend->number ||
		    a->owner[i].weight != b->owner[i].weight || a->owner[i].id != b->owner[i].id)
			return false;
	return true;
}

static void print_options(struct lb_printer *p, const struct plan_service *service)
{
	const struct lb_service *entry = &service->entry;

	buf_printf(p->out, ", %s", forward_names[entry->forward]);
	if (entry->gue_port)
		buf_printf(p->out, " port %u", ntohs(entry->gue_port));
	buf_printf(p->out, ", hash %s, tracking %s, drain %u, down %s", hash_names[entry->hash],
		   tracking_names[entry->tracking], entry->drain, down_names[entry->down]);
	if (entry->sorry)
		buf_printf(p->out, " %u", entry->sorry);
	if (service->slow_start_ms)
		buf_printf(p->out, ", slow start %llu ms",
			   (unsigned long long)service->slow_start_ms);
	if (entry->mss)
		buf_printf(p->out, ", mss %u", entry->mss);
	if (entry->flags & LB_QUIC)
		buf_printf(p->out, ", quic %u+%u", entry->quic_off, entry->quic_len);
	buf_printf(p->out, "%s%s", entry->flags & LB_UDP_MOVE ? ", udp moves" : "",
		   entry->flags & LB_PER_PACKET ? ", by packet" : "");
}

static void print_service(struct lb_printer *p, const struct plan_service *service)
{
	const struct plan_owner *owner;
	unsigned int i;

	buf_printf(p->out, "lb service %s/%s: number %u, ring %u of %u, counter %u", service->node,
		   service->name, service->number, service->entry.ring, service->entry.slots,
		   service->entry.counter);
	print_options(p, service);
	buf_printf(p->out, "\nlb owners %s/%s:", service->node, service->name);
	for (i = 0; i < service->n_owners; i++) {
		owner = &service->owner[i];
		buf_printf(p->out, "%s %u weight %u", i ? "," : "", owner->backend->number,
			   owner->weight);
		if (service->entry.flags & LB_QUIC)
			buf_printf(p->out, " id %llu", (unsigned long long)owner->id);
	}
	buf_str(p->out, service->n_owners ? "\n" : " nobody\n");
}

/* Services of a node are in order of their names, and those of one node stand together */
static const struct plan_service *service_next(const struct plan_lb *lb, unsigned int *at,
					       const struct plan_service *like)
{
	int order;

	for (; lb && *at < lb->n_services; (*at)++) {
		if (strcmp(lb->service[*at].node, like->node))
			continue;
		order = strcmp(lb->service[*at].name, like->name);
		if (order >= 0)
			return order ? NULL : &lb->service[*at];
	}
	return NULL;
}

/* Return: how many of the node's are as they were */
static unsigned int print_services(struct lb_printer *p, const char *node)
{
	const struct plan_service *service, *before;
	unsigned int i, at = 0, kept = 0;

	for (i = 0; i < p->lb->n_services; i++) {
		service = &p->lb->service[i];
		if (strcmp(service->node, node))
			continue;
		before = service_next(p->before, &at, service);
		if (before && same_service(before, service))
			kept++;
		else
			print_service(p, service);
	}
	return kept;
}

static void print_removed(struct lb_printer *p)
{
	unsigned int i;

	for (i = 0; p->before && i < p->before->n_services; i++)
		if (!plan_service_find(p->plan, p->before->service[i].node,
				       p->before->service[i].name))
			buf_printf(p->out, "lb service %s/%s: removed\n",
				   p->before->service[i].node, p->before->service[i].name);
}

static void print_balancers(struct lb_printer *p)
{
	const struct plan_balancer *balancer;
	unsigned int i, kept;

	for (i = 0; p->lb && i < p->lb->n_balancers; i++) {
		balancer = &p->lb->balancer[i];
		buf_printf(p->out, "lb %s: node %u, kinds %#x\n", balancer->node, balancer->number,
			   balancer->kinds);
		kept = print_services(p, balancer->node);
		if (kept)
			buf_printf(p->out, "lb %s: %u services as before\n", balancer->node, kept);
	}
	print_removed(p);
}

/* ---- destinations -------------------------------------------------------------------------- */

static void print_value(struct lb_printer *p, uint32_t value)
{
	if (value & LB_VIP_RANGES)
		buf_printf(p->out, "ranges %u\n", value & ~LB_VIP_RANGES);
	else
		buf_printf(p->out, "service %u\n", value - 1);
}

static int compare_vips(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct lb_vip));
}

static int compare_nets(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct lb_net));
}

static void print_vip(struct lb_printer *p, const struct plan_vip *vip)
{
	buf_printf(p->out, "lb vip %u ", vip->key.node);
	print_addr(p, &vip->key.addr);
	buf_char(p->out, ' ');
	print_proto(p, vip->key.proto);
	if (vip->key.port)
		buf_printf(p->out, " %u", ntohs(vip->key.port));
	buf_str(p->out, ": ");
}

static void print_net(struct lb_printer *p, const struct plan_net *net)
{
	unsigned int bits = net->key.len - 32;

	buf_printf(p->out, "lb net %u ", net->key.node);
	print_addr(p, &net->key.addr);
	buf_printf(p->out, "/%u ", is_v4(&net->key.addr) ? bits - 96 : bits);
	print_proto(p, net->key.proto);
	buf_str(p->out, ": ");
}

/* What another plan has under this key; NULL: nothing */
static const struct plan_vip *vip_find(const struct plan_lb *lb, const struct plan_vip *vip)
{
	return lb && lb->n_vips ? bsearch(vip, lb->vip, lb->n_vips, sizeof(*vip), compare_vips) :
	       NULL;
}

static const struct plan_net *net_find(const struct plan_lb *lb, const struct plan_net *net)
{
	return lb && lb->n_nets ? bsearch(net, lb->net, lb->n_nets, sizeof(*net), compare_nets) :
	       NULL;
}

static void print_vips(struct lb_printer *p)
{
	const struct plan_vip *vip, *before;
	unsigned int i;

	for (i = 0; p->lb && i < p->lb->n_vips; i++) {
		vip = &p->lb->vip[i];
		before = vip_find(p->before, vip);
		if (before && before->value == vip->value)
			continue;
		print_vip(p, vip);
		print_value(p, vip->value);
	}
	for (i = 0; p->before && i < p->before->n_vips; i++) {
		if (vip_find(p->lb, &p->before->vip[i]))
			continue;
		print_vip(p, &p->before->vip[i]);
		buf_str(p->out, "removed\n");
	}
}

static void print_nets(struct lb_printer *p)
{
	const struct plan_net *net, *before;
	unsigned int i;

	for (i = 0; p->lb && i < p->lb->n_nets; i++) {
		net = &p->lb->net[i];
		before = net_find(p->before, net);
		if (before && before->value == net->value)
			continue;
		print_net(p, net);
		print_value(p, net->value);
	}
	for (i = 0; p->before && i < p->before->n_nets; i++) {
		if (net_find(p->lb, &p->before->net[i]))
			continue;
		print_net(p, &p->before->net[i]);
		buf_str(p->out, "removed\n");
	}
}

static bool has_ranges(const struct plan_lb *lb, uint32_t number)
{
	unsigned int i;

	for (i = 0; lb && i < lb->n_ranges; i++)
		if (lb->ranges[i].number == number)
			return true;
	return false;
}

static void print_ranges(struct lb_printer *p)
{
	const struct lb_ranges *entry;
	unsigned int i, k;

	for (i = 0; p->lb && i < p->lb->n_ranges; i++) {
		entry = &p->lb->ranges[i].entry;
		if (has_ranges(p->before, p->lb->ranges[i].number))
			continue;
		buf_printf(p->out, "lb ranges %u:", p->lb->ranges[i].number);
		for (k = 0; k < LB_RANGES && entry->range[k].first <= entry->range[k].last; k++)
			buf_printf(p->out, "%s %u-%u service %u", k ? "," : "",
				   entry->range[k].first, entry->range[k].last,
				   entry->range[k].service - 1);
		buf_char(p->out, '\n');
	}
}

void lb_print(const struct plan *plan, const struct plan *running, struct buf *out)
{
	struct lb_printer p = {
		.out = out, .plan = plan, .lb = plan->lb,
		.before = running ? running->lb : NULL,
	};

	if (!p.lb && !p.before)
		return;
	if (p.lb)
		buf_printf(out, "lb: %u services, %u backends, %u counters, %u flows\n",
			   p.lb->n_services, p.lb->n_backends, p.lb->room,
			   p.lb->buckets * LB_WAYS);
	else
		buf_str(out, "lb: removed, with all that is remembered\n");
	print_balancers(&p);
	print_backends(&p);
	print_vips(&p);
	print_nets(&p);
	print_ranges(&p);
}
