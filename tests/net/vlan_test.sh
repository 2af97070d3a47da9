#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Copyright (c) The shunt authors
# vlan_test.sh - XDP below 802.1Q devices: the graph sees behind the tag, what passes reaches the device
. "$(dirname "$0")/../lib/net.sh"

((EUID)) && skip_all "needs root"
ns_new client
ns_new box
veth client v0 10.0.0.1/24 box in 10.0.0.2/24
tag() {			# NS DEV ADDRESS: its device of VLAN 7
	ip -n "$1" link add link "$2" name "$2.7" type vlan id 7 2>/dev/null &&
		ip -n "$1" addr add "$3" dev "$2.7" && ip -n "$1" link set "$2.7" up
}

tag "$client" v0 10.0.7.1/24 || skip_all "this kernel has no 802.1Q"
tag "$box" in 10.0.7.2/24
# In the frame: a tag that an offload keeps beside it is none that XDP can see
ns_do client ethtool -K v0 txvlan off >/dev/null

rpc() { "$BUILD/tests/rpc" --socket "$TMP/run/shuntd.sock" "$@"; }
udp_in() { ns_do box awk '/^Udp: [0-9]/ { print $3 }' /proc/net/snmp; }
udp_more() { (($(udp_in) - $1 >= 5)); }
dropped() { rpc status '{}' /graphs/0/dropped; }
poke() {		# one packet to port 9 of each address, then five to port 10
	ns_do client bash -c 'for a in 10.0.0.2 10.0.7.2; do echo x >/dev/udp/$a/9; done
		for ((i = 0; i < 5; i++)); do echo x >/dev/udp/10.0.7.2/10; sleep 0.05; done'
}

cat >"$TMP/config.json" <<-END
	{ "version": 1, "nodes": { "guard": { "module": "filter", "rules": [ "udp dport 9 drop" ] } },
	  "graphs": { "in": [ "guard" ] },
	  "attach": [ { "dev": "in", "hook": "xdp", "graph": "in" } ] }
END
before=$(udp_in)
poke
ok "without a graph all arrive" wait_for 10 eval '(( $(udp_in) - before >= 7 ))'
shuntd_start box || die "no daemon"
ok "XDP below a VLAN device" rpc --config "$TMP/config.json" apply
is "is native" "$(rpc status '{}' /attachments/0/mode)" native
before=$(udp_in)
poke
ok "what is not dropped reaches the VLAN's device" wait_for 10 udp_more "$before"
is "and nothing else" "$(($(udp_in) - before))" 5
is "dropped: with and without a tag" "$(dropped)" 2
ok "the VLAN's device can go" ip -n "$box" link del in.7
is "and the graph stays" "$(rpc status '{}' /attachments/0/dev)" in
rpc detach '{"all":true}' >/dev/null
shuntd_stop
is "the daemon ends well" "$?" 0
finish
