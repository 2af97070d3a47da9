// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * flowmodel_test.c - the flow model does what the RFCs' own examples show
 *
 * A row is a conversation, one word a packet: who sends ('>' the first to speak, '<' the other),
 * what, and behind '=' what it is to its flow ("new", "est", "rel", "inv", "unt") and the flow's
 * state. "+120" lets so many seconds pass. A '!' in front: a filter drops it, if it is new.
 */
#include "../lib/unit.h"

#include <stdio.h>
#include <string.h>

#include "../lib/flowmodel.h"
#include "../lib/pkt.h"

static const struct talk {
	const char *name, *words;
} talks[] = {
	{ "RFC 9293 figure 6: handshake",
	  ">S=new:tcp-syn-sent <SA=est:tcp-syn-recv >A=est:tcp-established "
	  ">PA=est:tcp-established <A=est:tcp-established" },
	{ "RFC 9293 figure 7: simultaneous open",
	  ">S=new:tcp-syn-sent <S=est:tcp-syn-sent2 >SA=est:tcp-syn-recv <SA=est:tcp-syn-recv "
	  ">A=est:tcp-established" },
	{ "RFC 9293 figure 8: recovery from an old SYN",
	  ">S=new:tcp-syn-sent <SA=est:tcp-syn-recv >R=est:tcp-close >S=new:tcp-syn-sent "
	  "<SA=est:tcp-syn-recv >A=est:tcp-established" },
	{ "RFC 9293 figure 9: half-open connection found out",
	  ">S=new:tcp-syn-sent <A=est:tcp-syn-sent >R=est:tcp-close +1 >S=new:tcp-syn-sent" },
	{ "RFC 9293 figure 12: close",
	  ">S=new:tcp-syn-sent <SA=est:tcp-syn-recv >A=est:tcp-established "
	  ">FA=est:tcp-fin-wait <A=est:tcp-close-wait <FA=est:tcp-last-ack >A=est:tcp-time-wait" },
	{ "RFC 9293 figure 13: simultaneous close",
	  ">S=new:tcp-syn-sent <SA=est:tcp-syn-recv >A=est:tcp-established "
	  ">FA=est:tcp-fin-wait <FA=est:tcp-last-ack >A=est:tcp-time-wait <A=est:tcp-time-wait" },
	{ "half close: the other end goes on",
	  ">S=new:tcp-syn-sent <SA=est:tcp-syn-recv >A=est:tcp-established "
	  "<FA=est:tcp-fin-wait <A=est:tcp-fin-wait >A=est:tcp-close-wait >PA=est:tcp-close-wait "
	  "+50 >PA=est:tcp-close-wait <A=est:tcp-close-wait +50 >PA=est:tcp-close-wait "
	  "<FA=est:tcp-close-wait >FA=est:tcp-last-ack <A=est:tcp-time-wait" },
	{ "SYN sent again renews, and dies", ">S=new:tcp-syn-sent +119 >S=new:tcp-syn-sent +119 "
	  ">S=new:tcp-syn-sent +120 <SA=inv:" },
	{ "refused", ">S=new:tcp-syn-sent <RA=est:tcp-close >S=new:tcp-syn-sent" },
	{ "RFC 5961: SYN, SYN-ACK into an established flow",
	  ">S=new:tcp-syn-sent <SA=est:tcp-syn-recv >A=est:tcp-established "
	  ">S=est:tcp-established <A=est:tcp-established <SA=est:tcp-established "
	  "<S=inv: >SA=inv: >A=est:tcp-established" },
	{ "the same where the beginning was not seen: either may have begun",
	  ">A=new:tcp-unacked <A=est:tcp-established <S=est:tcp-established "
	  ">SA=est:tcp-established" },
	{ "RFC 1122 4.2.2.13: TIME-WAIT reopened, from either end",
	  ">S=new:tcp-syn-sent <SA=est:tcp-syn-recv >A=est:tcp-established >FA=est:tcp-fin-wait "
	  "<FA=est:tcp-last-ack >A=est:tcp-time-wait <S=new:tcp-syn-sent >SA=est:tcp-syn-recv" },
	{ "no flow begins so", ">SA=inv: >R=inv: >RA=inv: >F=inv: >P=inv: >FR=inv:" },
	{ "picked up", ">A=new:tcp-unacked >PA=new:tcp-unacked <A=est:tcp-established" },
	{ "picked up, but nobody confirms, and it begins", ">A=new:tcp-unacked >S=new:tcp-syn-sent "
	  "<SA=est:tcp-syn-recv" },
	{ "flags that mean nothing change nothing",
	  ">S=new:tcp-syn-sent >F=inv: >A=inv: <SA=est:tcp-syn-recv <P=inv: >A=est:tcp-established "
	  ">U=inv: >F=inv: >PAU=est:tcp-established" },
	{ "five idle days",
	  ">S=new:tcp-syn-sent <SA=est:tcp-syn-recv >A=est:tcp-established +431999 "
	  "<A=est:tcp-established +432000 !<A=new:" },
	{ "not kept what the filter dropped", "!>S=new: <SA=inv: >S=new:tcp-syn-sent" },
	{ "UDP", ">udp=new:udp-unreplied >udp=new:udp-unreplied <udp=est:udp-replied "
	  ">udp=est:udp-replied +119 <udp=est:udp-replied +120 <udp=new:udp-unreplied" },
	{ "UDP, no answer", ">udp=new:udp-unreplied +29 >udp=new:udp-unreplied +30 <udp=new:udp-unreplied" },
	{ "ping", ">ping=new:icmp >pong=inv: <pong=est:icmp >ping=est:icmp <ping=new:icmp >pong=est:icmp "
	  ">ping=est:icmp" },
	{ "answer to nobody", ">pong=inv: <pong=inv:" },
	{ "SCTP", ">cookie-ack=inv: >init=new:sctp-opening <init-ack=est:sctp-opening "
	  ">cookie-echo=est:sctp-opening <cookie-ack=est:sctp-established >data=est:sctp-established "
	  "<abort=est:sctp-closing >data=est:sctp-closing <init=new:sctp-opening" },
	{ "another protocol", ">other=new:other-unreplied <other=est:other-replied" },
	{ "an error about a flow, its answer, nothing",
	  ">unreach=inv: >udp=new:udp-unreplied <unreach=rel:udp-unreplied +29 <unreach=rel:udp-unreplied "
	  "+2 <unreach=inv:" },
};

