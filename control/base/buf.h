/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* buf.h - a string that grows */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
	char *data;		/* NUL-terminated once anything was added; NULL before */
	size_t len;		/* without the NUL */
	size_t size;
};

void buf_fini(struct buf *buf);
void buf_clear(struct buf *buf);	/* keeps the memory */
void buf_add(struct buf *buf, const void *data, size_t len);
void buf_str(struct buf *buf, const char *str);
void buf_char(struct buf *buf, char c);
void buf_u64(struct buf *buf, uint64_t number);		/* in decimal */
void buf_printf(struct buf *buf, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The same to @at, 20 digits at most and no NUL: many times as fast as printf(). Return: the end */
char *buf_digits(char *at, uint64_t number);
char *buf_take(struct buf *buf);	/* never NULL; the caller frees; @buf is empty then */

#endif
