#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Copyright (c) The shunt authors
# topology.sh - four web servers behind two balancers that a router has two ways to (root)
#
#	topology.sh			a shell; all is removed when it ends
#	topology.sh COMMAND [ARG...]	the same with a command: topology.sh traffic.sh
#
# There, 'client', 'router', 'lb1', 'lb2', 'web1' to 'web4' run a command on that machine: 'lb2 shunt
# status' asks the daemon of lb2. 'apply' starts all of them with $CONFIG (CONFIG=FILE topology.sh:
# another one for the balancers) and web.yaml.
# Scripts that source this call topology_demo (../lib.sh).
TOPOLOGY=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$TOPOLOGY/../lib.sh"

TOPOLOGY_BOX=lb1
TOPOLOGY_APPLY=apply
TOPOLOGY_MACHINES="client, router, lb1, lb2, web1 to web4"
TOPOLOGY_PICTURE='
                                     router
   client                         ┌──────────┐             lb1, lb2
   10.0.0.2 ────────── 10.0.0.1 c │ lb1, lb2 │ ──┬─ 10.0.1.2 eth0 [ xdp: in ]
                                  │          │   └─ 10.0.2.2 eth0 [ xdp: in ]
     to 203.0.113.10 ──────────►  │ two ways │ ──►     │ IP in IP, back by eth0
                                  │ web1 ... │ ◄───────┘
                                  │     web4 │             web1 ... web4, nginx
     from 203.0.113.10  ◄───────  │          │ ──┬─ 10.1.1.2 eth0 [ tc-ingress: in ]
                                  │          │   ├─ 10.1.2.2         takes the tunnel off
                                  │          │   ├─ 10.1.3.2       lo: 203.0.113.10
                                  └──────────┘   └─ 10.1.4.2         answers by itself'

VIP=203.0.113.10
WEBS="web1 web2 web3 web4"
declare -A WEB_PID BOX_PID

topology_links() {
	local name

	for name in client router lb1 lb2 $WEBS; do
		topology_machine "$name"
	done
	veth client eth0 10.0.0.2/24 router c 10.0.0.1/24
	ip -n "$client" route add default via 10.0.0.1 || die "no route"
	ip -n "$router" route add default via 10.0.0.2 || die "no route"
	for name in lb1 lb2; do
		topology_balancer "$name" "10.0.${name#lb}"
	done
	for name in $WEBS; do
		topology_backend "$name" "10.1.${name#web}"
	done
	topology_forwards router
	# By addresses and ports: a connection stays on its way. A way without carrier is none
	ns_do router sysctl -qw net.ipv4.fib_multipath_hash_policy=1 \
		net.ipv4.conf.all.ignore_routes_with_linkdown=1 || die "no multipath"
	topology_ways lb1 lb2
}

# Other clients than the first: so many that no connection has the ports of an earlier one
topology_clients() {		# topology_clients N
	local n

	for ((n = 3; n < 3 + $1; n++)); do
		ip -n "$client" addr add "10.0.0.$n/24" dev eth0 || die "no address"
	done
}

topology_balancer() {		# topology_balancer NAME NET
	veth "$1" eth0 "$2.2/24" router "$1" "$2.1/24"
	gro_on router "$1"		# the balancer sends to it by XDP
	# XDP cannot leave a checksum to a device; a network card completes it on the wire
	ns_do router ethtool -K "$1" tx off >/dev/null || die "no complete checksums"
	ip -n "$(ns_name "$1")" route add default via "$2.1" || die "no route"
	ns_do "$1" sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.eth0.accept_local=1 ||
		die "no forwarding"
}

# The service's address is on lo: answers go to the client by themselves
topology_backend() {		# topology_backend NAME NET
	veth "$1" eth0 "$2.2/24" router "$1" "$2.1/24"
	ip -n "$(ns_name "$1")" route add default via "$2.1" || die "no route"
	ip -n "$(ns_name "$1")" addr add "$VIP/32" dev lo || die "no address"
	# Who has been here in the last two minutes, by address and port
	ns_do "$1" nft -f - <<-END || die "no nft"
		table ip seen {
			set from { type ipv4_addr . inet_service; size 65535; flags dynamic; timeout 2m; }
			chain c {
				type filter hook prerouting priority raw
				ip daddr $VIP ip saddr 10.0.0.0/24 tcp dport 80 \
					update @from { ip saddr . tcp sport }
			}
		}
	END
}

# The router's ways to the service. Balancers choose alike, so that a plain group does: a connection
# that comes to the other one, as others' ways change, finds the same server there.
topology_ways() {		# topology_ways BALANCER...
	local name ways=

	for name; do
		ways+=" nexthop via 10.0.${name#lb}.2"
	done
	# shellcheck disable=SC2086
	ip -n "$router" route replace "$VIP/32" $ways || die "no ways to the service"
}

web_start() {			# web_start NAME
	topology_web_start "$1"
	WEB_PID[$1]=$!
}

topology_servers() {
	local name

	head -c 400000 /dev/urandom >"$TMP/long"
	for name in $WEBS; do
		topology_web "$name" "
			add_header X-Served-By $name;
			location = /long { alias $TMP/long; limit_rate 100k; }
			location = / { client_max_body_size 1m; return 200 \"$name sees \$remote_addr\\n\"; }"
		WEB_PID[$name]=$!
	done
	for name in $WEBS; do
		wait_for 10 topology_listens "$name" 80 ||
			die "servers do not start: $(cat "$TMP/servers.log")"
	done
}

balancer_start() {		# balancer_start NAME: daemon and health checks
	topology_daemon "$1"
	BOX_PID[$1]=$!
	topology_daemon_wait "$1"
	topology_run "$1" "$BUILD/shunt-health" -s "$TMP/run-$1/shuntd.sock"
	BOX_PID[$1]+=" $!"
}

topology_daemons() {
	local name

	for name in $WEBS; do
		topology_daemon "$name"
	done
	balancer_start lb1
	balancer_start lb2
	# shellcheck disable=SC2086
	topology_daemon_wait $WEBS
}

topology_main "$@"
