#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Copyright (c) The shunt authors
# api_test.sh - bad, slow and many clients: each gets its answer, nobody else notices, nothing leaks
. "$(dirname "$0")/../lib/net.sh"

((EUID)) && skip_all "needs root"
ns_new box
ip -n "$box" link add in numtxqueues 1 numrxqueues 1 type veth peer peer numtxqueues 1 numrxqueues 1
ip -n "$box" link set in up

rpc() { "$BUILD/tests/rpc" --socket "$TMP/run/shuntd.sock" "$@"; }

clients() {		# of one kind: each of its lines is a result
	local word text

	while read -r word text; do
		case $word in
		pass) ok "$text" true ;;
		fail) ok "${text%%: *}" eval "echo $(printf '%q' "${text#*: }"); false" ;;
		*) echo "$word $text" ;;
		esac
	done < <("$BUILD/tests/api" "$TMP/run/shuntd.sock" "$TMP/run/shuntd-ro.sock" "$1" 2>&1)
	ok "the daemon is there after that ($1)" rpc version
}

# A set that is large enough for an answer that no socket buffers
{
	echo '{ "version": 1, "sets": { "many": { "type": "ip", "elements": [ "10.0.0.1"'
	for ((i = 0; i < 60000; i++)); do
		echo ", \"10.1.$((i / 256)).$((i % 256))\""
	done
	echo '] } }, "nodes": { "guard": { "module": "filter", "rules": [ "tcp dport 23 drop" ] } },
		"graphs": { "in": [ "guard" ] },
		"attach": [ { "dev": "in", "hook": "xdp", "graph": "in" } ] }'
} >"$TMP/config.json"

descriptors() { find "/proc/$SHUNTD_PID/fd" -type l | wc -l; }
resident() { awk '/^VmRSS/ { print $2 }' "/proc/$SHUNTD_PID/status"; }
as_before() { [[ $(descriptors) == "$before" ]]; }

shuntd_start box || die "no daemon"
ok "something runs" rpc --config "$TMP/config.json" apply
generation=$(rpc status '{}' /generation)

clients lines
is "none of them changed anything" "$(rpc status '{}' /generation)" "$generation"

clients many		# the first time may allocate what is kept
before=$(descriptors) memory=$(resident)
clients many
wait_for 10 as_before
is "no descriptor leaks" "$(descriptors)" "$before"
grown=$(($(resident) - memory))
diag "resident: $memory kB, $grown kB more after 2 100 clients"
ok "nor does memory" test "$grown" -lt 2048

clients slow
wait_for 10 as_before
is "slow clients leave nothing behind either" "$(descriptors)" "$before"
is "and what runs, runs" "$(rpc status '{}' /generation /attachments/0/dev | xargs)" "$generation in"

rpc detach '{"all":true}' >/dev/null
shuntd_stop
is "the daemon ends well" "$?" 0
finish
