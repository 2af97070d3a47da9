// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* flows_table.c - the maps of a flow table: make, pin, adopt, map */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <base/file.h>
#include <kernel/flows_table.h>
#include <kernel/jiffies.h>
#include <kernel/pins.h>

#define EVENTS_BYTES	(1u << 20)
#define MSEC_PER_SEC	1000

/* How many elements a table has */
enum extent {
	EXTENT_ONE,
	EXTENT_BUCKETS,
	EXTENT_SLOTS,
	EXTENT_COUNT,		/* slots with CONNTRACK_COUNT, else one */
	EXTENT_WINDOW,		/* the same with CONNTRACK_WINDOW */
	EXTENT_LIMIT,		/* the same with CONNTRACK_LIMIT */
	EXTENT_COUNTED,		/* what the plan says */
	EXTENT_CPUS,
	EXTENT_EVENTS,
	EXTENT_FRAGS,
};

#define TABLE_NAME(id, name) [CONNTRACK_TABLE_##id] = name,
static const char *const names[] = { CONNTRACK_TABLES(TABLE_NAME) };

static const struct {
	uint32_t value_size;
	enum extent extent;
	bool six;
} tables[CONNTRACK_TABLE_MAX] = {
	[CONNTRACK_TABLE_TAGS4] = { sizeof(uint64_t), EXTENT_BUCKETS, false },
	[CONNTRACK_TABLE_TAGS6] = { sizeof(uint64_t), EXTENT_BUCKETS, true },
	[CONNTRACK_TABLE_FLOWS4] = { sizeof(struct conntrack_flow4), EXTENT_SLOTS, false },
	[CONNTRACK_TABLE_FLOWS6] = { sizeof(struct conntrack_flow6), EXTENT_SLOTS, true },
	[CONNTRACK_TABLE_COUNTS4] = { sizeof(struct conntrack_counts), EXTENT_COUNT, false },
	[CONNTRACK_TABLE_COUNTS6] = { sizeof(struct conntrack_counts), EXTENT_COUNT, true },
	[CONNTRACK_TABLE_SEQS4] = { sizeof(struct conntrack_seqs), EXTENT_WINDOW, false },
	[CONNTRACK_TABLE_SEQS6] = { sizeof(struct conntrack_seqs), EXTENT_WINDOW, true },
	[CONNTRACK_TABLE_LIMITS4] = { sizeof(struct conntrack_limits), EXTENT_LIMIT, false },
	[CONNTRACK_TABLE_LIMITS6] = { sizeof(struct conntrack_limits), EXTENT_LIMIT, true },
	[CONNTRACK_TABLE_COUNTED] = { sizeof(struct conntrack_counted_bucket), EXTENT_COUNTED, false },
	[CONNTRACK_TABLE_CONF] = { sizeof(struct conntrack_conf), EXTENT_ONE, false },
	[CONNTRACK_TABLE_STATS] = { sizeof(struct conntrack_stats), EXTENT_CPUS, false },
	[CONNTRACK_TABLE_EVENTS] = { 0, EXTENT_EVENTS, false },
	[CONNTRACK_TABLE_FRAGS4] = { sizeof(struct conntrack_frags), EXTENT_FRAGS, false },
	[CONNTRACK_TABLE_FRAGS6] = { sizeof(struct conntrack_frags), EXTENT_FRAGS, false },
};

/* It is the same whatever the size of the table is */
static bool is_lasting(unsigned int table)
{
	return tables[table].extent >= EXTENT_CPUS;
}

static enum bpf_map_type table_type(unsigned int table)
{
	if (tables[table].extent == EXTENT_EVENTS)
		return BPF_MAP_TYPE_RINGBUF;
	return tables[table].extent == EXTENT_FRAGS ? BPF_MAP_TYPE_LRU_HASH : BPF_MAP_TYPE_ARRAY;
}

static uint32_t table_key_size(unsigned int table)
{
	switch (table_type(table)) {
	case BPF_MAP_TYPE_RINGBUF:
		return 0;
	case BPF_MAP_TYPE_LRU_HASH:
		return sizeof(struct conntrack_frag_key);
	default:
		return sizeof(uint32_t);
	}
}

