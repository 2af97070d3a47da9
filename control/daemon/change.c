// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * change.c - the transaction: from a configuration to the kernel, or back to where it was
 *
 * DOC: Order of a change, so that a crash at any point leaves the old or the
 * new generation, and a start knows which:
 *	build (pure), save gen/N while loading and pinning (install_load), note
 *	the deadline if it is to be confirmed, note the intent, commit, note that
 *	it runs, forget the intent.
 * A start that finds an intent finishes that commit; one that finds none takes up
 * what is noted as running, and sweeps what a dead change left.
 */
#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include <base/log.h>
#include <daemon/daemon.h>
#include <daemon/lb.h>

static const struct link_table *daemon_links(const struct daemon *daemon)
{
	return netlink_links(daemon->netlink);
}

static void change_write(struct daemon *daemon, const struct generation *next, bool changed,
			 const struct plan *before, const struct install_report *report,
			 struct jsonw *w)
{
	unsigned int i, kept = 0;
	struct buf text = {};

	for (i = 0; i < next->plan.n_graphs; i++)
		kept += next->plan.graph[i].kept;
	plan_print(&next->plan, before, &text);
	jsonw_u64(w, "generation", next->number);
	jsonw_bool(w, "changed", changed);
	jsonw_str(w, "plan", text.data ? text.data : "");
	jsonw_u64(w, "rendered", report->rendered);
	jsonw_u64(w, "kept", kept);
	jsonw_u64(w, "attached", report->attached);
	jsonw_u64(w, "replaced", report->replaced);
	jsonw_u64(w, "detached", report->detached);
	jsonw_u64(w, "load_us", report->load_us);
	jsonw_u64(w, "commit_us", report->commit_us);
	jsonw_u64(w, "grace_us", report->grace_us);
	buf_fini(&text);
}

void change_write_edit(struct daemon *daemon, const struct plan_filter *filter,
		       const struct install_report *report, struct jsonw *w)
{
	const struct generation *running = daemon->running;

	jsonw_u64(w, "generation", running->number);
	jsonw_bool(w, "changed", true);
	jsonw_fmt(w, "plan", "generation %u\nfilter %s: a view, %u rules came and %u went since generation %u\n",
		  running->number, filter->node, filter->n_added, filter->n_gone,
		  filter->generation);
	jsonw_u64(w, "rendered", 0);
	jsonw_u64(w, "kept", running->plan.n_graphs);
	jsonw_u64(w, "attached", 0);
	jsonw_u64(w, "replaced", 0);
	jsonw_u64(w, "detached", 0);
	jsonw_u64(w, "load_us", report->load_us);
	jsonw_u64(w, "commit_us", report->commit_us);
	jsonw_u64(w, "grace_us", report->grace_us);
	jsonw_null(w, "confirm_by");
	status_degraded(daemon, w, "warnings");
}

static void change_write_confirm(struct daemon *daemon, struct jsonw *w)
{
	if (daemon->pending.generation)
		jsonw_i64(w, "confirm_by", daemon->pending.deadline);
	else
		jsonw_null(w, "confirm_by");
}

/* What is on disk after this says that @next is about to run */
static int change_note(struct daemon *daemon, const struct generation *next, unsigned int confirm_s,
		       struct err *err)
{
	struct store_pending pending = {
		.generation = next->number,
		.back_to = daemon->running->number,
		.deadline = time(NULL) + confirm_s,
	};
	int r = 0;

	if (confirm_s)
		r = store_set_pending(&daemon->store, &pending, err);
	if (r == 0)
		r = store_set_intent(&daemon->store, next->number, err);
	return r;
}

/*
 * A record on its way to the disk while the kernel loads what it is of: of a hundred thousand
 * rules either takes 100 ms. The thread only reads; of what it reads install_load() changes nothing.
 */
struct saving {
	const struct store *store;
	const struct generation *next;
	pthread_t thread;
	bool apart;			/* in the thread */
	struct err err;
	int r;
};

static void *saving_run(void *arg)
{
	struct saving *saving = arg;

	saving->r = store_save(saving->store, saving->next, &saving->err);
	return NULL;
}

static void saving_begin(struct saving *saving)
{
	saving->apart = pthread_create(&saving->thread, NULL, saving_run, saving) == 0;
	if (!saving->apart)
		saving_run(saving);
}

static int saving_end(struct saving *saving)
{
	if (saving->apart)
		pthread_join(saving->thread, NULL);
	return saving->r;
}

/* Load @next, and have its record on the disk. Return: 0; -errno: it is not loaded */
static int change_load(struct daemon *daemon, struct generation *next, const struct plan *before,
		       struct install_report *report, struct err *err)
{
	struct saving saving = { .store = &daemon->store, .next = next };
	int r;

