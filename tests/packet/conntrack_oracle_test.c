// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * conntrack_oracle_test.c - the kernel's own conntrack says of each packet what the graph says
 *
 * The same packets go over a veth to a Linux router whose nftables notes 'ct state' and 'ct direction' of
 * each by its number (IPv4: id, IPv6: flow label), and through conntrack and commit by BPF_PROG_TEST_RUN, at
 * one hook after the other. A TTL tells the router what the type of service tells flowtag.bpf.c.
 * Where the two differ by intention (docs/decisions/conntrack-and-linux.md), packets are left
 * out, by the model's flows, and counted: sent, they would keep the two apart from then on.
 *
 * $TEST_SEED repeats a run, $TEST_COUNT is the number of packets (40 000)
 */
#include "../lib/unit.h"

#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/if_packet.h>

#include "../lib/flowgen.h"
#include "../lib/flowmodel.h"
#include "../lib/flowtag.h"
#include "../lib/rig.h"
#include "oracle_world.h"

#define BATCH		20000		/* packets for a router of their own, so that ids suffice */
#define SHOWN		12
static const char *const state_names[] = {
#define CT_NAME(id, name) name,
	SHUNT_CT_STATES(CT_NAME)
};

static struct {
	bool sent;
	const char *linux_says, *shunt_says;
	const char *linux_way, *shunt_way;	/* direction; "none" without a flow */
	struct flowmodel_key key;
	char text[200];
} packets[BATCH + 1];			/* from 1: nobody else's packet has these ids */

static struct flowgen gen;
static struct rig *rig;
static struct rig_outcome out;
static int link_fd;
static uint32_t hook;
static unsigned long sent, differences, of_sctp, in_pieces, pieces, said[SHUNT_CT_MAX];

/* ---- the router ---- */
/* What is routed goes out on r1, to nobody: r1 resolves no neighbours */
static void router_new(void)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET };

	assert_int_equal(unshare(CLONE_NEWNET), 0);
	sh("ip link add c0 type veth peer name r0 && ip link set r0 address 02:00:00:00:00:02 && "
	   "ip link add r1 type veth peer name s1 && ip link set r1 arp off && "
	   "sysctl -qw net.ipv6.conf.c0.disable_ipv6=1 net.ipv6.conf.s1.disable_ipv6=1 "
	   "net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv4.conf.all.rp_filter=0 "
	   "net.ipv4.conf.r0.rp_filter=0 net.netfilter.nf_conntrack_tcp_be_liberal=1 "
	   ORACLE_TIMEOUTS " && "
	   "for i in c0 r0 r1 s1; do ip link set $i up || exit; done; "
	   "ip addr add 10.9.0.1/32 dev r0 && ip route add 10.0.0.0/16 dev r1 && "
	   "ip -6 route add fd00::/8 dev r1");
	sh("nft 'table inet t {"
	   " set s4 { typeof ip id . ct state; flags dynamic; size 65535; };"
	   " set s6 { typeof ip6 flowlabel . ct state; flags dynamic; size 65535; };"
	   " set w4 { typeof ip id . ct direction; flags dynamic; size 65535; };"
	   " set w6 { typeof ip6 flowlabel . ct direction; flags dynamic; size 65535; };"
	   " chain raw { type filter hook prerouting priority -300;"
	   "  ip ttl 9 notrack; ip6 hoplimit 9 notrack; };"
	   " chain pre { type filter hook prerouting priority 0;"
	   "  iifname r0 add @s4 { ip id . ct state };"
	   "  iifname r0 add @s6 { ip6 flowlabel . ct state };"
	   "  iifname r0 add @w4 { ip id . ct direction };"
	   "  iifname r0 add @w6 { ip6 flowlabel . ct direction }; };"
	   " chain kept { type filter hook forward priority 0;"
	   "  ip ttl < 8 drop; ip6 hoplimit < 8 drop; }; }'");
	link_fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	assert_true(link_fd >= 0);
	to.sll_ifindex = if_nametoindex("c0");
	assert_int_equal(bind(link_fd, (void *)&to, sizeof(to)), 0);
}

static const char *const ways[] = { "original", "reply" };

/* What a set has of each packet: "number . name" */
static void router_read(const char *set, const char *const *names, unsigned int n, bool way)
{
	unsigned int number, i;
	char line[256], name[16];
	FILE *f;

	snprintf(line, sizeof(line), "nft list set inet t %s | tr '{},' '\\n\\n\\n'", set);
	f = popen(line, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, " %i . %15[a-z]", (int *)&number, name) != 2)
			continue;
		for (i = 0; i < n && strcmp(names[i], name); i++)
			;
		if (!number || number > BATCH || i == n || !packets[number].sent)
			fail_msg("nft: %s", line);
		*(way ? &packets[number].linux_way : &packets[number].linux_says) = names[i];
	}
	assert_int_equal(pclose(f), 0);
}

