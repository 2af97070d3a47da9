/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * rewrite.h - other addresses and ports for a packet, with the checksums that cover them
 *
 * DOC: Checksums are patched by difference (RFC 1624). At TC the kernel does it: it knows
 * whether the device is still to complete one. At XDP nobody tells: a field that is
 * the pseudo header's sum is one that waits for the device, and is patched as that. A
 * complete checksum, too, is that number in one packet of 65536: so where it is, the packet is
 * added up.
 *
 * Not covered: SCTP's CRC32c has no addresses in it, and would have to be made anew for
 * ports, which hence stay. With a routing header the pseudo header has another destination
 * (RFC 8200 8.1): such a packet is not to be translated.
 */
#ifndef SHUNT_LIB_REWRITE_H
#define SHUNT_LIB_REWRITE_H

#include <shunt/lib/checksum.h>
#include <shunt/lib/conntrack_chain.h>

#define REWRITE_CHUNK	64		/* bytes that are added up at once, on a stack that is short */
#define REWRITE_CHUNKS	1024		/* 65536 bytes */
#define REWRITE_UDPLITE	136
#define REWRITE_DCCP	33

#define REWRITE_PORTS	0x1		/* flags: both ports; else they stay */
#define REWRITE_ID	0x2		/* sport is the id of an ICMP query */

/* What a packet is to have; of IPv4, too, all of an address counts */
struct rewrite {
	struct shunt_addr saddr, daddr;
	__be16	sport, dport;
	__u32	flags;
	__u32	more;			/* difference by what was changed in the payload already */
};

/* Differences, as sums that are not folded */
struct rewrite_diff {
	__u32	pseudo;			/* addresses, where the L4 checksum covers them */
	__u32	data;			/* bytes from the L4 header on */
};

static __always_inline __u32 rewrite_add(__u32 a, __u32 b)
{
	a += b;
	return a + (a < b);
}

/* Difference of an address. A helper would copy both first */
static __always_inline __u32 rewrite_change(const struct shunt_addr *was,
					    const struct shunt_addr *now)
{
	__u64 diff = 0;
	__u32 i;

#pragma unroll
	for (i = 0; i < 4; i++)
		diff += (__u64)(__u32)~was->word[i] + now->word[i];
	return shunt_sum_narrow(diff);
}

/* Where the checksum is, from the L4 header on; 0: none, or none that covers what changes */
static __always_inline __u32 rewrite_check_off(__u32 l3, __u8 proto)
{
	if (proto == (l3 == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6))
		return 2;
	if (proto == IPPROTO_TCP)
		return 16;
	return proto == IPPROTO_UDP || proto == REWRITE_UDPLITE || proto == REWRITE_DCCP ? 6 : 0;
}

/* Who leaves a checksum to the device: Linux only does it for these */
static __always_inline bool rewrite_may_wait(__u8 proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP;
}

/* ---- checksums that wait for the device ---- */

/* Sum of @len bytes from @off on, but not more than a chunk. Return: folded, or negative */
__noinline int rewrite_sum_some(shunt_ctx *ctx, __u32 off, __u32 len)
{
	__u64 chunk[REWRITE_CHUNK / 8] = {};

	if (len > REWRITE_CHUNK)
		len = REWRITE_CHUNK;
	if (shunt_load_some(ctx, off, chunk, len, REWRITE_CHUNK) < 0)
		return -1;
	return (__u16)~shunt_sum_fold(shunt_sum(chunk, REWRITE_CHUNK, 0));
}

static __always_inline int rewrite_sum(shunt_ctx *ctx, __u32 off, __u32 len)
{
	__u32 sum = 0, i;
	int some;

#pragma clang loop unroll(disable)
	for (i = 0; i < REWRITE_CHUNKS && i * REWRITE_CHUNK < len; i++) {
		some = rewrite_sum_some(ctx, off + i * REWRITE_CHUNK, len - i * REWRITE_CHUNK);
		if (some < 0)
			return some;
		sum += some;
	}
	return (__u16)~shunt_sum_fold(sum);
}

