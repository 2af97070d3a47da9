// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* conn.c - a flow of the flow table, from its entry, and as JSON */
#include <arpa/inet.h>
#include <endian.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include <model/conn.h>
#include <model/expr_field.h>

#define STATE_NAME(id, name, seconds) [CONNTRACK_##id] = name,
static const char *const states[] = { CONNTRACK_STATES(STATE_NAME) };

static const char *const kinds[] = {
	[CONNTRACK_KIND_ECHO] = "echo",
	[CONNTRACK_KIND_TIME] = "timestamp",
	[CONNTRACK_KIND_MASK] = "mask",
};

static const struct {
	uint16_t flag;
	const char *name;
} flags[] = {
	{ CONNTRACK_REPLIED, "replied" }, { CONNTRACK_ASSURED, "assured" },
	{ CONNTRACK_FIN_ORIG, "fin-original" }, { CONNTRACK_FIN_REPLY, "fin-reply" },
	{ CONNTRACK_SNAT, "snat" }, { CONNTRACK_DNAT, "dnat" },
	{ CONNTRACK_PICKED_UP, "picked-up" }, { CONNTRACK_SPILLED, "spilled" },
	{ CONNTRACK_PROXIED, "proxied" },
};

/* ---- from an entry ------------------------------------------------------------------------- */

static struct expr_value addr4(__be32 addr)
{
	return (struct expr_value){ .lo = ntohl(addr) };
}

static struct expr_value addr6(const struct shunt_addr *addr)
{
	return (struct expr_value){ .hi = be64toh(addr->half[0]), .lo = be64toh(addr->half[1]) };
}

/* What both families have in common. Return: which of the key's ends is the originator */
static unsigned int from_flow(const struct conntrack_flow *flow, struct conn *conn)
{
	conn->state = flow->life >> CONNTRACK_STATE_SHIFT;
	conn->flags = flow->life >> CONNTRACK_FLAGS_SHIFT;
	conn->policy = flow->policy;
	conn->mark = flow->mark;
	return conn->flags & CONNTRACK_SECOND ? 1 : 0;
}

/* Replies go the other way, from and to the ends as they are on the other side */
static void set_reply(struct conn *conn, const struct conn_way *outside)
{
	const struct conn_way *way = &conn->way[0];
	bool snat = conn->flags & CONNTRACK_SNAT, dnat = conn->flags & CONNTRACK_DNAT;

	conn->way[1] = (struct conn_way){
		.saddr = dnat ? outside->daddr : way->daddr,
		.sport = dnat ? outside->dport : way->dport,
		.daddr = snat ? outside->saddr : way->saddr,
		.dport = snat ? outside->sport : way->sport,
	};
}

void conn_from_flow4(const struct conntrack_flow4 *flow, struct conn *ret_conn)
{
	const struct conntrack_key4 *key = &flow->key;
	unsigned int first = from_flow(&flow->flow, ret_conn);
	const struct conn_way outside = {
		addr4(flow->nat_addr[0]), addr4(flow->nat_addr[1]),
		ntohs(flow->nat_port[0]), ntohs(flow->nat_port[1]),
	};

	ret_conn->l3 = 4;
	ret_conn->proto = key->proto;
	ret_conn->kind = key->kind & CONNTRACK_KIND_BITS;
	ret_conn->zone = key->zone;
	ret_conn->way[0] = (struct conn_way){
		addr4(key->addr[first]), addr4(key->addr[!first]),
		ntohs(key->port[first]), ntohs(key->port[!first]),
	};
	set_reply(ret_conn, &outside);
}

void conn_from_flow6(const struct conntrack_flow6 *flow, struct conn *ret_conn)
{
	const struct conntrack_key6 *key = &flow->key;
	unsigned int first = from_flow(&flow->flow, ret_conn);
	const struct conn_way outside = {
		addr6(&flow->nat_addr[0]), addr6(&flow->nat_addr[1]),
		ntohs(flow->nat_port[0]), ntohs(flow->nat_port[1]),
	};

	ret_conn->l3 = 6;
	ret_conn->proto = key->proto;
	ret_conn->kind = key->kind & CONNTRACK_KIND_BITS;
	ret_conn->zone = key->zone;
	ret_conn->way[0] = (struct conn_way){
		addr6(&key->addr[first]), addr6(&key->addr[!first]),
		ntohs(key->port[first]), ntohs(key->port[!first]),
	};
	set_reply(ret_conn, &outside);
}

