/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* flowmodel_compare.h - a flow's entry beside the model's flow, and what to say where they differ */
#ifndef TESTS_FLOWMODEL_COMPARE_H
#define TESTS_FLOWMODEL_COMPARE_H

#include "flowmodel_world.h"

#define PAST		4096	/* packets that are remembered for a message */
#define PAST_SHOWN	24

static unsigned long step_;
static struct { unsigned long step; struct flowmodel_key key; char text[200]; } past[PAST];

/* ---- saying what is wrong ---- */
static bool same_talk(const struct flowmodel_key *a, const struct flowmodel_key *b)
{
	int turned;

	for (turned = 0; turned < 2; turned++)
		if (a->version == b->version && a->proto == b->proto &&
		    !memcmp(&a->end[0], &b->end[turned], sizeof(a->end[0])) &&
		    !memcmp(&a->end[1], &b->end[!turned], sizeof(a->end[1])))
			return true;
	return false;
}

static void show_past(const struct flowmodel_key *key)
{
	unsigned long from = step_ > PAST ? step_ - PAST : 0, n = 0, at;

	for (at = step_; at > from && n < PAST_SHOWN; at--)
		n += past[at % PAST].step == at && same_talk(&past[at % PAST].key, key);
	for (; at <= step_; at++)
		if (past[at % PAST].step == at && same_talk(&past[at % PAST].key, key))
			print_error("# %lu: %s\n", at, past[at % PAST].text);
}

static void differ(struct side *side, const struct flowmodel_key *key, const char *what,
		   const char *got, const char *want)
{
	show_past(key);
	print_error("# %s\n# the model's flow: %s\n# why: %s\n", flowmodel_key_text(key),
		    flowmodel_text(side->wanted.flow), side->wanted.why ? side->wanted.why : "-");
	fail_msg("step %lu at %s: %s is %s, the model says %s", step_, side->name, what, got, want);
}

static void compare_text(struct side *side, const struct flowmodel_key *key, const char *what,
			 const char *got, const char *want)
{
	if (strcmp(got, want))
		differ(side, key, what, got, want);
}

static void compare_number(struct side *side, const struct flowmodel_key *key, const char *what,
			   uint64_t got, uint64_t want)
{
	char a[24], b[24];

	if (got == want)
		return;
	snprintf(a, sizeof(a), "%#llx", (unsigned long long)got);
	snprintf(b, sizeof(b), "%#llx", (unsigned long long)want);
	differ(side, key, what, a, b);
}

static void note(const struct side *side, const struct pkt *p)
{
	const struct model_packet *m = &side->packet;
	const struct flowmodel_outcome *o = &side->wanted;
	static const char *const frags[] = { "", " first piece", " later piece" };
	typeof(&past[0]) at = &past[step_ % PAST];

	at->step = step_;
	at->key = o->flow ? o->flow->key : o->key;
	snprintf(at->text, sizeof(at->text),
		 "%s%s flags %#x type %u tos %#x %zu bytes: %s%s, %s; %s",
		 flowmodel_key_text(&o->key), frags[m->frag], m->flags, m->icmp_type, m->tos,
		 p->len, flowmodel_seen_name(o->seen), o->reply ? " reply" : "",
		 o->flow ? flowmodel_state_name(o->flow->state) : "no flow", o->why ? o->why : "");
}

/* ---- an entry of the table ---- */
static void compare_flags(struct side *side, const struct flowmodel_flow *flow, unsigned int flags)
{
	const struct flowmodel_key *key = &flow->key;

	compare_number(side, key, "replied", !!(flags & CONNTRACK_REPLIED), flow->replied);
	compare_number(side, key, "assured", !!(flags & CONNTRACK_ASSURED), flow->assured);
	compare_number(side, key, "FIN of the originator", !!(flags & CONNTRACK_FIN_ORIG),
		       flow->fin[0]);
	compare_number(side, key, "FIN of the other end", !!(flags & CONNTRACK_FIN_REPLY),
		       flow->fin[1]);
	compare_number(side, key, "picked up", !!(flags & CONNTRACK_PICKED_UP), flow->picked_up);
	compare_number(side, key, "another source", !!(flags & CONNTRACK_SNAT), flow->snat);
	compare_number(side, key, "another target", !!(flags & CONNTRACK_DNAT), flow->dnat);
	compare_number(side, key, "other flags", flags & (CONNTRACK_PEER | CONNTRACK_PROXIED |
		       CONNTRACK_CLAIMED), 0);
}

