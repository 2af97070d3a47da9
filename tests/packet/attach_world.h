/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * attach_world.h - what the tests of attachments share
 *
 * The process has a network and a mount namespace of its own, with a bpffs:
 * all of it goes when the process does, however that ends. Frames are counted
 * by the gate: its slot's graph is empty, so it drops and counts them as missed.
 */
#ifndef TESTS_PACKET_ATTACH_WORLD_H
#define TESTS_PACKET_ATTACH_WORLD_H

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include <xdp/libxdp.h>

#include <base/file.h>
#include <kernel/attach.h>
#include <kernel/object_file.h>
#include <shunt/abi.h>

#include "../lib/unit.h"

#define PINS	"/sys/fs/bpf/shunt/link"
#define SLOT_A	3
#define SLOT_B	200

static struct {
	int entry_fd, miss_fd;
	int gate_a, gate_b;		/* by slot */
} kinds[2];				/* XDP, TC */
static char objects[PATH_MAX];		/* build/ */

/* ---- the world ---------------------------------------------------------------------------- */
static inline int sh(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static inline int sh(const char *fmt, ...)
{
	char command[1024];
	va_list args;
	int r;

	va_start(args, fmt);
	vsnprintf(command, sizeof(command), fmt, args);
	va_end(args);
	r = system(command);
	return WIFEXITED(r) ? WEXITSTATUS(r) : -1;
}

static inline int kind_of(uint32_t hook)
{
	return hook == SHUNT_HOOK_XDP ? 0 : 1;
}

static inline const char *gate_path(uint32_t hook)
{
	static char path[PATH_MAX + 32];

	snprintf(path, sizeof(path), "%s/bpf/gate.%s.o", objects,
		 hook == SHUNT_HOOK_XDP ? "xdp" : "tc");
	return path;
}

/* As the control plane loads it: expected attach type 0 (attach_libxdp.c says why) */
static inline int gate_load(uint32_t hook, uint32_t slot)
{
	int *entry_fd = &kinds[kind_of(hook)].entry_fd, *miss_fd = &kinds[kind_of(hook)].miss_fd;
	struct object_file file = {};
	struct object_part part;
	struct bpf_program *prog;
	struct err err = {};
	int fd;

	if (object_file_open(gate_path(hook), &file, &err) < 0)
		fail_msg("%s", err.text);
	prog = bpf_object__find_program_by_name(file.bpf, "shunt_gate");
	bpf_program__set_expected_attach_type(prog, 0);
	assert_int_equal(object_file_var(&file, ".rodata", "shunt_gate_slot", &part), 0);
	memcpy((void *)part.data, &slot, sizeof(slot));
	if (*entry_fd > 0) {
		bpf_map__reuse_fd(bpf_object__find_map_by_name(file.bpf, "shunt_entry"), *entry_fd);
		bpf_map__reuse_fd(bpf_object__find_map_by_name(file.bpf, "shunt_gate_miss"), *miss_fd);
	}
	assert_int_equal(bpf_object__load(file.bpf), 0);
	if (*entry_fd <= 0) {
		*entry_fd = dup(bpf_object__find_map_fd_by_name(file.bpf, "shunt_entry"));
		*miss_fd = dup(bpf_object__find_map_fd_by_name(file.bpf, "shunt_gate_miss"));
	}
	fd = dup(bpf_program__fd(prog));
	object_file_fini(&file);
	return fd;
}

static inline int pass_load(const char *name, uint32_t flags)
{
	static const struct bpf_insn pass[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .prog_flags = flags);
	int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, name, "GPL", pass, 2, &opts);

	assert_true(fd >= 0);
	return fd;
}

static inline uint64_t percpu_sum(int fd, uint32_t key)
{
	uint64_t value[256] = {}, sum = 0;

	assert_true(libbpf_num_possible_cpus() <= 256);
	assert_int_equal(bpf_map_lookup_elem(fd, &key, value), 0);
	for (int i = 0; i < libbpf_num_possible_cpus(); i++)
		sum += value[i];
	return sum;
}

