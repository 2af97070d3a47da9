/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * stream.h - notifications to one client, as many as it takes
 *
 * DOC: A method turns its connection into a stream. From then on, lines are put in;
 * the server writes them out. What does not fit is counted, and told in the next line
 * that does: whoever reads slowly loses events, never the daemon its memory.
 */
#ifndef DAEMON_STREAM_H
#define DAEMON_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include <base/buf.h>
#include <base/jsonw.h>

#define STREAM_BYTES_MAX	(1u << 20)	/* waiting to be written */

struct stream {
	bool on;
	struct buf waiting;
	uint64_t dropped;		/* lines that found no room */
	uint64_t told;			/* of those, by stream_put_lost() */
	void (*wake)(struct stream *stream);	/* there is something to write */
	void (*ended)(struct stream *stream);	/* the client is gone; NULL: nobody asked */
	void *user;			/* of who puts lines in */
};

/**
 * stream_put() - One line, without its newline
 * Return: whether it found room
 */
bool stream_put(struct stream *stream, const char *line, size_t len);
/**
 * stream_line_begin() - A notification, up to where the members of its 'params' are written
 * @line:	Is emptied; goes to stream_put() after stream_line_end()
 */
void stream_line_begin(struct buf *line, struct jsonw *w, const char *method);
void stream_line_end(struct jsonw *w);
/*
 * Tell what was lost since the last time, if anything was: of the kernel's buffer @buffer events, of the
 * lines those that this client did not take. @line: for the notification; may end the client
 */
void stream_put_lost(struct stream *stream, uint64_t buffer, struct buf *line);
/* The client is gone */
void stream_end(struct stream *stream);

#endif
