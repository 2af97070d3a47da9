// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* call.c - the daemon: which one, what it says, and what is wrong when it says nothing */
#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/jsonw.h>
#include <cli/cli.h>
#include <model/json_value.h>

#define QUIET_TIMEOUT_MS	1000
#define SUFFIX			".sock"
#define SUFFIX_READ		"-ro.sock"

static const char *socket_path(const struct cli *cli)
{
	const char *path = cli->value[OPT_SOCKET];

	if (!path)
		path = getenv("SHUNT_SOCKET");
	return path && *path ? path : SHUNT_CLIENT_SOCKET;
}

/* The read-only socket beside one: "…/shuntd.sock", "…/shuntd-ro.sock" */
static const char *socket_read(struct cli *cli, const char *path)
{
	size_t len = strlen(path), end = strlen(SUFFIX);

	if (len < end || strcmp(path + len - end, SUFFIX))
		return NULL;
	return arena_printf(&cli->arena, "%.*s" SUFFIX_READ, (int)(len - end), path);
}

static int denied(struct cli *cli, const char *path)
{
	const struct group *group = NULL;
	struct stat info;

	if (stat(path, &info) == 0)
		group = getgrgid(info.st_gid);
	if (group && info.st_gid)
		return report_fail(cli, CLI_UNREACHABLE,
				   "'%s' is not for you: be root or in group '%s'",
				   path, group->gr_name);
	return report_fail(cli, CLI_UNREACHABLE, "'%s' is not for you: be root", path);
}

static int unreachable(struct cli *cli, const char *path, int r)
{
	if (r == -ETIMEDOUT)
		return report_fail(cli, CLI_TIMEOUT, "the daemon at '%s' takes no connection",
				   path);
	if (r == -EACCES)
		return denied(cli, path);
	if (r == -ENOENT || r == -ECONNREFUSED)
		return report_fail(cli, CLI_UNREACHABLE, "no daemon at '%s': %s; "
				   "start it with 'systemctl start shuntd' or run 'shuntd'",
				   path, strerror(-r));
	return report_fail(cli, CLI_UNREACHABLE, "connect to '%s': %s", path, strerror(-r));
}

static int open_client(struct cli *cli, unsigned int timeout_ms, struct shunt_client **ret_client)
{
	const char *path = socket_path(cli), *read_path;
	int r;

	r = shunt_client_open(path, timeout_ms, ret_client);
	if (r != -EACCES || cli->cmd->changes)
		return r;
	read_path = socket_read(cli, path);
	if (read_path && shunt_client_open(read_path, timeout_ms, ret_client) == 0)
		return 0;
	return r;
}

/* $SHUNT_SHUNTD, or what was built or installed with this command, or what there is */
static const char *shuntd_path(struct cli *cli)
{
	const char *path = getenv("SHUNT_SHUNTD");
	char self[PATH_MAX], *slash;
	ssize_t n;

	if (path && *path)
		return path;
	n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (n > 0) {
		self[n] = '\0';
		slash = strrchr(self, '/');
		path = arena_printf(&cli->arena, "%.*s/shuntd", slash ? (int)(slash - self) : 0,
				    self);
		if (!access(path, X_OK))
			return path;
	}
	if (!access("/usr/sbin/shuntd", X_OK))
		return "/usr/sbin/shuntd";
	return "shuntd";
}

/* Whether there is something wrong with what was left to the daemon to read; it is reported */
static bool call_unread(struct cli *cli, const struct call_source *source)
{
	return source && source->input && input_check(cli, source->input);
}

