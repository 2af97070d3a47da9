/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* l2.h - Ethernet header and tags that move while the headers behind them come or go */
#ifndef SHUNT_LIB_L2_H
#define SHUNT_LIB_L2_H

#include <shunt/lib/parse.h>

#define L2_MAX	22			/* Ethernet and two tags */
#define L2_ROOM	(L2_MAX + 2)

/* @len: pkt->l3_off. @eth_type: of what is to be behind them. @l2: L2_ROOM bytes */
static __always_inline int l2_load(shunt_ctx *ctx, __u32 len, __be16 eth_type, __u8 *l2)
{
	__u8 buf[ETH_HLEN], *eth;

	if (len == ETH_HLEN) {
		eth = shunt_header(ctx, 0, ETH_HLEN, buf);
		if (!eth)
			return -1;
		__builtin_memcpy(l2, eth, ETH_HLEN);
		__builtin_memcpy(l2 + 12, &eth_type, sizeof(eth_type));
		return 0;
	}
	if (shunt_load_some(ctx, 0, l2, len, L2_MAX) < 0)
		return -1;
	__builtin_memcpy(len == 18 ? l2 + 16 : l2 + 20, &eth_type, sizeof(eth_type));
	return 0;
}

static __always_inline int l2_store(shunt_ctx *ctx, __u32 len, __u8 *l2)
{
	if (len == ETH_HLEN)
		return shunt_patch(ctx, 0, l2, ETH_HLEN);
	return shunt_store_some(ctx, 0, l2, len, L2_MAX);
}

#define L2_TAGGED (ETH_HLEN + sizeof(struct shunt_vlan_hdr))

/*
 * One tag, of VLAN @vid, in place of what tags there are. @len: of Ethernet header and tags.
 * Return: by how many bytes the frame is longer now; below -4: it could not be done
 */
static __always_inline int l2_tag(shunt_ctx *ctx, __u32 len, __u16 vid)
{
	int more = L2_TAGGED - len, r = shunt_tag(ctx, vid);
	__u8 l2[L2_ROOM] = {}, tagged[L2_TAGGED];
	struct shunt_vlan_hdr tag = { .tci = bpf_htons(vid) };
	__be16 tpid = bpf_htons(ETH_P_8021Q);

	if (r <= 0)
		return r < 0 ? -L2_MAX : 0;
	if (shunt_load_some(ctx, 0, l2, len, L2_MAX) < 0)
		return -L2_MAX;
	__builtin_memcpy(&tag.eth_type, len == ETH_HLEN ? l2 + 12 : len == 18 ? l2 + 16 : l2 + 20,
			 sizeof(tag.eth_type));
	__builtin_memcpy(tagged, l2, 2 * ETH_ALEN);
	__builtin_memcpy(tagged + 12, &tpid, sizeof(tpid));
	__builtin_memcpy(tagged + 14, &tag, sizeof(tag));
	if (more > 0 && shunt_push(ctx, more, false, false, false) < 0)
		return -L2_MAX;
	if (more < 0 && shunt_pull(ctx, -more, false, false) < 0)
		return -L2_MAX;
	return shunt_patch(ctx, 0, tagged, sizeof(tagged)) < 0 ? -L2_MAX : more;
}

#endif
