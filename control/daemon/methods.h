/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* methods.h - handlers that live beside methods.c, by file */
#ifndef DAEMON_METHODS_H
#define DAEMON_METHODS_H

#include <daemon/daemon.h>

#define METHOD(name)								\
	int method_##name(struct daemon *daemon, const struct rpc_call *call,	\
			  struct jsonw *w, struct rpc_error *error)

/**
 * method_unknown() - "no node 'gard'; did you mean 'guard'?" (methods.c)
 * @items:	The ones there are: @n structs of @size bytes that begin with their name
 * Return: -1
 */
int method_unknown(struct rpc_error *error, const char *what, const char *name, const void *items,
		   unsigned int n, size_t size);

/* The node of that name in the running configuration; NULL: @error is filled */
const struct config_node *method_node(struct daemon *daemon, const char *name,
				      struct rpc_error *error);

/* A change of the running configuration: a copy of its tree to edit, then the transaction */
struct generation *method_edit(struct daemon *daemon);
/* @next: taken. Return: as change_apply() */
int method_commit(struct daemon *daemon, const struct rpc_call *call, struct generation *next,
		  struct jsonw *w, struct rpc_error *error);

/* methods_rule.c */
METHOD(rule_list);
METHOD(rule_add);
METHOD(rule_insert);
METHOD(rule_replace);
METHOD(rule_del);

/* methods_set.c */
METHOD(set_list);
METHOD(set_add);
METHOD(set_del);
METHOD(set_flush);
METHOD(set_load);

/* methods_filter.c */
METHOD(filter_show);
METHOD(rule_test);

/* methods_limit.c */
METHOD(filter_limits);

/*
 * methods_dset.c: elements of a dynamic set, whose descriptor (kernel/dset.h) is @fd. Those that
 * are methods return as they do.
 */
/* Members elements and, if asked for, list. Return: 0 or -errno */
int dset_write(struct daemon *daemon, int fd, const struct config_set *set, bool list,
	       struct jsonw *w);
int dset_method_add(struct daemon *daemon, const struct rpc_call *call, int fd,
		    const struct config_set *set, struct jsonw *w, struct rpc_error *error);
int dset_method_del(struct daemon *daemon, const struct rpc_call *call, int fd,
		    const struct config_set *set, struct jsonw *w, struct rpc_error *error);
int dset_method_flush(struct daemon *daemon, const struct rpc_call *call, int fd,
		      const struct config_set *set, struct jsonw *w, struct rpc_error *error);
int dset_method_load(struct daemon *daemon, const struct rpc_call *call, int fd,
		     const struct config_set *set, struct jsonw *w, struct rpc_error *error);

/* methods_table.c */
METHOD(module_list);
METHOD(module_inspect);
METHOD(table_show);
METHOD(table_get);
METHOD(table_set);
METHOD(table_del);

/* methods_monitor.c */
METHOD(monitor);

/* methods_conn.c */
METHOD(conn_list);
METHOD(conn_show);
METHOD(conn_count);
METHOD(conn_del);
METHOD(conn_stats);
METHOD(conn_watch);

/* methods_nat.c */
METHOD(nat_show);

/* methods_sync.c */
METHOD(sync_show);
METHOD(sync_resync);
METHOD(sync_verify);

/* methods_lb.c */
METHOD(lb_show);
METHOD(lb_service);
METHOD(lb_conn);

/* methods_lb_edit.c */
METHOD(lb_backend_add);
METHOD(lb_backend_del);
METHOD(lb_backend_weight);
METHOD(lb_backend_drain);
METHOD(lb_backend_up);
METHOD(lb_backend_down);

/* methods_lb_health.c */
METHOD(lb_checks);
METHOD(lb_health);

/* methods_lb_where.c */
METHOD(lb_where);

/* methods_history.c */
void method_write_generation(struct jsonw *w, const struct generation *generation, bool running,
			     bool pending);

#endif
