// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* event.c - a logged packet as JSON */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include <model/event.h>
#include <model/expr_field.h>

static const struct {
	uint8_t number;
	const char *name;
} protocols[] = {
	{ IPPROTO_TCP, "tcp" }, { IPPROTO_UDP, "udp" }, { IPPROTO_SCTP, "sctp" },
	{ IPPROTO_ICMP, "icmp" }, { IPPROTO_ICMPV6, "icmpv6" },
};

static void write_protocol(uint8_t number, struct jsonw *w)
{
	unsigned int i;

	for (i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++) {
		if (protocols[i].number == number) {
			jsonw_str(w, "protocol", protocols[i].name);
			return;
		}
	}
	jsonw_fmt(w, "protocol", "%u", number);
}

static void write_address(const struct shunt_packet *pkt, const struct shunt_addr *addr,
			  const char *key, struct jsonw *w)
{
	char text[INET6_ADDRSTRLEN];

	inet_ntop(pkt->l3 == 4 ? AF_INET : AF_INET6,
		  pkt->l3 == 4 ? (const void *)&addr->v4 : addr, text, sizeof(text));
	jsonw_str(w, key, text);
}

static void write_flags(uint8_t flags, struct jsonw *w)
{
	char text[64] = "";
	unsigned int i;

	for (i = 0; i < 8; i++)
		if (flags & 1u << i)
			snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s",
				 *text ? "," : "", expr_flag_names[i]);
	jsonw_str(w, "flags", text);
}

static void write_l4(const struct shunt_packet *pkt, struct jsonw *w)
{
	if (!(pkt->flags & SHUNT_PKT_L4))
		return;
	if (pkt->proto == IPPROTO_ICMP || pkt->proto == IPPROTO_ICMPV6) {
		jsonw_u64(w, "type", pkt->icmp_type);
		jsonw_u64(w, "code", pkt->icmp_code);
		return;
	}
	jsonw_u64(w, "sport", ntohs(pkt->sport));
	jsonw_u64(w, "dport", ntohs(pkt->dport));
	if (pkt->proto == IPPROTO_TCP)
		write_flags(pkt->tcp_flags, w);
}

static void write_packet(const struct shunt_packet *pkt, struct jsonw *w)
{
	static const char *const frags[] = { "none", "first", "later" };
	unsigned int i;

	jsonw_u64(w, "length", pkt->len);
	jsonw_u64(w, "mark", pkt->mark);
	jsonw_array(w, "vlan");
	for (i = 0; i < pkt->vlans && i < 2; i++)
		jsonw_u64(w, NULL, pkt->vlan_tci[i] & 0xfff);
	jsonw_array_end(w);
	jsonw_fmt(w, "ether_type", "0x%04x", ntohs(pkt->eth_type));
	if (!pkt->l3)
		return;
	write_address(pkt, &pkt->saddr, "saddr", w);
	write_address(pkt, &pkt->daddr, "daddr", w);
	write_protocol(pkt->proto, w);
	jsonw_str(w, "frag", pkt->frag < 3 ? frags[pkt->frag] : NULL);
	jsonw_u64(w, "ttl", pkt->ttl);
	write_l4(pkt, w);
}

/* The statement that logged; where the rule is another one now: its first log */
static const char *prefix_of(const struct shunt_event *event, const struct expr_rule *rule)
{
	unsigned int i;

	if (event->statement < rule->n_statements &&
	    rule->statement[event->statement].kind == EXPR_LOG)
		return rule->statement[event->statement].name;
	for (i = 0; i < rule->n_statements; i++)
		if (rule->statement[i].kind == EXPR_LOG)
			return rule->statement[i].name;
	return NULL;
}

static void write_verdict(const struct expr_rule *rule, struct jsonw *w)
{
	const struct expr_verdict *verdict = &rule->verdict;

	if (rule->vmap)
		jsonw_str(w, "verdict", "vmap");
	else if (verdict->kind == EXPR_LEAVE && verdict->reason)
		jsonw_fmt(w, "verdict", "%s(%s)", verdict->edge, verdict->reason);
	else if (verdict->kind == EXPR_LEAVE)
		jsonw_str(w, "verdict", verdict->edge);
	else if (verdict->kind == EXPR_JUMP)
		jsonw_fmt(w, "verdict", "jump %s", verdict->chain);
	else
		jsonw_str(w, "verdict", verdict->kind == EXPR_REJECT ? "reject" :
			  verdict->kind == EXPR_RETURN ? "return" : "continue");
}

static void write_bytes(const struct shunt_event *event, struct jsonw *w)
{
	char text[2 * SHUNT_EVENT_BYTES + 1] = "";
	unsigned int i;

	for (i = 0; i < event->captured && i < SHUNT_EVENT_BYTES; i++)
		snprintf(text + 2 * i, 3, "%02x", event->data[i]);
	jsonw_str(w, "bytes", text);
}

void event_write(const struct shunt_event *event, const struct event_about *about, struct jsonw *w)
{
	jsonw_u64(w, "time_ns", about->time_ns);
	jsonw_str(w, "dev", about->dev);
	jsonw_u64(w, "ifindex", event->pkt.ifindex);
	jsonw_str(w, "graph", about->graph);
	jsonw_str(w, "hook", about->hook);
	jsonw_str(w, "node", about->node);
	jsonw_fmt(w, "rule", "%08x", event->rule);
	if (about->rule) {
		jsonw_str(w, "prefix", prefix_of(event, about->rule));
		write_verdict(about->rule, w);
	} else {
		jsonw_null(w, "prefix");
		jsonw_null(w, "verdict");
	}
	write_packet(&event->pkt, w);
	write_bytes(event, w);
}
