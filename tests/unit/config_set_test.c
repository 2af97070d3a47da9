// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* config_set_test.c - sets, maps and chains: what is refused and how, what is read */
#include "config_world.h"

#include "../../dataplane/lib/set.h"

#include "config_set_cases.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))

_Static_assert(CONFIG_KEY_BYTES_MAX == sizeof(struct shunt_set_key), "a key holds an element");
_Static_assert(CONFIG_ELEMENTS_MAX == SHUNT_SET_ELEMENTS_MAX, "an image holds a set");

static const char *const typed =
	V "sets:\n"
	"  pairs: { type: ip . port, elements: [10.0.0.2 . 80, 10.0.0.1 . 80-90, \"10.0.0.2 . 80\"] }\n"
	"  text:\n"
	"    type: port\n"
	"    elements: |\n"
	"      # ours\n"
	"      443  # https\r\n"
	"\n"
	"      80-82\n"
	"      83\n"
	"  one: { type: ip6, elements: \"2001:db8::/32\" }\n"
	"  seen: { type: iif . ip . proto, timeout: 1h30m, counters: true, comment: x }\n"
	"  state: { type: ip6 . ip6 . port . proto, dynamic: true, size: 7 }\n"
	"  fixed: { type: port, dynamic: false, elements: [1] }\n"
	"maps:\n"
	"  way:\n"
	"    type: ip\n"
	"    elements: { 10.2.0.0/16: accept, 10.1.0.0/16: drop(odd), 10.2.3.0/24: accept,\n"
	"      9.9.9.9: goto x }\n"
	"  pair: { type: ip . port, elements: { 10.0.0.1 . 80: accept, 10.0.0.1 . 81: drop } }\n"
	"nodes:\n"
	"  guard:\n"
	"    module: filter\n"
	"    chains:\n"
	"      web: [tcp dport @text accept, drop]\n"
	"      empty:\n"
	"      bare: []\n"
	"    rules: [ip6 saddr @one drop]\n";

static void check_pairs(const struct config_set *set)
{
	assert_int_equal(set->n_fields, 2);
	assert_int_equal(set->field[0], EXPR_IP_SADDR);
	assert_int_equal(set->field[1], EXPR_DPORT);
	assert_false(set->dynamic);
	assert_int_equal(set->n, 2);			/* sorted, one of them a double */
	assert_int_equal(set->tuple[0].first.lo, 0x0a000001);
	assert_int_equal(set->tuple[1].first.lo, 80);
	assert_int_equal(set->tuple[1].last.lo, 90);
	assert_int_equal(set->tuple[2].first.lo, 0x0a000002);
	assert_int_equal(set->tuple[3].last.lo, 80);
}

static void check_dynamic(const struct config *config)
{
	const struct config_set *set = config_set_find(config, "seen");

	assert_true(set->dynamic);
	assert_true(set->counters);
	assert_int_equal(set->timeout_ns, 5400ull * 1000000000);
	assert_int_equal(set->size, 65536);
	assert_int_equal(set->n, 0);
	assert_int_equal(set->n_fields, 3);
	assert_int_equal(set->field[0], EXPR_IIF);
	set = config_set_find(config, "state");
	assert_true(set->dynamic);
	assert_false(set->counters);
	assert_int_equal(set->timeout_ns, 0);
	assert_int_equal(set->size, 7);
	assert_false(config_set_find(config, "fixed")->dynamic);
}

static void test_sets(void **state)
{
	const struct config_set *set;
	struct world w;

	world_read(&w, typed);
	assert_int_equal(w.r, 0);
	check_pairs(config_set_find(&w.config, "pairs"));
	check_dynamic(&w.config);
	set = config_set_find(&w.config, "text");
	assert_int_equal(set->n, 2);
	assert_int_equal(set->tuple[0].first.lo, 80);
	assert_int_equal(set->tuple[0].last.lo, 83);
	assert_int_equal(set->tuple[1].first.lo, 443);
	set = config_set_find(&w.config, "one");
	assert_int_equal(set->n, 1);
	assert_int_equal(set->tuple[0].first.hi, 0x20010db800000000);
	world_fini(&w);
}

static void test_maps(void **state)
{
	const struct config_map *map;
	struct world w;

	world_read(&w, typed);
	map = config_map_find(&w.config, "way");
	assert_int_equal(map->n, 4);			/* sorted, not merged */
	assert_int_equal(map->tuple[0].first.lo, 0x09090909);
	assert_string_equal(map->verdict[0].edge, "x");
	assert_int_equal(map->tuple[1].last.lo, 0x0a01ffff);
	assert_string_equal(map->verdict[1].edge, "drop");
	assert_string_equal(map->verdict[1].reason, "odd");
	assert_int_equal(map->tuple[2].first.lo, 0x0a020000);
	assert_int_equal(map->tuple[3].first.lo, 0x0a020300);
	assert_int_equal(map->verdict[3].kind, EXPR_LEAVE);
	map = config_map_find(&w.config, "pair");
	assert_int_equal(map->n_fields, 2);
	assert_int_equal(map->n, 2);
	assert_int_equal(map->tuple[3].first.lo, 81);
	assert_string_equal(map->verdict[1].edge, "drop");
	assert_null(config_map_find(&w.config, "text"));
	world_fini(&w);
}

