/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* methods_lb.h - what the methods of load balancers share */
#ifndef DAEMON_METHODS_LB_H
#define DAEMON_METHODS_LB_H

#include <daemon/lb.h>
#include <daemon/methods.h>

#define LB_ADDR_SIZE	64		/* of an address with its port or prefix length, as text */

/* An address and maybe a port: "10.0.0.1", "10.0.0.1:80", "fd00::1", "[fd00::1]:80" */
struct lb_end {
	struct shunt_addr addr;
	uint8_t l3;			/* 4, 6 */
	uint16_t port;			/* 0: none */
};

/* methods_lb.c. Return: whether it is one */
bool lb_end_read(const char *text, struct lb_end *ret_end);
void lb_end_print(const struct shunt_addr *addr, uint8_t l3, uint16_t port, char *ret_text);

/*
 * The running service that parameter 'service' names: NAME, or NODE/NAME where several nodes have one of
 * that name. Return: NULL: @error is filled
 */
struct lb_run *lb_called_service(struct daemon *daemon, const struct rpc_call *call,
				 struct rpc_error *error);
/* The backend that parameter 'backend' names: an address, with its port if it has one. Return: 0; -1 */
int lb_called_backend(const struct lb_run *run, const struct rpc_call *call,
		      unsigned int *ret_owner, struct rpc_error *error);

#endif
