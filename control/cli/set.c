// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* set.c - sets that rules name */
#include <cli/commands.h>

static int render_sets(struct cli *cli, const json_t *result)
{
	const json_t *sets = json_object_get(result, "sets"), *set;
	struct print_table table;
	size_t i;

	print_table_init(&table, cli, "SET", "TYPE", ">ELEMENTS", NULL);
	json_array_foreach(sets, i, set) {
		print_table_cell(&table, print_cell(cli, set, "set"));
		print_table_cell(&table, print_cell(cli, set, "type"));
		print_table_cell(&table, arena_printf(&cli->arena, "%zu",
				 json_array_size(json_object_get(set, "elements"))));
	}
	print_table_end(&table);
	return CLI_OK;
}

static int render_elements(struct cli *cli, const json_t *result)
{
	const json_t *sets = json_object_get(result, "sets"), *set, *elements, *element;
	size_t i, j;

	json_array_foreach(sets, i, set) {
		elements = json_object_get(set, "elements");
		json_array_foreach(elements, j, element)
			buf_printf(&cli->out, "%s\n", print_scalar(cli, element));
	}
	return CLI_OK;
}

static int cmd_set_list(struct cli *cli, int argc, char **argv)
{
	json_t *params = argc ? json_pack("{s:s}", "set", argv[0]) : NULL;

	return call_show(cli, "set.list", params, NULL, argc ? render_elements : render_sets);
}

static int edit(struct cli *cli, const char *method, int argc, char **argv)
{
	json_t *elements = json_array(), *params;
	int i;

	for (i = 1; i < argc; i++)
		json_array_append_new(elements, json_string(argv[i]));
	params = json_pack("{s:s, s:o}", "set", argv[0], "elements", elements);
	apply_comment(cli, params);
	return call_show(cli, method, params, NULL, apply_render);
}

static int cmd_set_add(struct cli *cli, int argc, char **argv)
{
	return edit(cli, "set.add", argc, argv);
}

static int cmd_set_del(struct cli *cli, int argc, char **argv)
{
	return edit(cli, "set.del", argc, argv);
}

const struct cli_cmd set_commands[] = {
	{ "set list", "[SET]", 0, 1, OPT(WATCH), "Sets; or the elements of one, one a line",
	  .example = "shunt set list blocked", .run = cmd_set_list },
	{ "set add", "SET ELEMENT...", 2, -1, OPT(COMMENT), "Add elements, all or none",
	  .example = "shunt set add blocked 203.0.113.7 198.51.100.0/24", .run = cmd_set_add,
	  .changes = true },
	{ "set del", "SET ELEMENT...", 2, -1, OPT(COMMENT), "Delete elements, all or none",
	  .example = "shunt set del blocked 203.0.113.7", .run = cmd_set_del, .changes = true },
	{}
};