static int fail_from_error(struct cli *cli, int status, const char *answer,
			   const struct call_source *source)
{
	struct diags diags = { .arena = &cli->arena };
	json_t *error = call_parse(answer);
	const char *message = json_string_value(json_object_get(error, "message"));
	unsigned int i;

	report_read_findings(json_object_get(json_object_get(error, "data"), "errors"), &diags);
	if (diags.n && call_unread(cli, source)) {	/* and it knows all of them */
		json_decref(error);
		return CLI_INVALID;
	}
	if (!message || !*message)
		message = "the daemon refused, and did not say why";
	for (i = 0; source && !source->tree && i < diags.n; i++)
		if (diags.v[i].offset >= 0 && !diags.v[i].line) {
			diags.v[i].line = 1;
			diags.v[i].column = diags.v[i].offset + 1;
		}
	if (diags.n && source)
		report_findings(cli, source->file, source->text, source->len, source->tree, &diags);
	else if (diags.n)
		report_findings(cli, "configuration", NULL, 0, NULL, &diags);
	else if (source && status != CLI_USAGE)
		report_file(cli, status, source->file, message);
	else
		report_fail(cli, status, "%s", message);
	json_decref(error);
	return status == CLI_USAGE || status == CLI_INVALID ? status : CLI_REFUSED;
}

static int fail_from_errno(struct cli *cli, const char *method, int r)
{
	if (r == -ETIMEDOUT)
		return report_fail(cli, CLI_TIMEOUT,
				   "no answer to '%s' in %u s: what was asked may still be done",
				   method, cli->timeout_ms / 1000);
	if (r == -EBADMSG)
		return report_fail(cli, CLI_UNREACHABLE, "the answer to '%s' is no JSON-RPC",
				   method);
	return report_fail(cli, CLI_UNREACHABLE, "lost the daemon during '%s': %s", method,
			   strerror(-r));
}

static void put_value(struct jsonw *w, const char *key, const json_t *value)
{
	const char *member;
	json_t *item;
	size_t i;

	if (json_is_object(value)) {
		jsonw_object(w, key);
		json_object_foreach((json_t *)value, member, item)
			put_value(w, member, item);
		jsonw_object_end(w);
	} else if (json_is_array(value)) {
		jsonw_array(w, key);
		json_array_foreach(value, i, item)
			put_value(w, NULL, item);
		jsonw_array_end(w);
	} else if (json_is_string(value)) {
		jsonw_strn(w, key, json_string_value(value), json_string_length(value));
	} else if (json_is_integer(value)) {
		jsonw_i64(w, key, json_integer_value(value));
	} else {		/* no method takes fractions */
		jsonw_bool(w, key, json_is_true(value));
	}
}

/* As text; a set's elements are many bytes, of which jansson would write one at a time */
static char *params_text(const json_t *params)
{
	struct buf text = {};
	struct jsonw w;

	if (!params)
		return NULL;
	jsonw_init(&w, &text, false);
	put_value(&w, NULL, params);
	return buf_take(&text);
}

/* The params are taken */
static int call_client(struct cli *cli, struct shunt_client *client, const char *method,
		       json_t *params, const struct call_source *source, const char **ret_result)
{
	char *text = params_text(params), *answer;
	int r;

	json_decref(params);
	r = shunt_client_call(client, method, text, &answer);
	free(text);
	if (r < 0)
		return fail_from_errno(cli, method, r);
	if (r > 0)
		r = fail_from_error(cli, r, answer, source);
	else
		*ret_result = arena_strdup(&cli->arena, answer);
	free(answer);
	return r;
}

int call_method(struct cli *cli, const char *method, json_t *params,
		const struct call_source *source, const char **ret_result)
{
	int r = 0;

	if (!cli->client)
		r = open_client(cli, cli->timeout_ms, &cli->client);
	if (r < 0) {
		json_decref(params);
		if (call_unread(cli, source))
			return CLI_INVALID;
		return unreachable(cli, socket_path(cli), r);
	}
	return call_client(cli, cli->client, method, params, source, ret_result);
}

