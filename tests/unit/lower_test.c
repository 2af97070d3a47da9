// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* lower_test.c - rules and what they are lowered to, as text */
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <compile/lower.h>
#include <shunt/packet.h>

#include "../lib/unit.h"
#include "lower_cases.h"

#define N(array)	(sizeof(array) / sizeof((array)[0]))

/* ---- the result as text -------------------------------------------------------------------- */

static void put_prefix(struct buf *out, const char *name, const uint64_t *value,
		       unsigned int len, unsigned int family)
{
	uint64_t wire6[2] = { htobe64(value[0]), htobe64(value[1]) };
	uint32_t wire4 = htonl(value[1]);
	char text[INET6_ADDRSTRLEN];

	if (!len)
		return;
	inet_ntop(family == 4 ? AF_INET : AF_INET6, family == 4 ? (void *)&wire4 : wire6, text,
		  sizeof(text));
	buf_printf(out, " %s %s", name, text);
	if (len < (family == 4 ? 32 : 128))
		buf_printf(out, "/%u", len);
}

static void put_range(struct buf *out, const char *name, uint64_t first, uint64_t last,
		      uint64_t max)
{
	if (first == last)
		buf_printf(out, " %s %llu", name, (unsigned long long)first);
	else if (first || last != max)
		buf_printf(out, " %s %llu-%llu", name, (unsigned long long)first,
			   (unsigned long long)last);
}

static void put_bits(struct buf *out, const char *name, uint32_t value, uint32_t mask, uint32_t all)
{
	unsigned int shift = __builtin_ctz(all);

	if (!(mask & all))
		return;
	buf_printf(out, " %s %u", name, (value & all) >> shift);
	if ((mask & all) != all)
		buf_printf(out, "/%x", (mask & all) >> shift);
}

static void put_row(struct buf *out, const struct classifier_row *row)
{
	static const char *const edges[] = { "accept", "drop", "odd", "reject" };

	buf_printf(out, "%u:", row->prio / CLASSIFIER_PRIO_GAP);
	if (row->family == 6)
		buf_str(out, " ip6");
	else if (!(row->meta_mask & CLASSIFIER_IP))
		buf_str(out, " any4");
	else
		buf_str(out, row->meta & CLASSIFIER_IP ? " ip4" : " other");
	put_prefix(out, "saddr", row->saddr, row->slen, row->family);
	put_prefix(out, "daddr", row->daddr, row->dlen, row->family);
	put_bits(out, "proto", row->meta, row->meta_mask, CLASSIFIER_PROTO);
	if (row->meta_mask & CLASSIFIER_L4)
		buf_str(out, row->meta & CLASSIFIER_L4 ? " l4" : " no-l4");
	put_range(out, "sport", row->sport_first, row->sport_last, 65535);
	put_range(out, "dport", row->dport_first, row->dport_last, 65535);
	put_bits(out, "flags", row->meta, row->meta_mask, CLASSIFIER_TCP_FLAGS);
	put_bits(out, "frag", row->meta, row->meta_mask, CLASSIFIER_FRAG);
	put_bits(out, "ct", row->meta, row->meta_mask, CLASSIFIER_CT);
	buf_printf(out, " %s", edges[row->edge]);
	if (row->ref & CLASSIFIER_EXT)
		buf_printf(out, " ext%u", row->ref & ~CLASSIFIER_EXT);
	buf_char(out, '\n');
}

static void put_cond(struct buf *out, const struct filter_cond *cond)
{
	static const char *const field[] = {
		"length", "dscp", "ttl", "exthdr", "ether-saddr", "ether-daddr", "ether-type",
		"vlan", "pcp", "iif", "mark", "proto", "sport", "dport", "flags", "ct-mark",
		"zone", "direction",
	};
	unsigned int i;

	buf_str(out, cond->negated ? " not" : "");
	if (cond->kind == FILTER_COND_SET) {
		buf_printf(out, " %s%u(", cond->dynamic ? "dset" : "set", cond->slot);
		for (i = 0; i < FILTER_KEY_PARTS && cond->part[i]; i++)
			buf_printf(out, i ? ".%u" : "%u", cond->part[i]);
		buf_char(out, ')');
		return;
	}
	if (cond->kind == FILTER_COND_PAYLOAD)
		buf_printf(out, " @%u,%u,%u", cond->base, cond->off, cond->len);
	else if (cond->kind == FILTER_COND_FLOW)
		buf_printf(out, " flow%u", cond->field);
	else
		buf_printf(out, " %s", field[cond->field]);
	buf_printf(out, "&%llx", (unsigned long long)cond->mask);
	put_range(out, "=", cond->first, cond->last, UINT64_MAX);
}

