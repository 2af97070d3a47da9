// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* table_part.c - elements of arrays that are too large for one answer */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include <bpf/bpf.h>

#include <base/arena.h>
#include <kernel/table_priv.h>

#define PIECE		256		/* elements a system call */
#define NSEC_PER_SEC	1000000000ull

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NSEC_PER_SEC + now.tv_nsec;
}

/* Elements @from on that are not zero. Return: how many were looked at; -errno */
static int print_piece(const struct table *table, uint32_t from, unsigned char *values,
		       struct jsonw *w, uint32_t *shown)
{
	uint32_t keys[PIECE], before = from - 1, next, got = PIECE, i;
	size_t size = table->info.value_size;
	int r;

	/* A batch goes on behind the key that it is given */
	r = bpf_map_lookup_batch(table->fd, from ? &before : NULL, &next, keys, values, &got, NULL);
	if (r < 0 && r != -ENOENT)	/* -ENOENT: these were the last */
		return r;
	for (i = 0; i < got; i++) {
		if (table_is_zero(values + i * size, size))
			continue;
		table_print_element(table, (unsigned char *)&keys[i], values + i * size, false, w,
				    NULL);
		++*shown;
	}
	return got;
}

int table_dump_part(const struct table *table, uint64_t *cursor, uint32_t max, uint64_t budget_ns,
		    struct jsonw *w, const char *key, bool *ret_more, struct err *err)
{
	unsigned char *values = malloc(PIECE * table_value_size(table));
	uint64_t end = now_ns() + budget_ns;
	uint32_t shown = 0;
	int r = 1;

	if (!values)
		arena_no_memory();
	jsonw_array(w, key);
	while (*cursor < table->info.max_entries && shown < max && r > 0 && now_ns() < end) {
		r = print_piece(table, *cursor, values, w, &shown);
		if (r > 0)
			*cursor += r;
	}
	jsonw_array_end(w);
	free(values);
	*ret_more = r > 0 && *cursor < table->info.max_entries;
	return r < 0 ? err_set(err, r, "read table '%s'", table->info.name) : 0;
}
