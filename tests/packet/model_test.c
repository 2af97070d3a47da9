// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * model_test.c - random filters and packets: the programs do what the model says
 *
 * $TEST_SEED repeats a run, $TEST_COUNT is the number of packets (100 000)
 */
#include "../lib/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <base/buf.h>

#include "../lib/model.h"
#include "../lib/rig.h"
#include "parse_cases.h"

#define HOOKS		2
#define PER_FILTER	1000	/* packets */

static const uint32_t hooks[HOOKS] = { SHUNT_HOOK_XDP, SHUNT_HOOK_TC_INGRESS };
static uint64_t state_;
static struct rig_outcome out;
static struct buf rules;		/* of the filter, for messages */
static unsigned long refused, malformed, by_rule, by_default, marked, went_on;

static unsigned int below(unsigned int n)
{
	return (unit_random(&state_) >> 33) % n;
}

static bool chance(unsigned int percent)
{
	return below(100) < percent;
}

/* ---- packets ---- */
static const char *address(bool six, char *text, size_t size)
{
	unsigned int net = below(4), host = chance(75) ? below(8) : below(256);

	if (chance(3))
		snprintf(text, size, six ? "fd00::%x:%x" : "192.0.%u.%u", net, host);
	else
		snprintf(text, size, six ? "2001:db8::%x%02x" : "10.0.%u.%u", net, host);
	return text;
}

static uint16_t port(void)
{
	static const uint16_t pool[] = { 0, 1, 22, 53, 80, 255, 256, 443, 1000, 1024, 65534,
					 65535 };

	return chance(80) ? pool[below(12)] : below(65536);
}

static int hops(void)
{
	static const uint8_t pool[] = { 1, 2, 63, 64, 65, 255 };

	return chance(80) ? pool[below(6)] : 1 + below(255);
}

static uint8_t tos(void)
{
	static const uint8_t dscp[] = { 0, 1, 7, 15, 31, 62, 63 };

	return dscp[below(7)] << 2 | below(4);
}

static void push_ip(struct pkt *p, bool six)
{
	static const char *const opts[] = { "\1\1\1\0", "\x94\4\0\0", "\x07\x07\x04\0\0\0\0\0",
					    "\x83\7\4\0\0\0\0\0", "\x07\0\0\0" };
	static const size_t opts_len[] = { 4, 4, 8, 8, 4 };
	unsigned int opt = below(5);
	bool has_opt = chance(10);
	char src[64], dst[64];

	address(six, src, sizeof(src));
	address(six, dst, sizeof(dst));
	if (six)
		pkt_ip6(p, .src = src, .dst = dst, .hops = hops(), .tc = tos(),
			.len = chance(2) ? (int)below(200) + 1 : 0,
			.next = chance(5) ? (int)below(255) + 1 : 0);
	else
		pkt_ip4(p, .src = src, .dst = dst, .ttl = hops(), .tos = tos(),
			.mf = chance(5), .df = chance(20),
			.frag_off = chance(6) ? 8 * below(8192) : 0,
			.opts = has_opt ? opts[opt] : NULL, .opts_len = has_opt ? opts_len[opt] : 0,
			.len = chance(2) ? (int)below(200) + 1 : 0,
			.ihl = chance(1) ? (int)below(15) + 1 : 0,
			.next = chance(5) ? (int)below(255) + 1 : 0);
}

static void push_extensions(struct pkt *p)
{
	unsigned int n = chance(60) ? 0 : chance(80) ? 1 + below(2) : below(11);

	while (n--) {
		switch (below(6)) {
		case 0: pkt_hbh(p, .len = 8 * below(3)); break;
		case 1: pkt_dstopt(p, .ext_len = chance(5) ? (int)below(20) + 1 : 0); break;
		case 2: pkt_routing(p, .type = below(5)); break;
		case 3: pkt_ah(p, .icv_len = 4 * below(8)); break;
		case 4: pkt_dstopt(p, .len = 8 * below(4)); break;
		case 5: pkt_push(p, &(const struct pkt_hdr)FRAG(.more = chance(50), .next = 17,
				 .off = chance(50) ? 0 : 8 * below(8192))); break;
		}
	}
}