static void put_stmt(struct buf *out, const struct filter_stmt *stmt)
{
	static const char *const kind[] = {
		"", "count", "mark", "log", "limit", "quota", "add", "reject", "policy", "zone", "notrack",
		"snat", "dnat", "ct count",
	};

	buf_printf(out, "; %s%s %u", stmt->negated ? "not " : "", kind[stmt->kind], stmt->index);
	if (stmt->kind == FILTER_STMT_MARK && stmt->per)
		buf_printf(out, "%s%s", stmt->per & FILTER_MARK_FROM_CT ? " from ct" : "",
			   stmt->per & FILTER_MARK_TO_CT ? " to ct" : "");
	if (stmt->kind == FILTER_STMT_CT_COUNT)
		buf_printf(out, " %u per %u/%u/%u%s", stmt->burst, stmt->per, stmt->len4,
			   stmt->len6, stmt->bytes ? " inverted" : "");
	else if (stmt->kind == FILTER_STMT_MARK || stmt->kind >= FILTER_STMT_SNAT ||
		 stmt->kind == FILTER_STMT_REJECT)
		buf_printf(out, " %x/%x", stmt->value, stmt->mask);
	else if (stmt->kind == FILTER_STMT_ADD)
		buf_printf(out, " (%u) %llu", stmt->part[0],
			   (unsigned long long)stmt->timeout_ns);
	else
		buf_printf(out, " %llu", (unsigned long long)stmt->step);
	if (stmt->kind == FILTER_STMT_LIMIT)
		buf_printf(out, " %u %s per %u/%u/%u", stmt->burst,
			   stmt->bytes ? "bytes" : "packets", stmt->per, stmt->len4, stmt->len6);
}

static void put_ext(struct buf *out, const struct filter_ext *ext, unsigned int index)
{
	unsigned int i;

	buf_printf(out, "ext%u:", index);
	for (i = 0; i < ext->n_conds; i++)
		put_cond(out, &ext->cond[i]);
	for (i = 0; i < ext->n_stmts; i++)
		put_stmt(out, &ext->stmt[i]);
	if (ext->hit == LOWER_NO_HIT)
		buf_str(out, " uncounted");
	if (ext->verdict == FILTER_NEXT)
		buf_str(out, " next");
	else if (ext->verdict == FILTER_RESUME && ext->resume == LOWER_PRIO_END)
		buf_str(out, " resume at the end");
	else if (ext->verdict == FILTER_RESUME)
		buf_printf(out, " resume %u", ext->resume / CLASSIFIER_PRIO_GAP);
	buf_char(out, '\n');
}

/* ---- a node of rules ----------------------------------------------------------------------- */

static int name_edge(void *arg, const char *edge, const char *reason)
{
	return !strcmp(edge, "accept") ? 0 : !strcmp(edge, "drop") ? 1 : !strcmp(edge, "odd") ? 2 :
	       !strcmp(edge, "reject") ? 3 : -1;
}

static uint32_t name_hit(void *arg, const char *name)
{
	return *name == '$' ? 77 : 5;
}

static uint32_t name_state(void *arg, const char *name)
{
	return atoi(strchr(name, '.') + 1);
}

static int name_set(void *arg, const char *set, bool *ret_dynamic)
{
	*ret_dynamic = !strcmp(set, "seen");
	return *ret_dynamic ? 9 : !strcmp(set, "noslot") ? -1 : 4;
}

static uint32_t name_policy(void *arg, const char *name)
{
	return !strcmp(name, "short") ? 2 : 0;
}

static uint32_t name_nat(void *arg, const struct config_rule *rule,
			 const struct expr_statement *statement)
{
	return statement->kind == EXPR_MASQUERADE ? 1 : statement->nat->first.lo & 0xff;
}

static uint32_t name_limit(void *arg, const struct config_rule *rule, unsigned int statement)
{
	return 300 + statement;
}

static struct link there[] = {
	{ .ifindex = 3, .name = "eth0" }, { .ifindex = 4, .name = "eth1" },
	{ .ifindex = 9, .name = "wan0" },
};
static const struct link_table links = { .link = there, .n = N(there) };
static const struct lower_names names = {
	name_edge, name_hit, name_state, name_set, name_policy, name_nat, name_limit,
	&links, NULL,
};

