/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * cli.h - the command 'shunt'
 *
 * DOC: One table of commands (cli_tables) and one of options (CLI_OPTIONS) make
 * dispatch, help, completion and the manual page. A handler fills cli->out and
 * cli->err and returns an exit status; cli.c writes them. What the daemon
 * answers passes through as it is with --json, so no number is changed.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include <base/arena.h>
#include <base/buf.h>
#include <base/diag.h>
#include <model/tree.h>
#include <shunt/client.h>

enum cli_exit {
	CLI_OK		= 0,
	CLI_DIFFERENT	= 1,				/* 'diff' found differences */
	CLI_USAGE	= SHUNT_CLIENT_USAGE,		/* or the syntax of a file */
	CLI_INVALID	= SHUNT_CLIENT_INVALID,
	CLI_REFUSED	= SHUNT_CLIENT_REFUSED,
	CLI_UNREACHABLE	= SHUNT_CLIENT_UNREACHABLE,
	CLI_DEGRADED	= 6,				/* applied, but not as wanted */
	CLI_TIMEOUT	= SHUNT_CLIENT_TIMEOUT,
};

/* id, letter (0: none), name, argument (NULL: none; in brackets: need not be given), help */
#define CLI_OPTIONS(X)								\
	X(JSON, 'j', "json", NULL, "print JSON, on one line, with stable keys")	\
	X(PRETTY, 'p', "pretty", NULL, "print JSON, indented")			\
	X(STATS, 's', "stats", NULL, "show packet counters")			\
	X(DRY_RUN, 'n', "dry-run", NULL, "say what would be done; do nothing")	\
	X(WATCH, 'w', "watch", "[SECS]", "repeat every SECS seconds (2) until interrupted") \
	X(RATE, 0, "rate", "[SECS]", "what comes a second, measured for SECS seconds (1)") \
	X(COLOR, 'c', "color", "[WHEN]", "colours: auto (on a terminal), always, never") \
	X(QUIET, 'q', "quiet", NULL, "print nothing but errors and what was asked for") \
	X(STRICT, 'S', "strict", NULL, "no shortened command words, even on a terminal") \
	X(SOCKET, 0, "socket", "PATH", "socket of the daemon")			\
	X(TIMEOUT, 0, "timeout", "TIME", "wait so long for an answer (30s); 0: for ever") \
	X(CONFIRM, 0, "confirm", "TIME", "go back after TIME (90, 90s, 2m, 1h) unless confirmed") \
	X(COMMENT, 0, "comment", "TEXT", "a note for the history")		\
	X(TO, 0, "to", "GEN", "go back to this generation")			\
	X(INDEX, 0, "index", "N", "place among the rules, from 0 (default: last)") \
	X(CHAIN, 0, "chain", "NAME", "a rule of this chain of the node")	\
	X(ADD, 0, "add", NULL, "keep what is there")				\
	X(COST, 0, "cost", NULL, "show what a packet costs")			\
	X(DOT, 0, "dot", NULL, "print Graphviz text")				\
	X(ALL, 0, "all", NULL, "all that there are")			\
	X(COUNT, 0, "count", "N", "end after N of them")			\
	X(HOOK, 0, "hook", "HOOK", "this hook alone: xdp, tc-ingress, tc-egress") \
	X(MAN, 0, "man", NULL, "print the manual page, in roff")		\
	X(HELP, 'h', "help", NULL, "help on the command")			\
	X(VERSION, 'V', "version", NULL, "version of this command")

#define CLI_OPTION_ENUM(id, letter, name, arg, help) OPT_##id,
enum cli_option_id { CLI_OPTIONS(CLI_OPTION_ENUM) OPT_N };

#define OPT(id)		(1u << OPT_##id)
#define OPT_COMMON	(OPT(JSON) | OPT(PRETTY) | OPT(COLOR) | OPT(QUIET) | OPT(STRICT) | \
			 OPT(SOCKET) | OPT(TIMEOUT) | OPT(HELP) | OPT(VERSION))

struct cli_option {
	char letter;
	const char *name;
	const char *arg;
	const char *help;
};

struct cli {
	int out_fd, err_fd;
	struct buf out, err;
	struct buf errors;		/* --json: findings, JSON objects with commas between */
	struct arena arena;		/* of one run of a command */

	uint32_t given;			/* bits of OPT() */
	const char *value[OPT_N];	/* text of an option; NULL: it has none */
	const struct cli_cmd *cmd;
	bool json, pretty, color, quiet;
	bool terminal;			/* out_fd is one */
	unsigned int timeout_ms;
	int64_t now;			/* for tests; 0: the clock */

