#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Copyright (c) The shunt authors
# demo_test.sh - the demo shows what it claims, fails when it does not, and leaves nothing behind
# TEST_TIMEOUT=600
. "$(dirname "$0")/../lib/net.sh"
. "$(dirname "$0")/../lib/demo.sh"

((EUID)) && skip_all "needs root"
EDGE=$NET_TOP/topologies/edge-filter
DEMO_FILE=$EDGE/demo

# ---- two at once ----
demo_start one
one=$DEMO
demo_start two
two=$DEMO
runs_as_far_as one "under load"
like "while it runs there is something to remove" "$(left "$one")" \
	"/run/netns/shunt-$one-client.*/run/bpf.*process "
demo_end one "$one"
is "the demo ends 0" "$STATUS" 0
demo_end two "$two"
is "so does another at the same time" "$STATUS" 0
like "it says so" "$(tail -n 1 "$TMP/one.out")" "All steps did what they claim"
is "nothing is left" "$(left "$one")" ""
is "nor of the other" "$(left "$two")" ""

# ---- interrupted, while iperf3 and changes are under way ----
for signal in INT TERM; do
	demo_start "$signal"
	ok "SIG$signal: it comes as far as the load" runs_as_far_as "$signal" "under load"
	# Ctrl-C reaches the whole group, kill the demo alone
	[[ $signal == INT ]] && kill -INT -- "-$DEMO" || kill -TERM "$DEMO"
	wait "$DEMO"
	is "SIG$signal: it ends so" "$?" $((128 + $(kill -l $signal)))
	is "SIG$signal: nothing is left" "$(left "$DEMO")" ""
done

# ---- what is claimed is looked at ----
sed '/tcp dport 23/d; s/default: drop/default: accept/' "$EDGE/shunt.yaml" >"$TMP/open.yaml"
demo_start open CONFIG="$TMP/open.yaml"
wait "$DEMO"
is "a filter that lets telnet through fails the demo" "$?" 1
like "and the claim is named" "$(tail -n 1 "$TMP/open.out")" \
	"FAILED: 'client nc -z -w 1 198.51.100.2 23' ended with 0"
is "nothing is left of a failed one" "$(left "$DEMO")" ""

# The numbers go through the limit of 20 a second
sed '0,/udp dport 5300 accept.*/s//udp dport 5300 goto query/' "$EDGE/shunt.yaml" >"$TMP/lossy.yaml"
demo_start lossy CONFIG="$TMP/lossy.yaml"
wait "$DEMO"
is "so does loss under load" "$?" 1
like "which is seen by the counters" "$(tail -n 1 "$TMP/lossy.out")" "FAILED: to-servers counted"

# ---- the file runs anywhere ----
ns_new plain
shuntd_start plain
OUT=$(shunt_ plain apply -q "$EDGE/shunt.yaml" 2>&1 && shunt_ plain export |
	shunt_ plain diff - 2>&1)
is "applied where no such interface is, its export is no difference" "$? $OUT" "0 "
like "and its interfaces are waited for" "$(shunt_ plain status)" "no such interface yet: .*edge0"
finish
