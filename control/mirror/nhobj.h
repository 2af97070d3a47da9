/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* nhobj.h - the kernel's next hop objects as values: routes and FDB entries refer to them by their id */
#ifndef MIRROR_NHOBJ_H
#define MIRROR_NHOBJ_H

#include <shunt/packet.h>

#include <mirror/hash.h>

enum nhobj_kind {
	NHOBJ_HOP = 1,			/* gateway, interface, or both */
	NHOBJ_BLACKHOLE,
	NHOBJ_GROUP,			/* by hash over the members */
	NHOBJ_RESILIENT,		/* by buckets */
	NHOBJ_OTHER,			/* a group of a type that is not known */
};

struct nhobj_member {
	uint32_t id;
	uint32_t weight;		/* 1 to 65536 */
};

/* Without holes but for the pointer's, which are zero */
struct nhobj {
	uint32_t id;			/* the key */
	uint32_t ifindex;
	struct shunt_addr gateway;	/* IPv4 as ::ffff:a.b.c.d; zero: none */
	uint8_t kind;			/* enum nhobj_kind */
	uint8_t family;			/* AF_*; of a group AF_UNSPEC */
	uint8_t gateway_family;		/* 0: no gateway */
	uint8_t protocol;		/* RTPROT_* */
	uint8_t scope;
	uint8_t fdb;			/* for VXLAN's FDB, not for routes */
	uint16_t encap;			/* LWTUNNEL_ENCAP_*; 0: none */
	uint32_t flags;			/* RTNH_F_ONLINK; whether it is alive follows from the link */
	uint32_t n_buckets;		/* RESILIENT */
	uint32_t idle_s, unbalanced_s;	/* RESILIENT: timers, seconds */
	uint32_t n_members;
	uint32_t pad;
	struct nhobj_member *member;	/* the table's own, by id as the kernel has them; or NULL */
};

struct nhobj_bucket {
	uint32_t group;
	uint32_t index;			/* what is above is the key */
	uint32_t nh_id;
};

struct nhobj_table {
	struct hash hash;		/* of struct nhobj */
	struct hash buckets;		/* of struct nhobj_bucket */
};
#define NHOBJ_TABLE { .hash = HASH(struct nhobj, ifindex), .buckets = HASH(struct nhobj_bucket, nh_id) }

void nhobj_table_fini(struct nhobj_table *table);
static inline const struct nhobj *nhobj_find(const struct nhobj_table *table, uint32_t id)
{
	return hash_find(&table->hash, &id);
}
/* @nhobj: its members are copied. Return: false: nothing is different now */
bool nhobj_set(struct nhobj_table *table, const struct nhobj *nhobj);
/* With its buckets; groups lose it as a member, and go with their last. Return: whether it was there */
bool nhobj_del(struct nhobj_table *table, uint32_t id);
/* All of an interface, as the kernel does it without a word. Return: how many */
uint32_t nhobj_del_link(struct nhobj_table *table, uint32_t ifindex);
bool nhobj_equal(const struct nhobj *a, const struct nhobj *b);
uint32_t nhobj_sweep(struct nhobj_table *table);

#endif
