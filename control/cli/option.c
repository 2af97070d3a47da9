// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* option.c - options: where they stand, what they say */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <cli/cli.h>

#define OPTION_ENTRY(id, letter, name, arg, help) [OPT_##id] = { letter, name, arg, help },
const struct cli_option cli_options[OPT_N] = { CLI_OPTIONS(OPTION_ENTRY) };

_Static_assert(OPT_N <= 32, "one bit an option");

static int find_letter(char letter)
{
	int i;

	for (i = 0; i < OPT_N; i++)
		if (cli_options[i].letter && cli_options[i].letter == letter)
			return i;
	return -1;
}

static int find_name(const char *name, size_t len)
{
	int i;

	for (i = 0; i < OPT_N; i++)
		if (strlen(cli_options[i].name) == len && !strncmp(cli_options[i].name, name, len))
			return i;
	return -1;
}

static bool must_have_value(int id)
{
	return cli_options[id].arg && cli_options[id].arg[0] != '[';
}

static int unknown_option(struct cli *cli, const char *word, size_t len)
{
	const char *names[OPT_N], *near;
	int i;

	for (i = 0; i < OPT_N; i++)
		names[i] = cli_options[i].name;
	near = suggest(arena_strndup(&cli->arena, word, len), names, OPT_N);
	if (near)
		return report_fail(cli, CLI_USAGE, "unknown option '--%.*s'; did you mean '--%s'?",
				   (int)len, word, near);
	return report_fail(cli, CLI_USAGE, "unknown option '--%.*s'; see 'shunt help'",
			   (int)len, word);
}

/* Return: exit status; *taken: words of argv that belong to the option */
static int parse_long(struct cli *cli, int argc, char **argv, int *taken)
{
	const char *word = argv[0] + 2, *equals = strchr(word, '=');
	size_t len = equals ? (size_t)(equals - word) : strlen(word);
	int id = find_name(word, len);

	*taken = 1;
	if (id < 0)
		return unknown_option(cli, word, len);
	if (equals && !cli_options[id].arg)
		return report_fail(cli, CLI_USAGE, "option '--%s' takes no value",
				   cli_options[id].name);
	cli->given |= 1u << id;
	cli->value[id] = equals ? equals + 1 : NULL;
	if (equals || !must_have_value(id))
		return CLI_OK;
	if (argc < 2)
		return report_fail(cli, CLI_USAGE, "option '--%s' wants a value: %s",
				   cli_options[id].name, cli_options[id].arg);
	cli->value[id] = argv[1];
	*taken = 2;
	return CLI_OK;
}

/* No letter has a value that must be given: a following word is never one */
static int parse_letters(struct cli *cli, const char *word)
{
	int id;

	for (word++; *word; word++) {
		id = find_letter(*word);
		if (id < 0)
			return report_fail(cli, CLI_USAGE, "unknown option '-%c'; see 'shunt help'",
					   *word);
		cli->given |= 1u << id;
		cli->value[id] = NULL;
		if (cli_options[id].arg) {
			if (word[1])
				cli->value[id] = word + 1 + (word[1] == '=');
			return CLI_OK;
		}
	}
	return CLI_OK;
}

static int parse_color(struct cli *cli)
{
	const char *when = cli->value[OPT_COLOR];

	if (!when || !strcmp(when, "auto"))
		return CLI_OK;
	if (strcmp(when, "always") && strcmp(when, "never"))
		return report_fail(cli, CLI_USAGE, "'--color' is auto, always or never");
	cli->color = !strcmp(when, "always");
	return CLI_OK;
}

static int read_values(struct cli *cli)
{
	unsigned int seconds;

	cli->pretty = cli_has(cli, OPT_PRETTY);
	cli->json = cli_has(cli, OPT_JSON) || cli->pretty;
	cli->quiet = cli_has(cli, OPT_QUIET);
	if (cli_has(cli, OPT_TIMEOUT)) {
		if (option_duration(cli->value[OPT_TIMEOUT], &seconds) < 0 || seconds > 1000000)
			return report_fail(cli, CLI_USAGE,
					   "'--timeout' wants a time as 10, 10s or 2m");
		cli->timeout_ms = seconds * 1000;
	}
	return parse_color(cli);
}

/* Errors of options are JSON wherever it is asked for: a guess that read_values() makes good */
static bool wants_json(int argc, char **argv)
{
	int i;

	for (i = 0; i < argc; i++)
		if (!strcmp(argv[i], "--json") || !strcmp(argv[i], "--pretty") ||
		    (argv[i][0] == '-' && argv[i][1] != '-' && strpbrk(argv[i], "jp")))
			return true;
	return false;
}

int option_parse(struct cli *cli, int argc, char **argv, int *ret_argc)
{
	int i = 0, n = 0, taken, status = CLI_OK;

	cli->json = wants_json(argc, argv);
	while (i < argc && status == CLI_OK) {
		taken = 1;
		if (!strcmp(argv[i], "--")) {
			for (i++; i < argc; i++)
				argv[n++] = argv[i];
			break;
		}
		if (!strncmp(argv[i], "--", 2))
			status = parse_long(cli, argc - i, argv + i, &taken);
		else if (argv[i][0] == '-' && argv[i][1])
			status = parse_letters(cli, argv[i]);
		else
			argv[n++] = argv[i];
		i += taken;
	}
	*ret_argc = n;
	return status ? status : read_values(cli);
}

int option_number(const char *text, uint64_t max, uint64_t *ret_number)
{
	uint64_t number;
	char *end;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	number = strtoull(text, &end, 10);
	if (errno || *end || number > max)
		return -EINVAL;
	*ret_number = number;
	return 0;
}

int option_duration(const char *text, unsigned int *ret_seconds)
{
	static const struct {
		char unit;
		unsigned int seconds;
	} units[] = { { '\0', 1 }, { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
	const unsigned int max = 10u * 365 * 86400;
	size_t digits = strspn(text, "0123456789"), i;
	unsigned long long number;

	if (!digits || (text[digits] && text[digits + 1]))
		return -EINVAL;
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (units[i].unit != text[digits])
			continue;
		number = digits > 9 ? max : strtoull(text, NULL, 10);
		if (digits > 9 || number * units[i].seconds > max)
			return -ERANGE;
		*ret_seconds = number * units[i].seconds;
		return 0;
	}
	return -EINVAL;
}
