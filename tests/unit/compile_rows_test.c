// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * compile_rows_test.c - a filter's rows decide as its rules do
 *
 * Random rules are compiled; random packets are judged twice: by the rows, with
 * the comparisons of filter.bpf.c, and by the parsed rules, interval by
 * interval. Edge and counter must be the same. Values come from a small stock, so
 * that rules and packets meet, at the edges of intervals above all.
 */
#include <arpa/inet.h>
#include <endian.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include <shunt/packet.h>

#include "../lib/unit.h"
#include "contracts.h"

#define ROUNDS		150
#define PACKETS		2000		/* a round: 300 000 in all */
#define RULES_MAX	12

static uint64_t seed;

static unsigned int below(unsigned int n)
{
	return unit_random(&seed) % n;
}

#define PICK(array) ((array)[below(N(array))])

/* ---- random rules ------------------------------------------------------------------------- */

static const char *const ip4[] = {
	"10.0.0.0/8", "10.1.2.3", "10.1.2.0-10.1.3.127", "0.0.0.0", "0.0.0.0/1", "255.255.255.255",
	"{ 10.1.2.3, 192.0.2.0/25, 224.0.0.0-255.255.255.255 }", "@v4", "!= @v4", "!= 10.1.2.0/24",
	"!= { 10.0.0.0/9, 192.0.2.1 }", "@none", "!= @none", "192.0.2.1-192.0.2.254",
};

static const char *const ip6[] = {
	"2001:db8::/32", "2001:db8::1", "::", "::/0", "@v6", "!= @v6", "!= 2001:db8::/33",
	"{ ::1, fe80::/10, 2001:db8::ffff-2001:db8::1:2 }",
	"2001:db8:0:0:ffff:ffff:ffff:fff0-2001:db8:0:1::f", "ffff::/16",
};

static const char *const ports[] = {
	"53", "0", "65535", "1024-65535", "{ 22, 80-90, 443 }", "!= 53", "!= { 1-1023 }", "@web",
	"!= @web", "0-65535",
};

static const char *const flags[] = {
	"tcp flags & (syn|ack) == syn", "tcp flags & (syn|ack) != syn", "tcp flags syn",
	"tcp flags & (fin|syn|rst|ack) != ack", "tcp flags & rst == 0", "tcp flags & fin != 0",
	"tcp flags != ack", "tcp flags & (psh|urg) == psh|urg", "tcp flags == syn|ack",
};

static const char *const others[] = {
	"icmp type echo-request", "icmp type { 0, 8, 11 }", "icmp type != 8", "icmp code 1-5",
	"icmpv6 type 133-136", "icmpv6 code != 0", "ip protocol tcp", "ip protocol { icmp, 47 }",
	"ip protocol != udp", "ip6 nexthdr icmpv6", "meta l4proto { tcp, udp }",
	"meta l4proto @tunnels", "ip protocol != @tunnels", "meta nfproto ipv4",
	"meta nfproto ipv6", "frag none", "frag first", "frag { none, first }", "frag later",
	"frag != first",
};

static const char *const verdicts[] = {
	"accept", "drop", "goto odd", "goto even", "drop(rate)", "drop(policy)",
};

static void random_match(struct buf *out)
{
	static const char *const transport[] = { "tcp", "udp", "sctp", "th" };
	static const char *const side[] = { "saddr", "daddr" };
	static const char *const end[] = { "sport", "dport" };

	switch (below(6)) {
	case 0:
		buf_printf(out, "ip %s %s ", PICK(side), PICK(ip4));
		break;
	case 1:
		buf_printf(out, "ip6 %s %s ", PICK(side), PICK(ip6));
		break;
	case 2:
	case 3:
		buf_printf(out, "%s %s %s ", PICK(transport), PICK(end), PICK(ports));
		break;
	case 4:
		buf_printf(out, "%s ", PICK(flags));
		break;
	default:
		buf_printf(out, "%s ", PICK(others));
	}
}

