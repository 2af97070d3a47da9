#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Copyright (c) The shunt authors
# compiler_test.sh - programs of another compiler than the default one load and do the same
#
# What one compiler proves and leaves out, the verifier may miss: each build is a case of its own.
set -u
export LC_ALL=C.UTF-8
cd "$(dirname "$0")/../.." || exit 1
BUILD=$(realpath "${BUILD:-build}")
compiler=clang-19
tests="verifier parse filter model"

if ((EUID)) || ! command -v $compiler >/dev/null; then
	echo "1..0 # SKIP needs root and $compiler"
	exit 0
fi
dir=$(mktemp -d "${TMPDIR:-/tmp}/shunt-test.$$.XXXXXX") || exit 1
trap 'rm -rf "$dir"' EXIT
trap 'exit 143' INT TERM HUP

n=1
mapfile -t objects < <(cd "$BUILD" && ls bpf/*.o bpf/modules/*.o)
if make --no-print-directory CLANG=$compiler O="$dir" "${objects[@]/#/$dir/}" >"$dir/log" 2>&1; then
	echo "ok 1 - $compiler builds them"
else
	sed 's/^/# /' "$dir/log"
	echo "not ok 1 - $compiler builds them"
fi
mkdir -p "$dir/tests/packet"
for test in $tests; do		# a test runs the programs of the build folder that it lies in
	cp "$BUILD/tests/packet/${test}_test" "$dir/tests/packet" &&
		TEST_COUNT=${TEST_COUNT:-10000} "$dir/tests/packet/${test}_test" >"$dir/log" 2>&1
	status=$?
	((status)) && grep -v '^ok' "$dir/log" | head -40 | sed 's/^/# /'
	((status)) && printf 'not '
	echo "ok $((++n)) - $compiler: the $test test passes"
done
echo "1..$n"
