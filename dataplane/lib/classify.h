/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * classify.h - the best row for a packet: the walk through a classifier's image
 *
 * DOC: The shape is rodata: trees, levels, leaf slots and the residual that a rule
 * set does not have are not in the program, and their bounds are constants to the
 * verifier. A tree costs one node read for its root (a filter in it tells most of the packets
 * that have nothing to look for there), one for each level below, and a leaf.
 * Trees come best prio first, so that what has matched spares the rest.
 *
 * The program that includes this says first what a row with CLASSIFIER_EXT asks:
 *
 *	#define CLASSIFY_HOLDS(ctx, index)	filter_ext_holds(ctx, index)
 *
 * a __noinline global function (verified once). It is called for such rows alone, when their
 * box holds the packet and their prio is better than what was found before.
 */
#ifndef SHUNT_LIB_CLASSIFY_H
#define SHUNT_LIB_CLASSIFY_H

#include <shunt/lib/classifier.h>
#include <shunt/lib/ctx.h>

#define CLASSIFY_VIEW_CHUNK	8	/* rows of a view that one step compares */
#define CLASSIFY_VIEW_CHUNKS	(CLASSIFIER_VIEW_ROWS / CLASSIFY_VIEW_CHUNK)
#define CLASSIFY_INLINE_STEPS	4	/* of the residual, before it is worth a loop's calls */

struct classify_key {
	__u64	word[CLASSIFIER_KEY6];
};

struct classify_found {
	__u32	prio;			/* edge included; CLASSIFIER_NONE: no row */
	__u32	ref;
};

/* What is the same for all rows that a packet is compared with */
struct classify {
	shunt_ctx *ctx;
	const void *image;
	const volatile struct classifier_shape *shape;
	struct classify_key key;
	__u32	floor;			/* lowest prio that counts */
	__u32	view;			/* in force: 0 or 1, which the verifier does not know */
	__u32	gone;			/* it has tombstones */
	__u32	best, ref;
};

/* ---- the key ---- */
static __always_inline __u64 classify_ports_meta(const struct shunt_packet *pkt)
{
	__u32 ports = (__u32)bpf_ntohs(pkt->sport) << 16 | bpf_ntohs(pkt->dport);
	__u32 meta = pkt->proto | (__u32)(pkt->flags & SHUNT_PKT_L4) << 8 |
		     (__u32)pkt->frag << CLASSIFIER_FRAG_SHIFT |
		     (__u32)pkt->tcp_flags << CLASSIFIER_TCP_SHIFT;

	ports |= (__u32)pkt->icmp_type << 16 | pkt->icmp_code;	/* ICMP has no ports */
	return (__u64)ports << 32 | meta;
}

/* What is no IP has addresses 0: the root cleared them */
static __always_inline void classify_key4(const struct shunt_packet *pkt, struct classify_key *key)
{
	key->word[0] = (__u64)bpf_ntohl(pkt->saddr.v4) << 32 | bpf_ntohl(pkt->daddr.v4);
	key->word[1] = classify_ports_meta(pkt) | (__u32)(pkt->l3 & 4) << 7;
}

static __always_inline void classify_key6(const struct shunt_packet *pkt, struct classify_key *key)
{
	key->word[0] = bpf_be64_to_cpu(pkt->saddr.half[0]);
	key->word[1] = bpf_be64_to_cpu(pkt->saddr.half[1]);
	key->word[2] = bpf_be64_to_cpu(pkt->daddr.half[0]);
	key->word[3] = bpf_be64_to_cpu(pkt->daddr.half[1]);
	key->word[4] = classify_ports_meta(pkt) | CLASSIFIER_IP;
}

_Static_assert(4 << 7 == CLASSIFIER_IP, "bit of l3 to bit of meta");
_Static_assert(SHUNT_PKT_L4 << 8 == CLASSIFIER_L4, "bit of flags to bit of meta");

/* ---- a row ---- */
/* Bit 31 set: a port is outside */
static __always_inline __u32 classify_ports_out(__u64 key, __u16 sport_first, __u16 sport_last,
						__u16 dport_first, __u16 dport_last)
{
	__u32 sport = key >> 48, dport = (__u16)(key >> 32);

	return (sport - sport_first) | (sport_last - sport) | (dport - dport_first) |
	       (dport_last - dport);
}

