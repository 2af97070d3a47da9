/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* classify.h - lib/classify.h in a program of its own, fed with keys; what fails aborts */
#ifndef TESTS_LIB_CLASSIFY_H
#define TESTS_LIB_CLASSIFY_H

#include <compile/classifier.h>

#define CLASSIFY_KEYS	16384		/* room for keys */

struct classify_key_found {		/* as in classify.bpf.c */
	uint64_t word[CLASSIFIER_KEY6];
	uint32_t prio, ref;
};

struct classify {
	void *object;			/* struct bpf_object */
	int prog_fd;
	uint8_t *image;			/* mapped: for views */
	size_t image_size;
	struct classify_key_found *key;	/* mapped; CLASSIFY_KEYS */
	uint32_t *cursor;
};

struct classify_conf {			/* as in classify.bpf.c */
	uint32_t family6;
	uint32_t above;			/* rows up to this prio do not count */
	uint32_t idle;			/* takes the key, finds nothing: the floor */
};

/* Return: the verifier's time in ns */
uint64_t classify_load(struct classify *classify, const char *path,
		       const struct classifier *classifier, const struct classify_conf *conf);
void classify_unload(struct classify *classify);

/* Look for the first @n keys */
void classify_run(const struct classify *classify, unsigned int n);

/* Words of 32 bits to those of 64 that the program has */
void classify_set_key(const struct classify *classify, unsigned int i, unsigned int family,
		      const uint32_t *key);

#endif
