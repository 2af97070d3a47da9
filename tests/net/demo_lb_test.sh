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

# ---- what is broken, and what is lost with a server that was dead from 99.5 to 101 ----
mkdir "$TMP/count" && cd "$TMP/count" || die "no folder"
cat >connections <<-'END'
	request 10.0.0.3 10000 - ECONNREFUSED 100.0 100.1
	request 10.0.0.3 10001 - ECONNREFUSED 200.0 200.1
	request 10.0.0.3 10002 web1 whole 200.0 200.1
	download 10.0.0.3 10003 web1 ECONNRESET 99.0 100.1
	download 10.0.0.3 10004 web2 ECONNRESET 99.0 100.1
	request 10.0.0.3 10005 - TimeoutError 99.0 100.1
	request 10.0.0.3 10006 - TimeoutError 99.0 100.1
END
echo "web2 99.5 101" >dead
echo "elements = { 10.0.0.3 . 10005 expires 1m }" >seen
like "who was served by one that lives, or by nobody, is broken" "$("$EDGE/clients" count . web2=seen)" \
	"^downloads 0, requests 1, lost with their server 3, broken 3"
echo "download 10.0.0.3 10007 web1 whole 201.0 202.0" >>connections
out=$("$EDGE/clients" count . web2=seen)
like "a second count adds what has come" "$out" "^downloads 1, requests 1, lost with their server 3, broken 3"
is "and names what broke" "$(grep -o ' 1000[0-9] ' <<<"$out" | xargs)" "10001 10003 10006"

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
