#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Copyright (c) The shunt authors
#
# mirror_test.sh - the mirror of the kernel's tables on Debian's 6.1 kernel, which has VLANs, VRFs and bonds
#
# usage: tests/vm/mirror_test.sh   ($BUILD: build directory)
#
#	WHOLE=1		all cases, for some two minutes: not only those that need this kernel

set -u
here=$(dirname "$(realpath "$0")")
cd "$here/../.." || exit 1
filters='test_vlans test_kinds'
[ -z "${WHOLE:-}" ] || filters='*'

# One plan for all: their own numbers and plans go
tests/vm/run -t 280 -- bash -c '
	for module in veth bridge 8021q vrf bonding vxlan macvlan tun; do
		modprobe "$module" || exit 125
	done
	set -f
	for filter in $1; do
		STORM=3000 TEST_FILTER=$filter "$0/tests/packet/mirror_test" 2>&1 || exit
	done' "$(realpath "${BUILD:-build}")" "$filters" | awk '
	/^(not )?ok [0-9]+/ {
		sub(/ok [0-9]+/, "ok " ++n)
		print
		fflush()
		next
	}
	!/^1\.\.[0-9]+$/ { print ($0 ~ /^#/ ? "" : "# ") $0; fflush() }
	END { print "1.." n + 0 }'
exit "${PIPESTATUS[0]}"
