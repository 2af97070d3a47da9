// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* print.c - text, numbers, times, tables and JSON for people */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <base/utf8.h>

#include <cli/cli.h>

#define NSEC_PER_SEC	1000000000ull

void print_text(struct buf *out, const char *text)
{
	size_t len = strlen(text), n;
	uint32_t c;

	while (len) {
		n = utf8_next(text, len, &c);
		if (!n || (c < 0x20 && c != '\t' && c != '\n') || (c >= 0x7f && c < 0xa0))
			buf_char(out, '?');
		else
			buf_add(out, text, n);
		n = n ? n : 1;
		text += n;
		len -= n;
	}
}

static void new_line(struct buf *out, int depth)
{
	buf_printf(out, "\n%*s", 2 * depth, "");
}

/* Behind a bracket: empty ones stay on their line */
static const char *open_bracket(struct buf *out, const char *json, int *depth)
{
	const char *next = json + 1 + strspn(json + 1, " \t\r\n");

	buf_char(out, *json);
	if (*next == '}' || *next == ']') {
		buf_char(out, *next);
		return next + 1;
	}
	new_line(out, ++*depth);
	return json + 1;
}

static const char *copy_string(struct buf *out, const char *json)
{
	const char *end = json + 1;

	while (*end && *end != '"')
		end += *end == '\\' && end[1] ? 2 : 1;
	end += *end == '"';
	buf_add(out, json, end - json);
	return end;
}

/* Text to text: every number stays as the daemon wrote it */
static void pretty(struct buf *out, const char *json)
{
	int depth = 0;

	while (*json) {
		if (*json == '"') {
			json = copy_string(out, json);
			continue;
		}
		if (*json == '{' || *json == '[') {
			json = open_bracket(out, json, &depth);
			continue;
		}
		if (*json == '}' || *json == ']')
			new_line(out, depth > 0 ? --depth : 0);
		if (!strchr(" \t\r\n", *json))
			buf_char(out, *json);
		if (*json == ',')
			new_line(out, depth);
		else if (*json == ':')
			buf_char(out, ' ');
		json++;
	}
}

void print_json(struct cli *cli, const char *json)
{
	if (cli->pretty)
		pretty(&cli->out, json);
	else
		buf_str(&cli->out, json);
	buf_char(&cli->out, '\n');
}

const char *print_scalar(struct cli *cli, const json_t *value)
{
	struct buf clean = {};
	const char *text;

	if (json_is_integer(value))
		return arena_printf(&cli->arena, "%lld", (long long)json_integer_value(value));
	if (json_is_real(value))
		return arena_printf(&cli->arena, "%.6g", json_real_value(value));
	if (json_is_boolean(value))
		return json_is_true(value) ? "true" : "false";
	if (!json_is_string(value))
		return NULL;
	print_text(&clean, json_string_value(value));
	text = arena_strdup(&cli->arena, clean.data ? clean.data : "");
	buf_fini(&clean);
	return text;
}

const char *print_member(struct cli *cli, const json_t *object, const char *key)
{
	return print_scalar(cli, json_object_get(object, key));
}

const char *print_cell(struct cli *cli, const json_t *object, const char *key)
{
	const char *text = print_member(cli, object, key);

	return text && *text ? text : "-";
}

uint64_t print_number(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	if (json_is_string(value))
		return strtoull(json_string_value(value), NULL, 10);
	return json_integer_value(value);
}

const char *print_time(struct cli *cli, int64_t unix_s)
{
	time_t time = unix_s;
	char text[64];
	struct tm tm;

	if (!localtime_r(&time, &tm) || !strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm))
		return "-";
	return arena_strdup(&cli->arena, text);
}

void print_clock(struct cli *cli, const json_t *event)
{
	uint64_t ns = print_number(event, "time_ns");
	time_t seconds = ns / NSEC_PER_SEC;
	struct tm tm;

	localtime_r(&seconds, &tm);
	buf_printf(&cli->out, "%02d:%02d:%02d.%06llu", tm.tm_hour, tm.tm_min, tm.tm_sec,
		   (unsigned long long)(ns % NSEC_PER_SEC / 1000));
}

void print_end(struct cli *cli, const json_t *object, const char *address, const char *port)
{
	const char *text = json_string_value(json_object_get(object, address));

	text = text ? text : "?";
	if (!json_object_get(object, port))
		print_text(&cli->out, text);
	else
		buf_printf(&cli->out, strchr(text, ':') ? "[%s]:%llu" : "%s:%llu", text,
			   (unsigned long long)print_number(object, port));
}

