// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * nft_test.c - the same rules in nft and in the filter, the same packets: each rule holds the same
 *
 * No rule has a verdict, so that each packet tries all of them. At nft's side (family netdev,
 * ingress of a veth) a rule notes the packet's source address, which is its number, in a set of
 * its own; here the rules' counters are read after each packet. Each rule must hold some packet and
 * let another by. nft_rules.h says what differs on purpose.
 * $TEST_SEED repeats a run, $TEST_COUNT is the number of packets (3000)
 */
#include "../lib/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <base/buf.h>
#include <model/expr.h>

#include "../lib/pkt.h"
#include "../lib/rig.h"
#include "nft_rules.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))
#define RULES_MAX	512
#define PACKETS_MAX	65536		/* two bytes of the source address */
#define PER_NODE	8		/* a filter that goes on after each of its rules has an end */
#define NODES_MAX	24		/* of a graph: tail calls have an end, too */

struct rule {
	char ours[320], nft[320];
	bool chain;			/* not compared for packets with extension headers */
	bool transport;			/* not compared for later fragments */
	unsigned int held, passed;	/* packets */
};

struct packet {
	struct pkt pkt;
	bool extensions, later;
};

static struct rule rules[RULES_MAX];
static unsigned int n_rules, n_packets;
static struct packet *packets;
static uint8_t (*nft_held)[RULES_MAX];	/* by packet, rule */
static uint64_t state_;

static unsigned int below(unsigned int n)
{
	return (unit_random(&state_) >> 33) % n;
}

static bool chance(unsigned int percent)
{
	return below(100) < percent;
}

/* ---- rules ---- */
static struct rule *add_rule(const char *ours, const char *nft)
{
	struct rule *rule = &rules[n_rules++];

	assert_true(n_rules <= RULES_MAX);
	snprintf(rule->ours, sizeof(rule->ours), "%s", ours);
	snprintf(rule->nft, sizeof(rule->nft), "%s", nft ? nft : ours);
	rule->chain = strstr(ours, "ip6 nexthdr") != NULL;
	rule->transport = strstr(ours, "port ") || strstr(ours, "flags ") ||
			  strstr(ours, "icmp") || strstr(ours, "@th");
	return rule;
}

static void add_rules(void)
{
	char ours[256], nft[256];
	unsigned int i, j;

	for (i = 0; i < N(nft_groups); i++) {
		const struct nft_group *group = &nft_groups[i];

		for (j = 0; j < NFT_OPERANDS && group->operand[j]; j++) {
			snprintf(ours, sizeof(ours), "%s %s", group->field, group->operand[j]);
			snprintf(nft, sizeof(nft), "%s %s", group->nft ? group->nft : group->field,
				 group->operand[j]);
			add_rule(ours, nft);
		}
	}
	for (i = 0; i < N(nft_whole); i++)
		add_rule(nft_whole[i].ours, nft_whole[i].nft);
}

/* Sets that rules name, and the mark that some look at */
static const char nft_sets[] =
	"set nets { type ipv4_addr; flags interval; elements = { 10.0.0.0/30, 10.0.1.1,\n"
	"	10.0.2.3-10.0.2.9 } }\n"
	"set nets6 { type ipv6_addr; flags interval; elements = { 2001:db8::/126, 2001:db8::1:1 } }\n"
	"set ports { type inet_service; flags interval; elements = { 22, 80, 1000-1024 } }\n"
	"set pairs { type ipv4_addr . inet_service; elements = { 10.0.0.1 . 53, 10.0.0.2 . 53,\n"
	"	10.0.0.3 . 53, 10.0.0.4 . 80, 10.0.0.5 . 80, 10.0.0.6 . 80, 10.0.0.7 . 22 } }\n";

static const char our_sets[] =
	"sets:\n"
	"  nets: { type: ip, elements: [10.0.0.0/30, 10.0.1.1, 10.0.2.3-10.0.2.9] }\n"
	"  nets6: { type: ip6, elements: [2001:db8::/126, '2001:db8::1:1'] }\n"
	"  ports: { type: port, elements: [22, 80, 1000-1024] }\n"
	"  pairs: { type: ip . port, elements: [10.0.0.1 . 53, 10.0.0.2 . 53,\n"
	"    10.0.0.3 . 53, 10.0.0.4 . 80, 10.0.0.5 . 80, 10.0.0.6 . 80, 10.0.0.7 . 22] }\n";

static const char mark_rule[] = "ip saddr 10.0.0.0/23 meta mark set 0x15";

