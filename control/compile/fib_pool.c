// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* fib_pool.c - pages of forwarding tables, and what lies in them */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <compile/fib_pool.h>

#define SPARE_SHARE	8	/* so much of all pages is made at once: a store may have to wait */
#define SPARE_MIN	4

/* ---- numbers ---- */

/* Room for one more, so that a push cannot fail */
static int list_reserve(struct fib_list *list, size_t more)
{
	size_t room = list->room ? list->room : 64;
	uint32_t *at;

	while (room < list->n + more)
		room *= 2;
	if (room == list->room)
		return 0;
	at = realloc(list->at, room * sizeof(*at));
	if (!at)
		return -ENOMEM;
	list->at = at;
	list->room = room;
	return 0;
}

void fib_list_push(struct fib_list *list, uint32_t number)
{
	if (list_reserve(list, 1) == 0)
		list->at[list->n++] = number;
}

static void list_move(struct fib_list *from, struct fib_list *to)
{
	if (!from->n || list_reserve(to, from->n) < 0)
		return;
	memcpy(to->at + to->n, from->at, from->n * sizeof(*from->at));
	to->n += from->n;
	from->n = 0;
}

static void list_fini(struct fib_list *list)
{
	free(list->at);
	*list = (struct fib_list){ 0 };
}

/* ---- pages ---- */

int fib_pool_init(struct fib_pool *pool, struct fib_store *store)
{
	*pool = (struct fib_pool){
		.store = store, .end = 1,	/* number 0 names nothing */
		.page = calloc(FIB_PAGES_MAX, sizeof(*pool->page)),
	};
	return pool->page ? 0 : -ENOMEM;
}

static void pages_remove(struct fib_pool *pool, uint32_t first, uint32_t n)
{
	pool->store->remove(pool->store->data, first, n, &pool->page[first]);
	memset(&pool->page[first], 0, n * sizeof(*pool->page));
	pool->n_pages -= n;
}

void fib_pool_fini(struct fib_pool *pool)
{
	unsigned int i;
	uint32_t page;

	for (page = 1; pool->page && page < pool->end; page++)
		if (pool->page[page])
			pages_remove(pool, page, 1);
	for (i = 0; i < FIB_POOL_SIZES; i++) {
		list_fini(&pool->free[i]);
		list_fini(&pool->retired[i]);
	}
	list_fini(&pool->free_pages);
	list_fini(&pool->free_flats);
	list_fini(&pool->retired_pages);
	free(pool->page);
	*pool = (struct fib_pool){ 0 };
}

/* Numbers that have no page, @n in a row. Return: the first; 0: there are none */
static uint32_t numbers_find(const struct fib_pool *pool, uint32_t n)
{
	uint32_t page, run = 0;

	if (pool->end + n <= FIB_PAGES_MAX)
		return pool->end;
	for (page = 1; page < FIB_PAGES_MAX && run < n; page++)
		run = pool->page[page] ? 0 : run + 1;
	return run == n ? page - n : 0;
}

static int pages_add(struct fib_pool *pool, uint32_t n, uint32_t *ret_first)
{
	uint32_t first = numbers_find(pool, n);
	int r;

	if (!first)
		return -ENOSPC;
	r = pool->store->add(pool->store->data, first, n, &pool->page[first]);
	if (r < 0) {
		memset(&pool->page[first], 0, n * sizeof(*pool->page));
		return r;
	}
	if (first + n > pool->end)
		pool->end = first + n;
	pool->n_pages += n;
	*ret_first = first;
	return 0;
}

/* @n pages in a row from the spare ones of that kind; more of them are made if there are none */
static int spare_get(struct fib_pool *pool, struct fib_list *spare, uint32_t n, uint32_t *ret_first)
{
	uint32_t more = pool->n_pages / n / SPARE_SHARE + SPARE_MIN, first;
	int r;

	if (!spare->n) {
		r = list_reserve(spare, more);
		if (r == 0)
			r = pages_add(pool, more * n, &first);
		if (r < 0)
			return r;
		while (more--)
			fib_list_push(spare, first + more * n);
	}
	*ret_first = spare->at[--spare->n];
	pool->used_pages += n;
	return 0;
}

static int page_get(struct fib_pool *pool, uint32_t *ret_page)
{
	int r = spare_get(pool, &pool->free_pages, 1, ret_page);

	if (r == 0)
		memset(pool->page[*ret_page], 0, sizeof(struct fib_page));
	return r;
}

int fib_pool_get_pages(struct fib_pool *pool, uint32_t n, uint32_t *ret_first)
{
	uint32_t first, i;
	int r;

	if (n == 1)
		return page_get(pool, ret_first);
	if (n == FIB_FLAT_PAGES) {
		r = spare_get(pool, &pool->free_flats, n, ret_first);
		for (i = 0; r == 0 && i < n; i++)
			memset(pool->page[*ret_first + i], 0, sizeof(struct fib_page));
		return r;
	}
	r = pages_add(pool, n, &first);		/* new ones are zero */
	if (r < 0)
		return r;
	pool->used_pages += n;
	*ret_first = first;
	return 0;
}

void fib_pool_put_pages(struct fib_pool *pool, uint32_t first, uint32_t n)
{
	pool->used_pages -= n;
	if (list_reserve(&pool->retired_pages, 2) < 0)
		return;
	fib_list_push(&pool->retired_pages, first);
	fib_list_push(&pool->retired_pages, n);
}

/* ---- leaves ---- */

int fib_pool_get(struct fib_pool *pool, unsigned int size, uint32_t *ret_leaf)
{
	uint32_t leaves = 2U << size, page, at;
	int r;

	if (!pool->free[size].n) {
		r = list_reserve(&pool->free[size], FIB_PAGE_LEAVES / leaves);
		if (r == 0)
			r = page_get(pool, &page);
		if (r < 0)
			return r;
		pool->used_pages--;	/* its leaves are counted */
		for (at = FIB_PAGE_LEAVES; at; at -= leaves)
			fib_list_push(&pool->free[size], page * FIB_PAGE_LEAVES + at - leaves);
	}
	*ret_leaf = pool->free[size].at[--pool->free[size].n];
	if (size == FIB_POOL_LINE)
		memset(fib_pool_leaf(pool, *ret_leaf), 0, leaves * sizeof(uint32_t));
	pool->used[size]++;
	return 0;
}

void fib_pool_put(struct fib_pool *pool, unsigned int size, uint32_t leaf)
{
	pool->used[size]--;
	fib_list_push(&pool->retired[size], leaf);
}

void fib_pool_reuse(struct fib_pool *pool)
{
	unsigned int i;
	size_t at;

	for (i = 0; i < FIB_POOL_SIZES; i++)
		list_move(&pool->retired[i], &pool->free[i]);
	for (at = 0; at < pool->retired_pages.n; at += 2) {
		uint32_t first = pool->retired_pages.at[at], n = pool->retired_pages.at[at + 1];

		if (n == 1)
			fib_list_push(&pool->free_pages, first);
		else if (n == FIB_FLAT_PAGES)
			fib_list_push(&pool->free_flats, first);
		else
			pages_remove(pool, first, n);
	}
	pool->retired_pages.n = 0;
}
