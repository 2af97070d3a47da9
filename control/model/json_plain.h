/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* json_plain.h - a tree from the JSON that tree_to_json() writes; for json.c only */
#ifndef MODEL_JSON_PLAIN_H
#define MODEL_JSON_PLAIN_H

#include <model/tree.h>

/* Return: in @arena; NULL: the text is no JSON, or has more than maps, lists and plain strings */
struct tree *json_plain_read(const char *text, size_t len, struct arena *arena);

#endif
