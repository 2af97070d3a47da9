#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Copyright (c) The shunt authors
# reject_test.sh - real clients learn at once that they are refused: TCP reset, port unreachable
. "$(dirname "$0")/../lib/net.sh"

((EUID)) && skip_all "needs root"
ns_new client ipv6
ns_new box ipv6
veth client v0 10.0.0.1/24 box in 10.0.0.2/24
ip -n "$client" addr add fd00::1/64 dev v0 nodad
ip -n "$box" addr add fd00::2/64 dev in nodad
# XDP sends back by veth: the other end must poll. GRO alone does not do for tx
ns_do client ip link set dev v0 xdpdrv obj "$BUILD/tests/lib/foreign.xdp.o" sec xdp ||
	die "no XDP program at the client"

rpc() { "$BUILD/tests/rpc" --socket "$TMP/run/shuntd.sock" "$@"; }

# What a client gets, and whether within a second
try() {			# NAMESPACE tcp|udp ADDRESS PORT
	ns_do "$1" timeout 10 python3 - "$2" "$3" "$4" <<-'END'
		import errno, socket, sys, time
		kind = socket.SOCK_STREAM if sys.argv[1] == "tcp" else socket.SOCK_DGRAM
		family = socket.AF_INET6 if ":" in sys.argv[2] else socket.AF_INET
		s = socket.socket(family, kind)
		s.settimeout(5)
		start = time.monotonic()
		try:
		    s.connect((sys.argv[2], int(sys.argv[3])))
		    s.send(b"x" * 700)
		    result = s.recv(100).decode()
		except OSError as e:
		    result = errno.errorcode.get(e.errno, "silence")
		print(result, "at once" if time.monotonic() - start < 1 else "late")
	END
}

config() {		# HOOK
	cat <<-END
		{ "version": 1,
		  "nodes": {
		    "guard": { "module": "filter",
		               "rules": [ "tcp dport 81 goto reset", "udp dport 81 goto unreach" ] },
		    "reset": { "module": "$BUILD/tests/lib/answer", "config": { "which": 1 } },
		    "answer": { "module": "reject" } },
		  "graphs": { "g": { "entry": "guard", "edges": {
		    "guard": { "accept": "pass", "reset": "reset", "unreach": "answer" },
		    "reset": { "next": "answer" } } } },
		  "attach": [ { "dev": "in", "hook": "$1", "graph": "g" } ] }
	END
}

all_refused() {		# WHERE NAMESPACE V4 V6
	is "$1: TCP" "$(try "$2" tcp "$3" 81)" "ECONNREFUSED at once"
	is "$1: TCP, IPv6" "$(try "$2" tcp "$4" 81)" "ECONNREFUSED at once"
	is "$1: UDP" "$(try "$2" udp "$3" 81)" "ECONNREFUSED at once"
	is "$1: UDP, IPv6" "$(try "$2" udp "$4" 81)" "ECONNREFUSED at once"
}

# Servers that say "hello"; those at port 81 must not be reached
serve() {
	ns_do "$1" python3 - <<-'END'
		import selectors, socket
		ready = selectors.DefaultSelector()
		for family, any in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
		    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
		        for port in (81, 82):
		            s = socket.socket(family, kind)
		            if family == socket.AF_INET6:
		                s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
		            s.bind((any, port))
		            if kind == socket.SOCK_STREAM:
		                s.listen()
		            ready.register(s, selectors.EVENT_READ)
		while True:
		    for key, _ in ready.select():
		        s = key.fileobj
		        if s.type == socket.SOCK_STREAM:
		            s.accept()[0].send(b"hello")
		        else:
		            s.sendto(b"hello", s.recvfrom(2000)[1])
	END
}

shuntd_start box || die "no daemon"
for ns in client box; do
	serve "$ns" &
	on_exit net_end $!
done
for ns in client box; do
	listens() { [[ $(ns_do "$ns" ss -Hlntu 'sport = :82' | wc -l) == 4 ]]; }
	ok "$ns serves" wait_for 10 listens
done
for kind in tcp udp; do
	is "without a graph nothing is refused: $kind" "$(try client "$kind" 10.0.0.2 81)" "hello at once"
done

for hook in xdp tc-ingress; do
	config "$hook" >"$TMP/config.json"
	ok "$hook: apply" rpc --config "$TMP/config.json" apply
	all_refused "$hook" client 10.0.0.2 fd00::2
	is "$hook: what is not refused passes" "$(try client tcp fd00::2 82)" "hello at once"
done
ns_do client ip link set dev v0 xdpdrv off
all_refused "tc-ingress, client without XDP" client 10.0.0.2 fd00::2
ns_do client ethtool -K v0 tx off >/dev/null
all_refused "tc-ingress, whole checksums" client 10.0.0.2 fd00::2

# What the box itself sends: the answer comes in
config tc-egress >"$TMP/config.json"
ok "tc-egress: apply" rpc --config "$TMP/config.json" apply
all_refused "tc-egress" box 10.0.0.1 fd00::1
rpc detach '{"all":true}' >/dev/null
shuntd_stop
is "the daemon ends well" "$?" 0
finish