/* One that can match: the parser knows which can never */
static void random_rule(struct buf *out)
{
	struct arena arena = {0};
	struct diags diags;
	struct expr_rule rule;
	unsigned int n;

	do {
		buf_clear(out);
		for (n = 1 + below(4); n; n--)
			random_match(out);
		buf_str(out, PICK(verdicts));
		diags = (struct diags){ .arena = &arena };
		n = expr_parse(out->data, "", &diags, &rule) != 0;
		if (n)
			assert_string_equal(diags.v[0].code, "never_matches");
	} while (n);
	arena_fini(&arena);
}

static void random_config(struct buf *out)
{
	struct buf rule = {0};
	unsigned int n;

	buf_str(out, "version: 1\nsets:\n"
		"  v4: { type: ip, elements: [10.1.2.0/25, 192.0.2.1, 192.0.2.3-192.0.2.9] }\n"
		"  v6: { type: ip6, elements: [\"2001:db8::/64\", \"::1\"] }\n"
		"  web: { type: port, elements: [80, 443, 8000-8099, 65535] }\n"
		"  tunnels: { type: proto, elements: [47, 4-6, 255] }\n"
		"  none: { type: ip }\n"
		"nodes:\n  n:\n    module: filter\n");
	buf_printf(out, "    default: %s\n    rules:\n", below(2) ? "drop" : "accept");
	for (n = 1 + below(RULES_MAX); n; n--) {
		random_rule(&rule);
		buf_printf(out, "      - '%s'\n", rule.data);
	}
	/* the graph binds both edges: some rule must name them */
	buf_str(out, "      - sctp sport 1 goto odd\n      - sctp sport 1 goto even\n");
	buf_str(out, "graphs:\n  g:\n    entry: n\n    edges:\n"
		"      n: { accept: pass, odd: tx, even: drop(miss) }\n"
		"attach:\n  - { dev: eth0, hook: xdp, graph: g }\n");
	buf_fini(&rule);
}

/* ---- random packets ----------------------------------------------------------------------- */

static void random_ip4(struct shunt_addr *addr)
{
	static const char *const stock[] = {
		"10.1.2.3", "10.1.2.0", "10.1.2.127", "10.1.2.128", "10.1.3.127", "10.1.3.128",
		"10.255.255.255", "11.0.0.0", "9.255.255.255", "192.0.2.1", "192.0.2.2",
		"192.0.2.9", "192.0.2.10", "192.0.2.127", "192.0.2.128", "192.0.2.255",
		"0.0.0.0", "127.255.255.255", "128.0.0.0", "223.255.255.255", "224.0.0.0",
		"255.255.255.255", "10.127.255.255", "10.128.0.0",
	};

	inet_pton(AF_INET, PICK(stock), &addr->v4);
	if (!below(8))
		addr->v4 = unit_random(&seed);
}

static void random_ip6(struct shunt_addr *addr)
{
	static const char *const stock[] = {
		"::", "::1", "::2", "2001:db8::", "2001:db8::1", "2001:db8::2", "2001:db8::fffe",
		"2001:db8::ffff", "2001:db8::1:2", "2001:db8::1:3",
		"2001:db8::ffff:ffff:ffff:ffef", "2001:db8::ffff:ffff:ffff:fff0",
		"2001:db8::ffff:ffff:ffff:ffff", "2001:db8:0:1::", "2001:db8:0:1::f",
		"2001:db8:0:1::10", "2001:db8:7fff::1", "2001:db8:8000::1", "2001:db9::",
		"fe80::1", "febf::1", "fec0::1", "ffff::1",
		"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
	};

	inet_pton(AF_INET6, PICK(stock), addr);
}

static __be16 random_port(void)
{
	static const uint16_t stock[] = {
		0, 1, 21, 22, 23, 52, 53, 54, 79, 80, 81, 90, 91, 442, 443, 1023, 1024, 7999, 8000,
		8099, 8100, 65534, 65535,
	};

	return htons(PICK(stock));
}

