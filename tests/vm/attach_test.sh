#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Copyright (c) The shunt authors
#
# attach_test.sh - attachments on Debian's 6.1 kernel: no tcx, but libxdp's dispatcher works there
#
# usage: tests/vm/attach_test.sh [-k SERIES]   ($BUILD: build directory)

set -u
here=$(dirname "$(realpath "$0")")
cd "$here/../.." || exit 1
series=6.1
[ "${1:-}" != -k ] || series=$2
folder=$(realpath "${BUILD:-build}")/tests/packet

# One plan for both programs: their own numbers and plans go
SHUNT_TEST_DISPATCHER=1 tests/vm/run -k "$series" -- bash -c '
	for module in veth sch_ingress cls_bpf cls_u32 act_gact; do
		modprobe "$module" || exit 125
	done
	"$0/attach_test" 2>&1; first=$?
	"$0/attach_tc_test" 2>&1 && exit $first' "$folder" | awk '
	/^(not )?ok [0-9]+/ {
		sub(/ok [0-9]+/, "ok " ++n)
		print
		fflush()	# what the guest ends with goes another way, and would split a line
		next
	}
	!/^1\.\.[0-9]+$/ { print ($0 ~ /^#/ ? "" : "# ") $0; fflush() }
	END { print "1.." n + 0 }'
exit "${PIPESTATUS[0]}"
