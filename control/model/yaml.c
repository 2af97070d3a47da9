// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * yaml.c - a tree from YAML
 *
 * libyaml's event interface, not its document loader: that one is quadratic
 * in the depth ("[" 100 000 times takes it half a minute). Here a stack of
 * TREE_DEPTH_MAX ends the reading at the first level too many.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include <base/utf8.h>
#include <model/tree.h>

struct reader {
	yaml_parser_t parser;
	const char *text;
	size_t len;
	struct diags *diags;
	struct tree *root;
	struct tree *stack[TREE_DEPTH_MAX];
	bool flow[TREE_DEPTH_MAX];	/* in brackets: ends where the bracket does */
	unsigned int depth;
	const struct tree *key;		/* read, its value not yet */
	size_t n_nodes, n_documents;
};

static struct diag *refuse(struct reader *reader, yaml_mark_t mark, const char *code,
			   const char *message)
{
	struct diag *diag = diags_add(reader->diags, NULL, code, "%s", message);

	diag->line = mark.line + 1;
	diag->column = mark.column + 1;
	return diag;
}

/* ---- syntax errors, in an operator's words ---- */

#define HINT_QUOTE	"a value that has one of [ ] { } , # or ': ' in it must be in quotes"
#define HINT_INDENT	"members of a map, and items of a list, begin in the same column"
#define HINT_ESCAPE	"write \\\\ for a backslash, or use single quotes"

/* Where it happened: at the problem; there, and the line where the context began; at the context */
enum place { AT_PROBLEM, WITH_BEGIN, AT_CONTEXT };

static const struct {
	const char *problem, *context;	/* libyaml's; a part of its context; NULL: any */
	enum place place;
	const char *message, *hint;
} problems[] = {
	{ "mapping values are not allowed in this context", NULL, AT_PROBLEM,
	  "': ' is not allowed here", HINT_QUOTE "; " HINT_INDENT },
	{ "did not find expected key", NULL, WITH_BEGIN,
	  "expected 'key: value', a member of the map", HINT_INDENT },
	{ "did not find expected '-' indicator", NULL, WITH_BEGIN,
	  "expected '- value', an item of the list", HINT_INDENT },
	{ "did not find expected ',' or ']'", NULL, WITH_BEGIN,
	  "expected ',' or ']' in the list", HINT_QUOTE },
	{ "did not find expected ',' or '}'", NULL, WITH_BEGIN,
	  "expected ',' or '}' in the map", HINT_QUOTE },
	{ "did not find expected node content", NULL, AT_PROBLEM,
	  "expected a value here", HINT_QUOTE },
	{ "found unexpected ':'", NULL, AT_PROBLEM, "unexpected ':'", HINT_QUOTE },
	{ "found unexpected end of stream", "quoted scalar", AT_CONTEXT,
	  "the quote that begins here is not closed", NULL },
	{ "found unexpected document indicator", "quoted scalar", AT_CONTEXT,
	  "the quote that begins here is not closed before a line of '---' or '...'", NULL },
	{ "could not find expected ':'", NULL, AT_CONTEXT, "expected 'key: value' here",
	  "a member is 'key: value', an item '- value', each with a blank; " HINT_INDENT },
	{ "did not find expected <document start>", NULL, AT_PROBLEM,
	  "the configuration ends before this", HINT_INDENT },
	{ "block sequence entries are not allowed in this context", NULL, AT_PROBLEM,
	  "'- ' is not allowed here", "a list begins on the line below its key; "
	  "a value that begins with '- ' must be in quotes" },
	{ "mapping keys are not allowed in this context", NULL, AT_PROBLEM,
	  "'? ' is not allowed here", "a value that begins with '? ' must be in quotes" },
	{ "found unknown escape character", NULL, AT_PROBLEM,
	  "unknown escape in a string in double quotes", HINT_ESCAPE },
	{ "did not find expected hexdecimal number", NULL, AT_PROBLEM,
	  "expected hexadecimal digits after the backslash", HINT_ESCAPE },
	{ "did not find expected alphabetic or numeric character", "alias", AT_CONTEXT,
	  "aliases (*name) are not supported", "a value that begins with '*' must be in quotes" },
	{ "did not find expected alphabetic or numeric character", "anchor", AT_CONTEXT,
	  "anchors (&name) are not supported", "a value that begins with '&' must be in quotes" },
	{ NULL, "directive", AT_CONTEXT, "directives (%NAME) are not supported",
	  "a value that begins with '%' must be in quotes" },
	{ NULL, "tag", AT_CONTEXT, "tags (!name) are not supported",
	  "a value that begins with '!' must be in quotes" },
	{ NULL, "block scalar", AT_PROBLEM, "bad indentation or header of a text block (| or >)",
	  "a value that begins with '|' or '>' must be in quotes" },
};

