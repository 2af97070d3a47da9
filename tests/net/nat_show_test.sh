#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Copyright (c) The shunt authors
# nat_show_test.sh - what rules translate, how many flows, what masquerade takes, and the tables of it
. "$(dirname "$0")/../lib/net.sh"

((EUID)) && skip_all "needs root"
ns_new client ipv6
ns_new box ipv6
ns_new server ipv6
veth client v0 10.0.0.1/24 box in 10.0.0.254/24
veth box out 192.0.2.9/24 server v0 192.0.2.2/24
ip -n "$box" addr add 192.0.2.1/24 dev out
ip -n "$server" addr add 198.51.100.2/24 dev v0
ip -n "$server" route add default dev v0
ip -n "$client" route add default via 10.0.0.254
ip -n "$box" route add 198.51.100.0/24 dev out
ns_do box sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.out.promote_secondaries=1 \
	net.ipv4.conf.out.rp_filter=0

cat >"$TMP/nat.yaml" <<-END
	version: 1
	nodes:
	  ct: { module: conntrack }
	  leaves:
	    module: filter
	    rules:
	      - udp dport 53 snat to 192.0.2.1:2000-2001 accept
	      - ip daddr 192.0.2.2 masquerade accept
	      - jump rest
	    chains:
	      rest:
	        - ip daddr 198.51.100.0/24 snat ip prefix to 203.0.113.0/24 accept
	  enters:
	    module: filter
	    rules:
	      - tcp dport 8080 dnat to 10.0.0.1-10.0.0.2:82 accept
	  idle: { module: filter, rules: [ masquerade ] }
	  n: { module: nat }
	graphs:
	  out:
	    entry: ct
	    edges:
	      ct: { established: n, related: n, next: leaves }
	      leaves: { accept: n }
	      n: { next: pass }
	  in:
	    entry: ct
	    edges:
	      ct: { established: n, related: n, next: enters }
	      enters: { accept: n }
	      n: { next: pass }
	attach:
	  - { dev: out, hook: tc-egress, graph: out }
	  - { dev: out, hook: tc-ingress, graph: in }
	  - { dev: in, hook: tc-egress, graph: out }
END

datagram() {			# NAMESPACE ADDRESS PORT
	ns_do "$1" bash -c 'echo >"/dev/udp/$0/$1"' "$2" "$3"
}
syn() { ns_do server timeout 0.3 bash -c 'echo >"/dev/tcp/$0/$1"' "$1" "$2" 2>/dev/null; }
rows() { shunt_ box nat show | awk '/^INTERFACE/ { exit } NR > 1 && NF' | sed 's/  */ /g; s/ $//'; }
field() { shunt_ box nat show -j | python3 -c "import json, sys; r = json.load(sys.stdin); print($1)"; }

shuntd_start box || die "no daemon"
is "nothing is configured" "$(shunt_ box nat show -j)" \
	'{"schema":1,"translations":[],"masquerade":[{"dev":"in","ip":"10.0.0.254","ip6":null},{"dev":"out","ip":"192.0.2.9","ip6":null}],"exhausted":0}'
ok "apply" shunt_ box apply "$TMP/nat.yaml"
id() { shunt_ box rule list "$1" -j | python3 -c "import json, sys; print([r['id'] for r in json.load(sys.stdin)['rules'] if '$2' in r['rule']][0])"; }
first=$(id leaves dport) second=$(id leaves masq) third=$(id leaves prefix) enters=$(id enters dnat)

is "four translations, no flow yet" "$(rows)" "$(printf '%s\n' \
	"enters $enters in@tc-ingress 0 dnat to 10.0.0.1-10.0.0.2:82" \
	"leaves $first out@tc-egress 0 snat to 192.0.2.1:2000-2001" \
	"leaves $second out@tc-egress 0 masquerade" \
	"leaves $third out@tc-egress 0 snat ip prefix to 203.0.113.0/24")"

datagram client 192.0.2.2 7
datagram client 192.0.2.2 8
datagram client 198.51.100.2 7
syn 192.0.2.9 8080
flows() { rows | awk '{ printf "%s ", $4 }'; }
is "flows, each by what it was given" "$(flows)" "1 0 2 1 "
for i in 1 2 3; do
	ns_do client bash -c 'exec 3<>/dev/udp/192.0.2.2/53; echo >&3; echo >&3' 2>/dev/null
done
is "two ports: the third flow finds none" "$(flows)" "1 2 2 1 "
like "and that is told" "$(shunt_ box nat show)" '[1-9][0-9]* new flows found no address and port free'
is "addresses and ports" "$(field '[(t["kind"], t["first"], t["last"], t["prefix_len"], t["port_first"], t["port_last"]) for t in r["translations"]]')" \
	"[('dnat', '10.0.0.1', '10.0.0.2', None, 82, 82), ('snat', '192.0.2.1', '192.0.2.1', None, 2000, 2001), ('masquerade', None, None, None, None, None), ('snat', '203.0.113.0', None, 24, None, None)]"
