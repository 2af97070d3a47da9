/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* gates.h - the entry arrays, and the gates that jump through them */
#ifndef KERNEL_GATES_H
#define KERNEL_GATES_H

#include <stdint.h>

#include <base/err.h>
#include <shunt/abi.h>

/* XDP programs and TC programs cannot share a program array */
enum gates_kind { GATES_XDP, GATES_TC, GATES_KINDS };

struct gates {
	char *bpffs, *objects;
	int entry_fd[GATES_KINDS];
	int miss_fd[GATES_KINDS];
	int prog_fd[GATES_KINDS][SHUNT_GRAPHS_MAX];	/* loaded on demand; -1 */
};

static inline enum gates_kind gates_kind(uint32_t hook)
{
	return hook == SHUNT_HOOK_XDP ? GATES_XDP : GATES_TC;
}

int gates_open(struct gates *gates, const char *bpffs, const char *objects, struct err *err);
void gates_close(struct gates *gates);

/* The gate program of a slot: fd, borrowed, or -errno */
int gates_program(struct gates *gates, uint32_t hook, uint32_t slot, struct err *err);
/* Object file of a hook's gate, in a buffer of PINS_PATH_MAX; libxdp loads it by itself */
void gates_object(const struct gates *gates, uint32_t hook, char *ret_path);
/*
 * Slot that an attached gate jumps through, read from its rodata. Return: 0; -ENOENT: it is no
 * gate, or one of another entry array than ours (its pins were lost: it leads to nothing)
 */
int gates_slot_of(const struct gates *gates, uint32_t hook, uint32_t prog_id, uint32_t *ret_slot);

/* The commit: packets after it take @root_fd's graph. Return: 0 or -errno */
int gates_set(struct gates *gates, uint32_t hook, uint32_t slot, int root_fd, struct err *err);
void gates_clear(struct gates *gates, uint32_t hook, uint32_t slot);
/* Id of the program in the slot; 0: empty */
uint32_t gates_root(const struct gates *gates, uint32_t hook, uint32_t slot);
uint64_t gates_misses(const struct gates *gates, uint32_t hook, uint32_t slot);

#endif
