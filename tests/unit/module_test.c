// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* module_test.c - contracts: look up, names of hooks, JSON */
#include "../lib/unit.h"

#include <string.h>

#include <model/module.h>

static struct module_edge edges[] = {
	{ "next", 0, SHUNT_FAIL_CLOSED, SHUNT_TARGET_NODE, 0 },
	{ "over", 1, SHUNT_FAIL_OPEN, SHUNT_TARGET_DROP, SHUNT_REASON_RATE },
	{ "out", 2, SHUNT_FAIL_CLOSED, SHUNT_TARGET_TX, 0 },
	{ "odd", 3, SHUNT_FAIL_CLOSED, SHUNT_TARGET_DROP, SHUNT_REASON_MAX },
};

static struct module_config configs[] = {
	{ .name = "rate", .type = "__u64", .size = 8, .value = UINT64_MAX, .help = "packets" },
	{ .name = "shift", .type = "__s32", .size = 4, .is_signed = true, .value = (uint64_t)-3,
	  .help = "bits" },
	{ .name = "label", .type = "char[8]", .size = 8, .is_string = true, .text = "a\"b",
	  .help = "text" },
};

static struct module_table tables[] = {
	{ .name = "bucket", .type = "lru_hash", .key = "struct shunt_addr", .key_size = 16,
	  .value = "struct bucket", .value_size = 8, .entries = 65536, .schema = 0xf00000000000000full },
};

static const struct module gate = {
	.name = "gate", .path = { "/lib/gate.xdp.o", NULL }, .help = "per-source rate", .abi = 1,
	.hooks = SHUNT_HOOK_XDP | SHUNT_HOOK_TC_EGRESS, .depth = SHUNT_DEPTH_L3, .open_edges = 2,
	.edge = edges, .n_edges = 4, .config = configs, .n_configs = 3, .table = tables, .n_tables = 1,
};

static const char gate_json[] =
	"{\"m\":{\"name\":\"gate\",\"help\":\"per-source rate\","
	"\"path\":{\"xdp\":\"/lib/gate.xdp.o\",\"tc\":null},\"abi\":1,"
	"\"hooks\":[\"xdp\",\"tc-egress\"],\"depth\":\"L3\",\"needs_vlan\":false,"
	"\"edges\":[{\"name\":\"next\",\"fail\":\"closed\",\"target\":\"next\"},"
	"{\"name\":\"over\",\"fail\":\"open\",\"target\":\"drop(rate)\"},"
	"{\"name\":\"out\",\"fail\":\"closed\",\"target\":\"tx\"},"
	"{\"name\":\"odd\",\"fail\":\"closed\",\"target\":\"drop\"}],\"open_edges\":2,"
	"\"config\":[{\"name\":\"rate\",\"type\":\"__u64\",\"default\":18446744073709551615,"
	"\"help\":\"packets\"},"
	"{\"name\":\"shift\",\"type\":\"__s32\",\"default\":-3,\"help\":\"bits\"},"
	"{\"name\":\"label\",\"type\":\"char[8]\",\"default\":\"a\\\"b\",\"help\":\"text\"}],"
	"\"tables\":[{\"name\":\"bucket\",\"type\":\"lru_hash\",\"key\":\"struct shunt_addr\","
	"\"key_bytes\":16,\"value\":\"struct bucket\",\"value_bytes\":8,\"entries\":65536,"
	"\"schema\":\"f00000000000000f\"}]}}";

static void test_find(void **state)
{
	struct module_ref ref[] = { { "other", NULL }, { "./gate.o", &gate } };
	struct module_set set = { ref, 2 };

	assert_ptr_equal(module_find(&set, "./gate.o"), &gate);
	assert_null(module_find(&set, "gate"));
	assert_ptr_equal(module_edge_find(&gate, "over"), &edges[1]);
	assert_null(module_edge_find(&gate, "ove"));
	assert_ptr_equal(module_config_find(&gate, "label"), &configs[2]);
	assert_null(module_config_find(&gate, "next"));
}

static void test_hooks(void **state)
{
	uint32_t hook;

	assert_string_equal(module_hook_name(SHUNT_HOOK_XDP), "xdp");
	assert_string_equal(module_hook_name(SHUNT_HOOK_TC_INGRESS), "tc-ingress");
	assert_string_equal(module_hook_name(SHUNT_HOOK_TC_EGRESS), "tc-egress");
	for (hook = SHUNT_HOOK_XDP; hook <= SHUNT_HOOK_TC_EGRESS; hook <<= 1)
		assert_int_equal(module_hook_from_name(module_hook_name(hook)), hook);
	assert_null(module_hook_name(SHUNT_HOOK_TC));
	assert_null(module_hook_name(0));
	assert_int_equal(module_hook_from_name("tc"), 0);
	assert_int_equal(module_hook_from_name("XDP"), 0);
}

static void test_json(void **state)
{
	struct buf out = { 0 };
	struct jsonw w;

	jsonw_init(&w, &out, false);
	jsonw_object(&w, NULL);
	module_to_json(&gate, &w, "m");
	jsonw_object_end(&w);
	while (out.len && out.data[out.len - 1] == '\n')
		out.data[--out.len] = '\0';
	assert_string_equal(out.data, gate_json);
	buf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		unit_row("module: look up", test_find, NULL),
		unit_row("module: names of hooks", test_hooks, NULL),
		unit_row("module: as JSON", test_json, NULL),
	};

	return unit_main(tests, sizeof(tests) / sizeof(tests[0]));
}
