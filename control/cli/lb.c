// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* lb.c - load balancers: services, their backends, where a client goes */
#include <stdlib.h>
#include <string.h>

#include <cli/commands.h>

/* ---- show ---------------------------------------------------------------------------------- */

static const json_t *find_last(const struct cli *cli, const json_t *service)
{
	const json_t *list = json_object_get(cli->last, "services"), *last;
	size_t i;

	json_array_foreach(list, i, last)
		if (json_equal(json_object_get(last, "node"), json_object_get(service, "node")) &&
		    json_equal(json_object_get(last, "service"),
			       json_object_get(service, "service")))
			return last;
	return NULL;
}

/* Of the same backend in a service as it was */
static const json_t *find_last_backend(const json_t *last, const json_t *backend)
{
	const json_t *list = json_object_get(last, "backends"), *was;
	size_t i;

	json_array_foreach(list, i, was)
		if (json_equal(json_object_get(was, "backend"),
			       json_object_get(backend, "backend")))
			return was;
	return NULL;
}

static const char *const counts[] = { "packets", "bytes", "flows" };
static const char *const rates[] = { "packets_s", "bytes_s", "flows_s" };
#define COUNTS	(sizeof(counts) / sizeof(counts[0]))

static void add_rates(json_t *now, const json_t *last, double seconds)
{
	uint64_t n, before;
	unsigned int i;

	for (i = 0; last && i < COUNTS; i++) {
		n = print_number(now, counts[i]);
		before = print_number(last, counts[i]);
		json_object_set_new(now, rates[i],
				    json_integer(n > before ? (n - before) / seconds + 0.5 : 0));
	}
}

/* What counted less was removed meanwhile, and is there anew */
static void add_all_rates(struct cli *cli, json_t *result)
{
	json_t *service, *backend;
	const json_t *last;
	size_t i, k;

	if (!cli->last || cli->last_s <= 0)
		return;
	json_array_foreach(json_object_get(result, "services"), i, service) {
		last = find_last(cli, service);
		add_rates(service, last, cli->last_s);
		json_array_foreach(json_object_get(service, "backends"), k, backend)
			add_rates(backend, find_last_backend(last, backend), cli->last_s);
	}
}

static void keep_last(struct cli *cli, const json_t *result)
{
	json_decref(cli->last);
	cli->last = json_deep_copy(result);
}

/* An answer, with rates if there was one before; the caller lets it go. Return: exit status */
static int ask(struct cli *cli, const char *method, json_t *params, json_t **ret_result)
{
	const char *text;
	int status = call_method(cli, method, json_incref(params), NULL, &text);

	if (status)
		return status;
	*ret_result = call_parse(text);
	if (!*ret_result)
		return report_fail(cli, CLI_UNREACHABLE, "the daemon's answer cannot be read");
	add_all_rates(cli, *ret_result);
	keep_last(cli, *ret_result);
	return CLI_OK;
}

/* --rate: one answer to compare with, and time between */
static int ask_before(struct cli *cli, const char *method, json_t *params)
{
	json_t *result;
	int ms, status;

	status = cli_period(cli, OPT_RATE, 1, &ms);
	if (!status)
		status = ask(cli, method, params, &result);
	if (status)
		return status;
	json_decref(result);
	cli->last_s = cli_wait(ms);
	return CLI_OK;
}

/* @params: taken; NULL: none */
static int show(struct cli *cli, const char *method, json_t *params, call_render render)
{
	json_t *result = NULL;
	int status = CLI_OK;
	char *text;

	if (!cli_has(cli, OPT_RATE) && !cli_has(cli, OPT_WATCH))
		return call_show(cli, method, params, NULL, render);
	if (cli_has(cli, OPT_RATE) && !cli->last)
		status = ask_before(cli, method, params);
	if (!status)
		status = ask(cli, method, params, &result);
	if (!status && cli->json) {
		text = json_dumps(result, JSON_COMPACT);
		print_json(cli, text);
		free(text);
	} else if (!status) {
		status = render(cli, result);
	}
	json_decref(result);
	json_decref(params);
	return status;
}

static void put_counts(struct cli *cli, struct print_table *table, const json_t *from)
{
	bool watched = cli_has(cli, OPT_RATE) || cli_has(cli, OPT_WATCH);
	unsigned int i;

	for (i = 0; i < COUNTS; i++)
		print_table_cell(table, !watched ? print_cell(cli, from, counts[i]) :
				 print_member(cli, from, rates[i]));
}

static uint64_t dropped(const json_t *service)
{
	const char *reason;
	uint64_t sum = 0;
	json_t *count;

	json_object_foreach(json_object_get(service, "drops"), reason, count)
		sum += print_number(json_object_get(service, "drops"), reason);
	return sum;
}

