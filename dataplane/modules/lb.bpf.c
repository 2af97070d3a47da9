// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * lb.bpf.c - packets to services, to their backends
 * reads: L3, L4   tables: lb_* (lib/lb.h)
 * cost: of others' packets the look-up of their destination; else the slot, the backend, headers
 *
 * DOC: What is of no service leaves by 'miss' as it came. All else is checked before it is
 * touched: TTL, the IPv4 header's checksum, whether it fits. As a router does, the node takes one
 * from TTL or hop limit (RFC 2003 3.1), so that a packet which comes back from a backend that
 * does not know the service's address does not go in circles for ever.
 */
#include <shunt/module.h>
#include <shunt/lib/answer_icmp.h>
#include <shunt/lib/bucket.h>
#include <shunt/lib/frame.h>
#include <shunt/lib/ip4_sum.h>
#include <shunt/lib/l2.h>
#include <shunt/lib/lb_part.h>
#include <shunt/lib/rewrite.h>
#include <shunt/lib/tunnel.h>

SHUNT_MODULE("lb", SHUNT_HOOK_ANY, SHUNT_DEPTH_L4, "packets to services, to their backends");
SHUNT_EDGE(hit, SHUNT_FAIL_CLOSED, SHUNT_TARGET_FORWARD);
SHUNT_EDGE(nat);
SHUNT_EDGE(kernel, SHUNT_FAIL_CLOSED, SHUNT_TARGET_PASS);
SHUNT_EDGE(miss);
SHUNT_EDGE(no_backend, SHUNT_FAIL_CLOSED, SHUNT_TARGET_DROP, SHUNT_REASON_NO_BACKEND);
SHUNT_EDGE(answer, SHUNT_FAIL_CLOSED, SHUNT_TARGET_TX);

#define TCP_OPT_END	0
#define TCP_OPT_NOP	1
#define TCP_OPT_MSS	2
#define TCP_OPTS_MAX	40

SHUNT_CONFIG(__u64, too_big_pps, 1000, "answers 'too big' per second, 1 to 1000000000");

#define LB_TOLD_BURST	50		/* answers that may go out at once, above the rate */

struct lb_told {
	__u64	due;			/* lib/bucket.h: of all answers */
};

SHUNT_TABLE(lb_answer, PERCPU_ARRAY, __u32, struct answer_room, 1);
SHUNT_TABLE(lb_told, ARRAY, __u32, struct lb_told, 1);

/* ---- what is told ---- */

/* "Too big" to the sender. Return: 0; 1: not so often; negative: there is nobody to tell */
__noinline int lb_too_big(shunt_ctx *ctx, __u32 mtu)
{
	struct shunt_cpu *cpu = shunt_this_cpu();
	struct answer_room *room;
	struct lb_told *told;
	__u32 zero = 0;
	int len;

	room = bpf_map_lookup_elem(&lb_answer, &zero);
	told = bpf_map_lookup_elem(&lb_told, &zero);
	if (!cpu || !room || !told || !answer_may(ctx, &cpu->pkt) || answer_is_icmp_error(&cpu->pkt))
		return -1;
	if (!shunt_bucket_one(&told->due, too_big_pps, LB_TOLD_BURST, shunt_now_ns(&cpu->pkt)))
		return 1;
	answer_clear(room);
	len = answer_icmp(ctx, &cpu->pkt, room, cpu->pkt.l3 == 4 ? 3 : 2,
			  cpu->pkt.l3 == 4 ? 4 : 0, bpf_htonl(mtu));
	return answer_send(ctx, &cpu->pkt, room, len) < 0 ? -1 : 0;
}

/* ---- what is changed inside ---- */

