/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * config_lb.h - services and their backends, as a configuration has them
 *
 *	nodes:
 *	  edge:
 *	    module: lb
 *	    source: 192.0.2.10
 *	    services:
 *	      www:
 *	        address: 203.0.113.10
 *	        port: 443
 *	        proto: tcp
 *	        backends:
 *	          - { address: 10.0.0.1, weight: 10 }
 *	          - { address: 10.0.0.2, state: drain }
 */
#ifndef MODEL_CONFIG_LB_H
#define MODEL_CONFIG_LB_H

#include <stdbool.h>
#include <stdint.h>

#include <model/tree.h>

#include "../../dataplane/lib/lb.h"

#define CONFIG_LB_FLOWS		(1u << 20)	/* that are remembered, where nothing is said */

struct config_backend {
	struct shunt_addr addr;
	uint8_t l3;			/* 4, 6 */
	bool drains;			/* 'state: drain' */
	bool has_id;
	uint16_t port;			/* host order; 0: as the packet has it */
	uint16_t weight;		/* 0: as if it drained */
	uint64_t id;			/* in QUIC connection IDs */
	const struct tree *tree;
};

enum config_health_type {
	CONFIG_HEALTH_TCP, CONFIG_HEALTH_HTTP, CONFIG_HEALTH_HTTPS, CONFIG_HEALTH_UDP,
	CONFIG_HEALTH_ICMP,
};

/* How its backends are asked whether they live (shunt-health) */
struct config_health {
	enum config_health_type type;
	uint16_t port;			/* host order; 0: the backend's, or the service's */
	uint32_t interval_ms, timeout_ms;
	uint16_t rise, fall;		/* good, bad answers in a row */
	uint16_t jitter;		/* per cent of the interval, either way */
	const char *path, *host;	/* HTTP; host: NULL: the backend's address */
	uint16_t status_first, status_last;
	const char *send, *expect;	/* UDP; or NULL */
	const struct tree *tree;
};

struct config_service {
	const char *name;
	struct shunt_addr addr;		/* no bits behind the prefix */
	uint8_t l3;
	uint8_t len;			/* bits of the prefix, of the family; all: one address */
	uint8_t proto;			/* IPPROTO_*; 0: any */
	uint16_t port_first, port_last;	/* host order; 0 to 65535: any */
	enum lb_forward forward;
	enum lb_hash hash;
	enum lb_tracking tracking;
	enum lb_down down;
	bool udp_moves;			/* 'udp: move' */
	bool per_packet;		/* 'stable: packet' */
	uint16_t gue_port;
	uint16_t mss;			/* 0: not looked at */
	uint8_t quic_off, quic_len;	/* bytes; len 0: no such IDs */
	uint32_t table;			/* slots of the ring: a prime */
	uint64_t drain_ms;
	uint64_t slow_start_ms;		/* 0: full weight at once */
	const struct config_health *health;	/* NULL: they are not asked */
	const struct config_backend *sorry;	/* DOWN_SORRY; else NULL */
	struct config_backend *backend;	/* in order of the file */
	unsigned int n_backends;
	const struct tree *tree;
};

/* What a node has beside its module */
struct config_lb {
	struct shunt_addr source[2];	/* of outer headers, IPv4 and IPv6; all zero: by route */
	uint64_t seed;
	struct config_service *service;	/* by name */
	unsigned int n_services;
	const struct tree *tree;	/* the node */
};

const struct config_service *config_service_find(const struct config_lb *lb, const char *name);

const char *config_health_type_name(enum config_health_type type);
/* Where a backend is asked, host order; 0: ICMP */
uint16_t config_health_port(const struct config_service *service,
			    const struct config_backend *backend);

#endif
