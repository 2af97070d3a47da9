// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* grace.c - wait until no CPU runs what it ran before */
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/membarrier.h>

#include <kernel/grace.h>

void grace_wait(void)
{
	if (syscall(__NR_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) < 0)
		usleep(100000);	/* not in this kernel: longer than any packet takes */
}

static void *grace_run(void *arg)
{
	grace_wait();
	return NULL;
}

void grace_begin(struct grace *grace)
{
	grace_end(grace);
	grace->under_way = pthread_create(&grace->thread, NULL, grace_run, NULL) == 0;
	if (!grace->under_way)
		grace_wait();
}

void grace_end(struct grace *grace)
{
	if (grace->under_way)
		pthread_join(grace->thread, NULL);
	grace->under_way = false;
}
