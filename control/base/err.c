// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* err.c - an error with its text */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <base/err.h>

/* The text is made aside: an argument may be the old err->text */
int err_set(struct err *err, int code, const char *fmt, ...)
{
	size_t len = strlen(fmt);
	char text[sizeof(err->text)];
	va_list args;
	int n;

	if (!err)
		return code;
	va_start(args, fmt);
	n = vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (n < 0)
		text[0] = '\0';
	if (len && fmt[len - 1] == '.') {
		if (n > 0 && (size_t)n < sizeof(text))
			text[n - 1] = '\0';
		memcpy(err->text, text, sizeof(text));
	} else if (snprintf(err->text, sizeof(err->text), "%s: %s", text, strerror(-code)) < 0) {
		err->text[0] = '\0';
	}
	err->code = code;
	err->path[0] = '\0';
	return code;
}

int err_prefix(struct err *err, const char *fmt, ...)
{
	char old[sizeof(err->text)];
	va_list args;
	size_t len;

	if (!err)
		return -EINVAL;
	memcpy(old, err->text, sizeof(old));
	va_start(args, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, args);
	va_end(args);
	len = strlen(err->text);
	snprintf(err->text + len, sizeof(err->text) - len, ": %s", old);
	return err->code;
}

int err_at(struct err *err, const char *fmt, ...)
{
	va_list args;

	if (!err)
		return -EINVAL;
	va_start(args, fmt);
	vsnprintf(err->path, sizeof(err->path), fmt, args);
	va_end(args);
	return err->code;
}
