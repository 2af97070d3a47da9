/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* grace.h - wait until no CPU runs what it ran before */
#ifndef KERNEL_GRACE_H
#define KERNEL_GRACE_H

#include <pthread.h>
#include <stdbool.h>

/* One that may be under way while others do something else; zeros: none is */
struct grace {
	pthread_t thread;
	bool under_way;
};

/* Returns when every CPU has left the programs that it ran when this was called; some ms */
void grace_wait(void);

/* The same, begun and not waited for; one that is under way is waited for before */
void grace_begin(struct grace *grace);
/* Until what was begun last has passed */
void grace_end(struct grace *grace);

#endif
