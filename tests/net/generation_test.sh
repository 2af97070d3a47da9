#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Copyright (c) The shunt authors
# generation_test.sh - generations: back, forth, confirmed in time or not, over restarts and a full disk
. "$(dirname "$0")/../lib/net.sh"

((EUID)) && skip_all "needs root"
ns_new client
ns_new box
ns_new server
veth client v0 10.0.0.1/24 box in 10.0.0.2/24
veth box out 10.0.1.2/24 server v0 10.0.1.1/24
ns_do box sh -c 'echo 1 > /proc/sys/net/ipv4/ip_forward'
ip -n "$box" neigh add 10.0.1.1 lladdr "$(mac server v0)" dev out nud permanent
MAC=$(mac box in)

rpc() { "$BUILD/tests/rpc" --socket "$TMP/run/shuntd.sock" "$@"; }

config() {		# PORT: a configuration that drops it, and one rule that stays
	cat >"$TMP/$1.json" <<-END
	{ "version": 1,
	  "sets": { "blocked": { "type": "port", "elements": [ "7" ] } },
	  "nodes": { "guard": { "module": "filter", "rules": [
	    "udp dport 53 accept", "udp dport $1 drop", "udp dport @blocked drop" ] } },
	  "graphs": { "in": [ "guard" ] },
	  "attach": [ { "dev": "in", "hook": "xdp", "graph": "in" } ] }
	END
}

apply() {		# PORT [PARAMS [POINTER...]]
	[[ -e $TMP/$1.json ]] || config "$1"
	rpc --config "$TMP/$1.json" apply "${2:-{\}}" "${@:3}"
}

restart() {		# by kill -9
	shuntd_kill9
	shuntd_start box
}

runs() {		# PORT: it says so, and it is so
	local before after

	rpc export '{}' /config | grep -q "udp dport $1 drop" || {
		echo "not in the configuration"
		return 1
	}
	before=$(rpc status '{}' /graphs/0/dropped)
	ns_do client bash -c "echo x >/dev/udp/10.0.0.2/$1"
	wait_for 5 dropped_more "$before" && return
	echo "port $1 is not dropped"
	return 1
}

dropped_more() { (($(rpc status '{}' /graphs/0/dropped) > $1)); }
running() { rpc status '{}' /generation; }
refuses() { not "$@" 2>"$TMP/err"; }		# see $TMP/err
runs_is() { [[ $(running) == "$1" ]]; }

shuntd_start box || die "no daemon"
is "nothing runs at first" "$(running)" 0

# ---- back and forth ----
is "the first is generation 1" "$(apply 1001 '{"comment":"one"}' /generation)" 1
is "a second" "$(apply 1002 '{"comment":"two"}' /generation /changed | xargs)" "2 true"
ok "it runs" runs 1002
is "the same again is no generation" "$(apply 1002 '{}' /generation /changed | xargs)" "2 false"
is "a dry run is none" "$(apply 1003 '{"dry_run":true}' /generation) $(running)" "3 2"
ok "rollback" rpc rollback '{"comment":"oops"}'
is "the way back is a generation of its own" "$(running)" 3
ok "the one before runs" runs 1001
is "history: newest first, with what was said, by whom and from where" \
	"$(rpc history '{}' /generations/0/{generation,comment,uid,running,from} \
		/generations/1/{generation,comment,from} | xargs)" \
	"3 oops 0 true 1 2 two null"
ok "rollback to a number" rpc rollback '{"to":2}'
ok "it runs, too" runs 1002
ok "a generation that is none is refused" refuses rpc rollback '{"to":77}'
like "and named" "$(cat "$TMP/err")" 'no generation 77'
ok "so is one too far back" refuses rpc rollback '{"steps":50}'
ok "and steps of nothing" refuses rpc rollback '{"steps":0}'
ok "a wrong configuration is refused" refuses rpc apply \
	'{"config":{"version":1,"graphs":{"x":["nobody"]}}}'
