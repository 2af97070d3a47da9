// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* flowmodel_nat.c - which other ends a new flow may get */
#include <stdlib.h>
#include <string.h>

#include "flowmodel_nat.h"

enum { TCP = 6, UDP = 17 };

/* What a hash of two addresses gave, for one rule */
struct flownat_habit {
	struct flownat_habit *next;
	const struct flownat_rule *rule;
	uint8_t from[16], to[16];	/* persistent: 'to' is 0 */
	bool has_addr, has_port;
	uint8_t addr[16];
	unsigned int port;
};

/* One flow on its way to its ends */
struct choice {
	struct flownat *nat;
	struct flowmodel *model;
	const struct model_packet *packet;
	const struct flowmodel_key *key, *got;
	const struct flownat_rule *dnat, *snat;
	struct flowmodel_key out;
	const char *why;
};

static unsigned int get16(const uint8_t *p)
{
	return p[0] << 8 | p[1];
}

static size_t addr_len(const struct choice *c)
{
	return c->key->version == 4 ? 4 : 16;
}

static bool has_ports(const struct flowmodel_key *key)
{
	return key->proto == TCP || key->proto == UDP;
}

static struct flownat_habit *habit(struct choice *c, const struct flownat_rule *rule)
{
	struct flownat_habit *h;
	uint8_t to[16] = { 0 };

	if (!rule->persistent)
		memcpy(to, c->key->end[1].addr, 16);
	for (h = c->nat->habits; h; h = h->next)
		if (h->rule == rule && !memcmp(h->from, c->key->end[0].addr, 16) &&
		    !memcmp(h->to, to, 16))
			return h;
	h = calloc(1, sizeof(*h));
	if (!h)
		abort();
	h->rule = rule;
	memcpy(h->from, c->key->end[0].addr, 16);
	memcpy(h->to, to, 16);
	h->next = c->nat->habits;
	c->nat->habits = h;
	return h;
}

void flownat_fini(struct flownat *nat)
{
	struct flownat_habit *h;

	while ((h = nat->habits)) {
		nat->habits = h->next;
		free(h);
	}
}

/* ---- addresses ---- */
static bool in_range(const struct choice *c, const struct flownat_rule *rule, const uint8_t *addr)
{
	return memcmp(addr, rule->first, addr_len(c)) >= 0 &&
	       memcmp(addr, rule->last, addr_len(c)) <= 0;
}

static void next_addr(const struct choice *c, uint8_t *addr)
{
	size_t i = addr_len(c);

	while (i-- && !++addr[i])
		;
}

/*
 * RFC 6296: other bits in front; for IPv6 one word behind them takes the difference, so that the sum of
 * all eight stays. Return: false: no word can
 */
static bool other_prefix(const struct choice *c, const struct flownat_rule *rule, uint8_t *addr)
{
	static const uint8_t none[8];
	uint8_t was[16];
	unsigned int i, bit, word, last;
	long owed = 0;

	memcpy(was, addr, 16);
	for (i = 0; i < rule->len; i++) {
		bit = 0x80 >> i % 8;
		addr[i / 8] = (addr[i / 8] & ~bit) | (rule->first[i / 8] & bit);
	}
	if (c->key->version == 4)
		return true;
	if (rule->len > 48 && !memcmp(was + 8, none, 8))
		return false;
	for (i = 0; i < 16; i += 2)
		owed += (long)get16(was + i) - (long)get16(addr + i);
	word = rule->len > 48 ? 4 : 3;
	last = rule->len > 48 ? 7 : 3;
	while (word <= last && get16(addr + 2 * word) == 0xffff)
		word++;
	if (word > last)
		return false;
	owed = (get16(addr + 2 * word) + owed) % 0xffff;
	if (owed < 0)
		owed += 0xffff;
	addr[2 * word] = owed >> 8;
	addr[2 * word + 1] = owed;
	return true;
}

/* Of a range: what is known, or what was chosen, or else the first. @got: NULL: nothing was chosen */
static void range_addr(struct choice *c, const struct flownat_rule *rule, const uint8_t *got,
		       uint8_t *addr)
{
	struct flownat_habit *h = habit(c, rule);

	if (h->has_addr) {
		memcpy(addr, h->addr, 16);
		return;
	}
	memset(addr, 0, 16);
	memcpy(addr, rule->first, addr_len(c));
	if (!memcmp(rule->first, rule->last, addr_len(c)) || !got)
		return;
	if (!in_range(c, rule, got)) {
		c->why = "an address outside the range";
		return;
	}
	memcpy(addr, got, 16);
}

