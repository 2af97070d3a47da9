#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Copyright (c) The shunt authors
#
# rules_test.sh - conditions, statements, answers and translations of rules, flows, and services on Debian's 6.1 kernel
#
# usage: tests/vm/rules_test.sh [-k SERIES]   ($BUILD: build directory)

set -u
here=$(dirname "$(realpath "$0")")
cd "$here/../.." || exit 1
series=6.1
[ "${1:-}" != -k ] || series=$2
folder=$(realpath "${BUILD:-build}")/tests/packet

# One plan for all programs: their own numbers and plans go
tests/vm/run -k "$series" -- bash -c '
	status=0
	for test in filter_ext filter_stmt filter_flow reject rewrite nat conntrack conntrack_packet lb lb_track decap lb_tables zone flows flows_carry; do
		"$0/${test}_test" 2>&1 || status=1
	done
	exit $status' "$folder" | awk '
	/^(not )?ok [0-9]+/ {
		sub(/ok [0-9]+/, "ok " ++n)
		print
		fflush()	# what the guest ends with goes another way, and would split a line
		next
	}
	!/^1\.\.[0-9]+$/ { print ($0 ~ /^#/ ? "" : "# ") $0; fflush() }
	END { print "1.." n + 0 }'
exit "${PIPESTATUS[0]}"
