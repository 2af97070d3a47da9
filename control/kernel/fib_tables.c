// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* fib_tables.c - forwarding tables as maps */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include <base/file.h>
#include <kernel/fib_tables.h>

#define PAGES_AT_ONCE	256	/* descriptors that are open meanwhile */

struct fib_tables {
	int tables_fd, pages_fd;
	int empty_fd;			/* page in place of one that is gone */
	struct fib_table *memory;
	size_t bytes;
};

static int array_create(const char *name, uint32_t value_size, uint32_t entries)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, name, sizeof(uint32_t), value_size, entries,
				&opts);

	return fd < 0 ? -errno : fd;
}

static int page_create(void)
{
	return array_create("fib_page", sizeof(struct fib_page), 1);
}

static int map_memory(int fd, size_t bytes, void *ret_memory)
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (memory == MAP_FAILED)
		return -errno;
	*(void **)ret_memory = memory;
	return 0;
}

static int open_all(struct fib_tables *tables, uint32_t n_tables, struct err *err)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts);
	int r;

	tables->empty_fd = page_create();
	if (tables->empty_fd < 0)
		return err_set(err, tables->empty_fd, "create a page of 'fib_pages'");
	opts.inner_map_fd = tables->empty_fd;
	tables->pages_fd = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "fib_pages", sizeof(uint32_t),
					  sizeof(uint32_t), FIB_PAGES_MAX, &opts);
	if (tables->pages_fd < 0)
		return err_set(err, -errno, "create table 'fib_pages'");
	tables->tables_fd = array_create("fib_tables", sizeof(struct fib_table), n_tables);
	if (tables->tables_fd < 0)
		return err_set(err, tables->tables_fd, "create table 'fib_tables'");
	r = map_memory(tables->tables_fd, tables->bytes, &tables->memory);
	return r < 0 ? err_set(err, r, "map table 'fib_tables'") : 0;
}

int fib_tables_new(uint32_t n_tables, struct fib_tables **ret_tables, struct err *err)
{
	struct fib_tables *tables = calloc(1, sizeof(*tables));
	int r;

	if (!tables)
		return err_set(err, -ENOMEM, "no memory");
	*tables = (struct fib_tables){
		.tables_fd = -1, .pages_fd = -1, .empty_fd = -1,
		.bytes = sizeof(struct fib_table) * n_tables,
	};
	r = open_all(tables, n_tables, err);
	if (r < 0)
		fib_tables_free(tables);
	else
		*ret_tables = tables;
	return r;
}

void fib_tables_free(struct fib_tables *tables)
{
	if (!tables)
		return;
	if (tables->memory)
		munmap(tables->memory, tables->bytes);
	fd_close(tables->tables_fd);
	fd_close(tables->pages_fd);
	fd_close(tables->empty_fd);
	free(tables);
}

void fib_tables_maps(const struct fib_tables *tables, struct object_map ret_map[FIB_TABLES_MAPS])
{
	ret_map[0] = (struct object_map){ .name = "fib_tables", .fd = tables->tables_fd,
					  .optional = true };
	ret_map[1] = (struct object_map){ .name = "fib_pages", .fd = tables->pages_fd,
					  .optional = true };
}

struct fib_table *fib_tables_memory(const struct fib_tables *tables)
{
	return tables->memory;
}

/* ---- pages ---- */

/* By one call if the kernel can: each single update waits for all CPUs */
static int pages_name(const struct fib_tables *tables, uint32_t first, const int *fd, uint32_t n)
{
	uint32_t number[PAGES_AT_ONCE] = { 0 }, count = n, i;

	for (i = 0; i < n; i++)
		number[i] = first + i;
	if (bpf_map_update_batch(tables->pages_fd, number, fd, &count, NULL) == 0)
		return 0;
	for (i = 0; i < n; i++)
		if (bpf_map_update_elem(tables->pages_fd, &number[i], &fd[i], BPF_ANY) < 0)
			return -errno;
	return 0;
}

static void pages_unmap(struct fib_page **page, uint32_t n)
{
	while (n--)
		munmap(page[n], sizeof(**page));
}

/* Up to PAGES_AT_ONCE */
static int pages_make(const struct fib_tables *tables, uint32_t first, uint32_t n,
		      struct fib_page **ret_page)
{
	uint32_t i = 0, mapped = 0;
	int fd[PAGES_AT_ONCE], r = 0;

	while (r == 0 && i < n) {
		fd[i] = page_create();
		r = fd[i] < 0 ? fd[i] : map_memory(fd[i], sizeof(**ret_page), &ret_page[i]);
		mapped += r == 0;
		i++;
	}
	if (r == 0)
		r = pages_name(tables, first, fd, n);
	while (i--)
		fd_close(fd[i]);
	if (r < 0)
		pages_unmap(ret_page, mapped);
	return r;
}

int fib_tables_add(void *data, uint32_t first, uint32_t n, struct fib_page **ret_page)
{
	uint32_t done, some;
	int r;

	for (done = 0; done < n; done += some) {
		some = n - done < PAGES_AT_ONCE ? n - done : PAGES_AT_ONCE;
		r = pages_make(data, first + done, some, ret_page + done);
		if (r < 0) {
			fib_tables_remove(data, first, done, ret_page);
			return r;
		}
	}
	return 0;
}

void fib_tables_remove(void *data, uint32_t first, uint32_t n, struct fib_page **page)
{
	const struct fib_tables *tables = data;
	int fd[PAGES_AT_ONCE];
	uint32_t i, some;

	for (i = 0; i < PAGES_AT_ONCE; i++)
		fd[i] = tables->empty_fd;
	for (i = 0; i < n; i += some) {
		some = n - i < PAGES_AT_ONCE ? n - i : PAGES_AT_ONCE;
		pages_name(tables, first + i, fd, some);
	}
	pages_unmap(page, n);
}
