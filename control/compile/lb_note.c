// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* lb_note.c - what a ring's words do not say, to be kept beside it */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <base/arena.h>
#include <compile/lb_note.h>

#define MAGIC	0x316e626c	/* "lbn1" */

/* In front of n_past elements struct lb_past, then n_slow struct lb_slow; of this machine's byte order */
struct header {
	uint32_t magic, ring, slots, n_past, n_slow, pad;
	uint8_t boot[LB_NOTE_BOOT];
};

_Static_assert(sizeof(struct header) == 40 && sizeof(struct lb_past) == 16 &&
	       sizeof(struct lb_slow) == 16, "a format");

void lb_note_fini(struct lb_note *note)
{
	lb_history_fini(&note->history);
	free(note->slow);
	*note = (struct lb_note){};
}

void lb_note_print(const struct lb_note *note, struct buf *buf)
{
	struct header header = {
		.magic = MAGIC, .ring = note->ring, .slots = note->slots,
		.n_past = note->history.n, .n_slow = note->n_slow,
	};

	memcpy(header.boot, note->boot, sizeof(header.boot));
	buf_add(buf, &header, sizeof(header));
	if (note->history.n)
		buf_add(buf, note->history.past, note->history.n * sizeof(*note->history.past));
	if (note->n_slow)
		buf_add(buf, note->slow, note->n_slow * sizeof(*note->slow));
}

/* By slot, and of the past */
static bool past_is_sound(const struct lb_note *note, uint64_t now_ms)
{
	const struct lb_past *past = note->history.past;
	unsigned int i;

	for (i = 0; i < note->history.n; i++) {
		if (past[i].slot >= note->slots || !past[i].owner || past[i].since_ms > now_ms)
			return false;
		if (i && past[i].slot < past[i - 1].slot)
			return false;
	}
	return true;
}

static bool slow_is_sound(const struct lb_note *note, uint64_t now_ms)
{
	unsigned int i;

	for (i = 0; i < note->n_slow; i++)
		if (!note->slow[i].since_ms || note->slow[i].since_ms > now_ms)
			return false;
	return true;
}

static void *copy_of(const void *data, size_t len)
{
	void *copy = malloc(len + 1);

	if (!copy)
		arena_no_memory();
	return memcpy(copy, data, len);
}

int lb_note_parse(const void *data, size_t len, uint64_t now_ms, struct lb_note *ret_note)
{
	struct header header;
	struct lb_note note;
	size_t past, slow;

	if (len < sizeof(header))
		return -EINVAL;
	memcpy(&header, data, sizeof(header));
	past = header.n_past * sizeof(struct lb_past);
	slow = header.n_slow * sizeof(struct lb_slow);
	if (header.magic != MAGIC || len != sizeof(header) + past + slow)
		return -EINVAL;
	note = (struct lb_note){
		.ring = header.ring, .slots = header.slots,
		.history = { copy_of((const char *)data + sizeof(header), past), header.n_past },
		.slow = copy_of((const char *)data + sizeof(header) + past, slow),
		.n_slow = header.n_slow,
	};
	memcpy(note.boot, header.boot, sizeof(note.boot));
	if (!past_is_sound(&note, now_ms) || !slow_is_sound(&note, now_ms)) {
		lb_note_fini(&note);
		return -EINVAL;
	}
	*ret_note = note;
	return 0;
}
