#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Copyright (c) The shunt authors
# nat_test.sh - clients behind a box that masquerades, and a server behind it that is reached from outside
. "$(dirname "$0")/../lib/net.sh"

((EUID)) && skip_all "needs root"
ns_new client ipv6
ns_new box ipv6
ns_new server ipv6
veth client v0 10.0.0.1/24 box in 10.0.0.254/24
veth box out 192.0.2.1/24 server v0 192.0.2.2/24
ip -n "$client" addr add fd00::1/64 dev v0 nodad
ip -n "$box" addr add fd00::fe/64 dev in nodad
ip -n "$box" addr add 2001:db8::1/64 dev out nodad
ip -n "$server" addr add 2001:db8::2/64 dev v0 nodad
ip -n "$client" route add default via 10.0.0.254
ip -n "$client" route add default via fd00::fe
ns_do client sysctl -qw 'net.ipv4.ping_group_range=0 0'
ns_do box sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1

apply() {			# HOOK of what comes in
	cat >"$TMP/nat.yaml" <<-END
		version: 1
		nodes:
		  ct: { module: conntrack }
		  leaves:
		    module: filter
		    rules:
		      - ip saddr 10.0.0.0/8 masquerade accept
		      - ip6 saddr fd00::/8 masquerade accept
		  enters:
		    module: filter
		    rules:
		      - ip daddr 192.0.2.1 tcp dport 8080 dnat to 10.0.0.1:82 accept
		      - ip6 daddr 2001:db8::1 udp dport 8080 dnat to [fd00::1]:82 accept
		  n: { module: nat }
		graphs:
		  out:
		    entry: ct
		    edges:
		      ct: { established: n, related: n, next: leaves }
		      leaves: { accept: n }
		      n: { next: pass }
		  in:
		    entry: ct
		    edges:
		      ct: { established: n, related: n, next: enters }
		      enters: { accept: n }
		      n: { next: pass }
		attach:
		  - { dev: out, hook: tc-egress, graph: out }
		  - { dev: out, hook: $1, graph: in }
	END
	shunt_ box apply "$TMP/nat.yaml"
}

# What a client gets for 700 bytes
try() {			# NAMESPACE tcp|udp ADDRESS PORT
	ns_do "$1" timeout 10 python3 - "$2" "$3" "$4" <<-'END'
		import errno, socket, sys
		kind = socket.SOCK_STREAM if sys.argv[1] == "tcp" else socket.SOCK_DGRAM
		family = socket.AF_INET6 if ":" in sys.argv[2] else socket.AF_INET
		s = socket.socket(family, kind)
		s.settimeout(5)
		try:
		    s.connect((sys.argv[2], int(sys.argv[3])))
		    s.send(b"x" * 700)
		    print(s.recv(100).decode())
		except OSError as e:
		    print(errno.errorcode.get(e.errno, "silence"))
	END
}

# Servers at port 82 that say who asks
serve() {
	ns_do "$1" python3 - <<-'END'
		import selectors, socket
		ready = selectors.DefaultSelector()
		for family, any in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
		    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
		        s = socket.socket(family, kind)
		        if family == socket.AF_INET6:
		            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
		        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
		        s.bind((any, 82))
		        if kind == socket.SOCK_STREAM:
		            s.listen()
		        ready.register(s, selectors.EVENT_READ)
		while True:
		    for key, _ in ready.select():
		        s = key.fileobj
		        if s.type == socket.SOCK_STREAM:
		            c, who = s.accept()
		            n = 0
		            while n < 700:
		                n += len(c.recv(1000))
		            c.send(who[0].encode())
		            c.close()
		        else:
		            data, who = s.recvfrom(2000)
		            s.sendto(who[0].encode(), who)
	END
}

# Of one echo, of so many bytes
echo_() {			# ADDRESS BYTES
	ns_do client timeout 10 python3 - "$1" "$2" <<-'END'
		import socket, sys
		six = ":" in sys.argv[1]
		s = socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_DGRAM,
		                  socket.IPPROTO_ICMPV6 if six else socket.IPPROTO_ICMP)
		s.settimeout(5)
		s.connect((sys.argv[1], 0))
		data = b"x" * int(sys.argv[2])
		s.send(bytes([128 if six else 8, 0, 0, 0, 0, 0, 0, 9]) + data)
		sys.exit(s.recv(20000)[8:] != data)
	END
}

# 8 MB down and up by TCP: segments as large as they get
bulk() {			# ADDRESS
	ns_do client timeout 20 python3 - "$1" <<-'END'
		import socket, sys, threading
		s = socket.create_connection((sys.argv[1], 84), 5)
		up = bytes(range(256)) * 32768
		threading.Thread(target=lambda: (s.sendall(up), s.shutdown(socket.SHUT_WR))).start()
		down, part = b"", b"x"
		while part:
		    part = s.recv(1 << 20)
		    down += part
		sys.exit(down != up[::-1])
	END
}

