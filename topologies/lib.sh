# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Copyright (c) The shunt authors
# shellcheck shell=bash
# lib.sh - what the example networks share: machines, a daemon on one of them, a shell among them
#
# Who sources this sets TOPOLOGY (its folder), TOPOLOGY_PICTURE, TOPOLOGY_BOX (the machine that
# shunt runs on) and TOPOLOGY_MACHINES (all, in words), and defines topology_links and
# topology_servers; if shunt runs on several, topology_daemons and TOPOLOGY_APPLY, too. It ends with:
#	topology_main "$@"
. "$(dirname "${BASH_SOURCE[0]}")/../tests/lib/net.sh"

# shellcheck disable=SC2016
TOPOLOGY_APPLY='shunt apply $CONFIG'	# what starts it, in the shell

# Namespace, and a command that runs in it. There 'shunt' talks to the daemon of that machine, if it
# has one of its own (topology_daemon).
topology_machine() {		# topology_machine NAME
	ns_new "$1" ipv6
	cat >"$TMP/bin/$1" <<-END
		#!/bin/sh
		[ ! -S "$TMP/run-$1/shuntd.sock" ] || export SHUNT_SOCKET="$TMP/run-$1/shuntd.sock"
		exec nsenter --net=/run/netns/$(ns_name "$1") "\$@"
	END
	chmod +x "$TMP/bin/$1"
}

topology_route() {		# topology_route NS GATEWAY GATEWAY6
	ip -n "$1" route add default via "$2" && ip -n "$1" -6 route add default via "$3" ||
		die "no routes in '$1'"
}

topology_forwards() {		# topology_forwards NAME: between its interfaces
	ns_do "$1" sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward &&
		echo 1 >/proc/sys/net/ipv6/conf/all/forwarding' || die "no forwarding"
}

topology_run() {		# in the background
	"$TMP/bin/$1" "${@:2}" >>"$TMP/servers.log" 2>&1 </dev/null &
	disown			# bash says nothing when a demo kills it
}

topology_web() {		# topology_web NAME LINES: nginx, with these lines in its server
	local dir=$TMP/web-$1

	mkdir "$dir"
	cat >"$dir/nginx.conf" <<-CONF
		daemon off; master_process off; pid nginx.pid; error_log stderr error;
		events {}
		http {
			access_log off; default_type text/plain;
			client_body_temp_path .; proxy_temp_path .; fastcgi_temp_path .;
			uwsgi_temp_path .; scgi_temp_path .;
			server { listen 80; listen [::]:80; $2 }
		}
	CONF
	topology_web_start "$1"
}

topology_web_start() {		# of what topology_web has set up; $! is its pid
	topology_run "$1" nginx -p "$TMP/web-$1" -c "$TMP/web-$1/nginx.conf" -e stderr
}

topology_listens() {		# topology_listens NS PORT...
	local port listeners

	listeners=$("$TMP/bin/$1" ss -Hltun)
	for port in "${@:2}"; do
		[[ $listeners == *":$port "* ]] || return 1
	done
}

# One daemon of several: topology_daemons starts those, then waits for each
topology_daemon() {		# topology_daemon NAME
	mkdir -p "$TMP/run-$1" "$TMP/state-$1"
	topology_run "$1" "$BUILD/shuntd" --run-dir "$TMP/run-$1" --state-dir "$TMP/state-$1" \
		--bpf-dir "$BUILD/bpf"
}

topology_daemon_wait() {	# topology_daemon_wait NAME...
	local name

	for name; do
		wait_for 20 test -S "$TMP/run-$name/shuntd.sock" ||
			die "shuntd does not start on '$name': $(tail -n 20 "$TMP/servers.log")"
	done
}

topology_daemons() {
	shuntd_start "$TOPOLOGY_BOX" || exit 1
}

topology_up() {
	((EUID)) && die "only root can make namespaces"
	[[ -x $BUILD/shunt && -x $BUILD/shuntd ]] || die "no shunt in '$BUILD': 'make' builds it"
	mkdir "$TMP/bin"
	ln -s "$BUILD/shunt" "$TMP/bin/shunt"
	topology_links
	topology_servers
	topology_daemons
	SHUNT_SOCKET=$TMP/run-$TOPOLOGY_BOX/shuntd.sock
	[[ -S $SHUNT_SOCKET ]] || SHUNT_SOCKET=$TMP/run/shuntd.sock
	export TMP SHUNT_SOCKET CONFIG=${CONFIG:-$TOPOLOGY/shunt.yaml}
	export PATH=$TMP/bin:$TOPOLOGY:$PATH:/usr/sbin:/sbin
}

topology_shell() {
	echo "PS1='${TOPOLOGY##*/}# '" >"$TMP/bashrc"
	echo "$TOPOLOGY_PICTURE"
	printf '\n%s\n%s\n\n' \
		"$TOPOLOGY_MACHINES COMMAND: on that machine. shunt: that of $TOPOLOGY_BOX." \
		"'$TOPOLOGY_APPLY' starts; traffic.sh shows what passes; exit removes all."
	bash --rcfile "$TMP/bashrc" -i
}

# A demo's steps. In the background: a trap waits for what runs in the foreground, and bash 5.2
# cannot run one between two $( ) of a command. 'wait' ends at once.
topology_demo() {		# topology_demo FUNCTION
	topology_up
	"$1" &
	on_exit net_end $!
	wait $! || exit
	printf '\nAll steps did what they claim.\n'
}

topology_main() {		# a shell, or a command: if it is topology.sh itself that runs
	[[ ${BASH_SOURCE[1]} == "$0" ]] || return 0
	PATH=$PATH:/usr/sbin:/sbin
	topology_up
	if (($#)); then
		"$@"
	else
		topology_shell
	fi
}
