#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Copyright (c) The shunt authors
# demo_lb_nat_test.sh - the demo of shunt beside haproxy shows what it claims, fails when not, leaves nothing
. "$(dirname "$0")/../lib/net.sh"
. "$(dirname "$0")/../lib/demo.sh"

((EUID)) && skip_all "needs root"
BOX=$NET_TOP/topologies/nat-lb
DEMO_FILE=$BOX/demo

demo_start whole ROUNDS=1
whole=$DEMO
sed 's/port: 8080, comment: "web3"/port: 8081, comment: "web3"/' "$BOX/shunt.yaml" >"$TMP/shut.yaml"
demo_start shut CONFIG="$TMP/shut.yaml"
wait "$DEMO"
is "a server whose port is another fails it" "$?" 1
like "as it is not found to be up" "$(grep ^FAILED "$TMP/shut.out")" "FAILED: servers are not found to be up"
is "nothing is left" "$(left "$DEMO")" ""

# Replies that nobody translates back
sed '/dev: "web\*"/d' "$BOX/shunt.yaml" >"$TMP/oneway.yaml"
demo_start oneway CONFIG="$TMP/oneway.yaml"
wait "$DEMO"
is "so does a box that translates one way" "$?" 1
like "nobody is served then" "$(grep ^FAILED "$TMP/oneway.out")" \
	"FAILED: 'client curl -sS -m 5 http://203.0.113.10/' ended with 28"
is "nothing is left" "$(left "$DEMO")" ""
demo_end whole "$whole"
is "the demo ends 0" "$STATUS" 0
like "it says so" "$(tail -n 1 "$TMP/whole.out")" "All steps did what they claim"
is "nothing is left" "$(left "$whole")" ""
finish
