// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* set.c - build a static set's image: which kind suits it, and what all kinds share */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <compile/set.h>
#include <compile/set_parts.h>
#include <compile/set_walk.h>

#define BITS_MAX	65536	/* values from first to last */
#define LARGE_PAGE	((size_t)2 << 20)

static const char *const kind_name[] = {
	[SHUNT_SET_NONE] = "none", [SHUNT_SET_HASH] = "hash", [SHUNT_SET_BITS] = "bits",
	[SHUNT_SET_RANGES] = "ranges",
};

/* ---- memory ---- */

/*
 * Megabytes that are going to be filled: a fault for each page of 4 KiB would cost more than what
 * is done with it. A hint only.
 */
static void memory_is_large(void *memory, size_t size)
{
	uintptr_t first = ((uintptr_t)memory + LARGE_PAGE - 1) & ~(uintptr_t)(LARGE_PAGE - 1);
	uintptr_t end = ((uintptr_t)memory + size) & ~(uintptr_t)(LARGE_PAGE - 1);

	if (end > first)
		madvise((void *)first, end - first, MADV_HUGEPAGE);
}

static void *memory_new(size_t size)
{
	void *memory = malloc(size);

	if (memory)
		memory_is_large(memory, size);
	return memory;
}

/* ---- lines ---- */

uint32_t set_lines_add(struct set_lines *lines, size_t n)
{
	size_t size = lines->size, first = lines->n;
	struct shunt_set_line *line;

	if (first + n > SHUNT_SET_LINES_MAX)
		return 0;
	if (first + n > size) {
		size = size + size / 2 > first + n ? size + size / 2 : first + n;
		line = realloc(lines->line, size * sizeof(*line));
		if (!line)
			return 0;
		memory_is_large(line, size * sizeof(*line));
		lines->line = line;
		lines->size = size;
	}
	memset(&lines->line[first], 0, n * sizeof(*line));
	lines->n = first + n;
	return first;
}

/* Over words, several in flight: an image may have 100 MB */
static uint64_t lines_hash(const struct set_lines *lines)
{
	uint64_t hash[8] = { lines->n }, sum = 0;
	unsigned int w;
	size_t i;

	for (i = 0; i < lines->n; i++)
		for (w = 0; w < 8; w++) {
			hash[w] = (hash[w] ^ lines->line[i].wide[w]) * SHUNT_SET_MIX;
			hash[w] ^= hash[w] >> 29;
		}
	for (w = 0; w < 8; w++)
		sum = shunt_set_mix(sum, hash[w]);
	return sum;
}

/* ---- keys ---- */

unsigned int set_field_words(enum expr_field field)
{
	unsigned int bits = expr_field_bits(field);

	return bits > 64 ? 4 : bits > 32 ? 2 : 1;
}

unsigned int set_key_add(struct shunt_set_key *key, unsigned int at, enum expr_field field,
			 struct expr_value value)
{
	unsigned int words = set_field_words(field);
	const uint32_t word[4] = {
		value.hi >> 32, value.hi, value.lo >> 32, value.lo,
	};
	unsigned int i;

	for (i = 4 - words; i < 4 && at < SHUNT_SET_KEY_WORDS; i++)
		key->word[at++] = word[i];
	return at;
}

static bool interval_is_single(const struct expr_interval *interval)
{
	return interval->first.hi == interval->last.hi && interval->first.lo == interval->last.lo;
}

/* ---- kinds ---- */

/* How a key's words are packed. Return: false: they do not fit, or there is nothing to win */
static bool tuples_pack(const struct set_spec *spec, struct shunt_set_hash *head)
{
	unsigned int f, w, n, words = 0, bits = 0;
	uint8_t shift[SHUNT_SET_PACKED_WORDS] = { 0 };

	for (f = 0; f < spec->n_fields; f++) {
		n = set_field_words(spec->field[f]);
		for (w = n; w > 0; w--) {	/* the first has what is over 32 bits */
			if (words == SHUNT_SET_PACKED_WORDS || bits > 63)
				return false;
			shift[words++] = bits;
			bits += w == n ? expr_field_bits(spec->field[f]) - 32 * (n - 1) : 32;
		}
	}
	if (bits > 64 || words < 3)
		return false;
	head->packed = 1;
	memcpy(head->shift, shift, sizeof(shift));
	return true;
}

