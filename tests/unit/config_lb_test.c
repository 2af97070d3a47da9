// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* config_lb_test.c - services and backends: what is refused and how, what is read */
#include "config_world.h"

#include <arpa/inet.h>

#define N(array) (sizeof(array) / sizeof((array)[0]))

#define NODE(members) V "nodes: { edge: { module: lb, " members " } }\n"
#define S(members) NODE("services: { www: { " members " } }")
#define TCP "address: 203.0.113.1, port: 443, proto: tcp"
#define UDP "address: 203.0.113.1, port: 443, proto: udp"
#define B(members) S(TCP ", backends: [{ " members " }]")
#define TWO(a, b) NODE("services: { one: { " a " }, two: { " b " } }")
#define W "/nodes/edge/services/www"

static const struct config_case cases[] = {
	/* kinds and keys */
	{ "services: a list", NODE("services: [1]"),
	  "/nodes/edge/services wrong_kind: 'services' must be a map, not a list\n" },
	{ "service: a word", NODE("services: { www: 1 }"),
	  W " wrong_kind: service 'www' must be a map, not a single value\n" },
	{ "service: a name that is none", NODE("services: { _w: { " TCP " } }"),
	  "/nodes/edge/services/_w! bad_name: '_w' is no name for a service..." "\n" },
	{ "service: a misspelt key", S(TCP ", traking: never"),
	  W "/traking! unknown_key: unknown key 'traking' in service 'www'"
	  " [did you mean 'tracking'?]\n" },
	{ "service: without an address", S("port: 443, proto: tcp"),
	  W " missing_key: service 'www' lacks 'address'\n" },
	{ "backends: a map", S(TCP ", backends: { a: 1 }"),
	  W "/backends wrong_kind: 'backends' must be a list, not a map\n" },
	{ "backend: without an address", B("weight: 1"),
	  W "/backends/0 missing_key: a backend lacks 'address'\n" },
	{ "backend: a misspelt key", B("address: 10.0.0.1, wieght: 1"),
	  W "/backends/0/wieght! unknown_key: unknown key 'wieght' in a backend"
	  " [did you mean 'weight'?]\n" },
	{ "section lb: a misspelt key", V "lb: { flow: 5 }\n",
	  "/lb/flow! unknown_key: unknown key 'flow' in 'lb' [did you mean 'flows'?]\n" },
	{ "section lb: too few", V "lb: { flows: 7 }\n",
	  "/lb/flows bad_value: 'flows' is a number from 8 to 268435456, not '7'\n" },

	/* health */
	{ "health: without a type", S(TCP ", health: { port: 80 }"),
	  W "/health missing_key: 'health' lacks 'type'\n" },
	{ "health: a misspelt type", S(TCP ", health: { type: htp }"),
	  W "/health/type bad_value: 'type' is 'tcp', 'http', 'https', 'udp' or 'icmp', not 'htp'"
	  " [did you mean 'http'?]\n" },
	{ "health: no numbers", S(TCP ", health: { type: tcp, rise: 0, fall: 1001, jitter: 51, port: 0 }"),
	  W "/health/port bad_value: 'port' is a number from 1 to 65535, not '0'\n"
	  W "/health/rise bad_value: 'rise' is a number from 1 to 1000, not '0'\n"
	  W "/health/fall bad_value: 'fall' is a number from 0 to 1000, not '1001'\n"
	  W "/health/jitter bad_value: 'jitter' is a number from 0 to 50, not '51'\n" },
	{ "health: no times", S(TCP ", health: { type: tcp, interval: 1ms, timeout: 2d }"),
	  W "/health/interval bad_value: 'interval' is 10ms to 1d, not '1ms'\n"
	  W "/health/timeout bad_value: 'timeout' is 10ms to 1d, not '2d'\n" },
	{ "health: no status", S(TCP ", health: { type: http, status: 200-99 }"),
	  W "/health/status bad_value: 'status' is an HTTP status or a range of them (200-299), not '200-99'\n" },
	{ "health: an upside-down range", S(TCP ", health: { type: http, status: 299-200 }"),
	  W "/health/status bad_value: 'status' is an HTTP status or a range of them (200-299), not '299-200'\n" },
	{ "health: no path and no host", S(TCP ", health: { type: http, path: up, host: \"a b\" }"),
	  W "/health/path bad_value: 'path' begins with '/' and has no blanks, not 'up'\n"
	  W "/health/host bad_value: 'host' is a host's name, with a port or without, not 'a b'\n" },
	{ "health: of another type", S(TCP ", health: { type: icmp, port: 1, path: /, send: x }"),
	  W "/health/path bad_value: 'path' is of checks of type http and https alone, not of 'icmp'\n"
	  W "/health/send bad_value: 'send' is of checks of type udp alone, not of 'icmp'\n"
	  W "/health/port bad_value: 'port' is of checks of type tcp, http, https and udp alone, not of 'icmp'\n" },
	{ "health: nowhere to ask",
	  S("address: 203.0.113.1, backends: [{ address: 10.0.0.1 }], health: { type: tcp }"),
	  W "/health missing_key: a check of type 'tcp' needs a 'port': neither the service nor the"
	  " backend has one\n" },

	/* addresses */
	{ "address: none", S("address: www.example.org"),
	  W "/address bad_value: 'address' is an IP address or a prefix of 1 bit or more, not"
	  " 'www.example.org'\n" },
	{ "address: a short one", S("address: 10.1"),
	  W "/address bad_value: 'address' is an IP address or a prefix..." "\n" },
	{ "address: a long prefix", S("address: 10.0.0.0/33"),
	  W "/address bad_value: 'address' is an IP address or a prefix..." "\n" },
	{ "address: everything", S("address: \"::/0\""),
	  W "/address bad_value: 'address' is an IP address or a prefix..." "\n" },
	{ "address: a prefix without length", S("address: 10.0.0.0/"),
	  W "/address bad_value: 'address' is an IP address or a prefix..." "\n" },
	{ "address: a length that is none", S("address: 10.0.0.0/+8"),
	  W "/address bad_value: 'address' is an IP address or a prefix..." "\n" },
	{ "address: bits behind the prefix", S("address: 10.0.0.1/24"),
	  W "/address bad_value: 'address' has bits behind its prefix: '10.0.0.1/24'\n" },
	{ "address: bits behind the prefix, IPv6", S("address: \"2001:db8::1/64\""),
	  W "/address bad_value: 'address' has bits behind its prefix: '2001:db8::1/64'\n" },
	{ "address: a group", S("address: 224.0.0.5"),
	  W "/address bad_value: 'address' cannot be 224.0.0.5: that is a group\n" },
	{ "address: IPv4 in IPv6", S("address: \"::ffff:10.0.0.1\""),
	  W "/address bad_value: 'address' cannot be ::ffff:10.0.0.1: that is IPv4 in IPv6:"
	  " write it as IPv4\n" },
	{ "backend: no address", B("address: 10.0.0.1/32"),
	  W "/backends/0/address bad_value: 'address' is an IP address, not '10.0.0.1/32'\n" },
	{ "backend: addresses that no machine has",
	  S(TCP ", backends: [{ address: 0.0.0.0 }, { address: 255.255.255.255 }, { address: 127.0.0.1 },"
	    " { address: \"::\" }, { address: \"::1\" }, { address: \"ff02::1\" }, { address: \"fe80::1\" }]"),
	  W "/backends/0/address bad_value: 'address' cannot be 0.0.0.0: that is no address\n"
	  W "/backends/1/address bad_value: 'address' cannot be 255.255.255.255: that is everybody\n"
	  W "/backends/2/address bad_value: 'address' cannot be 127.0.0.1: that is this machine\n"
	  W "/backends/3/address bad_value: 'address' cannot be ::: that is no address\n"
	  W "/backends/4/address bad_value: 'address' cannot be ::1: that is this machine\n"
	  W "/backends/5/address bad_value: 'address' cannot be ff02::1: that is a group\n"
	  W "/backends/6/address bad_value: 'address' cannot be fe80::1: that is one link's\n" },
	{ "source: of the other family", NODE("source: \"2001:db8::1\", source6: 10.0.0.1"),
	  "/nodes/edge/source bad_value: 'source' is an IPv4 address, not '2001:db8::1'\n"
	  "/nodes/edge/source6 bad_value: 'source6' is an IPv6 address, not '10.0.0.1'\n" },

	/* numbers, times, words */
	{ "seed: none", NODE("seed: abc"),
	  "/nodes/edge/seed bad_value: 'seed' is a number of 64 bits, decimal or 0x hex, not 'abc'\n" },
	{ "seed: too large", NODE("seed: 18446744073709551616"),
	  "/nodes/edge/seed bad_value: 'seed' is a number of 64 bits..." "\n" },
	{ "seed: a sign", NODE("seed: -1"),
	  "/nodes/edge/seed bad_value: 'seed' is a number of 64 bits..." "\n" },
	{ "port: none", S("address: 10.0.0.9, proto: tcp, port: 0"),
	  W "/port bad_value: 'port' is a port or a range of them (8000-8099), not '0'\n" },
	{ "port: too large", S("address: 10.0.0.9, proto: tcp, port: 65536"),
	  W "/port bad_value: 'port' is a port or a range of them (8000-8099), not '65536'\n" },
	{ "port: backwards", S("address: 10.0.0.9, proto: tcp, port: 90-80"),
	  W "/port bad_value: 'port' is a port or a range of them (8000-8099), not '90-80'\n" },
	{ "port: half a range", S("address: 10.0.0.9, proto: tcp, port: 80-"),
	  W "/port bad_value: 'port' is a port or a range of them (8000-8099), not '80-'\n" },
	{ "port: several", S("address: 10.0.0.9, proto: tcp, port: \"80,443\""),
	  W "/port bad_value: 'port' is a port or a range of them (8000-8099), not '80,443'\n" },
	{ "proto: another", S("address: 10.0.0.9, proto: icmp"),
	  W "/proto bad_value: 'proto' is 'tcp', 'udp' or 'sctp', not 'icmp'\n" },
	{ "forward: another", S(TCP ", forward: ipp"),
	  W "/forward bad_value: 'forward' is 'ipip', 'gue', 'l2' or 'nat', not 'ipp'"
	  " [did you mean 'ipip'?]\n" },
	{ "hash: another", S(TCP ", hash: dest"),
	  W "/hash bad_value: 'hash' is 'flow' or 'source', not 'dest'\n" },
	{ "tracking: another", S(TCP ", tracking: sometimes"),
	  W "/tracking bad_value: 'tracking' is 'changes', 'always' or 'never', not 'sometimes'\n" },
	{ "down: another", S(TCP ", down: reject"),
	  W "/down bad_value: 'down' is 'drop', 'sorry' or 'last', not 'reject'\n" },
	{ "udp: another", S(UDP ", udp: stay"),
	  W "/udp bad_value: 'udp' is 'keep' or 'move', not 'stay'\n" },
	{ "stable: another", S(UDP ", stable: yes"),
	  W "/stable bad_value: 'stable' is 'flow' or 'packet', not 'yes'\n" },
	{ "table: no number", S(TCP ", table: large"),
	  W "/table bad_value: 'table' is a number from 0 to 655373, not 'large'\n" },
	{ "table: too small", S(TCP ", table: 2"),
	  W "/table bad_value: 'table' is a number from 3 to 655373, not '2'\n" },
	{ "table: too large", S(TCP ", table: 655379"),
	  W "/table bad_value: 'table' is a number from 0 to 655373, not '655379'\n" },
	{ "table: no prime", S(TCP ", table: 65536"),
	  W "/table bad_value: 'table' is a prime, not 65536 = 2 * 32768\n" },
	{ "table: a prime's square", S(TCP ", table: 65025"),
	  W "/table bad_value: 'table' is a prime, not 65025 = 3 * 21675\n" },
	{ "drain: no time", S(TCP ", drain: 300"),
	  W "/drain bad_value: 'drain' is a time up to 3650d, not '300'..." "\n" },
	{ "drain: too long", S(TCP ", drain: 1d1ms"),
	  W "/drain bad_value: 'drain' is at most 1d, not '1d1ms'\n" },
	{ "slow-start: too long", S(TCP ", slow-start: 2d"),
	  W "/slow-start bad_value: 'slow-start' is at most 1d, not '2d'\n" },
	{ "mss: too small", S(TCP ", mss: 535"),
	  W "/mss bad_value: 'mss' is a number from 536 to 65495, not '535'\n" },
	{ "gue-port: none", S(TCP ", forward: gue, gue-port: 0"),
	  W "/gue-port bad_value: 'gue-port' is a number from 1 to 65535, not '0'\n" },
	{ "weight: too large", B("address: 10.0.0.1, weight: 65536"),
	  W "/backends/0/weight bad_value: 'weight' is a number from 0 to 65535, not '65536'\n" },
	{ "state: another", B("address: 10.0.0.1, state: down"),
	  W "/backends/0/state bad_value: 'state' is 'up' or 'drain', not 'down'\n" },
	{ "quic: without a length", S(UDP ", quic: { offset: 1 }"),
	  W "/quic missing_key: 'quic' lacks 'length'\n" },
	{ "quic: a length of nothing", S(UDP ", quic: { offset: 1, length: 0 }"),
	  W "/quic/length bad_value: 'length' is a number from 1 to 8, not '0'\n" },
	{ "quic: behind the longest ID", S(UDP ", quic: { offset: 14, length: 7 }"),
	  W "/quic bad_value: a connection ID has 20 bytes at most: none at 14 to 20\n" },

	/* what does not go together */
	{ "port without a protocol", S("address: 10.0.0.9, port: 80"),
	  W "/port missing_key: a service with a port needs a 'proto'\n" },
	{ "quic over TCP", S(TCP ", quic: { offset: 1, length: 1 }"),
	  W "/quic bad_value: 'quic' is for services with 'proto: udp'\n" },
	{ "udp of a TCP service", S(TCP ", udp: keep"),
	  W "/udp bad_value: 'udp' is for services that have UDP\n" },
	{ "stable of a TCP service", S(TCP ", stable: packet"),
	  W "/stable bad_value: 'stable: packet' is for services that have UDP\n" },
	{ "mss of a UDP service", S(UDP ", mss: 1400"),
	  W "/mss bad_value: 'mss' is for services that have TCP\n" },
	{ "gue-port without GUE", S(TCP ", gue-port: 6080"),
	  W "/gue-port bad_value: 'gue-port' is for 'forward: gue'\n" },
	{ "down: sorry without one", S(TCP ", down: sorry"),
	  W "/down missing_key: 'down: sorry' needs a backend 'sorry'\n" },
	{ "sorry, and yet dropped", S(TCP ", down: drop, sorry: 10.0.0.9"),
	  W "/sorry bad_value: 'sorry' is for 'down: sorry'\n" },
	{ "sorry that is a backend", S(TCP ", sorry: 10.0.0.1, backends: [{ address: 10.0.0.1 }]"),
	  W "/sorry duplicate: 'sorry' is for when no backend lives: it cannot be one of them\n" },
	{ "sorry that is the service", S(TCP ", sorry: 203.0.113.1"),
	  W "/sorry bad_value: a backend cannot have the service's own address: packets would"
	  " come back\n" },
	{ "sorry of the other family, NAT", S(TCP ", forward: nat, sorry: \"2001:db8::1\""),
	  W "/sorry bad_value: NAT does not make IPv6 out of IPv4: service and backend must be of"
	  " one family\n" },
	{ "table too small for the backends",
	  S(TCP ", table: 5, backends: [{ address: 10.0.0.1 }, { address: 10.0.0.2 }, { address: 10.0.0.3 }]"),
	  W "/table bad_value: a table of 5 slots is for 2 backends at most, not 3\n" },
	{ "backend: a port without NAT", B("address: 10.0.0.1, port: 80"),
	  W "/backends/0/port bad_value: a backend's port is for 'forward: nat': packets reach it as"
	  " they are\n" },
	{ "backend: of the other family, NAT",
	  S(TCP ", forward: nat, backends: [{ address: \"2001:db8::1\" }]"),
	  W "/backends/0/address bad_value: NAT does not make IPv6 out of IPv4: service and backend must"
	  " be of one family\n" },
	{ "backend: a port where the service has none",
	  S("address: 10.0.0.9, forward: nat, backends: [{ address: 10.0.0.1, port: 80 }]"),
	  W "/backends/0/port bad_value: a backend has no port where the service has no 'proto'\n" },
	{ "backend: the service itself", B("address: 203.0.113.1"),
	  W "/backends/0/address bad_value: a backend cannot have the service's own address: packets"
	  " would come back\n" },
	{ "backend: an id without quic", B("address: 10.0.0.1, id: 7"),
	  W "/backends/0/id bad_value: a backend's 'id' is for services with 'quic'\n" },
	{ "backends: quic without id, too large, twice",
	  S(UDP ", quic: { offset: 1, length: 1 }, backends: [{ address: 10.0.0.1 },"
	    " { address: 10.0.0.2, id: 256 }, { address: 10.0.0.3, id: 9 }, { address: 10.0.0.4, id: 9 }]"),
	  W "/backends/0 missing_key: a backend of a service with 'quic' needs an 'id'\n"
	  W "/backends/1/id bad_value: an 'id' of this service is below 256: 'length' is 1\n"
	  W "/backends/3/id duplicate: another backend of this service has this id\n" },
	{ "backends: one twice",
	  S(TCP ", backends: [{ address: 10.0.0.2 }, { address: 10.0.0.1 }, { address: 10.0.0.2 }]"),
	  W "/backends/2/address duplicate: another backend of this service has this address and"
	  " port\n" },
	{ "services: one twice", TWO(TCP, TCP),
	  "/nodes/edge/services/two! duplicate: service 'two' is what service 'one' is already: the same"
	  " address, protocol and port\n" },
	{ "services: the same prefix, any protocol",
	  TWO("address: 10.0.0.0/8", "address: 10.0.0.0/8"),
	  "/nodes/edge/services/two! duplicate: service 'two' is what service 'one' is already..." "\n" },
	{ "services: ranges that overlap",
	  TWO("address: 10.0.0.9, proto: udp, port: 90-100", "address: 10.0.0.9, proto: udp, port: 80-90"),
	  "/nodes/edge/services/one! duplicate: service 'one' has ports that service 'two' has, too\n" },
	{ "services: a range over two",
	  NODE("services: { a: { address: 10.0.0.9, proto: udp, port: 1-1000 },"
	       " b: { address: 10.0.0.9, proto: udp, port: 10-20 },"
	       " c: { address: 10.0.0.9, proto: udp, port: 30-40 } }"),
	  "/nodes/edge/services/b! duplicate: service 'b' has ports that service 'a' has, too\n"
	  "/nodes/edge/services/c! duplicate: service 'c' has ports that service 'a' has, too\n" },
};

