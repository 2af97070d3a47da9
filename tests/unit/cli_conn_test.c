// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* cli_conn_test.c - what 'shunt conn' asks, page by page, and how it shows flows */
#include "cli_fake.h"

#define TCP "{\"family\":4,\"protocol\":\"tcp\",\"saddr\":\"10.0.0.1\",\"daddr\":\"10.0.0.2\"," \
	    "\"sport\":1234,\"dport\":80,\"state\":\"tcp-syn-sent2\",\"replied\":true,"	\
	    "\"assured\":true,\"mark\":17,\"zone\":5,\"nat\":{\"saddr\":\"203.0.113.1\"," \
	    "\"daddr\":\"10.0.0.2\",\"sport\":61000,\"dport\":80},\"expires_s\":431999," \
	    "\"age_s\":7,\"original\":{\"packets\":10,\"bytes\":840}," \
	    "\"reply\":{\"packets\":8,\"bytes\":600}"
#define PING "{\"family\":6,\"protocol\":\"icmpv6\",\"query\":\"echo\",\"saddr\":\"fd00::1\"," \
	     "\"daddr\":\"fd00::2\",\"id\":77,\"state\":\"icmp\",\"replied\":false," \
	     "\"assured\":false,\"mark\":0,\"zone\":0,\"nat\":null,\"expires_s\":29,\"age_s\":1"
#define UDP "{\"family\":6,\"protocol\":\"udp\",\"saddr\":\"fd00::1\",\"daddr\":\"fd00::2\"," \
	    "\"sport\":9,\"dport\":53,\"state\":\"udp-replied\",\"replied\":true," \
	    "\"assured\":false,\"mark\":0,\"zone\":0,\"nat\":null"
#define TCP_LINE "tcp 10.0.0.1:1234 > 10.0.0.2:80 syn-sent2 431999s mark 0x11 zone 5 " \
		 "[nat 203.0.113.1:61000 > 10.0.0.2:80] packets 10/8\n"
#define PING_LINE "icmpv6 echo fd00::1 > fd00::2 id 77 unreplied 29s\n"
#define UDP_LINE "udp [fd00::1]:9 > [fd00::2]:53 replied\n"

#define FLOWS(list, cursor) "{\"schema\":1,\"flows\":[" list "],\"cursor\":" cursor "}"

/* The first page has nothing but where to go on */
static const struct fake_answer flows[] = {
	{ .method = "conn.list", .result = FLOWS("", "\"12\""),
	  .then = FLOWS(TCP "}," PING "}," UDP "}", "null") },
	{ .method = "conn.show", .result = FLOWS(TCP ",\"flags\":[\"replied\",\"assured\"],"
						"\"policy\":\"short\",\"slot\":21},"
						PING ",\"flags\":[],\"policy\":null,\"slot\":4}",
						"null") },
	{ .method = "conn.del", .result = "{\"deleted\":3,\"cursor\":\"5\"}",
	  .then = "{\"deleted\":4,\"cursor\":null}" },
	{ .method = "conn.count",
	  .result = "{\"counts\":[{\"protocol\":\"tcp\",\"state\":\"tcp-close\",\"flows\":2},"
		    "{\"protocol\":\"udp\",\"state\":\"udp-replied\",\"flows\":1}],\"cursor\":\"9\"}",
	  .then = "{\"counts\":[{\"protocol\":\"tcp\",\"state\":\"tcp-close\",\"flows\":40},"
		  "{\"protocol\":\"tcp\",\"state\":\"tcp-last-ack\",\"flows\":3}],\"cursor\":null}" },
	{ .method = "conn.stats",
	  .result = "{\"flows\":null,\"stats\":[{\"stat\":\"new\",\"count\":7,\"help\":\"came\"}]}" },
	{},
};

static void check(const struct fake_answer *answers, const char *const *words,
		  const char *requests, const char *out)
{
	struct fake fake = { .answers = answers };

	fake_run(&fake, words);
	assert_string_equal(fake.err, "");
	assert_string_equal(fake.out, out);
	assert_string_equal(fake.requests.data, requests);
	assert_int_equal(fake.status, CLI_OK);
	fake_fini(&fake);
}

#define WORDS(...) (const char *const[]){ "conn", __VA_ARGS__, NULL }

