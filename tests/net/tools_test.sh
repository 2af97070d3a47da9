#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Copyright (c) The shunt authors
# tools_test.sh - what counts loss for other tests counts exactly
. "$(dirname "$0")/../lib/net.sh"

((EUID)) && skip_all "needs root"
ns_new a
ns_new b ipv6
veth a v0 10.0.0.1/24 b v0 10.0.0.2/24
MAC=$(mac b v0)

# Frames of the four flows 1000-1001 -> 53-54, by default to an address that nobody answers for
burst() {	# NAME OPTION...
	send "$1" a v0 -r 100000 --dst-mac "$MAC" --src 10.0.0.1 --dst 10.0.0.99 \
		--sport 1000-1001 --dport 53-54 "${@:2}"
}

counts() {	# NAME FIELD...: "field value ..."
	local name=$1 field text=

	shift
	for field; do
		text+="$field $(count "$name" "$field") "
	done
	echo "${text% }"
}

# ---- all of them ----
recv_start r b v0
burst s -n 200000
recv_stop r
is "200000 frames sent" "$(counts s sent failed tx_dropped flows)" \
	"sent 200000 failed 0 tx_dropped 0 flows 4"
is "200000 frames received, no other" \
	"$(counts r received duplicates reordered gaps kernel_drops other)" \
	"received 200000 duplicates 0 reordered 0 gaps 0 kernel_drops 0 other 0"

# ---- some of them ----
recv_start r b v0 --flow 2
burst s -n 10000
recv_stop r
is "one flow of four is a quarter" "$(counts r received gaps kernel_drops)" \
	"received 2500 gaps 7499 kernel_drops 0"

recv_start r b v0
burst s -n 10000 --skip 1000
recv_stop r
# the tenth is the highest number: nothing above tells that it is missing
is "frames left out are gaps" "$(counts s sent) $(counts r received gaps)" \
	"sent 9990 received 9990 gaps 9"

recv_start r b v0
burst s -n 10000 --twice 100
recv_stop r
is "frames sent twice are duplicates" "$(counts s sent) $(counts r received duplicates gaps)" \
	"sent 10100 received 10100 duplicates 100 gaps 0"

recv_start r b v0
burst s1 -n 3000 && burst s2 -n 2000
recv_stop r
is "two senders are two series" "$(counts r received duplicates gaps reordered)" \
	"received 5000 duplicates 0 gaps 0 reordered 0"

# ---- a receiver that cannot follow says so ----
recv_start r b v0 --ring-kb 512
kill -STOP "${NET_PIDS[r]}"
burst s -n 20000
kill -CONT "${NET_PIDS[r]}"
recv_stop r
ok "frames without room in the ring are counted" test "$(count r kernel_drops)" -gt 0
is "and make up the difference" $(($(count r received) + $(count r kernel_drops))) "$(count s sent)"

# ---- the frames are good ones: a socket takes them, checksum and all ----
snmp() {	# FILE KEY
	ns_do b cat "/proc/net/$1" | awk -v key="$2" '
		$1 == key { print $2 }
		$1 == "Udp:" && !n { n = split($0, names, " "); next }
		$1 == "Udp:" { for (i = 2; i <= n; i++) if ("Udp" names[i] == key) print $i }'
}

udp() {		# proto: what was taken for a port that nobody has, and what was refused
	echo "$(snmp "$1" "$2NoPorts") $(snmp "$1" "$2InCsumErrors")"
}

burst s -n 1000 --dst 10.0.0.2
is "IPv4 UDP checksums are right" "$(udp snmp Udp)" "1000 0"
ip -n "$b" addr add fd00::2/64 dev v0 nodad
send s a v0 -6 -n 1000 -r 100000 --size 1400 --dst-mac "$MAC" \
	--src fd00::1 --dst fd00::2 --sport 7 --dport 9
is "IPv6 UDP checksums are right" "$(udp snmp6 Udp6)" "1000 0"

# ---- stopped early, both still tell ----
recv_start r b v0
send_start s a v0 -P tcp --flags S -s 60 -r 20000 --vlan 7 --dst-mac "$MAC" \
	--src 10.0.0.1 --dst 10.0.0.2 --sport 1 --dport 1-100
packets() {
	ns_do b awk '$1 == "v0:" { print $3 }' /proc/net/dev
}
seen() {
	(($(packets) > $1))
}
wait_for 20 seen $(($(packets) + 1000))
send_stop s
recv_stop r
ok "a sender that is stopped has sent" test "$(count s sent)" -gt 0
is "and all was received" "$(counts r received gaps kernel_drops)" \
	"received $(count s sent) gaps 0 kernel_drops 0"

# ---- wrong use ----
try() {		# TOOL OPTION...
	ns_do a "$BUILD/tests/$1" "${@:2}"
}
FLOW="--dst-mac $MAC --src 1.1.1.1 --dst 1.1.1.1 --sport 1 --dport 1"
# shellcheck disable=SC2086
{
	ok "no such interface" not try send -i nope $FLOW
	ok "odd size" not try send -i v0 --size 101 $FLOW
	ok "too many flows" not try send -i v0 $FLOW --sport 1-300 --dport 1-300
}
ok "receiver without interface" not try recv
ok "receiver on no such interface" not try recv -i nope
finish
