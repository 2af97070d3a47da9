/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * module.h - write a shunt module
 *
 * DOC: One source file is one module. It is compiled once for XDP (-DSHUNT_XDP)
 * and once for TC, and says in its own rodata and BTF what it is:
 *
 *	#include <shunt/module.h>
 *
 *	SHUNT_MODULE("gate", SHUNT_HOOK_ANY, SHUNT_DEPTH_L3, "per-source packet rate");
 *	SHUNT_EDGE(next);
 *	SHUNT_EDGE(over, SHUNT_FAIL_CLOSED, SHUNT_TARGET_DROP, SHUNT_REASON_RATE);
 *	SHUNT_CONFIG(__u64, rate_pps, 1000, "packets per second and source");
 *	SHUNT_TABLE(bucket, LRU_HASH, struct shunt_addr, struct bucket, 65536);
 *
 *	SHUNT_NODE(ctx, pkt)
 *	{
 *		...
 *		return SHUNT_GO(next);
 *	}
 *
 * A node returns SHUNT_GO(edge), or SHUNT_DROP(reason) for a packet that it
 * finds malformed; where an edge leads is the configuration's business. Edges
 * are declared before SHUNT_NODE. Tables are kept over a change of the graph
 * while their types stay the same; a name has 15 characters at most.
 */
#ifndef SHUNT_MODULE_H
#define SHUNT_MODULE_H

#include <shunt/lib/ctx.h>

#define SHUNT_TAG(text)	__attribute__((btf_decl_tag("shunt." text)))

/* SHUNT_MODULE(name, hooks, depth, help): once a file; depth: SHUNT_DEPTH_* [| SHUNT_NEEDS_VLAN] */
#define SHUNT_MODULE(name_, hooks_, depth_, help_)			\
	SHUNT_MODULE_OPEN(name_, hooks_, depth_, 0, help_)

/* The same, with room for @open_ edges that a configuration names: SHUNT_GO_OPEN(0..open_-1) */
#define SHUNT_MODULE_OPEN(name_, hooks_, depth_, open_, help_)		\
	enum { shunt_open_edges = (open_) };				\
	const volatile struct shunt_module shunt_module = {		\
		.abi = SHUNT_ABI_VERSION,				\
		.hooks = (hooks_),					\
		.depth = (depth_),					\
		.open_edges = (open_),					\
		.name = name_,						\
		.help = help_,						\
	};								\
	char shunt_license[] SEC("license") = "Dual BSD/GPL"

/* SHUNT_EDGE(name[, fail[, target[, arg]]]): by default fails closed and leads to the next node */
#define SHUNT_EDGE(...)							\
	SHUNT_EDGE_PICK(__VA_ARGS__, SHUNT_EDGE_4, SHUNT_EDGE_3,	\
			SHUNT_EDGE_2, SHUNT_EDGE_1, )(__VA_ARGS__)
#define SHUNT_EDGE_PICK(a_, b_, c_, d_, macro_, ...) macro_
#define SHUNT_EDGE_1(name_) SHUNT_EDGE_4(name_, SHUNT_FAIL_CLOSED, SHUNT_TARGET_NODE, 0)
#define SHUNT_EDGE_2(name_, fail_) SHUNT_EDGE_4(name_, fail_, SHUNT_TARGET_NODE, 0)
#define SHUNT_EDGE_3(name_, fail_, target_) SHUNT_EDGE_4(name_, fail_, target_, 0)
#define SHUNT_EDGE_4(name_, fail_, target_, arg_)			\
	enum { shunt_edge_index_##name_ = __COUNTER__ - shunt_edge_base - 1 }; \
	const volatile struct shunt_edge_decl shunt_edge_decl_##name_ = { \
		.index = shunt_edge_index_##name_,			\
		.fail = (fail_),					\
		.target = (target_),					\
		.arg = (arg_),						\
	}

/*
 * SHUNT_CONFIG(type, name, default, help): a constant of the node; an integer or a char array.
 * A help that ends with ", 1 to 100" is believed: other numbers are refused
 */
#define SHUNT_CONFIG(type_, name_, default_, help_)			\
	SHUNT_TAG("config:" help_) const volatile type_ name_ = default_

