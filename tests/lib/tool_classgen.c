// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * tool_classgen.c - print a rule set
 *
 *	classgen KIND N SEED [--v6] [--rules | --yaml]
 *	classgen --read FILE [--rules | --yaml]
 *
 * KIND: acl, fw, ipc. In ClassBench's format, as rules of shunt, or as a configuration's nodes and
 * graphs; verdicts are accept and drop in turn.
 */
#include <stdlib.h>
#include <string.h>

#include "classgen.h"

static const char usage[] =
	"usage: classgen KIND N SEED [--v6] [--rules | --yaml]\n"
	"       classgen --read FILE [--rules | --yaml]\n";

static void print_rules(const struct classbench_set *set)
{
	char text[CLASSBENCH_TEXT];
	size_t i;

	for (i = 0; i < set->n; i++) {
		classbench_text(set, i, classbench_verdict(i), text, sizeof(text));
		printf("%s\n", text);
	}
}

static int print_set(const struct classbench_set *set, const char *as)
{
	char *yaml;

	if (!*as) {
		classbench_write(set, stdout);
	} else if (!strcmp(as, "--rules")) {
		print_rules(set);
	} else if (!strcmp(as, "--yaml")) {
		yaml = classbench_yaml(set);
		printf("version: 1\n%s", yaml);
		free(yaml);
	} else {
		fputs(usage, stderr);
		return 2;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct classbench_set set;
	unsigned int kind = 0, family = 4;
	int r;

	if (argc > 1 && !strcmp(argv[argc - 1], "--v6")) {	/* either order */
		family = 6;
		argc--;
	} else if (argc > 4 && !strcmp(argv[4], "--v6")) {
		family = 6;
		argv[4] = argv[--argc];
	}
	while (argc > 1 && kind < CLASSGEN_KINDS && strcmp(argv[1], classgen_name[kind]))
		kind++;
	if ((argc == 3 || argc == 4) && !strcmp(argv[1], "--read")) {
		classbench_read(argv[2], &set);
		r = print_set(&set, argc == 4 ? argv[3] : "");
	} else if ((argc == 4 || argc == 5) && kind < CLASSGEN_KINDS) {
		classgen_set(kind, family, strtoul(argv[2], NULL, 0), strtoull(argv[3], NULL, 0),
			     &set);
		r = print_set(&set, argc == 5 ? argv[4] : "");
	} else {
		fputs(usage, stderr);
		return 2;
	}
	classbench_fini(&set);
	return r;
}
