// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* flows_test.c - the flow table as user space has it: made, adopted, full, walked, swept */
#include "flows_world.h"

/* ---- made, pinned, adopted ---- */

static void test_made(void **state)
{
	struct plan_conntrack plan = plan_of(1000, 10, CONNTRACK_PICKUP);
	struct object_map map[FLOWS_MAPS];
	uint64_t taken, slots, bytes;
	struct flows_table table;

	reserve(NULL);
	assert_int_equal(flows_maps(flows, map), 0);
	assert_int_equal(flows_events_fd(flows), -1);
	assert_false(flows_fits(flows, &plan));
	change(&plan);
	assert_true(flows_fits(flows, &plan));
	assert_int_equal(flows_maps(flows, map), FLOWS_MAPS);
	assert_string_equal(map[0].name, "ct_tags4");
	assert_true(map[0].optional && map[0].fd >= 0);
	assert_true(flows_events_fd(flows) >= 0);
	flows_size(flows, 0, &taken, &slots, &bytes);
	assert_int_equal(taken, 0);
	assert_int_equal(slots, 239 * 7);		/* 1000 * 5 / 3, whole buckets */
	assert_int_equal(bytes, 239 * 8 + slots * 64 + 32 + sizeof(struct conntrack_seqs) +
			 sizeof(struct conntrack_limits));
	assert_int_equal(flows_slots(flows), 239 * 7 + 3 * 7);
	table = other("ct");
	assert_int_equal(table.conf->buckets[0], 239);
	assert_int_equal(table.conf->buckets[1], 3);
	assert_int_equal(table.conf->flags, CONNTRACK_PICKUP);
	assert_int_equal(table.conf->second, jiffies_hz());
	assert_int_equal(table.conf->timeout[2][3], (3003 * jiffies_hz() + 999) / 1000);
	assert_true(table.conf->seed[0] && table.conf->seed[1]);
	flows_table_close(&table);
}

static void test_settings_alone(void **state)
{
	struct plan_conntrack plan = plan_of(1000, 10, CONNTRACK_PICKUP);
	struct flows_table table;

	change(&plan);
	table = other("ct");
	flows_watch(flows, true);
	plan.flags = CONNTRACK_STATELESS;
	plan.timeout_ms[0][1] = 90000;
	change(&plan);					/* the same maps */
	assert_int_equal(table.conf->flags, CONNTRACK_STATELESS | CONNTRACK_WATCHED);
	assert_int_equal(table.conf->timeout[0][1], 90 * jiffies_hz());
	flows_watch(flows, false);
	assert_int_equal(table.conf->flags, CONNTRACK_STATELESS);
	flows_table_close(&table);
}

static void test_adopted(void **state)
{
	struct plan_conntrack plan = plan_of(1000, 10, CONNTRACK_COUNT | CONNTRACK_WINDOW);
	union entry entry = entry_of(false, 5, 0, HOUR);
	struct flows_table table;
	uint64_t cursor = 0;
	struct flow flow;

	change(&plan);
	table = other("ct");
	insert(&table.part[0], &entry);
	flows_watch(flows, true);
	reopen();
	assert_true(flows_fits(flows, &plan));
	assert_int_equal(table.conf->flags & CONNTRACK_WATCHED, 0);
	assert_int_equal(flows_next(flows, &cursor, UINT32_MAX, &flow), 1);
	assert_int_equal(flow.flow.mark, 35);
	plan.flags = CONNTRACK_COUNT;
	assert_false(flows_fits(flows, &plan));
	plan = plan_of(1100, 10, CONNTRACK_COUNT | CONNTRACK_WINDOW);
	assert_false(flows_fits(flows, &plan));
	flows_table_close(&table);
}

/* Another map where 'ct_conf' or 'ct_flows4' was */
static void refuse(const char *name, uint32_t value_size, uint32_t entries, const char *text)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	char path[PINS_PATH_MAX], dir[32];
	struct flows *none = NULL;
	struct err err = { 0 };
	int fd;

	snprintf(dir, sizeof(dir), "ct/%s", name);
	path_of(dir, path);
	assert_int_equal(pins_remove(path), 0);
	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "other", 4, value_size, entries, &opts);
	assert_true(fd >= 0);
	ok(pins_pin(fd, path, &err), &err);
	close(fd);
	assert_int_equal(flows_open(bpffs, &none, &err), -EPROTO);
	assert_null(none);
	if (!strstr(err.text, path) || !strstr(err.text, text))
		fail_msg("'%s' lacks '%s' or '%s'", err.text, path, text);
}