static const char *number_text(struct cli *cli, uint64_t number)
{
	return arena_printf(&cli->arena, "%llu", (unsigned long long)number);
}

/* "203.0.113.10:443 tcp"; "203.0.113.0/24 any" */
static const char *destination(struct cli *cli, const json_t *service)
{
	const char *address = print_cell(cli, service, "address");
	const char *port = print_cell(cli, service, "port");

	if (!strcmp(port, "any"))
		return arena_printf(&cli->arena, "%s %s", address,
				    print_cell(cli, service, "proto"));
	return arena_printf(&cli->arena, strchr(address, ':') ? "[%s]:%s %s" : "%s:%s %s", address,
			    port, print_cell(cli, service, "proto"));
}

static int render_show(struct cli *cli, const json_t *result)
{
	const json_t *services = json_object_get(result, "services"), *service;
	bool per_s = cli_has(cli, OPT_RATE) || cli_has(cli, OPT_WATCH);
	struct print_table table;
	size_t i;

	print_table_init(&table, cli, "NODE", "SERVICE", "DESTINATION", "FORWARD", "SERVING",
			 per_s ? ">PACKETS/S" : ">PACKETS", per_s ? ">BYTES/S" : ">BYTES",
			 per_s ? ">FLOWS/S" : ">FLOWS", ">DROPPED", NULL);
	json_array_foreach(services, i, service) {
		print_table_cell(&table, print_cell(cli, service, "node"));
		print_table_cell(&table, print_cell(cli, service, "service"));
		print_table_cell(&table, destination(cli, service));
		print_table_cell(&table, print_cell(cli, service, "forward"));
		print_table_cell(&table, arena_printf(&cli->arena, "%s of %s",
						      print_cell(cli, service, "serving"),
						      print_cell(cli, service, "total")));
		put_counts(cli, &table, service);
		print_table_cell(&table, number_text(cli, dropped(service)));
	}
	print_table_end(&table);
	return CLI_OK;
}

static int cmd_lb_show(struct cli *cli, int argc, char **argv)
{
	return show(cli, "lb.show", argc ? json_pack("{s:s}", "node", argv[0]) : NULL,
		    render_show);
}

static void put_service(struct cli *cli, const json_t *service)
{
	const json_t *drops = json_object_get(service, "drops");
	const char *reason;
	json_t *count;

	buf_printf(&cli->out, "%s/%s: %s, forward %s, hash %s, tracking %s, down %s\n",
		   print_cell(cli, service, "node"), print_cell(cli, service, "service"),
		   destination(cli, service), print_cell(cli, service, "forward"),
		   print_cell(cli, service, "hash"), print_cell(cli, service, "tracking"),
		   print_cell(cli, service, "down"));
	buf_printf(&cli->out, "  %s of %s backends serve; %s slots, %s former owners\n",
		   print_cell(cli, service, "serving"), print_cell(cli, service, "total"),
		   print_cell(cli, service, "slots"), print_cell(cli, service, "changing"));
	buf_printf(&cli->out, "  packets %s, bytes %s, flows %s, kept %s, evicted %s\n",
		   print_cell(cli, service, "packets"), print_cell(cli, service, "bytes"),
		   print_cell(cli, service, "flows"), print_cell(cli, service, "kept"),
		   print_cell(cli, service, "evicted"));
	json_object_foreach((json_t *)drops, reason, count)
		if (print_number(drops, reason))
			buf_printf(&cli->out, "  dropped %s %s\n", reason,
				   print_cell(cli, drops, reason));
	buf_char(&cli->out, '\n');
}

/* "up", "slow start 3/10" */
static const char *state_text(struct cli *cli, const json_t *backend)
{
	const char *state = print_cell(cli, backend, "state");

	if (!strcmp(state, "slow_start"))
		return arena_printf(&cli->arena, "slow start %s/10",
				    print_cell(cli, backend, "tenths"));
	return state;
}

static int render_service(struct cli *cli, const json_t *result)
{
	const json_t *service = json_array_get(json_object_get(result, "services"), 0), *backend;
	const json_t *list = json_object_get(service, "backends");
	bool per_s = cli_has(cli, OPT_RATE) || cli_has(cli, OPT_WATCH);
	struct print_table table;
	size_t i;

	put_service(cli, service);
	print_table_init(&table, cli, "BACKEND", ">WEIGHT", "STATE", "WAY", ">SLOTS",
			 per_s ? ">PACKETS/S" : ">PACKETS", per_s ? ">BYTES/S" : ">BYTES",
			 per_s ? ">FLOWS/S" : ">FLOWS", ">KEPT", NULL);
	json_array_foreach(list, i, backend) {
		print_table_cell(&table, print_cell(cli, backend, "backend"));
		print_table_cell(&table, print_cell(cli, backend, "weight"));
		print_table_cell(&table, state_text(cli, backend));
		print_table_cell(&table, print_cell(cli, backend, "way"));
		print_table_cell(&table, print_cell(cli, backend, "slots"));
		put_counts(cli, &table, backend);
		print_table_cell(&table, print_cell(cli, backend, "kept"));
	}
	print_table_end(&table);
	return CLI_OK;
}

