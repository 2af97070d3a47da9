// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* attach_pin.c - the pins of attachments, by interface and hook */
#include <dirent.h>
#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include <base/arena.h>
#include <base/file.h>
#include <kernel/attach_parts.h>
#include <shunt/abi.h>

static const struct {
	const char *name;
	uint32_t hook;
} hooks[] = {
	{ "xdp", SHUNT_HOOK_XDP },
	{ "tc-ingress", SHUNT_HOOK_TC_INGRESS },
	{ "tc-egress", SHUNT_HOOK_TC_EGRESS },
};

#define N_HOOKS (sizeof(hooks) / sizeof(hooks[0]))

const char *attach_pin_hook(uint32_t hook)
{
	for (unsigned int i = 0; i < N_HOOKS; i++)
		if (hooks[i].hook == hook)
			return hooks[i].name;
	return "?";
}

static int path_make(char path[PATH_MAX], const char *pin_dir, uint32_t ifindex, const char *what)
{
	int n = snprintf(path, PATH_MAX, "%s/%u-%s", pin_dir, ifindex, what);

	return n < 0 || n >= PATH_MAX ? -ENAMETOOLONG : 0;
}

/* The kernel tells kinds of objects apart in the link of their descriptors only */
static int fd_kind(int fd, enum attach_pin_kind *ret_kind)
{
	char path[32], target[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		return -errno;
	target[n] = '\0';
	if (strstr(target, "bpf_link") || strstr(target, "bpf-link"))
		*ret_kind = ATTACH_PIN_LINK;
	else if (strstr(target, "bpf-prog"))
		*ret_kind = ATTACH_PIN_PROG;
	else
		return -EINVAL;
	return 0;
}

int attach_pin_open(const char *pin_dir, uint32_t ifindex, uint32_t hook,
		    enum attach_pin_kind *ret_kind, struct err *err)
{
	enum attach_pin_kind kind = ATTACH_PIN_LINK;
	char path[PATH_MAX];
	int fd, r;

	r = path_make(path, pin_dir, ifindex, attach_pin_hook(hook));
	if (r < 0)
		return err_set(err, r, "pin folder '%s'", pin_dir);
	fd = bpf_obj_get(path);
	if (fd < 0)
		return err_set(err, -errno, "open pin '%s'", path);
	r = fd_kind(fd, &kind);
	if (r < 0) {
		fd_close(fd);
		return err_set(err, r, "'%s' is neither a link nor a program", path);
	}
	*ret_kind = kind;
	return fd;
}

int attach_pin_ready(const char *pin_dir, struct err *err)
{
	struct statfs fs;
	int r;

	r = file_mkdirs(pin_dir, 0700, err);
	if (r < 0)
		return r;
	if (statfs(pin_dir, &fs) < 0)
		return err_set(err, -errno, "pin folder '%s'", pin_dir);
	if ((unsigned long)fs.f_type != BPF_FS_MAGIC)
		return err_set(err, -ENOTDIR, "pin folder '%s' is not in a bpffs: mount one there (mount -t bpf bpf DIR).",
			       pin_dir);
	return 0;
}

bool attach_pin_is(const char *pin_dir, uint32_t ifindex, uint32_t hook)
{
	char path[PATH_MAX];

	return path_make(path, pin_dir, ifindex, attach_pin_hook(hook)) == 0 &&
	       access(path, F_OK) == 0;
}

int attach_pin_add(const struct attach_want *want, int fd, struct err *err)
{
	char path[PATH_MAX];
	int r;

	r = path_make(path, want->pin_dir, want->ifindex, attach_pin_hook(want->hook));
	if (r < 0)
		return err_set(err, r, "pin folder '%s'", want->pin_dir);
	if (bpf_obj_pin(fd, path) < 0)
		return err_set(err, -errno, "pin '%s'", path);
	return 0;
}

void attach_pin_del(const char *pin_dir, uint32_t ifindex, uint32_t hook)
{
	char path[PATH_MAX];

	if (path_make(path, pin_dir, ifindex, attach_pin_hook(hook)) == 0)
		unlink(path);
}

int attach_pin_qdisc_add(const char *pin_dir, uint32_t ifindex, int prog_fd)
{
	char path[PATH_MAX];
	int r = path_make(path, pin_dir, ifindex, "clsact");

	if (r < 0)
		return r;
	return bpf_obj_pin(prog_fd, path) < 0 && errno != EEXIST ? -errno : 0;
}

bool attach_pin_qdisc_is(const char *pin_dir, uint32_t ifindex)
{
	char path[PATH_MAX];

	return path_make(path, pin_dir, ifindex, "clsact") == 0 && access(path, F_OK) == 0;
}

void attach_pin_qdisc_del(const char *pin_dir, uint32_t ifindex)
{
	char path[PATH_MAX];

	if (path_make(path, pin_dir, ifindex, "clsact") == 0)
		unlink(path);
}

static bool pin_parse(const char *name, struct attach_pin *pin)
{
	unsigned long ifindex;
	char *end;

	if (*name < '1' || *name > '9')
		return false;
	errno = 0;
	ifindex = strtoul(name, &end, 10);
	if (errno || ifindex > INT_MAX || *end != '-')
		return false;
	for (unsigned int i = 0; i < N_HOOKS; i++) {
		if (strcmp(end + 1, hooks[i].name))
			continue;
		*pin = (struct attach_pin){ .ifindex = ifindex, .hook = hooks[i].hook };
		return true;
	}
	return false;
}

int attach_pins(const char *pin_dir, struct attach_pin **ret_pin, struct err *err)
{
	struct attach_pin *pin = NULL, one;
	struct dirent *entry;
	int n = 0, r;
	DIR *dir;

	dir = opendir(pin_dir);
	if (!dir && errno != ENOENT)
		return err_set(err, -errno, "pin folder '%s'", pin_dir);
	while (dir && (errno = 0, entry = readdir(dir))) {
		if (!pin_parse(entry->d_name, &one))
			continue;
		pin = realloc(pin, (n + 1) * sizeof(*pin));
		if (!pin)
			arena_no_memory();
		pin[n++] = one;
	}
	r = dir && errno ? -errno : n;
	if (dir)
		closedir(dir);
	if (r < 0) {
		free(pin);
		return err_set(err, r, "read pin folder '%s'", pin_dir);
	}
	*ret_pin = pin;
	return r;
}
