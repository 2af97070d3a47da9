/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * lb_find.h - the service of a destination
 *
 * What says most of a packet comes first: address, port and protocol; address and protocol (port
 * ranges, or any port); address; the longest prefix with its protocol; the longest prefix.
 *
 * DOC: That is up to five calls into the kernel. What came of them is kept, found or not, by CPU:
 * most packets are for where another one was for lately, and are told without a call.
 */
#ifndef SHUNT_LIB_LB_FIND_H
#define SHUNT_LIB_LB_FIND_H

#include <shunt/module.h>
#include <shunt/lib/lb.h>

#define LB_FOUND_MIX	0x9e3779b97f4a7c15ULL

/* Set by the control plane */
const volatile __u16 lb_node = 0;
const volatile __u32 lb_kinds = 0;	/* LB_KIND_* */
const volatile __u32 lb_room = 1;	/* counters of a CPU, a power of two */
const volatile __u32 lb_buckets = 1;	/* of lb_flows, a power of two */

#define LB_TABLE(name_, type_, key_, value_, entries_, flags_)		\
	struct {							\
		__uint(type, BPF_MAP_TYPE_##type_);			\
		__uint(max_entries, entries_);				\
		__uint(map_flags, flags_);				\
		__type(key, key_);					\
		__type(value, value_);					\
	} name_ SEC(".maps")

LB_TABLE(lb_vips, HASH, struct lb_vip, __u32, LB_VIPS, BPF_F_NO_PREALLOC);
LB_TABLE(lb_nets, LPM_TRIE, struct lb_net, __u32, LB_VIPS, BPF_F_NO_PREALLOC);
LB_TABLE(lb_ranges, ARRAY, __u32, struct lb_ranges, LB_RANGES_MAX, 0);
LB_TABLE(lb_found, ARRAY, __u32, struct lb_found, 1, 0);
LB_TABLE(lb_epoch, ARRAY, __u32, __u32, 1, 0);
LB_TABLE(lb_services, ARRAY, __u32, struct lb_service, LB_SERVICES, 0);
LB_TABLE(lb_backends, ARRAY, __u32, struct lb_backend, LB_BACKENDS, BPF_F_MMAPABLE);
LB_TABLE(lb_flows, ARRAY, __u32, struct lb_bucket, 1, BPF_F_MMAPABLE);
LB_TABLE(lb_frags, LRU_HASH, struct lb_frag_key, struct lb_frag, LB_FRAGS, 0);
LB_TABLE(lb_counts, ARRAY, __u32, struct lb_counts, 1, BPF_F_MMAPABLE);
LB_TABLE(lb_drops, ARRAY, __u32, struct lb_drops, 1, BPF_F_MMAPABLE);
LB_TABLE(lb_quic, HASH, struct lb_quic, __u32, LB_BACKENDS, BPF_F_NO_PREALLOC);

/* Described without BTF, as lib/set_find.h's */
struct lb_ring_inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, LB_RING_ENTRIES(LB_RING));
	__uint(map_flags, LB_RING_FLAGS);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct lb_pair));
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, LB_SERVICES);
	__uint(key_size, sizeof(__u32));
	__array(values, struct lb_ring_inner);
} lb_rings SEC(".maps");

/* @port: host order. Return: element of lb_services + 1; 0: none */
static __always_inline __u32 lb_find_range(__u32 number, __u32 port)
{
	struct lb_ranges *ranges = bpf_map_lookup_elem(&lb_ranges, &number);
	int i;

	if (!ranges)
		return 0;
#pragma clang loop unroll(disable)
	for (i = 0; i < LB_RANGES; i++) {
		if (ranges->range[i].last < ranges->range[i].first)
			break;
		if (port >= ranges->range[i].first && port <= ranges->range[i].last)
			return ranges->range[i].service;
	}
	return 0;
}

static __always_inline __u32 lb_find_value(const __u32 *value, __be16 port)
{
	if (!value)
		return 0;
	if (*value & LB_VIP_RANGES)
		return lb_find_range(*value & ~LB_VIP_RANGES, bpf_ntohs(port));
	return *value;
}

static __always_inline __u32 lb_find_net(const struct shunt_addr *addr, __be16 port, __u32 proto)
{
	struct lb_net key = { .len = 32 + 128, .node = lb_node, .proto = proto, .addr = *addr };

	return lb_find_value(bpf_map_lookup_elem(&lb_nets, &key), port);
}

