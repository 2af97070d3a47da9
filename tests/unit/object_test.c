// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* object_test.c - contracts of the built modules; files that are none, broken, or lie */
#include "../lib/unit.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <base/file.h>
#include <kernel/object.h>
#include <kernel/object_file.h>
#include <kernel/verifier.h>

#define N_ELEMENTS(a)	(sizeof(a) / sizeof((a)[0]))
#define N_CUTS		50
#define N_FLIPS		2000	/* half of them where the tables are */
#define N_CHUNK		50	/* flips in one child */

static struct arena arena;

/* ---- files ---- */

/* The build folder: the test lies in BUILD/tests/unit/ */
static const char *built(const char *path)
{
	static char exe[PATH_MAX];
	ssize_t n;
	int i;

	n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	assert_true(n > 0);
	exe[n] = '\0';
	for (i = 0; i < 3; i++)
		dirname(exe);
	return arena_printf(&arena, "%s/%s", exe, path);
}

static const char *in_folder(const char *name)
{
	return arena_printf(&arena, "%s/%s", unit_folder(), name);
}

struct bytes {
	char *data;
	size_t len;
};

static struct bytes read_built(const char *path)
{
	struct bytes bytes;
	struct err err = { 0 };

	if (file_read(built(path), OBJECT_FILE_MAX, &bytes.data, &bytes.len, &err) < 0)
		fail_msg("%s", err.text);
	return bytes;
}

/* In the test's folder, under a name. Return: its path */
static const char *put(const char *name, const void *data, size_t len)
{
	const char *path = in_folder(name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), len);
	close(fd);
	return path;
}

static char *find_bytes(struct bytes in, const void *what, size_t len)
{
	char *at = memmem(in.data, in.len, what, len);

	if (!at)
		fail_msg("the object file is not as this test thinks");
	return at;
}

/* The module's description of itself in an object file */
static struct shunt_module *find_module(struct bytes in, const char *name)
{
	char pattern[SHUNT_NAME_MAX] = "", *at;

	snprintf(pattern, sizeof(pattern), "%s", name);
	at = find_bytes(in, pattern, sizeof(pattern));
	return (struct shunt_module *)(at - offsetof(struct shunt_module, name));
}

static Elf64_Shdr *find_section(struct bytes in, const char *name)
{
	Elf64_Ehdr *h = (Elf64_Ehdr *)in.data;
	Elf64_Shdr *sec = (Elf64_Shdr *)(in.data + h->e_shoff);
	int i;

	for (i = 0; i < h->e_shnum; i++)
		if (!strcmp(in.data + sec[h->e_shstrndx].sh_offset + sec[i].sh_name, name))
			return &sec[i];
	fail_msg("no section '%s'", name);
	return NULL;
}

/* Wherever it stands: section names, symbols, types. Equally long */
static void replace_all(struct bytes in, const char *from, const char *to)
{
	char *at = in.data;

	while ((at = memmem(at, in.data + in.len - at, from, strlen(from) + 1)))
		memcpy(at, to, strlen(to));
}

/* A field's name in the types; DWARF has it too, and does not count */
static void rename_field(struct bytes in, const char *from, const char *to)
{
	const Elf64_Shdr *sec = find_section(in, ".BTF");
	struct bytes btf = { in.data + sec->sh_offset, sec->sh_size };

	memcpy(find_bytes(btf, from, strlen(from) + 1), to, strlen(to));
}

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
	r = object_inspect(name, built("bpf/modules"), &arena, &module, &err);
	if (r != code || !strstr(err.text, words))
		fail_msg("'%s': %d (%s), wanted %d (%s)", name, r, err.text, code, words);
	assert_int_equal(err.code, code);
	assert_int_equal((unsigned char)*(char *)&module, 0x5a);
}

static void test_count(void **state)
{
	struct module m = inspect("count", built("bpf/modules"));

	assert_string_equal(m.name, "count");
	assert_string_equal(m.path[0], built("bpf/modules/count.xdp.o"));
	assert_string_equal(m.path[1], built("bpf/modules/count.tc.o"));
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
	struct module m = inspect("filter", built("bpf/modules"));
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
	struct module m = inspect("limit", built("bpf/modules"));
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
	struct module m = inspect(built("bpf/root"), "/nowhere");

	assert_string_equal(m.name, "root");
	assert_int_equal(m.hooks, SHUNT_HOOK_ANY);
	assert_int_equal(m.n_tables, 0);
	assert_int_equal(module_config_find(&m, "depth")->value, SHUNT_DEPTH_L4);
}

