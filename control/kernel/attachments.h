/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* attachments.h - which gate is on which interface, and how to get there from what is wanted */
#ifndef KERNEL_ATTACHMENTS_H
#define KERNEL_ATTACHMENTS_H

#include <compile/plan.h>
#include <kernel/attach.h>
#include <kernel/gates.h>

/* One that is attached, or one that is wanted and failed */
struct attachment {
	struct attach attach;
	uint32_t slot;			/* entry slot that its gate jumps through */
	enum config_mode mode;		/* as wanted */
	bool share;
	int priority;
	bool fresh;			/* attached in the transaction that is under way */
	bool held;			/* detached by hand: stays off until the next commit */
	bool leaving;			/* not wanted any more, but detaching it failed */
	char *error;			/* heap: why it is not attached; NULL: it is */
};

struct attachments {
	struct attachment *v;
	unsigned int n, size;
	char *pin_dir;
};

void attachments_init(struct attachments *attachments, const char *bpffs);
void attachments_fini(struct attachments *attachments);		/* detaches nothing */

/* After a start: what pins, dispatchers and clsact filters hold. Return: 0 or -errno */
int attachments_adopt(struct attachments *attachments, const struct gates *gates,
		      const struct link_table *links, struct err *err);

/**
 * attachments_add() - Attach what is wanted and not there
 * @strict:	The first failure of one that had not failed before ends it (those added are marked
 *		fresh); else it is noted in the attachment. A vanished interface is no failure.
 * Return: number added, or -errno
 */
int attachments_add(struct attachments *attachments, struct gates *gates, const struct plan *plan,
		    const struct plan_attach *want, unsigned int n, bool strict, struct err *err);
/* Another graph's gate where wanted. Return: number, or -errno at the first failure */
int attachments_replace(struct attachments *attachments, struct gates *gates,
			const struct plan *plan, const struct plan_attach *want, unsigned int n,
			struct err *err);
/*
 * Detach what is not wanted, or not in this way (mode, share). One that cannot be detached stays
 * and is marked as leaving; the others are tried all the same. Return: number, or -errno of the
 * first that failed
 */
int attachments_trim(struct attachments *attachments, const struct plan_attach *want,
		     unsigned int n, struct err *err);
void attachments_undo(struct attachments *attachments);		/* detach the fresh ones */
/* One failed, or is leaving */
bool attachments_unsettled(const struct attachments *attachments);
void attachments_settle(struct attachments *attachments);	/* they are fresh no longer */
/* Detach by hand: they are held off until a commit, or attachments_release() */
int attachments_detach(struct attachments *attachments, uint32_t ifindex, uint32_t hooks,
		       struct err *err);
void attachments_release(struct attachments *attachments);

#endif
