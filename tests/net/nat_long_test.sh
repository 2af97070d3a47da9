#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Copyright (c) The shunt authors
# nat_long_test.sh - translated connections go on, whatever is changed, restarted or killed
# TEST_TIMEOUT=600
#
#	SWAPS=n		in all (200): most change a rule in place; one of twenty a rule that translates,
#			one of twenty the configuration, by a node or the size of the flow table.
#			These render graphs anew
#	RESTARTS=n	of the daemon (5): ended, killed, killed while it swaps
#	CONNS=n		of each of four kinds (125): out by masquerade, in by dnat, IPv4, IPv6
. "$(dirname "$0")/../lib/net.sh"

((EUID)) && skip_all "needs root"
SWAPS=${SWAPS:-200} RESTARTS=${RESTARTS:-5} CONNS=${CONNS:-125}
EACH=$((SWAPS / RESTARTS))		# swaps between two restarts
((EACH >= 20 && EACH % 20 == 0)) || die "SWAPS / RESTARTS is to be a multiple of 20"

ns_new client ipv6
ns_new box ipv6
ns_new server ipv6
veth client v0 10.0.0.1/24,fd00::1/64 box in 10.0.0.254/24,fd00::fe/64
veth box out 192.0.2.1/24,2001:db8::1/64 server v0 192.0.2.2/24,2001:db8::2/64
# shellcheck disable=SC2154
ip -n "$client" route add default via 10.0.0.254
ip -n "$client" route add default via fd00::fe
ns_do box sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1

OUT="ip saddr 10.0.0.0/8 masquerade accept" OUT_B="ip saddr 10.0.0.0/9 masquerade accept"
RULE="tcp dport 7000 drop" RULE_B="tcp dport 7001 drop"	# of nobody
IN="ip daddr 192.0.2.1 tcp dport 8080 dnat to 10.0.0.1:81 accept" IN_B=${IN/:81/:82}

rpc() { "$BUILD/tests/rpc" --socket "$TMP/run/shuntd.sock" "$@"; }
swap() { "$BUILD/tests/swap" --socket "$TMP/run/shuntd.sock" "$@" >"$TMP/swap.json" 2>>"$TMP/swap.err"; }

config() {			# NAME FLOWS NODE: behind the translation of what comes in
	cat >"$TMP/$1.json" <<-END
	{ "version": 1,
	  "conntrack": { "pickup": false, "flows": $2, "flows6": $2 },
	  "nodes": {
	    "ct": { "module": "conntrack" }, "n": { "module": "nat" }, "meter": { "module": "count" },
	    "leaves": { "module": "filter", "rules": [ "$RULE", "$OUT",
	      "ip6 saddr fd00::/8 masquerade accept" ] },
	    "enters": { "module": "filter", "default": "drop", "rules": [ "$RULE", "$IN",
	      "ip6 daddr 2001:db8::1 tcp dport 8080 dnat to [fd00::1]:81 accept",
	      "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } goto own" ] } },
	  "graphs": {
	    "out": { "entry": "ct", "edges": {
	      "ct": { "established": "n", "related": "n", "next": "leaves" },
	      "leaves": { "accept": "n" }, "n": { "next": "pass" } } },
	    "in": { "entry": "ct", "edges": {
	      "ct": { "established": "n", "related": "n", "next": "enters" },
	      "enters": { "accept": "n", "own": "pass" },
	      ${3:+"\"$3\": { \"next\": \"pass\" },"}
	      "n": { "next": "${3:-pass}" } } } },
	  "attach": [ { "dev": "out", "hook": "tc-egress", "graph": "out" },
	              { "dev": "out", "hook": "xdp", "graph": "in" } ] }
	END
}

