#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Copyright (c) The shunt authors
# refuse_test.sh - what is wrong is refused with its place, and nothing that runs changes
. "$(dirname "$0")/../lib/net.sh"

((EUID)) && skip_all "needs root"
ns_new client
ns_new box
veth client v0 10.0.0.1/24 box in 10.0.0.2/24
ip -n "$box" link add br0 type bridge && ip -n "$box" link set br0 up

LIB=$BUILD/tests/lib
cd "$TMP" || die "no folder"
sh_() { shunt_ box "$@"; }
udp_in() { ns_do box awk '/^Udp: [0-9]/ { print $3 }' /proc/net/snmp; }
udp_more() { (($(udp_in) > $1)); }

runs() {		# whether port 9 is dropped at box's 'in' and port 10 is not
	local before

	before=$(udp_in)
	ns_do client bash -c 'echo x >/dev/udp/10.0.0.2/9; echo x >/dev/udp/10.0.0.2/10'
	wait_for 5 udp_more "$before"
	(($(udp_in) - before == 1)) || { echo "$(($(udp_in) - before)) of 2 came through"; return 1; }
}

state() {		# what must not change
	sh_ -j status | sed 's/"uptime_s":[0-9]*//; s/"packets":[0-9]*,"dropped":[0-9]*//g
		s/"events":[0-9]*//'
	find "$TMP/run/bpf" | sort
}

all_state() {
	state
	sh_ export
	sh_ -j history
	ns_do box "$BUILD/tests/hooked" in
}

still() {		# WHEN
	is "$1: what ran is the same" "$(all_state)" "$all"
	ok "$1: and does the same" runs
}

# One file, t.yaml, and what is said of it. TEXT: all of stderr, or a pattern with '*'. KEYS: of
# the first finding with -j, "line column end_column path code" and what follows
says() {		# WHAT STATUS GOT-STATUS TEXT
	if (($2 != $3)); then
		echo "$1: status $3, wanted $2"
		cat "$TMP/text"
		return 1
	fi
	# shellcheck disable=SC2053
	[[ $(<"$TMP/text") == $4 ]] && return
	echo "$1 says:"
	cat "$TMP/text"
	printf 'wanted:\n%s\n' "$4"
	return 1
}

keys() {		# of the first finding in $TMP/json, in order
	local json key text='("([^"\\]|\\.)*"|null)' number='([0-9]+|null)'

	json=$(<"$TMP/json")
	[[ $json =~ ^'{"schema":1,"errors":[{"file":'$text',"line":'$number',"column":'$number(,.*)$ ]] ||
		return
	key="${BASH_REMATCH[1]} ${BASH_REMATCH[3]} ${BASH_REMATCH[4]}"
	[[ ${BASH_REMATCH[5]} =~ ^',"end_column":'$number',"path":'$text',"code":'$text',"message":'$text',"hint":'$text'}'(.*)$ ]] ||
		return
	key+=" ${BASH_REMATCH[1]} ${BASH_REMATCH[2]} ${BASH_REMATCH[4]}"
	echo "${key//\"/}"
}

said() {		# STATUS KEYS ARGS...: with -j
	local status

	sh_ -j "${@:3}" >"$TMP/json" 2>"$TMP/err"
	status=$?
	[[ $status == "$1" && ! -s $TMP/err && $(keys) == "$2" ]] && return
	echo "${*:3} -j: status $status: $(keys), wanted $1: $2"
	cat "$TMP/json" "$TMP/err"
	return 1
}

refuse() {		# STATUS KEYS TEXT: by check and by apply
	local how

	for how in check apply; do
		sh_ $how t.yaml >"$TMP/text" 2>&1
		says "$how" "$1" $? "$3" || return
	done
	said "$1" "t.yaml $2" apply t.yaml
}

only_apply() {		# STATUS KEYS TEXT: what check cannot know
	sh_ check t.yaml >"$TMP/text" 2>&1
	says check 0 $? "t.yaml: ok" || return
	sh_ apply t.yaml >"$TMP/text" 2>&1
	says apply "$1" $? "$3" || return
	said "$1" "t.yaml $2" apply t.yaml
}

refused() {		# NAME CMD ARGS: and nothing has changed
	ok "$@"
	is "$1: nothing changes" "$(state)" "$before"
}

file() { cat >t.yaml; }

