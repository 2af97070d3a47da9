#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Copyright (c) The shunt authors
# demo_nat_test.sh - the gateway's demo shows what it claims, fails when not, leaves nothing
# TEST_TIMEOUT=300
. "$(dirname "$0")/../lib/net.sh"
. "$(dirname "$0")/../lib/demo.sh"

((EUID)) && skip_all "needs root"
GATEWAY=$NET_TOP/topologies/nat-gateway
DEMO_FILE=$GATEWAY/demo
declare -A started

wrong() {			# wrong NAME SED-SCRIPT: a demo with the file so changed, in the background
	sed "$2" "$GATEWAY/shunt.yaml" >"$TMP/$1.yaml"
	cmp -s "$GATEWAY/shunt.yaml" "$TMP/$1.yaml" && die "'$2' changes nothing"
	demo_start "$1" CONFIG="$TMP/$1.yaml"
	started[$1]=$DEMO
}

fails() {			# fails NAME WHAT CLAIM
	wait "${started[$1]}"
	is "$2 fails the demo" "$?" 1
	like "$2: the claim is named" "$(grep -A1 ^FAILED "$TMP/$1.out")" "$3"
	is "$2: nothing is left" "$(left "${started[$1]}")" ""
}

demo_start whole
whole=$DEMO
ok "it comes as far as the transfers" runs_as_far_as whole "shuntd restarts"
like "while it runs there is something to remove" "$(left "$whole")" \
	"/run/netns/shunt-$whole-gateway.*/run/bpf.*process "
demo_end whole "$whole"
is "the demo ends 0" "$STATUS" 0
like "it says so" "$(tail -n 1 "$TMP/whole.out")" "All steps did what they claim"
is "nothing is left, not of the second daemon either" "$(left "$whole")" ""

wrong plain 's/ip saddr 10.0.0.0\/8 masquerade accept/ip saddr 10.0.0.0\/8 accept/'
wrong open 's/other: drop(policy)/other: translate/'
wrong onehome 's/elements: \[192.0.2.1\]/elements: [192.0.2.7]/'
wrong forgets 's/counters: true.*/timeouts: { tcp-established: 1s }/'
wrong trusting 's/\(dnat to 10.0.2.2:80\) synproxy/\1 accept/'
demo_start interrupted
ok "SIGINT: it comes as far as the transfers" runs_as_far_as interrupted "three flows"
kill -INT -- "-$DEMO"
wait "$DEMO"
is "SIGINT: it ends so" "$?" 130
is "SIGINT: nothing is left" "$(left "$DEMO")" ""
fails plain "no masquerade" "has no 'outside sees 192.0.2.1'"
fails open "who lets all in" "'outside nc -z -w 1 10.0.1.2 22' ended with 0"
fails onehome "no way back inside" "'office curl -sS -m 5 http://192.0.2.1:8080/' ended with"
fails trusting "no synproxy" "nothing is half open at the server: it is '"
fails forgets "a table that forgets flows" "the flows are the same"
finish