/* Fields of other protocols are 0, as the root leaves them; one packet in eight has all kinds */
static void random_packet(struct shunt_packet *pkt)
{
	static const uint8_t l3[] = { 4, 4, 4, 6, 6, 6, 0 };
	static const uint8_t protos[] = {
		IPPROTO_TCP, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_UDP, IPPROTO_SCTP, IPPROTO_ICMP,
		IPPROTO_ICMPV6, 47, 4, 5, 255, 0,
	};
	static const uint8_t tcp[] = { 0x02, 0x12, 0x10, 0x18, 0x04, 0x14, 0x11, 0x01, 0x38, 0 };
	static const uint8_t types[] = { 0, 1, 3, 7, 8, 9, 11, 132, 133, 136, 137 };
	bool all = !below(8);

	*pkt = (struct shunt_packet){ .l3 = PICK(l3), .proto = PICK(protos) };
	pkt->frag = below(4) ? SHUNT_FRAG_NONE : below(3);
	if (pkt->l3 == 4) {
		random_ip4(&pkt->saddr);
		random_ip4(&pkt->daddr);
	} else if (pkt->l3 == 6) {
		random_ip6(&pkt->saddr);
		random_ip6(&pkt->daddr);
	}
	if (!all && pkt->frag == SHUNT_FRAG_LATER)
		return;
	pkt->flags = below(16) ? SHUNT_PKT_L4 : 0;
	if (all || pkt->proto == IPPROTO_TCP)
		pkt->tcp_flags = below(4) ? PICK(tcp) : below(256);
	if (all || pkt->proto == IPPROTO_TCP || pkt->proto == IPPROTO_UDP ||
	    pkt->proto == IPPROTO_SCTP) {
		pkt->sport = random_port();
		pkt->dport = random_port();
	}
	if (all || pkt->proto == IPPROTO_ICMP || pkt->proto == IPPROTO_ICMPV6) {
		pkt->icmp_type = PICK(types);
		pkt->icmp_code = below(8);
	}
}

/* ---- by rows: what filter.bpf.c does ------------------------------------------------------ */

struct verdict {
	unsigned int edge;
	uint32_t counter;		/* 0: no rule matched */
};

static bool l4_match(const struct shunt_packet *pkt, const struct filter_l4 *row)
{
	uint16_t sport = ntohs(pkt->sport), dport = ntohs(pkt->dport);
	bool equal;

	if (pkt->proto < row->proto_first || pkt->proto > row->proto_last)
		return false;
	if (!(row->frags & 1 << (pkt->frag & 3)))
		return false;
	if (!(row->flags & FILTER_ROW_L4))
		return true;
	if (!(pkt->flags & SHUNT_PKT_L4))
		return false;
	if (dport < row->dport_first || dport > row->dport_last ||
	    sport < row->sport_first || sport > row->sport_last)
		return false;
	if (pkt->icmp_type < row->type_first || pkt->icmp_type > row->type_last ||
	    pkt->icmp_code < row->code_first || pkt->icmp_code > row->code_last)
		return false;
	equal = (pkt->tcp_flags & row->tcp_mask) == row->tcp_value;
	return equal == !(row->flags & FILTER_ROW_TCP_NEGATED);
}

static bool row4_match(const struct shunt_packet *pkt, const struct filter_row4 *row)
{
	return (pkt->saddr.v4 & row->saddr_mask) == row->saddr &&
	       (pkt->daddr.v4 & row->daddr_mask) == row->daddr && l4_match(pkt, &row->l4);
}

static bool prefix6_match(const struct shunt_addr *addr, const __u64 *value, const __u64 *mask)
{
	return (addr->half[0] & mask[0]) == value[0] && (addr->half[1] & mask[1]) == value[1];
}

static bool row6_match(const struct shunt_packet *pkt, const struct filter_row6 *row)
{
	return prefix6_match(&pkt->saddr, row->saddr, row->saddr_mask) &&
	       prefix6_match(&pkt->daddr, row->daddr, row->daddr_mask) && l4_match(pkt, &row->l4);
}

static uint32_t value_of(const struct plan_node *node, const char *name)
{
	unsigned int i;

	for (i = 0; i < node->n_values; i++)
		if (!strcmp(node->value[i].name, name))
			return *(const uint32_t *)node->value[i].data;
	fail();
	return 0;
}