static inline uint64_t seen(uint32_t hook)	/* by both gates of the hook */
{
	int fd = kinds[kind_of(hook)].miss_fd;

	return percpu_sum(fd, SLOT_A) + percpu_sum(fd, SLOT_B);
}

static inline uint64_t seen_slot(uint32_t hook, uint32_t slot)
{
	return percpu_sum(kinds[kind_of(hook)].miss_fd, slot);
}

static inline struct attach_want want_make(const char *ifname, uint32_t hook)
{
	int kind = kind_of(hook);

	return (struct attach_want){
		.ifindex = if_nametoindex(ifname), .ifname = ifname, .hook = hook,
		.prog_fd = kinds[kind].gate_a, .mode = CONFIG_MODE_NATIVE, .pin_dir = PINS,
		.gate_path = gate_path(hook), .gate_slot = SLOT_A,
		.entry_fd = kinds[kind].entry_fd, .miss_fd = kinds[kind].miss_fd,
	};
}

static inline void must_add(const struct attach_want *want, struct attach *attach)
{
	struct err err = {};

	if (attach_add(want, attach, &err) < 0)
		fail_msg("attach: %s", err.text);
}

static inline void must_del(const struct attach *attach)
{
	struct err err = {};

	if (attach_del(attach, PINS, &err) < 0)
		fail_msg("detach: %s", err.text);
}

static inline bool pinned(uint32_t ifindex, const char *hook)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), PINS "/%u-%s", ifindex, hook);
	return access(path, F_OK) == 0;
}

/* veth pair va - vb, silent but for what the test sends */
static inline int setup(void **state)
{
	return sh("ip link add name va numrxqueues 2 numtxqueues 2 type veth peer name vb numrxqueues 2 numtxqueues 2 && "
		  "ip link set va up && ip link set vb up");
}

static inline int teardown(void **state)
{
	/* The one that a test moved away goes with its namespace, later */
	sh("ip link del va 2>/dev/null; ip link del vb 2>/dev/null; ip link set lo xdpgeneric off 2>/dev/null");
	unsetenv("SHUNT_NO_TCX");
	sh("rm -rf " PINS);
	return 0;
}

static inline int packet_socket(const char *ifname)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_ifindex = if_nametoindex(ifname) };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

static inline void frame_send(int fd)
{
	uint8_t frame[64] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0xb5 };

	/* ENOBUFS: the gate dropped it, at egress */
	if (send(fd, frame, sizeof(frame), 0) < 0 && errno != ENOBUFS)
		fail_msg("send: %s", strerror(errno));
}

/* False: not reached, however long one waits */
static inline bool wait_seen(uint32_t hook, uint64_t wanted)
{
	for (int i = 0; i < 10000 && seen(hook) < wanted; i++)
		usleep(1000);
	return seen(hook) == wanted;
}

/* Frames from an interface, all of which the gate must see */
static inline void must_see(const char *from, uint32_t hook, unsigned int n)
{
	uint64_t before = seen(hook);
	int fd = packet_socket(from);

	for (unsigned int i = 0; i < n; i++)
		frame_send(fd);
	assert_true(wait_seen(hook, before + n));
	close(fd);
}

/* ---- replace under load: the sender never runs further ahead than the queue is long ---------- */
struct flood {
	uint32_t hook;
	int fd;
	atomic_bool stop;
	uint64_t sent;
	bool lost;
};

static inline void *flood_run(void *arg)
{
	struct flood *flood = arg;
	uint64_t before = seen(flood->hook);

	while (!atomic_load(&flood->stop) && !flood->lost) {
		for (int i = 0; i < 32; i++)
			frame_send(flood->fd);
		flood->sent += 32;
		flood->lost = !wait_seen(flood->hook, before + flood->sent);
	}
	return NULL;
}

