// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* module.c - what modules declare of themselves */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <cli/commands.h>

static const char *joined(struct cli *cli, const json_t *list)
{
	struct buf text = {};
	const char *copy;
	json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
		buf_printf(&text, "%s%s", i ? ", " : "", print_scalar(cli, item));
	copy = text.data ? arena_strdup(&cli->arena, text.data) : "-";
	buf_fini(&text);
	return copy;
}

static int render_list(struct cli *cli, const json_t *result)
{
	const json_t *modules = json_object_get(result, "modules"), *module;
	struct print_table table;
	size_t i;

	print_table_init(&table, cli, "MODULE", "HOOKS", "DEPTH", "HELP", NULL);
	json_array_foreach(modules, i, module) {
		print_table_cell(&table, print_cell(cli, module, "name"));
		print_table_cell(&table, joined(cli, json_object_get(module, "hooks")));
		print_table_cell(&table, print_cell(cli, module, "depth"));
		print_table_cell(&table, print_cell(cli, module, "help"));
	}
	print_table_end(&table);
	return CLI_OK;
}

static void render_edges(struct cli *cli, const json_t *list)
{
	struct print_table table;
	json_t *item;
	size_t i;

	print_table_init(&table, cli, "EDGE", "FAIL", "TARGET", NULL);
	json_array_foreach(list, i, item) {
		print_table_cell(&table, print_cell(cli, item, "name"));
		print_table_cell(&table, print_cell(cli, item, "fail"));
		print_table_cell(&table, print_cell(cli, item, "target"));
	}
	if (table.n_rows)
		buf_char(&cli->out, '\n');
	print_table_end(&table);
}

static void render_config(struct cli *cli, const json_t *list)
{
	struct print_table table;
	json_t *item;
	size_t i;

	print_table_init(&table, cli, "CONFIG", "TYPE", ">DEFAULT", "HELP", NULL);
	json_array_foreach(list, i, item) {
		print_table_cell(&table, print_cell(cli, item, "name"));
		print_table_cell(&table, print_cell(cli, item, "type"));
		print_table_cell(&table, print_cell(cli, item, "default"));
		print_table_cell(&table, print_cell(cli, item, "help"));
	}
	if (table.n_rows)
		buf_char(&cli->out, '\n');
	print_table_end(&table);
}

static void render_tables(struct cli *cli, const json_t *list)
{
	struct print_table table;
	json_t *item;
	size_t i;

	print_table_init(&table, cli, "TABLE", "TYPE", "KEY", "VALUE", ">ENTRIES", NULL);
	json_array_foreach(list, i, item) {
		print_table_cell(&table, print_cell(cli, item, "name"));
		print_table_cell(&table, print_cell(cli, item, "type"));
		print_table_cell(&table, print_cell(cli, item, "key"));
		print_table_cell(&table, print_cell(cli, item, "value"));
		print_table_cell(&table, print_cell(cli, item, "entries"));
	}
	if (table.n_rows)
		buf_char(&cli->out, '\n');
	print_table_end(&table);
}

static int render_inspect(struct cli *cli, const json_t *result)
{
	const json_t *module = json_object_get(result, "module"), *paths, *path;
	size_t i;

	buf_printf(&cli->out, "module %s: %s\n", print_cell(cli, module, "name"),
		   print_cell(cli, module, "help"));
	buf_printf(&cli->out, "  hooks   %s\n", joined(cli, json_object_get(module, "hooks")));
	buf_printf(&cli->out, "  depth   %s\n", print_cell(cli, module, "depth"));
	buf_printf(&cli->out, "  abi     %s\n", print_cell(cli, module, "abi"));
	paths = json_object_get(module, "paths");
	json_array_foreach(paths, i, path)
		if (print_scalar(cli, path))
			buf_printf(&cli->out, "  object  %s\n", print_scalar(cli, path));
	if (print_number(module, "open_edges"))
		buf_printf(&cli->out, "  edges   %s more may be named\n",
			   print_cell(cli, module, "open_edges"));
	render_edges(cli, json_object_get(module, "edges"));
	render_config(cli, json_object_get(module, "config"));
	render_tables(cli, json_object_get(module, "tables"));
	return CLI_OK;
}

/* Built-in modules are the daemon's; without one, those that belong to this command */
static int show(struct cli *cli, const char *method, json_t *params, call_render render)
{
	const char *result;
	json_t *probe = call_quietly(cli, "version", NULL);
	int status;

	if (probe)
		status = call_method(cli, method, params, NULL, &result);
	else
		status = call_offline(cli, method, params, NULL, &result);
	json_decref(probe);
	return status ? status : call_print(cli, result, render);
}

static int cmd_module_list(struct cli *cli, int argc, char **argv)
{
	return show(cli, "module.list", NULL, render_list);
}

static bool is_path(const char *name)
{
	size_t len = strlen(name);

	return strchr(name, '/') || (len > 2 && !strcmp(name + len - 2, ".o"));
}

/* A file is read with the caller's rights, never with the daemon's */
static int cmd_module_inspect(struct cli *cli, int argc, char **argv)
{
	const char *result;
	char path[PATH_MAX];
	int status;

	if (!is_path(argv[0]))
		return show(cli, "module.inspect", json_pack("{s:s}", "module", argv[0]),
			    render_inspect);
	if (!realpath(argv[0], path))
		return report_fail(cli, CLI_USAGE, "open '%s': %m", argv[0]);
	status = call_offline(cli, "module.inspect", json_pack("{s:s}", "module", path), NULL,
			      &result);
	return status ? status : call_print(cli, result, render_inspect);
}

const struct cli_cmd module_commands[] = {
	{ "module list", "", 0, 0, 0, "Modules that nodes can be made of",
	  .example = "shunt module list", .run = cmd_module_list },
	{ "module inspect", "MODULE", 1, 1, 0, "What a module declares: edges, config, tables",
	  .more = "MODULE is a name, or the path of an object file, read with your rights.",
	  .example = "shunt module inspect ./geo.xdp.o", .run = cmd_module_inspect },
	{}
};