static int build_tuples(const struct set_spec *spec, struct set_lines *lines, unsigned int words,
			struct err *err)
{
	struct shunt_set_key *key;
	unsigned int f, at;
	size_t i;
	int r;

	key = memory_new(spec->n * sizeof(*key));
	if (!key)
		return err_set(err, -ENOMEM, "set '%s'", spec->name);
	memset(key, 0, spec->n * sizeof(*key));
	for (i = 0; i < spec->n; i++)
		for (f = 0, at = 0; f < spec->n_fields; f++) {
			const struct expr_interval *value = &spec->tuple[i * spec->n_fields + f];

			if (!interval_is_single(value)) {
				r = err_set(err, -EINVAL,
					    "set '%s': a range in a concatenation", spec->name);
				goto out;
			}
			at = set_key_add(&key[i], at, spec->field[f], value->first);
		}
	set_lines_head(lines, 0)->kind = SHUNT_SET_HASH;
	if (tuples_pack(spec, &set_lines_head(lines, 0)->by_hash)) {
		for (i = 0; i < spec->n; i++)
			shunt_set_pack(&set_lines_head(lines, 0)->by_hash, &key[i], &key[i]);
		words = 2;
	}
	r = set_hash_build(lines, key, spec->n, words);
	if (r < 0)
		err_set(err, r, "set '%s'", spec->name);
out:
	free(key);
	return r;
}

/* Single values, and some ranges so short that their values are */
static int build_values(const struct set_spec *spec, struct set_lines *lines, size_t n_values,
			unsigned int words)
{
	struct shunt_set_key *key = memory_new(n_values * sizeof(*key));
	size_t i, n = 0;
	int r;

	if (!key)
		return -ENOMEM;
	memset(key, 0, n_values * sizeof(*key));
	for (i = 0; i < spec->n; i++) {
		struct expr_value value = spec->tuple[i].first;

		for (;;) {
			set_key_add(&key[n++], 0, spec->field[0], value);
			if (value.lo == spec->tuple[i].last.lo &&
			    value.hi == spec->tuple[i].last.hi)
				break;
			if (!++value.lo)
				value.hi++;
		}
	}
	set_lines_head(lines, 0)->kind = SHUNT_SET_HASH;
	r = set_hash_build(lines, key, n, words);
	free(key);
	return r;
}

static int build_bits(const struct set_spec *spec, struct set_lines *lines)
{
	uint32_t first = spec->tuple[0].first.lo, n = spec->tuple[spec->n - 1].last.lo - first + 1;
	uint32_t at = set_lines_add(lines, (n + 511) / 512), bit;
	struct shunt_set_head *head = set_lines_head(lines, 0);
	size_t i;

	if (!at)
		return -ENOMEM;
	head->kind = SHUNT_SET_BITS;
	head->by_bit = (struct shunt_set_bits){ .first = first, .n = n };
	for (i = 0; i < spec->n; i++)
		for (bit = spec->tuple[i].first.lo - first;
		     bit <= spec->tuple[i].last.lo - first; bit++)
			lines->line[at + bit / 512].word[bit / 32 % 16] |= 1U << bit % 32;
	return 0;
}

/* Ends of the intervals, as set_ranges_build() wants them. Return: their number */
static size_t ends_of(const struct set_spec *spec, unsigned int bits, uint64_t *high,
		      uint64_t *low)
{
	const struct expr_value all = {
		bits > 64 ? UINT64_MAX : 0, bits < 64 ? (1ULL << bits) - 1 : UINT64_MAX,
	};
	size_t i, n = 0;

	for (i = 0; i < spec->n; i++) {
		struct expr_value first = spec->tuple[i].first, last = spec->tuple[i].last;

		high[n] = low ? first.hi : first.lo;
		if (low)
			low[n] = first.lo;
		n++;
		if (last.hi == all.hi && last.lo == all.lo)
			break;			/* no value behind it */
		high[n] = low ? last.hi + (last.lo == UINT64_MAX) : last.lo + 1;
		if (low)
			low[n] = last.lo + 1;
		n++;
	}
	return n;
}