static inline void replace_under_load(struct attach *attach, struct attach_want *want, const char *from)
{
	struct flood flood = { .hook = want->hook, .fd = packet_socket(from) };
	int *gates[] = { &kinds[kind_of(want->hook)].gate_b, &kinds[kind_of(want->hook)].gate_a };
	struct err err = {};
	uint64_t slot_b;
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, flood_run, &flood), 0);
	slot_b = seen_slot(want->hook, SLOT_B);
	for (int i = 0; i < 21; i++) {
		want->prog_fd = *gates[i % 2];
		if (attach_replace(attach, want, &err) < 0)
			fail_msg("replace: %s", err.text);
		usleep(2000);
	}
	atomic_store(&flood.stop, true);
	pthread_join(thread, NULL);
	close(flood.fd);
	assert_false(flood.lost);
	must_see(from, want->hook, 5);
	assert_true(seen_slot(want->hook, SLOT_B) >= slot_b + 5);	/* 21 is odd: the last one is B */
}

/* A process that attaches and is killed leaves the program at work; the next one adopts it */
static inline void killed_and_adopted(uint32_t hook, enum attach_how how, const char *from)
{
	struct attach_want want = want_make("va", hook);
	struct attach attach;
	struct err err = {};
	int status;
	pid_t pid;

	pid = fork();
	if (pid == 0) {
		if (attach_add(&want, &attach, NULL) == 0)
			kill(getpid(), SIGKILL);
		_exit(1);
	}
	waitpid(pid, &status, 0);
	assert_true(WIFSIGNALED(status));
	must_see(from, hook, 20);
	assert_int_equal(attach_adopt(want.ifindex, "va", hook, PINS, &attach, &err), 0);
	assert_int_equal(attach.how, how);
	assert_int_equal(attach.hook, hook);
	assert_false(attach.generic);
	replace_under_load(&attach, &want, from);
	must_del(&attach);
	assert_int_equal(attach_adopt(want.ifindex, "va", hook, PINS, &attach, &err), -ENOENT);
}

static inline void deleted(uint32_t hook, bool share)
{
	struct attach_want want = want_make("va", hook);
	struct attach attach, again;
	struct err err = {};

	want.share = share;
	must_add(&want, &attach);
	sh("ip link del va");
	if (attach.how == ATTACH_XDP_LINK || attach.how == ATTACH_TCX)
		assert_int_equal(attach_replace(&attach, &want, &err), -ENOLINK);
	assert_int_equal(attach_adopt(want.ifindex, "va", hook, PINS, &again, &err), -ENOLINK);
	assert_int_equal(sh("[ -z \"$(ls " PINS ")\" ]"), 0);
	must_del(&attach);
	setup(NULL);
	want.ifindex = if_nametoindex("va");
	must_add(&want, &attach);
	sh("ip link del va");
	must_del(&attach);

	/* another one with its number, while its pin is still there */
	setup(NULL);
	want.ifindex = if_nametoindex("va");
	must_add(&want, &attach);
	sh("ip link del va; ip link add name va index %u type veth peer name vb; "
	   "ip link set va up; ip link set vb up", want.ifindex);
	assert_int_equal(if_nametoindex("va"), want.ifindex);
	must_add(&want, &attach);
	must_del(&attach);
}

static inline int quiet(enum libxdp_print_level level, const char *fmt, va_list args)
{
	return 0;
}

static inline int world(void)
{
	char exe[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	char *end;

	if (n < 0)
		return -1;
	exe[n] = '\0';
	end = strstr(exe, "/tests/packet/");
	snprintf(objects, sizeof(objects), "%.*s", end ? (int)(end - exe) : 0, exe);
	if (unshare(CLONE_NEWNET | CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("bpf", "/sys/fs/bpf", "bpf", 0, "mode=0700") < 0) {
		perror("namespaces");
		return -1;
	}
	sh("sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1 2>/dev/null; ip link set lo up");
	libbpf_set_print(NULL);
	libxdp_set_print(quiet);
	for (int i = 0; i < 2; i++) {
		kinds[i].gate_a = gate_load(i ? SHUNT_HOOK_TC : SHUNT_HOOK_XDP, SLOT_A);
		kinds[i].gate_b = gate_load(i ? SHUNT_HOOK_TC : SHUNT_HOOK_XDP, SLOT_B);
	}
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
