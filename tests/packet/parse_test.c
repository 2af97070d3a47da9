// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * parse_test.c - what the root makes of a packet, at XDP and at TC
 *
 * The cases of parse_cases.h, each also cut at every byte and, at XDP, with its headers
 * lying in fragments from every byte on.
 */
#include "../lib/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../lib/rig.h"
#include "parse_cases.h"

#define N(a)	(sizeof(a) / sizeof((a)[0]))
#define HOOKS	2

static const uint32_t hooks[HOOKS] = { SHUNT_HOOK_XDP, SHUNT_HOOK_TC_INGRESS };
static struct rig *deep[HOOKS], *shallow[HOOKS], *flat[HOOKS];	/* parsed to L4, L3, L2 */
static struct rig_outcome out;
static unsigned int refused;		/* frames that TEST_RUN did not take */

static void setup(void)
{
	int i;

	for (i = 0; i < HOOKS; i++) {
		deep[i] = rig_new("nodes:\n  guard: { module: filter }\n"
				  "graphs:\n  g: [guard]\n", hooks[i]);
		shallow[i] = rig_new("nodes:\n  slow: { module: limit, config: { rate_pps: "
				     "1000000000, burst_pkts: 1000000 } }\n"
				     "graphs:\n  g: [slow]\n", hooks[i]);
		flat[i] = rig_new("nodes:\n  meter: { module: count }\n"
				  "graphs:\n  g: [meter]\n", hooks[i]);
	}
}

static void teardown(void)
{
	int i;

	for (i = 0; i < HOOKS; i++) {
		rig_free(deep[i]);
		rig_free(shallow[i]);
		rig_free(flat[i]);
	}
	printf("# %u frames skipped that TEST_RUN does not take\n", refused);
}

/* Return: whether the packet could be run */
static bool run(struct rig *rig, const struct rig_input *in)
{
	int r = rig_run_input(rig, in, &out);

	if (r == -EOPNOTSUPP) {
		refused++;
		return false;
	}
	if (r < 0)
		fail_msg("test run of %zu bytes: %s", in->len, strerror(-r));
	if (out.fault[0])
		fail_msg("%zu bytes: %s", in->len, out.fault);
	return true;
}

static bool run_pkt(struct rig *rig, const struct pkt *p)
{
	return run(rig, &(struct rig_input) { .data = p->data, .len = p->len });
}

/* ---- each case as it is ---- */
static void check_address(const struct shunt_addr *got, const uint8_t *want, size_t len)
{
	uint8_t whole[16] = { 0 };

	if (len == 4)
		whole[10] = whole[11] = 0xff;	/* ::ffff:a.b.c.d */
	memcpy(whole + sizeof(whole) - len, want, len);
	assert_memory_equal(got, whole, sizeof(whole));
}

static void check_ip(const struct shunt_packet *got, const struct pkt *p)
{
	const uint8_t *ip = p->data + got->l3_off;

	if (got->l3 == 4) {
		check_address(&got->saddr, ip + 12, 4);
		check_address(&got->daddr, ip + 16, 4);
		assert_int_equal(got->ttl, ip[8]);
		assert_int_equal(got->tos, ip[1]);
	} else if (got->l3 == 6) {
		check_address(&got->saddr, ip + 8, 16);
		check_address(&got->daddr, ip + 24, 16);
		assert_int_equal(got->ttl, ip[7]);
		assert_int_equal(got->tos, (ip[0] & 0xf) << 4 | ip[1] >> 4);
	} else {
		check_address(&got->saddr, ip, 0);
		check_address(&got->daddr, ip, 0);
	}
}

static uint16_t be16(__be16 wire)
{
	const uint8_t *byte = (const uint8_t *)&wire;

	return byte[0] << 8 | byte[1];
}