static bool translated(const struct flowmodel_flow *flow)
{
	return flow->snat || flow->dnat;
}

/* A translated flow has its other ends, and a second entry under the key of its replies */
static void compare_outside(struct side *side, const struct flowmodel_flow *flow, uint32_t slot)
{
	int family = flow->key.version == 6;
	uint32_t other = entry(side, family, slot)->other;
	struct flowmodel_key key;
	bool ordered;

	compare_number(side, &flow->key, "a second entry", !!other, translated(flow));
	if (!other)
		return;
	entry_outside(side, family, slot, &key);
	if (memcmp(&key, &flow->outside, sizeof(key)))
		differ(side, &flow->key, "what it is outside", flowmodel_key_text(&key),
		       flowmodel_key_text(&flow->outside));
	entry_key(side, family, other - 1, &key, &ordered);
	if (memcmp(&key, &flow->outside, sizeof(key)) || !ordered)
		differ(side, &flow->key, "the second entry's key", flowmodel_key_text(&key),
		       flowmodel_key_text(&flow->outside));
	compare_number(side, &flow->key, "the second entry's flags",
		       flags_of(entry(side, family, other - 1)->life) & CONNTRACK_PEER,
		       CONNTRACK_PEER);
	compare_number(side, &flow->key, "where the second entry leads to",
		       entry(side, family, other - 1)->other, slot + 1);
}

static void compare_entry(struct side *side, const struct flowmodel_flow *flow, uint32_t slot,
			  uint32_t jiffies)
{
	int family = flow->key.version == 6;
	const struct conntrack_flow *have = entry(side, family, slot);
	int64_t expires;
	struct flowmodel_key key;
	bool ordered;
	char text[64];

	entry_key(side, family, slot, &key, &ordered);
	if (memcmp(&key, &flow->key, sizeof(key)))
		differ(side, &flow->key, "the entry's key", flowmodel_key_text(&key),
		       flowmodel_key_text(&flow->key));
	if (!ordered)
		differ(side, &key, "the first end", "the greater", "the lesser");
	compare_text(side, &key, "the state", state_names[state_of(have->life)],
		     flowmodel_state_name(flow->state));
	compare_flags(side, flow, flags_of(have->life));
	compare_outside(side, flow, slot);
	compare_number(side, &key, "the mark", have->mark, flow->mark);
	compare_number(side, &key, "the policy", have->policy, flow->policy);
	compare_number(side, &key, "packets sent", side->counts[family][slot].packets[0],
		       flow->packets[0]);
	compare_number(side, &key, "packets answered", side->counts[family][slot].packets[1],
		       flow->packets[1]);
	compare_number(side, &key, "bytes sent", side->counts[family][slot].bytes[0],
		       flow->bytes[0]);
	compare_number(side, &key, "bytes answered", side->counts[family][slot].bytes[1],
		       flow->bytes[1]);
	expires = ticks(side, jiffies) + (int32_t)((uint32_t)have->life - jiffies);
	if (expires >= flow->earliest && expires <= flow->latest)
		return;
	snprintf(text, sizeof(text), "%lld to %lld ticks from now",
		 (long long)(flow->earliest - ticks(side, jiffies)),
		 (long long)(flow->latest - ticks(side, jiffies)));
	compare_number(side, &key, text, expires - ticks(side, jiffies), ~0ull);
}

#endif
