#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Copyright (c) The shunt authors
# health_test.sh - shunt-health with a daemon: backends that die are left out, and come back
. "$(dirname "$0")/../lib/net.sh"

((EUID)) && skip_all "needs root"
VIP=203.0.113.10
ns_new client
ns_new lb
veth client eth0 10.0.0.2/24 lb c 10.0.0.1/24
ip -n "$client" route add default via 10.0.0.1
ns_do lb sysctl -qw net.ipv4.ip_forward=1 net.ipv4.ping_group_range="0 0"

cat >"$TMP/server.py" <<'END'
import http.server, sys

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(sys.argv[1].encode() + b'\n')
    def log_message(self, *args):
        pass

http.server.ThreadingHTTPServer(('', 80), Handler).serve_forever()
END

server_start() {		# server_start N
	nsenter --net="/run/netns/$(ns_name "b$1")" python3 "$TMP/server.py" "b$1" >/dev/null 2>&1 &
	NET_PIDS["b$1"]=$!
	wait_for 10 listens "b$1" || die "server $1 does not start"
}

listens() {
	[[ $(ns_do "$1" ss -Hltn) == *":80 "* ]]
}

server_stop() {			# server_stop N
	net_end "${NET_PIDS["b$1"]}"
	unset "NET_PIDS[b$1]"
}

for i in 1 2 3; do
	ns_new "b$i"
	veth lb "p$i" "10.1.$i.1/24" "b$i" eth0 "10.1.$i.2/24"
	ip -n "$(ns_name "b$i")" addr add "$VIP/32" dev lo
	ip -n "$(ns_name "b$i")" route add default via "10.1.$i.1"
	server_start $i
done
shuntd_start lb || die "no daemon"

config() {			# config HEALTH
	cat >"$TMP/lb.yaml" <<-END
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
		        table: 1009
		        $1
		        backends: [ { address: 10.1.1.2 }, { address: 10.1.2.2 }, { address: 10.1.3.2 } ]
		graphs:
		  in: [edge]
		attach:
		  - { dev: c, hook: tc-ingress, graph: in }
	END
	shunt_ lb apply -q "$TMP/lb.yaml"
}

# Root owns the socket; it has no capability at all
health_start() {
	nsenter --net="/run/netns/$(ns_name lb)" setpriv --bounding-set=-all --inh-caps=-all \
		"$BUILD/shunt-health" -s "$TMP/run/shuntd.sock" >>"$TMP/health.log" 2>&1 &
	NET_PIDS[health]=$!
}

said() {			# said TEXT: how often
	grep -c "$1" "$TMP/health.log"
}

said_times() {			# said_times N TEXT
	[[ $(said "$2") == "$1" ]]
}

states() {
	shunt_ lb lb service www -j | python3 -c '
import json, sys
print(*(b["state"] for b in json.load(sys.stdin)["services"][0]["backends"]))'
}

states_are() {
	[[ $(states) == "$*" ]]
}

who() {				# the servers that answer forty flows
	local port

	for ((port = $1; port < $1 + 40; port++)); do
		ns_do client timeout 5 curl -s --max-time 4 --local-port $port "http://$VIP/"
	done | sort -u | tr '\n' ' '
}

# ---- HTTP ----
: >"$TMP/health.log"
ok "a service with checks" \
	config "health: { type: http, interval: 100ms, timeout: 1s, rise: 2, fall: 2 }"
health_start
ok "all are found to be up" wait_for 10 said_times 3 "is up"
is "and serve" "$(states)" "up up up"
is "all answer" "$(who 20000)" "b1 b2 b3 "

server_stop 2
ok "who dies is down" wait_for 10 states_are up down up
like "and it says why" "$(grep "is down" "$TMP/health.log")" "10.1.2.2 port 0 is down: Couldn't connect"
is "nobody is sent there" "$(who 21000)" "b1 b3 "
server_start 2
ok "who returns is up" wait_for 10 states_are up up up
is "and gets its share" "$(who 22000)" "b1 b2 b3 "

# ---- the daemon goes and comes ----
server_stop 3
ok "another dies" wait_for 10 states_are up up down
shuntd_stop
shuntd_start lb || die "no daemon"
is "a new daemon knows it" "$(states)" "up up down"
ok "shunt-health finds the daemon" wait_for 10 said_times 2 "connected to the daemon"
server_start 3
ok "and tells it who returned" wait_for 10 states_are up up up

# ---- another check, and none ----
: >"$TMP/health.log"		# it is appended to
ok "the checks change" config "health: { type: icmp, interval: 100ms, rise: 2, fall: 2 }"
ok "they are asked anew" wait_for 10 said_times 3 "is up"
ip -n "$(ns_name b1)" link set eth0 down
ok "who answers no echo is down" wait_for 10 states_are down up up
ok "no checks any more" config "comment: unchecked"
ok "shunt-health sees that" wait_for 10 said "0 backends are checked"
is "what was said last holds" "$(states)" "down up up"
kill -TERM "${NET_PIDS[health]}"
wait "${NET_PIDS[health]}"
is "SIGTERM: it ends with 0" "$?" 0
unset "NET_PIDS[health]"
finish
