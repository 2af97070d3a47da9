// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * lower_random_test.c - rows and extensions do what the rules say
 *
 * Random rules, random packets: both judges of lower_judge.h must tell the same story.
 */
#include <errno.h>

#include "lower_random.h"

#define ROUNDS		400
#define PACKETS		500		/* a round: 200 000 in all */

/* ---- packets ------------------------------------------------------------------------------- */

static void packet_l3(struct packet *packet)
{
	static const uint64_t carried[] = { 1, 6, 6, 17, 17, 47, 58, 132 };
	bool six = packet->l3 == 6;

	packet->eth_type = six ? ETHERTYPE_IPV6 : ETHERTYPE_IP;
	packet->saddr = value_of(six ? EXPR_IP6_SADDR : EXPR_IP_SADDR);
	packet->daddr = value_of(six ? EXPR_IP6_DADDR : EXPR_IP_DADDR);
	packet->proto = PICK(carried);
	packet->frag = below(4) ? SHUNT_FRAG_NONE : below(3);
	packet->length = stock(EXPR_LENGTH);
	packet->dscp = stock(EXPR_DSCP);
	packet->ttl = stock(EXPR_TTL);
	packet->exthdr = six ? below(32) : 0;
	packet->base[FILTER_BASE_TH] = packet->frag == SHUNT_FRAG_LATER ? 0 : 34;
	if (packet->frag == SHUNT_FRAG_LATER || packet->proto == 47 ||
	    packet->proto == (six ? IPPROTO_ICMP : IPPROTO_ICMPV6))
		return;
	packet->l4 = true;
	if (packet->proto == IPPROTO_ICMP || packet->proto == IPPROTO_ICMPV6) {
		packet->type = stock(EXPR_ICMP_TYPE);
		packet->code = stock(EXPR_ICMP_CODE);
		return;
	}
	packet->sport = stock(EXPR_SPORT);
	packet->dport = stock(EXPR_DPORT);
	if (packet->proto == IPPROTO_TCP)
		packet->tcp_flags = below(256);
}

static void packet_flow(struct packet *packet)
{
	enum expr_field addr = packet->l3 == 6 ? EXPR_IP6_SADDR : EXPR_IP_SADDR;
	unsigned int way, end;

	packet->ct_state = packet->l3 ? stock(EXPR_CT_STATE) : SHUNT_CT_NONE;
	packet->ct_mark = stock(EXPR_CT_MARK);
	packet->ct_zone = stock(EXPR_CT_ZONE);
	packet->ct_status = below(CONNTRACK_STATUS_KNOWN + 1);
	packet->reply = has_flow(packet) && below(2);
	for (way = 0; way < 2; way++) {
		for (end = 0; end < 2; end++) {
			packet->way[way].addr[end] = value_of(addr);
			packet->way[way].port[end] = stock(EXPR_SPORT);
		}
	}
}

static void packet_init(struct packet *packet)
{
	static const uint8_t l3[] = { 4, 4, 4, 6, 6, 0 };
	unsigned int i;

	*packet = (struct packet){
		.l3 = PICK(l3), .ether_saddr = stock(EXPR_ETHER_SADDR),
		.ether_daddr = stock(EXPR_ETHER_DADDR), .ifindex = 1 + below(5),
		.mark = stock(EXPR_MARK), .tagged = below(2), .end = 30 + below(19),
		.base = { 0, 14, 0 },
	};
	packet_flow(packet);
	for (i = 0; i < PACKET_BYTES; i++)
		packet->bytes[i] = below(4) ? 0 : PICK(bytes);
	if (packet->tagged) {
		packet->vlan_id = stock(EXPR_VLAN_ID);
		packet->vlan_pcp = stock(EXPR_VLAN_PCP);
	}
	if (packet->l3)
		packet_l3(packet);
	else
		do
			packet->eth_type = stock(EXPR_ETHER_TYPE);
		while (packet->eth_type == ETHERTYPE_IP || packet->eth_type == ETHERTYPE_IPV6);
}

/* ---- the tests ----------------------------------------------------------------------------- */

/* What is too much for an extension, or for a rule's rows: other tests' */
static void assert_too_much(const struct diag *diag)
{
	static const char *const codes[] = {
		"too_many_conditions", "too_many_alternatives", "too_many_rows",
	};
	unsigned int i;

	for (i = 0; i < N(codes); i++)
		if (!strcmp(codes[i], diag->code))
			return;
	fail_msg("%s: %s", diag->code, diag->message);
}

static bool looks_at_flows(const struct lowered *lowered)
{
	const struct filter_ext *ext;
	unsigned int i;

	for (ext = lowered->ext; ext < lowered->ext + lowered->n_ext; ext++) {
		for (i = 0; i < ext->n_conds; i++)
			if (ext->cond[i].kind == FILTER_COND_FLOW)
				return true;
		for (i = 0; i < ext->n_stmts; i++)
			if (ext->stmt[i].kind == FILTER_STMT_CT_COUNT ||
			    (ext->stmt[i].kind == FILTER_STMT_MARK &&
			     ext->stmt[i].per & FILTER_MARK_TO_CT))
				return true;
	}
	return false;
}

