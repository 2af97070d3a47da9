// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* help.c - help at every depth, from the tables */
#include <string.h>

#include <cli/cli.h>

#define COLUMN 34		/* of the commands' help */

static void put_option(struct buf *out, int id)
{
	const struct cli_option *option = &cli_options[id];

	buf_printf(out, "--%s", option->name);
	if (option->arg && *option->arg == '[')
		buf_printf(out, "[=%s", option->arg + 1);
	else if (option->arg)
		buf_printf(out, " %s", option->arg);
}

void help_usage(const struct cli_cmd *cmd, struct buf *out)
{
	int i;

	buf_printf(out, "shunt %s%s%s", cmd->words, *cmd->args ? " " : "", cmd->args);
	for (i = 0; i < OPT_N; i++)
		if (cmd->options & (1u << i)) {
			buf_str(out, " [");
			put_option(out, i);
			buf_char(out, ']');
		}
}

static void put_options(struct buf *out, uint32_t options)
{
	struct buf left = {};
	int i;

	for (i = 0; i < OPT_N; i++) {
		if (!(options & (1u << i)))
			continue;
		buf_clear(&left);
		if (cli_options[i].letter)
			buf_printf(&left, "-%c, ", cli_options[i].letter);
		else
			buf_str(&left, "    ");
		put_option(&left, i);
		buf_printf(out, "  %-24s %s\n", left.data, cli_options[i].help);
	}
	buf_fini(&left);
}

static void put_command_line(struct buf *out, const struct cli_cmd *cmd)
{
	int len = strlen(cmd->words) + 1 + strlen(cmd->args);

	buf_printf(out, "  %s %s", cmd->words, cmd->args);
	if (len > COLUMN)
		buf_printf(out, "\n  %*s", COLUMN, "");
	else
		buf_printf(out, "%*s", COLUMN - len, "");
	buf_printf(out, " %s\n", cmd->help);
}

static void put_command(struct buf *out, const struct cli_cmd *cmd)
{
	buf_str(out, "usage: ");
	help_usage(cmd, out);
	buf_printf(out, "\n\n%s.\n", cmd->help);
	if (cmd->more)
		buf_printf(out, "%s\n", cmd->more);
	if (cmd->options) {
		buf_str(out, "\nOptions:\n");
		put_options(out, cmd->options);
	}
	if (cmd->example)
		buf_printf(out, "\nExample:\n  %s\n", cmd->example);
	buf_str(out, "\n'shunt help' lists the options of all commands.\n");
}

static void put_all(struct buf *out)
{
	const struct cli_cmd *const *table, *cmd;

	buf_str(out, "usage: shunt [OPTIONS] COMMAND [ARGUMENTS]\n\n"
		"Programs the packet path of this machine through the daemon 'shuntd'.\n");
	for (table = cli_tables; *table; table++) {
		if ((*table)->hidden)
			continue;
		buf_char(out, '\n');
		for (cmd = *table; cmd->words; cmd++)
			if (!cmd->hidden)
				put_command_line(out, cmd);
	}
	buf_str(out, "\nOptions of all commands, anywhere on the line:\n");
	put_options(out, OPT_COMMON);
	buf_str(out, "\nExit status: 0 well; 1 'diff' found differences; 2 usage or syntax; "
		"3 the configuration is\nwrong; 4 refused by the kernel; 5 no daemon; "
		"6 applied, but with warnings; 124 no answer in time.\n"
		"More: 'shunt help COMMAND', shunt(1).\n");
}

int help_print(struct cli *cli, int argc, char **argv)
{
	const struct cli_cmd *const *table, *cmd, *found = NULL;
	unsigned int n = 0;
	int words;

	if (!argc) {
		put_all(&cli->out);
		return CLI_OK;
	}
	while (argc > 2)	/* arguments in front of --help are none of ours */
		argc--;
	while (argc && !n) {
		cli_for_each(table, cmd)
			if (!cmd->hidden && command_begins(cmd, argc, argv)) {
				found = cmd;
				n++;
			}
		argc -= !n;
	}
	if (!n)
		return command_find(cli, 1, argv, false, &found, &words);
	if (n == 1) {
		put_command(&cli->out, found);
		return CLI_OK;
	}
	cli_for_each(table, cmd)
		if (!cmd->hidden && command_begins(cmd, argc, argv))
			put_command_line(&cli->out, cmd);
	return CLI_OK;
}

static int cmd_help(struct cli *cli, int argc, char **argv)
{
	if (cli_has(cli, OPT_MAN))
		man_print(&cli->out);
	else
		return help_print(cli, argc, argv);
	return CLI_OK;
}

const struct cli_cmd help_commands[] = {
	{ "help", "[COMMAND...]", 0, -1, OPT(MAN), "Help on a command, or on all",
	  .example = "shunt help rule add", .run = cmd_help },
	{}
};