is "and nothing changes" "$(running)" 4
rpc export '{}' /config >"$TMP/export.json"
is "what export prints has no difference" \
	"$(rpc --config "$TMP/export.json" diff '{}' /differences /lines | xargs)" "0 []"
is "and changes nothing" "$(rpc --config "$TMP/export.json" apply '{}' /changed)" false

for ((port = 2001; port <= 2025; port++)); do
	apply "$port" >/dev/null
done
is "25 applies: 25 generations" "$(running)" 29
is "20 are kept to go back to, besides the one that runs" \
	"$(rpc history '{}' | grep -o '"generation":' | wc -l)" 21
ok "the oldest of them runs again" rpc rollback '{"to":9}'
ok "as it was" runs 2005

# ---- confirm ----
now=$(running)
like "a change to be confirmed says until when" \
	"$(apply 3001 '{"confirm_s":600}' /confirm_by)" '^[0-9]{10}$'
ok "it runs meanwhile" runs 3001
ok "no other change before that" refuses apply 3002
like "and why" "$(cat "$TMP/err")" 'waits to be confirmed'
ok "nor a rule" refuses rpc rule.add '{"node":"guard","rule":"udp dport 1 drop"}'
ok "a start in between" restart
like "it still waits" "$(rpc status '{}' /confirm_by)" '^[0-9]{10}$'
ok "confirmed" rpc confirm
is "nothing waits" "$(rpc status '{}' /generation /confirm_by | xargs)" "$((now + 1)) null"
ok "nothing to confirm" refuses rpc confirm
apply 3003 '{"confirm_s":600}' >/dev/null
ok "rollback instead of confirm" rpc rollback
ok "back" runs 3001
is "nothing waits then" "$(rpc status '{}' /confirm_by)" null
now=$(running)
apply 3004 '{"confirm_s":1}' >/dev/null
ok "not confirmed in time: back" wait_for 20 runs_is $((now + 2))
ok "to what ran before" runs 3001
like "which history tells" "$(rpc history '{}' /generations/0/comment)" 'not confirmed'
apply 3005 '{"confirm_s":1}' >/dev/null
ok "the daemon is killed" shuntd_kill9
sleep 1.1			# the time is over while no daemon runs
ok "and starts too late for that" shuntd_start box
ok "back all the same" wait_for 20 runs 3001
apply 3006 '{"confirm_s":3}' >/dev/null
ok "a start before the time is over" restart
ok "the new one runs until then, or the old one after" \
	wait_for 20 runs 3001
is "and nothing waits" "$(rpc status '{}' /confirm_by)" null

# ---- counters over changes ----
packets() {		# RULE'S TEXT
	rpc rule.list '{"node":"guard"}' | grep -o "\"rule\":\"$1\",\"packets\":[0-9]*" | sed 's/.*://'
}

elements() { rpc set.list '{"set":"blocked"}' /sets/0/text; }

changes() {		# rules and elements come and go: the other rules must not notice
	local i id

	for ((i = 0; i < 10; i++)); do
		id=$(rpc rule.add '{"node":"guard","rule":"udp dport 4000 drop","index":0}' /id) &&
			rpc set.add '{"set":"blocked","elements":["8","9"]}' >/dev/null &&
			rpc rule.del "{\"node\":\"guard\",\"id\":\"$id\"}" >/dev/null &&
			rpc set.del '{"set":"blocked","elements":["8","9"]}' >/dev/null || return
	done
}

before=$(packets "udp dport 53 accept")
recv_start r server v0
send_start s client v0 -s 600 -r 20000 --dst-mac "$MAC" --src 10.0.0.1 --dst 10.0.1.1 \
	--sport 1000 --dport 53
ok "40 changes of rules and a set under traffic" changes
send_stop s
sleep 0.3
recv_stop r
is "every packet is counted at the rule that stayed" \
	"$(($(packets "udp dport 53 accept") - before))" "$(count s sent)"