/* Return: 1: @check, of the packet under way, is the sum of the pseudo header, and not complete */
__noinline int rewrite_is_partial(shunt_ctx *ctx, __u32 check)
{
	struct shunt_cpu *cpu = shunt_this_cpu();
	int sum, pseudo;

	if (!cpu || cpu->pkt.frag)		/* those who fragment complete it */
		return 0;
	pseudo = (__u16)~shunt_sum_fold(shunt_sum_pseudo(&cpu->pkt, cpu->pkt.proto,
							 cpu->pkt.l4_len));
	if (check % 0xffff != (__u32)pseudo % 0xffff)	/* 0 is 0xffff */
		return 0;
	sum = rewrite_sum(ctx, cpu->pkt.l4_off, cpu->pkt.l4_len);
	return sum >= 0 && (__u16)~shunt_sum_fold(sum + pseudo) != 0xffff;
}

/* ---- patching ---- */

/* A checksum in the packet, RFC 1624 eqn. 3 */
static __always_inline __u16 rewrite_patched(__u16 check, __u32 diff)
{
	return shunt_sum_fold(rewrite_add((__u16)~check, diff));
}

static __always_inline int rewrite_check_xdp(shunt_ctx *ctx, __u32 off, struct rewrite_diff diff,
					     bool wait, bool optional)
{
	__u16 buf, *at = shunt_header(ctx, off, sizeof(*at), &buf), check;

	if (!at)
		return -1;
	check = *at;
	if (optional && !check)
		return 0;
	if (wait && rewrite_is_partial(ctx, check))
		check = ~shunt_sum_fold(rewrite_add(check, diff.pseudo));
	else
		check = rewrite_patched(check, rewrite_add(diff.pseudo, diff.data));
	if (optional && !check)
		check = 0xffff;
	return shunt_patch(ctx, off, &check, sizeof(check));
}

/*
 * A device's sum of the whole packet must hold what is behind: for IPv4 the kernel takes the
 * difference out, as the header's own checksum makes up for the addresses. IPv6 has none.
 */
static __always_inline int rewrite_check_tc(shunt_ctx *ctx, __u32 off, struct rewrite_diff diff,
					    bool pseudo, bool optional, bool six)
{
	__u64 flags = optional ? BPF_F_MARK_MANGLED_0 : 0;
	int r = 0;

	if (pseudo) {
		r = bpf_l4_csum_replace((void *)ctx, off, 0, diff.pseudo, flags | BPF_F_PSEUDO_HDR);
		if (six && !r)
			bpf_csum_update((void *)ctx, diff.pseudo);
	}
	if (!r && diff.data)
		r = bpf_l4_csum_replace((void *)ctx, off, 0, diff.data, flags);
	return r;
}

/* The L4 checksum, if there is one in this packet */
static __always_inline int rewrite_l4_check(shunt_ctx *ctx, const struct shunt_packet *pkt,
					    struct rewrite_diff diff)
{
	__u32 off = rewrite_check_off(pkt->l3, pkt->proto);
	bool pseudo = pkt->l3 == 6 || pkt->proto != IPPROTO_ICMP;
	bool optional = pkt->proto == IPPROTO_UDP;

	if (!off || !pkt->l4_off || pkt->frag == SHUNT_FRAG_LATER)
		return 0;
	if (!pseudo)
		diff.pseudo = 0;
	off += pkt->l4_off;
	if (SHUNT_SUMS_BY_KERNEL)
		return rewrite_check_tc(ctx, off, diff, pseudo, optional, pkt->l3 == 6);
	return rewrite_check_xdp(ctx, off, diff, rewrite_may_wait(pkt->proto), optional);
}

/* Addresses of the IPv4 header at @off, and its checksum */
static __always_inline int rewrite_ip4(shunt_ctx *ctx, __u32 off, const struct rewrite *to,
				       __u32 diff)
{
	struct {			/* they lie side by side */
		__u16	ttl_proto, check;
		__be32	saddr, daddr;
	} buf, part, *at;

	off += offsetof(struct iphdr, ttl);
	at = shunt_header(ctx, off, sizeof(*at), &buf);
	if (!at)
		return -1;
	part.ttl_proto = at->ttl_proto;
	part.check = rewrite_patched(at->check, diff);
	part.saddr = to->saddr.v4;
	part.daddr = to->daddr.v4;
	return shunt_patch(ctx, off, &part, sizeof(part));
}

