// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * lb_noted.c - what is noted beside a ring, for the next start
 *
 * DOC: RUN-DIR/lb/N is of the ring of number N. It is there as long as the ring has a history or
 * a slow start goes on. Rings do not outlive the boot, so nothing waits for the disk.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <base/arena.h>
#include <base/file.h>
#include <base/log.h>
#include <daemon/lb.h>

#define FILE_MAX	(256 << 20)

static void noted_path(const struct lb *lb, const struct lb_run *run, char *ret_path)
{
	snprintf(ret_path, PATH_MAX, "%s/lb/%u", lb->daemon->run_dir, run->service->entry.ring);
}

/* The running boot's, "8-4-4-4-12" hex digits. Return: 0 or -errno */
static int boot_id(uint8_t ret_id[LB_NOTE_BOOT], struct err *err)
{
	char *text, *at;
	unsigned int i;
	size_t len;
	int r;

	r = file_read("/proc/sys/kernel/random/boot_id", 64, &text, &len, err);
	if (r < 0)
		return r;
	for (at = text, i = 0; i < LB_NOTE_BOOT; i++, at += 2) {
		at += *at == '-';
		if (sscanf(at, "%2hhx", &ret_id[i]) != 1)
			break;
	}
	free(text);
	return i == LB_NOTE_BOOT ? 0 : err_set(err, -EPROTO, "read the boot's id");
}

static void add_slow(const struct lb_run *run, struct lb_note *note)
{
	unsigned int i;

	note->slow = calloc(run->service->n_owners + 1, sizeof(*note->slow));
	if (!note->slow)
		arena_no_memory();
	for (i = 0; i < run->service->n_owners; i++)
		if (lb_run_slows(run, i))
			note->slow[note->n_slow++] = (struct lb_slow){
				.backend = run->service->owner[i].backend->number,
				.since_ms = run->up_ms[i],
			};
}

void lb_noted_remove(const struct lb *lb, struct lb_run *run)
{
	char path[PATH_MAX];

	if (!run->is_noted)
		return;
	noted_path(lb, run, path);
	unlink(path);
	run->is_noted = false;
}

static int write_note(const struct lb *lb, const struct lb_run *run, struct lb_note *note,
		      struct err *err)
{
	char path[PATH_MAX];
	struct buf text = {};
	int r;

	r = lb_tables_ring_id(lb->tables, run->service->entry.ring, &note->ring);
	if (r < 0)
		return err_set(err, r, "look at a ring");
	r = boot_id(note->boot, err);
	if (r < 0)
		return r;
	lb_note_print(note, &text);
	noted_path(lb, run, path);
	r = file_write_volatile(path, text.data, text.len, 0600, err);
	if (r == -ENOENT) {
		*err = (struct err){};
		*strrchr(path, '/') = '\0';
		r = file_mkdirs(path, 0700, err);
		noted_path(lb, run, path);
		if (r == 0)
			r = file_write_volatile(path, text.data, text.len, 0600, err);
	}
	buf_fini(&text);
	return r;
}

void lb_noted_write(const struct lb *lb, struct lb_run *run, const struct lb_history *next)
{
	struct lb_note note = { .slots = run->service->entry.slots, .history = *next };
	struct err err = {};

	add_slow(run, &note);
	if (!next->n && !note.n_slow) {
		lb_noted_remove(lb, run);
	} else if (write_note(lb, run, &note, &err) == 0) {
		run->is_noted = true;
	} else {
		lb_noted_remove(lb, run);	/* an older one would be wrong */
		log_warn("service '%s' of node '%s': %s: a restart would forget earlier owners of slots",
			 run->service->name, run->service->node, err.text);
	}
	free(note.slow);
}

bool lb_noted_read(const struct lb *lb, struct lb_run *run, uint64_t now_ms,
		   struct lb_note *ret_note)
{
	uint8_t boot[LB_NOTE_BOOT];
	char path[PATH_MAX], *data;
	struct err err = {};
	uint32_t ring = 0;
	size_t len;
	int r;

	noted_path(lb, run, path);
	if (file_read(path, FILE_MAX, &data, &len, &err) < 0) {
		if (err.code != -ENOENT)
			log_warn("%s: ignoring earlier owners of slots", err.text);
		return false;
	}
	run->is_noted = true;		/* be it of what it may */
	r = lb_note_parse(data, len, now_ms, ret_note);
	free(data);
	if (r < 0) {
		log_warn("'%s': ignoring what is no note of a ring", path);
		return false;
	}
	if (boot_id(boot, &err) == 0 && !memcmp(boot, ret_note->boot, sizeof(boot)) &&
	    lb_tables_ring_id(lb->tables, run->service->entry.ring, &ring) == 0 &&
	    ret_note->ring == ring && ret_note->slots == run->service->entry.slots)
		return true;
	lb_note_fini(ret_note);
	return false;
}
