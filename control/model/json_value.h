/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* json_value.h - messages of the API as jansson's values, in a tenth of its time */
#ifndef MODEL_JSON_VALUE_H
#define MODEL_JSON_VALUE_H

#include <stddef.h>

#include <jansson.h>

/* Return: what json_loadb() with JSON_REJECT_DUPLICATES gives; NULL: it has to be asked */
json_t *json_value_read(const char *text, size_t len);

#endif