is "and came through" "$(count r received)" "$(count s sent)"
is "the set is as before" "$(elements)" 7
ok "an element that is there cannot be added" refuses rpc set.add '{"set":"blocked","elements":["7"]}'
ok "one that is not there cannot go" refuses rpc set.del '{"set":"blocked","elements":["99"]}'
ok "a rule that is none cannot go" refuses rpc rule.del '{"node":"guard","id":"00000000"}'
ok "a rule that is wrong cannot come" refuses rpc rule.add '{"node":"guard","rule":"udp sprot 1 drop"}'

# ---- edits: their records are their notes ----
rules() { rpc export '{}' /config/nodes/guard/rules; }

rpc rule.add '{"node":"guard","rule":"udp dport 4001 drop","index":0}' >/dev/null
rpc rule.add '{"node":"guard","rule":"udp dport 4002 drop","index":0}' >/dev/null
before=$(running) had=$(rules)
ok "each is one" test -e "$TMP/state/gen/$((before - 1)).edit" -a -e "$TMP/state/gen/$before.edit"
ok "a start after two edits" restart
is "with both of them" "$(rules)" "$had"
is "built into the image, which is a generation" "$(running)" $((before + 1))
rpc rule.add '{"node":"guard","rule":"udp dport 4003 drop","index":0}' >/dev/null
edited=$(running) had=$(rules)
shuntd_stop
cp "$TMP/state/gen/$edited.edit" "$TMP/kept.edit"
echo '{ "broken' >"$TMP/state/gen/$edited.edit"
ok "a start with a broken edit" shuntd_start box
like "which status tells, rather than run what was before" "$(rpc status '{}' /warnings)" \
	'cannot be read'
shuntd_stop
cp "$TMP/kept.edit" "$TMP/state/gen/$edited.edit"
ok "a start with it repaired" shuntd_start box
is "has all three" "$(rules)" "$had"
ok "an apply ends the edits" apply 3001
ok "a start after that, too" restart
ok "and none comes back" runs 3001
is "of its rules" "$(rules)" '["udp dport 53 accept","udp dport 3001 drop","udp dport @blocked drop"]'

# ---- one daemon ----
ok "a second daemon is refused" refuses ns_do box "$BUILD/shuntd" --run-dir "$TMP/run" \
	--state-dir "$TMP/state2" --bpf-dir "$BUILD/bpf"
like "and told why" "$(cat "$TMP/err")" 'another shuntd runs'
ok "the first one does not mind" runs 3001

# ---- records that cannot be read ----
shuntd_stop
now=$(cat "$TMP/state/running")
echo '{ "broken' >"$TMP/state/gen/$now.json"
ok "a start with a broken record" shuntd_start box
like "which status tells" "$(rpc status '{}' /warnings)" 'cannot be read'
is "what was attached stays attached" "$(rpc status '{}' /attachments/0/dev)" in
ok "an apply gets out of that" apply 5001
ok "and it runs" runs 5001
is "without a warning" "$(rpc status '{}' /warnings)" '[]'
ok "a start after that" restart
ok "as if nothing had been" runs 5001
shuntd_stop
echo nonsense >"$TMP/state/running"
ok "a start with a note that is no number" shuntd_start box
ok "apply again" apply 5002
ok "runs again" runs 5002
shuntd_stop

# ---- a full disk ----
mkdir "$TMP/small"
mount -t tmpfs -o size=64k tmpfs "$TMP/small"
ok "a start with its state on a small disk" shuntd_start box --state-dir "$TMP/small"
ok "apply" apply 6001
dd if=/dev/zero of="$TMP/small/filler" bs=1k 2>/dev/null
now=$(running)
ok "no apply when the disk is full" refuses apply 6002
like "and why" "$(cat "$TMP/err")" 'No space left'
is "nothing changes" "$(running)" "$now"
ok "what ran, runs" runs 6001
rm "$TMP/small/filler"
ok "room again: apply" apply 6002
ok "it runs then" runs 6002

ok "detach" rpc detach '{"all":true}'
shuntd_stop
is "the daemon ends well" "$?" 0
finish
