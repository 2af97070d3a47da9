#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Copyright (c) The shunt authors
# traffic.sh - who serves whom behind two balancers, and what passes by them
#
# Runs inside the topology:
#	topology.sh bash -c 'apply && traffic.sh'
set -u
. "$(dirname "$0")/../show.sh"

say "Two balancers, one choice: any client is sent to the same server by both"
for lb in lb1 lb2; do
	for port in {20000..20039}; do
		"$lb" shunt lb where "10.0.0.2:$port" www | sed -n 's/.* begins goes to //p'
	done >"$TMP/$lb.where"
done
expect_is "40 flows, on both balancers" "$(wc -l <"$TMP/lb1.where") $(cmp "$TMP/lb1.where" "$TMP/lb2.where" && echo alike)" \
	"40 alike"
asked=$(head -n 1 "$TMP/lb1.where")
try 0 'client curl -sS -m 5 --local-port 20000 http://203.0.113.10/'
expect "and it is that one which answers, to the client itself" "$OUT" "web${asked:5:1} sees 10.0.0.2"

say "All four serve, each balancer had a part"
try 0 'for i in {1..40}; do client curl -sS -m 5 http://203.0.113.10/; done | sort | uniq -c'
expect_is "four servers" "$(wc -l <<<"$OUT")" 4
for lb in lb1 lb2; do
	try 0 "$lb shunt lb show"
	expect_is "$lb has had flows" "$("$lb" shunt lb show | awk '$2 == "www" { print ($(NF - 1) > 0) }')" 1
done

say "What is too big for the tunnel is told so, and comes in smaller parts"
head -c 200000 /dev/zero >"$TMP/upload"
try 0 "client curl -sS -m 10 --data-binary @$TMP/upload -o /dev/null -w '%{http_code} %{size_upload}' http://203.0.113.10/"
expect_is "it is there" "$OUT" "200 200000"
try 0 'client ip route get 203.0.113.10'
expect "the client knows how much fits" "$OUT" "mtu 1480"

say "What is of no service is left alone"
try 0 'client ping -q -c 3 -i 0.1 10.0.1.2'
expect "ping to the balancer" "$OUT" " 0% packet loss"
try 7 'client curl -sS -m 5 http://10.0.2.2/'
expect "port 80 of a balancer is its own, and closed" "$OUT" "Failed to connect"

say "No trap is set"
try 1 'lb1 shunt status | grep warning'