/* Of the packet's own headers: a fragment that is not the first hides what follows it */
static uint8_t ext_headers(const struct pkt *p)
{
	static const uint8_t bit[PKT_N_KINDS] = {
		[PKT_HBH] = SHUNT_EXT_HBH, [PKT_DSTOPT] = SHUNT_EXT_DST,
		[PKT_ROUTING] = SHUNT_EXT_RT, [PKT_FRAG] = SHUNT_EXT_FRAG, [PKT_AH] = SHUNT_EXT_AH,
	};
	unsigned int i = 0;
	uint8_t all = 0;

	while (i < p->n_layers && p->layers[i].kind != PKT_IP4 && p->layers[i].kind != PKT_IP6)
		i++;
	if (i == p->n_layers || p->layers[i++].kind != PKT_IP6)
		return 0;
	for (; i < p->n_layers && bit[p->layers[i].kind]; i++) {
		const struct pkt_layer *layer = &p->layers[i];

		all |= bit[layer->kind];
		if (layer->kind == PKT_FRAG && (p->data[layer->off + 2] ||
						p->data[layer->off + 3] & 0xf8))
			break;
	}
	return all;
}

static void check_context(const struct parse_case *c, const struct pkt *p)
{
	const struct shunt_packet *got = &out.pkt;
	unsigned int i, l3_off = c->l3_off ? c->l3_off : 14;

	assert_int_equal(got->generation, 1);
	assert_int_equal(got->ifindex, 1);	/* TEST_RUN's device is lo */
	assert_int_equal(got->len, p->len);
	assert_int_equal(got->mark, 0);
	assert_int_equal(got->hash, 0);
	assert_int_equal(got->reason, 0);
	assert_int_equal(got->l3_off, l3_off);
	assert_int_equal(be16(got->eth_type), p->data[l3_off - 2] << 8 | p->data[l3_off - 1]);
	assert_int_equal(got->vlans, c->vlans);
	for (i = 0; i < 2; i++) {
		assert_int_equal(be16(got->vlan_tpid[i]), c->tpid[i]);
		assert_int_equal(got->vlan_tci[i], c->tci[i]);
	}
	assert_int_equal(got->l3, c->l3);
	assert_int_equal(got->l4_off, c->l4_off);
	assert_int_equal(got->l4_len, c->l4_len);
	assert_int_equal(got->proto, c->proto);
	assert_int_equal(got->frag, c->frag);
	assert_int_equal(got->flags, c->flags);
	assert_int_equal(be16(got->sport), c->sport);
	assert_int_equal(be16(got->dport), c->dport);
	assert_int_equal(got->tcp_flags, c->tcp_flags);
	assert_int_equal(got->icmp_type, c->type);
	assert_int_equal(got->icmp_code, c->code);
	assert_int_equal(got->ext_headers, ext_headers(p));
	check_ip(got, p);
}

static void check_outcome(const struct parse_case *c, const struct pkt *p)
{
	if (c->drop) {
		assert_string_equal(out.left, "root");
		assert_non_null(out.reason);
		assert_string_equal(out.reason, c->drop);
		assert_int_equal(out.verdict, RIG_DROP);
		return;
	}
	if (out.reason)
		fail_msg("dropped: %s", out.reason);
	assert_string_equal(out.left, "guard.accept");
	assert_int_equal(out.verdict, RIG_PASS);
	check_context(c, p);
	assert_int_equal(out.len, p->len);
	assert_memory_equal(out.data, p->data, p->len);
}

static void test_case(void **state)
{
	const struct parse_case *c = *state;
	struct pkt p;
	int i;

	parse_case_build(c, &p);
	for (i = 0; i < HOOKS; i++)
		if (run_pkt(deep[i], &p))
			check_outcome(c, &p);
}

/* ---- a graph that asks for less is told less, and refuses less ---- */
static bool is_reason_of(const char *reason, const char *const *prefix, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (!strncmp(reason, prefix[i], strlen(prefix[i])))
			return true;
	return false;
}

