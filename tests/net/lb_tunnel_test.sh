#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Copyright (c) The shunt authors
# lb_tunnel_test.sh - real connections through tunnels, from a balancer to a server that takes them off
#
# client --- router --- lb (encapsulates, and sends back by the same interface)
#                   \-- server (service addresses on lo, answers straight to the client)
# Each way to wrap is a port of its own. The links to balancer and server carry 1600 bytes, so that 1500
# fit in; part of the test makes them smaller.
. "$(dirname "$0")/../lib/net.sh"

((EUID)) && skip_all "needs root"
for tool in curl python3 ping ethtool; do
	command -v "$tool" >/dev/null || skip_all "no $tool"
done
VIP4=203.0.113.10 VIP6=2001:db8:f::10
NAT4=203.0.113.20 NAT6=2001:db8:f::20	# the server does not have them
OUTER4=10.3.0.2 OUTER6=fd00:3::2
for ns in client router lb server; do
	ns_new "$ns" ipv6
done
veth client v0 10.1.0.2/24,fd00:1::2/64 router toclient 10.1.0.1/24,fd00:1::1/64
veth router tolb 10.2.0.1/24,fd00:2::1/64 lb v0 10.2.0.2/24,fd00:2::2/64 mtu 1600
veth router toserver 10.3.0.1/24,fd00:3::1/64 server v0 $OUTER4/24,$OUTER6/64 mtu 1600
routes() {			# routes CHANGE OPTIONS: the server's way out
	local option

	read -ra option <<<"$2"
	ip -n "$server" route "$1" default via 10.3.0.1 "${option[@]}"
	ip -n "$server" route "$1" default via fd00:3::1 "${option[@]}"
}
routes add "mtu 1500"
for hop in "client 10.1.0.1 fd00:1::1" "lb 10.2.0.1 fd00:2::1"; do
	read -r ns gateway gateway6 <<<"$hop"
	ip -n "$(ns_name "$ns")" route add default via "$gateway"
	ip -n "$(ns_name "$ns")" route add default via "$gateway6"
done
ip -n "$router" route add $VIP4 via 10.2.0.2
ip -n "$router" route add $VIP6 via fd00:2::2
ip -n "$router" route add $NAT4 via 10.2.0.2
ip -n "$router" route add $NAT6 via fd00:2::2
# What is translated has to come back by the balancer
ip -n "$router" rule add from $OUTER4 iif toserver lookup 100
ip -n "$router" -6 rule add from $OUTER6 iif toserver lookup 100
ip -n "$router" route add default via 10.2.0.2 table 100
ip -n "$router" route add default via fd00:2::2 table 100
ip -n "$server" addr add $VIP4/32 dev lo
ip -n "$server" addr add $VIP6/128 dev lo nodad
for ns in router lb; do
	ns_do $ns sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 \
		net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0
done
ns_do lb sysctl -qw net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.v0.send_redirects=0

# Counts what it is sent, answers with as much as is asked for; UDP comes back as it was
cat >"$TMP/server.py" <<'END'
import socket, socketserver, sys, threading
class Web(socketserver.StreamRequestHandler):
    def handle(self):
        path, size, chunked = self.rfile.readline().split()[1], 0, False
        while line := self.rfile.readline().strip().lower():
            if line.startswith(b'content-length:'):
                size = int(line.split(b':')[1])
        total = size
        while size > 0 and (got := len(self.rfile.read(min(size, 1 << 16)))):
            size -= got
        body = b'%d\n' % total if total else bytes(1000) * int(path[1:] or 0)
        self.wfile.write(b'HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n' % len(body) + body)
class Server(socketserver.ThreadingTCPServer):
    address_family, allow_reuse_address, daemon_threads = socket.AF_INET6, True, True
    request_queue_size = 64
def echo(family, host, port):
    s = socket.socket(family, socket.SOCK_DGRAM)
    s.bind((host, port))
    while True:
        data, peer = s.recvfrom(65536)
        s.sendto(data, peer)
for port in range(8001, 8010):
    threading.Thread(target=Server(('::', port), Web).serve_forever, daemon=True).start()
    for host in sys.argv[1:]:
        family = socket.AF_INET6 if ':' in host else socket.AF_INET
        threading.Thread(target=echo, args=(family, host, port), daemon=True).start()
