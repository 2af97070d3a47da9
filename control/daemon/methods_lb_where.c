// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* methods_lb_where.c - which backend a client's packets go to, and why */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include <daemon/methods_lb.h>

#include "../../dataplane/lib/lb_hash.h"

/* What is asked about */
struct where {
	struct lb_end client, dest;
	uint8_t proto;
};

static uint8_t proto_of(const char *text)
{
	return !strcmp(text, "tcp") ? IPPROTO_TCP : !strcmp(text, "udp") ? IPPROTO_UDP :
	       !strcmp(text, "sctp") ? IPPROTO_SCTP : 0;
}

static bool in_prefix(const struct config_service *config, const struct lb_end *end)
{
	unsigned int bits = config->l3 == 4 ? 96 + config->len : config->len, i, some;

	if (config->l3 != end->l3)
		return false;
	for (i = 0; i < 4 && bits; i++, bits -= some) {
		some = bits < 32 ? bits : 32;
		if (ntohl(config->addr.word[i] ^ end->addr.word[i]) >> (32 - some))
			return false;
	}
	return true;
}

static bool takes(const struct config_service *config, const struct where *where)
{
	return in_prefix(config, &where->dest) &&
	       (!config->proto || config->proto == where->proto) &&
	       where->dest.port >= config->port_first && where->dest.port <= config->port_last;
}

/* As programs find it: the longest prefix, then who names the protocol, then the fewest ports */
static bool says_more(const struct config_service *a, const struct config_service *b)
{
	unsigned int ports_a = a->port_last - a->port_first;
	unsigned int ports_b = b->port_last - b->port_first;

	if (a->len != b->len)
		return a->len > b->len;
	if (!a->proto != !b->proto)
		return a->proto;
	return ports_a < ports_b;
}

static struct lb_run *find_dest(struct lb *lb, const struct where *where)
{
	struct lb_run *best = NULL;
	unsigned int i;

	for (i = 0; i < lb->n_run; i++)
		if (takes(lb->run[i].service->config, where) &&
		    (!best || says_more(lb->run[i].service->config, best->service->config)))
			best = &lb->run[i];
	return best;
}

/* ---- parameters ---------------------------------------------------------------------------- */

static int called_client(const struct rpc_call *call, struct where *where, struct rpc_error *error)
{
	const char *text, *proto = rpc_text_or(call, "proto", "tcp");

	if (rpc_text(call, "client", &text, error) < 0)
		return -1;
	if (!lb_end_read(text, &where->client))
		return rpc_fail(error, SHUNT_CLIENT_USAGE,
				"'%s' is no client: an address, or ADDRESS:PORT", text);
	where->proto = proto_of(proto);
	return where->proto ? 0 : rpc_fail(error, SHUNT_CLIENT_USAGE,
					   "'%s' is no protocol with ports: tcp, udp or sctp", proto);
}

/* A service by its name has one address and port to go to, or it must be said which */
static struct lb_run *called_name(struct daemon *daemon, const struct rpc_call *call,
				  struct where *where, struct rpc_error *error)
{
	struct lb_run *run = lb_called_service(daemon, call, error);
	const struct config_service *config;

	if (!run)
		return NULL;
	config = run->service->config;
	if (config->len != (config->l3 == 4 ? 32 : 128) ||
	    config->port_first != config->port_last) {
		rpc_fail(error, SHUNT_CLIENT_USAGE,
			 "service '%s' has many addresses or ports: say which, as ADDRESS:PORT",
			 run->service->name);
		return NULL;
	}
	where->dest = (struct lb_end){ config->addr, config->l3, config->port_first };
	where->proto = config->proto ? config->proto : where->proto;
	return run;
}

static struct lb_run *called_dest(struct daemon *daemon, const struct rpc_call *call,
				  struct where *where, struct rpc_error *error)
{
	struct lb_run *run;
	const char *text;

	if (rpc_text(call, "service", &text, error) < 0)
		return NULL;
	run = lb_end_read(text, &where->dest) ? NULL : called_name(daemon, call, where, error);
	if (!where->dest.l3)
		return NULL;		/* told */
	if (where->client.l3 != where->dest.l3) {
		rpc_fail(error, SHUNT_CLIENT_USAGE, "the client has another IP version than '%s'",
			 text);
		return NULL;
	}
	if (!run)
		run = find_dest(daemon->lb, where);
	if (!run)
		rpc_fail(error, SHUNT_CLIENT_USAGE, "%s is no service's", text);
	return run;
}

/* ---- the answer ---------------------------------------------------------------------------- */

static void write_backend(const struct lb_run *run, uint32_t number, const char *key,
			  struct jsonw *w)
{
	const struct plan_service *service = run->service;
	char text[LB_ADDR_SIZE];
	unsigned int i;

