/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * lower_judge_rows.h - what becomes of a packet by what its rules were lowered to
 *
 * DOC: judge_rows() does what the filter does with rows and extensions: the row of the
 * lowest prio whose box and conditions hold, its statements, and on from there.
 */
#ifndef TESTS_LOWER_JUDGE_ROWS_H
#define TESTS_LOWER_JUDGE_ROWS_H

#include "lower_judge.h"

/* ---- the rows ------------------------------------------------------------------------------ */

static bool prefix_holds(const uint64_t *prefix, unsigned int len, const struct expr_value *addr)
{
	uint64_t hi = len >= 64 ? UINT64_MAX : len ? UINT64_MAX << (64 - len) : 0;
	uint64_t lo = len <= 64 ? 0 : UINT64_MAX << (128 - len);

	return (addr->hi & hi) == prefix[0] && (addr->lo & lo) == prefix[1];
}

/* The key as classifier.h has it */
static uint32_t meta_of(const struct packet *packet)
{
	return packet->proto | (packet->l4 ? CLASSIFIER_L4 : 0) | (packet->l3 ? CLASSIFIER_IP : 0) |
	       packet->frag << CLASSIFIER_FRAG_SHIFT | packet->tcp_flags << CLASSIFIER_TCP_SHIFT |
	       packet->ct_state << CLASSIFIER_CT_SHIFT;
}

static bool box_holds(const struct classifier_row *row, const struct packet *packet)
{
	bool icmp = packet->proto == IPPROTO_ICMP || packet->proto == IPPROTO_ICMPV6;
	uint16_t sport = icmp ? packet->type : packet->sport;
	uint16_t dport = icmp ? packet->code : packet->dport;
	unsigned int more = row->family == 4 ? 96 : 0;

	return (row->family == 6) == (packet->l3 == 6) &&
	       prefix_holds(row->saddr, row->slen + more, &packet->saddr) &&
	       prefix_holds(row->daddr, row->dlen + more, &packet->daddr) &&
	       row->sport_first <= sport && sport <= row->sport_last &&
	       row->dport_first <= dport && dport <= row->dport_last &&
	       (meta_of(packet) & row->meta_mask) == row->meta;
}

static bool flow_value(const struct packet *packet, unsigned int part, uint64_t *ret_value)
{
	static const enum expr_field field[] = {
		EXPR_CT_IP_SADDR, EXPR_CT_IP_DADDR, EXPR_CT_IP6_SADDR, EXPR_CT_IP6_DADDR,
		EXPR_CT_SPORT, EXPR_CT_DPORT, EXPR_CT_IP6_SADDR, EXPR_CT_IP6_DADDR,
		EXPR_CT_REPLY_IP_SADDR, EXPR_CT_REPLY_IP_DADDR, EXPR_CT_REPLY_IP6_SADDR,
		EXPR_CT_REPLY_IP6_DADDR, EXPR_CT_REPLY_SPORT, EXPR_CT_REPLY_DPORT,
		EXPR_CT_REPLY_IP6_SADDR, EXPR_CT_REPLY_IP6_DADDR,
	};
	struct expr_value value = {0};
	bool has = end_of(packet, field[part], &value);
	unsigned int plain = part & (FILTER_FLOW_REPLY - 1);

	*ret_value = plain == FILTER_FLOW_SADDR6 || plain == FILTER_FLOW_DADDR6 ? value.hi :
										value.lo;
	return has;
}

static bool cond_value(const struct packet *packet, const struct filter_cond *cond,
		       uint64_t *ret_value)
{
	static const enum expr_field field[FILTER_FIELD_MAX] = {
		EXPR_LENGTH, EXPR_DSCP, EXPR_TTL, EXPR_EXTHDR, EXPR_ETHER_SADDR, EXPR_ETHER_DADDR,
		EXPR_ETHER_TYPE, EXPR_VLAN_ID, EXPR_VLAN_PCP, EXPR_IIF, EXPR_MARK, EXPR_PROTO,
		EXPR_SPORT, EXPR_DPORT, EXPR_TCP_FLAGS, EXPR_CT_MARK, EXPR_CT_ZONE,
		EXPR_CT_DIRECTION,
	};
	struct expr_value value;

	if (cond->kind == FILTER_COND_PAYLOAD)
		return bytes_at(packet, cond->base, cond->off, cond->len, ret_value);
	if (cond->kind == FILTER_COND_FLOW && cond->field == FILTER_FLOW_STATUS) {
		*ret_value = packet->ct_status;
		return has_flow(packet);
	}
	if (cond->kind == FILTER_COND_FLOW)
		return flow_value(packet, cond->field, ret_value);
	if (!field_of(packet, field[cond->field], &value))
		return false;
	*ret_value = value.lo;
	return true;
}

