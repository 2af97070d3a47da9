// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* pkt.c - build packets for tests */
#include "pkt.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N_ELEMENTS(a) (sizeof(a) / sizeof((a)[0]))

static const char *const names[PKT_N_KINDS] = {
	"end", "eth", "vlan", "ip4", "ip6", "hbh", "routing", "frag", "ah", "dstopt",
	"tcp", "udp", "sctp", "icmp", "icmp6", "raw", "raw", "l3",
};

/* IP protocol number by kind; -1: none */
static const int protos[PKT_N_KINDS] = {
	-1, 143, -1, 4, 41, 0, 43, 44, 51, 60, 6, 17, 132, 1, 58, 253, 253, -1,
};

static void __attribute__((noreturn, format(printf, 1, 2))) die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("# pkt: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	abort();
}

static void put8(uint8_t *at, unsigned int value)
{
	at[0] = value;
}

static void put16(uint8_t *at, unsigned int value)
{
	at[0] = value >> 8;
	at[1] = value;
}

static void put32(uint8_t *at, uint32_t value)
{
	put16(at, value >> 16);
	put16(at + 2, value & 0xffff);
}

static void put_mac(uint8_t *at, const char *text)
{
	int end = -1;

	sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n",
	       &at[0], &at[1], &at[2], &at[3], &at[4], &at[5], &end);
	if (end < 0 || text[end])
		die("'%s' is no MAC address", text);
}

static void put_addr(uint8_t *at, int family, const char *text)
{
	if (inet_pton(family, text, at) != 1)
		die("'%s' is no IPv%c address", text, family == AF_INET ? '4' : '6');
}

/* The value of an "auto" field that was given, or what it is by default */
static unsigned int given(int64_t field, unsigned int otherwise)
{
	if (field == PKT_ZERO)
		return 0;
	return field ? field : otherwise;
}

/* ---- checksums ---- */
uint32_t pkt_sum(const void *data, size_t len, uint32_t sum)
{
	const uint8_t *at = data;
	uint64_t total = sum;
	size_t i;

	for (i = 0; i + 1 < len; i += 2)
		total += at[i] << 8 | at[i + 1];
	if (len & 1)
		total += at[len - 1] << 8;
	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	return total;
}

uint16_t pkt_checksum(const void *data, size_t len, uint32_t sum)
{
	return ~pkt_sum(data, len, sum);
}

