// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* config_lb.c - services and their backends: keys and values. What must fit together: config_lb_check.c */
#include <stdlib.h>
#include <string.h>

#include <model/config_lb_read.h>

#define GUE_PORT	6080		/* IANA: gue */
#define DRAIN_MS	(300 * 1000)
#define DRAIN_MAX_MS	(86400 * 1000)	/* 16 bits of LB_TICK_S are three times that */
#define SLOW_MAX_MS	(86400 * 1000)
#define NSEC_PER_MSEC	1000000ULL
#define MSS_MIN		536		/* RFC 9293 3.7.1: what anybody takes */
#define MSS_MAX		65495		/* of a datagram of 65535 */
#define CID_BYTES_MAX	20		/* RFC 9000 17.2 */

_Static_assert(DRAIN_MAX_MS / 1000 / LB_TICK_S < 32768, "ticks of 16 bits wrap, compared by sign");

enum {
	SERVICE_ADDRESS, SERVICE_PORT, SERVICE_PROTO, SERVICE_FORWARD, SERVICE_GUE_PORT, SERVICE_HASH,
	SERVICE_TABLE, SERVICE_TRACKING, SERVICE_DRAIN, SERVICE_UDP, SERVICE_SLOW, SERVICE_DOWN,
	SERVICE_SORRY, SERVICE_HEALTH, SERVICE_MSS, SERVICE_QUIC, SERVICE_STABLE, SERVICE_BACKENDS,
	SERVICE_COMMENT, SERVICE_MAX
};
static const struct config_key service_keys[] = {
	[SERVICE_ADDRESS] = { "address", TREE_SCALAR, true },
	[SERVICE_PORT] = { "port", TREE_SCALAR, false },
	[SERVICE_PROTO] = { "proto", TREE_SCALAR, false },
	[SERVICE_FORWARD] = { "forward", TREE_SCALAR, false },
	[SERVICE_GUE_PORT] = { "gue-port", TREE_SCALAR, false },
	[SERVICE_HASH] = { "hash", TREE_SCALAR, false },
	[SERVICE_TABLE] = { "table", TREE_SCALAR, false },
	[SERVICE_TRACKING] = { "tracking", TREE_SCALAR, false },
	[SERVICE_DRAIN] = { "drain", TREE_SCALAR, false },
	[SERVICE_UDP] = { "udp", TREE_SCALAR, false },
	[SERVICE_SLOW] = { "slow-start", TREE_SCALAR, false },
	[SERVICE_DOWN] = { "down", TREE_SCALAR, false },
	[SERVICE_SORRY] = { "sorry", TREE_SCALAR, false },
	[SERVICE_HEALTH] = { "health", TREE_MAP, false },
	[SERVICE_MSS] = { "mss", TREE_SCALAR, false },
	[SERVICE_QUIC] = { "quic", TREE_MAP, false },
	[SERVICE_STABLE] = { "stable", TREE_SCALAR, false },
	[SERVICE_BACKENDS] = { "backends", TREE_LIST, false },
	[SERVICE_COMMENT] = { "comment", TREE_SCALAR, false },
	[SERVICE_MAX] = { 0 },
};
_Static_assert(SERVICE_MAX <= CONFIG_KEYS_MAX, "config_read_keys()");

enum {
	BACKEND_ADDRESS, BACKEND_PORT, BACKEND_WEIGHT, BACKEND_STATE, BACKEND_ID, BACKEND_COMMENT,
	BACKEND_MAX
};
static const struct config_key backend_keys[] = {
	[BACKEND_ADDRESS] = { "address", TREE_SCALAR, true },
	[BACKEND_PORT] = { "port", TREE_SCALAR, false },
	[BACKEND_WEIGHT] = { "weight", TREE_SCALAR, false },
	[BACKEND_STATE] = { "state", TREE_SCALAR, false },
	[BACKEND_ID] = { "id", TREE_SCALAR, false },
	[BACKEND_COMMENT] = { "comment", TREE_SCALAR, false },
	[BACKEND_MAX] = { 0 },
};

enum { QUIC_OFFSET, QUIC_LENGTH, QUIC_MAX };
static const struct config_key quic_keys[] = {
	[QUIC_OFFSET] = { "offset", TREE_SCALAR, true },
	[QUIC_LENGTH] = { "length", TREE_SCALAR, true },
	[QUIC_MAX] = { 0 },
};

