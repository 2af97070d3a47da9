/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* flowmodel_world.h - the flow table of a rig, read: its clock, entries, pieces of datagrams */
#ifndef TESTS_FLOWMODEL_WORLD_H
#define TESTS_FLOWMODEL_WORLD_H

#include "flowmodel_side.h"

#define MARGIN_S	5	/* flows that have less when the clock is moved do not live on */

static int jiffies_fd;

/* ---- time ---- */
static uint32_t jiffies_now(void)
{
	static const char frame[64];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .repeat = 1, .data_in = frame,
		    .data_size_in = sizeof(frame));

	if (bpf_prog_test_run_opts(jiffies_fd, &opts) < 0)
		fail_msg("jiffies: %s", strerror(errno));
	return opts.retval;
}

static void jiffies_load(void)
{
	static const struct bpf_insn insn[] = {
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_jiffies64 },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	jiffies_fd = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "jiffies", "Dual BSD/GPL", insn, 2,
				   NULL);
	assert_true(jiffies_fd >= 0);
}

static int64_t ticks(const struct side *side, uint32_t jiffies)
{
	return (int32_t)(jiffies - side->jiffies_first) + side->moved;
}

/* ---- entries ---- */
static const char *const state_names[] = {
#define STATE_NAME(id, name, seconds) name,
	CONNTRACK_STATES(STATE_NAME)
};

static unsigned int flags_of(uint64_t life)
{
	return life >> CONNTRACK_FLAGS_SHIFT & 0xffff;
}

static unsigned int state_of(uint64_t life)
{
	return life >> CONNTRACK_STATE_SHIFT & 0xff;
}

static bool is_there(const struct conntrack_flow *flow, uint32_t jiffies)
{
	return state_of(flow->life) && (int32_t)((uint32_t)flow->life - jiffies) > 0;
}

static unsigned int port16(__be16 port)
{
	const uint8_t *p = (const uint8_t *)&port;

	return p[0] << 8 | p[1];
}

static struct conntrack_flow *entry(struct side *side, int family, uint32_t slot)
{
	return family ? &side->flow6[slot].flow : &side->flow4[slot].flow;
}

static uint32_t slots(const struct side *side, int family)
{
	return side->conf->buckets[family] * CONNTRACK_WAYS;
}

/* The key as the model has it; *ret_ordered: whether the lesser end is the first */
static void entry_key(struct side *side, int family, uint32_t slot, struct flowmodel_key *ret_key,
		      bool *ret_ordered)
{
	bool second = flags_of(entry(side, family, slot)->life) & CONNTRACK_SECOND;
	const struct conntrack_key4 *k4 = &side->flow4[slot].key;
	const struct conntrack_key6 *k6 = &side->flow6[slot].key;
	int i, end, order;

	memset(ret_key, 0, sizeof(*ret_key));
	ret_key->version = family ? 6 : 4;
	ret_key->proto = family ? k6->proto : k4->proto;
	ret_key->zone = family ? k6->zone : k4->zone;
	ret_key->kind = (family ? k6->kind : k4->kind) & CONNTRACK_KIND_BITS;
	for (i = 0; i < 2; i++) {
		end = i ^ second;
		if (family)
			memcpy(ret_key->end[end].addr, &k6->addr[i], 16);
		else
			memcpy(ret_key->end[end].addr, &k4->addr[i], 4);
		ret_key->end[end].port = port16(family ? k6->port[i] : k4->port[i]);
	}
	order = memcmp(ret_key->end[second].addr, ret_key->end[!second].addr, 16);
	*ret_ordered = order < 0 || (order == 0 && ret_key->end[second].port <=
				     ret_key->end[!second].port);
}

/* The ends that a translated flow has outside, as its entry says */
static void entry_outside(struct side *side, int family, uint32_t slot,
			  struct flowmodel_key *ret_key)
{
	const struct conntrack_flow4 *f4 = &side->flow4[slot];
	const struct conntrack_flow6 *f6 = &side->flow6[slot];
	bool ordered;
	int i;

	entry_key(side, family, slot, ret_key, &ordered);
	for (i = 0; i < 2; i++) {
		memcpy(ret_key->end[i].addr, family ? (void *)&f6->nat_addr[i] :
		       (void *)&f4->nat_addr[i], family ? 16 : 4);
		ret_key->end[i].port = port16(family ? f6->nat_port[i] : f4->nat_port[i]);
	}
}

static uint64_t stat_sum(const struct side *side, enum conntrack_stat which)
{
	uint64_t sum = 0;
	unsigned int i;

	for (i = 0; i < side->cpus; i++)
		sum += side->stats[i].n[which];
	return sum;
}

/* ---- the clock ---- */

/* Datagrams are over, too, or are forgotten at both */
static void age_pieces(struct side *side, int64_t by)
{
	struct conntrack_frag_key key, next;
	struct conntrack_frags frags;
	bool over = by > (60 + MARGIN_S) * side->conf->second;
	int family, fd, r;

	if (!over)
		flowmodel_forget(&side->model);
	for (family = 0; family < FLOWS_FAMILIES; family++) {
		fd = side->frags_fd[family];
		for (r = bpf_map_get_next_key(fd, NULL, &next); r == 0; ) {
			key = next;
			r = bpf_map_get_next_key(fd, &key, &next);
			if (!over) {
				bpf_map_delete_elem(fd, &key);
				continue;
			}
			assert_int_equal(bpf_map_lookup_elem(fd, &key, &frags), 0);
			frags.expires -= by;
			assert_int_equal(bpf_map_update_elem(fd, &key, &frags, BPF_EXIST), 0);
		}
	}
}

#endif