/* SHUNT_TABLE(name, type, key, value, entries): BPF_MAP_TYPE_ is put in front of the type */
#define SHUNT_TABLE(name_, type_, key_, value_, entries_)		\
	struct {							\
		__uint(type, BPF_MAP_TYPE_##type_);			\
		__uint(max_entries, entries_);				\
		__type(key, key_);					\
		__type(value, value_);					\
	} name_ SEC(".maps")

/* What a node returns */
#define SHUNT_GO(name_)		(shunt_edge_index_##name_)
#define SHUNT_GO_OPEN(i_)	(shunt_declared_edges + (i_))
#define SHUNT_DROP(reason_)	(SHUNT_DROP_BASE + (reason_))
#define SHUNT_DROP_BASE		0x100

enum { shunt_edge_base = __COUNTER__ };

/* Set by the control plane before load */
const volatile struct shunt_node_conf shunt_node_conf = {};
const volatile struct shunt_edge shunt_edge[SHUNT_EDGES_MAX] = {};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);		/* possible CPUs, set by the control plane */
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct shunt_cpu);
} shunt_cpu SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, SHUNT_NODES_MAX);
	__type(key, __u32);
	__type(value, __u32);
} shunt_next SEC(".maps");

static __always_inline struct shunt_cpu *shunt_this_cpu(void)
{
	__u32 cpu = bpf_get_smp_processor_id();

	return bpf_map_lookup_elem(&shunt_cpu, &cpu);
}

/* Add to a counter; rodata indices are checked by the verifier, hence no cost */
static __always_inline void shunt_count(struct shunt_cpu *cpu, __u32 counter)
{
	if (counter < SHUNT_COUNTERS_MAX)
		cpu->counter[counter]++;
}

/* The same for a node, of a counter that the control plane gave it */
static __always_inline void shunt_count_here(struct shunt_packet *pkt, __u32 counter)
{
	barrier_var(counter);	/* Linux 6.1 must see the bound on the register that is added */
	shunt_count((struct shunt_cpu *)pkt, counter);
}

/* One clock read a packet, whoever asks first */
static __always_inline __u64 shunt_now_ns(struct shunt_packet *pkt)
{
	if (!pkt->now_ns)
		pkt->now_ns = bpf_ktime_get_ns();
	return pkt->now_ns;
}

static __always_inline int shunt_drop(struct shunt_cpu *cpu, __u32 reason)
{
	cpu->pkt.reason = reason;
	shunt_count(cpu, shunt_node_conf.reason_counter + reason);
	return SHUNT_VERDICT_DROP;
}

/* Behind every tail call: it found no program. Closed unless the module says otherwise */
static __always_inline int shunt_miss(struct shunt_cpu *cpu, __u32 fail)
{
	shunt_count(cpu, shunt_node_conf.miss_counter);
	if (fail == SHUNT_FAIL_OPEN)
		return SHUNT_VERDICT_PASS;
	return shunt_drop(cpu, SHUNT_REASON_MISS);
}

/* To the interface that a node chose */
static __always_inline int shunt_forward(shunt_ctx *ctx, struct shunt_cpu *cpu)
{
	if (!cpu->pkt.out)
		return shunt_drop(cpu, SHUNT_REASON_NO_PORT);
	if (cpu->pkt.out != cpu->pkt.ifindex)
		return bpf_redirect(cpu->pkt.out, 0);
	if (shunt_node_conf.hook == SHUNT_HOOK_TC_EGRESS)
		return SHUNT_VERDICT_PASS;	/* it is on its way there */
	return shunt_tx(ctx);
}

static __always_inline int shunt_terminal(shunt_ctx *ctx, struct shunt_cpu *cpu,
					  __u32 target, __u32 arg)
{
	int verdict;

	switch (target) {
	case SHUNT_TARGET_PASS:
		return SHUNT_VERDICT_PASS;
	case SHUNT_TARGET_DROP:
		cpu->pkt.reason = arg;
		return SHUNT_VERDICT_DROP;
	case SHUNT_TARGET_TX:
		if (shunt_node_conf.hook == SHUNT_HOOK_TC_EGRESS)
			return shunt_tx_inwards(ctx);
		return shunt_tx(ctx);
	case SHUNT_TARGET_REDIRECT:
		verdict = shunt_redirect(ctx, arg);
		return verdict < 0 ? shunt_drop(cpu, SHUNT_REASON_NO_PORT) : verdict;
	case SHUNT_TARGET_FORWARD:
		return shunt_forward(ctx, cpu);
	case SHUNT_TARGET_BOUNDARY:
		if (shunt_handoff_put(ctx, &cpu->pkt, shunt_node_conf.handoff_tag) < 0)
			return shunt_drop(cpu, SHUNT_REASON_META);
		return SHUNT_VERDICT_PASS;
	default:
		return shunt_drop(cpu, SHUNT_REASON_INTERNAL);
	}
}

