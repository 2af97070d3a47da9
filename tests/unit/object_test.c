// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* object_test.c - contracts of the built modules; object files that are none, or lie */
#include "../lib/objtest.h"
#include "../lib/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <kernel/object.h>
#include <kernel/object_file.h>

#define N_ELEMENTS(a)	(sizeof(a) / sizeof((a)[0]))

static struct arena arena;

/* ---- what the built modules say ---- */

static struct module inspect(const char *name, const char *module_dir)
{
	struct module module = { 0 };
	struct err err = { 0 };
	int r = object_inspect(name, module_dir, &arena, &module, &err);

	if (r < 0)
		fail_msg("%s: %s", name, err.text);
	return module;
}

/* Refused with this code and these words, nothing written */
static void refused(const char *name, int code, const char *words)
{
	struct module module;
	struct err err = { 0 };
	int r;

	memset(&module, 0x5a, sizeof(module));
	r = object_inspect(name, objtest_built("bpf/modules"), &arena, &module, &err);
	if (r != code || !strstr(err.text, words))
		fail_msg("'%s': %d (%s), wanted %d (%s)", name, r, err.text, code, words);
	assert_int_equal(err.code, code);
	assert_int_equal((unsigned char)*(char *)&module, 0x5a);
}

static void test_count(void **state)
{
	struct module m = inspect("count", objtest_built("bpf/modules"));

	assert_string_equal(m.name, "count");
	assert_string_equal(m.path[0], objtest_built("bpf/modules/count.xdp.o"));
	assert_string_equal(m.path[1], objtest_built("bpf/modules/count.tc.o"));
	assert_string_equal(m.help, "packets and bytes");
	assert_int_equal(m.abi, SHUNT_ABI_VERSION);
	assert_int_equal(m.hooks, SHUNT_HOOK_ANY);
	assert_int_equal(m.depth, SHUNT_DEPTH_L2);
	assert_int_equal(m.n_edges, 1);
	assert_string_equal(m.edge[0].name, "next");
	assert_int_equal(m.edge[0].target, SHUNT_TARGET_NODE);
	assert_int_equal(m.n_configs, 0);
	assert_int_equal(m.n_tables, 1);
	assert_string_equal(m.table[0].name, "count_total");
	assert_string_equal(m.table[0].type, "percpu_array");
	assert_string_equal(m.table[0].key, "__u32");
	assert_string_equal(m.table[0].value, "struct count_total");
	assert_int_equal(m.table[0].value_size, 16);
	assert_int_equal(m.table[0].entries, 1);
}

static void test_filter(void **state)
{
	struct module m = inspect("filter", objtest_built("bpf/modules"));
	const struct module_edge *drop = module_edge_find(&m, "drop");

	assert_int_equal(m.n_edges, 2);
	assert_int_equal(m.open_edges, 8);
	assert_non_null(drop);
	assert_int_equal(drop->index, 1);
	assert_int_equal(drop->target, SHUNT_TARGET_DROP);
	assert_int_equal(drop->arg, SHUNT_REASON_POLICY);
	assert_non_null(module_config_find(&m, "fallback"));
	assert_true(m.n_tables >= 2);
}

static void test_limit(void **state)
{
	struct module m = inspect("limit", objtest_built("bpf/modules"));
	const struct module_config *rate = module_config_find(&m, "rate_pps");

	assert_non_null(rate);
	assert_string_equal(rate->type, "__u64");
	assert_int_equal(rate->size, 8);
	assert_int_equal(rate->value, 1000);
	assert_false(rate->is_signed);
	assert_string_equal(rate->help, "packets per second, 1 to 1000000000");
	assert_int_equal(m.depth, SHUNT_DEPTH_L3);
	assert_string_equal(m.table[0].key, "struct limit_key");
}

static void test_root(void **state)
{
	struct module m = inspect(objtest_built("bpf/root"), "/nowhere");

	assert_string_equal(m.name, "root");
	assert_int_equal(m.hooks, SHUNT_HOOK_ANY);
	assert_int_equal(m.n_tables, 0);
	assert_int_equal(module_config_find(&m, "depth")->value, SHUNT_DEPTH_L4);
}