uint32_t flows_buckets(uint32_t flows)
{
	uint64_t slots = ((uint64_t)flows * CONNTRACK_ROOM + 2) / 3;
	uint64_t buckets = (slots + CONNTRACK_WAYS - 1) / CONNTRACK_WAYS;

	return buckets < FLOWS_BUCKETS_MIN ? FLOWS_BUCKETS_MIN : buckets;
}

/* What tables depend on */
struct extents {
	uint32_t buckets[2], flags, counted;
};

static uint32_t table_entries(const struct flows_table *table, const struct extents *extents,
			      unsigned int i)
{
	uint32_t slots = extents->buckets[tables[i].six] * CONNTRACK_WAYS;

	switch (tables[i].extent) {
	case EXTENT_BUCKETS:
		return extents->buckets[tables[i].six];
	case EXTENT_SLOTS:
		return slots;
	case EXTENT_COUNT:
		return extents->flags & CONNTRACK_COUNT ? slots : 1;
	case EXTENT_WINDOW:
		return extents->flags & CONNTRACK_WINDOW ? slots : 1;
	case EXTENT_LIMIT:
		return extents->flags & CONNTRACK_LIMIT ? slots : 1;
	case EXTENT_COUNTED:
		return extents->counted ? extents->counted : 1;
	case EXTENT_CPUS:
		return table->cpus + 1;
	case EXTENT_EVENTS:
		return EVENTS_BYTES;
	case EXTENT_FRAGS:
		return CONNTRACK_FRAGS;
	default:
		return 1;
	}
}

/* ---- map ---- */

static int table_map(struct flows_table *table, unsigned int i, uint32_t entries, struct err *err)
{
	size_t bytes = (size_t)entries * tables[i].value_size;
	void *map;

	if (table_type(i) != BPF_MAP_TYPE_ARRAY)
		return 0;
	map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, table->fd[i], 0);
	if (map == MAP_FAILED)
		return err_set(err, -errno, "map table '%s'", names[i]);
	table->map[i] = map;
	table->bytes[i] = bytes;
	return 0;
}

static void part_init(struct flows_table *table, bool six)
{
	bool counts = table->bytes[CONNTRACK_TABLE_COUNTS4 + six] > sizeof(struct conntrack_counts);
	bool seqs = table->bytes[CONNTRACK_TABLE_SEQS4 + six] > sizeof(struct conntrack_seqs);
	bool limits = table->bytes[CONNTRACK_TABLE_LIMITS4 + six] > sizeof(struct conntrack_limits);

	table->part[six] = (struct flows_part){
		.six = six,
		.buckets = table->bytes[CONNTRACK_TABLE_TAGS4 + six] / sizeof(uint64_t),
		.entry_bytes = tables[CONNTRACK_TABLE_FLOWS4 + six].value_size,
		.word = table->map[CONNTRACK_TABLE_TAGS4 + six],
		.entry = table->map[CONNTRACK_TABLE_FLOWS4 + six],
		.counts = counts ? table->map[CONNTRACK_TABLE_COUNTS4 + six] : NULL,
		.seqs = seqs ? table->map[CONNTRACK_TABLE_SEQS4 + six] : NULL,
		.limits = limits ? table->map[CONNTRACK_TABLE_LIMITS4 + six] : NULL,
		.counted = table->map[CONNTRACK_TABLE_COUNTED],
		.conf = table->map[CONNTRACK_TABLE_CONF],
	};
}

_Static_assert(CONNTRACK_TABLE_TAGS6 == CONNTRACK_TABLE_TAGS4 + 1 &&
	       CONNTRACK_TABLE_FLOWS6 == CONNTRACK_TABLE_FLOWS4 + 1 &&
	       CONNTRACK_TABLE_COUNTS6 == CONNTRACK_TABLE_COUNTS4 + 1 &&
	       CONNTRACK_TABLE_SEQS6 == CONNTRACK_TABLE_SEQS4 + 1 &&
	       CONNTRACK_TABLE_LIMITS6 == CONNTRACK_TABLE_LIMITS4 + 1, "part_init()");

