// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* model_match.c - which rules of the model hold a packet, and what comes of it */
#include <string.h>

#include "model.h"

/* A field of a packet: bytes in wire order; false: it has no such field */
struct value {
	uint8_t byte[16];
	size_t size;
};

bool model_is_address(enum model_field field)
{
	return field == MODEL_IP_SADDR || field == MODEL_IP_DADDR || field == MODEL_IP6_SADDR ||
	       field == MODEL_IP6_DADDR ||
	       (field >= MODEL_CT_IP_SADDR && field <= MODEL_CT_REPLY_IP6_DADDR);
}

size_t model_size(enum model_field field, const struct model_match *match)
{
	switch (field) {
	case MODEL_IP_SADDR:
	case MODEL_IP_DADDR:
	case MODEL_MARK:
	case MODEL_CT_MARK:
	case MODEL_CT_IP_SADDR:
	case MODEL_CT_REPLY_IP_SADDR:
		return 4;
	case MODEL_IP6_SADDR:
	case MODEL_IP6_DADDR:
	case MODEL_CT_IP6_DADDR:
	case MODEL_CT_REPLY_IP6_DADDR:
		return 16;
	case MODEL_ETHER_SADDR:
	case MODEL_ETHER_DADDR:
		return 6;
	case MODEL_PAYLOAD:
		return match->bytes;
	default:
		return 2;
	}
}

static bool bytes(struct value *value, bool has, const uint8_t *from, size_t size)
{
	value->size = size;
	memcpy(value->byte, from, size);
	return has;
}

static bool number(struct value *value, bool has, uint32_t n, size_t size)
{
	size_t i;

	value->size = size;
	for (i = 0; i < size; i++)
		value->byte[i] = n >> 8 * (size - 1 - i);
	return has;
}

/* Padding behind the IP packet is none of its bytes; a later fragment has no transport header */
static bool payload(struct value *value, const struct model_match *match,
		    const struct model_packet *k)
{
	size_t at = match->at, end = k->len;

	if (match->base == MODEL_NH)
		at += k->l3_off;
	else if (match->base == MODEL_TH)
		at += k->l4_off;
	if (match->base == MODEL_TH && (!k->version || k->frag == MODEL_LATER))
		return false;
	if (match->base != MODEL_LL && k->version)
		end = k->l4_off + k->l4_len;
	if (at + match->bytes > end)
		return false;
	return bytes(value, true, k->frame + at, match->bytes);
}

