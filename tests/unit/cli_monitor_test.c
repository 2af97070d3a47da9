// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* cli_monitor_test.c - what 'shunt monitor' makes of a stream of notifications */
#include "cli_fake.h"

#define EVENT(members) \
	"{\"jsonrpc\":\"2.0\",\"method\":\"event\",\"params\":{\"time_ns\":1764000000123456789," members "}}"
#define BY	"\"dev\":\"eth0\",\"ifindex\":2,\"hook\":\"xdp\",\"node\":\"guard\",\"rule\":\"0a1b2c3d\","
#define TCP_EVENT EVENT(BY "\"prefix\":\"scan\\u001b\",\"verdict\":\"drop\",\"length\":60,\"vlan\":[7]," \
			"\"saddr\":\"10.0.0.1\",\"daddr\":\"10.0.0.2\",\"protocol\":\"tcp\"," \
			"\"frag\":\"none\",\"sport\":4000,\"dport\":80,\"flags\":\"syn\"")
#define ICMP_EVENT EVENT("\"dev\":null,\"ifindex\":9,\"hook\":null,\"node\":null," \
			 "\"rule\":\"00000001\",\"prefix\":null,\"verdict\":null,\"length\":70," \
			 "\"vlan\":[],\"saddr\":\"fd00::1\",\"daddr\":\"fd00::2\"," \
			 "\"protocol\":\"icmpv6\",\"frag\":\"first\",\"type\":128,\"code\":0")
#define UDP6_EVENT EVENT(BY "\"prefix\":null,\"verdict\":\"reject\",\"length\":62,\"vlan\":[]," \
			 "\"saddr\":\"fd00::1\",\"daddr\":\"fd00::2\",\"protocol\":\"udp\"," \
			 "\"frag\":\"none\",\"sport\":1,\"dport\":2")
#define ARP_EVENT EVENT(BY "\"prefix\":null,\"verdict\":\"accept\",\"length\":60,\"vlan\":[]," \
			"\"ether_type\":\"0x0806\"")
#define LOST "{\"jsonrpc\":\"2.0\",\"method\":\"lost\",\"params\":{\"buffer\":3,\"client\":40}}"

/* The answer and all that follows it, as one text: the fake daemon closes the brace of the last */
#define STREAM(lines) "{\"schema\":1}}\n" lines "\n{\"jsonrpc\":\"2.0\",\"method\":\"other\""

static struct fake run(const char *stream, const char *const *words)
{
	static struct fake_answer answers[2];
	struct fake fake = { .answers = answers };

	answers[0] = (struct fake_answer){ .method = "monitor", .result = stream };
	fake_run(&fake, words);
	return fake;
}

static void test_lines(void **state)
{
	const char *const words[] = { "monitor", "--count", "4", NULL };
	struct fake fake = run(STREAM(TCP_EVENT "\n" ICMP_EVENT "\n" LOST "\n" UDP6_EVENT "\n"
				      ARP_EVENT "\n" TCP_EVENT), words);

	assert_string_equal(fake.requests.data, "monitor -\n");
	assert_string_equal(fake.out,
		"16:00:00.123456 eth0 xdp guard 0a1b2c3d \"scan?\" drop: "
		"vlan 7 tcp 10.0.0.1:4000 > 10.0.0.2:80 [syn] length 60\n"
		"16:00:00.123456 #9 ? ? 00000001 ?: "
		"icmpv6 fd00::1 > fd00::2 type 128 code 0 first fragment length 70\n"
		"16:00:00.123456 eth0 xdp guard 0a1b2c3d reject: "
		"udp [fd00::1]:1 > [fd00::2]:2 length 62\n"
		"16:00:00.123456 eth0 xdp guard 0a1b2c3d accept: type 0x0806 length 60\n");
	assert_string_equal(fake.err,
		"shunt: events lost: 3 in the kernel, 40 on their way here\n");
	assert_int_equal(fake.status, CLI_OK);
	fake_fini(&fake);
}

static void test_json(void **state)
{
	const char *const words[] = { "monitor", "guard", "-j", "--count", "1", NULL };
	struct fake fake = run(STREAM(LOST "\n" ARP_EVENT), words);

	assert_string_equal(fake.requests.data, "monitor {\"node\":\"guard\"}\n");
	assert_string_equal(fake.out, LOST "\n" ARP_EVENT "\n");
	assert_int_equal(fake.status, CLI_OK);
	fake_fini(&fake);
}

static void test_refused(void **state)
{
	const char *const words[] = { "monitor", "gard", NULL };
	const char *const bad[] = { "monitor", "--count", "0", NULL };
	const struct fake_answer answers[] = {
		{ .method = "monitor", .error = "{\"code\":2,\"message\":\"no node 'gard'\"}" }, {},
	};
	struct fake fake = { .answers = answers };

	fake_run(&fake, words);
	assert_int_equal(fake.status, CLI_USAGE);
	assert_string_equal(fake.err, "shunt: no node 'gard'\n");
	fake_fini(&fake);
	fake = (struct fake){ .answers = answers };
	fake_run(&fake, bad);
	assert_int_equal(fake.status, CLI_USAGE);
	assert_string_equal(fake.err, "shunt: '--count' wants a number from 1, not '0'\n");
	fake_fini(&fake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines), cmocka_unit_test(test_json),
		cmocka_unit_test(test_refused),
	};

	return unit_main(tests, sizeof(tests) / sizeof(tests[0]));
}
