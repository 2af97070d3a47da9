/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* arena.h - memory that is freed all at once */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

struct arena_block;

/*
 * Zero-initialised is empty and ready. Out of memory ends the process: the
 * dataplane is pinned and goes on.
 */
struct arena {
	struct arena_block *last;
	size_t bytes;			/* handed out so far */
};

void arena_fini(struct arena *arena);

/* The one way to end when memory is out; for the few who call malloc() themselves */
void arena_no_memory(void) __attribute__((noreturn));

/* Zeroed, aligned to 16; never NULL */
void *arena_alloc(struct arena *arena, size_t size);
#define arena_new(arena, type) ((type *)arena_alloc(arena, sizeof(type)))
#define arena_new_n(arena, type, n) ((type *)arena_alloc(arena, sizeof(type) * (n)))

/*
 * Room for one more in an array that doubles: n counts what is used. The new
 * one is zeroed unless the array had shrunk; the old array stays valid. The
 * capacity is told from n: only for arrays that began empty and grew by this
 * alone (they may shrink).
 */
#define arena_push(arena, array, n) \
	((array) = arena_grow(arena, array, n, sizeof(*(array))), &(array)[(n)++])
void *arena_grow(struct arena *arena, void *array, size_t n, size_t size);

char *arena_strdup(struct arena *arena, const char *str);
char *arena_strndup(struct arena *arena, const char *str, size_t len);
char *arena_printf(struct arena *arena, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *arena, const char *fmt, va_list args);

#endif
