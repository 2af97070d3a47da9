// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* nat.c - what rules give flows, and how many flows have it */
#include <stdlib.h>
#include <string.h>

#include <cli/commands.h>
#include <cli/page.h>

static bool same(const json_t *a, const json_t *b)
{
	static const char *const keys[] = { "node", "id", "translation", NULL };
	unsigned int i;

	for (i = 0; keys[i]; i++)
		if (!json_equal(json_object_get(a, keys[i]), json_object_get(b, keys[i])))
			return false;
	return true;
}

/* The flows of one more page, by translation: rules may have come and gone between two */
static void add_flows(json_t *sum, const json_t *page)
{
	const json_t *add;
	json_t *to;
	size_t i, k;

	json_array_foreach(json_object_get(sum, "translations"), i, to)
		json_array_foreach(json_object_get(page, "translations"), k, add)
			if (same(to, add)) {
				json_object_set_new(to, "flows",
						    json_integer(print_number(to, "flows") +
								 print_number(add, "flows")));
				break;
			}
}

static const char *graphs_of(struct cli *cli, const json_t *item)
{
	const json_t *graph;
	const char *text = "";
	size_t i;

	json_array_foreach(json_object_get(item, "graphs"), i, graph)
		text = arena_printf(&cli->arena, "%s%s%s", text, i ? " " : "",
				    json_string_value(graph));
	return text;
}

static void render_rules(struct cli *cli, const json_t *sum)
{
	struct print_table table;
	const json_t *item;
	size_t i;

	print_table_init(&table, cli, "NODE", "ID", "GRAPHS", ">FLOWS", "TRANSLATION", NULL);
	json_array_foreach(json_object_get(sum, "translations"), i, item) {
		print_table_cell(&table, print_cell(cli, item, "node"));
		print_table_cell(&table, print_cell(cli, item, "id"));
		print_table_cell(&table, graphs_of(cli, item));
		print_table_cell(&table, print_cell(cli, item, "flows"));
		print_table_cell(&table, print_cell(cli, item, "translation"));
	}
	print_table_end(&table);
}

static void render_links(struct cli *cli, const json_t *links)
{
	struct print_table table;
	const json_t *link;
	size_t i;

	buf_char(&cli->out, '\n');
	print_table_init(&table, cli, "INTERFACE", "MASQUERADE", "IPV6", NULL);
	json_array_foreach(links, i, link) {
		print_table_cell(&table, print_cell(cli, link, "dev"));
		print_table_cell(&table, print_cell(cli, link, "ip"));
		print_table_cell(&table, print_cell(cli, link, "ip6"));
	}
	print_table_end(&table);
}

static bool masquerades(const json_t *sum)
{
	const json_t *item;
	size_t i;

	json_array_foreach(json_object_get(sum, "translations"), i, item)
		if (!strcmp(json_string_value(json_object_get(item, "kind")) ?: "", "masquerade"))
			return true;
	return false;
}

static int cmd_nat_show(struct cli *cli, int argc, char **argv)
{
	json_t *sum;
	char *text;
	int status = page_sum(cli, "nat.show", NULL, add_flows, &sum);

	if (status)
		return status;
	if (cli->json) {
		text = json_dumps(sum, JSON_COMPACT);
		print_json(cli, text);
		free(text);
	} else {
		render_rules(cli, sum);
		if (masquerades(sum))
			render_links(cli, json_object_get(sum, "masquerade"));
		if (print_number(sum, "exhausted"))
			buf_printf(&cli->out, "\n%s new flows found no address and port free\n",
				   print_cell(cli, sum, "exhausted"));
	}
	json_decref(sum);
	return CLI_OK;
}

const struct cli_cmd nat_commands[] = {
	{ "nat show", "", 0, 0, OPT(WATCH), "What rules translate, and how many flows",
	  .more = "A flow is counted where its end outside is what the translation gives: where two give\n"
		  "the same, for both. Of masquerade also the addresses that interfaces have for it.",
	  .example = "shunt nat show", .run = cmd_nat_show },
	{}
};
