#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Copyright (c) The shunt authors
# traffic.sh - what passes through shunt.yaml, and what is dropped and why
#
# Runs inside the topology:
#	topology.sh bash -c 'shunt apply $CONFIG && traffic.sh'
set -u
. "$(dirname "$0")/../show.sh"

say "What passes: web over IPv4 and IPv6"
try 0 'client curl -sS -m 5 http://198.51.100.2/'
expect "the page came" "$OUT" "hello from the server"
try 0 'client curl -sS -m 5 http://[2001:db8:2::2]/'
expect "and by IPv6" "$OUT" "hello from the server"

say "What does not: telnet, a blocked source, what no rule allows, a server that begins to talk"
before=$(drops telnet edge-in)
try 1 'client nc -z -w 1 198.51.100.2 23'
expect_is "telnet was dropped" "$(($(drops telnet edge-in) > before))" 1
before=$(drops blocked edge-in)
try 28 'client curl -sS -m 1 --interface 192.0.2.66 http://198.51.100.2/'
expect_is "so was the blocked source" "$(($(drops blocked edge-in) > before))" 1
before=$(drops policy edge-in)
try 1 'client nc -z -w 1 198.51.100.2 22'
expect_is "and a port that no rule names" "$(($(drops policy edge-in) > before))" 1
before=$(drops policy edge-out)
try 1 'server nc -z -w 1 192.0.2.2 80'
expect_is "and a connection from the server" "$(($(drops policy edge-out) > before))" 1

say "What is limited: 300 questions at once, 20 a second may pass"
asked=$(passed edge-in guard query) next=$(passed edge-in slow next) over=$(drops rate edge-in)
try 0 "client bash -c 'for i in {1..300}; do echo \$i >/dev/udp/198.51.100.2/53; done'"
asked=$(($(passed edge-in guard query) - asked))
next=$(($(passed edge-in slow next) - next)) over=$(($(drops rate edge-in) - over))
expect_is "all 300 were counted" "$asked" 300
expect_is "$next passed + $over dropped = 300" "$((next + over))" 300
expect_is "there were more than may pass" "$((over > 0))" 1

say "Why each packet was dropped"
try 0 'shunt drop show'