	saving_begin(&saving);
	install_ports(daemon->install, &next->plan, daemon_links(daemon));
	r = install_load(daemon->install, &next->plan, before, report, err);
	if (saving_end(&saving) == 0 || r < 0)
		return r;
	install_abort(daemon->install, &next->plan, before);
	*err = saving.err;
	return saving.r;
}

/* Load and commit @next in place of @before (what runs). Return: 0; -errno: @before runs on */
static int change_install(struct daemon *daemon, struct generation *next, const struct plan *before,
			  unsigned int confirm_s, struct install_report *report, struct err *err)
{
	int r;

	r = change_load(daemon, next, before, report, err);
	if (r < 0)
		goto out;
	r = lb_prepare(daemon->lb, &next->plan, before, err);
	if (r == 0)
		r = change_note(daemon, next, confirm_s, err);
	if (r == 0)
		r = lb_begin(daemon->lb, &next->plan, err);
	if (r < 0) {
		install_abort(daemon->install, &next->plan, before);
		goto out;
	}
	r = install_commit(daemon->install, &next->plan, before, report, err);
	if (r == 0)
		lb_commit(daemon->lb, &next->plan);
	if (r == 0 && store_set_running(&daemon->store, next->number, err) < 0)
		log_error("%s: a restart will finish generation %u by its intent", err->text,
			  next->number);
	else
		store_set_intent(&daemon->store, 0, NULL);
out:
	if (r < 0) {
		lb_abort(daemon->lb, before);
		store_set_intent(&daemon->store, 0, NULL);
		store_remove(&daemon->store, next->number);
		if (confirm_s)
			store_clear_pending(&daemon->store);
	}
	return r;
}

static void change_expired(uv_timer_t *timer)
{
	struct daemon *daemon = timer->data;
	struct rpc_peer self = { .pid = getpid(), .uid = getuid(), .gid = getgid() };
	struct rpc_error error = {};
	struct buf out = {};
	struct jsonw w;

	log_warn("generation %u was not confirmed: back to %u", daemon->pending.generation,
		 daemon->pending.back_to);
	jsonw_init(&w, &out, false);
	jsonw_object(&w, NULL);
	if (change_rollback(daemon, &self, daemon->pending.back_to, "not confirmed in time", false,
			    &w, &error) < 0)
		log_error("going back failed: %s", error.message.data);
	buf_fini(&out);
	buf_fini(&error.message);
	buf_fini(&error.findings);
}

static void change_arm(struct daemon *daemon, const struct store_pending *pending)
{
	time_t left = pending->deadline - time(NULL);

	daemon->pending = *pending;
	uv_timer_start(&daemon->confirm_timer, change_expired, left > 0 ? left * 1000 : 0, 0);
}

void change_confirm(struct daemon *daemon)
{
	store_clear_pending(&daemon->store);
	uv_timer_stop(&daemon->confirm_timer);
	daemon->pending = (struct store_pending) {};
}

/* The new generation runs: it is the daemon's from here */
static void change_take(struct daemon *daemon, struct generation *next, unsigned int confirm_s)
{
	struct store_pending pending = {
		.generation = next->number,
		.back_to = daemon->running->number,
		.deadline = time(NULL) + confirm_s,
	};

	if (confirm_s)
		change_arm(daemon, &pending);
	else
		change_confirm(daemon);
	generation_free(daemon->running);
	plan_fini(&next->plan);		/* images are in the kernel now */
	daemon->running = next;
	daemon->last_number = next->number;
	daemon->stuck = NULL;
	store_prune(&daemon->store, next->number);
}

static bool change_is_none(const struct daemon *daemon, const struct generation *next)
{
	unsigned int i;

	if (!tree_equal(next->tree, daemon->running->tree) || daemon->stuck)
		return false;
	for (i = 0; i < next->plan.n_graphs; i++)
		if (!next->plan.graph[i].kept)
			return false;
	return true;
}

static int change_refused(struct daemon *daemon, const struct change *change,
			  struct rpc_error *error)
{
	if (!daemon->pending.generation || change->dry_run || change->back)
		return 0;
	return rpc_fail(error, SHUNT_CLIENT_USAGE, "generation %u waits to be confirmed: "
			"'shunt confirm' or 'shunt rollback' first", daemon->pending.generation);
}

static void change_header(struct daemon *daemon, const struct rpc_peer *peer,
			  const struct change *change)
{
	struct generation *next = change->next;

	next->number = daemon->last_number + 1;
	next->time = time(NULL);
	next->uid = peer->uid;
	next->from = change->from;
	next->comment = arena_strdup(&next->arena, change->comment);
}

