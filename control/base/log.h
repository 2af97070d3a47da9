/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* log.h - one line a message, to stderr; with <N> priorities under systemd */
#ifndef BASE_LOG_H
#define BASE_LOG_H

enum log_level { LOG_LEVEL_ERROR = 3, LOG_LEVEL_WARN = 4, LOG_LEVEL_INFO = 6, LOG_LEVEL_DEBUG = 7 };

void log_init(const char *program, enum log_level level);	/* reads $JOURNAL_STREAM */
void log_print(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...)	log_print(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...)	log_print(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...)	log_print(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)	log_print(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
