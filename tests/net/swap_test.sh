#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Copyright (c) The shunt authors
# swap_test.sh - graphs are swapped under traffic: no packet is lost, none sees two generations
# TEST_TIMEOUT=600
#
#	SWAPS=n		of each hook (300)
#	REPLACES=n	of a rule (1000)
#	RATE=n		packets a second (40000)
#	HOOKS="..."	xdp tc-ingress tc-egress
#	RULES=n		of the filter whose rules are swapped (3000)
#
# client --- box (the graphs, between two interfaces that forward) --- server. Two configurations
# alternate: one drops even source ports, the other odd ones, and they differ in a node. What goes out
# at the client must be what comes in at the server and what the graph counts as dropped.
. "$(dirname "$0")/../lib/net.sh"

((EUID)) && skip_all "needs root"
SWAPS=${SWAPS:-300} RATE=${RATE:-40000} HOOKS=${HOOKS:-xdp tc-ingress tc-egress}
RULES=${RULES:-3000} REPLACES=${REPLACES:-1000}
CONTROL=$((RATE * 2))		# packets of a run without swaps

ns_new client
ns_new box
ns_new server
veth client v0 10.0.0.1/24 box in 10.0.0.2/24
veth box out 10.0.1.2/24 server v0 10.0.1.1/24
ns_do box sh -c 'echo 1 > /proc/sys/net/ipv4/ip_forward'
ip -n "$box" neigh add 10.0.1.1 lladdr "$(mac server v0)" dev out nud permanent
MAC=$(mac box in)
shuntd_start box || die "no daemon"

rpc() { "$BUILD/tests/rpc" --socket "$TMP/run/shuntd.sock" "$@"; }

# config FILE HOOK DEV even|odd: drop those source ports. Who drops is checked like who passes
config() {
	local rule="udp sport 1000 drop" way=meter

	[[ $4 == odd ]] && rule="udp sport 1001 drop" way=after
	cat >"$1" <<-END
	{ "version": 1,
	  "nodes": {
	    "before": { "module": "$BUILD/tests/net/torn.xdp.o" },
	    "guard": { "module": "filter", "rules": [ "$rule" ] },
	    "meter": { "module": "count" },
	    "after": { "module": "$BUILD/tests/net/torn.xdp.o" },
	    "last": { "module": "$BUILD/tests/net/torn.xdp.o", "config": { "last": 1 } },
	    "sink": { "module": "$BUILD/tests/net/torn.xdp.o", "config": { "last": 1 } }
	  },
	  "graphs": { "swapped": { "entry": "before", "edges": {
	    "before": { "next": "guard" },
	    "guard": { "accept": "$way", "drop": "sink" },
	    $([[ $way == after ]] || echo '"meter": { "next": "after" },')
	    "after": { "next": "last" },
	    "last": { "next": "pass" },
	    "sink": { "next": "drop(policy)" } } } },
	  "attach": [ { "dev": "$3", "hook": "$2", "graph": "swapped" } ] }
	END
}

# What has been counted since the graph is attached: packets dropped misses lost, then of 'last' and of
# 'sink': packets torn
counters() {
	local node field

	rpc status '{}' /graphs/0/packets /graphs/0/dropped /misses || return
	ip -n "$box" -s -j link show dev out | sed 's/.*"tx":{[^}]*"dropped":\([0-9]*\).*/\1/'
	for node in ${CHECKERS-last sink}; do
		rpc table.get "{\"node\":\"$node\",\"table\":\"torn_total\",\"key\":[\"0\"]}" \
			/element/value/packets /element/value/torn || return
	done
}

settled() {		# nothing is on its way any more: two looks see the same
	local now

	now=$(ip -n "$server" -s -j link show dev v0) && sleep 0.1 &&
		[[ $now == "$(ip -n "$server" -s -j link show dev v0)" ]]
}

# In flow: do packets come to the graph?
begun() {
	local now

	mapfile -t now < <(counters)
	((now[0] > before[0]))
}

