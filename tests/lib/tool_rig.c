// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * tool_rig.c - run frames through a configuration's graph 'g', from a shell
 *
 *	rig HOOK CONFIG < FRAMES
 *
 * CONFIG is a file with the sections 'nodes' and 'graphs', FRAMES has one in hex a line. A line
 * comes out for each: the edge that it left by last, and the reason if it was dropped.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/file.h>

#include "rig.h"

#define FRAME_MAX 4096

static size_t read_hex(const char *text, uint8_t *frame)
{
	size_t n = 0;
	unsigned int byte;

	while (n < FRAME_MAX && sscanf(text, "%2x", &byte) == 1) {
		frame[n++] = byte;
		text += 2;
	}
	return n;
}

int main(int argc, char **argv)
{
	static char line[2 * FRAME_MAX + 2];
	static uint8_t frame[FRAME_MAX];
	static struct rig_outcome out;
	uint32_t hook = argc == 3 ? module_hook_from_name(argv[1]) : 0;
	struct err err = { 0 };
	struct rig *rig;
	char *config;
	size_t len;

	if (!hook) {
		fprintf(stderr, "usage: rig HOOK CONFIG < FRAMES\n");
		return 2;
	}
	if (file_read(argv[2], 1 << 20, &config, &len, &err) < 0 ||
	    rig_try(config, hook, &rig, &err) < 0) {
		fprintf(stderr, "rig: %s\n", err.text);
		return 1;
	}
	while (fgets(line, sizeof(line), stdin)) {
		if (rig_run(rig, frame, read_hex(line, frame), &out) < 0)
			printf("not run\n");
		else
			printf("%s%s%s%s\n", out.left, out.reason ? " " : "",
			       out.reason ? out.reason : "", out.fault);
	}
	rig_free(rig);
	free(config);
	return 0;
}
