/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * edit.h - a few rules changed in the running generation itself
 *
 * DOC: The short way of a change: the tree, the configuration and the plan are
 * edited in place, a view of the filter's image is written and put in force, and
 * what is stored is the edit, not the whole. It costs a millisecond however
 * many rules there are. What it cannot do goes the way of every change
 * (change.c): a copy of the tree, compiled in full.
 */
#ifndef DAEMON_EDIT_H
#define DAEMON_EDIT_H

#include <daemon/daemon.h>

#define EDIT_FULL	1		/* to be done in full; nothing changed */

/**
 * edit_rules() - Delete and insert rules of one node, as one transaction
 * @edit:	In order; indices are those that hold when the edit's turn comes
 * @comment:	Of the generation that this makes
 * Return: 0 with the result's members written; EDIT_FULL; -1 with @error filled
 */
int edit_rules(struct daemon *daemon, const struct rpc_peer *peer, const struct rule_edit *edit,
	       unsigned int n, const char *comment, struct jsonw *w, struct rpc_error *error);

#endif
