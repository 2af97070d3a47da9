// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* classifier_find.c - the walk of lib/classify.h in C, step by step the same */
#include "classifier_priv.h"

struct walk {
	const uint8_t *image;
	const struct classifier_shape *shape;
	const struct classifier_family *family;
	const uint64_t *gone;		/* tombstones; NULL: none */
	const uint64_t *key;
	unsigned int words;		/* of the key */
	uint32_t floor;			/* lowest prio that counts, edge included */
	uint32_t best, ref;
	unsigned int steps;
};

static bool ports_match(const struct walk *walk, uint16_t sport_first, uint16_t sport_last,
			uint16_t dport_first, uint16_t dport_last)
{
	uint16_t sport = walk->key[walk->words - 1] >> 48;
	uint16_t dport = walk->key[walk->words - 1] >> 32;

	return sport >= sport_first && sport <= sport_last && dport >= dport_first &&
	       dport <= dport_last;
}

static bool row4_matches(const struct walk *walk, const struct classifier_row4 *row)
{
	uint64_t saddr = (walk->key[0] ^ row->addrs) >> 32;
	uint64_t daddr = (walk->key[0] ^ row->addrs) & 0xffffffff;
	uint32_t meta = (walk->key[1] ^ row->value) & row->mask & CLASSIFIER_META;

	return !(saddr >> (row->value >> CLASSIFIER_OPEN_SHIFT)) &&
	       !(daddr >> (row->mask >> CLASSIFIER_OPEN_SHIFT)) && !meta &&
	       ports_match(walk, row->sport_first, row->sport_last, row->dport_first,
			   row->dport_last);
}

static bool row6_matches(const struct walk *walk, const struct classifier_row6 *row)
{
	const uint64_t half[4] = { row->saddr[0], row->saddr[1], row->daddr[0], row->daddr[1] };
	unsigned int i;

	for (i = 0; i < 4; i++)
		if ((walk->key[i] ^ half[i]) >> row->open[i][0] >> row->open[i][1])
			return false;
	return !((walk->key[4] ^ row->value) & row->mask) &&
	       ports_match(walk, row->sport_first, row->sport_last, row->dport_first,
			   row->dport_last);
}

static bool is_gone(const struct walk *walk, uint32_t prio)
{
	uint32_t rule = prio >> CLASSIFIER_PRIO_SHIFT;

	return walk->gone && walk->gone[rule / 64] >> rule % 64 & 1;
}

/* Rows at an offset, by prio: the first that matches */
static void walk_rows(struct walk *walk, uint32_t off, uint32_t n, bool base)
{
	const struct classifier_row4 *row4 = (const void *)(walk->image + off);
	const struct classifier_row6 *row6 = (const void *)(walk->image + off);
	uint32_t i, prio;
	uint64_t found;

	for (i = 0; i < n; i++) {
		bool is4 = walk->words == CLASSIFIER_KEY4;

		walk->steps++;
		if (is4 ? !row4_matches(walk, &row4[i]) : !row6_matches(walk, &row6[i]))
			continue;
		found = is4 ? row4[i].found : row6[i].found;
		prio = found >> 32;
		if (prio >= walk->best || prio < walk->floor || (base && is_gone(walk, prio)))
			continue;
		walk->best = prio;
		walk->ref = found;
		return;
	}
}

static void walk_tree(struct walk *walk, const struct classifier_tree *tree)
{
	const uint64_t *nodes = (const void *)(walk->image + walk->family->nodes_off);
	uint64_t hash, node;
	uint32_t child;

	if (tree->prio >= walk->best)
		return;
	hash = classifier_split_hash(tree->mask, walk->key, walk->words);
	node = ((const uint64_t *)(walk->image + tree->roots_off))[hash >> tree->shift];
	walk->steps++;
	if (!(node >> (hash >> tree->bloom_shift &
		       ((1 << CLASSIFIER_BLOOM_BITS) - 1)) & 1))
		return;
	while (!(node & CLASSIFIER_LEAF)) {
		child = walk->key[node >> CLASSIFIER_WORD_AT & CLASSIFIER_WORD_MASK] >>
			(node >> CLASSIFIER_SHIFT_AT & CLASSIFIER_SHIFT_MASK) &
			(node >> CLASSIFIER_WINDOW_AT & CLASSIFIER_WINDOW_MASK);
		node = nodes[(node >> CLASSIFIER_BASE_SHIFT & CLASSIFIER_BASE_MASK) + child];
		walk->steps++;
	}
	if ((node >> CLASSIFIER_PRIO_AT & CLASSIFIER_PRIO_MASK) >
	    walk->best >> CLASSIFIER_PRIO_SHIFT)
		return;
	walk_rows(walk, walk->family->rows_off +
		  (node >> CLASSIFIER_BASE_SHIFT & CLASSIFIER_BASE_MASK) *
		  classifier_row_size(walk->words == CLASSIFIER_KEY4 ? 4 : 6),
		  node >> CLASSIFIER_COUNT_SHIFT & CLASSIFIER_COUNT_MASK, true);
}

