/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* file.h - whole files */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stddef.h>
#include <sys/types.h>

#include <base/err.h>

/* Close unless it is -1 */
void fd_close(int fd);

/**
 * file_read() - A whole file
 * @path:	"-": standard input
 * @max:	Bytes; a longer one is -EFBIG
 * @ret_data:	NUL behind the last byte; the caller frees
 * Return: 0 or -errno
 */
int file_read(const char *path, size_t max, char **ret_data, size_t *ret_len, struct err *err);

/**
 * file_write() - Replace a file, whole or not at all
 * Written beside it under a name with the pid, fsync, rename, fsync of the folder.
 * Return: 0 or -errno; the old file is as it was
 */
int file_write(const char *path, const void *data, size_t len, mode_t mode, struct err *err);

/* The same of what need not outlive the boot: nothing waits for the disk */
int file_write_volatile(const char *path, const void *data, size_t len, mode_t mode,
			struct err *err);

/* Make a folder and those above it; mode is for the last. Return: 0 (it may be there) or -errno */
int file_mkdirs(const char *path, mode_t mode, struct err *err);

#endif
