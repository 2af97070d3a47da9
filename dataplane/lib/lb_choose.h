/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * lb_choose.h - the backend of a packet
 *
 * DOC: Most slots are not in transition: hash, slot, owner, done. Else, or with 'tracking:
 * always', a flow that begins goes to the owner and is remembered; one that is remembered goes to
 * its backend as long as that lives, else to the owner; all others go to 'keep'. See lib/lb.h.
 */
#ifndef SHUNT_LIB_LB_CHOOSE_H
#define SHUNT_LIB_LB_CHOOSE_H

#include <linux/errno.h>

#include <shunt/lib/lb_flow.h>
#include <shunt/lib/parse.h>

#define LB_TCP_SYN		0x02
#define LB_TCP_OPENS		0x17	/* of FIN, SYN, RST, ACK it has SYN alone */
#define LB_SCTP_INIT		1
#define LB_CID_MAX		20	/* RFC 9000 17.2 */
#define LB_QUIC_V2		0x6b3343cf

/* How a packet is to be chosen for */
#define LB_HOW_BEGINS		0x1	/* it begins a flow */
#define LB_HOW_UDP		0x2
#define LB_HOW_ALONE		0x4	/* nothing is remembered of it, and it remembers nothing */
#define LB_HOW_ASKS		0x8	/* it is about the flow, not of it: remembers nothing */

/* What is chosen: a backend, and */
#define LB_CHOSE_BACKEND	0xffff
#define LB_CHOSE_KEPT		0x10000	/* not the owner */
#define LB_CHOSE_NEW		0x20000	/* a flow that began, or came to be remembered */

/* Return: the slot's word; 0: nobody */
static __always_inline __u32 lb_ring_word(const struct lb_service *service, __u64 hash)
{
	__u32 ring = service->ring, slot = lb_slot(hash, service->slots), at = slot / 2;
	const volatile struct lb_pair *pair;
	void *inner;

	inner = bpf_map_lookup_elem(&lb_rings, &ring);
	if (!inner)
		return 0;
	pair = bpf_map_lookup_elem(inner, &at);
	return pair ? pair->slot[slot & 1] : 0;
}

static __always_inline bool lb_lives(__u32 backend)
{
	const struct lb_backend *at = lb_backend_of(backend);

	return at && *(const volatile __u8 *)&at->flags & LB_LIVES;
}

static __always_inline __u32 lb_chose(__u32 backend, __u32 owner, __u32 more)
{
	return backend | (backend != owner ? LB_CHOSE_KEPT : 0) | more;
}

static __always_inline void lb_remember(const struct lb_service *service, __u64 key, __u32 backend,
					__u16 tick)
{
	struct lb_bucket *bucket = lb_flow_at(key);
	struct lb_drops *drops;

	if (!bucket || !lb_flow_put(bucket, lb_flow_tag(key), backend, tick, service->drain))
		return;
	drops = lb_drops_of(service);
	if (drops)
		drops->evicted++;
}

/**
 * lb_choose_tracked() - Of a slot in transition, or with 'tracking: always'
 * @key:	lb_flow_key()
 * @word:	The slot's
 * @how:	LB_HOW_*
 * Return: LB_CHOSE_*
 */
__noinline __u32 lb_choose_tracked(const struct lb_service *service, __u64 key, __u32 word,
				   __u32 how)
{
	__u32 owner = LB_OWNER(word), keep = LB_KEEP(word), backend = owner;
	struct lb_bucket *bucket = lb_flow_at(key);
	__u16 tick = lb_tick();

	if (!service || !bucket)
		return owner;
	if (!(how & (LB_HOW_BEGINS | LB_HOW_ALONE))) {
		backend = lb_flow_find(bucket, lb_flow_tag(key), tick, service->drain);
		if (backend && lb_lives(backend))
			return lb_chose(backend, owner, 0);
		if (backend)
			return owner;
	}
	if (!(how & LB_HOW_BEGINS)) {
		backend = keep && !(how & LB_HOW_UDP && service->flags & LB_UDP_MOVE) ? keep :
			  owner;
		if (service->tracking != LB_TRACK_ALWAYS)
			return lb_chose(backend, owner, 0);
	}
	if (!backend || how & (LB_HOW_ALONE | LB_HOW_ASKS))
		return lb_chose(backend, owner, 0);
	lb_remember(service, key, backend, tick);
	return lb_chose(backend, owner, LB_CHOSE_NEW);
}

