/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * lb.h - services, rings, backends: what the control plane and module 'lb' agree on
 *
 * DOC: A packet's destination names a service, the hash of its flow a slot of the service's
 * ring, and the slot its owner: a backend. Rings are Maglev tables (Eisenbud and others, NSDI 2016).
 *
 * A slot that changed its owner lately is in transition: 'keep' is the earliest owner that lives, the
 * present one perhaps (A, then B, then A: B has flows). There a flow that begins goes to the owner, and is
 * remembered in 'lb_flows'; a packet of a flow that is not remembered goes to 'keep'. All other
 * slots are stateless. A slot is one word, so that a program sees
 * both of the old or both of the new.
 *
 * 'lb_flows' remembers a flow as one word: 32 bits of its hash, its backend, and when it was seen
 * last; a bucket of eight is one cache line. Other bits of the hash name the bucket. Two flows with the
 * same 32 bits in one bucket are taken for one: some 2 in 10^9 look-ups.
 *
 * An element of 'lb_services' never changes while an element of 'lb_vips' names it: a changed
 * service has a new element and the same ring, and is put in force by one store to each of its vips.
 */
#ifndef SHUNT_LIB_LB_H
#define SHUNT_LIB_LB_H

#include <linux/types.h>

#include <shunt/packet.h>

#define LB_NODES	64		/* nodes of module 'lb' */
#define LB_SERVICES	8192		/* of all nodes, with those that are on their way out */
#define LB_BACKENDS	65536		/* by number; 0 is nobody */
#define LB_RING		65537		/* slots, unless the service says otherwise */
#define LB_RING_MAX	655373
#define LB_RANGES	16		/* port ranges of one address and protocol */
#define LB_RANGES_MAX	4096		/* elements of lb_ranges */
#define LB_FOUND	2048		/* elements of lb_found, of a CPU: a power of two */
#define LB_COUNTS	(1 << 17)	/* of a CPU */
#define LB_VIPS		65536		/* of all nodes */
#define LB_FRAGS	16384
#define LB_WAYS		8
#define LB_TICK_SHIFT	32		/* of lb_flows: ns of CLOCK_MONOTONIC, shifted */
#define LB_TICK_S	4		/* nearly */

enum lb_forward {
	LB_IPIP,	/* IPv4 or IPv6 in IPv4 or IPv6: RFC 2003, 2473, 4213 */
	LB_GUE,		/* behind UDP: draft-ietf-intarea-gue, variant 1 */
	LB_L2,		/* the frame as it is, to the backend's MAC */
	LB_NAT,		/* by node 'nat' behind it: a rule of nat_rules for each backend */
};

enum lb_hash { LB_HASH_FLOW, LB_HASH_SOURCE };	/* 5-tuple; source and destination address */
enum lb_tracking { LB_TRACK_CHANGES, LB_TRACK_ALWAYS, LB_TRACK_NEVER };
enum lb_down { LB_DOWN_DROP, LB_DOWN_SORRY, LB_DOWN_LAST };	/* no backend lives */

/* Table 'lb_vips', a hash: value __u32, element of lb_services + 1, or LB_VIP_RANGES | element of lb_ranges */
struct lb_vip {
	struct shunt_addr addr;
	__be16	port;			/* 0: any, or ranges */
	__u8	proto;			/* 0: any */
	__u8	pad;
	__u16	node;			/* rodata 'lb_node' of the program that asks */
	__u16	pad2;
};
#define LB_VIP_RANGES	0x80000000

/* Table 'lb_nets', an LPM trie: value as of lb_vips. Each (node, proto, prefix) is one */
struct lb_net {
	__u32	len;			/* of all behind it: 32 + bits of the prefix (IPv4: 96 + its) */
	__u16	node;
	__u8	proto;			/* 0: any */
	__u8	pad;
	struct shunt_addr addr;
};

/* Table 'lb_ranges', by number: ascending, no two overlap; last < first: the end */
struct lb_ranges {
	struct {
		__u16	first, last;	/* host order; 0 to 65535: any port */
		__u32	service;	/* + 1 */
	} range[LB_RANGES];
};

/*
 * Table 'lb_found': of CPU c, by a hash of the destination, element c * LB_FOUND + hash: what the tables
 * above said of it lately. Programs alone write it. Who has changed those tables adds one to
 * 'lb_epoch', an array of one element: what was found before counts no more.
 */