/* ---- one packet ---- */
static void model_step(const struct model_packet *packet, struct flowmodel_outcome *ret_outcome)
{
	memset(ret_outcome, 0, sizeof(*ret_outcome));
	flowmodel_key(packet, 0, &ret_outcome->key);
	if (packet->tos & FLOWTAG_NOTRACK)
		return;
	flowmodel_track(&model, 0, packet, ret_outcome);
	if (!(packet->tos & FLOWTAG_REFUSED) && !ret_outcome->flow)
		ret_outcome->flow = flowmodel_commit(&model, packet, ret_outcome, 0, 0);
}

/* ---- pieces ---- */
#define PIECE	48			/* bytes of an IP payload, of each but the last */

/* Piece of @p at @off of its IP payload: RFC 791 3.2, RFC 8200 4.5 */
static void cut(const struct pkt *p, size_t off, struct pkt *ret_piece)
{
	const uint8_t *ip = p->data + 14;
	bool four = ip[0] >> 4 == 4, more;
	size_t header = four ? 20 : 40, len = p->len - 14 - header - off;

	more = len > PIECE;
	len = more ? PIECE : len;
	pkt_init(ret_piece);
	pkt_raw(ret_piece, p->data, 14 + header);
	if (four) {
		pkt_set16(ret_piece, 16, header + len);
		pkt_set16(ret_piece, 20, off / 8 | (more ? 0x2000 : 0));
		pkt_set16(ret_piece, 24, 0);
		pkt_set16(ret_piece, 24, pkt_checksum(ret_piece->data + 14, 20, 0));
	} else {
		pkt_set16(ret_piece, 18, 8 + len);
		pkt_set8(ret_piece, 20, 44);
		pkt_fill(ret_piece, 8);
		pkt_set16(ret_piece, 54, ip[6] << 8);
		pkt_set16(ret_piece, 56, off | more);
		pkt_set32(ret_piece, 58, ip[2] << 8 | ip[3]);	/* the label has its number, too */
	}
	pkt_raw(ret_piece, ip + header + off, len);
}

/* Errors are not: their pieces are of no flow. At TC, no test run before Linux 6.18 takes pieces */
static bool may_be_cut(const struct model_packet *packet, const struct flowmodel_key *key)
{
	bool icmp = packet->proto == (packet->version == 4 ? 1 : 58);

	return hook == SHUNT_HOOK_XDP && !packet->extensions && (key->kind || !icmp) && packet->proto != PROTO_SCTP &&
	       flowgen_below(&gen, 8) == 0;
}

/* ---- one packet, or piece ---- */
static void run(const struct pkt *p)
{
	int r = rig_run(rig, p->data, p->len, &out);

	if (r < 0)
		fail_msg("test run: %s", strerror(-r));
	assert_int_equal(send(link_fd, p->data, p->len, 0), p->len);
}

static void show(unsigned int number);

/*
 * What the pieces behind the first are: the same, if there is a flow. Behind an invalid one they may find
 * its flow, but are of no use to anybody
 */
static void run_pieces(const struct pkt *p, unsigned int number, bool flow)
{
	struct model_packet packet;
	struct flowmodel_outcome wanted;
	enum shunt_ct_state first = out.pkt.ct_state;
	struct pkt piece;
	size_t off;

	if (first == SHUNT_CT_NEW && !flow)
		first = SHUNT_CT_INVALID;
	for (off = PIECE; off < p->len - 14 - (p->data[14] >> 4 == 4 ? 20 : 40); off += PIECE) {
		cut(p, off, &piece);
		model_parse(piece.data, piece.len, &packet);
		model_step(&packet, &wanted);
		run(&piece);
		pieces++;
		if (packets[number].shunt_says == state_names[SHUNT_CT_INVALID] ||
		    out.pkt.ct_state == first || ++differences > SHOWN)
			continue;
		print_error("# the piece at %zu is %s\n", off, state_names[out.pkt.ct_state]);
		show(number);
	}
}

static void note(unsigned int number, const struct model_packet *packet,
		 const struct flowmodel_outcome *wanted)
{
	packets[number].key = wanted->key;
	snprintf(packets[number].text, sizeof(packets[number].text),
		 "%s%s flags %#x type %u tos %#x: %s", packet->frag ? "in pieces " : "",
		 flowmodel_key_text(&wanted->key), packet->flags, packet->icmp_type, packet->tos,
		 wanted->flow ? flowmodel_state_name(wanted->flow->state) : "no flow");
	packets[number].shunt_says = state_names[out.pkt.ct_state];
	if (out.pkt.ct_state != SHUNT_CT_INVALID && out.pkt.ct_state != SHUNT_CT_UNTRACKED)
		packets[number].shunt_way = ways[!!(out.pkt.ct_flags & SHUNT_CT_REPLY)];
	said[out.pkt.ct_state]++;
	of_sctp += packet->proto == PROTO_SCTP;
	sent++;
}