/* ---- packets: well formed, of the values that the rules name and those next to them ---- */
static const char *address(bool six, char *text, size_t size)
{
	unsigned int net = chance(60) ? 0 : below(4), host = chance(85) ? below(9) : below(256);

	if (six)
		snprintf(text, size, chance(3) ? "fd00::%x:%x" : "2001:db8::%x:%x", net, host);
	else
		snprintf(text, size, "10.0.%u.%u", net, host);
	return text;
}

static uint16_t port(void)
{
	static const uint16_t pool[] = { 0, 21, 22, 23, 53, 53, 80, 80, 81, 255, 256, 443, 443, 444,
					 1000, 1023, 1024, 65534, 65535, 22 };

	return chance(92) ? pool[below(N(pool))] : below(65536);
}

static int hops(void)
{
	static const uint8_t pool[] = { 1, 2, 63, 64, 64, 64, 65, 254, 255 };

	return pool[below(N(pool))];
}

static uint8_t tos(void)
{
	static const uint8_t dscp[] = { 0, 0, 8, 10, 46, 63, 1, 11 };

	return dscp[below(N(dscp))] << 2 | below(4);
}

static void push_ether(struct pkt *p, unsigned int number)
{
	static const char *const dst[] = {
		"02:00:00:00:00:02", "02:00:00:00:00:02", "02:00:00:00:00:03", "ff:ff:ff:ff:ff:ff",
		"01:00:5e:00:00:01", "02:00:00:00:01:01",
	};
	static const uint16_t ids[] = { 7, 7, 7, 6, 8, 0, 1, 100, 200, 201, 4095 };
	char src[24];

	snprintf(src, sizeof(src), "02:00:00:00:%02x:%02x", number >> 8, number & 255);
	pkt_eth(p, .src = src, .dst = dst[below(N(dst))], .type = chance(2) ? 0x88b5 : 0);
	if (chance(25))
		pkt_vlan(p, .id = ids[below(N(ids))], .prio = chance(50) ? 3 : below(8));
}

/* Return: whether an L4 header may follow */
static bool push_ip4(struct pkt *p, bool *ret_later)
{
	bool later = chance(6), gre = !later && chance(4);
	char src[64], dst[64];

	pkt_ip4(p, .src = address(false, src, sizeof(src)), .dst = address(false, dst, sizeof(dst)),
		.ttl = hops(), .tos = tos(), .mf = chance(6), .df = chance(20),
		.frag_off = later ? 64 + 8 * below(100) : 0,
		.next = later ? (chance(50) ? 17 : 6) : gre ? 47 : 0);
	*ret_later = later;
	return !later && !gre;
}

static bool push_ip6(struct pkt *p, bool *extensions, bool *ret_later)
{
	char src[64], dst[64];
	bool later = false, more;

	pkt_ip6(p, .src = address(true, src, sizeof(src)), .dst = address(true, dst, sizeof(dst)),
		.hops = hops(), .tc = tos());
	*extensions = chance(35);
	if (!*extensions)
		return true;
	if (chance(40))
		pkt_hbh(p);
	if (chance(40))
		pkt_dstopt(p);
	if (chance(30))
		pkt_routing(p, .type = 4, .left = 1);
	if (chance(35)) {
		later = chance(50);
		more = !later || chance(50);
		pkt_push(p, &(const struct pkt_hdr)FRAG(.off = later ? 64 : 0, .more = more,
							.next = later ? 17 : 0));
	}
	*ret_later = later;
	return !later;
}

static void push_l4(struct pkt *p, bool six)
{
	static const uint8_t flags[] = { PKT_SYN, PKT_SYN | PKT_ACK, PKT_ACK, PKT_RST,
					 PKT_FIN | PKT_ACK, PKT_PSH | PKT_ACK, PKT_SYN | PKT_ECE |
					 PKT_CWR, PKT_RST | PKT_ACK, PKT_URG | PKT_ACK, PKT_FIN };
	static const uint8_t types4[] = { 8, 8, 0, 3, 5, 11, 13 }, types6[] = { 128, 128, 129, 2,
					  133, 134, 135, 136 };

	switch (below(9)) {
	case 0:
	case 1:
	case 2:
	case 3:
		pkt_tcp(p, .sport = port(), .dport = port(), .flags = flags[below(N(flags))]);
		break;
	case 4:
	case 5:
		pkt_udp(p, .sport = port(), .dport = port());
		break;
	case 6:
		pkt_sctp(p, .sport = port(), .dport = port());
		break;
	case 7:
		if (six)
			pkt_icmp6(p, .type = types6[below(N(types6))], .code = below(5));
		else
			pkt_icmp(p, .type = types4[below(N(types4))], .code = below(5));
		break;
	}
}

