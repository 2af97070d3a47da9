// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * lb_track_test.c - which backend a packet gets: rings in transition, flows that are remembered,
 * QUIC
 *
 * The last test draws flows and changes at random, and holds each packet against a model of its
 * own: hash, slot, the rule of lib/lb.h, and a list of all flows that are remembered.
 */
#include "lb_world.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))
#define VIP "203.0.113.1"
#define SERVICE 1
#define DRAIN 75
#define A 1 /* backends: 10.0.1.number */
#define B 2
#define C 3
#define SYN F4(TCP(.sport = 1000, .dport = 80, .flags = PKT_SYN))
#define ACK F4(TCP(.sport = 1000, .dport = 80, .flags = PKT_ACK))
#define UDP1 F4(UDP(.sport = 1000, .dport = 80), FILL(30))
#define F4(...) PKT(ETH(), IP4(.src = CLIENT4, .dst = VIP, .df = true), __VA_ARGS__)

static struct lbrig *rig;
static uint32_t *ring;
static uint64_t flows, kept; /* of the service, before the last packet */

static void rig_make(uint32_t buckets)
{
	const struct lbrig_conf conf = { .object = "lb",
					 .hook = SHUNT_HOOK_XDP,
					 .node = NODE,
					 .kinds = ALL_KINDS,
					 .buckets = buckets };
	char addr[16];

	rig = lbrig_new(&conf);
	for (int i = A; i <= C; i++) {
		snprintf(addr, sizeof(addr), "10.0.1.%d", i);
		rig->backend[i] = (struct lb_backend) {
			.addr = lbrig_addr(addr),
			.src = lbrig_addr(LB4),
			.l3 = 4,
			.ifindex = OUT,
			.counter = 100 + i,
			.mtu = 1500,
		};
	}
	world_vip(rig, VIP, 0, 0, SERVICE + 1);
}

/* All slots alike, nothing remembered */
static void set(struct lb_service service, uint32_t word)
{
	ring = world_service(rig, SERVICE, service, word);
	memset(rig->bucket, 0, rig->conf.buckets * sizeof(*rig->bucket));
	for (int i = A; i <= C; i++)
		rig->backend[i].flags = LB_LIVES | LB_RESOLVED;
}

static void turn(uint32_t word)
{
	for (int i = 0; i < SLOTS; i++)
		ring[i] = word;
}

static unsigned int went(void)
{
	return out.edge == LBRIG_HIT ? out.data[33] : 0;
}

static void to(const struct pkt_hdr *in, unsigned int backend)
{
	struct pkt p;

	flows = rig->counts[SERVICE].flows;
	kept = rig->counts[SERVICE].kept;
	pkt_build(&p, in);
	assert_true(world_send(rig, &p));
	if (went() != backend)
		fail_msg("went to %u, wanted %u", went(), backend);
	flows = rig->counts[SERVICE].flows - flows;
	kept = rig->counts[SERVICE].kept - kept;
}

static unsigned int remembered(void)
{
	unsigned int n = 0;

	for (uint32_t i = 0; i < rig->conf.buckets; i++)
		for (int k = 0; k < LB_WAYS; k++)
			n += rig->bucket[i].word[k] != 0;
	return n;
}

static void age(unsigned int ticks)
{
	for (uint32_t i = 0; i < rig->conf.buckets; i++)
		for (int k = 0; k < LB_WAYS; k++)
			if (rig->bucket[i].word[k])
				rig->bucket[i].word[k] = (rig->bucket[i].word[k] & ~0xffffULL) |
							 (uint16_t)(rig->bucket[i].word[k] - ticks);
}

static void test_stateless(void **state)
{
	set((struct lb_service) { 0 }, LB_SLOT(A, 0));
	to(SYN, A);
	assert_int_equal(flows, 1);
	to(ACK, A);
	assert_int_equal(flows, 0);
	to(UDP1, A);
	assert_int_equal(remembered(), 0);
}

