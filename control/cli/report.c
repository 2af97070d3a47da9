// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* report.c - failures: text on stderr, or one JSON document on stdout */
#include <base/jsonw.h>

#include <cli/cli.h>

static const char *status_code(int status)
{
	switch (status) {
	case CLI_USAGE:
		return "usage";
	case CLI_INVALID:
		return "invalid";
	case CLI_UNREACHABLE:
		return "unreachable";
	case CLI_TIMEOUT:
		return "timeout";
	default:
		return "refused";
	}
}

static void put_place(struct jsonw *w, const char *key, int place)
{
	if (place)
		jsonw_i64(w, key, place);
	else
		jsonw_null(w, key);
}

static void add_json(struct cli *cli, const char *file, const char *text, size_t len,
		     const struct tree *tree, const struct diag *diag)
{
	int line, column, end_column;
	const struct tree *own;
	struct jsonw w;

	if (cli->errors.len)
		buf_char(&cli->errors, ',');
	own = source_locate(text, len, tree, diag, &line, &column, &end_column);
	jsonw_init(&w, &cli->errors, false);
	jsonw_object(&w, NULL);
	jsonw_str(&w, "file", own ? own->file : file);
	put_place(&w, "line", line);
	put_place(&w, "column", line ? column : 0);
	put_place(&w, "end_column", line ? end_column : 0);
	jsonw_str(&w, "path", diag->path);
	jsonw_str(&w, "code", diag->code);
	jsonw_str(&w, "message", diag->message);
	jsonw_str(&w, "hint", diag->hint);
	jsonw_object_end(&w);
}

int report_fail(struct cli *cli, int status, const char *fmt, ...)
{
	struct diag diag = { .path = "", .code = status_code(status) };
	va_list args;

	va_start(args, fmt);
	diag.message = arena_vprintf(&cli->arena, fmt, args);
	va_end(args);
	if (cli->json) {
		add_json(cli, NULL, NULL, 0, NULL, &diag);
	} else {
		buf_str(&cli->err, "shunt: ");
		print_text(&cli->err, diag.message);
		buf_char(&cli->err, '\n');
	}
	return status;
}

int report_file(struct cli *cli, int status, const char *file, const char *message)
{
	struct diags diags = { .arena = &cli->arena };

	diags_add(&diags, "", status_code(status), "%s", message);
	report_findings(cli, file, NULL, 0, NULL, &diags);
	return status;
}

void report_findings(struct cli *cli, const char *file, const char *text, size_t len,
		     const struct tree *tree, const struct diags *diags)
{
	unsigned int i;

	if (!cli->json) {
		source_print(&cli->err, file, text, len, tree, diags);
		return;
	}
	for (i = 0; i < diags->n; i++)
		add_json(cli, file, text, len, tree, &diags->v[i]);
}

static const char *text_or(const json_t *object, const char *key, const char *otherwise)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : otherwise;
}

static int place(const json_t *object, const char *key, int otherwise)
{
	const json_t *value = json_object_get(object, key);

	if (!json_is_integer(value) || json_integer_value(value) < -1 ||
	    json_integer_value(value) > INT32_MAX / 2)
		return otherwise;
	return json_integer_value(value);
}

void report_read_findings(const json_t *list, struct diags *diags)
{
	const char *hint;
	struct diag *diag;
	json_t *item;
	size_t i;

	json_array_foreach(list, i, item) {
		diag = diags_add(diags, text_or(item, "path", ""), text_or(item, "code", "invalid"),
				 "%s", text_or(item, "message", "invalid"));
		diag->key = json_is_true(json_object_get(item, "key"));
		diag->offset = place(item, "offset", -1);
		diag->len = place(item, "length", 0);
		if (*diag->path) {	/* else: of the request, which nobody wrote */
			diag->line = place(item, "line", 0);
			diag->column = place(item, "column", 0);
		}
		hint = text_or(item, "hint", NULL);
		if (hint)
			diag->hint = arena_strdup(diags->arena, hint);
	}
}

void report_end(struct cli *cli)
{
	struct buf document = {};

	if (!cli->json || !cli->errors.len)
		return;
	buf_printf(&document, "{\"schema\":1,\"errors\":[%s]}", cli->errors.data);
	print_json(cli, document.data);
	buf_fini(&document);
	buf_clear(&cli->errors);
}