/* Even addresses, or even addresses with port 80 */
static void set_init(struct config_set *set, struct arena *arena, const char *name, unsigned int n,
		     bool pairs, bool ranges)
{
	unsigned int i;

	*set = (struct config_set){ .name = name, .field = { EXPR_IP_SADDR, EXPR_DPORT },
				    .n_fields = 1 + pairs, .n = n };
	set->tuple = arena_new_n(arena, struct expr_interval, n * set->n_fields);
	for (i = 0; i < n; i++) {
		struct expr_interval *tuple = &set->tuple[i * set->n_fields];

		tuple[0].first.lo = tuple[0].last.lo = 0x0a000000 + 2 * i;
		if (pairs)
			tuple[1].first.lo = tuple[1].last.lo = 80;
		if (pairs && ranges)
			tuple[1].last.lo = 81;
	}
}

static void config_init(struct config *config, struct arena *arena)
{
	*config = (struct config){ .n_sets = 7 };
	config->set = arena_new_n(arena, struct config_set, config->n_sets);
	set_init(&config->set[0], arena, "few", 2, false, false);
	set_init(&config->set[1], arena, "large", 65, false, false);
	set_init(&config->set[2], arena, "noslot", 65, false, false);
	set_init(&config->set[3], arena, "pairs", 65, true, false);
	set_init(&config->set[4], arena, "rangy", 65, true, true);
	set_init(&config->set[5], arena, "seen", 0, false, false);
	set_init(&config->set[6], arena, "vast", 64, false, false);
	config->set[5].dynamic = true;
	config->n_maps = 1;
	config->map = arena_new(arena, struct config_map);
	*config->map = (struct config_map){
		.name = "ports", .field = { EXPR_DPORT }, .n_fields = 1, .n = 2,
		.tuple = arena_new_n(arena, struct expr_interval, 2),
		.verdict = arena_new_n(arena, struct expr_verdict, 2),
	};
	config->map->tuple[0] = (struct expr_interval){ { 0, 22 }, { 0, 23 } };
	config->map->tuple[1] = (struct expr_interval){ { 0, 80 }, { 0, 80 } };
	config->map->verdict[0] = (struct expr_verdict){ .kind = EXPR_LEAVE, .edge = "drop" };
	config->map->verdict[1] = (struct expr_verdict){ .kind = EXPR_LEAVE, .edge = "accept" };
}

static struct tree root = { .kind = TREE_MAP };
static struct tree list[] = {
	{ .kind = TREE_LIST, .key = "rules", .parent = &root },
	{ .kind = TREE_LIST, .key = "web", .parent = &root },
};

/* Lines: rules, those of chain 'web' behind "web:" */
static void node_init(struct config_node *node, struct arena *arena, const char *lines)
{
	struct config_chain *web = arena_new(arena, struct config_chain);
	struct diags diags = { .arena = arena };
	char *rest = arena_strdup(arena, lines), *line;
	struct config_rule *rule;
	struct tree *tree;

	*node = (struct config_node){ .name = "guard", .chain = web, .n_chains = 1 };
	web->name = "web";
	while ((line = strsep(&rest, "\n"))) {
		bool chained = !strncmp(line, "web: ", 5);

		tree = arena_new(arena, struct tree);
		*tree = (struct tree){ .parent = &list[chained],
				       .index = chained ? web->n_rules : node->n_rules };
		rule = chained ? arena_push(arena, web->rule, web->n_rules) :
				 arena_push(arena, node->rule, node->n_rules);
		rule->tree = tree;
		if (expr_parse(line + (chained ? 5 : 0), "", &diags, &rule->expr) < 0)
			fail_msg("%s: %s", line, diags.v[0].message);
	}
}

static void test_text(void **state)
{
	const struct lower_case *row = *state;
	struct arena arena = {0};
	struct diags diags = { .arena = &arena };
	struct config_node node;
	struct lowered lowered;
	struct config config;
	struct buf text = {0};
	size_t i;

	config_init(&config, &arena);
	node_init(&node, &arena, row->rules);
	if (lower_rules(&config, &node, &names, &arena, &diags, &lowered) < 0) {
		buf_printf(&text, "%s %s: %s\n", diags.v[0].path, diags.v[0].code,
			   diags.v[0].message);
		if (diags.v[0].hint)
			buf_printf(&text, "hint: %s\n", diags.v[0].hint);
	} else {
		assert_int_equal(diags.total, 0);
		for (i = 0; i < lowered.rows.n; i++)
			put_row(&text, &lowered.rows.row[i]);
		for (i = 0; i < lowered.n_ext; i++)
			put_ext(&text, &lowered.ext[i], i);
		buf_printf(&text, "rounds %u\n", lowered.rounds);
	}
	assert_string_equal(text.data, row->text);
	buf_fini(&text);
	arena_fini(&arena);
}

