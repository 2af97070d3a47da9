/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* err.h - an error with its text */
#ifndef BASE_ERR_H
#define BASE_ERR_H

struct err {
	int code;		/* -errno; 0: none */
	char text[2048];	/* one or more lines, no newline at the end */
	char path[64];		/* what it is about in the configuration, a JSON pointer; or "" */
};

/**
 * err_set() - Say what failed
 * @err:	May be NULL
 * @code:	-errno; its strerror() is appended after ": ", unless the format ends in '.'
 *		(the text is whole then, and the '.' is left out)
 * Return: @code
 */
int err_set(struct err *err, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Put "...: " in front of the text. Return: err->code (or -EINVAL if @err is NULL) */
int err_prefix(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Say what in the configuration it is about; err_set() forgets that. Returns as err_prefix() */
int err_at(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
