// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* main.c - shuntd: options, lock, loop */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <limits.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/file.h>
#include <base/log.h>
#include <daemon/daemon.h>
#include <daemon/flow.h>
#include <daemon/lb.h>
#include <daemon/monitor.h>
#include <daemon/server.h>
#include <daemon/sync.h>
#include <kernel/object.h>

#define RETRY_MS	5000	/* failed attachments */
#define EXIT_USAGE	2
#define EXIT_KERNEL	4

struct options {
	const char *run_dir, *state_dir, *bpf_dir, *bpffs;
	const char *mirror_names;
	uint32_t mirror;		/* classes */
	bool offline;
	int verbose;
};

static const char usage[] =
	"usage: shuntd [OPTIONS]\n"
	"The shunt daemon. Stopping it detaches nothing; 'shunt detach --all' does.\n"
	"  --run-dir DIR    sockets, lock, logs and pins (/run/shunt)\n"
	"  --state-dir DIR  generations (/var/lib/shunt)\n"
	"  --bpf-dir DIR    gate, root and modules/ (" SHUNT_LIBDIR "/bpf)\n"
	"  --bpffs DIR      pins (RUN-DIR/bpf; a bpffs is mounted there when it is in none)\n"
	"  --mirror LIST    what to mirror of the kernel's tables besides links and addresses, for 'shunt sync':\n"
	"                   netconf, neigh, fdb, vlan, mdb, rule, nexthop, route, with commas between; all\n"
	"  --offline        answer on standard input and output, without kernel state: check, module\n"
	"  -v, --verbose    debug messages\n"
	"  -h, --help       this text\n"
	"  -V, --version    version\n";

static int parse_options(int argc, char **argv, struct options *ret_options)
{
	static const struct option longs[] = {
		{ "run-dir", required_argument, NULL, 'r' },
		{ "state-dir", required_argument, NULL, 's' },
		{ "bpf-dir", required_argument, NULL, 'b' },
		{ "bpffs", required_argument, NULL, 'f' },
		{ "mirror", required_argument, NULL, 'm' },
		{ "offline", no_argument, NULL, 'o' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{}
	};
	int c;

	while ((c = getopt_long(argc, argv, "vhV", longs, NULL)) != -1) {
		switch (c) {
		case 'r':
			ret_options->run_dir = optarg;
			break;
		case 's':
			ret_options->state_dir = optarg;
			break;
		case 'b':
			ret_options->bpf_dir = optarg;
			break;
		case 'f':
			ret_options->bpffs = optarg;
			break;
		case 'm':
			ret_options->mirror_names = optarg;
			break;
		case 'o':
			ret_options->offline = true;
			break;
		case 'v':
			ret_options->verbose++;
			break;
		case 'h':
			fputs(usage, stdout);
			exit(0);
		case 'V':
			puts("shuntd " SHUNT_VERSION);
			exit(0);
		default:
			return -EINVAL;
		}
	}
	return optind < argc ? -EINVAL : 0;
}

/* One client on standard input and output, with the caller's rights */
static int offline(struct daemon *daemon)
{
	struct rpc_peer peer = {
		.pid = getppid(), .uid = getuid(), .gid = getgid(), .offline = true,
	};
	struct buf answer = {};
	char *line = NULL;
	size_t size = 0;
	ssize_t len;

	while ((len = getline(&line, &size, stdin)) > 0) {
		if (line[len - 1] == '\n')
			len--;
		buf_clear(&answer);
		rpc_serve(daemon, &peer, line, len, &answer);
		if (fwrite(answer.data, 1, answer.len, stdout) != answer.len || fflush(stdout))
			break;
	}
	free(line);
	buf_fini(&answer);
	return 0;
}

/* One daemon a run dir. Return: fd that holds the lock, or -errno */
static int take_lock(const char *run_dir, struct err *err)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/shuntd.lock", run_dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_set(err, -errno, "open '%s'", path);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		fd_close(fd);
		return err_set(err, -EBUSY, "another shuntd runs in '%s' (it holds '%s').", run_dir,
			       path);
	}
	return fd;
}

static void retry(uv_timer_t *timer)
{
	struct daemon *daemon = timer->data;

	if (attachments_unsettled(install_attached(daemon->install)))
		change_reconcile(daemon);
}

static void stop(uv_signal_t *signal, int number)
{
	log_info("signal %d: stopping; what is attached stays", number);
	uv_stop(signal->loop);
}