static void test_values(void **state)
{
	struct module m = inspect(objtest_built("tests/lib/fields.xdp.o"), "/nowhere");
	const struct module_config *c;

	c = module_config_find(&m, "offset");
	assert_true(c->is_signed && !c->is_string);
	assert_int_equal(c->size, 2);
	assert_true((int64_t)c->value == -7);
	c = module_config_find(&m, "big");
	assert_true(c->value == UINT64_MAX);
	c = module_config_find(&m, "label");
	assert_true(c->is_string);
	assert_int_equal(c->size, 16);
	assert_string_equal(c->type, "char[16]");
	assert_string_equal(c->text, "eth0");
	c = module_config_find(&m, "nets");
	assert_true(c->is_prefixes && !c->is_string);
	assert_int_equal(c->size, 4 * sizeof(struct shunt_prefix));
	assert_string_equal(c->type, "struct shunt_prefix[4]");
	assert_string_equal(c->text, "");
	c = module_config_find(&m, "enabled");
	assert_int_equal(c->size, 1);
	assert_int_equal(c->value, 1);
	assert_int_equal(m.open_edges, 2);
	assert_int_equal(m.edge[1].fail, SHUNT_FAIL_OPEN);
}

static const struct module_table *table_of(const struct module *m, const char *name)
{
	unsigned int i;

	for (i = 0; i < m->n_tables; i++)
		if (!strcmp(m->table[i].name, name))
			return &m->table[i];
	fail_msg("no table '%s'", name);
	return NULL;
}

/* Equal over both builds (else inspecting had failed), different by type, flags, fields, offsets */
static void test_schema(void **state)
{
	struct module m = inspect(objtest_built("tests/lib/fields"), "/nowhere");
	unsigned int i, j;

	for (i = 0; i < m.n_tables; i++)
		for (j = 0; j < i; j++)
			assert_true(m.table[i].schema != m.table[j].schema);
	assert_string_equal(table_of(&m, "field_routes")->type, "lpm_trie");
	assert_string_equal(table_of(&m, "field_addrs")->key, "struct shunt_addr");
}

/* The name of one field, in the object's BTF, is all that differs */
static void test_schema_field_name(void **state)
{
	struct objtest in = objtest_read("tests/lib/fields.xdp.o");
	const char *path = objtest_put("a.o", in.data, in.len);
	struct module before = inspect(path, "/nowhere"), after;

	objtest_rename_field(in, "packets", "packers");
	after = inspect(objtest_put("a.o", in.data, in.len), "/nowhere");
	assert_true(table_of(&before, "field_sums")->schema !=
		    table_of(&after, "field_sums")->schema);
	assert_true(table_of(&before, "field_hash")->schema ==
		    table_of(&after, "field_hash")->schema);
	free(in.data);
}

static void test_one_hook(void **state)
{
	struct objtest in = objtest_read("bpf/modules/limit.xdp.o");
	struct module m;

	m = inspect(objtest_put("alone.xdp.o", in.data, in.len), "/nowhere");
	assert_int_equal(m.hooks, SHUNT_HOOK_XDP);
	assert_non_null(m.path[0]);
	assert_null(m.path[1]);
	m = inspect(objtest_put("mine.o", in.data, in.len), "/nowhere");
	assert_int_equal(m.hooks, SHUNT_HOOK_XDP);
	assert_string_equal(m.path[0], objtest_path("mine.o"));
	m = inspect(objtest_path("alone"), "/nowhere");
	assert_string_equal(m.path[0], objtest_path("alone.xdp.o"));
	free(in.data);
	in = objtest_read("bpf/modules/limit.tc.o");
	m = inspect(objtest_put("mine.o", in.data, in.len), "/nowhere");
	assert_int_equal(m.hooks, SHUNT_HOOK_TC);
	assert_null(m.path[0]);
	free(in.data);
}

/* ---- what is refused ---- */

static void test_not_there(void **state)
{
	refused("nosuch", -ENOENT, "nosuch.xdp.o'");
	refused("/nowhere/x.o", -ENOENT, "'/nowhere/x.o': No such file");
	refused("/nowhere/x.tc.o", -ENOENT, "'/nowhere/x.tc.o': No such file");
	refused("/nowhere/x", -ENOENT, "/nowhere/x.xdp.o");
	refused(unit_folder(), -ENOEXEC, "not a regular file");
	if (geteuid() == 0)
		return;		/* may read everything */
	chmod(objtest_put("secret.o", "", 0), 0);
	refused(objtest_path("secret.o"), -EACCES, "secret.o': Permission denied");
}

static void test_fifo(void **state)
{
	assert_int_equal(mkfifo(objtest_path("fifo.o"), 0600), 0);
	refused(objtest_path("fifo.o"), -ENOEXEC, "not a regular file");
}

