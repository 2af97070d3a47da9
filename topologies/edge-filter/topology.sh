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
# Scripts that source this call topology_up.
EDGE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$EDGE/../../tests/lib/net.sh"

TOPOLOGY_PICTURE='
  client                     router                         server
  192.0.2.2             edge0      core0              198.51.100.2
  192.0.2.66 (blocked)  192.0.2.1  198.51.100.1       nginx, iperf3, nc
  2001:db8:1::2         2001:db8:1::1  2001:db8:2::1  2001:db8:2::2

  [ eth0 ]------------->[ xdp: edge-in ]
                            | forwarding of the kernel
                        [ tc-egress: to-servers ]---->[ eth0 ]
  [ eth0 ]<-------------[ tc-ingress: edge-out ]<-----[ eth0 ]'

topology_machine() {		# topology_machine NAME: namespace, and a command that runs in it
	ns_new "$1" ipv6
	printf '#!/bin/sh\nexec nsenter --net=/run/netns/%s "$@"\n' "$(ns_name "$1")" >"$TMP/bin/$1"
	chmod +x "$TMP/bin/$1"
}

topology_route() {		# topology_route NS GATEWAY GATEWAY6
	ip -n "$1" route add default via "$2" && ip -n "$1" -6 route add default via "$3" ||
		die "no routes in '$1'"
}

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
	ns_do router sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward &&
		echo 1 >/proc/sys/net/ipv6/conf/all/forwarding' || die "no forwarding"
}

# On the server: web, iperf3, listeners for telnet, for questions (53) and for numbers (5300), which
# go to a file. On the client: one that the server has no business to talk to.
topology_servers() {
	mkdir "$TMP/web"
	cat >"$TMP/web/nginx.conf" <<-CONF
		daemon off; master_process off; pid nginx.pid; error_log stderr error;
		events {}
		http {
			access_log off; default_type text/plain;
			client_body_temp_path .; proxy_temp_path .; fastcgi_temp_path .;
			uwsgi_temp_path .; scgi_temp_path .;
			server { listen 80; listen [::]:80; return 200 "hello from the server\n"; }
		}
	CONF
	topology_run server nginx -p "$TMP/web" -c "$TMP/web/nginx.conf" -e stderr
	topology_run server iperf3 -s -p 5201
	topology_run server nc -lk 23
	topology_run server nc -luk 53
	"$TMP/bin/server" nc -luk 5300 >"$TMP/numbers" 2>&1 </dev/null &
	topology_run client nc -lk 80
	wait_for 10 topology_listens server 23 53 80 5201 5300 &&
		wait_for 10 topology_listens client 80 || die "servers do not start: $(cat "$TMP/servers.log")"
}

topology_run() {		# in the background
	"$TMP/bin/$1" "${@:2}" >>"$TMP/servers.log" 2>&1 </dev/null &
}

topology_listens() {		# topology_listens NS PORT...
	local port listeners

	listeners=$("$TMP/bin/$1" ss -Hltun)
	for port in "${@:2}"; do
		[[ $listeners == *":$port "* ]] || return 1
	done
}

topology_up() {
	((EUID)) && die "only root can make namespaces"
	[[ -x $BUILD/shunt && -x $BUILD/shuntd ]] || die "no shunt in '$BUILD': 'make' builds it"
	mkdir "$TMP/bin"
	ln -s "$BUILD/shunt" "$TMP/bin/shunt"
	topology_links
	topology_servers
	shuntd_start router || exit 1
	export SHUNT_SOCKET=$TMP/run/shuntd.sock CONFIG=${CONFIG:-$EDGE/shunt.yaml}
	export PATH=$TMP/bin:$EDGE:$PATH:/usr/sbin:/sbin
}

topology_shell() {
	echo "PS1='edge-filter# '" >"$TMP/bashrc"
	echo "$TOPOLOGY_PICTURE"
	printf '\n%s\n%s\n\n' "client, router, server COMMAND: on that machine. shunt: the router's." \
		"'shunt apply \$CONFIG' starts; traffic.sh shows what passes; exit removes all."
	bash --rcfile "$TMP/bashrc" -i
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then
	PATH=$PATH:/usr/sbin:/sbin
	topology_up
	if (($#)); then
		"$@"
	else
		topology_shell
	fi
fi
