// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* lower_conj.c - a conjunction of matches: a rule's own and those of the jumps that led to it */
#include <netinet/in.h>
#include <string.h>

#include <compile/lower_priv.h>

#define ONE(value)	{ { 0, value }, { 0, value } }

static const struct expr_interval port_protos[] = {
	ONE(IPPROTO_TCP), ONE(IPPROTO_UDP), ONE(IPPROTO_SCTP),
};
static const struct expr_interval icmp_protos[] = { ONE(IPPROTO_ICMP), ONE(IPPROTO_ICMPV6) };

static const struct {
	uint8_t field;			/* enum filter_field */
	uint8_t bits;			/* 0: a field of the key */
} conds[EXPR_FIELD_MAX] = {
	[EXPR_LENGTH] = { FILTER_LENGTH, 16 },
	[EXPR_DSCP] = { FILTER_DSCP, 6 },
	[EXPR_TTL] = { FILTER_TTL, 8 },
	[EXPR_EXTHDR] = { FILTER_EXTHDR, 8 },
	[EXPR_ETHER_SADDR] = { FILTER_ETHER_SADDR, 48 },
	[EXPR_ETHER_DADDR] = { FILTER_ETHER_DADDR, 48 },
	[EXPR_ETHER_TYPE] = { FILTER_ETHER_TYPE, 16 },
	[EXPR_VLAN_ID] = { FILTER_VLAN_ID, 12 },
	[EXPR_VLAN_PCP] = { FILTER_VLAN_PCP, 3 },
	[EXPR_IIF] = { FILTER_IIF, 32 },
	[EXPR_MARK] = { FILTER_MARK, 32 },
	[EXPR_CT_MARK] = { FILTER_CT_MARK, 32 },
	[EXPR_CT_ZONE] = { FILTER_CT_ZONE, 16 },
	[EXPR_CT_DIRECTION] = { FILTER_CT_DIRECTION, 1 },
};

void lower_conj_init(struct lower_conj *conj)
{
	unsigned int i;

	*conj = (struct lower_conj){ .kinds = LOWER_ALL };
	for (i = 0; i < LOWER_ROW_FIELDS; i++)
		conj->range[i] = ranges_all(i);
}

bool lower_conj_never(const struct lower_conj *conj)
{
	const struct lower_subject *subject;
	unsigned int i;

	if (!conj->kinds)
		return true;
	for (i = EXPR_PROTO; i < LOWER_ROW_FIELDS; i++)
		if (!conj->range[i].n)
			return true;
	if ((conj->kinds == LOWER_IP4 &&
	     (!conj->range[EXPR_IP_SADDR].n || !conj->range[EXPR_IP_DADDR].n)) ||
	    (conj->kinds == LOWER_IP6 &&
	     (!conj->range[EXPR_IP6_SADDR].n || !conj->range[EXPR_IP6_DADDR].n)))
		return true;
	for (subject = conj->subject; subject; subject = subject->next)
		if (!subject->ranges.n)
			return true;
	return false;
}

static void and_range(struct lower *l, struct lower_conj *conj, enum expr_field field,
		      struct ranges ranges)
{
	conj->range[field] = ranges_and(&l->scratch, conj->range[field], ranges);
}

/* What a match on @field says by being there */
static void imply(struct lower *l, struct lower_conj *conj, enum expr_field field)
{
	switch (field) {
	case EXPR_IP_SADDR:
	case EXPR_IP_DADDR:
	case EXPR_CT_IP_SADDR:
	case EXPR_CT_IP_DADDR:
	case EXPR_CT_REPLY_IP_SADDR:
	case EXPR_CT_REPLY_IP_DADDR:
		conj->kinds &= LOWER_IP4;
		break;
	case EXPR_IP6_SADDR:
	case EXPR_IP6_DADDR:
	case EXPR_CT_IP6_SADDR:
	case EXPR_CT_IP6_DADDR:
	case EXPR_CT_REPLY_IP6_SADDR:
	case EXPR_CT_REPLY_IP6_DADDR:
		conj->kinds &= LOWER_IP6;
		break;
	case EXPR_SPORT:
	case EXPR_DPORT:
		and_range(l, conj, EXPR_PROTO, (struct ranges){ port_protos, 3 });
		conj->l4 = true;
		conj->kinds &= ~LOWER_NOT_IP;
		break;
	case EXPR_TCP_FLAGS:
		and_range(l, conj, EXPR_PROTO, (struct ranges){ port_protos, 1 });
		conj->l4 = true;
		conj->kinds &= ~LOWER_NOT_IP;
		break;
	case EXPR_ICMP_TYPE:
	case EXPR_ICMP_CODE:
		and_range(l, conj, EXPR_PROTO, (struct ranges){ icmp_protos, 2 });
		conj->l4 = conj->icmp = true;
		conj->kinds &= ~LOWER_NOT_IP;
		break;
	case EXPR_PROTO:
	case EXPR_FRAG:
	case EXPR_LENGTH:
	case EXPR_DSCP:
	case EXPR_TTL:
	case EXPR_EXTHDR:
		conj->kinds &= ~LOWER_NOT_IP;
		break;
	default:
		break;
	}
}

