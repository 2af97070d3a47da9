// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* attachments.c - which gate is on which interface, and how to get there from what is wanted */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/log.h>
#include <kernel/attachments.h>
#include <kernel/pins.h>

void attachments_init(struct attachments *attachments, const char *bpffs)
{
	char path[PINS_PATH_MAX];

	snprintf(path, sizeof(path), "%s/link", bpffs);
	*attachments = (struct attachments) { .pin_dir = strdup(path) };
}

void attachments_fini(struct attachments *attachments)
{
	unsigned int i;

	for (i = 0; i < attachments->n; i++)
		free(attachments->v[i].error);
	free(attachments->v);
	free(attachments->pin_dir);
	*attachments = (struct attachments) {};
}

static struct attachment *attachments_find(const struct attachments *attachments, uint32_t ifindex,
					   uint32_t hook)
{
	unsigned int i;

	for (i = 0; i < attachments->n; i++)
		if (attachments->v[i].attach.ifindex == ifindex &&
		    attachments->v[i].attach.hook == hook)
			return &attachments->v[i];
	return NULL;
}

static struct attachment *attachments_new(struct attachments *attachments, uint32_t ifindex,
					  const char *ifname, uint32_t hook)
{
	struct attachment *new;

	if (attachments->n == attachments->size) {
		attachments->size = attachments->size ? attachments->size * 2 : 16;
		attachments->v = reallocarray(attachments->v, attachments->size,
					      sizeof(attachments->v[0]));
		if (!attachments->v)
			abort();
	}
	new = &attachments->v[attachments->n++];
	*new = (struct attachment) { .attach = { .ifindex = ifindex, .hook = hook } };
	snprintf(new->attach.ifname, sizeof(new->attach.ifname), "%s", ifname);
	return new;
}

static void attachments_drop(struct attachments *attachments, struct attachment *gone)
{
	free(gone->error);
	*gone = attachments->v[--attachments->n];
}

static const struct plan_attach *want_find(const struct plan_attach *want, unsigned int n,
					   const struct attachment *have)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (want[i].ifindex == have->attach.ifindex && want[i].hook == have->attach.hook)
			return &want[i];
	return NULL;
}

static int attachments_adopt_one(struct attachments *attachments, const struct gates *gates,
				 uint32_t ifindex, const char *ifname, uint32_t hook,
				 struct err *err)
{
	struct attachment *new;
	struct attach attach;
	uint32_t slot;
	int r;

	if (attachments_find(attachments, ifindex, hook))
		return 0;
	r = attach_adopt(ifindex, ifname, hook, attachments->pin_dir, &attach, err);
	if (r < 0)
		return r == -ENOENT || r == -ENOLINK ? 0 : r;
	if (gates_slot_of(gates, hook, attach.prog_id, &slot) < 0)
		return 0;
	new = attachments_new(attachments, ifindex, ifname, hook);
	new->attach = attach;
	new->slot = slot;
	new->mode = CONFIG_MODE_AUTO;	/* as it is, it is as wanted, until told otherwise */
	new->share = attach.how == ATTACH_XDP_DISPATCHER || attach.how == ATTACH_XDP_LIBXDP;
	return 0;
}

int attachments_adopt(struct attachments *attachments, const struct gates *gates,
		      const struct link_table *links, struct err *err)
{
	static const uint32_t hooks[] = {
		SHUNT_HOOK_XDP, SHUNT_HOOK_TC_INGRESS, SHUNT_HOOK_TC_EGRESS,
	};
	struct attach_pin *pin = NULL;
	const struct link *link;
	unsigned int i, j;
	int n, r;

	r = pins_mkdir(attachments->pin_dir, err);
	if (r < 0)
		return r;
	n = attach_pins(attachments->pin_dir, &pin, err);
	if (n < 0)
		return n;
	for (r = 0, i = 0; r == 0 && i < (unsigned int)n; i++) {
		link = link_find(links, pin[i].ifindex);
		r = attachments_adopt_one(attachments, gates, pin[i].ifindex,
					  link ? link->name : "?", pin[i].hook, err);
	}
	free(pin);
	for (i = 0; r == 0 && i < links->n; i++)
		for (j = 0; r == 0 && j < 3; j++)
			r = attachments_adopt_one(attachments, gates, links->link[i].ifindex,
						  links->link[i].name, hooks[j], err);
	return r;
}

