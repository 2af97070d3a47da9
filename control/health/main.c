// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * main.c - shunt-health: ask backends whether they live, and tell the daemon
 *
 * Needs no privilege but to write to the daemon's socket (group 'shunt').
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <base/log.h>
#include <health/link.h>
#include <health/probe.h>
#include <health/targets.h>
#include <shunt/client.h>

static const char usage[] =
	"usage: shunt-health [OPTIONS]\n"
	"Ask the backends of load balancers whether they live, and tell shuntd.\n"
	"  -s, --socket PATH  of the daemon (" SHUNT_CLIENT_SOCKET ")\n"
	"  -v, --verbose      debug messages\n"
	"  -h, --help         this text\n"
	"  -V, --version      version\n";

struct health {
	struct link *link;
	struct targets *targets;
	uv_signal_t signal[2];
};

static void on_checks(void *data, json_t *checks)
{
	struct health *health = data;

	log_info("%u backends are checked", targets_set(health->targets, checks));
}

static void on_connected(void *data)
{
	struct health *health = data;

	targets_repeat(health->targets);
}

static const struct link_ops link_ops = { .checks = on_checks, .connected = on_connected };

static void on_verdict(void *data, const struct check *check, const char *why)
{
	struct health *health = data;
	bool up = check->verdict == CHECK_UP;

	log_info("%s: %s port %u is %s%s%s", check->service, check->address, check->backend_port,
		 up ? "up" : "down", why ? ": " : "", why ?: "");
	link_report(health->link,
		    json_pack("{s:s, s:s, s:s, s:i, s:b, s:s*}", "node", check->node, "service",
			      check->service, "address", check->address, "port",
			      check->backend_port, "up", up, "why", why));
}

static void on_signal(uv_signal_t *signal, int number)
{
	struct health *health = signal->data;
	int i;

	targets_free(health->targets);
	link_free(health->link);
	probe_http_fini();
	probe_icmp_fini();
	for (i = 0; i < 2; i++)
		uv_close((uv_handle_t *)&health->signal[i], NULL);
}

static void watch_signals(uv_loop_t *loop, struct health *health)
{
	static const int number[2] = { SIGINT, SIGTERM };
	int i;

	for (i = 0; i < 2; i++) {
		uv_signal_init(loop, &health->signal[i]);
		health->signal[i].data = health;
		uv_signal_start(&health->signal[i], on_signal, number[i]);
	}
}

/* Thousands of connections at a time */
static void raise_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static int run(const char *path)
{
	uv_loop_t *loop = uv_default_loop();
	struct health health = {};

	signal(SIGPIPE, SIG_IGN);
	srandom(time(NULL) ^ getpid());
	raise_files();
	watch_signals(loop, &health);
	health.targets = targets_new(loop, on_verdict, &health);
	health.link = link_new(loop, path, &link_ops, &health);
	uv_run(loop, UV_RUN_DEFAULT);
	return uv_loop_close(loop) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "socket", required_argument, NULL, 's' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{}
	};
	enum log_level level = LOG_LEVEL_INFO;
	const char *path = SHUNT_CLIENT_SOCKET;
	int c;

	while ((c = getopt_long(argc, argv, "s:vhV", longs, NULL)) != -1) {
		switch (c) {
		case 's':
			path = optarg;
			break;
		case 'v':
			level = LOG_LEVEL_DEBUG;
			break;
		case 'h':
			fputs(usage, stdout);
			return 0;
		case 'V':
			puts("shunt-health " SHUNT_VERSION);
			return 0;
		default:
			fputs(usage, stderr);
			return 2;
		}
	}
	if (optind < argc) {
		fputs(usage, stderr);
		return 2;
	}
	log_init("shunt-health", level);
	return run(path);
}
