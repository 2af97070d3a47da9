// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* limit.c - what rules count of connections, and by which addresses */
#include <stdlib.h>

#include <cli/commands.h>
#include <cli/page.h>

static void add_counts(json_t *sum, const json_t *page)
{
	json_array_extend(json_object_get(sum, "counts"), json_object_get(page, "counts"));
}

/* Those that are full first: a table of all may be long */
static void render_counts(struct cli *cli, const json_t *counts)
{
	struct print_table table;
	const json_t *item;
	int full;
	size_t i;

	print_table_init(&table, cli, "NODE", "ID", "PREFIX", ">FLOWS", "FULL", "LIMIT", NULL);
	for (full = 1; full >= 0; full--)
		json_array_foreach(counts, i, item) {
			if (json_is_true(json_object_get(item, "full")) != full)
				continue;
			print_table_cell(&table, print_cell(cli, item, "node"));
			print_table_cell(&table, print_cell(cli, item, "id"));
			print_table_cell(&table, print_cell(cli, item, "prefix"));
			print_table_cell(&table, print_cell(cli, item, "flows"));
			print_table_cell(&table, full ? "yes" : "no");
			print_table_cell(&table, print_cell(cli, item, "limit"));
		}
	print_table_end(&table);
}

int cmd_filter_limits(struct cli *cli, int argc, char **argv)
{
	json_t *sum, *params = argc ? json_pack("{s:s}", "node", argv[0]) : NULL;
	char *text;
	int status;

	if (argc && !params)
		return report_fail(cli, CLI_USAGE, "the name of the node is no UTF-8 text");
	status = page_sum(cli, "filter.limits", params, add_counts, &sum);
	if (status)
		return status;
	if (cli->json) {
		text = json_dumps(sum, JSON_COMPACT);
		print_json(cli, text);
		free(text);
	} else {
		render_counts(cli, json_object_get(sum, "counts"));
		if (print_number(sum, "limit_full"))
			buf_printf(&cli->out, "\n%s packets found no room to be counted in\n",
				   print_cell(cli, sum, "limit_full"));
	}
	json_decref(sum);
	return CLI_OK;
}