enum { LB_KEY_FLOWS, LB_KEY_MAX };
static const struct config_key lb_keys[] = {
	[LB_KEY_FLOWS] = { "flows", TREE_SCALAR, false },
	[LB_KEY_MAX] = { 0 },
};

static const char *const forward_names[] = { "ipip", "gue", "l2", "nat", NULL };
static const char *const hash_names[] = { "flow", "source", NULL };
static const char *const tracking_names[] = { "changes", "always", "never", NULL };
static const char *const down_names[] = { "drop", "sorry", "last", NULL };
static const char *const udp_names[] = { "keep", "move", NULL };
static const char *const stable_names[] = { "flow", "packet", NULL };
static const char *const state_names[] = { "up", "drain", NULL };
static const char *const proto_names[] = { "tcp", "udp", "sctp", NULL };
static const uint8_t protos[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP };

/* ---- values -------------------------------------------------------------------------------- */

/* @words' index, or 0, what is usual, if there is no such word */
static unsigned int read_word(struct config_reader *r, const struct tree *tree,
			      const char *const *words)
{
	int word = tree ? config_read_word(r, tree, arena_printf(r->arena, "'%s'", tree->key),
					   words) : 0;

	return word < 0 ? 0 : word;
}

/* Return: @min to @max, or 0: a finding tells */
static unsigned int read_number(struct config_reader *r, const struct tree *tree,
				unsigned int min, unsigned int max)
{
	const char *what = arena_printf(r->arena, "'%s'", tree->key);
	int number;

	if (!config_read_number(r, tree, what, max, &number))
		return 0;
	if ((unsigned int)number >= min)
		return number;
	config_read_error(r, tree, "bad_value", "%s is a number from %u to %u, not '%.60s'", what,
			  min, max, tree->text);
	return 0;
}

static uint64_t read_time(struct config_reader *r, const struct tree *tree, uint64_t max_ms)
{
	const char *what = arena_printf(r->arena, "'%s'", tree->key);
	uint64_t ns;

	if (!strcmp(tree->text, "0") || !strcmp(tree->text, "0s"))
		return 0;
	if (!config_read_time(r, tree, what, &ns))
		return 0;
	if (ns / NSEC_PER_MSEC > max_ms)
		config_read_error(r, tree, "bad_value", "%s is at most %llud, not '%.60s'", what,
				  (unsigned long long)max_ms / 86400000, tree->text);
	return ns / NSEC_PER_MSEC;
}

static void read_u64(struct config_reader *r, const struct tree *tree, uint64_t *ret_number)
{
	int base = !strncmp(tree->text, "0x", 2) ? 16 : 10;
	const char *digits = tree->text + (base == 16 ? 2 : 0);
	const char *known = base == 16 ? "0123456789abcdefABCDEF" : "0123456789";
	char *end;

	errno = 0;
	if (*digits && strspn(digits, known) == strlen(digits)) {
		*ret_number = strtoull(digits, &end, base);
		if (!errno)
			return;
	}
	config_read_error(r, tree, "bad_value",
			  "'%s' is a number of 64 bits, decimal or 0x hex, not '%.60s'", tree->key,
			  tree->text);
}

/* Return: behind the port, NULL: there is none */
static const char *port_end(const char *text, uint16_t *ret_port)
{
	unsigned int port = 0;
	const char *at;

	for (at = text; *at >= '0' && *at <= '9' && port <= 65535; at++)
		port = 10 * port + *at - '0';
	*ret_port = port;
	return port && port <= 65535 ? at : NULL;
}

/* "443" or "8000-8099" */
static void read_ports(struct config_reader *r, const struct tree *tree,
		       struct config_service *service)
{
	uint16_t first, last;
	const char *end = port_end(tree->text, &first);

	last = first;
	if (end && *end == '-')
		end = port_end(end + 1, &last);
	if (!end || *end || last < first) {
		config_read_error(r, tree, "bad_value",
				  "'port' is a port or a range of them (8000-8099), not '%.60s'",
				  tree->text);
		return;
	}
	service->port_first = first;
	service->port_last = last;
}

/* ---- backends ------------------------------------------------------------------------------ */

static void read_backend(struct config_reader *r, const struct tree *tree,
			 struct config_backend *backend)
{
	struct tree *value[BACKEND_MAX];
	int weight;

