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
 * The program that includes this says first where the shape is and how to get at the image, and
 * what a row with CLASSIFIER_EXT asks:
 *
 *	#define CLASSIFY_SHAPE			filter_shape
 *	#define CLASSIFY_IMAGE()		bpf_map_lookup_elem(&filter_image, &zero)
 *	#define CLASSIFY_HOLDS(ctx, index)	filter_ext_holds(ctx, index)
 *
 * The last one is a __noinline global function (verified once). It is called for such rows alone,
 * when their box holds the packet and their prio is better than what was found before.
 */
#ifndef SHUNT_LIB_CLASSIFY_H
#define SHUNT_LIB_CLASSIFY_H

#include <shunt/lib/classifier.h>
#include <shunt/lib/ctx.h>

#define CLASSIFY_INLINE_STEPS	4	/* of the residual, before it is worth a loop's calls */

/* Kinds of code: each is compiled on its own, the verifier leaves what the shape has */
#define CLASSIFY_V6		1
#define CLASSIFY_EXTS		2	/* rows may have extensions */
#define CLASSIFY_ADDED		4	/* rows of a view: no tombstones */

struct classify_found {
	__u32	prio;			/* edge included; CLASSIFIER_NONE: no row */
	__u32	ref;
};

struct classify_key {
	__u64	word[CLASSIFIER_KEY6];
};

/* What is the same for all rows that a packet is compared with, and the best one so far */
struct classify {
	struct classify_key key;
	__u64	floor;			/* lowest that counts */
	__u64	found;			/* prio << 32 | ref */
	__u32	gone;			/* of the view in force */
	__u32	view;			/* in force: 0 or 1 */
	__u64	left;			/* residual: rows of the vectors' word under way */
	__u64	word;			/* the next one */
};

struct classify_where {
	shunt_ctx *ctx;
	const void *image;
	const __u64 *tombstones;	/* of the view in force */
	struct classify *walk;
};