static void table_parts(struct flows_table *table)
{
	table->conf = table->map[CONNTRACK_TABLE_CONF];
	table->stats = table->map[CONNTRACK_TABLE_STATS];
	part_init(table, false);
	part_init(table, true);
}

static int table_init(struct flows_table *table, struct err *err)
{
	int cpus = libbpf_num_possible_cpus();

	*table = (struct flows_table){ 0 };
	memset(table->fd, 0xff, sizeof(table->fd));	/* all descriptors -1 */
	if (cpus < 0)
		return err_set(err, cpus, "count the CPUs");
	table->cpus = cpus;
	return 0;
}

void flows_table_close(struct flows_table *table)
{
	unsigned int i;

	for (i = 0; i < CONNTRACK_TABLE_MAX; i++) {
		if (table->map[i])
			munmap(table->map[i], table->bytes[i]);
		table->map[i] = NULL;
		if (!table->borrowed || !is_lasting(i))
			fd_close(table->fd[i]);
		table->fd[i] = -1;
	}
}

/* ---- create ---- */

static int table_create(struct flows_table *table, unsigned int i, uint32_t entries,
			struct err *err)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts);

	if (table_type(i) == BPF_MAP_TYPE_ARRAY)
		opts.map_flags = BPF_F_MMAPABLE;
	table->fd[i] = bpf_map_create(table_type(i), names[i], table_key_size(i),
				      tables[i].value_size, entries, &opts);
	if (table->fd[i] < 0)
		return err_set(err, -errno, "create table '%s': %u elements, %llu MB", names[i],
			       entries,
			       (unsigned long long)entries * tables[i].value_size / 1000000);
	return table_map(table, i, entries, err);
}

static int table_borrow(struct flows_table *table, const struct flows_table *old, unsigned int i,
			struct err *err)
{
	table->fd[i] = old->fd[i];
	return table_map(table, i, old->bytes[i] / (tables[i].value_size ?: 1), err);
}

int flows_table_create(const struct plan_conntrack *want, const struct flows_table *old,
		       struct flows_table *ret_table, struct err *err)
{
	const struct extents extents = {
		{ flows_buckets(want->flows[0]), flows_buckets(want->flows[1]) }, want->flags,
		want->counted,
	};
	struct flows_table table;
	unsigned int i;
	int r;

	r = table_init(&table, err);
	table.borrowed = old != NULL;
	for (i = 0; r == 0 && i < CONNTRACK_TABLE_MAX; i++)
		r = old && is_lasting(i) ? table_borrow(&table, old, i, err) :
		    table_create(&table, i, table_entries(&table, &extents, i), err);
	if (r < 0) {
		flows_table_close(&table);
		return r;
	}
	table_parts(&table);
	if (getrandom(table.conf->seed, sizeof(table.conf->seed), 0) != sizeof(table.conf->seed)) {
		r = err_set(err, -EIO, "draw the seeds of the flow table");
		flows_table_close(&table);
		return r;
	}
	memcpy(table.conf->buckets, extents.buckets, sizeof(extents.buckets));
	table.conf->counted = want->counted;
	*ret_table = table;
	return 0;
}

bool flows_table_fits(const struct flows_table *table, const struct plan_conntrack *want)
{
	bool six;
	int i;

	for (i = 0; i < 2; i++) {
		six = i;
		if (table->part[six].buckets != flows_buckets(want->flows[six]) ||
		    !table->part[six].counts != !(want->flags & CONNTRACK_COUNT) ||
		    !table->part[six].seqs != !(want->flags & CONNTRACK_WINDOW) ||
		    !table->part[six].limits != !(want->flags & CONNTRACK_LIMIT))
			return false;
	}
	return table->conf->counted == want->counted;
}