static __always_inline int rewrite_addrs(shunt_ctx *ctx, __u32 l3, __u32 off,
					 const struct rewrite *to, __u32 diff)
{
	struct shunt_addr addr[2];

	if (l3 == 4)
		return rewrite_ip4(ctx, off, to, diff);
	addr[0] = to->saddr;
	addr[1] = to->daddr;
	return shunt_patch(ctx, off + offsetof(struct ipv6hdr, saddr), addr, sizeof(addr));
}

/* Both ports, or id and sequence number: four bytes of the L4 header */
struct rewrite_ports {
	__u32	off;			/* 0: none change */
	__be16	port[2];
};

/* Return: 0 or negative. @diff: grows by what rewrite_ports_store() will change */
static __always_inline int rewrite_ports_load(shunt_ctx *ctx, __u32 l4_off,
					      const struct rewrite *to,
					      struct rewrite_ports *ports, __u32 *diff)
{
	__be16 buf[2], *was;

	if (!(to->flags & (REWRITE_PORTS | REWRITE_ID)))
		return 0;
	ports->off = l4_off;
	ports->port[0] = to->sport;
	ports->port[1] = to->dport;
	if (to->flags & REWRITE_ID)
		ports->off += offsetof(struct shunt_icmp_hdr, rest);
	was = shunt_header(ctx, ports->off, sizeof(buf), buf);
	if (!was)
		return -1;
	buf[0] = was[0];
	buf[1] = was[1];
	if (to->flags & REWRITE_ID)
		ports->port[1] = buf[1];
	*diff = rewrite_add(*diff, (__u16)~buf[0] + ports->port[0]);
	*diff = rewrite_add(*diff, (__u16)~buf[1] + ports->port[1]);
	return 0;
}

static __always_inline int rewrite_ports_store(shunt_ctx *ctx, struct rewrite_ports *ports)
{
	return ports->off ? shunt_patch(ctx, ports->off, ports->port, sizeof(ports->port)) : 0;
}

/**
 * rewrite_packet() - Addresses and ports of the packet under way, and what the context says of them
 * A fragment without an L4 header gets the addresses alone.
 * Return: 0; negative: it could not be written, and is not to go on
 */
__noinline int rewrite_packet(shunt_ctx *ctx, const struct rewrite *to)
{
	struct shunt_cpu *cpu = shunt_this_cpu();
	struct rewrite_ports ports = {};
	struct rewrite_diff diff = {};
	struct shunt_packet *pkt;

	if (!cpu || !to)
		return -1;
	pkt = &cpu->pkt;
	diff.pseudo = rewrite_add(rewrite_change(&pkt->saddr, &to->saddr),
				  rewrite_change(&pkt->daddr, &to->daddr));
	diff.data = to->more;
	if (pkt->l4_off && pkt->frag != SHUNT_FRAG_LATER &&
	    rewrite_ports_load(ctx, pkt->l4_off, to, &ports, &diff.data) < 0)
		return -1;
	/* The checksum first: to tell what it is, the packet may have to be added up */
	if (rewrite_l4_check(ctx, pkt, diff) < 0 || rewrite_ports_store(ctx, &ports) < 0 ||
	    rewrite_addrs(ctx, pkt->l3, pkt->l3_off, to, diff.pseudo) < 0)
		return -1;
	pkt->saddr = to->saddr;
	pkt->daddr = to->daddr;
	if (to->flags & REWRITE_PORTS && pkt->flags & SHUNT_PKT_L4) {
		pkt->sport = to->sport;
		pkt->dport = to->dport;
	}
	return 0;
}

/* ---- what an ICMP error quotes ---- */

struct rewrite_quote {
	__u32	off, l4_off, end;
	__u32	proto;
};

static __always_inline int rewrite_quote_ip4(shunt_ctx *ctx, struct rewrite_quote *quote,
					     struct rewrite *was)
{
	struct iphdr buf, *ip = shunt_header(ctx, quote->off, sizeof(*ip), &buf);

