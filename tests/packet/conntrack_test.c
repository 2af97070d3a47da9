// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * conntrack_test.c - states of flows, packet by packet, at XDP and TC, IPv4 and IPv6
 *
 * A case is a script of steps: who sends (o: the originator, r: the other end) and what, what the
 * packet is then (new, est, inv, rel), and the state of its flow, '-' for none, with the flags that
 * it is to have: +a assured, +r replied, +p picked up.
 */
#include "conntrack_world.h"

struct script {
	const char *name;		/* "no pickup: ...": it is off; "sctp: ...": what letters mean */
	const char *steps;
};

static const struct script scripts[] = {
	/* TCP, from the beginning */
	{ "tcp: a SYN", "oS new tcp-syn-sent" },
	{ "tcp: open", "oS new tcp-syn-sent; rSA est tcp-syn-recv+r; oA est tcp-established+a" },
	{ "tcp: SYN again", "oS new tcp-syn-sent; oS new tcp-syn-sent" },
	{ "tcp: SYN+ACK again", "oS new tcp-syn-sent; rSA est tcp-syn-recv; rSA est tcp-syn-recv" },
	{ "tcp: both ends begin", "oS new tcp-syn-sent; rS est tcp-syn-sent2+r; oSA est tcp-syn-recv; rSA est tcp-syn-recv; oA est tcp-established+a" },
	{ "tcp: both begin, SYN again", "oS new tcp-syn-sent; rS est tcp-syn-sent2; oS est tcp-syn-sent2; rS est tcp-syn-sent2" },
	{ "tcp: both begin, the other's SYN+ACK first", "oS new tcp-syn-sent; rS est tcp-syn-sent2; rSA est tcp-syn-recv; oA est tcp-established" },
	{ "tcp: SYN+ACK of the originator", "oS new tcp-syn-sent; oSA inv tcp-syn-sent" },
	{ "tcp: ACK before the answer", "oS new tcp-syn-sent; oA inv tcp-syn-sent" },
	{ "tcp: FIN before the answer", "oS new tcp-syn-sent; oFA inv tcp-syn-sent; rFA inv tcp-syn-sent" },
	{ "tcp: challenge of a half-open end", "oS new tcp-syn-sent; rA est tcp-syn-sent; oR est tcp-close; oS new tcp-syn-sent" },
	{ "tcp: refused", "oS new tcp-syn-sent; rRA est tcp-close+r" },
	{ "tcp: refused, once more", "oS new tcp-syn-sent; rRA est tcp-close; oS new tcp-syn-sent" },
	{ "tcp: data of the other end before the third step", "oS new tcp-syn-sent; rSA est tcp-syn-recv; rPA est tcp-syn-recv; oA est tcp-established" },
	{ "tcp: SYN behind SYN+ACK", "oS new tcp-syn-sent; rSA est tcp-syn-recv; oS est tcp-syn-recv" },
	{ "tcp: SYN inwards behind SYN+ACK", "oS new tcp-syn-sent; rSA est tcp-syn-recv; rS inv tcp-syn-recv" },
	{ "tcp: FIN behind SYN+ACK", "oS new tcp-syn-sent; rSA est tcp-syn-recv; oFA est tcp-fin-wait" },
	/* TCP, established: %E is the opening */
	{ "tcp: data both ways", "%E oPA est tcp-established; rPA est tcp-established; oA est tcp-established" },
	{ "tcp: SYN of an end that restarted", "%E oS est tcp-established; rA est tcp-established; oR est tcp-close; oS new tcp-syn-sent" },
	{ "tcp: SYN+ACK again, late", "%E rSA est tcp-established" },
	{ "tcp: SYN inwards", "%E rS inv tcp-established" },
	{ "tcp: SYN+ACK outwards", "%E oSA inv tcp-established" },
	{ "tcp: urgent data", "%E oAU est tcp-established" },
	{ "tcp: nothing acknowledged", "%E oP inv tcp-established" },
	{ "tcp: SYN+ACK+URG", "%E rSAU inv tcp-established" },
	{ "tcp: RST+FIN", "%E rRF inv tcp-established" },
	{ "tcp: reset by the originator", "%E oR est tcp-close" },
	{ "tcp: reset by the other end", "%E rRA est tcp-close" },
	/* TCP, closing */
	{ "tcp: closed by the originator", "%E oFA est tcp-fin-wait; rA est tcp-close-wait; rFA est tcp-last-ack; oA est tcp-time-wait" },
	{ "tcp: closed by the other end", "%E rFA est tcp-fin-wait; oA est tcp-close-wait; oFA est tcp-last-ack; rA est tcp-time-wait" },
	{ "tcp: FIN and its acknowledgement in one", "%E oFA est tcp-fin-wait; rFA est tcp-last-ack; oA est tcp-time-wait" },
	{ "tcp: FIN again", "%E oFA est tcp-fin-wait; oFA est tcp-fin-wait; rA est tcp-close-wait; oFA est tcp-close-wait" },
	{ "tcp: ACK of who has sent FIN", "%E oFA est tcp-fin-wait; oA est tcp-fin-wait" },
	{ "tcp: half closed, data the other way", "%E oFA est tcp-fin-wait; rPA est tcp-close-wait; oA est tcp-close-wait; rPA est tcp-close-wait; rFA est tcp-last-ack; oA est tcp-time-wait" },
	{ "tcp: half closed by the other end, data goes on", "%E rFA est tcp-fin-wait; oPA est tcp-close-wait; rA est tcp-close-wait; oPA est tcp-close-wait" },
	{ "tcp: last FIN again", "%E oFA est tcp-fin-wait; rFA est tcp-last-ack; rFA est tcp-last-ack; oA est tcp-time-wait; rFA est tcp-time-wait; oA est tcp-time-wait" },
	{ "tcp: reset when half closed", "%E oFA est tcp-fin-wait; rA est tcp-close-wait; rR est tcp-close" },
	{ "tcp: reset of the last ACK", "%E oFA est tcp-fin-wait; rFA est tcp-last-ack; rR est tcp-close" },
	{ "tcp: SYN when half closed", "%E oFA est tcp-fin-wait; oS est tcp-fin-wait; rS inv tcp-fin-wait" },
	{ "tcp: ports again", "%E %C oS new tcp-syn-sent; rSA est tcp-syn-recv" },
	{ "tcp: ports again, from the other end", "%E %C rS new tcp-syn-sent; oSA est tcp-syn-recv; rA est tcp-established" },
	{ "tcp: ports again after a reset", "%E oR est tcp-close; oS new tcp-syn-sent" },
	{ "tcp: ports again after a reset, from the other end", "%E oR est tcp-close; rS new tcp-syn-sent" },
	{ "tcp: ACK and FIN after a reset", "%E oR est tcp-close; rA est tcp-close; rFA est tcp-close; oR est tcp-close" },
	{ "tcp: SYN+ACK when over", "%E %C rSA est tcp-time-wait" },
	{ "tcp: reset when over", "%E %C rR est tcp-close" },
	/* TCP, from the middle */
	{ "pickup: ACK", "oA new tcp-unacked+p; oA new tcp-unacked; rA est tcp-established+a" },
	{ "pickup: data", "oPA new tcp-unacked; rPA est tcp-established; oPA est tcp-established" },
	{ "pickup: FIN", "oFA new tcp-unacked; rA est tcp-close-wait; rFA est tcp-last-ack; oA est tcp-time-wait" },
	{ "pickup: FIN both ways", "oA new tcp-unacked; rFA est tcp-fin-wait; oFA est tcp-last-ack" },
	{ "pickup: reset", "oR inv -" },
	{ "pickup: reset of what was picked up", "oA new tcp-unacked; rR est tcp-close" },
	{ "pickup: SYN+ACK", "rSA inv -" },
	{ "pickup: SYN behind a stray ACK", "oA new tcp-unacked; oS new tcp-syn-sent; rSA est tcp-syn-recv" },
	{ "pickup: SYN of an end that restarted", "oA new tcp-unacked; rA est tcp-established; rS est tcp-established; oS est tcp-established" },
	{ "pickup: odd flags", "oP inv -; oSAU inv -; oRU inv -" },
	{ "no pickup: ACK", "oA inv -; rA inv -" },
	{ "no pickup: FIN", "oFA inv -" },
	{ "no pickup: SYN", "oS new tcp-syn-sent; rSA est tcp-syn-recv; oA est tcp-established" },
	/* UDP */
	{ "udp: one way", "ou new udp-unreplied; ou new udp-unreplied" },
	{ "udp: answered", "ou new udp-unreplied; ru est udp-replied+r" },
	{ "udp: goes on", "ou new udp-unreplied; ru est udp-replied; ou est udp-replied+a; ru est udp-replied+a" },
	{ "udp: answers alone assure nothing", "ou new udp-unreplied; ru est udp-replied-a; ru est udp-replied-a" },
	/* ICMP */
	{ "icmp: echo", "oe new icmp; re est icmp+r; oe est icmp; re est icmp" },
	{ "icmp: an answer without a query", "re inv -" },
	{ "icmp: queries of both ends with one id", "oe new icmp; qe new icmp; re est icmp" },
	{ "icmp: answer of who asked", "oe new icmp; ae inv -" },
	/* SCTP */
	{ "sctp: open", "o1 new sctp-opening; r2 est sctp-opening; oA est sctp-opening; rB est sctp-established+a; o0 est sctp-established" },
	{ "sctp: begins with INIT only", "o0 inv -; r2 inv -; oB inv -" },
	{ "sctp: COOKIE-ACK of who is not answered", "o1 new sctp-opening; oB new sctp-opening" },
	{ "sctp: abort", "o1 new sctp-opening; r6 est sctp-closing" },
	{ "sctp: shutdown", "o1 new sctp-opening; r2 est sctp-opening; oA est sctp-opening; rB est sctp-established; o7 est sctp-established; r8 est sctp-established; oE est sctp-closing; o1 new sctp-opening" },
	{ "sctp: INIT of a live one", "o1 new sctp-opening; r2 est sctp-opening; oA est sctp-opening; rB est sctp-established; o1 est sctp-established" },
	/* Others */
	{ "gre: one way", "og new other-unreplied; og new other-unreplied" },
	{ "gre: answered", "og new other-unreplied; rg est other-replied+r; og est other-replied" },
};

