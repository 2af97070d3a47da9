#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Copyright (c) The shunt authors
# thirdparty_test.sh - a module built out of the tree, from what 'make install' installs, and run
set -u
export LC_ALL=C.UTF-8
cd "$(dirname "$0")/../.." || exit 1
BUILD=${BUILD:-build}
n=0

dir=$(mktemp -d "${TMPDIR:-/tmp}/shunt-test.$$.XXXXXX") || exit 1
trap 'rm -rf "$dir"' EXIT
trap 'exit 143' INT TERM HUP

ok() {		# NAME: by the status of the last command
	local status=$? not=

	((status)) && not="not "
	echo "${not}ok $((++n)) - $1"
	if ((status)) && [[ -s $dir/log ]]; then
		sed 's/^/# /' "$dir/log"
	fi
	: >"$dir/log"
}

is() {		# NAME GOT WANTED
	[[ $2 == "$3" ]] || printf '%s\n' "got:" "$2" "wanted:" "$3" >"$dir/log"
	[[ $2 == "$3" ]]
	ok "$1"
}

make --no-print-directory O="$BUILD" DESTDIR="$dir/root" PREFIX=/usr install >"$dir/log" 2>&1
ok "make install"

# Nothing of the tree is in reach any more
cp tests/thirdparty/mac_allow.bpf.c "$dir"
compile() {	# COMPILER FOLDER
	local hook define

	mkdir -p "$2"
	for hook in xdp tc; do
		define=
		[[ $hook == xdp ]] && define=-DSHUNT_XDP
		(cd "$dir" && "$1" -target bpf -mcpu=v3 -O2 -g -Wall -Wextra -Werror $define \
			-Wno-unused-parameter -I"$dir/root/usr/include" \
			-I"/usr/include/$(uname -m)-linux-gnu" \
			-c -o "$2/mac_allow.$hook.o" mac_allow.bpf.c) >>"$dir/log" 2>&1 || return
	done
}

frame() {	# SOURCE-MAC VLAN
	printf '020000000002%s8100%04x88b5%s\n' "$1" "$2" "$(printf '00%.0s' {1..46})"
}

run_frames() {	# FOLDER HOOK
	cat >"$dir/config.yaml" <<-END
		nodes:
		  door: { module: "$1/mac_allow", config: { vlan: 7, vendor: 11259375 } }
		  meter: { module: count }
		graphs:
		  g: [door, meter]
	END
	{
		frame abcdef000001 7
		frame abcdee000001 7
		frame abcdee000001 8
		frame abcdef000001 $((7 + 0xe000))
		printf '020000000002abcdee00000188b5%s\n' "$(printf '00%.0s' {1..46})"
	} | "$BUILD/tests/rig" "$2" "$dir/config.yaml" 2>&1
}

wanted="meter.next
door.stranger policy
meter.next
meter.next
meter.next"

for compiler in clang clang-19; do
	if ! command -v "$compiler" >/dev/null; then
		echo "ok $((++n)) - $compiler: builds out of the tree # SKIP not installed"
		continue
	fi
	compile "$compiler" "$dir/$compiler"
	ok "$compiler: builds out of the tree"
	for hook in xdp tc-ingress tc-egress; do
		((EUID)) && continue
		is "$compiler: runs at $hook" "$(run_frames "$dir/$compiler" $hook)" "$wanted"
	done
done
echo "1..$n"