/* ---- the key ---- */
static __always_inline __u64 classify_ports_meta(const struct shunt_packet *pkt)
{
	__u32 ports = (__u32)bpf_ntohs(pkt->sport) << 16 | bpf_ntohs(pkt->dport);
	__u32 meta = pkt->proto | (__u32)(pkt->flags & SHUNT_PKT_L4) << 8 |
		     (__u32)pkt->frag << CLASSIFIER_FRAG_SHIFT |
		     (__u32)pkt->ct_state << CLASSIFIER_CT_SHIFT |
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
_Static_assert(SHUNT_CT_MAX <= 8, "three bits of meta");

/*
 * ---- a row ----
 * Whether it holds the packet is one branch, whether it counts another. More would be foreseen
 * no better, and the verifier would go all ways with each row of a leaf: in a loop it notes states
 * only every hundred instructions.
 */
/* Bit 31 set: a port is outside */
static __always_inline __u32 classify_ports_out(__u64 key, __u16 sport_first, __u16 sport_last,
						__u16 dport_first, __u16 dport_last)
{
	__u32 sport = key >> 48, dport = (__u16)(key >> 32);

	return (sport - sport_first) | (sport_last - sport) | (dport - dport_first) |
	       (dport_last - dport);
}

/* 0: the row holds the packet */
static __always_inline __u64 classify_row4(const struct classify_key *key,
					   const struct classifier_row4 *row)
{
	__u64 differ = key->word[0] ^ row->addrs, value = row->value, mask = row->mask;
	__u64 out;

	out = (differ >> 32) >> (value >> CLASSIFIER_OPEN_SHIFT);
	out |= (__u64)(__u32)differ >> (mask >> CLASSIFIER_OPEN_SHIFT);
	out |= (key->word[1] ^ value) & mask & CLASSIFIER_META;
	return out | classify_ports_out(key->word[1], row->sport_first, row->sport_last,
					row->dport_first, row->dport_last) >> 31;
}

static __always_inline __u64 classify_half(__u64 differ, const __u8 *open)
{
	return differ >> open[0] >> open[1];
}

static __always_inline __u64 classify_row6(const struct classify_key *key,
					   const struct classifier_row6 *row)
{
	__u64 out;

	out = classify_half(key->word[0] ^ row->saddr[0], row->open[0]);
	out |= classify_half(key->word[1] ^ row->saddr[1], row->open[1]);
	out |= classify_half(key->word[2] ^ row->daddr[0], row->open[2]);
	out |= classify_half(key->word[3] ^ row->daddr[1], row->open[3]);
	out |= (key->word[4] ^ row->value) & row->mask & CLASSIFIER_META;
	return out | classify_ports_out(key->word[4], row->sport_first, row->sport_last,
					row->dport_first, row->dport_last) >> 31;
}

static __always_inline __u64 classify_view_off(const struct classify *walk)
{
	__u64 view = walk->view;

	barrier_var(view);
	return CLASSIFY_SHAPE.view_off + (view & 1) * CLASSIFY_SHAPE.view_size;
}

/*
 * 1: there is a tombstone, the rule went after the image was built. Where none is at all, this
 * reads the first word of them all the time, which is 0.
 */
static __always_inline __u64 classify_gone(const struct classify_where *where, __u64 found)
{
	__u64 rule = found >> (32 + CLASSIFIER_PRIO_SHIFT), at = (rule & where->walk->gone) / 64;

	barrier_var(at);
	at &= CLASSIFY_SHAPE.gone_mask / 64;
	return where->tombstones[at] >> (rule & 63) & 1;
}

/* Negative: a is less. By halves, for the sign */
static __always_inline __s64 classify_compare(__u64 a, __u64 b)
{
	return (a >> 1) - (b >> 1);
}

/*
 * Which of two is less, without that the verifier learns of their bounds by the branch: it would
 * verify all that follows for each of them.
 */
static __always_inline bool classify_less(__u64 a, __u64 b)
{
	__s64 difference = classify_compare(a, b);

	barrier_var(difference);
	return difference < 0;
}

/*
 * Take a row if it holds the packet, counts, and is better than what was found
 * @kind: CLASSIFY_*
 * Return: whether it was taken: those behind it are worse
 */
static __always_inline bool classify_row_at(const struct classify_where *where, int kind,
					    const void *at)
{
	const struct classifier_row4 *row4 = at;
	const struct classifier_row6 *row6 = at;
	struct classify *walk = where->walk;
	__u64 found = kind & CLASSIFY_V6 ? row6->found : row4->found, out;

	out = kind & CLASSIFY_V6 ? classify_row6(&walk->key, row6) :
	      classify_row4(&walk->key, row4);
	barrier_var(out);
	if (out)
		return false;
	/* above the floor, below the best so far: one comparison, for what is below wraps */
	out = ~(__u64)classify_compare(found - walk->floor, walk->found - walk->floor) >> 63;
	if (!(kind & CLASSIFY_ADDED))
		out |= classify_gone(where, found);
	barrier_var(out);
	if (out)
		return false;
	if (kind & CLASSIFY_EXTS && found & CLASSIFIER_EXT &&
	    !CLASSIFY_HOLDS(where->ctx, (__u32)found & ~CLASSIFIER_EXT))
		return false;
	walk->found = found;
	return true;
}

static __always_inline __u64 classify_row_size(int kind)
{
	return kind & CLASSIFY_V6 ? sizeof(struct classifier_row6) : sizeof(struct classifier_row4);
}

/* @n rows, at most @max, of which there is room at @at */
static __always_inline void classify_rows(const struct classify_where *where, int kind,
					  const void *at, __u64 n, __u32 max)
{
	__s64 left;
	__u64 i;

	barrier_var(n);
	if (n > max)		/* never */
		return;
#pragma clang loop unroll(disable)
	for (i = 0; ; i++) {
		/* a constant at the right: Linux 6.1 does not see which way 'i < n' goes */
		left = n - i;
		barrier_var(left);
		if (left <= 0 || classify_row_at(where, kind, at))
			return;
		at += classify_row_size(kind);
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
static __always_inline __u64 classify_word(const struct classify_key *key, int kind, __u64 word)
{
	if (!(kind & CLASSIFY_V6))
		return key->word[0] ^ ((key->word[0] ^ key->word[1]) & -(word & 1));
	if (word >= CLASSIFIER_KEY6)	/* never */
		return 0;
	return key->word[word];
}

/* @i: number of the tree, a constant */
static __always_inline void classify_tree(const struct classify_where *where, int kind, __u32 i)
{
	const struct classify *walk = where->walk;
	const volatile struct classifier_family *family =
		&CLASSIFY_SHAPE.family[kind & CLASSIFY_V6];
	const volatile struct classifier_tree *tree = &family->tree[i];
	const __u64 *nodes = where->image + tree->roots_off;
	__u32 level, depth = tree->depth;
	__u64 hash, node, at;

	if (!classify_less((__u64)tree->prio << 32, walk->found))
		return;
	hash = classify_hash(tree, &walk->key, kind & CLASSIFY_V6);
	node = nodes[hash >> tree->shift];
	if (!(node >> (hash >> tree->bloom_shift & ((1 << CLASSIFIER_BLOOM_BITS) - 1)) & 1))
		return;
	nodes = where->image + family->nodes_off;
#pragma clang loop unroll(disable)
	for (level = 1; level < depth; level++) {
		if (node & CLASSIFIER_LEAF)
			break;
		at = (node >> CLASSIFIER_BASE_SHIFT & CLASSIFIER_BASE_MASK) +
		     (classify_word(&walk->key, kind,
				    node >> CLASSIFIER_WORD_AT & CLASSIFIER_WORD_MASK) >>
		      (node >> CLASSIFIER_SHIFT_AT & CLASSIFIER_SHIFT_MASK) &
		      (node >> CLASSIFIER_WINDOW_AT & CLASSIFIER_WINDOW_MASK));
		barrier_var(at);
		if (at >= family->nodes)	/* never: for the verifier */
			return;
		node = nodes[at];
		barrier_var(level);
	}
	if (classify_less(walk->found >> (32 + CLASSIFIER_PRIO_SHIFT) << 1,
			  (node >> CLASSIFIER_PRIO_AT & CLASSIFIER_PRIO_MASK) << 1))
		return;
	at = node >> CLASSIFIER_BASE_SHIFT & CLASSIFIER_BASE_MASK;
	barrier_var(at);
	if (at >= family->rows)			/* never */
		return;
	classify_rows(where, kind, where->image + family->rows_off + at * classify_row_size(kind),
		      node >> CLASSIFIER_COUNT_SHIFT & CLASSIFIER_COUNT_MASK, tree->leaf);
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

static __always_inline __u64 classify_vector(const struct classify_where *where, int kind,
					     __u64 word)
{
	const volatile struct classifier_family *family =
		&CLASSIFY_SHAPE.family[kind & CLASSIFY_V6];
	const void *vectors = where->image + family->vectors_off;
	__u64 left = ~0ULL, value;
	__u32 i;

#pragma clang loop unroll(full)
	for (i = 0; i < CLASSIFIER_WINDOWS_MAX; i++) {
		if (i >= family->windows)
			break;
		value = classify_word(&where->walk->key, kind, family->window[i].word) >>
			family->window[i].shift & 0xff;
		left &= *(const __u64 *)(vectors + ((i * 256 + value) * family->words + word) * 8);
	}
	return left;
}

/*
 * Words of the vectors up to the next one in which rows are left to compare, into walk->left
 * Return: whether there is one that has better rows than what was found
 */
static __always_inline bool classify_residual_word(const struct classify_where *where, int kind)
{
	const volatile struct classifier_family *family =
		&CLASSIFY_SHAPE.family[kind & CLASSIFY_V6];
	const __u32 *prios = where->image + family->prios_off;
	struct classify *walk = where->walk;
	__u64 word = walk->word, left = 0;

#pragma clang loop unroll(disable)
	for (; !left; word++) {
		barrier_var(word);
		if (word >= family->words ||
		    !classify_less((__u64)prios[word] << 32, walk->found))
			return false;
		left = classify_vector(where, kind, word);
		barrier_var(left);
	}
	walk->left = left;
	walk->word = word ^ walk->view >> 1;	/* ^ 0: the verifier need not tell words apart */
	return true;
}

/* One row more. Return: whether that was the last */
static __always_inline bool classify_residual_step(const struct classify_where *where, int kind)
{
	const volatile struct classifier_family *family =
		&CLASSIFY_SHAPE.family[kind & CLASSIFY_V6];
	struct classify *walk = where->walk;
	__u64 i;

	if (!walk->left && !classify_residual_word(where, kind))
		return true;
	i = (walk->word - 1) * 64 + classify_lowest_bit(walk->left);
	walk->left &= walk->left - 1;
	barrier_var(i);
	if (i >= family->residual)
		return true;
	return classify_row_at(where, kind, where->image + family->residual_off +
			       i * classify_row_size(kind));
}

/* ---- what is rare ---- */
/*
 * In functions that are verified on their own: behind a bpf_loop(), and in it, Linux 6.18 prunes
 * hardly a state, so nothing is to follow, and a step has one row.
 */
static long classify_residual_loop4(__u32 i, void *where)
{
	return classify_residual_step(where, CLASSIFY_EXTS);
}

static long classify_residual_loop6(__u32 i, void *where)
{
	return classify_residual_step(where, CLASSIFY_EXTS | CLASSIFY_V6);
}

static __always_inline bool classify_view_step(const struct classify_where *where, int v6, __u64 i)
{
	const void *rows = where->image + classify_view_off(where->walk) +
			   (v6 ? CLASSIFIER_VIEW_ROWS6 : CLASSIFIER_VIEW_ROWS4);

	i &= CLASSIFIER_VIEW_ROWS - 1;
	return classify_row_at(where, v6 | CLASSIFY_EXTS | CLASSIFY_ADDED,
			       rows + i * classify_row_size(v6));
}

static long classify_view_loop4(__u32 i, void *where)
{
	return classify_view_step(where, 0, i);
}

static long classify_view_loop6(__u32 i, void *where)
{
	return classify_view_step(where, CLASSIFY_V6, i);
}

static __always_inline __u32 classify_view_rows(const void *image, __u32 view, int v6)
{
	const struct classifier_head *head = image;

	return head->views[view & 1].rows[v6];
}

/* The residual if it is not at its end, and rows of the view. Return: 0 */
__noinline int classify_rare4(shunt_ctx *ctx, struct classify *walk)
{
	struct classify_where where = { .ctx = ctx, .walk = walk, .image = CLASSIFY_IMAGE() };

	if (!walk || !where.image)
		return 0;
	where.tombstones = where.image + classify_view_off(walk) + CLASSIFIER_VIEW_GONE;
	if (walk->word < CLASSIFY_SHAPE.family[0].words || walk->left)
		bpf_loop(CLASSIFIER_RESIDUAL_MAX, classify_residual_loop4, &where, 0);
	bpf_loop(classify_view_rows(where.image, walk->view, 0), classify_view_loop4, &where, 0);
	return 0;
}

__noinline int classify_rare6(shunt_ctx *ctx, struct classify *walk)
{
	struct classify_where where = { .ctx = ctx, .walk = walk, .image = CLASSIFY_IMAGE() };

	if (!walk || !where.image)
		return 0;
	where.tombstones = where.image + classify_view_off(walk) + CLASSIFIER_VIEW_GONE;
	if (walk->word < CLASSIFY_SHAPE.family[1].words || walk->left)
		bpf_loop(CLASSIFIER_RESIDUAL_MAX, classify_residual_loop6, &where, 0);
	bpf_loop(classify_view_rows(where.image, walk->view, 1), classify_view_loop6, &where, 0);
	return 0;
}

/* Return: whether it is done with */
static __always_inline bool classify_residual(const struct classify_where *where, int kind)
{
	const volatile struct classifier_family *family =
		&CLASSIFY_SHAPE.family[kind & CLASSIFY_V6];
	__u32 i;

	if (!family->residual ||
	    !classify_less((__u64)family->residual_prio << 32, where->walk->found))
		return true;
#pragma clang loop unroll(disable)
	for (i = 0; i < CLASSIFY_INLINE_STEPS; i++) {
		if (classify_residual_step(where, kind))
			return true;
		barrier_var(i);
	}
	return false;
}

/* ---- the whole ---- */
/* Return: whether the residual is done with */
static __always_inline bool classify_family(const struct classify_where *where, int kind)
{
	const volatile struct classifier_family *family =
		&CLASSIFY_SHAPE.family[kind & CLASSIFY_V6];

	if (family->list) {
		classify_rows(where, kind, where->image + family->rows_off, family->list,
			      CLASSIFIER_LIST_MAX);
		return true;
	}
	if (family->trees > 0)
		classify_tree(where, kind, 0);
	if (family->trees > 1)
		classify_tree(where, kind, 1);
	if (family->trees > 2)
		classify_tree(where, kind, 2);
	if (family->trees > 3)
		classify_tree(where, kind, 3);
	if (family->trees > 4)
		classify_tree(where, kind, 4);
	if (family->trees > 5)
		classify_tree(where, kind, 5);
	if (family->trees > 6)
		classify_tree(where, kind, 6);
	if (family->trees > 7)
		classify_tree(where, kind, 7);
	return classify_residual(where, kind);
}

/**
 * classify_most() - All but what is rare, which calls deeper
 * @ctx:	For CLASSIFY_HOLDS()
 * @image:	The image's map value: CLASSIFY_IMAGE()
 * @v6:		0 or 1, a constant: which family's rows; what is no IP is of the other
 * @floor:	Rows up to this priority (without edge) do not count; 0: all do
 * @walk:	With its key, by classify_key4() or classify_key6(). 'found' is the row
 * Return: whether classify_rare() has to look for a better one
 */
static __always_inline bool classify_most(shunt_ctx *ctx, const void *image, int v6, __u32 floor,
					  struct classify *walk)
{
	const struct classifier_head *head = image;
	__u32 in_force = *(const volatile __u32 *)&head->view;	/* once */
	struct classify_where where = { .ctx = ctx, .image = image, .walk = walk };
	bool done;

	walk->floor = floor ? ((__u64)floor + 1) << (32 + CLASSIFIER_EDGE_BITS) : 0;
	walk->view = in_force;
	walk->gone = head->views[in_force & 1].gone;
	walk->found = head->none;
	walk->left = walk->word = 0;
	where.tombstones = image + classify_view_off(walk) + CLASSIFIER_VIEW_GONE;
	if (CLASSIFY_SHAPE.exts)
		done = classify_family(&where, v6 | CLASSIFY_EXTS);
	else
		done = classify_family(&where, v6);
	if (done) {
		walk->left = 0;
		walk->word = CLASSIFY_SHAPE.family[v6].words;
	}
	return !done || classify_view_rows(image, in_force, v6);
}

/* @walk: a copy, for the one of classify_most() to stay in registers */
static __always_inline void classify_rare(shunt_ctx *ctx, int v6, struct classify *walk)
{
	if (v6)
		classify_rare6(ctx, walk);
	else
		classify_rare4(ctx, walk);
}

/**
 * classify() - The row that decides: the one with the lowest prio whose conditions hold
 * @key:	By classify_key4() or classify_key6()
 * The rest as of classify_most()
 */
static __always_inline struct classify_found classify(shunt_ctx *ctx, const void *image, int v6,
						      const struct classify_key *key, __u32 floor)
{
	struct classify walk = { .key = *key };

	if (classify_most(ctx, image, v6, floor, &walk)) {
		struct classify rare = walk;

		classify_rare(ctx, v6, &rare);
		walk.found = rare.found;
	}
	return (struct classify_found){ .prio = walk.found >> 32, .ref = walk.found };
}

#endif
