// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* cli.c - one command line: options, command, run, print */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>


#include <cli/cli.h>

#define TIMEOUT_MS	30000
#define WATCH_S		2.0

static volatile sig_atomic_t interrupted;

int64_t cli_now(const struct cli *cli)
{
	return cli->now ? cli->now : time(NULL);
}

void cli_fini(struct cli *cli)
{
	shunt_client_close(cli->client);
	shunt_client_close(cli->offline);
	json_decref(cli->last);
	arena_fini(&cli->arena);
	buf_fini(&cli->out);
	buf_fini(&cli->err);
	buf_fini(&cli->errors);
}

static int flush_to(int fd, struct buf *buf)
{
	size_t done = 0;
	ssize_t n;

	while (done < buf->len) {
		n = write(fd, buf->data + done, buf->len - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		done += n;
	}
	buf_clear(buf);
	return 0;
}

int cli_flush(struct cli *cli, int status)
{
	int r = flush_to(cli->out_fd, &cli->out);

	if (r < 0) {
		buf_printf(&cli->err, "shunt: write: %s\n", strerror(-r));
		status = status ? status : CLI_REFUSED;
	}
	flush_to(cli->err_fd, &cli->err);
	return status;
}

static void on_interrupt(int signal)
{
	interrupted = 1;
}

void cli_catch(void)
{
	const struct sigaction action = { .sa_handler = on_interrupt, .sa_flags = SA_RESETHAND };

	interrupted = 0;
	sigaction(SIGINT, &action, NULL);
}

bool cli_interrupted(void)
{
	return interrupted;
}

int cli_period(struct cli *cli, enum cli_option_id id, double seconds, int *ret_ms)
{
	const char *text = cli->value[id];
	char *end = "";

	if (text)
		seconds = strtod(text, &end);
	if (*end || !(seconds >= 0.1 && seconds <= 86400))
		return report_fail(cli, CLI_USAGE, "'--%s' wants seconds, 0.1 to 86400, not '%s'",
				   cli_options[id].name, text);
	*ret_ms = seconds * 1000;
	return CLI_OK;
}

static double clock_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

double cli_wait(int ms)
{
	double start = clock_s();

	poll(NULL, 0, interrupted ? 0 : ms);
	return clock_s() - start;
}

/* One frame a period, until Ctrl-C (a second one ends at once) or a failure */
static int watch(struct cli *cli, int argc, char **argv)
{
	struct sigaction action = { .sa_handler = on_interrupt, .sa_flags = SA_RESETHAND }, before;
	double start = 0, now;
	int period_ms = 0, status;

	status = cli_period(cli, OPT_WATCH, WATCH_S, &period_ms);
	if (status)
		return status;
	interrupted = 0;
	sigaction(SIGINT, &action, &before);
	while (!interrupted) {
		now = clock_s();
		cli->last_s = start ? now - start : 0;
		start = now;
		if (cli->terminal && !cli->json)
			buf_str(&cli->out, "\033[H\033[2J");
		status = cli->cmd->run(cli, argc, argv);
		if (!cli->terminal && !cli->json)
			buf_char(&cli->out, '\n');
		status = cli_flush(cli, status);
		if (status)
			break;
		arena_fini(&cli->arena);
		cli_wait(period_ms);
	}
	sigaction(SIGINT, &before, NULL);
	return status;
}

static int bad_option(struct cli *cli, uint32_t bits)
{
	int i = 0;

	while (!(bits & (1u << i)))
		i++;
	return report_fail(cli, CLI_USAGE, "'%s' has no option '--%s'; see 'shunt help %s'",
			   cli->cmd->words, cli_options[i].name, cli->cmd->words);
}

static int bad_arguments(struct cli *cli)
{
	struct buf usage = {};

	help_usage(cli->cmd, &usage);
	report_fail(cli, CLI_USAGE, "usage: %s", usage.data);
	buf_fini(&usage);
	return CLI_USAGE;
}

static int run_command(struct cli *cli, int argc, char **argv)
{
	const struct cli_cmd *cmd = cli->cmd;
	uint32_t extra = cli->given & ~(cmd->options | OPT_COMMON);

	if (extra)
		return bad_option(cli, extra);
	if (argc < cmd->min || (cmd->max >= 0 && argc > cmd->max))
		return bad_arguments(cli);
	if (cli_has(cli, OPT_WATCH))
		return watch(cli, argc, argv);
	return cmd->run(cli, argc, argv);
}

static void look_at_terminal(struct cli *cli)
{
	const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");

	cli->terminal = isatty(cli->out_fd);
	cli->color = cli->terminal && !(no_color && *no_color) && term && strcmp(term, "dumb");
	cli->timeout_ms = TIMEOUT_MS;
}

static int run(struct cli *cli, int argc, char **argv)
{
	int n, words, status;

	look_at_terminal(cli);
	/* what is completed is no command line yet: all of it goes to the handler */
	if (argc && !strcmp(argv[0], "__complete")) {
		cli->cmd = complete_commands;
		return cli->cmd->run(cli, argc - 1, argv + 1);
	}
	status = option_parse(cli, argc, argv, &n);
	if (status)
		return status;
	if (cli_has(cli, OPT_VERSION)) {
		buf_str(&cli->out, "shunt " SHUNT_VERSION "\n");
		return CLI_OK;
	}
	if (cli_has(cli, OPT_HELP))
		return help_print(cli, n, argv);
	if (!n) {
		report_fail(cli, CLI_USAGE, "no command; see 'shunt help'");
		return CLI_USAGE;
	}
	status = command_find(cli, n, argv, cli->terminal && !cli_has(cli, OPT_STRICT), &cli->cmd,
			      &words);
	return status ? status : run_command(cli, n - words, argv + words);
}

int cli_run(struct cli *cli, int argc, char **argv)
{
	int status = run(cli, argc, argv);

	report_end(cli);
	return cli_flush(cli, status);
}
