#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Copyright (c) The shunt authors
# synproxy_test.sh - real clients and servers with a box between that opens their connections, and a flood
. "$(dirname "$0")/../lib/net.sh"

((EUID)) && skip_all "needs root"
for tool in curl python3; do
	command -v "$tool" >/dev/null || skip_all "no $tool"
done
for ns in client box server; do
	ns_new "$ns" ipv6
done
veth client v0 192.0.2.1/24,2001:db8::1/64 box out 192.0.2.254/24,2001:db8::fe/64
veth box in 10.0.0.254/24,fd00::fe/64 server v0 10.0.0.80/24,fd00::80/64
ip -n "$client" route add default via 192.0.2.254
ip -n "$client" route add default via 2001:db8::fe
ip -n "$server" route add default via 10.0.0.254
ip -n "$server" route add default via fd00::fe
ns_do box sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
# XDP on the box transmits to them
for ns in client server; do
	ns_do "$ns" ip link set dev v0 xdpdrv obj "$BUILD/tests/lib/foreign.xdp.o" sec xdp ||
		die "no XDP program on $ns"
done

apply() {			# HOOK
	cat >"$TMP/proxy.yaml" <<-END
		version: 1
		conntrack: { pickup: false, flows: 20000, flows6: 20000 }
		nodes:
		  ct: { module: conntrack }
		  guard: { module: filter, rules: [ "tcp dport { 22, 80 } synproxy" ] }
		  proxy: { module: synproxy }
		  keep: { module: commit }
		graphs:
		  outside:
		    entry: ct
		    edges:
		      ct: { established: proxy, related: proxy, next: guard, invalid: guard }
		      guard: { accept: keep }
		      proxy: { next: keep }
		      keep: { next: pass }
		  inside:
		    entry: ct
		    edges:
		      ct: { established: proxy, related: proxy, next: keep }
		      proxy: { next: pass }
		      keep: { next: pass }
		attach:
		  - { dev: out, hook: $1, graph: outside }
		  - { dev: in, hook: $1, graph: inside }
	END
	shunt_ box apply "$TMP/proxy.yaml"
}

# Port 80 answers what asks for it with 300 kB, port 22 speaks first
ns_do server python3 - <<-'END' &
	import socketserver, socket, threading
	body = bytes(range(256)) * 1200
	class Web(socketserver.BaseRequestHandler):
	    def handle(self):
	        while b"\r\n\r\n" not in self.request.recv(5000):
	            pass
	        self.request.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
	class Banner(socketserver.BaseRequestHandler):
	    def handle(self):
	        self.request.sendall(b"hello\n" + self.request.recv(100))
	class First(Banner):
	    def handle(self):
	        self.request.sendall(b"hello\n")
	        self.request.recv(100)
	class Server(socketserver.ThreadingTCPServer):
	    address_family, allow_reuse_address, daemon_threads = socket.AF_INET6, True, True
	    request_queue_size = 100
	threading.Thread(target=Server(("::", 22), First).serve_forever, daemon=True).start()
	Server(("::", 80), Web).serve_forever()
END
on_exit net_end $!
serves() { [[ $(ns_do server ss -Hlnt 'sport = :80 or sport = :22' | wc -l) == 2 ]]; }
ok "servers listen" wait_for 10 serves

get() {				# ADDRESS: bytes that came
	ns_do client curl -gs --noproxy '*' -m 10 "http://$1/" | wc -c
}

banner() {			# ADDRESS
	ns_do client timeout 10 python3 -c '
import socket, sys
print(socket.create_connection((sys.argv[1], 22), 8).recv(100).decode().strip())' "$1"
}

flows() { shunt_ box conn list -j | grep -o '"proto"' | wc -l; }

shuntd_start box || die "no daemon"
for hook in tc-ingress xdp; do
	ok "$hook: apply" apply "$hook"
	for tx in on off; do
		ns_do client ethtool -K v0 tx "$tx" >/dev/null
		ns_do server ethtool -K v0 tx "$tx" >/dev/null
		is "$hook, checksums by the device $tx: curl" "$(get 10.0.0.80)" 307200
		is "$hook, checksums by the device $tx: curl, IPv6" "$(get '[fd00::80]')" 307200
		is "$hook, checksums by the device $tx: a server that speaks first" \
			"$(banner 10.0.0.80)" hello
		is "$hook, checksums by the device $tx: the same, IPv6" "$(banner fd00::80)" hello
	done
	ns_do client sysctl -qw net.ipv4.tcp_timestamps=0
	is "$hook: without timestamps" "$(get 10.0.0.80)" 307200
	ns_do client sysctl -qw net.ipv4.tcp_timestamps=1
	ns_do server sysctl -qw net.ipv4.tcp_window_scaling=0
	is "$hook: a server without window scale" "$(get 10.0.0.80)" 307200
	ns_do server sysctl -qw net.ipv4.tcp_window_scaling=1
done

flood() {			# SECONDS FILE
	ns_do client "$NET_TOP/tests/lib/synflood" v0 "$(mac box out)" 10.0.0.80 80 "$1" >"$2"
}

backlog() { ns_do server ss -Hnt state syn-recv | wc -l; }

tries=100
for hook in tc-ingress xdp; do
	ok "$hook: apply" apply "$hook"
	before=$(flows)
	flood 6 "$TMP/flood" &
	flooder=$!
	sleep 1
	came=0
	for ((i = 0; i < tries; i++)); do
		[[ $(get 10.0.0.80) != 307200 ]] || ((came++))
	done
	is "$hook: nothing half open at the server" "$(backlog)" 0
	wait "$flooder"
	growth=$(($(flows) - before - tries))
	echo "# $hook: flood: $(<"$TMP/flood") SYNs, $came of $tries connections, growth $((growth > 0 ? growth : 0))"
	ok "$hook: 10000 SYNs and more" test "$(<"$TMP/flood")" -ge 10000
	ok "$hook: 99 of 100 connections" test "$((came * 100))" -ge "$((tries * 99))"
	ok "$hook: SYNs leave no flow" test "$growth" -le 0
done
"$BUILD/tests/rpc" --socket "$TMP/run/shuntd.sock" detach '{"all":true}' >/dev/null
shuntd_stop
is "the daemon ends well" "$?" 0
finish