uint32_t pkt_crc32c(const void *data, size_t len)
{
	const uint8_t *at = data;
	uint32_t crc = ~0u;
	int bit;

	while (len--) {
		crc ^= *at++;
		for (bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	return ~crc;
}

/* Where a packet with a routing header ends up: its checksum covers that (RFC 8200, 8.1) */
static const uint8_t *routing_end(const struct pkt *p, const struct pkt_layer *layer)
{
	const uint8_t *hdr = p->data + layer->off;

	if (!hdr[3] || layer->len < 24)
		return NULL;
	return hdr[2] == 4 ? hdr + 8 : hdr + layer->len - 16;
}

static uint32_t pseudo_sum(const struct pkt *p, unsigned int at, uint8_t proto)
{
	const struct pkt_layer *layer;
	const uint8_t *dst = NULL;
	uint32_t len = p->len - p->layers[at].off;
	uint32_t sum = proto + (len >> 16) + (len & 0xffff);

	while (at--) {
		layer = &p->layers[at];
		if (layer->kind == PKT_ROUTING && !dst)
			dst = routing_end(p, layer);
		if (layer->kind == PKT_IP4)
			return pkt_sum(p->data + layer->off + 12, 8, sum);
		if (layer->kind != PKT_IP6)
			continue;
		sum = pkt_sum(p->data + layer->off + 8, 16, sum);
		return pkt_sum(dst ? dst : p->data + layer->off + 24, 16, sum);
	}
	return 0;
}

/* ---- working out what depends on what follows ---- */
static const uint8_t check_off[PKT_N_KINDS] = {
	[PKT_IP4] = 10, [PKT_TCP] = 16, [PKT_UDP] = 6,
	[PKT_SCTP] = 8, [PKT_ICMP] = 2, [PKT_ICMP6] = 2,
};

static void fix_check(struct pkt *p, unsigned int at)
{
	const struct pkt_layer *layer = &p->layers[at];
	uint8_t *hdr = p->data + layer->off, *field = hdr + check_off[layer->kind];
	size_t len = layer->kind == PKT_IP4 ? layer->len : p->len - layer->off;
	uint32_t sum = 0, crc;

	if (layer->kind == PKT_SCTP) {
		put32(field, 0);
		crc = pkt_crc32c(hdr, len);
		put32(field, __builtin_bswap32(crc));
		return;
	}
	if (layer->kind == PKT_TCP || layer->kind == PKT_UDP || layer->kind == PKT_ICMP6)
		sum = pseudo_sum(p, at, protos[layer->kind]);
	put16(field, 0);
	sum = pkt_checksum(hdr, len, sum);
	put16(field, layer->kind == PKT_UDP && !sum ? 0xffff : sum);
}

static void fix_len(struct pkt *p, const struct pkt_layer *layer)
{
	uint8_t *hdr = p->data + layer->off;
	size_t len = p->len - layer->off;

	if (layer->kind == PKT_IP4)
		put16(hdr + 2, len);
	else if (layer->kind == PKT_IP6)
		put16(hdr + 4, len - 40);
	else if (layer->kind == PKT_UDP)
		put16(hdr + 4, len);
}

/* Inner headers first: outer checksums cover them */
static void fix(struct pkt *p)
{
	unsigned int i;

	for (i = 0; i < p->n_layers; i++)
		if (p->layers[i].auto_len)
			fix_len(p, &p->layers[i]);
	for (i = p->n_layers; i--;)
		if (p->layers[i].auto_check)
			fix_check(p, i);
}

static int ethertype(const struct pkt_hdr *hdr)
{
	switch (hdr->kind) {
	case PKT_VLAN:
		return given(hdr->vlan.tpid, 0x8100);
	case PKT_IP4:
		return 0x0800;
	case PKT_IP6:
		return 0x86dd;
	default:
		return -1;
	}
}

/* Tell the header before what follows it */
static void link_next(struct pkt *p, const struct pkt_hdr *hdr)
{
	const struct pkt_layer *prev;
	uint8_t *at;
	int next;

	if (!p->n_layers)
		return;
	prev = &p->layers[p->n_layers - 1];
	at = p->data + prev->off;
	if (!prev->auto_next)
		return;
	next = prev->kind == PKT_ETH || prev->kind == PKT_VLAN ? ethertype(hdr) : protos[hdr->kind];
	if (next < 0)
		return;
	if (prev->kind == PKT_ETH)
		put16(at + 12, next);
	else if (prev->kind == PKT_VLAN)
		put16(at + 2, next);
	else
		put8(at + (prev->kind == PKT_IP4 ? 9 : prev->kind == PKT_IP6 ? 6 : 0), next);
}

/* ---- one function a header ---- */
static uint8_t *grow(struct pkt *p, size_t len)
{
	struct pkt_layer *layer = &p->layers[p->n_layers - 1];
	uint8_t *at = p->data + p->len;

	if (len > PKT_MAX - p->len)
		die("more than %d bytes", PKT_MAX);
	memset(at, 0, len);
	p->len += len;
	layer->len += len;
	return at;
}

static void append(struct pkt *p, const void *data, size_t len)
{
	uint8_t *at = grow(p, len);

	if (len)
		memcpy(at, data, len);
}

static void push_eth(struct pkt *p, struct pkt_layer *layer, const struct pkt_eth *o)
{
	uint8_t *at = grow(p, 14);

	put_mac(at, o->dst ? o->dst : "02:00:00:00:00:02");
	put_mac(at + 6, o->src ? o->src : "02:00:00:00:00:01");
	put16(at + 12, given(o->type, 0x88b5));
	layer->auto_next = !o->type;
}

/* The type before a tag is the tag's own TPID: see ethertype() */
static void push_vlan(struct pkt *p, struct pkt_layer *layer, const struct pkt_vlan *o)
{
	uint8_t *at = grow(p, 4);

	put16(at, o->prio << 13 | o->dei << 12 | (o->id & 0xfff));
	put16(at + 2, given(o->type, 0x88b5));
	layer->auto_next = !o->type;
}

static void push_ip4(struct pkt *p, struct pkt_layer *layer, const struct pkt_ip4 *o)
{
	size_t opts_len = (o->opts_len + 3) & ~3u;
	uint8_t *at = grow(p, 20);

	append(p, o->opts, o->opts_len);
	grow(p, opts_len - o->opts_len);
	put8(at, given(o->version, 4) << 4 | (given(o->ihl, 5 + opts_len / 4) & 15));
	put8(at + 1, o->tos);
	put16(at + 2, given(o->len, 0));
	put16(at + 4, o->id);
	put16(at + 6, o->evil << 15 | o->df << 14 | o->mf << 13 | (o->frag_off / 8 & 0x1fff));
	put8(at + 8, given(o->ttl, 64));
	put8(at + 9, given(o->next, 253));
	put16(at + 10, given(o->check, 0));
	put_addr(at + 12, AF_INET, o->src ? o->src : "10.0.0.1");
	put_addr(at + 16, AF_INET, o->dst ? o->dst : "10.0.0.2");
	layer->auto_next = !o->next;
	layer->auto_len = !o->len;
	layer->auto_check = !o->check;
}

static void push_ip6(struct pkt *p, struct pkt_layer *layer, const struct pkt_ip6 *o)
{
	uint8_t *at = grow(p, 40);

	put32(at, given(o->version, 6) << 28 | o->tc << 20 | (o->flow & 0xfffff));
	put16(at + 4, given(o->len, 0));
	put8(at + 6, given(o->next, 59));
	put8(at + 7, given(o->hops, 64));
	put_addr(at + 8, AF_INET6, o->src ? o->src : "fd00::1");
	put_addr(at + 24, AF_INET6, o->dst ? o->dst : "fd00::2");
	layer->auto_next = !o->next;
	layer->auto_len = !o->len;
}

static void push_opts(struct pkt *p, struct pkt_layer *layer, const struct pkt_opts *o)
{
	size_t len = o->len ? o->len : (2 + o->data_len + 7) & ~7u;
	size_t pad;
	uint8_t *at;

	if (len % 8 || len < 2 + o->data_len || len > 2048)
		die("%s of %zu bytes", names[layer->kind], len);
	at = grow(p, 2);
	append(p, o->data, o->data_len);
	put8(at, given(o->next, 59));
	put8(at + 1, given(o->ext_len, len / 8 - 1));
	layer->auto_next = !o->next;
	for (len -= 2 + o->data_len; len; len -= pad) {
		pad = len < 257 ? len : 257;	/* a pad's length is one byte */
		at = grow(p, pad);
		if (pad > 1) {			/* a lone byte is Pad1: zero */
			put8(at, 1);
			put8(at + 1, pad - 2);
		}
	}
}

static void push_routing(struct pkt *p, struct pkt_layer *layer, const struct pkt_routing *o)
{
	uint8_t *at = grow(p, 8);
	unsigned int n;

	for (n = 0; n < N_ELEMENTS(o->addr) && o->addr[n]; n++)
		put_addr(grow(p, 16), AF_INET6, o->addr[n]);
	put8(at, given(o->next, 59));
	put8(at + 1, given(o->ext_len, 2 * n));
	put8(at + 2, o->type);
	put8(at + 3, o->left);
	if (o->type == 4 && n)
		put8(at + 4, n - 1);
	layer->auto_next = !o->next;
}

static void push_frag(struct pkt *p, struct pkt_layer *layer, const struct pkt_frag *o)
{
	uint8_t *at = grow(p, 8);

	put8(at, given(o->next, 59));
	put16(at + 2, (o->off & ~7u) | (o->reserved & 3) << 1 | o->more);
	put32(at + 4, o->id);
	layer->auto_next = !o->next;
}

static void push_ah(struct pkt *p, struct pkt_layer *layer, const struct pkt_ah *o)
{
	size_t icv_len = o->icv_len ? o->icv_len : 12;
	uint8_t *at = grow(p, 12 + icv_len);

	put8(at, given(o->next, 59));
	put8(at + 1, given(o->ext_len, (12 + icv_len) / 4 - 2));
	put32(at + 4, o->spi);
	put32(at + 8, o->seq);
	layer->auto_next = !o->next;
}

static void push_tcp(struct pkt *p, struct pkt_layer *layer, const struct pkt_tcp *o)
{
	size_t opts_len = (o->opts_len + 3) & ~3u;
	uint8_t *at = grow(p, 20);

	append(p, o->opts, o->opts_len);
	grow(p, opts_len - o->opts_len);
	put16(at, o->sport);
	put16(at + 2, o->dport);
	put32(at + 4, o->seq);
	put32(at + 8, o->ack);
	put8(at + 12, given(o->doff, 5 + opts_len / 4) << 4);
	put8(at + 13, o->flags);
	put16(at + 14, o->window);
	put16(at + 16, given(o->check, 0));
	put16(at + 18, o->urgent);
	layer->auto_check = !o->check;
}

static void push_udp(struct pkt *p, struct pkt_layer *layer, const struct pkt_udp *o)
{
	uint8_t *at = grow(p, 8);

	put16(at, o->sport);
	put16(at + 2, o->dport);
	put16(at + 4, given(o->len, 0));
	put16(at + 6, given(o->check, 0));
	layer->auto_len = !o->len;
	layer->auto_check = !o->check;
}

static void push_sctp(struct pkt *p, struct pkt_layer *layer, const struct pkt_sctp *o)
{
	uint8_t *at = grow(p, 12);

	put16(at, o->sport);
	put16(at + 2, o->dport);
	put32(at + 4, o->tag);
	put32(at + 8, given(o->check, 0));
	layer->auto_check = !o->check;
}

static void push_icmp(struct pkt *p, struct pkt_layer *layer, const struct pkt_icmp *o)
{
	uint8_t *at = grow(p, 8);

	put8(at, o->type);
	put8(at + 1, o->code);
	put16(at + 2, given(o->check, 0));
	put16(at + 4, o->id);
	put16(at + 6, o->seq);
	layer->auto_check = !o->check;
}

static void push_fill(struct pkt *p, size_t len)
{
	uint8_t *at = grow(p, len);
	size_t i;

	for (i = 0; i < len; i++)
		at[i] = i;
}

static void push_l3(struct pkt *p, const struct pkt_hdr *hdrs)
{
	while (hdrs->kind == PKT_ETH || hdrs->kind == PKT_VLAN)
		hdrs++;
	for (; hdrs->kind != PKT_END; hdrs++)
		pkt_push(p, hdrs);
}

static struct pkt_layer *add_layer(struct pkt *p, enum pkt_kind kind)
{
	struct pkt_layer *layer;

	if (p->n_layers == PKT_LAYERS)
		die("more than %d headers", PKT_LAYERS);
	layer = &p->layers[p->n_layers++];
	*layer = (struct pkt_layer){ .kind = kind == PKT_FILL ? PKT_RAW : kind, .off = p->len };
	return layer;
}

/* ---- public ---- */
void pkt_init(struct pkt *p)
{
	p->len = 0;
	p->n_layers = 0;
}

static void push(struct pkt *p, struct pkt_layer *layer, const struct pkt_hdr *hdr)
{
	switch (hdr->kind) {
	case PKT_ETH:
		return push_eth(p, layer, &hdr->eth);
	case PKT_VLAN:
		return push_vlan(p, layer, &hdr->vlan);
	case PKT_IP4:
		return push_ip4(p, layer, &hdr->ip4);
	case PKT_IP6:
		return push_ip6(p, layer, &hdr->ip6);
	case PKT_HBH:
	case PKT_DSTOPT:
		return push_opts(p, layer, &hdr->opts);
	case PKT_ROUTING:
		return push_routing(p, layer, &hdr->routing);
	case PKT_FRAG:
		return push_frag(p, layer, &hdr->frag);
	case PKT_AH:
		return push_ah(p, layer, &hdr->ah);
	case PKT_TCP:
		return push_tcp(p, layer, &hdr->tcp);
	case PKT_UDP:
		return push_udp(p, layer, &hdr->udp);
	case PKT_SCTP:
		return push_sctp(p, layer, &hdr->sctp);
	case PKT_ICMP:
	case PKT_ICMP6:
		return push_icmp(p, layer, &hdr->icmp);
	case PKT_RAW:
		return append(p, hdr->raw.data, hdr->raw.len);
	case PKT_FILL:
		return push_fill(p, hdr->raw.len);
	default:
		die("header of kind %d", hdr->kind);
	}
}

void pkt_push(struct pkt *p, const struct pkt_hdr *hdr)
{
	if (hdr->kind == PKT_L3) {
		push_l3(p, hdr->l3);
		return;
	}
	link_next(p, hdr);
	push(p, add_layer(p, hdr->kind), hdr);
	fix(p);
}

void pkt_build(struct pkt *p, const struct pkt_hdr *hdrs)
{
	pkt_init(p);
	for (; hdrs->kind != PKT_END; hdrs++)
		pkt_push(p, hdrs);
}

size_t pkt_off(const struct pkt *p, enum pkt_kind kind, unsigned int nth)
{
	unsigned int i, seen = 0;

	for (i = 0; i < p->n_layers; i++)
		if (p->layers[i].kind == kind && seen++ == nth)
			return p->layers[i].off;
	die("no %s header %u", names[kind], nth);
}

static uint8_t *inside(struct pkt *p, size_t off, size_t len)
{
	if (off > p->len || len > p->len - off)
		die("byte %zu of a packet of %zu", off + len - 1, p->len);
	return p->data + off;
}

void pkt_set8(struct pkt *p, size_t off, uint8_t value)
{
	put8(inside(p, off, 1), value);
}

void pkt_set16(struct pkt *p, size_t off, uint16_t value)
{
	put16(inside(p, off, 2), value);
}

void pkt_set32(struct pkt *p, size_t off, uint32_t value)
{
	put32(inside(p, off, 4), value);
}

void pkt_cut(struct pkt *p, size_t len)
{
	inside(p, 0, len);
	p->len = len;
}

void pkt_pad(struct pkt *p, size_t len)
{
	if (len > PKT_MAX)
		die("more than %d bytes", PKT_MAX);
	if (len <= p->len)
		return;
	memset(p->data + p->len, 0, len - p->len);
	p->len = len;
}

/* "ip4+8": the header a byte belongs to */
static void place(const struct pkt *p, size_t off, char *text, size_t size)
{
	unsigned int i = p->n_layers;

	while (i--) {
		if (p->layers[i].off > off)
			continue;
		snprintf(text, size, "%s+%zu", names[p->layers[i].kind], off - p->layers[i].off);
		return;
	}
	snprintf(text, size, "+%zu", off);
}

bool pkt_diff(const struct pkt *wanted, const void *data, size_t len, char *text, size_t size)
{
	const uint8_t *got = data;
	char where[32];
	size_t i;

	snprintf(text, size, "%s", "");
	for (i = 0; i < len && i < wanted->len; i++) {
		if (got[i] == wanted->data[i])
			continue;
		place(wanted, i, where, sizeof(where));
		snprintf(text, size, "byte %zu (%s) is 0x%02x, wanted 0x%02x; %zu bytes of %zu",
			 i, where, got[i], wanted->data[i], len, wanted->len);
		return true;
	}
	if (len == wanted->len)
		return false;
	snprintf(text, size, "length is %zu, wanted %zu", len, wanted->len);
	return true;
}
