#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Copyright (c) The shunt authors
# lb.sh - for tests/net/lb_*_test.sh, behind net.sh: a client, a balancer, servers b1 to b4, downloads
#
# Servers have the service's address on lo. Each says its name; by UDP, too. A download of /slow/N takes
# N / 10 s, so that changes fall into it.
VIP=203.0.113.10
ns_new client
ns_new lb
veth client eth0 10.0.0.2/24 lb c 10.0.0.1/24
ip -n "$client" route add default via 10.0.0.1
ns_do lb sysctl -qw net.ipv4.ip_forward=1

cat >"$TMP/server.py" <<'END'
import http.server, socket, socketserver, sys, threading, time

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        parts = int(self.path[6:]) if self.path.startswith('/slow/') else 1
        self.send_response(200)
        self.send_header('Content-Length', str(parts * 1000 + len(sys.argv[1]) + 1))
        self.end_headers()
        for i in range(parts):
            self.wfile.write(b'.' * 999 + b'\n')
            if parts > 1:
                time.sleep(0.1)
        self.wfile.write(sys.argv[1].encode() + b'\n')
    def log_message(self, *args):
        pass

class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 128

def udp(address, port):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((address, port))
    while True:
        s.sendto(sys.argv[1].encode(), s.recvfrom(2048)[1])

for port in sys.argv[4:]:
    threading.Thread(target=udp, args=(sys.argv[3], int(port)), daemon=True).start()
Server(('', int(sys.argv[2])), Handler).serve_forever()
END

backend() {			# backend N
	ns_new "b$1"
	veth lb "p$1" "10.1.$1.1/24" "b$1" eth0 "10.1.$1.2/24"
	ip -n "$(ns_name "b$1")" addr add "$VIP/32" dev lo
	ip -n "$(ns_name "b$1")" route add default via "10.1.$1.1"
	ns_do "b$1" python3 "$TMP/server.py" "b$1" 80 $VIP 53 443 >/dev/null 2>&1 &
	NET_PIDS["b$1"]=$!
	ns_do "b$1" python3 "$TMP/server.py" "b$1" 8080 >/dev/null 2>&1 &
	NET_PIDS["b$1-8080"]=$!
}

lb_world() {			# all servers, and the daemon
	local i

	for i in 1 2 3 4; do
		backend $i
	done
	shuntd_start lb || die "no daemon"
}

get() {				# get [PORT]: who answers
	ns_do client timeout 5 curl -s --max-time 4 ${1:+--local-port "$1"} "http://$VIP/" | tail -n 1
}

# who FROM TO: how many of the flows from these ports each server answers: "b1 12"
who() {
	local port

	for ((port = $1; port <= $2; port++)); do
		get "$port"
	done | sort | uniq -c | awk '{ print $2, $1 }'
}

# Downloads in the background, COUNT of them from FIRST on
slow_start() {			# slow_start NAME FIRST COUNT [PARTS]
	local port

	for ((port = $2; port < $2 + $3; port++)); do
		ns_do client timeout 20 curl -s --max-time 15 --local-port "$port" \
			-o "$TMP/$1.$port" "http://$VIP/slow/${4:-20}" &
		echo $! >>"$TMP/$1.pids"
	done
	sleep 0.5			# all of them are in the middle of it
}

slow_end() {			# slow_end NAME [PARTS]: how many ended whole, of how many
	local pid whole=0 n=0 file

	while read -r pid; do		# not 'wait': this runs in a subshell
		wait_for 20 net_dead "$pid"
	done <"$TMP/$1.pids"
	for file in "$TMP/$1".[0-9]*; do
		((n++))
		[[ $(stat -c %s "$file") == $((${2:-20} * 1000 + 3)) ]] && ((whole++))
	done
	echo "$whole of $n"
}

lb() {				# shunt lb ...
	shunt_ lb lb "$@"
}

backends() {			# "10.1.1.2 up ready" by line
	lb service www -j | python3 -c '
import json, sys
for b in json.load(sys.stdin)["services"][0]["backends"]:
    print(b["backend"], b["state"], b["way"])'
}

settled() {			# nothing is in transition
	[[ $(field changing) == 0 ]]
}

field() {			# field NAME: of service www
	lb service www -j | python3 -c "
import json, sys
print(json.load(sys.stdin)['services'][0]['$1'])"
}

