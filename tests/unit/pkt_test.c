// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* pkt_test.c - the packet builder against frames that a kernel sent, and published checksums */
#include "../lib/pkt.h"
#include "../lib/unit.h"

#include <stdio.h>
#include <string.h>

#define N_ELEMENTS(a) (sizeof(a) / sizeof((a)[0]))

/* Frames recorded from a kernel's own sockets on a veth, checksum offload off */
struct recorded {
	const char *name;
	const char *hex;
	const struct pkt_hdr *hdrs;
};

static const struct recorded recorded[] = {
	{ "UDP over IPv4",
	  "020000000002 020000000001 0800 4500002112704000 4011145a 0a000001 0a000002"
	  "03e80035000da3e2 68656c6c6f",
	  PKT(ETH(), IP4(.id = 0x1270, .df = true), UDP(.sport = 1000, .dport = 53),
	      RAW("hello")) },
	{ "UDP over IPv6",
	  "020000000002 020000000001 86dd 600b1135000d1140"
	  "fd000000000000000000000000000001 fd000000000000000000000000000002"
	  "03e80035000dbde0 68656c6c6f",
	  PKT(ETH(), IP6(.flow = 0xb1135), UDP(.sport = 1000, .dport = 53), RAW("hello")) },
	{ "TCP over IPv4, options",
	  "020000000002 020000000001 0800 4500003c75144000 4006b1a5 0a000001 0a000002"
	  "03e8005058d8e08600000000a002faf0536e0000 020405b40402080a301377f1000000000103030a",
	  PKT(ETH(), IP4(.id = 0x7514, .df = true),
	      TCP(.sport = 1000, .dport = 80, .seq = 0x58d8e086, .flags = PKT_SYN, .window = 64240,
		  .opts = "\2\4\5\xb4\4\2\x8\xa\x30\x13\x77\xf1\0\0\0\0\1\3\3\xa",
		  .opts_len = 20)) },
	{ "TCP over IPv6, options",
	  "020000000002 020000000001 86dd 6007363100280640"
	  "fd000000000000000000000000000001 fd000000000000000000000000000002"
	  "03e800500267d6b500000000a002fd201d2b0000 020405a00402080acf198752000000000103030a",
	  PKT(ETH(), IP6(.flow = 0x73631),
	      TCP(.sport = 1000, .dport = 80, .seq = 0x0267d6b5, .flags = PKT_SYN, .window = 64800,
		  .opts = "\2\4\5\xa0\4\2\x8\xa\xcf\x19\x87\x52\0\0\0\0\1\3\3\xa",
		  .opts_len = 20)) },
	{ "ICMPv6 router solicitation",
	  "333300000002 020000000001 86dd 6000000000103aff"
	  "fe80000000000000000000fffe000001 ff020000000000000000000000000002"
	  "85007b2c00000000 0101020000000001",
	  PKT(ETH(.dst = "33:33:00:00:00:02"),
	      IP6(.src = "fe80::ff:fe00:1", .dst = "ff02::2", .hops = 255),
	      ICMP6(.type = 133), RAW("\1\1\2\0\0\0\0\1")) },
	{ "multicast report behind hop-by-hop options",
	  "333300000016 020000000001 86dd 6000000000240001"
	  "fe80000000000000000000fffe000001 ff020000000000000000000000000016"
	  "3a00050200000100 8f00720700000001 04000000 ff0200000000000000000001ff000001",
	  PKT(ETH(.dst = "33:33:00:00:00:16"),
	      IP6(.src = "fe80::ff:fe00:1", .dst = "ff02::16", .hops = 1),
	      HBH(.data = "\5\2\0\0", .data_len = 4), ICMP6(.type = 143, .seq = 1),
	      RAW("\4\0\0\0\xff\2\0\0\0\0\0\0\0\0\0\1\xff\0\0\1")) },
};

static size_t from_hex(const char *hex, uint8_t *bytes)
{
	size_t n = 0;
	unsigned int byte;

	for (; *hex; hex++) {
		if (*hex == ' ')
			continue;
		assert_int_equal(sscanf(hex++, "%2x", &byte), 1);
		bytes[n++] = byte;
	}
	return n;
}

static void assert_bytes(const struct pkt *p, const char *hex)
{
	uint8_t wanted[PKT_MAX];
	size_t len = from_hex(hex, wanted);
	char text[256];

	/* What was built stands in for what is wanted here: only it knows the headers' names */
	if (pkt_diff(p, wanted, len, text, sizeof(text)))
		fail_msg("in the recorded frame, %s, by the one built", text);
}

static void test_recorded(void **state)
{
	const struct recorded *row = *state;
	struct pkt p;

	pkt_build(&p, row->hdrs);
	assert_bytes(&p, row->hex);
}

