// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * lb_health.c - which backends live
 *
 * DOC: Those that are down are in a file beside the generations, a line each: node, service, address,
 * port. One that is of no service any more stays there until it is told to be up.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/arena.h>
#include <base/file.h>
#include <base/log.h>
#include <daemon/lb.h>

#define FILE_MAX	(16 << 20)

static void down_path(const struct lb *lb, char *ret_path)
{
	snprintf(ret_path, PATH_MAX, "%s/lb-down", lb->daemon->state_dir);
}

static unsigned int down_find(const struct lb *lb, const struct plan_service *service,
			      const struct config_backend *backend)
{
	unsigned int i;

	for (i = 0; i < lb->n_down; i++)
		if (lb->down[i].port == backend->port &&
		    !memcmp(&lb->down[i].addr, &backend->addr, sizeof(backend->addr)) &&
		    !strcmp(lb->down[i].service, service->name) &&
		    !strcmp(lb->down[i].node, service->node))
			break;
	return i;
}

bool lb_is_down(const struct lb *lb, const struct plan_service *service,
		const struct config_backend *backend)
{
	return lb->n_down && down_find(lb, service, backend) < lb->n_down;
}

static void down_add(struct lb *lb, const char *node, const char *service,
		     const struct shunt_addr *addr, uint16_t port)
{
	lb->down = realloc(lb->down, (lb->n_down + 1) * sizeof(*lb->down));
	if (!lb->down)
		arena_no_memory();
	lb->down[lb->n_down++] = (struct lb_outage){ strdup(node), strdup(service), *addr, port };
}

static void down_del(struct lb *lb, unsigned int i)
{
	free(lb->down[i].node);
	free(lb->down[i].service);
	lb->down[i] = lb->down[--lb->n_down];
}

void lb_free_down(struct lb *lb)
{
	while (lb->n_down)
		down_del(lb, lb->n_down - 1);
	free(lb->down);
}

/* ---- the file ------------------------------------------------------------------------------ */

static void print_addr(const struct shunt_addr *addr, char *ret_text)
{
	inet_ntop(AF_INET6, addr, ret_text, INET6_ADDRSTRLEN);
}

static int down_save(const struct lb *lb, struct err *err)
{
	char path[PATH_MAX], addr[INET6_ADDRSTRLEN];
	struct buf text = {};
	unsigned int i;
	int r;

	for (i = 0; i < lb->n_down; i++) {
		print_addr(&lb->down[i].addr, addr);
		buf_printf(&text, "%s %s %s %u\n", lb->down[i].node, lb->down[i].service, addr,
			   lb->down[i].port);
	}
	down_path(lb, path);
	r = file_write(path, text.data ? text.data : "", text.len, 0600, err);
	buf_fini(&text);
	return r;
}

static bool load_line(struct lb *lb, char *line)
{
	char *node = strsep(&line, " "), *service = strsep(&line, " ");
	char *addr = strsep(&line, " "), *end;
	struct shunt_addr parsed;
	unsigned long port;

	if (!line || !*line || inet_pton(AF_INET6, addr, &parsed) != 1)
		return false;
	port = strtoul(line, &end, 10);
	if (*end || port > UINT16_MAX)
		return false;
	down_add(lb, node, service, &parsed, port);
	return true;
}

void lb_load_down(struct lb *lb)
{
	char path[PATH_MAX], *text = NULL, *rest, *line;
	struct err err = {};
	size_t len;

	down_path(lb, path);
	if (file_read(path, FILE_MAX, &text, &len, &err) < 0) {
		if (err.code != -ENOENT)
			log_warn("%s: all backends are taken to be up", err.text);
		return;
	}
	rest = text;
	while ((line = strsep(&rest, "\n")))
		if (*line && !load_line(lb, line))
			log_warn("'%s': ignoring a line that is none of ours", path);
	free(text);
}

/* ---- in force ------------------------------------------------------------------------------ */

void lb_flag_living(struct lb *lb, bool also_clear)
{
	const struct plan_lb *plan = lb->plan;
	static bool lives[LB_BACKENDS];
	struct lb_backend *entry = lb_tables_backends(lb->tables);
	unsigned int i, k;

	memset(lives, 0, sizeof(lives));
	for (i = 0; i < lb->n_run; i++) {
		const struct plan_service *service = lb->run[i].service;

		for (k = 0; k < service->n_owners; k++)
			lives[service->owner[k].backend->number] |= lb->run[i].health[k].lives;
		if (service->sorry)
			lives[service->sorry->number] = true;
	}
	for (i = 0; plan && i < plan->n_backends; i++) {
		unsigned int number = plan->backend[i]->number;
		uint8_t flags = entry[number].flags;

		if (lives[number])
			flags |= LB_LIVES;
		else if (also_clear)
			flags &= ~LB_LIVES;
		__atomic_store_n(&entry[number].flags, flags, __ATOMIC_RELEASE);
	}
}

/* Note it, or take the note back. Return: whether it is another now */
static bool down_flip(struct lb *lb, const struct lb_verdict *verdict)
{
	const struct plan_service *service = verdict->run->service;
	const struct config_backend *backend = service->owner[verdict->owner].config;
	unsigned int at = down_find(lb, service, backend);

	if (verdict->down == (at < lb->n_down))
		return false;
	if (verdict->down)
		down_add(lb, service->node, service->name, &backend->addr, backend->port);
	else
		down_del(lb, at);
	return true;
}

/* Packets go by a ring to who is flagged: up before the ring names it, down after */
static void down_enforce(struct lb *lb, const struct lb_verdict *verdict, const bool *changed,
			 unsigned int n)
{
	bool *touched = calloc(lb->n_run + 1, sizeof(*touched));
	uint64_t now_ms = lb_now_ms();
	unsigned int i;

	if (!touched)
		arena_no_memory();
	for (i = 0; i < n; i++) {
		struct lb_run *run = verdict[i].run;

		if (!changed[i])
			continue;
		touched[run - lb->run] = true;
		run->health[verdict[i].owner].lives = !verdict[i].down;
		run->up_ms[verdict[i].owner] =
			verdict[i].down || !run->service->slow_start_ms ? 0 : now_ms;
	}
	lb_flag_living(lb, false);
	for (i = 0; i < lb->n_run; i++)
		if (touched[i])
			lb_run_update(lb, &lb->run[i], true, now_ms);
	lb_flag_living(lb, true);
	lb_arm(lb);
	free(touched);
}

int lb_set_down(struct lb *lb, const struct lb_verdict *verdict, unsigned int n, struct err *err)
{
	bool *changed = calloc(n + 1, sizeof(*changed));
	unsigned int i, total = 0;
	struct lb_verdict back;
	int r = 0;

	if (!changed)
		arena_no_memory();
	for (i = 0; i < n; i++) {
		changed[i] = down_flip(lb, &verdict[i]);
		total += changed[i];
	}
	if (total)
		r = down_save(lb, err);
	for (i = n; r < 0 && i--;) {
		back = verdict[i];
		back.down = !back.down;
		if (changed[i])
			down_flip(lb, &back);
	}
	if (total && r == 0)
		down_enforce(lb, verdict, changed, n);
	free(changed);
	return r < 0 ? r : (int)total;
}