static void test_not_adopted(void **state)
{
	struct plan_conntrack plan = plan_of(1000, 10, 0);

	change(&plan);
	refuse("ct_flows4", sizeof(struct conntrack_flow4), 70, "does not fit the others");
	refuse("ct_flows4", 32, 239 * 7, "another layout");
	reserve(NULL);
}

/* Killed while the new one is made, before the commit, and between the two renames */
static void test_killed(void **state)
{
	struct plan_conntrack small = plan_of(1000, 10, 0), large = plan_of(5000, 10, 0);
	union entry entry = entry_of(false, 5, 0, HOUR);
	char path[PINS_PATH_MAX], to[PINS_PATH_MAX];
	struct flows_table table;

	change(&small);
	table = other("ct");
	insert(&table.part[0], &entry);
	flows_table_close(&table);
	reserve(&large);
	path_of("ct_new/ct_conf", path);
	assert_int_equal(pins_remove(path), 0);
	reopen();
	assert_true(flows_fits(flows, &small));
	assert_false(flows_fits(flows, &large));

	reserve(&large);
	reopen();
	assert_true(flows_fits(flows, &small));
	assert_true(flows_fits(flows, &large));
	reserve(&small);				/* the commit did not come to be */
	assert_false(flows_fits(flows, &large));

	reserve(&large);
	path_of("ct", path);
	path_of("ct_old", to);
	assert_int_equal(rename(path, to), 0);
	reopen();
	assert_false(flows_fits(flows, &small));
	reserve(&large);
	flows_settle(flows);
	assert_int_equal(access(to, F_OK), -1);
	table = other("ct");
	assert_int_not_equal(find(&table.part[0], &entry), UINT32_MAX);
	flows_table_close(&table);
}

static unsigned int n_gone, n_dropped;
static uint64_t gone_marks;

static void count_gone(void *arg, const struct flow *flow)
{
	assert_ptr_equal(arg, &n_gone);
	if (!flow) {
		n_dropped++;
		return;
	}
	gone_marks += flow->flow.mark;
	n_gone++;
}

static void test_dropped(void **state)
{
	struct plan_conntrack plan = plan_of(1000, 10, 0);
	char path[PINS_PATH_MAX];

	change(&plan);
	path_of("ct", path);
	assert_int_equal(access(path, F_OK), 0);
	n_gone = n_dropped = 0;
	flows_on_gone(flows, count_gone, &n_gone);
	flows_drop(flows);
	assert_int_equal(access(path, F_OK), -1);
	assert_true(n_dropped == 1 && !n_gone);
	flows_drop(flows);		/* there is none */
	assert_int_equal(n_dropped, 1);
	assert_int_equal(flows_slots(flows), 0);
	assert_int_equal(flows_sweep(flows, 100), 0);
	assert_int_equal(flows_stat(flows, CONNTRACK_STAT_GONE), 0);
}

/* ---- in, out, round ---- */

static void test_full_size(void **state)
{
	struct plan_conntrack plan = plan_of(MANY, MANY, 0);
	uint32_t i, slot, full, left;
	struct flows_table table;
	union entry entry;
	unsigned int six;
	int r;

	change(&plan);
	table = other("ct");
	for (six = 0; six < 2; six++) {
		for (i = 0, full = 0; i < MANY; i++) {
			entry = entry_of(six, i, CONNTRACK_REPLIED, HOUR);
			r = flows_insert(&table.part[six], &entry, NULL, now(), &slot);
			full += r == -ENOSPC;
			assert_true(r == 0 || r == -ENOSPC);
			if (r == 0)
				assert_int_equal(flows_insert(&table.part[six], &entry, NULL, now(),
							      &slot), -EEXIST);
		}
		assert_true(full <= 5);		/* one in 200 000 is usual */
		assert_int_equal(check(&table.part[six]), MANY - full);
		for (i = 0, left = MANY - full; i < MANY; i += 2) {
			entry = entry_of(six, i, CONNTRACK_REPLIED, HOUR);
			slot = find(&table.part[six], &entry);
			if (slot == UINT32_MAX)
				continue;
			left--;
			assert_true(flows_take(&table.part[six], slot,
					       flows_life(flows_entry(&table.part[six], slot))));
			assert_int_equal(find(&table.part[six], &entry), UINT32_MAX);
		}
		assert_true(left <= MANY / 2);
		assert_int_equal(check(&table.part[six]), left);
	}
	flows_table_close(&table);
}

