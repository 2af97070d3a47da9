#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Copyright (c) The shunt authors
# rule_try_test.sh - 'rule test' with packets that come with marks and flow state; rules of flows load
. "$(dirname "$0")/../lib/net.sh"

((EUID)) && skip_all "needs root"
ns_new client
ns_new box
veth client v0 10.0.0.1/24 box in 10.0.0.2/24

sh_() { shunt_ box "$@"; }

cat >"$TMP/t.yaml" <<-END
	version: 1
	conntrack: { policies: { short: { icmp: 1s } } }
	nodes:
	  guard:
	    module: filter
	    default: drop
	    rules:
	      - ct status snat ct status ! assured goto odd
	      - ct state established,related accept
	      - ct state invalid drop(invalid)
	      - ct direction reply drop(one)
	      - ct mark 5 ct zone 7 goto odd
	      - meta mark 9 goto odd
	      - ct original ip saddr 10.9.0.0/16 jump own
	      - ct state new tcp dport 22 ct mark set 1 ct timeout set short accept
	    chains:
	      own:
	        - notrack
	        - ct state untracked drop(two)
	graphs:
	  in:
	    entry: guard
	    edges: { guard: { accept: pass, odd: pass } }
	attach:
	  - { dev: in, hook: xdp, graph: in }
	  - { dev: in, hook: tc-ingress, graph: in }
END
shuntd_start box || die "no daemon"
ok "rules of flows load" sh_ apply "$TMP/t.yaml"

try() { sh_ rule test guard "$@" 2>&1 | head -1; }	# the verdict
is "no flow" "$(try tcp dport 22)" drop
is "new" "$(try ct state new tcp dport 22)" accept
is "established" "$(try ct state established tcp dport 23)" accept
is "invalid" "$(try ct state invalid tcp dport 22)" "drop(invalid)"
is "a direction is an established flow's" "$(try ct direction reply tcp dport 23)" accept
is "direction and state" "$(try ct direction reply ct state new tcp dport 23)" "drop(one)"
is "mark of the flow alone" "$(try ct mark 5)" drop
is "mark and zone" "$(try ct mark 5 ct zone 7)" odd
is "mark of the packet" "$(try meta mark 9)" odd
is "status" "$(try ct status snat tcp dport 23)" odd
is "status and state" "$(try ct status snat ct state untracked)" drop
is "another status" "$(try 'ct status & (snat|assured) == snat|assured' tcp dport 23)" accept
is "a first packet's ends are its own" "$(try ct state new ip saddr 10.9.1.1)" "drop(two)"
is "without a flow it has none" "$(try ip saddr 10.9.1.1)" drop
like "ends cannot be said" "$(try ct original ip saddr 10.9.1.1)" "its flow's ends are its own"
is "a rule that looks into the flow table, more" \
	"$(sh_ rule add guard 'ct reply ip saddr 10.0.0.9 drop' --index 0 >/dev/null 2>&1; echo $?)" 0
is "new to 10.0.0.9" "$(try ct state new ip daddr 10.0.0.9 tcp dport 22)" drop
like "no such policy" "$(sh_ rule add guard 'ct timeout set shrt accept' 2>&1)" "did you mean 'short'"

sh_ detach --all >/dev/null
shuntd_stop
finish
