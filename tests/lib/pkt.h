/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* pkt.h - build packets for tests: headers pushed one behind the other
 *
 * An oracle must not share a mistake with what it judges: no header of dataplane/ or include/ is
 * used here. A packet is a list of headers. As a constant, for tables of cases at file scope too:
 *
 *	static const struct { const char *name; const struct pkt_hdr *in; } cases[] = {
 *		{ "plain", UDP4("10.0.0.1", "10.0.0.2", 1000, 53) },
 *		{ "payload", UDP4("10.0.0.1", "10.0.0.2", 1000, 53, RAW("hello")) },
 *		{ "router alert", PKT(ETH(), VLAN(.id = 7), IP4(.opts = "\x94\4\0", .opts_len = 4),
 *				      UDP(.dport = 53)) },
 *		{ "bad length", PKT(ETH(), IP6(), HBH(.len = 16), UDP(.dport = 9, .len = 3)) },
 *		{ "tunnel", IPIP("10.9.0.1", "10.9.0.2", PING4("10.0.0.1", "10.0.0.2")) },
 *	};
 *	struct pkt p;
 *
 *	pkt_build(&p, cases[0].in);		// p.data, p.len
 *
 * or step by step, which is the same:
 *
 *	pkt_init(&p);
 *	pkt_eth(&p);
 *	pkt_ip4(&p, .src = "10.0.0.1", .ttl = 1);
 *	pkt_tcp(&p, .dport = 80, .flags = PKT_SYN);
 *
 * Lengths, checksums and "what comes next" are right after every push. What a header gives
 * explicitly stays: a field marked "auto" is worked out when 0, is zero on the wire when PKT_ZERO,
 * else goes out as given. Or change the packet afterwards:
 * pkt_set16(&p, pkt_off(&p, PKT_IP4, 0) + 2, 20). All numbers are in host byte order.
 * Mistakes of the caller (no such address, packet too long) abort with a message.
 */
#ifndef TESTS_LIB_PKT_H
#define TESTS_LIB_PKT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PKT_MAX		10240	/* bytes of a packet */
#define PKT_LAYERS	40	/* headers of a packet */
#define PKT_ZERO	(-1)	/* an "auto" field: really zero */

enum pkt_kind {
	PKT_END, PKT_ETH, PKT_VLAN, PKT_IP4, PKT_IP6, PKT_HBH, PKT_ROUTING, PKT_FRAG, PKT_AH,
	PKT_DSTOPT, PKT_TCP, PKT_UDP, PKT_SCTP, PKT_ICMP, PKT_ICMP6, PKT_RAW, PKT_FILL,
	PKT_L3, PKT_N_KINDS,
};

enum pkt_tcp_flag {
	PKT_FIN = 0x01, PKT_SYN = 0x02, PKT_RST = 0x04, PKT_PSH = 0x08,
	PKT_ACK = 0x10, PKT_URG = 0x20, PKT_ECE = 0x40, PKT_CWR = 0x80,
};

struct pkt_eth {
	const char *src, *dst;	/* NULL: 02:00:00:00:00:01, 02:00:00:00:00:02 */
	int type;		/* auto; 0x88b5 if nothing known follows */
};

struct pkt_vlan {
	int tpid;		/* 0: 0x8100 */
	uint16_t id;
	uint8_t prio;
	bool dei;
	int type;		/* auto */
};

struct pkt_ip4 {
	const char *src, *dst;	/* NULL: 10.0.0.1, 10.0.0.2 */
	int ttl;		/* 0: 64 */
	uint8_t tos;
	uint16_t id;
	bool df, mf, evil;	/* evil: the reserved flag */
	uint16_t frag_off;	/* in bytes, multiple of 8 */
	const void *opts;	/* filled with end-of-list to a multiple of 4 bytes */
	size_t opts_len;
	int version, ihl;	/* auto; ihl in words of 4 bytes */
	int len, check, next;	/* auto; next: 253 if nothing known follows */
};

struct pkt_ip6 {
	const char *src, *dst;	/* NULL: fd00::1, fd00::2 */
	int hops;		/* 0: 64 */
	uint8_t tc;
	uint32_t flow;
	int version, len, next;	/* auto; next: 59 if nothing follows */
};

/* Hop-by-hop and destination options */
struct pkt_opts {
	size_t len;		/* header in bytes, multiple of 8; 0: as data needs */
	const void *data;	/* options; PadN fills the rest */
	size_t data_len;
	int ext_len, next;	/* auto; ext_len: the field, in units of 8 bytes behind the first */
};

struct pkt_routing {
	uint8_t type;		/* 4: segment routing, the last segment comes first */
	uint8_t left;		/* segments left */
	const char *addr[4];	/* to the first NULL */
	int ext_len, next;	/* auto */
};

struct pkt_frag {
	uint16_t off;		/* in bytes, multiple of 8 */
	bool more;
	uint32_t id;
	uint8_t reserved;	/* the two reserved bits beside the offset */
	int next;		/* auto; must be given where no header follows */
};

struct pkt_ah {
	uint32_t spi, seq;
	size_t icv_len;		/* in bytes; 0: 12 */
	int ext_len, next;	/* auto; ext_len: the field, in words of 4 bytes less 2 */
};

