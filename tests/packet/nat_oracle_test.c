// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * nat_oracle_test.c - the kernel's nftables translates each packet as the graph does
 *
 * The same packets go over a veth to a Linux router with 'masquerade', 'snat' and 'dnat', and through
 * conntrack and nat by BPF_PROG_TEST_RUN. A DSCP tells the router by which rule: nat_texts[] is
 * both sides'. Compared is what comes out, byte by byte: that it does, addresses, ports, checksums,
 * and what errors quote.
 *
 * Where a port is taken, either side chooses one. Linux's is read off the flow's first packet as it
 * comes out; from then on packets of the flow have that one there, and the product's here.
 * What is left out, and why: oracle_world.h.
 *
 * $TEST_SEED repeats a run, $TEST_COUNT is the number of packets (40 000)
 */
#include "../lib/unit.h"

#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>

#include "flowmodel_nat_world.h"
#include "oracle_world.h"

#define BATCH		10000		/* packets for a router of their own */
#define SHOWN		8
#define WAIT_MS		1000		/* for a packet that is to come */

/* None, a source, the interface's, targets with and without ports, both, an address that is a host's */
#define NUMBERS		(1u << 0 | 1u << 1 | 1u << 2 | 1u << 8 | 1u << 9 | 1u << 10 |	\
			 1u << 17 | 1u << 18 | 1u << 20)

static struct flowgen gen;
static struct side side;
static struct rig_outcome out;
static int in_fd, out_fd;
static uint32_t hook;
static unsigned long sent, passed, translated, elsewhere, errors, differences;

/* What the router let out, by its number */
static struct pkt from_linux;

/* ---- the router ---- */
static void nft_rule(FILE *f, unsigned int number, bool six, bool dnat)
{
	const struct nat_text *text = &nat_texts[number][six][dnat];
	const char *ip = six ? "ip6" : "ip";

	if (!text->kind)
		return;
	if (text->kind == 'o') {
		fprintf(f, "  %s dscp %u masquerade;\n", ip, number << 1);
		return;
	}
	if (text->to)
		fprintf(f, "  %s dscp %u meta l4proto { tcp, udp } %s %s to %s%s%s:%u-%u;\n", ip,
			number << 1, dnat ? "dnat" : "snat", ip, six ? "[" : "", text->first,
			six ? "]" : "", text->from, text->to);
	fprintf(f, "  %s dscp %u %s %s %s to %s;\n", ip, number << 1,
		text->to ? "meta l4proto != { tcp, udp }" : "", dnat ? "dnat" : "snat", ip,
		text->first);
}

static void nft_rules(void)
{
	FILE *f = popen("nft -f -", "w");
	unsigned int number, six, dnat;

	assert_non_null(f);
	fprintf(f, "table inet t {\n"
		" chain raw { type filter hook prerouting priority -300;\n"
		"  ip ttl 9 notrack; ip6 hoplimit 9 notrack; }\n"
		" chain in { type filter hook input priority 0; iifname r0 drop; }\n"
		" chain kept { type filter hook forward priority 0; ct state invalid drop;\n"
		"  ip ttl < 8 ct state != { established, related } drop;\n"
		"  ip6 hoplimit < 8 ct state != { established, related } drop; }\n");
	for (dnat = 0; dnat < 2; dnat++) {
		fprintf(f, " chain %s { type nat hook %s;\n", dnat ? "target" : "source",
			dnat ? "prerouting priority dstnat" : "postrouting priority srcnat");
		for (number = 0; number < FLOWTAG_NATS; number++)
			for (six = 0; six < 2 && NUMBERS >> number & 1; six++)
				nft_rule(f, number, six, dnat);
		fprintf(f, " }\n");
	}
	fprintf(f, "}\n");
	assert_int_equal(pclose(f), 0);
}

static int link_open(const char *name)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL),
				  .sll_ifindex = if_nametoindex(name) };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL)), one = 1;

	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)), 0);
	assert_int_equal(bind(fd, (void *)&to, sizeof(to)), 0);
	return fd;
}

/*
 * All comes in on r0 and goes out on r1, replies, too. r1 has one neighbour that stays: the kernel's
 * table of them is one for all namespaces, and other tests may have filled it
 */
