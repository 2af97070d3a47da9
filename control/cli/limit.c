// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* limit.c - what rules count of connections, and by which addresses */
#include <stdlib.h>

#include <cli/commands.h>

/* All pages as one. Return: exit status */
static int read_all(struct cli *cli, const char *node, json_t **ret_sum)
{
	json_t *page, *sum = NULL, *params = json_object();
	const char *result;
	bool more = true;
	int status = CLI_OK;

	if (node)
		json_object_set_new(params, "node", json_string(node));
	while (more && !status) {
		status = call_method(cli, "filter.limits", json_incref(params), NULL, &result);
		if (status)
			break;
		page = call_parse(result);
		if (!page) {
			status = report_fail(cli, CLI_UNREACHABLE,
					     "the daemon's answer cannot be read");
			break;
		}
		more = json_is_string(json_object_get(page, "cursor"));
		json_object_set(params, "cursor", json_object_get(page, "cursor"));
		if (sum)
			json_array_extend(json_object_get(sum, "counts"),
					  json_object_get(page, "counts"));
		else
			sum = json_incref(page);
		json_decref(page);
	}
	json_decref(params);
	if (!status)
		*ret_sum = sum;
	else
		json_decref(sum);
	return status;
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
	json_t *sum;
	char *text;
	int status = read_all(cli, argc ? argv[0] : NULL, &sum);

	if (status)
		return status;
	if (cli->json) {
		json_object_del(sum, "cursor");
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