int call_offline(struct cli *cli, const char *method, json_t *params,
		 const struct call_source *source, const char **ret_result)
{
	const char *path = shuntd_path(cli);
	int r = 0;

	if (!cli->offline)
		r = shunt_client_open_offline(path, cli->timeout_ms, &cli->offline);
	if (r < 0) {
		json_decref(params);
		if (call_unread(cli, source))
			return CLI_INVALID;
		return report_fail(cli, CLI_UNREACHABLE,
				   "cannot run '%s', which knows the modules: %s",
				   path, strerror(-r));
	}
	return call_client(cli, cli->offline, method, params, source, ret_result);
}

/* What the daemon tells is printed as it comes */
static int call_listen(struct cli *cli, const char *method, call_each each, void *arg)
{
	bool more = true;
	json_t *value;
	char *line;
	int status = CLI_OK, r;

	while (more && !status && !cli_interrupted()) {
		r = shunt_client_next(cli->client, 0, &line);
		if (r == -EINTR)
			continue;
		if (r < 0)
			return fail_from_errno(cli, method, r);
		value = call_parse(line);
		if (value)
			more = each(cli, line, value, arg);
		json_decref(value);
		free(line);
		status = cli_flush(cli, status);
	}
	return status;
}

int call_stream(struct cli *cli, const char *method, json_t *params,
		const struct call_source *source, call_each each, void *arg)
{
	char *text = params ? json_dumps(params, JSON_COMPACT) : NULL, *answer;
	int r;

	json_decref(params);
	r = open_client(cli, cli->timeout_ms, &cli->client);
	if (r < 0) {
		free(text);
		return unreachable(cli, socket_path(cli), r);
	}
	cli_catch();
	r = shunt_client_stream(cli->client, method, text, &answer);
	free(text);
	if (r < 0)
		return fail_from_errno(cli, method, r);
	if (r > 0)
		r = fail_from_error(cli, r, answer, source);
	free(answer);
	return r ? r : call_listen(cli, method, each, arg);
}

json_t *call_quietly(struct cli *cli, const char *method, json_t *params)
{
	char *text = params_text(params), *answer = NULL;
	struct shunt_client *client = NULL;
	json_t *result = NULL;

	json_decref(params);
	if (open_client(cli, QUIET_TIMEOUT_MS, &client) == 0 &&
	    shunt_client_call(client, method, text, &answer) == 0)
		result = call_parse(answer);
	shunt_client_close(client);
	free(answer);
	free(text);
	return result;
}

/* Digits that signed 64 bits surely hold: jansson refuses more than those */
#define DIGITS_SAFE	18

json_t *call_parse(const char *text)
{
	json_t *value = json_value_read(text, strlen(text));
	struct buf safe = {};
	bool quoted = false;
	size_t n;

	while (!value && *text) {
		n = strspn(text, quoted ? "" : "+-.0123456789eE");
		if (n > DIGITS_SAFE && strspn(text, "0123456789") == n) {
			buf_printf(&safe, "\"%.*s\"", (int)n, text);
			text += n;
			continue;
		}
		if (*text == '"')
			quoted = !quoted;
		if (!n)
			n = quoted && *text == '\\' && text[1] ? 2 : 1;
		buf_add(&safe, text, n);
		text += n;
	}
	if (!value)
		value = json_loadb(safe.data ? safe.data : "", safe.len, 0, NULL);
	buf_fini(&safe);
	return value;
}

/* With --json what is rendered is thrown away: the renderer tells the exit status */
int call_print(struct cli *cli, const char *result, call_render render)
{
	json_t *value = call_parse(result);
	size_t len;
	int status;

	if (!value)
		return report_fail(cli, CLI_UNREACHABLE, "the daemon's answer cannot be read");
	if (cli->json)
		print_json(cli, result);
	len = cli->out.len;
	status = render(cli, value);
	if (cli->json) {
		cli->out.len = len;
		cli->out.data[len] = '\0';
	}
	json_decref(value);
	return status;
}

int call_show(struct cli *cli, const char *method, json_t *params,
	      const struct call_source *source, call_render render)
{
	const char *result;
	int status = call_method(cli, method, params, source, &result);

	return status ? status : call_print(cli, result, render);
}
