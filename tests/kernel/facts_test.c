// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * facts_test.c - what the data path relies on the kernel for
 *
 * Programs are a few instructions each, so that a kernel on which one of these
 * fails is known before anything is blamed on shunt.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <time.h>
#include <unistd.h>

#include <linux/bpf.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include <kernel/jiffies.h>
#include <shunt/abi.h>

#include "../lib/objtest.h"
#include "../lib/unit.h"

#define TAIL_CALLS_MAX 33		/* MAX_TAIL_CALL_CNT */

#define MOV64(dst_, imm_) \
	((struct bpf_insn) { .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = dst_, .imm = imm_ })
#define LD_MAP(dst_, fd_) \
	((struct bpf_insn) { .code = BPF_LD | BPF_DW | BPF_IMM, .dst_reg = dst_, \
			     .src_reg = BPF_PSEUDO_MAP_FD, .imm = fd_ }), ((struct bpf_insn) {})
#define LD_VALUE(dst_, fd_) \
	((struct bpf_insn) { .code = BPF_LD | BPF_DW | BPF_IMM, .dst_reg = dst_, \
			     .src_reg = BPF_PSEUDO_MAP_VALUE, .imm = fd_ }), ((struct bpf_insn) {})
#define LD_FUNCTION(dst_, rel_) \
	((struct bpf_insn) { .code = BPF_LD | BPF_DW | BPF_IMM, .dst_reg = dst_, \
			     .src_reg = BPF_PSEUDO_FUNC, .imm = rel_ }), ((struct bpf_insn) {})
#define ALU64(op_, dst_, imm_) \
	((struct bpf_insn) { .code = BPF_ALU64 | op_ | BPF_K, .dst_reg = dst_, .imm = imm_ })
#define MOV64_REG(dst_, src_) \
	((struct bpf_insn) { .code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = dst_, \
			     .src_reg = src_ })
#define LDX64(dst_, src_, off_) \
	((struct bpf_insn) { .code = BPF_LDX | BPF_MEM | BPF_DW, .dst_reg = dst_, \
			     .src_reg = src_, .off = off_ })
#define STX64(dst_, off_, src_) \
	((struct bpf_insn) { .code = BPF_STX | BPF_MEM | BPF_DW, .dst_reg = dst_, \
			     .src_reg = src_, .off = off_ })
#define ST64(dst_, off_, imm_) \
	((struct bpf_insn) { .code = BPF_ST | BPF_MEM | BPF_DW, .dst_reg = dst_, \
			     .off = off_, .imm = imm_ })
#define JNE(dst_, imm_, rel_) \
	((struct bpf_insn) { .code = BPF_JMP | BPF_JNE | BPF_K, .dst_reg = dst_, \
			     .off = rel_, .imm = imm_ })
#define CALL(helper_)	((struct bpf_insn) { .code = BPF_JMP | BPF_CALL, .imm = helper_ })
#define EXIT()		((struct bpf_insn) { .code = BPF_JMP | BPF_EXIT })
#define ADD_AT(dst_, src_) \
	((struct bpf_insn) { .code = BPF_STX | BPF_ATOMIC | BPF_DW, .dst_reg = dst_, \
			     .src_reg = src_, .imm = BPF_ADD })

static int load(const struct bpf_insn *insn, size_t n)
{
	int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "fact", "GPL", insn, n, NULL);

	assert_true(fd >= 0);
	return fd;
}

/* Tail call to slot 0 of an array; XDP_PASS if it finds nothing there */
static int load_jump(int array_fd)
{
	const struct bpf_insn insn[] = {
		LD_MAP(BPF_REG_2, array_fd), MOV64(BPF_REG_3, 0), CALL(BPF_FUNC_tail_call),
		MOV64(BPF_REG_0, XDP_PASS), EXIT(),
	};

	return load(insn, sizeof(insn) / sizeof(insn[0]));
}

static int load_verdict(int verdict)
{
	const struct bpf_insn insn[] = { MOV64(BPF_REG_0, verdict), EXIT() };

	return load(insn, 2);
}