static void test_checksum_vectors(void **state)
{
	/* RFC 1071, section 3 */
	assert_int_equal(pkt_sum("\0\1\xf2\3\xf4\xf5\xf6\xf7", 8, 0), 0xddf2);
	assert_int_equal(pkt_checksum("\0\1\xf2\3\xf4\xf5\xf6\xf7", 8, 0), 0x220d);
	/* an odd byte counts as the high one; pieces add up */
	assert_int_equal(pkt_sum("\1\2\3", 3, 0), 0x0402);
	assert_int_equal(pkt_sum("\xf4\xf5\xf6\xf7", 4, pkt_sum("\0\1\xf2\3", 4, 0)), 0xddf2);
	/* RFC 3720, B.4 */
	assert_int_equal(pkt_crc32c((uint8_t[32]){ 0 }, 32), 0x8a9136aa);
	assert_int_equal(pkt_crc32c("123456789", 9), 0xe3069283);
}

static void test_vlan(void **state)
{
	struct pkt p;

	pkt_build(&p, PKT(ETH(), VLAN(.tpid = 0x88a8, .id = 100, .prio = 5),
			  VLAN(.id = 7, .dei = true), IP4(), UDP()));
	assert_int_equal(p.len, 14 + 8 + 28);
	assert_memory_equal(p.data + 12, "\x88\xa8\xa0\x64\x81\x00\x10\x07\x08\x00\x45", 11);
}

static void test_ip4_fields(void **state)
{
	struct pkt p;

	pkt_build(&p, PKT(ETH(), IP4(.mf = true, .evil = true, .frag_off = 1480, .tos = 3,
				     .ttl = PKT_ZERO, .opts = "\x94\4\0", .opts_len = 3),
			  RAW("x")));
	/* ihl 6, tos, length 25; id; flags and 185 units; ttl 0, proto 253 */
	assert_memory_equal(p.data + 14, "\x46\x03\x00\x19\x00\x00\xa0\xb9\x00\xfd", 10);
	assert_int_equal(pkt_checksum(p.data + 14, 24, 0), 0);
	assert_memory_equal(p.data + 34, "\x94\4\0\0x", 5);
}

static void test_ip6_chain(void **state)
{
	struct pkt p;

	pkt_build(&p, PKT(ETH(), IP6(), HBH(), DSTOPT(.len = 16), ROUTING(.left = 0),
			  FRAG(.more = true, .id = 9), AH(.spi = 1), TCP(.dport = 80)));
	assert_int_equal(p.data[14 + 6], 0);
	assert_memory_equal(p.data + pkt_off(&p, PKT_HBH, 0), "\x3c\0\1\4\0\0\0\0", 8);
	assert_memory_equal(p.data + pkt_off(&p, PKT_DSTOPT, 0), "\x2b\1\1\x0c", 4);
	assert_memory_equal(p.data + pkt_off(&p, PKT_ROUTING, 0), "\x2c\0\0\0", 4);
	assert_memory_equal(p.data + pkt_off(&p, PKT_FRAG, 0), "\x33\0\0\1\0\0\0\x09", 8);
	assert_memory_equal(p.data + pkt_off(&p, PKT_AH, 0), "\x06\4\0\0\0\0\0\1", 8);
	assert_int_equal(pkt_off(&p, PKT_TCP, 0), 54 + 8 + 16 + 8 + 8 + 24);
	assert_int_equal(p.data[18] << 8 | p.data[19], p.len - 54);
}

/* The checksum is over the last stop, wherever the packet is on its way */
static void test_routing_checksum(void **state)
{
	struct pkt direct, sr, type0;
	size_t len;

	pkt_build(&direct, UDP6("fd00::1", "fd00::9", 1, 2));
	pkt_build(&type0, PKT(ETH(), IP6(.dst = "fd00::5"),
			      ROUTING(.left = 1, .addr = { "fd00::9" }),
			      UDP(.sport = 1, .dport = 2)));
	pkt_build(&sr, PKT(ETH(), IP6(.dst = "fd00::5"),
			   ROUTING(.type = 4, .left = 1, .addr = { "fd00::9", "fd00::5" }),
			   UDP(.sport = 1, .dport = 2)));
	len = direct.len - 8;
	assert_memory_equal(type0.data + type0.len - 8, direct.data + len, 8);
	assert_memory_equal(sr.data + sr.len - 8, direct.data + len, 8);
}

static void test_overrides(void **state)
{
	struct pkt p;
	size_t udp;

	pkt_build(&p, PKT(ETH(.type = 0x1234),
			  IP4(.version = 5, .ihl = 4, .len = 3, .check = 0xbeef, .next = 99),
			  UDP(.len = PKT_ZERO, .check = PKT_ZERO), RAW("late")));
	assert_memory_equal(p.data + 12, "\x12\x34\x54\x00\x00\x03", 6);
	assert_memory_equal(p.data + 23, "\x63\xbe\xef", 3);
	udp = pkt_off(&p, PKT_UDP, 0);
	assert_memory_equal(p.data + udp + 4, "\0\0\0\0late", 8);
	pkt_build(&p, PKT(ETH(), IP6(.next = PKT_ZERO, .len = 1), HBH(.ext_len = 255, .next = 6)));
	assert_memory_equal(p.data + 18, "\0\1\0", 3);
	assert_memory_equal(p.data + 54, "\6\xff", 2);
}

