// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* table.c - tables of nodes, by field name */
#include <stdlib.h>
#include <string.h>

#include <cli/commands.h>

#define PATH_BYTES 256		/* of a nested field's name */

/* As words that 'table set' takes: a scalar as it is, else FIELD=VALUE, nested ones with a dot */
static void put_words(struct cli *cli, const json_t *value, const char *path, struct buf *out)
{
	char below[PATH_BYTES];
	const char *key;
	json_t *member;
	size_t i;

	if (json_is_object(value)) {
		json_object_foreach((json_t *)value, key, member) {
			snprintf(below, sizeof(below), "%s%s%s", path, *path ? "." : "", key);
			put_words(cli, member, below, out);
		}
		return;
	}
	if (out->len)
		buf_char(out, ' ');
	if (*path)
		buf_printf(out, "%s=", path);
	if (json_is_array(value)) {
		json_array_foreach(value, i, member)
			buf_printf(out, "%s%s", i ? "," : "", print_scalar(cli, member) ?: "?");
		return;
	}
	buf_str(out, print_scalar(cli, value) ?: "-");
}

static const char *words(struct cli *cli, const json_t *value)
{
	struct buf text = {};
	const char *copy;

	put_words(cli, value, "", &text);
	copy = arena_strdup(&cli->arena, text.data ? text.data : "");
	buf_fini(&text);
	return copy;
}

static int render_tables(struct cli *cli, const json_t *result)
{
	const json_t *list = json_object_get(result, "tables"), *item;
	struct print_table table;
	size_t i;

	print_table_init(&table, cli, "TABLE", "TYPE", ">ENTRIES", "KEY", "VALUE", NULL);
	json_array_foreach(list, i, item) {
		print_table_cell(&table, print_cell(cli, item, "name"));
		print_table_cell(&table, print_cell(cli, item, "type"));
		print_table_cell(&table, print_cell(cli, item, "max_entries"));
		print_table_cell(&table, words(cli, json_object_get(item, "key")));
		print_table_cell(&table, words(cli, json_object_get(item, "value")));
	}
	print_table_end(&table);
	return CLI_OK;
}

static void render_elements(struct cli *cli, const json_t *result)
{
	const json_t *list = json_object_get(result, "elements"), *item;
	size_t i;

	json_array_foreach(list, i, item)
		buf_printf(&cli->out, "%s value %s\n", words(cli, json_object_get(item, "key")),
			   words(cli, json_object_get(item, "value")));
	if (json_is_true(json_object_get(result, "more")))
		print_warning(cli, NULL, "there are more elements than are shown");
}

/* A page of several: all of the first but what is behind its elements, of the others these alone */
static void put_json(const json_t *page, bool first, unsigned long long *shown, struct buf *out)
{
	char *table = json_dumps(json_object_get(page, "table"), JSON_COMPACT), *text;
	const json_t *item;
	size_t i;

	if (first)
		buf_printf(out, "{\"schema\":1,\"table\":%s,\"elements\":[", table);
	json_array_foreach(json_object_get(page, "elements"), i, item) {
		text = json_dumps(item, JSON_COMPACT);
		buf_printf(out, "%s%s", (*shown)++ ? "," : "", text);
		free(text);
	}
	if (!json_is_string(json_object_get(page, "cursor")))
		buf_printf(out, "],\"more\":%s}",
			   json_is_true(json_object_get(page, "more")) ? "true" : "false");
	free(table);
}

struct dump {
	json_t *params;
	struct buf *json;		/* where JSON goes; NULL: lines */
	unsigned long long shown;
	bool begun, more;
};

static int show_page(struct cli *cli, struct dump *dump)
{
	const char *result;
	json_t *page;
	int status;

	status = call_method(cli, "table.show", json_incref(dump->params), NULL, &result);
	if (status)
		return status;
	page = call_parse(result);
	if (!page)
		return report_fail(cli, CLI_UNREACHABLE, "the daemon's answer cannot be read");
	if (dump->json)
		put_json(page, !dump->begun, &dump->shown, dump->json);
	else
		render_elements(cli, page);
	dump->begun = true;
	dump->more = json_is_string(json_object_get(page, "cursor"));
	json_object_set(dump->params, "cursor", json_object_get(page, "cursor"));
	json_decref(page);
	return cli_flush(cli, CLI_OK);
}

