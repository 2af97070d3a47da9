#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Copyright (c) The shunt authors
# lb_control_test.sh - what a balancer knows besides its configuration: over restarts, and of each service
. "$(dirname "$0")/../lib/net.sh"

((EUID)) && skip_all "needs root"
. "$(dirname "$0")/../lib/lb.sh"
lb_world
ip -n "$b1" route add local 198.51.100.0/24 dev lo

cat >"$TMP/lb.yaml" <<END
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
        drain: 8s
        backends: [ { address: 10.1.1.2 }, { address: 10.1.2.2 }, { address: 10.1.3.2 } ]
      dns:
        address: $VIP
        port: 53
        proto: udp
        forward: l2
        tracking: always
        drain: 3s
        table: 1009
        backends: [ { address: 10.1.1.2 }, { address: 10.1.2.2 } ]
      quic:
        address: $VIP
        port: 443
        proto: udp
        forward: l2
        drain: 3s
        table: 1009
        quic: { offset: 0, length: 1 }
        backends: [ { address: 10.1.1.2, id: 1 }, { address: 10.1.2.2, id: 2 }, { address: 10.1.3.2, id: 3 } ]
      slow:
        address: $VIP
        port: 81
        proto: tcp
        forward: l2
        slow-start: 20s
        drain: 3s
        table: 1009
        backends: [ { address: 10.1.1.2 }, { address: 10.1.2.2 } ]
      prefix:
        address: 198.51.100.0/24
        proto: tcp
        port: 80
        forward: l2
        drain: 3s
        table: 1009
        backends: [ { address: 10.1.1.2 } ]
graphs:
  in: [edge]
attach:
  - { dev: c, hook: tc-ingress, graph: in }
END
ok "applied" shunt_ lb apply -q "$TMP/lb.yaml" || finish

# send PORT TO HEX [FROM...]: who answers the datagram, from each of the client's ports; "-" nobody
send() {
	ns_do client python3 - "$@" <<-'END'
		import socket, sys
		for port in map(int, sys.argv[4:] or ['0']):
		    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		    s.bind(('', port))
		    s.settimeout(2)
		    s.sendto(bytes.fromhex(sys.argv[3]), (sys.argv[1], int(sys.argv[2])))
		    try:
		        print(s.recv(2048).decode())
		    except TimeoutError:
		        print('-')
	END
}

again() {			# a daemon that is killed, and the next one
	shuntd_kill9
	shuntd_start lb
}

# ---- a server that is dead for one service and lives for others ----
first=$(send $VIP 53 00 30000)
like "a datagram is answered" "$first" '^b[12]$'
number=${first#b}
is "the next one by the same" "$(send $VIP 53 00 30000)" "$first"
ok "it is down for that service" lb backend down dns "10.1.$number.2"
is "the flow goes to the other one, though it is remembered" "$(send $VIP 53 00 30000)" "b$((3 - number))"
is "for the others it lives" "$(backends | grep -c ' up ')" 3
ok "and is up again" lb backend up dns "10.1.$number.2"

# ---- connection IDs, prefixes ----
ids() {				# who answers short headers with IDs 1 to 3, from several ports
	local id

	for id in 1 2 3; do
		send $VIP 443 "400$id$(printf '%040d' 0)" 31001 31002 31003 31004 | sort -u | tr '\n' ' '
	done
}
is "connection IDs name servers" "$(ids)" "b1 b2 b3 "
ok "one is dead" lb backend down quic 10.1.2.2
ok "its ID names nobody" not grep -q b2 <<<"$(ids)"
ok "and is back" lb backend up quic 10.1.2.2
is "with its ID" "$(ids)" "b1 b2 b3 "
is "an address within a prefix is the service's" "$(ns_do client curl -s --max-time 4 http://198.51.100.77/ | tail -n 1)" b1
like "'lb where' says so" "$(lb where 10.0.0.2:1000 198.51.100.77:80)" "^edge/prefix: slot"

# ---- a slow start goes on ----
slow() {			# tenths and slots of b2 in service slow
	lb service slow -j | python3 -c '
import json, sys
b = json.load(sys.stdin)["services"][0]["backends"][1]
print(b["state"], b["tenths"], b["slots"])'
}
is "b2 serves" "$(slow | cut -d' ' -f1,2)" "up 10"
lb backend down slow 10.1.2.2 >/dev/null
lb backend up slow 10.1.2.2 >/dev/null
like "b2 starts slowly" "$(slow)" '^slow_start [12] ([5-9].|1[0-9].)$'
ok "a new daemon" again
like "goes on with that" "$(slow)" '^slow_start [1-5] ([5-9].|[12]..)$'

# ---- changes that overlap, daemons that die amid them ----
slow_start crash 24000 24 50
ok "b3 drains" lb backend drain www 10.1.3.2
ok "a daemon dies" again
ok "b4 comes" lb backend add www 10.1.4.2 weight 2
ok "another one dies" again
slow_start late 25000 24 50	# on slots that go back to who had them before
before=$(field changing)
(lb backend weight www 10.1.1.2 4 >/dev/null 2>&1) &
asks=$!
sleep 0.0$((RANDOM % 9))
ok "one dies amid a change" again
wait $asks
ok "b1 weighs more, be it by that change or another" lb backend weight www 10.1.1.2 4
ok "a daemon dies when all is done" again
like "former owners of all changes are known" "$(($(field changing) > before))" 1
ok "b3 is back" lb backend up www 10.1.3.2
last=${EPOCHREALTIME/./}
ok "the last one dies" again
is "all downloads end whole" "$(slow_end crash 50)" "24 of 24"
is "those that began between changes, too" "$(slow_end late 50)" "24 of 24"

# Drain times go on: what is left of 8 s is less than a new one
until ((${EPOCHREALTIME/./} - last > 5500000)); do
	sleep 0.1
done
ok "in transition still" not settled
ok "once more" again
start=${EPOCHREALTIME/./}
ok "transitions end" wait_for 20 settled
took=$(((${EPOCHREALTIME/./} - start) / 1000))
diag "$took ms behind the start"
ok "when they would have without a restart" test "$took" -lt 5000
full() { [[ $(slow) =~ ^up\ 10\ 50[45]$ ]]; }
ok "the slow start has come to its end" wait_for 20 full
noteless() { [[ -d $TMP/run/lb && ! $(ls "$TMP/run/lb") ]]; }
ok "no note is left of a ring without past" wait_for 20 noteless
finish
