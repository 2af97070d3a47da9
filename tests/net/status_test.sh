#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Copyright (c) The shunt authors
# status_test.sh - what the command shows of what runs: facts, traps, keys of JSON, help
. "$(dirname "$0")/../lib/net.sh"

((EUID)) && skip_all "needs root"
ns_new client
ns_new box
veth client v0 - box in -
veth client v1 - box out -
ip -n "$box" link add br0 type bridge && ip -n "$box" link set br0 up
cd "$TMP" || die "no folder"

sh_() { shunt_ box "$@"; }
file() { cat >t.yaml; }

has() {			# REGEX: a line of 'status' is like it
	grep -Eq -- "$1" status && return
	echo "no line like '$1' in:"
	cat status
	return 1
}

hasnt() {
	! grep -E -- "$1" status
}

look() { sh_ status >status; }

trap_is() {		# NAME REGEX CURE...: it is there, and CURE takes it away
	look
	ok "$1" has "^warning: $2"
	"${@:3}" >/dev/null || die "${*:3}"
	look
	ok "$1: gone with '${*:3}'" hasnt "^warning: $2"
}

peer() { ns_do client ethtool -K "$@"; }

shuntd_start box || die "no daemon"

# ---- traps of a native redirect: the other ends are in another namespace ----
file <<-END
	version: 1
	nodes:
	  guard: { module: filter, rules: [udp dport 9 goto back] }
	graphs:
	  in: { entry: guard, edges: { guard: { accept: redirect(out), back: tx } } }
	attach:
	  - { dev: in, hook: xdp, graph: in }
END
peer v0 gro off >/dev/null
peer v1 gro off >/dev/null
sh_ apply t.yaml >out 2>&1
is "traps are told by status, a change is done all the same" "$?" 0
look
ok "native, by a link of its own" has '^in +xdp +in +[0-9]+ +link +native$'
trap_is "redirect() to a veth whose peer is deaf" "in: frames sent out of veth 'out' vanish" \
	peer v1 gro on
peer v1 gro off >/dev/null
mkdir foreign && mount -t bpf bpf foreign
bpftool prog load "$BUILD/tests/lib/foreign.xdp.o" foreign/prog type xdp ||
	die "no foreign program"
trap_is "the same again" "in: frames sent out of veth 'out' vanish" \
	ns_do client bpftool net attach xdpdrv pinned foreign/prog dev v1

# By tx GRO is not enough: frames do vanish
came_back() {			# of ten datagrams to port 9
	local before

	before=$(ns_do client awk '$1 == "v0:" { print $3 }' /proc/net/dev)
	send back client v0 -n 10 --dst-mac "$(mac box in)" --src 10.0.0.1 --dst 10.0.0.2 --sport 1 --dport 9
	sleep 0.2
	echo $(($(ns_do client awk '$1 == "v0:" { print $3 }' /proc/net/dev) - before))
}

peer v0 gro on
is "tx to a veth whose peer has GRO alone: nothing arrives" "$(came_back)" 0
trap_is "tx to a veth whose peer has no XDP" "in: frames that go back out of veth 'in' vanish" \
	ns_do client bpftool net attach xdpdrv pinned foreign/prog dev v0
ok "with XDP there they do, and those that waited" test "$(came_back)" -ge 10
trap_is "checksums left to offload" "in: a native redirect breaks checksums" \
	peer v0 tx off
look
ok "then nothing is wrong" hasnt '^warning'

# ---- VLAN tags ----
file <<-END
	version: 1
	nodes:
	  tagged: { module: $BUILD/tests/lib/tagged.xdp.o }
	graphs:
	  in: [tagged]
	attach:
	  - { dev: in, hook: xdp, graph: in }
END
peer v0 txvlan on >/dev/null
ok "a module that needs VLAN tags" sh_ apply t.yaml
trap_is "VLAN tags left to offload" "in: XDP does not see VLAN tags" peer v0 txvlan off

# ---- generic mode ----
file <<-END
	version: 1
	nodes:
	  meter: { module: count }
	graphs:
	  in: [meter]
	attach:
	  - { dev: br0, hook: xdp, graph: in, mode: auto }
	  - { dev: in, hook: xdp, graph: in, mode: generic }
	  - { dev: in, hook: tc-egress, graph: in }
	  - { dev: "pod*", hook: tc-ingress, graph: in }
	  - { dev: late0, hook: xdp, graph: in }
