/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * nat_world.h - conntrack, translations by type of service, and nat
 *
 * A packet's TOS says which translations its flow gets: TAG(dnat, snat), numbers of nat_rules[].
 */
#ifndef TESTS_NAT_WORLD_H
#define TESTS_NAT_WORLD_H

#include "../lib/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include <base/file.h>
#include <kernel/flows.h>
#include <kernel/nat.h>

#include "../../dataplane/lib/nat.h"
#include "../lib/pkt.h"
#include "../lib/rig.h"

#define NAT_HOOKS	3
#define LO		1		/* ifindex that test runs have */
#define TAG(dnat, snat)	((dnat) << 4 | (snat))

/* Numbers for TAG() */
enum { SNAT_ONE = 1, SNAT_POOL, SNAT_STICKY, SNAT_PORTS, SNAT_OWN, SNAT_NET, SNAT_ONE6, SNAT_NPT,
       SNAT_NPT56, SNAT_OWN_PORTS, SNAT_POOL6, SNAT_NONE, SNAT_PORTS32 };
enum { DNAT_ONE = 1, DNAT_PORT, DNAT_PORTS, DNAT_POOL, DNAT_NET, DNAT_ONE6, DNAT_NPT, DNAT_PORT6,
       DNAT_NPT56, DNAT_GONE };

struct nat_line {
	unsigned int number;
	uint8_t kind, len, flags;
	const char *first, *last;
	uint16_t port_first, port_last;
};

static const struct nat_line nat_lines[] = {
	{ SNAT_ONE, NAT_RANGE, 0, 0, "203.0.113.1", "203.0.113.1", 0, 0 },
	{ SNAT_POOL, NAT_RANGE, 0, 0, "203.0.113.1", "203.0.113.8", 0, 0 },
	{ SNAT_STICKY, NAT_RANGE, 0, NAT_PERSISTENT, "203.0.113.1", "203.0.113.8", 0, 0 },
	{ SNAT_PORTS, NAT_RANGE, 0, NAT_PORTS, "203.0.113.1", "203.0.113.1", 2000, 2003 },
	{ SNAT_OWN, NAT_MASQUERADE, 0, 0, NULL, NULL, 0, 0 },
	{ SNAT_NET, NAT_PREFIX, 20, 0, "198.18.16.0", NULL, 0, 0 },
	{ SNAT_ONE6, NAT_RANGE, 0, 0, "2001:db8:f::1", "2001:db8:f::1", 0, 0 },
	{ SNAT_NPT, NAT_PREFIX, 48, 0, "2001:db8:1::", NULL, 0, 0 },
	{ SNAT_NPT56, NAT_PREFIX, 56, 0, "2001:db8:1:ff00::", NULL, 0, 0 },
	{ SNAT_OWN_PORTS, NAT_MASQUERADE, 0, NAT_PORTS, NULL, NULL, 60000, 60001 },
	{ SNAT_POOL6, NAT_RANGE, 0, 0, "2001:db8:f::fff0", "2001:db8:f::1:f", 0, 0 },
	{ SNAT_PORTS32, NAT_RANGE, 0, NAT_PORTS, "203.0.113.1", "203.0.113.1", 256, 287 },
	{ 16 + DNAT_ONE, NAT_RANGE, 0, 0, "10.0.0.80", "10.0.0.80", 0, 0 },
	{ 16 + DNAT_PORT, NAT_RANGE, 0, NAT_PORTS, "10.0.0.80", "10.0.0.80", 8080, 8080 },
	{ 16 + DNAT_PORTS, NAT_RANGE, 0, NAT_PORTS, "10.0.0.80", "10.0.0.80", 8000, 8009 },
	{ 16 + DNAT_POOL, NAT_RANGE, 0, 0, "10.0.0.80", "10.0.0.83", 0, 0 },
	{ 16 + DNAT_NET, NAT_PREFIX, 24, 0, "10.0.7.0", NULL, 0, 0 },
	{ 16 + DNAT_ONE6, NAT_RANGE, 0, 0, "fd00::80", "fd00::80", 0, 0 },
	{ 16 + DNAT_NPT, NAT_PREFIX, 48, 0, "fd01:203:405::", NULL, 0, 0 },
	{ 16 + DNAT_PORT6, NAT_RANGE, 0, NAT_PORTS, "fd00::80", "fd00::80", 8080, 8080 },
	{ 16 + DNAT_NPT56, NAT_PREFIX, 56, 0, "fd01:203:405:6700::", NULL, 0, 0 },
};

