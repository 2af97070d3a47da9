// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * synproxy.bench.c - what a cookie costs, and a packet of a connection that began by one
 *
 * Root, parser, conntrack and, where there is no flow, a filter of one rule included. The frame is
 * restored each time (restore.bpf.c), also in the floor: that, and an empty program behind it.
 *
 *	gen	a SYN becomes the answer with a cookie. The peer is the kernel's function for it alone
 *	check	the acknowledgement of it becomes the SYN for the server; no flow is begun. The peer
 *		is the kernel's check alone
 *	shift	a segment of an open flow, of the client (in) and of the server (back). The peer is a
 *		flow that no proxy has opened, on the same way
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <stdio.h>
#include <string.h>

#include <bpf/bpf.h>

#include <kernel/object.h>

#include "../lib/bench.h"
#include "../lib/pkt.h"
#include "../lib/rig.h"
#include "restore.h"

#define CLIENT_PORT	4000
#define PROXY_PORT	80
#define PLAIN_PORT	81
#define ISN		0x1000u		/* of the client */
#define SERVER_ISN	0x2000u
#define CLIENT_TS	0x11223344u
#define SERVER_TS	0x55667788u
#define DATA		32

struct conn {
	struct rig *rig;
	bool six;
	uint16_t port;
	uint32_t isn, stamp;		/* of the server, as the client was told */
};

struct segment {
	bool back;			/* of the server */
	uint8_t flags;
	uint32_t seq, ack, tsval, tsecr;
	size_t data;
};

static const char *built(const char *name, uint32_t hook)
{
	char path[64];

	snprintf(path, sizeof(path), "tests/bench/%s.%s.o", name,
		 hook == SHUNT_HOOK_XDP ? "xdp" : "tc");
	return rig_built(path);
}

/* The options are Linux's */
static void build(struct pkt *p, const struct conn *c, const struct segment *s)
{
	const char *client = c->six ? "fd00:1::3" : "10.1.2.3";
	const char *server = c->six ? "fd00::80" : "10.0.0.80";
	uint32_t syn[5] = { htonl(0x020405b4), htonl(0x0402080a), htonl(s->tsval),
			    htonl(s->tsecr), htonl(0x01030307) };
	uint32_t other[3] = { htonl(0x0101080a), htonl(s->tsval), htonl(s->tsecr) };
	bool opens = s->flags & PKT_SYN;

	pkt_init(p);
	pkt_eth(p);
	if (c->six)
		pkt_ip6(p, .src = s->back ? server : client, .dst = s->back ? client : server);
	else
		pkt_ip4(p, .src = s->back ? server : client, .dst = s->back ? client : server,
			.df = true);
	pkt_tcp(p, .sport = s->back ? c->port : CLIENT_PORT,
		.dport = s->back ? CLIENT_PORT : c->port, .seq = s->seq, .ack = s->ack,
		.flags = s->flags, .window = 1000, .opts = opens ? syn : other,
		.opts_len = opens ? sizeof(syn) : sizeof(other));
	if (s->data)
		pkt_fill(p, s->data);
}

static struct rig *world(uint32_t hook, bool keeps)
{
	char yaml[1024];

	snprintf(yaml, sizeof(yaml), "conntrack: { flows: 1000, flows6: 1000 }\n"
		 "nodes:\n  ct: { module: conntrack }\n"
		 "  guard: { module: filter, rules: [ tcp dport %d synproxy ] }\n"
		 "  p: { module: synproxy }\n  keep: { module: commit }\n"
		 "graphs:\n  g:\n    entry: ct\n    edges:\n"
		 "      ct: { established: p, related: p, next: guard, invalid: guard }\n"
		 "      guard: { accept: keep, synproxy: p }\n      p: { next: %s }\n"
		 "      keep: { next: pass }\n", PROXY_PORT, keeps ? "keep" : "pass");
	return rig_new(yaml, hook);
}

static struct rig_outcome out;

