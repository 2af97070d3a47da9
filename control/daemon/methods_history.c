// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* methods_history.c - who made a generation, when and why */
#include <pwd.h>

#include <daemon/methods.h>

void method_write_generation(struct jsonw *w, const struct generation *generation, bool running,
			     bool pending)
{
	const struct passwd *user = getpwuid(generation->uid);

	jsonw_object(w, NULL);
	jsonw_u64(w, "generation", generation->number);
	jsonw_i64(w, "time", generation->time);
	jsonw_u64(w, "uid", generation->uid);
	jsonw_str(w, "user", user ? user->pw_name : NULL);
	jsonw_str(w, "comment", generation->comment);
	jsonw_bool(w, "running", running);
	jsonw_bool(w, "pending", pending);
	if (generation->from)
		jsonw_u64(w, "from", generation->from);
	else
		jsonw_null(w, "from");
	jsonw_object_end(w);
}
