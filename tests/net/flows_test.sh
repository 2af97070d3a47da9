#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Copyright (c) The shunt authors
# flows_test.sh - the flow table outlives changes of its size, and the daemon; it goes with the last that needs it
. "$(dirname "$0")/../lib/net.sh"

((EUID)) && skip_all "needs root"
ns_new client
ns_new box
veth client v0 10.0.0.1/24 box in 10.0.0.2/24
MAC=$(mac box in)
FLOWS=2000

apply() {			# apply GRAPH KEYS
	cat >"$TMP/t.yaml" <<-END
		version: 1
		conntrack: { $2 }
		nodes:
		  ct: { module: conntrack }
		  begin: { module: commit }
		  meter: { module: count }
		graphs:
		  in: [$1]
		attach:
		  - { dev: in, hook: xdp, graph: in }
	END
	shunt_ box apply "$TMP/t.yaml"
}

new() {				# flows that came into the table so far
	bpftool -j map dump pinned "$TMP/run/bpf/ct/ct_stats" | python3 -c '
import json, sys
print(sum(int.from_bytes(bytes(int(b, 16) for b in e["value"][:8]), "little")
          for e in json.load(sys.stdin)))'
}

slots() { bpftool -j map show pinned "$TMP/run/bpf/ct/ct_flows4" |
	python3 -c 'import json, sys; print(json.load(sys.stdin)["max_entries"])'; }

traffic() {			# a packet of each flow
	send s client v0 -n "$FLOWS" --dst-mac "$MAC" --src 10.0.0.1 --dst 10.0.0.2 \
		--sport 10000-$((9999 + FLOWS)) --dport 9
}

ok "the daemon starts" shuntd_start box
ok "a graph that tracks flows" apply 'ct, begin' 'flows: 5000'
traffic
is "each is in the table" "$(new)" $FLOWS
is "its size" "$(slots)" 8337
traffic
is "and is found again" "$(new)" $FLOWS
ok "another size, and counters" apply 'ct, begin' 'flows: 9000, counters: true'
is "it has it" "$(slots)" 15001
traffic
is "flows were brought over" "$(new)" $FLOWS
for ((i = 0; i < 10; i++)); do
	((i % 2)) && shuntd_kill9 || shuntd_stop
	shuntd_start box || break
	traffic
done
is "the daemon was stopped and killed, ten times" "$i $(new)" "10 $FLOWS"
ok "timeouts alone" apply 'ct, begin' 'flows: 9000, counters: true, timeouts: { udp-unreplied: 1h }'
traffic
is "the same table" "$(new)" $FLOWS
ok "nothing tracks flows any more" apply 'meter' ''
is "no pin is left" "$(find "$TMP/run/bpf" -name 'ct*' | wc -l)" 0

shunt_ box detach --all >/dev/null
shuntd_stop
finish
