/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * lower_judge.h - what becomes of a packet by the rules
 *
 * DOC: judge_rules() evaluates the model's rules as docs/rules.md tells it, value
 * by value, and writes down all that it does, as judge_rows() does. What a limit or
 * quota says is drawn from its index and the packet, so that both get the same answer.
 */
#ifndef TESTS_LOWER_JUDGE_H
#define TESTS_LOWER_JUDGE_H

#include <endian.h>
#include <fnmatch.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include <compile/lower.h>
#include <shunt/packet.h>

#include "../lib/unit.h"

#define N(array)	(sizeof(array) / sizeof((array)[0]))
#define PACKET_BYTES	48

struct packet {
	uint8_t l3;			/* 4, 6, or 0 */
	bool l4;
	struct expr_value saddr, daddr;
	uint8_t proto, frag, tcp_flags, type, code, dscp, ttl, exthdr;
	uint16_t sport, dport, length, eth_type;
	uint64_t ether_saddr, ether_daddr;
	bool tagged;
	uint16_t vlan_id;
	uint8_t vlan_pcp;
	uint32_t ifindex, mark;
	uint8_t ct_state;
	uint8_t ct_status;
	uint16_t ct_zone;
	uint32_t ct_mark;
	bool reply;			/* goes against the flow's first packet */
	struct {
		struct expr_value addr[2];	/* source, destination */
		uint16_t port[2];
	} way[2];			/* of the flow: original, reply */
	uint8_t bytes[PACKET_BYTES];
	unsigned int base[3], end;	/* FILTER_BASE_*: where they are; 0: the packet has none */
	bool added;			/* a rule has added its source to the dynamic set */
};

/* All that was done, in order */
struct story {
	uint64_t did[64];
	unsigned int n;
	int edge;			/* -1: no rule decided */
	unsigned int rounds;		/* of judge_rows() */
};

enum {
	DID_HIT = 1, DID_COUNT, DID_MARK, DID_LOG, DID_ADD, DID_REJECT, DID_LIMIT, DID_POLICY,
	DID_NOTRACK, DID_ZONE,
};

static void story_add(struct story *story, unsigned int what, uint64_t value)
{
	assert_true(story->n < N(story->did));
	story->did[story->n++] = (uint64_t)what << 56 | (value & (UINT64_MAX >> 8));
}

static bool story_equal(const struct story *a, const struct story *b)
{
	return a->edge == b->edge && a->n == b->n &&
	       !memcmp(a->did, b->did, a->n * sizeof(a->did[0]));
}

static bool limit_holds(uint32_t index, const struct packet *packet)
{
	return (index * 2654435761u ^ packet->sport * 40503u ^ packet->length) >> 7 & 1;
}

/* Of one without ports neither 'over' nor its opposite is true, as of a packet without a flow */
static bool count_holds(uint32_t index, const struct packet *packet, bool over)
{
	return packet->sport && limit_holds(index, packet) != over;
}

static bool within(const struct expr_interval *in, struct expr_value value)
{
	unsigned __int128 first = (unsigned __int128)in->first.hi << 64 | in->first.lo;
	unsigned __int128 last = (unsigned __int128)in->last.hi << 64 | in->last.lo;
	unsigned __int128 x = (unsigned __int128)value.hi << 64 | value.lo;

	return first <= x && x <= last;
}

static bool bytes_at(const struct packet *packet, unsigned int base, unsigned int off,
		     unsigned int len, uint64_t *ret_value)
{
	uint64_t value = 0;
	unsigned int i, at = packet->base[base] + off;

	if ((base == FILTER_BASE_TH && !packet->base[base]) || at + len > packet->end)
		return false;
	for (i = 0; i < len; i++)
		value = value << 8 | packet->bytes[at + i];
	*ret_value = value;
	return true;
}

static bool has_flow(const struct packet *packet)
{
	return packet->ct_state == SHUNT_CT_NEW || packet->ct_state == SHUNT_CT_ESTABLISHED ||
	       packet->ct_state == SHUNT_CT_RELATED;
}

static void change_mark(struct packet *packet, bool from_ct, bool to_ct, uint32_t mask,
			uint32_t value, struct story *story)
{
	uint32_t mark = from_ct ? packet->ct_mark : packet->mark;

	mark = (mark & mask) ^ value;
	if (to_ct)
		packet->ct_mark = mark;
	else
		packet->mark = mark;
	story_add(story, DID_MARK, (uint64_t)to_ct << 40 | mark);
}

/* One that is tracked already stays where it is */
static void set_zone(struct packet *packet, uint16_t zone, struct story *story)
{
	if (packet->ct_state == SHUNT_CT_NONE)
		packet->ct_zone = zone;
	story_add(story, DID_ZONE, packet->ct_zone);
}

