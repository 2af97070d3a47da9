// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* table.c - tables by field name, through the map's own BTF */
#include <errno.h>
#include <stdlib.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <base/arena.h>
#include <kernel/object_file.h>
#include <kernel/table_priv.h>

static bool is_per_cpu(uint32_t type)
{
	return type == BPF_MAP_TYPE_PERCPU_HASH || type == BPF_MAP_TYPE_PERCPU_ARRAY ||
	       type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
}

static int set_copies(struct table *table, struct err *err)
{
	int n;

	table->n_cpus = 1;
	table->stride = table->info.value_size;
	if (!is_per_cpu(table->info.type))
		return 0;
	n = libbpf_num_possible_cpus();
	if (n < 0)
		return err_set(err, n, "count CPUs");
	table->n_cpus = n;
	table->stride = (table->stride + 7) / 8 * 8;	/* the kernel's ABI */
	return 0;
}

int table_open(int fd, struct table **ret_table, struct err *err)
{
	struct table *table = calloc(1, sizeof(*table));
	uint32_t len = sizeof(table->info);
	int r = 0;

	if (!table)
		arena_no_memory();
	table->fd = fd;
	if (bpf_obj_get_info_by_fd(fd, &table->info, &len) < 0)
		r = err_set(err, -errno, "read what a table is");
	else if (!table->info.btf_id || !table->info.btf_key_type_id ||
		 !table->info.btf_value_type_id)
		r = err_set(err, -ENODATA, "table '%s' has no types (BTF).", table->info.name);
	if (r < 0)
		goto out;
	table->btf = btf__load_from_kernel_by_id(table->info.btf_id);
	if (!table->btf) {
		r = err_set(err, -errno, "read the types of table '%s'", table->info.name);
		goto out;
	}
	r = set_copies(table, err);
	if (r < 0)
		goto out;
	*ret_table = table;
	return 0;
out:
	table_free(table);
	return r;
}

void table_free(struct table *table)
{
	if (!table)
		return;
	if (table->file)
		object_file_fini(table->file);	/* with the types */
	else
		btf__free(table->btf);
	free(table->file);
	free(table);
}

/* Types by name, from an object file that was checked before libbpf sees it */
static int take_types(struct table *table, const char *object, const char *name, struct err *err)
{
	const struct bpf_map *map;
	int r;

	table->file = calloc(1, sizeof(*table->file));
	if (!table->file)
		arena_no_memory();
	r = object_file_open(object, table->file, err);
	if (r < 0)
		return r;
	table->btf = bpf_object__btf(table->file->bpf);
	map = bpf_object__find_map_by_name(table->file->bpf, name);
	if (map) {
		table->info.btf_key_type_id = bpf_map__btf_key_type_id(map);
		table->info.btf_value_type_id = bpf_map__btf_value_type_id(map);
	}
	if (!table->btf || !map ||
	    btf__resolve_size(table->btf, table->info.btf_key_type_id) != table->info.key_size ||
	    btf__resolve_size(table->btf, table->info.btf_value_type_id) != table->info.value_size)
		return err_set(err, -ENODATA, "'%s' has no types that fit table '%s'.", object, name);
	return 0;
}

int table_open_as(int fd, const char *object, const char *name, struct table **ret_table,
		  struct err *err)
{
	struct table *table = calloc(1, sizeof(*table));
	uint32_t len = sizeof(table->info);
	int r;

	if (!table)
		arena_no_memory();
	table->fd = fd;
	if (bpf_obj_get_info_by_fd(fd, &table->info, &len) < 0)
		r = err_set(err, -errno, "read what a table is");
	else
		r = take_types(table, object, name, err);
	if (r == 0)
		r = set_copies(table, err);
	if (r < 0) {
		table_free(table);
		return r;
	}
	*ret_table = table;
	return 0;
}

static struct table_data key_data(const void *key)
{
	return (struct table_data){ .data = key, .n = 1 };
}

static struct table_data value_data(const struct table *table, const void *value)
{
	return (struct table_data){ .data = value, .n = table->n_cpus, .stride = table->stride };
}

void table_describe(const struct table *table, struct jsonw *w, const char *key)
{
	const struct bpf_map_info *info = &table->info;

	jsonw_object(w, key);
	jsonw_str(w, "name", info->name);
	jsonw_str(w, "type", libbpf_bpf_map_type_str(info->type));
	table_json_type(table->btf, info->btf_key_type_id, w, "key");
	table_json_type(table->btf, info->btf_value_type_id, w, "value");
	jsonw_u64(w, "max_entries", info->max_entries);
	jsonw_bool(w, "per_cpu", is_per_cpu(info->type));
	jsonw_object_end(w);
}