static uint32_t run(int fd)
{
	unsigned char frame[64] = { 0 };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(frame),
		    .repeat = 1);

	assert_int_equal(bpf_prog_test_run_opts(fd, &opts), 0);
	return opts.retval;
}

static int array_new(void)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_PROG_ARRAY, "fact", 4, 4, 4, NULL);

	assert_true(fd >= 0);
	return fd;
}

static void array_put(int array_fd, int prog_fd)
{
	uint32_t zero = 0;

	assert_int_equal(bpf_map_update_elem(array_fd, &zero, &prog_fd, BPF_ANY), 0);
}

/* A bpffs of this test's own */
static void bpffs_open(char *ret_path, size_t size)
{
	snprintf(ret_path, size, "%s", unit_folder());
	assert_int_equal(mount("bpf", ret_path, "bpf", 0, "mode=0700"), 0);
}

static void bpffs_close(const char *path)
{
	assert_int_equal(umount2(path, MNT_DETACH), 0);
}

/* kernel/gates.c commits by this: the next packet takes the new program */
static void test_slot_write_takes_effect(void **state)
{
	int array = array_new(), jump = load_jump(array);
	int drop = load_verdict(XDP_DROP), tx = load_verdict(XDP_TX);

	array_put(array, drop);
	assert_int_equal(run(jump), XDP_DROP);
	array_put(array, tx);
	assert_int_equal(run(jump), XDP_TX);
	close(drop);
	close(tx);
	assert_int_equal(run(jump), XDP_TX);	/* the array holds it */
	close(jump);
	close(array);
}

/* kernel/rendering.c pins arrays before they are used: this is why */
static void test_array_without_pin_is_emptied(void **state)
{
	int array = array_new(), jump = load_jump(array), drop = load_verdict(XDP_DROP), i;

	array_put(array, drop);
	assert_int_equal(run(jump), XDP_DROP);
	close(array);				/* the program still holds it */
	for (i = 0; i < 2000 && run(jump) != XDP_PASS; i++)
		usleep(1000);			/* the kernel empties it by and by */
	assert_int_equal(run(jump), XDP_PASS);	/* missed: went on behind the call */
	close(drop);
	close(jump);
}

static void test_array_with_pin_is_kept(void **state)
{
	int array = array_new(), jump = load_jump(array), drop = load_verdict(XDP_DROP);
	char folder[200], pin[220];

	bpffs_open(folder, sizeof(folder));
	snprintf(pin, sizeof(pin), "%s/next", folder);
	array_put(array, drop);
	assert_int_equal(bpf_obj_pin(array, pin), 0);
	close(array);
	assert_int_equal(run(jump), XDP_DROP);
	close(drop);
	close(jump);
	bpffs_close(folder);
}

/* kernel/pins.h and the names of nodes and graphs (model/config.h) keep to this */
static void test_pins_have_no_dots(void **state)
{
	int array = array_new();
	char folder[200], pin[220];

	bpffs_open(folder, sizeof(folder));
	snprintf(pin, sizeof(pin), "%s/a.b", folder);
	assert_int_equal(bpf_obj_pin(array, pin), -EPERM);
	snprintf(pin, sizeof(pin), "%s/a@b:c-d_e", folder);
	assert_int_equal(bpf_obj_pin(array, pin), 0);
	close(array);
	bpffs_close(folder);
}

/* SHUNT_DEPTH_MAX leaves room for it: gate to root, root to the first node */
static void test_tail_calls_are_bounded(void **state)
{
	int array = array_new(), count, prog;
	uint64_t runs = 0;
	uint32_t zero = 0;

	count = bpf_map_create(BPF_MAP_TYPE_ARRAY, "fact", 4, 8, 1, NULL);
	assert_true(count >= 0);
	const struct bpf_insn insn[] = {
		LD_VALUE(BPF_REG_4, count), MOV64(BPF_REG_5, 1), ADD_AT(BPF_REG_4, BPF_REG_5),
		LD_MAP(BPF_REG_2, array), MOV64(BPF_REG_3, 0), CALL(BPF_FUNC_tail_call),
		MOV64(BPF_REG_0, XDP_PASS), EXIT(),
	};

	prog = load(insn, sizeof(insn) / sizeof(insn[0]));
	array_put(array, prog);
	assert_int_equal(run(prog), XDP_PASS);
	assert_int_equal(bpf_map_lookup_elem(count, &zero, &runs), 0);
	assert_int_equal(runs, TAIL_CALLS_MAX + 1);
	assert_true(SHUNT_DEPTH_MAX + 2 <= TAIL_CALLS_MAX);
	close(prog);
	close(count);
	close(array);
}