/* What says more is nobody's way */
static void test_accepted(void **state)
{
	struct world w;

	world_read(&w, NODE("services: {"
		" a: { address: 10.0.0.9 }, b: { address: 10.0.0.9, proto: tcp },"
		" c: { address: 10.0.0.9, proto: tcp, port: 80-90 },"
		" d: { address: 10.0.0.9, proto: tcp, port: 85 },"
		" e: { address: 10.0.0.9, proto: udp, port: 85 }, f: { address: 10.0.0.0/24 },"
		" g: { address: 10.0.0.0/23 }, h: { address: 10.0.0.9, proto: tcp, port: 91-92 },"
		" i: { address: \"2001:db8::/32\", backends: [{ address: 10.0.0.1 }] } }"));
	assert_int_equal(w.r, 0);
	assert_int_equal(w.config.node[0].lb->n_services, 9);
	world_fini(&w);
}

static void test_usual(void **state)
{
	const struct config_service *service;
	struct world w;

	world_read(&w, V "nodes: { meter: { module: count }, edge: { module: lb, services: {"
		   " www: { address: 203.0.113.1, backends: [{ address: 10.0.0.1 }] } } } }\n");
	assert_int_equal(w.r, 0);
	assert_int_equal(w.config.lb_flows, 1048576);
	assert_null(config_node_find(&w.config, "meter")->lb);
	service = config_service_find(config_node_find(&w.config, "edge")->lb, "www");
	assert_non_null(service);
	assert_int_equal(service->l3, 4);
	assert_int_equal(service->len, 32);
	assert_int_equal(service->proto, 0);
	assert_int_equal(service->port_first, 0);
	assert_int_equal(service->port_last, 65535);
	assert_int_equal(service->forward, LB_IPIP);
	assert_int_equal(service->hash, LB_HASH_FLOW);
	assert_int_equal(service->tracking, LB_TRACK_CHANGES);
	assert_int_equal(service->down, LB_DOWN_DROP);
	assert_int_equal(service->table, 65537);
	assert_int_equal(service->drain_ms, 300000);
	assert_int_equal(service->slow_start_ms, 0);
	assert_int_equal(service->backend[0].weight, 1);
	assert_int_equal(service->backend[0].port, 0);
	assert_false(service->backend[0].drains);
	assert_null(service->sorry);
	world_fini(&w);
}