static void test_not_elf(void **state)
{
	const char *path = objtest_put("empty.o", "", 0), *text = "SHUNT_MODULE(\"x\");\n";

	refused(path, -ENOEXEC, "empty.o': not an ELF file");
	refused(objtest_put("text.o", text, strlen(text)), -ENOEXEC, "text.o': not an ELF file");
	refused(objtest_put("short.o", "\177ELF\2\1\1", 7), -ENOEXEC, "cut off in its header");
	refused("/bin/true", -ENOEXEC, "'/bin/true': ELF, but not for BPF");
}

static void test_too_long(void **state)
{
	int fd = open(objtest_path("long.o"), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_int_equal(ftruncate(fd, OBJECT_FILE_MAX + 1), 0);
	close(fd);
	refused(objtest_path("long.o"), -EFBIG, "long.o");
}

static void test_no_btf(void **state)
{
	struct objtest in = objtest_read("bpf/modules/count.xdp.o");

	memcpy(objtest_find(in, ".BTF\0", 5), ".XXX", 4);
	refused(objtest_put("nobtf.o", in.data, in.len), -ENOEXEC, "no BTF: compile with -g");
	free(in.data);
}

static void test_no_module(void **state)
{
	refused(objtest_built("bpf/gate.xdp.o"), -ENOEXEC,
		"gate.xdp.o': no shunt module in it: SHUNT_MODULE() is missing");
}

static void test_abi(void **state)
{
	struct objtest in = objtest_read("bpf/modules/count.xdp.o");

	objtest_module(in, "count")->abi = 4;
	refused(objtest_put("abi.o", in.data, in.len), -EPROTO, "built for ABI 4, this shuntd speaks 3");
	free(in.data);
}

static void test_wrong_hook(void **state)
{
	struct objtest in = objtest_read("bpf/modules/count.xdp.o");

	refused(objtest_put("wrong.tc.o", in.data, in.len), -EINVAL,
		"its program is for XDP, its name says TC");
	objtest_module(in, "count")->hooks = SHUNT_HOOK_TC_EGRESS;
	refused(objtest_put("wrong.xdp.o", in.data, in.len), -EINVAL, "is for XDP, its name says TC");
	unlink(objtest_path("wrong.tc.o"));
	refused(objtest_path("wrong.xdp.o"), -EINVAL, "not built for a hook that it runs at");
	refused(objtest_put("wrong.o", in.data, in.len), -EINVAL, "not built for a hook that it runs at");
	objtest_replace(in, "xdp.frags", "xdp.fragx");
	refused(objtest_put("wrong.o", in.data, in.len), -EINVAL, "not 'xdp.frags' or 'tc'");
	free(in.data);
}

/* One lie each about itself */
static void test_lies(void **state)
{
	struct objtest in = objtest_read("bpf/modules/count.xdp.o");
	struct shunt_module *m = objtest_module(in, "count"), saved = *m;
	static const char *const words[] = {
		"hooks 0x0", "hooks 0x9", "depth 5", "17 open edges", "the module's name",
		"the module's name", "the module's help", "the module's help", "edges and 16 open ones",
	};
	unsigned int i;

	for (i = 0; i < N_ELEMENTS(words); i++) {
		switch (i) {
		case 0: m->hooks = 0; break;
		case 1: m->hooks = 9; break;
		case 2: m->depth = 5; break;
		case 3: m->open_edges = 17; break;
		case 4: memset(m->name, 'x', sizeof(m->name)); break;
		case 5: m->name[1] = '/'; break;
		case 6: memset(m->help, 'x', sizeof(m->help)); break;
		case 7: m->help[0] = '\033'; break;
		case 8: m->open_edges = 16; break;
		}
		refused(objtest_put("lie.o", in.data, in.len), -EINVAL, words[i]);
		*m = saved;
	}
	inspect(objtest_put("lie.o", in.data, in.len), "/nowhere");
	free(in.data);
}

static void test_edges(void **state)
{
	struct objtest in = objtest_read("bpf/modules/limit.xdp.o");
	const struct shunt_edge_decl over = {
		.index = 1, .fail = SHUNT_FAIL_CLOSED, .target = SHUNT_TARGET_DROP,
		.arg = SHUNT_REASON_RATE,
	};
	struct shunt_edge_decl *decl = (void *)objtest_find(in, &over, sizeof(over));
	static const struct {
		struct shunt_edge_decl decl;
		const char *words;
	} cases[] = {
		{ { 0, 0, SHUNT_TARGET_DROP, 1 }, "have the same number 0" },
		{ { 2, 0, SHUNT_TARGET_DROP, 1 }, "no edge has number 1 of 2" },
		{ { 16, 0, SHUNT_TARGET_DROP, 1 }, "edge 'over' has number 16" },
		{ { 1, 2, SHUNT_TARGET_DROP, 1 }, "edge 'over': 2 is no fail policy" },
		{ { 1, 0, SHUNT_TARGET_MAX, 1 }, "is no default target" },
		{ { 1, 0, SHUNT_TARGET_REDIRECT, 1 }, "is no default target" },
		{ { 1, 0, SHUNT_TARGET_DROP, SHUNT_REASON_MAX }, "is no drop reason" },
	};
	unsigned int i;

	for (i = 0; i < N_ELEMENTS(cases); i++) {
		memcpy(decl, &cases[i].decl, sizeof(*decl));
		refused(objtest_put("edge.o", in.data, in.len), -EINVAL, cases[i].words);
	}
	free(in.data);
}

static void test_tables(void **state)
{
	struct objtest in = objtest_read("bpf/modules/limit.xdp.o");

	objtest_replace(in, "limit_bucket", "shunt_bucket");
	refused(objtest_put("table.o", in.data, in.len), -EINVAL, "begin with shunt_ are reserved");
	objtest_replace(in, "shunt_bucket", "limit_bucket");
	objtest_replace(in, "shunt_cpu", "other_cpu");
	refused(objtest_put("table.o", in.data, in.len), -EINVAL, "table 'shunt_cpu' is missing");
	free(in.data);
}

static void test_disagree(void **state)
{
	struct objtest xdp = objtest_read("tests/lib/fields.xdp.o");
	struct objtest tc = objtest_read("tests/lib/fields.tc.o");
	struct objtest other = objtest_read("bpf/modules/count.tc.o");
	const uint64_t big = UINT64_MAX;
	char *at;

	objtest_put("pair.xdp.o", xdp.data, xdp.len);
	objtest_put("pair.tc.o", tc.data, tc.len);
	inspect(objtest_path("pair"), "/nowhere");
	objtest_put("pair.tc.o", other.data, other.len);
	refused(objtest_path("pair"), -EINVAL, "disagree on 'name'");
	refused(objtest_path("pair.tc.o"), -EINVAL, "disagree on 'name'");
	objtest_module(tc, "fields")->help[0] = 'T';
	objtest_put("pair.tc.o", tc.data, tc.len);
	refused(objtest_path("pair"), -EINVAL, "disagree on 'help'");
	objtest_module(tc, "fields")->help[0] = 't';
	objtest_module(tc, "fields")->open_edges = 1;
	objtest_put("pair.tc.o", tc.data, tc.len);
	refused(objtest_path("pair"), -EINVAL, "disagree on 'edges'");
	objtest_module(tc, "fields")->open_edges = 2;
	at = objtest_find(tc, &big, sizeof(big));
	*at = 0;
	objtest_put("pair.tc.o", tc.data, tc.len);
	refused(objtest_path("pair"), -EINVAL, "disagree on 'big'");
	*at = -1;
	objtest_rename_field(tc, "packets", "packers");
	objtest_put("pair.tc.o", tc.data, tc.len);
	refused(objtest_path("pair"), -EINVAL, "disagree on 'field_sums'");
	objtest_put("pair.tc.o", "x", 1);
	refused(objtest_path("pair.xdp.o"), -ENOEXEC, "pair.tc.o': not an ELF file");
	free(xdp.data);
	free(tc.data);
	free(other.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_count),
		cmocka_unit_test(test_filter),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_root),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_schema),
		cmocka_unit_test(test_schema_field_name),
		cmocka_unit_test(test_one_hook),
		cmocka_unit_test(test_not_there),
		cmocka_unit_test(test_fifo),
		cmocka_unit_test(test_not_elf),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_no_btf),
		cmocka_unit_test(test_no_module),
		cmocka_unit_test(test_abi),
		cmocka_unit_test(test_wrong_hook),
		cmocka_unit_test(test_lies),
		cmocka_unit_test(test_edges),
		cmocka_unit_test(test_tables),
		cmocka_unit_test(test_disagree),
	};
	int r = unit_main(tests, N_ELEMENTS(tests));

	arena_fini(&arena);
	return r;
}
