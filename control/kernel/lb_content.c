// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* lb_content.c - services, rings and backends into the tables of load balancers */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <bpf/bpf.h>

#include <base/arena.h>
#include <base/file.h>
#include <kernel/lb_tables_priv.h>

static int table_fd(const struct lb_tables *tables, enum lb_table table)
{
	return tables->now[table].fd;
}

struct lb_backend *lb_tables_backends(const struct lb_tables *tables)
{
	return tables->now[LB_TABLE_BACKENDS].map;
}

int lb_tables_put_service(const struct lb_tables *tables, const struct plan_service *service,
			  struct err *err)
{
	if (bpf_map_update_elem(table_fd(tables, LB_TABLE_SERVICES), &service->number,
				&service->entry, BPF_ANY) < 0)
		return err_set(err, -errno, "write service '%s' of node '%s'", service->name,
			       service->node);
	return 0;
}

int lb_tables_service(const struct lb_tables *tables, uint32_t number,
		      struct lb_service *ret_entry)
{
	return bpf_map_lookup_elem(table_fd(tables, LB_TABLE_SERVICES), &number, ret_entry);
}

int lb_tables_put_ranges(const struct lb_tables *tables, const struct plan_ranges *ranges,
			 struct err *err)
{
	if (bpf_map_update_elem(table_fd(tables, LB_TABLE_RANGES), &ranges->number, &ranges->entry,
				BPF_ANY) < 0)
		return err_set(err, -errno, "write table 'lb_ranges'");
	return 0;
}

/* ---- keys that come and go ---------------------------------------------------------------- */

/* What a table is to have; keys are compared as bytes */
struct keys {
	enum lb_table table;
	size_t size;
	char *key;
	uint32_t *value;
	unsigned int n, room;
};

static void keys_add(struct keys *keys, const void *key, uint32_t value)
{
	if (keys->n == keys->room) {
		keys->room = keys->room ? 2 * keys->room : 64;
		keys->key = realloc(keys->key, keys->room * keys->size);
		keys->value = realloc(keys->value, keys->room * sizeof(*keys->value));
		if (!keys->key || !keys->value)
			arena_no_memory();
	}
	memcpy(keys->key + keys->n * keys->size, key, keys->size);
	keys->value[keys->n++] = value;
}

static void keys_fini(struct keys *keys)
{
	free(keys->key);
	free(keys->value);
}

static int by_bytes(const void *a, const void *b, void *size)
{
	return memcmp(a, b, *(size_t *)size);
}

/* Of a sorted array */
static bool keys_have(const struct keys *keys, const void *key)
{
	unsigned int low = 0, high = keys->n, at;
	int r;

	while (low < high) {
		at = (low + high) / 2;
		r = memcmp(key, keys->key + at * keys->size, keys->size);
		if (!r)
			return true;
		if (r < 0)
			high = at;
		else
			low = at + 1;
	}
	return false;
}

static void keys_sweep(const struct lb_tables *tables, struct keys *keys)
{
	int fd = table_fd(tables, keys->table);
	char key[64], next[64];
	bool any;

	if (keys->n)
		qsort_r(keys->key, keys->n, keys->size, by_bytes, &keys->size);
	any = bpf_map_get_next_key(fd, NULL, next) == 0;
	while (any) {
		memcpy(key, next, keys->size);
		any = bpf_map_get_next_key(fd, key, next) == 0;	/* before it goes */
		if (!keys_have(keys, key))
			bpf_map_delete_elem(fd, key);
	}
}

/* Where it is as wanted already nothing is written. Return: 0 or -errno */
static int keys_put(const struct lb_tables *tables, const struct keys *keys, enum lb_keys which)
{
	int fd = table_fd(tables, keys->table);
	unsigned int i;

	for (i = 0; i < keys->n; i++) {
		const void *key = keys->key + i * keys->size;
		uint32_t there;

		if (bpf_map_lookup_elem(fd, key, &there) == 0 &&
		    (which == LB_KEYS_NEW || there == keys->value[i]))
			continue;
		if (bpf_map_update_elem(fd, key, &keys->value[i], BPF_ANY) < 0)
			return -errno;
	}
	return 0;
}

static void add_quic(struct keys *keys, const struct plan_service *service)
{
	unsigned int i;

	for (i = 0; service->entry.quic_len && i < service->n_owners; i++) {
		const struct plan_owner *owner = &service->owner[i];
		struct lb_quic key = { .id = owner->id, .ids = service->entry.quic_ids };

		if (owner->config->has_id)
			keys_add(keys, &key, owner->backend->number);
	}
}

static int put_and_sweep(const struct lb_tables *tables, struct keys *keys, enum lb_keys which)
{
	int r = keys_put(tables, keys, which);

	if (which == LB_KEYS_ALL)
		keys_sweep(tables, keys);
	keys_fini(keys);
	return r;
}

