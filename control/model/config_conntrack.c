// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* config_conntrack.c - the flow table: its size, and how long flows live */
#include <stdlib.h>
#include <string.h>

#include <model/config_read.h>

#define FLOWS4		131072		/* of a configuration that says none */
#define FLOWS6		32768
#define NSEC_PER_MSEC	1000000ULL
#define TIMEOUT_MIN_MS	100		/* a few jiffies, whatever HZ is */
#define TIMEOUT_MAX_MS	(20ULL * 86400 * 1000)	/* 32 bits of jiffies wrap, compared by sign */

enum {
	CT_FLOWS, CT_FLOWS6, CT_FULL, CT_PICKUP, CT_WINDOW, CT_COUNTERS, CT_TIMEOUTS, CT_POLICIES,
	CT_MAX
};
static const struct config_key conntrack_keys[] = {
	[CT_FLOWS] = { "flows", TREE_SCALAR, false },
	[CT_FLOWS6] = { "flows6", TREE_SCALAR, false },
	[CT_FULL] = { "full", TREE_SCALAR, false },
	[CT_PICKUP] = { "pickup", TREE_SCALAR, false },
	[CT_WINDOW] = { "window", TREE_SCALAR, false },
	[CT_COUNTERS] = { "counters", TREE_SCALAR, false },
	[CT_TIMEOUTS] = { "timeouts", TREE_MAP, false },
	[CT_POLICIES] = { "policies", TREE_MAP, false },
	[CT_MAX] = { 0 },
};
_Static_assert(CT_MAX <= CONFIG_KEYS_MAX, "config_read_keys()");

static const char *const full_names[] = { "drop", "stateless", NULL };

#define STATE_NAME(id, name, seconds) name,
static const char *const state_names[] = { CONNTRACK_STATES(STATE_NAME) };

#define STATE_MS(id, name, seconds) (seconds) * 1000ULL,
static const uint64_t state_ms[] = { CONNTRACK_STATES(STATE_MS) };

/* Return: CONNTRACK_NONE: no state of that name has a timeout */
static unsigned int find_state(const char *name)
{
	unsigned int i;

	for (i = CONNTRACK_NONE + 1; i < CONNTRACK_STATE_MAX; i++)
		if (!strcmp(state_names[i], name))
			return i;
	return CONNTRACK_NONE;
}

static void unknown_state(struct config_reader *r, const struct tree *tree)
{
	struct buf known = { 0 };
	struct diag *diag;
	unsigned int i;

	for (i = CONNTRACK_NONE + 1; i < CONNTRACK_STATE_MAX; i++)
		buf_printf(&known, "%s%s", i > CONNTRACK_NONE + 1 ? ", " : "there are ",
			   state_names[i]);
	diag = config_read_error(r, tree, "no_such_timeout", "no timeout '%.60s'", tree->key);
	diag->key = 1;
	config_read_suggest(r, diag, tree->key, &state_names[CONNTRACK_NONE + 1],
			    CONNTRACK_STATE_MAX - CONNTRACK_NONE - 1,
			    arena_strdup(r->arena, known.data));
	buf_fini(&known);
}

static void read_timeout(struct config_reader *r, const struct tree *tree, uint64_t *timeout_ms)
{
	unsigned int state = find_state(tree->key);
	uint64_t ns;

	if (state == CONNTRACK_NONE) {
		unknown_state(r, tree);
		return;
	}
	if (!config_read_is(r, tree, TREE_SCALAR, arena_printf(r->arena, "timeout '%s'", tree->key)) ||
	    !config_read_time(r, tree, arena_printf(r->arena, "timeout '%s'", tree->key), &ns))
		return;
	if (ns < TIMEOUT_MIN_MS * NSEC_PER_MSEC || ns > TIMEOUT_MAX_MS * NSEC_PER_MSEC)
		config_read_error(r, tree, "bad_value", "timeout '%s' is from 100ms to 20d, not '%.60s'",
				  tree->key, tree->text);
	timeout_ms[state] = ns / NSEC_PER_MSEC;
}