/* ---- values that are no word of the key ---------------------------------------------------- */

static bool subject_same(const struct filter_cond *a, const struct filter_cond *b)
{
	return a->kind == b->kind && a->field == b->field && a->base == b->base &&
	       a->off == b->off && a->len == b->len && a->mask == b->mask;
}

/* The list is copied up to what changes: others hold it, too */
void lower_conj_subject(struct lower *l, struct lower_conj *conj, const struct filter_cond *cond,
			struct ranges ranges)
{
	struct lower_subject *list = conj->subject, **to = &conj->subject, *copy;
	bool found = false;

	for (; list && !found; list = list->next) {
		copy = arena_new(&l->scratch, struct lower_subject);
		*copy = *list;
		found = subject_same(&copy->cond, cond);
		if (found)
			copy->ranges = ranges_and(&l->scratch, copy->ranges, ranges);
		*to = copy;
		to = &copy->next;
	}
	if (found)
		return;
	copy = arena_new(&l->scratch, struct lower_subject);
	*copy = (struct lower_subject){ .cond = *cond, .ranges = ranges };
	*to = copy;
}

static struct expr_value cond_max(const struct filter_cond *cond)
{
	return (struct expr_value){ 0, cond->mask };
}

static bool is_flow6(enum expr_field field)
{
	return field >= EXPR_CT_IP_SADDR && (expr_field_bits(field) == 128);
}

/* Of an IPv6 address its upper half */
static struct filter_cond flow_cond(enum expr_field field)
{
	unsigned int reply = field >= EXPR_CT_REPLY_IP_SADDR, bits = expr_field_bits(field);

	return (struct filter_cond){
		.kind = FILTER_COND_FLOW,
		.field = (field - (reply ? EXPR_CT_REPLY_IP_SADDR : EXPR_CT_IP_SADDR)) |
			 (reply ? FILTER_FLOW_REPLY : 0),
		.mask = bits > 64 ? UINT64_MAX : (1ull << bits) - 1,
	};
}

_Static_assert(EXPR_CT_DPORT - EXPR_CT_IP_SADDR == FILTER_FLOW_DPORT &&
	       EXPR_CT_IP6_SADDR - EXPR_CT_IP_SADDR == FILTER_FLOW_SADDR6, "in the same order");

static struct filter_cond cond_of(const struct expr_match *match)
{
	struct filter_cond cond = { .kind = FILTER_COND_RANGE, .field = conds[match->field].field };

	if (match->field == EXPR_PAYLOAD) {
		cond.kind = FILTER_COND_PAYLOAD;
		cond.base = (uint8_t)match->base;	/* the same three, tied below */
		cond.off = match->at;
		cond.len = match->bytes;
		cond.mask = UINT64_MAX >> (64 - 8 * match->bytes);
	} else if (match->field == EXPR_CT_STATUS) {
		cond = (struct filter_cond){
			.kind = FILTER_COND_FLOW, .field = FILTER_FLOW_STATUS, .mask = UINT8_MAX,
		};
	} else if (match->field >= EXPR_CT_IP_SADDR) {
		cond = flow_cond(match->field);
	} else {
		cond.mask = (1ull << conds[match->field].bits) - 1;
	}
	if (match->field == EXPR_EXTHDR)
		cond.mask = match->mask;
	else if (match->field_mask)
		cond.mask &= match->field_mask;
	return cond;
}

_Static_assert((int)EXPR_BASE_LL == FILTER_BASE_LL && (int)EXPR_BASE_NH == FILTER_BASE_NH &&
	       (int)EXPR_BASE_TH == FILTER_BASE_TH, "copied as they are");

/* ---- interfaces: the rule has names, the packet an index ----------------------------------- */

/* @name may end in a '*' */
static bool link_is(const struct link *link, const char *name)
{
	size_t len = strlen(name);

	return len && name[len - 1] == '*' ? !strncmp(link->name, name, len - 1) :
					     !strcmp(link->name, name);
}

static struct ranges interfaces(struct lower *l, const char *const *name, unsigned int n_names)
{
	const struct link_table *links = l->names->links;
	struct expr_interval *v = NULL;
	unsigned int i, k, n = 0;

	l->out.uses_links = true;
	for (i = 0; i < links->n; i++) {
		for (k = 0; k < n_names && !link_is(&links->link[i], name[k]);)
			k++;
		if (k < n_names) {
			struct expr_value index = { 0, links->link[i].ifindex };

			*arena_push(&l->scratch, v, n) = (struct expr_interval){ index, index };
		}
	}
	return (struct ranges){ v, expr_merge(v, n) };
}

