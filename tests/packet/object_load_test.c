// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* object_load_test.c - object files into the kernel, and what it or the loader refuses */
#include "../lib/objtest.h"
#include "../lib/unit.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/capability.h>

#include <base/file.h>
#include <kernel/object.h>

#define N_ELEMENTS(a)	(sizeof(a) / sizeof((a)[0]))

static struct object_loaded fields;

static int load(const char *path, const char *what, struct object_loaded *ret_loaded,
		struct err *err)
{
	return object_load(objtest_built(path), what, NULL, 0, NULL, 0, unit_folder(), ret_loaded, err);
}

static int setup(void **state)
{
	struct err err = { 0 };

	if (load("tests/lib/fields.tc.o", "fields", &fields, &err) < 0) {
		print_error("%s\n", err.text);
		return -1;
	}
	return 0;
}

static int teardown(void **state)
{
	object_loaded_fini(&fields);
	return 0;
}

static uint32_t map_id(int fd)
{
	struct bpf_map_info info = { 0 };
	uint32_t len = sizeof(info);

	assert_int_equal(bpf_obj_get_info_by_fd(fd, &info, &len), 0);
	return info.id;
}

static uint32_t map_entries(int fd)
{
	struct bpf_map_info info = { 0 };
	uint32_t len = sizeof(info);

	assert_int_equal(bpf_obj_get_info_by_fd(fd, &info, &len), 0);
	return info.max_entries;
}

static void test_load(void **state)
{
	const char *path = objtest_built("tests/lib/fields.xdp.o");
	int cpu = object_loaded_map(&fields, "shunt_cpu");
	const struct object_map maps[] = {
		{ .name = "shunt_cpu", .fd = cpu }, { .name = "field_hash", .fd = -1, .entries = 17 },
	};
	const int16_t offset = 4;
	const struct object_value value = { "offset", &offset, sizeof(offset) };
	struct object_loaded loaded = { .prog_fd = -1 };
	struct err err = { 0 };

	if (object_load(path, "it", &value, 1, maps, 2, NULL, &loaded, &err) < 0)
		fail_msg("%s", err.text);
	assert_true(loaded.prog_fd >= 0);
	assert_int_equal(map_id(object_loaded_map(&loaded, "shunt_cpu")), map_id(cpu));
	assert_int_equal(map_entries(object_loaded_map(&loaded, "field_hash")), 17);
	assert_int_equal(object_loaded_map(&loaded, ".rodata"), -1);
	object_loaded_fini(&loaded);
}

/* What the object does not have, or has otherwise */
static void test_load_wrong(void **state)
{
	const char *path = objtest_built("tests/lib/fields.xdp.o");
	int array = object_loaded_map(&fields, "field_array");
	static const uint64_t big;
	static const struct object_value values[] = { { "ofset", &big, 2 }, { "offset", &big, 8 } };
	const struct object_map maps[] = {
		{ .name = "no_table", .fd = -1 }, { .name = "field_hash", .fd = array },
	};
	struct object_loaded loaded;
	struct err err = { 0 };

	memset(&loaded, 0x5a, sizeof(loaded));
	assert_int_equal(object_load(path, "it", &values[0], 1, NULL, 0, NULL, &loaded, &err), -ENOENT);
	assert_non_null(strstr(err.text, "has no constant 'ofset'"));
	assert_int_equal(object_load(path, "it", &values[1], 1, NULL, 0, NULL, &loaded, &err), -EINVAL);
	assert_string_equal(err.text, "it: constant 'offset' has 2 bytes, not 8");
	assert_int_equal(object_load(path, "it", NULL, 0, &maps[0], 1, NULL, &loaded, &err), -ENOENT);
	assert_non_null(strstr(err.text, "has no table 'no_table'"));
	assert_int_equal(object_load(path, "it", NULL, 0, &maps[1], 1, NULL, &loaded, &err), -EINVAL);
	assert_string_equal(err.text, "it: table 'field_hash' exists with another type or other sizes");
	assert_int_equal(object_load("/bin/true", "it", NULL, 0, NULL, 0, NULL, &loaded, &err), -ENOEXEC);
	assert_string_equal(err.text, "it: '/bin/true': ELF, but not for BPF");
	assert_int_equal(loaded.n_maps, 0x5a5a5a5a);
}