END
sh_ apply t.yaml >out 2>&1
is "generic instead of native: status 6" "$?" 6
look
ok "a driver without XDP is generic" has '^br0 +xdp +in +[0-9]+ +link +generic'
ok "generic mode is told" has '^warning: br0: generic'
ok "also where it was asked for" has '^warning: in: generic'
ok "TC" has '^in +tc-egress +in +[0-9]+ +(tcx +tcx|clsact +clsact)$'
ok "what is waited for" has '^no such interface yet: pod\*, late0$'
like "why not native" "$(sh_ -j status)" \
	'"dev":"br0","ifindex":[0-9]+,"hook":"xdp","graph":"in","mode":"generic","wanted":"auto","how":"link","program":[0-9]+,"why":"[^"]+"'

# ---- one that fails when it appears ----
ip -n "$box" link add busy0 numrxqueues 1 numtxqueues 1 type veth peer busy1 numrxqueues 1 \
	numtxqueues 1
ns_do box bpftool net attach xdpdrv pinned foreign/prog dev busy0
ip -n "$box" link set busy0 name late0
failed() {
	look
	has '^late0 +xdp +in +- +- +not attached' && has "^warning: late0: .*foreign"
}

ok "a failed attachment, and why" wait_for 20 failed
sh_ apply t.yaml >out 2>&1
is "an apply while one is failed: status 6" "$?" 6
like "and which" "$(cat out)" "warning: late0: "
ip -n "$box" link del late0

# ---- keys of JSON: docs/api.md ----
file <<-END
	version: 1
	sets:
	  some: { type: ip, elements: [192.0.2.1] }
	nodes:
	  guard: { module: filter, rules: [ip saddr @some drop] }
	  slow: { module: limit }
	  meter: { module: count }
	graphs:
	  in: [guard, slow, meter]
	attach:
	  - { dev: in, hook: xdp, graph: in }
END
sh_ apply t.yaml >/dev/null 2>&1
send s client v0 -n 3 --dst-mac "$(mac box in)" --src 192.0.2.1 --dst 10.0.0.2 --sport 1 --dport 2
sh_ table set slow limit_bucket prefix=10.0.0.1 l3=4 value due=1

# COMMAND: POINTER KEY...
keys_table() {
	cat <<-END
		status: / schema version generation time comment confirm_by uptime_s graphs attachments waiting ports mirror misses flows warnings
		status: /graphs/0 name hook generation nodes depth packets dropped
		status: /attachments/0 dev ifindex hook graph mode wanted how program why error warnings
		status: /mirror links addresses events overruns resyncs stale
		graph show: / schema graphs
		graph show: /graphs/0 name hook generation packets depth entry nodes
		graph show: /graphs/0/nodes/0 name module slot packets misses edges
		graph show: /graphs/0/nodes/0/edges/0 name target packets
		node show slow: / schema nodes
		node show slow: /nodes/0 name module path help config tables rules in
		node show slow: /nodes/0/config/0 name type value default help
		node show slow: /nodes/0/in/0 graph hook packets edges
		rule list guard: / schema rules default
		rule list guard: /rules/0 node chain index id rule packets bytes last_s
		set list: / schema sets
		set list: /sets/0 set type kind comment elements
		set list some: /sets/0 set type kind comment elements text
		drop show: / schema drops
		drop show: /drops/0 graph hook node edge reason help packets
		module list: / schema modules
		module list: /modules/0 name help path abi hooks depth needs_vlan open_edges edges config tables
		module inspect limit: / schema module
		module inspect limit: /module name help path abi hooks depth needs_vlan open_edges edges config tables
		module inspect $BUILD/tests/lib/tagged.xdp.o: /module name help path abi hooks depth needs_vlan open_edges edges config tables
		module inspect filter: /module/edges/0 name fail target
		module inspect limit: /module/config/0 name type default help
		module inspect limit: /module/tables/0 name type key value key_bytes value_bytes entries schema
		table show slow: / schema tables
		table show slow: /tables/0 name type key value max_entries per_cpu
		table show slow limit_bucket: / schema table elements more
		table show slow limit_bucket: /elements/0 key value
		table get slow limit_bucket prefix=10.0.0.1 l3=4: / schema element
		history: / schema generations
		history: /generations/0 generation time uid user comment running pending from
		version: / schema version daemon
		feature: / schema features
		feature: /features/0 name value why
		feature in: /features/0 name value why
		apply t.yaml: / schema generation changed plan rendered kept attached replaced detached load_us commit_us grace_us confirm_by warnings
		apply -n t.yaml: / schema generation changed plan rendered kept attached replaced detached load_us commit_us grace_us confirm_by warnings
		diff t.yaml: / schema differences lines plan
	END
}

