// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * sync_verify.c - whether the mirror is as the kernel is
 *
 * DOC: The kernel is dumped into a mirror of its own, which is compared. Both move on: so what differs is
 * compared with another dump, once the mirror has taken in what was told meanwhile, and only what
 * differs each time, in the same way, counts.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <base/arena.h>
#include <daemon/sync.h>
#include <mirror/compare.h>

#define ROUNDS		4
#define ROUND_US	50000	/* for events to come */
#define EVENTS_MAX	64	/* turns, of some 15 ms */

struct round {
	const struct mirror *ours, *theirs;
	struct sync_difference *difference;
	unsigned int n;
};

static void note(void *arg, enum mirror_item item, const void *ours, const void *theirs)
{
	struct round *round = arg;
	struct sync_difference *difference;

	if (round->n == SYNC_DIFFERENCES)
		return;
	difference = &round->difference[round->n++];
	memset(difference, 0, sizeof(*difference));
	difference->item = item;
	compare_text(ours ? round->ours : round->theirs, item, ours ? ours : theirs, true,
		     difference->key, sizeof(difference->key));
	if (ours)
		compare_text(round->ours, item, ours, false, difference->mirror,
			     sizeof(difference->mirror));
	if (theirs)
		compare_text(round->theirs, item, theirs, false, difference->kernel,
			     sizeof(difference->kernel));
}

static int compare(struct daemon *daemon, struct round *round, uint64_t *ret_entries,
		   struct err *err)
{
	struct netlink *fresh = NULL;
	struct netlink_stats stats;
	int r;

	netlink_stats(daemon->netlink, &stats);
	r = netlink_new(&fresh, err);
	if (r == 0)
		r = netlink_want(fresh, stats.classes, err);
	if (r == 0)
		r = netlink_resync(fresh, err);
	if (r < 0) {
		netlink_free(fresh);
		return r;
	}
	round->n = 0;
	round->ours = netlink_mirror(daemon->netlink);
	round->theirs = netlink_mirror(fresh);
	compare_mirrors(round->ours, round->theirs, stats.classes, note, round);
	*ret_entries = 0;
	for (enum mirror_class class = 0; class < MIRROR_CLASS_MAX; class++)
		if (stats.classes >> class & 1)
			*ret_entries += mirror_entries(round->theirs, class);
	netlink_free(fresh);
	return 0;
}

/* What was told meanwhile */
static void catch_up(struct daemon *daemon)
{
	struct err err = {};
	bool changed, any = false;

	usleep(ROUND_US);
	for (int i = 0; i < EVENTS_MAX; i++) {
		netlink_process(daemon->netlink, &changed, &err);
		any |= changed;
		if (netlink_wait_ms(daemon->netlink))
			break;
	}
	if (!any)
		return;
	nat_sync(daemon);
	change_reconcile(daemon);
}

/* Those of @round that @before has as well stay */
static void keep_common(struct round *round, const struct round *before)
{
	unsigned int i, k, n = 0;

	for (i = 0; i < round->n; i++) {
		for (k = 0; k < before->n; k++)
			if (!memcmp(&round->difference[i], &before->difference[k],
				    sizeof(round->difference[i])))
				break;
		if (k < before->n)
			round->difference[n++] = round->difference[i];
	}
	round->n = n;
}

int sync_verify(struct daemon *daemon, struct sync_report *ret_report, struct err *err)
{
	struct round round[2] = {};
	struct sync_report report = {};
	int i, r = 0;

	for (i = 0; i < 2; i++) {
		round[i].difference = calloc(SYNC_DIFFERENCES, sizeof(*round[i].difference));
		if (!round[i].difference)
			arena_no_memory();
	}
	catch_up(daemon);
	for (i = 0; i < ROUNDS; i++) {
		r = compare(daemon, &round[i & 1], &report.entries, err);
		if (r < 0)
			break;
		if (i)
			keep_common(&round[i & 1], &round[~i & 1]);
		if (!round[i & 1].n)
			break;
		if (i < ROUNDS - 1)
			catch_up(daemon);
	}
	i = i < ROUNDS ? i : ROUNDS - 1;
	report.difference = round[i & 1].difference;
	report.n = round[i & 1].n;
	free(round[~i & 1].difference);
	if (r < 0)
		free(report.difference);
	else
		*ret_report = report;
	return r;
}
