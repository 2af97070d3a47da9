/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* verifier.h - from the verifier's log to the line of source that it refused */
#ifndef KERNEL_VERIFIER_H
#define KERNEL_VERIFIER_H

#include <stddef.h>
#include <stdint.h>

#include <bpf/btf.h>

#include <base/err.h>

#define VERIFIER_LOG_MAX	(UINT32_MAX >> 8)	/* bytes; the most that any kernel takes */

struct verifier_report {
	int code;			/* -errno of the load */
	const char *what;		/* "node 'guard' of graph 'edge-in' at xdp" */
	const char *log;
	const char *section;		/* ELF section of the program */
	const struct btf *btf;		/* of the object file; NULL: none */
	const void *btf_ext;		/* its .BTF.ext section; aligned to 4 */
	size_t btf_ext_len;
	const char *log_dir;		/* where the whole log goes, as WHAT.log; NULL: nowhere */
};

/**
 * verifier_refused() - Say where and why the verifier stopped
 * Kernels from 6.10 on write file and line into the log; for older ones they are looked
 * up in the object's line info by instruction and text.
 * Return: @report->code
 */
int verifier_refused(const struct verifier_report *report, struct err *err);

#endif
