#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Copyright (c) The shunt authors
#
# share_test.sh - an interface shared with another XDP program, through libxdp's dispatcher
#
# On Debian's 6.1 kernel: where freplace is refused there is no dispatcher to join.

set -u
here=$(dirname "$(realpath "$0")")
cd "$here/../.." || exit 1

# In the guest; its root is thrown away, so nothing is cleaned up
guest() {
	local n=0 daemon t=/tmp/share
	local run=("$BUILD/shuntd" --run-dir $t/run --state-dir $t/state --bpf-dir "$BUILD/bpf")
	local shunt=("$BUILD/shunt" --socket $t/run/shuntd.sock)

	ok() {			# ok NAME CMD...
		local name=$1
		shift
		n=$((n + 1))
		"$@" > $t/out 2>&1 && echo "ok $n - $name" || { echo "not ok $n - $name"; sed 's/^/# /' $t/out; }
	}
	start() {
		"${run[@]}" 2> $t/log &
		daemon=$!
		for _ in {1..100}; do
			"${shunt[@]}" -q status > /dev/null 2>&1 && return
			sleep 0.1
		done
	}
	send() {		# COUNT frames into v0
		python3 -c "
import socket
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(('v1', 0))
for i in range($1):
    s.send(b'\xff' * 6 + b'\x02\0\0\0\0\1\x88\xb5' + bytes(50))"
	}
	shows() {		# shows TEXT CMD...: within 5 s
		local text=$1
		shift
		for _ in {1..50}; do
			"$@" 2>&1 | tee $t/shown | grep -qF "$text" && return
			sleep 0.1
		done
		cat $t/shown
		return 1
	}

	modprobe veth && mkdir -p $t || exit 125
	ip link add v0 type veth peer name v1
	sysctl -qw net.ipv6.conf.v0.disable_ipv6=1 net.ipv6.conf.v1.disable_ipv6=1
	ip link set v0 up
	ip link set v1 up
	printf '%s\n' 'version: 1' 'nodes: { meter: { module: count } }' 'graphs: { in: [meter] }' \
		'attach: [ { dev: v0, hook: xdp, graph: in, share: true, priority: 20 } ]' > $t/a.yaml
	ok "somebody else's program is loaded" xdp-loader load -m native v0 "$BUILD/tests/lib/foreign.xdp.o"
	start
	ok 'apply joins the dispatcher' "${shunt[@]}" apply $t/a.yaml
	ok 'status says so' shows dispatcher "${shunt[@]}" status
	ok 'the dispatcher has both' shows shunt_gate xdp-loader status v0
	ok 'the other one is still there' shows foreign xdp-loader status v0
	send 10
	ok 'frames come through the gate' shows packets=10 "${shunt[@]}" table show meter count_total
	kill -9 $daemon
	wait $daemon 2> /dev/null
	send 10
	start
	ok 'a started daemon takes it up' shows dispatcher "${shunt[@]}" status
	ok 'no frame went by while it was dead' shows packets=20 "${shunt[@]}" table show meter count_total
	ok 'detach' "${shunt[@]}" detach --all
	ok 'leaves the other one' shows foreign xdp-loader status v0
	ok 'and not the gate' bash -c '! xdp-loader status v0 | grep shunt_gate'
	kill $daemon
	echo "1..$n"
}

if [ "${1:-}" = guest ]; then
	guest
	exit 0
fi
BUILD=$(realpath "${BUILD:-build}")
exec tests/vm/run -t 200 -- bash -c 'BUILD=$0 tests/vm/share_test.sh guest' "$BUILD"