print('ready', flush=True)
threading.Event().wait()
END
ns_do server python3 "$TMP/server.py" $VIP4 $VIP6 $OUTER4 $OUTER6 >"$TMP/server.out" 2>"$TMP/server.err" &
NET_PIDS[server]=$!
wait_for 10 grep -q ready "$TMP/server.out" || die "no server: $(cat "$TMP/server.err")"

cat >"$TMP/udp.py" <<'END'
import os, socket, sys
family = socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET
s = socket.socket(family, socket.SOCK_DGRAM)
s.settimeout(1)
if family == socket.AF_INET:
    s.setsockopt(socket.IPPROTO_IP, 10, 0)      # IP_MTU_DISCOVER: may be fragmented
good = 0
for i in range(20):
    data = os.urandom(int(sys.argv[3]))
    for retry in range(3):      # on a loaded machine a fragment may overtake the first one
        s.sendto(data, (sys.argv[1], int(sys.argv[2])))
        try:
            good += s.recv(65536) == data
            break
        except OSError:
            pass
print(good)
END

# ---- daemons ----
shuntd_start lb || die "no daemon"
mkdir -p "$TMP/run-s" "$TMP/state-s"
ns_do server "$BUILD/shuntd" --run-dir "$TMP/run-s" --state-dir "$TMP/state-s" --bpf-dir "$BUILD/bpf" \
	>"$TMP/shuntd-s.log" 2>&1 </dev/null &
SERVER_PID=$!
server_() {			# shunt on the server
	ns_do server "$BUILD/shunt" --socket "$TMP/run-s/shuntd.sock" "$@"
}
server_end() {
	timeout 10 nsenter --net="/run/netns/$server" "$BUILD/shunt" \
		--socket "$TMP/run-s/shuntd.sock" detach --all >/dev/null 2>&1
	net_end "$SERVER_PID"
}
on_exit server_end
wait_for 20 test -S "$TMP/run-s/shuntd.sock" || die "no daemon on the server"

# name port forward outer
WAYS="ipip4 8001 ipip $OUTER4
ipip6 8002 ipip $OUTER6
gue4 8003 gue $OUTER4
gue6 8004 gue $OUTER6"

balancer() {			# balancer HOOK [MORE]: MORE: lines of each service
	local name port forward outer vip

	{
		printf 'version: 1\nnodes:\n  edge:\n    module: lb\n    services:\n'
		while read -r name port forward outer; do
			for vip in $VIP4 $VIP6; do
				printf '      %s-%s: { address: "%s", forward: %s, table: 4099, %s backends: [ { address: "%s" } ] }\n' \
					"$name" "${vip//[.:]/-}" "$vip" "$forward, proto: tcp, port: $port" "${2:-}" "$outer"
				printf '      %su-%s: { address: "%s", forward: %s, table: 4099, backends: [ { address: "%s" } ] }\n' \
					"$name" "${vip//[.:]/-}" "$vip" "$forward, proto: udp, port: $port" "$outer"
			done
		done <<<"$WAYS"
		printf 'graphs:\n  in: [edge]\nattach:\n  - { dev: v0, hook: %s, graph: in }\n' "$1"
	} >"$TMP/lb.yaml"
	shunt_ lb apply "$TMP/lb.yaml"
}

decap() {			# decap HOOK [MORE]
	cat >"$TMP/decap.yaml" <<-END
		version: 1
		nodes:
		  d: { module: decap, config: { addresses: [$OUTER4, "$OUTER6"], sources: [10.2.0.0/24, "fd00:2::/64"] } }
		  inside: { module: count }
		graphs:
		  in:
		    entry: d
		    edges:
		      d: { next: inside, plain: pass }
		      inside: { next: pass }
		attach:
		  - { dev: v0, hook: $1, graph: in }
	END
	server_ apply "$TMP/decap.yaml"
}

# ---- what is tried ----
url() { [[ $1 == *:* ]] && echo "http://[$1]:$2" || echo "http://$1:$2"; }

down() {			# down VIP PORT KB [WHO]: bytes that came
	ns_do "${4:-client}" timeout 8 curl -s --noproxy '*' --max-time 6 -o /dev/null -w '%{size_download}' "$(url "$1" "$2")/$3"
}

head -c 8000000 /dev/zero >"$TMP/upload"
up() {				# up VIP PORT [WHO]: bytes that the server got
	ns_do "${3:-client}" timeout 8 curl -s --noproxy '*' --max-time 6 -H 'Expect:' --data-binary "@$TMP/upload" \
		"$(url "$1" "$2")/"
}