static const char established[] = "oS new tcp-syn-sent; rSA est tcp-syn-recv; oA est tcp-established;";
static const char closed[] = "oFA est tcp-fin-wait; rFA est tcp-last-ack; oA est tcp-time-wait;";

static const char *const state_names[] = {
#define STATE_NAME(id, name, seconds) name,
	CONNTRACK_STATES(STATE_NAME)
};
static const char *const ct_names[] = { "none", "new", "est", "rel", "inv", "untracked" };

/* ---- the packet of a step ---- */
static void build_l3(struct pkt *p, bool six, bool reply)
{
	static const char *const addr[2][2] = { { "10.0.0.9", "10.0.0.2" }, { "fd00::9", "fd00::2" } };

	pkt_init(p);
	pkt_eth(p);
	if (six)
		pkt_ip6(p, .src = addr[1][reply], .dst = addr[1][!reply]);
	else
		pkt_ip4(p, .src = addr[0][reply], .dst = addr[0][!reply]);
}

static int tcp_flags(const char *what)
{
	static const char letters[] = "FSRPAU";
	int flags = 0;

	for (; *what; what++) {
		if (!strchr(letters, *what))
			return -1;
		flags |= 1 << (strchr(letters, *what) - letters);
	}
	return flags;
}

static void build_sctp(struct pkt *p, bool reply, char chunk)
{
	uint8_t type[4] = { chunk <= '9' ? chunk - '0' : chunk - 'A' + 10, 0, 0, 4 };

	pkt_sctp(p, .sport = reply ? 80 : 1000, .dport = reply ? 1000 : 80);
	pkt_raw(p, type, sizeof(type));
}