/* IPv4: TTL, and the checksum (RFC 1624) */
static __always_inline int lb_hop4(shunt_ctx *ctx, const struct shunt_packet *pkt)
{
	__u32 off = pkt->l3_off + offsetof(struct iphdr, ttl);
	__u32 buf, *word = shunt_header(ctx, off, sizeof(buf), &buf), *at, now;

	if (!word)
		return -1;
	now = frame_word(frame_half(pkt->ttl - 1, pkt->proto),
			 rewrite_patched(frame_second(*word), (__u16)~bpf_htons(0x0100)));
	at = frame_at(ctx, off, sizeof(now));
	if (!at)
		return shunt_patch(ctx, off, &now, sizeof(now));
	*at = now;
	return 0;
}

/* One hop less */
static __always_inline int lb_hop(shunt_ctx *ctx, const struct shunt_packet *pkt)
{
	__u8 hops = pkt->ttl - 1;

	if (pkt->l3 == 4)
		return lb_hop4(ctx, pkt);
	if (SHUNT_SUMS_BY_KERNEL)
		shunt_summed(ctx, bpf_htonl(0xfffffffe));	/* less 1, the lowest byte */
	return shunt_patch(ctx, pkt->l3_off + offsetof(struct ipv6hdr, hop_limit), &hops,
			   sizeof(hops));
}

/* Where a SYN's MSS option has its value, among @len bytes of options; 0: it has none */
static __always_inline __u32 lb_mss_at(const __u8 *opt, __u32 len)
{
	__u32 i, skip = 0;

#pragma clang loop unroll(disable)
	for (i = 0; i + 4 <= TCP_OPTS_MAX && i + 4 <= len; i++) {
		if (skip) {
			skip--;
			continue;
		}
		if (opt[i] == TCP_OPT_END)
			return 0;
		if (opt[i] == TCP_OPT_NOP)
			continue;
		if (opt[i] == TCP_OPT_MSS)
			return opt[i + 1] == 4 ? i + 2 : 0;
		if (opt[i + 1] < 2)
			return 0;
		skip = opt[i + 1] - 1;
	}
	return 0;
}

/* A SYN that says more gets @mss. Return: 0 or negative */
__noinline int lb_clamp(shunt_ctx *ctx, __u32 mss)
{
	struct shunt_cpu *cpu = shunt_this_cpu();
	struct rewrite_diff diff = {};
	__u8 opt[TCP_OPTS_MAX] = {};
	struct tcphdr buf, *tcp;
	__u32 off, at, was;
	__be16 now = bpf_htons(mss);

	if (!cpu)
		return -1;
	off = cpu->pkt.l4_off;
	tcp = shunt_header(ctx, off, sizeof(*tcp), &buf);
	if (!tcp)
		return -1;
	off += sizeof(*tcp);
	if (tcp->doff <= 5)
		return 0;
	if (shunt_load_some(ctx, off, opt, tcp->doff * 4 - sizeof(*tcp), sizeof(opt)) < 0)
		return -1;
	at = lb_mss_at(opt, tcp->doff * 4 - sizeof(*tcp));
	if (!at || at > TCP_OPTS_MAX - 2)
		return 0;
	was = opt[at] << 8 | opt[at + 1];
	if (was <= mss)
		return 0;
	/* At an odd offset its bytes count the other way round */
	diff.data = at & 1 ? rewrite_add((__u16)~was, mss) :
			     rewrite_add((__u16)~bpf_htons(was), now);
	if (rewrite_l4_check(ctx, &cpu->pkt, diff) < 0)
		return -1;
	return shunt_patch(ctx, off + at, &now, sizeof(now));
}

/* ---- ways to forward ---- */

static __always_inline int lb_l2(shunt_ctx *ctx, struct shunt_packet *pkt,
				 const struct lb_backend *backend)
{
	__u32 macs[3] = { backend->macs[0], backend->macs[1], backend->macs[2] };
	__u32 *frame = frame_at(ctx, 0, sizeof(macs));

	if (!frame)
		return shunt_patch(ctx, 0, macs, sizeof(macs));
	frame[0] = macs[0];
	frame[1] = macs[1];
	frame[2] = macs[2];
	return 0;
}

