// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* methods_lb_health.c - what shunt-health asks and tells: which backends to check, which live */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include <daemon/methods_lb.h>

/* ---- lb.checks ----------------------------------------------------------------------------- */

static void write_http(struct jsonw *w, const struct config_health *health)
{
	jsonw_str(w, "path", health->path);
	if (health->host)
		jsonw_str(w, "host", health->host);
	jsonw_u64(w, "status_first", health->status_first);
	jsonw_u64(w, "status_last", health->status_last);
}

static void write_check(struct jsonw *w, const struct plan_service *service,
			const struct config_backend *backend)
{
	const struct config_health *health = service->config->health;
	char text[LB_ADDR_SIZE];

	jsonw_object(w, NULL);
	jsonw_str(w, "node", service->node);
	jsonw_str(w, "service", service->name);
	lb_end_print(&backend->addr, backend->l3, 0, text);
	jsonw_str(w, "address", text);
	jsonw_u64(w, "backend_port", backend->port);
	jsonw_str(w, "type", config_health_type_name(health->type));
	if (health->type != CONFIG_HEALTH_ICMP)
		jsonw_u64(w, "port", config_health_port(service->config, backend));
	jsonw_u64(w, "interval_ms", health->interval_ms);
	jsonw_u64(w, "timeout_ms", health->timeout_ms);
	jsonw_u64(w, "rise", health->rise);
	jsonw_u64(w, "fall", health->fall);
	jsonw_u64(w, "jitter", health->jitter);
	if (health->type == CONFIG_HEALTH_HTTP || health->type == CONFIG_HEALTH_HTTPS)
		write_http(w, health);
	if (health->send)
		jsonw_str(w, "send", health->send);
	if (health->expect)
		jsonw_str(w, "expect", health->expect);
	jsonw_object_end(w);
}

/* The list goes with the generation; who has that one is not sent it again */
METHOD(lb_checks)
{
	const struct lb *lb = daemon->lb;
	uint32_t version = daemon->running->plan.generation + 1;
	unsigned int i, k;

	jsonw_u64(w, "version", version);
	if (rpc_number_or(call, "version", 0) == version)
		return 0;
	jsonw_array(w, "checks");
	for (i = 0; i < lb->n_run; i++) {
		const struct plan_service *service = lb->run[i].service;

		for (k = 0; service->config->health && k < service->n_owners; k++)
			write_check(w, service, service->owner[k].config);
	}
	jsonw_array_end(w);
	return 0;
}

/* ---- lb.health ----------------------------------------------------------------------------- */

static struct lb_run *run_find(struct lb *lb, const char *node, const char *name)
{
	unsigned int i;

	for (i = 0; i < lb->n_run; i++)
		if (!strcmp(lb->run[i].service->node, node) &&
		    !strcmp(lb->run[i].service->name, name))
			return &lb->run[i];
	return NULL;
}

/* Return: its place; n_owners: there is none (any more) */
static unsigned int owner_find(const struct plan_service *service, const struct lb_end *end)
{
	unsigned int i;

	for (i = 0; i < service->n_owners; i++)
		if (service->owner[i].config->port == end->port &&
		    !memcmp(&service->owner[i].config->addr, &end->addr, sizeof(end->addr)))
			break;
	return i;
}

/* Return: 1; 0: of a backend that is no more; -1: @error says what is wrong */
static int read_result(struct lb *lb, json_t *result, struct lb_verdict *ret_verdict,
		       struct rpc_error *error)
{
	const char *node, *name, *address;
	struct lb_end end;
	struct lb_run *run;
	json_error_t why;
	int port = 0, up;

	if (json_unpack_ex(result, &why, 0, "{s:s, s:s, s:s, s?i, s:b}", "node", &node, "service",
			   &name, "address", &address, "port", &port, "up", &up) < 0)
		return rpc_fail(error, RPC_BAD_PARAMS, "an element of 'results': %s", why.text);
	if (!lb_end_read(address, &end) || end.port || port < 0 || port > UINT16_MAX)
		return rpc_fail(error, RPC_BAD_PARAMS,
				"an element of 'results': '%s' and port %d are no backend's",
				address, port);
	end.port = port;
	run = run_find(lb, node, name);
	if (!run)
		return 0;
	*ret_verdict = (struct lb_verdict){ .run = run, .down = !up };
	ret_verdict->owner = owner_find(run->service, &end);
	return ret_verdict->owner < run->service->n_owners;
}

/* What a check said before the configuration changed may be of nobody: that is no error */
METHOD(lb_health)
{
	json_t *results = json_object_get(call->params, "results"), *result;
	struct lb_verdict *verdict;
	struct err err = {};
	unsigned int n = 0;
	size_t i;
	int r = 0;

	if (!json_is_array(results))
		return rpc_fail(error, RPC_BAD_PARAMS, "'results' is a list");
	verdict = calloc(json_array_size(results) + 1, sizeof(*verdict));
	if (!verdict)
		abort();
	json_array_foreach(results, i, result) {
		r = read_result(daemon->lb, result, &verdict[n], error);
		if (r < 0)
			break;
		n += r;
	}
	if (r >= 0) {
		r = lb_set_down(daemon->lb, verdict, n, &err);
		if (r < 0)
			rpc_fail_err(error, SHUNT_CLIENT_REFUSED, &err);
	}
	free(verdict);
	if (r < 0)
		return -1;
	jsonw_u64(w, "known", n);
	jsonw_u64(w, "changed", r);
	return 0;
}
