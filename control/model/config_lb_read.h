/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* config_lb_read.h - what the files that read services have in common; for config*.c only */
#ifndef MODEL_CONFIG_LB_READ_H
#define MODEL_CONFIG_LB_READ_H

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>

#include <model/config_read.h>

#define CONFIG_LB_FLOWS_MAX	(1u << 28)	/* 2 GiB */

/* config_lb_addr.c: findings tell what is wrong; *ret_l3 is set if nothing is */
void config_lb_addr(struct config_reader *r, const struct tree *tree, struct shunt_addr *ret_addr,
		    uint8_t *ret_l3);
/* An address or a prefix */
void config_lb_prefix(struct config_reader *r, const struct tree *tree, struct shunt_addr *ret_addr,
		      uint8_t *ret_l3, uint8_t *ret_len);

/* config_lb_health.c */
const struct config_health *config_lb_read_health(struct config_reader *r, const struct tree *tree);

/* config_lb_check.c: what is right by itself, and does not go together */
void config_lb_check_service(struct config_reader *r, const struct config_service *service);
void config_lb_check_services(struct config_reader *r, const struct config_lb *lb);

#endif
