// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * attach_test.c - XDP on real interfaces: modes, refusals, sharing, and interfaces that change
 *
 * $SHUNT_TEST_DISPATCHER=1: fail if the kernel has no libxdp dispatcher
 */
#include <sys/prctl.h>
#include <sys/stat.h>

#include "attach_world.h"

/* ---- XDP ------------------------------------------------------------------------------------ */
static void test_xdp_native(void **state)
{
	struct attach_want want = want_make("va", SHUNT_HOOK_XDP);
	struct attach attach, again;
	struct attach_pin *pin;
	struct err err = {};
	bool generic;
	uint32_t id;

	must_add(&want, &attach);
	assert_int_equal(attach.how, ATTACH_XDP_LINK);
	assert_false(attach.generic);
	assert_null(attach.why);
	assert_string_equal(attach.ifname, "va");
	assert_true(pinned(want.ifindex, "xdp"));
	must_see("vb", SHUNT_HOOK_XDP, 20);
	assert_int_equal(attach_add(&want, &again, &err), -EEXIST);

	assert_int_equal(attach_pins(PINS, &pin, &err), 1);
	assert_int_equal(pin->ifindex, want.ifindex);
	assert_int_equal(pin->hook, SHUNT_HOOK_XDP);
	free(pin);

	must_del(&attach);
	assert_false(pinned(want.ifindex, "xdp"));
	sh("ip -d link show va | grep -q prog/xdp && exit 1");
	LIBBPF_OPTS(bpf_xdp_query_opts, opts);
	assert_int_equal(bpf_xdp_query(want.ifindex, 0, &opts), 0);
	id = opts.prog_id;
	generic = opts.attach_mode == XDP_ATTACHED_SKB;
	assert_int_equal(id, 0);
	assert_false(generic);
	must_del(&attach);	/* twice is once */
	assert_int_equal(attach_pins(PINS "-none", &pin, &err), 0);
	free(pin);
}

static void test_xdp_killed(void **state)
{
	killed_and_adopted(SHUNT_HOOK_XDP, ATTACH_XDP_LINK, "vb");
}

static void test_xdp_foreign(void **state)
{
	int foreign = pass_load("somebody", 0);
	struct attach_want want = want_make("va", SHUNT_HOOK_XDP);
	LIBBPF_OPTS(bpf_xdp_query_opts, opts);
	struct attach attach;
	struct err err = {};

	for (int generic = 0; generic < 2; generic++) {
		assert_int_equal(bpf_xdp_attach(want.ifindex, foreign, generic ?
						XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE, NULL), 0);
		for (int share = 0; share < 2; share++) {
			want.share = share;
			want.mode = CONFIG_MODE_AUTO;
			assert_int_equal(attach_add(&want, &attach, &err), -EBUSY);
			assert_non_null(strstr(err.text, "'somebody'"));
			assert_non_null(strstr(err.text, generic ? "generic" : "native"));
			assert_false(pinned(want.ifindex, "xdp"));
		}
		assert_int_equal(bpf_xdp_query(want.ifindex, 0, &opts), 0);
		assert_true(opts.prog_id);
		assert_int_equal(attach_adopt(want.ifindex, "va", SHUNT_HOOK_XDP, PINS, &attach,
					      &err), -ENOENT);
		sh("ip link set va xdp off; ip link set va xdpgeneric off");
	}
	close(foreign);
}

/* Refusals: in an operator's words when generic is not allowed, else as the reason for it */
static void refused(const char *ifname, int prog_fd, const char *text)
{
	struct attach_want want = want_make(ifname, SHUNT_HOOK_XDP);
	struct attach attach, adopted;
	struct err err = {};

	want.prog_fd = prog_fd;
	assert_int_equal(attach_add(&want, &attach, &err), -EOPNOTSUPP);
	if (!strstr(err.text, text) || !strstr(err.text, ifname))
		fail_msg("'%s' is not in '%s'", text, err.text);
	assert_false(pinned(want.ifindex, "xdp"));
	want.mode = CONFIG_MODE_AUTO;
	must_add(&want, &attach);
	assert_true(attach.generic);
	assert_non_null(strstr(attach.why, text));
	assert_int_equal(attach_adopt(want.ifindex, ifname, SHUNT_HOOK_XDP, PINS, &adopted, &err), 0);
	assert_true(adopted.generic);
	must_del(&attach);
}

