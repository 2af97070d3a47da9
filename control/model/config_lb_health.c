// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* config_lb_health.c - how a service's backends are asked whether they live */
#include <string.h>

#include <model/config_lb_read.h>

#define NSEC_PER_MSEC	1000000ULL
#define INTERVAL_MS	2000
#define TIMEOUT_MS	1000
#define TIME_MIN_MS	10
#define TIME_MAX_MS	86400000
#define RISE		2
#define FALL		3
#define RUN_MAX		1000
#define JITTER		10		/* per cent */
#define JITTER_MAX	50
#define TEXT_MAX	256		/* bytes, of what is sent or expected */

enum {
	HEALTH_TYPE, HEALTH_PORT, HEALTH_INTERVAL, HEALTH_TIMEOUT, HEALTH_RISE, HEALTH_FALL,
	HEALTH_JITTER, HEALTH_PATH, HEALTH_HOST, HEALTH_STATUS, HEALTH_SEND, HEALTH_EXPECT, HEALTH_MAX
};
static const struct config_key health_keys[] = {
	[HEALTH_TYPE] = { "type", TREE_SCALAR, true },
	[HEALTH_PORT] = { "port", TREE_SCALAR, false },
	[HEALTH_INTERVAL] = { "interval", TREE_SCALAR, false },
	[HEALTH_TIMEOUT] = { "timeout", TREE_SCALAR, false },
	[HEALTH_RISE] = { "rise", TREE_SCALAR, false },
	[HEALTH_FALL] = { "fall", TREE_SCALAR, false },
	[HEALTH_JITTER] = { "jitter", TREE_SCALAR, false },
	[HEALTH_PATH] = { "path", TREE_SCALAR, false },
	[HEALTH_HOST] = { "host", TREE_SCALAR, false },
	[HEALTH_STATUS] = { "status", TREE_SCALAR, false },
	[HEALTH_SEND] = { "send", TREE_SCALAR, false },
	[HEALTH_EXPECT] = { "expect", TREE_SCALAR, false },
	[HEALTH_MAX] = { 0 },
};

static const char *const type_names[] = { "tcp", "http", "https", "udp", "icmp", NULL };

/* What only some types have */
static const struct {
	int key;
	unsigned int types;
	const char *of;
} key_types[] = {
	{ HEALTH_PATH, 1 << CONFIG_HEALTH_HTTP | 1 << CONFIG_HEALTH_HTTPS, "http and https" },
	{ HEALTH_HOST, 1 << CONFIG_HEALTH_HTTP | 1 << CONFIG_HEALTH_HTTPS, "http and https" },
	{ HEALTH_STATUS, 1 << CONFIG_HEALTH_HTTP | 1 << CONFIG_HEALTH_HTTPS, "http and https" },
	{ HEALTH_SEND, 1 << CONFIG_HEALTH_UDP, "udp" },
	{ HEALTH_EXPECT, 1 << CONFIG_HEALTH_UDP, "udp" },
	{ HEALTH_PORT, ~(1U << CONFIG_HEALTH_ICMP), "tcp, http, https and udp" },
};

static void read_number(struct config_reader *r, const struct tree *tree, unsigned int min,
			unsigned int max, uint16_t *number)
{
	const char *what;
	int value;

	if (!tree)
		return;
	what = arena_printf(r->arena, "'%s'", tree->key);
	if (config_read_number(r, tree, what, max, &value))
		*number = value;
	if (*number < min)
		config_read_error(r, tree, "bad_value", "%s is a number from %u to %u, not '%.60s'",
				  what, min, max, tree->text);
}

static void read_time(struct config_reader *r, const struct tree *tree, uint32_t *ret_ms)
{
	uint64_t ns;

	if (!tree ||
	    !config_read_time(r, tree, arena_printf(r->arena, "'%s'", tree->key), &ns))
		return;
	if (ns < TIME_MIN_MS * NSEC_PER_MSEC || ns > TIME_MAX_MS * NSEC_PER_MSEC)
		config_read_error(r, tree, "bad_value", "'%s' is 10ms to 1d, not '%.60s'",
				  tree->key, tree->text);
	else
		*ret_ms = ns / NSEC_PER_MSEC;
}