/* Return: TRANSLATED: *addr is what it is to be */
static enum flownat_end pick_addr(struct choice *c, const struct flownat_rule *rule,
				  const uint8_t *got, uint8_t *addr)
{
	bool six = c->key->version == 6;

	if (rule->kind == FLOWNAT_NONE)
		return FLOWNAT_REFUSED;
	if (rule->kind == FLOWNAT_OWN) {
		memcpy(addr, c->nat->own[six], 16);
		return c->nat->has_own[six] ? FLOWNAT_TRANSLATED : FLOWNAT_EXHAUSTED;
	}
	if (rule->version != c->key->version)
		return FLOWNAT_REFUSED;
	if (rule->kind == FLOWNAT_PREFIX)
		return other_prefix(c, rule, addr) ? FLOWNAT_TRANSLATED : FLOWNAT_EXHAUSTED;
	range_addr(c, rule, got, addr);
	return FLOWNAT_TRANSLATED;
}

static void learn_addr(struct choice *c, const struct flownat_rule *rule, const uint8_t *addr)
{
	struct flownat_habit *h;

	if (!rule || rule->kind != FLOWNAT_RANGE)
		return;
	h = habit(c, rule);
	h->has_addr = true;
	memcpy(h->addr, addr, 16);
}

/* ---- ports ---- */
static bool port_fits(const struct flownat_rule *rule, unsigned int port)
{
	return !rule || !rule->ports || (port >= rule->port_first && port <= rule->port_last);
}

static void target_port(struct choice *c)
{
	struct flownat_habit *h;

	if (!has_ports(c->key) || port_fits(c->dnat, c->key->end[1].port))
		return;
	h = habit(c, c->dnat);
	if (!h->has_port && c->got && !port_fits(c->dnat, c->got->end[1].port))
		c->why = "a target port outside the range";
	else if (!h->has_port && c->got) {
		h->has_port = true;
		h->port = c->got->end[1].port;
	}
	c->out.end[1].port = h->has_port ? h->port : c->dnat->port_first;
}

/* Where another source port is searched for */
static void port_range(const struct choice *c, unsigned int *ret_first, unsigned int *ret_last)
{
	unsigned int port = c->key->end[0].port;

	if (c->snat && c->snat->ports) {
		*ret_first = c->snat->port_first;
		*ret_last = c->snat->port_last;
		return;
	}
	*ret_first = c->key->kind ? 0 : port < 512 ? 1 : port < 1024 ? 600 : 1024;
	*ret_last = c->key->kind || port >= 1024 ? 65535 : port < 512 ? 511 : 1023;
}

/* Replies to these ends can be told from all others */
static bool is_free(const struct choice *c, const struct flowmodel_key *outside)
{
	bool reply;

	if (flowmodel_same(c->key, outside, false) || flowmodel_same(c->key, outside, true))
		return false;
	return !flowmodel_find(c->model, outside, &reply);
}

static void set_port(const struct choice *c, struct flowmodel_key *outside, unsigned int port)
{
	outside->end[0].port = port;
	if (c->key->kind)
		outside->end[1].port = port;
}

/* Whether so many ports one behind the other are taken that a search need not have found one */
static bool all_taken(const struct choice *c, const struct flowmodel_key *outside)
{
	struct flowmodel_key try = *outside;
	unsigned int first, last, n, need, i, run = 0;

	port_range(c, &first, &last);
	n = last - first + 1;
	need = n < FLOWNAT_TRIES ? n : FLOWNAT_TRIES;
	for (i = 0; i < n + need && run < need; i++) {
		set_port(c, &try, first + i % n);
		run = is_free(c, &try) ? 0 : run + 1;
	}
	return run == need;
}

static bool same_addrs(const struct choice *c)
{
	return !memcmp(&c->out.end[0].addr, &c->key->end[0].addr, 16) &&
	       !memcmp(&c->out.end[1].addr, &c->key->end[1].addr, 16);
}

/* Addresses are chosen; c->out has the source port of the packet */
static enum flownat_end pick_port(struct choice *c)
{
	unsigned int first, last, port = c->key->end[0].port;
	bool fits = port_fits(c->snat, port);

	if (fits && same_addrs(c) && (c->key->kind || c->out.end[1].port == c->key->end[1].port))
		return FLOWNAT_PLAIN;
	if (fits && is_free(c, &c->out))
		return FLOWNAT_TRANSLATED;
	if (!c->got)
		return all_taken(c, &c->out) ? FLOWNAT_EXHAUSTED : FLOWNAT_TRANSLATED;
	port_range(c, &first, &last);
	port = c->got->end[0].port;
	set_port(c, &c->out, port);
	if (port < first || port > last)
		c->why = "a source port outside of what it may be";
	else if (!is_free(c, &c->out))
		c->why = "a source port that is another flow's";
	if (c->why)
		set_port(c, &c->out, 0);
	return FLOWNAT_TRANSLATED;
}

/* ---- without ports: other addresses of the range are all that can be tried ---- */
static enum flownat_end pick_of_pool(struct choice *c)
{
	struct flowmodel_key try = c->out;
	bool known = c->snat && c->snat->kind == FLOWNAT_RANGE && habit(c, c->snat)->has_addr;
	bool many = c->snat && c->snat->kind == FLOWNAT_RANGE;

