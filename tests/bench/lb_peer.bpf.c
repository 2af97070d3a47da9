// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * lb_peer.bpf.c - the least that a balancer with a connection table does for a packet
 *
 * The method that Katran made known, bare: the service in a hash, a flow in an LRU hash, else the
 * ring; IPv4, TCP, IP in IP. Nothing that lb does besides: no lengths, checksum, TTL, MTU,
 * fragments, options, next hops, other ways to forward, other protocols.
 */
#include <shunt/lib/frame.h>

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/tcp.h>

#include "lb_peer.h"

#define TABLE(name_, type_, key_, value_, entries_)			\
	struct {							\
		__uint(type, BPF_MAP_TYPE_##type_);			\
		__uint(max_entries, entries_);				\
		__type(key, key_);					\
		__type(value, value_);					\
	} name_ SEC(".maps")

TABLE(peer_vips, HASH, struct peer_vip, __u32, 8192);
TABLE(peer_flows, LRU_HASH, struct peer_flow, __u32, 1);
TABLE(peer_ring, ARRAY, __u32, __u32, PEER_RING);
TABLE(peer_backends, ARRAY, __u32, struct peer_backend, PEER_BACKENDS);
TABLE(peer_counts, PERCPU_ARRAY, __u32, struct peer_count, 2 * PEER_BACKENDS);

static __always_inline void peer_count(__u32 index, __u32 bytes)
{
	struct peer_count *count = bpf_map_lookup_elem(&peer_counts, &index);

	if (!count)
		return;
	count->packets++;
	count->bytes += bytes;
}

static __always_inline __u32 peer_choose(const struct peer_flow *flow, bool syn)
{
	__u32 *known = syn ? NULL : bpf_map_lookup_elem(&peer_flows, flow), *slot, at, chosen;
	__u64 hash;

	if (known)
		return *known;
	hash = ((__u64)flow->saddr << 32 | flow->ports) * 0x9e3779b97f4a7c15ULL;
	hash = (hash ^ hash >> 29) * 0x9e3779b97f4a7c15ULL;
	at = (hash >> 32) * PEER_RING >> 32;
	slot = bpf_map_lookup_elem(&peer_ring, &at);
	if (!slot)
		return 0;
	chosen = *slot;
	bpf_map_update_elem(&peer_flows, flow, &chosen, BPF_ANY);
	return chosen;
}

static __always_inline int peer_push(shunt_ctx *ctx, const struct peer_backend *backend, __u32 len,
				     __u8 tos)
{
	__u32 *word, first, second = frame_half(64, IPPROTO_IPIP);
	__u64 sum;

	if (shunt_push(ctx, sizeof(struct iphdr), false, false, false))
		return -1;
	word = frame_at(ctx, 0, ETH_HLEN + sizeof(struct iphdr));
	if (!word)
		return -1;
	word[0] = word[1] = word[2] = 0x02020202;
	*(__be16 *)(word + 3) = bpf_htons(ETH_P_IP);
	word = (void *)word + ETH_HLEN;
	first = frame_word(frame_half(0x45, tos), bpf_htons(len + sizeof(struct iphdr)));
	sum = (__u64)first + second + backend->saddr + backend->daddr;
	sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	word[0] = first;
	word[1] = 0;
	word[2] = frame_word(second, ~(sum + (sum >> 16)));
	word[3] = backend->saddr;
	word[4] = backend->daddr;
	return 0;
}

SEC(SHUNT_SECTION)
int bench_lb_peer(shunt_ctx *ctx)
{
	struct {
		struct iphdr ip;
		struct tcphdr tcp;
	} buf, *at = shunt_header(ctx, ETH_HLEN, sizeof(*at), &buf);
	struct peer_backend *backend;
	struct peer_flow flow = {};
	struct peer_vip vip = {};
	__u32 *service, chosen, len;
	__u8 tos;

	if (!at || at->ip.version != 4 || at->ip.ihl != 5 || at->ip.protocol != IPPROTO_TCP)
		return SHUNT_VERDICT_PASS;
	vip = (struct peer_vip){ at->ip.daddr, at->tcp.dest, IPPROTO_TCP };
	service = bpf_map_lookup_elem(&peer_vips, &vip);
	if (!service)
		return SHUNT_VERDICT_PASS;
	flow = (struct peer_flow){ at->ip.saddr, at->ip.daddr,
				   at->tcp.source | (__u32)at->tcp.dest << 16, IPPROTO_TCP };
	len = bpf_ntohs(at->ip.tot_len);
	tos = at->ip.tos;
	chosen = peer_choose(&flow, at->tcp.syn);
	backend = bpf_map_lookup_elem(&peer_backends, &chosen);
	if (!backend)
		return SHUNT_VERDICT_DROP;
	peer_count(*service, len);
	peer_count(PEER_BACKENDS + chosen, len);
	return peer_push(ctx, backend, len, tos) < 0 ? SHUNT_VERDICT_DROP : shunt_tx(ctx);
}

char shunt_license[] SEC("license") = "Dual BSD/GPL";
