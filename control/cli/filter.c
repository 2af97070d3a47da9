// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* filter.c - what the rules of a filter node became, and what they cost */
#include <cli/commands.h>

static const char *family_name(const json_t *family)
{
	return print_number(family, "family") == 6 ? "IPv6" : "IPv4";
}

static const char *mean_steps(struct cli *cli, const json_t *family)
{
	const json_t *mean = json_object_get(family, "mean_steps");

	return json_is_number(mean) ? arena_printf(&cli->arena, "%.1f", json_number_value(mean)) :
	       NULL;
}

static void render_families(struct cli *cli, const json_t *families)
{
	struct print_table table;
	const json_t *family;
	size_t i;

	if (cli_has(cli, OPT_COST))
		print_table_init(&table, cli, "FAMILY", ">ROWS", ">TREES", ">DEPTH", ">RESIDUAL",
				 ">STEPS", ">MEAN", ">MEMORY", "SLOWEST", NULL);
	else
		print_table_init(&table, cli, "FAMILY", ">ROWS", ">STEPS", ">MEMORY", NULL);
	json_array_foreach(families, i, family) {
		print_table_cell(&table, family_name(family));
		print_table_cell(&table, print_cell(cli, family, "rows"));
		if (cli_has(cli, OPT_COST)) {
			print_table_cell(&table, print_cell(cli, family, "trees"));
			print_table_cell(&table, print_cell(cli, family, "depth"));
			print_table_cell(&table, print_cell(cli, family, "residual"));
		}
		print_table_cell(&table, print_cell(cli, family, "steps"));
		if (cli_has(cli, OPT_COST))
			print_table_cell(&table, mean_steps(cli, family));
		print_table_cell(&table, print_bytes(cli, json_object_get(family, "bytes")));
		if (cli_has(cli, OPT_COST))
			print_table_cell(&table, print_cell(cli, family, "slowest"));
	}
	print_table_end(&table);
}

static int render_filter(struct cli *cli, const json_t *result)
{
	buf_printf(&cli->out, "filter %s: %s rules", print_cell(cli, result, "node"),
		   print_cell(cli, result, "rules"));
	buf_printf(&cli->out, ", %s with more than a box", print_cell(cli, result, "extensions"));
	buf_printf(&cli->out, ", %s", print_bytes(cli, json_object_get(result, "image_bytes")) ?: "-");
	if (print_number(result, "view_rows"))
		buf_printf(&cli->out, "; %s rows came since it was built",
			   print_cell(cli, result, "view_rows"));
	buf_str(&cli->out, "\n\n");
	render_families(cli, json_object_get(result, "families"));
	return CLI_OK;
}

static int cmd_filter_show(struct cli *cli, int argc, char **argv)
{
	return call_show(cli, "filter.show", json_pack("{s:s}", "node", argv[0]), NULL,
			 render_filter);
}

const struct cli_cmd filter_commands[] = {
	{ "filter show", "NODE", 1, 1, OPT(COST) | OPT(WATCH),
	  "What the rules of a filter node became",
	  .more = "STEPS is the most that a packet may take: nodes and rows that are read for it.\n"
		  "With --cost, also the mean over all rows and the region that is slowest.",
	  .example = "shunt filter show guard --cost", .run = cmd_filter_show },
	{ "filter limits", "[NODE]", 0, 1, 0, "What 'ct count' counts, those that are full first",
	  .more = "PREFIX is '-' where the rule counts all its flows together.",
	  .example = "shunt filter limits guard", .run = cmd_filter_limits },
	{}
};
