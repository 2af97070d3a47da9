/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * conn.h - a flow of the flow table as a value: read from an entry, asked for by filter, written
 *
 * DOC: A filter is the matches of a rule. Its 'ip saddr', 'tcp dport', ... are those of the flow's
 * first packet, as 'ct original' has them.
 */
#ifndef MODEL_CONN_H
#define MODEL_CONN_H

#include <stdbool.h>
#include <stdint.h>

#include <base/diag.h>
#include <base/jsonw.h>
#include <model/expr.h>

#include "../../dataplane/lib/conntrack.h"

struct conn_way {			/* host order */
	struct expr_value saddr, daddr;
	uint16_t sport, dport;		/* of an ICMP query both are its id; without ports 0 */
};

struct conn {
	uint8_t l3;			/* 4 or 6 */
	uint8_t proto;
	uint8_t kind;			/* CONNTRACK_KIND_*, of ICMP; else 0 */
	uint8_t state;			/* enum conntrack_state */
	uint8_t policy;
	uint16_t flags;			/* CONNTRACK_SECOND, ... */
	uint16_t zone;
	uint32_t mark;
	struct conn_way way[2];		/* packets of the originator, replies */
};

void conn_from_flow4(const struct conntrack_flow4 *flow, struct conn *ret_conn);
void conn_from_flow6(const struct conntrack_flow6 *flow, struct conn *ret_conn);

/* What is known of it besides */
struct conn_about {
	const struct conntrack_counts *counts;	/* NULL: not counted */
	bool has_times;
	uint32_t expires_s, age_s;
	bool details;			/* flags, policy and slot, too */
	const char *policy;		/* NULL: the usual one */
	uint32_t slot;
};

const char *conn_state_name(unsigned int state);
/* Into @buf, which holds "255" */
const char *conn_proto_name(uint8_t proto, char *buf);

/* Members of an object that is open in @w */
void conn_write(const struct conn *conn, const struct conn_about *about, struct jsonw *w);

/**
 * conn_filter_parse() - Matches of which a flow has the fields
 * @text:	May be empty: all flows
 * @ret_rule:	In diags->arena; no sets in it
 * Return: 0; -EINVAL: diags tell what a flow does not have, and where
 */
int conn_filter_parse(const char *text, const char *path, struct diags *diags,
		      struct expr_rule *ret_rule);
bool conn_filter_match(const struct expr_rule *rule, const struct conn *conn);

#endif
