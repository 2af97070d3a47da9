// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * lb_find.c - which destination is which service's: lb_vips, lb_nets, lb_ranges
 *
 * DOC: A program asks for address, protocol and port, then for what says less, one by one. A prefix
 * trie gives the longest prefix alone, so what that says of a protocol is all that is to be said there:
 * an element has the ports of its own services over those of the prefixes around it. Ports are painted: what
 * says less first, what says more over it.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include <compile/lb.h>

#define V4_BITS		96		/* in front of an IPv4 address */
#define SEGMENTS_MAX	256		/* more are not painted: they are too many in any case */

static const uint8_t protos[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP };

struct segment {
	uint16_t first, last;
	uint32_t service;		/* + 1 */
};

/* Ports, ascending, without overlap */
struct paint {
	struct compile *c;
	struct segment *segment;
	unsigned int n;
};

/* Services of one address or prefix: those of no protocol first, then by protocol; of each, any port, ranges, ports */
struct place {
	const struct plan_service **service;
	unsigned int n;
	const struct place *around;	/* the longest prefix that it is in; NULL: none */
};

static unsigned int bits(const struct config_service *config)
{
	return config->l3 == 4 ? V4_BITS + config->len : config->len;
}

/* ---- ports --------------------------------------------------------------------------------- */

static void segment_add(struct paint *to, uint32_t first, uint32_t last, uint32_t service)
{
	struct segment *before = to->n ? &to->segment[to->n - 1] : NULL;

	if (first > last)
		return;
	if (before && before->service == service && before->last + 1u == first)
		before->last = last;
	else
		*arena_push(to->c->arena, to->segment, to->n) =
			(struct segment){ first, last, service };
}

static void paint_over(struct paint *paint, const struct plan_service *service)
{
	uint32_t first = service->config->port_first, last = service->config->port_last;
	struct paint over = { .c = paint->c };
	const struct segment *s;
	unsigned int i;

	if (paint->n > SEGMENTS_MAX)
		return;
	for (i = 0; i < paint->n && paint->segment[i].first < first; i++) {
		s = &paint->segment[i];
		segment_add(&over, s->first, s->last < first ? s->last : first - 1, s->service);
	}
	segment_add(&over, first, last, service->number + 1);
	for (i = 0; i < paint->n; i++) {
		s = &paint->segment[i];
		if (s->last > last)
			segment_add(&over, s->first > last ? s->first : last + 1, s->last,
				    s->service);
	}
	*paint = over;
}

static uint32_t ranges_take(struct paint *paint, const struct config_service *config)
{
	struct plan_lb *lb = paint->c->lb;
	struct lb_ranges entry;
	uint32_t number;
	unsigned int i;

	for (i = 0; i < LB_RANGES; i++) {
		entry.range[i].first = i < paint->n ? paint->segment[i].first : 1;
		entry.range[i].last = i < paint->n ? paint->segment[i].last : 0;
		entry.range[i].service = i < paint->n ? paint->segment[i].service : 0;
	}
	number = compile_take(paint->c, config->tree, SLOTS_LB_RANGES, 1,
			      arena_printf(paint->c->arena, "lbranges %016llx",
					   (unsigned long long)key_bytes(KEY_START, &entry,
									 sizeof(entry))));
	for (i = 0; i < lb->n_ranges; i++)
		if (lb->ranges[i].number == number)
			return number;
	*arena_push(paint->c->arena, lb->ranges, lb->n_ranges) =
		(struct plan_ranges){ .number = number, .entry = entry };
	return number;
}

/* What is painted, as a value of lb_vips and lb_nets. @config: who is to blame */
static uint32_t paint_value(struct paint *paint, const struct config_service *config)
{
	if (paint->n == 1 && !paint->segment[0].first && paint->segment[0].last == 65535)
		return paint->segment[0].service;
	if (paint->n <= LB_RANGES)
		return LB_VIP_RANGES | ranges_take(paint, config);
	compile_find(paint->c, config->tree, "too_many_ranges",
		     "service '%s' and others have more than %d ranges of ports of one %s and protocol",
		     config->name, LB_RANGES,
		     bits(config) < 128 ? "prefix (with those around it)" : "address");
	return 0;
}

/* ---- places -------------------------------------------------------------------------------- */

static bool is_net(const struct config_service *config)
{
	return bits(config) < 128;
}

static bool is_port(const struct config_service *config)
{
	return config->port_first && config->port_first == config->port_last;
}

/* How much it says of ports */
static int says(const struct config_service *config)
{
	return !config->port_first ? 0 : is_port(config) ? 2 : 1;
}

static int compare_services(const void *a, const void *b)
{
	const struct config_service *x = (*(const struct plan_service *const *)a)->config;
	const struct config_service *y = (*(const struct plan_service *const *)b)->config;
	int r = memcmp(&x->addr, &y->addr, sizeof(x->addr));

	if (!r)
		r = (int)bits(x) - (int)bits(y);
	if (!r)
		r = (int)x->proto - (int)y->proto;
	if (!r)
		r = says(x) - says(y);
	return r ? r : (int)x->port_first - (int)y->port_first;
}

static bool same_place(const struct config_service *a, const struct config_service *b)
{
	return bits(a) == bits(b) && !memcmp(&a->addr, &b->addr, sizeof(a->addr));
}