/* Programs read it meanwhile, word by word: each of them is of the one plan or the other */
void flows_table_configure(struct flows_table *table, const struct plan_conntrack *want)
{
	struct conntrack_conf *conf = table->conf;
	uint32_t hz = jiffies_hz(), flags = __atomic_load_n(&conf->flags, __ATOMIC_RELAXED);
	unsigned int policy, state;
	uint32_t timeout;

	for (policy = 0; policy < CONNTRACK_POLICIES; policy++) {
		for (state = 0; state < CONNTRACK_STATE_MAX; state++) {
			timeout = ((uint64_t)want->timeout_ms[policy][state] * hz +
				   MSEC_PER_SEC - 1) / MSEC_PER_SEC;
			__atomic_store_n(&conf->timeout[policy][state], timeout, __ATOMIC_RELAXED);
		}
	}
	__atomic_store_n(&conf->second, hz, __ATOMIC_RELAXED);
	while (!__atomic_compare_exchange_n(&conf->flags, &flags,
					    want->flags | (flags & CONNTRACK_WATCHED), false,
					    __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		;
}

/* ---- pins ---- */

int flows_table_pin(const struct flows_table *table, const char *dir, struct err *err)
{
	char path[PINS_PATH_MAX];
	unsigned int i;
	int r;

	r = pins_mkdir(dir, err);
	for (i = 0; r == 0 && i < CONNTRACK_TABLE_MAX; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		r = pins_pin(table->fd[i], path, err);
	}
	return r;
}

static int table_adopt(struct flows_table *table, const char *dir, unsigned int i,
		       struct bpf_map_info *ret_info, struct err *err)
{
	char path[PINS_PATH_MAX];
	uint32_t len = sizeof(*ret_info);

	snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
	table->fd[i] = pins_get(path);
	if (table->fd[i] < 0)
		return err_set(err, table->fd[i], "open pin '%s'", path);
	memset(ret_info, 0, sizeof(*ret_info));
	if (bpf_obj_get_info_by_fd(table->fd[i], ret_info, &len) < 0)
		return err_set(err, -errno, "look at pin '%s'", path);
	if (ret_info->type != table_type(i) || ret_info->key_size != table_key_size(i) ||
	    ret_info->value_size != tables[i].value_size ||
	    (ret_info->type == BPF_MAP_TYPE_ARRAY && !(ret_info->map_flags & BPF_F_MMAPABLE)))
		return err_set(err, -EPROTO, "pin '%s' has another layout: detach with the shuntd "
			       "that made it, then start again.", path);
	return table_map(table, i, ret_info->max_entries, err);
}

/* Elements are as many as the others say: programs and we index all by one bucket or slot */
static int check_entries(struct flows_table *table, const char *dir,
			 const struct bpf_map_info *info, struct err *err)
{
	const struct flows_part *part = table->part;
	const struct extents extents = {
		.buckets = { part[0].buckets, part[1].buckets },
		.flags = (part[0].counts || part[1].counts ? CONNTRACK_COUNT : 0) |
			 (part[0].seqs || part[1].seqs ? CONNTRACK_WINDOW : 0) |
			 (part[0].limits || part[1].limits ? CONNTRACK_LIMIT : 0),
		.counted = table->conf->counted,
	};
	const uint32_t *buckets = extents.buckets;
	unsigned int i;

	for (i = 0; i < CONNTRACK_TABLE_MAX; i++)
		if (info[i].max_entries != table_entries(table, &extents, i) ||
		    buckets[0] < FLOWS_BUCKETS_MIN || buckets[1] < FLOWS_BUCKETS_MIN ||
		    memcmp(buckets, table->conf->buckets, sizeof(extents.buckets)) ||
		    (extents.flags & CONNTRACK_LIMIT && !extents.counted))
			return err_set(err, -EPROTO, "pin '%s/%s' does not fit the others: detach with "
				       "the shuntd that made it, then start again.", dir, names[i]);
	return 0;
}

int flows_table_adopt(const char *dir, struct flows_table *ret_table, struct err *err)
{
	struct bpf_map_info info[CONNTRACK_TABLE_MAX];
	struct flows_table table;
	unsigned int i;
	int r;

	r = table_init(&table, err);
	for (i = 0; r == 0 && i < CONNTRACK_TABLE_MAX; i++)
		r = table_adopt(&table, dir, i, &info[i], err);
	if (r == 0) {
		table_parts(&table);
		r = check_entries(&table, dir, info, err);
	}
	if (r < 0) {
		flows_table_close(&table);
		return r;
	}
	*ret_table = table;
	return 0;
}