static void read_text(struct config_reader *r, const struct tree *tree, const char **ret_text)
{
	if (tree && config_read_line(r, tree, arena_printf(r->arena, "'%s'", tree->key), TEXT_MAX))
		*ret_text = tree->text;
}

/* "200" or "200-299" */
static void read_status(struct config_reader *r, const struct tree *tree,
			struct config_health *health)
{
	unsigned int first, last;
	char end;
	int n;

	if (!tree)
		return;
	n = sscanf(tree->text, "%3u-%3u%c", &first, &last, &end);
	if (n == 1 && strlen(tree->text) == 3)
		last = first;
	else if (n != 2 || strlen(tree->text) != 7)
		first = 0;
	if (first < 100 || last > 599 || last < first) {
		config_read_error(r, tree, "bad_value",
				  "'status' is an HTTP status or a range of them (200-299), not '%.60s'",
				  tree->text);
		return;
	}
	health->status_first = first;
	health->status_last = last;
}

static void check_types(struct config_reader *r, struct tree *const *value,
			const struct config_health *health)
{
	size_t i;

	for (i = 0; i < sizeof(key_types) / sizeof(key_types[0]); i++)
		if (value[key_types[i].key] && !(key_types[i].types >> health->type & 1))
			config_read_error(r, value[key_types[i].key], "bad_value",
					  "'%s' is of checks of type %s alone, not of '%s'",
					  health_keys[key_types[i].key].name, key_types[i].of,
					  type_names[health->type]);
}

static void read_http(struct config_reader *r, struct tree *const *value,
		      struct config_health *health)
{
	read_text(r, value[HEALTH_PATH], &health->path);
	read_text(r, value[HEALTH_HOST], &health->host);
	read_status(r, value[HEALTH_STATUS], health);
	if (health->path[0] != '/' || strchr(health->path, ' '))
		config_read_error(r, value[HEALTH_PATH], "bad_value",
				  "'path' begins with '/' and has no blanks, not '%.60s'",
				  health->path);
	if (health->host && strpbrk(health->host, "/ @"))
		config_read_error(r, value[HEALTH_HOST], "bad_value",
				  "'host' is a host's name, with a port or without, not '%.60s'",
				  health->host);
}

const char *config_health_type_name(enum config_health_type type)
{
	return type_names[type];
}

const struct config_health *config_lb_read_health(struct config_reader *r, const struct tree *tree)
{
	struct config_health *health = arena_new(r->arena, struct config_health);
	struct tree *value[HEALTH_MAX];
	int type;

	*health = (struct config_health){
		.interval_ms = INTERVAL_MS, .timeout_ms = TIMEOUT_MS, .rise = RISE, .fall = FALL,
		.jitter = JITTER, .path = "/", .status_first = 200, .status_last = 299,
		.tree = tree,
	};
	if (config_read_keys(r, tree, "'health'", health_keys, value) < 0 || !value[HEALTH_TYPE])
		return health;
	type = config_read_word(r, value[HEALTH_TYPE], "'type'", type_names);
	if (type < 0)
		return health;
	health->type = type;
	check_types(r, value, health);
	read_number(r, value[HEALTH_PORT], 1, 65535, &health->port);
	read_time(r, value[HEALTH_INTERVAL], &health->interval_ms);
	read_time(r, value[HEALTH_TIMEOUT], &health->timeout_ms);
	read_number(r, value[HEALTH_RISE], 1, RUN_MAX, &health->rise);
	read_number(r, value[HEALTH_FALL], 1, RUN_MAX, &health->fall);
	read_number(r, value[HEALTH_JITTER], 0, JITTER_MAX, &health->jitter);
	read_text(r, value[HEALTH_SEND], &health->send);
	read_text(r, value[HEALTH_EXPECT], &health->expect);
	read_http(r, value, health);
	return health;
}

uint16_t config_health_port(const struct config_service *service,
			    const struct config_backend *backend)
{
	if (service->health->port)
		return service->health->port;
	if (backend->port)
		return backend->port;
	return service->port_first == service->port_last ? service->port_first : 0;
}