asked=
has_keys() {		# COMMAND POINTER KEY...: these, in any order, no others
	# shellcheck disable=SC2086
	[[ $1 == "$asked" ]] || sh_ -j $1 >json || return
	asked=$1
	python3 - "${@:2}" <<-'END'
		import json, sys
		at = json.load(open("json"))
		for word in sys.argv[1].split("/"):
		    if word:
		        at = at[int(word)] if isinstance(at, list) else at[word]
		got, want = sorted(at), sorted(sys.argv[2:])
		sys.exit(got != want and "got %s\nwanted %s" % (got, want))
	END
}

while IFS=: read -r command rest; do
	# shellcheck disable=SC2086
	read -r at keys <<<"$rest"
	ok "keys of '${command/$BUILD\//}' at $at" has_keys "$command" "$at" $keys
done < <(keys_table)
ok "indented JSON is the same" python3 -c '
import json, sys
a, b = json.loads(sys.argv[1]), json.loads(sys.argv[2])
for x in a, b: del x["uptime_s"]
sys.exit(a != b or "\n" not in sys.argv[2])' "$(sh_ -j status)" "$(sh_ -p status)"

# ---- text ----
ok "graph show" eval "sh_ graph show in >out; grep -q '^    drop   -> drop(policy)  *3$' out"
ok "graph show of none" not sh_ graph show nobody
dot() {			# each line is one of Graphviz's notation, and braces match
	sh_ graph show --dot >dot || return
	[[ $(tr -cd '{' <dot) == "$(tr -cd '}' <dot | tr '}' '{')" ]] || return
	if grep -Evn '^(digraph shunt \{|	+(rankdir|label)=[^ ]+.*;|	node \[shape=box\];|	subgraph cluster_[0-9]+ \{|	+"[^"]+"( -> "[^"]+")? \[(label|shape)=("[^"]*"|[a-z]+)(, shape=[a-z]+)?\];|	*\})$' dot; then
		return 1
	fi
	grep -q '"0.guard" -> "0.slow"' dot
}

ok "graph show --dot" dot
ok "node show" eval "sh_ node show slow >out; grep -q 'rate_pps = 1000' out"
ok "module list" eval "sh_ module list >out; [[ \$(awk 'NR > 1 { print \$1 }' out | xargs) == *'count decap filter lb limit'* ]]"
ok "module inspect of a path" eval "sh_ module inspect '$BUILD/tests/lib/tagged.tc.o' >out; grep -q '^module tagged' out"
ok "without a daemon as well" "$BUILD/shunt" --socket none module inspect limit
ok "feature" eval "sh_ feature >out; grep -Eq '^xdp +yes ' out"
ok "feature of an interface" eval "sh_ feature in >out; grep -Eq '^driver +veth ' out"
ok "history" eval "sh_ history >out; grep -Eq ' running ' out"
is "version" "$(sh_ version | xargs)" "shunt $(sh_ -V | awk '{ print $2 }') shuntd $(sh_ -V | awk '{ print $2 }')"

# ---- help ----
sh_ help >out
is "help" "$?" 0
mapfile -t commands < <(sed -n 's/^  \([a-z]\+\( [a-z]\+\)\?\) .*/\1/p' out | sort -u)
like "knows the commands" "${#commands[@]}" '^(2[5-9]|[3-9][0-9])$'
helps() {
	local command words

	for command in "${commands[@]}" rule set table graph module; do
		read -ra words <<<"$command"
		sh_ help "${words[@]}" >help.text && [[ -s help.text ]] &&
			sh_ "${words[@]}" --help >help.again && cmp help.text help.again && continue
		echo "$command"
		return 1
	done
}

examples() {
	local command missing=0

	sh_ help --man | sed 's/\\-/-/g' >man || return
	for command in "${commands[@]}"; do
		grep -Eq "^(shunt|.*\| *shunt) ${command}( |$)" man && continue
		echo "no example of '$command'"
		missing=1
	done
	return $missing
}

ok "help of each, in both ways" helps
ok "no help of what there is not" not sh_ help nothing
ok "the manual page has an example of each" examples
if man -l /dev/null >/dev/null 2>&1; then
	sh_ help --man >shunt.1
	MANWIDTH=80 man --warnings -l shunt.1 >page 2>warnings
	is "the manual page has no fault" "$(cat warnings)" ""
elif type groff >/dev/null 2>&1; then
	sh_ help --man | groff -man -ww -z -Tascii >/dev/null 2>warnings
	is "the manual page has no fault" "$(cat warnings)" ""
else
	skip "the manual page has no fault" "neither man nor groff"
fi

ns_do client bpftool net detach xdpdrv dev v1
sh_ detach --all >/dev/null
shuntd_stop
finish