is "flows that go are not counted" "$(shunt_ box conn del udp dport 53; flows)" "2 deleted
1 0 2 1 "

now_is() { [[ $(field 'r["masquerade"][1]["ip"]') == "$1" ]]; }

# What the host itself would take: the first address, not the lowest, nor a secondary one
is "masquerade takes the primary address" "$(field 'r["masquerade"][1]["ip"]')" 192.0.2.9
is "a flow has it" "$(shunt_ box conn list -j udp dport 7 ip daddr 192.0.2.2 | grep -o '"nat":{"saddr":"[0-9.]*"')" \
	'"nat":{"saddr":"192.0.2.9"'
ip -n "$box" addr add 10.9.9.1/24 dev out
sleep 0.3
ok "also beside a lower one" now_is 192.0.2.9
ip -n "$box" addr del 192.0.2.9/24 dev out
ok "it goes: the first of the others" wait_for 5 now_is 10.9.9.1
ip -n "$box" addr del 10.9.9.1/24 dev out
ok "the secondary one was promoted" wait_for 5 now_is 192.0.2.1
ip -n "$box" addr add 172.16.0.1/24 dev out
sleep 0.3
ok "another one comes last, however low it is" now_is 192.0.2.1
# ---- the tables themselves ----
is "tables of node n" "$(shunt_ box table show n | awk 'NR > 1 { print $1 }' | sort | xargs)" \
	"ct_conf ct_counted ct_counts4 ct_counts6 ct_flows4 ct_flows6 ct_limits4 ct_limits6 ct_seqs4 ct_seqs6 ct_stats ct_tags4 ct_tags6 nat_addrs nat_room nat_rules"
is "addresses" "$(shunt_ box table show n nat_addrs | grep -c 'value addr4=192.0.2.1 addr6=::$')" 1
is "rules" "$(shunt_ box table show n nat_rules | wc -l)" 4
like "one of them" "$(shunt_ box table show n nat_rules)" \
	'3 value kind=2 l3=4 flags=0 len=24 port_first=0 port_last=0 first=203.0.113.0 last='
entries() { shunt_ box table show n ct_flows4 "$@"; }
shunt_ box conn del --all >/dev/null
datagram client 192.0.2.2 7
datagram client 198.51.100.2 9
is "flows, and their second entries" "$(entries -j | python3 -c 'import json, sys; r = json.load(sys.stdin); print(r["table"]["name"], len([e for e in r["elements"] if e["value"]["flow"]["life"] >> 32 & 255]), r["more"])')" \
	"ct_flows4 4 False"
is "get one" "$(shunt_ box table get n ct_flows4 "$(entries | sed -n 's/ .*//p;q')")" "$(entries | sed -n 's/^[0-9]* value //p;q')"
refused() {		# TEXT WORDS...
	shunt_ box table "${@:2}" >"$TMP/out" 2>&1
	[[ $? == 2 && $(<"$TMP/out") == *"$1"* ]] || { cat "$TMP/out"; return 1; }
}
ok "flows are not written" refused "'shunt conn del' deletes flows" set n ct_flows4 1 value flow.mark=1
ok "addresses are not written" refused "'ip addr'" del n nat_addrs 1
ok "rules are not written" refused "'shunt rule'" set n nat_rules 1 value kind=0
ok "settings are not written" refused "section 'conntrack'" set n ct_conf 0 value flags=0
ok "events are no table" refused "has no table 'ct_events'" show n ct_events

# A large one: in parts, while the daemon answers others
sed -i 's/^nodes:/conntrack: { flows: 3000000 }\nnodes:/' "$TMP/nat.yaml"
ok "three million flows" shunt_ box apply "$TMP/nat.yaml"
is "parts" "$("$BUILD/tests/rpc" --socket "$TMP/run/shuntd.sock" table.show '{"node":"n","table":"ct_flows4"}' | grep -c '"cursor":"[1-9]')" 1
entries >"$TMP/all" &
all=$!
slowest=$(for i in 1 2 3 4 5; do
	t=$(date +%s%N)
	shunt_ box conn stats >/dev/null
	echo $((($(date +%s%N) - t) / 1000000))
done | sort -n | tail -1)
wait $all
is "all of it is read" "$(grep -c 'key.proto=17 ' "$TMP/all")" 4
ok "others do not wait for it: $slowest ms" eval '((slowest < 500))'

shuntd_stop
ok "the daemon starts again" shuntd_start box
ok "and sees the same" now_is 192.0.2.1
shuntd_stop
finish
