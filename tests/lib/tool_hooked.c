// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * tool_hooked.c - which programs an interface has, as the kernel tells: "HOOK ID NAME", one a line
 * Debian 12's bpftool knows no tcx; clsact filters are not looked for ('tc filter show' tells).
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/bpf.h>
#include <net/if.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#define PROGS_MAX	64

static const struct {
	const char *name;
	uint32_t type;		/* enum bpf_attach_type; tcx is younger than Debian 12's headers */
} tcx[] = { { "tc-ingress", 46 }, { "tc-egress", 47 } };

static void print(const char *hook, uint32_t id)
{
	struct bpf_prog_info info = {};
	uint32_t len = sizeof(info);
	int fd = bpf_prog_get_fd_by_id(id);

	if (fd >= 0)
		bpf_obj_get_info_by_fd(fd, &info, &len);
	printf("%s %u %s\n", hook, id, *info.name ? info.name : "?");
	if (fd >= 0)
		close(fd);
}

static void print_xdp(int ifindex)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, opts);

	if (bpf_xdp_query(ifindex, 0, &opts) < 0)
		return;
	if (opts.drv_prog_id)
		print("xdp", opts.drv_prog_id);
	if (opts.skb_prog_id)
		print("xdp-generic", opts.skb_prog_id);
}

static void print_tcx(int ifindex, unsigned int i)
{
	uint32_t ids[PROGS_MAX] = {}, n;
	union bpf_attr attr = {};

	attr.query.target_fd = ifindex;
	attr.query.attach_type = tcx[i].type;
	attr.query.prog_ids = (uintptr_t)ids;
	attr.query.prog_cnt = PROGS_MAX;
	if (syscall(__NR_bpf, BPF_PROG_QUERY, &attr, sizeof(attr)) < 0)
		return;
	for (n = 0; n < attr.query.prog_cnt && n < PROGS_MAX; n++)
		print(tcx[i].name, ids[n]);
}

int main(int argc, char **argv)
{
	int ifindex = argc == 2 ? if_nametoindex(argv[1]) : 0;
	unsigned int i;

	if (!ifindex) {
		fprintf(stderr, "usage: hooked IFACE: %s\n", strerror(errno));
		return 2;
	}
	print_xdp(ifindex);
	for (i = 0; i < 2; i++)
		print_tcx(ifindex, i);
	return 0;
}