static void test_list(void **state)
{
	check(flows, WORDS("list"), "conn.list {}\nconn.list {\"cursor\":\"12\"}\n",
	      TCP_LINE PING_LINE UDP_LINE);
	check(flows, WORDS("list", "tcp", "dport", "80", "--count", "2"),
	      "conn.list {\"filter\":\"tcp dport 80\",\"limit\":2}\n"
	      "conn.list {\"cursor\":\"12\",\"filter\":\"tcp dport 80\",\"limit\":2}\n",
	      TCP_LINE PING_LINE);
}

static void test_json(void **state)
{
	const struct fake_answer none[] = {
		{ .method = "conn.list", .result = FLOWS("", "null") }, {},
	}, two[] = {
		{ .method = "conn.list", .result = FLOWS(UDP "}", "\"1\""),
		  .then = FLOWS(UDP "}", "null") }, {},
	};

	check(flows, WORDS("list", "-j"), "conn.list {}\nconn.list {\"cursor\":\"12\"}\n",
	      "{\"schema\":1,\"flows\":[" TCP "}," PING "}," UDP "}]}\n");
	check(two, WORDS("list", "-j"), "conn.list {}\nconn.list {\"cursor\":\"1\"}\n",
	      "{\"schema\":1,\"flows\":[" UDP "}," UDP "}]}\n");
	check(none, WORDS("list", "-j"), "conn.list {}\n", "{\"schema\":1,\"flows\":[]}\n");
	check(none, WORDS("list", "-p"), "conn.list {}\n",
	      "{\n  \"schema\": 1,\n  \"flows\": []\n}\n");
	check(none, WORDS("list"), "conn.list {}\n", "");
}

static void test_show(void **state)
{
	check(flows, WORDS("show", "ct", "mark", "17"),
	      "conn.show {\"filter\":\"ct mark 17\"}\n",
	      TCP_LINE "    age 7s, slot 21, policy short, bytes 840/600, replied assured\n"
	      PING_LINE "    age 1s, slot 4, policy usual\n");
}

static void test_count(void **state)
{
	check(flows, WORDS("count"), "conn.count {}\nconn.count {\"cursor\":\"9\"}\n",
	      "PROTOCOL  STATE         FLOWS\n"
	      "tcp       tcp-close        42\n"
	      "udp       udp-replied       1\n"
	      "tcp       tcp-last-ack      3\n"
	      "flows: 46\n");
	check(flows, WORDS("count", "-j", "ct", "zone", "1"),
	      "conn.count {\"filter\":\"ct zone 1\"}\n"
	      "conn.count {\"cursor\":\"9\",\"filter\":\"ct zone 1\"}\n",
	      "{\"schema\":1,\"counts\":[{\"protocol\":\"tcp\",\"state\":\"tcp-close\",\"flows\":42},"
	      "{\"protocol\":\"udp\",\"state\":\"udp-replied\",\"flows\":1},"
	      "{\"protocol\":\"tcp\",\"state\":\"tcp-last-ack\",\"flows\":3}]}\n");
}

static void test_del(void **state)
{
	check(flows, WORDS("del", "--all"),
	      "conn.del {\"all\":true}\nconn.del {\"all\":true,\"cursor\":\"5\"}\n", "7 deleted\n");
	check(flows, WORDS("del", "-j", "udp", "dport", "53"),
	      "conn.del {\"filter\":\"udp dport 53\"}\n"
	      "conn.del {\"cursor\":\"5\",\"filter\":\"udp dport 53\"}\n",
	      "{\"schema\":1,\"deleted\":7}\n");
	check(flows, WORDS("del", "-q", "--all"),
	      "conn.del {\"all\":true}\nconn.del {\"all\":true,\"cursor\":\"5\"}\n", "");
}

static void test_stats(void **state)
{
	check(flows, WORDS("stats"), "conn.stats -\n",
	      "STAT  COUNT  WHAT\nnew       7  came\n");
}

/* The answer and all that follows it, as one text: the fake daemon closes the brace of the last */
#define STREAM(lines) "{\"schema\":1}}\n" lines "\n{\"jsonrpc\":\"2.0\",\"method\":\"other\""
#define EVENT(event, flow) "{\"jsonrpc\":\"2.0\",\"method\":\"conn\",\"params\":" \
	"{\"time_ns\":1764000000123456789,\"event\":\"" event "\"," flow "}}"
#define ENDS "\"protocol\":\"udp\",\"saddr\":\"10.0.0.1\",\"daddr\":\"10.0.0.2\"," \
	     "\"sport\":1,\"dport\":2,\"state\":\"udp-unreplied\""