serve_bulk() {
	ns_do server python3 - <<-'END'
		import socket, threading
		def answer(c):
		    data, part = b"", b"x"
		    while part:
		        part = c.recv(1 << 20)
		        data += part
		    c.sendall(data[::-1])
		    c.close()
		s = socket.create_server(("::", 84), family=socket.AF_INET6, dualstack_ipv6=True)
		while True:
		    threading.Thread(target=answer, args=(s.accept()[0],), daemon=True).start()
	END
}

has_flow() { shunt_ box conn list -j | grep -qF "\"nat\":{\"saddr\":\"$1\""; }

for ns in client server; do
	serve "$ns" &
	on_exit net_end $!
	listens() { [[ $(ns_do "$ns" ss -Hlntu 'sport = :82' | wc -l) == 4 ]]; }
	ok "$ns serves" wait_for 10 listens
done
serve_bulk &
on_exit net_end $!
bulk_listens() { [[ $(ns_do server ss -Hlnt 'sport = :84' | wc -l) == 1 ]]; }
ok "server takes much" wait_for 10 bulk_listens
shuntd_start box || die "no daemon"

for hook in tc-ingress xdp; do
	ok "$hook: apply" apply "$hook"
	for kind in tcp udp; do
		is "$hook: $kind is masqueraded" "$(try client "$kind" 192.0.2.2 82)" 192.0.2.1
		is "$hook: $kind is masqueraded, IPv6" "$(try client "$kind" 2001:db8::2 82)" 2001:db8::1
		is "$hook: $kind, nobody listens: the error finds the client" \
			"$(try client "$kind" 192.0.2.2 83)" ECONNREFUSED
		is "$hook: $kind, nobody listens, IPv6" "$(try client "$kind" 2001:db8::2 83)" ECONNREFUSED
	done
	ok "$hook: ping" echo_ 192.0.2.2 100
	ok "$hook: ping, IPv6" echo_ 2001:db8::2 100
	ok "$hook: a large ping, in fragments" echo_ 192.0.2.2 4000
	ok "$hook: a large ping, in fragments, IPv6" echo_ 2001:db8::2 4000
	ok "$hook: much by TCP" bulk 192.0.2.2
	ok "$hook: much by TCP, IPv6" bulk 2001:db8::2
	is "$hook: dnat" "$(try server tcp 192.0.2.1 8080)" 192.0.2.2
	is "$hook: dnat, IPv6" "$(try server udp 2001:db8::1 8080)" 2001:db8::2
done

# Rules that come while all runs
ok "a rule is added" shunt_ box rule add enters 'ip daddr 192.0.2.1 udp dport 8081 dnat to 10.0.0.1:82 accept'
is "it does what it says" "$(try server udp 192.0.2.1 8081)" 192.0.2.2
ok "masquerade is refused where a packet comes in" \
	not shunt_ box rule add enters 'ip saddr 10.9.0.0/16 masquerade accept'
is "nothing changed" "$(try server tcp 192.0.2.1 8080)" 192.0.2.2

# Whole checksums from here on: the other way through lib/rewrite.h
for ns in client server; do
	ns_do "$ns" ethtool -K v0 tx off >/dev/null
done
is "whole checksums: tcp" "$(try client tcp 192.0.2.2 82)" 192.0.2.1
is "whole checksums: udp, IPv6" "$(try client udp 2001:db8::2 82)" 2001:db8::1
is "whole checksums: dnat" "$(try server tcp 192.0.2.1 8080)" 192.0.2.2

# The address changes
try client udp 192.0.2.2 82 >/dev/null
ok "a flow has the address" has_flow 192.0.2.1
ip -n "$box" addr del 192.0.2.1/24 dev out
ip -n "$box" addr add 192.0.2.9/24 dev out
gone() { ! has_flow 192.0.2.1; }
ok "its flows go" wait_for 5 gone
is "new ones get the new one" "$(try client tcp 192.0.2.2 82)" 192.0.2.9
shuntd_stop
ip -n "$box" addr del 192.0.2.9/24 dev out
ip -n "$box" addr add 192.0.2.7/24 dev out
ok "the daemon starts again" shuntd_start box
is "and has seen what changed" "$(try client udp 192.0.2.2 82)" 192.0.2.7
is "IPv6 stayed" "$(try client tcp 2001:db8::2 82)" 2001:db8::1
"$BUILD/tests/rpc" --socket "$TMP/run/shuntd.sock" detach '{"all":true}' >/dev/null
shuntd_stop
is "the daemon ends well" "$?" 0
finish