static char last_before(const char *line, size_t i)
{
	while (i && line[i - 1] == ' ')
		i--;
	return i ? line[i - 1] : '\0';
}

/* What the character that libyaml stopped at tells better than its message */
static bool explain_character(const struct reader *reader, struct diag *diag)
{
	const char *problem = reader->parser.problem, *line;
	size_t len, i, n;
	int column;

	line = source_line(reader->text, reader->len, diag->line, &len);
	if (!line)
		return false;
	for (i = 0, column = 1; i < len && column < diag->column; column++) {
		n = utf8_next(line + i, len - i, NULL);
		i += n ? n : 1;
	}
	if (i >= len)
		return false;
	if (line[i] == '\t') {
		diag->message = "a tab cannot be used here";
		diag->hint = "indent with spaces";
	} else if (line[i] && strchr("@`%", line[i]) && strstr(problem, "cannot start any token")) {
		diag->message = arena_printf(reader->diags->arena,
					     "a value cannot begin with '%c'", line[i]);
		diag->hint = "put it in quotes";
	} else if (last_before(line, i) && strchr("\"']}", last_before(line, i)) &&
		   !strncmp(problem, "did not find expected", 21)) {
		diag->message = "unexpected text behind the end of the value";
		diag->hint = "put the whole value in quotes";
	} else {
		return false;
	}
	return true;
}

static void explain(const struct reader *reader, struct diag *diag)
{
	const yaml_parser_t *parser = &reader->parser;
	const char *context = parser->context ? parser->context : "";
	int begin = parser->context_mark.line + 1;
	size_t i;

	if (explain_character(reader, diag))
		return;
	for (i = 0; i < sizeof(problems) / sizeof(problems[0]); i++) {
		if (problems[i].problem && strcmp(problems[i].problem, parser->problem))
			continue;
		if (problems[i].context && !strstr(context, problems[i].context))
			continue;
		diag->message = problems[i].message;
		diag->hint = problems[i].hint;
		if (problems[i].place == WITH_BEGIN && begin != diag->line)
			diag->message = arena_printf(reader->diags->arena,
						     "%s that begins on line %d",
						     problems[i].message, begin);
		if (problems[i].place == AT_CONTEXT) {
			diag->line = begin;
			diag->column = parser->context_mark.column + 1;
		}
		return;
	}
}

static int refuse_syntax(struct reader *reader)
{
	yaml_parser_t *parser = &reader->parser;
	const char *problem = parser->problem ? parser->problem : "not YAML";
	struct diag *diag;

	if (parser->error == YAML_MEMORY_ERROR)
		arena_no_memory();
	if (parser->error != YAML_READER_ERROR) {
		diag = refuse(reader, parser->problem_mark, "syntax", problem);
		if (parser->problem)
			explain(reader, diag);
		return -EINVAL;
	}
	if (!strcmp(problem, "control characters are not allowed"))
		diag = diags_add(reader->diags, NULL, "encoding",
				 "control character U+%04X", parser->problem_value);
	else
		diag = diags_add(reader->diags, NULL, "encoding", "not valid UTF-8: %s", problem);
	source_place(reader->text, reader->len, parser->problem_offset,
		     &diag->line, &diag->column);
	return -EINVAL;
}

/* ---- events ---- */