/* A tuple's name is a number: its bytes, the first the most significant; a range: NAME* */
static struct ranges interfaces_of(struct lower *l, const struct expr_interval *value)
{
	char name[18], *list[] = { name };
	unsigned int i, len;

	for (i = 0; i < 16; i++)
		name[i] = (i < 8 ? value->first.hi : value->first.lo) >> (56 - 8 * (i & 7));
	name[16] = '\0';
	len = strlen(name);
	if (value->first.hi != value->last.hi || value->first.lo != value->last.lo)
		strcpy(name + len, "*");
	return interfaces(l, (const char *const *)list, 1);
}

/* ---- a flow's IPv6 address: both halves of each prefix ------------------------------------- */

static void flow6_prefix(struct lower *l, struct lower_conj *conj, enum expr_field field,
			 const struct expr_interval *prefix)
{
	struct filter_cond cond = flow_cond(field);
	struct expr_interval *half = arena_new_n(&l->scratch, struct expr_interval, 2);

	half[0] = (struct expr_interval){ { 0, prefix->first.hi }, { 0, prefix->last.hi } };
	half[1] = (struct expr_interval){ { 0, prefix->first.lo }, { 0, prefix->last.lo } };
	lower_conj_subject(l, conj, &cond, (struct ranges){ &half[0], 1 });
	if (half[1].first.lo == 0 && half[1].last.lo == UINT64_MAX)
		return;
	cond.field += FILTER_FLOW_SADDR6_LOW - FILTER_FLOW_SADDR6;
	lower_conj_subject(l, conj, &cond, (struct ranges){ &half[1], 1 });
}

static struct ranges flow6_prefixes(struct lower *l, enum expr_field field, struct ranges ranges)
{
	struct expr_interval *v = NULL;
	unsigned int i, k, n = 0, n_prefixes;
	struct expr_value *value, ones;
	uint8_t *len;

	for (i = 0; i < ranges.n; i++) {
		n_prefixes = expr_prefixes(&l->scratch, field, &ranges.v[i], &value, &len);
		for (k = 0; k < n_prefixes; k++) {
			ones.hi = len[k] >= 64 ? 0 : UINT64_MAX >> len[k];
			ones.lo = len[k] <= 64 ? UINT64_MAX :
				  len[k] == 128 ? 0 : UINT64_MAX >> (len[k] - 64);
			*arena_push(&l->scratch, v, n) = (struct expr_interval){
				value[k], { value[k].hi | ones.hi, value[k].lo | ones.lo },
			};
		}
	}
	return (struct ranges){ v, n };
}

/* By those prefixes that are fewer: of the addresses, or of all others, which must not hold then */
static void flow6(struct lower *l, struct lower_conj *conj, const struct expr_match *match)
{
	static const struct expr_interval any = { { 0, 0 }, { UINT64_MAX, UINT64_MAX } };
	struct ranges ranges = { match->interval, match->n }, in, out;
	struct lower_tuples *tuples;
	const struct lower_tuples **to;

	in = flow6_prefixes(l, match->field, ranges);
	out = flow6_prefixes(l, match->field, ranges_not(&l->scratch, ranges, any.last));
	if (in.n == 1) {
		flow6_prefix(l, conj, match->field, in.v);
		return;
	}
	if (out.n < in.n)
		flow6_prefix(l, conj, match->field, &any);
	if (!out.n)
		return;
	tuples = arena_new(&l->scratch, struct lower_tuples);
	*tuples = (struct lower_tuples){
		.field = &match->field, .n_fields = 1, .negated = out.n < in.n,
		.tuple = out.n < in.n ? out.v : in.v, .n = out.n < in.n ? out.n : in.n,
	};
	to = tuples->negated ? &conj->except : &conj->mixed;
	tuples->next = *to;
	*to = tuples;
}

static void and_subject(struct lower *l, struct lower_conj *conj, const struct expr_match *match)
{
	struct ranges ranges = { match->interval, match->n };
	struct filter_cond cond = cond_of(match);

	if (match->field == EXPR_EXTHDR) {
		struct expr_interval *one = arena_new(&l->scratch, struct expr_interval);

		one->first.lo = one->last.lo = match->value;
		ranges = (struct ranges){ one, 1 };
	} else if (match->field == EXPR_IIF) {
		ranges = interfaces(l, match->name, match->n_names);
	} else if (match->field == EXPR_PAYLOAD && match->base == EXPR_BASE_TH) {
		conj->kinds &= ~LOWER_NOT_IP;
	}
	if (match->negated)
		ranges = ranges_not(&l->scratch, ranges, cond_max(&cond));
	lower_conj_subject(l, conj, &cond, ranges);
}

