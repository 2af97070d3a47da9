// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * conn.c - flows of the flow table
 *
 * DOC: The daemon answers a part of the table at a time (page.h). Each part is printed, and
 * forgotten, before the next one is asked for.
 */
#include <stdlib.h>
#include <string.h>

#include <cli/commands.h>
#include <cli/page.h>

struct filter {
	json_t *params;
	struct call_source source;
};

/* The words of a filter. Return: exit status */
static int filter_of(struct cli *cli, int argc, char **argv, struct filter *ret_filter)
{
	struct buf text = {};
	int i;

	*ret_filter = (struct filter){ .params = json_object() };
	if (!argc)
		return CLI_OK;
	for (i = 0; i < argc; i++)
		buf_printf(&text, "%s%s", i ? " " : "", argv[i]);
	ret_filter->source = (struct call_source){
		.file = "filter", .text = arena_strdup(&cli->arena, text.data), .len = text.len,
	};
	buf_fini(&text);
	if (json_object_set_new(ret_filter->params, "filter",
				json_string(ret_filter->source.text)) == 0)
		return CLI_OK;
	json_decref(ret_filter->params);
	return report_fail(cli, CLI_USAGE, "the filter is no UTF-8 text");
}

static const struct call_source *source_of(const struct filter *filter)
{
	return filter->source.text ? &filter->source : NULL;
}

/* Number of --count; 0: not given. Return: exit status */
static int count_of(struct cli *cli, uint64_t *ret_count)
{
	const char *count = cli->value[OPT_COUNT];

	*ret_count = 0;
	if (count && (option_number(count, UINT32_MAX, ret_count) < 0 || !*ret_count))
		return report_fail(cli, CLI_USAGE, "'--count' wants a number from 1, not '%s'",
				   count);
	return CLI_OK;
}

/* ---- one flow ------------------------------------------------------------------------------ */

/* "established" of "tcp-established": the line begins with the protocol; of ICMP, what there is */
static const char *state_of(struct cli *cli, const json_t *flow)
{
	const char *state = print_cell(cli, flow, "state"), *dash = strchr(state, '-');

	if (!dash)
		return json_is_true(json_object_get(flow, "replied")) ? "replied" : "unreplied";
	return dash + 1;
}

static void put_ends(struct cli *cli, const json_t *ends)
{
	print_end(cli, ends, "saddr", "sport");
	buf_str(&cli->out, " > ");
	print_end(cli, ends, "daddr", "dport");
	if (json_object_get(ends, "id"))
		buf_printf(&cli->out, " id %s", print_cell(cli, ends, "id"));
}

static void put_pair(struct cli *cli, const json_t *flow, const char *what)
{
	buf_printf(&cli->out, "%s %s/%s", what,
		   print_cell(cli, json_object_get(flow, "original"), what),
		   print_cell(cli, json_object_get(flow, "reply"), what));
}

static void put_flow(struct cli *cli, const json_t *flow)
{
	const json_t *nat = json_object_get(flow, "nat");

	buf_printf(&cli->out, "%s ", print_cell(cli, flow, "protocol"));
	if (json_object_get(flow, "query"))
		buf_printf(&cli->out, "%s ", print_cell(cli, flow, "query"));
	put_ends(cli, flow);
	buf_printf(&cli->out, " %s", state_of(cli, flow));
	if (json_object_get(flow, "expires_s"))
		buf_printf(&cli->out, " %ss", print_cell(cli, flow, "expires_s"));
	if (print_number(flow, "mark"))
		buf_printf(&cli->out, " mark 0x%llx",
			   (unsigned long long)print_number(flow, "mark"));
	if (print_number(flow, "zone"))
		buf_printf(&cli->out, " zone %s", print_cell(cli, flow, "zone"));
	if (json_is_object(nat)) {
		buf_str(&cli->out, " [nat ");
		put_ends(cli, nat);
		buf_char(&cli->out, ']');
	}
	if (json_object_get(flow, "original")) {
		buf_char(&cli->out, ' ');
		put_pair(cli, flow, "packets");
	}
	buf_char(&cli->out, '\n');
}

static void put_details(struct cli *cli, const json_t *flow)
{
	const json_t *flags = json_object_get(flow, "flags"), *flag;
	const char *policy = print_member(cli, flow, "policy");
	size_t i;

	buf_printf(&cli->out, "    age %ss, slot %s, policy %s", print_cell(cli, flow, "age_s"),
		   print_cell(cli, flow, "slot"), policy ? policy : "usual");
	if (json_object_get(flow, "original")) {
		buf_str(&cli->out, ", ");
		put_pair(cli, flow, "bytes");
	}
	json_array_foreach(flags, i, flag)
		buf_printf(&cli->out, "%s %s", i ? "" : ",", print_scalar(cli, flag) ?: "?");
	buf_char(&cli->out, '\n');
}

