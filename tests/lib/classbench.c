// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* classbench.c - sets of 5-tuple rules: as values, in ClassBench's format, as rules of shunt */
#include <arpa/inet.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "classbench.h"

#define ICMP	1
#define TCP	6
#define UDP	17
#define ICMP6	58
#define SCTP	132
#define LINE	512

/* ---- what a rule means ---- */
bool classbench_has_ports(uint8_t proto)
{
	return proto == TCP || proto == UDP || proto == SCTP;
}

bool classbench_is_icmp(unsigned int family, uint8_t proto)
{
	return proto == (family == 4 ? ICMP : ICMP6);
}

static bool begins_with(const uint32_t *addr, const uint32_t *prefix, unsigned int len)
{
	unsigned int word;

	for (word = 0; word < len / 32; word++)
		if (addr[word] != prefix[word])
			return false;
	return !(len % 32) || (addr[word] ^ prefix[word]) >> (32 - len % 32) == 0;
}

static bool port_holds(bool has_ports, uint16_t first, uint16_t last, uint16_t port)
{
	if (first == 0 && last == 65535)
		return true;
	return has_ports && port >= first && port <= last;
}

bool classbench_holds(const struct classbench_rule *rule, const struct classbench_packet *packet)
{
	bool ports = classbench_has_ports(packet->proto);

	return begins_with(packet->saddr, rule->saddr, rule->slen) &&
	       begins_with(packet->daddr, rule->daddr, rule->dlen) &&
	       (packet->proto & rule->proto_mask) == rule->proto &&
	       port_holds(ports, rule->sport_first, rule->sport_last, packet->sport) &&
	       port_holds(ports, rule->dport_first, rule->dport_last, packet->dport) &&
	       (packet->flags & rule->flags_mask) == rule->flags;
}

size_t classbench_find(const struct classbench_set *set, const struct classbench_packet *packet)
{
	size_t i;

	for (i = 0; i < set->n; i++)
		if (classbench_holds(&set->rule[i], packet))
			return i;
	return CLASSBENCH_NONE;
}

const char *classbench_verdict(size_t i)
{
	return i % 2 ? "drop" : "accept";
}

/* ---- ClassBench's format ---- */
struct reader {
	const char *path;
	unsigned int line;
	const char *at;
};

static void __attribute__((noreturn)) reader_die(const struct reader *reader, const char *what)
{
	fprintf(stderr, "classbench: %s:%u: %s\n", reader->path, reader->line, what);
	exit(1);
}

/* "ADDR/LEN"; bits behind the length must be 0 */
static unsigned int read_prefix(struct reader *reader, unsigned int *family, uint32_t *addr,
				uint8_t *ret_len)
{
	unsigned int len, used = 0, bits, i;
	uint32_t wire[4] = { 0 };
	char text[64];

	if (sscanf(reader->at, " %63[0-9a-fA-F.:]/%u%n", text, &len, &used) != 2)
		reader_die(reader, "expected ADDRESS/LENGTH");
	reader->at += used;
	if (!*family)
		*family = strchr(text, ':') ? 6 : 4;
	bits = *family == 4 ? 32 : 128;
	if (len > bits || inet_pton(*family == 4 ? AF_INET : AF_INET6, text, wire) != 1)
		reader_die(reader, "bad address or length");
	for (i = 0; i < 4; i++) {
		addr[i] = ntohl(wire[i]);
		if (len <= 32 * i)
			addr[i] = 0;
		else if (len < 32 * (i + 1))
			addr[i] &= ~0u << (32 * (i + 1) - len);
	}
	*ret_len = len;
	return *family;
}

static void read_ports(struct reader *reader, uint16_t *first, uint16_t *last)
{
	unsigned int lo, hi, used = 0;

	if (sscanf(reader->at, " %u : %u%n", &lo, &hi, &used) != 2 || lo > hi || hi > 65535)
		reader_die(reader, "expected LOW : HIGH");
	reader->at += used;
	*first = lo;
	*last = hi;
}

static void read_proto(struct reader *reader, unsigned int family, struct classbench_rule *rule)
{
	unsigned int proto, mask, used = 0, flags, flags_mask;

	if (sscanf(reader->at, " %x/%x%n", &proto, &mask, &used) != 2 || proto > 255 ||
	    (mask != 0 && mask != 0xff))
		reader_die(reader, "expected PROTO/MASK, all of it or none");
	reader->at += used;
	rule->proto = proto & mask;
	rule->proto_mask = mask;
	if (sscanf(reader->at, " %x/%x", &flags, &flags_mask) != 2 || !mask)
		return;
	flags_mask = flags_mask >> 8 & 0xff;
	if (proto == TCP || (classbench_is_icmp(family, proto) && flags_mask == 0xff)) {
		rule->flags_mask = flags_mask;
		rule->flags = flags >> 8 & flags_mask;
	}
}