udp() {				# udp VIP PORT BYTES [WHO]: answers of 20
	ns_do "${4:-client}" timeout 15 python3 "$TMP/udp.py" "$1" "$2" "$3"
}

try_ways() {			# try_ways TEXT
	local name port forward outer vip

	while read -r name port forward outer <&3; do
		for vip in $VIP4 $VIP6; do
			is "$1: $vip in $name: a download" "$(down $vip "$port" 3000)" 3000000
			is "$1: $vip in $name: an upload" "$(up $vip "$port")" 8000000
			is "$1: $vip in $name: UDP" "$(udp $vip "$port" 1000)" 20
			is "$1: $vip in $name: UDP in fragments" "$(udp $vip "$port" 4000)" 20
		done
	done 3<<<"$WAYS"
}

too_bigs() {			# ICMP errors about size that the client got: IPv4 and IPv6
	ns_do client awk '/^Icmp:/ && !n++ { split($0, name) } /^Icmp:/ && n++ { }
		/^Icmp: [0-9]/ { for (i in name) if (name[i] == "InDestUnreachs") four = $i } END { print four }' /proc/net/snmp
	ns_do client awk '/^Icmp6InPktTooBigs/ { print $2 }' /proc/net/snmp6
}

mtu() {				# mtu NS IF NS IF BYTES
	ip -n "$(ns_name "$1")" link set "$2" mtu "$5"
	ip -n "$(ns_name "$3")" link set "$4" mtu "$5"
}

forget() {			# sizes that hosts have learnt
	local ns

	for ns in client server; do
		ip -n "$(ns_name $ns)" route flush cache
		ip -n "$(ns_name $ns)" -6 route flush cache
	done
}

reason() {			# reason DAEMON REASON: packets dropped for it
	"$1" drop show -j | python3 -c '
import json, sys
def walk(x):
    if isinstance(x, dict):
        if x.get("reason") == sys.argv[1]:
            return x["packets"]
        return sum(walk(v) for v in x.values())
    return sum(walk(v) for v in x) if isinstance(x, list) else 0
print(walk(json.load(sys.stdin)))' "$2"
}

# Links to balancer and server as small as the client's: what is wrapped does not fit
try_small() {			# try_small TEXT
	local name port forward outer vip before after

	mtu router tolb lb v0 1500
	mtu router toserver server v0 1500
	while read -r name port forward outer <&3; do
		for vip in $VIP4 $VIP6; do
			forget
			before=$(too_bigs | awk '{ n += $1 } END { print n }')
			is "$1: $vip in $name: an upload that does not fit" "$(up $vip "$port")" 8000000
			after=$(too_bigs | awk '{ n += $1 } END { print n }')
			ok "$1: $vip in $name: the client was told" test "$after" -gt "$before"
			is "$1: $vip in $name: a download" "$(down $vip "$port" 3000)" 3000000
		done
	done 3<<<"$WAYS"
}

# What does not fit and may be fragmented is the kernel's, with outer headers from an address of its own
try_kernel() {			# try_kernel TEXT
	local before send="
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.IPPROTO_IP, 10, 0)
for i in range(5):
    s.sendto(bytes(1470), ('$VIP4', 8001))"

	mtu router tolb lb v0 1500
	before=$(reason server_ tunnel_frag)
	ns_do client python3 -c "$send"
	sleep 0.2
	is "$1: the kernel takes what it is handed for a forgery" "$(reason server_ tunnel_frag)" "$before"
	ns_do lb sysctl -qw net.ipv4.conf.v0.accept_local=1
	ns_do client python3 -c "$send"
	fragments() { [[ $(reason server_ tunnel_frag) == $((before + 10)) ]]; }
	ok "$1: with 'accept_local' it is fragmented" wait_for 3 fragments
	ns_do lb sysctl -qw net.ipv4.conf.v0.accept_local=0
	mtu router tolb lb v0 1600
}