static void push_l4(struct pkt *p, bool six)
{
	switch (below(7)) {
	case 0:
	case 1:
		pkt_tcp(p, .sport = port(), .dport = port(), .flags = chance(70) ?
			1u << below(6) : below(256), .doff = chance(5) ? (int)below(15) + 1 : 0);
		break;
	case 2:
	case 3:
		pkt_udp(p, .sport = port(), .dport = port(),
			.len = chance(5) ? (int)below(64) + 1 : 0);
		break;
	case 4:
		pkt_sctp(p, .sport = port(), .dport = port());
		break;
	case 5:
		if (chance(90) == six)
			pkt_icmp6(p, .type = chance(50) ? 128 + below(10) : below(256),
				  .code = below(8));
		else
			pkt_icmp(p, .type = below(16), .code = below(8));
		break;
	case 6:
		pkt_fill(p, below(64));
		break;
	}
	if (chance(50))
		pkt_fill(p, below(40));
}

static void random_packet(struct pkt *p)
{
	static const uint16_t ids[] = { 0, 1, 511, 1023, 2047, 4094, 4095 };
	bool six = chance(45);
	unsigned int tags = chance(75) ? 0 : below(4);
	char src[24], dst[24];

	if (chance(25)) {
		parse_case_build(&parse_cases[below(N_PARSE_CASES)], p);
		return;
	}
	pkt_init(p);
	snprintf(src, sizeof(src), "02:00:00:00:00:%02x", below(10));
	snprintf(dst, sizeof(dst), "02:00:00:00:00:%02x", below(10));
	pkt_eth(p, .src = src, .dst = dst,
		.type = chance(2) ? (int)below(0xffff) + 1 : chance(2) ? 0x0806 : 0);
	while (tags--)
		pkt_vlan(p, .id = chance(50) ? ids[below(7)] : below(4096), .prio = below(8),
			 .tpid = chance(50) ? 0 : chance(50) ? 0x88a8 : 0x9100);
	push_ip(p, six);
	if (six)
		push_extensions(p);
	push_l4(p, six);
}

/* Where headers are, mostly */
static void mutate(struct pkt *p)
{
	unsigned int n = chance(60) ? 0 : 1 + below(3);

	while (n--) {
		size_t at = 12 + below(p->len > 100 && chance(80) ? 88 : p->len - 12);

		if (at < p->len)
			p->data[at] = chance(50) ? p->data[at] ^ 1u << below(8) : below(256);
	}
	if (chance(10))
		pkt_cut(p, 14 + below(p->len - 13));
	if (chance(10) && p->len < 1400)
		pkt_pad(p, p->len + below(60));
}

/* ---- comparison ---- */
static void differ(const struct pkt *p, uint32_t hook, const char *what, const char *got,
		   const char *want)
{
	size_t i;

	fprintf(stderr, "%s\n", rules.data);	/* longer than cmocka prints */
	for (i = 0; i < p->len && i < 200; i++)
		print_error("%02x%s", p->data[i], i % 16 == 15 ? "\n" : " ");
	fail_msg("%zu bytes at %s: %s is %s, the model says %s", p->len, module_hook_name(hook),
		 what, got, want);
}

static void compare_text(const struct pkt *p, uint32_t hook, const char *what, const char *got,
			 const char *want)
{
	if (strcmp(got ? got : "none", want ? want : "none"))
		differ(p, hook, what, got ? got : "none", want ? want : "none");
}

static void compare_number(const struct pkt *p, uint32_t hook, const char *what, size_t got,
			   size_t want)
{
	char a[24], b[24];

	snprintf(a, sizeof(a), "%zu", got);
	snprintf(b, sizeof(b), "%zu", want);
	compare_text(p, hook, what, a, b);
}