int change_apply(struct daemon *daemon, const struct rpc_peer *peer, const struct change *change,
		 struct jsonw *w, struct rpc_error *error)
{
	const struct plan *before = &daemon->running->plan;
	struct generation *next = change->next;
	struct install_report report = {};
	struct err err = {};
	bool changed;
	int r;

	r = change_refused(daemon, change, error);
	if (r < 0)
		goto out;
	change_header(daemon, peer, change);
	if (generation_build(next, daemon->module_dir, daemon_links(daemon), before) < 0) {
		r = rpc_fail_diags(error, &next->diags);
		goto out;
	}
	changed = !change_is_none(daemon, next);
	if (!changed)
		next->number = daemon->running->number;
	if (changed && !change->dry_run) {
		if (change_install(daemon, next, before, change->confirm_s, &report, &err) < 0) {
			log_warn("generation %u refused: %s", next->number, err.text);
			r = rpc_fail_err(error, SHUNT_CLIENT_REFUSED, &err);
			goto out;
		}
		log_info("generation %u runs%s%s", next->number, *next->comment ? ": " : "",
			 next->comment);
	}
	if (!changed && !change->dry_run) {	/* but for what was detached by hand */
		install_release(daemon->install);
		change_reconcile(daemon);
	}
	change_write(daemon, next, changed, before, &report, w);
	if (changed && !change->dry_run) {
		change_take(daemon, next, change->confirm_s);
		next = NULL;
	}
	change_write_confirm(daemon, w);
	status_degraded(daemon, w, "warnings");
out:
	generation_free(next);
	return r;
}

static struct tree *change_empty_tree(struct arena *arena)
{
	struct tree *tree = tree_new_map(arena);

	tree_set(arena, tree, "version", tree_new_scalar(arena, "1"));
	return tree;
}

int change_rollback(struct daemon *daemon, const struct rpc_peer *peer, uint32_t number,
		    const char *comment, bool dry_run, struct jsonw *w, struct rpc_error *error)
{
	struct generation *next = generation_new(), *old = generation_new();
	struct change change = { .next = next, .back = true, .from = number,
				 .comment = comment, .dry_run = dry_run };
	struct err err = {};
	int r;

	r = number ? store_load(&daemon->store, number, old, &err) : 0;
	if (r < 0) {
		generation_free(next);
		generation_free(old);
		if (r == -ENOENT)
			return rpc_fail(error, SHUNT_CLIENT_USAGE,
					"no generation %u: see 'shunt history'", number);
		return rpc_fail_err(error, SHUNT_CLIENT_REFUSED, &err);
	}
	next->tree = number ? tree_copy(&next->arena, old->tree) : change_empty_tree(&next->arena);
	generation_free(old);
	return change_apply(daemon, peer, &change, w, error);
}

/* What is noted as running, or as about to; empty: there is none, or no reading it (stuck) */
static struct generation *change_noted(struct daemon *daemon, uint32_t *ret_number, struct err *err)
{
	struct generation *noted = generation_new();
	uint32_t number = store_intent(&daemon->store);

	if (number && store_load(&daemon->store, number, noted, err) == 0) {
		log_warn("finishing the commit of generation %u", number);
		goto out;
	}
	generation_free(noted);
	noted = generation_new();
	number = store_running(&daemon->store);
	if (number) {
		if (store_load(&daemon->store, number, noted, err) == 0)
			goto out;
		log_error("%s", err->text);
		daemon->stuck = "its record cannot be read; what was attached runs on";
	}
	noted->tree = change_empty_tree(&noted->arena);
out:
	*ret_number = number;
	return noted;
}

static bool change_all_kept(const struct plan *plan)
{
	unsigned int i;

	for (i = 0; i < plan->n_graphs; i++)
		if (!plan->graph[i].kept)
			return false;
	return true;
}

static struct generation *change_rebuild(struct daemon *daemon, const struct generation *noted,
					 uint32_t number)
{
	struct generation *next = generation_new();

	next->number = number;
	next->time = noted->time;
	next->uid = noted->uid;
	next->from = noted->from;
	next->comment = arena_strdup(&next->arena, noted->comment);
	next->tree = tree_copy(&next->arena, noted->tree);
	generation_build(next, daemon->module_dir, daemon_links(daemon), &noted->plan);
	return next;
}

/* Rings that are in the kernel go on */
static int change_balance(struct daemon *daemon, struct generation *next, struct err *err)
{
	int r = lb_prepare(daemon->lb, &next->plan, NULL, err);

	return r < 0 ? r : lb_begin(daemon->lb, &next->plan, err);
}