static void node_lowered(struct config *config, struct config_node *node, struct lowered *ret)
{
	struct diags diags;
	unsigned int i;
	int r;

	do {
		arena_fini(&arena);
		sets_init(config);
		config_now = config;
		node_init(node);
		diags = (struct diags){ .arena = &arena };
		r = lower_rules(config, node, &names, &arena, &diags, ret);
		for (i = 0; i < diags.n; i++)
			assert_too_much(&diags.v[i]);
		assert_int_equal(r < 0, diags.n > 0);
	} while (r < 0);
	assert_int_equal(ret->uses_flows, looks_at_flows(ret));
}

static void test_same_story(void **state)
{
	unsigned int round, i, decided = 0, matched = 0;
	struct config config = {0};
	struct story rules, rows;
	struct config_node node;
	struct lowered lowered;
	struct packet packet;

	seed = unit_seed();
	for (round = 0; round < ROUNDS; round++) {
		node_lowered(&config, &node, &lowered);
		for (i = 0; i < PACKETS; i++) {
			packet_init(&packet);
			judge_rules(&config, &node, &names, &packet, &rules);
			judge_rows(&config, &lowered, &packet, &rows);
			assert_true(story_equal(&rules, &rows));
			assert_true(rows.rounds <= lowered.rounds);
			decided += rules.edge >= 0;
			matched += rules.n > 0;
		}
	}
	arena_fini(&arena);
	assert_true(decided > ROUNDS * PACKETS / 4);
	assert_true(matched > decided);
}

/* ---- a rule alone -------------------------------------------------------------------------- */

static const struct lower_at alone = { 5000, 3, 1000, 7 };

/* A prio of all rules' as one of @index's alone, whose first place is @first */
static uint32_t prio_alone(uint32_t prio, unsigned int first)
{
	if (prio == LOWER_PRIO_END || !prio)
		return prio;
	return alone.prio + (prio / CLASSIFIER_PRIO_GAP - 1 - first) * alone.step;
}

static void assert_same_row(const struct lowered *all, const struct classifier_row *row,
			    const struct lowered *one, const struct classifier_row *row1,
			    unsigned int first)
{
	struct classifier_row want = *row;
	struct filter_ext ext;

	want.prio = prio_alone(row->prio, first);
	if (row->ref & CLASSIFIER_EXT) {
		want.ref = row1->ref;
		assert_true(row1->ref & CLASSIFIER_EXT);
		ext = *ext_of(all, row->ref);
		ext.resume = prio_alone(ext.resume, first);
		assert_memory_equal(&ext, ext_of(one, row1->ref - alone.first_ext), sizeof(ext));
	}
	assert_memory_equal(row1, &want, offsetof(struct classifier_row, ref) + sizeof(want.ref));
}

static void assert_alone(const struct config *config, const struct config_node *node,
			 const struct lowered *all, unsigned int index)
{
	struct diags diags = { .arena = &arena };
	struct lower_at at = alone;
	unsigned int first = 0, i, row = 0;
	struct lowered one;

	while (all->place[first].top != index)
		first++;
	while (row < all->rows.n && all->rows.row[row].prio < (first + 1) * CLASSIFIER_PRIO_GAP)
		row++;
	assert_int_equal(lower_one(config, node, index, &names, &at, &arena, &diags, &one), 0);
	for (i = 0; i < one.n_places; i++)
		assert_memory_equal(&one.place[i], &all->place[first + i], sizeof(one.place[i]));
	for (i = 0; i < one.rows.n; i++)
		assert_same_row(all, &all->rows.row[row + i], &one, &one.rows.row[i], first);
	first += one.n_places;
	assert_true(first == all->n_places || all->place[first].top == index + 1);
	row += one.rows.n;
	assert_true(row == all->rows.n ||
		    all->rows.row[row].prio >= (first + 1) * CLASSIFIER_PRIO_GAP);
	at.room = one.n_places - 1;
	assert_int_equal(lower_one(config, node, index, &names, &at, &arena, &diags, &one),
			 -ENOSPC);
	assert_int_equal(diags.total, 0);
}

static void test_alone(void **state)
{
	struct config config = {0};
	struct config_node node;
	struct lowered all;
	unsigned int round, i;

	seed = unit_seed();
	for (round = 0; round < ROUNDS; round++) {
		node_lowered(&config, &node, &all);
		for (i = 0; i < node.n_rules; i++)
			assert_alone(&config, &node, &all, i);
	}
	arena_fini(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_story),
		cmocka_unit_test(test_alone),
	};

	return unit_main(tests, N(tests));
}