void print_lost(struct cli *cli, const json_t *lost)
{
	buf_printf(&cli->err, "shunt: events lost: %llu in the kernel, %llu on their way here\n",
		   (unsigned long long)print_number(lost, "buffer"),
		   (unsigned long long)print_number(lost, "client"));
}

const char *print_span(struct cli *cli, int64_t seconds)
{
	long long s = seconds < 0 ? 0 : seconds;

	if (s < 120)
		return arena_printf(&cli->arena, "%lld s", s);
	if (s < 2 * 3600)
		return arena_printf(&cli->arena, "%lld min", s / 60);
	if (s < 2 * 86400)
		return arena_printf(&cli->arena, "%lld h", s / 3600);
	return arena_printf(&cli->arena, "%lld days", s / 86400);
}

const char *print_us(struct cli *cli, uint64_t us)
{
	if (us < 1000)
		return arena_printf(&cli->arena, "%" PRIu64 " us", us);
	if (us < 1000000)
		return arena_printf(&cli->arena, "%.1f ms", us / 1e3);
	return arena_printf(&cli->arena, "%.1f s", us / 1e6);
}

const char *print_bytes(struct cli *cli, const json_t *bytes)
{
	static const char *const units[] = { "KiB", "MiB", "GiB" };
	double value = json_number_value(bytes) / 1024;
	unsigned int i;

	if (!json_is_integer(bytes))
		return NULL;
	if (value < 1)
		return arena_printf(&cli->arena, "%" JSON_INTEGER_FORMAT " B",
				    json_integer_value(bytes));
	for (i = 0; value >= 1024 && i < 2; i++)
		value /= 1024;
	return arena_printf(&cli->arena, value < 10 ? "%.1f %s" : "%.0f %s", value, units[i]);
}

const char *print_colored(struct cli *cli, enum print_color color, const char *text)
{
	if (!cli->color)
		return text;
	return arena_printf(&cli->arena, "\033[%dm%s\033[0m", color, text);
}

void print_warning(struct cli *cli, const char *about, const char *text)
{
	buf_printf(&cli->out, "%s %s%s", print_colored(cli, PRINT_YELLOW, "warning:"),
		   about ? about : "", about ? ": " : "");
	print_text(&cli->out, text);
	buf_char(&cli->out, '\n');
}

unsigned int print_warnings(struct cli *cli, const char *about, const json_t *list)
{
	json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
		if (json_is_string(item))
			print_warning(cli, about, json_string_value(item));
	return json_array_size(list);
}

void print_table_init(struct print_table *table, struct cli *cli, ...)
{
	const char *title;
	va_list args;

	*table = (struct print_table){ .cli = cli };
	va_start(args, cli);
	while ((title = va_arg(args, const char *)) && table->n_columns < PRINT_COLUMNS)
		table->title[table->n_columns++] = title;
	va_end(args);
}

void print_table_column(struct print_table *table, const char *title)
{
	if (table->n_columns < PRINT_COLUMNS)
		table->title[table->n_columns++] = title;
}

void print_table_cell(struct print_table *table, const char *text)
{
	unsigned int column = 0, i;

	for (i = 1; i < table->n_columns; i++)
		if (table->used[i] < table->used[i - 1]) {
			column = i;
			break;
		}
	if (!column)
		table->n_rows++;
	text = text ? text : "-";
	*arena_push(&table->cli->arena, table->row[column], table->used[column]) = text;
}

static size_t width_of(const struct print_table *table, unsigned int column)
{
	const char *title = table->title[column];
	size_t width = strlen(title + (*title == '>')), n;
	unsigned int i;

	for (i = 0; i < table->used[column]; i++) {
		n = utf8_count(table->row[column][i], strlen(table->row[column][i]));
		width = n > width ? n : width;
	}
	return width;
}

static void put_cell(struct buf *out, const char *text, size_t width, bool right, bool last)
{
	size_t n = utf8_count(text, strlen(text));
	int pad = width > n ? width - n : 0;

	if (right)
		buf_printf(out, "%*s%s", pad, "", text);
	else if (last)
		buf_str(out, text);
	else
		buf_printf(out, "%s%*s", text, pad, "");
	buf_str(out, last ? "\n" : "  ");
}

void print_table_end(struct print_table *table)
{
	size_t width[PRINT_COLUMNS];
	unsigned int i, row;

	if (!table->n_rows)
		return;
	for (i = 0; i < table->n_columns; i++)
		width[i] = width_of(table, i);
	for (row = 0; row <= table->n_rows; row++)
		for (i = 0; i < table->n_columns; i++) {
			bool right = *table->title[i] == '>';

			put_cell(&table->cli->out,
				 row ? table->row[i][row - 1] : table->title[i] + right,
				 width[i], right, i + 1 == table->n_columns);
		}
}