static void test_values(void **state)
{
	struct module m = inspect(built("tests/lib/fields.xdp.o"), "/nowhere");
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
	struct module m = inspect(built("tests/lib/fields"), "/nowhere");
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
	struct bytes in = read_built("tests/lib/fields.xdp.o");
	const char *path = put("a.o", in.data, in.len);
	struct module before = inspect(path, "/nowhere"), after;

	rename_field(in, "packets", "packers");
	after = inspect(put("a.o", in.data, in.len), "/nowhere");
	assert_true(table_of(&before, "field_sums")->schema !=
		    table_of(&after, "field_sums")->schema);
	assert_true(table_of(&before, "field_hash")->schema ==
		    table_of(&after, "field_hash")->schema);
	free(in.data);
}

static void test_one_hook(void **state)
{
	struct bytes in = read_built("bpf/modules/limit.xdp.o");
	struct module m;

	m = inspect(put("alone.xdp.o", in.data, in.len), "/nowhere");
	assert_int_equal(m.hooks, SHUNT_HOOK_XDP);
	assert_non_null(m.path[0]);
	assert_null(m.path[1]);
	m = inspect(put("mine.o", in.data, in.len), "/nowhere");
	assert_int_equal(m.hooks, SHUNT_HOOK_XDP);
	assert_string_equal(m.path[0], in_folder("mine.o"));
	m = inspect(in_folder("alone"), "/nowhere");
	assert_string_equal(m.path[0], in_folder("alone.xdp.o"));
	free(in.data);
	in = read_built("bpf/modules/limit.tc.o");
	m = inspect(put("mine.o", in.data, in.len), "/nowhere");
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
	chmod(put("secret.o", "", 0), 0);
	refused(in_folder("secret.o"), -EACCES, "secret.o': Permission denied");
}

static void test_fifo(void **state)
{
	assert_int_equal(mkfifo(in_folder("fifo.o"), 0600), 0);
	refused(in_folder("fifo.o"), -ENOEXEC, "not a regular file");
}

static void test_not_elf(void **state)
{
	const char *path = put("empty.o", "", 0), *text = "SHUNT_MODULE(\"x\");\n";

	refused(path, -ENOEXEC, "empty.o': not an ELF file");
	refused(put("text.o", text, strlen(text)), -ENOEXEC, "text.o': not an ELF file");
	refused(put("short.o", "\177ELF\2\1\1", 7), -ENOEXEC, "cut off in its header");
	refused("/bin/true", -ENOEXEC, "'/bin/true': ELF, but not for BPF");
}

static void test_too_long(void **state)
{
	int fd = open(in_folder("long.o"), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_int_equal(ftruncate(fd, OBJECT_FILE_MAX + 1), 0);
	close(fd);
	refused(in_folder("long.o"), -EFBIG, "long.o");
}

static void test_no_btf(void **state)
{
	struct bytes in = read_built("bpf/modules/count.xdp.o");

	memcpy(find_bytes(in, ".BTF\0", 5), ".XXX", 4);
	refused(put("nobtf.o", in.data, in.len), -ENOEXEC, "no BTF: compile with -g");
	free(in.data);
}

static void test_no_module(void **state)
{
	refused(built("bpf/gate.xdp.o"), -ENOEXEC,
		"gate.xdp.o': no shunt module in it: SHUNT_MODULE() is missing");
}

static void test_abi(void **state)
{
	struct bytes in = read_built("bpf/modules/count.xdp.o");

	find_module(in, "count")->abi = 3;
	refused(put("abi.o", in.data, in.len), -EPROTO, "built for ABI 3, this shuntd speaks 1");
	free(in.data);
}

static void test_wrong_hook(void **state)
{
	struct bytes in = read_built("bpf/modules/count.xdp.o");

	refused(put("wrong.tc.o", in.data, in.len), -EINVAL, "its program is for XDP, its name says TC");
	find_module(in, "count")->hooks = SHUNT_HOOK_TC_EGRESS;
	refused(put("wrong.xdp.o", in.data, in.len), -EINVAL, "is for XDP, its name says TC");
	unlink(in_folder("wrong.tc.o"));
	refused(in_folder("wrong.xdp.o"), -EINVAL, "not built for a hook that it runs at");
	refused(put("wrong.o", in.data, in.len), -EINVAL, "not built for a hook that it runs at");
	replace_all(in, "xdp.frags", "xdp.fragx");
	refused(put("wrong.o", in.data, in.len), -EINVAL, "not 'xdp.frags' or 'tc'");
	free(in.data);
}

/* One lie each about itself */
static void test_lies(void **state)
{
	struct bytes in = read_built("bpf/modules/count.xdp.o");
	struct shunt_module *m = find_module(in, "count"), saved = *m;
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
		refused(put("lie.o", in.data, in.len), -EINVAL, words[i]);
		*m = saved;
	}
	inspect(put("lie.o", in.data, in.len), "/nowhere");
	free(in.data);
}

