// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* source.c - findings shown in the text that they are about */
#include <string.h>

#include <base/utf8.h>
#include <model/tree.h>

#define INDENT		"        "
#define WIDTH		160		/* of a line shown; longer ones are cut around the caret */
#define CUT		"..."

/* Bytes of the line break here, 0: none. YAML 1.1 has these five (libyaml follows it). */
static size_t break_len(const char *text, size_t len)
{
	if (text[0] == '\n')
		return 1;
	if (text[0] == '\r')
		return len > 1 && text[1] == '\n' ? 2 : 1;
	if (len >= 2 && !memcmp(text, "\xc2\x85", 2))
		return 2;
	if (len >= 3 && (!memcmp(text, "\xe2\x80\xa8", 3) || !memcmp(text, "\xe2\x80\xa9", 3)))
		return 3;
	return 0;
}

static size_t bom_len(const char *text, size_t len)
{
	return len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3) ? 3 : 0;
}

const char *source_line(const char *text, size_t len, int line, size_t *ret_len)
{
	size_t i = bom_len(text, len), n, end;

	for (; line > 1 && i < len; i += n ? n : 1) {
		n = break_len(text + i, len - i);
		if (n)
			line--;
	}
	if (line != 1 || (i > len))
		return NULL;
	for (end = i; end < len && !break_len(text + end, len - end); end++)
		;
	*ret_len = end - i;
	return text + i;
}

void source_place(const char *text, size_t len, size_t offset, int *ret_line, int *ret_column)
{
	size_t i = bom_len(text, len), start = i, n;
	int line = 1;

	if (offset > len)
		offset = len;
	while (i < offset) {
		n = break_len(text + i, len - i);
		i += n ? n : 1;
		if (n && i <= offset) {
			line++;
			start = i;
		}
	}
	*ret_line = line;
	*ret_column = offset > start ? 1 + utf8_count(text + start, offset - start) : 1;
}

/* An offset into the text is one into the source only if nothing is escaped or folded */
static void locate_in_scalar(const struct tree *tree, const struct diag *diag,
			     int *ret_column, int *ret_end_column)
{
	int quotes = tree->quoted ? 1 : 0, chars;

	if (diag->offset < 0 || tree->multiline)
		return;
	chars = utf8_count(tree->text, tree->len);
	if (tree->end_column - tree->column != chars + 2 * quotes)
		return;
	*ret_column = tree->column + quotes + (diag->offset < chars ? diag->offset : chars);
	*ret_end_column = *ret_column + diag->len;
}

/* The lines of a block are the source's, each behind its indent */
static void locate_in_block(const char *text, size_t len, const struct tree *tree,
			    const struct diag *diag, int *ret_line, int *ret_column)
{
	const char *source, *line;
	size_t n_source, n;

	*ret_line = tree->line + diag->line;
	*ret_column = diag->column;
	source = text ? source_line(text, len, *ret_line, &n_source) : NULL;
	line = source_line(tree->text, tree->len, diag->line, &n);
	if (source && line && n <= n_source && !memcmp(source + n_source - n, line, n))
		*ret_column += utf8_count(source, n_source - n);
}

/* A finding with a path and a line: of the text of that scalar. Return: whether it has a place */
static bool locate_in_text(const char *text, size_t len, const struct tree *tree,
			   const struct diag *diag, int *ret_line, int *ret_column,
			   int *ret_end_column)
{
	if (tree->file) {
		*ret_line = diag->line;
		*ret_column = diag->column;
	} else if (tree->literal) {
		locate_in_block(text, len, tree, diag, ret_line, ret_column);
	} else {
		return false;
	}
	*ret_end_column = *ret_column + diag->len;
	return true;
}

static void locate_tree(const struct tree *at, const struct diag *diag, bool exact,
			int *ret_line, int *ret_column, int *ret_end_column)
{
	if (at->key && at->key_line && (diag->key || !exact)) {
		/* what lacks a member is best shown by its name */
		*ret_line = at->key_line;
		*ret_column = at->key_column;
		*ret_end_column = at->key_column + utf8_count(at->key, strlen(at->key));
		return;
	}
	*ret_line = at->line;
	*ret_column = at->column;
	*ret_end_column = at->end_line == at->line && exact ? at->end_column : at->column;
	if (at->kind == TREE_SCALAR && exact)
		locate_in_scalar(at, diag, ret_column, ret_end_column);
}

const struct tree *source_locate(const char *text, size_t len, const struct tree *tree,
				 const struct diag *diag, int *ret_line, int *ret_column,
				 int *ret_end_column)
{
	const struct tree *at = NULL;
	bool exact = false;

	*ret_line = diag->line;
	*ret_column = diag->column;
	*ret_end_column = diag->column + diag->len;
	if (tree && (!diag->line || *diag->path))
		at = tree_at(tree, diag->path, &exact);
	if (!at)
		return NULL;
	if (exact && diag->line && at->kind == TREE_SCALAR &&
	    locate_in_text(text, len, at, diag, ret_line, ret_column, ret_end_column))
		return at->file ? at : NULL;
	locate_tree(at, diag, exact, ret_line, ret_column, ret_end_column);
	return NULL;
}