static void check_depth(struct rig *rig, const struct parse_case *c, const struct pkt *p,
			const char *const *prefix, size_t n)
{
	if (!run_pkt(rig, p))
		return;
	if (c->drop && is_reason_of(c->drop, prefix, n) && strcmp(out.left, "root"))
		fail_msg("%s: not dropped", c->name);
	if ((!c->drop || !is_reason_of(c->drop, prefix, n)) && out.reason)
		fail_msg("%s: dropped: %s", c->name, out.reason);
}

static void test_depth(void **state)
{
	static const char *const l2[] = { "eth_", "vlan_" };
	static const char *const l3[] = { "eth_", "vlan_", "ip4_short", "ip4_version", "ip4_ihl",
					  "ip4_len", "ip4_opt", "ip6_short", "ip6_version",
					  "ip6_len", "ip6_ext", "ip6_rh0", "ip6_frag_twice" };
	struct pkt p;
	size_t i;
	int j;

	for (i = 0; i < N_PARSE_CASES; i++) {
		parse_case_build(&parse_cases[i], &p);
		for (j = 0; j < HOOKS; j++) {
			check_depth(flat[j], &parse_cases[i], &p, l2, N(l2));
			assert_int_equal(out.pkt.l3, 0);
			if (parse_cases[i].drop && strstr(parse_cases[i].drop, "_frag"))
				continue;	/* some of it is L3's, some L4's */
			check_depth(shallow[j], &parse_cases[i], &p, l3, N(l3));
			assert_int_equal(out.pkt.flags & SHUNT_PKT_L4, 0);
		}
	}
}

/* ---- every truncation of what is right ---- */
/* Bytes that must be there: the frame's headers, or all of the IP packet */
static size_t whole(const struct parse_case *c, const struct pkt *p)
{
	size_t off = c->l3_off ? c->l3_off : 14;

	if (c->l3 == 4)
		return off + (p->data[off + 2] << 8 | p->data[off + 3]);
	if (c->l3 == 6)
		return off + 40 + (p->data[off + 4] << 8 | p->data[off + 5]);
	return off;
}

static void test_cut(void **state)
{
	unsigned int i, j, n = 0;
	size_t len, need;
	struct pkt p;

	for (i = 0; i < N_PARSE_CASES; i++) {
		parse_case_build(&parse_cases[i], &p);
		if (parse_cases[i].drop)
			continue;
		need = whole(&parse_cases[i], &p);
		for (len = 14; len < p.len; len++) {
			for (j = 0; j < HOOKS; j++) {
				if (!run(deep[j], &(struct rig_input) { .data = p.data,
									.len = len }))
					continue;
				n++;
				if ((len < need) == !strcmp(out.left, "root"))
					continue;
				fail_msg("%s, cut to %zu bytes at %s: left by %s",
					 parse_cases[i].name, len, module_hook_name(hooks[j]),
					 out.left);
			}
		}
	}
	print_message("# %u truncations\n", n);
	assert_true(n > 5000);
}

/* ---- headers that lie in XDP fragments ---- */
static void test_split(void **state)
{
	static struct rig_outcome linear;
	unsigned int i, n = 0;
	struct pkt p;
	size_t split;

	for (i = 0; i < N_PARSE_CASES; i++) {
		parse_case_build(&parse_cases[i], &p);
		if (!run_pkt(deep[0], &p))
			continue;
		linear = out;
		for (split = 14; split < p.len && split < 150; split++) {
			if (!run(deep[0], &(struct rig_input) { .data = p.data, .len = p.len,
							       .linear = split }))
				continue;
			n++;
			if (strcmp(out.left, linear.left) || out.reason != linear.reason ||
			    memcmp(&out.pkt, &linear.pkt, sizeof(out.pkt)))
				fail_msg("%s, fragments from byte %zu: %s %s, linear %s %s",
					 parse_cases[i].name, split, out.left,
					 out.reason ? out.reason : "", linear.left,
					 linear.reason ? linear.reason : "");
			assert_int_equal(out.len, p.len);
			assert_memory_equal(out.data, p.data, p.len);
		}
	}
	print_message("# %u splits\n", n);
	if (!n)
		skip();		/* TEST_RUN before Linux 6.18 */
}