static void router_new(void)
{
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	sh("ip link add c0 type veth peer name r0 && ip link set r0 address 02:00:00:00:00:02 && "
	   "ip link add r1 type veth peer name s1 && ip link set r1 arp off && "
	   "sysctl -qw net.ipv6.conf.c0.disable_ipv6=1 net.ipv6.conf.s1.disable_ipv6=1 "
	   "net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv4.conf.all.rp_filter=0 "
	   "net.ipv4.conf.r0.rp_filter=0 net.ipv4.conf.r0.accept_local=1 "
	   "net.netfilter.nf_conntrack_tcp_be_liberal=1 " ORACLE_TIMEOUTS " && "
	   "for i in c0 r0 r1 s1; do ip link set $i up || exit; done; "
	   "ip addr add 10.9.0.1/32 dev r0 && ip addr add 203.0.113.77/32 dev r1 && "
	   "ip addr add 2001:db8::77/128 dev r1 nodad && "
	   "ip neigh add 10.9.0.2 lladdr 02:00:00:00:00:03 dev r1 nud permanent && "
	   "ip neigh add fe80::2 lladdr 02:00:00:00:00:03 dev r1 nud permanent && "
	   "ip route add default via 10.9.0.2 dev r1 onlink && "
	   "ip -6 route add default via fe80::2 dev r1");
	nft_rules();
	in_fd = link_open("c0");
	out_fd = link_open("s1");
}

static unsigned int number_of(const uint8_t *frame)
{
	const uint8_t *ip = frame + ETH_HLEN;

	return ip[0] >> 4 == 4 ? ip[4] << 8 | ip[5] : ip[2] << 8 | ip[3];
}

/* Until packet @number comes, or time is up; then *ret_packet has no bytes */
static void receive(unsigned int number, int wait_ms, struct pkt *ret_packet)
{
	struct pollfd fd = { .fd = out_fd, .events = POLLIN };
	ssize_t n;

	while (poll(&fd, 1, wait_ms) > 0) {
		n = recv(out_fd, ret_packet->data, sizeof(ret_packet->data), 0);
		if (n < ETH_HLEN + 20 || number_of(ret_packet->data) != number)
			continue;
		ret_packet->len = n;
		return;
	}
	ret_packet->len = 0;
}

/* As if it had not been routed: Ethernet addresses, and TTL, with what covers it */
static void unroute(const struct pkt *in, struct pkt *p)
{
	memcpy(p->data, in->data, ETH_HLEN);
	if (p->data[14] >> 4 == 6) {
		p->data[21]++;
		return;
	}
	p->data[22]++;
	pkt_set16(p, 24, 0);
	pkt_set16(p, 24, pkt_checksum(p->data + 14, (p->data[14] & 15) * 4, 0));
}

/* ---- one's port in place of the other's ---- */
static bool is_translated(const struct flowmodel_flow *flow)
{
	return flow && (flow->snat || flow->dnat);
}

/* @p has the ends outside that the product gave: it gets Linux's. @reply: it comes from there */
static void to_elsewhere(const struct flowmodel_outcome *outcome, struct pkt *p, bool reply)
{
	struct flowmodel_flow as = *outcome->flow;
	struct flowmodel_outcome to = *outcome;
	struct model_packet packet;
	struct pkt was = *p;

	as.key = as.outside = as.elsewhere;
	to.flow = &as;
	to.reply = reply;
	model_parse(was.data, was.len, &packet);
	/* What an end itself says of it comes from there, too */
	as.snat = as.dnat = outcome->quoted &&
			    !memcmp(packet.saddr, outcome->flow->outside.end[reply].addr, 16);
	flownat_rewrite(&to, &packet, false, p->data);
}

static struct flowmodel_flow *elsewhere_find(const struct flowmodel_key *key)
{
	struct flowmodel_flow *flow;

	for (flow = model.flows; flow; flow = flow->next)
		if (flowmodel_same(&flow->key, key, false) ||
		    flowmodel_same(&flow->elsewhere, key, false) ||
		    flowmodel_same(&flow->elsewhere, key, true))
			return flow;
	return NULL;
}

/* ---- what is left out besides ---- */
/* The ends outside are those inside, turned round: shunt takes another port then, Linux does not */
static bool is_turned(const struct flowmodel_flow *flow)
{
	return is_translated(flow) && flowmodel_same(&flow->key, &flow->elsewhere, true);
}