static void draw_packet(struct packet *packet, unsigned int number)
{
	struct pkt *p = &packet->pkt;
	bool six = chance(45), l4;

	packet->extensions = packet->later = false;
	pkt_init(p);
	push_ether(p, number);
	l4 = six ? push_ip6(p, &packet->extensions, &packet->later) : push_ip4(p, &packet->later);
	if (l4)
		push_l4(p, six);
	if (chance(50) || !l4)
		pkt_fill(p, l4 ? below(24) : 8);
	if (packet->extensions)		/* a fragment with more to come has a multiple of 8 bytes */
		pkt_fill(p, -(p->len - p->layers[p->layers[1].kind == PKT_VLAN ? 2 : 1].off) % 8);
}

/* ---- nft ---- */
static void run(const char *command)
{
	if (system(command))
		fail_msg("'%s' failed", command);
}

static void nft_load(void)
{
	FILE *file = popen("nft -f -", "w");
	unsigned int i;

	assert_non_null(file);
	fprintf(file, "table netdev t {\n%s", nft_sets);
	for (i = 0; i < n_rules; i++)
		fprintf(file, "set r%u { type ether_addr; size 65535; flags dynamic; }\n", i);
	fprintf(file, "chain c { type filter hook ingress device wire1 priority 0; policy drop;\n"
		"counter\n%s\n", mark_rule);
	for (i = 0; i < n_rules; i++)
		fprintf(file, "%s update @r%u { ether saddr }\n", rules[i].nft, i);
	fprintf(file, "}\n}\n");
	if (pclose(file))
		fail_msg("nft does not read the rules");
}

static void nft_world(void)
{
	run("echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6");
	run("ip link add wire0 type veth peer name wire1 && ip link set wire0 up && "
	    "ip link set wire1 up");
	nft_load();
}

static unsigned int nft_counted(void)
{
	FILE *file = popen("nft list chain netdev t c", "r");
	unsigned int count = 0;
	char line[1024];

	assert_non_null(file);
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, " counter packets %u", &count) == 1)
			break;
	while (fgets(line, sizeof(line), file))
		;
	pclose(file);
	return count;
}

static void nft_send(void)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_ifindex = if_nametoindex("wire0") };
	int fd = socket(AF_PACKET, SOCK_RAW, 0);
	unsigned int i, tries;

	assert_true(fd >= 0);
	for (i = 0; i < n_packets; i++)
		if (sendto(fd, packets[i].pkt.data, packets[i].pkt.len, 0, (void *)&to,
			   sizeof(to)) < 0)
			fail_msg("send: %s", strerror(errno));
	close(fd);
	for (tries = 0; nft_counted() < n_packets && tries < 50; tries++)
		usleep(100000);
	assert_int_equal(nft_counted(), n_packets);
}

/* All sets: "set r12 {" and addresses until the next */
static void nft_read(void)
{
	FILE *file = popen("nft list table netdev t", "r");
	unsigned int rule = RULES_MAX, high, low;
	char *line = NULL, *at;
	size_t size = 0;

	assert_non_null(file);
	while (getline(&line, &size, file) > 0) {
		if (strstr(line, "chain ") || (strstr(line, "set ") && strchr(line, '{')))
			if (sscanf(line, " set r%u {", &rule) != 1)
				rule = RULES_MAX;
		for (at = line; rule < n_rules && (at = strstr(at, "02:00:00:00:")); at += 17)
			if (sscanf(at + 12, "%2x:%2x", &high, &low) == 2)
				nft_held[high << 8 | low][rule] = 1;
	}
	free(line);
	pclose(file);
}

/* ---- the filter ---- */
static struct rig *graph_new(unsigned int first, unsigned int last)
{
	struct buf yaml = { 0 };
	unsigned int i, node = 0;
	struct rig *rig;

	buf_printf(&yaml, "%snodes:\n  mark: { module: filter, default: accept, rules: ['%s'] }\n",
		   our_sets, mark_rule);
	for (i = first; i < last; i++) {
		if ((i - first) % PER_NODE == 0)
			buf_printf(&yaml, "  n%u:\n    module: filter\n    default: accept\n"
				   "    rules:\n", node++);
		buf_printf(&yaml, "      - '%s counter name held'\n", rules[i].ours);
	}
	buf_printf(&yaml, "graphs:\n  g: [mark");
	for (i = 0; i < node; i++)
		buf_printf(&yaml, ", n%u", i);
	buf_printf(&yaml, "]\n");
	rig = rig_new(yaml.data, SHUNT_HOOK_XDP);
	buf_fini(&yaml);
	return rig;
}

