// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* dset.c - a dynamic set */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <bpf/bpf.h>

#include <kernel/dset.h>

#define BATCH		4096	/* elements: a few ms */

int dset_create(const char *name, uint32_t entries, struct err *err)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_NO_PREALLOC);
	char short_name[BPF_OBJ_NAME_LEN];
	int fd;

	sets_map_name(name, short_name);
	fd = bpf_map_create(BPF_MAP_TYPE_HASH, short_name, sizeof(struct shunt_set_key),
			    sizeof(struct shunt_set_value), entries, &opts);
	if (fd < 0)
		return err_set(err, -errno, "create the map of set '%s', %u elements", name,
			       entries);
	return fd;
}

int dset_configure(const struct sets *sets, uint32_t slot, const struct shunt_dset_conf *conf,
		   struct err *err)
{
	if (bpf_map_update_elem(sets->fd[SETS_CONF], &slot, conf, BPF_ANY) < 0)
		return err_set(err, -errno, "configure dynamic set %u", slot);
	return 0;
}

uint64_t dset_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static bool is_expired(const struct shunt_set_value *value, uint64_t now_ns)
{
	return value->expires_ns && value->expires_ns <= now_ns;
}

int dset_add(int fd, const struct shunt_set_key *key, uint64_t timeout_ns, struct err *err)
{
	struct shunt_set_value value = { 0 };
	uint64_t now_ns = dset_now_ns();

	if (bpf_map_lookup_elem(fd, key, &value) < 0 || is_expired(&value, now_ns))
		value = (struct shunt_set_value){ 0 };
	value.timeout_ns = timeout_ns;
	value.expires_ns = timeout_ns ? now_ns + timeout_ns : 0;
	if (bpf_map_update_elem(fd, key, &value, BPF_ANY) < 0)
		return err_set(err, -errno, "add to a dynamic set");
	return 0;
}

int dset_load(int fd, const struct dset_element *element, size_t n, struct err *err)
{
	struct shunt_set_key *key = malloc(BATCH * sizeof(*key));
	struct shunt_set_value *value = malloc(BATCH * sizeof(*value));
	uint32_t count, i;
	int r = key && value ? 0 : -ENOMEM;

	for (; n && !r; n -= count, element += count) {
		count = n < BATCH ? n : BATCH;
		for (i = 0; i < count; i++) {
			key[i] = element[i].key;
			value[i] = element[i].value;
		}
		if (bpf_map_update_batch(fd, key, value, &count, NULL) < 0)
			r = -errno;
	}
	free(key);
	free(value);
	return r < 0 ? err_set(err, r, "load a dynamic set") : 0;
}

int dset_del(int fd, const struct shunt_set_key *key)
{
	return bpf_map_delete_elem(fd, key) < 0 ? -errno : 0;
}

int dset_get(int fd, const struct shunt_set_key *key, struct shunt_set_value *ret_value)
{
	struct shunt_set_value value;

	if (bpf_map_lookup_elem(fd, key, &value) < 0)
		return -errno;
	if (is_expired(&value, dset_now_ns()))
		return -ENOENT;
	*ret_value = value;
	return 0;
}

int dset_read(int fd, struct dset_cursor *cursor, struct dset_element *ret, unsigned int n)
{
	struct shunt_set_key *key = malloc(n * sizeof(*key));
	struct shunt_set_value *value = malloc(n * sizeof(*value));
	uint32_t count = n, i;
	int r = -ENOMEM;

	if (!key || !value)
		goto out;
	if (cursor->done) {
		r = 0;
		goto out;
	}
	r = bpf_map_lookup_batch(fd, cursor->started ? &cursor->bucket : NULL, &cursor->bucket,
				 key, value, &count, NULL);
	if (r < 0 && errno != ENOENT) {		/* ENOENT: the last ones */
		r = -errno;
		goto out;
	}
	cursor->started = true;
	cursor->done = r < 0;
	for (i = 0; i < count; i++)
		ret[i] = (struct dset_element){ key[i], value[i] };
	r = count;
out:
	free(key);
	free(value);
	return r;
}

int dset_copy(int from_fd, int to_fd, struct err *err)
{
	struct dset_element *element = malloc(BATCH * sizeof(*element));
	struct dset_cursor cursor = { 0 };
	uint64_t now_ns = dset_now_ns();
	int n = 0, i, r = 0;

	if (!element)
		return err_set(err, -ENOMEM, "copy a dynamic set");
	while (!cursor.done && !r) {
		n = dset_read(from_fd, &cursor, element, BATCH);
		if (n < 0)
			r = n;
		for (i = 0; i < n && !r; i++)
			if (!is_expired(&element[i].value, now_ns) &&
			    bpf_map_update_elem(to_fd, &element[i].key, &element[i].value,
						BPF_NOEXIST) < 0 && errno != EEXIST)
				r = -errno;
	}
	free(element);
	return r < 0 ? err_set(err, r, "copy a dynamic set") : 0;
}

int dset_collect(int fd, struct dset_cursor *cursor)
{
	struct dset_element *element = malloc(BATCH * sizeof(*element));
	uint64_t now_ns = dset_now_ns();
	struct shunt_set_value value;
	int n, i, deleted = 0;

	if (!element)
		return -ENOMEM;
	n = dset_read(fd, cursor, element, BATCH);
	for (i = 0; i < n; i++) {
		if (!is_expired(&element[i].value, now_ns))
			continue;
		/* once more, just before: the data path may have given it new life */
		if (bpf_map_lookup_elem(fd, &element[i].key, &value) == 0 &&
		    is_expired(&value, now_ns) &&
		    bpf_map_delete_elem(fd, &element[i].key) == 0)
			deleted++;
	}
	free(element);
	return n < 0 ? n : deleted;
}