/* ---- as JSON ------------------------------------------------------------------------------- */

const char *conn_state_name(unsigned int state)
{
	return state < CONNTRACK_STATE_MAX ? states[state] : "?";
}

const char *conn_proto_name(uint8_t proto, char *buf)
{
	const char *name = expr_name_of(EXPR_PROTO, EXPR_FAMILY_ANY, proto);

	sprintf(buf, "%u", proto);
	return name ? name : buf;
}

static void write_addr(const struct conn *conn, const struct expr_value *addr, const char *key,
		       struct jsonw *w)
{
	const uint64_t half[2] = { htobe64(addr->hi), htobe64(addr->lo) };
	const uint32_t v4 = htonl(addr->lo);
	char text[INET6_ADDRSTRLEN];

	inet_ntop(conn->l3 == 4 ? AF_INET : AF_INET6,
		  conn->l3 == 4 ? (const void *)&v4 : (const void *)half, text, sizeof(text));
	jsonw_str(w, key, text);
}

static bool has_ports(const struct conn *conn)
{
	return conn->proto == IPPROTO_TCP || conn->proto == IPPROTO_UDP ||
	       conn->proto == IPPROTO_SCTP;
}

static void write_ends(const struct conn *conn, const struct conn_way *way, struct jsonw *w)
{
	write_addr(conn, &way->saddr, "saddr", w);
	write_addr(conn, &way->daddr, "daddr", w);
	if (conn->kind) {
		jsonw_u64(w, "id", way->sport);
	} else if (has_ports(conn)) {
		jsonw_u64(w, "sport", way->sport);
		jsonw_u64(w, "dport", way->dport);
	}
}

/* The originator's packets as they leave */
static void write_nat(const struct conn *conn, struct jsonw *w)
{
	const struct conn_way *reply = &conn->way[1];
	const struct conn_way out = { reply->daddr, reply->saddr, reply->dport, reply->sport };

	if (!(conn->flags & (CONNTRACK_SNAT | CONNTRACK_DNAT))) {
		jsonw_null(w, "nat");
		return;
	}
	jsonw_object(w, "nat");
	write_ends(conn, &out, w);
	jsonw_object_end(w);
}

static void write_counts(const struct conntrack_counts *counts, struct jsonw *w)
{
	static const char *const way[] = { "original", "reply" };
	unsigned int i;

	for (i = 0; i < 2; i++) {
		jsonw_object(w, way[i]);
		jsonw_u64(w, "packets", counts->packets[i]);
		jsonw_u64(w, "bytes", counts->bytes[i]);
		jsonw_object_end(w);
	}
}

static void write_details(const struct conn *conn, const struct conn_about *about,
			  struct jsonw *w)
{
	unsigned int i;

	jsonw_array(w, "flags");
	for (i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (conn->flags & flags[i].flag)
			jsonw_str(w, NULL, flags[i].name);
	jsonw_array_end(w);
	jsonw_str(w, "policy", about->policy);
	jsonw_u64(w, "slot", about->slot);
}

void conn_write(const struct conn *conn, const struct conn_about *about, struct jsonw *w)
{
	char buf[4];

	jsonw_u64(w, "family", conn->l3);
	jsonw_str(w, "protocol", conn_proto_name(conn->proto, buf));
	if (conn->kind)
		jsonw_str(w, "query", conn->kind <= CONNTRACK_KIND_MASK ? kinds[conn->kind] : "?");
	write_ends(conn, &conn->way[0], w);
	jsonw_str(w, "state", conn_state_name(conn->state));
	jsonw_bool(w, "replied", conn->flags & CONNTRACK_REPLIED);
	jsonw_bool(w, "assured", conn->flags & CONNTRACK_ASSURED);
	jsonw_u64(w, "mark", conn->mark);
	jsonw_u64(w, "zone", conn->zone);
	write_nat(conn, w);
	if (about->has_times) {
		jsonw_u64(w, "expires_s", about->expires_s);
		jsonw_u64(w, "age_s", about->age_s);
	}
	if (about->counts)
		write_counts(about->counts, w);
	if (about->details)
		write_details(conn, about, w);
}