static int check_properties(struct reader *reader, const yaml_event_t *event,
			    const yaml_char_t *anchor, const yaml_char_t *tag)
{
	struct diag *diag;

	if (anchor) {
		diag = refuse(reader, event->start_mark, "anchor",
			      "anchors (&name) are not supported");
		diag->len = 1 + strlen((const char *)anchor);
		diag->hint = "a value that begins with '&' must be in quotes";
		return -EINVAL;
	}
	if (tag) {
		diag = refuse(reader, event->start_mark, "tag", "tags (!name) are not supported");
		diag->hint = "a value that begins with '!' must be in quotes";
		return -EINVAL;
	}
	return 0;
}

/* The node takes its place in the container on top, or as the root */
static int add_node(struct reader *reader, const yaml_event_t *event, struct tree *tree)
{
	struct tree *top = reader->depth ? reader->stack[reader->depth - 1] : NULL;

	tree->line = event->start_mark.line + 1;
	tree->column = event->start_mark.column + 1;
	tree->end_line = event->end_mark.line + 1;
	tree->end_column = event->end_mark.column + 1;
	if (!top) {
		reader->root = tree;
		return 0;
	}
	if (++reader->n_nodes > TREE_NODES_MAX) {
		refuse(reader, event->start_mark, "too_large", "more than 4194304 values");
		return -EINVAL;
	}
	if (reader->key) {
		tree->key = reader->key->text;
		tree->key_line = reader->key->line;
		tree->key_column = reader->key->column;
		reader->key = NULL;
	}
	tree_append(reader->diags->arena, top, tree);
	return 0;
}

static bool wants_key(const struct reader *reader)
{
	return reader->depth && !reader->key &&
	       reader->stack[reader->depth - 1]->kind == TREE_MAP;
}

static int on_scalar(struct reader *reader, const yaml_event_t *event)
{
	const char *text = (const char *)event->data.scalar.value;
	yaml_scalar_style_t style = event->data.scalar.style;
	size_t len = event->data.scalar.length;
	struct arena *arena = reader->diags->arena;
	struct tree *tree;
	int r;

	r = check_properties(reader, event, event->data.scalar.anchor, event->data.scalar.tag);
	if (r < 0)
		return r;
	if (memchr(text, '\0', len)) {
		refuse(reader, event->start_mark, "encoding", "NUL byte in a value");
		return -EINVAL;
	}
	tree = arena_new(arena, struct tree);
	tree->kind = TREE_SCALAR;
	tree->text = arena_strndup(arena, text, len);
	tree->len = len;
	tree->quoted = style == YAML_SINGLE_QUOTED_SCALAR_STYLE ||
		       style == YAML_DOUBLE_QUOTED_SCALAR_STYLE;
	tree->literal = style == YAML_LITERAL_SCALAR_STYLE;
	tree->multiline = style == YAML_LITERAL_SCALAR_STYLE || style == YAML_FOLDED_SCALAR_STYLE ||
			  event->start_mark.line != event->end_mark.line;
	if (!wants_key(reader))
		return add_node(reader, event, tree);
	if (!strcmp(tree->text, "<<") && style == YAML_PLAIN_SCALAR_STYLE) {
		refuse(reader, event->start_mark, "merge_key",
		       "merge keys (<<) are not supported")->len = 2;
		return -EINVAL;
	}
	tree->line = event->start_mark.line + 1;
	tree->column = event->start_mark.column + 1;
	reader->key = tree;
	return 0;
}

static int on_start(struct reader *reader, const yaml_event_t *event, enum tree_kind kind)
{
	bool map = kind == TREE_MAP;
	struct tree *tree;
	int r;

	r = map ? check_properties(reader, event, event->data.mapping_start.anchor,
				   event->data.mapping_start.tag) :
		  check_properties(reader, event, event->data.sequence_start.anchor,
				   event->data.sequence_start.tag);
	if (r < 0)
		return r;
	if (wants_key(reader)) {
		refuse(reader, event->start_mark, "key_kind",
		       "a key must be a word, not a map or list")->hint = HINT_QUOTE;
		return -EINVAL;
	}
	if (reader->depth == TREE_DEPTH_MAX) {
		refuse(reader, event->start_mark, "too_deep", "nested deeper than 32 levels");
		return -EINVAL;
	}
	tree = map ? tree_new_map(reader->diags->arena) : tree_new_list(reader->diags->arena);
	r = add_node(reader, event, tree);
	if (r < 0)
		return r;
	reader->flow[reader->depth] =
		map ? event->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE :
		      event->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE;
	reader->stack[reader->depth++] = tree;
	return 0;
}