static int cmd_lb_service(struct cli *cli, int argc, char **argv)
{
	return show(cli, "lb.service", json_pack("{s:s}", "service", argv[0]), render_service);
}

/* ---- where, conn --------------------------------------------------------------------------- */

static int render_where(struct cli *cli, const json_t *result)
{
	const char *begins = print_member(cli, result, "begins");
	const char *goes_on = print_member(cli, result, "goes_on");
	const char *keep = print_member(cli, result, "keep");

	buf_printf(&cli->out, "%s/%s: slot %s of %s\n", print_cell(cli, result, "node"),
		   print_cell(cli, result, "service"), print_cell(cli, result, "slot"),
		   print_cell(cli, result, "slots"));
	buf_printf(&cli->out, "  a flow that begins goes to %s\n", begins ? begins : "nobody");
	buf_printf(&cli->out, "  one that goes on, to %s (%s)\n", goes_on ? goes_on : "nobody",
		   print_cell(cli, result, "why"));
	buf_printf(&cli->out, "  owner %s", print_cell(cli, result, "owner"));
	if (keep)
		buf_printf(&cli->out, ", in transition: what is not remembered is kept by %s", keep);
	if (print_member(cli, result, "remembered"))
		buf_printf(&cli->out, "; remembered: %s, seen %s s ago",
			   print_cell(cli, result, "remembered"),
			   print_cell(cli, result, "remembered_s"));
	buf_char(&cli->out, '\n');
	return CLI_OK;
}

static int cmd_lb_where(struct cli *cli, int argc, char **argv)
{
	json_t *params = json_pack("{s:s, s:s}", "client", argv[0], "service", argv[1]);

	if (argc > 2)
		json_object_set_new(params, "proto", json_string(argv[2]));
	return call_show(cli, "lb.where", params, NULL, render_where);
}

static int render_conn(struct cli *cli, const json_t *result)
{
	buf_printf(&cli->out, "flows remembered: %s of %s, %s of them seen in the last minute\n",
		   print_cell(cli, result, "used"), print_cell(cli, result, "room"),
		   print_cell(cli, result, "fresh"));
	buf_printf(&cli->out, "evicted: %s\nservices in transition: %s\n",
		   print_cell(cli, result, "evicted"), print_cell(cli, result, "changing"));
	return CLI_OK;
}

static int cmd_lb_conn(struct cli *cli, int argc, char **argv)
{
	return call_show(cli, "lb.conn", NULL, NULL, render_conn);
}

/* ---- backends ------------------------------------------------------------------------------ */

/* What is not in the configuration changes without a generation */
static int render_change(struct cli *cli, const json_t *result)
{
	const char *was = print_member(cli, result, "was"), *state = print_member(cli, result, "state");

	if (was && state && !cli->quiet)
		buf_printf(&cli->out, "%s (was %s)\n", state, was);
	return json_object_get(result, "generation") ? apply_render(cli, result) : CLI_OK;
}

static int change(struct cli *cli, const char *method, json_t *params)
{
	if (!params)
		return report_fail(cli, CLI_USAGE, "a word is no UTF-8 text");
	apply_comment(cli, params);
	return call_show(cli, method, params, NULL, render_change);
}

static json_t *names(char **argv)
{
	return json_pack("{s:s, s:s}", "service", argv[0], "backend", argv[1]);
}

/* A number behind its name, or alone. Return: exit status */
static int put_number(struct cli *cli, json_t *params, const char *name, const char *text,
		      uint64_t max)
{
	uint64_t number;

	if (option_number(text, max, &number) < 0)
		return report_fail(cli, CLI_USAGE, "'%s' wants a number from 0 to %llu, not '%s'",
				   name, (unsigned long long)max, text);
	json_object_set_new(params, name, json_integer(number));
	return CLI_OK;
}

