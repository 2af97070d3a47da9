// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* empty.bpf.c - the floor: a program that lets every packet through */
#include <shunt/lib/ctx.h>

SEC(SHUNT_SECTION)
int bench_empty(shunt_ctx *ctx)
{
	return SHUNT_VERDICT_PASS;
}

char shunt_license[] SEC("license") = "Dual BSD/GPL";
