// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* set.bpf.c - one lookup a packet, of the next key of a long list: a set, or a kernel map */
#include <shunt/lib/ctx.h>
#include <shunt/lib/set_find.h>
#include "set_peer.h"

const volatile __u32 bench_what;
const volatile __u32 bench_words;	/* of a key in the list */
const volatile __u32 bench_mask;	/* words in the list - 1 */
const volatile __u32 bench_slot;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct set_peer_list);
} bench_list SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct set_peer_key);
	__type(value, __u32);
} bench_hash SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} bench_hash4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct set_peer_lpm4);
	__type(value, __u32);
} bench_lpm4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct set_peer_lpm6);
	__type(value, __u32);
} bench_lpm6 SEC(".maps");

static __always_inline bool bench_lookup(const struct shunt_set_key *key)
{
	struct set_peer_lpm4 lpm4 = { 32, bpf_htonl(key->word[0]) };
	struct set_peer_lpm6 lpm6 = { .len = 128 };
	struct set_peer_key peer;
	int i;

	for (i = 0; i < 4; i++) {
		lpm6.word[i] = bpf_htonl(key->word[i]);
		peer.word[i] = key->word[i];
	}
	switch (bench_what) {
	case SET_PEER_SET:
		return shunt_set_has(bench_slot, key);
	case SET_PEER_DSET:
		return shunt_dset_has(bench_slot, key, 1, 60);
	case SET_PEER_HASH:
		if (bench_words == 1)
			return bpf_map_lookup_elem(&bench_hash4, &key->word[0]);
		return bpf_map_lookup_elem(&bench_hash, &peer);
	case SET_PEER_LPM4:
		return bpf_map_lookup_elem(&bench_lpm4, &lpm4);
	case SET_PEER_LPM6:
		return bpf_map_lookup_elem(&bench_lpm6, &lpm6);
	}
	return key->word[0] + key->word[1] + key->word[2] + key->word[3] == 12345;
}

SEC(SHUNT_SECTION)
int bench_set(shunt_ctx *ctx)
{
	struct shunt_set_key key = {};
	struct set_peer_list *list;
	__u32 zero = 0, at, i;

	list = bpf_map_lookup_elem(&bench_list, &zero);
	if (!list)
		return SHUNT_VERDICT_DROP;
	at = list->next;
	list->next = at + bench_words;
	for (i = 0; i < 4; i++) {
		__u32 word = at + i;

		barrier_var(word);
		if (i < bench_words)
			key.word[i] = list->word[word & bench_mask & (SET_PEER_WORDS - 1)];
	}
	list->by[bench_what & 7].found += bench_lookup(&key);
	list->by[bench_what & 7].asked++;
	return SHUNT_VERDICT_PASS;
}

char shunt_license[] SEC("license") = "Dual BSD/GPL";