static void test_sctp(void **state)
{
	struct pkt p;
	uint32_t wanted;
	uint8_t copy[16] = { 0, 7, 0, 9, 1, 2, 3, 4, 0, 0, 0, 0, 'd', 'a', 't', 'a' };

	pkt_build(&p, PKT(ETH(), IP4(), SCTP(.sport = 7, .dport = 9, .tag = 0x01020304),
			  RAW("data")));
	wanted = pkt_crc32c(copy, sizeof(copy));
	/* least significant byte first: RFC 9260, appendix A */
	copy[8] = wanted;
	copy[9] = wanted >> 8;
	copy[10] = wanted >> 16;
	copy[11] = wanted >> 24;
	assert_memory_equal(p.data + 34, copy, sizeof(copy));
	assert_int_equal(p.data[23], 132);
}

static void test_tunnel(void **state)
{
	const struct pkt_hdr *inner = UDP4("10.0.0.1", "10.0.0.2", 1000, 53, RAW("abc"));
	struct pkt plain, p;

	pkt_build(&plain, inner);
	pkt_build(&p, IPIP("10.9.0.1", "10.9.0.2", inner));
	assert_int_equal(p.data[14 + 9], 4);
	assert_int_equal(p.data[16] << 8 | p.data[17], p.len - 14);
	assert_int_equal(p.len, plain.len + 20);
	assert_memory_equal(p.data + 34, plain.data + 14, plain.len - 14);
	pkt_build(&p, IP6IP6("fd01::1", "fd01::2", UDP6("fd00::1", "fd00::2", 1, 2)));
	assert_int_equal(p.data[14 + 6], 41);
}

static void test_pushed_is_built(void **state)
{
	struct pkt built, pushed;

	pkt_build(&built, TCP4("10.0.0.1", "10.0.0.2", 1000, 80, PKT_SYN | PKT_ACK, FILL(300)));
	pkt_init(&pushed);
	pkt_eth(&pushed);
	pkt_ip4(&pushed, .src = "10.0.0.1");
	pkt_tcp(&pushed, .sport = 1000, .dport = 80, .flags = PKT_SYN | PKT_ACK);
	pkt_fill(&pushed, 300);
	assert_int_equal(pushed.len, built.len);
	assert_memory_equal(pushed.data, built.data, built.len);
}

static void test_changed_afterwards(void **state)
{
	struct pkt p;

	pkt_build(&p, PING4("10.0.0.1", "10.0.0.2"));
	pkt_set8(&p, 14, 0x4f);
	pkt_set16(&p, 16, 0xabcd);
	pkt_set32(&p, 26, 0x01020304);
	assert_memory_equal(p.data + 14, "\x4f\x00\xab\xcd", 4);
	assert_memory_equal(p.data + 26, "\1\2\3\4", 4);
	pkt_cut(&p, 20);
	assert_int_equal(p.len, 20);
	pkt_pad(&p, 60);
	assert_int_equal(p.len, 60);
	assert_int_equal(p.data[20] | p.data[59], 0);
}

static void test_diff(void **state)
{
	struct pkt p;
	uint8_t other[PKT_MAX];
	char text[256];

	pkt_build(&p, UDP4("10.0.0.1", "10.0.0.2", 1000, 53));
	assert_false(pkt_diff(&p, p.data, p.len, text, sizeof(text)));
	assert_string_equal(text, "");
	memcpy(other, p.data, p.len);
	other[22] = 63;
	assert_true(pkt_diff(&p, other, p.len, text, sizeof(text)));
	assert_string_equal(text, "byte 22 (ip4+8) is 0x3f, wanted 0x40; 42 bytes of 42");
	assert_true(pkt_diff(&p, p.data, 41, text, sizeof(text)));
	assert_string_equal(text, "length is 41, wanted 42");
}

int main(void)
{
	const struct CMUnitTest fixed[] = {
		cmocka_unit_test(test_checksum_vectors),
		cmocka_unit_test(test_vlan),
		cmocka_unit_test(test_ip4_fields),
		cmocka_unit_test(test_ip6_chain),
		cmocka_unit_test(test_routing_checksum),
		cmocka_unit_test(test_overrides),
		cmocka_unit_test(test_sctp),
		cmocka_unit_test(test_tunnel),
		cmocka_unit_test(test_pushed_is_built),
		cmocka_unit_test(test_changed_afterwards),
		cmocka_unit_test(test_diff),
	};
	struct CMUnitTest tests[N_ELEMENTS(recorded) + N_ELEMENTS(fixed)];
	size_t i;

	for (i = 0; i < N_ELEMENTS(recorded); i++)
		tests[i] = (struct CMUnitTest){
			.name = recorded[i].name,
			.test_func = test_recorded,
			.initial_state = (void *)&recorded[i],
		};
	memcpy(&tests[i], fixed, sizeof(fixed));
	return unit_main(tests, N_ELEMENTS(tests));
}
