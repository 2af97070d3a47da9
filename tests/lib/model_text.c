// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* model_text.c - the model's rules in the language that the product reads */
#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"

static const char *const field_names[MODEL_FIELDS] = {
	"ip saddr", "ip daddr", "ip protocol", "ip6 saddr", "ip6 daddr", "ip6 nexthdr",
	"meta l4proto", "meta nfproto", "tcp sport", "tcp dport", "udp sport", "udp dport",
	"sctp sport", "sctp dport", "th sport", "th dport", "tcp flags", "icmp type",
	"icmp code", "icmpv6 type", "icmpv6 code", "frag", "ip length", "ip6 length", "ip dscp",
	"ip6 dscp", "ip ttl", "ip6 hoplimit", "exthdr", "ether saddr", "ether daddr", "ether type",
	"vlan id", "vlan pcp", "iifname", "meta mark", "ct state", "ct direction", "ct mark", "ct zone",
	"ct original ip saddr", "ct reply ip saddr", "ct original ip6 daddr", "ct reply ip6 daddr",
	"ct original proto-src", "ct reply proto-src", NULL,
};

struct text {
	char *at, *end;
};

static void __attribute__((format(printf, 2, 3))) add(struct text *text, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(text->at, text->end - text->at, fmt, args);
	va_end(args);
	if (n >= text->end - text->at)
		abort();		/* the caller's buffer is too small */
	text->at += n;
}

static unsigned long long number(const uint8_t *byte, size_t size)
{
	unsigned long long n = 0;

	while (size--)
		n = n << 8 | *byte++;
	return n;
}

static void add_value(struct text *text, enum model_field field, const struct model_match *match,
		      const uint8_t *value)
{
	static const char *const frags[] = { "none", "first", "later" };
	static const char *const states[MODEL_CT_STATES] = {
		"none", "new", "established", "related", "invalid", "untracked",
	};
	char addr[INET6_ADDRSTRLEN];

	switch (field) {
	case MODEL_IP_SADDR:
	case MODEL_IP_DADDR:
	case MODEL_CT_IP_SADDR:
	case MODEL_CT_REPLY_IP_SADDR:
		add(text, "%s", inet_ntop(AF_INET, value, addr, sizeof(addr)));
		break;
	case MODEL_IP6_SADDR:
	case MODEL_IP6_DADDR:
	case MODEL_CT_IP6_DADDR:
	case MODEL_CT_REPLY_IP6_DADDR:
		add(text, "%s", inet_ntop(AF_INET6, value, addr, sizeof(addr)));
		break;
	case MODEL_ETHER_SADDR:
	case MODEL_ETHER_DADDR:
		add(text, "%02x:%02x:%02x:%02x:%02x:%02x", value[0], value[1], value[2], value[3],
		    value[4], value[5]);
		break;
	case MODEL_FRAG:
		add(text, "%s", frags[value[1] % 3]);
		break;
	case MODEL_NFPROTO:
		add(text, "ipv%d", value[1]);
		break;
	case MODEL_CT_STATE:
		add(text, "%s", states[value[1] % MODEL_CT_STATES]);
		break;
	case MODEL_CT_DIRECTION:
		add(text, "%s", value[1] ? "reply" : "original");
		break;
	case MODEL_MARK:
	case MODEL_CT_MARK:
	case MODEL_PAYLOAD:
		add(text, "0x%llx", number(value, model_size(field, match)));
		break;
	default:
		add(text, "%llu", number(value, 2));
	}
}

static void add_range(struct text *text, enum model_field field, const struct model_match *match,
		      const struct model_range *range)
{
	add_value(text, field, match, range->first);
	if (model_is_address(field) && range->prefix >= 0) {
		add(text, "/%d", range->prefix);
	} else if (memcmp(range->first, range->last, model_size(field, match))) {
		add(text, "-");
		add_value(text, field, match, range->last);
	}
}

static void add_flags(struct text *text, const struct model_match *match)
{
	static const char *const how[] = { "", "! ", "== ", "!= " };

	if (match->op < MODEL_MASK_IS)
		add(text, "tcp flags %s0x%x ", how[match->op], match->value);
	else
		add(text, "tcp flags & 0x%x %s 0x%x ", match->mask,
		    match->op == MODEL_MASK_IS ? "==" : "!=", match->value);
}

static void add_exthdr(struct text *text, const struct model_match *match)
{
	static const char *const names[MODEL_EXTS] = { "hbh", "dst", "rt", "frag", "ah" };
	unsigned int i;

	for (i = 0; i < MODEL_EXTS; i++)
		if (match->value == 1u << i)
			add(text, "exthdr %s %s ", names[i],
			    match->negated ? "missing" : "exists");
}

