/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* lb_world.h - services and backends that the tests of module 'lb' have */
#ifndef TESTS_LB_WORLD_H
#define TESTS_LB_WORLD_H

#include "../lib/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../lib/lbrig.h"
#include "../lib/pkt.h"

#define NODE		3
#define SEED		0x1234
#define SLOTS		7		/* of the rings here */
#define CLIENT4		"198.51.100.7"
#define CLIENT6		"2001:db8:c::7"
#define LB4		"192.0.2.10"
#define LB6		"2001:db8::10"
#define GW_MAC		"02:00:00:00:00:aa"
#define OWN_MAC		"02:00:00:00:00:bb"
#define OUT		9		/* an interface that packets do not come in by */
#define ALL_KINDS	(LB_KIND_EXACT | LB_KIND_RANGES | LB_KIND_ANY | LB_KIND_NETS | LB_KIND_IP4 | \
			 LB_KIND_IP6)

/* Backends by number */
enum { B_NONE, B4, B6, B4_UNKNOWN, B4_SMALL, B6_SMALL, B4_BACK, B4_DEAD };

static const struct world_backend {
	const char *addr;
	uint16_t mtu;
	uint8_t flags;
	uint32_t ifindex;
} world_backend[] = {
	[B4] = { "10.0.0.1", 9000, LB_LIVES | LB_RESOLVED, OUT },
	[B6] = { "fd00:b::1", 9000, LB_LIVES | LB_RESOLVED, OUT },
	[B4_UNKNOWN] = { "10.0.0.3", 0, LB_LIVES, 0 },
	[B4_SMALL] = { "10.0.0.4", 1280, LB_LIVES | LB_RESOLVED, OUT },
	[B6_SMALL] = { "fd00:b::5", 1400, LB_LIVES | LB_RESOLVED, OUT },
	[B4_BACK] = { "10.0.0.6", 1500, LB_LIVES | LB_RESOLVED, 1 },
	[B4_DEAD] = { "10.0.0.7", 1500, LB_RESOLVED, OUT },
};
#define WORLD_BACKENDS	(sizeof(world_backend) / sizeof(world_backend[0]))

static struct lbrig_out out;

static void world_mac(uint8_t *mac, uint8_t last)
{
	const uint8_t wanted[6] = { 2, 0, 0, 0, 0, last };

	memcpy(mac, wanted, 6);
}

static inline void world_backends(struct lbrig *rig)
{
	for (unsigned int i = 1; i < WORLD_BACKENDS; i++) {
		const struct world_backend *w = &world_backend[i];
		struct lb_backend backend = {
			.addr = lbrig_addr(w->addr), .ifindex = w->ifindex, .counter = 100 + i,
			.mtu = w->mtu, .nat = 40 + i, .flags = w->flags,
			.l3 = strchr(w->addr, ':') ? 6 : 4,
		};

		backend.src = lbrig_addr(backend.l3 == 4 ? LB4 : LB6);
		world_mac(backend.dmac, 0xaa);
		world_mac(backend.smac, 0xbb);
		rig->backend[i] = backend;
	}
}

/* A service, and its ring with one word in all slots. Return: the ring */
static uint32_t *world_service(struct lbrig *rig, uint32_t number, struct lb_service service,
			       uint32_t word)
{
	service.ring = number;
	service.slots = SLOTS;
	service.counter = number;
	service.seed = SEED;
	if (!service.drain)
		service.drain = 75;
	service.gue_port = htons(6080);
	lbrig_put(rig, LB_TABLE_SERVICES, &number, &service);
	return lbrig_ring(rig, number, SLOTS, word);
}

static void world_vip(struct lbrig *rig, const char *addr, unsigned int port, uint8_t proto,
		      uint32_t value)
{
	const struct lb_vip key = { .addr = lbrig_addr(addr), .port = htons(port), .proto = proto,
				    .node = NODE };

	lbrig_put(rig, LB_TABLE_VIPS, &key, &value);
}

static inline struct lbrig *world_new(uint32_t hook)
{
	const struct lbrig_conf conf = { .object = "lb", .hook = hook, .node = NODE,
					 .kinds = ALL_KINDS };
	struct lbrig *rig = lbrig_new(&conf);

	world_backends(rig);
	return rig;
}

/* Return: false: this hook cannot run such a packet */
static inline bool world_send(struct lbrig *rig, const struct pkt *p)
{
	return lbrig_run(rig, p->data, p->len, 0, &out) == 0;
}

static inline void world_left(int edge, int reason)
{
	if (out.edge != edge || out.reason != reason)
		fail_msg("left by edge %d, reason %d; wanted %d, %d", out.edge, out.reason, edge,
			 reason);
}

static inline void world_is(const struct pkt *want)
{
	char text[256];

	if (pkt_diff(want, out.data, out.len, text, sizeof(text)))
		fail_msg("%s", text);
}

/* ---- the flow hash, from the words of lib/lb_hash.h's comment ---- */

static uint64_t world_words(const uint32_t *word, unsigned int n, uint64_t seed)
{
	static const uint64_t keys[] = { 0x243f6a8885a308d3, 0x13198a2e03707344, 0xa4093822299f31d0,
					 0x082efa98ec4e6c89, 0x452821e638d01377 };
	uint64_t sum = 0, m = 0x9e3779b97f4a7c15;

	for (unsigned int k = 0; k < n / 2; k++) {
		uint64_t key = keys[k] ^ seed;
		uint32_t a = word[2 * k] + (uint32_t)key, b = word[2 * k + 1] + (key >> 32);

		sum += (uint64_t)a * b;
	}
	sum = (sum ^ sum >> 32) * m;
	sum = (sum ^ sum >> 29) * m;
	return sum ^ sum >> 32;
}

static uint32_t world_word(const uint8_t *byte)
{
	return byte[0] | byte[1] << 8 | byte[2] << 16 | (uint32_t)byte[3] << 24;
}

/* Of a packet without tags, options and extension headers */
static inline uint64_t world_hash(const uint8_t *frame, bool ports, uint64_t seed)
{
	bool six = frame[12] == 0x86;
	unsigned int addr = six ? 22 : 26, n = six ? 8 : 2, i;
	uint8_t proto = six ? frame[20] : frame[23];
	uint32_t word[10] = { 0 };

	for (i = 0; i < n; i++)
		word[i] = world_word(frame + addr + 4 * i);
	if (ports && (proto == 6 || proto == 17 || proto == 132))
		word[n] = world_word(frame + addr + 4 * n);
	word[n + 1] = ports ? proto : 0;
	return world_words(word, n + 2, seed);
}

#endif
