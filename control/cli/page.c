// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* page.c - answers that come a part at a time, with a cursor to go on from */
#include <cli/commands.h>
#include <cli/page.h>

static int one_page(struct cli *cli, const char *method, json_t *params,
		    const struct call_source *source, page_fn fn, void *arg, bool *ret_more)
{
	const char *result;
	json_t *page, *cursor;
	int status;

	status = call_method(cli, method, json_incref(params), source, &result);
	if (status)
		return status;
	page = call_parse(result);
	if (!page)
		return report_fail(cli, CLI_UNREACHABLE, "the daemon's answer cannot be read");
	cursor = json_object_get(page, "cursor");
	*ret_more = fn(cli, page, arg) && json_is_string(cursor);
	if (*ret_more)
		json_object_set(params, "cursor", cursor);
	json_decref(page);
	return cli_flush(cli, CLI_OK);
}

int page_each(struct cli *cli, const char *method, json_t *params,
	      const struct call_source *source, page_fn fn, void *arg)
{
	struct arena kept = cli->arena;
	bool more = true;
	int status = CLI_OK;

	while (more && !status) {
		cli->arena = (struct arena){};	/* the page's, however many there are */
		status = one_page(cli, method, params, source, fn, arg, &more);
		arena_fini(&cli->arena);
	}
	cli->arena = kept;
	return status;
}

struct sum {
	void (*add)(json_t *sum, const json_t *page);
	json_t *value;
};

static bool add_page(struct cli *cli, const json_t *page, void *arg)
{
	struct sum *sum = arg;

	if (sum->value)
		sum->add(sum->value, page);
	else
		sum->value = json_deep_copy(page);
	return true;
}

int page_sum(struct cli *cli, const char *method, json_t *params,
	     void (*add)(json_t *sum, const json_t *page), json_t **ret_sum)
{
	struct sum sum = { .add = add };
	int status;

	if (!params)
		params = json_object();
	status = page_each(cli, method, params, NULL, add_page, &sum);
	json_decref(params);
	if (status) {
		json_decref(sum.value);
		return status;
	}
	json_object_del(sum.value, "cursor");
	*ret_sum = sum.value;
	return CLI_OK;
}