/* @port: UDP; 0: IP in IP. @macs: it gets the backend's. Return: 0 or negative */
static __always_inline int lb_tunnel_of(shunt_ctx *ctx, const struct shunt_packet *pkt,
					const struct lb_backend *backend, __be16 port, __u32 hash,
					bool macs, struct tunnel *tunnel)
{
	__u32 buf, *word;

	tunnel->saddr = backend->src;
	tunnel->daddr = backend->addr;
	tunnel->macs[0] = backend->macs[0];
	tunnel->macs[1] = backend->macs[1];
	tunnel->macs[2] = backend->macs[2];
	tunnel->hash = hash;
	tunnel->port = port;
	tunnel->l3 = backend->l3;
	tunnel->resolved = macs;
	tunnel->frag_off = bpf_htons(TUNNEL_DF);
	tunnel->id = 0;
	if (pkt->l3 != 4)
		return 0;
	word = shunt_header(ctx, pkt->l3_off + offsetof(struct iphdr, id), sizeof(*word), &buf);
	if (!word)
		return -1;
	tunnel->frag_off &= frame_second(*word);
	/* Of who may be fragmented; two clients may have used the same number */
	if (!tunnel->frag_off)
		tunnel->id = frame_first(*word) ^ (__u16)hash;
	return 0;
}

/* Where the frame has tags, or its MACs stay; at TC always */
__noinline int lb_tunnel_any(shunt_ctx *ctx, const struct lb_backend *backend, __u32 port,
			     __u32 hash, __u32 macs)
{
	struct shunt_cpu *cpu = shunt_this_cpu();
	struct tunnel tunnel;

	if (!cpu || !backend ||
	    lb_tunnel_of(ctx, &cpu->pkt, backend, port, hash, macs, &tunnel) < 0)
		return -1;
	return tunnel_push(ctx, &cpu->pkt, &tunnel);
}

static __always_inline int lb_tunnel(shunt_ctx *ctx, struct shunt_packet *pkt,
				     const struct lb_service *service,
				     const struct lb_backend *backend, __u32 hash, bool macs)
{
	__be16 port = service->forward == LB_GUE ? service->gue_port : 0;
	struct tunnel tunnel;

	if (!tunnel_is_plain(pkt, macs))
		return lb_tunnel_any(ctx, backend, port, hash, macs);
	if (lb_tunnel_of(ctx, pkt, backend, port, hash, true, &tunnel) < 0)
		return -1;
	return tunnel_push_plain(ctx, pkt, &tunnel);
}

static __always_inline bool lb_may_fragment(shunt_ctx *ctx, const struct shunt_packet *pkt)
{
	__be16 buf, *frag_off;

	if (pkt->l3 != 4)
		return false;
	frag_off = shunt_header(ctx, pkt->l3_off + offsetof(struct iphdr, frag_off), sizeof(buf),
				&buf);
	return frag_off && !(*frag_off & bpf_htons(TUNNEL_DF));
}

/* Whether a super-frame's segments fit into @room bytes, from the IP header on */
__noinline int lb_segments_fit(shunt_ctx *ctx, __u32 room)
{
	struct shunt_cpu *cpu = shunt_this_cpu();
	struct tcphdr buf, *tcp;
	__u32 len;

	if (!cpu)
		return 0;
	len = cpu->pkt.l4_off - cpu->pkt.l3_off + shunt_ctx_gso_size(ctx);
	if (cpu->pkt.proto != IPPROTO_TCP)
		return len + sizeof(struct udphdr) <= room;
	tcp = shunt_header(ctx, cpu->pkt.l4_off, sizeof(*tcp), &buf);
	return tcp && len + tcp->doff * 4 <= room;
}