static void add_field(struct text *text, const struct model_match *match)
{
	static const char *const bases[] = { "ll", "nh", "th" };

	if (match->field == MODEL_PAYLOAD)
		add(text, "@%s,%u,%u ", bases[match->base], 8 * match->at, 8 * match->bytes);
	else
		add(text, "%s ", field_names[match->field]);
	if (match->wide_mask)
		add(text, "& 0x%llx %s ", (unsigned long long)match->wide_mask,
		    match->negated ? "!=" : "==");
	else if (match->negated)
		add(text, "!= ");
}

static void add_match(struct text *text, const struct model_match *match)
{
	static const char *const names[] = { "lo", "l*", "eth0", "e*" };
	unsigned int i;

	if (match->field == MODEL_TCP_FLAGS) {
		add_flags(text, match);
		return;
	}
	if (match->field == MODEL_EXTHDR) {
		add_exthdr(text, match);
		return;
	}
	add_field(text, match);
	if (match->field == MODEL_IIF) {
		add(text, "\"%s\" ", names[match->value]);
		return;
	}
	if (match->set >= 0) {
		add(text, "@s%d ", match->set);
		return;
	}
	add(text, match->n > 1 ? "{ " : "");
	for (i = 0; i < match->n; i++) {
		add(text, i ? ", " : "");
		add_range(text, match->field, match, &match->range[i]);
	}
	add(text, match->n > 1 ? " } " : " ");
}

static void add_concat_fields(struct text *text, const struct model_concat *concat)
{
	unsigned int part;

	for (part = 0; part < concat->parts; part++)
		add(text, "%s%s ", part ? ". " : "", field_names[concat->field[part]]);
}

static void add_tuple(struct text *text, const struct model_concat *concat, unsigned int i)
{
	unsigned int part;

	for (part = 0; part < concat->parts; part++) {
		add(text, part ? " . " : "");
		add_range(text, concat->field[part], NULL, &concat->tuple[i][part]);
	}
}

static void add_concat(struct text *text, const struct model_concat *concat)
{
	unsigned int i;

	add_concat_fields(text, concat);
	for (i = 0; i < concat->n; i++) {
		add(text, i ? ", " : "{ ");
		add_tuple(text, concat, i);
	}
	add(text, " } ");
}

static void add_verdict(struct text *text, const struct model_verdict *verdict)
{
	switch (verdict->kind) {
	case MODEL_LEAVE:
		add(text, "%s%s", strcmp(verdict->edge, "odd") ? "" : "goto ", verdict->edge);
		break;
	case MODEL_JUMP:
		add(text, "jump c%u", verdict->chain);
		break;
	case MODEL_RETURN:
		add(text, "return");
		break;
	case MODEL_GO_ON:
		break;
	}
}

static void add_map(struct text *text, const struct model_rule *rule)
{
	unsigned int i;

	add_concat_fields(text, &rule->key);
	add(text, "vmap { ");
	for (i = 0; i < rule->key.n; i++) {
		add(text, i ? ", " : "");
		add_tuple(text, &rule->key, i);
		add(text, " : ");
		add_verdict(text, &rule->element[i]);
	}
	add(text, " }");
}

void model_rule_text(const struct model_rule *rule, char *buf, size_t size)
{
	struct text text = { buf, buf + size };
	unsigned int i;

	buf[0] = '\0';
	for (i = 0; i < rule->n; i++)
		add_match(&text, &rule->match[i]);
	if (rule->concat.parts)
		add_concat(&text, &rule->concat);
	if (rule->marks && !rule->mark_and)
		add(&text, "%s mark set 0x%x ", rule->to_ct ? "ct" : "meta", rule->mark_xor);
	else if (rule->marks)
		add(&text, "%s mark set %smark and 0x%x xor 0x%x ", rule->to_ct ? "ct" : "meta",
		    rule->from_ct ? "ct " : "", rule->mark_and, rule->mark_xor);
	if (rule->notrack)
		add(&text, "notrack ");
	if (rule->key.parts)
		add_map(&text, rule);
	else
		add_verdict(&text, &rule->verdict);
}

void model_set_text(const struct model_match *set, char *buf, size_t size)
{
	struct text text = { buf, buf + size };
	unsigned int i;

	for (i = 0; i < set->n; i++) {
		add(&text, i ? ", '" : "'");
		add_range(&text, set->field, set, &set->range[i]);
		add(&text, "'");
	}
}

const char *model_set_type(const struct model_match *set)
{
	switch (set->field) {
	case MODEL_IP_SADDR:	return "ip";
	case MODEL_IP6_SADDR:	return "ip6";
	case MODEL_TH_DPORT:	return "port";
	default:		return "proto";
	}
}
