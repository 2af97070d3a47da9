// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* buf.c - a string that grows */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/arena.h>
#include <base/buf.h>

/* Room for @len more bytes and the NUL */
static void buf_reserve(struct buf *buf, size_t len)
{
	size_t size = buf->size ? buf->size : 64;
	char *data;

	if (len > SIZE_MAX / 4 || buf->len > SIZE_MAX / 4)
		arena_no_memory();
	if (buf->size > buf->len + len)
		return;
	while (size <= buf->len + len)
		size *= 2;
	data = realloc(buf->data, size);
	if (!data)
		arena_no_memory();
	buf->data = data;
	buf->size = size;
}

void buf_fini(struct buf *buf)
{
	free(buf->data);
	*buf = (struct buf){ 0 };
}

void buf_clear(struct buf *buf)
{
	buf->len = 0;
	if (buf->data)
		buf->data[0] = '\0';
}

void buf_add(struct buf *buf, const void *data, size_t len)
{
	buf_reserve(buf, len);
	if (len)
		memcpy(buf->data + buf->len, data, len);
	buf->len += len;
	buf->data[buf->len] = '\0';
}

void buf_str(struct buf *buf, const char *str)
{
	buf_add(buf, str, strlen(str));
}

void buf_char(struct buf *buf, char c)
{
	buf_add(buf, &c, 1);
}

char *buf_digits(char *at, uint64_t number)
{
	char digit[20];
	int n = 0;

	do {
		digit[n++] = '0' + number % 10;
		number /= 10;
	} while (number);
	while (n)
		*at++ = digit[--n];
	return at;
}

void buf_u64(struct buf *buf, uint64_t number)
{
	char text[20];

	buf_add(buf, text, buf_digits(text, number) - text);
}

void buf_printf(struct buf *buf, const char *fmt, ...)
{
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (len < 0)
		return;
	buf_reserve(buf, len);
	va_start(args, fmt);
	vsnprintf(buf->data + buf->len, (size_t)len + 1, fmt, args);
	va_end(args);
	buf->len += len;
}

char *buf_take(struct buf *buf)
{
	char *data;

	buf_reserve(buf, 0);
	data = buf->data;
	data[buf->len] = '\0';
	*buf = (struct buf){ 0 };
	return data;
}
