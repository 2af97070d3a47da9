// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * tool_classgen.c - print a rule set
 *
 *	classgen KIND N SEED [--v6] [--rules | --yaml | --nft | --iptables]
 *	classgen --read FILE [--rules | --yaml | --nft | --iptables]
 *
 * KIND: acl, fw, ipc. In ClassBench's format, as rules of shunt, as a configuration, or as rules of
 * the peers that tests and benchmarks compare with; verdicts are accept and drop in turn.
 */
#include <stdlib.h>
#include <string.h>

#include "classgen.h"

static const char usage[] =
	"usage: classgen KIND N SEED [--v6] [--rules | --yaml | --nft | --iptables]\n"
	"       classgen --read FILE [--rules | --yaml | --nft | --iptables]\n";

static void print_rules(const struct classbench_set *set, const char *before)
{
	char text[CLASSBENCH_TEXT];
	size_t i;

	for (i = 0; i < set->n; i++) {
		classbench_text(set, i, classbench_verdict(i), text, sizeof(text));
		printf("%s%s\n", before, text);
	}
}

static void print_address(const char *option, const uint32_t *addr, unsigned int len)
{
	if (len)
		printf(" %s %u.%u.%u.%u/%u", option, addr[0] >> 24, addr[0] >> 16 & 255,
		       addr[0] >> 8 & 255, addr[0] & 255, len);
}

static void print_ports(const char *option, uint16_t first, uint16_t last)
{
	if (first || last != 65535)
		printf(" %s %u:%u", option, first, last);
}

/* For iptables-restore -n, into chain 'bench' of table 'raw' */
static void print_iptables(const struct classbench_set *set)
{
	size_t i;

	for (i = 0; i < set->n; i++) {
		const struct classbench_rule *rule = &set->rule[i];
		bool ports = rule->sport_first || rule->sport_last != 65535 ||
			     rule->dport_first || rule->dport_last != 65535;

		printf("-A bench");
		print_address("-s", rule->saddr, rule->slen);
		print_address("-d", rule->daddr, rule->dlen);
		if (rule->proto_mask)
			printf(" -p %u", rule->proto);
		if (ports || (rule->flags_mask && rule->proto == 6))
			printf(" -m %s", rule->proto == 6 ? "tcp" :
			       rule->proto == 17 ? "udp" : "sctp");
		print_ports("--sport", rule->sport_first, rule->sport_last);
		print_ports("--dport", rule->dport_first, rule->dport_last);
		printf(" -j %s\n", i % 2 ? "DROP" : "ACCEPT");
	}
}

static int print_set(const struct classbench_set *set, const char *as)
{
	char *yaml;

	if (!*as) {
		classbench_write(set, stdout);
	} else if (!strcmp(as, "--rules")) {
		print_rules(set, "");
	} else if (!strcmp(as, "--nft")) {
		print_rules(set, "add rule netdev t bench ");
	} else if (!strcmp(as, "--iptables")) {
		print_iptables(set);
	} else if (!strcmp(as, "--yaml")) {
		yaml = classbench_yaml(set);
		printf("version: 1\n%s", yaml);
		free(yaml);
	} else {
		fputs(usage, stderr);
		return 2;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct classbench_set set;
	unsigned int kind = 0, family = 4;
	int r;

	if (argc > 1 && !strcmp(argv[argc - 1], "--v6")) {	/* either order */
		family = 6;
		argc--;
	} else if (argc > 4 && !strcmp(argv[4], "--v6")) {
		family = 6;
		argv[4] = argv[--argc];
	}
	while (argc > 1 && kind < CLASSGEN_KINDS && strcmp(argv[1], classgen_name[kind]))
		kind++;
	if ((argc == 3 || argc == 4) && !strcmp(argv[1], "--read")) {
		classbench_read(argv[2], &set);
		r = print_set(&set, argc == 4 ? argv[3] : "");
	} else if ((argc == 4 || argc == 5) && kind < CLASSGEN_KINDS) {
		classgen_set(kind, family, strtoul(argv[2], NULL, 0), strtoull(argv[3], NULL, 0),
			     &set);
		r = print_set(&set, argc == 5 ? argv[4] : "");
	} else {
		fputs(usage, stderr);
		return 2;
	}
	classbench_fini(&set);
	return r;
}
