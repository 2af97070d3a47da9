#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Copyright (c) The shunt authors
#
# attach_test.sh - attachments on Debian's 6.1 kernel: no tcx, but libxdp's dispatcher works there
#
# usage: tests/vm/attach_test.sh [-k SERIES]   ($O: build directory)

set -u
here=$(dirname "$(realpath "$0")")
cd "$here/../.." || exit 1
series=6.1
[ "${1:-}" != -k ] || series=$2
test=$(realpath "${O:-build}/tests/packet/attach_test")

SHUNT_TEST_DISPATCHER=1 exec tests/vm/run -k "$series" -- bash -c '
	for module in veth sch_ingress cls_bpf cls_u32 act_gact; do
		modprobe "$module" || exit 1
	done
	exec "$0"' "$test"