static __always_inline bool classify_row4(const struct classify_key *key,
					  const struct classifier_row4 *row)
{
	__u64 differ = key->word[0] ^ row->addrs, value = row->value, mask = row->mask;
	__u64 out;

	out = (differ >> 32) >> (value >> CLASSIFIER_OPEN_SHIFT);
	out |= (__u64)(__u32)differ >> (mask >> CLASSIFIER_OPEN_SHIFT);
	out |= (key->word[1] ^ value) & mask & CLASSIFIER_META;
	if (out)
		return false;
	return !(classify_ports_out(key->word[1], row->sport_first, row->sport_last,
				    row->dport_first, row->dport_last) >> 31);
}

static __always_inline __u64 classify_half(__u64 differ, const __u8 *open)
{
	return differ >> open[0] >> open[1];
}

static __always_inline bool classify_row6(const struct classify_key *key,
					  const struct classifier_row6 *row)
{
	__u64 out;

	out = classify_half(key->word[0] ^ row->saddr[0], row->open[0]);
	out |= classify_half(key->word[2] ^ row->daddr[0], row->open[2]);
	out |= (key->word[4] ^ row->value) & row->mask & CLASSIFIER_META;
	if (out)
		return false;
	out = classify_half(key->word[1] ^ row->saddr[1], row->open[1]);
	out |= classify_half(key->word[3] ^ row->daddr[1], row->open[3]);
	if (out)
		return false;
	return !(classify_ports_out(key->word[4], row->sport_first, row->sport_last,
				    row->dport_first, row->dport_last) >> 31);
}

static __always_inline __u64 classify_view_off(const struct classify *walk)
{
	__u64 view = walk->view;

	barrier_var(view);
	return walk->shape->view_off + (view & 1) * walk->shape->view_size;
}

/* 1: a tombstone of the view in force, the rule went after the image was built */
static __always_inline __u32 classify_gone(const struct classify *walk, __u64 rule)
{
	const __u64 *bits = walk->image + classify_view_off(walk) + CLASSIFIER_VIEW_GONE;

	return bits[rule / 64] >> rule % 64 & 1;
}

/*
 * A row whose box holds the packet. What makes it not count is one branch: a second one would
 * double the ways that the verifier follows with each row of a leaf.
 * Return: whether rows behind it need no look, for it is taken, or not better than what is
 */
static __always_inline bool classify_take(struct classify *walk, __u32 prio, __u32 ref, bool base)
{
	__u64 rule = (prio >> CLASSIFIER_PRIO_SHIFT) - 1;
	__u32 skip = ((__u64)prio - walk->floor) >> 63;

	if (prio >= walk->best)
		return true;
	if (base) {
		barrier_var(rule);
		if (rule >= walk->shape->rules)	/* never */
			return true;
		skip |= classify_gone(walk, rule);
	}
	if (skip)
		return false;
	if (walk->shape->exts && ref & CLASSIFIER_EXT &&
	    !CLASSIFY_HOLDS(walk->ctx, ref & ~CLASSIFIER_EXT))
		return false;
	walk->best = prio;
	walk->ref = ref;
	return true;
}

/* Return: as classify_take(), false if the row's box does not hold the packet */
static __always_inline bool classify_row_at(struct classify *walk, bool v6, __u64 off, bool base)
{
	const struct classifier_row4 *row4 = walk->image + off;
	const struct classifier_row6 *row6 = walk->image + off;

	if (v6)
		return classify_row6(&walk->key, row6) &&
		       classify_take(walk, row6->prio, row6->ref, base);
	return classify_row4(&walk->key, row4) && classify_take(walk, row4->prio, row4->ref, base);
}

/* @n rows, at most @max, at @off of the image, which is within bounds with @max rows */
static __always_inline void classify_rows(struct classify *walk, bool v6, __u64 off, __u32 n,
					  __u32 max, bool base)
{
	__u32 i = 0;

	if (n > max)		/* never */
		return;
#pragma clang loop unroll(disable)
	while (i < n) {
		if (classify_row_at(walk, v6, off, base))
			return;
		i++;
		off += v6 ? sizeof(struct classifier_row6) : sizeof(struct classifier_row4);
		barrier_var(i);	/* else the end is a pointer: nothing to the verifier */
	}
}