void table_print_element(const struct table *table, const unsigned char *key,
			 const unsigned char *value, bool each_cpu, struct jsonw *w,
			 const char *name)
{
	const struct bpf_map_info *info = &table->info;
	unsigned int i;

	jsonw_object(w, name);
	table_json(table->btf, info->btf_key_type_id, key_data(key), w, "key");
	table_json(table->btf, info->btf_value_type_id, value_data(table, value), w, "value");
	if (each_cpu && is_per_cpu(info->type)) {
		jsonw_array(w, "cpus");
		for (i = 0; i < table->n_cpus; i++)
			table_json(table->btf, info->btf_value_type_id,
				   key_data(value + i * table->stride), w, NULL);
		jsonw_array_end(w);
	}
	jsonw_object_end(w);
}

int table_dump(const struct table *table, uint32_t max, bool each_cpu, struct jsonw *w,
	       const char *key, bool *ret_more, struct err *err)
{
	struct table_elements elements;
	const unsigned char *at;
	size_t i;
	int r;

	r = table_read(table, max, &elements, err);
	if (r < 0)
		return r;
	jsonw_array(w, key);
	for (i = 0; i < elements.n; i++) {
		at = elements.data + i * elements.element_size;
		table_print_element(table, at, at + table->info.key_size, each_cpu, w, NULL);
	}
	jsonw_array_end(w);
	*ret_more = elements.more;
	free(elements.data);
	return 0;
}

/* ---- one element ---- */

/* Memory for a key and a value's copies, zeroed. The key is first */
static unsigned char *element_new(const struct table *table)
{
	unsigned char *data = calloc(1, table->info.key_size + table_value_size(table));

	if (!data)
		arena_no_memory();
	return data;
}

static int key_from_words(const struct table *table, const char *const *words, unsigned int n,
			  void *key, struct err *err)
{
	return table_words(table->btf, table->info.btf_key_type_id, "key", words, n, key,
			   table->info.key_size, err);
}

static int explain(const struct table *table, int r, const char *verb, struct err *err)
{
	if (r == -ENOENT)
		return err_set(err, r, "table '%s' has no such element.", table->info.name);
	if (r == -E2BIG && table_is_array(table))
		return err_set(err, r, "table '%s' has elements 0 to %u.", table->info.name,
			       table->info.max_entries - 1);
	if (r == -E2BIG || r == -ENOSPC)
		return err_set(err, r, "table '%s' is full: %u elements.", table->info.name,
			       table->info.max_entries);
	return err_set(err, r, "%s table '%s'", verb, table->info.name);
}

int table_get(const struct table *table, const char *const *key_words, unsigned int n_key,
	      struct jsonw *w, const char *key, struct err *err)
{
	unsigned char *element = element_new(table), *value = element + table->info.key_size;
	int r;

	r = key_from_words(table, key_words, n_key, element, err);
	if (r < 0)
		goto out;
	r = bpf_map_lookup_elem(table->fd, element, value);
	if (r < 0) {
		r = explain(table, r, "read", err);
		goto out;
	}
	table_print_element(table, element, value, false, w, key);
out:
	free(element);
	return r;
}

int table_set(const struct table *table, const char *const *key_words, unsigned int n_key,
	      const char *const *value_words, unsigned int n_value, struct err *err)
{
	unsigned char *element = element_new(table), *value = element + table->info.key_size;
	unsigned int i;
	int r;

	r = key_from_words(table, key_words, n_key, element, err);
	if (r < 0)
		goto out;
	r = bpf_map_lookup_elem(table->fd, element, value);
	if (r < 0 && r != -ENOENT) {
		r = explain(table, r, "read", err);
		goto out;
	}
	for (i = 0; i < table->n_cpus; i++) {
		r = table_words(table->btf, table->info.btf_value_type_id, "value", value_words,
				n_value, value + i * table->stride, table->info.value_size, err);
		if (r < 0)
			goto out;
	}
	r = bpf_map_update_elem(table->fd, element, value, BPF_ANY);
	if (r < 0)
		r = explain(table, r, "write", err);
out:
	free(element);
	return r;
}

int table_del(const struct table *table, const char *const *key_words, unsigned int n_key,
	      struct err *err)
{
	unsigned char *element = element_new(table);
	int r;

	r = key_from_words(table, key_words, n_key, element, err);
	if (r < 0)
		goto out;
	if (table_is_array(table)) {
		r = err_set(err, -EINVAL, "elements of table '%s', an array, cannot be deleted.",
			    table->info.name);
		goto out;
	}
	r = bpf_map_delete_elem(table->fd, element);
	if (r < 0)
		r = explain(table, r, "delete from", err);
out:
	free(element);
	return r;
}
