// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* sync.c - the mirror of the kernel's tables: what is in it, whether it is as the kernel is */
#include <string.h>

#include <cli/commands.h>

/* "1.2 s", "12 s", "3 min" */
static const char *ago(struct cli *cli, const json_t *item, const char *key, const char *never)
{
	int64_t ms;

	if (!json_is_integer(json_object_get(item, key)))
		return never;
	ms = print_number(item, key);
	return ms < 10000 ? print_us(cli, ms * 1000) : print_span(cli, ms / 1000);
}

static void render_classes(struct cli *cli, const json_t *classes)
{
	struct print_table table;
	const json_t *item;
	size_t i;

	print_table_init(&table, cli, "CLASS", ">ENTRIES", ">BYTES", ">EVENTS", ">CHANGES",
			 ">RESYNCS", ">INTERRUPTED", ">REPAIRED", ">CHANGED", ">STALE", NULL);
	json_array_foreach(classes, i, item) {
		print_table_cell(&table, print_cell(cli, item, "class"));
		print_table_cell(&table, print_cell(cli, item, "entries"));
		print_table_cell(&table, print_cell(cli, item, "bytes"));
		print_table_cell(&table, print_cell(cli, item, "events"));
		print_table_cell(&table, print_cell(cli, item, "changes"));
		print_table_cell(&table, print_cell(cli, item, "resyncs"));
		print_table_cell(&table, print_cell(cli, item, "interrupted"));
		print_table_cell(&table, print_cell(cli, item, "repaired"));
		print_table_cell(&table, ago(cli, item, "changed_ms", "-"));
		print_table_cell(&table, ago(cli, item, "stale_ms", "no"));
	}
	print_table_end(&table);
}

static int render_show(struct cli *cli, const json_t *result)
{
	const json_t *name;
	size_t i;

	render_classes(cli, json_object_get(result, "classes"));
	buf_printf(&cli->out, "\n%s events, %s overruns\n", print_cell(cli, result, "events"),
		   print_cell(cli, result, "overruns"));
	json_array_foreach(json_object_get(result, "not_mirrored"), i, name)
		buf_printf(&cli->out, "%s%s", i ? ", " : "not mirrored: ",
			   json_string_value(name) ?: "");
	if (json_array_size(json_object_get(result, "not_mirrored")))
		buf_char(&cli->out, '\n');
	return CLI_OK;
}

static int cmd_sync_show(struct cli *cli, int argc, char **argv)
{
	return call_show(cli, "sync.show", NULL, NULL, render_show);
}

static int cmd_sync_resync(struct cli *cli, int argc, char **argv)
{
	return call_show(cli, "sync.resync", NULL, NULL, render_show);
}

static int render_verify(struct cli *cli, const json_t *result)
{
	const json_t *item;
	int64_t n = print_number(result, "count");
	size_t i;

	json_array_foreach(json_object_get(result, "differences"), i, item) {
		buf_printf(&cli->out, "%s %s\n", print_cell(cli, item, "item"),
			   print_cell(cli, item, "key"));
		buf_printf(&cli->out, "    mirror: %s\n", print_cell(cli, item, "mirror"));
		buf_printf(&cli->out, "    kernel: %s\n", print_cell(cli, item, "kernel"));
	}
	if (json_array_size(json_object_get(result, "differences")) < (size_t)n)
		buf_str(&cli->out, "...\n");
	if (!cli->quiet || n)
		buf_printf(&cli->out, "%s entries, %s%s differences\n",
			   print_cell(cli, result, "entries"), print_cell(cli, result, "count"),
			   json_is_true(json_object_get(result, "more")) ? " or more" : "");
	return n ? CLI_DIFFERENT : CLI_OK;
}

static int cmd_sync_verify(struct cli *cli, int argc, char **argv)
{
	const char *text;
	json_t *result;
	int64_t n;
	int status = call_method(cli, "sync.verify", NULL, NULL, &text);

	if (status)
		return status;
	result = call_parse(text);
	n = print_number(result, "count");
	json_decref(result);
	status = call_print(cli, text, render_verify);
	return status ? status : n ? CLI_DIFFERENT : CLI_OK;
}

const struct cli_cmd sync_commands[] = {
	{ "sync show", "", 0, 0, OPT(WATCH), "What is mirrored of the kernel's tables",
	  .more = "CHANGED and STALE say for how long. A class is stale while it may lack something: events\n"
		  "were lost, or its dump was interrupted. REPAIRED are entries that a later dump had\n"
		  "otherwise than the events before it. 'shuntd --mirror' says which classes besides links\n"
		  "and addresses.",
	  .example = "shunt sync show", .run = cmd_sync_show },
	{ "sync resync", "", 0, 0, 0, "Dump the kernel's tables again",
	  .more = "The daemon answers nobody else meanwhile: some two seconds for a million routes.",
	  .example = "shunt sync resync", .run = cmd_sync_resync, .changes = true },
	{ "sync verify", "", 0, 0, 0, "Compare the mirror with the kernel's tables",
	  .more = "Ends 1 if something differs, and says what. What differs is asked for again before it\n"
		  "counts. The daemon answers nobody else meanwhile.",
	  .example = "shunt sync verify", .run = cmd_sync_verify, .changes = true },
	{}
};