/* It does not fit. Return: an edge, or a drop */
static __always_inline int lb_refuse(shunt_ctx *ctx, const struct lb_service *service, __u32 mtu)
{
	int r;

	lb_drop(service, LB_DROP_TOO_BIG);
	r = lb_too_big(ctx, mtu);
	if (r > 0)
		return SHUNT_DROP(SHUNT_REASON_RATE);
	return r < 0 ? SHUNT_DROP(SHUNT_REASON_TOO_BIG) : SHUNT_GO(answer);
}

/* The way's tag. Return: 0 or negative */
__noinline int lb_tag(shunt_ctx *ctx, __u32 vid)
{
	struct shunt_cpu *cpu = shunt_this_cpu();
	int more;

	if (!cpu)
		return -1;
	more = l2_tag(ctx, cpu->pkt.l3_off, vid);
	if (more < -4)
		return -1;
	cpu->pkt.len += more;
	return 0;
}

/* Headers, then out. @fragment: by the kernel, it is too long for the way */
static __always_inline int lb_send(shunt_ctx *ctx, struct shunt_packet *pkt,
				   const struct lb_service *service,
				   const struct lb_backend *backend, __u32 hash, bool fragment)
{
	bool to_kernel = fragment || !(backend->flags & LB_RESOLVED);
	int r;

	if (lb_hop(ctx, pkt) < 0)
		return SHUNT_DROP(SHUNT_REASON_INTERNAL);
	if (service->mss && pkt->proto == IPPROTO_TCP && pkt->flags & SHUNT_PKT_L4 &&
	    pkt->tcp_flags & LB_TCP_SYN && lb_clamp(ctx, service->mss) < 0)
		return SHUNT_DROP(SHUNT_REASON_INTERNAL);
	r = service->forward == LB_L2 ? lb_l2(ctx, pkt, backend) :
	    lb_tunnel(ctx, pkt, service, backend, hash, !to_kernel);
	if (r < 0)
		return SHUNT_DROP(SHUNT_REASON_INTERNAL);
	if (to_kernel)			/* whose MAC address it still has */
		return SHUNT_GO(kernel);
	if (backend->vlan && lb_tag(ctx, backend->vlan) < 0)
		return SHUNT_DROP(SHUNT_REASON_INTERNAL);
	pkt->out = backend->ifindex;
	return SHUNT_GO(hit);
}

static __always_inline int lb_forward(shunt_ctx *ctx, struct shunt_packet *pkt,
				      const struct lb_service *service,
				      const struct lb_backend *backend, __u32 hash)
{
	__u32 len = pkt->l4_off - pkt->l3_off + pkt->l4_len, more = 0;
	bool fits, fragment = false;

	if (pkt->ttl <= 1) {
		lb_drop(service, LB_DROP_TTL);
		return SHUNT_DROP(SHUNT_REASON_TTL);
	}
	if (!ip4_sum_holds(ctx, pkt)) {
		lb_drop(service, LB_DROP_CHECKSUM);
		return SHUNT_DROP(SHUNT_REASON_IP4_SUM);
	}
	if (service->forward != LB_L2)
		more = tunnel_overhead(backend->l3, service->forward == LB_GUE);
	fits = !backend->mtu || len + more <= backend->mtu ||
	       (shunt_ctx_is_gso(ctx) && lb_segments_fit(ctx, backend->mtu - more));
	if (!fits && service->forward != LB_L2 && backend->l3 == 4)
		fragment = lb_may_fragment(ctx, pkt);
	if (!fits && !fragment)
		return lb_refuse(ctx, service, backend->mtu - more);
	return lb_send(ctx, pkt, service, backend, hash, fragment);
}

/* ---- the choice ---- */

