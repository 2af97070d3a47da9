// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* man.c - the manual page shunt(1), from the tables */
#include <string.h>

#include <cli/cli.h>

/* Text for roff: no character may start a request or become a hyphen */
static void put_roff(struct buf *out, const char *text)
{
	const char *c;

	for (c = text; *c; c++) {
		if ((*c == '.' || *c == '\'') && (c == text || c[-1] == '\n'))
			buf_str(out, "\\&");
		if (*c == '-')
			buf_str(out, "\\-");
		else if (*c == '\\')
			buf_str(out, "\\e");
		else if (*c == '\'')
			buf_str(out, "\\(aq");
		else
			buf_char(out, *c);
	}
}

static void put_option(struct buf *out, const struct cli_option *option)
{
	buf_str(out, ".TP\n");
	if (option->letter)
		buf_printf(out, "\\fB\\-%c\\fR, ", option->letter);
	buf_str(out, "\\fB\\-\\-");
	put_roff(out, option->name);
	buf_str(out, "\\fR");
	if (option->arg && *option->arg == '[')
		buf_printf(out, "[=\\fI%.*s\\fR]", (int)strlen(option->arg) - 2, option->arg + 1);
	else if (option->arg)
		buf_printf(out, " \\fI%s\\fR", option->arg);
	buf_char(out, '\n');
	put_roff(out, option->help);
	buf_char(out, '\n');
}

static void put_options(struct buf *out, uint32_t options)
{
	int i;

	for (i = 0; i < OPT_N; i++)
		if (options & (1u << i))
			put_option(out, &cli_options[i]);
}

static void put_command(struct buf *out, const struct cli_cmd *cmd)
{
	buf_str(out, ".SS \"shunt ");
	put_roff(out, cmd->words);
	if (*cmd->args)
		buf_char(out, ' ');
	put_roff(out, cmd->args);
	buf_str(out, "\"\n");
	put_roff(out, cmd->help);
	buf_str(out, ".\n");
	if (cmd->more) {
		put_roff(out, cmd->more);
		buf_char(out, '\n');
	}
	put_options(out, cmd->options);
	if (cmd->example) {
		buf_str(out, ".PP\n.RS 4\n.EX\n");
		put_roff(out, cmd->example);
		buf_str(out, "\n.EE\n.RE\n");
	}
}

static const char head[] =
	".TH SHUNT 1 \"\" \"shunt " SHUNT_VERSION "\" \"shunt\"\n"
	".SH NAME\n"
	"shunt \\- program the packet path of this machine\n"
	".SH SYNOPSIS\n"
	".B shunt\n"
	"[\\fIOPTIONS\\fR] \\fICOMMAND\\fR [\\fIARGUMENTS\\fR]\n"
	".SH DESCRIPTION\n"
	"Nodes, small programs in the kernel, are joined by edges to graphs, and graphs are\n"
	"attached to interfaces, as one configuration file says.\n"
	"The daemon \\fBshuntd\\fR does it; this command talks to it.\n"
	".PP\n"
	"Options may stand anywhere on the line; \\fB\\-\\-\\fR ends them.\n"
	"On a terminal the words of a command may be shortened as long as they stay unique;\n"
	"in scripts (when standard output is no terminal) and with \\fB\\-\\-strict\\fR they\n"
	"may not.\n";

static const char tail[] =
	".SH EXIT STATUS\n"
	".TP\n.B 0\nIt is done; \\fBdiff\\fR found no difference.\n"
	".TP\n.B 1\n\\fBdiff\\fR found differences.\n"
	".TP\n.B 2\nUsage, or the syntax of a file.\n"
	".TP\n.B 3\nThe configuration is wrong.\n"
	".TP\n.B 4\nRefused by the kernel: verifier, attaching, netlink, disk.\n"
	".TP\n.B 5\nThe daemon cannot be reached.\n"
	".TP\n.B 6\nApplied, but not all as wanted: the warnings say what.\n"
	".TP\n.B 124\nNo answer in time.\n"
	".SH ENVIRONMENT\n"
	".TP\n.B SHUNT_SOCKET\nSocket of the daemon, if \\fB\\-\\-socket\\fR does not name one.\n"
	".TP\n.B SHUNT_SHUNTD\n"
	"The program that \\fBcheck\\fR and \\fBmodule\\fR run where no daemon is asked.\n"
	".TP\n.B SHUNT_BPF_DIR\nIts folder of object files.\n"
	".TP\n.B NO_COLOR\nNo colours, unless \\fB\\-\\-color=always\\fR.\n"
	".SH FILES\n"
	".TP\n.I /run/shunt/shuntd.sock\nFor root and the group \\(lqshunt\\(rq.\n"
	".TP\n.I /run/shunt/shuntd\\-ro.sock\n"
	"For everybody; commands that change nothing use it by themselves.\n";

void man_print(struct buf *out)
{
	const struct cli_cmd *const *table, *cmd;

	buf_str(out, head);
	buf_str(out, ".SH OPTIONS\nThese all commands have:\n");
	put_options(out, OPT_COMMON);
	buf_str(out, ".SH COMMANDS\n");
	cli_for_each(table, cmd)
		if (!cmd->hidden)
			put_command(out, cmd);
	buf_str(out, tail);
}
