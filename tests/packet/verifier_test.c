// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * verifier_test.c - how much of the verifier's patience each built-in program takes
 *
 * The kernel gives up at a million instructions looked at; kernels and compilers differ by a
 * factor of five. So a fifth of it is the bound here, for each module at its biggest.
 */
#include "../lib/unit.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <bpf/bpf.h>

#include <base/buf.h>
#include <base/file.h>
#include <kernel/rendering.h>

#include "../lib/rig.h"

#define INSNS_MAX	200000
#define HOOKS		3

static const uint32_t hooks[HOOKS] = { SHUNT_HOOK_XDP, SHUNT_HOOK_TC_INGRESS,
				       SHUNT_HOOK_TC_EGRESS };

static void check_program(const char *name, uint32_t hook, int fd)
{
	struct bpf_prog_info info = { 0 };
	__u32 len = sizeof(info);

	assert_int_equal(bpf_obj_get_info_by_fd(fd, &info, &len), 0);
	print_message("# %s at %s: %u instructions verified, %u translated, %u bytes jited\n", name,
		      module_hook_name(hook), info.verified_insns, info.xlated_prog_len / 8,
		      info.jited_prog_len);
	assert_in_range(info.verified_insns, 1, INSNS_MAX);
}

static int node_program(struct rig *rig, const char *node)
{
	uint32_t slot = rig_node(rig, node)->slot, id = 0;
	char path[PINS_PATH_MAX + 8];
	int fd;

	rendering_path(rig->bpffs, rig->graph, path);
	strcat(path, "/next");
	fd = pins_get(path);
	assert_true(fd >= 0);
	assert_int_equal(bpf_map_lookup_elem(fd, &slot, &id), 0);
	fd_close(fd);
	fd = bpf_prog_get_fd_by_id(id);
	assert_true(fd >= 0);
	return fd;
}

/*
 * Almost 4096 rows in each family, all eight open edges used
 * @goes_on: one more rule, after which the packet goes through the others, too
 */
static void filter_config(struct buf *yaml, bool goes_on)
{
	unsigned int i;

	buf_str(yaml, "    rules:\n");
	if (goes_on)
		buf_str(yaml, "      - udp dport 7 meta mark set 1\n");
	for (i = 0; i < 8; i++)
		buf_printf(yaml, "      - udp dport %u goto open%u\n", i, i);
	buf_str(yaml, "      - udp sport { ");
	for (i = 0; i < 64; i++)
		buf_printf(yaml, "%s%u", i ? ", " : "", 2 * i);
	buf_str(yaml, " } udp dport { ");
	for (i = 0; i < 63; i++)
		buf_printf(yaml, "%s%u", i ? ", " : "", 2 * i);
	buf_str(yaml, " } drop\n");
}

/* Lists that are full */
static void decap_config(struct buf *yaml)
{
	static const char *const lists[] = { "addresses", "sources" };
	unsigned int i, k;

	buf_str(yaml, "    config:\n");
	for (i = 0; i < 2; i++) {
		buf_printf(yaml, "      %s: [", lists[i]);
		for (k = 0; k < 8; k++)
			buf_printf(yaml, "192.0.%u.0/24, \"fd00:%u::/%u\"%s", k, k, 65 + k,
				   k < 7 ? ", " : "]\n");
	}
}

static const char in_rounds[] = "filter, in rounds";

static void test_module(void **state)
{
	const char *tested = *state;
	bool goes_on = tested == in_rounds, filter = goes_on || !strcmp(tested, "filter");
	const char *module = filter ? "filter" : tested;
	struct buf yaml = { 0 };
	struct rig *rig;
	unsigned int i;
	int h, fd;

	buf_printf(&yaml, "nodes:\n  tested:\n    module: %s\n", module);
	if (filter)
		filter_config(&yaml, goes_on);
	else if (!strcmp(module, "decap"))
		decap_config(&yaml);
	buf_str(&yaml, "  behind: { module: count }\ngraphs:\n");
	if (filter) {
		buf_str(&yaml, "  g:\n    entry: tested\n    edges:\n"
			"      tested: { accept: behind");
		for (i = 0; i < 8; i++)
			buf_printf(&yaml, ", open%u: behind", i);
		buf_str(&yaml, " }\n      behind: { next: pass }\n");
	} else if (!strcmp(module, "reject")) {
		buf_str(&yaml, "  g: [tested]\n");	/* nothing goes on from there */
	} else {
		buf_str(&yaml, "  g: [tested, behind]\n");
	}
	for (h = 0; h < HOOKS; h++) {
		rig = rig_new(yaml.data, hooks[h]);
		fd = node_program(rig, "tested");
		check_program(tested, hooks[h], fd);
		if (filter)
			check_program("root", hooks[h], rig->root_fd);
		fd_close(fd);
		rig_free(rig);
	}
	buf_fini(&yaml);
}

int main(void)
{
	static struct CMUnitTest tests[64];
	static char names[64][SHUNT_NAME_MAX];
	DIR *dir = opendir(rig_built("bpf/modules"));
	struct dirent *entry;
	size_t n = 0, len;

	while (dir && n < 63 && (entry = readdir(dir))) {
		len = strlen(entry->d_name);
		if (len <= 6 || len - 6 >= SHUNT_NAME_MAX ||
		    strcmp(entry->d_name + len - 6, ".xdp.o"))
			continue;
		memcpy(names[n], entry->d_name, len - 6);
		tests[n] = unit_row(names[n], test_module, names[n]);
		n++;
	}
	if (dir)
		closedir(dir);
	tests[n++] = unit_row(in_rounds, test_module, in_rounds);
	return n > 1 ? unit_main(tests, n) : 1;
}
