// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* classsets.c - the rule sets that tests go through */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "classsets.h"

static size_t list_generated(struct classsets_row *row)
{
	static const size_t sizes[] = { 10, 100, 1000, 10000, 100000 };
	unsigned int kind, size, family, n_sizes = getenv("ALL") ? 5 : 4;
	size_t n = 0;

	for (size = 0; size < n_sizes; size++) {
		for (kind = 0; kind < CLASSGEN_KINDS; kind++) {
			for (family = 4; family <= 6; family += 2, n++) {
				row[n] = (struct classsets_row){ "", "", kind, family,
								 sizes[size] };
				snprintf(row[n].name, sizeof(row[n].name), "%s ipv%u %zu",
					 classgen_name[kind], family, sizes[size]);
			}
		}
	}
	return n;
}

static size_t list_published(struct classsets_row *row, size_t max)
{
	const char *folder = getenv("SHUNT_CLASSBENCH");
	char pattern[200];
	glob_t found;
	size_t n;

	snprintf(pattern, sizeof(pattern), "%s/*.xz", folder ? folder : "../shared/classbench");
	if (glob(pattern, 0, NULL, &found))
		return 0;
	for (n = 0; n < found.gl_pathc && n < max; n++) {
		const char *path = found.gl_pathv[n];

		memset(&row[n], 0, sizeof(row[n]));
		snprintf(row[n].path, sizeof(row[n].path), "%s", path);
		snprintf(row[n].name, sizeof(row[n].name), "published %s", strrchr(path, '/') + 1);
	}
	globfree(&found);
	return n;
}

size_t classsets_list(struct classsets_row *row)
{
	size_t n = list_generated(row);

	return n + list_published(row + n, CLASSSETS_MAX - n);
}

void classsets_get(const struct classsets_row *row, uint64_t seed, struct classbench_set *ret_set)
{
	if (row->path[0])
		classbench_read(row->path, ret_set);
	else
		classgen_set(row->kind, row->family, row->n, seed, ret_set);
}
