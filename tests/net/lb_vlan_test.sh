#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Copyright (c) The shunt authors
# lb_vlan_test.sh - a server that is behind an 802.1Q device: programs send by the device below, with a tag
#
# client --- lb === VLAN 7 === server (tunnels are taken off below its VLAN's device)
. "$(dirname "$0")/../lib/net.sh"

((EUID)) && skip_all "needs root"
VIP=203.0.113.10
for ns in client lb server; do
	ns_new "$ns"
done
veth client v0 10.1.0.2/24 lb toclient 10.1.0.1/24
veth lb trunk - server v0 - mtu 1600
tag() {			# NS DEV ADDRESS: its device of VLAN 7
	ip -n "$1" link add link "$2" name "$2.7" type vlan id 7 2>/dev/null &&
		ip -n "$1" addr add "$3" dev "$2.7" && ip -n "$1" link set "$2.7" up mtu 1600
}

tag "$lb" trunk 10.7.0.1/24 || skip_all "this kernel has no 802.1Q"
tag "$server" v0 10.7.0.2/24
ip -n "$client" route add default via 10.1.0.1
ip -n "$server" route add default via 10.7.0.1
ip -n "$server" addr add $VIP/32 dev lo
ns_do lb sysctl -qw net.ipv4.ip_forward=1
ns_do client ethtool -K v0 tx off >/dev/null 2>&1	# an XDP program cannot leave a sum to a device
# In the frame: what an offload keeps beside it is lost ahead of XDP
ns_do lb ethtool -K trunk txvlan off >/dev/null 2>&1

mkdir "$TMP/www"
head -c 300000 /dev/zero >"$TMP/www/file"
(cd "$TMP/www" && exec nsenter --net="/run/netns/$server" python3 -m http.server 80) >/dev/null 2>&1 &
NET_PIDS[server]=$!
serves() { ns_do server curl -s --noproxy '*' -o /dev/null http://$VIP/file; }
wait_for 30 serves || die "no server"

cat >"$TMP/server.json" <<-END
	{ "version": 1,
	  "nodes": { "d": { "module": "decap", "config": { "addresses": [ "10.7.0.2" ] } } },
	  "graphs": { "in": [ "d" ] },
	  "attach": [ { "dev": "v0", "hook": "xdp", "graph": "in" } ] }
END
mkdir -p "$TMP/run-s" "$TMP/state-s"
ns_do server "$BUILD/shuntd" --run-dir "$TMP/run-s" --state-dir "$TMP/state-s" --bpf-dir "$BUILD/bpf" \
	>"$TMP/shuntd-s.log" 2>&1 </dev/null &
SERVER_PID=$!
server_end() {
	timeout 20 nsenter --net="/run/netns/$server" "$BUILD/shunt" \
		--socket "$TMP/run-s/shuntd.sock" detach --all >/dev/null 2>&1
	net_end "$SERVER_PID"
}
on_exit server_end
wait_for 30 test -S "$TMP/run-s/shuntd.sock" || die "no daemon on the server"
ok "the server takes tunnels off" ns_do server "$BUILD/tests/rpc" --socket "$TMP/run-s/shuntd.sock" \
	--config "$TMP/server.json" apply
shuntd_start lb || die "no daemon"

apply() {			# HOOK FORWARD
	cat >"$TMP/lb.json" <<-END
		{ "version": 1,
		  "nodes": { "edge": { "module": "lb", "services": { "www": { "address": "$VIP",
		    "proto": "tcp", "port": 80, "forward": "$2", "table": 4099,
		    "backends": [ { "address": "10.7.0.2" } ] } } } },
		  "graphs": { "in": [ "edge" ] },
		  "attach": [ { "dev": "toclient", "hook": "$1", "graph": "in" } ] }
	END
	"$BUILD/tests/rpc" --socket "$TMP/run/shuntd.sock" --config "$TMP/lb.json" apply
}

edge() {			# packets that left by an edge of the node
	shunt_ lb graph show in | awk -v edge="$1" '$1 == edge { print $NF }'
}

for hook in xdp tc-ingress; do
	for forward in ipip gue l2; do
		ok "$hook, $forward" apply $hook $forward
		like "$hook, $forward: the way is known" "$(shunt_ lb lb service www)" "ready"
		kernel=$(edge kernel) hit=$(edge hit)
		is "$hook, $forward: a download" "$(ns_do client curl -s --noproxy '*' --max-time 20 \
			-o /dev/null -w '%{size_download}' http://$VIP/file)" 300000
		is "$hook, $forward: nothing had to be the kernel's" "$(edge kernel)" "$kernel"
		ok "$hook, $forward: programs sent it" test "$(edge hit)" -gt "$hit"
	done
done
ok "the VLAN's device goes" ip -n "$lb" link set trunk.7 down
no_way() { shunt_ lb lb service www | grep -q "no_route\|link"; }
ok "and the way with it" wait_for 10 no_way
finish
