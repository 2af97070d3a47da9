#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Copyright (c) The shunt authors
# monitor_test.sh - what programs log reaches who asked for it; who reads slowly is told what is lost
. "$(dirname "$0")/../lib/net.sh"

((EUID)) && skip_all "needs root"
ns_new box
mkdir -p "$TMP/run/bpf" && mount -t bpf -o mode=0700 bpf "$TMP/run/bpf" || die "no bpffs"
on_exit umount -l "$TMP/run/bpf"
events() { ns_do box "$BUILD/tests/events" "$TMP/run/bpf/events" "$1"; }
sh_() { "$BUILD/shunt" --socket "$TMP/run/shuntd.sock" "$@"; }
listen() {		# listen FILE OPTION...: in the background, until it listens
	local before

	before=$(grep -c "monitor by pid" "$TMP/shuntd.log")
	"$BUILD/shunt" --socket "$TMP/run/shuntd.sock" monitor "${@:2}" >"$TMP/$1" 2>"$TMP/$1.err" &
	LISTENER=$!
	wait_for 5 eval "(( \$(grep -c 'monitor by pid' '$TMP/shuntd.log') > $before ))"
}

ok "a buffer of events" events 5
shuntd_start box || die "no daemon"
printf 'version: 1\nnodes:\n  guard: { module: filter }\n' >"$TMP/config.yaml"
ok "apply" sh_ apply "$TMP/config.yaml"

listen one --count 3
ok "somebody listens" kill -0 "$LISTENER"
events 3
wait "$LISTENER"
is "it ends after three" "$?" 0
is "what came before is not told, nothing twice" "$(wc -l <"$TMP/one")" 3
like "a line" "$(tail -1 "$TMP/one")" \
	'^[0-9:]{8}\.[0-9]{6} lo \? \? 00001234 \?: tcp 10\.0\.0\.1:4000 > 10\.0\.0\.2:81 \[syn\] length 54$'

listen json -j --count 1
events 1
wait "$LISTENER"
like "as JSON" "$(cat "$TMP/json")" \
	'^\{"jsonrpc":"2.0","method":"event","params":\{"time_ns":[0-9]{19},"dev":"lo",.*"dport":81,'

listen node guard
node=$LISTENER
events 1
listen all --count 1
events 1
wait "$LISTENER"
is "of a node alone: not of others" "$(wc -l <"$TMP/node")" 0
ok "it listens on" kill -INT "$node"
wait "$node"
is "until it is interrupted" "$?" 0

like "no such node" "$(sh_ monitor gard 2>&1)" "did you mean 'guard'"
ok "not on the read-only socket" not "$BUILD/tests/rpc" --socket "$TMP/run/shuntd-ro.sock" monitor '{}'

# One who does not read: it is told what it did not get, and the daemon goes on
python3 - "$TMP/run/shuntd.sock" "$BUILD/tests/events" "$TMP/run/bpf/events" >"$TMP/slow" <<-'END'
	import json, socket, subprocess, sys, time
	s = socket.socket(socket.AF_UNIX)
	s.connect(sys.argv[1])
	s.sendall(b'{"jsonrpc":"2.0","id":1,"method":"monitor"}\n')
	f = s.makefile()
	f.readline()
	sent = 0
	for i in range(40):
	    subprocess.run([sys.argv[2], sys.argv[3], "200"], check=True)
	    sent += 200
	    time.sleep(0.02)
	time.sleep(1.2)
	got = lost = 0
	s.settimeout(3)
	try:
	    while got + lost < sent:
	        line = json.loads(f.readline())
	        if line["method"] == "event":
	            got += 1
	        else:
	            lost += line["params"]["client"]
	except TimeoutError:
	    pass
	print(sent == got + lost, lost > 0)
END
is "every event was told, or that it was lost" "$(cat "$TMP/slow")" "True True"
ok "the daemon goes on" sh_ status
shuntd_stop
is "the daemon ends well" "$?" 0
finish
