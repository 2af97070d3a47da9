// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* arena.c - memory that is freed all at once */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <base/arena.h>

#define ALIGN		16
#define BLOCK_MIN	((size_t)4096)
#define BLOCK_MAX	((size_t)1 << 20)
#define POPULATE_MIN	((size_t)1 << 17)

struct arena_block {
	struct arena_block *next;
	size_t used, size;		/* of data */
	char data[] __attribute__((aligned(ALIGN)));
};

void arena_no_memory(void)
{
	fputs("out of memory\n", stderr);
	abort();
}

/*
 * Have the pages of a large block mapped at once: it is going to be filled, and
 * a fault for each page costs more than what is written to it. A hint only.
 */
static void block_populate(struct arena_block *block, size_t size)
{
	uintptr_t page = sysconf(_SC_PAGESIZE);
	uintptr_t first = ((uintptr_t)block + page - 1) & ~(page - 1);
	uintptr_t end = ((uintptr_t)block->data + size) & ~(page - 1);

	if (size >= POPULATE_MIN && end > first)
		madvise((void *)first, end - first, MADV_POPULATE_WRITE);
}

static struct arena_block *block_new(size_t size)
{
	struct arena_block *block;

	if (size > SIZE_MAX / 2)
		arena_no_memory();
	block = calloc(1, sizeof(*block) + size);
	if (!block)
		arena_no_memory();
	block->size = size;
	block_populate(block, size);
	return block;
}

/* A block for something large goes behind the last one, whose rest stays in use */
static struct arena_block *arena_add_block(struct arena *arena, size_t size)
{
	struct arena_block *last = arena->last, *block;
	size_t want = last ? 2 * last->size : BLOCK_MIN;
	bool large;

	if (want > BLOCK_MAX)
		want = BLOCK_MAX;
	large = size > want / 4;
	block = block_new(large ? size : want);
	if (large && last) {
		block->next = last->next;
		last->next = block;
	} else {
		block->next = last;
		arena->last = block;
	}
	return block;
}

void arena_fini(struct arena *arena)
{
	struct arena_block *block = arena->last, *next;

	for (; block; block = next) {
		next = block->next;
		free(block);
	}
	*arena = (struct arena){ 0 };
}

void *arena_alloc(struct arena *arena, size_t size)
{
	struct arena_block *block = arena->last;
	void *data;

	if (size > SIZE_MAX / 2)
		arena_no_memory();
	size = (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	if (!block || block->size - block->used < size)
		block = arena_add_block(arena, size);
	data = block->data + block->used;
	block->used += size;
	arena->bytes += size;
	return data;
}

/* The capacity follows from the count: 8, then the next power of two */
void *arena_grow(struct arena *arena, void *array, size_t n, size_t size)
{
	size_t room = n < 8 ? 8 : 2 * n;
	void *grown;

	if (n && (n < 8 || (n & (n - 1))))
		return array;
	if (room < n || room > SIZE_MAX / size)
		arena_no_memory();
	grown = arena_alloc(arena, room * size);
	if (n)
		memcpy(grown, array, n * size);
	return grown;
}

char *arena_strdup(struct arena *arena, const char *str)
{
	return arena_strndup(arena, str, strlen(str));
}

char *arena_strndup(struct arena *arena, const char *str, size_t len)
{
	char *copy = arena_alloc(arena, len + 1);

	if (len)
		memcpy(copy, str, len);
	return copy;
}

char *arena_vprintf(struct arena *arena, const char *fmt, va_list args)
{
	va_list again;
	char *str;
	int len;

	va_copy(again, args);
	len = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (len < 0)
		return arena_alloc(arena, 1);
	str = arena_alloc(arena, (size_t)len + 1);
	vsnprintf(str, (size_t)len + 1, fmt, args);
	return str;
}

char *arena_printf(struct arena *arena, const char *fmt, ...)
{
	va_list args;
	char *str;

	va_start(args, fmt);
	str = arena_vprintf(arena, fmt, args);
	va_end(args);
	return str;
}