/* kernel/counters.c reads without a system call what programs count */
static void test_mapped_array_shows_writes(void **state)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	int count = bpf_map_create(BPF_MAP_TYPE_ARRAY, "fact", 4, 8, 1, &opts), prog;
	uint64_t *mapped;

	assert_true(count >= 0);
	mapped = mmap(NULL, 4096, PROT_READ, MAP_SHARED, count, 0);
	assert_ptr_not_equal(mapped, MAP_FAILED);
	const struct bpf_insn insn[] = {
		LD_VALUE(BPF_REG_4, count), MOV64(BPF_REG_5, 1), ADD_AT(BPF_REG_4, BPF_REG_5),
		MOV64(BPF_REG_0, XDP_PASS), EXIT(),
	};

	prog = load(insn, sizeof(insn) / sizeof(insn[0]));
	run(prog);
	run(prog);
	assert_int_equal(*(volatile uint64_t *)mapped, 2);
	close(prog);
	munmap(mapped, 4096);
	close(count);
}

/* Programs with fragments and without cannot share an array: all of ours have them */
static void test_array_wants_equal_fragments(void **state)
{
	LIBBPF_OPTS(bpf_prog_load_opts, frags, .prog_flags = BPF_F_XDP_HAS_FRAGS);
	const struct bpf_insn insn[] = { MOV64(BPF_REG_0, XDP_DROP), EXIT() };
	int array = array_new(), plain = load_verdict(XDP_DROP), other;
	uint32_t one = 1;

	other = bpf_prog_load(BPF_PROG_TYPE_XDP, "fact", "GPL", insn, 2, &frags);
	assert_true(other >= 0);
	array_put(array, plain);
	assert_true(bpf_map_update_elem(array, &one, &other, BPF_ANY) < 0);
	assert_int_equal(errno, EINVAL);
	close(other);
	close(plain);
	close(array);
}

/* jiffies_hz(): the coarse clock's resolution is a tick, and programs' jiffies count ticks */
static void test_coarse_clock_tells_the_tick(void **state)
{
	struct timespec from, to;
	struct jiffies jiffies;
	double seconds, hz;
	uint32_t first;

	jiffies_open(&jiffies);
	assert_true(jiffies.prog_fd >= 0);
	first = jiffies.read;
	clock_gettime(CLOCK_MONOTONIC, &from);
	jiffies_close(&jiffies);
	usleep(500000);
	jiffies_open(&jiffies);
	clock_gettime(CLOCK_MONOTONIC, &to);
	seconds = to.tv_sec - from.tv_sec + (to.tv_nsec - from.tv_nsec) / 1e9;
	hz = (jiffies.read - first) / seconds;
	jiffies_close(&jiffies);
	if (hz < jiffies_hz() * 0.9 || hz > jiffies_hz() * 1.1)
		fail_msg("%u ticks a second by the clock, %.0f jiffies", jiffies_hz(), hz);
}

/* A callback must be described. Return: types of two static functions, numbers 3 and 4 */
static struct btf *functions(void)
{
	struct btf *btf = btf__new_empty();

	assert_int_equal(btf__add_int(btf, "int", 4, BTF_INT_SIGNED), 1);
	assert_int_equal(btf__add_func_proto(btf, 1), 2);
	assert_int_equal(btf__add_func(btf, "fact", BTF_FUNC_STATIC, 2), 3);
	assert_int_equal(btf__add_func(btf, "again", BTF_FUNC_STATIC, 2), 4);
	assert_int_equal(btf__load_into_kernel(btf), 0);
	return btf;
}

