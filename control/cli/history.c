// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* history.c - generations: confirm, rollback, history, export */
#include <stdlib.h>
#include <string.h>

#include <cli/commands.h>

static int render_confirm(struct cli *cli, const json_t *result)
{
	if (!cli->quiet)
		buf_printf(&cli->out, "generation %s is confirmed\n",
			   print_cell(cli, result, "generation"));
	return CLI_OK;
}

static int cmd_confirm(struct cli *cli, int argc, char **argv)
{
	return call_show(cli, "confirm", NULL, NULL, render_confirm);
}

static int cmd_rollback(struct cli *cli, int argc, char **argv)
{
	const char *text = cli_has(cli, OPT_TO) ? cli->value[OPT_TO] : argc ? argv[0] : "1";
	json_t *params;
	uint64_t number;

	if (argc && cli_has(cli, OPT_TO))
		return report_fail(cli, CLI_USAGE, "either a number of steps or '--to GEN'");
	if (option_number(text, UINT32_MAX, &number) < 0 || !number)
		return report_fail(cli, CLI_USAGE, "'%s' is no number of %s", text,
				   argc ? "steps" : "a generation");
	params = json_pack("{s:I, s:b}", cli_has(cli, OPT_TO) ? "to" : "steps", (json_int_t)number,
			   "dry_run", cli_has(cli, OPT_DRY_RUN));
	apply_comment(cli, params);
	return call_show(cli, "rollback", params, NULL, apply_render);
}

static const char *state_of(struct cli *cli, const json_t *generation)
{
	const char *from = print_member(cli, generation, "from");
	const char *state = "";

	if (json_is_true(json_object_get(generation, "pending")))
		state = "not confirmed";
	else if (json_is_true(json_object_get(generation, "running")))
		state = "running";
	if (!from)
		return *state ? state : "-";
	return arena_printf(&cli->arena, "%s%sas %s", state, *state ? ", " : "", from);
}

static int render_history(struct cli *cli, const json_t *result)
{
	const json_t *list = json_object_get(result, "generations"), *item;
	struct print_table table;
	const char *user;
	size_t i;

	print_table_init(&table, cli, ">GENERATION", "TIME", "USER", "STATE", "COMMENT", NULL);
	json_array_foreach(list, i, item) {
		user = print_member(cli, item, "user");
		print_table_cell(&table, print_cell(cli, item, "generation"));
		print_table_cell(&table, print_time(cli, print_number(item, "time")));
		print_table_cell(&table, user ? user : print_cell(cli, item, "uid"));
		print_table_cell(&table, state_of(cli, item));
		print_table_cell(&table, print_cell(cli, item, "comment"));
	}
	print_table_end(&table);
	return CLI_OK;
}

static int cmd_history(struct cli *cli, int argc, char **argv)
{
	return call_show(cli, "history", NULL, NULL, render_history);
}

static int render_export(struct cli *cli, const json_t *result)
{
	struct diags diags = { .arena = &cli->arena };
	const json_t *config = json_object_get(result, "config");
	struct buf json = {};
	struct tree *tree;

	if (!config)
		return report_fail(cli, CLI_UNREACHABLE,
				   "the answer to 'export' has no configuration");
	if (tree_from_value(config, &diags, &tree) < 0) {
		report_findings(cli, "configuration", NULL, 0, NULL, &diags);
		return CLI_INVALID;
	}
	if (cli->json) {
		tree_to_json(tree, &json);
		print_json(cli, json.data);
		buf_fini(&json);
	} else {
		tree_to_yaml(tree, &cli->out);
	}
	return CLI_OK;
}

/* The configuration alone, also as JSON: it is what 'apply' takes */
static int cmd_export(struct cli *cli, int argc, char **argv)
{
	json_t *params = json_object(), *answer;
	const char *result;
	uint64_t number;
	int status;

	if (argc) {
		if (option_number(argv[0], UINT32_MAX, &number) < 0) {
			json_decref(params);
			return report_fail(cli, CLI_USAGE, "'%s' is no generation", argv[0]);
		}
		json_object_set_new(params, "generation", json_integer(number));
	}
	status = call_method(cli, "export", params, NULL, &result);
	if (status)
		return status;
	answer = call_parse(result);
	status = render_export(cli, answer);
	json_decref(answer);
	return status;
}

const struct cli_cmd history_commands[] = {
	{ "confirm", "", 0, 0, 0, "Keep what 'apply --confirm' made run",
	  .example = "shunt confirm", .run = cmd_confirm, .changes = true },
	{ "rollback", "[N]", 0, 1, OPT(TO) | OPT(DRY_RUN) | OPT(COMMENT),
	  "Go back by N generations (1), or to one",
	  .more = "The earlier configuration becomes a new generation.",
	  .example = "shunt rollback --to 7", .run = cmd_rollback, .changes = true },
	{ "history", "", 0, 0, 0, "Generations kept: when, by whom, why",
	  .example = "shunt history", .run = cmd_history },
	{ "export", "[GEN]", 0, 1, 0, "Print the configuration that runs, or an earlier one",
	  .more = "'shunt apply' accepts it, in YAML and (with --json) in JSON.",
	  .example = "shunt export > edge.yaml", .run = cmd_export },
	{}
};
