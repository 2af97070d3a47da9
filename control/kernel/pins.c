// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* pins.c - our folder in a bpffs */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>

#include <bpf/bpf.h>

#include <base/file.h>
#include <base/log.h>
#include <kernel/pins.h>

static bool pins_is_bpffs(const char *dir)
{
	struct statfs fs;

	return statfs(dir, &fs) == 0 && fs.f_type == BPF_FS_MAGIC;
}

/* Whoever may write here may swap our programs */
static int pins_check_owner(const char *dir, struct err *err)
{
	struct stat st;

	if (lstat(dir, &st) < 0)
		return err_set(err, -errno, "look at '%s'", dir);
	if (!S_ISDIR(st.st_mode))
		return err_set(err, -ENOTDIR, "'%s'", dir);
	if (st.st_uid != geteuid() || st.st_mode & (S_IWGRP | S_IWOTH))
		return err_set(err, -EPERM, "'%s' is owned or writable by somebody else", dir);
	return 0;
}

int pins_open(const char *dir, struct err *err)
{
	int r;

	r = file_mkdirs(dir, 0700, err);
	if (r < 0)
		return r;
	if (!pins_is_bpffs(dir)) {
		if (mount("bpf", dir, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700") < 0)
			return err_set(err, -errno, "mount a bpffs on '%s'", dir);
		log_info("mounted a bpffs on '%s'", dir);
	}
	return pins_check_owner(dir, err);
}

int pins_mkdir(const char *path, struct err *err)
{
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return err_set(err, -errno, "make '%s'", path);
	return 0;
}

int pins_pin(int fd, const char *path, struct err *err)
{
	if (bpf_obj_pin(fd, path) < 0)
		return err_set(err, -errno, "pin '%s'", path);
	return 0;
}

int pins_get(const char *path)
{
	int fd = bpf_obj_get(path);

	return fd < 0 ? -errno : fd;
}

static int pins_remove_in(const char *name, void *arg)
{
	char *path;
	int r;

	if (asprintf(&path, "%s/%s", (const char *)arg, name) < 0)
		return -ENOMEM;
	r = pins_remove(path);
	free(path);
	return r;
}

int pins_remove(const char *path)
{
	if (unlink(path) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return -errno;
	pins_each(path, pins_remove_in, (void *)path);
	return rmdir(path) < 0 && errno != ENOENT ? -errno : 0;
}

int pins_each(const char *path, int (*fn)(const char *name, void *arg), void *arg)
{
	struct dirent *entry;
	DIR *dir;
	int r = 0;

	dir = opendir(path);
	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	while (!r && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			r = fn(entry->d_name, arg);
	closedir(dir);
	return r;
}