	struct shunt_client *client, *offline;
	json_t *last;			/* --watch, --rate: answer before this one */
	double last_s;			/* seconds since then */
};

typedef int (*cli_handler)(struct cli *cli, int argc, char **argv);

struct cli_cmd {
	const char *words;		/* one to three */
	const char *args;		/* synopsis; the words in capitals also steer completion */
	int min, max;			/* arguments; -1: no limit */
	uint32_t options;		/* besides OPT_COMMON */
	const char *help;		/* one line */
	const char *more;		/* for help and manual; NULL: nothing */
	const char *example;
	cli_handler run;
	bool changes;			/* not on the read-only socket */
	bool hidden;
};

/* All commands: arrays that end with an empty one, in the order of the manual; NULL at the end */
extern const struct cli_cmd *const cli_tables[];
extern const struct cli_option cli_options[OPT_N];

#define cli_for_each(table, cmd)					\
	for (table = cli_tables; *table; table++)			\
		for (cmd = *table; cmd->words; cmd++)

/**
 * cli_run() - One command line
 * @cli:	With the fds set; everything else is zero
 * Return: exit status
 */
int cli_run(struct cli *cli, int argc, char **argv);
void cli_fini(struct cli *cli);
int64_t cli_now(const struct cli *cli);		/* Unix seconds */
/* Seconds that an option has, or else @seconds. Return: CLI_OK; an exit status: it is told */
int cli_period(struct cli *cli, enum cli_option_id id, double seconds, int *ret_ms);
double cli_wait(int ms);		/* or until interrupted. Return: seconds that it took */
static inline bool cli_has(const struct cli *cli, enum cli_option_id id)
{
	return cli->given & (1u << id);
}

/* What is printed so far goes out. Return: @status, or what the failed write makes of it */
int cli_flush(struct cli *cli, int status);
/* Whether SIGINT came since cli_catch(), which lets a second one end the process */
void cli_catch(void);
bool cli_interrupted(void);

/* ---- option.c ---- */

/**
 * option_parse() - Take the options out of a command line
 * They may stand anywhere; "--" ends them. argv is sorted: words first.
 * @ret_argc:	Words left in @argv
 * Return: exit status
 */
int option_parse(struct cli *cli, int argc, char **argv, int *ret_argc);
/* "90", "90s", "2m", "1h", "1d" to seconds. Return: 0; -EINVAL; -ERANGE: above 10 years */
int option_duration(const char *text, unsigned int *ret_seconds);
/* Decimal digits, at most @max. Return: 0; -EINVAL */
int option_number(const char *text, uint64_t max, uint64_t *ret_number);

/* ---- command.c ---- */

/**
 * command_find() - The command that a line begins with
 * @prefixes:	Unique beginnings of words will do
 * @ret_words:	Of @argv, belong to it
 * Return: exit status; not found: told, with suggestion
 */
int command_find(struct cli *cli, int argc, char **argv, bool prefixes,
		 const struct cli_cmd **ret_cmd, int *ret_words);
/* Words given are the first words of the command; "rule" of "rule add" */
bool command_begins(const struct cli_cmd *cmd, int argc, char **argv);

/* ---- help.c, man.c, complete.c ---- */
int help_print(struct cli *cli, int argc, char **argv);
/* "shunt rule add NODE RULE [--index N]" */
void help_usage(const struct cli_cmd *cmd, struct buf *out);
void man_print(struct buf *out);
extern const struct cli_cmd complete_commands[], help_commands[];

/* ---- report.c: all failures ---- */

