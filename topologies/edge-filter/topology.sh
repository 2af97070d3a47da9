#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Copyright (c) The shunt authors
# topology.sh - a client, a router that runs shunt, a server; and a shell among them (root)
#
#	topology.sh			a shell; all is removed when it ends
#	topology.sh COMMAND [ARG...]	the same with a command: topology.sh traffic.sh
#
# There, 'client', 'router' and 'server' run a command on one of the three machines, 'shunt' talks
# to the router's daemon, and $CONFIG is the configuration (CONFIG=FILE topology.sh: another).
# Scripts that source this call topology_demo (../lib.sh).
TOPOLOGY=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$TOPOLOGY/../lib.sh"

TOPOLOGY_BOX=router
TOPOLOGY_MACHINES="client, router, server"
TOPOLOGY_PICTURE='
  client                     router                         server
  192.0.2.2             edge0      core0              198.51.100.2
  192.0.2.66 (blocked)  192.0.2.1  198.51.100.1       nginx, iperf3, nc
  2001:db8:1::2         2001:db8:1::1  2001:db8:2::1  2001:db8:2::2

  [ eth0 ]------------->[ xdp: edge-in ]
                            | forwarding of the kernel
                        [ tc-egress: to-servers ]---->[ eth0 ]
  [ eth0 ]<-------------[ tc-ingress: edge-out ]<-----[ eth0 ]'

topology_links() {
	topology_machine client
	topology_machine router
	topology_machine server
	veth client eth0 192.0.2.2/24,192.0.2.66/24,2001:db8:1::2/64 \
		router edge0 192.0.2.1/24,2001:db8:1::1/64
	veth server eth0 198.51.100.2/24,2001:db8:2::2/64 \
		router core0 198.51.100.1/24,2001:db8:2::1/64
	topology_route "$client" 192.0.2.1 2001:db8:1::1
	topology_route "$server" 198.51.100.1 2001:db8:2::1
	topology_forwards router
}

# On the server: web, iperf3, listeners for telnet, for questions (53) and for numbers (5300), which
# go to a file. On the client: one that the server has no business to talk to.
topology_servers() {
	topology_web server 'return 200 "hello from the server\n";'
	topology_run server iperf3 -s -p 5201
	topology_run server nc -lk 23
	topology_run server nc -luk 53
	"$TMP/bin/server" nc -luk 5300 >"$TMP/numbers" 2>&1 </dev/null &
	topology_run client nc -lk 80
	wait_for 10 topology_listens server 23 53 80 5201 5300 &&
		wait_for 10 topology_listens client 80 || die "servers do not start: $(cat "$TMP/servers.log")"
}

topology_main "$@"
