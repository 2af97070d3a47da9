// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* drop.c - what was dropped, where and why */
#include <cli/commands.h>

static bool same(const json_t *a, const json_t *b)
{
	static const char *const keys[] = { "graph", "hook", "node", "edge", "reason" };
	const json_t *x, *y;
	unsigned int i;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		x = json_object_get(a, keys[i]);
		y = json_object_get(b, keys[i]);
		if (x != y && !json_equal(x, y))
			return false;
	}
	return true;
}

/* Packets of the same drop an answer ago; one that was not there had none */
static uint64_t before(const struct cli *cli, const json_t *drop)
{
	const json_t *list = json_object_get(cli->last, "drops"), *item;
	size_t i;

	json_array_foreach(list, i, item)
		if (same(item, drop))
			return print_number(item, "packets");
	return 0;
}

static const char *rate(struct cli *cli, const json_t *drop)
{
	uint64_t now = print_number(drop, "packets"), then;

	if (!cli->last || cli->last_s <= 0)
		return "-";
	then = before(cli, drop);
	return arena_printf(&cli->arena, "%.0f", now > then ? (now - then) / cli->last_s : 0.0);
}

static void remember(struct cli *cli, const json_t *result)
{
	json_decref(cli->last);
	cli->last = json_deep_copy(result);
}

static int render_drops(struct cli *cli, const json_t *result)
{
	const json_t *drops = json_object_get(result, "drops"), *drop;
	bool watch = cli_has(cli, OPT_WATCH);
	struct print_table table;
	size_t i;

	if (watch)
		print_table_init(&table, cli, ">PACKETS", ">PER SECOND", "REASON", "GRAPH", "HOOK",
				 "NODE", "EDGE", "MEANING", NULL);
	else
		print_table_init(&table, cli, ">PACKETS", "REASON", "GRAPH", "HOOK", "NODE", "EDGE",
				 "MEANING", NULL);
	json_array_foreach(drops, i, drop) {
		print_table_cell(&table, print_cell(cli, drop, "packets"));
		if (watch)
			print_table_cell(&table, rate(cli, drop));
		print_table_cell(&table, print_cell(cli, drop, "reason"));
		print_table_cell(&table, print_cell(cli, drop, "graph"));
		print_table_cell(&table, print_cell(cli, drop, "hook"));
		print_table_cell(&table, print_cell(cli, drop, "node"));
		print_table_cell(&table, print_cell(cli, drop, "edge"));
		print_table_cell(&table, print_cell(cli, drop, "help"));
	}
	print_table_end(&table);
	if (!table.n_rows && !cli->quiet)
		buf_str(&cli->out, "nothing was dropped\n");
	if (watch)
		remember(cli, result);
	return CLI_OK;
}

static int cmd_drop_show(struct cli *cli, int argc, char **argv)
{
	return call_show(cli, "drop.show", NULL, NULL, render_drops);
}

const struct cli_cmd drop_commands[] = {
	{ "drop show", "", 0, 0, OPT(WATCH), "Packets dropped: where, and for what reason",
	  .example = "shunt drop show -w1", .run = cmd_drop_show },
	{}
};
