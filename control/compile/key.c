// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * key.c - a hash of what a graph's rendering is made of: equal key, same rendering
 *
 * DOC: Counters are part of it although a name keeps its counter: programs that
 * are kept count where they were told to, and the plan must say the same.
 */
#include <string.h>

#include <compile/compile.h>

/* FNV-1a, 64 bit (G. Fowler, L. Noll, K.-P. Vo) */
#define HASH_PRIME	1099511628211ull

/* Eight bytes a step where there are as many: images are megabytes */
uint64_t key_bytes(uint64_t hash, const void *data, size_t len)
{
	const uint8_t *byte = data;
	uint64_t word;

	for (; len >= sizeof(word); byte += sizeof(word), len -= sizeof(word)) {
		memcpy(&word, byte, sizeof(word));
		hash = (hash ^ word) * HASH_PRIME;
		hash ^= hash >> 32;	/* high bits reach the low ones */
	}
	for (; len; byte++, len--)
		hash = (hash ^ *byte) * HASH_PRIME;
	return hash;
}

static void hash_bytes(uint64_t *hash, const void *data, size_t len)
{
	*hash = key_bytes(*hash, data, len);
}

static void hash_number(uint64_t *hash, uint64_t number)
{
	hash_bytes(hash, &number, sizeof(number));
}

/* With its end, so that "ab", "c" is not "a", "bc"; NULL is not "" */
static void hash_text(uint64_t *hash, const char *text)
{
	hash_number(hash, text ? strlen(text) + 1 : 0);
	if (text)
		hash_bytes(hash, text, strlen(text));
}

static void hash_edge(uint64_t *hash, const struct plan_edge *edge)
{
	hash_text(hash, edge->name);
	hash_text(hash, edge->target);
	hash_text(hash, edge->reason);
	hash_bytes(hash, &edge->rodata, sizeof(edge->rodata));
}

static void hash_table(uint64_t *hash, const struct plan_table *table)
{
	hash_text(hash, table->table->name);
	hash_number(hash, table->table->schema);
	hash_number(hash, table->table->entries);
	hash_number(hash, table->kind);
}

static void hash_module(uint64_t *hash, const struct module *module, uint32_t hook)
{
	hash_text(hash, module->name);
	hash_text(hash, module->path[hook != SHUNT_HOOK_XDP]);
	hash_number(hash, module->hash[hook != SHUNT_HOOK_XDP]);
	hash_number(hash, module->abi);
	hash_number(hash, module->hooks);
	hash_number(hash, module->open_edges);
}

static void hash_node(uint64_t *hash, const struct plan_node *node, uint32_t hook)
{
	unsigned int i;

	hash_text(hash, node->name);
	hash_number(hash, node->slot);
	hash_number(hash, node->miss_counter);
	hash_module(hash, node->module, hook);
	hash_number(hash, node->n_edges);
	for (i = 0; i < node->n_edges; i++)
		hash_edge(hash, &node->edge[i]);
	hash_number(hash, node->n_values);
	for (i = 0; i < node->n_values; i++) {
		hash_text(hash, node->value[i].name);
		hash_number(hash, node->value[i].size);
		hash_bytes(hash, node->value[i].data, node->value[i].size);
	}
	hash_number(hash, node->n_tables);
	for (i = 0; i < node->n_tables; i++)
		hash_table(hash, &node->table[i]);
	hash_number(hash, node->filter ? node->filter->hash : 0);
}

uint64_t key_graph(const struct plan_graph *graph, const struct module *root)
{
	uint64_t hash = KEY_START;
	unsigned int i;

	hash_text(&hash, graph->name);
	hash_number(&hash, graph->hook);
	hash_number(&hash, graph->slot);
	hash_number(&hash, graph->depth);
	hash_number(&hash, graph->entry_counter);
	hash_number(&hash, graph->miss_counter);
	hash_number(&hash, graph->reason_counter);
	hash_number(&hash, graph->drop_counter);
	hash_number(&hash, graph->entry_slot);
	hash_text(&hash, graph->boundary);
	hash_text(&hash, graph->producer);
	if (root)
		hash_module(&hash, root, graph->hook);
	hash_number(&hash, graph->n_nodes);
	for (i = 0; i < graph->n_nodes; i++)
		hash_node(&hash, &graph->node[i], graph->hook);
	return hash;
}
