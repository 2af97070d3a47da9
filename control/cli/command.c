// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* command.c - which command is meant */
#include <string.h>

#include <cli/cli.h>

#define WORDS_MAX	3		/* of a command */
#define CANDIDATES_MAX	128

/* The @n-th word of a command; *ret_len is 0 when there are not so many */
static const char *word_of(const struct cli_cmd *cmd, int n, size_t *ret_len)
{
	const char *word = cmd->words;

	for (; n > 0 && word; n--) {
		word = strchr(word, ' ');
		word = word ? word + 1 : NULL;
	}
	*ret_len = word ? strcspn(word, " ") : 0;
	return word;
}

static bool word_is(const struct cli_cmd *cmd, int n, const char *text)
{
	size_t len;
	const char *word = word_of(cmd, n, &len);

	return len && strlen(text) == len && !memcmp(word, text, len);
}

bool command_begins(const struct cli_cmd *cmd, int argc, char **argv)
{
	int i;

	for (i = 0; i < argc; i++)
		if (!word_is(cmd, i, argv[i]))
			return false;
	return true;
}

/* Distinct @n-th words of the commands that begin with the words before it */
static unsigned int next_words(struct cli *cli, int n, char **argv, const char **ret_words)
{
	const struct cli_cmd *const *table, *cmd;
	unsigned int n_words = 0, i;
	const char *word;
	size_t len;

	cli_for_each(table, cmd) {
		if (cmd->hidden || !command_begins(cmd, n, argv))
			continue;
		word = word_of(cmd, n, &len);
		if (!len)
			continue;
		word = arena_strndup(&cli->arena, word, len);
		for (i = 0; i < n_words && strcmp(ret_words[i], word); i++)
			;
		if (i == n_words && n_words < CANDIDATES_MAX)
			ret_words[n_words++] = word;
	}
	return n_words;
}

static const char *join(struct cli *cli, int n, const char *const *words, const char *between)
{
	struct buf text = {};
	const char *joined;
	int i;

	for (i = 0; i < n; i++)
		buf_printf(&text, "%s%s", i ? between : "", words[i]);
	joined = arena_strdup(&cli->arena, text.data ? text.data : "");
	buf_fini(&text);
	return joined;
}

/* argv[n] is no word that can stand there */
static int fail_unknown(struct cli *cli, int n, char **argv, const char **words,
			unsigned int n_words)
{
	const char *given = join(cli, n + 1, (const char *const *)argv, " ");
	const char *before = join(cli, n, (const char *const *)argv, " ");
	const char *near = suggest(argv[n], words, n_words);
	unsigned int i;

	for (i = 0; !near && i < n_words; i++)
		if (*argv[n] && !strncmp(words[i], argv[n], strlen(argv[n])))
			near = words[i];
	if (near)
		return report_fail(cli, CLI_USAGE, "unknown command '%s'; did you mean '%s%s%s'?",
				   given, before, n ? " " : "", near);
	return report_fail(cli, CLI_USAGE, "unknown command '%s'; see 'shunt help'", given);
}

/*
 * One word, replaced by the full one if it is a unique beginning
 * Return: exit status; *ret_found is false when no command has a word there
 */
static int find_word(struct cli *cli, int n, char **argv, bool prefixes, bool *ret_found)
{
	const char *words[CANDIDATES_MAX], *match[CANDIDATES_MAX];
	unsigned int n_words = next_words(cli, n, argv, words), n_match = 0, i;

	*ret_found = n_words > 0;
	for (i = 0; i < n_words; i++) {
		if (!strcmp(words[i], argv[n]))
			return CLI_OK;
		if (*argv[n] && !strncmp(words[i], argv[n], strlen(argv[n])))
			match[n_match++] = words[i];
	}
	if (!n_words)
		return CLI_OK;
	if (!prefixes || !n_match)
		return fail_unknown(cli, n, argv, words, n_words);
	if (n_match > 1)
		return report_fail(cli, CLI_USAGE, "'%s' is ambiguous: %s", argv[n],
				   join(cli, n_match, match, ", "));
	argv[n] = (char *)match[0];
	return CLI_OK;
}

static int fail_incomplete(struct cli *cli, int n, char **argv)
{
	const char *words[CANDIDATES_MAX];
	unsigned int n_words = next_words(cli, n, argv, words);

	return report_fail(cli, CLI_USAGE, "'%s' wants one of: %s",
			   join(cli, n, (const char *const *)argv, " "),
			   join(cli, n_words, words, ", "));
}

int command_find(struct cli *cli, int argc, char **argv, bool prefixes,
		 const struct cli_cmd **ret_cmd, int *ret_words)
{
	const struct cli_cmd *const *table, *cmd;
	bool found = true;
	int n = 0, status;

	while (n < argc && n < WORDS_MAX) {
		status = find_word(cli, n, argv, prefixes, &found);
		if (status)
			return status;
		if (!found)
			break;
		n++;
	}
	cli_for_each(table, cmd) {
		size_t len;

		word_of(cmd, n, &len);
		if (len || !command_begins(cmd, n, argv))
			continue;
		*ret_cmd = cmd;
		*ret_words = n;
		return CLI_OK;
	}
	return fail_incomplete(cli, n, argv);
}
