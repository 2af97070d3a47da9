// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* shared.c - tables that the programs of all graphs share, pinned for as long as shunt runs */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <bpf/bpf.h>

#include <base/arena.h>
#include <base/file.h>
#include <base/log.h>
#include <kernel/dset.h>
#include <kernel/pins.h>
#include <kernel/shared.h>

#define EVENTS_BYTES	(1u << 18)	/* as modules/filter_ext.h has it */
#define ROOM_MIN	64

static void shared_pin(const struct shared *shared, const char *name, char *ret_path)
{
	snprintf(ret_path, PINS_PATH_MAX, "%s/%s", shared->bpffs, name);
}

/* Adopt a pin, or make the table and pin it. Return: fd or -errno */
static int shared_table(const struct shared *shared, const char *pin, enum bpf_map_type type,
			const char *name, uint32_t key_size, uint32_t value_size, uint32_t entries,
			uint32_t flags, struct err *err)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = flags);
	char path[PINS_PATH_MAX];
	int fd, r;

	shared_pin(shared, pin, path);
	fd = pins_get(path);
	if (fd != -ENOENT)
		return fd < 0 ? err_set(err, fd, "open pin '%s'", path) : fd;
	fd = bpf_map_create(type, name, key_size, value_size, entries, &opts);
	if (fd < 0)
		return err_set(err, -errno, "create table '%s'", name);
	r = pins_pin(fd, path, err);
	if (r < 0) {
		fd_close(fd);
		return r;
	}
	return fd;
}

static int shared_ports_open(struct shared *shared, struct err *err)
{
	static const char *const pin[GATES_KINDS] = { "ports_xdp", "ports_tc" };
	static const enum bpf_map_type type[GATES_KINDS] = {
		BPF_MAP_TYPE_DEVMAP, BPF_MAP_TYPE_ARRAY,
	};
	int kind;

	for (kind = 0; kind < GATES_KINDS; kind++) {
		shared->ports_fd[kind] = shared_table(shared, pin[kind], type[kind], "shunt_ports",
						      sizeof(uint32_t), sizeof(uint32_t),
						      SHUNT_PORTS_MAX, 0, err);
		if (shared->ports_fd[kind] < 0)
			return shared->ports_fd[kind];
	}
	return 0;
}

/* ---- what statements keep ----------------------------------------------------------------- */

static int state_create(uint32_t room, struct err *err)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	int fd;

	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "filter_state", sizeof(uint32_t),
			    sizeof(struct filter_state), room, &opts);
	return fd < 0 ? err_set(err, -errno, "create table 'filter_state' for %u statements", room) :
			fd;
}

static int state_open(struct shared *shared, struct err *err)
{
	struct bpf_map_info info = {};
	uint32_t len = sizeof(info);

	shared->state_fd = shared_table(shared, "state", BPF_MAP_TYPE_ARRAY, "filter_state",
					sizeof(uint32_t), sizeof(struct filter_state), ROOM_MIN,
					BPF_F_MMAPABLE, err);
	if (shared->state_fd < 0)
		return shared->state_fd;
	if (bpf_obj_get_info_by_fd(shared->state_fd, &info, &len) < 0)
		return err_set(err, -errno, "look at table 'filter_state'");
	shared->state_room = info.max_entries;
	return 0;
}

static void state_copy(int to_fd, int from_fd, uint32_t n)
{
	struct filter_state state;
	uint32_t i;

	for (i = 0; i < n; i++)
		if (bpf_map_lookup_elem(from_fd, &i, &state) == 0)
			bpf_map_update_elem(to_fd, &i, &state, BPF_ANY);
}

void shared_state_zero(struct shared *shared, uint32_t index)
{
	const struct filter_state zero = {};

	bpf_map_update_elem(shared->state_fd, &index, &zero, BPF_ANY);
}

/* ---- translations ------------------------------------------------------------------------- */