# flow CMD...: traffic through the box while CMD runs; without CMD, CONTROL packets. Sets SENT, DELIVERED,
# LOST (what a full queue dropped, before the box or behind it) and the differences of counters
flow() {
	local before after frames=(-n "$CONTROL") status=0

	(($#)) && frames=(-s 3600)
	mapfile -t before < <(counters)
	recv_start r server v0 || return
	send_start s client v0 "${frames[@]}" -r "$RATE" --dst-mac "$MAC" --src 10.0.0.1 \
		--dst 10.0.1.1 --sport 1000-1001 --dport 53
	if (($#)); then
		wait_for 10 begun || status=1
		"$@" || status=1
		send_stop s || status=1
	else
		send_wait s || status=1
	fi
	wait_for 10 settled
	recv_stop r || status=1
	mapfile -t after < <(counters)
	SENT=$(count s sent) DELIVERED=$(count r received)
	EARLY=$(($(count s tx_dropped) - $(count s failed)))
	((EARLY > 0)) || EARLY=0
	SEEN=$((after[0] - before[0])) DROPPED=$((after[1] - before[1]))
	MISSES=$((after[2] - before[2])) LATE=$((after[3] - before[3]))
	CHECKED=$((${after[4]:-0} + ${after[6]:-0} - ${before[4]:-0} - ${before[6]:-0}))
	TORN=$((${after[5]:-0} + ${after[7]:-0} - ${before[5]:-0} - ${before[7]:-0}))
	return "$status"
}

# judge: nothing is lost that is not accounted for
judge() {
	local residue=$((SENT - DELIVERED - DROPPED - EARLY - LATE)) bypassed

	bypassed=$((SENT - EARLY - SEEN))
	is "$NAME: the receiver lost none" "$(count r kernel_drops)" 0
	is "$NAME: sent = delivered + dropped, residue 0, torn 0" \
		"residue $residue, torn $TORN, missed $MISSES, bypassed $bypassed" \
		"residue 0, torn 0, missed 0, bypassed 0"
	is "$NAME: all were checked from root to last node" "$CHECKED" "$SEEN"
	diag "$NAME: $SENT sent = $DELIVERED delivered + $DROPPED dropped + $EARLY + $LATE lost in" \
		"queues; $TORN torn of $CHECKED checked"
	ok "$NAME: both verdicts were given" test "$DELIVERED" -gt 0 -a "$DROPPED" -gt 0
}

swaps() { "$BUILD/tests/swap" --socket "$TMP/run/shuntd.sock" -n "$SWAPS" "$TMP/b.json" "$TMP/a.json" \
	>"$TMP/swap.json"; }

control() {		# before|after
	NAME="$HOOK, control $1"
	flow || diag "the traffic failed"
	judge
}

for HOOK in $HOOKS; do
	dev=in
	[[ $HOOK == tc-egress ]] && dev=out
	config "$TMP/a.json" "$HOOK" "$dev" even
	config "$TMP/b.json" "$HOOK" "$dev" odd
	ok "$HOOK: attached" rpc --config "$TMP/a.json" apply '{}'
	like "$HOOK: as wanted" "$(rpc status '{}' /attachments/0/mode)" '^(native|tcx|clsact)$'
	control before
	NAME="$HOOK, swapped"
	ok "$HOOK: $SWAPS swaps under traffic" flow swaps
	is "$HOOK: each swap rendered anew" "$(count swap swaps) $(count swap rendered)" \
		"$SWAPS $SWAPS"
	judge
	diag "$HOOK: $(cat "$TMP/swap.json")"
	control after
done

# A rule is replaced by another that matches the same packets, among many: a packet that saw the one
# gone and the other not yet there would leave by 'mixed'
rules_config() {
	local i

	printf '{ "version": 1, "nodes": { "guard": { "module": "filter", "default": "mixed", "rules": ['
	for ((i = 1; i <= RULES; i++)); do
		printf '"ip saddr 10.%d.%d.0/24 tcp dport %d drop",' $((i % 200 + 20)) $((i / 200)) \
			$((i % 60000 + 1))
	done
	printf '"udp sport 1000 drop", "udp sport 1001 accept", "tcp dport 1 drop(second)"] } },
	  "graphs": { "swapped": { "entry": "guard", "edges": {
	    "guard": { "accept": "pass", "mixed": "drop(mixed)" } } } },
	  "attach": [ { "dev": "in", "hook": "xdp", "graph": "swapped" } ] }\n'
}

# Packets dropped for a reason, as drop.show has them
mixed() {
	rpc drop.show '{}' /drops | tr '{' '\n' | sed -n 's/.*"reason": *"mixed".*"packets": *\([0-9]*\).*/\1/p' |
		awk '{ n += $1 } END { print n + 0 }'
}

replaces() { "$BUILD/tests/swap" --socket "$TMP/run/shuntd.sock" -n "$REPLACES" --node guard \
	"udp sport 1000 drop" "udp sport 1000 drop(second)" >"$TMP/replace.json"; }

HOOK=xdp NAME="rules of $RULES"
ok "what was attached is detached" rpc detach '{"all":true}'
rules_config >"$TMP/rules.json"
ok "$NAME: attached" rpc --config "$TMP/rules.json" apply '{}'
CHECKERS=			# no such nodes in this graph
ok "$NAME: $REPLACES rules replaced under traffic" flow replaces
diag "$NAME: $(cat "$TMP/replace.json")"
is "$NAME: the receiver lost none" "$(count r kernel_drops)" 0
is "$NAME: sent = delivered + dropped, none saw a mixture" \
	"residue $((SENT - DELIVERED - DROPPED - EARLY - LATE)), missed $MISSES, mixed $(mixed)" \
	"residue 0, missed 0, mixed 0"
ok "$NAME: most changes loaded no program" test "$(count replace rendered)" -le $((REPLACES / 10))
diag "$NAME: $SENT sent = $DELIVERED delivered + $DROPPED dropped + $EARLY + $LATE lost in queues"

ok "what was attached is detached" rpc detach '{"all":true}'
shuntd_stop
is "the daemon ends well" "$?" 0
finish