struct lb_found {
	struct lb_vip key;
	__u32	found;			/* service + 1; 0: none */
	__u32	epoch;			/* as it was before it was looked for */
};

/* What of lb_vips and lb_nets a node has at all; rodata 'lb_kinds': the rest is not asked for */
#define LB_KIND_EXACT		0x01	/* address, port, protocol */
#define LB_KIND_RANGES		0x02	/* address, protocol: ranges, or any port */
#define LB_KIND_ANY		0x04	/* address */
#define LB_KIND_NETS		0x08
#define LB_KIND_IP4		0x10
#define LB_KIND_IP6		0x20

/* lb_service.flags */
#define LB_UDP_MOVE		0x01	/* a UDP flow that is not remembered goes to the owner, not to 'keep' */
#define LB_QUIC			0x02	/* connection IDs name backends: 'quic_*' */
#define LB_PER_PACKET		0x04	/* UDP: each packet by its own hash is wanted: never remembered */

/* Table 'lb_services' */
struct lb_service {
	__u32	ring;			/* element of lb_rings */
	__u32	slots;			/* of the ring */
	__u32	counter;		/* of lb_counts */
	__u32	drain;			/* how long a flow is remembered since it was seen last, in LB_TICK_S */
	__u64	seed;			/* of the flow hash: from the configuration, the same everywhere */
	__u8	forward;		/* enum lb_forward */
	__u8	hash;			/* enum lb_hash */
	__u8	tracking;		/* enum lb_tracking */
	__u8	down;			/* enum lb_down */
	__u16	flags;			/* LB_UDP_MOVE, ... */
	__u16	sorry;			/* a backend */
	__u16	mss;			/* TCP SYNs say no more than this; 0: they are left alone */
	__be16	gue_port;		/* 6080 */
	__u8	quic_off;		/* of the server id in the CID, bytes */
	__u8	quic_len;		/* 1 to 8 bytes; 0: none */
	__u16	quic_ids;		/* in keys of lb_quic: as 'ring' */
	__u32	pad[6];
};

/* Table 'lb_rings', array of maps: each an array of __u32, by slot */
#define LB_SLOT(owner, keep)	((__u32)(keep) << 16 | (owner))
#define LB_OWNER(slot)		((slot) & 0xffff)	/* 0: no backend lives */
#define LB_KEEP(slot)		((slot) >> 16)		/* 0: not in transition */

/* lb_backend.flags */
#define LB_LIVES	0x01	/* remembered flows go on; else they go to the slot's owner */
#define LB_RESOLVED	0x02	/* ifindex, MACs and mtu are known; else the kernel forwards (edge 'kernel') */

/* Table 'lb_backends'. MACs are changed in place: without RESOLVED first, then a grace period, then with it */
struct lb_backend {
	struct shunt_addr addr;
	struct shunt_addr src;		/* of outer headers */
	__u32	ifindex;		/* that the next hop is behind */
	__u32	counter;		/* of lb_counts */
	__u16	mtu;			/* of the way there; largest outer packet */
	__u16	nat;			/* NAT: number of its rule in nat_rules, as shunt_packet.dnat */
	union {
		struct {
			__u8	dmac[6], smac[6];
		};
		__u32	macs[3];	/* both, as a frame begins with them */
	};
	__u8	l3;			/* 4, 6 */
	__u8	flags;
	__u16	vlan;			/* the way's: frames get this tag in place of what they have; 0: none */
};

/* Table 'lb_flows', by bucket (a power of two of them): eight words; 0: free */
#define LB_FLOW(hash32, backend, tick)	((__u64)(hash32) << 32 | (__u32)(backend) << 16 | (__u16)(tick))

struct lb_bucket {
	__u64	word[LB_WAYS];
};

/* Table 'lb_frags', an LRU hash: where the first fragment of a datagram went */
struct lb_frag_key {
	struct shunt_addr saddr, daddr;
	__be32	id;
	__u16	node;
	__u8	proto;			/* IPv6: 0 (RFC 8200 4.5) */
	__u8	l3;
};
struct lb_frag {
	__u32	service;		/* + 1 */
	__u16	backend;
	__u16	tick;			/* of lb_flows: good for LB_FRAG_TICKS */
};
#define LB_FRAG_TICKS	15		/* RFC 8200 4.5: 60 s */

