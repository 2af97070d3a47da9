// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* node.c - a configured node against its module's contract: config values, rules, open edges */
#include <string.h>

#include <compile/compile.h>

bool node_value_reserved(const struct module_config *config)
{
	const char *from = config->help ? strrchr(config->help, '(') : NULL;

	return from && !strncmp(from, "(from ", 6) && from[strlen(from) - 1] == ')';
}

/* ---- config values ------------------------------------------------------------------------ */

static const struct config_value *value_find(const struct config_node *node, const char *name)
{
	unsigned int i;

	for (i = 0; i < node->n_values; i++)
		if (!strcmp(node->value[i].name, name))
			return &node->value[i];
	return NULL;
}

static void unknown_value(struct compile *c, const struct node *node,
			  const struct config_value *value)
{
	const struct module *module = node->module;
	const char **known = arena_new_n(c->arena, const char *, module->n_configs);
	unsigned int i, n = 0;
	struct diag *diag;

	for (i = 0; i < module->n_configs; i++)
		if (!node_value_reserved(&module->config[i]))
			known[n++] = module->config[i].name;
	diag = compile_find(c, value->tree, "unknown_config",
			    "module '%s' has no config value '%s'", module->name, value->name);
	diag->key = 1;
	if (!n)
		diag->hint = "it has none";
	diag_suggest(c->diags, diag, value->name, known, n);
}

static void check_values(struct compile *c, const struct node *node)
{
	unsigned int i;

	for (i = 0; i < node->config->n_values; i++) {
		const struct config_value *value = &node->config->value[i];
		const struct module_config *contract;

		contract = module_config_find(node->module, value->name);
		if (!contract)
			unknown_value(c, node, value);
		else if (node_value_reserved(contract))
			compile_find(c, value->tree, "reserved_config",
				     "config value '%s' of module '%s' cannot be set: %s",
				     value->name, node->module->name,
				     strrchr(contract->help, '('))->key = 1;
	}
}

static void add_value(struct compile *c, struct node *node, const struct module_config *contract,
		      const void *data)
{
	struct plan_value *value = arena_push(c->arena, node->value, node->n_values);

	*value = (struct plan_value){ contract->name, data, contract->size };
}

/* In the module's order, so that the configuration's does not change the rendering */
static void read_values(struct compile *c, struct node *node)
{
	unsigned int i;

	check_values(c, node);
	for (i = 0; i < node->module->n_configs; i++) {
		const struct module_config *contract = &node->module->config[i];
		const struct config_value *value = value_find(node->config, contract->name);
		const void *data;

		if (!value || node_value_reserved(contract))
			continue;
		data = value_read(c, value, contract, node->module);
		if (data)
			add_value(c, node, contract, data);
	}
}

/* ---- edges of rules ----------------------------------------------------------------------- */

const char *node_edge_name(struct arena *arena, const char *edge, const char *reason)
{
	return reason ? arena_printf(arena, "%s(%s)", edge, reason) : edge;
}

int node_edge_index(const struct node *node, const char *name)
{
	const struct module_edge *edge = module_edge_find(node->module, name);
	unsigned int i;

	if (edge)
		return edge->index;
	for (i = 0; i < node->n_open; i++)
		if (!strcmp(node->open[i].name, name))
			return node->module->n_edges + i;
	return -1;
}

static void open_edge(struct compile *c, struct node *node, const char *name, const char *reason,
		      const struct config_rule *rule)
{
	if (node_edge_index(node, name) >= 0)
		return;
	*arena_push(c->arena, node->open, node->n_open) =
		(struct node_open){ .name = name, .reason = reason, .rule = rule };
}

static const char *fallback_of(const struct node *node)
{
	return node->config->fallback ? node->config->fallback : "accept";
}

static void open_edges(struct compile *c, struct node *node)
{
	const struct config_node *config = node->config;
	unsigned int i;

	for (i = 0; i < config->n_rules; i++) {
		const struct expr_rule *expr = &config->rule[i].expr;

		open_edge(c, node, node_edge_name(c->arena, expr->verdict.edge, expr->verdict.reason),
			  expr->verdict.reason, &config->rule[i]);
	}
	open_edge(c, node, fallback_of(node), NULL, NULL);
	if (node->n_open <= node->module->open_edges)
		return;
	compile_find(c, config->tree, "too_many_edges",
		     "the rules of node '%s' name %u edges that module '%s' does not declare, %u at most",
		     config->name, node->n_open, node->module->name,
		     node->module->open_edges)->hint =
		arena_printf(c->arena, "each drop(REASON) is one of them; the last is '%s'",
			     node->open[node->n_open - 1].name);
	node->n_open = node->module->open_edges;
}

