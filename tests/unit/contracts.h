/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * contracts.h - contracts of modules and a mirror, made by hand
 *
 * The built-in ones say what their sources say; 'mirrored', 'maze' and 'open' are there for
 * what no built-in module has: one hook, defaults of every kind, all types of
 * config values, open edges without rules.
 */
#ifndef TESTS_CONTRACTS_H
#define TESTS_CONTRACTS_H

#include <linux/bpf.h>
#include <string.h>

#include <compile/plan.h>
#include "../../dataplane/modules/filter_rule.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))

#define CLOSED	SHUNT_FAIL_CLOSED
#define OPEN	SHUNT_FAIL_OPEN

static struct module_edge filter_edge[] = {
	{ "accept", 0, CLOSED, SHUNT_TARGET_NODE, 0 },
	{ "drop", 1, CLOSED, SHUNT_TARGET_DROP, SHUNT_REASON_POLICY },
};

static struct module_config filter_config[] = {
	{ .name = "rounds", .type = "__u32", .size = 4,
	  .help = "how often the classifier is asked at most (from the rules)" },
	{ .name = "hits_room", .type = "__u32", .size = 4,
	  .help = "room of table filter_hits (from the rules)" },
	{ .name = "fallback", .type = "__u32", .size = 4,
	  .help = "edge where no rule matches (from 'default')" },
};

static struct module_table filter_table[] = {
	{ "filter_image", "array", BPF_MAP_TYPE_ARRAY, 4, sizeof(struct classifier_head), 1,
	  "__u8[4]", "__u8[64]", 41 },
	{ "filter_hits", "array", BPF_MAP_TYPE_ARRAY, 4, sizeof(struct filter_hits), 1,
	  "__u32", "struct filter_hits", 61 },
	{ "ct_flows4", "array", BPF_MAP_TYPE_ARRAY, 4, sizeof(struct conntrack_flow4), 1, "__u32",
	  "struct conntrack_flow4", 82 },
};

static struct module_edge count_edge[] = {
	{ "next", 0, CLOSED, SHUNT_TARGET_NODE, 0 },
};

static struct module_table count_table[] = {
	{ "count_total", "percpu_array", BPF_MAP_TYPE_PERCPU_ARRAY, 4, 16, 1, "__u32",
	  "struct count_total", 51 },
};

static struct module_edge limit_edge[] = {
	{ "next", 0, CLOSED, SHUNT_TARGET_NODE, 0 },
	{ "over", 1, CLOSED, SHUNT_TARGET_DROP, SHUNT_REASON_RATE },
};

static struct module_config limit_config[] = {
	{ .name = "rate_pps", .type = "__u64", .size = 8, .value = 1000 },
	{ .name = "burst_pkts", .type = "__u64", .size = 8, .value = 100 },
	{ .name = "prefix4", .type = "__u8", .size = 1, .value = 32 },
	{ .name = "prefix6", .type = "__u8", .size = 1, .value = 64 },
};

static struct module_table limit_table[] = {
	{ "limit_bucket", "lru_hash", BPF_MAP_TYPE_LRU_HASH, 20, 8, 65536, "struct limit_key",
	  "struct limit_bucket", 71 },
};

static struct module_edge maze_edge[] = {
	{ "out", 0, OPEN, SHUNT_TARGET_PASS, 0 },
	{ "back", 1, CLOSED, SHUNT_TARGET_TX, 0 },
	{ "odd", 2, CLOSED, SHUNT_TARGET_UNBOUND, 0 },
	{ "next", 3, CLOSED, SHUNT_TARGET_NODE, 0 },
};

static struct module_config maze_config[] = {
	{ .name = "byte", .type = "__u8", .size = 1 },
	{ .name = "flag", .type = "_Bool", .size = 1 },
	{ .name = "small", .type = "__s16", .size = 2, .is_signed = true },
	{ .name = "word", .type = "__u32", .size = 4 },
	{ .name = "number", .type = "__s64", .size = 8, .is_signed = true },
	{ .name = "label", .type = "char[8]", .size = 8, .is_string = true, .text = "" },
	{ .name = "nets", .type = "struct shunt_prefix[3]", .size = 3 * sizeof(struct shunt_prefix),
	  .is_prefixes = true, .text = "" },
	{ .name = "inner", .type = "__u32", .size = 4, .help = "worked out (from the moon)" },
	{ .name = "tenths", .type = "__u8", .size = 1, .value = 5, .help = "a share, 1 to 10" },
};

static struct module_edge conntrack_edge[] = {
	{ "next", 0, CLOSED, SHUNT_TARGET_NODE, 0 },
	{ "established", 1, CLOSED, SHUNT_TARGET_NODE, 0 },
	{ "invalid", 2, CLOSED, SHUNT_TARGET_DROP, SHUNT_REASON_CT_INVALID },
};

static struct module_config conntrack_config[] = {
	{ .name = "zone", .type = "__u16", .size = 2 },
};

static struct module_table conntrack_table[] = {
	{ "ct_tags4", "array", BPF_MAP_TYPE_ARRAY, 4, sizeof(__u64), 1, "__u32", "__u64", 80 },
	{ "ct_conf", "array", BPF_MAP_TYPE_ARRAY, 4, sizeof(struct conntrack_conf), 1, "__u32",
	  "struct conntrack_conf", 81 },
	{ "ct_flows4", "array", BPF_MAP_TYPE_ARRAY, 4, sizeof(struct conntrack_flow4), 1, "__u32",
	  "struct conntrack_flow4", 82 },
};

/* Looks into the flow table, and has none of its own */
static struct module_edge marks_edge[] = {
	{ "next", 0, CLOSED, SHUNT_TARGET_NODE, 0 },
};