static void test_edges(void **state)
{
	struct bytes in = read_built("bpf/modules/limit.xdp.o");
	const struct shunt_edge_decl over = {
		.index = 1, .fail = SHUNT_FAIL_CLOSED, .target = SHUNT_TARGET_DROP,
		.arg = SHUNT_REASON_RATE,
	};
	struct shunt_edge_decl *decl = (void *)find_bytes(in, &over, sizeof(over));
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
		refused(put("edge.o", in.data, in.len), -EINVAL, cases[i].words);
	}
	free(in.data);
}

static void test_tables(void **state)
{
	struct bytes in = read_built("bpf/modules/limit.xdp.o");

	replace_all(in, "limit_bucket", "shunt_bucket");
	refused(put("table.o", in.data, in.len), -EINVAL, "begin with shunt_ are reserved");
	replace_all(in, "shunt_bucket", "limit_bucket");
	replace_all(in, "shunt_cpu", "other_cpu");
	refused(put("table.o", in.data, in.len), -EINVAL, "table 'shunt_cpu' is missing");
	free(in.data);
}

static void test_disagree(void **state)
{
	struct bytes xdp = read_built("tests/lib/fields.xdp.o");
	struct bytes tc = read_built("tests/lib/fields.tc.o");
	struct bytes other = read_built("bpf/modules/count.tc.o");
	const uint64_t big = UINT64_MAX;
	char *at;

	put("pair.xdp.o", xdp.data, xdp.len);
	put("pair.tc.o", tc.data, tc.len);
	inspect(in_folder("pair"), "/nowhere");
	put("pair.tc.o", other.data, other.len);
	refused(in_folder("pair"), -EINVAL, "disagree on 'name'");
	refused(in_folder("pair.tc.o"), -EINVAL, "disagree on 'name'");
	find_module(tc, "fields")->help[0] = 'T';
	put("pair.tc.o", tc.data, tc.len);
	refused(in_folder("pair"), -EINVAL, "disagree on 'help'");
	find_module(tc, "fields")->help[0] = 't';
	find_module(tc, "fields")->open_edges = 1;
	put("pair.tc.o", tc.data, tc.len);
	refused(in_folder("pair"), -EINVAL, "disagree on 'edges'");
	find_module(tc, "fields")->open_edges = 2;
	at = find_bytes(tc, &big, sizeof(big));
	*at = 0;
	put("pair.tc.o", tc.data, tc.len);
	refused(in_folder("pair"), -EINVAL, "disagree on 'big'");
	*at = -1;
	rename_field(tc, "packets", "packers");
	put("pair.tc.o", tc.data, tc.len);
	refused(in_folder("pair"), -EINVAL, "disagree on 'field_sums'");
	put("pair.tc.o", "x", 1);
	refused(in_folder("pair.xdp.o"), -ENOEXEC, "pair.tc.o': not an ELF file");
	free(xdp.data);
	free(tc.data);
	free(other.data);
}

/* ---- broken files ---- */

static void test_cut(void **state)
{
	struct bytes in = read_built("bpf/modules/limit.xdp.o");
	unsigned int i;
	size_t len;

	for (i = 0; i < N_CUTS; i++) {
		len = in.len * i / N_CUTS;
		refused(put("cut.o", in.data, len), -ENOEXEC, "cut.o'");
	}
	refused(put("cut.o", in.data, in.len - 1), -ENOEXEC, "cut.o'");
	free(in.data);
}

