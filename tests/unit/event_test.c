// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* event_test.c - a logged packet as JSON */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include <model/event.h>

#include "../lib/unit.h"

static struct shunt_event event_of(uint8_t l3, uint8_t proto)
{
	struct shunt_event event = {
		.size = sizeof(event), .node = 7, .rule = 0x0a1b2c3d, .captured = 3,
		.data = { 0x02, 0xff, 0x00, 0x99 },
		.pkt = { .ifindex = 4, .len = 60, .l3 = l3, .proto = proto, .ttl = 63, .mark = 5,
			 .eth_type = htons(l3 == 6 ? 0x86dd : 0x0800), .flags = SHUNT_PKT_L4,
			 .sport = htons(4000), .dport = htons(80), .icmp_type = 3, .icmp_code = 1 },
	};

	if (l3 == 4) {
		inet_pton(AF_INET, "10.0.0.1", &event.pkt.saddr.v4);
		inet_pton(AF_INET, "192.0.2.255", &event.pkt.daddr.v4);
	} else {
		inet_pton(AF_INET6, "2001:db8::1", &event.pkt.saddr);
		inet_pton(AF_INET6, "::ffff:1.2.3.4", &event.pkt.daddr);
	}
	return event;
}

static void check(const struct shunt_event *event, const struct event_about *about,
		  const char *wanted)
{
	struct buf text = {};
	struct jsonw w;

	jsonw_init(&w, &text, false);
	jsonw_object(&w, NULL);
	event_write(event, about, &w);
	jsonw_object_end(&w);
	assert_string_equal(text.data, wanted);
	buf_fini(&text);
}

static void test_tcp(void **state)
{
	struct shunt_event event = event_of(4, IPPROTO_TCP);
	const struct event_about about = {
		.time_ns = 1764000000123456789, .dev = "eth0", .graph = "g", .hook = "xdp",
		.node = "guard",
	};

	event.pkt.tcp_flags = 0xc2;
	event.pkt.vlans = 2;
	event.pkt.vlan_tci[0] = 0xf007;
	event.pkt.vlan_tci[1] = 4095;
	check(&event, &about,
	      "{\"time_ns\":1764000000123456789,\"dev\":\"eth0\",\"ifindex\":4,\"graph\":\"g\","
	      "\"hook\":\"xdp\",\"node\":\"guard\",\"rule\":\"0a1b2c3d\",\"prefix\":null,"
	      "\"verdict\":null,\"length\":60,\"mark\":5,\"vlan\":[7,4095],\"ether_type\":\"0x0800\","
	      "\"saddr\":\"10.0.0.1\",\"daddr\":\"192.0.2.255\",\"protocol\":\"tcp\","
	      "\"frag\":\"none\",\"ttl\":63,\"sport\":4000,\"dport\":80,\"flags\":\"syn,ecn,cwr\","
	      "\"bytes\":\"02ff00\"}");
}

#define HEAD "{\"time_ns\":0,\"dev\":null,\"ifindex\":4,\"graph\":null,\"hook\":null," \
	     "\"node\":null,\"rule\":\"0a1b2c3d\",\"prefix\":null,\"verdict\":null,"

static void test_icmp6(void **state)
{
	struct shunt_event event = event_of(6, IPPROTO_ICMPV6);

	event.pkt.frag = SHUNT_FRAG_FIRST;
	check(&event, &(struct event_about){ 0 },
	      HEAD "\"length\":60,\"mark\":5,\"vlan\":[],\"ether_type\":\"0x86dd\","
	      "\"saddr\":\"2001:db8::1\",\"daddr\":\"::ffff:1.2.3.4\",\"protocol\":\"icmpv6\","
	      "\"frag\":\"first\",\"ttl\":63,\"type\":3,\"code\":1,\"bytes\":\"02ff00\"}");
}

static void test_no_ports(void **state)
{
	struct shunt_event event = event_of(4, 47);

	event.pkt.flags = 0;
	event.pkt.frag = SHUNT_FRAG_LATER;
	event.captured = 0;
	check(&event, &(struct event_about){ 0 },
	      HEAD "\"length\":60,\"mark\":5,\"vlan\":[],\"ether_type\":\"0x0800\","
	      "\"saddr\":\"10.0.0.1\",\"daddr\":\"192.0.2.255\",\"protocol\":\"47\","
	      "\"frag\":\"later\",\"ttl\":63,\"bytes\":\"\"}");
	event.pkt.l3 = 0;
	event.pkt.eth_type = htons(0x0806);
	check(&event, &(struct event_about){ 0 },
	      HEAD "\"length\":60,\"mark\":5,\"vlan\":[],\"ether_type\":\"0x0806\","
	      "\"bytes\":\"\"}");
}

/* What the rule says of it */
static void check_rule(const char *text, unsigned int statement, const char *wanted)
{
	struct shunt_event event = event_of(4, IPPROTO_UDP);
	struct arena arena = {};
	struct diags diags = { .arena = &arena };
	struct expr_rule rule;
	struct buf out = {};
	struct jsonw w;

	if (expr_parse(text, "/", &diags, &rule) < 0)
		fail_msg("%s: %s", text, diags.v[0].message);
	event.statement = statement;
	jsonw_init(&w, &out, false);
	jsonw_object(&w, NULL);
	event_write(&event, &(struct event_about){ .rule = &rule }, &w);
	if (!strstr(out.data, wanted))
		fail_msg("'%s': %s has no %s", text, out.data, wanted);
	buf_fini(&out);
	arena_fini(&arena);
}

static void test_rules(void **state)
{
	check_rule("log drop", 0, "\"prefix\":null,\"verdict\":\"drop\"");
	check_rule("log prefix \"a b\" accept", 0, "\"prefix\":\"a b\",\"verdict\":\"accept\"");
	check_rule("log prefix \"one\" log prefix \"two\" drop(rate)", 1,
		   "\"prefix\":\"two\",\"verdict\":\"drop(rate)\"");
	check_rule("log prefix \"one\" log prefix \"two\" reject", 0,
		   "\"prefix\":\"one\",\"verdict\":\"reject\"");
	check_rule("counter name c log prefix \"one\"", 0, "\"prefix\":\"one\",\"verdict\":\"continue\"");
	check_rule("log prefix \"one\" jump more", 5, "\"prefix\":\"one\",\"verdict\":\"jump more\"");
	check_rule("log return", 0, "\"prefix\":null,\"verdict\":\"return\"");
	check_rule("log goto odd", 0, "\"prefix\":null,\"verdict\":\"odd\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tcp), cmocka_unit_test(test_icmp6),
		cmocka_unit_test(test_no_ports), cmocka_unit_test(test_rules),
	};

	return unit_main(tests, sizeof(tests) / sizeof(tests[0]));
}
