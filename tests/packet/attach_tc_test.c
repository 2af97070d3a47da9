// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* attach_tc_test.c - TC on real interfaces: tcx, clsact, and filters of others */
#include "attach_world.h"

/* ---- TC -------------------------------------------------------------------------------------- */
static bool has_tcx(void)
{
	int fd = bpf_link_create(kinds[1].gate_a, if_nametoindex("va"), 46, NULL);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static void test_tcx(void **state)
{
	enum attach_how how = has_tcx() ? ATTACH_TCX : ATTACH_CLSACT;

	killed_and_adopted(SHUNT_HOOK_TC_INGRESS, how, "vb");
	killed_and_adopted(SHUNT_HOOK_TC_EGRESS, how, "va");
}

static void test_clsact(void **state)
{
	setenv("SHUNT_NO_TCX", "1", 1);
	killed_and_adopted(SHUNT_HOOK_TC_INGRESS, ATTACH_CLSACT, "vb");
	assert_int_equal(sh("tc qdisc show dev va | grep -q clsact"), 1);
	killed_and_adopted(SHUNT_HOOK_TC_EGRESS, ATTACH_CLSACT, "va");
	assert_int_equal(sh("tc qdisc show dev va | grep -q clsact"), 1);
}

/* The qdisc goes with the last of both hooks, and only if it was ours and nobody else uses it */
static void test_clsact_qdisc(void **state)
{
	struct attach_want in = want_make("va", SHUNT_HOOK_TC_INGRESS);
	struct attach_want out = want_make("va", SHUNT_HOOK_TC_EGRESS);
	struct attach attach_in, attach_out;
	const char *u32 = "protocol ip prio 9 u32 match u32 0 0 action ok 2>/dev/null || "
			  "tc filter add dev va ingress protocol ip prio 9 u32 match u32 0 0 classid 1:1";

	setenv("SHUNT_NO_TCX", "1", 1);
	must_add(&in, &attach_in);
	assert_non_null(attach_in.why);
	must_add(&out, &attach_out);
	must_del(&attach_in);
	assert_int_equal(sh("tc qdisc show dev va | grep -q clsact"), 0);
	must_see("va", SHUNT_HOOK_TC_EGRESS, 5);
	assert_int_equal(sh("tc filter add dev va ingress %s", u32), 0);
	must_del(&attach_out);
	assert_int_equal(sh("tc filter show dev va ingress | grep -q u32"), 0);

	/* now it is theirs: with or without filters it stays */
	sh("rm -f " PINS "/*-clsact; tc filter del dev va ingress");
	must_add(&in, &attach_in);
	must_del(&attach_in);
	assert_int_equal(sh("tc qdisc show dev va | grep -q clsact"), 0);
}

static void test_clsact_foreign(void **state)
{
	char args[PATH_MAX + 64];
	struct attach_want want = want_make("va", SHUNT_HOOK_TC_INGRESS);
	struct attach attach;
	struct err err = {};

	snprintf(args, sizeof(args), "bpf da obj %s/tests/lib/foreign.tc.o sec tc", objects);
	setenv("SHUNT_NO_TCX", "1", 1);
	assert_int_equal(sh("tc qdisc add dev va clsact && tc filter add dev va ingress prio %u handle 1 %s",
			    ATTACH_TC_PRIORITY, args), 0);
	assert_int_equal(attach_add(&want, &attach, &err), -EBUSY);
	assert_non_null(strstr(err.text, "'foreign'"));
	assert_int_equal(attach_adopt(want.ifindex, "va", want.hook, PINS, &attach, &err), -ENOENT);
	assert_int_equal(sh("tc filter show dev va ingress | grep -q foreign"), 0);
	assert_int_equal(sh("[ -z \"$(ls " PINS ")\" ]"), 0);

	/* at another place both work */
	sh("tc filter del dev va ingress; tc filter add dev va ingress prio 7 %s", args);
	must_add(&want, &attach);
	must_see("vb", SHUNT_HOOK_TC_INGRESS, 20);
	must_del(&attach);
	assert_int_equal(sh("tc filter show dev va ingress | grep -q foreign"), 0);
	assert_int_equal(sh("tc filter show dev va ingress | grep -q shunt_gate"), 1);
}

static void test_tc_deleted(void **state)
{
	deleted(SHUNT_HOOK_TC_EGRESS, false);
	setenv("SHUNT_NO_TCX", "1", 1);
	deleted(SHUNT_HOOK_TC_EGRESS, false);
}

/* A filter goes when its interface moves: nothing is there after it came back */
static void test_clsact_moved(void **state)
{
	struct attach_want want = want_make("va", SHUNT_HOOK_TC_INGRESS);
	struct attach attach;
	struct err err = {};

	setenv("SHUNT_NO_TCX", "1", 1);
	must_add(&want, &attach);
	assert_int_equal(sh("unshare -n sleep 10 & pid=$!; "
			    "until [ \"$(readlink /proc/$pid/ns/net)\" != \"$(readlink /proc/self/ns/net)\" ]; do :; done; "
			    "ip link set va netns $pid && nsenter -n -t $pid ip link set va netns %d; r=$?; kill $pid; exit $r",
			    (int)getpid()), 0);
	assert_int_equal(if_nametoindex("va"), want.ifindex);
	assert_int_equal(attach_adopt(want.ifindex, "va", want.hook, PINS, &attach, &err), -ENOENT);
	sh("ip link set va up");
	must_add(&want, &attach);
	must_see("vb", SHUNT_HOOK_TC_INGRESS, 5);
	must_del(&attach);
	assert_int_equal(sh("[ -z \"$(ls " PINS ")\" ]"), 0);
}

/* ---- main ------------------------------------------------------------------------------------ */
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_tcx), TEST(test_clsact), TEST(test_clsact_qdisc),
		TEST(test_clsact_foreign), TEST(test_clsact_moved), TEST(test_tc_deleted),
	};
	if (world() < 0)
		return 1;
	return unit_main(tests, sizeof(tests) / sizeof(tests[0]));
}
