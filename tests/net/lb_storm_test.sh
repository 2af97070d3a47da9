#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Copyright (c) The shunt authors
# lb_storm_test.sh - ten thousand changes of neighbours: the daemon answers meanwhile, and follows them all
. "$(dirname "$0")/../lib/net.sh"

((EUID)) && skip_all "needs root"
BACKENDS=2000 ROUNDS=5 STALL_MS=${STALL_MS:-250}	# a shared machine takes its time; alone it is 50
. "$(dirname "$0")/../lib/lb.sh"
backend 1
ip -n "$lb" addr add 10.50.0.1/16 dev p1
shuntd_start lb || die "no daemon"

# neighbours MAC: as lines for 'ip -batch'
neighbours() {
	local i

	for ((i = 0; i < BACKENDS; i++)); do
		echo "neigh replace 10.50.$((1 + i / 200)).$((1 + i % 200)) lladdr $1 dev p1 nud permanent"
	done
}
real=$(mac b1 eth0)
neighbours "$real" >"$TMP/real"
ip -n "$lb" -batch "$TMP/real"
{
	cat <<-END2
		version: 1
		nodes:
		  edge:
		    module: lb
		    services:
		      www:
		        address: $VIP
		        port: 80
		        proto: tcp
		        forward: l2
		        backends:
	END2
	sed 's/neigh replace \([^ ]*\) .*/          - { address: \1 }/' "$TMP/real"
	printf 'graphs:\n  in: [edge]\nattach:\n  - { dev: c, hook: tc-ingress, graph: in }\n'
} >"$TMP/lb.yaml"
ok "applied" shunt_ lb apply -q "$TMP/lb.yaml" || finish
ready() { [[ $(backends | grep -c 'up ready') == "$BACKENDS" ]]; }
ok "all ways are ready" wait_for 10 ready
is "flows are answered" "$(who 20000 20009)" "b1 10"

cat >"$TMP/ask.py" <<'END2'
import json, os, socket, sys, time
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
worst = n = 0
while os.path.exists(sys.argv[2]) or n < 3:
    begin = time.monotonic()
    s.sendall(b'{"jsonrpc":"2.0","id":%d,"method":"lb.conn"}\n' % n)
    while not s.recv(65536).endswith(b'\n'):
        pass
    worst = max(worst, time.monotonic() - begin)
    n += 1
    time.sleep(0.002)
print(n, int(worst * 1000))
END2
touch "$TMP/storm"
python3 "$TMP/ask.py" "$TMP/run/shuntd-ro.sock" "$TMP/storm" >"$TMP/asked" &
asks=$!
for ((round = 1; round < ROUNDS; round++)); do
	neighbours "02:00:00:00:00:0$round"
done >"$TMP/batch"
cat "$TMP/real" >>"$TMP/batch"
begin=${EPOCHREALTIME/./}
ok "$((BACKENDS * ROUNDS)) changes" ip -n "$lb" -batch "$TMP/batch"
took=$(((${EPOCHREALTIME/./} - begin) / 1000))
sleep 0.3
rm "$TMP/storm"
wait $asks
read -r n worst <"$TMP/asked"
diag "$took ms; $n questions, the slowest answer after $worst ms"
ok "the daemon answers meanwhile" test "${worst:-99999}" -lt "$STALL_MS"
ok "all ways are ready again" wait_for 10 ready
is "and right: all flows are answered" "$(who 20100 20159)" "b1 60"
finish