static int nat_open(struct shared *shared, struct err *err)
{
	shared->nat_rules_fd = shared_table(shared, "nat_rules", BPF_MAP_TYPE_ARRAY, "nat_rules",
					    sizeof(uint32_t), sizeof(struct nat_rule), NAT_RULES,
					    0, err);
	if (shared->nat_rules_fd < 0)
		return shared->nat_rules_fd;
	shared->nat_addrs_fd = shared_table(shared, "nat_addrs", BPF_MAP_TYPE_HASH, "nat_addrs",
					    sizeof(uint32_t), sizeof(struct nat_addrs),
					    NAT_LINKS, 0, err);
	return shared->nat_addrs_fd < 0 ? shared->nat_addrs_fd : 0;
}

/* A number that is new to this plan is one that no running program knows */
static int nat_put(const struct shared *shared, const struct plan *plan, struct err *err)
{
	unsigned int i;

	for (i = 0; i < plan->n_nat; i++) {
		uint32_t at = plan->nat[i].number - 1;

		if (bpf_map_update_elem(shared->nat_rules_fd, &at, &plan->nat[i].rule, BPF_ANY))
			return err_set(err, -errno, "write table 'nat_rules'");
	}
	return 0;
}

/* ---- open and close ----------------------------------------------------------------------- */

void shared_init(struct shared *shared)
{
	*shared = (struct shared){
		.counters.fd = -1, .ports_fd = { -1, -1 }, .events_fd = -1,
		.nat_rules_fd = -1, .nat_addrs_fd = -1,
		.hits.fd = -1, .more_hits.fd = -1, .state_fd = -1, .more_state_fd = -1,
	};
}

int shared_open(struct shared *shared, const char *bpffs, struct err *err)
{
	char path[PINS_PATH_MAX];
	int r;

	shared->bpffs = strdup(bpffs);
	if (!shared->bpffs)
		arena_no_memory();
	shared_pin(shared, "cpu", path);
	r = counters_open(&shared->counters, path, err);
	if (r == 0)
		r = shared_ports_open(shared, err);
	shared_pin(shared, "hits", path);
	if (r == 0)
		r = hits_open(&shared->hits, path, ROOM_MIN, err);
	if (r == 0)
		r = state_open(shared, err);
	if (r == 0) {
		shared->events_fd = shared_table(shared, "events", BPF_MAP_TYPE_RINGBUF,
						 "shunt_events", 0, 0, EVENTS_BYTES, 0, err);
		r = shared->events_fd < 0 ? shared->events_fd : 0;
	}
	if (r == 0)
		r = nat_open(shared, err);
	if (r == 0)
		r = sets_open(bpffs, &shared->sets, err);
	if (r == 0)
		r = flows_open(bpffs, &shared->flows, err);
	if (r == 0)
		r = lb_tables_open(bpffs, &shared->lb, err);
	return r;
}

void shared_close(struct shared *shared)
{
	shared_abandon(shared);
	counters_close(&shared->counters);
	hits_close(&shared->hits);
	fd_close(shared->ports_fd[GATES_XDP]);
	fd_close(shared->ports_fd[GATES_TC]);
	fd_close(shared->state_fd);
	fd_close(shared->events_fd);
	fd_close(shared->nat_rules_fd);
	fd_close(shared->nat_addrs_fd);
	sets_close(shared->sets);
	flows_close(shared->flows);
	lb_tables_close(shared->lb);
	free(shared->bpffs);
}

/* ---- room --------------------------------------------------------------------------------- */

int shared_reserve(struct shared *shared, const struct plan *plan, struct err *err)
{
	uint32_t hits = plan->hits_room, state = plan->state_room;
	int r;

	r = flows_reserve(shared->flows, plan->conntrack, err);
	if (r == 0)
		r = lb_tables_reserve(shared->lb, plan->lb, err);
	if (r == 0)
		r = nat_put(shared, plan, err);
	if (r < 0)
		return r;
	if (hits > shared->hits.room)
		r = hits_create(&shared->more_hits, hits, err);
	if (r == 0 && state > shared->state_room) {
		shared->more_state_fd = state_create(state, err);
		if (shared->more_state_fd < 0)
			return shared->more_state_fd;
		shared->more_state_room = state;
		state_copy(shared->more_state_fd, shared->state_fd, shared->state_room);
	}
	return r;
}

