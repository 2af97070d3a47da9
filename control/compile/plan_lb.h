/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * plan_lb.h - the load balancers of a plan: what the tables of dataplane/lib/lb.h are to hold
 *
 * DOC: Nodes, services, rings, backends and counters have numbers by slots.c: who is in two plans has
 * one number. A service's number goes with its content (a changed service has another), its ring's with
 * its name and size. Before a backend's number goes to another one, flows that remember it
 * must be forgotten: a plan never gives away what the running plan has.
 */
#ifndef COMPILE_PLAN_LB_H
#define COMPILE_PLAN_LB_H

#include <stdbool.h>
#include <stdint.h>

#include <model/config_lb.h>

/* One address and port, way of forwarding and source: shared by all services that have it */
struct plan_backend {
	uint32_t number;		/* element of lb_backends */
	uint16_t port;			/* host order; 0: none of its own */
	enum lb_forward forward;
	/*
	 * addr, l3, counter, nat; src, all zero: what the kernel's route takes. All else is the kernel's to
	 * know, or the daemon's
	 */
	struct lb_backend entry;
};

/* A backend as a service has it */
struct plan_owner {
	const struct plan_backend *backend;
	uint32_t weight;		/* 0: it owns nothing, be it that it drains */
	uint64_t id;			/* in QUIC connection IDs; key of lb_quic with the service's quic_ids */
	const struct config_backend *config;
};

struct plan_service {
	const char *node, *name;
	uint32_t number;		/* element of lb_services */
	struct lb_service entry;
	uint64_t ring_seed;
	uint64_t drain_ms;		/* tracking 'never': 0 */
	uint64_t slow_start_ms;
	struct plan_owner *owner;	/* in order of the file */
	unsigned int n_owners;
	const struct plan_backend *sorry;	/* or NULL */
	const struct config_service *config;
};

struct plan_vip {
	struct lb_vip key;
	uint32_t value;			/* as of lb_vips */
};

struct plan_net {
	struct lb_net key;
	uint32_t value;
};

struct plan_ranges {
	uint32_t number;		/* element of lb_ranges: goes with its content */
	struct lb_ranges entry;
};

/* A node: rodata of its programs */
struct plan_balancer {
	const char *node;
	uint32_t number;		/* 'lb_node' */
	uint32_t kinds;			/* 'lb_kinds': LB_KIND_* */
	bool translates;		/* some service forwards by NAT */
};

struct plan_lb {
	struct plan_balancer *balancer;
	unsigned int n_balancers;
	struct plan_service *service;	/* by node and name */
	unsigned int n_services;
	struct plan_backend **backend;	/* in order of first use */
	unsigned int n_backends;
	struct plan_vip *vip;
	unsigned int n_vips;
	struct plan_net *net;
	unsigned int n_nets;
	struct plan_ranges *ranges;
	unsigned int n_ranges;
	uint32_t room;			/* 'lb_room': counters of a CPU; never fewer than before */
	uint32_t buckets;		/* of lb_flows: a power of two */
};

#endif
