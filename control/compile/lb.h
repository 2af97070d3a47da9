/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* lb.h - what the files that plan load balancers share; for compile/ only */
#ifndef COMPILE_LB_H
#define COMPILE_LB_H

#include <compile/compile.h>

/* lb_find.c: destinations of a node's services; findings tell if there are too many ranges */
void lb_find_plan(struct compile *c, struct plan_balancer *balancer,
		  const struct plan_service *service, unsigned int n);
/* All in the order of their keys, as bytes */
void lb_find_sort(struct plan_lb *lb);

#endif
