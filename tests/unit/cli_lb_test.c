// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* cli_lb_test.c - what 'shunt lb' asks, and how it shows services, backends, rates */
#include "cli_fake.h"

#define WWW(packets, bytes, flows) \
	"\"node\":\"edge\",\"service\":\"www\",\"address\":\"203.0.113.10\",\"port\":\"443\"," \
	"\"proto\":\"tcp\",\"forward\":\"ipip\",\"total\":2,\"serving\":1,\"slots\":1009," \
	"\"changing\":7,\"packets\":" packets ",\"bytes\":" bytes ",\"flows\":" flows "," \
	"\"kept\":3,\"drops\":{\"no_backend\":4,\"ttl\":0,\"too_big\":1},\"evicted\":9"
#define SIX \
	"{\"node\":\"edge\",\"service\":\"six\",\"address\":\"2001:db8::1\",\"port\":\"53\"," \
	"\"proto\":\"udp\",\"forward\":\"l2\",\"total\":0,\"serving\":0,\"slots\":1009," \
	"\"changing\":0,\"packets\":0,\"bytes\":0,\"flows\":0,\"kept\":0,\"drops\":{}," \
	"\"evicted\":0}"
#define WHOLE(backends) \
	",\"hash\":\"flow\",\"tracking\":\"changes\",\"down\":\"drop\",\"drain_ms\":300000," \
	"\"backends\":[" backends "]}"
#define B1(packets) \
	"{\"backend\":\"10.0.0.1\",\"weight\":3,\"state\":\"up\",\"tenths\":10,\"slots\":900," \
	"\"way\":\"ready\",\"packets\":" packets ",\"bytes\":0,\"flows\":0,\"kept\":0}"
#define B2 \
	"{\"backend\":\"10.0.0.2\",\"weight\":1,\"state\":\"slow_start\",\"tenths\":4," \
	"\"slots\":109,\"way\":\"no_neigh\",\"packets\":5,\"bytes\":6,\"flows\":7,\"kept\":8}"
#define SERVICES(list) "{\"schema\":1,\"services\":[" list "]}"

static const struct fake_answer answers[] = {
	{ .method = "lb.show", .result = SERVICES("{" WWW("104423", "9810343", "812") "}," SIX) },
	{ .method = "lb.service",
	  .result = SERVICES("{" WWW("10", "20", "30") WHOLE(B1("1") "," B2)) },
	{ .method = "lb.conn", .result = "{\"room\":1048576,\"used\":12,\"fresh\":7,\"evicted\":5,"
					 "\"changing\":1}" },
	{ .method = "lb.where",
	  .result = "{\"node\":\"edge\",\"service\":\"www\",\"destination\":\"203.0.113.10:443\","
		    "\"slot\":21,\"slots\":1009,\"owner\":\"10.0.0.1\",\"keep\":\"10.0.0.2\","
		    "\"remembered\":\"10.0.0.2\",\"remembered_s\":4,\"begins\":\"10.0.0.1\","
		    "\"goes_on\":\"10.0.0.2\",\"why\":\"remembered\"}" },
	{ .method = "lb.backend.down", .result = "{\"was\":\"up\",\"state\":\"down\"}" },
	{ .method = "lb.backend.up", .error = "{\"code\":4,\"message\":\"no\"}" },
	{},
};

#define WORDS(...) (const char *const[]){ "lb", __VA_ARGS__, NULL }

static void check(const char *const *words, const char *requests, const char *out)
{
	struct fake fake = { .answers = answers };

	fake_run(&fake, words);
	assert_string_equal(fake.err, "");
	assert_string_equal(fake.out, out);
	assert_string_equal(fake.requests.data, requests);
	assert_int_equal(fake.status, CLI_OK);
	fake_fini(&fake);
}

static void test_show(void **state)
{
	check(WORDS("show"), "lb.show -\n",
	      "NODE  SERVICE  DESTINATION           FORWARD  SERVING  PACKETS    BYTES  FLOWS  DROPPED\n"
	      "edge  www      203.0.113.10:443 tcp  ipip     1 of 2    104423  9810343    812        5\n"
	      "edge  six      [2001:db8::1]:53 udp  l2       0 of 0         0        0      0        0\n");
	check(WORDS("show", "edge", "-j"), "lb.show {\"node\":\"edge\"}\n",
	      SERVICES("{" WWW("104423", "9810343", "812") "}," SIX) "\n");
}

static void test_service(void **state)
{
	check(WORDS("service", "www"), "lb.service {\"service\":\"www\"}\n",
	      "edge/www: 203.0.113.10:443 tcp, forward ipip, hash flow, tracking changes, down drop\n"
	      "  1 of 2 backends serve; 1009 slots, 7 former owners\n"
	      "  packets 10, bytes 20, flows 30, kept 3, evicted 9\n"
	      "  dropped no_backend 4\n"
	      "  dropped too_big 1\n"
	      "\n"
	      "BACKEND   WEIGHT  STATE            WAY       SLOTS  PACKETS  BYTES  FLOWS  KEPT\n"
	      "10.0.0.1       3  up               ready       900        1      0      0     0\n"
	      "10.0.0.2       1  slow start 4/10  no_neigh    109        5      6      7     8\n");
}

static void test_conn(void **state)
{
	check(WORDS("conn"), "lb.conn -\n",
	      "flows remembered: 12 of 1048576, 7 of them seen in the last minute\n"
	      "evicted: 5\nservices in transition: 1\n");
}