#define LOST "{\"jsonrpc\":\"2.0\",\"method\":\"lost\",\"params\":{\"buffer\":3,\"client\":40}}"

static void test_watch(void **state)
{
	const struct fake_answer answers[] = {
		{ .method = "conn.watch",
		  .result = STREAM(EVENT("new", ENDS ",\"expires_s\":30") "\n" LOST "\n"
				   EVENT("destroy", ENDS) "\n" EVENT("new", ENDS)) },
		{},
	};
	struct fake fake = { .answers = answers };

	fake_run(&fake, WORDS("watch", "udp", "dport", "2", "--count", "2"));
	assert_string_equal(fake.requests.data, "conn.watch {\"filter\":\"udp dport 2\"}\n");
	assert_string_equal(fake.out,
		"16:00:00.123456 new     udp 10.0.0.1:1 > 10.0.0.2:2 unreplied 30s\n"
		"16:00:00.123456 destroy udp 10.0.0.1:1 > 10.0.0.2:2 unreplied\n");
	assert_string_equal(fake.err, "shunt: events lost: 3 in the kernel, 40 on their way here\n");
	assert_int_equal(fake.status, CLI_OK);
	fake_fini(&fake);
	check(answers, WORDS("watch", "-j", "--count", "1"), "conn.watch {}\n",
	      EVENT("new", ENDS ",\"expires_s\":30") "\n");
}

/* ---- what is wrong ------------------------------------------------------------------------- */

#define FINDING "{\"code\":3,\"message\":\"/filter: no\",\"data\":{\"errors\":[{\"path\":\"/filter\"," \
	"\"key\":false,\"offset\":13,\"length\":3,\"line\":0,\"column\":0,\"code\":\"x\"," \
	"\"message\":\"a flow has no such thing\",\"hint\":\"look\"}]}}"
#define SHOWN "filter:1:14: error: a flow has no such thing\n        tcp dport 80 bad\n" \
	"                     ^~~\n        hint: look\n"

static void refused(const struct fake_answer *answers, const char *const *words, int status,
		    const char *err)
{
	struct fake fake = { .answers = answers };

	fake_run(&fake, words);
	assert_string_equal(fake.err, err);
	assert_string_equal(fake.out, "");
	assert_int_equal(fake.status, status);
	fake_fini(&fake);
}

static void test_refused(void **state)
{
	const struct fake_answer answers[] = {
		{ .method = "conn.list", .error = FINDING },
		{ .method = "conn.watch", .error = FINDING },
		{ .method = "conn.count", .error = "{\"code\":2,\"message\":\"no flow table\"}" },
		{},
	};

	refused(answers, WORDS("list", "tcp dport 80", "bad"), CLI_INVALID, SHOWN);
	refused(answers, WORDS("watch", "tcp dport 80 bad"), CLI_INVALID, SHOWN);
	refused(answers, WORDS("count"), CLI_USAGE, "shunt: no flow table\n");
	refused(answers, WORDS("del"), CLI_USAGE, "shunt: either a filter, or --all\n");
	refused(answers, WORDS("del", "--all", "udp dport 1"), CLI_USAGE,
		"shunt: either a filter, or --all\n");
	refused(answers, WORDS("list", "--count", "0"), CLI_USAGE,
		"shunt: '--count' wants a number from 1, not '0'\n");
	refused(answers, WORDS("watch", "--count", "x"), CLI_USAGE,
		"shunt: '--count' wants a number from 1, not 'x'\n");
	refused(answers, WORDS("list", "\xff"), CLI_USAGE, "shunt: the filter is no UTF-8 text\n");
}

/* A page's failure ends it: no more is asked */
static void test_broken_page(void **state)
{
	const struct fake_answer answers[] = {
		{ .method = "conn.del", .result = "{\"deleted\":3,\"cursor\":\"5\"}",
		  .then = "nonsense" }, {},
	};
	struct fake fake = { .answers = answers };

	fake_run(&fake, WORDS("del", "--all"));
	assert_int_equal(fake.status, CLI_UNREACHABLE);
	assert_int_equal(fake.n_requests, 2);
	assert_string_equal(fake.out, "");
	fake_fini(&fake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_list), cmocka_unit_test(test_json),
		cmocka_unit_test(test_show), cmocka_unit_test(test_count),
		cmocka_unit_test(test_del), cmocka_unit_test(test_stats),
		cmocka_unit_test(test_watch), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_broken_page),
	};

	return unit_main(tests, sizeof(tests) / sizeof(tests[0]));
}
