/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * install.h - make the kernel be as a plan says, as one transaction
 *
 * DOC: Everything new is loaded and pinned beside what runs; then one write to
 * each changed graph's slot of the entry array commits it. A failure before
 * that leaves what runs as it was; a crash at any point leaves each graph
 * wholly old or wholly new, and install_recover() tells which.
 */
#ifndef KERNEL_INSTALL_H
#define KERNEL_INSTALL_H

#include <stdint.h>

#include <base/err.h>
#include <compile/plan.h>
#include <kernel/attachments.h>
#include <kernel/trial.h>

struct install;
struct lb_tables;

struct install_paths {
	const char *bpffs;	/* our folder, e.g. /run/shunt/bpf */
	const char *objects;	/* gate.*.o, root.*.o */
	const char *logs;	/* verifier logs */
};

/* What a commit did */
struct install_report {
	uint64_t load_us;	/* objects opened, verified, pinned */
	uint64_t commit_us;	/* first to last slot written */
	uint64_t grace_us;	/* until no CPU runs the old ones */
	unsigned int rendered;	/* graphs */
	unsigned int attached, replaced, detached;
};

/* Return: 0 or -errno; tables that are missing are made, the others adopted */
int install_open(const struct install_paths *paths, struct install **ret_install, struct err *err);
void install_close(struct install *install);	/* detaches and unpins nothing */

/**
 * install_recover() - What is in the kernel, after a start
 * Graphs of @plan that say 'kept' but whose rendering is not behind their slot lose the mark.
 * Attachments are adopted. Return: number of graphs that lost it, or -errno
 */
int install_recover(struct install *install, struct plan *plan, const struct link_table *links,
		    struct err *err);

/* Images and sets of a noted plan that are not in the kernel (any more) lose their hash */
void install_forget(struct install *install, struct plan *plan);

/* Remove what no graph of @plan uses: left by a change that did not come to be */
void install_sweep(struct install *install, const struct plan *plan);

/**
 * install_load() - First half: load and pin what is new, attach new interfaces' gates
 * Nothing of it is seen by packets of graphs that run.
 * Return: 0; -errno: all of it is taken back
 */
int install_load(struct install *install, struct plan *plan, const struct plan *running,
		 struct install_report *report, struct err *err);

/* Second half: commit. The caller has noted its intent. Return: 0; -errno: @running runs again */
int install_commit(struct install *install, const struct plan *plan, const struct plan *running,
		   struct install_report *report, struct err *err);

/* Takes back what install_load() did, when the commit is not to be */
void install_abort(struct install *install, const struct plan *plan, const struct plan *running);

/**
 * install_view() - Write a view of a filter's image, not the one in force
 * @view:	What differs from the image; @number: which view, from install_view_free()
 * Return: 0; -ENOSPC: to be compiled in full; -errno
 */
int install_view(struct install *install, struct plan *plan, const struct plan_filter *filter,
		 const struct filter_view *view, unsigned int number, struct err *err);
unsigned int install_view_free(struct install *install, const struct plan_filter *filter);
/*
 * Put it in force: one store. The grace period goes on behind it: what is written next, to the view
 * that was in force, waits for the rest of it (report->grace_us: what this one has waited)
 */
void install_view_commit(struct install *install, const struct plan_filter *filter,
			 unsigned int number, struct install_report *report);

/**
 * install_attachments() - Interfaces came or went: attach, replace and detach to match
 * One that fails is kept as failed, with its reason, and tried again at the next call.
 * Return: number of changes
 */
unsigned int install_attachments(struct install *install, const struct plan *plan,
				 const struct plan_attach *want, unsigned int n);
void install_ports(struct install *install, const struct plan *plan,
		   const struct link_table *links);

/* What is attached, and what is wanted and failed */
const struct attachments *install_attached(const struct install *install);

/*
 * Detach from one interface (0: all) at the hooks given, until the next commit or
 * install_release(); unpins. Return: number, or -errno
 */
int install_detach(struct install *install, uint32_t ifindex, uint32_t hooks, struct err *err);

void install_release(struct install *install);

/* One packet through a filter's program, apart from traffic (trial.h). Return: 0 or -errno */
int install_trial(struct install *install, const struct plan *plan,
		  const struct plan_filter *filter, const void *frame, size_t len,
		  uint32_t ifindex, struct trial *ret_trial, struct err *err);
/* A filter's image as programs read it, mapped; NULL: it is not there */
const void *install_image(struct install *install, const struct plan_filter *filter);
/* What a rule or named counter counted */
void install_hits(const struct install *install, uint32_t hit, struct filter_hits *ret_hits);
/* The flow table; there always is this, if maybe no table in it */
struct flows *install_flows(struct install *install);
/* The tables of load balancers; there always is this, if maybe no table in it */
struct lb_tables *install_lb(struct install *install);
/* Elements of a dynamic set of the running plan (dset.h): new fd; -errno */
int install_set(const struct install *install, const struct plan_set *set);
/* How long ago the last hit was, in seconds; @last: filter_hits.last, not 0 */
uint64_t install_age_s(const struct install *install, uint64_t last);
uint64_t install_counter(const struct install *install, uint32_t index);
uint64_t install_gate_misses(const struct install *install, uint32_t hook, uint32_t slot);
/* As shared_table_open() */
int install_table(const struct install *install, const struct plan_node *node, const char *table,
		  bool *ret_shared, struct err *err);

#endif
