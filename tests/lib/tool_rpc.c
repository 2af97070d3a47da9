// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* tool_rpc.c - one call of the daemon's API, for tests that look at single values of the answer */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include <base/buf.h>
#include <base/file.h>
#include <shunt/client.h>

#define TIMEOUT_MS	60000

static const char usage[] =
	"usage: rpc [--socket PATH] [--config FILE.json] METHOD [PARAMS [/POINTER...]]\n"
	"Prints the answer, or what the JSON pointers of it say, one a line ('-': nothing there; an\n"
	"array or object as JSON). PARAMS is an object; --config puts a file into it as 'config'.\n"
	"Status: 0, or the code of the error, whose object is printed whole on stderr.\n";

static json_t *find(json_t *json, const char *pointer)
{
	char *copy = strdup(pointer), *rest = copy, *word;

	strsep(&rest, "/");
	while (json && (word = strsep(&rest, "/"))) {
		if (!*word)
			continue;
		json = json_is_array(json) ? json_array_get(json, strtoul(word, NULL, 10)) :
		       json_object_get(json, word);
	}
	free(copy);
	return json;
}

static void print(json_t *json)
{
	char *text;

	if (json_is_string(json)) {
		puts(json_string_value(json));
		return;
	}
	text = json ? json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
	puts(text ? text : "-");
	free(text);
}

static json_t *read_params(const char *text, const char *file)
{
	json_t *params = json_loads(text, 0, NULL), *config;

	if (params && file) {
		config = json_load_file(file, 0, NULL);
		if (!config || json_object_set_new(params, "config", config) < 0) {
			json_decref(params);
			return NULL;
		}
	}
	return params;
}

static int call(struct shunt_client *client, const char *method, json_t *params, char **pointer)
{
	char *text = json_dumps(params, JSON_COMPACT), *answer = NULL;
	json_t *json;
	int r;

	r = shunt_client_call(client, method, text, &answer);
	free(text);
	if (r) {
		fprintf(stderr, "%s\n", answer ? answer : strerror(-r));
		free(answer);
		return r < 0 ? 125 : r;
	}
	if (!*pointer)
		puts(answer);
	json = json_loads(answer, 0, NULL);
	for (; *pointer; pointer++)
		print(find(json, *pointer));
	json_decref(json);
	free(answer);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "socket", required_argument, NULL, 's' },
		{ "config", required_argument, NULL, 'c' }, {}
	};
	const char *path = SHUNT_CLIENT_SOCKET, *config = NULL;
	struct shunt_client *client;
	json_t *params;
	int c, r;

	while ((c = getopt_long(argc, argv, "+", longs, NULL)) != -1) {
		if (c == 's')
			path = optarg;
		else if (c == 'c')
			config = optarg;
		else
			break;
	}
	if (c != -1 || optind == argc) {
		fputs(usage, stderr);
		return 125;
	}
	params = read_params(optind + 1 < argc ? argv[optind + 1] : "{}", config);
	if (!params) {
		fputs("rpc: bad parameters\n", stderr);
		return 125;
	}
	r = shunt_client_open(path, TIMEOUT_MS, &client);
	if (r < 0) {
		fprintf(stderr, "rpc: '%s': %s\n", path, strerror(-r));
		json_decref(params);
		return 125;
	}
	r = call(client, argv[optind], params, optind + 2 < argc ? argv + optind + 2 : argv + argc);
	shunt_client_close(client);
	json_decref(params);
	return r;
}