static bool contains(const struct config_service *net, const struct config_service *in)
{
	const uint8_t *a = (const uint8_t *)&net->addr, *b = (const uint8_t *)&in->addr;
	unsigned int n = bits(net);

	if (n > bits(in) || memcmp(a, b, n / 8))
		return false;
	return !(n % 8) || !((a[n / 8] ^ b[n / 8]) >> (8 - n % 8));
}

/* ---- entries ------------------------------------------------------------------------------- */

static void vip_add(struct compile *c, const struct plan_balancer *balancer,
		    const struct config_service *config, uint8_t proto, uint16_t port,
		    uint32_t value)
{
	*arena_push(c->arena, c->lb->vip, c->lb->n_vips) = (struct plan_vip){
		.key = { .addr = config->addr, .port = htons(port), .proto = proto,
			 .node = balancer->number },
		.value = value,
	};
}

/* One address: ports, then ranges and any port by protocol, then any protocol */
static void plan_address(struct compile *c, struct plan_balancer *balancer,
			 const struct place *place)
{
	const struct config_service *config = NULL;
	struct paint paint = { .c = c };
	unsigned int i, k;

	for (i = 0; i < place->n; i++) {
		config = place->service[i]->config;
		if (!config->proto) {
			balancer->kinds |= LB_KIND_ANY;
			vip_add(c, balancer, config, 0, 0, place->service[i]->number + 1);
		} else if (is_port(config)) {
			balancer->kinds |= LB_KIND_EXACT;
			vip_add(c, balancer, config, config->proto, config->port_first,
				place->service[i]->number + 1);
		}
	}
	for (k = 0; k < sizeof(protos); k++) {
		paint.n = 0;
		paint.segment = NULL;
		for (i = 0; i < place->n; i++) {
			if (place->service[i]->config->proto != protos[k] ||
			    is_port(place->service[i]->config))
				continue;
			config = place->service[i]->config;
			paint_over(&paint, place->service[i]);
		}
		if (!paint.n)
			continue;
		balancer->kinds |= LB_KIND_RANGES;
		vip_add(c, balancer, config, protos[k], 0, paint_value(&paint, config));
	}
}

/* Return: somebody there has that very protocol */
static bool paint_place(struct paint *paint, const struct place *place, uint8_t proto)
{
	bool has = place->around && paint_place(paint, place->around, proto);
	unsigned int i;

	for (i = 0; i < place->n; i++) {
		if (place->service[i]->config->proto && place->service[i]->config->proto != proto)
			continue;
		has = has || place->service[i]->config->proto == proto;
		paint_over(paint, place->service[i]);
	}
	return has;
}

static void net_add(struct compile *c, const struct plan_balancer *balancer,
		    const struct config_service *config, uint8_t proto, uint32_t value)
{
	*arena_push(c->arena, c->lb->net, c->lb->n_nets) = (struct plan_net){
		.key = { .len = 32 + bits(config), .node = balancer->number, .proto = proto,
			 .addr = config->addr },
		.value = value,
	};
}

static void plan_prefix(struct compile *c, struct plan_balancer *balancer,
			const struct place *place)
{
	const struct config_service *config = place->service[0]->config;
	struct paint paint;
	unsigned int k;

	balancer->kinds |= LB_KIND_NETS;
	if (!config->proto)
		net_add(c, balancer, config, 0, place->service[0]->number + 1);
	for (k = 0; k < sizeof(protos); k++) {
		paint = (struct paint){ .c = c };
		if (paint_place(&paint, place, protos[k]))
			net_add(c, balancer, config, protos[k], paint_value(&paint, config));
	}
}

void lb_find_plan(struct compile *c, struct plan_balancer *balancer,
		  const struct plan_service *service, unsigned int n)
{
	const struct plan_service **sorted = arena_new_n(c->arena, const struct plan_service *, n);
	struct place *place = arena_new_n(c->arena, struct place, n);
	unsigned int i, k = 0;

	if (!n)
		return;
	for (i = 0; i < n; i++)
		sorted[i] = &service[i];
	qsort(sorted, n, sizeof(*sorted), compare_services);
	for (i = 0; i < n; i++) {
		const struct config_service *config = sorted[i]->config;

		balancer->kinds |= config->l3 == 4 ? LB_KIND_IP4 : LB_KIND_IP6;
		if (i && same_place(sorted[i - 1]->config, config)) {
			place[k - 1].n++;
			continue;
		}
		place[k] = (struct place){ .service = &sorted[i], .n = 1 };
		if (k)
			place[k].around = &place[k - 1];
		while (place[k].around && !contains(place[k].around->service[0]->config, config))
			place[k].around = place[k].around->around;
		k++;
	}
	for (i = 0; i < k; i++) {
		if (is_net(place[i].service[0]->config))
			plan_prefix(c, balancer, &place[i]);
		else
			plan_address(c, balancer, &place[i]);
	}
}

static int compare_vips(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct lb_vip));
}

static int compare_nets(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct lb_net));
}

static int compare_ranges(const void *a, const void *b)
{
	const struct plan_ranges *x = a, *y = b;

	return (x->number > y->number) - (x->number < y->number);
}

void lb_find_sort(struct plan_lb *lb)
{
	if (lb->n_vips)
		qsort(lb->vip, lb->n_vips, sizeof(*lb->vip), compare_vips);
	if (lb->n_nets)
		qsort(lb->net, lb->n_nets, sizeof(*lb->net), compare_nets);
	if (lb->n_ranges)
		qsort(lb->ranges, lb->n_ranges, sizeof(*lb->ranges), compare_ranges);
}