/* A typedef of itself: libbpf would go round for ever */
static void test_endless(void **state)
{
	struct bytes in = read_built("tests/lib/fields.xdp.o");
	const Elf64_Shdr *sec = find_section(in, ".BTF");
	struct btf *btf = btf__new(in.data + sec->sh_offset, sec->sh_size);
	struct btf_header *h = (void *)(in.data + sec->sh_offset);
	const void *start = btf__type_by_id(btf, 1);
	struct btf_type *type;
	int id = btf__find_by_name_kind(btf, "__u32", BTF_KIND_TYPEDEF);

	assert_true(id > 0);
	type = (void *)((char *)h + h->hdr_len + h->type_off +
			((const char *)btf__type_by_id(btf, id) - (const char *)start));
	type->type = id;
	refused(put("endless.o", in.data, in.len), -ENOEXEC, "has no end");
	type->type = 1u << 30;
	refused(put("endless.o", in.data, in.len), -ENOEXEC, "names what is not there");
	btf__free(btf);
	free(in.data);
}

/* One bit in the file; every other time in its tables: BTF, symbols, relocations, sections */
static void flip(struct bytes in, unsigned int i, uint64_t *random)
{
	static const char *const tables[] = {
		".BTF", ".BTF.ext", ".symtab", ".relxdp.frags", ".rodata", ".maps", ".strtab", "",
	};
	const char *name = tables[i / 2 % N_ELEMENTS(tables)];
	size_t off = 0, len = in.len;
	const Elf64_Shdr *sec;

	if (i % 2 && name[0]) {
		sec = find_section(in, name);
		off = sec->sh_offset;
		len = sec->sh_size;
	} else if (i % 2) {
		off = ((Elf64_Ehdr *)in.data)->e_shoff;
		len = in.len - off;
	}
	in.data[off + unit_random(random) % len] ^= 1 << unit_random(random) % 8;
}

/* In a child: a crash is a finding, not the end of the test. *at: the flip at work */
static void flip_some(struct bytes in, unsigned int from, uint64_t seed, unsigned int *at)
{
	struct bytes copy = { malloc(in.len), in.len };
	struct module module;
	char name[32];
	uint64_t random;
	struct err err;
	int r;

	snprintf(name, sizeof(name), "flip%u.xdp.o", from);
	alarm(120);
	for (*at = from; *at < from + N_CHUNK; ++*at) {
		random = seed + *at * 0x9e3779b97f4a7c15ull;
		random = random ? random : 1;
		memcpy(copy.data, in.data, in.len);
		flip(copy, *at, &random);
		memset(&err, 0, sizeof(err));
		r = object_inspect(put(name, copy.data, copy.len), "/nowhere", &arena, &module, &err);
		if (r < 0 && (!err.text[0] || strlen(err.text) > 1024 || !strstr(err.text, "flip")))
			_exit(3);
	}
	free(copy.data);
	arena_fini(&arena);
	_exit(0);
}

static void test_flips(void **state)
{
	struct bytes in = read_built("tests/lib/fields.xdp.o");
	unsigned int from, *at;
	uint64_t seed = unit_seed();
	int status;
	pid_t child;

	unit_folder();		/* made here: each child would make its own */
	at = mmap(NULL, sizeof(*at), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(at != MAP_FAILED);
	for (from = 0; from < N_FLIPS; from += N_CHUNK) {
		child = fork();
		if (child == 0)
			flip_some(in, from, seed, at);
		assert_int_equal(waitpid(child, &status, 0), child);
		if (status)
			fail_msg("flip %u: status 0x%x", *at, status);
	}
	munmap(at, sizeof(*at));
	free(in.data);
}

/* libbpf has much to say about a broken file: to the log at debug, not to stderr */
static void test_quiet(void **state)
{
	struct bytes in = read_built("bpf/modules/count.xdp.o");
	int saved = dup(STDERR_FILENO), fd;
	struct stat st;

	rename_field(in, "max_entries", "max_entriez");
	put("quiet.o", in.data, in.len);
	fd = open(in_folder("stderr"), O_RDWR | O_CREAT | O_TRUNC, 0600);
	dup2(fd, STDERR_FILENO);
	refused(in_folder("quiet.o"), -ENOEXEC, "libbpf cannot read it: map '");
	dup2(saved, STDERR_FILENO);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, 0);
	close(saved);
	close(fd);
	free(in.data);
}

