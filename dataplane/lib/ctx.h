/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* ctx.h - one packet interface for both hooks; the only place that knows which it is */
#ifndef SHUNT_LIB_CTX_H
#define SHUNT_LIB_CTX_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include <shunt/abi.h>

#ifdef SHUNT_XDP

typedef struct xdp_md shunt_ctx;

#define SHUNT_SECTION		"xdp.frags"
#define SHUNT_VERDICT_PASS	XDP_PASS
#define SHUNT_VERDICT_DROP	XDP_DROP
#define SHUNT_SUMS_BY_KERNEL	0	/* bpf_l4_csum_replace() and its like */
#define SHUNT_WRITES_FRAME	1
#define SHUNT_CLONES		0	/* one packet can become two */

static __always_inline int shunt_load(shunt_ctx *ctx, __u32 off, void *buf, __u32 len)
{
	return bpf_xdp_load_bytes(ctx, off, buf, len);
}

/* Bytes of the frame, fragments included */
static __always_inline __u32 shunt_frame_len(shunt_ctx *ctx)
{
	return bpf_xdp_get_buff_len(ctx);
}

static __always_inline __u32 shunt_ctx_ifindex(shunt_ctx *ctx)
{
	return ctx->ingress_ifindex;
}

/* A tag that the driver took off does not show here; 'shunt status' warns of it */
static __always_inline bool shunt_ctx_vlan(shunt_ctx *ctx, __be16 *ret_tpid, __u16 *ret_tci)
{
	return false;
}

static __always_inline bool shunt_ctx_is_gso(shunt_ctx *ctx)
{
	return false;
}

static __always_inline __u32 shunt_ctx_gso_size(shunt_ctx *ctx)
{
	return 0;
}

static __always_inline int shunt_tx(shunt_ctx *ctx)
{
	return XDP_TX;
}

static __always_inline int shunt_tx_inwards(shunt_ctx *ctx)
{
	return XDP_DROP;	/* nothing is on its way out here */
}

static __always_inline int shunt_clone_tx(shunt_ctx *ctx, bool inwards)
{
	return -1;
}

static __always_inline int shunt_store(shunt_ctx *ctx, __u32 off, void *buf, __u32 len)
{
	return bpf_xdp_store_bytes(ctx, off, buf, len);
}

/*
 * Make the frame so long. What it holds is undefined then. It grows behind, else in front, where
 * there always is room. Return: 0; 1: it begins elsewhere now; negative: it cannot
 */
static __always_inline int shunt_resize(shunt_ctx *ctx, __u32 len)
{
	int more = len - shunt_frame_len(ctx);

	if (!more || !bpf_xdp_adjust_tail(ctx, more))
		return 0;
	return more > 0 && !bpf_xdp_adjust_head(ctx, -more) ? 1 : -1;
}

/*
 * Room for outer headers of @len bytes. At XDP it is in front of the frame, whose Ethernet header and tags
 * are to be written anew; at TC it is behind them, and there must be no tag in the frame.
 * @six, @udp: what they are to be. @fixed: segments keep their length
 */
static __always_inline int shunt_push(shunt_ctx *ctx, __u32 len, bool six, bool udp, bool fixed)
{
	return bpf_xdp_adjust_head(ctx, -(int)len);
}

/*
 * Outer headers of @len bytes go; @six, @was_six: what is behind them, and what they are. At XDP the Ethernet
 * header and tags are to be written anew; at TC the header alone, and there must be no tag in the frame.
 */
static __always_inline int shunt_pull(shunt_ctx *ctx, __u32 len, bool six, bool was_six)
{
	return bpf_xdp_adjust_head(ctx, len);
}

/* A tag in place of those there are. Return: 0; 1: it belongs into the frame, where the caller puts it */
static __always_inline int shunt_tag(shunt_ctx *ctx, __u16 tci)
{
	return 1;
}

/* Bytes that do not sum up to nothing came into the packet, or changed by such a difference */
static __always_inline void shunt_summed(shunt_ctx *ctx, __u32 sum)
{
}

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, SHUNT_PORTS_MAX);
	__type(key, __u32);
	__type(value, __u32);
} shunt_ports SEC(".maps");

static __always_inline int shunt_redirect(shunt_ctx *ctx, __u32 port)
{
	if (!bpf_map_lookup_elem(&shunt_ports, &port))
		return -1;
	return bpf_redirect_map(&shunt_ports, port, 0);
}

/* Metadata may come in over a redirect from elsewhere: it is not ours, and must not reach TC */
static __always_inline void shunt_handoff_clear(shunt_ctx *ctx)
{
	if (ctx->data_meta < ctx->data)
		bpf_xdp_adjust_meta(ctx, ctx->data - ctx->data_meta);
}

