// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* fibroutes.c - made-up routing tables */
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <compile/fib_trie.h>

#include "fibroutes.h"

uint64_t unit_random(uint64_t *state);

#define HOPS	64		/* neighbours that routes lead to */
#define MAC	"02:00:00:00:00:"

const struct fibroutes_kind fibroutes_kinds[] = {
	{ "1", 4, 1, 0 },
	{ "1k", 4, 1000, 0 },
	{ "100k", 4, 100000, 0 },
	{ "1M", 4, 1000000, 0 },
	{ "1M.hosts", 4, 1000000, 8 },
	{ "1", 6, 1, 0 },
	{ "1k", 6, 1000, 0 },
	{ "200k", 6, 200000, 0 },
	{ "300k.hosts", 6, 300000, 33 },
	{ 0 }
};

/* Share of each length, of 1000 */
static const struct {
	uint8_t len;
	unsigned int share;
} lengths[2][16] = {
	{ { 24, 610 }, { 23, 100 }, { 22, 115 }, { 21, 50 }, { 20, 45 }, { 19, 30 }, { 18, 15 },
	  { 17, 8 }, { 16, 15 }, { 15, 3 }, { 14, 3 }, { 13, 2 }, { 12, 2 }, { 11, 1 }, { 10, 1 } },
	{ { 48, 460 }, { 32, 120 }, { 44, 105 }, { 40, 110 }, { 36, 50 }, { 29, 25 }, { 46, 30 },
	  { 47, 30 }, { 42, 15 }, { 38, 10 }, { 33, 10 }, { 34, 10 }, { 35, 5 }, { 45, 10 },
	  { 64, 10 } },
};

static uint64_t seed = 88172645463325252ULL;

static uint64_t below(uint64_t n)
{
	return (unit_random(&seed) >> 32) % n;
}

static void die(const char *what)
{
	fprintf(stderr, "fibroutes: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint8_t length(bool six)
{
	unsigned int dice = below(1000), i;

	for (i = 0; i < 15 && dice >= lengths[six][i].share; i++)
		dice -= lengths[six][i].share;
	return i < 15 ? lengths[six][i].len : six ? 48 : 24;
}

static struct fib_route host(bool six)
{
	if (six)
		return (struct fib_route){ .high = 0xfd00000000000000ULL | below(400),
					   .low = below(1 << 16), .len = 128 };
	return (struct fib_route){ .high = (uint64_t)(0x0a000000 | below(1 << 17)) << 32,
				   .len = 32 };
}

static struct fib_route network(bool six)
{
	struct fib_route r = { .len = length(six) };
	uint32_t word = 0x01000000 + below(0xdf000000);

	if ((word >> 24) == 10)		/* the hosts' */
		word ^= 0x01000000;
	r.high = (uint64_t)word << 32;
	if (six)	/* under some 30 000 of the /32s that registries hand out */
		r.high = (0x20010000ULL + below(30000) * 0x9ee1 % 0x1fff0000) << 32 |
			 unit_random(&seed) >> 32;
	r.high &= ~0ULL << (64 - r.len);
	return r;
}

void fibroutes_make(const struct fibroutes_kind *kind, struct fibroutes *ret_routes)
{
	struct fibroutes routes = { .at = calloc(kind->n, sizeof(*routes.at)) };
	bool six = kind->family == 6;
	struct fib_trie there = { 0 };
	uint32_t old;

	if (!routes.at)
		die("memory");
	while (routes.n < kind->n) {
		struct fib_route r = below(100) < kind->hosts ? host(six) : network(six);

		r.family = kind->family;
		r.hop = 1 + below(r.len > (six ? 64 : 24) ? 20000 : HOPS);
		if (fib_trie_set(&there, r.high, r.low, r.len, r.hop, &old) < 0)
			die("memory");
		if (!old)
			routes.at[routes.n++] = r;
	}
	fib_trie_fini(&there);
	*ret_routes = routes;
}

void fibroutes_fini(struct fibroutes *routes)
{
	free(routes->at);
	*routes = (struct fibroutes){ 0 };
}

void fibroutes_below(const struct fibroutes *routes, uint64_t *ret_high, uint64_t *ret_low)
{
	const struct fib_route *r = &routes->at[unit_random(&seed) % routes->n];

	*ret_high = r->high | (r->len < 64 ? unit_random(&seed) >> r->len : 0);
	*ret_low = r->low | (r->len <= 64 ? unit_random(&seed) :
			     r->len < 128 ? unit_random(&seed) >> (r->len - 64) : 0);
}

/* ---- the kernel's ---- */

static bool in_kernel;

static FILE *ip_batch(void)
{
	FILE *pipe = popen("ip -batch -", "w");

	if (!pipe)
		die("ip");
	return pipe;
}

/* Two ends of a cable, and 64 neighbours of each family behind one of them */
static void network_make(void)
{
	unsigned int i;
	FILE *ip;

	if (unshare(CLONE_NEWNET) < 0)
		die("network namespace");
	ip = ip_batch();
	fprintf(ip, "link add fib0 index %u type veth peer name fib1\n", FIBROUTES_IFINDEX);
	fprintf(ip, "link set fib0 up\nlink set fib1 up\nlink set lo up\n");
	fprintf(ip, "addr add 198.18.0.1/24 dev fib0\naddr add 198.19.0.1/24 dev fib1\n");
	fprintf(ip, "addr add 2001:200::1/64 dev fib0 nodad\n");
	fprintf(ip, "addr add 2001:201::1/64 dev fib1 nodad\n");
	for (i = 1; i <= HOPS; i++) {
		fprintf(ip, "neigh add 198.19.0.%u lladdr %s%02x dev fib1\n", i + 1, MAC, i);
		fprintf(ip, "neigh add 2001:201::%x lladdr %s%02x dev fib1\n", i + 1, MAC, i);
	}
	if (pclose(ip) || system("for f in /proc/sys/net/ipv4/ip_forward "
				 "/proc/sys/net/ipv6/conf/all/forwarding; do echo 1 >$f; done"))
		die("set up a namespace");
}

void fibroutes_to_kernel(const struct fibroutes *routes)
{
	char text[INET6_ADDRSTRLEN];
	FILE *ip;
	size_t i;

	network_make();
	ip = ip_batch();
	for (i = 0; i < routes->n; i++) {
		const struct fib_route *r = &routes->at[i];
		uint64_t half[2] = { htobe64(r->high), htobe64(r->low) };
		bool six = r->family == 6;

		inet_ntop(six ? AF_INET6 : AF_INET, half, text, sizeof(text));
		fprintf(ip, six ? "route replace %s/%u via 2001:201::%x dev fib1\n" :
				  "route replace %s/%u via 198.19.0.%u dev fib1\n",
			text, r->len, r->hop % HOPS + 2);
	}
	if (pclose(ip))
		die("routes");
	in_kernel = true;
}

int fibroutes_in_kernel(void)
{
	return in_kernel;
}