static void test_xdp_no_driver(void **state)
{
	refused("lo", kinds[0].gate_a, "no native XDP");
}

static void test_xdp_queues(void **state)
{
	sh("ip link del va; ip link add name va numrxqueues 1 numtxqueues 1 type veth peer name vb numrxqueues 4 numtxqueues 4");
	refused("va", kinds[0].gate_a, "rx queues");
}

static void test_xdp_mtu(void **state)
{
	int plain = pass_load("plain", 0);

	sh("ip link set va mtu 9000; ip link set vb mtu 9000");
	refused("va", plain, "MTU");
	close(plain);
}

static void test_xdp_generic(void **state)
{
	struct attach_want want = want_make("va", SHUNT_HOOK_XDP);
	struct attach attach;

	want.mode = CONFIG_MODE_GENERIC;
	must_add(&want, &attach);
	assert_true(attach.generic);
	assert_null(attach.why);
	must_see("vb", SHUNT_HOOK_XDP, 20);
	must_del(&attach);
}

static void test_errors(void **state)
{
	struct attach_want want = want_make("va", SHUNT_HOOK_XDP);
	struct attach attach = { .ifindex = 77 };
	struct err err = {};

	want.ifindex = 4444;
	for (int i = 0; i < 4; i++) {
		want.hook = i < 2 ? SHUNT_HOOK_XDP : SHUNT_HOOK_TC_INGRESS;
		want.share = i == 1;
		want.prog_fd = kinds[i / 2].gate_a;
		setenv("SHUNT_NO_TCX", i == 3 ? "1" : "0", 1);
		if (attach_add(&want, &attach, &err) != -ENODEV)
			fail_msg("%d: %s", i, err.text);
	}
	want.pin_dir = "/tmp";
	assert_int_equal(attach_add(&want, &attach, &err), -ENOTDIR);
	assert_non_null(strstr(err.text, "bpffs"));
	assert_int_equal(attach.ifindex, 77);
}

