// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* log.c - one line a message, to stderr; with <N> priorities under systemd */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/log.h>

static const char *log_program;
static enum log_level log_level_max = LOG_LEVEL_INFO;
static bool log_journal;

/* $JOURNAL_STREAM is inherited: it counts only while stderr still is that stream */
static bool is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;

	if (!stream || sscanf(stream, "%llu:%llu", &dev, &ino) != 2)
		return false;
	return fstat(STDERR_FILENO, &st) == 0 && st.st_dev == dev && st.st_ino == ino;
}

void log_init(const char *program, enum log_level level)
{
	log_program = program;
	log_level_max = level;
	log_journal = is_journal();
}

static const char *level_name(enum log_level level)
{
	switch (level) {
	case LOG_LEVEL_ERROR:
		return "error: ";
	case LOG_LEVEL_WARN:
		return "warning: ";
	case LOG_LEVEL_DEBUG:
		return "debug: ";
	default:
		return "";
	}
}

/* Keeps errno, so that it may stand between a failure and its report */
void log_print(enum log_level level, const char *fmt, ...)
{
	int saved = errno, len;
	char line[4096];
	va_list args;
	size_t i, n;

	if (level > log_level_max)
		return;
	if (log_journal)
		len = snprintf(line, sizeof(line), "<%d>", level);
	else
		len = snprintf(line, sizeof(line), "%s%s%s", log_program ? log_program : "",
			       log_program ? ": " : "", level_name(level));
	n = len < 0 ? 0 : (size_t)len < sizeof(line) ? (size_t)len : sizeof(line) - 1;
	va_start(args, fmt);
	len = vsnprintf(line + n, sizeof(line) - n, fmt, args);
	va_end(args);
	n += len < 0 ? 0 : (size_t)len;
	if (n > sizeof(line) - 1)
		n = sizeof(line) - 1;
	for (i = 0; i < n; i++)		/* names of others must not make lines of their own */
		if ((unsigned char)line[i] < 0x20 && line[i] != '\t')
			line[i] = ' ';
	line[n++] = '\n';
	while (write(STDERR_FILENO, line, n) < 0 && errno == EINTR)
		;
	errno = saved;
}