/* The same configuration, with the modules that are installed now */
static int change_take_up(struct daemon *daemon, struct generation *next, struct err *err)
{
	struct install_report report = {};
	int r;

	r = install_recover(daemon->install, &next->plan, daemon_links(daemon), err);
	if (r < 0)
		return r;
	install_ports(daemon->install, &next->plan, daemon_links(daemon));
	if (r > 0) {
		log_info("generation %u: rendering %d graphs again", next->number, r);
		r = install_load(daemon->install, &next->plan, &next->plan, &report, err);
		if (r == 0)
			r = change_balance(daemon, next, err);
		if (r == 0)
			r = install_commit(daemon->install, &next->plan, &next->plan, &report, err);
	} else {
		install_sweep(daemon->install, &next->plan);
		r = change_balance(daemon, next, err);
	}
	if (r == 0)
		lb_commit(daemon->lb, &next->plan);
	return r;
}

static void change_recover_pending(struct daemon *daemon)
{
	struct store_pending pending;

	if (!store_pending(&daemon->store, &pending))
		return;
	if (pending.generation == daemon->running->number)
		change_arm(daemon, &pending);
	else
		store_clear_pending(&daemon->store);
}

/* Nothing of what runs is touched until an apply */
static int change_stuck(struct daemon *daemon, struct generation *noted, struct err *err)
{
	int r;

	daemon->running = noted;
	r = install_recover(daemon->install, &noted->plan, daemon_links(daemon), err);
	return r < 0 ? r : 0;
}

int change_recover(struct daemon *daemon, struct err *err)
{
	struct generation *noted, *next;
	uint32_t number;
	int r;

	noted = change_noted(daemon, &number, err);
	daemon->last_number = number;
	if (daemon->stuck)
		return change_stuck(daemon, noted, err);
	install_forget(daemon->install, &noted->plan);
	next = change_rebuild(daemon, noted, number);
	if (!next->diags.total && number && !change_all_kept(&next->plan)) {
		/* Other object files than those that run: another generation */
		generation_free(next);
		next = change_rebuild(daemon, noted, number + 1);
		next->comment = "modules changed: rendered again at a start";
	}
	if (next->diags.total) {
		log_error("generation %u cannot be taken up: %s: %s", number, next->diags.v[0].path,
			  next->diags.v[0].message);
		generation_free(next);
		daemon->stuck = "its configuration or a module is wrong; what was attached runs on";
		return change_stuck(daemon, noted, err);
	}
	generation_free(noted);
	daemon->running = next;
	if (next->number > number)
		store_save(&daemon->store, next, NULL);
	r = change_take_up(daemon, next, err);
	if (r < 0)
		return r;
	daemon->last_number = next->number;
	if (next->number)
		r = store_set_running(&daemon->store, next->number, err);
	store_set_intent(&daemon->store, 0, NULL);
	change_recover_pending(daemon);
	change_reconcile(daemon);
	return r;
}

static bool change_uses_links(const struct plan *plan)
{
	unsigned int i;

	for (i = 0; i < plan->n_filters; i++)
		if (plan->filter[i].uses_links)
			return true;
	return false;
}

static struct generation *change_copy(const struct daemon *daemon)
{
	struct generation *next = generation_new();

	next->number = daemon->last_number + 1;
	next->tree = tree_copy(&next->arena, daemon->running->tree);
	return next;
}

/* Whether the running configuration makes other programs than those that run */
static bool change_would(struct daemon *daemon)
{
	struct generation *next = change_copy(daemon);
	bool would;

	would = generation_build(next, daemon->module_dir, daemon_links(daemon),
				 &daemon->running->plan) == 0 && !change_is_none(daemon, next);
	generation_free(next);
	return would;
}

/* Rules name interfaces: one that came, went or has another index now makes other programs of them */
static void change_follow_links(struct daemon *daemon)
{
	struct rpc_peer self = { .pid = getpid(), .uid = getuid(), .gid = getgid() };
	struct change change = { .comment = "an interface that rules name came or went" };
	struct rpc_error error = {};
	struct buf out = {};
	struct jsonw w;

	if (daemon->pending.generation || !change_uses_links(&daemon->running->plan) ||
	    !change_would(daemon))
		return;
	change.next = change_copy(daemon);
	jsonw_init(&w, &out, false);
	jsonw_object(&w, NULL);
	if (change_apply(daemon, &self, &change, &w, &error) < 0)
		log_error("following the interfaces failed: %s", error.message.data);
	buf_fini(&out);
	buf_fini(&error.message);
	buf_fini(&error.findings);
}

void change_reconcile(struct daemon *daemon)
{
	struct generation *running;

	if (daemon->stuck)
		return;
	change_follow_links(daemon);
	running = daemon->running;
	generation_reattach(running, daemon_links(daemon));
	install_ports(daemon->install, &running->plan, daemon_links(daemon));
	install_attachments(daemon->install, &running->plan, running->plan.attach,
			    running->plan.n_attach);
}
