/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* kind.h - what interfaces are besides interfaces: bridges, VLAN devices and so on, and members of such */
#ifndef MIRROR_KIND_H
#define MIRROR_KIND_H

#include <shunt/packet.h>

#include <mirror/hash.h>

enum kind_type {
	KIND_BRIDGE = 1,
	KIND_VLAN,
	KIND_VXLAN,
	KIND_VRF,
	KIND_BOND,
	KIND_MACVLAN,			/* and macvtap */
	KIND_TUN,
};

struct kind_bridge {
	uint32_t ageing_time;		/* hundredths of a second */
	uint32_t stp_state;		/* 0: off, 1: the kernel's, 2: of user space */
	uint32_t options;		/* BR_BOOLOPT_* as bits: no_linklocal_learn and others */
	uint16_t vlan_protocol;		/* ETH_P_8021Q, ETH_P_8021AD */
	uint16_t default_pvid;		/* 0: none */
	uint16_t group_fwd_mask;
	uint8_t vlan_filtering;
	uint8_t mcast_snooping;
};

struct kind_vlan {
	uint16_t id;
	uint16_t protocol;		/* ETH_P_* */
};

struct kind_vxlan {
	struct shunt_addr local;	/* IPv4 as ::ffff:a.b.c.d; zero: any */
	uint32_t id;
	uint32_t lower;			/* ifindex; 0: by route */
	uint16_t port;
	uint8_t learning;
	uint8_t collect_metadata;	/* VNI and destination come with the packet */
	uint32_t pad;
};

struct kind_bond {
	uint32_t active_slave;		/* ifindex or 0 */
	uint8_t mode;			/* BOND_MODE_* */
	uint8_t xmit_policy;		/* BOND_XMIT_POLICY_* */
	uint16_t pad;
};

/* Without holes; what is not of its type is zero */
struct kind {
	uint32_t ifindex;		/* the key */
	uint32_t type;			/* enum kind_type */
	union {
		struct kind_bridge bridge;
		struct kind_vlan vlan;
		struct kind_vxlan vxlan;
		struct kind_bond bond;
		uint32_t vrf_table;
		uint32_t macvlan_mode;	/* MACVLAN_MODE_* */
		uint32_t tun_type;	/* IFF_TUN, IFF_TAP */
	};
};

enum kind_port_type { KIND_PORT_BRIDGE = 1, KIND_PORT_BOND, KIND_PORT_VRF };

#define KIND_PORT_FLAGS(X)						\
	X(HAIRPIN, "hairpin")						\
	X(GUARD, "guard")						\
	X(PROTECT, "root_block")					\
	X(FAST_LEAVE, "fast_leave")					\
	X(LEARNING, "learning")						\
	X(FLOOD, "flood")						\
	X(MCAST_FLOOD, "mcast_flood")					\
	X(BCAST_FLOOD, "bcast_flood")					\
	X(PROXY_ARP, "proxy_arp")					\
	X(NEIGH_SUPPRESS, "neigh_suppress")				\
	X(VLAN_TUNNEL, "vlan_tunnel")					\
	X(ISOLATED, "isolated")						\
	X(LOCKED, "locked")
#define KIND_PORT_FLAG_ENUM(id, name) KIND_PORT_##id##_BIT,
enum { KIND_PORT_FLAGS(KIND_PORT_FLAG_ENUM) KIND_PORT_FLAG_MAX };

/* Without holes */
struct kind_port {
	uint32_t ifindex;		/* the key */
	uint32_t master;		/* ifindex */
	uint32_t type;			/* enum kind_port_type */
	uint32_t flags;			/* BRIDGE: 1 << KIND_PORT_*_BIT */
	uint32_t backup_port;		/* BRIDGE: ifindex or 0 */
	uint32_t vrf_table;		/* VRF */
	uint8_t state;			/* BRIDGE: BR_STATE_*; BOND: BOND_STATE_* */
	uint8_t mcast_router;		/* BRIDGE: MDB_RTR_TYPE_* */
	uint8_t mii;			/* BOND: BOND_LINK_* */
	uint8_t pad;
};

#define KIND_TABLE HASH(struct kind, type)
#define KIND_PORT_TABLE HASH(struct kind_port, master)

#endif
