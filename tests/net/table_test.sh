#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Copyright (c) The shunt authors
# table_test.sh - tables through the command: typed by field, kept over changes as long as they fit
. "$(dirname "$0")/../lib/net.sh"

((EUID)) && skip_all "needs root"
ns_new client
ns_new box
veth client v0 - box in -
veth client v1 - box in2 -
MAC=$(mac box in)
LIB=$BUILD/tests/lib
cd "$TMP" || die "no folder"
sh_() { shunt_ box "$@"; }
modules() {		# MODULE: what the file's path stands for
	cp "$LIB/$1.xdp.o" mine.xdp.o && cp "$LIB/$1.tc.o" mine.tc.o
}

file() {		# RATE
	cat >t.yaml <<-END
		version: 1
		nodes:
		  slow: { module: limit, config: { rate_pps: $1, burst_pkts: 3 } }
		  mine: { module: $TMP/mine.xdp.o }
		  kinds: { module: $LIB/fields.xdp.o }
		graphs:
		  in: [slow, mine, kinds]
		  other: [mine]
		attach:
		  - { dev: in, hook: xdp, graph: in }
		  - { dev: in2, hook: tc-ingress, graph: other }
	END
}

wrong() {		# WORDS ARGS...: status 2, and says so
	sh_ "${@:2}" >out 2>&1
	[[ $? == 2 && $(<out) == *"$1"* ]] && return
	cat out
	return 1
}

burst() {		# N CABLE PROTO
	send s client "$2" -n "$1" --dst-mac "$MAC" --src 192.0.2.1 --dst 10.0.0.2 \
		--sport 1 --dport 2 "${@:3}"
}

modules tally
file 1
shuntd_start box || die "no daemon"
ok "apply" sh_ apply t.yaml

# ---- by field ----
is "tables of a node" "$(sh_ table show kinds | awk 'NR > 1 { print $1 }' | xargs)" \
	"field_hash field_array field_sums field_slots field_addrs field_ptr field_churn field_routes"
like "with their types" "$(sh_ table show mine)" \
	'tally_proto +hash +16 +__u32 +packets=__u64 colour=__u32'
ok "set a struct" sh_ table set kinds field_hash addr=10.0.0.1 port=80 proto=6 value \
	u8=200 s16=-5 name=web state=FIELD_UP inner.mask=0xff000000 mac=020000000001 via=2001:db8::1
is "get it, fields not named are 0" "$(sh_ table get kinds field_hash addr=10.0.0.1 port=80 proto=6 |
	tr ' ' '\n' | grep -Ev '=(0|\?|false|0x0|\?,\?)$|^(many|row|byte)' | xargs)" \
	"u8=200 s16=-5 state=FIELD_UP mac=020000000001 name=web inner.mask=4278190080 via=2001:db8::1"
ok "set one field" sh_ table set kinds field_hash addr=10.0.0.1 port=80 proto=6 value u8=7
like "the others stay" "$(sh_ table get kinds field_hash addr=10.0.0.1 port=80 proto=6)" \
	'u8=7 s16=-5 .*name=web'
like "as JSON by field" "$(sh_ -j table get kinds field_hash addr=10.0.0.1 port=80 proto=6)" \
	'"key":\{"addr":"10.0.0.1","port":80,"proto":6,"pad":0\},"value":\{"s8":0,"u8":7,"s16":-5,'
ok "a plain key and value" sh_ table set kinds field_array 3 value 18446744073709551615
is "without loss in 64 bits" "$(sh_ table get kinds field_array 3)" 18446744073709551615
is "also as JSON" "$(sh_ -j table get kinds field_array 3)" \
	'{"schema":1,"element":{"key":3,"value":18446744073709551615}}'
again() {		# what show prints, set takes
	local line words

	sh_ table set kinds field_addrs fd00::1 value true && sh_ table show kinds field_addrs >show || return
	read -r line <show
	read -ra words <<<"$line"
	sh_ table del kinds field_addrs fd00::1 && [[ ! $(sh_ table show kinds field_addrs) ]] &&
		sh_ table set kinds field_addrs "${words[@]}" && sh_ table show kinds field_addrs | cmp - show
}

ok "what show prints, set takes" again
ok "a longest prefix" sh_ table set kinds field_routes prefixlen=8 addr=0x0a000000 value 5
is "found by an address in it" "$(sh_ table get kinds field_routes prefixlen=32 addr=0x0a010203)" 5
ok "a negative number, behind --" sh_ table set -- kinds field_hash addr=10.0.0.2 value s64=-9

ok "an unknown field" wrong "no field 'pakets' in 'struct tally_count'; did you mean 'packets'?" \
	table set mine tally_proto 1 value pakets=1
ok "an unknown field of a key" wrong "did you mean 'port'?" \
	table get kinds field_hash addr=10.0.0.1 prt=80
ok "too large a number" wrong "999 does not fit into 8 bits" \
	table set kinds field_hash addr=10.0.0.1 value u8=999
ok "no number" wrong "lots" table set mine tally_proto 1 value packets=lots
ok "no value" wrong "usage: shunt table set" table set mine tally_proto 1
ok "no such table" wrong "no table 'tally_prot' that outlives a generation; did you mean 'tally_proto'?" \
	table show mine tally_prot
ok "no such node" wrong "no node 'mime'; did you mean 'mine'?" table show mime
ok "no such element" wrong "no such element" table get mine tally_proto 99
ok "none to delete" wrong "no such element" table del mine tally_proto 99

# ---- one table of a node in two graphs; sums of CPUs ----
burst 3 v0
MAC=$(mac box in2)
burst 2 v1
is "a node in two graphs has one table" "$(sh_ table get mine tally_proto 17)" "packets=5 colour=0"
is "per CPU: the sum" "$(sh_ table get mine tally_sum 0)" "packets=5 colour=0"
like "buckets" "$(sh_ table show slow limit_bucket)" '^prefix=192.0.2.1 l3=4 value due=[1-9]'

# ---- kept, lost ----
ok "an element of ours" sh_ table set mine tally_proto 99 value packets=1 colour=7
before=$(sh_ table show slow limit_bucket)
kinds=$(sh_ table show kinds field_hash)
file 2
ok "another rate" sh_ apply t.yaml
is "is there" "$(sh_ node show slow | grep -o 'rate_pps = [0-9]*')" "rate_pps = 2"
is "buckets are kept" "$(sh_ table show slow limit_bucket)" "$before"
is "and tables of users' modules" "$(sh_ table show kinds field_hash)" "$kinds"
is "with what was set" "$(sh_ table get mine tally_proto 99)" "packets=1 colour=7"
shuntd_kill9
shuntd_start box
is "also over a kill" "$(sh_ table get mine tally_proto 99)" "packets=1 colour=7"
ok "rollback" sh_ rollback
is "and over a rollback" "$(sh_ table get mine tally_proto 99)" "packets=1 colour=7"
modules tally_wide
sh_ apply -n t.yaml >plan
sed -i 's/rate_pps: 2/rate_pps: 3/' t.yaml
ok "the module's next version, with another type of value" sh_ apply t.yaml
ok "its table is a new one" wrong "no such element" table get mine tally_proto 99
like "of the new type" "$(sh_ table show mine)" 'tally_proto +hash +16 +__u32 +packets=__u64 colour=__u64'
is "the others are kept" "$(sh_ table show slow limit_bucket)" "$before"
like "which the plan had said" "$(cat plan)" 'table in@xdp/mine tally_proto: state, starts empty: its types or size changed'
sh_ detach --all >/dev/null
shuntd_stop
finish