static int attachments_want(const struct attachments *attachments, struct gates *gates,
			    const struct plan *plan, const struct plan_attach *want,
			    char *gate_path, struct attach_want *ret_want, struct err *err)
{
	enum gates_kind kind = gates_kind(want->hook);
	uint32_t slot = plan->graph[want->graph].slot;
	int prog_fd = gates_program(gates, want->hook, slot, err);

	if (prog_fd < 0)
		return prog_fd;
	gates_object(gates, want->hook, gate_path);
	*ret_want = (struct attach_want) {
		.ifindex = want->ifindex,
		.ifname = want->ifname,
		.hook = want->hook,
		.prog_fd = prog_fd,
		.mode = want->mode,
		.share = want->share,
		.priority = want->priority,
		.pin_dir = attachments->pin_dir,
		.gate_path = gate_path,
		.gate_slot = slot,
		.entry_fd = gates->entry_fd[kind],
		.miss_fd = gates->miss_fd[kind],
	};
	return 0;
}

static void attachment_set(struct attachment *have, const struct plan *plan,
			   const struct plan_attach *want)
{
	have->slot = plan->graph[want->graph].slot;
	have->mode = want->mode;
	have->share = want->share;
	have->priority = want->priority;
}

static void attachment_failed(struct attachment *have, const struct err *err)
{
	if (!have->error || strcmp(have->error, err->text))
		log_warn("cannot attach to '%s': %s", have->attach.ifname, err->text);
	free(have->error);
	have->error = strdup(err->text);
}

/* Return: 1: attached now; 0: was, or failed and noted; -errno: failed */
static int attachments_add_one(struct attachments *attachments, struct gates *gates,
			       const struct plan *plan, const struct plan_attach *want, bool strict,
			       struct err *err)
{
	struct attachment *have = attachments_find(attachments, want->ifindex, want->hook);
	bool failed_before = have && have->error;
	char gate_path[PINS_PATH_MAX];
	struct attach_want attach_want;
	struct attach attach;
	struct err why = {};
	int r;

	if (have && (!have->error || (have->held && !strict)))
		return 0;
	r = attachments_want(attachments, gates, plan, want, gate_path, &attach_want, &why);
	if (r == 0)
		r = attach_add(&attach_want, &attach, &why);
	if (r < 0 && strict && !failed_before && r != -ENODEV) {
		err_set(err, r, "attach graph '%s' to '%s' at %s: %s.",
			plan->graph[want->graph].name, want->ifname,
			module_hook_name(want->hook), why.text);
		return err_at(err, "/attach/%u/dev", want->place);
	}
	if (!have)
		have = attachments_new(attachments, want->ifindex, want->ifname, want->hook);
	attachment_set(have, plan, want);
	if (r < 0) {
		attachment_failed(have, &why);
		return 0;
	}
	free(have->error);
	have->error = NULL;
	have->held = false;
	have->attach = attach;
	have->fresh = true;
	log_info("attached graph '%s' to '%s' at %s", plan->graph[want->graph].name, want->ifname,
		 module_hook_name(want->hook));
	return 1;
}

int attachments_add(struct attachments *attachments, struct gates *gates, const struct plan *plan,
		    const struct plan_attach *want, unsigned int n, bool strict, struct err *err)
{
	unsigned int i;
	int r, added = 0;

	for (i = 0; i < n; i++) {
		r = attachments_add_one(attachments, gates, plan, &want[i], strict, err);
		if (r < 0)
			return r;
		added += r;
	}
	return added;
}

int attachments_replace(struct attachments *attachments, struct gates *gates,
			const struct plan *plan, const struct plan_attach *want, unsigned int n,
			struct err *err)
{
	char gate_path[PINS_PATH_MAX];
	struct attach_want attach_want;
	struct attachment *have;
	int r, replaced = 0;
	unsigned int i;

