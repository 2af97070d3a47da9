/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* conntrack_chain.h - walk over IPv6 extension headers, where the root has not or did not say how */
#ifndef SHUNT_LIB_CONNTRACK_CHAIN_H
#define SHUNT_LIB_CONNTRACK_CHAIN_H

#include <linux/errno.h>

#include <shunt/lib/parse.h>

struct conntrack_chain {
	__u32	off;		/* first the end of the fixed header, at last the L4 header */
	__u32	end;
	__be32	frag_id;
	__u32	frag_at;	/* end of the fragment header; 0: there is none */
	__u16	frag_off;	/* as on the wire, host order */
	__u8	proto;
	__u8	pad;
};

/* Return: 0; negative: malformed, cut off, or too many */
__noinline int conntrack_chain_walk(shunt_ctx *ctx, struct conntrack_chain *chain)
{
	struct shunt_ext_hdr buf, *ext;
	__u32 len;
	int i;

	if (!chain)
		return -EINVAL;
#pragma clang loop unroll(disable)
	for (i = 0; i < SHUNT_EXT_HEADERS_MAX; i++) {
		if (!shunt_is_ext_header(chain->proto))
			return 0;
		if (chain->off + sizeof(*ext) > chain->end)
			return -EINVAL;
		ext = shunt_header(ctx, chain->off, sizeof(*ext), &buf);
		if (!ext)
			return -EINVAL;
		len = chain->proto == IPPROTO_AH ? (ext->len + 2) * 4 : (ext->len + 1) * 8;
		if (chain->proto == IPPROTO_FRAGMENT) {
			len = sizeof(*ext);
			chain->frag_at = chain->off + len;
			chain->frag_id = ext->id;
			chain->frag_off = bpf_ntohs(ext->frag_off);
		}
		chain->proto = ext->next;
		chain->off += len;
		if (chain->frag_off & IP6_FRAG_MASK)
			return 0;
	}
	return shunt_is_ext_header(chain->proto) ? -EINVAL : 0;
}

#endif
