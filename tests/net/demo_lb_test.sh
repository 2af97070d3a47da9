#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Copyright (c) The shunt authors
# demo_lb_test.sh - the balancers' demo: no connection to a server that lives breaks; it fails when one does
# TEST_TIMEOUT=300
. "$(dirname "$0")/../lib/net.sh"
. "$(dirname "$0")/../lib/demo.sh"

((EUID)) && skip_all "needs root"
EDGE=$NET_TOP/topologies/edge-lb
DEMO_FILE=$EDGE/demo

part() {			# part WORD: the number behind it
	grep -o "$1 [0-9]*" <<<"$counts" | cut -d' ' -f2
}

demo_start whole
whole=$DEMO
sed 's/^ *drain: .*/&\n        tracking: never/' "$EDGE/shunt.yaml" >"$TMP/never.yaml"
demo_start never CONFIG="$TMP/never.yaml"
never=$DEMO
wait "$never"
is "balancers that remember no flow fail it" "$?" 1
like "those that broke are named" "$(grep -A1 ^FAILED "$TMP/never.out")" \
	"connections to servers that live broke: .* web4 ECONNRESET"
is "nothing is left" "$(left "$never")" ""

ok "it comes as far as a death" runs_as_far_as whole "web2 died"
like "while it runs there is something to remove" "$(left "$whole")" \
	"/run/netns/shunt-$whole-client.*/run-lb1/bpf.*process "
demo_start interrupted
ok "SIGINT: it comes as far as the traffic" runs_as_far_as interrupted "Two balancers, one choice"
kill -INT -- "-$DEMO"
wait "$DEMO"
is "SIGINT: it ends so" "$?" 130
is "SIGINT: nothing is left" "$(left "$DEMO")" ""

demo_end whole "$whole"
is "the demo ends 0" "$STATUS" 0
counts=$(grep ^changes "$TMP/whole.out")
diag "$counts"
like "connections broken: none" "$counts" "changes 15, balancers lost 1, .* broken 0$"
ok "of a thousand requests" test "$(part requests)" -ge 1000
ok "and tens of downloads" test "$(part downloads)" -ge 50
ok "a server died under some" test "$(part server)" -ge 1
like "it says so" "$(tail -n 1 "$TMP/whole.out")" "All steps did what they claim"
is "nothing is left" "$(left "$whole")" ""
finish
