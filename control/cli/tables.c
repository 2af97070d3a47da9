// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* tables.c - all commands, in the order of help and manual */
#include <cli/commands.h>

const struct cli_cmd *const cli_tables[] = {
	apply_commands, history_commands, status_commands, graph_commands, rule_commands,
	set_commands, filter_commands, drop_commands, monitor_commands, conn_commands, nat_commands,
	lb_commands, table_commands, module_commands, attachment_commands, sync_commands,
	help_commands, complete_commands, NULL
};