static enum apart apart_nat(const struct model_packet *packet)
{
	struct flowmodel_key key, outside;
	struct flowmodel_flow *flow;
	const char *why;
	bool reply, four = packet->version == 4;
	unsigned int number = FLOWTAG_NAT(packet->tos);

	flowmodel_key(packet, 0, &key);
	flow = flowmodel_find(&model, &key, &reply);
	if (!memcmp(&key.end[0], &key.end[1], sizeof(key.end[0])))
		return APART_SAME;
	if (is_turned(flow))
		return APART_TURNED;
	if (flow && !flowmodel_same(reply ? &flow->outside : &flow->key, &key, reply))
		return APART_SIDE;
	if (flow && reply && flow->state == FLOW_TIME_WAIT &&
	    (packet->flags & (FIN | SYN | RST | ACK)) == SYN)
		return APART_ANEW;
	if (!flow ? elsewhere_find(&key) != NULL : !reply && elsewhere_find(&key) != flow)
		return APART_PORT;
	if (flow)
		return NOT_APART;
	if (!memcmp(packet->daddr, side.nat.own[!four], four ? 4 : 16))
		return APART_LOCAL;
	if (packet->proto == 6 || packet->proto == 17 || key.kind)
		return NOT_APART;
	return flownat_begin(&side.nat, &model, packet, &key, nat_rule_of(number, !four, true),
			     nat_rule_of(number, !four, false), NULL, &outside, &why) ==
	       FLOWNAT_EXHAUSTED ? APART_NO_PORTS : NOT_APART;
}

/* The key of a quoted packet with an L4 header at @p */
static void quoted_ends(const uint8_t *p, struct flowmodel_key *key)
{
	static const struct { uint8_t version, type, kind; bool answer; } queries[] = {
		{ 4, 8, 1, false }, { 4, 0, 1, true }, { 4, 13, 2, false }, { 4, 14, 2, true },
		{ 4, 17, 3, false }, { 4, 18, 3, true }, { 6, 128, 1, false }, { 6, 129, 1, true },
	};
	unsigned int i;

	if (key->proto == 6 || key->proto == 17 || key->proto == PROTO_SCTP) {
		key->end[0].port = p[0] << 8 | p[1];
		key->end[1].port = p[2] << 8 | p[3];
	}
	if (key->proto != (key->version == 4 ? 1 : 58))
		return;
	for (i = 0; i < 8; i++)
		if (queries[i].version == key->version && queries[i].type == p[0]) {
			key->kind = queries[i].kind;
			key->answer = queries[i].answer;
			key->end[0].port = key->end[1].port = p[4] << 8 | p[5];
		}
}

/* An error has to quote what is seen where it comes from */
static enum apart apart_error(const struct model_packet *packet)
{
	struct flowmodel_key key = { .version = packet->version };
	bool six = packet->version == 6;
	enum apart unknown = memcmp(packet->daddr, side.nat.own[six], six ? 16 : 4) ? NOT_APART :
			     APART_LOCAL;
	struct flowmodel_outcome would;
	struct flowmodel_flow *flow;
	size_t l4 = flowmodel_quoted(packet, &key), left;

	if (!l4)
		return unknown;
	left = packet->l4_off + packet->l4_len - l4;
	quoted_ends(packet->frame + l4, &key);
	flowmodel_track(&model, 0, packet, &would);
	flow = would.flow;
	if (!flow)
		return elsewhere_find(&key) ? APART_PORT : unknown;
	if (is_turned(flow))
		return APART_TURNED;
	/* Whether that hides who sends them goes by how Linux has come to the port */
	if (!would.reply && is_translated(flow) &&
	    !memcmp(flow->elsewhere.end[0].addr, flow->key.end[0].addr, 16) &&
	    (flow->snat || flow->elsewhere.end[0].port != flow->key.end[0].port))
		return APART_ONLY_PORT;
	if (key.proto == 6 && left >= 18 && left < 20)
		return APART_QUOTE_CUT;
	if (key.proto == PROTO_SCTP && left >= 12 && is_translated(flow))
		return APART_QUOTE_SCTP;
	/* What goes to the originator quotes what that has sent */
	return flowmodel_same(would.reply ? &flow->outside : &flow->key, &key, !would.reply) ?
	       NOT_APART : APART_SIDE;
}