	for (i = 0; i < service->n_owners; i++) {
		const struct config_backend *backend = service->owner[i].config;

		if (service->owner[i].backend->number != number)
			continue;
		lb_end_print(&backend->addr, backend->l3, backend->port, text);
		jsonw_str(w, key, text);
		return;
	}
	if (number && service->sorry && service->sorry->number == number) {
		lb_end_print(&service->sorry->entry.addr, service->sorry->entry.l3, 0, text);
		jsonw_str(w, key, text);
		return;
	}
	jsonw_null(w, key);
}

/* Nobody owns a slot where no backend lives */
static uint32_t or_sorry(const struct lb_run *run, uint32_t number)
{
	return number || run->service->entry.down != LB_DOWN_SORRY || !run->service->sorry ?
	       number : run->service->sorry->number;
}

struct found {
	uint32_t slot, word, remembered, age;
	uint32_t fresh, old;		/* backend of a flow that begins; of one that goes on */
	const char *why;		/* of 'old' */
};

static bool lives(const struct lb *lb, uint32_t number)
{
	return lb_tables_backends(lb->tables)[number].flags & LB_LIVES;
}

/* As lib/lb_choose.h does */
static void choose(const struct lb *lb, const struct lb_run *run, const struct where *where,
		   struct found *found)
{
	const struct lb_service *entry = &run->service->entry;
	uint32_t owner = LB_OWNER(found->word), keep = LB_KEEP(found->word);
	bool udp = where->proto == IPPROTO_UDP, moves = udp && entry->flags & LB_UDP_MOVE;
	bool alone = udp && entry->flags & LB_PER_PACKET;	/* remembers nothing */

	found->fresh = found->old = owner;
	found->why = owner ? "owner" : "no_backend";
	if (entry->tracking == LB_TRACK_NEVER || (entry->tracking == LB_TRACK_CHANGES && !keep))
		return;
	if (!alone && found->remembered && found->age <= entry->drain) {
		if (lives(lb, found->remembered)) {
			found->old = found->remembered;
			found->why = "remembered";
		}
		return;
	}
	if (keep && !moves) {
		found->old = keep;
		found->why = keep == owner ? "owner" : "keep";
	}
}

static void look(const struct lb *lb, const struct lb_run *run, const struct where *where,
		 struct found *ret_found)
{
	const struct lb_service *entry = &run->service->entry;
	uint32_t ports = lb_hash_ports(htons(where->client.port), htons(where->dest.port));
	uint64_t hash = lb_hash(where->dest.l3, &where->client.addr, &where->dest.addr, ports,
				where->proto, entry->seed);
	uint64_t slot_hash = entry->hash == LB_HASH_FLOW ? hash :
			     lb_hash(where->dest.l3, &where->client.addr, &where->dest.addr, 0, 0,
				     entry->seed);

	*ret_found = (struct found){ .slot = lb_slot(slot_hash, entry->slots) };
	ret_found->word = __atomic_load_n(&run->word[ret_found->slot], __ATOMIC_RELAXED);
	if (where->client.port)
		ret_found->remembered = lb_tables_remembered(lb->tables,
							     lb_flow_key(hash, entry->ring),
							     &ret_found->age);
	choose(lb, run, where, ret_found);
}

METHOD(lb_where)
{
	struct where where = {};
	struct found found;
	struct lb_run *run;
	char text[LB_ADDR_SIZE];

	if (called_client(call, &where, error) < 0)
		return -1;
	run = called_dest(daemon, call, &where, error);
	if (!run)
		return -1;
	if (!where.client.port && run->service->entry.hash == LB_HASH_FLOW)
		return rpc_fail(error, SHUNT_CLIENT_USAGE,
				"service '%s' goes by ports too: say the client's as ADDRESS:PORT",
				run->service->name);
	look(daemon->lb, run, &where, &found);
	jsonw_str(w, "node", run->service->node);
	jsonw_str(w, "service", run->service->name);
	lb_end_print(&where.dest.addr, where.dest.l3, where.dest.port, text);
	jsonw_str(w, "destination", text);
	jsonw_u64(w, "slot", found.slot);
	jsonw_u64(w, "slots", run->service->entry.slots);
	write_backend(run, LB_OWNER(found.word), "owner", w);
	write_backend(run, LB_KEEP(found.word), "keep", w);
	write_backend(run, found.remembered, "remembered", w);
	if (found.remembered)
		jsonw_u64(w, "remembered_s", found.age * LB_TICK_S);
	write_backend(run, or_sorry(run, found.fresh), "begins", w);
	write_backend(run, or_sorry(run, found.old), "goes_on", w);
	jsonw_str(w, "why", found.why);
	return 0;
}