static void read_timeouts(struct config_reader *r, const struct tree *tree, uint64_t *timeout_ms)
{
	size_t i;

	for (i = 0; i < tree->n; i++)
		read_timeout(r, tree->child[i], timeout_ms);
}

/* What a policy does not say is as usual */
static void read_policy(struct config_reader *r, const struct tree *tree,
			const uint64_t *usual_ms, struct config_policy *policy)
{
	config_read_at_name(r, tree, "a policy");
	policy->name = tree->key;
	policy->tree = tree;
	memcpy(policy->timeout_ms, usual_ms, sizeof(policy->timeout_ms));
	if (!config_read_is_empty(tree) &&
	    config_read_is(r, tree, TREE_MAP, arena_printf(r->arena, "policy '%.32s'", tree->key)))
		read_timeouts(r, tree, policy->timeout_ms);
}

static void read_policies(struct config_reader *r, const struct tree *tree)
{
	struct config_conntrack *conntrack = &r->config->conntrack;
	size_t i;

	if (!config_read_count(r, tree, CONNTRACK_POLICIES - 1, "'policies'", "of them"))
		return;
	conntrack->n_policies = tree->n;
	conntrack->policy = arena_new_n(r->arena, struct config_policy, tree->n);
	for (i = 0; i < tree->n; i++)
		read_policy(r, tree->child[i], conntrack->timeout_ms, &conntrack->policy[i]);
	qsort(conntrack->policy, conntrack->n_policies, sizeof(*conntrack->policy),
	      config_compare_names);
}

static void read_flows(struct config_reader *r, const struct tree *tree, uint32_t *ret_flows)
{
	int flows;

	if (!config_read_number(r, tree, arena_printf(r->arena, "'%s'", tree->key),
				CONNTRACK_FLOWS_MAX, &flows))
		return;
	if (!flows)
		config_read_error(r, tree, "bad_value", "'%s' is 1 at least", tree->key)->hint =
			"the table is only there where a graph has a node that needs it";
	*ret_flows = flows;
}

void config_conntrack_init(struct config_conntrack *conntrack)
{
	*conntrack = (struct config_conntrack){ .flows = { FLOWS4, FLOWS6 }, .pickup = true };
	memcpy(conntrack->timeout_ms, state_ms, sizeof(state_ms));
}

void config_conntrack_read(struct config_reader *r, const struct tree *section)
{
	struct config_conntrack *conntrack = &r->config->conntrack;
	struct tree *value[CT_MAX];

	conntrack->tree = section;
	if (config_read_keys(r, section, "'conntrack'", conntrack_keys, value) < 0)
		return;
	if (value[CT_FLOWS])
		read_flows(r, value[CT_FLOWS], &conntrack->flows[0]);
	if (value[CT_FLOWS6])
		read_flows(r, value[CT_FLOWS6], &conntrack->flows[1]);
	if (value[CT_FULL])
		conntrack->stateless =
			config_read_word(r, value[CT_FULL], "'full'", full_names) == 1;
	if (value[CT_PICKUP])
		config_read_bool(r, value[CT_PICKUP], "'pickup'", &conntrack->pickup);
	if (value[CT_WINDOW])
		config_read_bool(r, value[CT_WINDOW], "'window'", &conntrack->window);
	if (value[CT_COUNTERS])
		config_read_bool(r, value[CT_COUNTERS], "'counters'", &conntrack->counters);
	if (value[CT_TIMEOUTS])
		read_timeouts(r, value[CT_TIMEOUTS], conntrack->timeout_ms);
	if (value[CT_POLICIES])
		read_policies(r, value[CT_POLICIES]);
	r->policies_unknown = !value[CT_POLICIES] && tree_get(section, "policies");
}

const struct config_policy *config_policy_find(const struct config *config, const char *name)
{
	const struct config_conntrack *conntrack = &config->conntrack;

	return conntrack->n_policies ?
	       bsearch(&name, conntrack->policy, conntrack->n_policies, sizeof(*conntrack->policy),
		       config_compare_names) : NULL;
}