/* ---- interfaces that change ------------------------------------------------------------------ */
static pid_t other_ns(void)
{
	int fd[2];
	pid_t pid;
	char c = 0;

	assert_int_equal(pipe(fd), 0);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (unshare(CLONE_NEWNET) < 0 || write(fd[1], &c, 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}
	assert_int_equal(read(fd[0], &c, 1), 1);
	close(fd[0]);
	close(fd[1]);
	return pid;
}

static void other_ns_end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void test_rename(void **state)
{
	struct attach_want want = want_make("va", SHUNT_HOOK_XDP);
	struct attach attach;

	must_add(&want, &attach);
	assert_int_equal(sh("ip link set va down; ip link set va name vnew; ip link set vnew up"), 0);
	must_see("vb", SHUNT_HOOK_XDP, 20);
	must_del(&attach);
	assert_int_equal(sh("ip -d link show vnew | grep -q prog/xdp"), 1);
	sh("ip link del vnew");
}

static void test_moved(void **state)
{
	static const uint32_t hooks[] = { SHUNT_HOOK_XDP, SHUNT_HOOK_TC_INGRESS };
	struct attach attach[2], again;
	struct attach_want want;
	char path[PATH_MAX];
	pid_t pid = other_ns();
	struct err err = {};
	int fd;

	for (int i = 0; i < 2; i++) {
		want = want_make("va", hooks[i]);
		must_add(&want, &attach[i]);
	}
	assert_int_equal(sh("ip link set va netns %d && nsenter -n -t %d ip link set va up", pid, pid), 0);
	must_see("vb", SHUNT_HOOK_XDP, 10);
	assert_int_equal(attach_adopt(want.ifindex, "va", SHUNT_HOOK_XDP, PINS, &again, &err), 0);
	assert_non_null(strstr(again.why, "another network namespace"));
	/* detached, not only unpinned: another's descriptor must not keep it there */
	snprintf(path, sizeof(path), PINS "/%u-xdp", want.ifindex);
	fd = bpf_obj_get(path);
	assert_true(fd >= 0);
	for (int i = 0; i < 2; i++)
		must_del(&attach[i]);
	assert_int_equal(sh("nsenter -n -t %d ip -d link show va | grep -q prog/xdp", pid), 1);
	assert_int_equal(sh("[ -z \"$(ls " PINS ")\" ]"), 0);
	close(fd);
	other_ns_end(pid);
}

static void test_deleted(void **state)
{
	deleted(SHUNT_HOOK_XDP, false);
	deleted(SHUNT_HOOK_XDP, true);
}

/* ---- libxdp ---------------------------------------------------------------------------------- */
static int foreign_component(const char *ifname)
{
	return sh("xdp-loader load -m native %s %s/tests/lib/foreign.xdp.o >/dev/null 2>&1", ifname,
		  objects);
}

static uint64_t foreign_seen(void)
{
	struct bpf_prog_info info = {};
	uint32_t id = 0, map_id = 0, len;
	uint64_t n = 0;
	int fd;

	while (bpf_prog_get_next_id(id, &id) == 0) {
		fd = bpf_prog_get_fd_by_id(id);
		info = (struct bpf_prog_info){ .nr_map_ids = 1, .map_ids = (uintptr_t)&map_id };
		len = sizeof(info);
		if (fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &len) == 0 &&
		    !strcmp(info.name, "foreign")) {
			close(fd);
			fd = bpf_map_get_fd_by_id(map_id);
			n += percpu_sum(fd, 0);
		}
		fd_close(fd);
	}
	return n;
}

/* The kernel refuses extensions: alone, said so, and replaceable without a gap all the same */
static void share_alone(struct attach *attach, struct attach_want *want)
{
	struct attach adopted;
	struct err err = {};

	assert_int_equal(attach->how, ATTACH_XDP_LIBXDP);
	assert_non_null(strstr(attach->why, "extensions"));
	assert_int_not_equal(foreign_component("va"), 0);
	assert_int_equal(attach_adopt(want->ifindex, "va", SHUNT_HOOK_XDP, PINS, &adopted, &err), 0);
	assert_int_equal(adopted.how, ATTACH_XDP_LIBXDP);
	assert_int_equal(adopted.prog_id, attach->prog_id);
	replace_under_load(&adopted, want, "vb");
	must_del(&adopted);
}

