// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* object_log.c - libbpf's and libxdp's messages: to the log at debug, the last complaints kept */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <bpf/libbpf.h>
#include <xdp/libxdp.h>

#include <base/log.h>
#include <kernel/object.h>
#include <kernel/object_file.h>

static char last[512];		/* the first ones stay: they name the cause */

/* Its advice about ulimit is wrong where the cause is a missing capability: it is dropped */
static int take(bool complaint, const char *prefix, const char *fmt, va_list args)
{
	static const char own[] = "libbpf: ";
	char line[1024], *text = line;
	size_t n = strlen(last);
	int len;

	len = vsnprintf(line, sizeof(line), fmt, args);
	if (len <= 0 || strstr(line, "ulimit"))
		return 0;
	line[strcspn(line, "\n")] = '\0';
	log_debug("%s%s", prefix, line);
	if (!strncmp(text, own, strlen(own)))
		text += strlen(own);
	if (complaint && text[0])
		snprintf(last + n, sizeof(last) - n, "%s%.250s", n ? "; " : "", text);
	return len;
}

static int from_libbpf(enum libbpf_print_level level, const char *fmt, va_list args)
{
	return take(level == LIBBPF_WARN, "", fmt, args);
}

static int from_libxdp(enum libxdp_print_level level, const char *fmt, va_list args)
{
	return take(level == LIBXDP_WARN, "libxdp: ", fmt, args);
}

void object_log_init(void)
{
	libbpf_set_print(from_libbpf);
	libxdp_set_print(from_libxdp);
}

const char *object_log_last(void)
{
	return last;
}

void object_log_clear(void)
{
	last[0] = '\0';
}
