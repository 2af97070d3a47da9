#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Copyright (c) The shunt authors
# traffic.sh - two balancers, one job: who serves, and whom servers see
#
# Runs inside the topology:
#	topology.sh bash -c 'shunt apply $CONFIG && traffic.sh'
set -u
. "$(dirname "$0")/../show.sh"

say "By shunt: all serve, and see the client itself"
try 0 'client curl -sS -m 5 http://203.0.113.10/'
try 0 'for i in {1..40}; do client curl -sS -m 5 http://203.0.113.10/; done | sort | uniq -c'
expect_is "four servers, one client" "$(grep -c 'sees 10.0.0.2$' <<<"$OUT")" 4
try 0 'shunt conn list tcp dport 80 --count 2'
expect "the flows, as they are before and behind" "$OUT" ":8080]"

say "By haproxy: all serve, and see haproxy"
try 0 'for i in {1..40}; do client curl -sS -m 5 http://203.0.113.11/; done | sort | uniq -c'
expect_is "four servers, nobody sees the client" \
	"$(grep -c 'sees 10.1.[1-4].1$' <<<"$OUT")" 4

say "What is of no service is the box's"
try 7 'client curl -sS -m 5 http://10.0.0.1/'
try 0 'client ping -q -c 2 -i 0.1 10.1.1.2'
expect "and passes" "$OUT" " 0% packet loss"