static void share_dispatcher(struct attach *attach, struct attach_want *want)
{
	struct attach adopted;
	uint32_t slot = SLOT_A;
	struct err err = {};
	uint64_t before;
	int pass;

	assert_null(attach->why);
	assert_int_equal(foreign_component("va"), 0);
	must_see("vb", SHUNT_HOOK_XDP, 20);
	assert_int_equal(attach_replace(attach, want, &err), -EOPNOTSUPP);
	assert_int_equal(attach_adopt(want->ifindex, "va", SHUNT_HOOK_XDP, PINS, &adopted, &err), 0);
	assert_int_equal(adopted.how, ATTACH_XDP_DISPATCHER);
	assert_int_equal(adopted.prog_id, attach->prog_id);

	/* what our graph lets pass, the foreign program sees: the tail call is taken */
	pass = pass_load("pass", BPF_F_XDP_HAS_FRAGS);
	before = foreign_seen();
	assert_int_equal(bpf_map_update_elem(want->entry_fd, &slot, &pass, 0), 0);
	sh("ip link set vb address 02:00:00:00:00:77");
	int fd = packet_socket("vb");
	for (int i = 0; i < 20; i++)
		frame_send(fd);
	close(fd);
	for (int i = 0; i < 10000 && foreign_seen() < before + 20; i++)
		usleep(1000);
	assert_int_equal(foreign_seen(), before + 20);
	bpf_map_delete_elem(want->entry_fd, &slot);
	close(pass);

	must_del(&adopted);
	assert_int_equal(sh("xdp-loader status va | grep -q foreign"), 0);
	assert_int_equal(sh("xdp-loader status va | grep -q shunt_gate"), 1);

	/* a dispatcher is there: joined, though sharing was not asked for */
	want->share = false;
	must_add(want, attach);
	assert_int_equal(attach->how, ATTACH_XDP_DISPATCHER);
	assert_non_null(attach->why);
	must_see("vb", SHUNT_HOOK_XDP, 20);
	sh("rm -f " PINS "/*");		/* adopted even without the pin */
	assert_int_equal(attach_adopt(want->ifindex, "va", SHUNT_HOOK_XDP, PINS, &adopted, &err), 0);
	assert_true(pinned(want->ifindex, "xdp"));
	must_del(&adopted);
	assert_int_equal(sh("xdp-loader unload va --all >/dev/null"), 0);
}

static void test_share(void **state)
{
	struct attach_want want = want_make("va", SHUNT_HOOK_XDP);
	const char *must = getenv("SHUNT_TEST_DISPATCHER");
	struct attach attach;

	want.share = true;
	want.priority = 10;
	must_add(&want, &attach);
	assert_true(pinned(want.ifindex, "xdp"));
	must_see("vb", SHUNT_HOOK_XDP, 20);
	if (must && !strcmp(must, "1"))
		assert_int_equal(attach.how, ATTACH_XDP_DISPATCHER);
	if (attach.how == ATTACH_XDP_DISPATCHER)
		share_dispatcher(&attach, &want);
	else
		share_alone(&attach, &want);
}

/* A dispatcher needs the usual bpffs, ours does not: said so, in a child that has lost it */
static void test_share_no_bpffs(void **state)
{
	struct attach_want want = want_make("va", SHUNT_HOOK_XDP);
	struct attach attach;
	struct err err = {};
	int status;
	pid_t pid;

	want.share = true;
	want.pin_dir = "/run/shunt-attach/link";
	pid = fork();
	if (pid == 0) {
		if (unshare(CLONE_NEWNS) < 0 || mount("tmpfs", "/run", "tmpfs", 0, NULL) < 0 ||
		    mkdir("/run/shunt-attach", 0700) < 0 ||
		    mount("bpf", "/run/shunt-attach", "bpf", 0, NULL) < 0 ||
		    mount("tmpfs", "/sys/fs/bpf", "tmpfs", 0, NULL) < 0)
			_exit(1);
		setenv("LIBXDP_BPFFS", "/sys/fs/bpf", 1);
		if (attach_add(&want, &attach, &err) == 0)
			_exit(attach.how == ATTACH_XDP_LIBXDP ? 0 : 2);
		_exit(strstr(err.text, "mount -t bpf bpf /sys/fs/bpf") ? 0 : 3);
	}
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
}

/* ---- main ------------------------------------------------------------------------------------ */
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_share_no_bpffs),	/* first: libxdp remembers a bpffs that it found */
		TEST(test_xdp_native), TEST(test_xdp_killed), TEST(test_xdp_foreign),
		TEST(test_xdp_no_driver), TEST(test_xdp_queues), TEST(test_xdp_mtu),
		TEST(test_xdp_generic), TEST(test_errors), TEST(test_rename), TEST(test_moved),
		TEST(test_deleted), TEST(test_share),
	};
	if (world() < 0)
		return 1;
	return unit_main(tests, sizeof(tests) / sizeof(tests[0]));
}
