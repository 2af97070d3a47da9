// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* yaml_print.c - a tree as YAML that reads back to an equal one */
#include <string.h>

#include <base/utf8.h>
#include <model/tree.h>

#define WIDTH		80
#define KEY_MAX		1000	/* libyaml takes "key: " up to 1024 characters; else "? key" */

/* Characters that never need quotes, wherever they stand */
static bool is_word_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr("_./+=()^$~<>;", c));
}

/* Strict on purpose: one answer for keys, values, block and flow style */
static bool is_plain(const char *text, size_t len)
{
	size_t i;

	if (!len || (len > 1 && text[0] == '.' && text[1] == '.'))
		return false;
	if (!is_word_char(text[0]) || strchr("=<>~", text[0]))
		return false;
	for (i = 1; i < len; i++) {
		if (is_word_char(text[i]) || strchr("-@%*!|", text[i]))
			continue;
		if ((text[i] == ':' || text[i] == ' ') && is_word_char(text[i + 1]))
			continue;	/* behind the last one is the NUL: no word character */
		return false;
	}
	return true;
}

/* What libyaml reads as it is, on one line */
static bool is_printable(uint32_t c)
{
	return (c >= 0x20 && c <= 0x7e) ||
	       (c >= 0xa0 && c <= 0xfffd && c != 0x2028 && c != 0x2029 && c != 0xfeff) ||
	       c >= 0x10000;
}

static bool all_printable(const char *text, size_t len)
{
	uint32_t c = 0;
	size_t n;

	for (; len; text += n, len -= n) {
		n = utf8_next(text, len, &c);
		if (!n || !is_printable(c))
			return false;
	}
	return true;
}

static void put_escaped(struct buf *out, const char *text, size_t len)
{
	uint32_t c = 0;
	size_t n;

	for (; len; text += n, len -= n) {
		n = utf8_next(text, len, &c);
		if (!n)
			buf_str(out, "\xef\xbf\xbd");	/* U+FFFD */
		else if (c == '"' || c == '\\')
			buf_printf(out, "\\%c", (char)c);
		else if (c == '\n')
			buf_str(out, "\\n");
		else if (c == '\t')
			buf_str(out, "\\t");
		else if (is_printable(c))
			buf_add(out, text, n);
		else if (c < 0x100)
			buf_printf(out, "\\x%02x", c);
		else
			buf_printf(out, "\\u%04x", c);
		n = n ? n : 1;
	}
}

/* The form in which most characters stand for themselves: then columns tell offsets */
static void put_scalar(struct buf *out, const char *text, size_t len)
{
	bool special = memchr(text, '"', len) || memchr(text, '\\', len);

	if (is_plain(text, len)) {
		buf_add(out, text, len);
	} else if (special && !memchr(text, '\'', len) && all_printable(text, len)) {
		buf_char(out, '\'');
		buf_add(out, text, len);
		buf_char(out, '\'');
	} else {
		buf_char(out, '"');
		put_escaped(out, text, len);
		buf_char(out, '"');
	}
}

/* A list of few words, and all that is empty, goes on one line */
static bool put_flow(struct buf *out, const struct tree *tree, size_t room)
{
	size_t start = out->len, i;

	if (tree->kind == TREE_MAP && tree->n)
		return false;
	if (tree->kind == TREE_MAP) {
		buf_str(out, "{}");
		return true;
	}
	for (i = 0; i < tree->n; i++)
		if (tree->child[i]->kind != TREE_SCALAR || tree->child[i]->len > room ||
		    memchr(tree->child[i]->text, ' ', tree->child[i]->len))
			return false;
	buf_char(out, '[');
	for (i = 0; i < tree->n && out->len - start < room; i++) {
		buf_str(out, i ? ", " : "");
		put_scalar(out, tree->child[i]->text, tree->child[i]->len);
	}
	buf_char(out, ']');
	if (out->len - start <= room)
		return true;
	out->len = start;
	out->data[start] = '\0';
	return false;
}

static bool is_block_line(const char *text, size_t len)
{
	bool blank = len > 0;
	uint32_t c = 0;
	size_t n;

	for (; len; text += n, len -= n) {
		n = utf8_next(text, len, &c);
		if (!n || (c != '\t' && !is_printable(c)))
			return false;
		blank &= c == ' ' || c == '\t';
	}
	return !blank;
}

/*
 * Lines that a block can hold as they are. Not where blanks in front of the first line or alone
 * on one would be taken for its indent, nor where line breaks at the end would be lost.
 */
static bool is_block(const char *text, size_t len)
{
	const char *end = text + len, *next;

	if (len < 2 || strchr(" \t\n", *text) || end[-1] != '\n' || end[-2] == '\n')
		return false;
	for (; text < end; text = next + 1) {
		next = memchr(text, '\n', end - text);
		if (!is_block_line(text, next - text))
			return false;
	}
	return true;
}

static void put_lines(struct buf *out, const char *text, size_t len, unsigned int indent)
{
	const char *end = text + len, *next;

	buf_str(out, "|\n");
	for (; text < end; text = next) {
		next = (const char *)memchr(text, '\n', end - text) + 1;
		if (next - text > 1)
			buf_printf(out, "%*s", indent, "");
		buf_add(out, text, next - text);
	}
}

static void put_key(struct buf *out, const char *key, unsigned int indent)
{
	size_t start = out->len;
	struct buf long_key = { 0 };

	put_scalar(out, key, strlen(key));
	if (out->len - start <= KEY_MAX) {
		buf_char(out, ':');
		return;
	}
	buf_add(&long_key, out->data + start, out->len - start);
	out->len = start;
	buf_str(out, "? ");
	buf_add(out, long_key.data, long_key.len);
	buf_printf(out, "\n%*s:", indent, "");
	buf_fini(&long_key);
}

/* Members or items, each on lines of its own; the first may continue a line ("- key: value") */
static void put_block(struct buf *out, const struct tree *tree, unsigned int indent,
		      bool continues)
{
	size_t i, start;

	for (i = 0; i < tree->n; i++) {
		const struct tree *child = tree->child[i];

		if (i || !continues)
			buf_printf(out, "%*s", indent, "");
		start = out->len;
		if (tree->kind == TREE_MAP)
			put_key(out, child->key, indent);
		else
			buf_char(out, '-');
		start = out->len - start + indent + 1;
		buf_char(out, ' ');
		if (child->kind == TREE_SCALAR && is_block(child->text, child->len)) {
			put_lines(out, child->text, child->len, indent + 2);
		} else if (child->kind == TREE_SCALAR) {
			put_scalar(out, child->text, child->len);
			buf_char(out, '\n');
		} else if (put_flow(out, child, start < WIDTH ? WIDTH - start : 0)) {
			buf_char(out, '\n');
		} else if (tree->kind == TREE_LIST) {
			put_block(out, child, indent + 2, true);
		} else {
			out->data[out->len - 1] = '\n';		/* the blank behind the key */
			put_block(out, child, indent + 2, false);
		}
	}
}

void tree_to_yaml(const struct tree *tree, struct buf *out)
{
	if (tree->kind == TREE_SCALAR)
		put_scalar(out, tree->text, tree->len);
	else if (!put_flow(out, tree, WIDTH))
		return put_block(out, tree, 0, false);
	buf_char(out, '\n');
}
