/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * expr_text.h - elements of a set, a line each
 *
 *	# bad networks
 *	192.0.2.0/24
 *	198.51.100.7-198.51.100.9	# a range
 *	10.0.0.1 . 80 timeout 10m	(two fields; with a timeout)
 */
#ifndef MODEL_EXPR_TEXT_H
#define MODEL_EXPR_TEXT_H

#include <model/expr.h>

struct expr_elements {
	struct expr_interval *interval;	/* n times n_fields */
	uint64_t *timeout_ns;		/* of each element, 0: none written; NULL: none of any */
	size_t n;
};

/**
 * expr_elements_text() - Read elements of a set from text
 * @text:	Need not end with NUL. '#' begins a comment; blank lines and a CR before the end
 *		of a line do not count; blanks stand around the '.' between fields
 * @field:	@n_fields of them, at most EXPR_CONCAT_MAX; EXPR_IIF is none of them
 * @timeouts:	An element may end with 'timeout TIME'
 * @ret:	In diags->arena; untouched on failure. Of one field and without timeouts: sorted and
 *		merged. Otherwise as written: equal and overlapping elements are left to the caller
 * Return: 0; -EINVAL: diags tell, by line and column of the text; reading ends once DIAGS_MAX
 * are kept
 */
int expr_elements_text(const char *text, size_t len, const enum expr_field *field,
		       unsigned int n_fields, bool timeouts, struct diags *diags,
		       struct expr_elements *ret);

#endif