/* ---- list, show ---------------------------------------------------------------------------- */

struct list {
	struct filter filter;
	struct buf *json;		/* where JSON goes; NULL: lines */
	bool details;
	uint64_t left, shown;		/* left 0: no limit */
};

static void put_json(struct list *list, const json_t *flow)
{
	char *text = json_dumps(flow, JSON_COMPACT);

	buf_printf(list->json, "%s%s", list->shown ? "," : "{\"schema\":1,\"flows\":[", text);
	free(text);
}

static bool list_page(struct cli *cli, const json_t *page, void *arg)
{
	const json_t *flows = json_object_get(page, "flows"), *flow;
	struct list *list = arg;
	size_t i;

	json_array_foreach(flows, i, flow) {
		if (list->json)
			put_json(list, flow);
		else
			put_flow(cli, flow);
		if (list->details && !list->json)
			put_details(cli, flow);
		list->shown++;
		if (list->left && !--list->left)
			return false;
	}
	if (list->left)
		json_object_set_new(list->filter.params, "limit", json_integer(list->left));
	return true;
}

static int list(struct cli *cli, const char *method, bool details, int argc, char **argv)
{
	struct list list = { .details = details };
	struct buf text = {};
	int status;

	status = count_of(cli, &list.left);
	if (!status)
		status = filter_of(cli, argc, argv, &list.filter);
	if (status)
		return status;
	if (cli->json)
		list.json = cli->pretty ? &text : &cli->out;
	if (list.left)
		json_object_set_new(list.filter.params, "limit", json_integer(list.left));
	status = page_each(cli, method, list.filter.params, source_of(&list.filter), list_page,
			   &list);
	json_decref(list.filter.params);
	if (!status && list.json)
		buf_str(list.json, list.shown ? "]}" : "{\"schema\":1,\"flows\":[]}");
	if (!status && cli->pretty)
		print_json(cli, text.data);
	else if (!status && cli->json)
		buf_char(&cli->out, '\n');
	buf_fini(&text);
	return status;
}

static int cmd_conn_list(struct cli *cli, int argc, char **argv)
{
	return list(cli, "conn.list", false, argc, argv);
}

static int cmd_conn_show(struct cli *cli, int argc, char **argv)
{
	return list(cli, "conn.show", true, argc, argv);
}

/* ---- count --------------------------------------------------------------------------------- */

static json_t *find_count(json_t *counts, const json_t *wanted)
{
	json_t *count;
	size_t i;

	json_array_foreach(counts, i, count)
		if (json_equal(json_object_get(count, "protocol"),
			       json_object_get(wanted, "protocol")) &&
		    json_equal(json_object_get(count, "state"), json_object_get(wanted, "state")))
			return count;
	return NULL;
}

static bool count_page(struct cli *cli, const json_t *page, void *arg)
{
	json_t *counts = arg, *page_counts = json_object_get(page, "counts"), *count, *sum;
	size_t i;

	json_array_foreach(page_counts, i, count) {
		sum = find_count(counts, count);
		if (sum)
			json_object_set_new(sum, "flows",
					    json_integer(print_number(sum, "flows") +
							 print_number(count, "flows")));
		else
			json_array_append(counts, count);
	}
	return true;
}

static void render_counts(struct cli *cli, const json_t *counts)
{
	struct print_table table;
	unsigned long long total = 0;
	const json_t *count;
	size_t i;

	print_table_init(&table, cli, "PROTOCOL", "STATE", ">FLOWS", NULL);
	json_array_foreach(counts, i, count) {
		print_table_cell(&table, print_cell(cli, count, "protocol"));
		print_table_cell(&table, print_cell(cli, count, "state"));
		print_table_cell(&table, print_cell(cli, count, "flows"));
		total += print_number(count, "flows");
	}
	print_table_end(&table);
	if (!cli->quiet)
		buf_printf(&cli->out, "flows: %llu\n", total);
}

static int cmd_conn_count(struct cli *cli, int argc, char **argv)
{
	json_t *result, *counts = json_array();
	struct filter filter;
	char *text;
	int status;

	status = filter_of(cli, argc, argv, &filter);
	if (!status) {
		status = page_each(cli, "conn.count", filter.params, source_of(&filter), count_page,
				   counts);
		json_decref(filter.params);
	}
	if (!status && cli->json) {
		result = json_pack("{s:i, s:O}", "schema", 1, "counts", counts);
		text = json_dumps(result, JSON_COMPACT);
		print_json(cli, text);
		free(text);
		json_decref(result);
	} else if (!status) {
		render_counts(cli, counts);
	}
	json_decref(counts);
	return status;
}

/* ---- del ----------------------------------------------------------------------------------- */

static bool del_page(struct cli *cli, const json_t *page, void *arg)
{
	uint64_t *deleted = arg;

	*deleted += print_number(page, "deleted");
	return true;
}

