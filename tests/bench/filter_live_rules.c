// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* filter_live_rules.c - packets that the live measurement sends, and the rules that drop them */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "../lib/bench.h"
#include "../lib/rig.h"
#include "filter_live.h"

uint64_t unit_random(uint64_t *state);	/* unit.h needs cmocka */

#define SEED		1
#define TRAFFICS_MAX	32

static struct live_traffic traffics[TRAFFICS_MAX];
static unsigned int n_traffics;

/* ---- traffic ---- */
/* Simple rules are "ip saddr 10.X.Y.Z udp dport 1033", 16 apart */
uint32_t live_source(unsigned int i)
{
	return (10u << 24) + (1u << 16) + i * 16;
}

static void simple_packet(const struct live_traffic *traffic, uint64_t *random,
			  struct classbench_packet *packet)
{
	bool all = strcmp(traffic->what, "simple") != 0;	/* sets: any element */
	uint64_t number = unit_random(random) >> 33;

	memset(packet, 0, sizeof(*packet));
	packet->saddr[0] = live_source(all ? number % traffic->n : traffic->n - 1);
	packet->daddr[0] = 0x0a000002;
	packet->sport = 1024 + number % 40000;
	packet->dport = 1033;
	packet->proto = 17;
}

static bool traffic_is_set(const char *what)
{
	return !strcmp(what, "acl") || !strcmp(what, "fw") || strstr(what, "_10k");
}

static bool traffic_set(struct live_traffic *traffic)
{
	const char *folder = getenv("SHUNT_CLASSBENCH");
	char path[256];

	if (!strstr(traffic->what, "_10k")) {
		classgen_set(!strcmp(traffic->what, "fw") ? CLASSGEN_FW : CLASSGEN_ACL, 4,
			     traffic->n, SEED, &traffic->set);
		return true;
	}
	snprintf(path, sizeof(path), "%s/%s.xz", folder ? folder : "../shared/classbench",
		 traffic->what);
	if (access(path, R_OK) < 0)
		return false;
	classbench_read(path, &traffic->set);
	return true;
}

static void traffic_fill(struct live_traffic *traffic)
{
	struct classbench_packet packet;
	uint8_t frame[CLASSBENCH_FRAME];
	struct err err = { 0 };
	uint64_t random = SEED;
	uint32_t i;
	int fd;

	if (object_load(rig_built("tests/bench/rotate.xdp.o"), "rotate", NULL, 0, NULL, 0, NULL,
			&traffic->rotate, &err) < 0)
		bench_die("rotate", err.text);
	fd = object_loaded_map(&traffic->rotate, "rotate_frames");
	for (i = 0; i < ROTATE_FRAMES; i++) {
		if (traffic->set.n)
			classgen_packet(&traffic->set, CLASSGEN_IN, &random, &packet);
		else
			simple_packet(traffic, &random, &packet);
		classbench_frame(&packet, 4, frame);
		if (bpf_map_update_elem(fd, &i, frame, BPF_ANY) < 0)
			bench_die("frames", strerror(errno));
	}
}

struct live_traffic *live_traffic(const char *what, unsigned int n)
{
	struct live_traffic *traffic;
	unsigned int i;

	for (i = 0; i < n_traffics; i++)
		if (!strcmp(traffics[i].what, what) && traffics[i].n == n)
			return &traffics[i];
	traffic = &traffics[n_traffics];
	traffic->what = what;
	traffic->n = n;
	if (traffic_is_set(what) && !traffic_set(traffic))
		return NULL;
	n_traffics++;
	traffic_fill(traffic);
	return traffic;
}

/* ---- rules ---- */
static void write_simple(FILE *file, const char *before, const char *after, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		uint32_t source = live_source(i);

		fprintf(file, "%sip saddr 10.%u.%u.%u udp dport 1033 drop%s\n", before,
			source >> 16 & 255, source >> 8 & 255, source & 255, after);
	}
}