static void step(unsigned int number)
{
	struct model_packet packet;
	struct flowmodel_outcome wanted;
	struct flowmodel_key key;
	struct pkt p, first;
	enum apart why;
	bool is_cut;

	flowgen_next(&gen, &model, &p);
	model_parse(p.data, p.len, &packet);
	why = apart(&packet);
	packets[number].sent = why == NOT_APART;
	packets[number].linux_says = packets[number].shunt_says = "nothing";
	packets[number].linux_way = packets[number].shunt_way = "none";
	if (why != NOT_APART) {
		left_out[why]++;
		return;
	}
	flowmodel_key(&packet, 0, &key);
	is_cut = may_be_cut(&packet, &key);
	if (is_cut)
		pkt_fill(&p, 100);
	label(&p, packet.tos, number);
	first = p;
	if (is_cut)
		cut(&p, 0, &first);
	model_parse(first.data, first.len, &packet);
	model_step(&packet, &wanted);
	run(&first);
	note(number, &packet, &wanted);
	in_pieces += is_cut;
	if (is_cut)
		run_pieces(&p, number, wanted.flow);
}

/* ---- both accounts ---- */
static bool same_talk(const struct flowmodel_key *a, const struct flowmodel_key *b)
{
	int turned;

	for (turned = 0; turned < 2; turned++)
		if (a->version == b->version && a->proto == b->proto &&
		    !memcmp(&a->end[0], &b->end[turned], sizeof(a->end[0])) &&
		    !memcmp(&a->end[1], &b->end[!turned], sizeof(a->end[1])))
			return true;
	return false;
}

static void show(unsigned int number)
{
	unsigned int i;

	print_error("# packet %u: Linux says %s, direction %s, shunt says %s, %s\n", number,
		    packets[number].linux_says, packets[number].linux_way,
		    packets[number].shunt_says, packets[number].shunt_way);
	for (i = 1; i <= number; i++)
		if (packets[i].sent && same_talk(&packets[i].key, &packets[number].key))
			print_error("#   %u: %s (%s, %s)\n", i, packets[i].text,
				    packets[i].linux_says, packets[i].shunt_says);
}

static void compare(unsigned int n)
{
	unsigned int i;

	router_read("s4", state_names, SHUNT_CT_MAX, false);
	router_read("s6", state_names, SHUNT_CT_MAX, false);
	router_read("w4", ways, 2, true);
	router_read("w6", ways, 2, true);
	for (i = 1; i <= n; i++)
		if (packets[i].sent && (strcmp(packets[i].linux_says, packets[i].shunt_says) ||
					strcmp(packets[i].linux_way, packets[i].shunt_way)) &&
		    ++differences <= SHOWN)
			show(i);
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
		 "  ct: { module: conntrack }\n  keep: { module: commit }\n"
		 "graphs:\n  g:\n    entry: pick\n    edges:\n"
		 "      pick: { next: ct, other: ct }\n"
		 "      ct: { next: guard, established: pass, related: pass }\n"
		 "      guard: { next: keep, other: drop }\n      keep: { next: pass }\n",
		 tag, tag);
	router_new();
	rig = rig_new(yaml, hook);
	flowmodel_init(&model, 1000);
	model.pickup = true;
	for (i = 1; i <= n; i++)
		step(i);
	compare(n);
	flowmodel_fini(&model);
	rig_free(rig);
	close(link_fd);
}

static void test_oracle(void **state)
{
	const char *given = getenv("TEST_COUNT");
	unsigned long count = given ? strtoul(given, NULL, 0) : 40000, n;
	int i;

	flowgen_init(&gen, unit_seed());
	gen.whole = true;
	hook = SHUNT_HOOK_XDP;
	for (n = 0; n < count; n += BATCH) {
		batch(count - n < BATCH ? count - n : BATCH);
		hook = hook == SHUNT_HOOK_XDP ? SHUNT_HOOK_TC_INGRESS : SHUNT_HOOK_XDP;
	}
	print_message("# packets %lu, differences %lu\n", sent, differences);
	print_message("# of them of SCTP %lu, in pieces %lu, with %lu behind the first\n", of_sctp,
		      in_pieces, pieces);
	for (i = 0; i < SHUNT_CT_MAX; i++)
		print_message("# %s: %lu\n", state_names[i], said[i]);
	say_left_out();
	assert_int_equal(differences, 0);
	if (count >= BATCH) {
		assert_true(sent > count / 2);
		assert_true(in_pieces > BATCH / 50 && of_sctp > count / 50);
		for (i = SHUNT_CT_NEW; i < SHUNT_CT_MAX; i++)
			assert_true(said[i] > count / 200);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_oracle) };

	return unit_main(tests, 1);
}