static int cmd_conn_del(struct cli *cli, int argc, char **argv)
{
	uint64_t deleted = 0;
	struct filter filter;
	int status;

	if (!argc == !cli_has(cli, OPT_ALL))
		return report_fail(cli, CLI_USAGE, "either a filter, or --all");
	status = filter_of(cli, argc, argv, &filter);
	if (status)
		return status;
	if (!argc)
		json_object_set_new(filter.params, "all", json_true());
	status = page_each(cli, "conn.del", filter.params, source_of(&filter), del_page, &deleted);
	json_decref(filter.params);
	if (status)
		return status;
	if (cli->json)
		print_json(cli, arena_printf(&cli->arena, "{\"schema\":1,\"deleted\":%llu}",
					     (unsigned long long)deleted));
	else if (!cli->quiet)
		buf_printf(&cli->out, "%llu deleted\n", (unsigned long long)deleted);
	return CLI_OK;
}

/* ---- watch --------------------------------------------------------------------------------- */

static bool on_line(struct cli *cli, const char *line, const json_t *value, void *arg)
{
	const char *method = json_string_value(json_object_get(value, "method"));
	const json_t *params = json_object_get(value, "params");
	bool event = method && !strcmp(method, "conn");
	uint64_t *left = arg;

	if (cli->json) {
		print_json(cli, line);
	} else if (event) {
		print_clock(cli, params);
		buf_printf(&cli->out, " %-7s ", print_cell(cli, params, "event"));
		put_flow(cli, params);
	} else if (method && !strcmp(method, "dropped")) {
		print_clock(cli, params);
		buf_str(&cli->out, " dropped the flow table, with all flows\n");
	} else if (method && !strcmp(method, "lost")) {
		print_lost(cli, params);
	}
	return !event || !*left || --*left;
}

static int cmd_conn_watch(struct cli *cli, int argc, char **argv)
{
	struct filter filter;
	uint64_t left;
	int status;

	status = count_of(cli, &left);
	if (!status)
		status = filter_of(cli, argc, argv, &filter);
	if (status)
		return status;
	return call_stream(cli, "conn.watch", filter.params, source_of(&filter), on_line, &left);
}

/* ---- stats --------------------------------------------------------------------------------- */

static int render_stats(struct cli *cli, const json_t *result)
{
	const json_t *stats = json_object_get(result, "stats"), *stat;
	struct print_table table;
	size_t i;

	print_table_init(&table, cli, "STAT", ">COUNT", "WHAT", NULL);
	json_array_foreach(stats, i, stat) {
		print_table_cell(&table, print_cell(cli, stat, "stat"));
		print_table_cell(&table, print_cell(cli, stat, "count"));
		print_table_cell(&table, print_cell(cli, stat, "help"));
	}
	print_table_end(&table);
	return CLI_OK;
}

static int cmd_conn_stats(struct cli *cli, int argc, char **argv)
{
	return call_show(cli, "conn.stats", NULL, NULL, render_stats);
}

const struct cli_cmd conn_commands[] = {
	{ "conn list", "[FILTER...]", 0, -1, OPT(COUNT), "Flows, one a line",
	  .more = "FILTER: matches as in rules: protocol, addresses, ports ('ct reply ...': those of\n"
		  "replies), 'ct state' (new, established), 'ct mark', 'ct zone', 'ct status'. A line:\n"
		  "protocol, ends of the first packet, state, how long it lives on, mark, zone,\n"
		  "translated ends, packets of both directions if they are counted.",
	  .example = "shunt conn list ip saddr 10.0.0.0/8 tcp dport 443 ct state established",
	  .run = cmd_conn_list },
	{ "conn count", "[FILTER...]", 0, -1, OPT(WATCH), "How many flows, by protocol and state",
	  .example = "shunt conn count ip6 saddr fd00::/8", .run = cmd_conn_count },
	{ "conn show", "FILTER...", 1, -1, OPT(COUNT), "All that is known of some flows",
	  .example = "shunt conn show ip saddr 10.0.0.5 tcp sport 40000", .run = cmd_conn_show },
	{ "conn del", "[FILTER...]", 0, -1, OPT(ALL), "Delete flows",
	  .more = "Of a connection that goes on, the next packet begins a new flow, or is invalid.",
	  .example = "shunt conn del ip saddr 203.0.113.7", .run = cmd_conn_del, .changes = true },
	{ "conn watch", "[FILTER...]", 0, -1, OPT(COUNT), "Flows that come, change and go",
	  .more = "One line an event: time, new, update or destroy, the flow. Ends by Ctrl-C. What is\n"
		  "lost because it comes faster than it is read is told.",
	  .example = "shunt conn watch tcp dport 22", .run = cmd_conn_watch, .changes = true },
	{ "conn stats", "", 0, 0, OPT(WATCH), "What came of packets and flows, counted",
	  .example = "shunt conn stats", .run = cmd_conn_stats },
	{}
};