/*
 * A loop whose callback finds 0 the first time, what the round before left the second time
 * @known: to the verifier, the 0
 * Return: what the last round left: 1 is the first's, 2 the second's
 */
static uint32_t run_rounds(bool known)
{
	int value = bpf_map_create(BPF_MAP_TYPE_ARRAY, "fact", 4, 8, 1, NULL), prog;
	struct bpf_func_info info[] = { { 0, 3 }, { 14, 4 } };
	struct btf *btf = functions();
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .prog_btf_fd = btf__fd(btf), .func_info = info,
		    .func_info_cnt = 2, .func_info_rec_size = sizeof(info[0]));
	const struct bpf_insn insn[] = {
		/*  0 */ LD_VALUE(BPF_REG_1, value), LDX64(BPF_REG_1, BPF_REG_1, 0),
		/*  3 */ ALU64(BPF_AND, BPF_REG_1, known ? 0 : -1),
		/*  4 */ STX64(BPF_REG_10, -8, BPF_REG_1), MOV64(BPF_REG_1, 3),
		/*  6 */ LD_FUNCTION(BPF_REG_2, 14 - 6 - 1), MOV64_REG(BPF_REG_3, BPF_REG_10),
		/*  9 */ ALU64(BPF_ADD, BPF_REG_3, -8), MOV64(BPF_REG_4, 0), CALL(BPF_FUNC_loop),
		/* 12 */ LDX64(BPF_REG_0, BPF_REG_10, -8), EXIT(),
		/* 14 */ LDX64(BPF_REG_1, BPF_REG_2, 0), JNE(BPF_REG_1, 0, 3),
		/* 16 */ ST64(BPF_REG_2, 0, 1), MOV64(BPF_REG_0, 0), EXIT(),
		/* 19 */ ST64(BPF_REG_2, 0, 2), MOV64(BPF_REG_0, 1), EXIT(),
	};
	uint32_t left;

	assert_true(value >= 0);
	prog = bpf_prog_load(BPF_PROG_TYPE_XDP, "fact", "GPL", insn,
			     sizeof(insn) / sizeof(insn[0]), &opts);
	assert_true(prog >= 0);
	left = run(prog);
	close(prog);
	btf__free(btf);
	close(value);
	return left;
}

/* The filter's rounds hold as long as the verifier does not know what the first one finds */
static void test_loop_rounds_see_the_ones_before(void **state)
{
	if (run_rounds(true) != 2)
		print_message("# in a loop, what the first round finds is what all do, if known\n");
	assert_int_equal(run_rounds(false), 2);
}

/* lib/syncookie.h: which sizes a cookie can say, and how; at both hooks */
static void test_cookies_say_sizes(void **state)
{
	static const char *const hooks[] = { "xdp", "tc" };
	struct bpf_object *object;
	unsigned int i;
	char path[64];

	for (i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "tests/kernel/syncookie.%s.o", hooks[i]);
		object = bpf_object__open_file(objtest_built(path), NULL);
		assert_non_null(object);
		assert_int_equal(bpf_object__load(object), 0);
		assert_int_equal(run(bpf_program__fd(bpf_object__next_program(object, NULL))), 0);
		bpf_object__close(object);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_coarse_clock_tells_the_tick),
		cmocka_unit_test(test_slot_write_takes_effect),
		cmocka_unit_test(test_array_without_pin_is_emptied),
		cmocka_unit_test(test_array_with_pin_is_kept),
		cmocka_unit_test(test_pins_have_no_dots),
		cmocka_unit_test(test_tail_calls_are_bounded),
		cmocka_unit_test(test_mapped_array_shows_writes),
		cmocka_unit_test(test_array_wants_equal_fragments),
		cmocka_unit_test(test_loop_rounds_see_the_ones_before),
		cmocka_unit_test(test_cookies_say_sizes),
	};

	/* What is mounted here goes with this process */
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
		perror("a mount namespace of our own");
		return 1;
	}
	return unit_main(tests, sizeof(tests) / sizeof(tests[0]));
}