static void test_transition(void **state)
{
	set((struct lb_service) { 0 }, LB_SLOT(B, A));
	to(ACK, A); /* it was there before */
	assert_int_equal(kept, 1);
	assert_int_equal(remembered(), 0);
	to(SYN, B);
	assert_int_equal(flows, 1);
	assert_int_equal(remembered(), 1);
	to(ACK, B);
	assert_int_equal(kept, 0);
	turn(LB_SLOT(C, A)); /* another change: the flow stays */
	to(ACK, B);
	assert_int_equal(kept, 1);
	to(SYN, C); /* begins anew */
	to(ACK, C);
	assert_int_equal(remembered(), 1);
	turn(LB_SLOT(A, A)); /* A, B, C, A: not remembered goes to A, C has its flow */
	to(ACK, C);
	to(F4(TCP(.sport = 1001, .dport = 80, .flags = PKT_ACK)), A);
}

static void test_dead(void **state)
{
	set((struct lb_service) { 0 }, LB_SLOT(B, A));
	to(SYN, B);
	turn(LB_SLOT(C, A));
	rig->backend[B].flags &= ~LB_LIVES;
	to(ACK, C);
	to(UDP1, A);
}

static void test_drain(void **state)
{
	set((struct lb_service) { 0 }, LB_SLOT(B, A));
	to(SYN, B);
	age(DRAIN);
	to(ACK, B); /* seen: it stays for as long again */
	age(DRAIN);
	to(ACK, B);
	age(DRAIN + 1);
	to(ACK, A);
}

static void test_udp(void **state)
{
	set((struct lb_service) { 0 }, LB_SLOT(B, A));
	to(UDP1, A);
	set((struct lb_service) { .flags = LB_UDP_MOVE }, LB_SLOT(B, A));
	to(UDP1, B);
	assert_int_equal(kept, 0);
	to(ACK, A);
	assert_int_equal(remembered(), 0);
}

static void test_always(void **state)
{
	set((struct lb_service) { .tracking = LB_TRACK_ALWAYS }, LB_SLOT(A, 0));
	to(ACK, A);
	assert_int_equal(flows, 1);
	to(ACK, A);
	assert_int_equal(flows, 0);
	to(UDP1, A);
	assert_int_equal(remembered(), 2);
	turn(LB_SLOT(B, 0));
	to(ACK, A);
	to(UDP1, A);
	to(SYN, B);
	to(ACK, B);
}

static void test_never(void **state)
{
	set((struct lb_service) { .tracking = LB_TRACK_NEVER }, LB_SLOT(B, A));
	to(SYN, B);
	to(ACK, B);
	to(UDP1, B);
	assert_int_equal(remembered(), 0);
}

static void test_per_packet(void **state)
{
	struct pkt p;
	uint64_t hash;

	set((struct lb_service) { .flags = LB_PER_PACKET, .tracking = LB_TRACK_ALWAYS },
	    LB_SLOT(A, 0));
	pkt_build(&p, UDP1);
	hash = world_hash(p.data, false, SEED);
	ring[(hash >> 32) * SLOTS >> 32] = LB_SLOT(C, 0);
	for (int i = 0; i < 20; i++) /* whatever its ports */
		to(F4(UDP(.sport = i, .dport = 9 * i), FILL(30)), C);
	assert_int_equal(remembered(), 0);
}

/* A source has one slot, and each of its flows a memory of its own */
static void test_source(void **state)
{
	struct pkt p;
	uint64_t hash;

	set((struct lb_service) { .hash = LB_HASH_SOURCE }, LB_SLOT(A, 0));
	pkt_build(&p, UDP1);
	hash = world_hash(p.data, false, SEED);
	ring[(hash >> 32) * SLOTS >> 32] = LB_SLOT(B, 0);
	for (int i = 0; i < 20; i++)
		to(F4(TCP(.sport = i, .dport = 80, .flags = PKT_ACK)), B);
	ring[(hash >> 32) * SLOTS >> 32] = LB_SLOT(C, B);
	to(SYN, C);
	to(ACK, C);
	to(F4(TCP(.sport = 1, .dport = 80, .flags = PKT_ACK)), B);
}