static void read_line(struct reader *reader, struct classbench_set *set)
{
	struct classbench_rule *rule;

	if (*reader->at++ != '@')
		reader_die(reader, "expected '@'");
	if (!(set->n & (set->n - 1))) {
		set->rule = realloc(set->rule, (set->n ? 2 * set->n : 1) * sizeof(*set->rule));
		if (!set->rule)
			abort();
	}
	rule = &set->rule[set->n++];
	memset(rule, 0, sizeof(*rule));
	read_prefix(reader, &set->family, rule->saddr, &rule->slen);
	read_prefix(reader, &set->family, rule->daddr, &rule->dlen);
	read_ports(reader, &rule->sport_first, &rule->sport_last);
	read_ports(reader, &rule->dport_first, &rule->dport_last);
	read_proto(reader, set->family, rule);
}

void classbench_read(const char *path, struct classbench_set *ret_set)
{
	const char *dot = strrchr(path, '.');
	bool packed = dot && !strcmp(dot, ".xz");
	struct reader reader = { .path = path };
	char command[LINE], line[LINE];
	FILE *file;

	memset(ret_set, 0, sizeof(*ret_set));
	snprintf(command, sizeof(command), "exec xz -dc '%s'", path);
	file = packed ? popen(command, "r") : fopen(path, "r");
	if (!file || strchr(path, '\''))
		reader_die(&reader, "cannot open");
	while (fgets(line, sizeof(line), file)) {
		reader.line++;
		reader.at = line;
		if (line[0] != '\n' && line[0] != '#')
			read_line(&reader, ret_set);
	}
	if ((packed ? pclose(file) : fclose(file)) || !ret_set->n)
		reader_die(&reader, "cannot read, or no rule in it");
}

static void address_text(unsigned int family, const uint32_t *addr, char *text)
{
	const uint32_t wire[4] = { htonl(addr[0]), htonl(addr[1]), htonl(addr[2]),
				   htonl(addr[3]) };

	inet_ntop(family == 4 ? AF_INET : AF_INET6, wire, text, INET6_ADDRSTRLEN);
}

void classbench_write(const struct classbench_set *set, FILE *file)
{
	char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];
	size_t i;

	for (i = 0; i < set->n; i++) {
		const struct classbench_rule *rule = &set->rule[i];

		address_text(set->family, rule->saddr, src);
		address_text(set->family, rule->daddr, dst);
		fprintf(file, "@%s/%u\t%s/%u\t%u : %u\t%u : %u\t0x%02x/0x%02X\t0x%04x/0x%04x\n",
			src, rule->slen, dst, rule->dlen, rule->sport_first, rule->sport_last,
			rule->dport_first, rule->dport_last, rule->proto, rule->proto_mask,
			rule->flags << 8, rule->flags_mask << 8);
	}
}

void classbench_fini(struct classbench_set *set)
{
	free(set->rule);
	memset(set, 0, sizeof(*set));
}

/* ---- shunt's rules ---- */
struct text {
	char *at, *end;
};

static void __attribute__((format(printf, 2, 3))) text_add(struct text *text, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(text->at, text->end - text->at, fmt, args);
	va_end(args);
	if (n >= text->end - text->at)
		abort();		/* the caller's buffer is too small */
	text->at += n;
}

static void text_address(struct text *text, unsigned int family, const char *name,
			 const uint32_t *addr, unsigned int len)
{
	char value[INET6_ADDRSTRLEN];

	if (!len)
		return;
	address_text(family, addr, value);
	text_add(text, "%s %s %s", family == 4 ? "ip" : "ip6", name, value);
	text_add(text, len == (family == 4 ? 32 : 128) ? " " : "/%u ", len);
}

static void text_ports(struct text *text, const char *proto, const char *name, uint16_t first,
		       uint16_t last)
{
	if (first == 0 && last == 65535)
		return;
	text_add(text, first == last ? "%s %s %u " : "%s %s %u-%u ", proto, name, first, last);
}