	if (!ip || ip->ihl < sizeof(*ip) / 4)
		return -1;
	quote->l4_off = quote->off + ip->ihl * 4;
	quote->proto = ip->protocol;
	was->saddr.v4_prefix[2] = was->daddr.v4_prefix[2] = bpf_htonl(0xffff);
	was->saddr.v4 = ip->saddr;
	was->daddr.v4 = ip->daddr;
	return 0;
}

static __always_inline int rewrite_quote_ip6(shunt_ctx *ctx, struct rewrite_quote *quote,
					     struct rewrite *was)
{
	struct ipv6hdr buf, *ip6 = shunt_header(ctx, quote->off, sizeof(*ip6), &buf);
	struct conntrack_chain chain = {};

	if (!ip6)
		return -1;
	__builtin_memcpy(&was->saddr, &ip6->saddr, sizeof(was->saddr));
	__builtin_memcpy(&was->daddr, &ip6->daddr, sizeof(was->daddr));
	chain.off = quote->off + sizeof(*ip6);
	chain.end = quote->end;
	chain.proto = ip6->nexthdr;
	if (conntrack_chain_walk(ctx, &chain) < 0)
		return -1;
	quote->l4_off = chain.off;
	quote->proto = chain.proto;
	return 0;
}

/* Its L4 checksum, if the quote goes so far. @diff: of addresses and ports; @more: grows */
static __always_inline int rewrite_quote_check(shunt_ctx *ctx, __u32 l3,
					       const struct rewrite_quote *quote,
					       __u32 diff, __u32 *more)
{
	__u32 off = rewrite_check_off(l3, quote->proto);
	__u16 check, patched;

	if (!off || quote->l4_off + off + sizeof(__u16) > quote->end)
		return 0;
	off += quote->l4_off;
	if (shunt_load(ctx, off, &check, sizeof(check)) < 0)
		return -1;
	if (!check && quote->proto == IPPROTO_UDP)
		return 0;
	patched = rewrite_patched(check, diff);
	if (!patched && quote->proto == IPPROTO_UDP)
		patched = 0xffff;
	*more = rewrite_add(*more, (__u16)~check + patched);
	return shunt_store(ctx, off, &patched, sizeof(patched));
}

static __always_inline int rewrite_quote_as(shunt_ctx *ctx, const struct shunt_packet *pkt,
					    struct rewrite *to)
{
	struct rewrite_quote quote = { .off = pkt->l4_off + sizeof(struct shunt_icmp_hdr),
				       .end = pkt->l4_off + pkt->l4_len };
	struct rewrite_ports ports = {};
	struct rewrite was = {};
	__u32 addrs, diff = 0, covered;

	if ((pkt->l3 == 4 ? rewrite_quote_ip4(ctx, &quote, &was) :
			    rewrite_quote_ip6(ctx, &quote, &was)) < 0)
		return -1;
	addrs = rewrite_add(rewrite_change(&was.saddr, &to->saddr),
			    rewrite_change(&was.daddr, &to->daddr));
	if (rewrite_ports_load(ctx, quote.l4_off, to, &ports, &diff) < 0 ||
	    rewrite_ports_store(ctx, &ports) < 0)
		return -1;
	covered = pkt->l3 == 4 && quote.proto == IPPROTO_ICMP ? 0 : addrs;
	/* IPv4's header makes up for its addresses by its own checksum */
	to->more = pkt->l3 == 4 ? diff : rewrite_add(diff, addrs);
	if (rewrite_quote_check(ctx, pkt->l3, &quote, rewrite_add(covered, diff), &to->more) < 0)
		return -1;
	return rewrite_addrs(ctx, pkt->l3, quote.off, to, addrs);
}

/**
 * rewrite_quoted() - The same of the packet that an ICMP error quotes
 * There is such a one: lib/conntrack_quote.h has found its flow.
 * @to:	What the quoted packet is to have; 'more' becomes what rewrite_packet() is to be given
 */
__noinline int rewrite_quoted(shunt_ctx *ctx, struct rewrite *to)
{
	struct shunt_cpu *cpu = shunt_this_cpu();

	return cpu && to ? rewrite_quote_as(ctx, &cpu->pkt, to) : -1;
}

#endif
