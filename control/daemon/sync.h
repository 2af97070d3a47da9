/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* sync.h - the mirror in the loop, and whether it is as the kernel is */
#ifndef DAEMON_SYNC_H
#define DAEMON_SYNC_H

#include <daemon/daemon.h>

/**
 * sync_classes() - Classes by name, "fdb,route", "all" or ""
 * @ret_classes: 1 << enum mirror_class
 * Return: 0; -EINVAL: @err says which is none, and which there are
 */
int sync_classes(const char *text, uint32_t *ret_classes, struct err *err);

/* Into the loop; attachments and what else goes by the mirror follow it from then on */
void sync_start(struct daemon *daemon);

/* All that is mirrored is dumped, however long it takes. Return: 0 or -errno */
int sync_resync(struct daemon *daemon, struct err *err);

/* sync_verify.c: an entry that stays otherwise than the kernel has it */
struct sync_difference {
	enum mirror_item item;
	char key[256], mirror[512], kernel[512];	/* text; "": there is none */
};

#define SYNC_DIFFERENCES	1000	/* that are told apart; of more, these stand for all */

struct sync_report {
	struct sync_difference *difference;	/* free() it */
	unsigned int n;
	uint64_t entries;		/* that were compared */
};

/**
 * sync_verify() - Compare with the kernel
 * What differs is asked for again before it counts: tables change while they are read.
 * Return: 0, differences or not; -errno: the kernel could not be asked
 */
int sync_verify(struct daemon *daemon, struct sync_report *ret_report, struct err *err);

#endif