static struct flowmodel model;

static void push_l4(struct pkt *p, const char *what, bool reply)
{
	static const struct { const char *name; uint8_t chunk; } chunks[] = {
		{ "init", 1 }, { "init-ack", 2 }, { "cookie-echo", 10 }, { "cookie-ack", 11 },
		{ "data", 0 }, { "abort", 6 },
	};
	static const char letters[] = "FSRPAU";
	unsigned int from = reply ? 80 : 1000, to = reply ? 1000 : 80, flags = 0, i;

	if (!strcmp(what, "udp"))
		pkt_udp(p, .sport = from, .dport = to);
	else if (!strcmp(what, "ping") || !strcmp(what, "pong"))
		pkt_icmp(p, .type = what[1] == 'i' ? 8 : 0, .id = 7);
	else if (!strcmp(what, "other"))
		pkt_fill(p, 8);
	else if (!strcmp(what, "unreach"))	/* what the other end sent */
		pkt_push(p, &(const struct pkt_hdr)ICMP(.type = 3, .code = 3)),
		pkt_push(p, &(const struct pkt_hdr)L3(reply ? UDP4("10.0.0.1", "10.0.0.2", 1000, 80) :
							UDP4("10.0.0.2", "10.0.0.1", 80, 1000)));
	else {
		for (i = 0; i < sizeof(chunks) / sizeof(*chunks); i++) {
			uint8_t chunk[4] = { chunks[i].chunk, 0, 0, 4 };

			if (strcmp(chunks[i].name, what))
				continue;
			pkt_sctp(p, .sport = from, .dport = to);
			pkt_raw(p, chunk, sizeof(chunk));
			return;
		}
		for (; *what; what++)
			flags |= 1 << (strchr(letters, *what) - letters);
		pkt_tcp(p, .sport = from, .dport = to, .flags = flags);
	}
}

static void say(const char *word, char *got, size_t size)
{
	struct flowmodel_outcome out;
	struct flowmodel_flow *flow;
	struct model_packet packet;
	bool dropped = *word == '!', reply;
	char what[24];
	struct pkt p;

	word += dropped;
	reply = *word++ == '<';
	snprintf(what, sizeof(what), "%.*s", (int)strcspn(word, "="), word);
	pkt_init(&p);
	pkt_eth(&p);
	pkt_ip4(&p, .src = reply ? "10.0.0.2" : "10.0.0.1", .dst = reply ? "10.0.0.1" : "10.0.0.2");
	push_l4(&p, what, reply);
	model_parse(p.data, p.len, &packet);
	flowmodel_track(&model, 0, &packet, &out);
	flow = out.flow;
	if (!flow && !dropped)
		flow = flowmodel_commit(&model, &packet, &out, 0, 0);
	snprintf(got, size, "%.3s:%s", flowmodel_seen_name(out.seen),
		 flow ? flowmodel_state_name(flow->state) : "");
}