conns_start() {			# conns_start NAME N
	rm -f "$TMP/ready"
	net_start "$1" client conns -n "$2" --ready "$TMP/ready" \
		"$client" 192.0.2.2 5300 "$server" 5300 192.0.2.1 \
		"$client" 2001:db8::2 5300 "$server" 5300 2001:db8::1 \
		"$server" 192.0.2.1 8080 "$client" 81 192.0.2.2 \
		"$server" 2001:db8::1 8080 "$client" 81 2001:db8::2
	wait_for 60 test -e "$TMP/ready" || die "no connections: $(cat "$TMP/$1.err")"
}

flows() {			# those of the connections, without what changes
	shunt_ box conn list tcp dport '{ 5300, 8080 }' ct state established |
		sed -E 's/ [0-9hmsd]+ / /; s/ packets .*//' | sort
}

# swapped [-n N] ARGS...: counts what came of it
swapped() {
	local status

	swap "$@"
	status=$?
	((DONE += $(count swap swaps), RENDERED += $(count swap rendered)))
	return "$status"
}

# block NUMBER. All come back to where they began: an even number of each
block() {
	local some=$(((EACH / 20 + 1) / 2 * 2)) plain

	plain=$((EACH - 2 * some))
	if (($1 % 2)); then
		swapped -n "$some" --node leaves "$OUT" "$OUT_B" &&
			swapped -n "$some" "$TMP/size.json" "$TMP/a.json"
	else
		swapped -n "$some" --node enters "$IN" "$IN_B" &&
			swapped -n "$some" "$TMP/node.json" "$TMP/a.json"
	fi && swapped -n $((plain / 4 * 2)) --node leaves "$RULE" "$RULE_B" &&
		swapped -n $((plain - plain / 4 * 2)) --node enters "$RULE" "$RULE_B"
}

restart() {			# restart NUMBER: each way in its turn
	local pid

	case $(($1 % 3)) in
	0)	shuntd_stop || return ;;
	1)	shuntd_kill9 ;;
	2)	swap -n 1000000 "$TMP/size.json" "$TMP/a.json" &
		pid=$!
		sleep "0.$((RANDOM % 8))$((RANDOM % 10))"
		shuntd_kill9
		wait "$pid"
		((DONE += $(count swap swaps), RENDERED += $(count swap rendered), AMID++))
		: >"$TMP/swap.err" ;;	# its last one was refused, of course
	esac
	shuntd_start box && rpc --config "$TMP/a.json" apply '{}' >/dev/null || return
	((++RESTARTED))
}

config a 4096
config node 4096 meter
config size 6000
shuntd_start box || die "no daemon"
ok "applied" rpc --config "$TMP/a.json" apply '{}'
conns_start c "$CONNS"
before=$(flows)
is "each connection has a flow" "$(wc -l <<<"$before")" $((CONNS * 4))

DONE=0 RENDERED=0 RESTARTED=0 AMID=0
for ((i = 0; i < RESTARTS; i++)); do
	block "$i" && restart "$i" || break
	[[ ! -s $TMP/c.err ]] || break
done
[[ ! -s $TMP/swap.err ]] || diag "$(cat "$TMP/swap.err")"
ok "all swaps were done" test "$DONE" -ge "$SWAPS"
is "all restarts were done" "$RESTARTED" "$RESTARTS"
is "the flows are the same" "$(diff <(echo "$before") <(flows))" ""
ok "what was sent arrived, both ways" net_stop c
is "no connection broke" "connections $(count c connections), broken $(count c broken)" \
	"connections $((CONNS * 4)), broken 0"
diag "swaps $DONE, restarts $RESTARTED, connections $(count c connections), broken $(count c broken)"
diag "$RENDERED renderings of graphs, $AMID kills amid swaps, $(count c numbers) numbers in" \
	"$(count c seconds) s, one took $(count c longest_ms) ms"
conns_start last 2
ok "new connections are as the old ones were" net_stop last
is "no packet met a graph that was not there" "$(rpc status '{}' /misses)" 0
rpc detach '{"all":true}' >/dev/null
shuntd_stop
is "the daemon ends well" "$?" 0
finish
