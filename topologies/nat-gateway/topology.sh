#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Copyright (c) The shunt authors
# topology.sh - an office and a web server behind a gateway that runs shunt, and one outside (root)
#
#	topology.sh			a shell; all is removed when it ends
#	topology.sh COMMAND [ARG...]	the same with a command: topology.sh traffic.sh
#
# There, 'office', 'web', 'gateway' and 'outside' run a command on that machine, 'shunt' talks to
# the gateway's daemon, and $CONFIG is the configuration (CONFIG=FILE topology.sh: another).
# Scripts that source this call topology_demo (../lib.sh).
TOPOLOGY=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$TOPOLOGY/../lib.sh"

TOPOLOGY_BOX=gateway
TOPOLOGY_MACHINES="office, web, gateway, outside"
TOPOLOGY_PICTURE='
  office                              gateway                          outside
  10.0.1.2       10.0.1.1                          192.0.2.1         192.0.2.2
  fd00:1::2      fd00:1::1                         2001:db8::1       2001:db8::2
                                                                     nginx, UDP 53
             office0                                         wan0
  [ eth0 ]-->[ tc-ingress: home-in ]---+---[ tc-egress: wan-out ]--->[ eth0 ]
  [ eth0 ]<--[ tc-egress: home-out ]---+---[ xdp: wan-in ]<----------[ eth0 ]
                                       |
  web                                  |   forwarding of the kernel
  10.0.2.2       10.0.2.1              |
  fd00:2::2      fd00:2::1             |
  nginx                                |
             web0                      |
  [ eth0 ]<-->-------------------------+'

topology_links() {
	topology_machine office
	topology_machine web
	topology_machine gateway
	topology_machine outside
	veth office eth0 10.0.1.2/24,fd00:1::2/64 gateway office0 10.0.1.1/24,fd00:1::1/64
	veth web eth0 10.0.2.2/24,fd00:2::2/64 gateway web0 10.0.2.1/24,fd00:2::1/64
	veth outside eth0 192.0.2.2/24,2001:db8::2/64 gateway wan0 192.0.2.1/24,2001:db8::1/64
	gro_on outside eth0		# the gateway answers to it by XDP
	topology_route "$office" 10.0.1.1 fd00:1::1
	topology_route "$web" 10.0.2.1 fd00:2::1
	# Who is outside knows the way inside, so that it is the rules that keep him out. It does not
	# depend on the gateway's IPv4 address, which changes.
	ip -n "$outside" route add 10.0.0.0/8 via inet6 2001:db8::1 dev eth0 &&
		ip -n "$outside" route add fd00::/8 via 2001:db8::1 || die "no routes in '$outside'"
	topology_forwards gateway
}

# The servers say whom they see. What listens in the office and on the gateway is nobody's business
# outside.
topology_servers() {
	topology_web web 'return 200 "web sees $remote_addr\n";'
	topology_web gateway 'return 200 "gateway sees $remote_addr\n";'
	topology_web outside 'return 200 "outside sees $remote_addr\n";'
	cat >"$TMP/answer.py" <<-'END'	# a question by UDP is answered with who asked
		import socket
		s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
		s.bind(("::", 53))
		while True:
		    who = s.recvfrom(100)[1]
		    s.sendto(b"outside sees %s\n" % who[0].removeprefix("::ffff:").encode(), who)
	END
	topology_run outside python3 "$TMP/answer.py"
	topology_run office nc -lk 22
	topology_run office nc -6lk 22
	wait_for 10 topology_listens outside 53 80 && wait_for 10 topology_listens web 80 &&
		wait_for 10 topology_listens gateway 80 && wait_for 10 topology_listens office 22 ||
		die "servers do not start: $(cat "$TMP/servers.log")"
}

topology_main "$@"
