#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Copyright (c) The shunt authors
# mirror_test.sh - the daemon's mirror follows the kernel's tables, and 'shunt sync' says so
. "$(dirname "$0")/../lib/net.sh"

((EUID)) && skip_all "needs root"
ns_new box ipv6
ns_do box sysctl -qw net.ipv6.conf.default.accept_dad=0

field() { shunt_ box sync show -j | python3 -c "import json, sys; r = json.load(sys.stdin); print($1)"; }
class() { field "[c for c in r['classes'] if c['class'] == '$1'][0]['$2']"; }

deaf() {			# the daemon's sockets leave a group: as if the kernel did not tell
	python3 - "$SHUNTD_PID" "$1" <<-'END'
		import ctypes, os, socket, sys
		libc = ctypes.CDLL(None, use_errno=True)
		pid, group = int(sys.argv[1]), int(sys.argv[2])
		pidfd, left = os.pidfd_open(pid), 0
		for name in os.listdir(f"/proc/{pid}/fd"):
		    fd = libc.syscall(438, pidfd, int(name), 0)	# pidfd_getfd
		    if fd < 0 or not os.readlink(f"/proc/self/fd/{fd}").startswith("socket:"):
		        continue
		    sock = socket.socket(fileno=fd)
		    if sock.family == socket.AF_NETLINK:
		        sock.setsockopt(270, 2, group)		# NETLINK_DROP_MEMBERSHIP
		        left += 1
		sys.exit(left == 0)
	END
}

verify() { shunt_ box sync verify; }

step() {			# step NAME COMMANDS
	ns_do box sh -ec "$2" || die "$1: $2"
	ok "$1" verify
}

not_a_class() { ! "$BUILD/shuntd" --run-dir "$TMP/run" --mirror link,rout 2>"$TMP/err"; }
ok "an unknown class is refused" not_a_class
like "by name" "$(cat "$TMP/err")" "'rout' is nothing to mirror; there are: all, link"

shuntd_start box --mirror all
step "interfaces" "ip link add va type veth peer name vb; ip link add vc type veth peer name vd
	for i in lo va vb vc vd; do ip link set \$i up; done
	ip addr add 192.0.2.1/24 dev va; ip addr add 198.51.100.1/24 dev vc
	ip addr add 2001:db8:1::1/64 dev va nodad"
step "routes" "for i in \$(seq 0 99); do echo route add 10.1.\$i.0/24 via 192.0.2.2; done | ip -batch -
	ip route add 10.2.0.0/16 nexthop via 192.0.2.2 nexthop via 198.51.100.2
	ip route add blackhole 10.3.0.0/16; ip rule add from 10.0.0.0/8 table 77 priority 100
	ip -6 route add 2001:db8:3::/48 via 2001:db8:1::2"
is "a route for each" "$(($(class route entries) > 104))" 1
step "next hop objects and theirs" "ip nexthop add id 1 via 198.51.100.2 dev vc
	ip nexthop add id 2 group 1; ip route add 10.4.0.0/16 nhid 2"
step "a bridge" "ip link add br0 type bridge; ip link set br0 up; ip link add vx type vxlan id 7 dstport 4789
	ip link set vx master br0; ip link set vd master br0; bridge link set dev vd isolated on
	bridge fdb add 02:00:00:00:01:01 dev vd master static
	bridge fdb append 00:00:00:00:00:00 dev vx dst 198.51.100.9 self permanent
	bridge mdb add dev br0 port vd grp 239.1.2.3 permanent"
step "neighbours" "ip neigh add 192.0.2.2 lladdr 02:00:00:00:00:02 dev va
	sysctl -qw net.ipv4.ip_forward=1"
step "a link that is down takes its routes, without a word" "ip link set va down"
is "a hundred of them" "$(($(class route entries) < 30))" 1
step "a next hop object as well" "ip nexthop del id 1"
step "what is of a link goes with it" "ip link del vd; ip link del vx; ip link del br0"
is "nothing of bridges is left" "$(class fdb entries)" 0
is "no dump had to mend anything" "$(field "[c['class'] for c in r['classes'] if c['repaired']]")" "[]"

# more than the socket holds: the daemon does not read meanwhile
ns_do box sh -ec "ip link set va up; ip link set vb up"
kill -STOP "$SHUNTD_PID"
ns_do box sh -ec 'for i in $(seq 60000); do
	echo neigh add 192.0.$((i / 250)).$((i % 250 + 1)) lladdr 02:00:00:00:00:01 dev va; done |
	ip -batch -'
kill -CONT "$SHUNTD_PID"
ok "a storm of neighbours" verify
is "all of them" "$(class neigh entries)" 60000
is "though some events were lost" "$(($(field "r['overruns']") > 0))" 1
is "and it is not stale any more" "$(field "r['stale']")" False

deaf 7 || die "no netlink socket"		# RTNLGRP_IPV4_ROUTE
ns_do box ip route add 10.9.0.0/16 via 192.0.2.2 dev va onlink
shunt_ box sync verify >"$TMP/out"
is "a difference ends 1" $? 1
like "and is named" "$(cat "$TMP/out")" "route 10.9.0.0/16 table 254 metric 0"
like "with what each has" "$(cat "$TMP/out")" "mirror: -
    kernel: 10.9.0.0/16 .* via 192.0.2.2 dev va"
like "and counted" "$(cat "$TMP/out")" "entries, 1 differences"
ok "a resync mends it" shunt_ box sync resync
ok "so that nothing differs" verify
is "what it mended is counted" "$(class route repaired)" 1

shuntd_stop
shuntd_start box
is "nothing but links and addresses if nobody asks" \
	"$(field "[c['class'] for c in r['classes']]")" "['link', 'addr']"
ok "which are right" verify
finish
