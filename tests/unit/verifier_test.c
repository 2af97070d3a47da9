// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* verifier_test.c - from the verifier's log to the line of source */
#include "../lib/objtest.h"
#include "../lib/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <base/buf.h>
#include <base/file.h>
#include <kernel/object_file.h>
#include <kernel/verifier.h>

#define N_ELEMENTS(a)	(sizeof(a) / sizeof((a)[0]))

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
	size_t len;
	char *log;

	assert_int_equal(object_file_open(objtest_built("tests/lib/refused.xdp.o"), &file, &err), 0);
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
	assert_int_equal(file_read(objtest_path("node-x-of-graph-g-at-xdp.log"), 4096, &log, &len,
				   &err), 0);
	assert_string_equal(log, LOG_OLD);
	free(log);
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

/* A helper that is not there: what it takes is said, too */
static void test_log_no_helper(void **state)
{
	static const char *const logs[] = {
		"12: (85) call unknown#204\ninvalid func unknown#204\nprocessed 13 insns\n",
		"12: (85) call bpf_tcp_raw_check_syncookie_ipv6#207\n"
		"unknown func bpf_tcp_raw_check_syncookie_ipv6#207\n",
		"12: (85) call bpf_tcp_raw_gen_syncookie_ipv4#204\nR1 invalid\n",
	};
	struct verifier_report report = { .code = -EINVAL, .what = "x", .section = "tc" };
	struct err err = { 0 };
	unsigned int i;

	for (i = 0; i < N_ELEMENTS(logs); i++) {
		report.log = logs[i];
		verifier_refused(&report, &err);
		assert_int_equal(!!strstr(err.text, "module 'synproxy' needs Linux 6.0 or later"),
				 i < 2);
	}
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
	report.log = "";	/* nothing to quote, nothing to point at */
	verifier_refused(&report, &err);
	assert_non_null(strstr(err.text, "kernel refused long: Permission denied"));
	buf_fini(&log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_log_old),
		cmocka_unit_test(test_log_new),
		cmocka_unit_test(test_log_long),
		cmocka_unit_test(test_log_no_helper),
	};

	return unit_main(tests, N_ELEMENTS(tests));
}