	for (i = 0; i < n; i++) {
		have = attachments_find(attachments, want[i].ifindex, want[i].hook);
		if (!have || have->error)
			continue;
		if (have->slot == plan->graph[want[i].graph].slot) {
			attachment_set(have, plan, &want[i]);
			continue;
		}
		r = attachments_want(attachments, gates, plan, &want[i], gate_path, &attach_want,
				     err);
		if (r == 0)
			r = attach_replace(&have->attach, &attach_want, err);
		if (r == -ENODEV || r == -ENOLINK)
			continue;	/* gone meanwhile: the mirror will tell */
		if (r < 0)
			return err_at(err, "/attach/%u/dev", want[i].place);
		attachment_set(have, plan, &want[i]);
		replaced++;
	}
	return replaced;
}

/* An adopted one is wanted in any mode; a change of sharing, or from generic, needs another one */
static bool attachment_fits(const struct attachment *have, const struct plan_attach *want)
{
	if (!want)
		return false;
	if (have->error)
		return true;
	if (have->attach.hook != SHUNT_HOOK_XDP)
		return true;
	if (want->share && have->attach.how == ATTACH_XDP_LINK)
		return false;	/* the other way round a dispatcher is as good as a link */
	if (want->mode == CONFIG_MODE_NATIVE)
		return !have->attach.generic;
	return want->mode == CONFIG_MODE_AUTO || have->attach.generic;
}

/* Return: 0: it is gone; -errno: it is there and marked as leaving */
static int attachments_leave(struct attachments *attachments, struct attachment *have,
			     struct err *err)
{
	int r = have->error ? 0 : attach_del(&have->attach, attachments->pin_dir, err);

	if (r < 0) {
		have->leaving = true;
		return r;
	}
	if (!have->error)
		log_info("detached from '%s' at %s", have->attach.ifname,
			 module_hook_name(have->attach.hook));
	attachments_drop(attachments, have);
	return 0;
}

int attachments_trim(struct attachments *attachments, const struct plan_attach *want,
		     unsigned int n, struct err *err)
{
	int r, failed = 0, trimmed = 0;
	struct err why = {};
	unsigned int i = 0;

	while (i < attachments->n) {
		struct attachment *have = &attachments->v[i];

		if (attachment_fits(have, want_find(want, n, have))) {
			have->leaving = false;
			i++;
			continue;
		}
		r = attachments_leave(attachments, have, &why);
		if (r == 0) {
			trimmed++;
			continue;
		}
		i++;
		if (!failed)
			failed = err_set(err, r, "%s.", why.text);
	}
	return failed ? failed : trimmed;
}

void attachments_undo(struct attachments *attachments)
{
	struct err err = {};
	unsigned int i = 0;

	while (i < attachments->n) {
		if (!attachments->v[i].fresh) {
			i++;
		} else if (attachments_leave(attachments, &attachments->v[i], &err) < 0) {
			log_warn("%s", err.text);
			attachments->v[i++].fresh = false;
		}
	}
}

bool attachments_unsettled(const struct attachments *attachments)
{
	unsigned int i;

	for (i = 0; i < attachments->n; i++)
		if (attachments->v[i].error || attachments->v[i].leaving)
			return true;
	return false;
}

void attachments_settle(struct attachments *attachments)
{
	unsigned int i;

	for (i = 0; i < attachments->n; i++)
		attachments->v[i].fresh = false;
}

void attachments_release(struct attachments *attachments)
{
	unsigned int i;

	for (i = 0; i < attachments->n; i++)
		attachments->v[i].held = false;
}

int attachments_detach(struct attachments *attachments, uint32_t ifindex, uint32_t hooks,
		       struct err *err)
{
	unsigned int i;
	int r, n = 0;

	for (i = 0; i < attachments->n; i++) {
		struct attachment *have = &attachments->v[i];

		if ((ifindex && have->attach.ifindex != ifindex) || !(have->attach.hook & hooks) ||
		    have->error)
			continue;
		r = attach_del(&have->attach, attachments->pin_dir, err);
		if (r < 0)
			return r;
		have->error = strdup("detached by hand; the next change attaches it again");
		have->held = true;
		n++;
	}
	return n;
}
