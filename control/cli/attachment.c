// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* attachment.c - detach, and what a kernel and an interface can do */
#include <cli/commands.h>

static int detach(struct cli *cli, const char *dev, uint64_t *detached)
{
	json_t *params = dev ? json_pack("{s:s}", "dev", dev) : json_pack("{s:b}", "all", 1);
	json_t *answer;
	const char *result;
	int status;

	if (cli_has(cli, OPT_HOOK))
		json_object_set_new(params, "hook", json_string(cli->value[OPT_HOOK]));
	status = call_method(cli, "detach", params, NULL, &result);
	if (status)
		return status;
	answer = call_parse(result);
	*detached += print_number(answer, "detached");
	json_decref(answer);
	return CLI_OK;
}

static int cmd_detach(struct cli *cli, int argc, char **argv)
{
	bool all = cli_has(cli, OPT_ALL);
	uint64_t detached = 0;
	int i, status = CLI_OK, one;

	if (all == (argc > 0))
		return report_fail(cli, CLI_USAGE, "either interfaces or '--all'");
	if (all)
		status = detach(cli, NULL, &detached);
	for (i = 0; i < argc; i++) {
		one = detach(cli, argv[i], &detached);
		status = status ? status : one;
	}
	if (status)
		return status;
	if (cli->json)
		print_json(cli, arena_printf(&cli->arena, "{\"schema\":1,\"detached\":%llu}",
					     (unsigned long long)detached));
	else if (!cli->quiet)
		buf_printf(&cli->out, "%llu detached\n", (unsigned long long)detached);
	return CLI_OK;
}

static int render_features(struct cli *cli, const json_t *result)
{
	const json_t *list = json_object_get(result, "features"), *item;
	struct print_table table;
	size_t i;

	print_table_init(&table, cli, "FEATURE", "VALUE", "WHY", NULL);
	json_array_foreach(list, i, item) {
		print_table_cell(&table, print_cell(cli, item, "name"));
		print_table_cell(&table, print_cell(cli, item, "value"));
		print_table_cell(&table, print_cell(cli, item, "why"));
	}
	print_table_end(&table);
	return CLI_OK;
}

static int cmd_feature(struct cli *cli, int argc, char **argv)
{
	json_t *params = argc ? json_pack("{s:s}", "dev", argv[0]) : NULL;

	return call_show(cli, "feature", params, NULL, render_features);
}

const struct cli_cmd attachment_commands[] = {
	{ "detach", "[DEV...]", 0, -1, OPT(ALL) | OPT(HOOK), "Take the graphs off interfaces",
	  .more = "The configuration stays; the next change attaches them again.",
	  .example = "shunt detach eth1 --hook xdp", .run = cmd_detach, .changes = true },
	{ "feature", "[DEV]", 0, 1, 0, "What the kernel can do; or an interface",
	  .example = "shunt feature eth1", .run = cmd_feature },
	{}
};
