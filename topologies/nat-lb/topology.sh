#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Copyright (c) The shunt authors
# topology.sh - four web servers behind one box with two balancers: shunt, and haproxy (root)
#
#	topology.sh			a shell; all is removed when it ends
#	topology.sh COMMAND [ARG...]	the same with a command: topology.sh traffic.sh
#
# There, 'client', 'box', 'web1' to 'web4' run a command on that machine, 'shunt' talks to the box's
# daemon, and $CONFIG is the configuration (CONFIG=FILE topology.sh: another).
# Scripts that source this call topology_demo (../lib.sh).
TOPOLOGY=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$TOPOLOGY/../lib.sh"

TOPOLOGY_BOX=box
TOPOLOGY_MACHINES="client, box, web1 to web4"
TOPOLOGY_PICTURE='
  client                             box                            web1 ... web4
  10.0.0.2           10.0.0.1                   10.1.1.1 ...        10.1.1.2 ... 10.1.4.2
                         c                    web1 ... web4         nginx, port 8080

  [ eth0 ]──────►[ tc-ingress: in ]──────────────────────────────►[ eth0 ]
      203.0.113.10:80               shunt
  [ eth0 ]◄──────────────────────────[ tc-ingress: back ]◄────────[ eth0 ]

  [ eth0 ]◄────► 203.0.113.11:80   haproxy   10.1.1.1 ... ◄──────►[ eth0 ]'

WEBS="web1 web2 web3 web4"
declare -A WEB_PID

topology_links() {
	local name net

	for name in client box $WEBS; do
		topology_machine "$name"
	done
	veth client eth0 10.0.0.2/24 box c 10.0.0.1/24
	ip -n "$client" route add default via 10.0.0.1 || die "no route"
	for name in $WEBS; do
		net=10.1.${name#web}
		veth "$name" eth0 "$net.2/24" box "$name" "$net.1/24"
		ip -n "$(ns_name "$name")" route add default via "$net.1" || die "no route"
	done
	ip -n "$box" addr add 203.0.113.11/32 dev lo || die "no address"
	topology_forwards box
}

web_start() {			# web_start NAME
	topology_web_start "$1"
	WEB_PID[$1]=$!
}

haproxy_start() {
	local name

	{
		cat <<-CONF
			global
				maxconn 2000
				stats socket $TMP/haproxy.sock
			defaults
				mode tcp
				timeout connect 5s
				timeout client 1m
				timeout server 1m
			listen www
				bind 203.0.113.11:80
				balance roundrobin
				option httpchk GET /
		CONF
		for name in $WEBS; do
			echo "	server $name 10.1.${name#web}.2:8080 check inter 300ms rise 2 fall 2"
		done
	} >"$TMP/haproxy.cfg"
	topology_run box haproxy -db -f "$TMP/haproxy.cfg"
}

topology_servers() {
	local name

	head -c 400000 /dev/urandom >"$TMP/long"
	for name in $WEBS; do
		topology_web "$name" "
			listen 8080 backlog=4096;
			location = /long { alias $TMP/long; limit_rate 100k; }
			location = / { return 200 \"$name sees \$remote_addr\\n\"; }"
		WEB_PID[$name]=$!
	done
	haproxy_start
	for name in $WEBS; do
		wait_for 10 topology_listens "$name" 8080 ||
			die "servers do not start: $(cat "$TMP/servers.log")"
	done
	wait_for 10 topology_listens box 80 || die "haproxy: $(cat "$TMP/servers.log")"
}

topology_daemons() {
	shuntd_start box || exit 1
	topology_run box "$BUILD/shunt-health" -s "$TMP/run/shuntd.sock"
}

topology_main "$@"
