// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* tool_swap.c - apply two configurations in turn, as fast as the daemon commits them */
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include <base/buf.h>
#include <base/file.h>
#include <shunt/client.h>

#define TIMEOUT_MS	60000

static const char usage[] =
	"usage: swap --socket PATH [-n SWAPS] A.json B.json\n"
	"       swap --socket PATH [-n SWAPS] --node NODE RULE-A RULE-B\n"
	"Applies A, B, A, ... SWAPS times (1000) or until SIGTERM, or replaces the one rule of a node\n"
	"by the other, which has to be there first; the first answer that is no success, or that\n"
	"says that nothing changed, ends it with status 1. Prints one line of JSON.\n";

/* Of all answers, in us */
struct series {
	const char *name;
	uint64_t sum, max;
};

enum { WHOLE, LOAD, COMMIT, GRACE, N_SERIES };

struct swap {
	struct shunt_client *client;
	char *params[2];		/* of apply; or the rules */
	const char *node;		/* whose rule is replaced; NULL: apply */
	char id[32];			/* of the rule that is there */
	uint64_t applied, rendered;
	struct series series[N_SERIES];
};

static volatile sig_atomic_t stopped;

static void on_signal(int signo)
{
	stopped = 1;
}

static uint64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000ull + ts.tv_nsec / 1000;
}

static void series_add(struct series *series, uint64_t us)
{
	series->sum += us;
	if (us > series->max)
		series->max = us;
}

static char *read_params(const char *path)
{
	struct buf params = {};
	struct err err = {};
	char *config;
	size_t len;

	if (file_read(path, 1 << 26, &config, &len, &err) < 0) {
		fprintf(stderr, "swap: %s\n", err.text);
		exit(2);
	}
	buf_printf(&params, "{\"config\":%s}", config);
	free(config);
	return params.data;
}

static bool swap_answer(struct swap *swap, const char *answer)
{
	json_t *json = json_loads(answer, 0, NULL);
	bool changed = json_is_true(json_object_get(json, "changed"));
	const char *id = json_string_value(json_object_get(json, "id"));
	int i;

	if (id)
		snprintf(swap->id, sizeof(swap->id), "%s", id);

	swap->rendered += json_integer_value(json_object_get(json, "rendered"));
	for (i = LOAD; i < N_SERIES; i++)
		series_add(&swap->series[i],
			   json_integer_value(json_object_get(json, swap->series[i].name)));
	json_decref(json);
	return changed;
}

/* The caller frees */
static char *replace_params(const struct swap *swap, const char *rule)
{
	json_t *params = json_pack("{s:s, s:s, s:s}", "node", swap->node, "id", swap->id, "rule", rule);
	char *text = json_dumps(params, JSON_COMPACT);

	json_decref(params);
	return text;
}

static bool swap_once(struct swap *swap, const char *params)
{
	char *answer = NULL, *replace = swap->node ? replace_params(swap, params) : NULL;
	uint64_t start = now_us();
	bool good;
	int r;

	r = shunt_client_call(swap->client, replace ? "rule.replace" : "apply",
			      replace ? replace : params, &answer);
	free(replace);
	series_add(&swap->series[WHOLE], now_us() - start);
	good = r == 0 && swap_answer(swap, answer);
	if (!good)
		fprintf(stderr, "swap %" PRIu64 ": %d: %s\n", swap->applied + 1, r,
			answer ? answer : strerror(-r));
	else
		swap->applied++;
	free(answer);
	return good;
}

/* The id of the rule that is there: RULE-B replaces it first */
static bool swap_find(struct swap *swap, const char *rule)
{
	char params[128], *answer = NULL;
	const json_t *item;
	json_t *json;
	size_t i;

	snprintf(params, sizeof(params), "{\"node\":\"%s\"}", swap->node);
	if (shunt_client_call(swap->client, "rule.list", params, &answer) != 0) {
		free(answer);
		return false;
	}
	json = json_loads(answer, 0, NULL);
	json_array_foreach(json_object_get(json, "rules"), i, item)
		if (!strcmp(json_string_value(json_object_get(item, "rule")), rule))
			snprintf(swap->id, sizeof(swap->id), "%s",
				 json_string_value(json_object_get(item, "id")));
	json_decref(json);
	free(answer);
	return swap->id[0];
}

static void swap_print(const struct swap *swap)
{
	uint64_t n = swap->applied ? swap->applied : 1;
	int i;

	printf("{\"swaps\":%" PRIu64 ",\"rendered\":%" PRIu64, swap->applied, swap->rendered);
	for (i = 0; i < N_SERIES; i++)
		printf(",\"%s_mean\":%" PRIu64 ",\"%s_max\":%" PRIu64, swap->series[i].name,
		       swap->series[i].sum / n, swap->series[i].name, swap->series[i].max);
	printf("}\n");
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "socket", required_argument, NULL, 's' },
		{ "node", required_argument, NULL, 'N' }, {}
	};
	struct swap swap = { .series = {
		{ .name = "apply_us" }, { .name = "load_us" }, { .name = "commit_us" },
		{ .name = "grace_us" } } };
	uint64_t i, n = 1000;
	const char *path = SHUNT_CLIENT_SOCKET;
	bool good = true;
	int c, r;

	while ((c = getopt_long(argc, argv, "n:", longs, NULL)) != -1) {
		if (c == 's')
			path = optarg;
		else if (c == 'n')
			n = strtoull(optarg, NULL, 10);
		else if (c == 'N')
			swap.node = optarg;
		else
			break;
	}
	if (c != -1 || optind + 2 != argc) {
		fputs(usage, stderr);
		return 2;
	}
	for (i = 0; i < 2; i++)
		swap.params[i] = swap.node ? strdup(argv[optind + i]) :
					     read_params(argv[optind + i]);
	signal(SIGTERM, on_signal);
	signal(SIGINT, on_signal);
	r = shunt_client_open(path, TIMEOUT_MS, &swap.client);
	if (r < 0) {
		fprintf(stderr, "swap: '%s': %s\n", path, strerror(-r));
		return 2;
	}
	if (swap.node && !swap_find(&swap, swap.params[0])) {
		fprintf(stderr, "swap: node '%s' has no rule '%s'\n", swap.node, swap.params[0]);
		return 2;
	}
	for (i = 0; good && !stopped && i < n; i++)
		good = swap_once(&swap, swap.params[swap.node ? !(i % 2) : i % 2]);
	swap_print(&swap);
	shunt_client_close(swap.client);
	free(swap.params[0]);
	free(swap.params[1]);
	return good ? 0 : 1;
}