static bool cond_holds(const struct config *config, const struct packet *packet,
		       const struct filter_cond *cond)
{
	static const enum expr_field field[] = {
		EXPR_FIELD_MAX, EXPR_IP_SADDR, EXPR_IP_DADDR, EXPR_IP6_SADDR, EXPR_IP6_DADDR,
		EXPR_PROTO, EXPR_SPORT, EXPR_DPORT, EXPR_ETHER_SADDR, EXPR_ETHER_DADDR, EXPR_MARK,
		EXPR_VLAN_ID, EXPR_IIF, EXPR_CT_MARK,
	};
	struct expr_value key[FILTER_KEY_PARTS];
	uint64_t value;
	unsigned int i;

	if (cond->kind == FILTER_COND_SET) {
		for (i = 0; i < FILTER_KEY_PARTS && cond->part[i]; i++)
			if (!field_of(packet, field[cond->part[i]], &key[i]))
				return false;
		assert_true(i > 0);
		return set_holds(config, packet, config->set[cond->slot].name, key) !=
		       cond->negated;
	}
	if (!cond_value(packet, cond, &value))
		return false;
	value &= cond->mask;
	return (cond->first <= value && value <= cond->last) != cond->negated;
}

static const struct filter_ext *ext_of(const struct lowered *lowered, uint32_t ref)
{
	if (!(ref & CLASSIFIER_EXT))
		return NULL;
	assert_true((ref & ~CLASSIFIER_EXT) < lowered->n_ext);
	return &lowered->ext[ref & ~CLASSIFIER_EXT];
}

/* Rows of one place that hold a packet must agree */
static const struct classifier_row *row_find(const struct config *config,
					     const struct lowered *lowered,
					     const struct packet *packet, uint32_t from)
{
	const struct classifier_row *found = NULL;
	const struct filter_ext *ext;
	unsigned int i, k;

	for (i = 0; i < lowered->rows.n; i++) {
		const struct classifier_row *row = &lowered->rows.row[i];

		assert_true(!i || row[-1].prio <= row->prio);
		if (row->prio < from || (found && row->prio > found->prio) ||
		    !box_holds(row, packet))
			continue;
		ext = ext_of(lowered, row->ref);
		for (k = 0; ext && k < ext->n_conds; k++)
			if (!cond_holds(config, packet, &ext->cond[k]))
				break;
		if (ext && k < ext->n_conds)
			continue;
		if (found)
			assert_true(found->edge == row->edge && found->ref == row->ref);
		found = row;
	}
	return found;
}

static const char *const policy_names[] = { "usual", "long", "short" };

/* Return: whether the rule goes on */
static bool stmt_runs(const struct filter_stmt *stmt, struct packet *packet, struct story *story)
{
	switch (stmt->kind) {
	case FILTER_STMT_COUNT:
		story_add(story, DID_COUNT, stmt->index);
		return true;
	case FILTER_STMT_MARK:
		change_mark(packet, stmt->per & FILTER_MARK_FROM_CT,
			    stmt->per & FILTER_MARK_TO_CT, stmt->mask, stmt->value, story);
		return true;
	case FILTER_STMT_POLICY:
		story_add(story, DID_POLICY, policy_names[stmt->index][0]);
		return true;
	case FILTER_STMT_ZONE:
		set_zone(packet, stmt->value, story);
		return true;
	case FILTER_STMT_NOTRACK:
		drop_flow(packet, story);
		return true;
	case FILTER_STMT_LOG:
		story_add(story, DID_LOG, stmt->index);
		return true;
	case FILTER_STMT_ADD:
		story_add(story, DID_ADD, stmt->index);
		packet->added |= packet->l3 == 4;
		return true;
	case FILTER_STMT_REJECT:
		story_add(story, DID_REJECT, stmt->value);
		return true;
	case FILTER_STMT_CT_COUNT:
		story_add(story, DID_LIMIT, stmt->index);
		return count_holds(stmt->index, packet, stmt->negated) != stmt->bytes;
	default:
		story_add(story, DID_LIMIT, stmt->index);
		return limit_holds(stmt->index, packet) != stmt->negated;
	}
}

static void judge_rows(const struct config *config, const struct lowered *lowered,
		       const struct packet *arrived, struct story *ret_story)
{
	struct packet copy = *arrived, *packet = &copy;
	const struct classifier_row *row;
	const struct filter_ext *ext;
	uint32_t from = 0;
	unsigned int i;

	*ret_story = (struct story){ .edge = -1 };
	for (;;) {
		ret_story->rounds++;
		row = row_find(config, lowered, packet, from);
		if (!row)
			return;
		from = row->prio + 1;
		ext = ext_of(lowered, row->ref);
		if (!ext) {
			story_add(ret_story, DID_HIT, row->ref);
			ret_story->edge = row->edge;
			return;
		}
		for (i = 0; i < ext->n_stmts; i++)
			if (!stmt_runs(&ext->stmt[i], packet, ret_story))
				break;
		if (i < ext->n_stmts)
			continue;
		if (ext->hit != LOWER_NO_HIT)
			story_add(ret_story, DID_HIT, ext->hit);
		if (ext->verdict == FILTER_LEAVE) {
			ret_story->edge = row->edge;
			return;
		}
		if (ext->verdict == FILTER_RESUME) {
			assert_true(ext->resume > row->prio);
			from = ext->resume;
		}
	}
}

#endif