void lower_conj_values(struct lower *l, struct lower_conj *conj, enum expr_field field,
		       struct ranges ranges, bool negated)
{
	struct filter_cond cond = cond_of(&(struct expr_match){ .field = field });

	if (is_flow6(field)) {		/* of tuples that flow6() made: one prefix */
		flow6_prefix(l, conj, field, ranges.v);
		return;
	}
	if (negated)
		ranges = ranges_not(&l->scratch, ranges, cond_max(&cond));
	lower_conj_subject(l, conj, &cond, ranges);
}

/* ---- tuples -------------------------------------------------------------------------------- */

bool lower_field_in_key(const enum expr_field *field, unsigned int n_fields)
{
	unsigned int i;

	for (i = 0; i < n_fields; i++)
		if (field[i] >= LOWER_ROW_FIELDS)
			return false;
	return true;
}

void lower_conj_tuple(struct lower *l, struct lower_conj *conj, const struct lower_tuples *tuples,
		      size_t index)
{
	const struct expr_interval *value = &tuples->tuple[index * tuples->n_fields];
	unsigned int i;

	for (i = 0; i < tuples->n_fields; i++) {
		enum expr_field field = tuples->field[i];
		struct ranges one = { &value[i], 1 };

		if (field == EXPR_IIF)
			one = interfaces_of(l, &value[i]);
		if (field < LOWER_ROW_FIELDS)
			and_range(l, conj, field, one);
		else
			lower_conj_values(l, conj, field, one, false);
	}
}

static void set_tuples(struct lower *l, const char *name, struct lower_tuples *tuples)
{
	const struct config_set *set = config_set_find(l->config, name);

	if (!set) {		/* the model refuses it */
		lower_fail(l, -EINVAL, "no_such_set", "no set '%s'", name);
		return;
	}
	tuples->set = name;
	tuples->tuple = set->tuple;
	tuples->n = set->n;
	tuples->dynamic = set->dynamic;
}

void lower_conj_fields(struct lower *l, struct lower_conj *conj, const enum expr_field *field,
		       unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		imply(l, conj, field[i]);
}

static struct lower_tuples tuples_of(struct lower *l, const struct expr_concat *concat)
{
	struct lower_tuples tuples = {
		.field = concat->field, .n_fields = concat->n_fields,
		.tuple = concat->tuple, .n = concat->n_tuples, .negated = concat->negated,
	};

	if (concat->set)
		set_tuples(l, concat->set, &tuples);
	return tuples;
}

static void add_tuples(struct lower *l, struct lower_conj *conj, const struct lower_tuples *tuples)
{
	struct lower_tuples *copy = arena_new(&l->scratch, struct lower_tuples);

	lower_conj_fields(l, conj, tuples->field, tuples->n_fields);
	*copy = *tuples;
	copy->next = conj->unsettled;
	conj->unsettled = copy;
}

static void and_set(struct lower *l, struct lower_conj *conj, const struct expr_match *match)
{
	struct lower_tuples tuples = {
		.field = &match->field, .n_fields = 1, .negated = match->negated,
	};

	set_tuples(l, match->set, &tuples);
	add_tuples(l, conj, &tuples);
}

/* ---- a rule -------------------------------------------------------------------------------- */

static void and_flags(struct lower *l, struct lower_conj *conj, const struct expr_match *match)
{
	struct lower_flags *flags = arena_new(&l->scratch, struct lower_flags);

	*flags = (struct lower_flags){ conj->flags, match->mask, match->value, match->negated };
	conj->flags = flags;
}

static void and_match(struct lower *l, struct lower_conj *conj, const struct expr_match *match)
{
	struct ranges ranges = { match->interval, match->n };

	imply(l, conj, match->field);
	if (match->set)
		and_set(l, conj, match);
	else if (match->field == EXPR_TCP_FLAGS)
		and_flags(l, conj, match);
	else if (match->field < LOWER_ROW_FIELDS)
		and_range(l, conj, match->field, ranges);
	else if (is_flow6(match->field))
		flow6(l, conj, match);
	else
		and_subject(l, conj, match);
}

void lower_conj_rule(struct lower *l, struct lower_conj *conj, const struct expr_rule *rule)
{
	const unsigned int ip = EXPR_FAMILY_4 | EXPR_FAMILY_6;
	struct lower_tuples tuples;
	unsigned int i;

	conj->kinds &= rule->families == ip ? LOWER_ALL : rule->families;
	for (i = 0; i < rule->n; i++)
		and_match(l, conj, &rule->match[i]);
	for (i = 0; i < rule->n_concats; i++) {
		tuples = tuples_of(l, &rule->concat[i]);
		add_tuples(l, conj, &tuples);
	}
}
