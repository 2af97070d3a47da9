// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* main.c - shunt: the command line of shuntd */
#include <locale.h>
#include <unistd.h>

#include <cli/cli.h>

int main(int argc, char **argv)
{
	struct cli cli = { .out_fd = STDOUT_FILENO, .err_fd = STDERR_FILENO };
	int status;

	setlocale(LC_CTYPE, "");
	status = cli_run(&cli, argc - 1, argv + 1);
	cli_fini(&cli);
	return status;
}