/* Its constants take effect: the program is another one without them */
static void test_gate(void **state)
{
	struct object_loaded loaded = { .prog_fd = -1 };
	const uint32_t slot = 3;
	const struct object_value value = { "shunt_gate_slot", &slot, sizeof(slot) };
	unsigned char frame[64] = { 0 };
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame, .data_size_in = sizeof(frame));
	int i, n = libbpf_num_possible_cpus();
	uint64_t *misses = calloc(n, sizeof(*misses)), sum = 0;
	struct err err = { 0 };

	if (object_load(objtest_built("bpf/gate.xdp.o"), "the gate", &value, 1, NULL, 0, NULL, &loaded,
			&err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(bpf_prog_test_run_opts(loaded.prog_fd, &run), 0);
	assert_int_equal(bpf_map_lookup_elem(object_loaded_map(&loaded, "shunt_gate_miss"), &slot,
					     misses), 0);
	for (i = 0; i < n; i++)
		sum += misses[i];
	assert_int_equal(sum, 1);
	object_loaded_fini(&loaded);
	free(misses);
}

static void refused_by_verifier(const char *path, const char *what, const char *log)
{
	struct object_loaded loaded = { .prog_fd = -1 };
	char text[128], where[PATH_MAX];
	struct err err = { 0 };
	char *data = NULL;
	size_t len;

	assert_int_equal(load(path, what, &loaded, &err), -EACCES);
	snprintf(text, sizeof(text), "kernel refused %s: Permission denied\n  refused.bpf.c:15: "
		 "pkt->mark = data[100]; /* refused here */  <- 'R", what);
	if (strncmp(err.text, text, strlen(text)))
		fail_msg("%s", err.text);
	assert_non_null(strstr(err.text, "offset is outside of the packet'\n  | "));
	assert_null(strstr(err.text, "ulimit"));
	snprintf(where, sizeof(where), "%s/%s", unit_folder(), log);
	assert_non_null(strstr(err.text, where));
	assert_int_equal(file_read(where, 1 << 20, &data, &len, &err), 0);
	assert_non_null(strstr(data, "offset is outside of the packet"));
	assert_int_equal(loaded.prog_fd, -1);
	free(data);
}

static void test_refused(void **state)
{
	refused_by_verifier("tests/lib/refused.xdp.o", "node 'guard' of graph 'edge-in' at xdp",
			    "node-guard-of-graph-edge-in-at-xdp.log");
	refused_by_verifier("tests/lib/refused.tc.o", "node 'guard' of graph 'edge-in' at tc-ingress",
			    "node-guard-of-graph-edge-in-at-tc-ingress.log");
}

/* Without the right to load, the cause is named, not a limit on memory */
static void test_not_permitted(void **state)
{
	const struct __user_cap_header_struct self = { .version = _LINUX_CAPABILITY_VERSION_3 };
	const struct __user_cap_data_struct none[2] = { { 0 } };
	const char *path = objtest_built("tests/lib/fields.tc.o");
	struct object_loaded loaded;
	struct err err = { 0 };
	int r, status;
	pid_t child = fork();

	if (child == 0) {
		if (syscall(SYS_capset, &self, none) < 0)
			_exit(3);
		r = object_load(path, "it", NULL, 0, NULL, 0, NULL, &loaded, &err);
		_exit(r == -EPERM && strstr(err.text, "load it") &&
		      strstr(err.text, "Operation not permitted") &&
		      !strstr(err.text, "ulimit") ? 0 : 4);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_load, setup, teardown),
		cmocka_unit_test_setup_teardown(test_load_wrong, setup, teardown),
		cmocka_unit_test(test_gate),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_not_permitted),
	};

	return unit_main(tests, N_ELEMENTS(tests));
}