/* A table may have millions: each page is forgotten before the next one. Return: exit status */
static int show_elements(struct cli *cli, json_t *params)
{
	struct arena kept = cli->arena;
	struct dump dump = { .params = params, .more = true };
	struct buf text = {};
	int status = CLI_OK;

	if (cli->json)
		dump.json = cli->pretty ? &text : &cli->out;
	while (dump.more && !status) {
		cli->arena = (struct arena){};
		status = show_page(cli, &dump);
		arena_fini(&cli->arena);
	}
	cli->arena = kept;
	if (!status && cli->pretty)
		print_json(cli, text.data);
	else if (!status && cli->json)
		buf_char(&cli->out, '\n');
	buf_fini(&text);
	json_decref(params);
	return status;
}

static int cmd_table_show(struct cli *cli, int argc, char **argv)
{
	json_t *params = json_pack("{s:s}", "node", argv[0]);

	if (argc == 1)
		return call_show(cli, "table.show", params, NULL, render_tables);
	json_object_set_new(params, "table", json_string(argv[1]));
	return show_elements(cli, params);
}

static json_t *list_of(int argc, char **argv)
{
	json_t *list = json_array();
	int i;

	for (i = 0; i < argc; i++)
		json_array_append_new(list, json_string(argv[i]));
	return list;
}

static json_t *element(int argc, char **argv)
{
	return json_pack("{s:s, s:s, s:o}", "node", argv[0], "table", argv[1], "key",
			 list_of(argc - 2, argv + 2));
}

static int render_value(struct cli *cli, const json_t *result)
{
	const json_t *value = json_object_get(json_object_get(result, "element"), "value");

	buf_printf(&cli->out, "%s\n", words(cli, value));
	return CLI_OK;
}

static int cmd_table_get(struct cli *cli, int argc, char **argv)
{
	return call_show(cli, "table.get", element(argc, argv), NULL, render_value);
}

static int render_nothing(struct cli *cli, const json_t *result)
{
	return CLI_OK;
}

static int cmd_table_set(struct cli *cli, int argc, char **argv)
{
	json_t *params;
	int i;

	for (i = 2; i < argc && strcmp(argv[i], "value"); i++)
		;
	if (i == 2 || i + 1 >= argc)
		return report_fail(cli, CLI_USAGE, "usage: shunt %s %s", cli->cmd->words,
				   cli->cmd->args);
	params = element(i, argv);
	json_object_set_new(params, "value", list_of(argc - i - 1, argv + i + 1));
	return call_show(cli, "table.set", params, NULL, render_nothing);
}

static int cmd_table_del(struct cli *cli, int argc, char **argv)
{
	return call_show(cli, "table.del", element(argc, argv), NULL, render_nothing);
}

const struct cli_cmd table_commands[] = {
	{ "table show", "NODE [TABLE]", 1, 2, OPT(WATCH),
	  "Tables of a node; or the elements of one",
	  .more = "Elements are printed as the words that 'table set' takes. Of the flow table and of\n"
		  "translations (ct_*, nat_*), which all nodes share, those that are not all zero.",
	  .example = "shunt table show slow limit_bucket", .run = cmd_table_show },
	{ "table get", "NODE TABLE KEY...", 3, -1, OPT(WATCH), "One element's value",
	  .more = "A struct is written as words FIELD=VALUE, nested fields with a dot.",
	  .example = "shunt table get slow limit_bucket 10.0.0.5", .run = cmd_table_get },
	{ "table set", "NODE TABLE KEY... value VALUE...", 5, -1, 0, "Set an element",
	  .more = "Fields that are not named keep what they are, or are 0 in a new element.",
	  .example = "shunt table set geo geo_country prefix=203.0.113.0 len=24 value country=NL",
	  .run = cmd_table_set, .changes = true },
	{ "table del", "NODE TABLE KEY...", 3, -1, 0, "Delete an element",
	  .example = "shunt table del slow limit_bucket 10.0.0.5", .run = cmd_table_del,
	  .changes = true },
	{}
};
