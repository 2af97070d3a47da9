// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* monitor.c - what rules log, one line a packet, as it happens */
#include <string.h>

#include <cli/cli.h>
#include <cli/commands.h>

struct monitor {
	uint64_t left;			/* events to come; 0: no limit */
};

static const char *text_of(const json_t *event, const char *key, const char *otherwise)
{
	const char *text = json_string_value(json_object_get(event, key));

	return text ? text : otherwise;
}

static void print_packet(struct cli *cli, const json_t *event)
{
	const json_t *vlans = json_object_get(event, "vlan");
	const char *flags = text_of(event, "flags", NULL), *frag = text_of(event, "frag", "none");
	size_t i;

	for (i = 0; i < json_array_size(vlans); i++)
		buf_printf(&cli->out, "vlan %lld ", json_integer_value(json_array_get(vlans, i)));
	if (!json_object_get(event, "saddr")) {
		buf_printf(&cli->out, "type %s", text_of(event, "ether_type", "?"));
	} else {
		buf_printf(&cli->out, "%s ", text_of(event, "protocol", "?"));
		print_end(cli, event, "saddr", "sport");
		buf_str(&cli->out, " > ");
		print_end(cli, event, "daddr", "dport");
	}
	if (json_object_get(event, "type"))
		buf_printf(&cli->out, " type %llu code %llu",
			   (unsigned long long)print_number(event, "type"),
			   (unsigned long long)print_number(event, "code"));
	if (flags)
		buf_printf(&cli->out, " [%s]", flags);
	if (strcmp(frag, "none"))
		buf_printf(&cli->out, " %s fragment", frag);
	buf_printf(&cli->out, " length %llu", (unsigned long long)print_number(event, "length"));
}

static void print_event(struct cli *cli, const json_t *event)
{
	const char *prefix = text_of(event, "prefix", NULL), *dev = text_of(event, "dev", NULL);

	print_clock(cli, event);
	if (dev)
		buf_printf(&cli->out, " %s", dev);
	else
		buf_printf(&cli->out, " #%llu", (unsigned long long)print_number(event, "ifindex"));
	buf_printf(&cli->out, " %s %s %s", text_of(event, "hook", "?"), text_of(event, "node", "?"),
		   text_of(event, "rule", "?"));
	if (prefix) {
		buf_str(&cli->out, " \"");
		print_text(&cli->out, prefix);
		buf_char(&cli->out, '"');
	}
	buf_printf(&cli->out, " %s: ", text_of(event, "verdict", "?"));
	print_packet(cli, event);
	buf_char(&cli->out, '\n');
}

static bool on_line(struct cli *cli, const char *line, const json_t *value, void *arg)
{
	const char *method = text_of(value, "method", "");
	const json_t *params = json_object_get(value, "params");
	struct monitor *monitor = arg;

	if (cli->json)
		print_json(cli, line);
	else if (!strcmp(method, "event"))
		print_event(cli, params);
	else if (!strcmp(method, "lost"))
		print_lost(cli, params);
	return strcmp(method, "event") || !monitor->left || --monitor->left;
}

static int cmd_monitor(struct cli *cli, int argc, char **argv)
{
	struct monitor monitor = {};
	const char *count = cli->value[OPT_COUNT];

	if (count && (option_number(count, UINT32_MAX, &monitor.left) < 0 || !monitor.left))
		return report_fail(cli, CLI_USAGE, "'--count' wants a number from 1, not '%s'",
				   count);
	return call_stream(cli, "monitor", argc ? json_pack("{s:s}", "node", argv[0]) : NULL,
			   NULL, on_line, &monitor);
}

const struct cli_cmd monitor_commands[] = {
	{ "monitor", "[NODE]", 0, 1, OPT(COUNT), "What rules with 'log' tell, as it happens",
	  .more = "One line a packet: time, interface, hook, node, the rule's id, the text of its log,\n"
		  "its verdict, then the packet. Ends by Ctrl-C. What is lost because it comes faster\n"
		  "than it is read is told.",
	  .example = "shunt monitor guard --count 10", .run = cmd_monitor, .changes = true },
	{}
};
