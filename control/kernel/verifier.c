// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* verifier.c - from the verifier's log to the line of source that it refused */
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/bpf.h>

#include <base/buf.h>
#include <base/file.h>
#include <kernel/verifier.h>

#define TAIL_LINES	20
#define LINE_MAX_CHARS	120	/* of a log's line in the message */

/* The part of a .BTF.ext header that says where line info is (linux/btf.h has no such struct) */
struct ext_header {
	uint16_t magic;
	uint8_t version, flags;
	uint32_t hdr_len, func_off, func_len, line_off, line_len;
};

/* One section's line info: then come n records */
struct ext_section {
	uint32_t name_off, n;
};

struct text {				/* of a line, not terminated */
	const char *start;
	size_t len;
};

/* What the log tells of the place */
struct place {
	struct text source;		/* of the line refused; empty: unknown */
	struct text file;
	unsigned int line;		/* 0: unknown */
	struct text cause;		/* the verifier's own words */
	long insn;			/* last one that it looked at; -1: none */
};

static bool is_text(struct text text, const char *prefix)
{
	size_t n = strlen(prefix);

	return text.len >= n && !memcmp(text.start, prefix, n);
}

static struct text trim(struct text text)
{
	while (text.len && isspace((unsigned char)text.start[0]))
		text.start++, text.len--;
	while (text.len && isspace((unsigned char)text.start[text.len - 1]))
		text.len--;
	return text;
}

/* Last line that ends before @end, and moves it to that line's start. Empty lines are left out */
static bool line_before(const char *log, const char **end, struct text *ret_line)
{
	struct text line;
	const char *start;

	while (*end > log) {
		for (start = *end - 1; start > log && start[-1] != '\n'; start--)
			;
		line = trim((struct text){ start, *end - start });
		*end = start;
		if (line.len) {
			*ret_line = line;
			return true;
		}
	}
	return false;
}

/* "12: (71) r1 = ..." or "12: R1=ctx()" */
static long insn_number(struct text line)
{
	size_t i = 0;

	while (i < line.len && isdigit((unsigned char)line.start[i]))
		i++;
	return i && i < line.len && line.start[i] == ':' ? strtol(line.start, NULL, 10) : -1;
}

static bool is_statistics(struct text line)
{
	return is_text(line, "processed ") || is_text(line, "verification time ") ||
	       is_text(line, "stack depth ") || is_text(line, "mark_precise");
}

/* "; source @ file.c:12" or "; source" */
static void split_source(struct text line, struct place *place)
{
	struct text source = trim((struct text){ line.start + 1, line.len - 1 });
	const char *at = NULL, *colon, *p;

	for (p = source.start; p + 3 <= source.start + source.len; p++)
		if (!memcmp(p, " @ ", 3))
			at = p;
	colon = at ? memrchr(at, ':', source.start + source.len - at) : NULL;
	if (colon && isdigit((unsigned char)colon[1])) {
		place->file = (struct text){ at + 3, colon - at - 3 };
		place->line = strtoul(colon + 1, NULL, 10);
		source.len = at - source.start;
		source = trim(source);
	}
	place->source = source;
}

static void read_log(const char *log, struct place *place)
{
	const char *end = log + strlen(log);
	struct text line;
	bool first = true;

	while (line_before(log, &end, &line)) {
		if (line.start[0] == ';') {
			split_source(line, place);
			return;
		}
		if (place->insn < 0)
			place->insn = insn_number(line);
		if (first && !is_statistics(line)) {
			if (insn_number(line) < 0)
				place->cause = line;
			first = false;
		}
	}
}

static bool same_source(const struct btf *btf, const struct bpf_line_info *info, struct text source)
{
	const char *text = btf__name_by_offset(btf, info->line_off);
	struct text other;

	if (!text)
		return false;
	other = trim((struct text){ text, strlen(text) });
	return other.len == source.len && !memcmp(other.start, source.start, source.len);
}

/* The nearest at or before the instruction that has the text that the log has */
static void search_section(const struct verifier_report *report, const char *record, size_t size,
			   unsigned int n, struct place *place)
{
	const struct bpf_line_info *info, *best = NULL;
	const char *file;
	unsigned int i;

	for (i = 0; i < n; i++) {
		info = (const void *)(record + i * size);
		if (place->source.len && !same_source(report->btf, info, place->source))
			continue;
		if (best && (long)(info->insn_off / sizeof(struct bpf_insn)) > place->insn)
			break;
		best = info;
	}
	file = best ? btf__name_by_offset(report->btf, best->file_name_off) : NULL;
	if (!file)
		return;
	place->file = (struct text){ file, strlen(file) };
	place->line = BPF_LINE_INFO_LINE_NUM(best->line_col);
}