/* ---- lengths that only a super-frame may have ---- */
static void check_gso(const struct pkt *p, uint32_t gso_size, const char *reason, uint32_t l4_len)
{
	assert_true(run(deep[1], &(struct rig_input) { .data = p->data, .len = p->len,
						       .gso_size = gso_size }));
	if (reason) {
		assert_non_null(out.reason);
		assert_string_equal(out.reason, reason);
		return;
	}
	assert_null(out.reason);
	assert_int_equal(out.pkt.l4_len, l4_len);
	assert_int_equal(out.pkt.flags & SHUNT_PKT_L4, SHUNT_PKT_L4);
}

static void test_gso(void **state)
{
	struct pkt p;

	pkt_build(&p, PKT(ETH(), IP4(.len = PKT_ZERO), TCP(.dport = 80, .flags = PKT_ACK),
			  FILL(3000)));
	check_gso(&p, 0, "ip4_ihl", 0);
	check_gso(&p, 1448, NULL, 3020);
	pkt_build(&p, PKT(ETH(), IP6(.len = PKT_ZERO), TCP(.dport = 80, .flags = PKT_ACK),
			  FILL(3000)));
	check_gso(&p, 0, "tcp_short", 0);
	check_gso(&p, 1448, NULL, 3020);
	pkt_build(&p, PKT(ETH(), IP6(.len = PKT_ZERO), HBH(.data = "\xc2\4\0\0\xb\xd4",
							   .data_len = 6),
			  TCP(.dport = 80, .flags = PKT_ACK), FILL(3000)));
	check_gso(&p, 1448, NULL, 3020);
	/* A length that is there is believed, and must hold */
	pkt_build(&p, PKT(ETH(), IP4(.len = 9000), TCP(.dport = 80, .flags = PKT_ACK), FILL(3000)));
	check_gso(&p, 1448, "ip4_len", 0);
}

/* ---- metadata in front of a frame is not ours, and goes on nowhere ---- */
static void test_foreign_metadata(void **state)
{
	struct shunt_handoff handoff = { .tag = rig_tag, .len = sizeof(handoff), .mark = 77 };
	struct pkt p;
	size_t len;

	pkt_build(&p, U4());
	for (len = 4; len <= sizeof(handoff); len += 4) {
		assert_true(run(deep[0], &(struct rig_input) {
				.data = p.data, .len = p.len, .meta = &handoff, .meta_len = len }));
		assert_string_equal(out.left, "guard.accept");
		assert_int_equal(out.meta_len, 0);
		assert_int_equal(out.pkt.mark, 0);
		assert_int_equal(out.pkt.flags & SHUNT_PKT_HANDOFF, 0);
		assert_int_equal(out.len, p.len);
		assert_memory_equal(out.data, p.data, p.len);
	}
	/* Dropped or passed, short or not: it is taken off before anything else */
	assert_true(run(deep[0], &(struct rig_input) { .data = p.data, .len = 30,
						       .meta = &handoff, .meta_len = 32 }));
	assert_string_equal(out.reason, "ip4_short");
	assert_int_equal(out.meta_len, 0);
}

int main(void)
{
	static struct CMUnitTest tests[N_PARSE_CASES + 5];
	size_t n = 0, i;
	int r;

	setup();
	for (i = 0; i < N_PARSE_CASES; i++)
		tests[n++] = unit_row(parse_cases[i].name, test_case, &parse_cases[i]);
	tests[n++] = unit_row("depth: a graph is refused only what it asks for", test_depth, NULL);
	tests[n++] = unit_row("cut at every byte: a reason, never an edge", test_cut, NULL);
	tests[n++] = unit_row("fragments from every byte: the same", test_split, NULL);
	tests[n++] = unit_row("GSO: length 0 is the frame's", test_gso, NULL);
	tests[n++] = unit_row("metadata from elsewhere is taken off", test_foreign_metadata, NULL);
	r = unit_main(tests, n);
	teardown();
	return r;
}