static void test_full(void **state)
{
	uint64_t before = rig->drops[SERVICE].evicted;
	struct pkt p;

	set((struct lb_service) { 0 }, LB_SLOT(B, A));
	for (unsigned int i = 0; i < 400; i++) {
		pkt_build(&p, F4(TCP(.sport = i, .dport = 80, .flags = PKT_SYN)));
		world_send(rig, &p);
		assert_int_equal(went(), B);
		pkt_build(&p, F4(TCP(.sport = i, .dport = 80, .flags = PKT_ACK)));
		world_send(rig, &p);
		assert_int_equal(went(), B); /* the last one is never who goes */
	}
	assert_int_equal(remembered(), LBRIG_BUCKETS * LB_WAYS);
	assert_int_equal(rig->drops[SERVICE].evicted - before, 400 - LBRIG_BUCKETS * LB_WAYS);
}

static void test_sctp(void **state)
{
	set((struct lb_service) { 0 }, LB_SLOT(B, A));
	to(F4(SCTP(.sport = 1, .dport = 2), RAW("\0\0\0\20aaaaaaaaaaaa")), A);
	to(F4(SCTP(.sport = 1, .dport = 2), RAW("\1\0\0\24aaaaaaaaaaaaaaaa")), B);
	to(F4(SCTP(.sport = 1, .dport = 2), RAW("\0\0\0\20aaaaaaaaaaaa")), B);
}

/* What is about a flow does not have it remembered */
static void test_error(void **state)
{
	set((struct lb_service) { .tracking = LB_TRACK_ALWAYS }, LB_SLOT(A, 0));
	to(PKT(ETH(), IP4(.src = "192.0.2.77", .dst = VIP, .df = true), ICMP(.type = 3, .code = 4),
	       IP4(.src = VIP, .dst = CLIENT4), TCP(.sport = 80, .dport = 1000, .flags = PKT_ACK)),
	   A);
	assert_int_equal(remembered(), 0);
	set((struct lb_service) { 0 }, LB_SLOT(B, A));
	to(SYN, B);
	to(PKT(ETH(), IP4(.src = "192.0.2.77", .dst = VIP, .df = true), ICMP(.type = 3, .code = 4),
	       IP4(.src = VIP, .dst = CLIENT4), TCP(.sport = 80, .dport = 1000, .flags = PKT_ACK)),
	   B);
}

/* ---- QUIC: server ids of 2 bytes behind 1 ---- */

#define Q(bytes) F4(UDP(.sport = 1000, .dport = 443), RAW(bytes))

static void test_quic(void **state)
{
	const struct lb_quic key = { .id = 0x1234, .ids = SERVICE };
	const struct lb_service service = {
		.flags = LB_QUIC, .quic_off = 1, .quic_len = 2, .quic_ids = SERVICE
	};
	const uint32_t backend = C;

	lbrig_put(rig, LB_TABLE_QUIC, &key, &backend);
	set(service, LB_SLOT(A, 0));
	to(Q("\x40\x00\x12\x34 and more"), C); /* short header */
	to(Q("\x40\x00\x12\x35 and more"), A);
	to(Q("\x40\x00\x12"), A); /* cut off */
	to(Q("\x40"), A);
	to(Q("\xe0\0\0\0\1\x08\x00\x12\x34.....rest"), C); /* Handshake */
	to(Q("\xc0\0\0\0\1\x08\x00\x12\x34.....rest"), A); /* Initial */
	assert_int_equal(flows, 1);
	to(Q("\xd0\0\0\0\1\x08\x00\x12\x34.....rest"), A);	   /* 0-RTT */
	to(Q("\xe0\0\0\0\1\x02\x00\x12\x34.....rest"), A);	   /* its ID is too short */
	to(Q("\xf0\x6b\x33\x43\xcf\x08\x00\x12\x34.....rest"), C); /* version 2: Handshake */
	to(Q("\xd0\x6b\x33\x43\xcf\x08\x00\x12\x34.....rest"), A); /* version 2: Initial */
	rig->backend[C].flags &= ~LB_LIVES;
	to(Q("\x40\x00\x12\x34 and more"), A);
	set(service, LB_SLOT(B, A)); /* an Initial begins: the new owner */
	to(Q("\xc0\0\0\0\1\x08\x00\x12\x34.....rest"), B);
	to(Q("\xc0\0\0\0\1\x08\x00\x99\x34.....rest"), B);
	to(Q("\x40\x00\x99\x34 and more"), B);
}

