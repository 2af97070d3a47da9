// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* status.c - status, version: the daemon on one screen */
#include <stdlib.h>
#include <string.h>

#include <cli/commands.h>

static void render_head(struct cli *cli, const json_t *result)
{
	const json_t *deadline = json_object_get(result, "confirm_by");
	const char *comment = print_member(cli, result, "comment");
	int64_t time = print_number(result, "time");

	buf_printf(&cli->out, "generation %s", print_cell(cli, result, "generation"));
	if (time)
		buf_printf(&cli->out, ", %s old", print_span(cli, cli_now(cli) - time));
	if (comment && *comment)
		buf_printf(&cli->out, ", \"%s\"", comment);
	buf_printf(&cli->out, " (shuntd %s, up %s)\n", print_cell(cli, result, "version"),
		   print_span(cli, print_number(result, "uptime_s")));
	if (json_is_integer(deadline))
		buf_printf(&cli->out, "%s goes back in %lld s unless 'shunt confirm' comes first\n",
			   print_colored(cli, PRINT_YELLOW, "not confirmed:"),
			   (long long)(json_integer_value(deadline) - cli_now(cli)));
}

static const char *mode_of(struct cli *cli, const json_t *attachment)
{
	const char *mode = print_member(cli, attachment, "mode");
	const char *wanted = print_member(cli, attachment, "wanted");

	if (!mode)
		return print_colored(cli, PRINT_RED, "not attached");
	if (!wanted || !strcmp(mode, wanted) || !strcmp(wanted, "auto"))
		return mode;
	return arena_printf(&cli->arena, "%s (wanted %s)", mode, wanted);
}

static void render_attachments(struct cli *cli, const json_t *list)
{
	struct print_table table;
	const json_t *item;
	size_t i;

	print_table_init(&table, cli, "DEV", "HOOK", "GRAPH", ">PROGRAM", "HOW", "MODE", NULL);
	json_array_foreach(list, i, item) {
		print_table_cell(&table, print_cell(cli, item, "dev"));
		print_table_cell(&table, print_cell(cli, item, "hook"));
		print_table_cell(&table, print_cell(cli, item, "graph"));
		print_table_cell(&table, print_cell(cli, item, "program"));
		print_table_cell(&table, print_cell(cli, item, "how"));
		print_table_cell(&table, mode_of(cli, item));
	}
	if (table.n_rows)
		buf_char(&cli->out, '\n');
	print_table_end(&table);
}

static void render_graphs(struct cli *cli, const json_t *list)
{
	struct print_table table;
	const json_t *item;
	size_t i;

	print_table_init(&table, cli, "GRAPH", "HOOK", ">GENERATION", ">NODES", "DEPTH", ">PACKETS",
			 ">DROPPED", NULL);
	json_array_foreach(list, i, item) {
		print_table_cell(&table, print_cell(cli, item, "name"));
		print_table_cell(&table, print_cell(cli, item, "hook"));
		print_table_cell(&table, print_cell(cli, item, "generation"));
		print_table_cell(&table, print_cell(cli, item, "nodes"));
		print_table_cell(&table, print_cell(cli, item, "depth"));
		print_table_cell(&table, print_cell(cli, item, "packets"));
		print_table_cell(&table, print_cell(cli, item, "dropped"));
	}
	if (table.n_rows)
		buf_char(&cli->out, '\n');
	print_table_end(&table);
}

static void render_waiting(struct cli *cli, const json_t *list)
{
	const json_t *item;
	size_t i;

	if (!json_array_size(list))
		return;
	buf_str(&cli->out, "\nno such interface yet:");
	json_array_foreach(list, i, item)
		buf_printf(&cli->out, "%s %s", i ? "," : "", print_scalar(cli, item));
	buf_char(&cli->out, '\n');
}

static void render_flows(struct cli *cli, const json_t *list)
{
	struct print_table table;
	const json_t *item;
	size_t i;

	print_table_init(&table, cli, "FLOWS", ">TAKEN", ">SLOTS", ">MEMORY", NULL);
	json_array_foreach(list, i, item) {
		print_table_cell(&table, arena_printf(&cli->arena, "IPv%s",
						      print_cell(cli, item, "family")));
		print_table_cell(&table, print_cell(cli, item, "taken"));
		print_table_cell(&table, print_cell(cli, item, "slots"));
		print_table_cell(&table, print_bytes(cli, json_object_get(item, "memory_bytes")));
	}
	if (table.n_rows)
		buf_char(&cli->out, '\n');
	print_table_end(&table);
}

/* What is not as it should be, each on its line */
static void render_warnings(struct cli *cli, const json_t *result)
{
	const json_t *list = json_object_get(result, "attachments"), *item;
	const json_t *mirror = json_object_get(result, "mirror");
	size_t start = cli->out.len, i;

	buf_char(&cli->out, '\n');
	print_warnings(cli, NULL, json_object_get(result, "warnings"));
	json_array_foreach(list, i, item)
		print_warnings(cli, print_cell(cli, item, "dev"),
			       json_object_get(item, "warnings"));
	if (json_is_true(json_object_get(mirror, "stale")))
		print_warning(cli, NULL,
			      "the kernel's links may have changed unseen: a resync is due");
	if (print_number(result, "misses"))
		print_warning(cli, NULL, arena_printf(&cli->arena,
			      "%s tail calls found no program (each took its edge's fail policy)",
			      print_cell(cli, result, "misses")));
	if (cli->out.len == start + 1) {
		cli->out.len = start;
		cli->out.data[start] = '\0';
	}
}

static int render_status(struct cli *cli, const json_t *result)
{
	render_head(cli, result);
	render_attachments(cli, json_object_get(result, "attachments"));
	render_graphs(cli, json_object_get(result, "graphs"));
	render_flows(cli, json_object_get(result, "flows"));
	render_waiting(cli, json_object_get(result, "waiting"));
	render_warnings(cli, result);
	return CLI_OK;
}

static int cmd_status(struct cli *cli, int argc, char **argv)
{
	return call_show(cli, "status", NULL, NULL, render_status);
}

/* That no daemon runs is no failure here */
static int cmd_version(struct cli *cli, int argc, char **argv)
{
	json_t *answer = call_quietly(cli, "version", NULL);
	const char *daemon = print_member(cli, answer, "version");

	if (cli->json) {
		json_t *both = json_pack("{s:i, s:s, s:s?}", "schema", 1, "version", SHUNT_VERSION,
					 "daemon", daemon);
		char *text = json_dumps(both, JSON_COMPACT);

		print_json(cli, text ? text : "{}");
		free(text);
		json_decref(both);
	} else {
		buf_printf(&cli->out, "shunt %s\nshuntd %s\n", SHUNT_VERSION,
			   daemon ? daemon : "not reachable");
	}
	json_decref(answer);
	return CLI_OK;
}

const struct cli_cmd status_commands[] = {
	{ "status", "", 0, 0, OPT(WATCH),
	  "What runs where, how, and what is not as it should be",
	  .example = "shunt status", .run = cmd_status },
	{ "version", "", 0, 0, 0, "Versions of command and daemon",
	  .example = "shunt version", .run = cmd_version },
	{}
};