static int cmd_backend_add(struct cli *cli, int argc, char **argv)
{
	json_t *params = names(argv);
	int i, status = CLI_OK;

	for (i = 2; params && !status && i + 1 < argc; i += 2)
		if (!strcmp(argv[i], "weight"))
			status = put_number(cli, params, "weight", argv[i + 1], UINT16_MAX);
		else if (!strcmp(argv[i], "id"))
			status = put_number(cli, params, "id", argv[i + 1], INT64_MAX);
		else
			break;
	if (!status && i < argc)
		status = report_fail(cli, CLI_USAGE, "usage: shunt %s %s", cli->cmd->words,
				     cli->cmd->args);
	if (!status)
		return change(cli, "lb.backend.add", params);
	json_decref(params);
	return status;
}

static int cmd_backend_weight(struct cli *cli, int argc, char **argv)
{
	json_t *params = names(argv);
	int status = params ? put_number(cli, params, "weight", argv[2], UINT16_MAX) : CLI_OK;

	if (!status)
		return change(cli, "lb.backend.weight", params);
	json_decref(params);
	return status;
}

static int cmd_backend_del(struct cli *cli, int argc, char **argv)
{
	return change(cli, "lb.backend.del", names(argv));
}

static int cmd_backend_drain(struct cli *cli, int argc, char **argv)
{
	return change(cli, "lb.backend.drain", names(argv));
}

static int cmd_backend_up(struct cli *cli, int argc, char **argv)
{
	return change(cli, "lb.backend.up", names(argv));
}

static int cmd_backend_down(struct cli *cli, int argc, char **argv)
{
	json_t *params = names(argv);

	if (!params)
		return report_fail(cli, CLI_USAGE, "a word is no UTF-8 text");
	return call_show(cli, "lb.backend.down", params, NULL, render_change);
}

const struct cli_cmd lb_commands[] = {
	{ "lb show", "[NODE]", 0, 1, OPT(RATE) | OPT(WATCH), "Services, and what they count",
	  .more = "With --rate, or from one look to the next with -w: packets, bytes and flows a second.",
	  .example = "shunt lb show --rate", .run = cmd_lb_show },
	{ "lb service", "SERVICE", 1, 1, OPT(RATE) | OPT(WATCH), "A service with its backends",
	  .more = "SERVICE is a name, or NODE/NAME where several nodes have one of that name.\n"
		  "STATE: up, slow start, drain, down. WAY: ready, or why the kernel forwards.",
	  .example = "shunt lb service www", .run = cmd_lb_service },
	{ "lb backend add", "SERVICE BACKEND [weight N] [id N]", 2, 6, OPT(COMMENT),
	  "Add a backend to a service",
	  .more = "BACKEND is an address; with 'forward: nat', ADDRESS:PORT too.",
	  .example = "shunt lb backend add www 10.0.0.7 weight 10", .run = cmd_backend_add,
	  .changes = true },
	{ "lb backend del", "SERVICE BACKEND", 2, 2, OPT(COMMENT), "Take a backend out of a service",
	  .more = "Its flows go to others at once: 'lb backend drain' lets them end before.",
	  .example = "shunt lb backend del www 10.0.0.7", .run = cmd_backend_del, .changes = true },
	{ "lb backend drain", "SERVICE BACKEND", 2, 2, OPT(COMMENT), "Send a backend no new flows",
	  .more = "'lb backend up' takes it back.",
	  .example = "shunt lb backend drain www 10.0.0.7", .run = cmd_backend_drain,
	  .changes = true },
	{ "lb backend weight", "SERVICE BACKEND N", 3, 3, OPT(COMMENT), "Change a backend's weight",
	  .example = "shunt lb backend weight www 10.0.0.7 20", .run = cmd_backend_weight,
	  .changes = true },
	{ "lb backend up", "SERVICE BACKEND", 2, 2, OPT(COMMENT),
	  "A backend that was down, or drains, serves again",
	  .example = "shunt lb backend up www 10.0.0.7", .run = cmd_backend_up, .changes = true },
	{ "lb backend down", "SERVICE BACKEND", 2, 2, 0, "A backend is dead: all its flows go to others",
	  .more = "That is no part of the configuration; a restart of the daemon does not forget it.",
	  .example = "shunt lb backend down www 10.0.0.7", .run = cmd_backend_down,
	  .changes = true },
	{ "lb where", "CLIENT SERVICE [PROTO]", 2, 3, 0, "Say which backend a client goes to, and why",
	  .more = "CLIENT is ADDRESS:PORT; the address alone where a service goes by it alone. SERVICE is\n"
		  "a name or ADDRESS:PORT. PROTO: tcp, udp, sctp.",
	  .example = "shunt lb where 198.51.100.7:40000 www", .run = cmd_lb_where },
	{ "lb conn", "", 0, 0, OPT(WATCH), "Flows that are remembered, and room for them",
	  .example = "shunt lb conn", .run = cmd_lb_conn },
	{}
};
