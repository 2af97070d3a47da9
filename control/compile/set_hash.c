// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* set_hash.c - images of kind HASH (dataplane/lib/set.h) */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <compile/set_parts.h>
#include <compile/set_walk.h>

#define GROWTHS_MAX	12	/* each by a quarter */

/* Places filled of 100, by places in a line: the fewer, the sooner a line overflows */
static unsigned int hash_load(unsigned int places)
{
	switch (places) {
	case 16:
		return 66;
	case 8:
		return 62;
	case 4:
		return 56;
	case 2:
		return 50;
	default:
		return 40;
	}
}

static unsigned int hash_places(unsigned int words)
{
	unsigned int size = 1;

	while (size < words)
		size *= 2;
	return 16 / size;
}

static bool hash_is_used(const struct shunt_set_key *key, size_t n, uint32_t word)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (key[i].word[0] == word)
			return true;
	return false;
}

/* A word 0 that no key has. Return: 0 or -ENOSPC */
static int hash_find_unused(const struct shunt_set_key *key, size_t n, uint32_t *ret)
{
	uint32_t word = 0xffffffff;
	unsigned int i;

	/* @n of 2^32 words are used: of so many candidates one is not, unless somebody aims */
	for (i = 0; i < 64; i++) {
		if (!hash_is_used(key, n, word)) {
			*ret = word;
			return 0;
		}
		word = word * 2654435761U + 12345;
	}
	return -ENOSPC;
}

/* Return: whether there was room within PROBES_MAX lines. @filled: places by line */
static bool hash_put(struct shunt_set_line *line, uint8_t *filled, struct shunt_set_hash *head,
		     const struct shunt_set_key *key)
{
	unsigned int size = 16 / head->places, probe;
	uint32_t at = shunt_set_hash_line(head, key);

	for (probe = 0; probe < SHUNT_SET_PROBES_MAX; probe++, at++) {
		if (filled[at] && shunt_set_in_line(&line[at], head->places, key))
			return true;
		if (filled[at] == head->places)
			continue;
		memcpy(&line[at].word[size * filled[at]], key->word,
		       size * sizeof(uint32_t) < sizeof(*key) ? size * sizeof(uint32_t) :
								 sizeof(*key));
		filled[at]++;
		if (head->probes <= probe)
			head->probes = probe + 1;
		return true;
	}
	return false;
}

/* All keys into @line, of head->lines + PROBES_MAX - 1. Return: 0; -EAGAIN: too many in a row */
static int hash_fill(struct shunt_set_line *line, uint8_t *filled, struct shunt_set_hash *head,
		     const struct shunt_set_key *key, size_t n)
{
	size_t n_lines = head->lines + SHUNT_SET_PROBES_MAX - 1, i;
	unsigned int size = 16 / head->places, place;

	memset(line, 0, n_lines * sizeof(*line));
	memset(filled, 0, n_lines);
	for (i = 0; i < n_lines; i++)
		for (place = 0; place < head->places; place++)
			line[i].word[place * size] = head->unused;
	head->probes = 1;
	for (i = 0; i < n; i++)
		if (!hash_put(line, filled, head, &key[i]))
			return -EAGAIN;
	return 0;
}

int set_hash_build(struct set_lines *lines, const struct shunt_set_key *key, size_t n,
		   unsigned int words)
{
	struct shunt_set_hash head = set_lines_head(lines, 0)->by_hash;
	unsigned int growth;
	size_t per_line;
	uint8_t *filled = NULL;
	uint32_t first;
	int r;

	head.seed = SHUNT_SET_MIX;
	head.places = hash_places(words);
	per_line = head.places * hash_load(head.places);
	r = hash_find_unused(key, n, &head.unused);
	if (r < 0)
		return r;
	head.lines = n * 100 / per_line + 1;
	for (growth = 0; growth < GROWTHS_MAX; growth++) {
		lines->n = 1;
		first = set_lines_add(lines, head.lines + SHUNT_SET_PROBES_MAX - 1);
		free(filled);
		filled = malloc(head.lines + SHUNT_SET_PROBES_MAX - 1);
		if (!first || !filled) {
			r = -ENOMEM;
			break;
		}
		r = hash_fill(&lines->line[first], filled, &head, key, n);
		if (!r) {
			lines->n = first + head.lines + head.probes - 1;
			set_lines_head(lines, 0)->by_hash = head;
			break;
		}
		head.lines += head.lines / 4 + 1;
		head.seed = shunt_set_mix(head.seed, growth);
	}
	free(filled);
	return r == -EAGAIN ? -ENOMEM : r;
}
