#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Copyright (c) The shunt authors
# boundary_test.sh - what XDP found out arrives at TC, and nothing that somebody else wrote
. "$(dirname "$0")/../lib/net.sh"

((EUID)) && skip_all "needs root"
RENDERINGS=${RENDERINGS:-200}
ns_new client
ns_new box
veth client v0 - box in -
MAC=$(mac box in)
LIB=$BUILD/tests/lib
MARK=4711			# FORGER_MARK, too
cd "$TMP" || die "no folder"
sh_() { shunt_ box "$@"; }

# file MARK OTHER: port 53 is marked and handed over, the others pass by another edge. At TC,
# 'judge' leaves by 'seen' what came over the boundary with MARK in mark and user[0], 'stale' what has
# the other generation's; 0x10 is SHUNT_PKT_HANDOFF
file() {
	cat >t.yaml <<-END
		version: 1
		nodes:
		  guard: { module: filter, rules: [udp dport 53 goto marked] }
		  mark: { module: $LIB/probe.xdp.o, config: { set_mark: $1 } }
		  judge: { module: $LIB/probe.xdp.o, config: { want_flags: 0x10, want_mark: $1 } }
		  stale: { module: $LIB/probe.xdp.o, config: { want_flags: 0x10, want_mark: $2 } }
		  port: { module: filter, rules: [udp dport 53 goto bare] }
		graphs:
		  early:
		    entry: guard
		    edges:
		      guard: { accept: pass, marked: mark }
		      mark: { next: boundary(late) }
		  late:
		    entry: judge
		    edges:
		      judge: { seen: drop(right), next: stale }
		      stale: { seen: drop(wrong), next: port }
		      port: { bare: drop(bare), accept: drop(other) }
		attach:
		  - { dev: in, hook: xdp, graph: early }
		  - { dev: in, hook: tc-ingress, graph: late }
	END
}

drops() {		# REASON
	local json

	json=$(sh_ -j drop show)
	[[ $json =~ \"reason\":\"$1\",[^}]*\"packets\":([0-9]+) ]] && echo "${BASH_REMATCH[1]}" || echo 0
}

all() { echo "right $(drops right) bare $(drops bare) other $(drops other)"; }
arrived() { (($(drops right) + $(drops wrong) + $(drops bare) + $(drops other) >= $1)); }
udp() {			# N PORT
	send s client v0 -n "$1" -r 20000 --dst-mac "$MAC" --src 10.0.0.1 --dst 10.0.0.2 \
		--sport 1000 --dport "$2" "${@:3}"
}

file $MARK 4712
shuntd_start box || die "no daemon"
sh_ apply t.yaml >out 2>&1
is "both graphs" "$?" 0
diag "$(cat out)"

# ---- what crosses ----
udp 10 53
wait_for 10 arrived 10
is "mark and user words cross the boundary" "$(all)" "right 10 bare 0 other 0"
udp 10 54
wait_for 10 arrived 20
is "what passes by another edge arrives without" "$(all)" "right 10 bare 0 other 10"

# ---- both rendered again and again, while packets flow ----
renderings() {
	local i

	for ((i = 0; i < RENDERINGS; i++)); do
		file $((4712 - i % 2)) $((4711 + i % 2))
		sh_ -q apply t.yaml || return
	done
}

read -ra before <<<"$(all)"
send_start s client v0 -s 600 -r 2000 --dst-mac "$MAC" --src 10.0.0.1 --dst 10.0.0.2 \
	--sport 1000 --dport 53-54
ok "$RENDERINGS renderings under traffic" renderings
send_stop s
ok "all arrive" wait_for 10 arrived \
	"$((before[1] + before[3] + before[5] + $(count s sent) - $(count s tx_dropped)))"
read -ra after <<<"$(all)"
right=$((after[1] - before[1])) bare=$((after[3] - before[3])) other=$((after[5] - before[5]))
diag "$(count s sent) sent, $(count s tx_dropped) dropped before: $right with hand-off, $bare" \
	"in a moment of a commit, $other by the other edge"
is "sent = counted, residue 0" "$(($(count s sent) - $(count s tx_dropped) - right - bare - other))" 0
is "no packet has the hand-off of another generation" "$(drops wrong)" 0
ok "nor one of the other edge any: half of them" test $((right + bare - other)) -ge 0 -a \
	$((right + bare - other)) -le 1 -o "$(count s tx_dropped)" -gt 0
ok "packets without are those of a commit's moment" test $((bare * 20)) -lt $((right + 1))

# ---- metadata of somebody else: an XDP program that redirects into our cable ----
cable() {		# f0 - f1: what is sent there leaves by v0, with forged metadata in front
	ip -n "$client" link add f0 numrxqueues 1 numtxqueues 1 type veth peer f1 \
		numrxqueues 1 numtxqueues 1 && ip -n "$client" link set f0 up &&
		ip -n "$client" link set f1 up &&
		ns_do client bpftool net attach xdpdrv pinned foreign/xdp dev f1 &&
		ns_do box ethtool -K in gro on >out
}

bytes() { printf '%d %d 0 0' $(($1 & 255)) $(($1 >> 8)); }	# of an interface's index
forged() {		# N
	send s client f0 -n "$1" -r 5000 --dst-mac "$MAC" --src 10.0.0.1 --dst 10.0.0.2 \
		--sport 1000 --dport 53
}

mkdir foreign && mount -t bpf bpf foreign
bpftool prog load "$LIB/forger.xdp.o" foreign/xdp type xdp pinmaps foreign/maps &&
	bpftool prog load "$LIB/forger.tc.o" foreign/tc type classifier pinmaps foreign/tc_maps &&
	cable || die "no forger"
read -ra port <<<"$(bytes "$(ip -n "$client" -o link show dev v0 | cut -d: -f1)")"
bpftool map update pinned foreign/maps/forger_port key 0 0 0 0 value "${port[@]}"
sh_ detach in >/dev/null
ns_do box tc qdisc add dev in clsact
ns_do box tc filter add dev in ingress bpf da object-pinned foreign/tc
seen_10() {
	bpftool -j map dump pinned foreign/tc_maps/forger_seen | grep -q '"value":\["0x0a"'
}

forged 10
ok "forged metadata arrives where nobody looks at it" wait_for 10 seen_10
ns_do box tc qdisc del dev in clsact
file $MARK 1
ok "graphs again" sh_ apply t.yaml
sh_ detach in --hook xdp >/dev/null
read -ra before <<<"$(all)"
forged 10
wait_for 10 arrived $((before[1] + before[3] + before[5] + 10))
is "TC alone does not believe it" "$(all)" \
	"right ${before[1]} bare $((before[3] + 10)) other ${before[5]}"
file $MARK 2
ok "XDP again" sh_ apply t.yaml
forged 10
wait_for 10 arrived $((before[1] + before[3] + before[5] + 20))
is "XDP's hand-off takes its place" "$(all)" \
	"right $((before[1] + 10)) bare $((before[3] + 10)) other ${before[5]}"
sh_ detach --all >/dev/null
shuntd_stop
finish