static void test_where(void **state)
{
	check(WORDS("where", "198.51.100.7:40000", "www", "udp"),
	      "lb.where {\"client\":\"198.51.100.7:40000\",\"proto\":\"udp\",\"service\":\"www\"}\n",
	      "edge/www: slot 21 of 1009\n"
	      "  a flow that begins goes to 10.0.0.1\n"
	      "  one that goes on, to 10.0.0.2 (remembered)\n"
	      "  owner 10.0.0.1, in transition: what is not remembered is kept by 10.0.0.2; "
	      "remembered: 10.0.0.2, seen 4 s ago\n");
}

/* ---- rates: the second answer has more ------------------------------------------------------ */

static const struct fake_answer before[] = {
	{ .method = "lb.show", .result = SERVICES("{" WWW("1000", "2000", "10") "}") }, {},
}, growing[] = {
	{ .method = "lb.show", .result = SERVICES("{" WWW("1000", "2000", "10") "}"),
	  .second = SERVICES("{" WWW("1050", "2000", "9") "}," SIX) },
	{ .method = "lb.service", .result = SERVICES("{" WWW("0", "0", "0") WHOLE(B1("100") )),
	  .second = SERVICES("{" WWW("0", "0", "0") WHOLE(B1("600") "," B2)) },
	{},
};

/* The number behind a key in JSON text */
static double number_of(const char *text, const char *key)
{
	const char *at = strstr(text, key);

	assert_non_null(at);
	return strtod(at + strlen(key), NULL);
}

static void test_rate_json(void **state)
{
	struct fake fake = { .answers = growing };

	fake_run(&fake, WORDS("show", "--rate=0.1", "-j"));
	assert_int_equal(fake.status, CLI_OK);
	assert_string_equal(fake.requests.data, "lb.show -\nlb.show -\n");
	assert_in_range(number_of(fake.out, "\"packets_s\":"), 20, 500);	/* 50 in 0.1 s or more */
	assert_int_equal(number_of(fake.out, "\"bytes_s\":"), 0);
	assert_int_equal(number_of(fake.out, "\"flows_s\":"), 0);	/* fewer: counted anew */
	assert_int_equal(number_of(fake.out, "\"packets\":"), 1050);
	fake_fini(&fake);
}

static void test_rate_table(void **state)
{
	struct fake fake = { .answers = growing };
	unsigned int packets;

	fake_run(&fake, WORDS("service", "www", "--rate=0.2"));
	assert_string_equal(fake.err, "");
	assert_non_null(strstr(fake.out, "SLOTS  PACKETS/S  BYTES/S  FLOWS/S  KEPT\n"));
	assert_int_equal(sscanf(strstr(fake.out, "\n10.0.0.1"),
				" 10.0.0.1 3 up ready 900 %u 0 0 0", &packets), 1);
	assert_in_range(packets, 100, 2500);
	/* one that was not there before has no rate */
	assert_non_null(strstr(fake.out, "109          -        -        -     8\n"));
	fake_fini(&fake);
}

static void test_rate_wrong(void **state)
{
	struct fake fake = { .answers = before };

	fake_run(&fake, WORDS("show", "--rate=soon"));
	assert_int_equal(fake.status, CLI_USAGE);
	assert_string_equal(fake.err, "shunt: '--rate' wants seconds, 0.1 to 86400, not 'soon'\n");
	assert_null(fake.requests.data);
	fake_fini(&fake);
	fake_run(&fake, WORDS("conn", "--rate"));
	assert_int_equal(fake.status, CLI_USAGE);
	fake_fini(&fake);
}

/* ---- changes -------------------------------------------------------------------------------- */

static void test_down(void **state)
{
	check(WORDS("backend", "down", "www", "10.0.0.1"),
	      "lb.backend.down {\"backend\":\"10.0.0.1\",\"service\":\"www\"}\n",
	      "down (was up)\n");
}

static void test_wrong(void **state)
{
	static const struct {
		const char *words[8];
		int status;
		const char *said;
	} rows[] = {
		{ { "lb", "backend", "weight", "www", "10.0.0.1", "65536" }, CLI_USAGE,
		  "'weight' wants a number from 0 to 65535, not '65536'" },
		{ { "lb", "backend", "add", "www", "10.0.0.1", "weight", "x" }, CLI_USAGE,
		  "'weight' wants a number from 0 to 65535, not 'x'" },
		{ { "lb", "backend", "add", "www", "10.0.0.1", "height", "2" }, CLI_USAGE,
		  "usage: shunt lb backend add" },
		{ { "lb", "backend", "add", "www", "10.0.0.1", "id" }, CLI_USAGE,
		  "usage: shunt lb backend add" },
		{ { "lb", "backend", "up", "www", "10.0.0.1" }, CLI_REFUSED, "no" },
		{ { "lb", "service" }, CLI_USAGE, "usage: shunt lb service" },
	};
	struct fake fake;
	unsigned int i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fake = (struct fake){ .answers = answers };
		fake_run(&fake, rows[i].words);
		assert_non_null(strstr(fake.err, rows[i].said));
		assert_int_equal(fake.status, rows[i].status);
		fake_fini(&fake);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_show), cmocka_unit_test(test_service),
		cmocka_unit_test(test_conn), cmocka_unit_test(test_where),
		cmocka_unit_test(test_rate_json), cmocka_unit_test(test_rate_table),
		cmocka_unit_test(test_rate_wrong), cmocka_unit_test(test_down),
		cmocka_unit_test(test_wrong),
	};

	return unit_main(tests, sizeof(tests) / sizeof(tests[0]));
}
