/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* methods.h - handlers that live beside methods.c, by file */
#ifndef DAEMON_METHODS_H
#define DAEMON_METHODS_H

#include <daemon/daemon.h>

#define METHOD(name)								\
	int method_##name(struct daemon *daemon, const struct rpc_call *call,	\
			  struct jsonw *w, struct rpc_error *error)

/* methods_edit.c: a change of the running configuration, as one transaction */
METHOD(rule_list);
METHOD(rule_add);
METHOD(rule_del);
METHOD(set_list);
METHOD(set_add);
METHOD(set_del);

/* methods_table.c */
METHOD(module_list);
METHOD(module_inspect);
METHOD(table_show);
METHOD(table_get);
METHOD(table_set);
METHOD(table_del);

/* methods_history.c */
void method_write_generation(struct jsonw *w, const struct generation *generation, bool running,
			     bool pending);

#endif