static void settle_pin(const struct shared *shared, const char *name, int fd)
{
	char path[PINS_PATH_MAX];

	shared_pin(shared, name, path);
	pins_remove(path);
	pins_pin(fd, path, NULL);
}

void shared_refresh(struct shared *shared)
{
	flows_refresh(shared->flows);
	lb_tables_refresh(shared->lb);
}

/* A table that nothing keeps true is worse than none */
static void settle_flows(struct shared *shared, const struct plan *plan)
{
	if (!plan->conntrack) {
		flows_drop(shared->flows);
		return;
	}
	flows_settle(shared->flows);
	flows_configure(shared->flows, plan->conntrack);
}

bool shared_has_flows(const struct shared *shared, const struct plan *plan)
{
	return (!plan->conntrack || flows_fits(shared->flows, plan->conntrack)) &&
	       (!plan->lb || lb_tables_fit(shared->lb, plan->lb));
}

void shared_take_up_flows(struct shared *shared, const struct plan *plan)
{
	struct err err = {};

	/* Makes none: install_recover() has seen one that fits */
	if (flows_reserve(shared->flows, plan->conntrack, &err) < 0 ||
	    lb_tables_reserve(shared->lb, plan->lb, &err) < 0)
		log_error("%s", err.text);
	settle_flows(shared, plan);
	lb_tables_settle(shared->lb, plan->lb);
}

void shared_settle(struct shared *shared, const struct plan *plan)
{
	settle_flows(shared, plan);
	lb_tables_settle(shared->lb, plan->lb);
	if (shared->more_hits.fd >= 0) {
		hits_carry(&shared->more_hits, &shared->hits);
		hits_close(&shared->hits);
		shared->hits = shared->more_hits;
		shared->more_hits = (struct hits){ .fd = -1 };
		settle_pin(shared, "hits", shared->hits.fd);
	}
	if (shared->more_state_fd >= 0) {
		fd_close(shared->state_fd);
		shared->state_fd = shared->more_state_fd;
		shared->state_room = shared->more_state_room;
		shared->more_state_fd = -1;
		settle_pin(shared, "state", shared->state_fd);
	}
}

void shared_abandon(struct shared *shared)
{
	if (shared->flows)
		flows_abandon(shared->flows);
	if (shared->lb)
		lb_tables_abandon(shared->lb);
	hits_close(&shared->more_hits);
	fd_close(shared->more_state_fd);
	shared->more_state_fd = -1;
}

/* ---- sets --------------------------------------------------------------------------------- */

bool shared_has_set(const struct shared *shared, const struct plan_set *set)
{
	uint64_t hash;
	int fd;

	if (!set->dynamic)
		return sets_hash(shared->sets, set->slot, &hash) == 0;
	fd = sets_dynamic(shared->sets, set->slot);
	fd_close(fd < 0 ? -1 : fd);
	return fd >= 0;
}

/* Return: 0; -errno, with what was there still there */
static int put_set(const struct shared *shared, enum sets_table table, uint32_t slot, int set,
		   struct sets_change *ret_change, struct err *err)
{
	*ret_change = (struct sets_change){ .table = table, .slot = slot, .set = set, .old = -1 };
	return sets_exchange(shared->sets, ret_change, 1, err);
}

int shared_exchange_set(const struct shared *shared, const struct plan_set *set,
			struct sets_change *ret_change, struct err *err)
{
	int page = sets_create(shared->sets, set->name, set->image.line, set->image.n_lines, err);

