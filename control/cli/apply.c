// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* apply.c - check, diff, apply: from a file to what runs; and what every change answers */
#include <string.h>

#include <cli/commands.h>

static const char *how_many(struct cli *cli, const json_t *result, const char *key)
{
	uint64_t n = print_number(result, key);

	return n ? arena_printf(&cli->arena, ", %llu %s", (unsigned long long)n, key) : "";
}

static void render_work(struct cli *cli, const json_t *result)
{
	buf_printf(&cli->out, "generation %s: %s rendered%s%s%s%s\n",
		   print_cell(cli, result, "generation"), print_cell(cli, result, "rendered"),
		   how_many(cli, result, "kept"), how_many(cli, result, "attached"),
		   how_many(cli, result, "replaced"), how_many(cli, result, "detached"));
	buf_printf(&cli->out, "loaded in %s, committed in %s, grace period %s\n",
		   print_us(cli, print_number(result, "load_us")),
		   print_us(cli, print_number(result, "commit_us")),
		   print_us(cli, print_number(result, "grace_us")));
}

static void render_plan(struct cli *cli, const json_t *result)
{
	const char *plan = json_string_value(json_object_get(result, "plan"));

	buf_printf(&cli->out, "would be generation %s; nothing was done\n",
		   print_cell(cli, result, "generation"));
	print_text(&cli->out, plan ? plan : "");
	if (plan && *plan && plan[strlen(plan) - 1] != '\n')
		buf_char(&cli->out, '\n');
}

int apply_render(struct cli *cli, const json_t *result)
{
	bool changed = json_is_true(json_object_get(result, "changed"));
	const json_t *deadline = json_object_get(result, "confirm_by");

	if (!cli->quiet && !changed)
		buf_printf(&cli->out, "no difference: generation %s stays\n",
			   print_cell(cli, result, "generation"));
	else if (cli_has(cli, OPT_DRY_RUN))
		render_plan(cli, result);
	else if (!cli->quiet)
		render_work(cli, result);
	if (!cli->quiet && json_is_integer(deadline))
		buf_printf(&cli->out,
			   "%s goes back at %s (in %s) unless 'shunt confirm' comes first\n",
			   print_colored(cli, PRINT_YELLOW, "not confirmed:"),
			   print_time(cli, json_integer_value(deadline)),
			   print_span(cli, json_integer_value(deadline) - cli_now(cli)));
	if (print_warnings(cli, NULL, json_object_get(result, "warnings")))
		return CLI_DEGRADED;
	return CLI_OK;
}

void apply_comment(const struct cli *cli, json_t *params)
{
	if (cli_has(cli, OPT_COMMENT))
		json_object_set_new(params, "comment", json_string(cli->value[OPT_COMMENT]));
}

static int cmd_apply(struct cli *cli, int argc, char **argv)
{
	struct call_source source;
	unsigned int seconds = 0;
	struct input *input;
	json_t *params;
	int status;

	if (cli_has(cli, OPT_CONFIRM) &&
	    (option_duration(cli->value[OPT_CONFIRM], &seconds) < 0 || !seconds || seconds > 86400))
		return report_fail(cli, CLI_USAGE,
				   "'--confirm' wants a time up to a day: 90, 90s, 2m, 1h");
	status = input_read(cli, argv[0], &input);
	if (status)
		return status;
	source = input_source(input);
	params = json_pack("{s:o, s:i, s:b}", "config", input_json(input), "confirm_s",
			   (int)seconds, "dry_run", cli_has(cli, OPT_DRY_RUN));
	apply_comment(cli, params);
	return call_show(cli, "apply", params, &source, apply_render);
}

static int render_diff(struct cli *cli, const json_t *result)
{
	const json_t *lines = json_object_get(result, "lines"), *item;
	enum print_color color;
	size_t i;

	json_array_foreach(lines, i, item) {
		const char *line = print_scalar(cli, item);

		if (!line)
			continue;
		color = *line == '+' ? PRINT_GREEN : *line == '-' ? PRINT_RED : PRINT_YELLOW;
		buf_printf(&cli->out, "%s\n", print_colored(cli, color, line));
	}
	return print_number(result, "differences") ? CLI_DIFFERENT : CLI_OK;
}

static int cmd_diff(struct cli *cli, int argc, char **argv)
{
	struct call_source source;
	struct input *input;
	int status;

	status = input_read(cli, argv[0], &input);
	if (status)
		return status;
	source = input_source(input);
	return call_show(cli, "diff", json_pack("{s:o}", "config", input_json(input)), &source,
			 render_diff);
}

/* Findings of 'check' are its result, not a failure of the call */
static int check_findings(struct cli *cli, struct input *input, const char *result)
{
	struct diags errors = { .arena = &cli->arena }, warnings = { .arena = &cli->arena };
	json_t *answer = call_parse(result);
	unsigned int i;

	report_read_findings(json_object_get(answer, "errors"), &errors);
	report_read_findings(json_object_get(answer, "warnings"), &warnings);
	if (!errors.n || !input_check(cli, input))
		report_findings(cli, input->file, input->text, input->len, input->tree, &errors);
	for (i = 0; i < warnings.n && !cli->json; i++)
		print_warning(cli, input->file, warnings.v[i].message);
	if (!errors.n && !cli->quiet && !cli->json)
		buf_printf(&cli->out, "%s: ok\n", input->file);
	json_decref(answer);
	return errors.n ? CLI_INVALID : CLI_OK;
}

static int check_one(struct cli *cli, const char *file)
{
	struct call_source source;
	struct input *input;
	const char *result;
	int status;

	status = input_read(cli, file, &input);
	if (status)
		return status;
	source = input_source(input);
	status = call_offline(cli, "check", json_pack("{s:o}", "config", input_json(input)),
			      &source, &result);
	return status ? status : check_findings(cli, input, result);
}

/* All files are looked at; the first that is wrong decides the status */
static int cmd_check(struct cli *cli, int argc, char **argv)
{
	int i, status, first = CLI_OK;

	for (i = 0; i < argc; i++) {
		status = check_one(cli, argv[i]);
		first = first ? first : status;
	}
	if (cli->json && !first)
		print_json(cli, "{\"schema\":1,\"errors\":[]}");
	return first;
}

const struct cli_cmd apply_commands[] = {
	{ "check", "FILE...", 1, -1, 0, "Say what is wrong with files",
	  .more = "Needs no daemon and no rights: syntax, names, rules, what the modules declare.\n"
		  "'-' is standard input.",
	  .example = "shunt check /etc/shunt/*.yaml", .run = cmd_check },
	{ "diff", "FILE", 1, 1, 0, "Differences between what runs and a file",
	  .more = "Prints nothing and exits 0 if there are none, else exits 1.\n"
		  "'-' is standard input.",
	  .example = "shunt export | shunt diff -", .run = cmd_diff },
	{ "apply", "FILE", 1, 1, OPT(DRY_RUN) | OPT(CONFIRM) | OPT(COMMENT),
	  "Make a file what runs, at once or not at all",
	  .more = "Prints the generation and what was done for it. '-' is standard input.\n"
		  "With --confirm, the daemon goes back to the generation before unless\n"
		  "'shunt confirm' comes in time.",
	  .example = "shunt apply edge.yaml --confirm 2m --comment 'open ssh'", .run = cmd_apply,
	  .changes = true },
	{}
};