static bool is_error(const struct model_packet *packet)
{
	unsigned int type = packet->icmp_type;

	if (packet->version == 4)
		return packet->proto == 1 && (type == 3 || type == 4 || type == 11 || type == 12);
	return packet->proto == 58 && type >= 1 && type <= 4;
}

/* ---- one packet ---- */

/* The model's step behind that of the product: side.wanted */
static void model_step(const struct pkt *p)
{
	struct flowmodel_outcome *wanted = &side.wanted;

	model_parse(p->data, p->len, &side.packet);
	side.tos = side.packet.tos;
	memset(wanted, 0, sizeof(*wanted));
	if (side.tos & FLOWTAG_NOTRACK)
		return;
	side.model = model;		/* nat_begin() has it there */
	flowmodel_track(&side.model, 0, &side.packet, wanted);
	if (wanted->seen == SEEN_NEW && !wanted->flow && !(side.tos & FLOWTAG_REFUSED)) {
		wanted->flow = nat_begin(&side, &out);
		if (wanted->flow)
			wanted->flow->elsewhere = wanted->flow->outside;
	}
	model = side.model;
}

static void differ(unsigned int number, const struct pkt *p, const char *what)
{
	const struct flowmodel_outcome *w = &side.wanted;
	struct flowmodel_key key;

	if (++differences > SHOWN)
		return;
	flowmodel_key(&side.packet, 0, &key);
	print_error("# packet %u, %s: flags %#x type %u tos %#x: %s; %s\n# %s\n", number,
		    flowmodel_key_text(&key), side.packet.flags, side.packet.icmp_type, side.tos,
		    flowmodel_seen_name(w->seen), flowmodel_text(w->flow), what);
	if (is_translated(w->flow))
		print_error("# outside %s, by Linux %s\n", flowmodel_key_text(&w->flow->outside),
			    flowmodel_key_text(&w->flow->elsewhere));
}

/* A flow's first packet: which ports Linux has chosen. Addresses have to be the same */
static void learn(void)
{
	struct flowmodel_flow *flow = side.wanted.flow;
	struct model_packet packet;
	struct flowmodel_key key;

	model_parse(from_linux.data, from_linux.len, &packet);
	flowmodel_key(&packet, 0, &key);
	flow->elsewhere.end[0].port = key.end[0].port;
	flow->elsewhere.end[1].port = key.end[1].port;
	elsewhere += memcmp(&flow->elsewhere, &flow->outside, sizeof(key)) != 0;
}

/* @in: as Linux got it */
static void compare(unsigned int number, const struct pkt *p, const struct pkt *in)
{
	struct flowmodel_outcome *w = &side.wanted;
	bool pass = out.verdict == RIG_PASS;
	struct pkt want = { .len = out.len };
	char text[300];

	receive(number, pass ? WAIT_MS : 0, &from_linux);
	if (pass != !!from_linux.len) {
		snprintf(text, sizeof(text), "Linux %s it, here it leaves by %s",
			 from_linux.len ? "passes" : "drops", out.left);
		differ(number, p, text);
		return;
	}
	if (!pass)
		return;
	passed++;
	unroute(in, &from_linux);
	if (w->flow && w->flow->born == model.packets)
		learn();
	memcpy(want.data, out.data, out.len);
	if (is_translated(w->flow)) {
		translated++;
		errors += w->quoted;
		if (!w->reply)		/* it goes out: to where Linux has it */
			to_elsewhere(w, &want, false);
	}
	if (pkt_diff(&want, from_linux.data, from_linux.len, text, sizeof(text)))
		differ(number, p, text);
}

static enum apart why_not(const struct model_packet *packet)
{
	enum apart why = apart(packet);
	bool six = packet->version == 6;

	if (why != NOT_APART)
		return why;
	if (packet->tos & FLOWTAG_NOTRACK)
		return memcmp(packet->daddr, side.nat.own[six], six ? 16 : 4) ? NOT_APART :
		       APART_LOCAL;
	return is_error(packet) ? apart_error(packet) : apart_nat(packet);
}

