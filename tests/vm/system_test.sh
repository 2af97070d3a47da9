#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Copyright (c) The shunt authors
#
# system_test.sh - the whole of it on Debian's 6.1 kernel, where tc is clsact
# TEST_TIMEOUT=1200
#
# usage: tests/vm/system_test.sh [-k SERIES]   ($BUILD: build directory)
#
#	SWAPS=n		of each hook (5): each takes a second where there is no KVM
#	TEST_EVERY=n	of the filter's cases (5), for the same reason

set -u
here=$(dirname "$(realpath "$0")")
cd "$here/../.." || exit 1
series=6.1
[ "${1:-}" != -k ] || series=$2

# Each file's results under its own name; a file that ends badly is one, too
tests/vm/run -k "$series" -t 1100 -- bash -c '
	export BUILD=$0 SWAPS=$1 REPLACES=$1 RATE=2000 RULES=300 TEST_COUNT=2000 TEST_EVERY=$2
	for module in veth sch_ingress cls_bpf 8021q bridge; do
		modprobe "$module" || exit 125
	done
	for file in "$BUILD"/tests/kernel/facts_test \
		"$BUILD"/tests/packet/{verifier,filter,parse,model,module,boundary}_test \
		tests/net/{vlan,lifecycle,swap}_test.sh; do
		[ -x "$file" ] || continue
		name=${file##*/} SECONDS=0
		"$file" 2>&1 | sed "s/^\(not ok\|ok\) [0-9]*/\1 0 - ${name%%_test*}/"
		status=${PIPESTATUS[0]}
		if ((status)); then echo "not ok 0 - $name ends with $status"; fi
		echo "# $name: $SECONDS s"
	done
	exit 0' "$(realpath "${BUILD:-build}")" "${SWAPS:-5}" \
	"${TEST_EVERY:-5}" | awk '
	/^(not )?ok [0-9]+/ {
		failed += /^not/
		sub(/ok [0-9]+/, "ok " ++n)
		print
		fflush()
		next
	}
	!/^1\.\.[0-9]+/ { print ($0 ~ /^#/ ? "" : "# ") $0; fflush() }
	END { print "1.." n + 0; exit failed || !n }'
statuses=("${PIPESTATUS[@]}")
exit $((statuses[0] ? statuses[0] : statuses[1]))