/* Programs take what they found before for nothing from here on. Return: 0 or -errno */
static int epoch_begin(const struct lb_tables *tables)
{
	int fd = table_fd(tables, LB_TABLE_EPOCH);
	uint32_t zero = 0, epoch;

	if (bpf_map_lookup_elem(fd, &zero, &epoch) < 0)
		return -errno;
	epoch++;
	return bpf_map_update_elem(fd, &zero, &epoch, BPF_ANY) < 0 ? -errno : 0;
}

int lb_tables_put_keys(const struct lb_tables *tables, const struct plan_lb *plan,
		       enum lb_keys which, struct err *err)
{
	struct keys vips = { .table = LB_TABLE_VIPS, .size = sizeof(struct lb_vip) };
	struct keys nets = { .table = LB_TABLE_NETS, .size = sizeof(struct lb_net) };
	struct keys quic = { .table = LB_TABLE_QUIC, .size = sizeof(struct lb_quic) };
	int r, later;
	unsigned int i;

	for (i = 0; i < plan->n_vips; i++)
		keys_add(&vips, &plan->vip[i].key, plan->vip[i].value);
	for (i = 0; i < plan->n_nets; i++)
		keys_add(&nets, &plan->net[i].key, plan->net[i].value);
	for (i = 0; i < plan->n_services; i++)
		add_quic(&quic, &plan->service[i]);
	r = put_and_sweep(tables, &quic, which);	/* before services ask for them */
	later = put_and_sweep(tables, &vips, which);
	r = r < 0 ? r : later;
	later = put_and_sweep(tables, &nets, which);
	r = r < 0 ? r : later;
	later = epoch_begin(tables);	/* some may have been written in any case */
	r = r < 0 ? r : later;
	return r < 0 ? err_set(err, r, "write addresses of services") : 0;
}

/* ---- rings -------------------------------------------------------------------------------- */

#define RINGS_AT_ONCE	256

static uint32_t *ring_map(int fd, uint32_t slots)
{
	void *map = mmap(NULL, slots * sizeof(uint32_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return map == MAP_FAILED ? NULL : map;
}

void lb_tables_unmap_ring(uint32_t *word, uint32_t slots)
{
	if (word)
		munmap(word, slots * sizeof(*word));
}

int lb_tables_ring_id(const struct lb_tables *tables, uint32_t number, uint32_t *ret_id)
{
	return bpf_map_lookup_elem(table_fd(tables, LB_TABLE_RINGS), &number, ret_id);
}

uint32_t *lb_tables_ring(const struct lb_tables *tables, uint32_t number, uint32_t slots)
{
	struct bpf_map_info info = {};
	uint32_t id, len = sizeof(info), *word = NULL;
	int fd;

	if (lb_tables_ring_id(tables, number, &id) < 0)
		return NULL;
	fd = bpf_map_get_fd_by_id(id);
	if (fd < 0)
		return NULL;
	if (bpf_obj_get_info_by_fd(fd, &info, &len) == 0 && info.max_entries == LB_RING_ENTRIES(slots))
		word = ring_map(fd, slots);
	fd_close(fd);
	return word;
}

int lb_tables_make_ring(uint32_t slots, uint32_t **ret_word, struct err *err)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = LB_RING_FLAGS);
	int fd;

	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "lb_ring", sizeof(uint32_t),
			    sizeof(struct lb_pair), LB_RING_ENTRIES(slots), &opts);
	if (fd < 0)
		return err_set(err, -errno, "create a ring of %u slots", slots);
	*ret_word = ring_map(fd, slots);
	if (*ret_word)
		return fd;
	fd_close(fd);
	return err_set(err, -ENOMEM, "map a ring of %u slots", slots);
}

/* By one call if the kernel can: each single update waits for all CPUs */
static int put_some(int outer_fd, const uint32_t *number, const int *fd, uint32_t n)
{
	uint32_t count = n, i;

	if (bpf_map_update_batch(outer_fd, number, fd, &count, NULL) == 0)
		return 0;
	for (i = 0; i < n; i++)
		if (bpf_map_update_elem(outer_fd, &number[i], &fd[i], BPF_ANY) < 0)
			return -errno;
	return 0;
}

int lb_tables_put_rings(const struct lb_tables *tables, const uint32_t *number, int *fd,
			unsigned int n, struct err *err)
{
	uint32_t *word = NULL;
	int none = -1, r = 0;
	unsigned int i;

	for (i = 0; r == 0 && i < n; i++) {	/* in place of those that go: one of a single slot */
		if (fd[i] >= 0)
			continue;
		if (none < 0)
			none = lb_tables_make_ring(1, &word, err);
		fd[i] = none;
		r = none < 0 ? none : 0;
	}
	for (i = 0; r == 0 && i < n; i += RINGS_AT_ONCE)
		r = put_some(table_fd(tables, LB_TABLE_RINGS), number + i, fd + i,
			     n - i < RINGS_AT_ONCE ? n - i : RINGS_AT_ONCE);
	if (r < 0 && (!err || !err->code))
		err_set(err, r, "write table 'lb_rings'");
	for (i = 0; i < n; i++)
		if (fd[i] != none)
			fd_close(fd[i]);
	lb_tables_unmap_ring(word, 1);
	fd_close(none);
	return r;
}