/* ---- a tree ---- */
static __always_inline __u64 classify_hash(const volatile struct classifier_tree *tree,
					   const struct classify_key *key, bool v6)
{
	__u64 hash = 0;

	if (tree->mask[0])
		hash = (key->word[0] & tree->mask[0]) * CLASSIFIER_HASH0;
	if (tree->mask[1])
		hash += (key->word[1] & tree->mask[1]) * CLASSIFIER_HASH1;
	if (v6 && tree->mask[2])
		hash += (key->word[2] & tree->mask[2]) * CLASSIFIER_HASH2;
	if (v6 && tree->mask[3])
		hash += (key->word[3] & tree->mask[3]) * CLASSIFIER_HASH3;
	if (v6 && tree->mask[4])
		hash += (key->word[4] & tree->mask[4]) * CLASSIFIER_HASH4;
	return hash;
}

/* A word of the key, without a branch */
static __always_inline __u64 classify_word(const struct classify_key *key, bool v6, __u64 word)
{
	if (!v6)
		return key->word[0] ^ ((key->word[0] ^ key->word[1]) & -(word & 1));
	if (word >= CLASSIFIER_KEY6)	/* never */
		return 0;
	return key->word[word];
}

/* @i: number of the tree, a constant */
static __always_inline void classify_tree(struct classify *walk, bool v6, __u32 i)
{
	const volatile struct classifier_family *family = &walk->shape->family[v6];
	const volatile struct classifier_tree *tree = &family->tree[i];
	const __u64 *nodes = walk->image + family->nodes_off;
	__u64 hash, node, at;
	__u32 level;

	if (tree->prio >= walk->best)
		return;
	hash = classify_hash(tree, &walk->key, v6);
	at = tree->base + (hash >> tree->shift);
	barrier_var(at);
	if (at >= family->nodes)	/* never, here and below: for the verifier */
		return;
	node = nodes[at];
	if (!(node >> (hash >> (tree->shift - CLASSIFIER_BLOOM_BITS) &
		       ((1 << CLASSIFIER_BLOOM_BITS) - 1)) & 1))
		return;
#pragma clang loop unroll(disable)
	for (level = 1; level < CLASSIFIER_DEPTH_MAX; level++) {
		if (level >= tree->depth || node & CLASSIFIER_LEAF)
			break;
		at = (node >> CLASSIFIER_BASE_SHIFT & CLASSIFIER_BASE_MASK) +
		     (classify_word(&walk->key, v6,
				    node >> CLASSIFIER_WORD_AT & CLASSIFIER_WORD_MASK) >>
		      (node >> CLASSIFIER_SHIFT_AT & CLASSIFIER_SHIFT_MASK) &
		      (node >> CLASSIFIER_WINDOW_AT & CLASSIFIER_WINDOW_MASK));
		barrier_var(at);
		if (at >= family->nodes)
			return;
		node = nodes[at];
	}
	if ((node >> CLASSIFIER_PRIO_AT & CLASSIFIER_PRIO_MASK) >
	    walk->best >> CLASSIFIER_PRIO_SHIFT)
		return;
	at = node >> CLASSIFIER_BASE_SHIFT & CLASSIFIER_BASE_MASK;
	barrier_var(at);
	if (at >= family->rows)
		return;
	classify_rows(walk, v6, family->rows_off + at * (v6 ? sizeof(struct classifier_row6) :
							 sizeof(struct classifier_row4)),
		      node >> CLASSIFIER_COUNT_SHIFT & CLASSIFIER_COUNT_MASK, tree->leaf, true);
}

/* ---- the residual ---- */
static const __u8 classify_bit_index[64] = {
	0, 1, 2, 53, 3, 7, 54, 27, 4, 38, 41, 8, 34, 55, 48, 28, 62, 5, 39, 46, 44, 42, 22, 9, 24,
	35, 59, 56, 49, 18, 29, 11, 63, 52, 6, 26, 37, 40, 33, 47, 61, 45, 43, 21, 23, 58, 17, 10,
	51, 25, 36, 32, 60, 20, 57, 16, 50, 31, 19, 15, 30, 14, 13, 12,
};