/* How much a rule takes, where the rows are too many to be read */
struct size_case {
	const char *rules;
	size_t rows;
	unsigned int exts, conds;	/* conds: of the first extension */
};

static void test_size(void **state)
{
	const struct size_case *row = *state;
	struct arena arena = {0};
	struct diags diags = { .arena = &arena };
	struct config_node node;
	struct lowered lowered;
	struct config config;

	config_init(&config, &arena);
	node_init(&node, &arena, row->rules);
	assert_int_equal(lower_rules(&config, &node, &names, &arena, &diags, &lowered), 0);
	assert_int_equal(lowered.rows.n, row->rows);
	assert_int_equal(lowered.n_ext, row->exts);
	if (row->exts)
		assert_int_equal(lowered.ext[0].n_conds, row->conds);
	arena_fini(&arena);
}

/* 'vast' and its square are rows, its square times 17 is too much: looked up */
static const struct size_case sizes[] = {
	{ "ip saddr @noslot drop", 65, 0, 0 },
	{ "ip saddr @noslot ip daddr @large drop", 65, 1, 1 },
	{ "ip saddr @vast drop", 64, 0, 0 },
	{ "ip saddr @vast ip daddr @vast drop", 4096, 0, 0 },
	{ "ip saddr @vast ip daddr @vast "
	  "tcp dport { 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31, 33 } drop",
	  17, 1, 2 },
	{ "ip saddr @vast ip daddr @vast jump web\nweb: "
	  "tcp dport { 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31, 33 } drop",
	  17, 1, 2 },
	{ "ip saddr . tcp dport @rangy drop", 65, 0, 0 },
	{ "ip saddr != @few drop", 32, 0, 0 },
	{ "ip saddr != @vast drop", 1, 1, 1 },
};

/* The rows of all rules: each alone has few enough */
static void test_totals(void **state)
{
	const char *message = "the rules of node 'guard' expand to 1052672 rows, 1048576 at most; "
			      "this one has the most, 4096";
	const unsigned int n = LOWER_ROWS_MAX / 4096 + 1;
	struct config_rule rule;
	struct arena arena = {0};
	struct diags diags = { .arena = &arena };
	struct config_node node;
	struct lowered lowered;
	struct config config;
	unsigned int i;

	config_init(&config, &arena);
	node_init(&node, &arena, "ip saddr @vast ip daddr @vast drop");
	rule = node.rule[0];
	for (i = 1; i < n; i++)
		*arena_push(&arena, node.rule, node.n_rules) = rule;
	assert_int_equal(lower_rules(&config, &node, &names, &arena, &diags, &lowered), -E2BIG);
	assert_int_equal(diags.total, 1);
	assert_string_equal(diags.v[0].code, "too_many_rows");
	assert_string_equal(diags.v[0].message, message);
	node.n_rules--;
	assert_int_equal(lower_rules(&config, &node, &names, &arena, &diags, &lowered), 0);
	assert_int_equal(lowered.rows.n, LOWER_ROWS_MAX);
	arena_fini(&arena);
}

/* On one line */
static const char *title(const char *rules)
{
	static char titles[N(cases) + N(sizes)][128];
	static unsigned int n;
	char *c;

	snprintf(titles[n], sizeof(titles[n]), "%s", rules);
	for (c = titles[n]; *c; c++)
		if (*c == '\n')
			*c = '/';
	return titles[n++];
}

int main(void)
{
	struct CMUnitTest tests[N(cases) + N(sizes) + 1];
	unsigned int i;

	for (i = 0; i < N(cases); i++)
		tests[i] = unit_row(title(cases[i].rules), test_text, &cases[i]);
	for (i = 0; i < N(sizes); i++)
		tests[N(cases) + i] = unit_row(title(sizes[i].rules), test_size, &sizes[i]);
	tests[N(cases) + N(sizes)] = (struct CMUnitTest)cmocka_unit_test(test_totals);
	return unit_main(tests, N(tests));
}