static bool field_value(struct value *value, enum model_field field,
			const struct model_match *match, const struct model_packet *k,
			const struct model_outcome *now)
{
	bool flow = now->ct_state == MODEL_CT_NEW || now->ct_state == MODEL_CT_ESTABLISHED ||
		    now->ct_state == MODEL_CT_RELATED;
	bool ports = k->l4 && (k->proto == 6 || k->proto == 17 || k->proto == 132);
	bool v4 = k->version == 4, v6 = k->version == 6;
	bool tcp = k->l4 && k->proto == 6, udp = k->l4 && k->proto == 17;
	bool sctp = k->l4 && k->proto == 132;
	bool icmp = v4 && k->l4 && k->proto == 1, icmpv6 = v6 && k->l4 && k->proto == 58;

	switch (field) {
	case MODEL_IP_SADDR:	return bytes(value, v4, k->saddr, 4);
	case MODEL_IP_DADDR:	return bytes(value, v4, k->daddr, 4);
	case MODEL_IP6_SADDR:	return bytes(value, v6, k->saddr, 16);
	case MODEL_IP6_DADDR:	return bytes(value, v6, k->daddr, 16);
	case MODEL_IP_PROTOCOL:	return number(value, v4, k->proto, 2);
	case MODEL_IP6_NEXTHDR:	return number(value, v6, k->proto, 2);
	case MODEL_L4PROTO:	return number(value, v4 || v6, k->proto, 2);
	case MODEL_NFPROTO:	return number(value, v4 || v6, k->version, 2);
	case MODEL_TCP_SPORT:	return number(value, tcp, k->sport, 2);
	case MODEL_TCP_DPORT:	return number(value, tcp, k->dport, 2);
	case MODEL_UDP_SPORT:	return number(value, udp, k->sport, 2);
	case MODEL_UDP_DPORT:	return number(value, udp, k->dport, 2);
	case MODEL_SCTP_SPORT:	return number(value, sctp, k->sport, 2);
	case MODEL_SCTP_DPORT:	return number(value, sctp, k->dport, 2);
	case MODEL_TH_SPORT:	return number(value, tcp || udp || sctp, k->sport, 2);
	case MODEL_TH_DPORT:	return number(value, tcp || udp || sctp, k->dport, 2);
	case MODEL_ICMP_TYPE:	return number(value, icmp, k->icmp_type, 2);
	case MODEL_ICMP_CODE:	return number(value, icmp, k->icmp_code, 2);
	case MODEL_ICMPV6_TYPE:	return number(value, icmpv6, k->icmp_type, 2);
	case MODEL_ICMPV6_CODE:	return number(value, icmpv6, k->icmp_code, 2);
	case MODEL_FRAG:	return number(value, v4 || v6, k->frag, 2);
	case MODEL_IP_LENGTH:	return number(value, v4, k->length, 2);
	case MODEL_IP6_LENGTH:	return number(value, v6, k->length, 2);
	case MODEL_IP_DSCP:	return number(value, v4, k->tos >> 2, 2);
	case MODEL_IP6_DSCP:	return number(value, v6, k->tos >> 2, 2);
	case MODEL_IP_TTL:	return number(value, v4, k->ttl, 2);
	case MODEL_IP6_HOPLIMIT: return number(value, v6, k->ttl, 2);
	case MODEL_ETHER_SADDR:	return bytes(value, true, k->frame + 6, 6);
	case MODEL_ETHER_DADDR:	return bytes(value, true, k->frame, 6);
	case MODEL_ETHER_TYPE:	return number(value, true, k->type, 2);
	case MODEL_VLAN_ID:	return number(value, k->vlans, k->tci & 4095, 2);
	case MODEL_VLAN_PCP:	return number(value, k->vlans, k->tci >> 13, 2);
	case MODEL_IIF:		return number(value, true, 0, 2);	/* the test's only one */
	case MODEL_MARK:	return number(value, true, now->mark, 4);
	case MODEL_CT_STATE:	return number(value, true, now->ct_state, 2);
	case MODEL_CT_MARK:	return number(value, true, now->ct_mark, 4);
	case MODEL_CT_ZONE:	return number(value, true, k->ct_zone, 2);
	case MODEL_CT_DIRECTION: return number(value, flow, k->ct_reply, 2);
	/* The test's flows are in no table: packets are first ones */
	case MODEL_CT_IP_SADDR:	return bytes(value, flow && v4, k->saddr, 4);
	case MODEL_CT_REPLY_IP_SADDR: return bytes(value, flow && v4, k->daddr, 4);
	case MODEL_CT_IP6_DADDR: return bytes(value, flow && v6, k->daddr, 16);
	case MODEL_CT_REPLY_IP6_DADDR: return bytes(value, flow && v6, k->saddr, 16);
	case MODEL_CT_SPORT:	return number(value, flow && ports, k->sport, 2);
	case MODEL_CT_REPLY_SPORT: return number(value, flow && ports, k->dport, 2);
	case MODEL_PAYLOAD:	return payload(value, match, k);
	case MODEL_TCP_FLAGS:
	case MODEL_EXTHDR:
	case MODEL_FIELDS:	break;
	}
	return false;
}

static bool in_range(const struct model_range *range, const struct value *value)
{
	return memcmp(value->byte, range->first, value->size) >= 0 &&
	       memcmp(value->byte, range->last, value->size) <= 0;
}

static bool flags_match(const struct model_match *match, const struct model_packet *k)
{
	if (k->proto != 6 || !k->l4)
		return false;
	switch (match->op) {
	case MODEL_ANY_OF:	return (k->flags & match->value) != 0;
	case MODEL_NONE_OF:	return (k->flags & match->value) == 0;
	case MODEL_ARE:		return k->flags == match->value;
	case MODEL_ARE_NOT:	return k->flags != match->value;
	case MODEL_MASK_IS:	return (k->flags & match->mask) == match->value;
	case MODEL_MASK_IS_NOT:	return (k->flags & match->mask) != match->value;
	}
	return false;
}