/* Index of the lowest bit (Leiserson, Prokop, Randall, 1998): BPF has no instruction for it */
static __always_inline __u64 classify_lowest_bit(__u64 bits)
{
	__u64 i = (bits & -bits) * 0x022fdd63cc95386dULL >> 58;

	barrier_var(i);
	return classify_bit_index[i & 63];
}

static __always_inline __u64 classify_vector(const struct classify *walk, bool v6, __u64 word)
{
	const volatile struct classifier_family *family = &walk->shape->family[v6];
	const void *vectors = walk->image + family->vectors_off;
	__u64 left = ~0ULL, value;
	__u32 i;

#pragma clang loop unroll(full)
	for (i = 0; i < CLASSIFIER_WINDOWS_MAX; i++) {
		if (i >= family->windows)
			break;
		value = classify_word(&walk->key, v6, family->window[i].word) >>
			family->window[i].shift & 0xff;
		left &= *(const __u64 *)(vectors + ((i * 256 + value) * family->words + word) * 8);
	}
	return left;
}

struct classify_residual {
	__u64	left;			/* rows of the vectors' word under way */
	__u64	word;			/* the next one */
};

/* Another word of the vectors, or another row. Return: whether that was the last */
static __always_inline bool classify_residual_step(struct classify *walk, bool v6,
						   struct classify_residual *state)
{
	const volatile struct classifier_family *family = &walk->shape->family[v6];
	__u64 i;

	if (!state->left) {
		i = state->word;
		barrier_var(i);
		if (i >= family->words)
			return true;
		state->word = i + 1;
		state->left = classify_vector(walk, v6, i);
		return false;
	}
	i = (state->word - 1) * 64 + classify_lowest_bit(state->left);
	state->left &= state->left - 1;
	barrier_var(i);
	if (i >= family->residual)
		return true;
	i = family->residual_off + i * (v6 ? sizeof(struct classifier_row6) :
					sizeof(struct classifier_row4));
	return classify_row_at(walk, v6, i, true);
}

/*
 * ---- what is rare, in loops of calls ----
 * They have a copy of the walk, for the compiler to keep the other one in registers.
 */
struct classify_loop {
	struct classify walk;
	struct classify_residual residual;
	__u32	rows;			/* of the view, not yet compared */
};

static long classify_residual_loop4(__u32 i, void *arg)
{
	struct classify_loop *loop = arg;

	return classify_residual_step(&loop->walk, false, &loop->residual);
}

static long classify_residual_loop6(__u32 i, void *arg)
{
	struct classify_loop *loop = arg;

	return classify_residual_step(&loop->walk, true, &loop->residual);
}

static __always_inline long classify_view_chunk(struct classify_loop *loop, bool v6, __u64 chunk)
{
	struct classify *walk = &loop->walk;
	__u64 off = v6 ? CLASSIFIER_VIEW_ROWS6 + chunk * CLASSIFY_VIEW_CHUNK *
			 sizeof(struct classifier_row6) :
			 CLASSIFIER_VIEW_ROWS4 + chunk * CLASSIFY_VIEW_CHUNK *
			 sizeof(struct classifier_row4);
	__u32 n = loop->rows;
	__u32 best = walk->best;

	if (n > CLASSIFY_VIEW_CHUNK)
		n = CLASSIFY_VIEW_CHUNK;
	classify_rows(walk, v6, classify_view_off(walk) + off, n,
		      CLASSIFY_VIEW_CHUNK, false);
	loop->rows -= n;
	return walk->best != best || !loop->rows;
}

static long classify_view_loop4(__u32 i, void *arg)
{
	return classify_view_chunk(arg, false, i & (CLASSIFY_VIEW_CHUNKS - 1));
}

static long classify_view_loop6(__u32 i, void *arg)
{
	return classify_view_chunk(arg, true, i & (CLASSIFY_VIEW_CHUNKS - 1));
}

/*
 * A call of its own for each family. Merged into one by the compiler, its callback would be
 * variable: no kernel makes such a loop direct, and Linux 6.18 refuses the program ("verifier
 * bug: No program to jit") where the callback of a family without rows is dead code.
 */