/* ---- random flows, packets and changes against a model ---- */

#define CLIENTS 512
#define PACKETS 1000000
#define RING 101

static struct {
	uint16_t owner, keep;
} model_slot[RING];
static uint8_t model_memory[CLIENTS]; /* backend of a remembered flow */
static bool model_lives[C + 1];

static unsigned int model_choose(unsigned int client, const uint8_t *frame, bool syn)
{
	unsigned int slot = (world_hash(frame, true, SEED) >> 32) * RING >> 32;
	unsigned int owner = model_slot[slot].owner, keep = model_slot[slot].keep;

	if (!keep)
		return owner;
	if (syn) {
		model_memory[client] = owner;
		return owner;
	}
	if (!model_memory[client])
		return keep;
	return model_lives[model_memory[client]] ? model_memory[client] : owner;
}

static unsigned int some_backend(uint64_t *seed)
{
	return A + unit_random(seed) % 3;
}

static void model_change(uint64_t *seed)
{
	unsigned int slot = unit_random(seed) % RING, backend = some_backend(seed);

	if (unit_random(seed) % 8 == 0) {
		model_lives[backend] = !model_lives[backend];
		rig->backend[backend].flags = LB_RESOLVED | (model_lives[backend] ? LB_LIVES : 0);
	}
	model_slot[slot].owner = some_backend(seed);
	model_slot[slot].keep = unit_random(seed) % 2 ? some_backend(seed) : 0;
	ring[slot] = LB_SLOT(model_slot[slot].owner, model_slot[slot].keep);
}

static void model_packet(uint64_t *seed, struct pkt *p, unsigned int n)
{
	unsigned int client = unit_random(seed) % CLIENTS, want;
	bool syn = unit_random(seed) % 4 == 0;

	pkt_set16(p, 28, client); /* source address, low half */
	pkt_set16(p, 34, 1000 + client * 7);
	pkt_set8(p, 47, syn ? PKT_SYN : PKT_ACK);
	pkt_set16(p, 24, 0);
	pkt_set16(p, 24, pkt_checksum(p->data + 14, 20, 0));
	want = model_choose(client, p->data, syn);
	world_send(rig, p);
	if (went() != want)
		fail_msg("packet %u: went to %u, wanted %u", n, went(), want);
}

static void test_model(void **state)
{
	uint64_t seed = unit_seed();
	struct pkt p;

	rig_make(65536); /* so many that nobody is forgotten */
	world_service(rig, SERVICE, (struct lb_service) { 0 }, 0);
	lbrig_put(rig, LB_TABLE_SERVICES, &(uint32_t) { SERVICE },
		  &(struct lb_service) { .ring = SERVICE,
					 .slots = RING,
					 .counter = SERVICE,
					 .seed = SEED,
					 .drain = 1000 });
	ring = lbrig_ring(rig, SERVICE, RING, LB_SLOT(A, 0));
	memset(rig->bucket, 0, rig->conf.buckets * sizeof(*rig->bucket));
	for (int i = A; i <= C; i++) {
		model_lives[i] = true;
		rig->backend[i].flags = LB_LIVES | LB_RESOLVED;
	}
	for (int i = 0; i < RING; i++)
		model_slot[i].owner = A;
	pkt_build(&p, F4(TCP(.sport = 1000, .dport = 80, .flags = PKT_ACK)));
	for (unsigned int i = 0; i < PACKETS; i++) {
		if (i % 16 == 0)
			model_change(&seed);
		model_packet(&seed, &p, i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stateless), cmocka_unit_test(test_transition),
		cmocka_unit_test(test_dead),	  cmocka_unit_test(test_drain),
		cmocka_unit_test(test_udp),	  cmocka_unit_test(test_always),
		cmocka_unit_test(test_never),	  cmocka_unit_test(test_per_packet),
		cmocka_unit_test(test_source),	  cmocka_unit_test(test_full),
		cmocka_unit_test(test_sctp),	  cmocka_unit_test(test_error),
		cmocka_unit_test(test_quic),	  cmocka_unit_test(test_model),
	};

	rig_make(0);
	return unit_main(tests, N(tests));
}
