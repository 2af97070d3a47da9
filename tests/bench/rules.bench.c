// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * rules.bench.c - what reading rules costs
 *
 * rules.parse.N:	a rule's text to its value, its canonical text and id included
 * rules.json.N:	JSON of a list of rules to a tree
 * rules.elements.N:	lines of a set's file, prefixes, to sorted and merged intervals
 * ns: CPU time of one rule or element; the floor is a copy of its text.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <model/expr_text.h>
#include <model/tree.h>

#include "../lib/bench.h"
#include "../lib/unit.h"

#define PASSES 7

enum kind { PARSE, JSON, ELEMENTS, KINDS };
static const char *const kind_names[KINDS] = { "parse", "json", "elements" };

/* Addresses and ports like those of a firewall; the same in each run */
static void put_prefix(struct buf *out, uint64_t *random)
{
	uint64_t bits = unit_random(random);
	unsigned int len = 16 + bits % 17;
	uint64_t host = (1ull << (32 - len)) - 1, first = (bits >> 20 & 0xffffffff) & ~host;
	struct expr_interval prefix = { { 0, first }, { 0, first | host } };

	expr_element_print(&prefix, EXPR_IP_SADDR, out);
}

static char **make_rules(unsigned int n)
{
	char **rule = calloc(n, sizeof(*rule));
	uint64_t random = 1;
	unsigned int i, port;

	for (i = 0; i < n; i++) {
		struct buf text = { 0 };
		const char *proto = i % 2 ? "tcp" : "udp";

		port = unit_random(&random) >> 16 & 0x7fff;
		buf_str(&text, "ip saddr ");
		put_prefix(&text, &random);
		buf_str(&text, " ip daddr ");
		put_prefix(&text, &random);
		buf_printf(&text, " %s dport %u-%u %s", proto, port, port + i % 3 * 100,
			   i % 4 ? "accept" : "drop");
		rule[i] = buf_take(&text);
	}
	return rule;
}

static void make_text(enum kind kind, char **rule, unsigned int n, struct buf *out)
{
	uint64_t random = 1;
	unsigned int i;

	for (i = 0; i < n; i++) {
		if (kind == ELEMENTS)
			put_prefix(out, &random);
		else
			buf_printf(out, "%s\"%s\"", i ? "," : "[", rule[i]);
		if (kind == ELEMENTS)
			buf_char(out, '\n');
	}
	buf_str(out, kind == JSON ? "]" : "");
}

static void run(enum kind kind, char **rule, unsigned int n, const struct buf *text)
{
	enum expr_field field = EXPR_IP_SADDR;
	struct arena arena = { 0 };
	struct diags diags = { .arena = &arena };
	struct expr_elements elements;
	struct expr_rule value;
	struct tree *tree;
	unsigned int i;
	int r = 0;

	switch (kind) {
	case PARSE:
		for (i = 0; i < n && r == 0; i++)
			r = expr_parse(rule[i], "", &diags, &value);
		break;
	case JSON:
		r = tree_from_json(text->data, text->len, &diags, &tree);
		break;
	default:
		r = expr_elements_text(text->data, text->len, &field, 1, false, &diags, &elements);
	}
	if (r < 0)
		bench_die("read", diags.v[0].message);
	arena_fini(&arena);
}

static void measure(enum kind kind, char **rule, unsigned int n, const char *name)
{
	struct bench_times times = { .n = PASSES }, floor = { .n = PASSES };
	struct bench_line line = { .name = name, .n = n };
	struct buf text = { 0 };
	unsigned int i, k;
	uint64_t begin;

	make_text(kind, rule, n, &text);
	for (i = 0; i < PASSES; i++) {
		struct arena arena = { 0 };

		begin = bench_cpu_ns();
		for (k = 0; k < n; k++)
			arena_strdup(&arena, rule[k]);
		arena_fini(&arena);
		floor.ns[i] = (double)(bench_cpu_ns() - begin) / n;
		begin = bench_cpu_ns();
		run(kind, rule, n, &text);
		times.ns[i] = (double)(bench_cpu_ns() - begin) / n;
	}
	bench_sort(&times);
	bench_sort(&floor);
	line.ns = bench_median(&times);
	line.min_ns = bench_min(&times);
	line.floor_ns = bench_median(&floor);
	bench_print(&line);
	buf_fini(&text);
}

int main(void)
{
	static const unsigned int sizes[] = { 1000, 100000 };
	unsigned int kind, i, k;
	char name[64], **rule;

	for (kind = 0; kind < KINDS; kind++) {
		for (i = 0; i < 2; i++) {
			snprintf(name, sizeof(name), "rules.%s.%u", kind_names[kind], sizes[i]);
			if (!bench_wanted(name))
				continue;
			rule = make_rules(sizes[i]);
			measure(kind, rule, sizes[i], name);
			for (k = 0; k < sizes[i]; k++)
				free(rule[k]);
			free(rule);
		}
	}
	return 0;
}
