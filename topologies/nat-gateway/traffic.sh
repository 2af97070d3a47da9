#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Copyright (c) The shunt authors
# traffic.sh - who sees which address through shunt.yaml, and who is not let in
#
# Runs inside the topology:
#	topology.sh bash -c 'shunt apply $CONFIG && traffic.sh'
set -u
. "$(dirname "$0")/../show.sh"

say "Masquerade: who is inside is seen outside under the gateway's address"
try 0 'office curl -sS -m 5 http://192.0.2.2/'
expect "the gateway's IPv4" "$OUT" "outside sees 192.0.2.1"
try 0 'office curl -sS -m 5 http://[2001:db8::2]/'
expect "and IPv6" "$OUT" "outside sees 2001:db8::1"
try 0 'web curl -sS -m 5 http://192.0.2.2/'
expect "of the other network, too" "$OUT" "outside sees 192.0.2.1"
try 0 "office timeout 5 bash -c 'exec 3<>/dev/udp/192.0.2.2/53; echo >&3; head -n 1 <&3'"
expect "a question by UDP, and its answer" "$OUT" "outside sees 192.0.2.1"
try 7 'office curl -sS -m 5 http://192.0.2.2:81/'
expect "the refusal of a closed port finds its way" "$OUT" "Failed to connect"

say "A port of the gateway is forwarded to the server inside"
try 0 'outside curl -sS -m 5 http://192.0.2.1:8080/'
expect "who asks is seen by the server" "$OUT" "web sees 192.0.2.2"
try 0 'outside curl -sS -m 5 http://[2001:db8::1]:8080/'
expect "by IPv6, too" "$OUT" "web sees 2001:db8::2"

say "Hairpin: the office reaches the server by the address outside"
try 0 'office curl -sS -m 5 http://192.0.2.1:8080/'
expect "it does" "$OUT" "web sees 10.0.1.2"
try 0 'office curl -sS -m 5 http://[2001:db8::1]:8080/'
expect "by IPv6, too" "$OUT" "web sees fd00:1::2"
try 0 'office curl -sS -m 5 http://192.0.2.1/'
expect "a port that is not forwarded is the gateway's own" "$OUT" "gateway sees 10.0.1.2"

say "The flows, as they are inside and outside"
try 0 'shunt conn list ip daddr 192.0.2.2 tcp dport 80'
expect "a masqueraded one" "$OUT" "[nat 192.0.2.1:"
try 0 'shunt conn list ip6 daddr 2001:db8::1 tcp dport 8080 ct zone 0'
expect "a forwarded one" "$OUT" "> [fd00:2::2]:80]"
try 0 'shunt conn list ip daddr 192.0.2.1 tcp dport 8080 ct zone 1'
expect "one of the office, back inside" "$OUT" "> 10.0.2.2:80]"
try 0 'shunt conn count'

say "Who is outside may begin nothing else, though he knows the way"
try 0 'office nc -z -w 2 10.0.1.2 22'
for target in "10.0.1.2 22" "fd00:1::2 22" "192.0.2.1 80"; do
	before=$(drops policy wan-in)
	try 1 "outside nc -z -w 1 $target"
	expect_is "it was dropped" "$(($(drops policy wan-in) > before))" 1
done
before=$(drops policy wan-in)
try 28 'outside curl -sS -m 1 http://10.0.2.2/'
expect_is "the server, but for its forward: dropped" "$(($(drops policy wan-in) > before))" 1
try 0 'shunt drop show'