#define classify_each(n_, step_, loop_)					\
	do {								\
		bpf_loop(n_, step_, loop_, 0);				\
		asm volatile("/* " #step_ " */" ::: "memory");		\
	} while (0)

static __always_inline void classify_view(struct classify *walk, bool v6, __u32 rows)
{
	struct classify_loop loop = { .walk = *walk, .rows = rows };

	if (v6)
		classify_each(CLASSIFY_VIEW_CHUNKS, classify_view_loop6, &loop);
	else
		classify_each(CLASSIFY_VIEW_CHUNKS, classify_view_loop4, &loop);
	walk->best = loop.walk.best;
	walk->ref = loop.walk.ref;
}

static __always_inline void classify_residual(struct classify *walk, bool v6)
{
	const volatile struct classifier_family *family = &walk->shape->family[v6];
	/* 0; were that known, Linux 6.18 would verify the loop below for every word */
	struct classify_residual state = { .word = walk->view >> 1 };
	__u32 i;

	if (!family->residual || family->residual_prio >= walk->best)
		return;
#pragma clang loop unroll(disable)
	for (i = 0; i < CLASSIFY_INLINE_STEPS; i++) {
		if (classify_residual_step(walk, v6, &state))
			return;
		barrier_var(i);
	}
	struct classify_loop loop = { .walk = *walk, .residual = state };

	if (v6)
		classify_each(CLASSIFIER_RESIDUAL_MAX + CLASSIFIER_RESIDUAL_MAX / 64,
			      classify_residual_loop6, &loop);
	else
		classify_each(CLASSIFIER_RESIDUAL_MAX + CLASSIFIER_RESIDUAL_MAX / 64,
			      classify_residual_loop4, &loop);
	walk->best = loop.walk.best;
	walk->ref = loop.walk.ref;
}

/* ---- the whole ---- */
static __always_inline void classify_family(struct classify *walk, bool v6)
{
	const volatile struct classifier_family *family = &walk->shape->family[v6];

	if (family->list) {
		classify_rows(walk, v6, family->rows_off, family->list, CLASSIFIER_LIST_MAX, true);
		return;
	}
	if (family->trees > 0)
		classify_tree(walk, v6, 0);
	if (family->trees > 1)
		classify_tree(walk, v6, 1);
	if (family->trees > 2)
		classify_tree(walk, v6, 2);
	if (family->trees > 3)
		classify_tree(walk, v6, 3);
	if (family->trees > 4)
		classify_tree(walk, v6, 4);
	if (family->trees > 5)
		classify_tree(walk, v6, 5);
	if (family->trees > 6)
		classify_tree(walk, v6, 6);
	if (family->trees > 7)
		classify_tree(walk, v6, 7);
	classify_residual(walk, v6);
}

/**
 * classify() - The row that decides
 * @ctx:	For CLASSIFY_HOLDS()
 * @image:	The image's map value
 * @shape:	Of the image: rodata
 * @v6:		Constant: which family's rows; what is no IP is of the other
 * @key:	By classify_key4() or classify_key6()
 * @floor:	Rows up to this priority (without edge) do not count; 0: all do
 * Return: the one with the lowest prio whose conditions hold
 */
static __always_inline struct classify_found classify(shunt_ctx *ctx, const void *image,
						      const volatile struct classifier_shape *shape,
						      bool v6, const struct classify_key *key,
						      __u32 floor)
{
	const struct classifier_head *head = image;
	__u32 in_force = *(const volatile __u32 *)&head->view;	/* once */
	const struct classifier_view *view = &head->views[in_force & 1];
	struct classify walk = {
		.ctx = ctx, .image = image, .shape = shape, .key = *key,
		.floor = floor ? (floor + 1) << CLASSIFIER_EDGE_BITS : 0,
		.view = in_force, .gone = view->gone, .best = CLASSIFIER_NONE,
	};

	classify_family(&walk, v6);
	/* Last: behind a bpf_loop() Linux 6.18 tells the states of a leaf's loop apart, 2^rows of them */
	if (view->rows[v6])
		classify_view(&walk, v6, view->rows[v6]);
	return (struct classify_found){ .prio = walk.best, .ref = walk.ref };
}

#endif
