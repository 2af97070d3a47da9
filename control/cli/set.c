// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* set.c - sets that rules name */
#include <string.h>

#include <cli/commands.h>
#include <model/expr.h>

static int render_sets(struct cli *cli, const json_t *result)
{
	const json_t *sets = json_object_get(result, "sets"), *set;
	struct print_table table;
	size_t i;

	print_table_init(&table, cli, "SET", "TYPE", "KIND", ">ELEMENTS", ">MEMORY", "TIMEOUT",
			 NULL);
	json_array_foreach(sets, i, set) {
		print_table_cell(&table, print_cell(cli, set, "set"));
		print_table_cell(&table, print_cell(cli, set, "type"));
		print_table_cell(&table, print_cell(cli, set, "kind"));
		print_table_cell(&table, print_cell(cli, set, "elements"));
		print_table_cell(&table, print_bytes(cli, json_object_get(set, "memory_bytes")));
		print_table_cell(&table, print_cell(cli, set, "timeout"));
	}
	print_table_end(&table);
	return CLI_OK;
}

static const char *time_text(struct cli *cli, const json_t *element, const char *key)
{
	struct buf text = {};
	const char *copy;

	expr_time_print(print_number(element, key) * 1000000, &text);
	copy = arena_strdup(&cli->arena, text.data);
	buf_fini(&text);
	return copy;
}

/* As 'set load' reads it: what it cannot take is behind a '#' */
static void put_element(struct cli *cli, const json_t *element)
{
	uint64_t timeout_ms = print_number(element, "timeout_ms");

	print_text(&cli->out, print_cell(cli, element, "element"));
	if (timeout_ms)
		buf_printf(&cli->out, " timeout %s", time_text(cli, element, "timeout_ms"));
	if (timeout_ms)
		buf_printf(&cli->out, " # expires in %s", time_text(cli, element, "expires_ms"));
	if (cli_has(cli, OPT_STATS))
		buf_printf(&cli->out, "%s packets %s bytes %s", timeout_ms ? "" : " #",
			   print_cell(cli, element, "packets"), print_cell(cli, element, "bytes"));
	buf_char(&cli->out, '\n');
}

static int render_elements(struct cli *cli, const json_t *result)
{
	const json_t *set = json_array_get(json_object_get(result, "sets"), 0), *element;
	const char *text = json_string_value(json_object_get(set, "text"));
	size_t i;

	if (text)
		print_text(&cli->out, text);
	json_array_foreach(json_object_get(set, "list"), i, element)
		put_element(cli, element);
	return CLI_OK;
}

static int cmd_set_list(struct cli *cli, int argc, char **argv)
{
	json_t *params = argc ? json_pack("{s:s}", "set", argv[0]) : NULL;

	return call_show(cli, "set.list", params, NULL, argc ? render_elements : render_sets);
}

/* A static set's change is a generation; that of a dynamic one is not */
static int render_change(struct cli *cli, const json_t *result)
{
	if (json_object_get(result, "generation"))
		return apply_render(cli, result);
	if (!cli->quiet)
		buf_printf(&cli->out, "set %s: %s added, %s deleted\n",
			   print_cell(cli, result, "set"), print_cell(cli, result, "added"),
			   print_cell(cli, result, "deleted"));
	return CLI_OK;
}

/* Elements end at 'timeout TIME', which stands at the end if it is there */
static int edit(struct cli *cli, const char *method, int argc, char **argv, bool timeouts)
{
	const char *timeout = NULL;
	json_t *elements, *params;
	int i;

	if (timeouts && argc > 2 && !strcmp(argv[argc - 2], "timeout")) {
		timeout = argv[argc - 1];
		argc -= 2;
	}
	if (argc < 2)
		return report_fail(cli, CLI_USAGE, "usage: shunt %s %s", cli->cmd->words,
				   cli->cmd->args);
	elements = json_array();
	for (i = 1; i < argc; i++)
		json_array_append_new(elements, json_string(argv[i]));
	params = json_pack("{s:s, s:o}", "set", argv[0], "elements", elements);
	if (timeout)
		json_object_set_new(params, "timeout", json_string(timeout));
	apply_comment(cli, params);
	return call_show(cli, method, params, NULL, render_change);
}

static int cmd_set_add(struct cli *cli, int argc, char **argv)
{
	return edit(cli, "set.add", argc, argv, true);
}

static int cmd_set_del(struct cli *cli, int argc, char **argv)
{
	return edit(cli, "set.del", argc, argv, false);
}

static int cmd_set_flush(struct cli *cli, int argc, char **argv)
{
	json_t *params = json_pack("{s:s}", "set", argv[0]);

	apply_comment(cli, params);
	return call_show(cli, "set.flush", params, NULL, render_change);
}

static int cmd_set_load(struct cli *cli, int argc, char **argv)
{
	struct call_source source;
	json_t *params;
	int status;

	status = input_text(cli, argv[1], &source);
	if (status)
		return status;
	params = json_pack("{s:s, s:o, s:b}", "set", argv[0], "text",
			   json_stringn_nocheck(source.text, source.len), "add",
			   cli_has(cli, OPT_ADD));
	apply_comment(cli, params);
	return call_show(cli, "set.load", params, &source, render_change);
}

const struct cli_cmd set_commands[] = {
	{ "set list", "[SET]", 0, 1, OPT(STATS) | OPT(WATCH),
	  "Sets; or the elements of one, one a line",
	  .more = "Elements are printed as 'set load' reads them; -s: with their counters.",
	  .example = "shunt set list blocked", .run = cmd_set_list },
	{ "set add", "SET ELEMENT... [timeout TIME]", 2, -1, OPT(COMMENT),
	  "Add elements, all or none",
	  .more = "To a dynamic set, with a time to live if it is not to be the set's.",
	  .example = "shunt set add blocked 203.0.113.7 198.51.100.0/24", .run = cmd_set_add,
	  .changes = true },
	{ "set del", "SET ELEMENT...", 2, -1, OPT(COMMENT), "Delete elements, all or none",
	  .example = "shunt set del blocked 203.0.113.7", .run = cmd_set_del, .changes = true },
	{ "set flush", "SET", 1, 1, OPT(COMMENT), "Delete all elements",
	  .example = "shunt set flush seen", .run = cmd_set_flush, .changes = true },
	{ "set load", "SET FILE", 2, 2, OPT(ADD) | OPT(COMMENT),
	  "Put the elements of a file in place of those that there are",
	  .more = "One a line, comments behind '#'. '-' is standard input. With --add, those that\n"
		  "there are stay. Packets see the old elements or the new ones, never a mix.",
	  .example = "shunt set load blocked /etc/shunt/blocked.txt", .run = cmd_set_load,
	  .changes = true },
	{}
};