static __always_inline int shunt_handoff_put(shunt_ctx *ctx, const struct shunt_packet *pkt,
					     __u64 tag)
{
	struct shunt_handoff *handoff;

	if (bpf_xdp_adjust_meta(ctx, -(int)sizeof(*handoff)))
		return -1;
	handoff = (void *)(long)ctx->data_meta;
	if ((void *)(handoff + 1) > (void *)(long)ctx->data)
		return -1;
	handoff->tag = tag;
	handoff->len = sizeof(*handoff);
	handoff->mark = pkt->mark;
	handoff->hash = pkt->flags & SHUNT_PKT_HASHED ? pkt->hash : 0;
	handoff->user[0] = pkt->user[0];
	handoff->user[1] = pkt->user[1];
	handoff->user[2] = pkt->user[2];
	return 0;
}

static __always_inline void shunt_handoff_get(shunt_ctx *ctx, struct shunt_packet *pkt, __u64 tag)
{
	shunt_handoff_clear(ctx);
}

#else /* TC: both directions */

typedef struct __sk_buff shunt_ctx;

#define SHUNT_SECTION		"tc"
#define SHUNT_VERDICT_PASS	TC_ACT_UNSPEC	/* the next program, or the stack */
#define SHUNT_VERDICT_DROP	TC_ACT_SHOT
#define SHUNT_SUMS_BY_KERNEL	1
#define SHUNT_WRITES_FRAME	0
#define SHUNT_CLONES		1

static __always_inline int shunt_load(shunt_ctx *ctx, __u32 off, void *buf, __u32 len)
{
	return bpf_skb_load_bytes(ctx, off, buf, len);
}

static __always_inline __u32 shunt_frame_len(shunt_ctx *ctx)
{
	return ctx->len;
}

static __always_inline __u32 shunt_ctx_ifindex(shunt_ctx *ctx)
{
	return ctx->ifindex;
}

static __always_inline bool shunt_ctx_vlan(shunt_ctx *ctx, __be16 *ret_tpid, __u16 *ret_tci)
{
	if (!ctx->vlan_present)
		return false;
	*ret_tpid = ctx->vlan_proto;
	*ret_tci = ctx->vlan_tci;
	return true;
}

/* Only a super-frame may have a length field that does not hold its length (BIG TCP) */
static __always_inline bool shunt_ctx_is_gso(shunt_ctx *ctx)
{
	return ctx->gso_size != 0;
}

/* Bytes behind the L4 header of each segment */
static __always_inline __u32 shunt_ctx_gso_size(shunt_ctx *ctx)
{
	return ctx->gso_size;
}

static __always_inline int shunt_tx(shunt_ctx *ctx)
{
	return bpf_redirect(ctx->ifindex, 0);
}

/* As if it came in by the interface that it was to leave by */
static __always_inline int shunt_tx_inwards(shunt_ctx *ctx)
{
	return bpf_redirect(ctx->ifindex, BPF_F_INGRESS);
}

/* The frame as it is, once more: by the way that 'tx' has, while it goes on */
static __always_inline int shunt_clone_tx(shunt_ctx *ctx, bool inwards)
{
	return bpf_clone_redirect(ctx, ctx->ifindex, inwards ? BPF_F_INGRESS : 0);
}

static __always_inline int shunt_store(shunt_ctx *ctx, __u32 off, void *buf, __u32 len)
{
	return bpf_skb_store_bytes(ctx, off, buf, len, BPF_F_INVALIDATE_HASH);
}

static __always_inline int shunt_resize(shunt_ctx *ctx, __u32 len)
{
	return len == ctx->len ? 0 : bpf_skb_change_tail(ctx, len, 0);
}

static __always_inline int shunt_push(shunt_ctx *ctx, __u32 len, bool six, bool udp, bool fixed)
{
	__u64 flags = six ? BPF_F_ADJ_ROOM_ENCAP_L3_IPV6 : BPF_F_ADJ_ROOM_ENCAP_L3_IPV4;

	if (udp)
		flags |= BPF_F_ADJ_ROOM_ENCAP_L4_UDP;
	if (fixed)
		flags |= BPF_F_ADJ_ROOM_FIXED_GSO;
	return bpf_skb_adjust_room(ctx, len, BPF_ADJ_ROOM_MAC, flags);
}

#define SHUNT_DECAP_IP4	(1ULL << 7)	/* BPF_F_ADJ_ROOM_DECAP_L3_*: not in Linux 6.1's headers */
#define SHUNT_DECAP_IP6	(1ULL << 8)
#define SHUNT_IP_DIFF	20		/* bytes that an IPv6 header has more */

/*
 * The kernel has to know of another protocol. Before Linux 6.4 there is a helper of its own for
 * that alone, as if one header were translated: it moves the frame by the difference.
 */