/* The flow that a packet is of, also if it is none that may be */
static void flow_of(const struct model_packet *packet, struct flowmodel_outcome *ret_of)
{
	struct flowmodel_key key;

	memset(ret_of, 0, sizeof(*ret_of));
	if (packet->malformed || !packet->version || packet->tos & FLOWTAG_NOTRACK)
		return;
	if (is_error(packet)) {
		flowmodel_track(&model, 0, packet, ret_of);
		return;
	}
	flowmodel_key(packet, 0, &key);
	ret_of->flow = flowmodel_find(&model, &key, &ret_of->reply);
}

static void step(unsigned int number)
{
	struct model_packet packet;
	struct flowmodel_outcome of;
	struct pkt p, in;
	enum apart why;
	int r;

	flowgen_next(&gen, &model, &p);
	model_parse(p.data, p.len, &packet);
	why = why_not(&packet);
	flow_of(&packet, &of);
	if (why != NOT_APART) {
		left_out[why]++;
		return;
	}
	label(&p, packet.tos, number);
	r = rig_run(side.rig, p.data, p.len, &out);
	if (r < 0)
		fail_msg("test run: %s", strerror(-r));
	assert_string_equal(out.fault, "");
	model_step(&p);
	in = p;
	if (is_translated(of.flow) && of.reply)
		to_elsewhere(&of, &in, true);
	assert_int_equal(send(in_fd, in.data, in.len, 0), in.len);
	compare(number, &p, &in);
	sent++;
}

static void batch(unsigned int n)
{
	char yaml[2048];
	const char *tag = rig_built("tests/lib/flowtag");
	unsigned int i;

	snprintf(yaml, sizeof(yaml),
		 "conntrack: { flows: 65536, flows6: 65536, timeouts: { tcp-close: 1h, "
		 "tcp-last-ack: 1h, udp-unreplied: 1h, icmp: 1h, sctp-opening: 1h, "
		 "sctp-closing: 1h } }\n"
		 "nodes:\n  pick: { module: %s }\n  guard: { module: %s, config: { behind: 1 } }\n"
		 "  ct: { module: conntrack }\n"
		 "  pickn: { module: %s, config: { snats: %u, dnats: %u } }\n  n: { module: nat }\n"
		 "graphs:\n  g:\n    entry: pick\n    edges:\n"
		 "      pick: { next: ct, other: ct }\n"
		 "      ct: { next: guard, established: n, related: n }\n"
		 "      guard: { next: pickn, other: drop }\n      pickn: { next: n }\n"
		 "      n: { next: pass }\n",
		 tag, tag, rig_built("tests/lib/flownat"), nat_has[0], nat_has[1]);
	router_new();
	memset(&side, 0, sizeof(side));
	side.rig = rig_new(yaml, hook);
	open_tables(&side);
	nat_open(&side, gen.random);
	flowmodel_init(&model, 1000);
	model.pickup = true;
	for (i = 1; i <= n; i++)
		step(i);
	flowmodel_fini(&model);
	flownat_fini(&side.nat);
	rig_free(side.rig);
	close(in_fd);
	close(out_fd);
}

static void test_oracle(void **state)
{
	const char *given = getenv("TEST_COUNT");
	unsigned long count = given ? strtoul(given, NULL, 0) : 40000, n;

	flowgen_init(&gen, unit_seed());
	gen.whole = gen.nat = true;
	gen.numbers = NUMBERS;
	nat_read_all();
	hook = SHUNT_HOOK_XDP;
	for (n = 0; n < count; n += BATCH) {
		batch(count - n < BATCH ? count - n : BATCH);
		hook = hook == SHUNT_HOOK_XDP ? SHUNT_HOOK_TC_INGRESS : SHUNT_HOOK_XDP;
	}
	print_message("# packets %lu, differences %lu\n", sent, differences);
	print_message("# of them let through %lu, translated %lu, errors about translated flows %lu; "
		      "flows with other ports than Linux chose: %lu\n", passed, translated, errors,
		      elsewhere);
	say_left_out();
	assert_int_equal(differences, 0);
	if (count < BATCH)
		return;
	assert_true(sent > count / 3 && passed > sent / 3 && translated > sent / 5);
	assert_true(errors > sent / 200 && elsewhere > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_oracle) };

	return unit_main(tests, 1);
}
