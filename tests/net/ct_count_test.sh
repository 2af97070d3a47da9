#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Copyright (c) The shunt authors
# ct_count_test.sh - a host that takes so many connections of each client, and no more
. "$(dirname "$0")/../lib/net.sh"

((EUID)) && skip_all "needs root"
ns_new client ipv6
ns_new box ipv6
veth client v0 10.0.0.1/24 box in 10.0.0.254/24
ip -n "$client" addr add 10.0.0.2/24 dev v0
ip -n "$client" addr add fd00::1/64 dev v0 nodad
ip -n "$box" addr add fd00::fe/64 dev in nodad
gro_on client v0

apply() {			# HOOK LIMIT MORE-RULES
	cat >"$TMP/limit.yaml" <<-END
		version: 1
		conntrack: { flows: 100, flows6: 100, timeouts: { tcp-time-wait: 200ms, tcp-close: 200ms } }
		nodes:
		  ct: { module: conntrack }
		  guard:
		    module: filter
		    rules:
		      - ct state established accept$3
		      - tcp dport 80 ct count over $2 per saddr drop
		  keep: { module: commit }
		graphs:
		  in: [ct, guard, keep]
		  out: [ct]
		attach:
		  - { dev: in, hook: $1, graph: in }
		  - { dev: in, hook: tc-egress, graph: out }
	END
	shunt_ box apply "$TMP/limit.yaml"
}

cat >"$TMP/server.py" <<-'END'
	import selectors, socket
	s = socket.create_server(("::", 80), family=socket.AF_INET6, dualstack_ipv6=True, backlog=64)
	sel = selectors.DefaultSelector()
	sel.register(s, selectors.EVENT_READ)
	while True:
	    for key, _ in sel.select():
	        if key.fileobj is s:
	            sel.register(s.accept()[0], selectors.EVENT_READ)
	        elif not key.fileobj.recv(100):
	            sel.unregister(key.fileobj)
	            key.fileobj.close()
END
# open SOURCE N: how many of N are let in; close SOURCE N: so many end
cat >"$TMP/client.py" <<-'END'
	import socket, sys
	held = {}
	for line in sys.stdin:
	    what, source, n = line.split()
	    have = held.setdefault(source, [])
	    good = 0
	    for i in range(int(n)):
	        if what == "close":
	            have.pop().close()
	            continue
	        try:
	            to = "fd00::fe" if ":" in source else "10.0.0.254"
	            have.append(socket.create_connection((to, 80), 0.7, (source, 0)))
	            good += 1
	        except OSError:
	            pass
	    print(good, flush=True)
END
ns_do box python3 "$TMP/server.py" &
on_exit kill $!
coproc CLIENT { ns_do client python3 "$TMP/client.py"; }
on_exit kill "$CLIENT_PID"
ask() {				# WHAT SOURCE N
	echo "$*" >&"${CLIENT[1]}"
	read -r -t 20 answer <&"${CLIENT[0]}" && echo "$answer"
}
counted() {			# PREFIX
	shunt_ box filter limits -j | python3 -c 'import json, sys
print(sum(c["flows"] for c in json.load(sys.stdin)["counts"] if c["prefix"] == sys.argv[1]))' "$1"
}
counts() { [[ $(counted "$1") == "$2" ]]; }
tried() { shunt_ box rule test guard tcp dport 80 ip saddr "$1" ct state new | head -1; }

shuntd_start box || die "no daemon"
for hook in xdp tc-ingress; do
	ok "$hook: apply" apply $hook 3 ""
	is "$hook: three of five are let in" "$(ask open 10.0.0.1 5)" 3
	is "$hook: another client's are others" "$(ask open 10.0.0.2 2)" 2
	is "$hook: IPv6" "$(ask open fd00::1 4)" 3
	is "$hook: counted" "$(counted 10.0.0.1/32) $(counted 10.0.0.2/32) $(counted fd00::/64)" "3 2 3"
	like "$hook: shown" "$(shunt_ box filter limits guard)" \
		'guard +[0-9a-f]{8} +10.0.0.1/32 +3 +yes +ct count over 3 per saddr'
	is "$hook: tried" "$(tried 10.0.0.1) $(tried 10.0.0.2)" "drop accept"
	is "$hook: which counts nothing" "$(counted 10.0.0.2/32)" 2
	ask close 10.0.0.1 2 >"$TMP/ignored"
	ok "$hook: closed ones leave the count" wait_for 5 counts 10.0.0.1/32 1
	is "$hook: others take their place" "$(ask open 10.0.0.1 3)" 2

	ok "$hook: another rule" apply $hook 3 $'\n      - udp dport 7 drop'
	is "$hook: the count goes on" "$(ask open 10.0.0.1 1) $(counted 10.0.0.1/32)" "0 3"
	shuntd_stop box
	shuntd_start box || die "no daemon"
	is "$hook: over a restart" "$(ask open 10.0.0.1 1) $(counted 10.0.0.1/32)" "0 3"
	ok "$hook: another number" apply $hook 5 ""
	is "$hook: the same count" "$(ask open 10.0.0.1 3) $(counted 10.0.0.1/32)" "2 5"
	sed -i 's/flows: 100,/flows: 5000,/' "$TMP/limit.yaml"
	ok "$hook: a table of another size" shunt_ box apply "$TMP/limit.yaml"
	is "$hook: still the same" "$(ask open 10.0.0.1 1) $(counted 10.0.0.1/32)" "0 5"
	shunt_ box conn del --all >"$TMP/ignored"
	is "$hook: removed ones are not counted" "$(counted 10.0.0.1/32)" 0
	ask close 10.0.0.1 5 >"$TMP/ignored"
	ask close 10.0.0.2 2 >"$TMP/ignored"
	ask close fd00::1 3 >"$TMP/ignored"
	shunt_ box detach --all >"$TMP/ignored"
done

finish
