// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* unit.c - what the test programs share; links without cmocka (the benchmarks have none) */
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Not unit.h: it needs cmocka */
uint64_t unit_seed(void);
uint64_t unit_random(uint64_t *state);
const char *unit_folder(void);

static char folder[64];
static int folder_owner, guard_fd = -1;
static pid_t guard;

uint64_t unit_seed(void)
{
	const char *given = getenv("TEST_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 0) : 0;
	struct timespec now;

	if (!seed) {
		clock_gettime(CLOCK_REALTIME, &now);
		seed = (uint64_t)now.tv_sec * 1000000007 ^ (uint64_t)now.tv_nsec ^ getpid();
	}
	seed = seed ? seed : 1;
	printf("# TEST_SEED=%llu\n", (unsigned long long)seed);
	fflush(stdout);
	return seed;
}

uint64_t unit_random(uint64_t *state)
{
	uint64_t x = *state;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	*state = x;
	return x * 0x2545f4914f6cdd1dull;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	remove(path);
	return 0;
}

/* The read ends when the last writer, the test, is gone, however it went */
static void guard_run(int fd)
{
	char c;

	setsid();
	while (read(fd, &c, 1) > 0)
		;
	nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	_exit(0);
}

static void guard_end(void)
{
	if (folder_owner != getpid())
		return;
	close(guard_fd);
	waitpid(guard, NULL, 0);
}

const char *unit_folder(void)
{
	int fd[2];

	if (folder[0])
		return folder;
	snprintf(folder, sizeof(folder), "/tmp/shunt-test.%d.XXXXXX", (int)getpid());
	if (!mkdtemp(folder) || pipe2(fd, O_CLOEXEC) < 0) {
		perror("test folder");
		exit(99);
	}
	guard = fork();
	if (guard == 0) {
		close(fd[1]);
		guard_run(fd[0]);
	}
	close(fd[0]);
	guard_fd = fd[1];
	folder_owner = getpid();
	atexit(guard_end);
	return folder;
}