static unsigned int wire16(const void *at)
{
	const uint8_t *byte = at;

	return byte[0] << 8 | byte[1];
}

/* The context holds an IPv4 address behind ::ffff: */
static bool same_address(const void *got, const uint8_t *want, unsigned int version)
{
	uint8_t whole[16] = { [10] = 0xff, [11] = 0xff };

	memcpy(whole + 12, want, 4);
	return !memcmp(got, version == 4 ? whole : want, 16);
}

static void compare_context(const struct pkt *p, uint32_t hook, const struct model_packet *m)
{
	const struct shunt_packet *k = &out.pkt;

	compare_number(p, hook, "vlans", k->vlans, m->vlans);
	compare_number(p, hook, "ethertype", wire16(&k->eth_type), m->type);
	compare_number(p, hook, "family", k->l3, m->version);
	compare_number(p, hook, "protocol", k->proto, m->proto);
	compare_number(p, hook, "fragment", k->frag, m->frag);
	compare_number(p, hook, "l4 offset", k->l4_off, m->l4_off);
	compare_number(p, hook, "l4 length", k->l4_len, m->l4_len);
	compare_number(p, hook, "l4 known", k->flags & SHUNT_PKT_L4, m->l4);
	compare_number(p, hook, "sport", wire16(&k->sport), m->sport);
	compare_number(p, hook, "dport", wire16(&k->dport), m->dport);
	compare_number(p, hook, "TCP flags", k->tcp_flags, m->flags);
	compare_number(p, hook, "type", k->icmp_type, m->icmp_type);
	compare_number(p, hook, "code", k->icmp_code, m->icmp_code);
	if (!same_address(&k->saddr, m->saddr, m->version) ||
	    !same_address(&k->daddr, m->daddr, m->version))
		differ(p, hook, "an address", "another", "another");
}

/* As flowset.bpf.c does it */
static void give_flow(const struct pkt *p, struct model_packet *packet)
{
	packet->ct_state = p->data[11] % MODEL_CT_STATES;
	packet->ct_mark = p->data[5];
	packet->ct_zone = (p->data[5] ^ p->data[11]) & 3;
	packet->ct_reply = (p->data[5] + p->data[11]) & 1;
}

static void compare(struct rig *rig, const struct pkt *p, const struct model_filter *filter)
{
	struct model_outcome wanted = { .rule = 0 };
	struct model_packet packet;
	char want[64] = "root";
	int r;

	r = rig_run(rig, p->data, p->len, &out);
	if (r == -EOPNOTSUPP) {
		refused++;
		return;
	}
	if (r < 0)
		fail_msg("test run: %s", strerror(-r));
	compare_text(p, rig->hook, "the account", out.fault, "");
	model_parse(p->data, p->len, &packet);
	if (!packet.malformed) {
		give_flow(p, &packet);
		model_filter(filter, &packet, &wanted);
		snprintf(want, sizeof(want), "guard.%s", wanted.edge);
	}
	compare_text(p, rig->hook, "the edge", out.left, want);
	if (packet.malformed) {
		compare_text(p, rig->hook, "the reason", out.reason, packet.malformed);
	} else {
		/* Each rule that went on left its trace here */
		compare_number(p, rig->hook, "the mark", out.pkt.mark, wanted.mark);
		compare_number(p, rig->hook, "the flow's mark", out.pkt.ct_mark, wanted.ct_mark);
		compare_number(p, rig->hook, "the flow's state", out.pkt.ct_state,
			       wanted.ct_state);
		compare_context(p, rig->hook, &packet);
	}
	if (!wanted.went_on)
		compare_number(p, rig->hook, "the rule", out.rule, wanted.rule);
	marked += wanted.mark != 0;
	went_on += wanted.went_on != 0;
	*(packet.malformed ? &malformed : wanted.rule ? &by_rule : &by_default) += 1;
}

/* ---- filters ---- */
static bool leaves_by(const struct model_verdict *verdict, const char *edge)
{
	return verdict->kind == MODEL_LEAVE && !strcmp(verdict->edge, edge);
}