/* Both buckets of each key are full at last; all that got in is found */
static void test_overfull(void **state)
{
	struct plan_conntrack plan = plan_of(1, 1, 0);
	struct flows_table table;
	union entry entry;
	uint32_t i, slot, n = 0;
	int r;

	change(&plan);
	table = other("ct");
	for (i = 0; i < 1000; i++) {
		entry = entry_of(false, i, 0, HOUR);
		r = flows_insert(&table.part[0], &entry, NULL, now(), &slot);
		assert_true(r == 0 || r == -ENOSPC);
		n += r == 0;
	}
	assert_int_equal(n, 2 * CONNTRACK_WAYS);
	assert_int_equal(check(&table.part[0]), n);
	flows_table_close(&table);
}

static void test_walk(void **state)
{
	struct plan_conntrack plan = plan_of(2000, 100, 0);
	uint64_t marks, want = 0, taken, slots, bytes;
	struct flows_table table;
	union entry entry;
	uint32_t i, peer;

	change(&plan);
	table = other("ct");
	for (i = 0; i < 1000; i++, want += 7 * i) {
		entry = entry_of(false, i, 0, HOUR);
		insert(&table.part[0], &entry);
	}
	want -= 7 * i;
	for (i = 1; i <= 10; i++) {
		entry = entry_of(true, i, 0, HOUR);
		insert(&table.part[1], &entry);
	}
	want += 7 * 55;
	insert_pair(&table.part[0], 5000, HOUR, &peer);		/* shown once */
	want += 7 * 5000;
	entry = entry_of(false, 6000, 0, HOUR);
	entry.flow.life -= (HOUR + 1) * jiffies_hz();		/* over: not shown */
	insert(&table.part[0], &entry);
	assert_int_equal(walk(UINT32_MAX, &marks), 1011);
	assert_int_equal(marks, want);
	assert_int_equal(walk(1, &marks), 1011);
	assert_int_equal(marks, want);
	flows_size(flows, 0, &taken, &slots, &bytes);
	assert_int_equal(taken, 1003);
	flows_table_close(&table);
}

static void test_remove(void **state)
{
	struct plan_conntrack plan = plan_of(2000, 100, 0);
	struct flows_table table;
	struct conntrack_flow *entry;
	uint64_t cursor = 0, again = 0;
	struct flow flow;
	uint32_t slot, peer;

	change(&plan);
	flows_on_gone(flows, count_gone, &n_gone);
	n_gone = gone_marks = 0;
	table = other("ct");
	slot = insert_pair(&table.part[0], 9, HOUR, &peer);
	assert_int_equal(flows_next(flows, &cursor, UINT32_MAX, &flow), 1);
	entry = flows_entry(&table.part[0], slot);
	entry->life += 12345;					/* packets went on */
	assert_int_equal(flows_remove(flows, &flow), 0);
	assert_int_equal(check(&table.part[0]), 0);		/* its second entry as well */
	assert_int_equal(flows_remove(flows, &flow), -ENOENT);
	assert_int_equal(n_gone, 1);
	assert_int_equal(gone_marks, 63);
	assert_int_equal(flows_stat(flows, CONNTRACK_STAT_GONE), 1);

	slot = insert_pair(&table.part[0], 9, HOUR, &peer);	/* another generation of the slot */
	assert_int_equal(flows_remove(flows, &flow), -ENOENT);
	assert_int_equal(flows_next(flows, &again, UINT32_MAX, &flow), 1);
	assert_int_equal(flow.slot, slot);
	flows_table_close(&table);
}

/* ---- sweep ---- */

/* An entry, and not its second one */
static void clear(const struct flows_part *part, uint32_t slot)
{
	uint64_t *word = &part->word[conntrack_first_bucket(hash_of(part, slot), part->buckets)];

	if (conntrack_life_flags(flows_entry(part, slot)->life) & CONNTRACK_SPILLED)
		*word = conntrack_word_spill(*word, -1);
	word = &part->word[slot / CONNTRACK_WAYS];
	flows_entry(part, slot)->life &= CONNTRACK_GEN_BITS;
	*word = conntrack_word_put(*word, slot % CONNTRACK_WAYS, 0);
}