static void step(const struct conn *c, const struct segment *s, const char *left)
{
	struct pkt p;

	build(&p, c, s);
	if (rig_run(c->rig, p.data, p.len, &out) < 0 || out.fault[0])
		bench_die("a packet", out.fault);
	if (strcmp(out.left, left))
		bench_die("a packet left by", out.left);
}

/* Of the TCP header that came out, which has nothing between it and the addresses */
static uint32_t out_word(const struct conn *c, size_t off)
{
	uint32_t word;

	memcpy(&word, out.data + 14 + (c->six ? 40 : 20) + off, sizeof(word));
	return ntohl(word);
}

static const struct segment syn = { .flags = PKT_SYN, .seq = ISN, .tsval = CLIENT_TS };

static void ask(struct conn *c)
{
	step(c, &syn, "p.reply");
	c->isn = out_word(c, 4);
	c->stamp = out_word(c, 28);
}

static struct segment from_client(const struct conn *c, size_t data)
{
	return (struct segment){ false, PKT_ACK, ISN + 1, c->isn + 1, CLIENT_TS + 1, c->stamp,
				 data };
}

static struct segment from_server(size_t data)
{
	return (struct segment){ true, PKT_ACK, SERVER_ISN + 1, ISN + 1, SERVER_TS, CLIENT_TS + 1,
				 data };
}

/* Until data may go either way */
static void open_conn(struct conn *c)
{
	struct segment answer = { true, PKT_SYN | PKT_ACK, SERVER_ISN, ISN + 1, SERVER_TS,
				  CLIENT_TS + 1, 0 };
	struct segment ack;

	if (c->port == PROXY_PORT) {
		ask(c);
	} else {
		step(c, &syn, "keep.next");
		c->isn = SERVER_ISN;
		c->stamp = SERVER_TS;
	}
	ack = from_client(c, 0);
	if (c->port == PROXY_PORT)
		step(c, &ack, "keep.next");
	step(c, &answer, "keep.next");
	step(c, &ack, "keep.next");
}

static int load(const char *name, uint32_t hook, const struct object_value *value, unsigned int n,
		struct object_loaded *ret_loaded)
{
	struct err err = { 0 };

	if (object_load(built(name, hook), name, value, n, NULL, 0, NULL, ret_loaded, &err) < 0)
		bench_die(name, err.text);
	return ret_loaded->prog_fd;
}

/* A program that restores the frame, in front of another */
static int restore(const struct pkt *p, uint32_t hook, int to_fd, struct object_loaded *ret_loaded)
{
	const uint32_t len = p->len;
	const struct object_value value = { "restore_len", &len, sizeof(len) };
	struct restore_frame frame = { 0 };
	uint32_t zero = 0;

	if (p->len > sizeof(frame))
		bench_die("restore", "frame too long");
	memcpy(&frame, p->data, p->len);
	load("restore", hook, &value, 1, ret_loaded);
	if (bpf_map_update_elem(object_loaded_map(ret_loaded, "restore_frame"), &zero, &frame, 0) ||
	    bpf_map_update_elem(object_loaded_map(ret_loaded, "restore_to"), &zero, &to_fd, 0))
		bench_die("restore", strerror(errno));
	return ret_loaded->prog_fd;
}

/* @peer, @peer_fd: another frame and program. @left: what the rig's packets leave by */
static void measure(const char *name, const struct rig *rig, const struct pkt *p,
		    const struct pkt *peer, int peer_fd, const char *left)
{
	const struct pkt *frame[3] = { p, p, peer };
	struct object_loaded loaded[3], empty;
	uint64_t all, gone;
	struct bench_times times[3];
	struct bench_side side[3];
	int to[3] = { load("empty", rig->hook, NULL, 0, &empty), rig->root_fd, peer_fd };

	for (int i = 0; i < 3; i++)
		side[i] = (struct bench_side){
			restore(frame[i], rig->hook, to[i], &loaded[i]), frame[i]->data,
			frame[i]->len,
		};
	all = rig_edge(rig, "root.next");
	gone = rig_edge(rig, left);
	bench_run(side, 3, times);
	if (rig_edge(rig, left) - gone != rig_edge(rig, "root.next") - all)
		bench_die(name, "some packets went another way");
	for (int i = 0; i < 3; i++) {
		bench_sort(&times[i]);
		object_loaded_fini(&loaded[i]);
	}
	object_loaded_fini(&empty);
	bench_print(&(struct bench_line){
		.name = name, .n = 1, .ns = bench_median(&times[1]), .min_ns = bench_min(&times[1]),
		.floor_ns = bench_median(&times[0]), .peer_ns = bench_median(&times[2]),
	});
}

