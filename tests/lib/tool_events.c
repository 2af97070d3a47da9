// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * tool_events.c - packets that a rule logs, without a filter: 'events PIN NUMBER'
 * The ring buffer pinned at PIN, made and pinned there if there is none, gets NUMBER events.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "ext.h"
#include "objtest.h"
#include "pkt.h"

static void die(const char *what)
{
	fprintf(stderr, "events: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int map_fd(struct bpf_object *object, const char *name)
{
	return bpf_map__fd(bpf_object__find_map_by_name(object, name));
}

static struct bpf_object *load(const char *pin)
{
	char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 32);
	struct bpf_object *object;
	struct bpf_map *events;
	int fd = bpf_obj_get(pin);

	if (n < 0)
		die("/proc/self/exe");
	path[n] = '\0';
	strcpy(strrchr(path, '/'), "/lib/ext.tc.o");
	object = bpf_object__open_file(path, NULL);
	if (!object)
		die(path);
	bpf_map__set_max_entries(bpf_object__find_map_by_name(object, "shunt_cpu"),
				 libbpf_num_possible_cpus());
	events = bpf_object__find_map_by_name(object, "shunt_events");
	if (fd >= 0 && bpf_map__reuse_fd(events, fd) < 0)
		die("reuse");
	if (bpf_object__load(object) < 0)
		die("load");
	if (fd < 0 && bpf_obj_pin(bpf_map__fd(events), pin) < 0)
		die(pin);
	return object;
}

static void set_rule(struct bpf_object *object)
{
	struct ext_image *image = mmap(NULL, sizeof(*image), PROT_READ | PROT_WRITE, MAP_SHARED,
				       map_fd(object, "filter_image"), 0);

	if (image == MAP_FAILED)
		die("image");
	image->ext[0].n_stmts = 1;
	image->ext[0].id = 0x1234;
	image->ext[0].stmt[0].kind = FILTER_STMT_LOG;
}

int main(int argc, char **argv)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	struct bpf_object *object;
	struct pkt p;

	if (argc != 3)
		return 2;
	object = load(argv[1]);
	set_rule(object);
	pkt_build(&p, TCP4("10.0.0.1", "10.0.0.2", 4000, 81, PKT_SYN));
	opts.data_in = p.data;
	opts.data_size_in = p.len;
	opts.repeat = atoi(argv[2]);
	if (opts.repeat && bpf_prog_test_run_opts(bpf_program__fd(
			bpf_object__find_program_by_name(object, "ext_run")), &opts) < 0)
		die("run");
	bpf_object__close(object);
	return 0;
}
