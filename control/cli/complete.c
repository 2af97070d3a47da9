// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* complete.c - what can stand next on a command line, for the shell's completion */
#include <dirent.h>
#include <string.h>

#include <cli/cli.h>

#define WORDS_MAX 64

static void offer(struct cli *cli, const char *begin, const char *word, size_t len)
{
	size_t n = strlen(begin);

	if (len >= n && !strncmp(word, begin, n))
		buf_printf(&cli->out, "%.*s\n", (int)len, word);
}

static void offer_word(struct cli *cli, const char *begin, const char *word)
{
	if (word)
		offer(cli, begin, word, strlen(word));
}

/* The @n-th words of commands, each once: the table has those of a group side by side */
static void offer_commands(struct cli *cli, int argc, char **argv, const char *begin)
{
	const struct cli_cmd *const *table, *cmd;
	const char *word, *last = "";
	size_t len, last_len = 0;
	int i;

	cli_for_each(table, cmd) {
		if (cmd->hidden || !command_begins(cmd, argc, argv))
			continue;
		word = cmd->words;
		for (i = 0; i < argc && word; i++) {
			word = strchr(word, ' ');
			word = word ? word + 1 : NULL;
		}
		if (!word)
			continue;
		len = strcspn(word, " ");
		if (len == last_len && !memcmp(word, last, len))
			continue;
		offer(cli, begin, word, len);
		last = word;
		last_len = len;
	}
}

static void offer_options(struct cli *cli, const struct cli_cmd *cmd, const char *begin)
{
	uint32_t options = OPT_COMMON | (cmd ? cmd->options : 0);
	int i;

	for (i = 0; i < OPT_N; i++)
		if (options & (1u << i))
			offer_word(cli, begin,
				   arena_printf(&cli->arena, "--%s", cli_options[i].name));
}

/* Keys of a member of the configuration that runs */
static void offer_keys(struct cli *cli, const char *member, const char *begin)
{
	json_t *answer = call_quietly(cli, "export", NULL), *map;
	const char *key;
	json_t *value;

	map = json_object_get(json_object_get(answer, "config"), member);
	json_object_foreach(map, key, value)
		offer_word(cli, begin, key);
	json_decref(answer);
}

/* One member of each object of a list */
static void offer_list(struct cli *cli, const char *method, json_t *params, const char *list,
		       const char *member, const char *begin)
{
	json_t *answer = call_quietly(cli, method, params), *items = json_object_get(answer, list);
	json_t *item, *value;
	size_t i;

	json_array_foreach(items, i, item) {
		value = json_object_get(item, member);
		offer_word(cli, begin, json_is_string(value) || json_is_integer(value) ?
			   print_scalar(cli, value) : NULL);
	}
	json_decref(answer);
}

static void offer_backends(struct cli *cli, const char *service, const char *begin)
{
	json_t *answer = call_quietly(cli, "lb.service", json_pack("{s:s}", "service", service));
	json_t *services = json_object_get(answer, "services"), *backends, *backend;
	size_t i;

	backends = json_object_get(json_array_get(services, 0), "backends");
	json_array_foreach(backends, i, backend)
		offer_word(cli, begin, json_string_value(json_object_get(backend, "backend")));
	json_decref(answer);
}

static void offer_interfaces(struct cli *cli, const char *begin)
{
	DIR *dir = opendir("/sys/class/net");
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (*entry->d_name != '.')
			offer_word(cli, begin, entry->d_name);
	if (dir)
		closedir(dir);
}

/* @kind: as the table's synopsis calls an argument; none for FILE: the shell knows files */
static void offer_arguments(struct cli *cli, const char *kind, size_t len, char **args,
			    const char *begin)
{
#define IS(name) (len == strlen(name) && !memcmp(kind, name, len))
	if (IS("NODE"))
		offer_keys(cli, "nodes", begin);
	else if (IS("GRAPH"))
		offer_keys(cli, "graphs", begin);
	else if (IS("SET"))
		offer_keys(cli, "sets", begin);
	else if (IS("GEN"))
		offer_list(cli, "history", NULL, "generations", "generation", begin);
	else if (IS("MODULE"))
		offer_list(cli, "module.list", NULL, "modules", "name", begin);
	else if (IS("ID"))
		offer_list(cli, "rule.list", json_pack("{s:s}", "node", args[0]), "rules", "id",
			   begin);
	else if (IS("TABLE"))
		offer_list(cli, "table.show", json_pack("{s:s}", "node", args[0]), "tables", "name",
			   begin);
	else if (IS("SERVICE"))
		offer_list(cli, "lb.show", NULL, "services", "service", begin);
	else if (IS("BACKEND"))
		offer_backends(cli, args[0], begin);
	else if (IS("DEV"))
		offer_interfaces(cli, begin);
#undef IS
}

