/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* commands.h - the arrays that cli_tables is made of, and what commands share */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include <cli/cli.h>

extern const struct cli_cmd monitor_commands[];
extern const struct cli_cmd apply_commands[], history_commands[];
extern const struct cli_cmd status_commands[], graph_commands[], rule_commands[], set_commands[];
extern const struct cli_cmd module_commands[], table_commands[], drop_commands[];
extern const struct cli_cmd filter_commands[], conn_commands[], nat_commands[];
int cmd_filter_limits(struct cli *cli, int argc, char **argv);	/* limit.c */
extern const struct cli_cmd attachment_commands[], lb_commands[], sync_commands[];

/* What apply, rollback, rule add ... answer: generation, work done, times, warnings */
int apply_render(struct cli *cli, const json_t *result);
/* Member 'comment' from --comment */
void apply_comment(const struct cli *cli, json_t *params);

#endif