/* Of a packet that says its flow */
static __always_inline __u64 lb_own(shunt_ctx *ctx, const struct shunt_packet *pkt, __u32 found,
				    const struct lb_service *service)
{
	bool udp = pkt->proto == IPPROTO_UDP, alone = service->flags & LB_PER_PACKET && udp;
	__u32 ports = lb_hash_ports(pkt->sport, pkt->dport), how = 0, chose = 0;
	__u64 hash = lb_hash(pkt->l3, &pkt->saddr, &pkt->daddr, ports, pkt->proto, service->seed);
	__u64 slot_hash = hash;

	if (service->hash == LB_HASH_SOURCE || alone)
		slot_hash = lb_hash(pkt->l3, &pkt->saddr, &pkt->daddr, 0, 0, service->seed);
	if (udp)
		how = LB_HOW_UDP | (alone ? LB_HOW_ALONE : 0);
	else if (lb_begins(ctx, pkt))
		how = LB_HOW_BEGINS;
	if (udp && service->flags & LB_QUIC && pkt->flags & SHUNT_PKT_L4) {
		chose = lb_quic_find(ctx, service);
		if (chose & LB_CHOSE_NEW)
			how |= LB_HOW_BEGINS;
	}
	if (!(chose & LB_CHOSE_BACKEND))
		chose = lb_choose(service, hash, slot_hash, how);
	return LB_PICK(found, chose, hash);
}

static __always_inline int lb_to_backend(shunt_ctx *ctx, struct shunt_packet *pkt, __u64 pick,
					 const struct lb_service *service)
{
	__u32 chose = LB_PICK_CHOSE(pick), number = chose & LB_CHOSE_BACKEND;
	const struct lb_backend *backend;

	if (!number && service->down == LB_DOWN_SORRY)
		number = service->sorry;
	backend = number ? lb_backend_of(number) : NULL;
	if (!backend || (service->forward == LB_L2 && !(backend->flags & LB_RESOLVED))) {
		lb_drop(service, LB_DROP_NO_BACKEND);
		return SHUNT_GO(no_backend);
	}
	if (pkt->frag == SHUNT_FRAG_FIRST && service->forward != LB_NAT)
		lb_frag_note(ctx, LB_PICK_FOUND(pick), number);
	lb_count(service->counter, pkt->len, chose & LB_CHOSE_NEW, chose & LB_CHOSE_KEPT);
	lb_count(backend->counter, pkt->len, chose & LB_CHOSE_NEW, chose & LB_CHOSE_KEPT);
	if (service->forward == LB_NAT) {
		pkt->dnat = backend->nat;
		return SHUNT_GO(nat);
	}
	return lb_forward(ctx, pkt, service, backend, LB_PICK_HASH(pick));
}

SHUNT_NODE(ctx, pkt)
{
	const struct lb_service *service;
	__u64 pick = 0;
	__u32 found;

	if (!pkt->l3 || !(lb_kinds & (pkt->l3 == 4 ? LB_KIND_IP4 : LB_KIND_IP6)))
		return SHUNT_GO(miss);
	if (pkt->flags & SHUNT_PKT_L4 && lb_is_error(pkt))
		pick = lb_quote(ctx);
	else if (pkt->frag == SHUNT_FRAG_LATER)
		pick = lb_frag_find(ctx);
	found = LB_PICK_FOUND(pick);
	if (!found && pkt->frag != SHUNT_FRAG_LATER)
		found = lb_find(&pkt->daddr, pkt->dport, pkt->proto);
	service = found ? lb_service_of(found) : NULL;
	if (!service)
		return SHUNT_GO(miss);
	if (service->forward == LB_NAT && (pick || pkt->flow))
		return pkt->flow ? SHUNT_GO(nat) : SHUNT_GO(miss);
	if (LB_PICK_CHOSE(pick) & LB_CHOSE_LOST) {
		lb_drop(service, LB_DROP_FRAGMENT);
		return SHUNT_DROP(SHUNT_REASON_FRAG_LOST);
	}
	if (!pick)
		pick = lb_own(ctx, pkt, found, service);
	return lb_to_backend(ctx, pkt, pick, service);
}
