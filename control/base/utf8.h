/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* utf8.h - characters of text (RFC 3629) */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

/**
 * utf8_next() - The character that a text begins with
 * @len:	Bytes there, at least 1
 * @ret_c:	May be NULL; untouched if the text is malformed
 * Return: its bytes, 1 to 4; 0: malformed (overlong, surrogate, cut off, above U+10FFFF)
 */
size_t utf8_next(const char *text, size_t len, uint32_t *ret_c);

/* Characters; a malformed byte counts as one */
size_t utf8_count(const char *text, size_t len);

#endif