static void test_talk(void **state)
{
	const struct talk *talk = *state;
	char words[1024], *word, *rest, got[64];

	flowmodel_init(&model, 1000);
	model.pickup = true;
	snprintf(words, sizeof(words), "%s", talk->words);
	for (word = strtok_r(words, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
		if (*word == '+') {
			model.now += 1000 * strtol(word, NULL, 10);
			continue;
		}
		say(word, got, sizeof(got));
		if (strcmp(strchr(word, '=') + 1, got))
			fail_msg("%s: got %s", word, got);
	}
	flowmodel_fini(&model);
}

/* Flags that no word shows */
static void test_flags(void **state)
{
	char got[64];

	flowmodel_init(&model, 1000);
	say(">S=", got, sizeof(got));
	assert_false(model.flows->replied);
	say("<SA=", got, sizeof(got));
	assert_true(model.flows->replied);
	assert_false(model.flows->assured);
	say(">A=", got, sizeof(got));
	assert_true(model.flows->assured);
	say("<FA=", got, sizeof(got));
	assert_true(model.flows->fin[1]);
	assert_false(model.flows->fin[0]);
	assert_int_equal(model.flows->packets[0], 2);
	assert_int_equal(model.flows->packets[1], 2);
	flowmodel_fini(&model);
	flowmodel_init(&model, 1000);
	say(">A=", got, sizeof(got));		/* no pickup */
	assert_string_equal(got, "inv:");
	say(">udp=", got, sizeof(got));
	say("<udp=", got, sizeof(got));
	assert_false(model.flows->assured);
	say(">udp=", got, sizeof(got));
	assert_true(model.flows->assured);
	assert_int_equal(model.stat[FLOWSTAT_NEW], 1);
	assert_int_equal(model.stat[FLOWSTAT_INVALID], 1);
	flowmodel_fini(&model);
}

/* A piece of an IPv4 datagram: @units of 8 bytes at @at */
static void piece(unsigned int at, unsigned int units, char *got, size_t size)
{
	struct flowmodel_outcome out;
	struct model_packet packet;
	struct pkt p;

	pkt_init(&p);
	pkt_eth(&p);
	pkt_ip4(&p, .id = 9, .mf = true, .frag_off = at * 8, .next = 17);
	if (!at)
		pkt_udp(&p, .sport = 1000, .dport = 80, .len = 1000);
	pkt_fill(&p, units * 8 - (at ? 0 : 8));
	model_parse(p.data, p.len, &packet);
	assert_null(packet.malformed);
	flowmodel_track(&model, 0, &packet, &out);
	flowmodel_commit(&model, &packet, &out, 0, 0);
	snprintf(got, size, "%s", out.seen == SEEN_INVALID ? out.why : flowmodel_seen_name(out.seen));
}

static void test_pieces(void **state)
{
	char got[64];

	flowmodel_init(&model, 1000);
	piece(8, 4, got, sizeof(got));
	assert_string_equal(got, "the first piece was not seen");
	piece(0, 4, got, sizeof(got));
	assert_string_equal(got, "new");
	piece(4, 4, got, sizeof(got));
	assert_string_equal(got, "new");
	piece(12, 4, got, sizeof(got));
	assert_string_equal(got, "new");
	assert_int_equal(model.n_flows, 1);
	assert_int_equal(model.flows->packets[0], 3);
	piece(15, 4, got, sizeof(got));
	assert_string_equal(got, "pieces overlap");
	piece(40, 4, got, sizeof(got));
	assert_string_equal(got, "pieces overlap");
	assert_int_equal(model.stat[FLOWSTAT_FRAG_OVERLAP], 2);
	assert_int_equal(model.stat[FLOWSTAT_FRAG_UNKNOWN], 1);
	model.now += 60 * 1000;
	piece(0, 4, got, sizeof(got));
	assert_string_equal(got, "new");
	flowmodel_fini(&model);
}

int main(void)
{
	enum { TALKS = sizeof(talks) / sizeof(*talks) };
	struct CMUnitTest tests[TALKS + 2];
	int i;

	for (i = 0; i < TALKS; i++)
		tests[i] = unit_row(talks[i].name, test_talk, &talks[i]);
	tests[TALKS] = (struct CMUnitTest)cmocka_unit_test(test_flags);
	tests[TALKS + 1] = (struct CMUnitTest)cmocka_unit_test(test_pieces);
	return unit_main(tests, TALKS + 2);
}