static struct verdict judge_rows(const struct plan_node *node, const struct shunt_packet *pkt)
{
	const struct filter_chunk4 *chunk4 = node->table[0].content;
	const struct filter_chunk6 *chunk6 = node->table[1].content;
	unsigned int i, n4 = value_of(node, "rows4"), n6 = value_of(node, "rows6");

	/* whole chunks: rows behind the last one must not match */
	for (i = 0; pkt->l3 == 4 && n4 && i < node->table[0].entries * FILTER_CHUNK; i++) {
		const struct filter_row4 *row = &chunk4[i / FILTER_CHUNK].row[i % FILTER_CHUNK];

		if (row4_match(pkt, row))
			return (struct verdict){ row->l4.edge, row->l4.counter };
	}
	for (i = 0; pkt->l3 == 6 && n6 && i < node->table[1].entries * FILTER_CHUNK; i++) {
		const struct filter_row6 *row = &chunk6[i / FILTER_CHUNK].row[i % FILTER_CHUNK];

		if (row6_match(pkt, row))
			return (struct verdict){ row->l4.edge, row->l4.counter };
	}
	return (struct verdict){ value_of(node, "fallback"), 0 };
}

/* ---- by rules ----------------------------------------------------------------------------- */

static struct expr_value value4(const struct shunt_addr *addr)
{
	return (struct expr_value){ .lo = ntohl(addr->v4) };
}

static struct expr_value value6(const struct shunt_addr *addr)
{
	return (struct expr_value){ be64toh(addr->half[0]), be64toh(addr->half[1]) };
}

static struct expr_value field_of(const struct shunt_packet *pkt, enum expr_field field)
{
	switch (field) {
	case EXPR_IP_SADDR:
		return value4(&pkt->saddr);
	case EXPR_IP_DADDR:
		return value4(&pkt->daddr);
	case EXPR_IP6_SADDR:
		return value6(&pkt->saddr);
	case EXPR_IP6_DADDR:
		return value6(&pkt->daddr);
	case EXPR_PROTO:
		return (struct expr_value){ .lo = pkt->proto };
	case EXPR_SPORT:
		return (struct expr_value){ .lo = ntohs(pkt->sport) };
	case EXPR_DPORT:
		return (struct expr_value){ .lo = ntohs(pkt->dport) };
	case EXPR_ICMP_TYPE:
		return (struct expr_value){ .lo = pkt->icmp_type };
	case EXPR_ICMP_CODE:
		return (struct expr_value){ .lo = pkt->icmp_code };
	case EXPR_FRAG:
		return (struct expr_value){ .lo = pkt->frag };
	default:
		fail();
		return (struct expr_value){0};
	}
}

static bool not_above(struct expr_value a, struct expr_value b)
{
	return a.hi < b.hi || (a.hi == b.hi && a.lo <= b.lo);
}

static bool is_in(struct expr_value value, const struct expr_interval *interval, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (not_above(interval[i].first, value) && not_above(value, interval[i].last))
			return true;
	return false;
}

static bool match_passes(const struct config *config, const struct expr_match *match,
			 const struct shunt_packet *pkt)
{
	const struct config_set *set;
	bool in;

	if (match->field >= EXPR_SPORT && match->field <= EXPR_ICMP_CODE &&
	    !(pkt->flags & SHUNT_PKT_L4))
		return false;
	if (match->field == EXPR_TCP_FLAGS)
		return ((pkt->tcp_flags & match->mask) == match->value) != match->negated;
	if (!match->set)
		return is_in(field_of(pkt, match->field), match->interval, match->n);
	set = config_set_find(config, match->set);
	in = is_in(field_of(pkt, match->field), set->tuple, set->n);
	return in != match->negated;
}

static bool rule_passes(const struct config *config, const struct expr_rule *rule,
			const struct shunt_packet *pkt)
{
	unsigned int i, family = pkt->l3 == 4 ? EXPR_FAMILY_4 : pkt->l3 == 6 ? EXPR_FAMILY_6 : 0;

	if (!(rule->families & family))
		return false;
	for (i = 0; i < rule->n; i++)
		if (!match_passes(config, &rule->match[i], pkt))
			return false;
	return true;
}

