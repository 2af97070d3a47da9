// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* edit.c - a few rules changed in the running generation itself */
#include <errno.h>
#include <string.h>

#include <base/log.h>
#include <compile/filter_view.h>
#include <daemon/edit.h>

#define EDITS_MAX	128		/* since the generation's full record */

/* What one edit did to the running generation, to be undone */
struct edited {
	struct rule_edit edit;
	struct config_rule rule;	/* that was deleted */
	struct plan_rule plan;		/* the same */
	struct tree *tree;
};

struct editor {
	struct generation *running;
	struct config_node *node;
	struct plan_filter *filter;
	struct tree *rules;		/* list in the tree */
	struct plan_filter before;	/* counts and the list of gone rules, to go back to */
	uint32_t gone[PLAN_SPARE];
	struct edited *done;
	unsigned int n_done;
};

/* ---- the model and the plan, in place ----------------------------------------------------- */

static void node_insert(struct config_node *node, unsigned int index,
			const struct config_rule *rule)
{
	node->n_rules++;
	memmove(&node->rule[index + 1], &node->rule[index],
		(node->n_rules - 1 - index) * sizeof(*rule));
	node->rule[index] = *rule;
}

static void node_delete(struct config_node *node, unsigned int index)
{
	node->n_rules--;
	memmove(&node->rule[index], &node->rule[index + 1],
		(node->n_rules - index) * sizeof(*node->rule));
}

/* Matches, an edge and statements that a view can say; what names something else is checked in full */
static bool edit_is_plain(const struct expr_rule *rule)
{
	unsigned int i;

	if (rule->n_concats || rule->vmap || rule->n_statements ||
	    rule->verdict.kind != EXPR_LEAVE)
		return false;
	for (i = 0; i < rule->n; i++)
		if (rule->match[i].set || rule->match[i].n_names)
			return false;
	return true;
}

/* Return: EDIT_FULL where the rule is not one of the simple kind, or is wrong: change.c tells */
static int edit_insert(struct editor *editor, const struct rule_edit *edit)
{
	struct generation *running = editor->running;
	struct diags diags = { .arena = &running->arena };
	struct config_rule rule = {};
	struct tree *tree;

	if (edit->index > editor->node->n_rules ||
	    !filter_may_edit(editor->filter, 0, true) ||
	    expr_parse(edit->text, "", &diags, &rule.expr) < 0 ||
	    !edit_is_plain(&rule.expr))
		return EDIT_FULL;
	tree = tree_new_scalar(&running->arena, edit->text);
	tree_insert(&running->arena, editor->rules, tree, edit->index);
	rule.tree = tree;
	node_insert(editor->node, edit->index, &rule);
	filter_insert(editor->filter, editor->node, edit->index);
	return 0;
}

static int edit_delete(struct editor *editor, const struct rule_edit *edit, struct edited *done)
{
	if (edit->index >= editor->node->n_rules ||
	    !filter_may_edit(editor->filter, edit->index, false))
		return EDIT_FULL;
	done->rule = editor->node->rule[edit->index];
	done->plan = editor->filter->rule[edit->index];
	done->tree = editor->rules->child[edit->index];
	tree_del(editor->rules, done->tree);
	node_delete(editor->node, edit->index);
	filter_delete(editor->filter, edit->index);
	return 0;
}

static void edit_undo(struct editor *editor)
{
	struct arena *arena = &editor->running->arena;
	struct edited *done;

	while (editor->n_done) {
		done = &editor->done[--editor->n_done];
		if (done->edit.text) {
			tree_del(editor->rules, editor->rules->child[done->edit.index]);
			node_delete(editor->node, done->edit.index);
			filter_delete(editor->filter, done->edit.index);
			continue;
		}
		tree_insert(arena, editor->rules, done->tree, done->edit.index);
		node_insert(editor->node, done->edit.index, &done->rule);
		filter_insert(editor->filter, editor->node, done->edit.index);
		editor->filter->rule[done->edit.index] = done->plan;
		editor->filter->rule[done->edit.index].expr =
			&editor->node->rule[done->edit.index].expr;
	}
	editor->filter->n_added = editor->before.n_added;
	editor->filter->n_gone = editor->before.n_gone;
	memcpy(editor->filter->gone, editor->gone, sizeof(editor->gone));
}

static int edit_do(struct editor *editor, const struct rule_edit *edit, unsigned int n)
{
	unsigned int i;
	int r;

	for (i = 0; i < n; i++) {
		struct edited done = { .edit = edit[i] };

		r = edit[i].text ? edit_insert(editor, &edit[i]) :
				   edit_delete(editor, &edit[i], &done);
		if (r) {
			edit_undo(editor);
			return r;
		}
		editor->done[editor->n_done++] = done;
	}
	return 0;
}

/* ---- whether it can be done so ------------------------------------------------------------ */

