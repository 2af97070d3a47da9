// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* targets.c - the backends that are checked, each by its own timer */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/log.h>
#include <health/probe.h>
#include <health/targets.h>

#define WHY_MAX	160

struct target {
	struct check check;
	struct targets *targets;
	uv_timer_t timer;
	struct probe *probe;		/* under way; or NULL */
	char why[WHY_MAX];		/* of the last bad answer */
	bool told;			/* that it cannot be asked */
};

struct targets {
	uv_loop_t *loop;
	targets_report_fn *report;
	void *data;
	struct target **target;		/* in the order of the daemon's list */
	unsigned int n;
	json_t *by_key;			/* while a list is compared: check's key to its index + 1 */
};

struct targets *targets_new(uv_loop_t *loop, targets_report_fn *report, void *data)
{
	struct targets *targets = calloc(1, sizeof(*targets));

	if (!targets)
		abort();
	targets->loop = loop;
	targets->report = report;
	targets->data = data;
	return targets;
}

/* ---- one ---------------------------------------------------------------------------------- */

static void ask(uv_timer_t *timer);

static uint32_t any(void)
{
	return (uint32_t)random();
}

static void report(const struct target *target)
{
	bool down = target->check.verdict == CHECK_DOWN;

	target->targets->report(target->targets->data, &target->check, down ? target->why : NULL);
}

static void answered(void *data, bool good, const char *why)
{
	struct target *target = data;

	target->probe = NULL;
	if (!good)
		snprintf(target->why, sizeof(target->why), "%s", why);
	uv_timer_start(&target->timer, ask, check_pause_ms(&target->check, any()), 0);
	if (check_answer(&target->check, good))
		report(target);
}

/* That we have no descriptor left says nothing of the backend: asked again, and no verdict */
static void ask(uv_timer_t *timer)
{
	struct target *target = timer->data;
	int r = probe_ops(target->check.type)->start(target->targets->loop, &target->check,
						     answered, target, &target->probe);

	if (r == 0) {
		target->told = false;
		return;
	}
	if (!target->told)
		log_warn("%s: %s: cannot be asked: %s", target->check.service,
			 target->check.address, strerror(-r));
	target->told = true;
	uv_timer_start(&target->timer, ask, check_pause_ms(&target->check, any()), 0);
}

static void target_start(struct target *target, struct targets *targets)
{
	target->targets = targets;
	uv_timer_init(targets->loop, &target->timer);
	target->timer.data = target;
	uv_timer_start(&target->timer, ask, any() % target->check.interval_ms, 0);
}

static void target_closed(uv_handle_t *handle)
{
	struct target *target = handle->data;

	check_fini(&target->check);
	free(target);
}

static void target_stop(struct target *target)
{
	if (target->probe)
		probe_ops(target->check.type)->cancel(target->probe);
	target->probe = NULL;
	uv_close((uv_handle_t *)&target->timer, target_closed);
}

/* ---- all ---------------------------------------------------------------------------------- */

static void key_print(const struct check *check, char *key, size_t size)
{
	snprintf(key, size, "%s/%s/%s/%u", check->node, check->service, check->address,
		 check->backend_port);
}

static void keys_make(struct targets *targets)
{
	char key[512];
	unsigned int i;

	targets->by_key = json_object();
	for (i = 0; i < targets->n; i++) {
		key_print(&targets->target[i]->check, key, sizeof(key));
		json_object_set_new(targets->by_key, key, json_integer(i + 1));
	}
}

/* The one that asks the same already, taken out of the old list; or NULL */
static struct target *take_same(struct targets *targets, const struct check *check)
{
	struct target *target;
	char key[512];
	json_int_t i;

	key_print(check, key, sizeof(key));
	i = json_integer_value(json_object_get(targets->by_key, key));
	target = i ? targets->target[i - 1] : NULL;
	if (!target || !check_same(&target->check, check))
		return NULL;
	targets->target[i - 1] = NULL;
	return target;
}

static struct target *target_get(struct targets *targets, json_t *json)
{
	struct target *target;
	struct check check;
	struct err err;

	if (check_read(json, &check, &err) < 0) {
		log_error("the daemon's list has a check that is left out: %s", err.text);
		return NULL;
	}
	target = take_same(targets, &check);
	if (target) {
		check_fini(&check);
		return target;
	}
	target = calloc(1, sizeof(*target));
	if (!target)
		abort();
	target->check = check;
	target_start(target, targets);
	return target;
}

unsigned int targets_set(struct targets *targets, json_t *checks)
{
	struct target **list = calloc(json_array_size(checks) + 1, sizeof(*list));
	unsigned int n = 0, i;
	json_t *json;

	if (!list)
		abort();
	keys_make(targets);
	json_array_foreach(checks, i, json) {
		list[n] = target_get(targets, json);
		n += list[n] != NULL;
	}
	for (i = 0; i < targets->n; i++)
		if (targets->target[i])
			target_stop(targets->target[i]);
	json_decref(targets->by_key);
	free(targets->target);
	targets->by_key = NULL;
	targets->target = list;
	targets->n = n;
	return n;
}

void targets_repeat(struct targets *targets)
{
	unsigned int i;

	for (i = 0; i < targets->n; i++)
		if (targets->target[i]->check.verdict != CHECK_UNKNOWN)
			report(targets->target[i]);
}

void targets_free(struct targets *targets)
{
	unsigned int i;

	for (i = 0; i < targets->n; i++)
		target_stop(targets->target[i]);
	free(targets->target);
	free(targets);
}