	backend->tree = tree;
	backend->weight = 1;
	if (config_read_keys(r, tree, "a backend", backend_keys, value) < 0)
		return;
	if (value[BACKEND_ADDRESS])
		config_lb_addr(r, value[BACKEND_ADDRESS], &backend->addr, &backend->l3);
	if (value[BACKEND_PORT])
		backend->port = read_number(r, value[BACKEND_PORT], 1, 65535);
	if (value[BACKEND_WEIGHT] &&
	    config_read_number(r, value[BACKEND_WEIGHT], "'weight'", 65535, &weight))
		backend->weight = weight;
	backend->drains = read_word(r, value[BACKEND_STATE], state_names) == 1;
	backend->has_id = value[BACKEND_ID];
	if (value[BACKEND_ID])
		read_u64(r, value[BACKEND_ID], &backend->id);
	config_read_comment(r, value[BACKEND_COMMENT]);
}

static void read_backends(struct config_reader *r, const struct tree *list,
			  struct config_service *service)
{
	size_t i;

	if (!config_read_count(r, list, LB_BACKENDS - 1, "'backends'", "of them"))
		return;
	service->n_backends = list->n;
	service->backend = arena_new_n(r->arena, struct config_backend, list->n);
	for (i = 0; i < list->n; i++)
		read_backend(r, list->child[i], &service->backend[i]);
}

static void read_sorry(struct config_reader *r, const struct tree *tree,
		       struct config_service *service)
{
	struct config_backend *sorry = arena_new(r->arena, struct config_backend);

	sorry->tree = tree;
	config_lb_addr(r, tree, &sorry->addr, &sorry->l3);
	service->sorry = sorry;
}

/* ---- services ------------------------------------------------------------------------------ */

static void read_quic(struct config_reader *r, const struct tree *tree,
		      struct config_service *service)
{
	struct tree *value[QUIC_MAX];
	int offset;

	if (config_read_keys(r, tree, "'quic'", quic_keys, value) < 0 || !value[QUIC_OFFSET] ||
	    !value[QUIC_LENGTH])
		return;
	if (config_read_number(r, value[QUIC_OFFSET], "'offset'", CID_BYTES_MAX - 1, &offset))
		service->quic_off = offset;
	service->quic_len = read_number(r, value[QUIC_LENGTH], 1, 8);
	if (service->quic_off + service->quic_len > CID_BYTES_MAX)
		config_read_error(r, tree, "bad_value",
				  "a connection ID has %d bytes at most: none at %u to %u",
				  CID_BYTES_MAX, service->quic_off,
				  service->quic_off + service->quic_len - 1);
}

static void read_table(struct config_reader *r, const struct tree *tree,
		       struct config_service *service)
{
	unsigned int slots = read_number(r, tree, 3, LB_RING_MAX), i;

	for (i = 2; i * i <= slots; i++)
		if (slots % i == 0) {
			config_read_error(r, tree, "bad_value", "'table' is a prime, not %u = %u * %u",
					  slots, i, slots / i);
			return;
		}
	if (slots)
		service->table = slots;
}

/* What the service is */
static void read_match(struct config_reader *r, struct tree *const *value,
		       struct config_service *service)
{
	int proto;

	if (value[SERVICE_ADDRESS])
		config_lb_prefix(r, value[SERVICE_ADDRESS], &service->addr, &service->l3,
				 &service->len);
	if (value[SERVICE_PORT])
		read_ports(r, value[SERVICE_PORT], service);
	if (!value[SERVICE_PROTO])
		return;
	proto = config_read_word(r, value[SERVICE_PROTO], "'proto'", proto_names);
	service->proto = proto < 0 ? 0 : protos[proto];
}

/* How it chooses */
static void read_choice(struct config_reader *r, struct tree *const *value,
			struct config_service *service)
{
	service->hash = read_word(r, value[SERVICE_HASH], hash_names);
	service->tracking = read_word(r, value[SERVICE_TRACKING], tracking_names);
	service->udp_moves = read_word(r, value[SERVICE_UDP], udp_names) == 1;
	service->per_packet = read_word(r, value[SERVICE_STABLE], stable_names) == 1;
	if (value[SERVICE_TABLE])
		read_table(r, value[SERVICE_TABLE], service);
	if (value[SERVICE_DRAIN])
		service->drain_ms = read_time(r, value[SERVICE_DRAIN], DRAIN_MAX_MS);
	if (value[SERVICE_SLOW])
		service->slow_start_ms = read_time(r, value[SERVICE_SLOW], SLOW_MAX_MS);
	if (value[SERVICE_QUIC])
		read_quic(r, value[SERVICE_QUIC], service);
	if (value[SERVICE_SORRY])
		read_sorry(r, value[SERVICE_SORRY], service);
	if (value[SERVICE_HEALTH])
		service->health = config_lb_read_health(r, value[SERVICE_HEALTH]);
	service->down = value[SERVICE_DOWN] ? read_word(r, value[SERVICE_DOWN], down_names) :
			value[SERVICE_SORRY] ? LB_DOWN_SORRY : LB_DOWN_DROP;
}