static bool wanted(char *name, size_t size, const struct conn *c, uint32_t hook, const char *what)
{
	snprintf(name, size, "%ssynproxy.%s.%s", hook == SHUNT_HOOK_XDP ? "" : "tc.", what,
		 c->six ? "6" : "4");
	return bench_wanted(name);
}

/* Whether the kernel made, or took, the cookie */
static void check_kernel(int fd, const struct pkt *p, uint32_t hook)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = p->data, .data_size_in = p->len,
		    .repeat = 1);

	if (bpf_prog_test_run_opts(fd, &opts) < 0)
		bench_die("cookie", strerror(errno));
	if (opts.retval == (hook == SHUNT_HOOK_XDP ? XDP_DROP : TC_ACT_SHOT))
		bench_die("cookie", "the kernel's function refuses");
}

static void cookie(uint32_t hook, bool six, bool check)
{
	const uint32_t of[2] = { six, check };
	const struct object_value value[] = {
		{ "cookie_six", &of[0], sizeof(of[0]) }, { "cookie_check", &of[1], sizeof(of[1]) },
	};
	const char *left = check ? "p.next" : "p.reply";
	struct conn c = { .six = six, .port = PROXY_PORT };
	struct object_loaded kernel;
	struct segment s = syn;
	char name[64];
	struct pkt p;

	if (!wanted(name, sizeof(name), &c, hook, check ? "check" : "gen"))
		return;
	c.rig = world(hook, false);
	ask(&c);
	if (check)
		s = from_client(&c, 0);
	step(&c, &s, left);
	build(&p, &c, &s);
	load("cookie", hook, value, 2, &kernel);
	check_kernel(kernel.prog_fd, &p, hook);
	measure(name, c.rig, &p, &p, kernel.prog_fd, left);
	object_loaded_fini(&kernel);
	rig_free(c.rig);
}

static void shifts(uint32_t hook, bool six, bool back)
{
	struct conn c = { .six = six, .port = PROXY_PORT };
	struct conn plain = { .six = six, .port = PLAIN_PORT };
	struct segment s;
	struct pkt p, peer;
	char name[64];

	if (!wanted(name, sizeof(name), &c, hook, back ? "shift.back" : "shift.in"))
		return;
	c.rig = plain.rig = world(hook, true);
	open_conn(&c);
	open_conn(&plain);
	s = back ? from_server(DATA) : from_client(&c, DATA);
	build(&p, &c, &s);
	step(&c, &s, "keep.next");
	if (out_word(&c, back ? 4 : 8) == (back ? s.seq : s.ack))
		bench_die(name, "a number was not shifted");
	s = back ? from_server(DATA) : from_client(&plain, DATA);
	build(&peer, &plain, &s);
	step(&plain, &s, "keep.next");
	measure(name, c.rig, &p, &peer, c.rig->root_fd, "keep.next");
	rig_free(c.rig);
}

int main(void)
{
	static const uint32_t hooks[] = { SHUNT_HOOK_XDP, SHUNT_HOOK_TC_INGRESS };

	bench_init();
	for (int hook = 0; hook < 2; hook++)
		for (int six = 0; six < 2; six++) {
			cookie(hooks[hook], six, false);
			cookie(hooks[hook], six, true);
			shifts(hooks[hook], six, false);
			shifts(hooks[hook], six, true);
		}
	return 0;
}