static int build_ranges(const struct set_spec *spec, struct set_lines *lines)
{
	unsigned int bits = expr_field_bits(spec->field[0]);
	uint64_t *high = memory_new(2 * spec->n * sizeof(*high));
	uint64_t *low = bits > 64 ? memory_new(2 * spec->n * sizeof(*low)) : NULL;
	bool has_low = false;
	int r = -ENOMEM;
	size_t n, i;

	if (high && (low || bits <= 64)) {
		n = ends_of(spec, bits, high, low);
		for (i = 0; low && i < n && !has_low; i++)
			has_low = low[i];
		set_lines_head(lines, 0)->kind = SHUNT_SET_RANGES;
		r = set_ranges_build(lines, high, has_low ? low : NULL, n);
	}
	free(high);
	free(low);
	return r;
}

/* Sorted, none meets the next */
static bool is_merged(const struct set_spec *spec)
{
	size_t i;

	for (i = 1; i < spec->n; i++) {
		struct expr_value last = spec->tuple[i - 1].last, first = spec->tuple[i].first;

		if (!++last.lo)
			last.hi++;
		if (first.hi < last.hi || (first.hi == last.hi && first.lo <= last.lo))
			return false;
	}
	return true;
}

/* How many values; UINT64_MAX: too many to say */
static uint64_t count_values(const struct set_spec *spec)
{
	uint64_t n = 0, each;
	size_t i;

	for (i = 0; i < spec->n; i++) {
		if (spec->tuple[i].first.hi != spec->tuple[i].last.hi)
			return UINT64_MAX;
		each = spec->tuple[i].last.lo - spec->tuple[i].first.lo;
		if (each > SHUNT_SET_ELEMENTS_MAX)
			return UINT64_MAX;
		n += each + 1;
	}
	return n;
}

static int build_field(const struct set_spec *given, struct set_lines *lines, unsigned int words)
{
	struct set_spec spec = *given;
	struct expr_interval *merged = NULL;
	uint64_t n_values;
	int r = -ENOSPC;

	if (!is_merged(&spec)) {
		merged = malloc(spec.n * sizeof(*merged));
		if (!merged)
			return -ENOMEM;
		memcpy(merged, spec.tuple, spec.n * sizeof(*merged));
		spec.n = expr_merge(merged, spec.n);
		spec.tuple = merged;
	}
	n_values = count_values(&spec);
	if (words == 1 && spec.tuple[spec.n - 1].last.lo - spec.tuple[0].first.lo < BITS_MAX)
		r = build_bits(&spec, lines);
	else if (n_values <= spec.n + spec.n / 4 + 16)
		r = build_values(&spec, lines, n_values, words);
	if (r == -ENOSPC)
		r = build_ranges(&spec, lines);
	free(merged);
	return r;
}

/* ---- public ---- */

int set_build(const struct set_spec *spec, struct set_image *ret, struct err *err)
{
	struct set_lines lines = { 0 };
	struct shunt_set_head *head;
	unsigned int f, words = 0;
	int r = 0;

	for (f = 0; f < spec->n_fields; f++)
		words += set_field_words(spec->field[f]);
	if (words > SHUNT_SET_KEY_WORDS)
		return err_set(err, -EINVAL, "set '%s': its fields together are too wide",
			       spec->name);
	if (spec->n > SHUNT_SET_ELEMENTS_MAX)
		return err_set(err, -E2BIG, "set '%s': %zu elements, %u at most", spec->name,
			       spec->n, SHUNT_SET_ELEMENTS_MAX);
	set_lines_add(&lines, 1);	/* 0 says nothing here: the line tells */
	if (!lines.line)
		return err_set(err, -ENOMEM, "set '%s'", spec->name);
	set_lines_head(&lines, 0)->words = words;
	if (spec->n && spec->n_fields > 1) {
		r = build_tuples(spec, &lines, words, err);
	} else if (spec->n) {
		r = build_field(spec, &lines, words);
		if (r < 0)
			err_set(err, r, "set '%s'", spec->name);
	}
	if (r < 0) {
		free(lines.line);
		return r;
	}
	head = set_lines_head(&lines, 0);
	head->lines = lines.n;
	head->hash = lines_hash(&lines);
	*ret = (struct set_image){
		.line = (uint8_t *)lines.line, .n_lines = lines.n, .hash = head->hash,
		.kind = kind_name[head->kind],
	};
	return 0;
}

void set_image_fini(struct set_image *image)
{
	free(image->line);
	*image = (struct set_image){ 0 };
}

bool set_has(const struct set_image *image, const struct shunt_set_key *key)
{
	return shunt_set_walk(image, key);
}