static const uint32_t nat_hooks[NAT_HOOKS] = {
	SHUNT_HOOK_XDP, SHUNT_HOOK_TC_INGRESS, SHUNT_HOOK_TC_EGRESS,
};
static struct rig *nat_rigs[NAT_HOOKS];
static struct rig_outcome out;

static struct shunt_addr nat_addr(const char *text)
{
	struct shunt_addr addr = { .v4_prefix = { 0, 0, htonl(0xffff) } };
	bool six = strchr(text, ':');

	if (inet_pton(six ? AF_INET6 : AF_INET, text, six ? (void *)&addr : (void *)&addr.v4) != 1)
		fail_msg("address '%s'", text);
	return addr;
}

static void nat_put_rules(const struct rig *rig)
{
	int fd = rig->shared.nat_rules_fd;
	unsigned int i;

	for (i = 0; i < sizeof(nat_lines) / sizeof(nat_lines[0]); i++) {
		const struct nat_line *line = &nat_lines[i];
		uint32_t key = line->number - 1;
		struct nat_rule rule = {
			.kind = line->kind, .len = line->len, .flags = line->flags,
			.port_first = line->port_first, .port_last = line->port_last,
		};

		if (line->first) {
			rule.l3 = strchr(line->first, ':') ? 6 : 4;
			rule.first = nat_addr(line->first);
			rule.last = nat_addr(line->last ?: line->first);
		}
		assert_int_equal(bpf_map_update_elem(fd, &key, &rule, BPF_ANY), 0);
	}
}

/* NULL: none */
static void nat_put_own(const struct rig *rig, const char *v4, const char *v6)
{
	struct nat_addrs addrs = { 0 };

	if (v4)
		addrs.addr4 = nat_addr(v4);
	if (v6)
		addrs.addr6 = nat_addr(v6);
	assert_int_equal(nat_addrs_put(rig->shared.nat_addrs_fd, LO, &addrs), 0);
}

static struct rig *nat_rig(uint32_t hook, const char *conntrack)
{
	char yaml[1024];
	struct rig *rig;

	snprintf(yaml, sizeof(yaml), "conntrack: { %s }\n"
		 "nodes:\n  ct: { module: conntrack }\n  tag: { module: \"%s\" }\n"
		 "  n: { module: nat }\n"
		 "graphs:\n  g:\n    entry: ct\n"
		 "    edges:\n      ct: { next: tag, established: n, related: n }\n"
		 "      tag: { next: n }\n      n: { next: pass }\n",
		 conntrack, rig_built("tests/lib/nattag"));
	rig = rig_new(yaml, hook);
	nat_put_rules(rig);
	nat_put_own(rig, "203.0.113.77", "2001:db8:f::77");
	return rig;
}

/* All flows go. Return: how many there were */
static unsigned int nat_forget(const struct rig *rig)
{
	uint64_t cursor = 0;
	struct flow flow;
	unsigned int n = 0;
	int r;

	while ((r = flows_next(rig->shared.flows, &cursor, 100000, &flow)) >= 0)
		if (r > 0 && flows_remove(rig->shared.flows, &flow) == 0)
			n++;
	if (r != -ENOENT)
		fail_msg("flows: %s", strerror(-r));
	return n;
}

/* Return: false: this hook cannot run such a packet here */
static bool nat_send(struct rig *rig, const struct pkt *p)
{
	int r = rig_run(rig, p->data, p->len, &out);

	if (r == -EOPNOTSUPP)
		return false;
	if (r < 0)
		fail_msg("test run: %s", strerror(-r));
	if (out.fault[0])
		fail_msg("%s", out.fault);
	return true;
}

#endif