/* The @n-th argument in a synopsis, without brackets and dots; a last one with dots repeats */
static const char *kind_of(const char *args, int n, size_t *ret_len)
{
	const char *word = args + strspn(args, "[");
	size_t len;

	for (;; n--) {
		len = strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
		*ret_len = len;
		if (!n || !strncmp(word + len, "...", 3))
			return word;
		word += strcspn(word, " ");
		if (!*word)
			return NULL;
		word += 1 + strspn(word + 1, "[");
	}
}

/* Words of the line that are no options, and the option whose value comes next. Return: how many */
static int plain_words(int argc, char **argv, char **ret_words, const struct cli_option **ret_value)
{
	int i, id, n = 0;

	*ret_value = NULL;
	for (i = 0; i < argc && n < WORDS_MAX; i++) {
		if (argv[i][0] != '-' || !argv[i][1]) {
			ret_words[n++] = argv[i];
			continue;
		}
		for (id = 0; id < OPT_N; id++)
			if (!strncmp(argv[i], "--", 2) && cli_options[id].arg &&
			    !strcmp(argv[i] + 2, cli_options[id].name) &&
			    *cli_options[id].arg != '[')
				break;
		if (id == OPT_N)
			continue;
		if (i + 1 == argc)
			*ret_value = &cli_options[id];
		i++;
	}
	return n;
}

static int words_of(const struct cli_cmd *cmd)
{
	const char *space = cmd->words;
	int n = 1;

	while ((space = strchr(space, ' '))) {
		space++;
		n++;
	}
	return n;
}

static const struct cli_cmd *whole_command(int argc, char **argv, int *ret_words)
{
	const struct cli_cmd *const *table, *cmd;
	int n;

	for (n = argc < 3 ? argc : 3; n > 0; n--)
		cli_for_each(table, cmd)
			if (!cmd->hidden && n == words_of(cmd) && command_begins(cmd, n, argv)) {
				*ret_words = n;
				return cmd;
			}
	return NULL;
}

static void offer_value(struct cli *cli, const struct cli_option *option, const char *begin)
{
	if (!strcmp(option->arg, "HOOK")) {
		offer_word(cli, begin, "xdp");
		offer_word(cli, begin, "tc-ingress");
		offer_word(cli, begin, "tc-egress");
	} else {
		offer_arguments(cli, option->arg, strlen(option->arg), NULL, begin);
	}
}

/* The last word is the one to complete; one candidate a line */
static int cmd_complete(struct cli *cli, int argc, char **argv)
{
	const char *begin = argc ? argv[argc - 1] : "", *kind;
	const struct cli_option *option;
	const struct cli_cmd *cmd;
	char *words[WORDS_MAX];
	int n, used;
	size_t len;

	n = plain_words(argc ? argc - 1 : 0, argv, words, &option);
	cmd = whole_command(n, words, &used);
	if (option) {
		offer_value(cli, option, begin);
	} else if (*begin == '-') {
		offer_options(cli, cmd, begin);
	} else if (cmd && !strcmp(cmd->words, "help")) {
		offer_commands(cli, n - 1, words + 1, begin);
	} else if (cmd) {
		kind = kind_of(cmd->args, n - used, &len);
		if (kind)
			offer_arguments(cli, kind, len, words + used, begin);
	} else {
		offer_commands(cli, n, words, begin);
	}
	return CLI_OK;
}

const struct cli_cmd complete_commands[] = {
	{ "__complete", "WORD...", 0, -1, 0, "Completion", .run = cmd_complete, .hidden = true },
	{}
};