/* ---- rules -------------------------------------------------------------------------------- */

static bool has_table(const struct module *module, const char *name, uint32_t value_size)
{
	unsigned int i;

	for (i = 0; i < module->n_tables; i++)
		if (!strcmp(module->table[i].name, name))
			return module->table[i].value_size == value_size;
	return false;
}

static bool has_u32(const struct module *module, const char *name)
{
	const struct module_config *config = module_config_find(module, name);

	return config && config->size == sizeof(uint32_t) && node_value_reserved(config);
}

/* Whoever has the filter's tables takes rules: a user's module may */
static bool takes_rules(const struct module *module)
{
	return has_table(module, "filter_rows4", sizeof(struct filter_chunk4)) &&
	       has_table(module, "filter_rows6", sizeof(struct filter_chunk6)) &&
	       has_u32(module, "rows4") && has_u32(module, "rows6") && has_u32(module, "fallback");
}

static void refuse_rules(struct compile *c, const struct node *node)
{
	const struct config_node *config = node->config;
	const char *key = config->n_rules ? "rules" : "default";
	const struct tree *tree = tree_get(config->tree, key);

	if (!config->n_rules && !config->fallback)
		return;
	compile_find(c, tree ? tree : config->tree, "no_rules", "module '%s' takes no %s",
		     node->module->name, config->n_rules ? "rules" : "default edge")->key = 1;
}

/* Of one family */
struct row_count {
	const char *family;
	uint64_t total;
	uint64_t most;			/* of one rule */
	unsigned int rule;		/* that one */
};

static void count_rule(struct row_count *count, uint64_t n, unsigned int rule)
{
	if (__builtin_add_overflow(count->total, n, &count->total))
		count->total = UINT64_MAX;
	if (n > count->most) {
		count->most = n;
		count->rule = rule;
	}
}

static void check_rows(struct compile *c, const struct node *node, const struct row_count *count)
{
	if (count->total <= FILTER_ROWS_MAX)
		return;
	compile_find(c, node->config->rule[count->rule].tree, "too_many_rows",
		     "the rules of node '%s' expand to %llu rows for %s, %u at most; this one has the most, %llu",
		     node->config->name, (unsigned long long)count->total, count->family,
		     FILTER_ROWS_MAX, (unsigned long long)count->most)->hint =
		"a rule takes the product of its prefixes, ranges and protocols";
}

static const char *rule_text(struct arena *arena, const struct expr_rule *rule)
{
	struct buf buf = {0};
	char *text;

	expr_print(rule, &buf);
	text = arena_strdup(arena, buf.data ? buf.data : "");
	buf_fini(&buf);
	return text;
}

static void read_rules(struct compile *c, struct node *node)
{
	const struct config_node *config = node->config;
	struct row_count count4 = { .family = "IPv4" }, count6 = { .family = "IPv6" };
	struct filter_cost cost;
	unsigned int i;

	node->rule_text = arena_new_n(c->arena, const char *, config->n_rules);
	for (i = 0; i < config->n_rules; i++) {
		const struct expr_rule *expr = &config->rule[i].expr;
		const char *edge = node_edge_name(c->arena, expr->verdict.edge, expr->verdict.reason);

		node->rule_text[i] = rule_text(c->arena, expr);
		filter_add_rule(&node->rows, c->arena, c->config, expr,
				node_edge_index(node, edge), i, &cost);
		count_rule(&count4, cost.n4, i);
		count_rule(&count6, cost.n6, i);
	}
	check_rows(c, node, &count4);
	check_rows(c, node, &count6);
}

static void filter_value(struct compile *c, struct node *node, const char *name, uint32_t value)
{
	add_value(c, node, module_config_find(node->module, name), value_u32(c->arena, value));
}

void node_read(struct compile *c, const struct config_node *config, struct node *ret_node)
{
	struct node *node = ret_node;

	*node = (struct node){
		.config = config,
		.module = module_find(c->modules, config->module),
	};
	if (!node->module) {
		compile_find(c, config->tree, "no_such_module", "node '%s': no module '%s'",
			     config->name, config->module);
		return;
	}
	node->is_filter = takes_rules(node->module);
	read_values(c, node);
	if (!node->is_filter) {
		refuse_rules(c, node);
		return;
	}
	open_edges(c, node);
	read_rules(c, node);
	filter_value(c, node, "rows4", node->rows.n4);
	filter_value(c, node, "rows6", node->rows.n6);
	filter_value(c, node, "fallback", node_edge_index(node, fallback_of(node)));
}