# By translation, ports too; the server as its own client gets the service's address, so that replies come back
try_nat() {			# try_nat TEXT HOOK
	local vip who

	cat >"$TMP/nat.yaml" <<-END
		version: 1
		nodes:
		  ct: { module: conntrack }
		  own:
		    module: filter
		    rules:
		      - ip saddr $OUTER4 ip daddr $NAT4 snat to $NAT4 accept
		      - ip6 saddr $OUTER6 ip6 daddr $NAT6 snat to $NAT6 accept
		  edge:
		    module: lb
		    services:
		      four: { address: $NAT4, proto: tcp, port: 80, forward: nat, backends: [ { address: $OUTER4, port: 8001 } ] }
		      six: { address: "$NAT6", proto: tcp, port: 80, forward: nat, backends: [ { address: "$OUTER6", port: 8001 } ] }
		      four-udp: { address: $NAT4, proto: udp, port: 53, forward: nat, backends: [ { address: $OUTER4, port: 8001 } ] }
		      six-udp: { address: "$NAT6", proto: udp, port: 53, forward: nat, backends: [ { address: "$OUTER6", port: 8001 } ] }
		  n: { module: nat }
		graphs:
		  in: [ct, own, edge, n]
		attach:
		  - { dev: v0, hook: $2, graph: in }
	END
	ok "$1: a balancer that translates" shunt_ lb apply "$TMP/nat.yaml"
	for vip in $NAT4 $NAT6; do
		for who in client server; do
			is "$1: $who to $vip: a download" "$(down $vip 80 3000 $who)" 3000000
			is "$1: $who to $vip: an upload" "$(up $vip 80 $who)" 8000000
			is "$1: $who to $vip: UDP" "$(udp $vip 53 1000 $who)" 20
			is "$1: $who to $vip: UDP in fragments" "$(udp $vip 53 4000 $who)" 20
		done
	done
}

# What the client sends in a segment is what the server's SYN offers, which does not come by the balancer
try_advmss() {			# try_advmss TEXT
	local name port forward outer vip before

	routes change "mtu 1500 advmss 1380"
	before=$(too_bigs)
	while read -r name port forward outer <&3; do
		for vip in $VIP4 $VIP6; do
			forget
			is "$1: $vip in $name: an upload in smaller segments" "$(up $vip "$port")" 8000000
		done
	done 3<<<"$WAYS"
	is "$1: nobody had to be told" "$(too_bigs)" "$before"
	routes change "mtu 1500"
	mtu router tolb lb v0 1600
	mtu router toserver server v0 1600
}

# The way back to the client gets narrow: the router tells the service's address. Whom a SYN offers less
# need not be told
try_errors() {			# try_errors TEXT HOOK
	local vip host

	ip -n "$router" link set toclient mtu 1300
	forget
	for vip in $VIP4 $VIP6; do
		is "$1: $vip: a download over a narrow way" "$(down $vip 8001 3000)" 3000000
		host=10.1.0.2
		[[ $vip == *:* ]] && host=fd00:1::2
		like "$1: $vip: the server was told by who met it" \
			"$(ip -n "$server" route get $host from $vip)" "mtu 1300"
	done
	forget
	ok "$1: SYNs offer less" balancer "$2" "mss: 1200,"
	for vip in $VIP4 $VIP6; do
		is "$1: $vip: a download in smaller segments" "$(down $vip 8001 3000)" 3000000
		host=10.1.0.2
		[[ $vip == *:* ]] && host=fd00:1::2
		ok "$1: $vip: the server was not told" \
			not grep -q "mtu 1300" <(ip -n "$server" route get $host from $vip)
	done
	ok "$1: they offer what they did" balancer "$2"
	ip -n "$router" link set toclient mtu 1500
	forget
}

# ---- TC: super-frames stay whole ----
ok "the server at tc-ingress" decap tc-ingress
ok "the balancer at tc-ingress" balancer tc-ingress
try_ways tc
try_kernel tc
try_errors tc tc-ingress
try_small tc
try_advmss tc
try_nat tc tc-ingress

# ---- XDP: no offloads ahead of it, and somebody who polls where it sends to ----
for dev in tolb toserver; do
	ns_do router ethtool -K $dev tx off >/dev/null 2>&1 || die "cannot switch offloads of $dev off"
done
# XDP_TX wakes nobody up at the other end but a program
ns_do router ip link set dev tolb xdpdrv obj "$BUILD/tests/lib/foreign.xdp.o" sec xdp ||
	die "no XDP program on the router"
ok "the server at xdp" decap xdp
ok "the balancer at xdp" balancer xdp
try_ways xdp
try_kernel xdp
try_errors xdp xdp
try_small xdp
try_advmss xdp
is "nothing was malformed" "$(reason server_ tunnel)" 0
try_nat xdp xdp
finish
