/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* filter.h - rules to rows of the filter (dataplane/modules/filter.h) */
#ifndef COMPILE_FILTER_H
#define COMPILE_FILTER_H

#include <base/arena.h>
#include <model/config.h>

#include "../../dataplane/modules/filter.h"

struct filter_rows {
	struct filter_row4 *row4;
	size_t n4;
	struct filter_row6 *row6;
	size_t n6;
};

/* How many rows of each family a rule takes; UINT64_MAX: that many or more */
struct filter_cost {
	uint64_t n4, n6;
};

/**
 * filter_add_rule() - Put a rule's rows behind the others
 * A rule's rows are the product of what its matches let through: prefixes of
 * addresses, intervals of the rest. No rows of a family that it would fill
 * above FILTER_ROWS_MAX: its cost is told all the same.
 * @config:	Has the sets that the rule names
 * @edge:	Index of the edge to leave by
 * @counter:	Written into the rows
 */
void filter_add_rule(struct filter_rows *rows, struct arena *arena, const struct config *config,
		     const struct expr_rule *rule, uint8_t edge, uint32_t counter,
		     struct filter_cost *ret_cost);

/**
 * filter_content() - Rows as the table's values; at least one chunk
 * Rows of the last chunk that are not used match no packet.
 * @counter:	By what the rows have as counter: what to write instead
 * Return: in @arena: chunks of family 4 or 6; *ret_n of them
 */
const void *filter_content(const struct filter_rows *rows, int family, const uint32_t *counter,
			   struct arena *arena, unsigned int *ret_n);

#endif