	if ((known || !many) && same_addrs(c))
		return FLOWNAT_PLAIN;
	if ((known || !many) && is_free(c, &c->out))
		return FLOWNAT_TRANSLATED;
	if (!many)
		return FLOWNAT_EXHAUSTED;
	memset(try.end[0].addr, 0, 16);
	memcpy(try.end[0].addr, c->snat->first, addr_len(c));
	for (; in_range(c, c->snat, try.end[0].addr); next_addr(c, try.end[0].addr)) {
		bool own = !memcmp(try.end, c->key->end, sizeof(try.end));

		if (!(own && !known) && !is_free(c, &try))
			continue;
		if (c->got && memcmp(try.end[0].addr, c->got->end[0].addr, 16))
			continue;
		c->out = try;
		return own ? FLOWNAT_PLAIN : FLOWNAT_TRANSLATED;
	}
	if (c->got)
		c->why = "an address that is another flow's";
	return c->got ? FLOWNAT_TRANSLATED : FLOWNAT_EXHAUSTED;
}

/* A flow that got nothing of a range that nothing is known of: any address may have been the one */
static enum flownat_end pick_unknown(struct choice *c)
{
	enum flownat_end end = pick_port(c);

	if (c->got || !c->snat || c->snat->kind != FLOWNAT_RANGE || habit(c, c->snat)->has_addr)
		return end;
	while (end != FLOWNAT_EXHAUSTED && in_range(c, c->snat, c->out.end[0].addr)) {
		end = pick_port(c);
		next_addr(c, c->out.end[0].addr);
	}
	return end;
}

static enum flownat_end pick_source(struct choice *c)
{
	return has_ports(c->key) || c->key->kind ? pick_unknown(c) : pick_of_pool(c);
}

/* The same where nothing is known of the target: any that it may have got */
static enum flownat_end pick_any(struct choice *c)
{
	struct flowmodel_key as = c->out;
	unsigned int first, last, port;
	struct flownat_habit *h;
	enum flownat_end end = pick_source(c);

	if (c->got || !c->dnat)
		return end;
	h = habit(c, c->dnat);
	first = last = as.end[1].port;
	if (has_ports(c->key) && !h->has_port && !port_fits(c->dnat, c->key->end[1].port)) {
		first = c->dnat->port_first;
		last = c->dnat->port_last;
	}
	do {
		for (port = first; port <= last && end != FLOWNAT_EXHAUSTED; port++) {
			c->out = as;
			c->out.end[1].port = port;
			end = pick_source(c);
		}
		next_addr(c, as.end[1].addr);
	} while (c->dnat->kind == FLOWNAT_RANGE && !h->has_addr && end != FLOWNAT_EXHAUSTED &&
		 in_range(c, c->dnat, as.end[1].addr));
	return end;
}

static enum flownat_end begin(struct choice *c)
{
	enum flownat_end end;

	if (c->packet->extensions & MODEL_EXT_RT)	/* its checksum has another target in it */
		return FLOWNAT_REFUSED;
	if (c->dnat) {
		end = pick_addr(c, c->dnat, c->got ? c->got->end[1].addr : NULL,
				c->out.end[1].addr);
		if (end != FLOWNAT_TRANSLATED)
			return end;
		target_port(c);
	}
	if (c->snat) {
		end = pick_addr(c, c->snat, c->got ? c->got->end[0].addr : NULL,
				c->out.end[0].addr);
		if (end != FLOWNAT_TRANSLATED)
			return end;
	}
	end = pick_any(c);
	if (end == FLOWNAT_EXHAUSTED || !c->got || c->why)
		return end;
	learn_addr(c, c->dnat, c->out.end[1].addr);
	if (has_ports(c->key) || c->key->kind)
		learn_addr(c, c->snat, c->out.end[0].addr);
	return end;
}

enum flownat_end flownat_begin(struct flownat *nat, struct flowmodel *model,
			       const struct model_packet *packet, const struct flowmodel_key *key,
			       const struct flownat_rule *dnat, const struct flownat_rule *snat,
			       const struct flowmodel_key *got, struct flowmodel_key *ret_outside,
			       const char **ret_why)
{
	struct choice c = { .nat = nat, .model = model, .packet = packet, .key = key, .got = got,
			    .dnat = dnat, .snat = snat, .out = *key };
	enum flownat_end end = FLOWNAT_PLAIN;

	if (dnat || snat)
		end = begin(&c);
	*ret_outside = end == FLOWNAT_TRANSLATED ? c.out : *key;
	if (c.why)
		*ret_why = c.why;
	return end;
}

void flownat_keep(struct flowmodel_flow *flow, const struct flowmodel_key *outside)
{
	flow->outside = *outside;
	flow->snat = memcmp(&outside->end[0], &flow->key.end[0], sizeof(outside->end[0]));
	flow->dnat = flow->key.kind ? memcmp(outside->end[1].addr, flow->key.end[1].addr, 16) :
		     memcmp(&outside->end[1], &flow->key.end[1], sizeof(outside->end[1]));
}