static int daemon_open(struct daemon *daemon, const struct options *options, struct err *err)
{
	struct install_paths paths = { .objects = daemon->bpf_dir };
	static char bpffs[PATH_MAX];
	char logs[PATH_MAX];
	int r;

	snprintf(bpffs, sizeof(bpffs), "%s/bpf", daemon->run_dir);
	daemon->bpffs = options->bpffs ? options->bpffs : bpffs;
	paths.bpffs = daemon->bpffs;
	paths.logs = logs;
	snprintf(logs, sizeof(logs), "%s/log", daemon->run_dir);
	r = file_mkdirs(logs, 0700, err);
	if (r == 0)
		r = store_open(&daemon->store, daemon->state_dir, err);
	if (r == 0)
		r = netlink_new(&daemon->netlink, err);
	if (r == 0)
		r = netlink_want(daemon->netlink, options->mirror, err);
	if (r == 0)
		r = install_open(&paths, &daemon->install, err);
	if (r == 0)
		lb_new(daemon, &daemon->lb);
	return r;
}

static void daemon_watch(struct daemon *daemon)
{
	uv_timer_init(&daemon->loop, &daemon->retry_timer);
	daemon->retry_timer.data = daemon;
	uv_timer_start(&daemon->retry_timer, retry, RETRY_MS, RETRY_MS);
	collect_start(daemon);
	sync_start(daemon);
}

static int daemon_listen(struct daemon *daemon, struct server *server[2], struct err *err)
{
	char path[PATH_MAX];
	int r;

	snprintf(path, sizeof(path), "%s/shuntd.sock", daemon->run_dir);
	r = server_new(daemon, &daemon->loop, path, false, &server[0], err);
	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "%s/shuntd-ro.sock", daemon->run_dir);
	return server_new(daemon, &daemon->loop, path, true, &server[1], err);
}

static void daemon_close(struct daemon *daemon)
{
	flow_watch_free(daemon->flow_watch);
	monitor_free(daemon->monitor);
	lb_free(daemon->lb);
	generation_free(daemon->running);
	install_close(daemon->install);
	netlink_free(daemon->netlink);
	store_close(&daemon->store);
	free(daemon->module_dir);
}

static int serve(struct daemon *daemon, const struct options *options, struct err *err)
{
	struct server *server[2] = {};
	uv_signal_t signals[2];
	int lock = -1, i, r;

	r = file_mkdirs(daemon->run_dir, 0755, err);
	if (r < 0)
		return r;
	lock = take_lock(daemon->run_dir, err);
	if (lock < 0)
		return lock;
	r = daemon_open(daemon, options, err);
	if (r < 0)
		goto out;
	uv_timer_init(&daemon->loop, &daemon->confirm_timer);
	daemon->confirm_timer.data = daemon;
	r = change_recover(daemon, err);
	if (r < 0)
		goto out;
	r = daemon_listen(daemon, server, err);
	if (r < 0)
		goto out;
	daemon_watch(daemon);
	for (i = 0; i < 2; i++) {
		uv_signal_init(&daemon->loop, &signals[i]);
		uv_signal_start(&signals[i], stop, i ? SIGINT : SIGTERM);
	}
	log_info("shuntd " SHUNT_VERSION " serves '%s', generation %u", daemon->run_dir,
		 daemon->running->number);
	uv_run(&daemon->loop, UV_RUN_DEFAULT);
	server_close(server[0]);
	server_close(server[1]);
	uv_run(&daemon->loop, UV_RUN_NOWAIT);
out:
	daemon_close(daemon);
	fd_close(lock);
	return r;
}

int main(int argc, char **argv)
{
	struct options options = {
		.run_dir = "/run/shunt",
		.state_dir = "/var/lib/shunt",
		.bpf_dir = SHUNT_LIBDIR "/bpf",
		.mirror_names = "",
	};
	struct daemon daemon = { .started = time(NULL) };
	struct err err = {};
	int r;

	if (parse_options(argc, argv, &options) < 0) {
		fputs(usage, stderr);
		return EXIT_USAGE;
	}
	if (sync_classes(options.mirror_names, &options.mirror, &err) < 0) {
		fprintf(stderr, "shuntd: --mirror: %s\n", err.text);
		return EXIT_USAGE;
	}
	log_init("shuntd", options.verbose ? LOG_LEVEL_DEBUG : options.offline ? LOG_LEVEL_WARN :
		 LOG_LEVEL_INFO);
	object_log_init();
	signal(SIGPIPE, SIG_IGN);
	umask(022);	/* what is not for all says so where it is made */
	daemon.run_dir = options.run_dir;
	daemon.state_dir = options.state_dir;
	daemon.bpf_dir = options.bpf_dir;
	if (asprintf(&daemon.module_dir, "%s/modules", options.bpf_dir) < 0)
		return EXIT_KERNEL;
	if (options.offline)
		return offline(&daemon);
	uv_loop_init(&daemon.loop);
	r = serve(&daemon, &options, &err);
	if (r < 0) {
		log_error("%s", err.text);
		return EXIT_KERNEL;
	}
	return 0;
}