/* ---- the verifier's log ---- */

#define LOG_OLD								\
	"0: R1=ctx(off=0,imm=0) R10=fp0\n"				\
	"; __u32 cpu = bpf_get_smp_processor_id();\n"			\
	"0: (bf) r6 = r1\n"						\
	"; pkt->mark = data[100]; /* refused here */\n"			\
	"24: (71) r1 = *(u8 *)(r1 +100)\n"				\
	"invalid access to packet, off=100 size=1, R1(id=0,off=100,r=1)\n" \
	"R1 offset is outside of the packet\n"				\
	"processed 25 insns (limit 1000000) max_states_per_insn 0 total_states 1\n"

/* Kernel 6.1 writes no line numbers: they come from the object */
static void test_log_old(void **state)
{
	struct verifier_report report = {
		.code = -EACCES, .what = "node 'x' of graph 'g' at xdp", .log = LOG_OLD,
		.section = "xdp.frags", .log_dir = unit_folder(),
	};
	struct object_file file = { 0 };
	struct object_part ext;
	struct err err = { 0 };
	struct bytes log;

	assert_int_equal(object_file_open(built("tests/lib/refused.xdp.o"), &file, &err), 0);
	assert_int_equal(object_elf_section(file.data, ".BTF.ext", &ext), 0);
	report.btf = bpf_object__btf(file.bpf);
	report.btf_ext = ext.data;
	report.btf_ext_len = ext.n;
	assert_int_equal(verifier_refused(&report, &err), -EACCES);
	assert_int_equal(err.code, -EACCES);
	assert_ptr_equal(strstr(err.text, "kernel refused node 'x' of graph 'g' at xdp: "
				"Permission denied\n  refused.bpf.c:15: pkt->mark = data[100]; "
				"/* refused here */  <- 'R1 offset is outside of the packet'\n"),
			 err.text);
	assert_non_null(strstr(err.text, "whole log: "));
	log.data = NULL;
	assert_int_equal(file_read(in_folder("node-x-of-graph-g-at-xdp.log"), 4096, &log.data,
				   &log.len, &err), 0);
	assert_string_equal(log.data, LOG_OLD);
	free(log.data);
	object_file_fini(&file);
}

static void test_log_new(void **state)
{
	struct verifier_report report = {
		.code = -EACCES, .what = "x", .section = "tc",
		.log = "; a = b @ c; @ some.bpf.c:123\n1: (71) r1 = *(u8 *)(r1 +0)\nR1 invalid\n"
		       "processed 2 insns\n",
	};
	struct err err = { 0 };

	verifier_refused(&report, &err);
	assert_non_null(strstr(err.text, "\n  some.bpf.c:123: a = b @ c;  <- 'R1 invalid'\n"));
	assert_null(strstr(err.text, "whole log"));
}

/* However long the log is, the text ends, and has the place and the file */
static void test_log_long(void **state)
{
	struct verifier_report report = {
		.code = -EACCES, .section = "tc", .log_dir = unit_folder(),
		.what = "long",
	};
	struct buf log = { 0 };
	struct err err = { 0 };
	int i;

	for (i = 0; i < 1000; i++)
		buf_printf(&log, "%d: (b7) r1 = %0150d\n", i, i);
	buf_str(&log, "; last one @ x.c:9\n1000: (95) exit\n");
	for (i = 0; i < 30; i++)
		buf_printf(&log, "%0400d\n", i);
	report.log = log.data;
	verifier_refused(&report, &err);
	assert_true(strlen(err.text) < sizeof(err.text) - 1);
	assert_non_null(strstr(err.text, "x.c:9: last one"));
	assert_non_null(strstr(err.text, "long.log"));
	report.log = "";
	verifier_refused(&report, &err);
	assert_non_null(strstr(err.text, "kernel refused long: Permission denied"));
	buf_fini(&log);
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
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_endless),
		cmocka_unit_test(test_flips),
		cmocka_unit_test(test_quiet),
		cmocka_unit_test(test_log_old),
		cmocka_unit_test(test_log_new),
		cmocka_unit_test(test_log_long),
	};
	int r = unit_main(tests, N_ELEMENTS(tests));

	arena_fini(&arena);
	return r;
}
