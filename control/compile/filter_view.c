// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* filter_view.c - a few rules changed: what a view of the running image has to say */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <compile/filter_view.h>
#include <compile/lower.h>

static const struct link_table no_links;	/* rules on interfaces are compiled in full */

struct viewer {
	struct plan *plan;
	struct plan_filter *filter;
	const struct plan_rule *rule;	/* under way */
	bool full;			/* a name that a view cannot bring in */
};

bool filter_may_edit(const struct plan_filter *filter, unsigned int index, bool insert)
{
	const struct plan_rule *rule = &filter->rule[index];

	if (insert)
		return filter->n_added < PLAN_SPARE;
	return filter->n_gone + (rule->last_prio - rule->prio) / CLASSIFIER_PRIO_GAP < PLAN_SPARE;
}

void filter_insert(struct plan_filter *filter, const struct config_node *node, unsigned int index)
{
	struct plan_rule *rule = &filter->rule[index];
	unsigned int i;

	memmove(rule + 1, rule, (filter->n_rules - index) * sizeof(*rule));
	filter->n_rules++;
	filter->n_own++;
	filter->n_added++;
	*rule = (struct plan_rule){ .id = node->rule[index].expr.id };
	for (i = 0; i < filter->n_own; i++)		/* they moved */
		filter->rule[i].expr = &node->rule[i].expr;
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

void filter_delete(struct plan_filter *filter, unsigned int index)
{
	struct plan_rule *rule = &filter->rule[index];
	uint32_t prio;

	if (rule->prio) {
		for (prio = rule->prio; prio <= rule->last_prio; prio += CLASSIFIER_PRIO_GAP)
			filter->gone[filter->n_gone++] = prio / CLASSIFIER_PRIO_GAP - 1;
		qsort(filter->gone, filter->n_gone, sizeof(*filter->gone), by_number);
	}
	filter->n_rules--;
	filter->n_own--;
	filter->n_added -= !rule->prio;
	memmove(rule, rule + 1, (filter->n_rules - index) * sizeof(*rule));
}

/* ---- names: those that the programs have ---------------------------------------------------- */

static int view_edge(void *arg, const char *edge, const char *reason)
{
	struct viewer *viewer = arg;
	const struct plan_node *node = plan_node_find(viewer->plan, viewer->filter->node);
	char name[2 * SHUNT_NAME_MAX + 8];
	unsigned int i;

	snprintf(name, sizeof(name), reason ? "%s(%s)" : "%s", edge, reason);
	for (i = 0; node && i < node->n_edges; i++)
		if (!strcmp(node->edge[i].name, name))
			return i;
	viewer->full = true;
	return 0;
}

static uint32_t view_hit(void *arg, const char *name)
{
	struct viewer *viewer = arg;
	const struct plan_filter *filter = viewer->filter;
	unsigned int i;
	uint32_t id;

	if (*name == '#') {
		id = strtoul(name + 1, NULL, 10);
		if (viewer->rule->id == id)
			return viewer->rule->hit;
		for (i = 0; i < filter->n_rules; i++)
			if (filter->rule[i].id == id && filter->rule[i].hit)
				return filter->rule[i].hit;
	} else {
		for (i = 0; i < filter->n_counters; i++)
			if (!strcmp(filter->counter[i].name, name + 1))
				return filter->counter[i].hit;
	}
	viewer->full = true;
	return 0;
}

static uint32_t view_state(void *arg, const char *name)
{
	struct viewer *viewer = arg;

	viewer->full = true;
	return 0;
}

static int view_set(void *arg, const char *name, bool *ret_dynamic)
{
	struct viewer *viewer = arg;
	const struct plan_set *set = plan_set_find(viewer->plan, name);

	if (!set)
		return -1;
	*ret_dynamic = set->dynamic;
	return set->slot;
}

static uint32_t view_policy(void *arg, const char *name)
{
	struct viewer *viewer = arg;
	const struct plan_conntrack *conntrack = viewer->plan->conntrack;
	unsigned int i;

	for (i = 1; conntrack && i < CONNTRACK_POLICIES; i++)
		if (conntrack->policy[i] && !strcmp(conntrack->policy[i], name))
			return i;
	viewer->full = true;
	return 1;
}

static uint32_t view_nat(void *arg, const struct config_rule *rule,
			 const struct expr_statement *statement)
{
	struct viewer *viewer = arg;

	viewer->full = true;		/* whether the graph can do it is for a compilation to say */
	return 1;
}

static uint32_t view_limit(void *arg, const struct config_rule *rule, unsigned int statement)
{
	struct viewer *viewer = arg;

	viewer->full = true;		/* how large what counts is, too */
	return 1;
}

/* ---- the view ----------------------------------------------------------------------------- */

static int take_hit(struct viewer *viewer, struct plan_rule *rule)
{
	struct plan *plan = viewer->plan;
	unsigned int i;

	if (rule->hit)
		return 0;
	for (i = 0; i < viewer->filter->n_rules; i++)
		if (viewer->filter->rule[i].id == rule->id && viewer->filter->rule[i].hit)
			rule->hit = viewer->filter->rule[i].hit;
	if (rule->hit)
		return 0;
	if (plan->hits_end == plan->hits_room || plan->n_spare_slots == PLAN_SPARE)
		return -ENOSPC;
	rule->hit = plan->hits_end++;
	plan->slot[plan->n_slots++] = (struct plan_slot){
		.name = arena_printf(plan->arena, "hit %s#%u", viewer->filter->node, rule->id),
		.index = rule->hit, .n = 1, .fresh = true,
	};
	plan->n_spare_slots++;
	return 0;
}

static void append(struct filter_view *view, struct arena *arena, const struct lowered *lowered)
{
	size_t i;

	for (i = 0; i < lowered->rows.n; i++)
		*arena_push(arena, view->add.row, view->add.n) = lowered->rows.row[i];
	for (i = 0; i < lowered->n_ext; i++)
		*arena_push(arena, view->ext, view->n_ext) = lowered->ext[i];
}

/* One rule that the base has not, in order behind prio @after. *ret_after: of its last place */
static int view_rule(struct viewer *viewer, const struct config *config,
		     const struct config_node *node, unsigned int index, unsigned int number,
		     struct arena *arena, struct filter_view *view, uint32_t *after)
{
	const struct lower_names names = {
		.edge = view_edge, .hit = view_hit, .state = view_state, .set = view_set,
		.policy = view_policy, .nat = view_nat, .limit = view_limit,
		.links = &no_links, .arg = viewer,
	};
	const struct lower_at at = {
		.prio = *after + 1, .step = 1,
		.room = CLASSIFIER_PRIO_GAP - 1 - *after % CLASSIFIER_PRIO_GAP,
		.first_ext = classifier_view_ext(&viewer->filter->classifier.shape, number) +
			     view->n_ext,
	};
	struct diags diags = { .arena = arena };
	struct lowered lowered = {};
	int r;

	viewer->rule = &viewer->filter->rule[index];
	r = take_hit(viewer, &viewer->filter->rule[index]);
	if (r < 0)
		return r;
	r = lower_one(config, node, index, &names, &at, arena, &diags, &lowered);
	/* Whether a graph has who looks into a zone is for a compilation to say */
	if (r < 0 || viewer->full || lowered.rounds > 1 || lowered.uses_links || lowered.zones ||
	    (lowered.uses_flows && !viewer->filter->uses_flows) ||
	    (lowered.n_ext && !viewer->filter->n_exts))
		return -ENOSPC;
	append(view, arena, &lowered);
	*after += lowered.n_places;
	return 0;
}

int filter_view(const struct config *config, const struct config_node *node, struct plan *plan,
		struct plan_filter *filter, unsigned int view, struct arena *arena,
		struct filter_view *ret_view)
{
	struct viewer viewer = { .plan = plan, .filter = filter };
	uint32_t after = 0;
	unsigned int i;
	int r;

	*ret_view = (struct filter_view){ .gone = filter->gone, .n_gone = filter->n_gone };
	for (i = 0; i < filter->n_own; i++) {
		if (filter->rule[i].prio) {
			after = filter->rule[i].last_prio;
			continue;
		}
		r = view_rule(&viewer, config, node, i, view, arena, ret_view, &after);
		if (r < 0)
			return r;
	}
	return 0;
}