static void check_rest(const struct config_lb *lb)
{
	const struct config_service *service = config_service_find(lb, "quic");

	assert_int_equal(service->l3, 6);
	assert_int_equal(service->len, 64);
	assert_int_equal(ntohl(service->addr.word[0]), 0x20010db8);
	assert_int_equal(service->port_first, 8000);
	assert_int_equal(service->port_last, 8099);
	assert_int_equal(service->proto, IPPROTO_UDP);
	assert_int_equal(service->forward, LB_GUE);
	assert_int_equal(service->gue_port, 9886);
	assert_int_equal(service->hash, LB_HASH_SOURCE);
	assert_int_equal(service->tracking, LB_TRACK_ALWAYS);
	assert_true(service->udp_moves);
	assert_true(service->per_packet);
	assert_int_equal(service->table, 1009);
	assert_int_equal(service->drain_ms, 0);
	assert_int_equal(service->slow_start_ms, 30000);
	assert_int_equal(service->down, LB_DOWN_SORRY);
	assert_int_equal(ntohl(service->sorry->addr.v4), 0xc00002c8);
	assert_int_equal(service->quic_off, 1);
	assert_int_equal(service->quic_len, 2);
	assert_int_equal(service->n_backends, 2);
	assert_int_equal(service->backend[0].weight, 65535);
	assert_true(service->backend[0].drains);
	assert_true(service->backend[1].id == 65535);
}

