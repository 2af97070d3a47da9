// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* input.c - configuration files, and those of sets: read, validated, on their way to the daemon */
#include <stdlib.h>
#include <string.h>

#include <base/file.h>
#include <base/utf8.h>
#include <model/config.h>

#include <cli/cli.h>

static const char *file_name(const char *file)
{
	return strcmp(file, "-") ? file : "standard input";
}

/* Into the command's arena. Return: 0 or -errno */
static int read_file(struct cli *cli, const char *file, char **ret_text, size_t *ret_len,
		     struct err *err)
{
	char *text;
	int r;

	r = file_read(file, TREE_BYTES_MAX, &text, ret_len, err);
	if (r < 0)
		return r;
	*ret_text = arena_alloc(&cli->arena, *ret_len + 1);
	memcpy(*ret_text, text, *ret_len);
	free(text);
	return 0;
}

/* What JSON cannot carry. Return: whether all of it can */
static bool check_text(const char *path, const char *text, size_t len, struct diags *diags)
{
	struct diag *diag;
	size_t i = 0, n;

	while (i < len) {
		n = utf8_next(text + i, len - i, NULL);
		if (!n || !text[i])
			break;
		i += n;
	}
	if (i == len)
		return true;
	diag = diags_add(diags, path, "encoding", text[i] ? "not valid UTF-8" : "NUL byte");
	source_place(text, len, i, &diag->line, &diag->column);
	return false;
}

int input_text(struct cli *cli, const char *file, struct call_source *ret_source)
{
	struct diags diags = { .arena = &cli->arena };
	struct err err = {};
	size_t len;
	char *text;

	if (read_file(cli, file, &text, &len, &err) < 0)
		return report_fail(cli, CLI_USAGE, "%s", err.text);
	*ret_source = (struct call_source){ .file = file_name(file), .text = text, .len = len };
	if (check_text(NULL, text, len, &diags))
		return CLI_OK;
	report_findings(cli, ret_source->file, text, len, NULL, &diags);
	return CLI_INVALID;
}

/* ---- 'file' of a set ----------------------------------------------------------------------- */

/* A path beside the configuration; one from standard input is in the folder where we are */
static const char *beside(struct cli *cli, const char *config, const char *path)
{
	const char *slash = strrchr(config, '/');

	if (*path == '/' || !slash)
		return path;
	return arena_printf(&cli->arena, "%.*s/%s", (int)(slash - config), config, path);
}

/* The file's text takes the place of its name */
static void take_file(struct cli *cli, struct input *input, struct tree *file)
{
	const char *path = tree_path(file, &cli->arena);
	const char *name = beside(cli, input->file, file->text);
	struct err err = {};
	size_t len;
	char *text;

	if (read_file(cli, name, &text, &len, &err) < 0) {
		diags_add(&input->diags, path, "no_file", "%s", err.text);
		return;
	}
	file->key = "elements";
	file->text = text;
	file->len = len;
	file->file = name;
	file->multiline = true;
	check_text(tree_path(file, &cli->arena), text, len, &input->diags);
}

/* What cannot be right is left for the model to find */
static void take_files(struct cli *cli, struct input *input)
{
	const struct tree *sets = tree_get(input->tree, "sets");
	size_t i;

	for (i = 0; sets && i < sets->n; i++) {
		const struct tree *set = sets->child[i], *dynamic = tree_get(set, "dynamic");
		struct tree *file = tree_get(set, "file");

		if (!file || file->kind != TREE_SCALAR || !file->len || tree_get(set, "elements") ||
		    tree_get(set, "timeout") ||
		    (dynamic && dynamic->kind == TREE_SCALAR && !strcmp(dynamic->text, "true")))
			continue;
		take_file(cli, input, file);
	}
}

/* ---- configurations ------------------------------------------------------------------------ */

static int findings(struct cli *cli, const struct input *input, int status)
{
	report_findings(cli, input->file, input->text, input->len, input->tree, &input->diags);
	return status;
}

int input_check(struct cli *cli, struct input *input)
{
	struct config config;

	if (config_from_tree(input->tree, &input->diags, &config) == 0)
		return CLI_OK;
	return findings(cli, input, CLI_INVALID);
}

int input_read(struct cli *cli, const char *file, struct input **ret_input)
{
	struct input *input = arena_new(&cli->arena, struct input);
	struct err err = {};
	int r;

	input->file = file_name(file);
	input->diags.arena = &cli->arena;
	r = read_file(cli, file, &input->text, &input->len, &err);
	if (r < 0)
		return report_fail(cli, CLI_USAGE, "%s", err.text);
	r = tree_from_yaml(input->text, input->len, &input->diags, &input->tree);
	if (r < 0)
		return findings(cli, input, CLI_USAGE);
	take_files(cli, input);
	if (input->diags.total)
		return findings(cli, input, CLI_INVALID);
	*ret_input = input;
	return config_skim(input->tree) ? CLI_OK : input_check(cli, input);
}

static json_t *scalar_json(const struct tree *tree)
{
	struct buf tidy = {};
	json_t *json;

	if (!tree->file)
		return json_stringn(tree->text, tree->len);
	config_elements_tidy(tree->text, tree->len, &tidy);
	json = json_stringn(tidy.data ? tidy.data : "", tidy.len);
	buf_fini(&tidy);
	return json;
}

static json_t *to_json(const struct tree *tree)
{
	json_t *json;
	size_t i;

	if (tree->kind == TREE_SCALAR)
		return scalar_json(tree);
	json = tree->kind == TREE_MAP ? json_object() : json_array();
	for (i = 0; i < tree->n; i++) {
		if (tree->kind == TREE_MAP)
			json_object_set_new(json, tree->child[i]->key, to_json(tree->child[i]));
		else
			json_array_append_new(json, to_json(tree->child[i]));
	}
	return json;
}

json_t *input_json(const struct input *input)
{
	return to_json(input->tree);
}

struct call_source input_source(struct input *input)
{
	return (struct call_source){
		.file = input->file,
		.text = input->text,
		.len = input->len,
		.tree = input->tree,
		.input = input,
	};
}