/* How packets get there */
static void read_way(struct config_reader *r, struct tree *const *value,
		     struct config_service *service)
{
	service->forward = read_word(r, value[SERVICE_FORWARD], forward_names);
	if (value[SERVICE_GUE_PORT])
		service->gue_port = read_number(r, value[SERVICE_GUE_PORT], 1, 65535);
	if (value[SERVICE_MSS])
		service->mss = read_number(r, value[SERVICE_MSS], MSS_MIN, MSS_MAX);
}

static void read_service(struct config_reader *r, const struct tree *tree,
			 struct config_service *service)
{
	unsigned int total = r->diags->total;
	struct tree *value[SERVICE_MAX];

	config_read_name_key(r, tree, "a service");
	*service = (struct config_service){
		.name = tree->key, .tree = tree, .port_last = 65535, .gue_port = GUE_PORT,
		.table = LB_RING, .drain_ms = DRAIN_MS,
	};
	if (config_read_keys(r, tree, arena_printf(r->arena, "service '%.32s'", tree->key),
			     service_keys, value) < 0)
		return;
	read_match(r, value, service);
	read_choice(r, value, service);
	read_way(r, value, service);
	if (value[SERVICE_BACKENDS])
		read_backends(r, value[SERVICE_BACKENDS], service);
	config_read_comment(r, value[SERVICE_COMMENT]);
	if (r->diags->total == total)
		config_lb_check_service(r, service);
}

/* ---- nodes --------------------------------------------------------------------------------- */

static void read_services(struct config_reader *r, const struct tree *section, struct config_lb *lb)
{
	unsigned int total = r->diags->total;
	size_t i;

	if (!config_read_count(r, section, LB_SERVICES, "'services'", "of them"))
		return;
	lb->n_services = section->n;
	lb->service = arena_new_n(r->arena, struct config_service, section->n);
	for (i = 0; i < section->n; i++)
		read_service(r, section->child[i], &lb->service[i]);
	qsort(lb->service, lb->n_services, sizeof(*lb->service), config_compare_names);
	if (r->diags->total == total)
		config_lb_check_services(r, lb);
}

static void read_source(struct config_reader *r, const struct tree *tree, uint8_t l3,
			struct shunt_addr *ret_addr)
{
	struct shunt_addr addr;
	uint8_t is = 0;

	config_lb_addr(r, tree, &addr, &is);
	if (is == l3)
		*ret_addr = addr;
	else if (is)
		config_read_error(r, tree, "bad_value", "'%s' is an IPv%u address, not '%.60s'",
				  tree->key, l3, tree->text);
}

const struct config_lb *config_lb_read(struct config_reader *r, const struct tree *node,
				       const struct config_lb_trees *trees)
{
	struct config_lb *lb;

	if (!trees->source && !trees->source6 && !trees->seed && !trees->services)
		return NULL;
	lb = arena_new(r->arena, struct config_lb);
	lb->tree = node;
	if (trees->source)
		read_source(r, trees->source, 4, &lb->source[0]);
	if (trees->source6)
		read_source(r, trees->source6, 6, &lb->source[1]);
	if (trees->seed)
		read_u64(r, trees->seed, &lb->seed);
	if (trees->services)
		read_services(r, trees->services, lb);
	return lb;
}

void config_lb_read_top(struct config_reader *r, const struct tree *section)
{
	struct tree *value[LB_KEY_MAX];
	unsigned int flows;

	if (config_read_keys(r, section, "'lb'", lb_keys, value) < 0 || !value[LB_KEY_FLOWS])
		return;
	flows = read_number(r, value[LB_KEY_FLOWS], LB_WAYS, CONFIG_LB_FLOWS_MAX);
	if (flows)
		r->config->lb_flows = flows;
}

const struct config_service *config_service_find(const struct config_lb *lb, const char *name)
{
	return lb && lb->n_services ? bsearch(&name, lb->service, lb->n_services,
					      sizeof(*lb->service), config_compare_names) : NULL;
}