/* q: a query of the other end; a: an answer of the originator */
static void build_echo(struct pkt *p, bool six, char who)
{
	bool answer = who == 'r' || who == 'a';

	if (six)
		pkt_icmp6(p, .type = answer ? 129 : 128, .id = 77, .seq = 1);
	else
		pkt_icmp(p, .type = answer ? 0 : 8, .id = 77, .seq = 1);
}

static void build_step(struct pkt *p, bool six, const char *step, bool sctp)
{
	bool reply = step[0] == 'r' || step[0] == 'q';
	const char *what = step + 1;

	build_l3(p, six, reply);
	if (sctp)
		build_sctp(p, reply, *what);
	else if (*what == 'u')
		pkt_udp(p, .sport = reply ? 80 : 1000, .dport = reply ? 1000 : 80);
	else if (*what == 'e')
		build_echo(p, six, step[0]);
	else if (*what == 'g')
		pkt_raw(p, "\0\0\x08\0", 4);
	else
		pkt_tcp(p, .sport = reply ? 80 : 1000, .dport = reply ? 1000 : 80,
			.flags = tcp_flags(what));
	if (*what == 'g')
		pkt_set8(p, six ? pkt_off(p, PKT_IP6, 0) + 6 : pkt_off(p, PKT_IP4, 0) + 9, 47);
	if (*what == 'g' && !six) {
		size_t at = pkt_off(p, PKT_IP4, 0);

		pkt_set16(p, at + 10, 0);
	}
}