static void test_all(void **state)
{
	const struct config_service *nat;
	const struct config_lb *lb;
	struct world w;

	world_read(&w, V "lb: { flows: 4096 }\nnodes: { edge: { module: lb, source: 192.0.2.10,"
		   " source6: \"2001:db8::10\", seed: 0xfedcba9876543210, services: {\n"
		   " quic: { address: \"2001:db8::/64\", port: 8000-8099, proto: udp, forward: gue,"
		   " gue-port: 9886, hash: source, table: 1009, tracking: always, drain: 0, udp: move,"
		   " slow-start: 30s, sorry: 192.0.2.200, quic: { offset: 1, length: 2 },"
		   " stable: packet, comment: \"HTTP/3\", backends: ["
		   " { address: 10.0.0.1, weight: 65535, state: drain, id: 0 },"
		   " { address: \"2001:db8:1::2\", id: 65535, comment: new }] },\n"
		   " nat: { address: 203.0.113.1, proto: sctp, forward: nat, down: last, backends:"
		   " [{ address: 10.0.0.1, port: 80 }, { address: 10.0.0.1, port: 81 }] } } } }\n");
	assert_int_equal(w.r, 0);
	assert_int_equal(w.config.lb_flows, 4096);
	lb = w.config.node[0].lb;
	assert_true(lb->seed == 0xfedcba9876543210);
	assert_int_equal(ntohl(lb->source[0].v4), 0xc000020a);
	assert_int_equal(ntohl(lb->source[1].word[3]), 0x10);
	check_rest(lb);
	nat = config_service_find(lb, "nat");
	assert_int_equal(nat->proto, IPPROTO_SCTP);
	assert_int_equal(nat->down, LB_DOWN_LAST);
	assert_int_equal(nat->backend[1].port, 81);
	assert_null(config_service_find(lb, "www"));
	world_fini(&w);
}

