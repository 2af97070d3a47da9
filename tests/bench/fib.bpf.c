// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* fib.bpf.c - one look-up a packet, of the next address of a long list: own tables, or others' */
#include <shunt/lib/ctx.h>
#include <shunt/lib/fib_find.h>
#include "fib_peer.h"

const volatile __u32 bench_what;
const volatile __u32 bench_words;	/* that are in use of the list, a power of two */
const volatile __u32 bench_ifindex;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct fib_peer_list);
} bench_list SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct fib_peer_chunk);
} bench_dir SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct fib_peer_chunk);
} bench_long SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct fib_peer_lpm4);
	__type(value, __u32);
} bench_lpm4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct fib_peer_lpm6);
	__type(value, __u32);
} bench_lpm6 SEC(".maps");

static __always_inline __u32 dir_at(void *map, __u32 index, bool narrow)
{
	__u32 number = index / (FIB_PEER_CHUNK / (narrow ? 2 : 4));
	struct fib_peer_chunk *chunk = bpf_map_lookup_elem(map, &number);

	if (!chunk)
		return 0;
	return narrow ? chunk->narrow[index & (FIB_PEER_CHUNK / 2 - 1)] :
			chunk->wide[index & (FIB_PEER_CHUNK / 4 - 1)];
}

static __always_inline __u32 dir_find(__u32 addr, bool narrow)
{
	__u32 is_long = narrow ? FIB_PEER_LONG16 : FIB_PEER_LONG32;
	__u32 value = dir_at(&bench_dir, addr >> 8, narrow);

	if (value & is_long)
		value = dir_at(&bench_long, (value & ~is_long) << 8 | (addr & 255), narrow);
	return value;
}

static __always_inline __u32 lpm_find(const __u32 *word)
{
	struct fib_peer_lpm4 four = { 32, bpf_htonl(word[0]) };
	struct fib_peer_lpm6 six = { .len = 128 };
	__u32 *value;
	int i;

	for (i = 0; i < 4; i++)
		six.word[i] = bpf_htonl(word[i]);
	value = bench_what == FIB_PEER_LPM4 ? bpf_map_lookup_elem(&bench_lpm4, &four) :
					      bpf_map_lookup_elem(&bench_lpm6, &six);
	return value ? *value : 0;
}

/* The kernel's own answer has no number of a hop: 1 if it is to be forwarded */
static __always_inline __u32 kernel_find(shunt_ctx *ctx, const __u32 *word)
{
	struct bpf_fib_lookup fib = { .ifindex = bench_ifindex };
	int i;

	if (bench_what == FIB_PEER_KERNEL4) {
		fib.family = 2;		/* AF_INET */
		fib.ipv4_src = bpf_htonl(0xc6120002);
		fib.ipv4_dst = bpf_htonl(word[0]);
	} else {
		fib.family = 10;	/* AF_INET6 */
		fib.ipv6_src[0] = bpf_htonl(0x20010200);
		fib.ipv6_src[3] = bpf_htonl(2);
		for (i = 0; i < 4; i++)
			fib.ipv6_dst[i] = bpf_htonl(word[i]);
	}
	return bpf_fib_lookup(ctx, &fib, sizeof(fib), 0) == BPF_FIB_LKUP_RET_SUCCESS;
}

static __always_inline __u32 find(shunt_ctx *ctx, const __u32 *word)
{
	switch (bench_what) {
	case FIB_PEER_FIB4:
		return fib4_find(0, 0, word[0]);
	case FIB_PEER_FIB6:
		return fib6_find(0, 0, (__u64)word[0] << 32 | word[1],
				 (__u64)word[2] << 32 | word[3]);
	case FIB_PEER_DIR32:
		return dir_find(word[0], false);
	case FIB_PEER_DIR16:
		return dir_find(word[0], true);
	case FIB_PEER_LPM4:
	case FIB_PEER_LPM6:
		return lpm_find(word);
	case FIB_PEER_KERNEL4:
	case FIB_PEER_KERNEL6:
		return kernel_find(ctx, word);
	}
	return word[0] ^ word[1] ^ word[2] ^ word[3];
}

static __always_inline bool is_six(void)
{
	return bench_what == FIB_PEER_LIST6 || bench_what == FIB_PEER_FIB6 ||
	       bench_what == FIB_PEER_LPM6 || bench_what == FIB_PEER_KERNEL6;
}

SEC(SHUNT_SECTION)
int bench_fib(shunt_ctx *ctx)
{
	__u32 words = is_six() ? 4 : 1, word[4] = {}, zero = 0, at, hop, i;
	struct fib_peer_list *list;

	list = bpf_map_lookup_elem(&bench_list, &zero);
	if (!list)
		return SHUNT_VERDICT_DROP;
	at = list->next;
	list->next = at + words;
	for (i = 0; i < 4; i++) {
		__u32 index = at + i;

		barrier_var(index);
		if (i < words)
			word[i] = list->word[index & (bench_words - 1) & (FIB_PEER_WORDS - 1)];
	}
	hop = find(ctx, word);
	list->found[bench_what & (FIB_PEER_WHATS - 1)] += hop != 0;
	list->sum[bench_what & (FIB_PEER_WHATS - 1)] += hop;
	return SHUNT_VERDICT_PASS;
}

char shunt_license[] SEC("license") = "Dual BSD/GPL";