static struct module_table marks_table[] = {
	{ "ct_flows4", "array", BPF_MAP_TYPE_ARRAY, 4, sizeof(struct conntrack_flow4), 1, "__u32",
	  "struct conntrack_flow4", 82 },
};

static struct module_edge commit_edge[] = {
	{ "next", 0, CLOSED, SHUNT_TARGET_NODE, 0 },
	{ "limited", 1, CLOSED, SHUNT_TARGET_DROP, SHUNT_REASON_CT_LIMIT },
};

static struct module_edge nat_edge[] = {
	{ "next", 0, CLOSED, SHUNT_TARGET_NODE, 0 },
};

static struct module_table nat_table[] = {
	{ "nat_rules", "array", BPF_MAP_TYPE_ARRAY, 4, sizeof(struct nat_rule), 4096, "__u32",
	  "struct nat_rule", 91 },
};

static struct module_edge lb_edge[] = {
	{ "miss", 0, CLOSED, SHUNT_TARGET_NODE, 0 },
	{ "nat", 1, CLOSED, SHUNT_TARGET_NODE, 0 },
	{ "hit", 2, CLOSED, SHUNT_TARGET_TX, 0 },
};

static struct module_table lb_table[] = {
	{ "lb_services", "array", BPF_MAP_TYPE_ARRAY, 4, sizeof(struct lb_service), LB_SERVICES,
	  "__u32", "struct lb_service", 92 },
};

static struct module_edge synproxy_edge[] = {
	{ "next", 0, CLOSED, SHUNT_TARGET_NODE, 0 },
	{ "reply", 1, CLOSED, SHUNT_TARGET_TX, 0 },
	{ "refused", 2, CLOSED, SHUNT_TARGET_DROP, SHUNT_REASON_BAD_COOKIE },
};

static struct module_edge mirrored_edge[] = {
	{ "end", 0, CLOSED, SHUNT_TARGET_PASS, 0 },
};

static struct module_edge open_edge[] = {
	{ "next", 0, CLOSED, SHUNT_TARGET_NODE, 0 },
	{ "miss", 1, CLOSED, SHUNT_TARGET_PASS, 0 },
};

#define CONTRACT(name_, hooks_, depth_, open_) {			\
	.name = #name_, .path = { #name_ ".xdp.o", #name_ ".tc.o" },	\
	.abi = SHUNT_ABI_VERSION, .hooks = (hooks_), .depth = (depth_),	\
	.open_edges = (open_), .edge = name_##_edge, .n_edges = N(name_##_edge)
#define CONFIGS(name_) .config = name_##_config, .n_configs = N(name_##_config)
#define TABLES(name_) .table = name_##_table, .n_tables = N(name_##_table)

static struct module contract[] = {
	CONTRACT(filter, SHUNT_HOOK_ANY, SHUNT_DEPTH_L4, 8), CONFIGS(filter), TABLES(filter) },
	CONTRACT(count, SHUNT_HOOK_ANY, SHUNT_DEPTH_L2, 0), TABLES(count) },
	CONTRACT(limit, SHUNT_HOOK_ANY, SHUNT_DEPTH_L3, 0), CONFIGS(limit), TABLES(limit) },
	CONTRACT(conntrack, SHUNT_HOOK_ANY, SHUNT_DEPTH_L4, 0), CONFIGS(conntrack),
	  TABLES(conntrack) },
	CONTRACT(commit, SHUNT_HOOK_ANY, SHUNT_DEPTH_L4, 0) },
	CONTRACT(marks, SHUNT_HOOK_ANY, SHUNT_DEPTH_L2, 0), TABLES(marks) },
	CONTRACT(nat, SHUNT_HOOK_ANY, SHUNT_DEPTH_L4, 0), TABLES(nat) },
	CONTRACT(lb, SHUNT_HOOK_ANY, SHUNT_DEPTH_L4, 0), TABLES(lb) },
	CONTRACT(synproxy, SHUNT_HOOK_ANY, SHUNT_DEPTH_L4, 0) },
	CONTRACT(maze, SHUNT_HOOK_ANY, SHUNT_DEPTH_L2, 0), CONFIGS(maze) },
	CONTRACT(mirrored, SHUNT_HOOK_TC, SHUNT_DEPTH_L2, 0) },
	CONTRACT(open, SHUNT_HOOK_ANY, SHUNT_DEPTH_L2, 2) },
};

static inline struct module_set contracts(void)
{
	static struct module_ref ref[N(contract)];
	unsigned int i;

	for (i = 0; i < N(contract); i++)
		ref[i] = (struct module_ref){ contract[i].name, &contract[i] };
	return (struct module_set){ ref, N(contract) };
}

static inline struct link_table mirror_links(void)
{
	static struct link link[] = {
		{ .ifindex = 1, .name = "lo" }, { .ifindex = 2, .name = "eth0" },
		{ .ifindex = 3, .name = "eth1" }, { .ifindex = 7, .name = "veth1" },
		{ .ifindex = 9, .name = "veth22" },
	};

	return (struct link_table){ link, N(link), N(link) };
}

/* YAML to a plan; all of it in diags->arena. Return: 0 or -EINVAL */
static inline int compile_text(const char *text, size_t len, const struct plan *running,
			       uint32_t generation, struct diags *diags, struct plan *ret_plan)
{
	struct module_set modules = contracts();
	struct link_table links = mirror_links();
	struct config config;
	struct tree *tree;
	int r;

	r = tree_from_yaml(text, len, diags, &tree);
	if (r < 0)
		return r;
	r = config_from_tree(tree, diags, &config);
	if (r < 0)
		return r;
	return plan_compile(&config, &modules, &links, running, generation, diags, ret_plan);
}

#endif