static void drop_flow(struct packet *packet, struct story *story)
{
	packet->ct_state = SHUNT_CT_UNTRACKED;
	packet->reply = false;
	story_add(story, DID_NOTRACK, 0);
}

/* ---- the rules ----------------------------------------------------------------------------- */

/* ct original ip saddr, ...: in the order of enum expr_field */
static bool end_of(const struct packet *packet, enum expr_field field,
		   struct expr_value *ret_value)
{
	unsigned int reply = field >= EXPR_CT_REPLY_IP_SADDR;
	unsigned int which = field - (reply ? EXPR_CT_REPLY_IP_SADDR : EXPR_CT_IP_SADDR);

	if (which < 4)
		*ret_value = packet->way[reply].addr[which & 1];
	else
		ret_value->lo = packet->way[reply].port[which & 1];
	return has_flow(packet) && (which >= 4 ? packet->l3 != 0 :
				    packet->l3 == (which < 2 ? 4 : 6));
}

/* Return: whether the packet has the field */
static bool field_of(const struct packet *packet, enum expr_field field,
		     struct expr_value *ret_value)
{
	bool ports = packet->l4 && (packet->proto == IPPROTO_TCP || packet->proto == IPPROTO_UDP ||
				    packet->proto == IPPROTO_SCTP);
	bool icmp = packet->l4 && !ports;

#define FIELD(has, value) do { ret_value->lo = (value); return (has); } while (0)
	*ret_value = (struct expr_value){ 0, 0 };
	switch (field) {
	case EXPR_IP_SADDR:
		FIELD(packet->l3 == 4, packet->saddr.lo);
	case EXPR_IP_DADDR:
		FIELD(packet->l3 == 4, packet->daddr.lo);
	case EXPR_IP6_SADDR:
		*ret_value = packet->saddr;
		return packet->l3 == 6;
	case EXPR_IP6_DADDR:
		*ret_value = packet->daddr;
		return packet->l3 == 6;
	case EXPR_PROTO:
		FIELD(packet->l3, packet->proto);
	case EXPR_SPORT:
		FIELD(ports, packet->sport);
	case EXPR_DPORT:
		FIELD(ports, packet->dport);
	case EXPR_TCP_FLAGS:
		FIELD(packet->l4 && packet->proto == IPPROTO_TCP, packet->tcp_flags);
	case EXPR_ICMP_TYPE:
		FIELD(icmp, packet->type);
	case EXPR_ICMP_CODE:
		FIELD(icmp, packet->code);
	case EXPR_FRAG:
		FIELD(packet->l3, packet->frag);
	case EXPR_LENGTH:
		FIELD(packet->l3, packet->length);
	case EXPR_DSCP:
		FIELD(packet->l3, packet->dscp);
	case EXPR_TTL:
		FIELD(packet->l3, packet->ttl);
	case EXPR_EXTHDR:
		FIELD(packet->l3 == 6, packet->exthdr);
	case EXPR_ETHER_SADDR:
		FIELD(true, packet->ether_saddr);
	case EXPR_ETHER_DADDR:
		FIELD(true, packet->ether_daddr);
	case EXPR_ETHER_TYPE:
		FIELD(true, packet->eth_type);
	case EXPR_VLAN_ID:
		FIELD(packet->tagged, packet->vlan_id);
	case EXPR_VLAN_PCP:
		FIELD(packet->tagged, packet->vlan_pcp);
	case EXPR_IIF:
		FIELD(true, packet->ifindex);
	case EXPR_MARK:
		FIELD(true, packet->mark);
	case EXPR_CT_STATE:
		FIELD(true, packet->ct_state);
	case EXPR_CT_MARK:
		FIELD(true, packet->ct_mark);
	case EXPR_CT_ZONE:
		FIELD(true, packet->ct_zone);
	case EXPR_CT_DIRECTION:
		FIELD(has_flow(packet), packet->reply);
	case EXPR_CT_STATUS:
		FIELD(has_flow(packet), packet->ct_status);
	case EXPR_PAYLOAD:
	case EXPR_FIELD_MAX:
		return false;
	default:
		return end_of(packet, field, ret_value);
	}
#undef FIELD
}

struct judge {
	const struct config *config;
	const struct config_node *node;
	const struct lower_names *names;
	struct packet *packet;		/* rules change its mark */
	struct story *story;
	bool returned;			/* out of the chain under way */
};

static bool any_holds(const struct expr_interval *interval, size_t n, struct expr_value value)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (within(&interval[i], value))
			return true;
	return false;
}

