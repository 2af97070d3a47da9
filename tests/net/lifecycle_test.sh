#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Copyright (c) The shunt authors
# lifecycle_test.sh - interfaces come, go, move and are shared; the daemon stops and starts
. "$(dirname "$0")/../lib/net.sh"

((EUID)) && skip_all "needs root"
ns_new client
ns_new box
ns_new away
veth client v0 10.0.0.1/24 box in 10.0.0.2/24
MAC=$(mac box in)

rpc() { "$BUILD/tests/rpc" --socket "$TMP/run/shuntd.sock" "$@"; }

config() {		# ATTACH...: of graph 'guard', which drops port 9
	local list

	list=$(printf ', %s' "$@")
	cat >"$TMP/config.json" <<-END
	{ "version": 1,
	  "nodes": { "guard": { "module": "filter", "rules": [ "udp dport 9 drop" ] },
	             "meter": { "module": "count" } },
	  "graphs": { "guard": [ "guard", "meter" ],
	    "out": { "entry": "meter", "edges": { "meter": { "next": "redirect(gone0)" } } } },
	  "attach": [ ${list#, } ] }
	END
}

apply() {
	config "$@"
	rpc --config "$TMP/config.json" apply '{}' >"$TMP/out" 2>&1
}

at() {			# DEV HOOK [GRAPH]
	echo "{ \"dev\": \"$1\", \"hook\": \"$2\", \"graph\": \"${3:-guard}\"${4:+, $4} }"
}

# "dev hook" of each attachment that is there, in order
attached() {
	rpc status '{}' /attachments | grep -o '{"dev":"[^"]*","ifindex":[0-9]*,"hook":"[^"]*",[^}]*"error":null' |
		sed 's/{"dev":"\([^"]*\)",[^}]*"hook":"\([^"]*\)".*/\1 \2/' | sort | xargs
}

waiting() { rpc status '{}' /waiting; }
attached_is() { [[ $(attached) == "$1" ]]; }
soon() {		# NAME CMD...: within 20 s
	ok "$1" wait_for 20 "${@:2}"
}

soon_attached() {	# NAME WANTED
	wait_for 20 attached_is "$2"
	is "$1" "$(attached)" "$2"
}

hooked() {		# NS DEV: "HOOK ID NAME" of each program that the kernel has there
	ns_do "$1" "$BUILD/tests/hooked" "$2"
	ns_do "$1" tc filter show dev "$2" ingress 2>/dev/null | sed -n 's/.*\(shunt_gate\).* id \([0-9]*\).*/tc-ingress \2 \1/p'
	ns_do "$1" tc filter show dev "$2" egress 2>/dev/null | sed -n 's/.*\(shunt_gate\).* id \([0-9]*\).*/tc-egress \2 \1/p'
}

none_on() { [[ -z $(hooked "$@") ]]; }
cable() {		# NS IF PEER
	ip -n "$(ns_name "$1")" link add "$2" numtxqueues 1 numrxqueues 1 type veth peer "$3" \
		numtxqueues 1 numrxqueues 1 &&
		ip -n "$(ns_name "$1")" link set "$2" up &&
		ip -n "$(ns_name "$1")" link set "$3" up
}

drops() {		# whether port 9 is dropped at box's 'in', by what the kernel's UDP sees
	local before after

	before=$(udp_in)
	ns_do client bash -c 'echo x >/dev/udp/10.0.0.2/9; echo x >/dev/udp/10.0.0.2/10'
	wait_for 5 udp_more "$before"
	after=$(udp_in)
	((after - before == 1)) || echo "$((after - before)) of 2 came through"
	((after - before == 1))
}

udp_in() { ns_do box awk '/^Udp: [0-9]/ { print $3 }' /proc/net/snmp; }
udp_more() { (($(udp_in) > $1)); }

shuntd_start box || die "no daemon"

# ---- names and globs ----
ok "names and globs that no interface has" apply "$(at late0 xdp)" "$(at 'pod*' tc-ingress)"
is "are waited for" "$(waiting)" '["late0","pod*"]'
cable box late0 late1
soon_attached "the name appears" "late0 xdp"
cable box pod0 x0
cable box other0 x1
soon_attached "one of the glob appears" "late0 xdp pod0 tc-ingress"
is "nothing is waited for" "$(waiting)" '[]'
ip -n "$box" link set pod0 down
ip -n "$box" link set pod0 up
like "down and up: still there" "$(hooked box pod0)" "^tc-ingress [0-9]+ shunt_gate"
ip -n "$box" link set pod0 down && ip -n "$box" link set pod0 name free0
soon_attached "renamed out of the glob" "late0 xdp"
soon "its program is gone" none_on box free0
ip -n "$box" link set other0 down && ip -n "$box" link set other0 name pod7
soon_attached "another one renamed into it" "late0 xdp pod7 tc-ingress"
ip -n "$box" link set pod7 netns "$away"
soon_attached "moved to another namespace" "late0 xdp"
ok "its program did not go with it" none_on away pod7
ip -n "$away" link set pod7 netns "$box"
soon_attached "it comes back" "late0 xdp pod7 tc-ingress"
ip -n "$box" link del late0
soon_attached "the name vanishes" "pod7 tc-ingress"
is "and is waited for" "$(waiting)" '["late0"]'
cable box late0 late1
soon_attached "and comes back" "late0 xdp pod7 tc-ingress"
ip -n "$box" link set late0 down && ip -n "$box" link set late0 netns "$away"
soon_attached "an interface with XDP moves" "pod7 tc-ingress"
ok "without its program" none_on away late0
ip -n "$away" link del late0

many() {		# CMD: for 50 interfaces at once
	local i

	for ((i = 100; i < 150; i++)); do
		echo "link $1 pod$i ${2:+type veth peer name y$i}"
	done | ip -n "$box" -batch -
}

n_attached() { (($(attached | wc -w) / 2 == $1)); }
many add peer
soon "50 interfaces appear at once" n_attached 51
many del
soon "and vanish" n_attached 1
is "no pin of them is left" "$(find "$TMP/run/bpf/link" -name '*-xdp' -o -name '*-tc-*' | wc -l)" 1

# ---- the daemon stops, dies, starts ----
ok "three hooks of one interface" apply "$(at in xdp)" "$(at in tc-ingress)" "$(at in tc-egress)"
is "are attached" "$(attached)" "in tc-egress in tc-ingress in xdp"
ok "the graph drops" drops
ids=$(hooked box in)
recv_start r box in
send_start s client v0 -s 600 -r 20000 --dst-mac "$MAC" --src 10.0.0.1 --dst 10.0.0.99 \
	--sport 1000 --dport 53
packets=$(rpc status '{}' /graphs/0/packets)
ok "SIGTERM: the daemon ends well" shuntd_stop
is "and leaves all programs where they are" "$(hooked box in)" "$ids"
ok "which go on" drops
shuntd_start box
is "a start adopts them" "$(attached)" "in tc-egress in tc-ingress in xdp"
is "the same programs" "$(hooked box in)" "$ids"
shuntd_kill9
is "kill -9: likewise" "$(hooked box in)" "$ids"
ok "they go on" drops
shuntd_start box
is "adopted again" "$(hooked box in)" "$ids"
ok "counters went on" test "$(rpc status '{}' /graphs/0/packets)" -gt "$packets"
send_stop s
sleep 0.3		# what is on its way arrives
recv_stop r
is "no packet was lost meanwhile" "$(count r received)" "$(count s sent)"

shuntd_stop			# as a reboot leaves it: the state is there, the kernel's part is not
rm -rf "$TMP/run/bpf"/{graph,link,table,entry_*,miss_*,ports_*,cpu} && umount "$TMP/run/bpf"
ns_do box tc qdisc del dev in clsact 2>/dev/null	# filters need no pin
soon "no pins: nothing is attached" none_on box in
shuntd_start box
soon_attached "a start renders and attaches again" "in tc-egress in tc-ingress in xdp"
ok "and the graph drops" drops

# ---- detach ----
is "detach of a device" "$(rpc detach '{"dev":"in","hook":"xdp"}' /detached)" 1
is "takes one hook away" "$(attached)" "in tc-egress in tc-ingress"
is "detach of all" "$(rpc detach '{"all":true}' /detached)" 2
is "takes all away" "$(attached)" ""
ok "from the kernel, too" none_on box in
ok "another change" apply "$(at in xdp)"
is "attaches again" "$(attached)" "in xdp"

# ---- foreign programs ----
cable box taken0 taken1
# Not by ip: it puts pins into any bpffs that it finds
mkdir "$TMP/foreign" && mount -t bpf bpf "$TMP/foreign"
ok "a program of somebody else" bpftool prog load "$BUILD/tests/lib/foreign.xdp.o" "$TMP/foreign/prog" \
	type xdp
foreign() { ns_do box bpftool net attach xdpdrv pinned "$TMP/foreign/prog" dev "$1"; }
ok "is attached" foreign taken0
foreign=$(hooked box taken0)
generation=$(rpc status '{}' /generation)
ok "is in the way" not apply "$(at taken0 xdp)" "$(at in tc-ingress)"
like "and named" "$(cat "$TMP/out")" "taken0.*${foreign##* }"
is "nothing changes" "$(rpc status '{}' /generation) $(attached)" "$generation in xdp"
is "it stays" "$(hooked box taken0)" "$foreign"
ip -n "$box" link set dev taken0 xdpdrv off
ok "it goes: the next try" apply "$(at taken0 xdp)" "$(at in tc-ingress)"
is "succeeds" "$(attached)" "in tc-ingress taken0 xdp"
cable box busy0 busy1
foreign busy0
ok "one that appears with a foreign program" apply "$(at 'late*' xdp)"
ip -n "$box" link set busy0 down && ip -n "$box" link set busy0 name late5
soon "has an error in status" bash -c \
	"'$BUILD/tests/rpc' --socket '$TMP/run/shuntd.sock' status '{}' /attachments | grep -q 'late5.*\"error\":\"'"
ip -n "$box" link set dev late5 xdpdrv off
soon_attached "and is attached to by itself when that goes" "late5 xdp"

# ---- native, generic ----
ip -n "$box" link add dum0 type bridge && ip -n "$box" link set dum0 up
ok "a driver without XDP" not apply "$(at dum0 xdp)"
like "is refused with what to do" "$(cat "$TMP/out")" "dum0.*(generic|native)"
ok "generic where it is asked for" apply "$(at dum0 xdp guard '"mode": "generic"')"
is "is generic" "$(rpc status '{}' /attachments/0/mode)" generic
ok "auto where native does not go" apply "$(at dum0 xdp guard '"mode": "auto"')"
is "is generic, too" "$(rpc status '{}' /attachments/0/mode)" generic
like "and says why" "$(rpc status '{}' /attachments/0/why)" '..'
ip -n "$box" link add few0 numtxqueues 1 numrxqueues 1 type veth peer few1 \
	numtxqueues 4 numrxqueues 4
ip -n "$box" link set few0 up && ip -n "$box" link set few1 up
if apply "$(at few0 xdp)"; then
	skip "fewer queues than the peer: refused" "this kernel's veth takes it"
else
	like "fewer queues than the peer: refused, and why" "$(cat "$TMP/out")" 'few0.*queue'
fi
cable box big0 big1
ip -n "$box" link set big1 mtu 9000
ok "a peer's large MTU is no obstacle" apply "$(at big0 xdp)"
is "as the gate takes fragments" "$(attached)" "big0 xdp"

# ---- a redirect's target ----
ok "a redirect to an interface that is not there" apply "$(at in tc-ingress out)"
drops_of() {		# REASON
	rpc drop.show | grep -o "\"reason\":\"$1\",[^}]*\"packets\":[0-9]*" | sed 's/.*://'
}

poke() { ns_do client bash -c 'echo x >/dev/udp/10.0.0.2/9'; }
poke
soon "drops, and says so" eval '(( $(drops_of no_port) > 0 ))'
through() {		# whether packets come out of gone0
	local before

	before=$(cat_rx)
	poke
	wait_for 5 eval "(( \$(cat_rx) > $before ))"
}

cat_rx() { ns_do box cat /proc/net/dev | awk '$1 == "gone1:" { print $3 }'; }
cable box gone0 gone1
soon "it appears: packets go there" through
ip -n "$box" link del gone0
before=$(drops_of no_port)
soon "it vanishes: they are dropped again" eval 'poke; (( $(drops_of no_port) > before ))'
cable box gone0 gone1
soon "and comes back" through

rpc detach '{"all":true}' >/dev/null
shuntd_stop
is "the daemon ends well" "$?" 0
finish