static void text_proto(struct text *text, unsigned int family, const struct classbench_rule *rule)
{
	bool wild = rule->sport_first == 0 && rule->sport_last == 65535 &&
		    rule->dport_first == 0 && rule->dport_last == 65535;
	const char *proto = !rule->proto_mask ? "th" : rule->proto == TCP ? "tcp" :
			    rule->proto == UDP ? "udp" : rule->proto == SCTP ? "sctp" : NULL;

	if (rule->proto_mask && (wild || !proto))
		text_add(text, "meta l4proto %u ", rule->proto);
	if (!wild && !proto) {
		fprintf(stderr, "classbench: ports of protocol %u\n", rule->proto);
		exit(1);
	}
	text_ports(text, proto, "sport", rule->sport_first, rule->sport_last);
	text_ports(text, proto, "dport", rule->dport_first, rule->dport_last);
	if (!rule->flags_mask)
		return;
	if (rule->proto == TCP)
		text_add(text, "tcp flags & 0x%x == 0x%x ", rule->flags_mask, rule->flags);
	else
		text_add(text, "%s type %u ", family == 4 ? "icmp" : "icmpv6", rule->flags);
}

void classbench_text(const struct classbench_set *set, size_t i, const char *verdict, char *buf,
		     size_t size)
{
	const struct classbench_rule *rule = &set->rule[i];
	struct text text = { buf, buf + size };

	if (!rule->slen && !rule->dlen)
		text_add(&text, "meta nfproto ipv%u ", set->family);
	text_address(&text, set->family, "saddr", rule->saddr, rule->slen);
	text_address(&text, set->family, "daddr", rule->daddr, rule->dlen);
	text_proto(&text, set->family, rule);
	text_add(&text, "%s", verdict);
}

char *classbench_yaml(const struct classbench_set *set)
{
	char *yaml = NULL, rule[CLASSBENCH_TEXT];
	size_t size, i;
	FILE *file = open_memstream(&yaml, &size);

	if (!file)
		abort();
	fprintf(file, "nodes:\n  guard:\n    module: filter\n    default: drop\n    rules:\n");
	for (i = 0; i < set->n; i++) {
		classbench_text(set, i, classbench_verdict(i), rule, sizeof(rule));
		fprintf(file, "      - '%s'\n", rule);
	}
	fprintf(file, "graphs:\n  g:\n    entry: guard\n    edges:\n"
		"      guard: { accept: pass }\n");
	if (fclose(file))
		abort();
	return yaml;
}

/* ---- frames ---- */
static void put16(uint8_t *at, unsigned int value)
{
	at[0] = value >> 8;
	at[1] = value;
}

static void put_addr(uint8_t *at, const uint32_t *addr, unsigned int words)
{
	unsigned int i;

	for (i = 0; i < words; i++) {
		put16(at + 4 * i, addr[i] >> 16);
		put16(at + 4 * i + 2, addr[i]);
	}
}

static unsigned int sum16(const uint8_t *at, size_t len)
{
	unsigned int sum = 0;

	for (; len; at += 2, len -= 2)
		sum += at[0] << 8 | at[1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* Return: bytes of the header; its checksum stays 0, no filter looks there */
static size_t put_l4(const struct classbench_packet *packet, unsigned int family, uint8_t *at)
{
	if (classbench_has_ports(packet->proto)) {
		put16(at, packet->sport);
		put16(at + 2, packet->dport);
	}
	switch (packet->proto) {
	case TCP:
		at[12] = 0x50;
		at[13] = packet->flags;
		return 20;
	case UDP:
		put16(at + 4, 8);
		return 8;
	case SCTP:
		return 12;
	}
	if (classbench_is_icmp(family, packet->proto))
		at[0] = packet->flags;
	return 8;
}

size_t classbench_frame(const struct classbench_packet *packet, unsigned int family, uint8_t *frame)
{
	static const uint8_t ether[12] = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1 };
	size_t header = family == 4 ? 20 : 40, len;
	uint8_t *ip = frame + 14;

	memset(frame, 0, CLASSBENCH_FRAME);
	memcpy(frame, ether, sizeof(ether));
	put16(frame + 12, family == 4 ? 0x0800 : 0x86dd);
	len = put_l4(packet, family, ip + header);
	if (family == 4) {
		ip[0] = 0x45;
		put16(ip + 2, header + len);
		ip[8] = 64;
		ip[9] = packet->proto;
		put_addr(ip + 12, packet->saddr, 1);
		put_addr(ip + 16, packet->daddr, 1);
		put16(ip + 10, ~sum16(ip, 20));
	} else {
		ip[0] = 0x60;
		put16(ip + 4, len);
		ip[6] = packet->proto;
		ip[7] = 64;
		put_addr(ip + 8, packet->saddr, 4);
		put_addr(ip + 24, packet->daddr, 4);
	}
	len += 14 + header;
	return len < 60 ? 60 : len;
}