/* Of a dynamic one, what was in it before the packet is in its tuples: the tests' alone */
static bool set_holds(const struct config *config, const struct packet *packet, const char *name,
		      const struct expr_value *key)
{
	const struct config_set *set = config_set_find(config, name);
	unsigned int i, k;

	assert_non_null(set);
	if (set->dynamic && packet->added && key[0].lo == packet->saddr.lo)
		return true;
	for (i = 0; i < set->n; i++) {
		for (k = 0; k < set->n_fields; k++)
			if (!within(&set->tuple[i * set->n_fields + k], key[k]))
				break;
		if (k == set->n_fields)
			return true;
	}
	return false;
}

/* "": nobody knows the interface */
static const char *name_of(const struct lower_names *names, uint32_t ifindex)
{
	const struct link *link = link_find(names->links, ifindex);

	return link ? link->name : "";
}

/* As rules have names in tuples */
static struct expr_value name_value(const char *name)
{
	uint8_t text[16] = {0};
	uint64_t half[2];

	memcpy(text, name, strlen(name));
	memcpy(half, text, sizeof(half));
	return (struct expr_value){ be64toh(half[0]), be64toh(half[1]) };
}

static bool match_holds(const struct judge *judge, const struct expr_match *match)
{
	struct expr_value value = {0};
	bool holds = false;
	unsigned int i;

	if (match->field == EXPR_PAYLOAD) {
		if (!bytes_at(judge->packet, match->base, match->at, match->bytes, &value.lo))
			return false;
	} else if (!field_of(judge->packet, match->field, &value)) {
		return false;
	}
	if (match->field == EXPR_TCP_FLAGS || match->field == EXPR_EXTHDR)
		return ((value.lo & match->mask) == match->value) != match->negated;
	if (match->field_mask)
		value.lo &= match->field_mask;
	if (match->set)
		return set_holds(judge->config, judge->packet, match->set, &value) !=
		       match->negated;
	for (i = 0; i < match->n_names; i++)
		holds |= fnmatch(match->name[i], name_of(judge->names, value.lo), 0) == 0;
	holds |= any_holds(match->interval, match->n, value);
	return holds != match->negated;
}

/* Return: the first tuple that holds the packet; -1: none; -2: it lacks a field */
static int concat_holds(const struct judge *judge, const struct expr_concat *concat)
{
	struct expr_value value[EXPR_CONCAT_MAX];
	unsigned int i, k;

	for (k = 0; k < concat->n_fields; k++) {
		if (!field_of(judge->packet, concat->field[k], &value[k]))
			return -2;
		if (concat->field[k] == EXPR_IIF)
			value[k] = name_value(name_of(judge->names, value[k].lo));
	}
	if (concat->set)
		return set_holds(judge->config, judge->packet, concat->set, value) ? 0 : -1;
	for (i = 0; i < concat->n_tuples; i++) {
		for (k = 0; k < concat->n_fields; k++)
			if (!within(&concat->tuple[i * concat->n_fields + k], value[k]))
				break;
		if (k == concat->n_fields)
			return i;
	}
	return -1;
}

/* What a map's key implies is a match of its rule: the family, a protocol, ports; no tag, no flow */
static bool lacks_key(const struct packet *packet, const struct expr_concat *key)
{
	struct expr_value value;
	unsigned int k;

	for (k = 0; k < key->n_fields; k++)
		if (key->field[k] != EXPR_VLAN_ID && key->field[k] != EXPR_VLAN_PCP &&
		    key->field[k] != EXPR_EXTHDR && key->field[k] != EXPR_CT_DIRECTION &&
		    !field_of(packet, key->field[k], &value))
			return true;
	return false;
}

static bool rule_holds(const struct judge *judge, const struct expr_rule *rule)
{
	unsigned int family = judge->packet->l3 == 4 ? EXPR_FAMILY_4 :
			      judge->packet->l3 == 6 ? EXPR_FAMILY_6 : 0;
	unsigned int i;
	int tuple;

	if (rule->families != (EXPR_FAMILY_4 | EXPR_FAMILY_6) && !(rule->families & family))
		return false;
	for (i = 0; i < rule->n; i++)
		if (!match_holds(judge, &rule->match[i]))
			return false;
	for (i = 0; i < rule->n_concats; i++) {
		tuple = concat_holds(judge, &rule->concat[i]);
		if (tuple == -2 || (tuple >= 0) == rule->concat[i].negated)
			return false;
	}
	return !rule->vmap || !lacks_key(judge->packet, &rule->vmap->key);
}