static void write_set(FILE *file, const char *before, const char *after,
		      const struct classbench_set *set, bool nft)
{
	static const char any[] = "meta nfproto ipv4 ";	/* which nft's netdev family has not */
	char text[CLASSBENCH_TEXT];
	size_t i;

	for (i = 0; i < set->n; i++) {
		classbench_text(set, i, "drop", text, sizeof(text));
		if (nft && !strncmp(text, any, strlen(any)))
			fprintf(file, "%smeta protocol ip %s%s\n", before, text + strlen(any), after);
		else
			fprintf(file, "%s%s%s\n", before, text, after);
	}
}

void live_write_rules(FILE *file, const char *before, const char *after,
		      const struct live_traffic *traffic, bool nft)
{
	if (traffic->set.n)
		write_set(file, before, after, &traffic->set, nft);
	else
		write_simple(file, before, after, traffic->n);
}

static void write_iptables_ports(FILE *file, const char *option, uint16_t first, uint16_t last)
{
	if (first || last != 65535)
		fprintf(file, " %s %u:%u", option, first, last);
}

static void write_iptables_flags(FILE *file, unsigned int flags)
{
	static const char *const name[] = { "FIN", "SYN", "RST", "PSH", "ACK", "URG" };
	const char *before = " ";
	unsigned int i;

	for (i = 0; i < 6; i++) {
		if (!(flags & 1u << i))
			continue;
		fprintf(file, "%s%s", before, name[i]);
		before = ",";
	}
	if (!flags)
		fprintf(file, " NONE");
}

static void write_iptables(FILE *file, const struct classbench_rule *rule)
{
	static const char *const proto[256] = { [6] = "tcp", [17] = "udp", [132] = "sctp" };
	const char *name = rule->proto_mask ? proto[rule->proto] : NULL;

	fprintf(file, "-A PREROUTING -s %u.%u.%u.%u/%u -d %u.%u.%u.%u/%u",
		rule->saddr[0] >> 24, rule->saddr[0] >> 16 & 255, rule->saddr[0] >> 8 & 255,
		rule->saddr[0] & 255, rule->slen, rule->daddr[0] >> 24,
		rule->daddr[0] >> 16 & 255, rule->daddr[0] >> 8 & 255, rule->daddr[0] & 255,
		rule->dlen);
	if (rule->proto_mask)
		fprintf(file, " -p %u", rule->proto);
	if (name)
		fprintf(file, " -m %s", name);
	write_iptables_ports(file, "--sport", rule->sport_first, rule->sport_last);
	write_iptables_ports(file, "--dport", rule->dport_first, rule->dport_last);
	if (rule->flags_mask && rule->proto == 1)
		fprintf(file, " -m icmp --icmp-type %u", rule->flags);
	if (rule->flags_mask && rule->proto == 6) {
		fprintf(file, " --tcp-flags");
		write_iptables_flags(file, rule->flags_mask);
		write_iptables_flags(file, rule->flags);
	}
	fprintf(file, " -j DROP\n");
}

void live_write_iptables(FILE *file, const struct live_traffic *traffic)
{
	unsigned int i;

	for (i = 0; i < traffic->set.n; i++)
		write_iptables(file, &traffic->set.rule[i]);
	for (i = 0; !traffic->set.n && i < traffic->n; i++) {
		uint32_t source = live_source(i);

		fprintf(file, "-A PREROUTING -s 10.%u.%u.%u -p udp -m udp --dport 1033 -j DROP\n",
			source >> 16 & 255, source >> 8 & 255, source & 255);
	}
}

void live_write_elements(FILE *file, unsigned int n, bool ranges)
{
	unsigned int i;

	fprintf(file, "set s { type ipv4_addr; %s elements = {", ranges ? "flags interval;" : "");
	for (i = 0; i < n; i++) {
		uint32_t source = live_source(i);

		fprintf(file, "10.%u.%u.%u%s,\n", source >> 16 & 255, source >> 8 & 255,
			source & 255, ranges ? "/29" : "");
	}
	fprintf(file, "} }\n");
}
