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

void stream_line_begin(struct buf *line, struct jsonw *w, const char *method)
{
	buf_clear(line);
	jsonw_init(w, line, false);
	jsonw_object(w, NULL);
	jsonw_str(w, "jsonrpc", "2.0");
	jsonw_str(w, "method", method);
	jsonw_object(w, "params");
}

void stream_line_end(struct jsonw *w)
{
	jsonw_object_end(w);
	jsonw_object_end(w);
}

void stream_put_lost(struct stream *stream, uint64_t buffer, struct buf *line)
{
	uint64_t untold = stream->dropped - stream->told;
	struct jsonw w;

	if (!buffer && !untold)
		return;
	stream_line_begin(line, &w, "lost");
	jsonw_u64(&w, "buffer", buffer);
	jsonw_u64(&w, "client", untold);
	stream_line_end(&w);
	stream->told += untold;		/* a line that goes out may be the stream's last act */
	if (stream_put(stream, line->data, line->len))
		return;
	stream->told -= untold;
	stream->dropped--;		/* a notice of loss is no loss */
}

void stream_end(struct stream *stream)
{
	if (stream->on && stream->ended)
		stream->ended(stream);
	stream->on = false;
	buf_fini(&stream->waiting);
}