/* Whether rules use an edge that the graph must bind then, and only then */
static bool use(const struct model_rule *rule, unsigned int n, const char *edge)
{
	unsigned int i;

	for (; n--; rule++) {
		if (!rule->key.parts && leaves_by(&rule->verdict, edge))
			return true;
		for (i = 0; i < rule->key.n; i++)
			if (leaves_by(&rule->element[i], edge))
				return true;
	}
	return false;
}

static bool filter_uses(const struct model_filter *filter, const char *edge)
{
	unsigned int i;

	for (i = 0; i < MODEL_CHAINS; i++)
		if (use(filter->chain[i], filter->chain_n[i], edge))
			return true;
	return !strcmp(filter->fallback, edge) || use(filter->rule, filter->n, edge);
}

static void rules_list(const struct model_rule *rule, unsigned int n)
{
	char text[2048];

	while (n--) {
		model_rule_text(rule++, text, sizeof(text));
		buf_printf(&rules, "        - '%s'\n", text);
	}
}

static void rules_yaml(const struct model_filter *filter)
{
	char text[2048];
	unsigned int i;

	buf_clear(&rules);
	buf_printf(&rules, "sets:\n");
	for (i = 0; i < MODEL_SETS; i++) {
		model_set_text(&filter->set[i], text, sizeof(text));
		buf_printf(&rules, "  s%u: { type: %s, elements: [%s] }\n", i,
			   model_set_type(&filter->set[i]), text);
	}
	buf_printf(&rules, "nodes:\n  ct: { module: %s }\n  guard:\n    module: filter\n"
		   "    default: %s\n    chains:\n", rig_built("tests/lib/flowset"), filter->fallback);
	for (i = 0; i < MODEL_CHAINS; i++) {
		buf_printf(&rules, "      c%u:\n", i);
		rules_list(filter->chain[i], filter->chain_n[i]);
	}
	buf_printf(&rules, "    rules:\n");
	rules_list(filter->rule, filter->n);
	buf_printf(&rules, "graphs:\n  g:\n    entry: ct\n    edges:\n"
		   "      ct: { next: guard }\n      guard: { accept: pass%s%s }\n",
		   filter_uses(filter, "odd") ? ", odd: pass" : "",
		   filter_uses(filter, "reject") ? ", reject: pass" : "");
}

static void test_filter(unsigned long count)
{
	static struct model_filter filter;
	struct rig *rigs[HOOKS];
	struct pkt p;
	int hook;

	model_filter_random(&filter, &state_);
	rules_yaml(&filter);
	for (hook = 0; hook < HOOKS; hook++)
		rigs[hook] = rig_new(rules.data, hooks[hook]);
	while (count--) {
		random_packet(&p);
		mutate(&p);
		for (hook = 0; hook < HOOKS; hook++)
			compare(rigs[hook], &p, &filter);
	}
	for (hook = 0; hook < HOOKS; hook++)
		rig_free(rigs[hook]);
}

static void test_model(void **state)
{
	const char *given = getenv("TEST_COUNT");
	unsigned long count = given ? strtoul(given, NULL, 0) : 100000, n;

	state_ = unit_seed();
	for (n = 0; n < count; n += PER_FILTER)
		test_filter(count - n < PER_FILTER ? count - n : PER_FILTER);
	print_message("# %lu packets: %lu malformed, %lu by a rule, %lu by default, %lu not run; "
		      "%lu marked, %lu after rules that went on\n", count, malformed, by_rule,
		      by_default, refused, marked, went_on);
	/* A run that compares nothing of a kind proves nothing of it */
	if (count >= 10000) {
		assert_true(malformed > count / 20);
		assert_true(by_rule > count / 20);
		assert_true(by_default > count / 20);
		assert_true(refused < count / 10);
		assert_true(marked > count / 20);
		assert_true(went_on > count / 20);
	}
	buf_fini(&rules);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_model) };

	return unit_main(tests, 1);
}