/* lb_find(), by the tables */
__noinline __u32 lb_search(const struct shunt_addr *addr, __u32 port, __u32 proto)
{
	struct lb_vip key = { .port = port, .proto = proto, .node = lb_node };
	__u32 found = 0;

	if (!addr)
		return 0;
	key.addr = *addr;
	if (lb_kinds & LB_KIND_EXACT && port)
		found = lb_find_value(bpf_map_lookup_elem(&lb_vips, &key), port);
	key.port = 0;
	if (!found && lb_kinds & LB_KIND_RANGES)
		found = lb_find_value(bpf_map_lookup_elem(&lb_vips, &key), port);
	key.proto = 0;
	if (!found && lb_kinds & LB_KIND_ANY)
		found = lb_find_value(bpf_map_lookup_elem(&lb_vips, &key), port);
	if (!found && lb_kinds & LB_KIND_NETS)
		found = lb_find_net(addr, port, proto);
	if (!found && lb_kinds & LB_KIND_NETS)
		found = lb_find_net(addr, port, 0);
	return found;
}

/* The element of lb_found that a destination has on this CPU */
static __always_inline struct lb_found *lb_found_at(const struct lb_vip *key)
{
	__u64 hash = key->addr.half[0] * LB_FOUND_MIX + key->addr.half[1] +
		     ((__u64)key->proto << 32 | key->port) * LB_FOUND_MIX;
	__u32 at = bpf_get_smp_processor_id() * LB_FOUND +
		   (__u32)(hash * LB_FOUND_MIX >> 32) % LB_FOUND;

	return bpf_map_lookup_elem(&lb_found, &at);
}

static __always_inline bool lb_found_is(const struct lb_found *kept, const struct lb_vip *key,
					__u32 epoch)
{
	return kept->key.addr.half[1] == key->addr.half[1] &&
	       kept->key.addr.half[0] == key->addr.half[0] && kept->key.port == key->port &&
	       kept->key.proto == key->proto && kept->key.node == key->node &&
	       kept->epoch == epoch;
}

/**
 * lb_find() - The service that a destination belongs to
 * @port:	Wire order; 0: the packet has none
 * Return: element of lb_services + 1; 0: none
 */
static __always_inline __u32 lb_find(const struct shunt_addr *addr, __be16 port, __u8 proto)
{
	const struct lb_vip key = { .addr = *addr, .port = port, .proto = proto, .node = lb_node };
	struct lb_found *kept = lb_found_at(&key);
	__u32 zero = 0, epoch, found;
	const volatile __u32 *now;

	now = bpf_map_lookup_elem(&lb_epoch, &zero);
	if (!kept || !now)
		return 0;
	epoch = *now;
	if (lb_found_is(kept, &key, epoch))
		return kept->found;
	/* A barrier: nothing of the tables may be read before the epoch that it counts for */
	__sync_val_compare_and_swap(&kept->epoch, epoch, epoch);
	found = lb_search(addr, port, proto);
	kept->key = key;
	kept->found = found;
	kept->epoch = epoch;
	return found;
}

static __always_inline const struct lb_service *lb_service_of(__u32 found)
{
	__u32 at = found - 1;

	return bpf_map_lookup_elem(&lb_services, &at);
}

static __always_inline const struct lb_backend *lb_backend_of(__u32 backend)
{
	return bpf_map_lookup_elem(&lb_backends, &backend);
}

/* ---- counters ---- */

/* @index: of this CPU's */
static __always_inline struct lb_counts *lb_counts_of(__u32 index)
{
	__u32 at = bpf_get_smp_processor_id() * lb_room + index;

	return index < lb_room ? bpf_map_lookup_elem(&lb_counts, &at) : NULL;
}

static __always_inline void lb_count(__u32 index, __u32 bytes, bool flow, bool kept)
{
	struct lb_counts *counts = lb_counts_of(index);

	if (!counts)
		return;
	counts->packets++;
	counts->bytes += bytes;
	if (flow)
		counts->flows++;
	if (kept)
		counts->kept++;
}

static __always_inline struct lb_drops *lb_drops_of(const struct lb_service *service)
{
	__u32 at = bpf_get_smp_processor_id() * lb_room + service->counter;

	return service->counter < lb_room ? bpf_map_lookup_elem(&lb_drops, &at) : NULL;
}

static __always_inline void lb_drop(const struct lb_service *service, enum lb_drop why)
{
	struct lb_drops *drops = lb_drops_of(service);

	if (drops)
		drops->packets[why]++;
}

#endif