static bool matches(const struct model_match *match, const struct model_packet *k,
		    const struct model_outcome *now)
{
	struct value value;
	size_t byte;
	unsigned int i;

	if (match->field == MODEL_TCP_FLAGS)
		return flags_match(match, k);
	if (match->field == MODEL_EXTHDR)
		return k->version == 6 && !(k->extensions & match->value) == match->negated;
	if (!field_value(&value, match->field, match, k, now))
		return false;
	for (byte = 0; match->wide_mask && byte < value.size; byte++)
		value.byte[byte] &= match->wide_mask >> 8 * (value.size - 1 - byte);
	for (i = 0; i < match->n; i++)
		if (in_range(&match->range[i], &value))
			return !match->negated;
	return match->negated;
}

/* Index of the tuple that holds the packet; -1: none */
static int concat_find(const struct model_concat *concat, const struct model_packet *k,
		       const struct model_outcome *now)
{
	unsigned int i, part;
	struct value value;

	for (i = 0; i < concat->n; i++) {
		for (part = 0; part < concat->parts; part++)
			if (!field_value(&value, concat->field[part], NULL, k, now) ||
			    !in_range(&concat->tuple[i][part], &value))
				break;
		if (part == concat->parts)
			return i;
	}
	return -1;
}

/* ---- rules ---- */
struct walk {
	const struct model_filter *filter;
	const struct model_packet *packet;
	struct model_outcome *out;
};

static bool rule_holds(const struct model_rule *rule, const struct model_packet *k,
		       const struct model_outcome *now)
{
	struct value value;
	unsigned int i;

	for (i = 0; i < rule->n; i++)
		if (!matches(&rule->match[i], k, now))
			return false;
	/* What the key of a map implies is a match; that an element has it is not */
	for (i = 0; i < rule->key.parts; i++)
		if (!field_value(&value, rule->key.field[i], NULL, k, now))
			return false;
	return !rule->concat.parts || concat_find(&rule->concat, k, now) >= 0;
}

static void change(const struct model_rule *rule, struct model_outcome *out)
{
	uint32_t *mark = rule->to_ct ? &out->ct_mark : &out->mark;

	if (rule->marks)
		*mark = ((rule->from_ct ? out->ct_mark : out->mark) & rule->mark_and) ^
			rule->mark_xor;
	if (rule->notrack)
		out->ct_state = MODEL_CT_UNTRACKED;
}

static bool walk_chain(struct walk *walk, unsigned int chain);

/* One rule. Return: whether the list that it is in ends with it, by 'return' without an edge */
static bool walk_rule(struct walk *walk, const struct model_rule *rule)
{
	const struct model_verdict *verdict = &rule->verdict;
	int element;

	if (!rule_holds(rule, walk->packet, walk->out))
		return false;
	change(rule, walk->out);
	if (rule->key.parts) {
		element = concat_find(&rule->key, walk->packet, walk->out);
		if (element < 0)
			return false;
		verdict = &rule->element[element];
	}
	switch (verdict->kind) {
	case MODEL_LEAVE:
		walk->out->edge = verdict->edge;
		return true;
	case MODEL_RETURN:
		return true;
	case MODEL_JUMP:
		walk->out->went_on++;
		return walk_chain(walk, verdict->chain) && walk->out->edge;
	case MODEL_GO_ON:
		walk->out->went_on++;
	}
	return false;
}

/* Return: whether some rule ended it */
static bool walk_chain(struct walk *walk, unsigned int chain)
{
	unsigned int i;

	for (i = 0; i < walk->filter->chain_n[chain]; i++)
		if (walk_rule(walk, &walk->filter->chain[chain][i]))
			return true;
	return false;
}

void model_filter(const struct model_filter *filter, const struct model_packet *packet,
		  struct model_outcome *ret_outcome)
{
	struct walk walk = { filter, packet, ret_outcome };
	unsigned int i;

	memset(ret_outcome, 0, sizeof(*ret_outcome));
	ret_outcome->ct_state = packet->ct_state;
	ret_outcome->ct_mark = packet->ct_mark;
	if (packet->type == 0x0806) {
		ret_outcome->edge = "accept";		/* ARP, whatever the rules say */
		return;
	}
	for (i = 0; i < filter->n && !ret_outcome->edge; i++) {
		if (!walk_rule(&walk, &filter->rule[i]))
			continue;
		ret_outcome->rule = i + 1;
		break;				/* decided, or 'return': the default */
	}
	if (!ret_outcome->edge)
		ret_outcome->edge = filter->fallback;
}