static void test_sweep(void **state)
{
	struct plan_conntrack plan = plan_of(20000, 1000, 0);
	unsigned int went = 0, steps = 0, some;
	uint32_t i, peer, dead_peer, left_peer, slot;
	struct flows_table table;
	union entry entry;

	change(&plan);
	flows_on_gone(flows, count_gone, &n_gone);
	n_gone = gone_marks = 0;
	table = other("ct");
	for (i = 0; i < 10000; i++) {
		entry = entry_of(false, i, 0, HOUR);
		if (i % 4 == 0)
			entry.flow.life -= (HOUR + 1) * jiffies_hz();
		insert(&table.part[0], &entry);
	}
	insert_pair(&table.part[0], 20000, HOUR, &peer);
	flows_entry(&table.part[0], peer)->life -= (HOUR + 1) * jiffies_hz();	/* lives by its flow */
	slot = insert_pair(&table.part[0], 20001, HOUR, &dead_peer);
	flows_entry(&table.part[0], slot)->other = 0;				/* it does not know it */
	flows_entry(&table.part[0], dead_peer)->life -= (HOUR + 1) * jiffies_hz();
	slot = insert_pair(&table.part[0], 20002, HOUR, &left_peer);
	flows_entry(&table.part[0], left_peer)->life -= (HOUR + 1) * jiffies_hz();
	clear(&table.part[0], slot);						/* it is gone */
	entry = entry_of(true, 7, 0, HOUR);
	entry.flow.life -= (HOUR + 1) * jiffies_hz();
	insert(&table.part[1], &entry);

	for (i = 0; i < flows_slots(flows); i += 1000) {
		some = flows_sweep(flows, 1000);
		went += some;
		steps += some > 0;
	}
	assert_int_equal(went, 2501);
	assert_true(steps > 20);		/* it goes by pieces */
	assert_int_equal(n_gone, 2501);
	assert_int_equal(flows_stat(flows, CONNTRACK_STAT_GONE), 2501);
	assert_int_equal(check(&table.part[0]), 7500 + 2 + 1);
	assert_int_equal(check(&table.part[1]), 0);
	assert_true(conntrack_life_state(flows_life(flows_entry(&table.part[0], peer))));
	assert_false(conntrack_life_state(flows_life(flows_entry(&table.part[0], dead_peer))));
	assert_false(conntrack_life_state(flows_life(flows_entry(&table.part[0], left_peer))));
	assert_int_equal(flows_sweep(flows, UINT32_MAX), 0);
	flows_table_close(&table);
}

/* Who died over an entry has left a claim, an entry that no tag shows, or a tag without an entry */
static void test_mend(void **state)
{
	struct plan_conntrack plan = plan_of(100, 1, 0);
	struct conntrack_flow *flow[4];
	struct flows_table table;
	union entry entry;
	uint32_t slot[4], i;

	change(&plan);
	table = other("ct");
	for (i = 0; i < 4; i++) {
		entry = entry_of(false, i, 0, HOUR);
		slot[i] = insert(&table.part[0], &entry);
		flow[i] = flows_entry(&table.part[0], slot[i]);
	}
	for (i = 0; i < 2; i++) {
		uint64_t *word = &table.part[0].word[slot[i] / CONNTRACK_WAYS];

		*word = conntrack_word_put(*word, slot[i] % CONNTRACK_WAYS, 0);
	}
	flow[0]->life = conntrack_life(flow[0]->life, 0, CONNTRACK_NONE, CONNTRACK_CLAIMED);
	flow[2]->life = conntrack_life(flow[2]->life, 0, CONNTRACK_NONE, 0);
	flows_sweep(flows, UINT32_MAX);
	flows_sweep(flows, UINT32_MAX);
	assert_true(conntrack_life_claimed(flow[0]->life));	/* somebody may be at it */
	assert_true(conntrack_life_state(flow[1]->life));
	sleep(2);
	flows_sweep(flows, UINT32_MAX);
	assert_int_equal(check(&table.part[0]), 1);
	assert_int_equal(flow[0]->life & ~CONNTRACK_GEN_BITS, 0);
	flows_table_close(&table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_made), TEST(test_settings_alone), TEST(test_adopted), TEST(test_not_adopted),
		TEST(test_killed), TEST(test_dropped), TEST(test_full_size), TEST(test_overfull),
		TEST(test_walk), TEST(test_remove), TEST(test_sweep), TEST(test_mend),
	};

	return world_main(tests, N(tests));
}