static void test_health(void **state)
{
	const struct config_service *service;
	const struct config_health *health;
	struct world w;

	world_read(&w, V "nodes: { edge: { module: lb, services: {"
		   " a: { " TCP ", health: { type: tcp }, backends: [{ address: 10.0.0.1 }] },"
		   " b: { address: 203.0.113.2, port: 53, proto: udp, forward: nat,"
		   "  backends: [{ address: 10.0.0.1, port: 5353 }], health: { type: udp,"
		   "  interval: 500ms, timeout: 100ms, rise: 1, fall: 4, jitter: 0, send: a, expect: b } },"
		   " c: { address: 203.0.113.3, port: 443, proto: tcp, health: { type: https, port: 8443, path: /up, host: www.example,"
		   "  status: 204 } } } } }\n");
	assert_int_equal(w.r, 0);
	service = &w.config.node[0].lb->service[0];
	health = service->health;
	assert_int_equal(health->type, CONFIG_HEALTH_TCP);
	assert_int_equal(config_health_port(service, &service->backend[0]), 443);
	assert_int_equal(health->interval_ms, 2000);
	assert_int_equal(health->timeout_ms, 1000);
	assert_int_equal(health->rise, 2);
	assert_int_equal(health->fall, 3);
	assert_int_equal(health->jitter, 10);
	health = service[1].health;
	assert_int_equal(config_health_port(&service[1], &service[1].backend[0]), 5353);
	assert_int_equal(health->interval_ms, 500);
	assert_int_equal(health->timeout_ms, 100);
	assert_int_equal(health->rise, 1);
	assert_int_equal(health->fall, 4);
	assert_int_equal(health->jitter, 0);
	assert_string_equal(health->send, "a");
	assert_string_equal(health->expect, "b");
	health = service[2].health;
	assert_int_equal(config_health_port(&service[2], NULL), 8443);
	assert_string_equal(health->path, "/up");
	assert_string_equal(health->host, "www.example");
	assert_int_equal(health->status_first, 204);
	assert_int_equal(health->status_last, 204);
	world_fini(&w);
}

static void test_diff(void **state)
{
	struct buf out = { 0 };
	struct world a, b;

	world_read(&a, B("address: 10.0.0.1, weight: 5"));
	world_read(&b, S(TCP ", backends: [{ address: 10.0.0.1, weight: 6 }, { address: 10.0.0.2 }]"));
	assert_int_equal(config_diff(a.tree, b.tree, &out), 2);
	assert_string_equal(out.data, "~ " W "/backends/0/weight: 5 -> 6\n"
			    "+ " W "/backends/1/address: 10.0.0.2\n");
	buf_fini(&out);
	world_fini(&a);
	world_fini(&b);
}

int main(void)
{
	static struct CMUnitTest tests[N(cases) + 5];
	size_t i, n = 0;

	for (i = 0; i < N(cases); i++)
		tests[n++] = unit_row(cases[i].name, test_refused, &cases[i]);
	tests[n++] = unit_row("what says more goes first", test_accepted, NULL);
	tests[n++] = unit_row("what is usual", test_usual, NULL);
	tests[n++] = unit_row("all keys", test_all, NULL);
	tests[n++] = unit_row("health", test_health, NULL);
	tests[n++] = unit_row("differences", test_diff, NULL);
	return unit_main(tests, n);
}