/**
 * lb_choose() - The backend of a flow
 * @hash:	With ports and protocol
 * @slot_hash:	As the service hashes
 */
static __always_inline __u32 lb_choose(const struct lb_service *service, __u64 hash,
				       __u64 slot_hash, __u32 how)
{
	__u32 word = lb_ring_word(service, slot_hash), chose;

	if (service->tracking == LB_TRACK_NEVER ||
	    (service->tracking == LB_TRACK_CHANGES && !LB_KEEP(word)))
		chose = LB_OWNER(word);
	else
		chose = lb_choose_tracked(service, lb_flow_key(hash, service->ring), word, how);
	return how & LB_HOW_BEGINS && chose & LB_CHOSE_BACKEND ? chose | LB_CHOSE_NEW : chose;
}

/* ---- QUIC (RFC 9000 17; server ids in the clear: draft-ietf-quic-load-balancers) ---- */

/* Where the connection ID begins. Return: 0; negative: none that a server has chosen */
static __always_inline int lb_quic_cid(shunt_ctx *ctx, __u32 off, __u32 end, __u32 *ret_cid,
				       __u32 *ret_len)
{
	struct {
		__u8	first;
		__u8	version[4];
		__u8	len;
	} buf, *hdr = shunt_header(ctx, off, sizeof(*hdr), &buf);
	__u32 version, type;

	if (!hdr || off + sizeof(*hdr) > end)
		return -EINVAL;
	if (!(hdr->first & 0x80)) {
		*ret_cid = off + 1;
		*ret_len = LB_CID_MAX;
		return 0;
	}
	version = (__u32)hdr->version[0] << 24 | (__u32)hdr->version[1] << 16 |
		  (__u32)hdr->version[2] << 8 | hdr->version[3];
	type = hdr->first >> 4 & 3;
	if (version == LB_QUIC_V2)
		type = (type - 1) & 3;
	*ret_cid = off + sizeof(*hdr);
	*ret_len = hdr->len;
	return type <= 1 ? -EAGAIN : 0;	/* Initial, 0-RTT: the client's own */
}

/* Return: a backend that a connection ID names; 0: none; | LB_CHOSE_NEW: the connection begins */
__noinline __u32 lb_quic_find(shunt_ctx *ctx, const struct lb_service *service)
{
	struct shunt_cpu *cpu = shunt_this_cpu();
	__u32 cid = 0, len = 0, off, *backend;
	struct lb_quic key = {};
	int r;

	if (!cpu || !service)
		return 0;
	off = cpu->pkt.l4_off + sizeof(struct udphdr);
	r = lb_quic_cid(ctx, off, cpu->pkt.l4_off + cpu->pkt.l4_len, &cid, &len);
	if (r < 0)
		return r == -EAGAIN ? LB_CHOSE_NEW : 0;
	cid += service->quic_off;
	if (service->quic_off + service->quic_len > len ||
	    cid + service->quic_len > cpu->pkt.l4_off + cpu->pkt.l4_len ||
	    shunt_load_some(ctx, cid, &key.id, service->quic_len, sizeof(key.id)) < 0)
		return 0;
	key.id = bpf_be64_to_cpu(key.id) >> (64 - 8 * service->quic_len);
	key.ids = service->quic_ids;
	backend = bpf_map_lookup_elem(&lb_quic, &key);
	return backend && lb_lives(*backend) ? *backend & LB_CHOSE_BACKEND : 0;
}

/* ---- what begins a flow ---- */

static __always_inline bool lb_begins(shunt_ctx *ctx, const struct shunt_packet *pkt)
{
	__u8 buf, *chunk;

	if (pkt->proto == IPPROTO_TCP)
		return (pkt->tcp_flags & LB_TCP_OPENS) == LB_TCP_SYN;
	if (pkt->proto != IPPROTO_SCTP || pkt->l4_len <= sizeof(struct shunt_sctp_hdr))
		return false;
	chunk = shunt_header(ctx, pkt->l4_off + sizeof(struct shunt_sctp_hdr), sizeof(buf), &buf);
	return chunk && *chunk == LB_SCTP_INIT;
}

#endif