static uint64_t counted(const struct rig *rig, unsigned int nth)
{
	char name[16];

	snprintf(name, sizeof(name), "n%u", nth / PER_NODE);
	return rig_rule(rig, name, nth % PER_NODE);
}

static void differ(unsigned int number, const struct rule *rule, bool held)
{
	const struct pkt *p = &packets[number].pkt;
	size_t i;

	for (i = 0; i < p->len; i++)
		print_error("%02x%s", p->data[i], i % 16 == 15 ? "\n" : " ");
	fail_msg("packet %u: '%s' holds it %s; nft says the other of '%s'", number, rule->ours,
		 held ? "here" : "not", rule->nft);
}

static void compare_packet(struct rig *rig, unsigned int number, unsigned int first,
			   unsigned int last, uint64_t *before)
{
	static struct rig_outcome out;
	const struct packet *packet = &packets[number];
	unsigned int i;

	assert_int_equal(rig_run(rig, packet->pkt.data, packet->pkt.len, &out), 0);
	if (out.verdict != RIG_PASS)
		fail_msg("packet %u ended at %s: %s", number, out.way, out.reason);
	for (i = first; i < last; i++) {
		struct rule *rule = &rules[i];
		uint64_t now = counted(rig, i - first);
		bool held = now != before[i - first];

		before[i - first] = now;
		if ((rule->chain && packet->extensions) || (rule->transport && packet->later))
			continue;
		if (held != nft_held[number][i])
			differ(number, rule, held);
		*(held ? &rule->held : &rule->passed) += 1;
	}
}

static void compare_rules(unsigned int first, unsigned int last)
{
	uint64_t before[RULES_MAX] = { 0 };
	struct rig *rig = graph_new(first, last);
	unsigned int i;

	for (i = 0; i < n_packets; i++)
		compare_packet(rig, i, first, last, before);
	rig_free(rig);
}

static void test_nft(void **state)
{
	const char *given = getenv("TEST_COUNT");
	unsigned int i, first, last;

	state_ = unit_seed();
	n_packets = given ? strtoul(given, NULL, 0) : 3000;
	assert_true(n_packets > 0 && n_packets < PACKETS_MAX);
	if (system("nft --version >/dev/null 2>&1"))
		skip();
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	add_rules();
	packets = calloc(n_packets, sizeof(*packets));
	nft_held = calloc(PACKETS_MAX, sizeof(*nft_held));
	for (i = 0; i < n_packets; i++)
		draw_packet(&packets[i], i);
	nft_world();
	nft_send();
	nft_read();
	for (first = 0; first < n_rules; first = last) {
		last = first + NODES_MAX * PER_NODE;
		last = last < n_rules ? last : n_rules;
		compare_rules(first, last);
	}
	for (i = 0; i < n_rules; i++)
		if (n_packets >= 3000 && (!rules[i].held || !rules[i].passed))
			fail_msg("'%s' held %u packets, let %u by", rules[i].ours, rules[i].held,
				 rules[i].passed);
	print_message("# %u rules, %u packets\n", n_rules, n_packets);
	assert_true(n_rules >= 300);
	free(packets);
	free(nft_held);
}

/* ---- rules on flows: which texts are rules ---- */

/* nft's netdev family knows no flows, so packets are not compared: conntrack_oracle_test.c does that */
static void test_nft_flows(void **state)
{
	unsigned int i, wrong = 0;

	if (system("nft --version >/dev/null 2>&1"))
		skip();
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	for (i = 0; i < N(nft_flows); i++) {
		const struct nft_flow *row = &nft_flows[i];
		struct arena arena = { 0 };
		struct diags diags = { .arena = &arena };
		struct expr_rule rule;
		char text[256], command[512];
		bool here, there;

		snprintf(text, sizeof(text), "%s accept", row->rule);
		snprintf(command, sizeof(command), "echo 'table inet t { chain c { type filter "
			 "hook prerouting priority -300; %s; }; }' | nft -c -f - 2>/dev/null", text);
		here = expr_parse(text, "/rule", &diags, &rule) == 0;
		there = system(command) == 0;
		if (here != row->here || there != row->there) {
			print_error("'%s': here it is %s rule, nft says it is %s\n", text,
				    here ? "a" : "no", there ? "one" : "none");
			wrong++;
		}
		arena_fini(&arena);
	}
	assert_int_equal(wrong, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nft), cmocka_unit_test(test_nft_flows),
	};

	return unit_main(tests, N(tests));
}