/* Table 'lb_counts': of CPU c, index i: element c * room + i; room, a power of two, is rodata 'lb_room' */
struct lb_counts {
	__u64	packets, bytes;
	__u64	flows;			/* that began (TCP SYN, QUIC Initial), or came to be remembered */
	__u64	kept;			/* packets that went to 'keep' or to who is remembered, not to the owner */
};

/* Table 'lb_drops', as lb_counts, by the service's counter: why nothing was forwarded. X(identifier, name, help) */
#define LB_DROPS(X)							\
	X(NO_BACKEND, "no_backend", "no backend of the service lives")	\
	X(TTL, "ttl", "TTL or hop limit ends here")			\
	X(CHECKSUM, "checksum", "IPv4 header checksum is wrong")	\
	X(TOO_BIG, "too_big", "does not fit into the tunnel, and the sender was told")	\
	X(FRAGMENT, "fragment", "a later fragment whose first was not seen")
#define LB_DROP_ENUM(id, name, help) LB_DROP_##id,
enum lb_drop { LB_DROPS(LB_DROP_ENUM) LB_DROP_MAX };

struct lb_drops {
	__u64	packets[LB_DROP_MAX];
	__u64	evicted;		/* no drop: remembered flows that had to go for another */
};

/* Table 'lb_quic', a hash: value __u32, a backend */
struct lb_quic {
	__u64	id;			/* the bytes of the server id, as a number: first one highest */
	__u16	ids;			/* lb_service.quic_ids */
	__u16	pad[3];
};

/*
 * All tables: X(identifier, name, map type, key, value, entries, flags); entries 0: the plan says.
 * Of lb_rings these are the outer one's; inner ones are arrays of struct lb_pair with LB_RING_FLAGS.
 */
#define LB_TABLES(X)							\
	X(VIPS, "lb_vips", HASH, struct lb_vip, __u32, LB_VIPS, BPF_F_NO_PREALLOC) \
	X(NETS, "lb_nets", LPM_TRIE, struct lb_net, __u32, LB_VIPS, BPF_F_NO_PREALLOC) \
	X(RANGES, "lb_ranges", ARRAY, __u32, struct lb_ranges, LB_RANGES_MAX, 0) \
	X(FOUND, "lb_found", ARRAY, __u32, struct lb_found, 0, 0) \
	X(EPOCH, "lb_epoch", ARRAY, __u32, __u32, 1, 0) \
	X(SERVICES, "lb_services", ARRAY, __u32, struct lb_service, LB_SERVICES, 0) \
	X(RINGS, "lb_rings", ARRAY_OF_MAPS, __u32, __u32, LB_SERVICES, 0) \
	X(BACKENDS, "lb_backends", ARRAY, __u32, struct lb_backend, LB_BACKENDS, BPF_F_MMAPABLE) \
	X(FLOWS, "lb_flows", ARRAY, __u32, struct lb_bucket, 0, BPF_F_MMAPABLE) \
	X(FRAGS, "lb_frags", LRU_HASH, struct lb_frag_key, struct lb_frag, LB_FRAGS, 0) \
	X(COUNTS, "lb_counts", ARRAY, __u32, struct lb_counts, 0, BPF_F_MMAPABLE) \
	X(DROPS, "lb_drops", ARRAY, __u32, struct lb_drops, 0, BPF_F_MMAPABLE) \
	X(QUIC, "lb_quic", HASH, struct lb_quic, __u32, LB_BACKENDS, BPF_F_NO_PREALLOC)
#define LB_TABLE_ENUM(id, ...) LB_TABLE_##id,
enum lb_table { LB_TABLES(LB_TABLE_ENUM) LB_TABLE_MAX };

/* What is mapped has its values 8 bytes apart: two slots are one, so that a ring is words by slot there */
struct lb_pair {
	__u32	slot[2];
};
#define LB_RING_ENTRIES(slots)	(((slots) + 1) / 2)
#define LB_RING_FLAGS	(BPF_F_MMAPABLE | BPF_F_INNER_MAP)

_Static_assert(sizeof(struct lb_vip) == 24, "ABI");
_Static_assert(sizeof(struct lb_net) == 24, "ABI");
_Static_assert(sizeof(struct lb_found) == 32, "half a cache line");
_Static_assert(sizeof(struct lb_service) == 64, "a cache line");
_Static_assert(sizeof(struct lb_backend) == 64, "a cache line");
_Static_assert(sizeof(struct lb_bucket) == 64, "a cache line");
_Static_assert(sizeof(struct lb_quic) == 16, "ABI");

#endif
