// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* stream.c - notifications to one client, as many as it takes */
#include <daemon/stream.h>

bool stream_put(struct stream *stream, const char *line, size_t len)
{
	if (stream->waiting.len + len + 1 > STREAM_BYTES_MAX) {
		stream->dropped++;
		return false;
	}
	buf_add(&stream->waiting, line, len);
	buf_char(&stream->waiting, '\n');
	stream->wake(stream);
	return true;
}

void stream_end(struct stream *stream)
{
	if (stream->on && stream->ended)
		stream->ended(stream);
	stream->on = false;
	buf_fini(&stream->waiting);
}