/* Kernels before 6.10 write the source's text alone */
static void look_up_line(const struct verifier_report *report, struct place *place)
{
	const struct ext_header *h = report->btf_ext;
	const struct ext_section *sec;
	const char *pos, *end, *name;
	uint32_t size;

	if (!report->btf || !h || (uintptr_t)h % 4 || report->btf_ext_len < sizeof(*h) ||
	    h->hdr_len % 4 || h->line_off % 4 || h->line_len < sizeof(size) ||
	    (uint64_t)h->hdr_len + h->line_off + h->line_len > report->btf_ext_len)
		return;
	pos = (const char *)h + h->hdr_len + h->line_off;
	end = pos + h->line_len;
	memcpy(&size, pos, sizeof(size));
	pos += sizeof(size);
	if (size < sizeof(struct bpf_line_info) || size % 4)
		return;
	while ((size_t)(end - pos) >= sizeof(*sec)) {
		sec = (const void *)pos;
		pos += sizeof(*sec);
		if (sec->n > (size_t)(end - pos) / size)
			return;
		name = btf__name_by_offset(report->btf, sec->name_off);
		if (name && !strcmp(name, report->section))
			search_section(report, pos, size, sec->n, place);
		pos += (size_t)sec->n * size;
	}
}

static void add_place(struct buf *buf, const struct place *place)
{
	const char *slash = memrchr(place->file.start, '/', place->file.len);
	struct text file = place->file;

	if (slash) {
		file.len -= slash + 1 - file.start;
		file.start = slash + 1;
	}
	buf_str(buf, "\n  ");
	if (place->line)
		buf_printf(buf, "%.*s:%u: ", (int)file.len, file.start, place->line);
	buf_printf(buf, "%.*s", place->source.len < LINE_MAX_CHARS ? (int)place->source.len :
		   LINE_MAX_CHARS, place->source.start);
	if (place->cause.len)
		buf_printf(buf, "  <- '%.*s'", place->cause.len < 2 * LINE_MAX_CHARS ?
			   (int)place->cause.len : 2 * LINE_MAX_CHARS, place->cause.start);
}

/* As many of the last lines as there is room for */
static void add_tail(struct buf *buf, const char *log, size_t room)
{
	const char *end = log + strlen(log);
	struct text tail[TAIL_LINES];
	unsigned int n = 0;
	size_t need;

	while (n < TAIL_LINES && line_before(log, &end, &tail[n])) {
		if (tail[n].len > LINE_MAX_CHARS)
			tail[n].len = LINE_MAX_CHARS;
		need = tail[n].len + strlen("\n  | ");
		if (need > room)
			break;
		room -= need;
		n++;
	}
	while (n--)
		buf_printf(buf, "\n  | %.*s", (int)tail[n].len, tail[n].start);
}

/* WHAT.log: the next refusal of the same node replaces it, so that they do not pile up */
static void write_log(const struct verifier_report *report, struct buf *buf)
{
	struct err err = { 0 };
	char path[512];
	size_t i, len;

	len = snprintf(path, sizeof(path), "%s/", report->log_dir);
	for (i = 0; report->what[i] && len + 8 < sizeof(path); i++) {
		if (isalnum((unsigned char)report->what[i]) || strchr("-_.", report->what[i]))
			path[len++] = report->what[i];
		else if (path[len - 1] != '-' && path[len - 1] != '/')
			path[len++] = '-';
	}
	if (len + 8 >= sizeof(path))
		len = sizeof(path) - 8;
	strcpy(path + len, ".log");
	if (file_mkdirs(report->log_dir, 0700, &err) < 0 ||
	    file_write(path, report->log, strlen(report->log), 0600, &err) < 0)
		buf_printf(buf, "\n  whole log: not kept: %.200s", err.text);
	else
		buf_printf(buf, "\n  whole log: %s", path);
}

/* What a kernel says of a helper that it does not know, or was built without. NULL: nothing */
static const char *missing(const char *log)
{
	static const char *const cookies[] = {
		"unknown#204", "unknown#205", "unknown#206", "unknown#207",
		"unknown func bpf_tcp_raw_",
	};
	unsigned int i;

	for (i = 0; i < sizeof(cookies) / sizeof(cookies[0]); i++)
		if (strstr(log, cookies[i]))
			return "no SYN cookies for programs in this kernel: module 'synproxy' needs Linux 6.0 or later, with CONFIG_SYN_COOKIES";
	return NULL;
}

int verifier_refused(const struct verifier_report *report, struct err *err)
{
	struct place place = { .insn = -1, .source = { "", 0 }, .file = { "", 0 } };
	struct buf text = { 0 }, end = { 0 };
	size_t used;

	read_log(report->log, &place);
	if (!place.line)
		look_up_line(report, &place);
	buf_printf(&text, "kernel refused %.200s: %s", report->what, strerror(-report->code));
	if (missing(report->log))
		buf_printf(&text, "\n  %s", missing(report->log));
	if (place.source.len || place.line || place.cause.len)
		add_place(&text, &place);
	if (report->log_dir)
		write_log(report, &end);
	used = text.len + end.len + 2;
	if (err && used < sizeof(err->text))
		add_tail(&text, report->log, sizeof(err->text) - used);
	err_set(err, report->code, "%s%s.", text.data, end.data ? end.data : "");
	buf_fini(&text);
	buf_fini(&end);
	return report->code;
}