# A network namespace's root, but not our rights
as_nobody() {
	ns_do box setpriv --reuid 65534 --regid 65534 --clear-groups \
		"$BUILD/shunt" --socket "$TMP/run/shuntd.sock" "$@"
}

cat >good.yaml <<-END
	version: 1
	nodes:
	  guard: { module: filter, rules: [udp dport 9 drop] }
	graphs:
	  in: [guard]
	attach:
	  - { dev: in, hook: xdp, graph: in }
	sets: { blocked: { type: ip, elements: [192.0.2.1] } }
END
shuntd_start box || die "no daemon"
ok "a good one" sh_ apply good.yaml
before=$(state)
all=$(all_state)
still "at first"

# ---- syntax: the reader stops at the first ----
file <<-END
	version: 1
	nodes:
	  guard: { module: filter }
	  meter: { module: count }
	  guard: { module: count }
END
refused "a key twice" refuse 2 '5 3 8  duplicate_key' \
"t.yaml:5:3: error: duplicate key 'guard': it is on line 3 already
        guard: { module: count }
        ^~~~~"
file <<-END
	version: 1
	nodes:
	  guard: &a { module: filter }
	  other: *a
END
refused "an anchor" refuse 2 '3 10 12  anchor' \
"t.yaml:3:10: error: anchors (&name) are not supported
        guard: &a { module: filter }
               ^~
        hint: a value that begins with '&' must be in quotes"
file <<-END
	version: 1
	nodes:
	  guard: *a
END
refused "an alias" refuse 2 '3 10 12  alias' \
"t.yaml:3:10: error: aliases (\*name) are not supported
        guard: \*a
               ^~
        hint: a value that begins with '\*' must be in quotes"