/* Text of others: what could steer a terminal is shown as '?' */
static void put_char(struct buf *out, const char *text, size_t n)
{
	unsigned char c = text[0];

	if (!n || (n == 1 && (c < 0x20 || c == 0x7f) && c != '\t') ||
	    (n == 2 && c == 0xc2 && (unsigned char)text[1] < 0xa0))
		buf_char(out, '?');
	else
		buf_add(out, text, n);
}

static void put_text(struct buf *out, const char *text, size_t len)
{
	size_t n;

	while (len) {
		n = utf8_next(text, len, NULL);
		if (*text == '\n')
			buf_str(out, "\n" INDENT);
		else
			put_char(out, text, n);
		n = n ? n : 1;
		text += n;
		len -= n;
	}
}

/* Of the line, what is shown: columns from 0, first <= column < last */
struct window {
	size_t first, last, column;
};

static struct window choose_window(const char *line, size_t len, size_t column)
{
	struct window win = { .last = utf8_count(line, len), .column = column };

	if (win.column > win.last)
		win.column = win.last;
	while (win.first < win.column && (line[win.first] == ' ' || line[win.first] == '\t'))
		win.first++;		/* the line's own indent; a tab that is meant stays */
	if (win.last - win.first <= WIDTH)
		return win;
	if (win.column - win.first > WIDTH / 2)
		win.first = win.column - WIDTH / 2;
	if (win.last - win.first > WIDTH)
		win.last = win.first + WIDTH;
	return win;
}

static void put_line(struct buf *out, struct buf *under, const char *line, size_t len,
		     const struct window *win, bool cut_before)
{
	size_t column, i = 0, n;

	buf_str(out, INDENT);
	buf_str(under, INDENT);
	if (cut_before) {
		buf_str(out, CUT);
		buf_printf(under, "%*s", (int)strlen(CUT), "");
	}
	for (column = 0; i < len && column < win->last; column++) {
		n = utf8_next(line + i, len - i, NULL);
		if (column >= win->first) {
			put_char(out, line + i, n);
			if (column < win->column)
				buf_char(under, line[i] == '\t' ? '\t' : ' ');
		}
		i += n ? n : 1;
	}
	buf_str(out, i < len ? CUT "\n" : "\n");
}

static void put_source(struct buf *out, const char *line, size_t len, int column, int end_column)
{
	struct window win = choose_window(line, len, column > 0 ? column - 1 : 0);
	size_t indent = 0, tilde;
	struct buf under = { 0 };

	while (indent < win.first && (line[indent] == ' ' || line[indent] == '\t'))
		indent++;
	put_line(out, &under, line, len, &win, win.first > indent);
	buf_char(&under, '^');
	for (tilde = win.column + 1; tilde + 1 < (size_t)end_column && tilde < win.last; tilde++)
		buf_char(&under, '~');
	buf_add(out, under.data, under.len);
	buf_char(out, '\n');
	buf_fini(&under);
}

static void print_one(struct buf *out, const char *file, const char *text, size_t len,
		      const struct tree *tree, const struct diag *diag)
{
	size_t head = strcspn(diag->message, "\n"), source_len = 0;
	int line, column, end_column;
	const char *source = NULL;
	const struct tree *own;

	own = source_locate(text, len, tree, diag, &line, &column, &end_column);
	if (own) {
		file = own->file;
		text = own->text;
		len = own->len;
	}
	if (file)
		put_text(out, file, strlen(file));
	if (file && line)
		buf_printf(out, ":%d:%d", line, column);
	else if (line)
		buf_printf(out, "%d:%d", line, column);
	buf_str(out, file || line ? ": error: " : "error: ");
	put_text(out, diag->message, head);
	if (!line && *diag->path) {
		buf_str(out, " (at ");
		put_text(out, diag->path, strlen(diag->path));
		buf_char(out, ')');
	}
	buf_char(out, '\n');
	if (text && line)
		source = source_line(text, len, line, &source_len);
	if (source && source_len)
		put_source(out, source, source_len, column, end_column);
	if (diag->message[head]) {	/* the line comes before what is said at length */
		buf_str(out, INDENT);
		put_text(out, diag->message + head + 1, strlen(diag->message + head + 1));
		buf_char(out, '\n');
	}
	if (diag->hint) {
		buf_str(out, INDENT "hint: ");
		put_text(out, diag->hint, strlen(diag->hint));
		buf_char(out, '\n');
	}
}

void source_print(struct buf *out, const char *file, const char *text, size_t len,
		  const struct tree *tree, const struct diags *diags)
{
	unsigned int i;

	for (i = 0; i < diags->n; i++)
		print_one(out, file, text, len, tree, &diags->v[i]);
	if (diags->total > diags->n)
		buf_printf(out, "... and %u more\n", diags->total - diags->n);
}