static void test_chains(void **state)
{
	const struct config_node *node;
	const struct config_chain *chain;
	unsigned int i;
	struct world w;

	world_read(&w, typed);
	node = config_node_find(&w.config, "guard");
	assert_int_equal(node->n_chains, 3);
	chain = config_chain_find(node, "web");
	assert_int_equal(chain->n_rules, 2);
	for (i = 0; i < chain->rule[0].expr.n && !chain->rule[0].expr.match[i].set; i++)
		;
	assert_int_not_equal(i, chain->rule[0].expr.n);
	assert_string_equal(chain->rule[0].expr.match[i].set, "text");
	assert_ptr_equal(chain->rule[1].tree, tree_at(w.tree, "/nodes/guard/chains/web/1", NULL));
	assert_int_equal(config_chain_find(node, "empty")->n_rules, 0);
	assert_int_equal(config_chain_find(node, "bare")->n_rules, 0);
	assert_null(config_chain_find(node, "wed"));
	world_fini(&w);
}

/* Eight levels of chains, each jumps twice to all of the next: 16^8 ways, yet few are walked */
static void test_ways(void **state)
{
	struct buf out = { 0 };
	unsigned int i, k;
	struct world w;

	buf_str(&out, V "nodes:\n  a:\n    module: filter\n    rules: [jump c00]\n    chains:\n");
	for (i = 0; i < 8 * 8; i++) {
		buf_printf(&out, "      c%u%u: [drop", i / 8, i % 8);
		for (k = 0; i < 7 * 8 && k < 16; k++)
			buf_printf(&out, ", jump c%u%u", i / 8 + 1, k % 8);
		buf_str(&out, "]\n");
	}
	world_read(&w, out.data);
	assert_int_equal(w.r, 0);
	assert_int_equal(w.config.node[0].n_chains, 64);
	buf_fini(&out);
	world_fini(&w);
}

static void test_types(void **state)
{
	static const enum expr_field field[] = { EXPR_IP_SADDR, EXPR_DPORT, EXPR_ETHER_SADDR };
	struct expr_interval tuple[] = {
		{ { 0, 0x0a000000 }, { 0, 0x0a0000ff } }, { { 0, 80 }, { 0, 90 } },
	};
	struct buf text = { 0 };

	config_type_print(field, 3, &text);
	assert_string_equal(text.data, "ip . port . ether");
	buf_clear(&text);
	config_element_print(tuple, field, 2, &text);
	assert_string_equal(text.data, "10.0.0.0/24 . 80-90");
	assert_int_equal(config_type_field(EXPR_IP6_DADDR), EXPR_IP6_SADDR);
	assert_int_equal(config_type_field(EXPR_SPORT), EXPR_DPORT);
	assert_int_equal(config_type_field(EXPR_ETHER_DADDR), EXPR_ETHER_SADDR);
	assert_int_equal(config_type_field(EXPR_MARK), EXPR_MARK);
	assert_int_equal(config_type_field(EXPR_TCP_FLAGS), EXPR_FIELD_MAX);
	buf_fini(&text);
}

/* Elements that lie side by side are one: it is what is left that counts */
static void test_limit(void **state)
{
	struct arena arena = { 0 };
	struct diags diags = { .arena = &arena };
	struct tree *top = tree_new_map(&arena), *set = tree_new_map(&arena);
	struct buf text = { 0 };
	struct config config;
	unsigned int i;
	char *got;

	for (i = 0; i < CONFIG_ELEMENTS_MAX; i++)
		buf_printf(&text, "%u\n", 2 * i);
	buf_str(&text, "1\n");
	tree_set(&arena, top, "version", tree_new_scalar(&arena, "1"));
	tree_set(&arena, tree_set(&arena, top, "sets", tree_new_map(&arena)), "x", set);
	tree_set(&arena, set, "type", tree_new_scalar(&arena, "mark"));
	tree_set(&arena, set, "elements", tree_new_scalar(&arena, text.data));
	assert_int_equal(config_from_tree(top, &diags, &config), 0);
	assert_int_equal(config.set[0].n, CONFIG_ELEMENTS_MAX - 1);
	buf_str(&text, "1000000000\n2000000000\n");
	tree_set(&arena, set, "elements", tree_new_scalar(&arena, text.data));
	assert_int_equal(config_from_tree(top, &diags, &config), -EINVAL);
	got = findings(&diags);
	assert_string_equal(got, "/sets/x/elements! too_many: a set has at most 4194304 elements,"
			    " this one 4194305\n");
	free(got);
	buf_fini(&text);
	arena_fini(&arena);
}

#define FIXED_TESTS 6

int main(void)
{
	static struct CMUnitTest tests[N(set_cases) + FIXED_TESTS];
	size_t i, n = 0;

	for (i = 0; i < N(set_cases); i++)
		tests[n++] = unit_row(set_cases[i].name, test_refused, &set_cases[i]);
	tests[n++] = unit_row("sets of all kinds are read", test_sets, NULL);
	tests[n++] = unit_row("maps are read", test_maps, NULL);
	tests[n++] = unit_row("chains are read", test_chains, NULL);
	tests[n++] = unit_row("chains: many ways, few chains", test_ways, NULL);
	tests[n++] = unit_row("types and elements are printed", test_types, NULL);
	tests[n++] = unit_row("limit: elements of a set", test_limit, NULL);
	return unit_main(tests, n);
}