/* Found in sorted order at the end of the map: a million keys are no quadratic work */
static void check_duplicates(struct reader *reader, const struct tree *map)
{
	const struct tree **sorted, *first;
	struct diag *diag;
	size_t i;

	if (map->n < 2)
		return;
	sorted = tree_sorted(map);
	first = sorted[0];
	for (i = 1; i < map->n; i++) {
		if (strcmp(sorted[i]->key, first->key)) {
			first = sorted[i];
			continue;
		}
		diag = diags_add(reader->diags, NULL, "duplicate_key",
				 "duplicate key '%s': it is on line %d already",
				 first->key, first->key_line);
		diag->line = sorted[i]->key_line;
		diag->column = sorted[i]->key_column;
		diag->len = utf8_count(first->key, strlen(first->key));
	}
	free(sorted);
}

static void on_end(struct reader *reader, const yaml_event_t *event)
{
	struct tree *tree = reader->stack[--reader->depth];

	if (reader->flow[reader->depth] || !tree->n) {
		tree->end_line = event->end_mark.line + 1;
		tree->end_column = event->end_mark.column + 1;
	} else {	/* libyaml says: where the next thing begins */
		tree->end_line = tree->child[tree->n - 1]->end_line;
		tree->end_column = tree->child[tree->n - 1]->end_column;
	}
	if (tree->kind == TREE_MAP)
		check_duplicates(reader, tree);
}

static int on_event(struct reader *reader, const yaml_event_t *event)
{
	struct diag *diag;

	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		if (reader->n_documents++ == 0)
			return 0;
		diag = refuse(reader, event->start_mark, "documents",
			      "a second document begins here; only one is supported");
		diag->hint = "leave out the line '---'";
		return -EINVAL;
	case YAML_ALIAS_EVENT:
		diag = refuse(reader, event->start_mark, "alias",
			      "aliases (*name) are not supported");
		diag->len = 1 + strlen((const char *)event->data.alias.anchor);
		diag->hint = "a value that begins with '*' must be in quotes";
		return -EINVAL;
	case YAML_SCALAR_EVENT:
		return on_scalar(reader, event);
	case YAML_SEQUENCE_START_EVENT:
		return on_start(reader, event, TREE_LIST);
	case YAML_MAPPING_START_EVENT:
		return on_start(reader, event, TREE_MAP);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		on_end(reader, event);
		return 0;
	default:
		return 0;
	}
}

static int read_events(struct reader *reader)
{
	yaml_event_t event;
	bool last = false;
	int r = 0;

	while (r == 0 && !last) {
		if (!yaml_parser_parse(&reader->parser, &event))
			return refuse_syntax(reader);
		last = event.type == YAML_STREAM_END_EVENT;
		r = on_event(reader, &event);
		yaml_event_delete(&event);
	}
	return r;
}

int tree_from_yaml(const char *text, size_t len, struct diags *diags, struct tree **ret_tree)
{
	struct reader reader = { .text = text, .len = len, .diags = diags };
	unsigned int total = diags->total;
	int r;

	if (len > TREE_BYTES_MAX) {
		diags_add(diags, NULL, "too_large", "larger than %u MiB", TREE_BYTES_MAX >> 20);
		return -EINVAL;
	}
	if (len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3)) {	/* else it counts as a column */
		reader.text = text += 3;
		reader.len = len -= 3;
	}
	if (!yaml_parser_initialize(&reader.parser))
		arena_no_memory();
	yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&reader.parser, (const unsigned char *)text, len);
	r = read_events(&reader);
	yaml_parser_delete(&reader.parser);
	if (r == 0 && diags->total != total)
		r = -EINVAL;
	if (r < 0)
		return r;
	if (!reader.root || (reader.root->kind == TREE_SCALAR && !reader.root->len &&
			     !reader.root->quoted))	/* nothing but comments, or "---" */
		reader.root = tree_new_map(diags->arena);
	*ret_tree = reader.root;
	return 0;
}
