// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* rule.c - rules of a filter node */
#include <string.h>

#include <cli/commands.h>

static bool has_chains(const json_t *rules)
{
	const json_t *rule;
	size_t i;

	json_array_foreach(rules, i, rule)
		if (json_is_string(json_object_get(rule, "chain")))
			return true;
	return false;
}

static const char *last_hit(struct cli *cli, const json_t *rule)
{
	const json_t *last = json_object_get(rule, "last_s");

	if (json_is_integer(last))
		return arena_printf(&cli->arena, "%s ago",
				    print_span(cli, cli_now(cli) - json_integer_value(last)));
	return last ? "never" : NULL;
}

static int render_rules(struct cli *cli, const json_t *result)
{
	const json_t *rules = json_object_get(result, "rules"), *rule;
	bool stats = cli_has(cli, OPT_STATS), chains = has_chains(rules);
	struct print_table table;
	size_t i;

	print_table_init(&table, cli, NULL);
	if (chains)
		print_table_column(&table, "CHAIN");
	print_table_column(&table, ">INDEX");
	print_table_column(&table, "ID");
	if (stats) {
		print_table_column(&table, ">PACKETS");
		print_table_column(&table, ">BYTES");
		print_table_column(&table, "LAST");
	}
	print_table_column(&table, "RULE");
	json_array_foreach(rules, i, rule) {
		if (chains)
			print_table_cell(&table, print_cell(cli, rule, "chain"));
		print_table_cell(&table, print_cell(cli, rule, "index"));
		print_table_cell(&table, print_cell(cli, rule, "id"));
		if (stats) {
			print_table_cell(&table, print_cell(cli, rule, "packets"));
			print_table_cell(&table, print_cell(cli, rule, "bytes"));
			print_table_cell(&table, last_hit(cli, rule));
		}
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

/* @params: where it goes; taken, like NULL, which is no UTF-8 text */
static int send_rule(struct cli *cli, const char *method, json_t *params, const char *rule)
{
	struct call_source source = { .file = "rule", .text = rule, .len = strlen(rule) };

	if (!params)
		return report_fail(cli, CLI_USAGE, "the rule is no UTF-8 text");
	if (cli_has(cli, OPT_CHAIN))
		json_object_set_new(params, "chain", json_string(cli->value[OPT_CHAIN]));
	apply_comment(cli, params);
	return call_show(cli, method, params, &source, render_added);
}

static int cmd_rule_add(struct cli *cli, int argc, char **argv)
{
	const char *rule = join(cli, argc - 1, argv + 1);
	uint64_t index;
	json_t *params;

	if (cli_has(cli, OPT_INDEX) && option_number(cli->value[OPT_INDEX], INT32_MAX, &index) < 0)
		return report_fail(cli, CLI_USAGE, "'--index' wants a number from 0, not '%s'",
				   cli->value[OPT_INDEX]);
	params = json_pack("{s:s, s:s}", "node", argv[0], "rule", rule);
	if (params && cli_has(cli, OPT_INDEX))
		json_object_set_new(params, "index", json_integer(index));
	return send_rule(cli, "rule.add", params, rule);
}

/* NODE INDEX RULE, or NODE before ID RULE */
static int cmd_rule_insert(struct cli *cli, int argc, char **argv)
{
	bool before = !strcmp(argv[1], "before");
	const char *rule;
	uint64_t index;

	if (argc < 3 + before)
		return report_fail(cli, CLI_USAGE, "usage: shunt %s %s", cli->cmd->words,
				   cli->cmd->args);
	rule = join(cli, argc - 2 - before, argv + 2 + before);
	if (before)
		return send_rule(cli, "rule.insert",
				 json_pack("{s:s, s:s, s:s}", "node", argv[0], "before", argv[2],
					   "rule", rule), rule);
	if (option_number(argv[1], INT32_MAX, &index) < 0)
		return report_fail(cli, CLI_USAGE,
				   "'%s' is no place: a number from 0, or 'before' and a rule's id",
				   argv[1]);
	return send_rule(cli, "rule.insert",
			 json_pack("{s:s, s:I, s:s}", "node", argv[0], "index", (json_int_t)index,
				   "rule", rule), rule);
}

static int cmd_rule_replace(struct cli *cli, int argc, char **argv)
{
	const char *rule = join(cli, argc - 2, argv + 2);

	return send_rule(cli, "rule.replace",
			 json_pack("{s:s, s:s, s:s}", "node", argv[0], "id", argv[1], "rule", rule),
			 rule);
}

static int cmd_rule_del(struct cli *cli, int argc, char **argv)
{
	json_t *params = json_pack("{s:s, s:s}", "node", argv[0], "id", argv[1]);

	apply_comment(cli, params);
	return call_show(cli, "rule.del", params, NULL, apply_render);
}

static void put_rule(struct cli *cli, const json_t *rule)
{
	const char *chain = print_member(cli, rule, "chain");
	const char *index = print_member(cli, rule, "index");

	buf_printf(&cli->out, "  rule %s%s%s%s%s: %s\n", chain ? chain : "", chain ? " " : "",
		   index ? index : "", index ? " " : "", print_cell(cli, rule, "id"),
		   print_cell(cli, rule, "rule"));
}

static int render_test(struct cli *cli, const json_t *result)
{
	const json_t *path = json_object_get(result, "path"), *rule;
	const char *reason = print_member(cli, result, "reason");
	size_t i;

	buf_str(&cli->out, print_cell(cli, result, "verdict"));
	if (reason)
		buf_printf(&cli->out, "(%s)", reason);
	buf_char(&cli->out, '\n');
	json_array_foreach(path, i, rule)
		put_rule(cli, rule);
	if (!json_array_size(path))
		buf_str(&cli->out, "  no rule matches: the default\n");
	return CLI_OK;
}

static int cmd_rule_test(struct cli *cli, int argc, char **argv)
{
	const char *packet = join(cli, argc - 1, argv + 1);
	struct call_source source = { .file = "packet", .text = packet, .len = strlen(packet) };
	json_t *params = json_pack("{s:s, s:s}", "node", argv[0], "packet", packet);

	if (!params)
		return report_fail(cli, CLI_USAGE, "the packet is no UTF-8 text");
	return call_show(cli, "rule.test", params, &source, render_test);
}

const struct cli_cmd rule_commands[] = {
	{ "rule list", "NODE", 1, 1, OPT(STATS) | OPT(WATCH), "Rules of a filter node, in order",
	  .more = "The id of a rule comes from its text: it stays when other rules come and go.",
	  .example = "shunt rule list guard -s", .run = cmd_rule_list },
	{ "rule add", "NODE RULE", 2, -1, OPT(INDEX) | OPT(CHAIN) | OPT(COMMENT), "Add a rule",
	  .more = "RULE may be one word or several.",
	  .example = "shunt rule add guard 'tcp dport 23 drop' --index 0", .run = cmd_rule_add,
	  .changes = true },
	{ "rule insert", "NODE PLACE RULE", 3, -1, OPT(CHAIN) | OPT(COMMENT),
	  "Add a rule in front of another",
	  .more = "PLACE is the index of that one, or 'before' and its id.",
	  .example = "shunt rule insert guard before 1f3a5c7e 'ip saddr 192.0.2.1 accept'",
	  .run = cmd_rule_insert, .changes = true },
	{ "rule replace", "NODE ID RULE", 3, -1, OPT(COMMENT), "Put a rule in place of another",
	  .example = "shunt rule replace guard 1f3a5c7e tcp dport 23 drop",
	  .run = cmd_rule_replace, .changes = true },
	{ "rule test", "NODE PACKET", 2, -1, 0, "Say what the rules do with a packet",
	  .more = "PACKET is values in the words of rules, or 'hex' and a frame's digits. It goes\n"
		  "through the program that runs, apart from traffic. Nothing counts it but\n"
		  "the elements of dynamic sets that count.",
	  .example = "shunt rule test guard ip saddr 192.0.2.1 tcp dport 22 iif eth0",
	  .run = cmd_rule_test, .changes = true },
	{ "rule del", "NODE ID", 2, 2, OPT(COMMENT), "Delete a rule",
	  .example = "shunt rule del guard 1f3a5c7e", .run = cmd_rule_del, .changes = true },
	{}
};