/* ---- run ---- */
static void check_flags(const char *where, const char *want, uint32_t flags)
{
	static const struct { char letter; uint32_t flag; } known[] = {
		{ 'a', CONNTRACK_ASSURED }, { 'r', CONNTRACK_REPLIED }, { 'p', CONNTRACK_PICKED_UP },
	};
	unsigned int i;

	for (; *want; want += 2)
		for (i = 0; i < 3; i++)
			if (known[i].letter == want[1] && !!(flags & known[i].flag) != (want[0] == '+'))
				fail_msg("%s: flags are %#x, wanted '%s'", where, flags, want);
}

/* @state: "tcp-close", "udp-replied+a", "-" */
static void check_flow(struct world *w, bool six, const char *where, const char *state, bool in_it)
{
	static uint32_t last;
	const struct shunt_packet *pkt = world_pkt(w);
	size_t len = strcspn(state, "+");
	const char *minus = strstr(state, "-a");
	uint64_t life;

	if (!strcmp(state, "-")) {
		assert_int_equal(pkt->flow, 0);
		return;
	}
	if (minus && !minus[2])
		len = minus - state;
	if (in_it)
		last = pkt->flow;
	if (!last)
		fail_msg("%s: no flow, wanted '%s'", where, state);
	life = world_flow(w, six, last - 1)->life;
	if (strlen(state_names[conntrack_life_state(life)]) != len ||
	    strncmp(state_names[conntrack_life_state(life)], state, len))
		fail_msg("%s: flow is %s, wanted '%s'", where,
			 state_names[conntrack_life_state(life)], state);
	check_flags(where, state + len, conntrack_life_flags(life));
}

static void run_steps(struct world *w, bool six, const struct script *s)
{
	char text[1024], where[160], step[16], ct[16], state[32], *next = text;
	const char *from = s->steps;
	bool invalid, passed;
	struct pkt p;

	text[0] = '\0';
	for (; !strncmp(from, "%E ", 3) || !strncmp(from, "%C ", 3); from += 3)
		strcat(text, from[1] == 'E' ? established : closed);
	strcat(text, from);
	while (sscanf(next, " %15s %15s %31[^; ]", step, ct, state) == 3) {
		snprintf(where, sizeof(where), "%s, IPv%c, '%.60s'", w->xdp ? "xdp" : "tc",
			 six ? '6' : '4', next);
		build_step(&p, six, step, !strncmp(s->name, "sctp", 4));
		passed = world_run(w, p.data, p.len);
		if (strcmp(ct_names[world_pkt(w)->ct_state], ct))
			fail_msg("%s: packet is %s", where, ct_names[world_pkt(w)->ct_state]);
		invalid = !strcmp(ct, "inv");
		assert_int_equal(passed, !invalid);
		if (invalid)
			assert_int_equal(world_pkt(w)->reason, SHUNT_REASON_CT_INVALID);
		check_flow(w, six, where, state, !invalid);
		next += strcspn(next, ";");
		next += *next == ';';
	}
	assert_int_equal(*next, 0);
}

static struct world worlds[2];		/* xdp, tc */

static void forget(struct world *w)
{
	memset(w->tags[0], 0, 8 * w->buckets);
	memset(w->tags[1], 0, 8 * w->buckets);
	memset(w->flow4, 0, sizeof(*w->flow4) * w->buckets * CONNTRACK_WAYS);
	memset(w->flow6, 0, sizeof(*w->flow6) * w->buckets * CONNTRACK_WAYS);
	memset(w->stats, 0, sizeof(*w->stats) * (w->cpus + 1));
}

static void test_script(void **state)
{
	const struct script *s = *state;
	int h, six;

	for (h = 0; h < 2; h++) {
		for (six = 0; six < 2; six++) {
			forget(&worlds[h]);
			worlds[h].conf->flags = strncmp(s->name, "no pickup", 9) ? CONNTRACK_PICKUP : 0;
			run_steps(&worlds[h], six, s);
			assert_int_equal(world_stat(&worlds[h], CONNTRACK_STAT_NEW) -
					 world_stat(&worlds[h], CONNTRACK_STAT_GONE),
					 world_tagged(&worlds[h], six));
		}
	}
}

int main(void)
{
	static struct CMUnitTest tests[sizeof(scripts) / sizeof(scripts[0])];
	size_t i, n = sizeof(scripts) / sizeof(scripts[0]);

	world_open(&worlds[0], true, 16);
	world_open(&worlds[1], false, 16);
	for (i = 0; i < n; i++)
		tests[i] = unit_row(scripts[i].name, test_script, &scripts[i]);
	return unit_main(tests, n);
}
