// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* input.c - configuration files: read, validated, on their way to the daemon */
#include <stdlib.h>
#include <string.h>

#include <base/file.h>
#include <model/config.h>

#include <cli/cli.h>

int input_read(struct cli *cli, const char *file, struct input **ret_input)
{
	struct input *input = arena_new(&cli->arena, struct input);
	struct config config;
	struct err err = {};
	char *text;
	int r;

	input->file = strcmp(file, "-") ? file : "standard input";
	input->diags.arena = &cli->arena;
	r = file_read(file, TREE_BYTES_MAX, &text, &input->len, &err);
	if (r < 0)
		return report_fail(cli, CLI_USAGE, "%s", err.text);
	input->text = arena_alloc(&cli->arena, input->len + 1);
	memcpy(input->text, text, input->len);
	free(text);
	r = tree_from_yaml(input->text, input->len, &input->diags, &input->tree);
	if (r < 0) {
		report_findings(cli, input->file, input->text, input->len, NULL, &input->diags);
		return CLI_USAGE;
	}
	r = config_from_tree(input->tree, &input->diags, &config);
	if (r < 0) {
		report_findings(cli, input->file, input->text, input->len, input->tree,
				&input->diags);
		return CLI_INVALID;
	}
	*ret_input = input;
	return CLI_OK;
}

json_t *input_json(const struct input *input)
{
	struct buf text = {};
	json_t *config;

	tree_to_json(input->tree, &text);
	config = json_loadb(text.data, text.len, 0, NULL);
	buf_fini(&text);
	return config;
}

struct call_source input_source(const struct input *input)
{
	return (struct call_source){
		.file = input->file,
		.text = input->text,
		.len = input->len,
		.tree = input->tree,
	};
}
