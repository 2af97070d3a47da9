// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* sets.bpf.c - asks sets for many keys in one run: questions and answers are in a table */
#include <shunt/lib/ctx.h>
#include <shunt/lib/set_find.h>
#include "sets.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct sets_asked);
} sets_asked SEC(".maps");

/* Functions of their own, as modules have them: the verifier looks at each once */
__noinline int sets_static(__u32 slot, const struct shunt_set_key *key)
{
	return key ? shunt_set_has(slot, key) : -1;
}

__noinline int sets_dynamic(__u32 slot, const struct shunt_set_key *key, __u64 now_ns, __u32 len)
{
	return key ? shunt_dset_has(slot, key, now_ns, len) : -1;
}

__noinline int sets_add(__u32 slot, const struct shunt_set_key *key, __u64 timeout_ns,
			__u64 now_ns, __u32 update)
{
	return key ? shunt_dset_add(slot, key, timeout_ns, update, now_ns) : -1;
}

struct sets_run {
	struct sets_asked *asked;
};

static long sets_ask(__u32 index, void *arg)
{
	struct sets_asked *asked = ((struct sets_run *)arg)->asked;
	struct sets_question *question;
	struct shunt_set_key key;

	if (index >= SETS_QUESTIONS)
		return 1;
	question = &asked->question[index];
	key = question->key;
	switch (asked->what) {
	case SETS_HAS:
		question->answer = sets_static(asked->slot, &key);
		break;
	case SETS_DHAS:
		question->answer = sets_dynamic(asked->slot, &key, asked->now_ns, asked->len);
		break;
	case SETS_ADD:
		question->answer = sets_add(asked->slot, &key, asked->timeout_ns, asked->now_ns,
					    asked->update);
		break;
	}
	return 0;
}

SEC(SHUNT_SECTION)
int sets_run(shunt_ctx *ctx)
{
	struct sets_run run;
	__u32 zero = 0;

	run.asked = bpf_map_lookup_elem(&sets_asked, &zero);
	if (run.asked)
		bpf_loop(run.asked->n, sets_ask, &run, 0);
	return SHUNT_VERDICT_PASS;
}

char shunt_license[] SEC("license") = "Dual BSD/GPL";