	return page < 0 ? page :
	       put_set(shared, SETS_STATIC, set->slot, page, ret_change, err);
}

void shared_drop_set(const struct shared *shared, struct sets_change *change)
{
	sets_drop(shared->sets, change, 1);
}

static int open_dynamic(const struct shared *shared, const struct plan_set *set, struct err *err)
{
	const struct shunt_dset_conf conf = {
		.timeout_ns = set->timeout_ns, .counts = set->counters,
	};
	struct sets_change change;
	int fd, r;

	r = dset_configure(shared->sets, set->slot, &conf, err);
	if (r < 0 || shared_has_set(shared, set))
		return r;
	fd = dset_create(set->name, set->size, err);
	if (fd < 0)
		return fd;
	r = put_set(shared, SETS_DYNAMIC, set->slot, fd, &change, err);
	sets_drop(shared->sets, &change, 1);
	return r;
}

int shared_set(const struct shared *shared, const struct plan_set *set, struct err *err)
{
	struct sets_change change;
	int r;

	if (set->dynamic)
		return open_dynamic(shared, set, err);
	if (!set->image.line)
		return 0;
	r = shared_exchange_set(shared, set, &change, err);
	if (r == 0)
		sets_drop(shared->sets, &change, 1);	/* nothing looks there yet */
	return r;
}

static bool slot_used(const struct plan *plan, bool dynamic, uint32_t slot)
{
	unsigned int i;

	for (i = 0; i < plan->n_sets; i++)
		if (plan->set[i].dynamic == dynamic && plan->set[i].slot == slot)
			return true;
	return false;
}

/* Programs that looked there are gone */
static void sweep_slot(const struct shared *shared, enum sets_table table, uint32_t slot)
{
	struct sets_change change;

	if (put_set(shared, table, slot, -1, &change, NULL) == 0)
		sets_drop(shared->sets, &change, 1);
}

void shared_sweep_sets(const struct shared *shared, const struct plan *plan)
{
	struct plan_set set = {};

	for (set.slot = 0; set.slot < SHUNT_SETS_MAX; set.slot++) {
		set.dynamic = false;
		if (!slot_used(plan, false, set.slot) && shared_has_set(shared, &set))
			sweep_slot(shared, SETS_STATIC, set.slot);
		set.dynamic = true;
		if (!slot_used(plan, true, set.slot) && shared_has_set(shared, &set))
			sweep_slot(shared, SETS_DYNAMIC, set.slot);
	}
}

/* ---- for programs ------------------------------------------------------------------------- */

unsigned int shared_maps(const struct shared *shared, enum gates_kind kind,
			 struct object_map ret_map[SHARED_MAPS])
{
	const struct hits *hits = shared->more_hits.fd >= 0 ? &shared->more_hits : &shared->hits;
	int state_fd = shared->more_state_fd >= 0 ? shared->more_state_fd : shared->state_fd;
	const struct object_map map[] = {
		{ .name = "shunt_cpu", .fd = shared->counters.fd },
		{ .name = "shunt_ports", .fd = shared->ports_fd[kind], .optional = true },
		{ .name = "filter_hits", .fd = hits->fd, .optional = true },
		{ .name = "filter_state", .fd = state_fd, .optional = true },
		{ .name = "shunt_events", .fd = shared->events_fd, .optional = true },
		{ .name = "nat_rules", .fd = shared->nat_rules_fd, .optional = true },
		{ .name = "nat_addrs", .fd = shared->nat_addrs_fd, .optional = true },
	};
	const unsigned int n = sizeof(map) / sizeof(map[0]);
	unsigned int i;

	memcpy(ret_map, map, sizeof(map));
	sets_maps(shared->sets, ret_map + n);
	for (i = n; i < n + SETS_TABLES; i++)
		ret_map[i].optional = true;
	i += flows_maps(shared->flows, ret_map + i);
	return i + lb_tables_maps(shared->lb, ret_map + i);
}