/* "shunt: ..." on stderr, or an entry of errors with --json. Return: @status */
int report_fail(struct cli *cli, int status, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The same about a file: "FILE: error: ..." */
int report_file(struct cli *cli, int status, const char *file, const char *message);
/* Findings about a text. @tree and @text may be NULL */
void report_findings(struct cli *cli, const char *file, const char *text, size_t len,
		     const struct tree *tree, const struct diags *diags);
/* A list of findings as in docs/api.md */
void report_read_findings(const json_t *list, struct diags *diags);
void report_end(struct cli *cli);		/* --json: the errors as one document */

/* ---- call.c: the daemon ---- */

struct input;

/* The text that a call is about, so that findings can be shown in it */
struct call_source {
	const char *file, *text;
	size_t len;
	const struct tree *tree;	/* NULL: offsets of findings count from the start of text */
	struct input *input;		/* its rules have not been read; or NULL */
};

/**
 * call_method() - Ask the daemon; a failure is reported
 * @params:	Taken; NULL: none
 * @ret_result:	JSON text in cli->arena
 * Return: exit status
 */
int call_method(struct cli *cli, const char *method, json_t *params,
		const struct call_source *source, const char **ret_result);
/* The same without a daemon, with the caller's rights */
int call_offline(struct cli *cli, const char *method, json_t *params,
		 const struct call_source *source, const char **ret_result);
/* Nothing is reported, and no more than a second is waited. Return: the result, NULL: none */
json_t *call_quietly(struct cli *cli, const char *method, json_t *params);
/**
 * call_stream() - Ask the daemon to tell, and take what it tells, until SIGINT
 * @each:	For each notification; its lines go out at once. Returns whether to go on
 * Return: exit status
 */
typedef bool (*call_each)(struct cli *cli, const char *line, const json_t *value, void *arg);
int call_stream(struct cli *cli, const char *method, json_t *params,
		const struct call_source *source, call_each each, void *arg);
/* JSON to values; integers above 63 bits become their text. Return: NULL if it is none */
json_t *call_parse(const char *text);

/* What --json does not print as it came */
typedef int (*call_render)(struct cli *cli, const json_t *result);

/* Call, then print the result: as JSON, or by @render. Return: exit status; that of @render */
int call_show(struct cli *cli, const char *method, json_t *params,
	      const struct call_source *source, call_render render);
int call_print(struct cli *cli, const char *result, call_render render);

/* ---- input.c: configuration files ---- */

struct input {
	const char *file;
	char *text;
	size_t len;
	struct diags diags;
	struct tree *tree;
};

/* A file that is text, of a set's elements say. Return: exit status; what is wrong is reported */
int input_text(struct cli *cli, const char *file, struct call_source *ret_source);

/**
 * input_read() - A file, read and validated, but for what needs modules, and for its rules
 * The daemon reads rules anyway: of many, twice would take as long again. Files that sets name
 * are read into it. Findings are reported, those of rules too if there are others.
 * @ret_input:	In cli->arena
 * Return: exit status
 */
int input_read(struct cli *cli, const char *file, struct input **ret_input);
/* The same of all that input_read() has left out, where no daemon reads it */
int input_check(struct cli *cli, struct input *input);
json_t *input_json(const struct input *input);
struct call_source input_source(struct input *input);

/* ---- print.c ---- */

/* Text of others: control characters but tab and newline become '?' */
void print_text(struct buf *out, const char *text);
/* As it is, or indented with --pretty */
void print_json(struct cli *cli, const char *json);
/* A scalar member as text, in cli->arena; NULL: not there, null, or no scalar */
const char *print_member(struct cli *cli, const json_t *object, const char *key);
const char *print_scalar(struct cli *cli, const json_t *value);
/* The same, "-" for NULL */
const char *print_cell(struct cli *cli, const json_t *object, const char *key);
uint64_t print_number(const json_t *object, const char *key);
const char *print_time(struct cli *cli, int64_t unix_s);
const char *print_span(struct cli *cli, int64_t seconds);	/* "12 s", "3 min", "5 days" */
void print_clock(struct cli *cli, const json_t *event);		/* of its 'time_ns' */
/* An address with its port, if there is such a member: "10.0.0.1:80", "[fd00::1]:80" */
void print_end(struct cli *cli, const json_t *object, const char *address, const char *port);
void print_lost(struct cli *cli, const json_t *lost);	/* notification 'lost' of a stream */
const char *print_us(struct cli *cli, uint64_t us);		/* "61 us", "5.1 ms", "1.2 s" */
/* A number of bytes: "812 B", "1.5 KiB", "24 MiB"; NULL: it is none */
const char *print_bytes(struct cli *cli, const json_t *bytes);
/* The text in a colour, if colours are on; in cli->arena */
enum print_color { PRINT_RED = 31, PRINT_GREEN = 32, PRINT_YELLOW = 33, PRINT_BOLD = 1 };
const char *print_colored(struct cli *cli, enum print_color color, const char *text);
void print_warning(struct cli *cli, const char *about, const char *text);
unsigned int print_warnings(struct cli *cli, const char *about, const json_t *list);

#define PRINT_COLUMNS 10

struct print_table {
	struct cli *cli;
	unsigned int n_columns, n_rows;
	const char *title[PRINT_COLUMNS];	/* '>' in front: numbers, to the right */
	const char **row[PRINT_COLUMNS];	/* by column; in the arena */
	unsigned int used[PRINT_COLUMNS];
};

/* Titles, then NULL; an empty table prints nothing. More columns may come before the first cell */
void print_table_init(struct print_table *table, struct cli *cli, ...) __attribute__((sentinel));
void print_table_column(struct print_table *table, const char *title);
void print_table_cell(struct print_table *table, const char *text);	/* row by row; NULL: "-" */
void print_table_end(struct print_table *table);

#endif