struct pkt_tcp {
	uint16_t sport, dport;
	uint32_t seq, ack;
	uint8_t flags;		/* PKT_SYN | PKT_ACK ... */
	uint16_t window, urgent;
	const void *opts;	/* filled with end-of-list to a multiple of 4 bytes */
	size_t opts_len;
	int doff, check;	/* auto; doff in words of 4 bytes */
};

struct pkt_udp {
	uint16_t sport, dport;
	int len, check;		/* auto */
};

struct pkt_sctp {
	uint16_t sport, dport;
	uint32_t tag;
	int64_t check;		/* auto: CRC32c */
};

struct pkt_icmp {		/* ICMP and ICMPv6: the first 8 bytes */
	uint8_t type, code;
	uint16_t id, seq;
	int check;		/* auto */
};

struct pkt_raw {
	const void *data;	/* NULL: bytes 0, 1, 2, ... 255, 0, ... */
	size_t len;
};

struct pkt_hdr {
	enum pkt_kind kind;
	union {
		struct pkt_eth eth;
		struct pkt_vlan vlan;
		struct pkt_ip4 ip4;
		struct pkt_ip6 ip6;
		struct pkt_opts opts;
		struct pkt_routing routing;
		struct pkt_frag frag;
		struct pkt_ah ah;
		struct pkt_tcp tcp;
		struct pkt_udp udp;
		struct pkt_sctp sctp;
		struct pkt_icmp icmp;
		struct pkt_raw raw;
		const struct pkt_hdr *l3;
	};
};

struct pkt_layer {
	uint8_t kind;
	bool auto_next, auto_len, auto_check;
	uint16_t off, len;	/* of the header in data */
};

struct pkt {
	uint8_t data[PKT_MAX];
	size_t len;
	unsigned int n_layers;
	struct pkt_layer layers[PKT_LAYERS];
};

/* ---- headers as constants ---- */
#define ETH(...)	{ .kind = PKT_ETH, .eth = { __VA_ARGS__ } }
#define VLAN(...)	{ .kind = PKT_VLAN, .vlan = { __VA_ARGS__ } }
#define IP4(...)	{ .kind = PKT_IP4, .ip4 = { __VA_ARGS__ } }
#define IP6(...)	{ .kind = PKT_IP6, .ip6 = { __VA_ARGS__ } }
#define HBH(...)	{ .kind = PKT_HBH, .opts = { __VA_ARGS__ } }
#define DSTOPT(...)	{ .kind = PKT_DSTOPT, .opts = { __VA_ARGS__ } }
#define ROUTING(...)	{ .kind = PKT_ROUTING, .routing = { __VA_ARGS__ } }
#define FRAG(...)	{ .kind = PKT_FRAG, .frag = { __VA_ARGS__ } }
#define AH(...)		{ .kind = PKT_AH, .ah = { __VA_ARGS__ } }
#define TCP(...)	{ .kind = PKT_TCP, .tcp = { __VA_ARGS__ } }
#define UDP(...)	{ .kind = PKT_UDP, .udp = { __VA_ARGS__ } }
#define SCTP(...)	{ .kind = PKT_SCTP, .sctp = { __VA_ARGS__ } }
#define ICMP(...)	{ .kind = PKT_ICMP, .icmp = { __VA_ARGS__ } }
#define ICMP6(...)	{ .kind = PKT_ICMP6, .icmp = { __VA_ARGS__ } }
#define RAW(string)	{ .kind = PKT_RAW, .raw = { (string), sizeof(string) - 1 } }
#define RAWN(ptr, size)	{ .kind = PKT_RAW, .raw = { (ptr), (size) } }
#define FILL(size)	{ .kind = PKT_FILL, .raw = { NULL, (size) } }
/* A whole packet, without its Ethernet and VLAN headers */
#define L3(packet)	{ .kind = PKT_L3, .l3 = (packet) }

/* A packet: const struct pkt_hdr *; lives as long as the block it is written in */
#define PKT(...)	((const struct pkt_hdr[]){ __VA_ARGS__, { .kind = PKT_END } })

