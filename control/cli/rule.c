// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* rule.c - rules of a filter node */
#include <string.h>

#include <cli/commands.h>

static int render_rules(struct cli *cli, const json_t *result)
{
	const json_t *rules = json_object_get(result, "rules"), *rule;
	struct print_table table;
	size_t i;

	if (cli_has(cli, OPT_STATS))
		print_table_init(&table, cli, ">INDEX", "ID", ">PACKETS", "RULE", NULL);
	else
		print_table_init(&table, cli, ">INDEX", "ID", "RULE", NULL);
	json_array_foreach(rules, i, rule) {
		print_table_cell(&table, print_cell(cli, rule, "index"));
		print_table_cell(&table, print_cell(cli, rule, "id"));
		if (cli_has(cli, OPT_STATS))
			print_table_cell(&table, print_cell(cli, rule, "packets"));
		print_table_cell(&table, print_cell(cli, rule, "rule"));
	}
	print_table_end(&table);
	if (!cli->quiet)
		buf_printf(&cli->out, "default: %s\n", print_cell(cli, result, "default"));
	return CLI_OK;
}

static int cmd_rule_list(struct cli *cli, int argc, char **argv)
{
	return call_show(cli, "rule.list", json_pack("{s:s}", "node", argv[0]), NULL, render_rules);
}

static int render_added(struct cli *cli, const json_t *result)
{
	const char *id = print_member(cli, result, "id");

	if (id && *id)
		buf_printf(&cli->out, "rule %s\n", id);
	return apply_render(cli, result);
}

static const char *join(struct cli *cli, int argc, char **argv)
{
	struct buf text = {};
	const char *joined;
	int i;

	for (i = 0; i < argc; i++)
		buf_printf(&text, "%s%s", i ? " " : "", argv[i]);
	joined = arena_strdup(&cli->arena, text.data);
	buf_fini(&text);
	return joined;
}

static int cmd_rule_add(struct cli *cli, int argc, char **argv)
{
	const char *rule = join(cli, argc - 1, argv + 1);
	struct call_source source = { .file = "rule", .text = rule, .len = strlen(rule) };
	uint64_t index;
	json_t *params;

	if (cli_has(cli, OPT_INDEX) && option_number(cli->value[OPT_INDEX], INT32_MAX, &index) < 0)
		return report_fail(cli, CLI_USAGE, "'--index' wants a number from 0, not '%s'",
				   cli->value[OPT_INDEX]);
	params = json_pack("{s:s, s:s}", "node", argv[0], "rule", rule);
	if (!params)
		return report_fail(cli, CLI_USAGE, "the rule is no UTF-8 text");
	if (cli_has(cli, OPT_INDEX))
		json_object_set_new(params, "index", json_integer(index));
	apply_comment(cli, params);
	return call_show(cli, "rule.add", params, &source, render_added);
}

static int cmd_rule_del(struct cli *cli, int argc, char **argv)
{
	json_t *params = json_pack("{s:s, s:s}", "node", argv[0], "id", argv[1]);

	apply_comment(cli, params);
	return call_show(cli, "rule.del", params, NULL, apply_render);
}

const struct cli_cmd rule_commands[] = {
	{ "rule list", "NODE", 1, 1, OPT(STATS) | OPT(WATCH), "Rules of a filter node, in order",
	  .more = "The id of a rule comes from its text: it stays when other rules come and go.",
	  .example = "shunt rule list guard -s", .run = cmd_rule_list },
	{ "rule add", "NODE RULE", 2, -1, OPT(INDEX) | OPT(COMMENT), "Add a rule",
	  .more = "RULE may be one word or several.",
	  .example = "shunt rule add guard 'tcp dport 23 drop' --index 0", .run = cmd_rule_add,
	  .changes = true },
	{ "rule del", "NODE ID", 2, 2, OPT(COMMENT), "Delete a rule",
	  .example = "shunt rule del guard 1f3a5c7e", .run = cmd_rule_del, .changes = true },
	{}
};