static int judge_rules(const struct config *config, const struct shunt_packet *pkt)
{
	unsigned int i;

	for (i = 0; i < config->node[0].n_rules; i++)
		if (rule_passes(config, &config->node[0].rule[i].expr, pkt))
			return i;
	return -1;
}

/* ---- both --------------------------------------------------------------------------------- */

static void compare(const struct config *config, const struct plan_node *node,
		    const struct shunt_packet *pkt, unsigned int *matched)
{
	struct verdict verdict = judge_rows(node, pkt);
	int rule = judge_rules(config, pkt);
	const char *edge = config->node[0].fallback;
	char with_reason[64];

	if (rule >= 0) {
		const struct expr_rule *expr = &config->node[0].rule[rule].expr;

		edge = expr->verdict.edge;
		snprintf(with_reason, sizeof(with_reason), "drop(%s)", expr->verdict.reason);
		if (expr->verdict.reason)
			edge = with_reason;
		matched[rule]++;
	}
	if (verdict.counter == (rule < 0 ? 0 : node->rule[rule].counter) &&
	    verdict.edge < node->n_edges && !strcmp(node->edge[verdict.edge].name, edge))
		return;
	print_error("rule %d (%s), by rows edge %u, counter %u\n"
		    "l3 %u proto %u frag %u flags %#x tcp %#x type %u code %u ports %u %u\n", rule,
		    rule < 0 ? "default" : node->rule[rule].text, verdict.edge, verdict.counter,
		    pkt->l3, pkt->proto, pkt->frag, pkt->flags, pkt->tcp_flags, pkt->icmp_type,
		    pkt->icmp_code, ntohs(pkt->sport), ntohs(pkt->dport));
	fail();
}

/* Return: false: too many rows, which the product of complements may come to */
static bool compile(const struct buf *text, struct diags *diags, struct config *config,
		    struct plan *ret_plan)
{
	struct module_set modules = contracts();
	struct link_table links = mirror_links();
	struct tree *tree;

	if (tree_from_yaml(text->data, text->len, diags, &tree) == 0 &&
	    config_from_tree(tree, diags, config) == 0 &&
	    plan_compile(config, &modules, &links, NULL, 1, diags, ret_plan) == 0)
		return true;
	if (!strcmp(diags->v[0].code, "too_many_rows"))
		return false;
	print_error("%s: %s\n%s", diags->v[0].path, diags->v[0].message, text->data);
	fail();
	return false;
}

/* One configuration. Return: false: it was skipped */
static bool judge_round(unsigned int *n_rules, unsigned int *n_matched)
{
	unsigned int matched[RULES_MAX + 2] = {0}, i;
	struct buf text = {0};
	struct arena arena = {0};
	struct diags diags = { .arena = &arena };
	struct shunt_packet pkt;
	struct config config;
	struct plan plan;
	bool compiled;

	random_config(&text);
	compiled = compile(&text, &diags, &config, &plan);
	for (i = 0; compiled && i < PACKETS; i++) {
		random_packet(&pkt);
		compare(&config, &plan.graph[0].node[0], &pkt, matched);
	}
	for (i = 0; compiled && i < config.node[0].n_rules; i++) {
		*n_matched += matched[i] > 0;
		++*n_rules;
	}
	buf_fini(&text);
	arena_fini(&arena);
	return compiled;
}

static void test_rows(void **state)
{
	unsigned int round = 0, tries, n_rules = 0, n_matched = 0;

	seed = unit_seed();
	for (tries = 0; round < ROUNDS && tries < 10 * ROUNDS; tries++)
		round += judge_round(&n_rules, &n_matched);
	assert_int_equal(round, ROUNDS);
	printf("# %u packets; %u of %u rules matched some\n", ROUNDS * PACKETS, n_matched, n_rules);
	assert_true(n_matched > n_rules / 4);	/* else the packets prove little */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
	};

	return unit_main(tests, N(tests));
}