file <<-END
	version: 1
	nodes: { guard: { module: filter }
	graphs: {}
END
refused "a brace that is not closed" refuse 2 '3 1 1  syntax' \
"t.yaml:3:1: error: *"
nested() { printf 'version: 1\nnodes: %s\n' "$(printf "%$1s" | tr ' ' '[')" >t.yaml; }
nested 100000
start=${EPOCHREALTIME/./}
timeout 5 "$BUILD/shunt" check t.yaml >"$TMP/text" 2>&1
ok "100000 brackets" says check 2 $? "t.yaml:2:39: error: nested deeper than 32 levels*"
diag "refused in $(((${EPOCHREALTIME/./} - start) / 1000)) ms"
refused "100000 brackets" refuse 2 '2 39 39  too_deep' \
"t.yaml:2:39: error: nested deeper than 32 levels
        nodes: *...
                                              ^"
nested 33
refused "33 brackets" refuse 2 '2 39 39  too_deep' \
"t.yaml:2:39: error: nested deeper than 32 levels*"
truncate -s 257M t.yaml
sh_ apply t.yaml >"$TMP/text" 2>&1
refused "a file beyond 256 MiB" says apply 2 $? "*t.yaml*"
like "a file beyond 256 MiB: which, and the limit" "$(cat "$TMP/text")" 't.yaml.*(256 MiB|268435456|large)'
sh_ apply nothing.yaml >"$TMP/text" 2>&1
refused "no file" says apply 2 $? "*nothing.yaml*No such file*"

still "after bad syntax"

# ---- what the command knows by itself ----
file <<-END
	version: 1
	nodes:
	  guard: { modul: filter }
END
refused "an unknown key" refuse 3 '3 12 17 /nodes/guard/modul unknown_key' \
"t.yaml:3:12: error: unknown key 'modul' in node 'guard'
        guard: { modul: filter }
                 ^~~~~
        hint: did you mean 'module'?"
file <<-END
	version: 1
	nodez: {}
END
refused "an unknown section" refuse 3 '2 1 6 /nodez unknown_key' \
"t.yaml:2:1: error: unknown key 'nodez'*
        nodez: {}
        ^~~~~
        hint: did you mean 'nodes'?"
file <<-END
	version: 1
	nodes:
	  guard: [filter]
END
refused "a list for a map" refuse 3 '3 10 18 /nodes/guard wrong_kind' \
"t.yaml:3:10: error: node 'guard' must be a map, not a list
        guard: [[]filter]
               ^~~~~~~~"
file <<-END
	version: 1
	nodes:
	  guard: { module: filter }
	graphs:
	  in: [guard]
	attach:
	  - { dev: in, hook: xdp, graph: in, priority: high }
END
refused "a word for a number" refuse 3 '7 48 52 /attach/0/priority bad_value' \
"t.yaml:7:48: error: *
        - { dev: in, hook: xdp, graph: in, priority: high }
                                                     ^~~~*"
file <<-END
	version: 1
	nodes:
	  guard456789012345678901234567890: { module: filter }
END
refused "a name of 32 characters" refuse 3 \
	'3 3 35 /nodes/guard456789012345678901234567890 bad_name' \
"t.yaml:3:3: error: the name of a node has at most 31 characters, this one 32
        guard456789012345678901234567890: { module: filter }
        ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
        hint: *"
file <<-END
	version: 1
	nodes:
	  guard: { module: filter }
	graphs:
	  in: { entry: guard, edges: { guard: { accept: metre } } }
END
refused "an edge to nowhere" refuse 3 '5 49 54 /graphs/in/edges/guard/accept no_such_node' \
"t.yaml:5:49: error: edge 'accept' of node 'guard' leads to 'metre': no such node
        in: { entry: guard, edges: { guard: { accept: metre } } }
                                                      ^~~~~
        hint: *"
sed -i '3a\  meter: { module: count }' t.yaml
refused "a node that is nearly there" refuse 3 \
	'6 49 54 /graphs/in/edges/guard/accept no_such_node' \
"t.yaml:6:49: error: edge 'accept' of node 'guard' leads to 'metre': no such node
        in: { entry: guard, edges: { guard: { accept: metre } } }
                                                      ^~~~~
        hint: did you mean 'meter'?"
file <<-END
	version: 1
	nodes:
	  a: { module: count }
	  b: { module: count }
	graphs:
	  in:
	    entry: a
	    edges:
	      a: { next: b }
	      b: { next: a }
END
refused "a cycle" refuse 3 '10 18 19 /graphs/in/edges/b/next cycle' \
"t.yaml:10:18: error: graph 'in' has a cycle: a -> b -> a
        b: { next: a }
                   ^"
file <<-END
	version: 1
	nodes:
	  guard: { module: filter, rules: ["tcp dprt 22 drop"] }
END
refused "a rule" refuse 3 '3 41 45 /nodes/guard/rules/0 unknown_field' \
"t.yaml:3:41: error: unknown field 'tcp dprt'
        guard: { module: filter, rules: [[]\"tcp dprt 22 drop\"] }
                                              ^~~~
        hint: did you mean 'dport'?"

still "after wrong files"

# ---- what the daemon knows: the modules ----
module() {		# MODULE [CONFIG [HOOK]]: a file with one node, attached
	file <<-END
		version: 1
		nodes:
		  mine: { module: $1, config: { ${2:-} } }
		graphs:
		  in: [mine]
		attach:
		  - { dev: in, hook: ${3:-xdp}, graph: in }
	END
}

module limit "rate_pp: 5"
refused "a constant that the module lacks" refuse 3 '3 36 43 /nodes/mine/config/rate_pp unknown_config' \
"t.yaml:3:36: error: module 'limit' has no config value 'rate_pp'
        mine: { module: limit, config: { rate_pp: 5 } }
                                         ^~~~~~~
        hint: did you mean 'rate_pps'?"
module limit "rate_pps: lots"
refused "a constant of another type" refuse 3 '3 46 50 /nodes/mine/config/rate_pps bad_value' \
"t.yaml:3:46: error: 'rate_pps' of module 'limit' is a number (__u64), not 'lots'
        mine: { module: limit, config: { rate_pps: lots } }
                                                   ^~~~
        hint: *"
file <<-END
	version: 1
	nodes:
	  meter: { module: count }
	graphs:
	  in: { entry: meter, edges: { meter: { next: pass, nxt: pass } } }
END
refused "an edge that the module lacks" refuse 3 '5 53 56 /graphs/in/edges/meter/nxt no_such_edge' \
"t.yaml:5:53: error: node 'meter' has no edge 'nxt': module 'count' does not declare it
        in: { entry: meter, edges: { meter: { next: pass, nxt: pass } } }
                                                          ^~~
        hint: did you mean 'next'?"
module limmit
refused "a module that is nearly there" refuse 3 '3 19 25 /nodes/mine/module bad_module' \
"t.yaml:3:19: error: no module there: *
        mine: { module: limmit, config: {  } }
                        ^~~~~~
        hint: did you mean 'limit'?"
tildes() { printf "%$((${#1} - 1))s" | tr ' ' '~'; }
bad_file() {		# NAME PATH WORDS
	module "$2"
	refused "$1" refuse 3 "3 19 $((19 + ${#2})) /nodes/mine/module bad_module" \
"t.yaml:3:19: error: $3
        mine: { module: $2, config: {  } }
                        ^$(tildes "$2")"
}

bad_file "a path that is not there" "$TMP/none.o" "'$TMP/none.o': No such file or directory"
echo "not ELF, but long enough for a header: 0123456789 0123456789 0123456789" >text.xdp.o
bad_file "a module that is not ELF" "$TMP/text.xdp.o" "'$TMP/text.xdp.o': not an ELF file"
bad_file "a folder" "$TMP/" "*$TMP/*"
head -c 2000 "$LIB/probe.xdp.o" >cut.xdp.o
bad_file "a module cut off" "$TMP/cut.xdp.o" "'$TMP/cut.xdp.o': *"
cp "$BUILD/shunt" machine.o
bad_file "ELF, but not BPF" "$TMP/machine.o" "'$TMP/machine.o': ELF, but not for BPF"
cp "$LIB/foreign.xdp.o" foreign.xdp.o
bad_file "BPF, but no module" "$TMP/foreign.xdp.o" \
	"'$TMP/foreign.xdp.o': no shunt module in it: SHUNT_MODULE() is missing"

# The version stands in front of the module's hooks, depth and name
ABI=$(sed -n 's/^#define SHUNT_ABI_VERSION[[:space:]]*//p' "$NET_TOP/include/shunt/abi.h")
python3 - "$LIB" "$ABI" <<-'END'
	import struct, sys
	for hook in "xdp", "tc":
	    data = bytearray(open(sys.argv[1] + "/probe.%s.o" % hook, "rb").read())
	    at = data.index(struct.pack("=IIII6s", int(sys.argv[2]), 7, 2, 0, b"probe\0"))
	    data[at:at + 4] = struct.pack("=I", 99)
	    open("future.%s.o" % hook, "wb").write(data)
END
bad_file "another ABI" "$TMP/future.xdp.o" \
	"'$TMP/future.xdp.o': built for ABI 99, this shuntd speaks $ABI"
module "$LIB/hookless.tc.o"
refused "a hook that the module lacks" refuse 3 '7 5 38 /attach/0 no_such_hook' \
"t.yaml:7:5: error: graph 'in' cannot be at xdp on 'in': module 'hookless' of node 'mine' is not made for it
        - { dev: in, hook: xdp, graph: in }
          ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~"

still "after wrong modules"

# ---- what the kernel knows ----
module "$LIB/refused.xdp.o"
refused "a module that the verifier refuses" only_apply 4 \
	"3 19 $((19 + ${#LIB} + 14)) /nodes/mine/module refused" \
"t.yaml:3:19: error: kernel refused node 'mine' of graph 'in' at xdp: Permission denied
        mine: { module: $LIB/refused.xdp.o, config: {  } }
                        ^$(tildes "$LIB/refused.xdp.o")
          refused.bpf.c:15: pkt->mark = data[[]100]; /\* refused here \*/*
          | *
          | R? offset is outside of the packet*
          whole log: $TMP/run/log/node-mine-of-graph-in-at-xdp.log"
like "whose whole log is there" "$(cat run/log/node-mine-of-graph-in-at-xdp.log)" \
	'refused.bpf.c.*outside of the packet'
sed 's/dev: in/dev: br0/' good.yaml >t.yaml
refused "a driver without XDP" only_apply 4 '7 12 15 /attach/0/dev refused' \
"t.yaml:7:12: error: attach graph 'in' to 'br0' at xdp: *
        - { dev: br0, hook: xdp, graph: in }
                 ^~~*"
ip -n "$box" link add taken0 numrxqueues 1 numtxqueues 1 type veth peer taken1 numrxqueues 1 numtxqueues 1
ip -n "$box" link set taken0 up && ip -n "$box" link set taken1 up
mkdir foreign && mount -t bpf bpf foreign
bpftool prog load "$LIB/foreign.xdp.o" foreign/prog type xdp && ns_do box bpftool net attach \
	xdpdrv pinned foreign/prog dev taken0 || die "no foreign program"
taken=$(ns_do box "$BUILD/tests/hooked" taken0)
before=$(state) all=$(all_state)
sed 's/dev: in/dev: taken0/' good.yaml >t.yaml
refused "a foreign program on the interface" only_apply 4 '7 12 18 /attach/0/dev refused' \
"t.yaml:7:12: error: attach graph 'in' to 'taken0' at xdp: *foreign*
        - { dev: taken0, hook: xdp, graph: in }
                 ^~~~~~*"
is "which stays" "$(ns_do box "$BUILD/tests/hooked" taken0)" "$taken"

# ---- names that a command gives ----
unknown() {		# TEXT ARGS...
	sh_ "${@:2}" >"$TMP/text" 2>&1
	says "${*:2}" 2 $? "shunt: $1"
}

refused "a node that is nearly there" unknown "no node 'gard'; did you mean 'guard'?" \
	rule add gard udp dport 7 drop
refused "one that is not" unknown "no node 'meter'" rule list meter
refused "the same to look at" unknown "no node 'gaurd'; did you mean 'guard'?" node show gaurd
refused "a node, for its tables" unknown "no node 'guarb'; did you mean 'guard'?" table show guarb
refused "a graph" unknown "no graph 'ni'; did you mean 'in'?" graph show ni
refused "a set" unknown "no set 'bloked'; did you mean 'blocked'?" set add bloked 192.0.2.7
refused "a set to look at" unknown "no set 'blockd'; did you mean 'blocked'?" set list blockd
refused "a hook" unknown "no hook 'tc': xdp, tc-ingress or tc-egress" detach --all --hook tc

# ---- the disk, the daemon, the socket ----
still "after what the kernel refused"
shuntd_stop
mkdir small
mount -t tmpfs -o size=64k tmpfs small
cp -r state/. small/
shuntd_start box --state-dir "$TMP/small" || die "no daemon"
dd if=/dev/zero of=small/filler bs=1k 2>/dev/null
before=$(state) all=$(all_state)
sed 's/dport 9/dport 8/' good.yaml >t.yaml
full() {
	sh_ apply t.yaml >"$TMP/text" 2>&1
	says apply 4 $? "t.yaml: error: *No space left on device*" || return
	said 4 't.yaml null null null  refused' apply t.yaml
}

refused "a full disk" full
still "after a full disk"
rm small/filler
second() {
	ns_do box timeout 10 "$BUILD/shuntd" --run-dir "$TMP/run" --state-dir "$TMP/other" \
		--bpf-dir "$BUILD/bpf" >"$TMP/text" 2>&1
	says shuntd 4 $? "*another shuntd runs*"
}

refused "a second daemon" second
unreachable() {		# STATUS TEXT ARGS...
	"$BUILD/shunt" --socket "$TMP/nobody.sock" "${@:3}" >"$TMP/text" 2>&1
	says "${*:3}" "$1" $? "$2" || return
	"$BUILD/shunt" -j --socket "$TMP/nobody.sock" "${@:3}" >"$TMP/json" 2>&1
	[[ $(keys) == 'null null null null  unreachable' ]] || { cat "$TMP/json"; return 1; }
}

for command in "apply good.yaml" status "rule list guard" export; do
	# shellcheck disable=SC2086
	ok "no socket: $command" unreachable 5 "shunt: no daemon at '$TMP/nobody.sock': No such file*" $command
done
python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("nobody.sock")'
ok "a socket that nobody listens on" unreachable 5 \
	"shunt: no daemon at '$TMP/nobody.sock': Connection refused*" status

# ---- without rights ----
chmod 755 "$TMP" "$TMP/run"
chmod 644 good.yaml
denied() {
	as_nobody apply good.yaml >"$TMP/text" 2>&1
	says apply 5 $? "shunt: '$TMP/run/shuntd.sock' is not for you: *"
}

as_nobody check good.yaml >"$TMP/text" 2>&1
ok "nobody may check" says check 0 $? "good.yaml: ok"
module limit "rate_pp: 5"
chmod 644 t.yaml
as_nobody check t.yaml >"$TMP/text" 2>&1
ok "and is told what the modules lack" says check 3 $? \
"t.yaml:3:36: error: module 'limit' has no config value 'rate_pp'*hint: did you mean 'rate_pps'?"
refused "but may not apply" denied
as_nobody status >"$TMP/text" 2>&1
ok "yet look" says status 0 $? "generation *"
sh_ detach --all >/dev/null
shuntd_stop
finish