/* Return: whether the rule goes on */
static bool statement_runs(const struct judge *judge, const struct expr_rule *rule, unsigned int i)
{
	const struct expr_statement *statement = &rule->statement[i];
	char name[64];
	bool dynamic, holds;
	uint32_t number;

	snprintf(name, sizeof(name), "#%u.%u", rule->id, i);
	switch (statement->kind) {
	case EXPR_COUNT:
		snprintf(name, sizeof(name), "$%s", statement->name);
		story_add(judge->story, DID_COUNT, judge->names->hit(NULL, name));
		return true;
	case EXPR_SET_MARK:
		change_mark(judge->packet, statement->crossed, false, statement->mark_mask,
			    statement->mark, judge->story);
		return true;
	case EXPR_SET_CT_MARK:
		change_mark(judge->packet, !statement->crossed, true, statement->mark_mask,
			    statement->mark, judge->story);
		return true;
	case EXPR_SET_POLICY:
		story_add(judge->story, DID_POLICY, statement->name[0]);
		return true;
	case EXPR_SET_ZONE:
		set_zone(judge->packet, statement->amount, judge->story);
		return true;
	case EXPR_NOTRACK:
		drop_flow(judge->packet, judge->story);
		return true;
	case EXPR_LOG:
		story_add(judge->story, DID_LOG, judge->names->state(NULL, name));
		return true;
	case EXPR_CT_COUNT:
		number = judge->names->limit(NULL, &(struct config_rule){ .expr = *rule }, i);
		holds = count_holds(number, judge->packet, statement->over);
		story_add(judge->story, DID_LIMIT, number);
		return holds;
	case EXPR_LIMIT:
	case EXPR_QUOTA:
		holds = limit_holds(judge->names->state(NULL, name), judge->packet);
		story_add(judge->story, DID_LIMIT, judge->names->state(NULL, name));
		return holds != statement->over;
	default:
		story_add(judge->story, DID_ADD,
			  judge->names->set(NULL, statement->name, &dynamic));
		judge->packet->added |= judge->packet->l3 == 4;
		return true;
	}
}

static bool judge_list(struct judge *judge, const struct config_rule *rule, unsigned int n);

static bool judge_chain(struct judge *judge, const char *name)
{
	unsigned int i;

	for (i = 0; i < judge->node->n_chains; i++)
		if (!strcmp(judge->node->chain[i].name, name))
			break;
	assert_true(i < judge->node->n_chains);
	if (judge_list(judge, judge->node->chain[i].rule, judge->node->chain[i].n_rules))
		return true;
	judge->returned = false;
	return false;
}

static void judge_hit(const struct judge *judge, const struct expr_rule *rule)
{
	char name[16];

	snprintf(name, sizeof(name), "#%u", rule->id);
	story_add(judge->story, DID_HIT, judge->names->hit(NULL, name));
}

static bool counts_jumps(const struct expr_rule *rule)
{
	const struct expr_statement *last = &rule->statement[rule->n_statements - 1];

	return rule->n_statements && last->kind != EXPR_LIMIT && last->kind != EXPR_QUOTA &&
	       last->kind != EXPR_CT_COUNT;
}

/* Return: whether the packet left */
static bool judge_verdict(struct judge *judge, const struct expr_rule *rule,
			  const struct expr_verdict *verdict, bool element)
{
	switch (verdict->kind) {
	case EXPR_CONTINUE:
		if (!element)
			judge_hit(judge, rule);
		return false;
	case EXPR_REJECT:
		story_add(judge->story, DID_REJECT, verdict->reject);
		judge_hit(judge, rule);
		judge->story->edge = judge->names->edge(NULL, "reject", NULL);
		return true;
	case EXPR_LEAVE:
		judge_hit(judge, rule);
		judge->story->edge = judge->names->edge(NULL, verdict->edge, verdict->reason);
		return true;
	case EXPR_JUMP:
		if (!element && counts_jumps(rule))
			judge_hit(judge, rule);
		return judge_chain(judge, verdict->chain);
	default:
		judge_hit(judge, rule);
		judge->returned = true;
		return false;
	}
}

static bool judge_rule(struct judge *judge, const struct expr_rule *rule)
{
	unsigned int i;
	int tuple;

	if (!rule_holds(judge, rule))
		return false;
	for (i = 0; i < rule->n_statements; i++)
		if (!statement_runs(judge, rule, i))
			return false;
	if (!rule->vmap)
		return judge_verdict(judge, rule, &rule->verdict, false);
	tuple = concat_holds(judge, &rule->vmap->key);
	return tuple >= 0 && judge_verdict(judge, rule, &rule->vmap->verdict[tuple], true);
}

static bool judge_list(struct judge *judge, const struct config_rule *rule, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n && !judge->returned; i++)
		if (judge_rule(judge, &rule[i].expr))
			return true;
	return false;
}

static void judge_rules(const struct config *config, const struct config_node *node,
			const struct lower_names *names, const struct packet *packet,
			struct story *ret_story)
{
	struct packet copy = *packet;
	struct judge judge = { config, node, names, &copy, ret_story, false };

	*ret_story = (struct story){ .edge = -1 };
	judge_list(&judge, node->rule, node->n_rules);
}

#endif