static __always_inline int shunt_pull(shunt_ctx *ctx, __u32 len, bool six, bool was_six)
{
	__u64 flags = BPF_F_ADJ_ROOM_FIXED_GSO;	/* segments keep their length */

	if (six == was_six)
		return bpf_skb_adjust_room(ctx, -(int)len, BPF_ADJ_ROOM_MAC, flags);
	if (!bpf_skb_adjust_room(ctx, -(int)len, BPF_ADJ_ROOM_MAC,
				 flags | (six ? SHUNT_DECAP_IP6 : SHUNT_DECAP_IP4)))
		return 0;
	if (bpf_skb_change_proto(ctx, six ? bpf_htons(0x86dd) : bpf_htons(0x0800), 0))
		return -1;
	len = six ? len + SHUNT_IP_DIFF : len - SHUNT_IP_DIFF;
	return bpf_skb_adjust_room(ctx, -(int)len, BPF_ADJ_ROOM_MAC, flags);
}

/* With the one beside the frame goes the first; a second in it takes its place */
static __always_inline int shunt_tag(shunt_ctx *ctx, __u16 tci)
{
	if (ctx->vlan_present && bpf_skb_vlan_pop(ctx))
		return -1;
	if (ctx->vlan_present && bpf_skb_vlan_pop(ctx))
		return -1;
	return bpf_skb_vlan_push(ctx, bpf_htons(0x8100), tci) ? -1 : 0;
}

static __always_inline void shunt_summed(shunt_ctx *ctx, __u32 sum)
{
	bpf_csum_update(ctx, sum);
}

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SHUNT_PORTS_MAX);
	__type(key, __u32);
	__type(value, __u32);
} shunt_ports SEC(".maps");

static __always_inline int shunt_redirect(shunt_ctx *ctx, __u32 port)
{
	__u32 *ifindex = bpf_map_lookup_elem(&shunt_ports, &port);

	if (!ifindex || !*ifindex)
		return -1;
	return bpf_redirect(*ifindex, 0);
}

/* A boundary leads from XDP to TC; the compile stage refuses it anywhere else */
static __always_inline int shunt_handoff_put(shunt_ctx *ctx, const struct shunt_packet *pkt,
					     __u64 tag)
{
	return -1;
}

static __always_inline void shunt_handoff_get(shunt_ctx *ctx, struct shunt_packet *pkt, __u64 tag)
{
	struct shunt_handoff *handoff = (void *)(long)ctx->data_meta;

	if (!tag || (void *)(handoff + 1) > (void *)(long)ctx->data)
		return;
	if (handoff->tag != tag || handoff->len != sizeof(*handoff))
		return;
	pkt->mark = handoff->mark;
	pkt->hash = handoff->hash;
	pkt->user[0] = handoff->user[0];
	pkt->user[1] = handoff->user[1];
	pkt->user[2] = handoff->user[2];
	pkt->flags |= SHUNT_PKT_HANDOFF | (handoff->hash ? SHUNT_PKT_HASHED : 0);
	handoff->tag = 0;	/* spent: no other TC program of this frame takes it again */
}

#endif

#define SHUNT_HEADERS_END	0x7fff	/* no header starts later: 8 extension headers end before */

/**
 * shunt_header() - Bytes of the packet, wherever they lie
 * @off:	From the Ethernet header
 * @len:	Constant
 * @buf:	Room for @len bytes; used when they are not in the linear part
 * Return: pointer to @len bytes, in the frame or in @buf: read only; NULL: the frame ends before
 */
static __always_inline void *shunt_header(shunt_ctx *ctx, __u64 off, __u32 len, void *buf)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;

	barrier_var(off);	/* the verifier must see the bound on the register that is added */
	if (off > SHUNT_HEADERS_END)
		return NULL;
	if (data + off + len <= data_end)
		return data + off;
	if (shunt_load(ctx, off, buf, len) < 0)
		return NULL;
	return buf;
}

/*
 * Bytes of a header, @len a constant. At XDP mostly without a call; at TC the kernel has to
 * see that the packet is nobody else's, too
 */
static __always_inline int shunt_patch(shunt_ctx *ctx, __u64 off, void *buf, __u32 len)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;

	barrier_var(off);
	if (SHUNT_WRITES_FRAME && off <= SHUNT_HEADERS_END && data + off + len <= data_end) {
		__builtin_memcpy(data + off, buf, len);
		return 0;
	}
	return shunt_store(ctx, off, buf, len);
}

/*
 * A number of bytes that only the packet tells, 1 to @max. Linux 6.1 learns nothing from a
 * comparison with 0: it has to see the one that is added.
 */
static __always_inline int shunt_load_some(shunt_ctx *ctx, __u32 off, void *buf, __u64 len,
					   __u32 max)
{
	len--;
	barrier_var(len);
	if (len >= max)
		return -1;
	return shunt_load(ctx, off, buf, len + 1);
}

static __always_inline int shunt_store_some(shunt_ctx *ctx, __u32 off, void *buf, __u64 len,
					    __u32 max)
{
	len--;
	barrier_var(len);
	if (len >= max)
		return -1;
	return shunt_store(ctx, off, buf, len + 1);
}

#endif
