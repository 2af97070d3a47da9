/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* page.h - answers that come a part at a time, with a cursor to go on from */
#ifndef CLI_PAGE_H
#define CLI_PAGE_H

#include <cli/cli.h>

/* What is made of a page. Return: whether to go on */
typedef bool (*page_fn)(struct cli *cli, const json_t *page, void *arg);

/**
 * page_each() - Ask for page after page; what @fn printed goes out behind each
 * @params:	Borrowed; its "cursor" is this function's
 * @source:	As of call_method()
 * Return: exit status; a failure is reported
 */
int page_each(struct cli *cli, const char *method, json_t *params,
	      const struct call_source *source, page_fn fn, void *arg);

/**
 * page_sum() - All pages as one value
 * @params:	Taken; NULL: none
 * @add:	A page more to the sum; the sum begins as the first one
 * Return: exit status; a failure is reported, and *ret_sum left alone
 */
int page_sum(struct cli *cli, const char *method, json_t *params,
	     void (*add)(json_t *sum, const json_t *page), json_t **ret_sum);

#endif