/*
 * A jump of its own for each edge: the slot is a constant to the verifier, so
 * the JIT makes it direct. The edge's number in the text keeps the compiler
 * from merging two of them into one indirect jump.
 */
#define shunt_tail_call(ctx_, slot_, edge_)				\
	asm volatile("r1 = %[ctx]\n\tr2 = %[map] ll\n\tr3 = %[slot]\n\t" \
		     "call 12 /* edge %[edge] */"			\
		     :: [ctx]"r"(ctx_), [map]"i"(&shunt_next),		\
			[slot]"r"(slot_), [edge]"i"(edge_)		\
		     : "r0", "r1", "r2", "r3", "r4", "r5", "memory")

#define shunt_leave_by(ctx_, cpu_, edge_, i_)				\
	if ((i_) < shunt_n_edges && (edge_) == (i_)) {			\
		shunt_count(cpu_, shunt_edge[i_].counter);		\
		if (shunt_edge[i_].target == SHUNT_TARGET_NODE) {	\
			shunt_tail_call(ctx_, shunt_edge[i_].arg, i_);	\
			return shunt_miss(cpu_, shunt_edge[i_].fail);	\
		}							\
		return shunt_terminal(ctx_, cpu_, shunt_edge[i_].target, \
				      shunt_edge[i_].arg);		\
	}

/* SHUNT_NODE(ctx, pkt) { ... }: the node; returns an edge or SHUNT_DROP(reason) */
#define SHUNT_NODE(ctx_, pkt_)						\
	enum {								\
		shunt_declared_edges = __COUNTER__ - shunt_edge_base - 1, \
		shunt_n_edges = shunt_declared_edges + shunt_open_edges, \
	};								\
	_Static_assert(shunt_n_edges <= SHUNT_EDGES_MAX, "too many edges"); \
	static __always_inline int shunt_body(shunt_ctx *ctx_, struct shunt_packet *pkt_); \
	SEC(SHUNT_SECTION) int shunt_node(shunt_ctx *ctx)		\
	{								\
		struct shunt_cpu *cpu = shunt_this_cpu();		\
		int edge;						\
									\
		if (!cpu)						\
			return SHUNT_VERDICT_DROP;			\
		edge = shunt_body(ctx, &cpu->pkt);			\
		shunt_leave_by(ctx, cpu, edge, 0)			\
		shunt_leave_by(ctx, cpu, edge, 1)			\
		shunt_leave_by(ctx, cpu, edge, 2)			\
		shunt_leave_by(ctx, cpu, edge, 3)			\
		shunt_leave_by(ctx, cpu, edge, 4)			\
		shunt_leave_by(ctx, cpu, edge, 5)			\
		shunt_leave_by(ctx, cpu, edge, 6)			\
		shunt_leave_by(ctx, cpu, edge, 7)			\
		shunt_leave_by(ctx, cpu, edge, 8)			\
		shunt_leave_by(ctx, cpu, edge, 9)			\
		shunt_leave_by(ctx, cpu, edge, 10)			\
		shunt_leave_by(ctx, cpu, edge, 11)			\
		shunt_leave_by(ctx, cpu, edge, 12)			\
		shunt_leave_by(ctx, cpu, edge, 13)			\
		shunt_leave_by(ctx, cpu, edge, 14)			\
		shunt_leave_by(ctx, cpu, edge, 15)			\
		if (edge >= SHUNT_DROP_BASE &&				\
		    edge < SHUNT_DROP_BASE + SHUNT_REASON_MAX)		\
			return shunt_drop(cpu, edge - SHUNT_DROP_BASE);	\
		return shunt_drop(cpu, SHUNT_REASON_INTERNAL);		\
	}								\
	static __always_inline int shunt_body(shunt_ctx *ctx_, struct shunt_packet *pkt_)

#endif
