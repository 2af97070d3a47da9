// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* fib.bpf.c - asks forwarding tables for many addresses in one run; all of it is in a table */
#include <shunt/lib/ctx.h>
#include <shunt/lib/fib_find.h>
#include "fib.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct fib_asked);
} fib_asked SEC(".maps");

__noinline __u32 fib_ask4(__u32 table, __u32 addr)
{
	return fib4_find(0, table, addr);
}

__noinline __u32 fib_ask6(__u32 table, __u64 high, __u64 low)
{
	return fib6_find(0, table, high, low);
}

static long fib_ask(__u32 index, void *arg)
{
	struct fib_asked *asked = *(struct fib_asked **)arg;
	struct fib_question *question;

	if (index >= FIB_QUESTIONS)
		return 1;
	question = &asked->question[index];
	question->hop = question->family == 4 ? fib_ask4(question->table, question->high >> 32) :
			fib_ask6(question->table, question->high, question->low);
	return 0;
}

SEC(SHUNT_SECTION)
int fib_run(shunt_ctx *ctx)
{
	struct fib_asked *asked;
	__u32 zero = 0;

	asked = bpf_map_lookup_elem(&fib_asked, &zero);
	if (asked)
		bpf_loop(asked->n, fib_ask, &asked, 0);
	return SHUNT_VERDICT_PASS;
}

char shunt_license[] SEC("license") = "Dual BSD/GPL";