static bool edit_open(struct daemon *daemon, const char *node, struct editor *editor)
{
	struct generation *running = daemon->running;

	editor->running = running;
	editor->node = (struct config_node *)config_node_find(&running->config, node);
	editor->filter = (struct plan_filter *)plan_filter_find(&running->plan, node);
	editor->rules = tree_get(tree_get(tree_get(running->tree, "nodes"), node), "rules");
	if (daemon->pending.generation || daemon->stuck || !editor->node || !editor->filter ||
	    !editor->rules)
		return false;
	editor->before = *editor->filter;
	memcpy(editor->gone, editor->filter->gone, sizeof(editor->gone));
	return true;
}

/* ---- the record --------------------------------------------------------------------------- */

/* The generation under a new number; what it was is in @ret_before */
static void edit_number(struct daemon *daemon, const struct rpc_peer *peer, const char *comment,
			struct generation *ret_before)
{
	struct generation *running = daemon->running;

	*ret_before = *running;
	if (!running->base)
		running->base = running->number;
	running->number = daemon->last_number + 1;
	running->time = time(NULL);
	running->uid = peer->uid;
	running->from = 0;
	running->comment = arena_strdup(&running->arena, comment);
}

static void edit_unnumber(struct generation *running, const struct generation *before)
{
	running->base = before->base;
	running->number = before->number;
	running->time = before->time;
	running->uid = before->uid;
	running->from = before->from;
	running->comment = before->comment;
	running->n_edits = before->n_edits;
}

static void edit_note(struct generation *running, const struct rule_edit *edit, unsigned int n)
{
	unsigned int i;

	if (!running->edit)
		running->edit = arena_new_n(&running->arena, struct rule_edit, EDITS_MAX);
	for (i = 0; i < n; i++)
		running->edit[running->n_edits++] = (struct rule_edit){
			.node = arena_strdup(&running->arena, edit[i].node),
			.index = edit[i].index,
			.text = edit[i].text ? arena_strdup(&running->arena, edit[i].text) : NULL,
		};
}

/* No compilation makes what runs now: neither the image nor the graphs that read it */
static void edit_mark(struct plan *plan, struct plan_filter *filter)
{
	unsigned int i, k;

	filter->hash = 0;
	filter->rows_hash = 0;
	for (i = 0; i < plan->n_graphs; i++)
		for (k = 0; k < plan->graph[i].n_nodes; k++)
			if (plan->graph[i].node[k].filter == filter)
				plan->graph[i].key = 0;
}

static int edit_commit(struct daemon *daemon, struct editor *editor, const struct rpc_peer *peer,
		       const struct rule_edit *edit, unsigned int n, const char *comment,
		       const struct filter_view *view, unsigned int number,
		       struct install_report *report, struct err *err)
{
	struct generation *running = daemon->running, before;
	int r;

	edit_number(daemon, peer, comment, &before);
	edit_note(running, edit, n);
	edit_mark(&running->plan, editor->filter);
	r = install_view(daemon->install, &running->plan, editor->filter, view, number, err);
	if (r == 0)
		r = store_save(&daemon->store, running, err);	/* and noted as running by that */
	if (r < 0) {
		store_remove(&daemon->store, running->number);
		edit_unnumber(running, &before);
		return r;
	}
	install_view_commit(daemon->install, editor->filter, number, report);
	daemon->last_number = running->number;
	store_prune(&daemon->store, running->number);
	return 0;
}

/* ---- the whole ---------------------------------------------------------------------------- */

int edit_rules(struct daemon *daemon, const struct rpc_peer *peer, const struct rule_edit *edit,
	       unsigned int n, const char *comment, struct jsonw *w, struct rpc_error *error)
{
	struct edited done[EDITS_MAX];
	struct editor editor = { .done = done };
	struct install_report report = {};
	struct filter_view view = {};
	struct arena scratch = {};
	struct err err = {};
	unsigned int number;
	int r;

	if (!daemon->install || daemon->running->n_edits + n > EDITS_MAX ||
	    !edit_open(daemon, edit->node, &editor))
		return EDIT_FULL;
	r = edit_do(&editor, edit, n);
	if (r)
		return r;
	number = install_view_free(daemon->install, editor.filter);
	r = filter_view(&daemon->running->config, editor.node, &daemon->running->plan,
			editor.filter, number, &scratch, &view);
	if (r == 0)
		r = edit_commit(daemon, &editor, peer, edit, n, comment, &view, number, &report,
				&err);
	arena_fini(&scratch);
	if (r < 0) {
		edit_undo(&editor);
		if (r == -ENOSPC)
			return EDIT_FULL;
		return rpc_fail_err(error, SHUNT_CLIENT_REFUSED, &err);
	}
	log_info("generation %u runs%s%s", daemon->running->number,
		 *daemon->running->comment ? ": " : "", daemon->running->comment);
	change_write_edit(daemon, editor.filter, &report, w);
	return 0;
}
