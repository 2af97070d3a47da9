// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* file.c - whole files */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/arena.h>
#include <base/file.h>

#define CHUNK	65536

void fd_close(int fd)
{
	if (fd >= 0)
		close(fd);
}

/* Up to @max + 1 bytes: one more shows that there is too much */
static int read_all(int fd, size_t max, char **ret_data, size_t *ret_len)
{
	size_t len = 0, size = 0, want;
	char *data = NULL, *grown;
	ssize_t n;

	for (;;) {
		if (size - len < 2) {
			size = size ? 2 * size : CHUNK;
			grown = realloc(data, size);
			if (!grown)
				arena_no_memory();
			data = grown;
		}
		want = size - len - 1;
		if (want > max - len)
			want = max - len + 1;
		n = read(fd, data + len, want);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		len += n;
		if (len > max) {
			errno = EFBIG;
			n = -1;
			break;
		}
	}
	if (n < 0) {
		int r = -errno;

		free(data);
		return r;
	}
	data[len] = '\0';
	*ret_data = data;
	*ret_len = len;
	return 0;
}

int file_read(const char *path, size_t max, char **ret_data, size_t *ret_len, struct err *err)
{
	int standard = !strcmp(path, "-");
	const char *name = standard ? "standard input" : path;
	int fd, r;

	if (max > SIZE_MAX / 4)
		max = SIZE_MAX / 4;
	fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_set(err, -errno, "open '%s'", name);
	r = read_all(fd, max, ret_data, ret_len);
	if (!standard)
		fd_close(fd);
	if (r == -EFBIG)
		return err_set(err, r, "'%s' is larger than %zu bytes.", name, max);
	if (r < 0)
		return err_set(err, r, "read '%s'", name);
	return 0;
}

static int write_all(int fd, const char *data, size_t len, bool sync)
{
	ssize_t n;

	while (len) {
		n = write(fd, data, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		len -= n;
	}
	return sync && fsync(fd) < 0 ? -errno : 0;
}

/* One that is there was left by a killed process that had our pid */
static int create_beside(const char *path, mode_t mode)
{
	int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	int fd = open(path, flags, mode);

	if (fd < 0 && errno == EEXIST && unlink(path) == 0)
		fd = open(path, flags, mode);
	if (fd >= 0 && fchmod(fd, mode) < 0) {
		int r = -errno;

		fd_close(fd);
		unlink(path);
		return r;
	}
	return fd < 0 ? -errno : fd;
}

static int sync_folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	char folder[PATH_MAX];
	int fd, r = 0;

	if (!slash)
		snprintf(folder, sizeof(folder), ".");
	else
		snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path) + 1, path);
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fsync(fd) < 0 && errno != EINVAL)	/* some file systems have no fsync of folders */
		r = -errno;
	fd_close(fd);
	return r;
}

static int replace(const char *path, const void *data, size_t len, mode_t mode, bool sync,
		   struct err *err)
{
	char beside[PATH_MAX];
	int fd, r, n;

	n = snprintf(beside, sizeof(beside), "%s.%d.tmp", path, (int)getpid());
	if (n < 0 || (size_t)n >= sizeof(beside))
		return err_set(err, -ENAMETOOLONG, "write '%s'", path);
	fd = create_beside(beside, mode);
	if (fd < 0)
		return err_set(err, fd, "create '%s'", beside);
	r = write_all(fd, data, len, sync);
	if (close(fd) < 0 && r == 0)
		r = -errno;
	if (r == 0 && rename(beside, path) < 0)
		r = -errno;
	if (r < 0) {
		unlink(beside);
		return err_set(err, r, "write '%s'", path);
	}
	r = sync ? sync_folder_of(path) : 0;
	return r < 0 ? err_set(err, r, "sync the folder of '%s'", path) : 0;
}

int file_write(const char *path, const void *data, size_t len, mode_t mode, struct err *err)
{
	return replace(path, data, len, mode, true, err);
}

int file_write_volatile(const char *path, const void *data, size_t len, mode_t mode,
			struct err *err)
{
	return replace(path, data, len, mode, false, err);
}

static int make_folder(const char *path, mode_t mode)
{
	struct stat st;

	if (mkdir(path, mode) == 0)
		return 0;
	if (errno != EEXIST)
		return -errno;
	if (stat(path, &st) < 0)
		return -errno;
	return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

int file_mkdirs(const char *path, mode_t mode, struct err *err)
{
	char part[PATH_MAX];
	size_t len = strlen(path), i;
	int r;

	if (!len || len >= sizeof(part))
		return err_set(err, len ? -ENAMETOOLONG : -ENOENT, "make folder '%s'", path);
	memcpy(part, path, len + 1);
	while (len > 1 && part[len - 1] == '/')
		part[--len] = '\0';
	for (i = 1; i <= len; i++) {
		if (part[i] != '/' && i != len)
			continue;
		part[i] = '\0';
		r = make_folder(part, i == len ? mode : 0755);
		if (r < 0)
			return err_set(err, r, "make folder '%s'", part);
		if (i != len)
			part[i] = '/';
	}
	return 0;
}