/* ---- the common ones; further headers (payload) may follow ---- */
#define UDP4(s, d, sp, dp, ...) \
	PKT(ETH(), IP4(.src = (s), .dst = (d)), UDP(.sport = (sp), .dport = (dp)), ##__VA_ARGS__)
#define UDP6(s, d, sp, dp, ...) \
	PKT(ETH(), IP6(.src = (s), .dst = (d)), UDP(.sport = (sp), .dport = (dp)), ##__VA_ARGS__)
#define TCP4(s, d, sp, dp, fl, ...) \
	PKT(ETH(), IP4(.src = (s), .dst = (d)), \
	    TCP(.sport = (sp), .dport = (dp), .flags = (fl)), ##__VA_ARGS__)
#define TCP6(s, d, sp, dp, fl, ...) \
	PKT(ETH(), IP6(.src = (s), .dst = (d)), \
	    TCP(.sport = (sp), .dport = (dp), .flags = (fl)), ##__VA_ARGS__)
#define SCTP4(s, d, sp, dp, ...) \
	PKT(ETH(), IP4(.src = (s), .dst = (d)), SCTP(.sport = (sp), .dport = (dp)), ##__VA_ARGS__)
#define SCTP6(s, d, sp, dp, ...) \
	PKT(ETH(), IP6(.src = (s), .dst = (d)), SCTP(.sport = (sp), .dport = (dp)), ##__VA_ARGS__)
#define PING4(s, d, ...) \
	PKT(ETH(), IP4(.src = (s), .dst = (d)), ICMP(.type = 8, .id = 1, .seq = 1), ##__VA_ARGS__)
#define PING6(s, d, ...) \
	PKT(ETH(), IP6(.src = (s), .dst = (d)), \
	    ICMP6(.type = 128, .id = 1, .seq = 1), ##__VA_ARGS__)
#define IPIP(s, d, packet)	PKT(ETH(), IP4(.src = (s), .dst = (d)), L3(packet))
#define IP6IP6(s, d, packet)	PKT(ETH(), IP6(.src = (s), .dst = (d)), L3(packet))

/* ---- the same, pushed ---- */
#define pkt_eth(p, ...)		pkt_push(p, &(const struct pkt_hdr)ETH(__VA_ARGS__))
#define pkt_vlan(p, ...)	pkt_push(p, &(const struct pkt_hdr)VLAN(__VA_ARGS__))
#define pkt_ip4(p, ...)		pkt_push(p, &(const struct pkt_hdr)IP4(__VA_ARGS__))
#define pkt_ip6(p, ...)		pkt_push(p, &(const struct pkt_hdr)IP6(__VA_ARGS__))
#define pkt_hbh(p, ...)		pkt_push(p, &(const struct pkt_hdr)HBH(__VA_ARGS__))
#define pkt_dstopt(p, ...)	pkt_push(p, &(const struct pkt_hdr)DSTOPT(__VA_ARGS__))
#define pkt_routing(p, ...)	pkt_push(p, &(const struct pkt_hdr)ROUTING(__VA_ARGS__))
#define pkt_frag(p, ...)	pkt_push(p, &(const struct pkt_hdr)FRAG(__VA_ARGS__))
#define pkt_ah(p, ...)		pkt_push(p, &(const struct pkt_hdr)AH(__VA_ARGS__))
#define pkt_tcp(p, ...)		pkt_push(p, &(const struct pkt_hdr)TCP(__VA_ARGS__))
#define pkt_udp(p, ...)		pkt_push(p, &(const struct pkt_hdr)UDP(__VA_ARGS__))
#define pkt_sctp(p, ...)	pkt_push(p, &(const struct pkt_hdr)SCTP(__VA_ARGS__))
#define pkt_icmp(p, ...)	pkt_push(p, &(const struct pkt_hdr)ICMP(__VA_ARGS__))
#define pkt_icmp6(p, ...)	pkt_push(p, &(const struct pkt_hdr)ICMP6(__VA_ARGS__))
#define pkt_raw(p, ptr, size)	pkt_push(p, &(const struct pkt_hdr)RAWN(ptr, size))
#define pkt_fill(p, size)	pkt_push(p, &(const struct pkt_hdr)FILL(size))

void pkt_init(struct pkt *p);		/* empty */

/**
 * pkt_push() - Append one header
 * Lengths, checksums and next-protocol fields of earlier headers follow, where they are "auto".
 * An L4 checksum covers what is in the packet: that of a first fragment wants '.check'.
 */
void pkt_push(struct pkt *p, const struct pkt_hdr *hdr);

/* pkt_build() - Make a packet of a list that PKT_END ends */
void pkt_build(struct pkt *p, const struct pkt_hdr *hdrs);

/* pkt_off() - Offset of the nth header (from 0) of a kind; aborts if there is none */
size_t pkt_off(const struct pkt *p, enum pkt_kind kind, unsigned int nth);

/* ---- afterwards: nothing is worked out again ---- */
void pkt_set8(struct pkt *p, size_t off, uint8_t value);
void pkt_set16(struct pkt *p, size_t off, uint16_t value);
void pkt_set32(struct pkt *p, size_t off, uint32_t value);
void pkt_cut(struct pkt *p, size_t len);	/* keep the first @len bytes */
void pkt_pad(struct pkt *p, size_t len);	/* zeroes behind the packet, to @len bytes */

/**
 * pkt_diff() - Say in words where a packet differs from what was wanted
 * @wanted:	Packet wanted
 * @text, @size: Result, empty if equal: "byte 22 (ip4+8) is 0x40, wanted 0x3f"
 * Return: whether they differ
 */
bool pkt_diff(const struct pkt *wanted, const void *data, size_t len, char *text, size_t size);

/* Internet checksum (RFC 1071); @sum: that of earlier pieces of even length, or 0 */
uint32_t pkt_sum(const void *data, size_t len, uint32_t sum);
uint16_t pkt_checksum(const void *data, size_t len, uint32_t sum);
uint32_t pkt_crc32c(const void *data, size_t len);	/* RFC 9260, appendix A */

#endif