static void walk_residual(struct walk *walk)
{
	const struct classifier_family *family = walk->family;
	const uint64_t *vectors = (const void *)(walk->image + family->vectors_off);
	const uint32_t *prios = (const void *)(walk->image + family->prios_off);
	size_t row_size = classifier_row_size(walk->words == CLASSIFIER_KEY4 ? 4 : 6);
	uint32_t w, i, value, was;
	uint64_t left;

	if (!family->residual || family->residual_prio >= walk->best)
		return;
	for (w = 0; w < family->words && prios[w] < walk->best; w++) {
		left = w == family->words - 1 && family->residual % 64 ?
		       (1ULL << family->residual % 64) - 1 : ~0ULL;
		for (i = 0; i < family->windows; i++) {
			value = walk->key[family->window[i].word] >> family->window[i].shift & 0xff;
			left &= vectors[(i * 256 + value) * family->words + w];
			walk->steps++;
		}
		for (; left; left &= left - 1) {
			was = walk->best;
			i = w * 64 + __builtin_ctzll(left);
			walk_rows(walk, family->residual_off + i * row_size, 1, true);
			if (walk->best != was)
				return;
		}
	}
}

uint32_t classifier_walk(const void *image, const struct classifier_shape *shape,
			 unsigned int family, const uint64_t *key, uint32_t floor,
			 uint32_t *ret_ref, unsigned int *steps)
{
	const struct classifier_head *head = image;
	uint32_t in_force = __atomic_load_n(&head->view, __ATOMIC_ACQUIRE) & 1;
	const struct classifier_view *view = &head->views[in_force];
	uint32_t view_off = shape->view_off + in_force * shape->view_size, i;
	struct walk walk = {
		.image = image, .shape = shape, .key = key,
		.family = &shape->family[family == 6],
		.words = family == 4 ? CLASSIFIER_KEY4 : CLASSIFIER_KEY6,
		.floor = floor ? (floor + 1) << CLASSIFIER_EDGE_BITS : 0,
		.best = CLASSIFIER_NONE,
	};

	if (view->gone)
		walk.gone = (const void *)(walk.image + view_off + CLASSIFIER_VIEW_GONE);
	walk_rows(&walk, view_off + (family == 4 ? CLASSIFIER_VIEW_ROWS4 : CLASSIFIER_VIEW_ROWS6),
		  view->rows[family == 6], false);
	if (walk.family->list)
		walk_rows(&walk, walk.family->rows_off, walk.family->list, true);
	for (i = 0; i < walk.family->trees; i++)
		walk_tree(&walk, &walk.family->tree[i]);
	walk_residual(&walk);
	*steps = walk.steps;
	if (walk.best != CLASSIFIER_NONE)
		*ret_ref = walk.ref;
	return walk.best;
}

uint32_t classifier_find(const void *image, const struct classifier_shape *shape,
			 unsigned int family, const uint32_t *key, uint32_t floor,
			 uint32_t *ret_ref)
{
	unsigned int words = family == 4 ? CLASSIFIER_KEY4 : CLASSIFIER_KEY6, i, steps;
	uint64_t key64[CLASSIFIER_KEY6];

	for (i = 0; i < words; i++)
		key64[i] = (uint64_t)key[2 * i] << 32 | key[2 * i + 1];
	return classifier_walk(image, shape, family, key64, floor, ret_ref, &steps);
}
