#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Copyright (c) The shunt authors
# crash_test.sh - the daemon dies, or a call fails, at each step of a change: old or new, nothing between
# TEST_TIMEOUT=1800
#
#	ALL=1		each bpf() call and file operation of a change; else every STRIDE-th
#	STRIDE=n	of bpf() calls (13)
#
# Two graphs, at XDP and TC of one interface, each drop one port in the old configuration and another one in
# the new. What comes through says which of the graphs runs.
. "$(dirname "$0")/../lib/net.sh"

((EUID)) && skip_all "needs root"
command -v strace >/dev/null || skip_all "no strace"
STRIDE=${STRIDE:-13}
[[ ${ALL:-} ]] && STRIDE=1
ERRORS=(ENOMEM EPERM E2BIG EBUSY ENOSPC EINVAL)

ns_new client
ns_new box
veth client v0 10.0.0.1/24 box in 10.0.0.2/24

rpc() { "$BUILD/tests/rpc" --socket "$TMP/run/shuntd.sock" "$@"; }

config() {		# FILE XDP-PORT TC-PORT
	cat >"$TMP/$1.json" <<-END
	{ "version": 1,
	  "nodes": {
	    "early": { "module": "filter", "rules": [ "udp dport $2 drop" ] },
	    "late": { "module": "filter", "rules": [ "udp dport $3 drop" ] },
	    "meter": { "module": "count" } },
	  "graphs": { "first": [ "early" ], "second": [ "late", "meter" ] },
	  "attach": [ { "dev": "in", "hook": "xdp", "graph": "first" },
	              { "dev": "in", "hook": "tc-ingress", "graph": "second" } ] }
	END
}

config old 1001 2001
config new 1002 2002
echo '{ "version": 1 }' >"$TMP/none.json"
declare -A VERDICT=([old]=26 [new]=21 [none]=31)

# How many of 1 packet to port 1001, 2 to 1002, 4 to 2001, 8 to 2002 and, last, 16 to 3000 come through:
# one number for each set of ports
probe() {
	local before now last=-1

	before=$(udp_in)
	ns_do client bash -c 'send() { for ((i = 0; i < $1; i++)); do
			: >"/dev/udp/10.0.0.2/$2" && echo -n x >"/dev/udp/10.0.0.2/$2"; done; }
		send 1 1001; send 2 1002; send 4 2001; send 8 2002; send 16 3000' 2>/dev/null
	for ((i = 0; i < 100; i++)); do
		now=$(($(udp_in) - before))
		((now == last && now >= 16)) && break
		last=$now
		sleep 0.02
	done
	echo "$now"
}

udp_in() {		# to ports that nobody listens at
	ns_do box awk '/^Udp: [0-9]/ { print $3 }' /proc/net/snmp
}

# What there is beside the configuration: pins, slots in use, attachments
objects() {
	(cd "$TMP/run/bpf" && find ./*_* cpu graph link table | sed 's/@[0-9]*\(\/\|$\)/@N\1/' | sort)
	for kind in xdp tc; do
		echo "slots $kind $(bpftool map dump pinned "$TMP/run/bpf/entry_$kind" | grep -c '^key')"
	done
	ns_do box "$BUILD/tests/hooked" in | sed 's/ [0-9]* / /'
	ns_do box tc qdisc show dev in
}

descriptors() {
	find "/proc/$SHUNTD_PID/fd" -type l | wc -l
}

traced() { ! grep -q '^TracerPid:	0' "/proc/$SHUNTD_PID/status"; }

# inject CALLS WHAT:when=N apply NAME: the change, with that happening to it. Its status
inject() {
	local tracer status

	strace -qq -f -o "$TMP/strace.log" -e trace="$1" -e inject="$1:$2" -p "$SHUNTD_PID" \
		2>/dev/null &
	tracer=$!
	wait_for 10 traced
	rpc --config "$TMP/$3.json" apply '{}' >"$TMP/apply.out" 2>&1
	status=$?
	kill "$tracer" 2>/dev/null
	wait "$tracer" 2>/dev/null
	return "$status"
}

bad() {			# one finding of a sweep
	((FINDINGS++ < 10)) && diag "$WHERE: $*"
	return 0
}

# running: what the daemon says that it runs, by the configuration that it gives out
running() {
	local config

	config=$(rpc export '{}' /config)
	case $config in
	*1001*2001*) echo old ;;
	*1002*2002*) echo new ;;
	*attach*) echo mixed ;;
	*) echo none ;;
	esac
}

# same NAME: all that there is, is what a clean commit of that configuration leaves
same() {
	local found

	found=$(objects)
	[[ $found == "${OBJECTS[$1]}" ]] ||
		bad "left behind: $(diff <(echo "${OBJECTS[$1]}") <(echo "$found") | head -20)"
}

# settled FROM TO: a daemon answers, and all is as one of the two says. Sets NOW
settled() {
	local found misses

	NOW=$(running)
	[[ $NOW == "$1" || $NOW == "$2" ]] || bad "the daemon runs '$NOW'"
	found=$(probe)
	[[ $found == "${VERDICT[$NOW]}" ]] || bad "'$NOW' runs, but $found packets pass"
	misses=$(rpc status '{}' /misses)
	[[ $misses == 0 ]] || bad "misses: $misses"
	same "$NOW"
}

# dead FROM TO: no daemon, yet each graph is whole. TC comes first: only it may be ahead
dead() {
	local found

	found=$(probe)
	case $1/$2/$found in
	*/"${VERDICT[$1]}" | */"${VERDICT[$2]}") ;;
	old/new/22 | new/old/25) ;;		# TC new, XDP still old
	none/* | */none/*) ((found >= 16)) || bad "dead: $found packets pass" ;;
	*) bad "dead, $1 to $2: $found packets pass" ;;
	esac
}

# kill_sweep A B CALLS STRIDE: from A to B, and back when that came to be, with a kill one step later each
# time, until neither way has so many steps
kill_sweep() {
	local from=$1 to=$2 n=1 kills=0 survived=0 t

	FINDINGS=0
	while ((survived < 2)); do
		WHERE="$from to $to, killed at $3 $n"
		if inject "$3" "signal=KILL:when=$n" "$to"; then
			settled "$to" "$to"
			((survived++))
			t=$from from=$to to=$t
			continue
		fi
		wait_for 5 net_dead "$SHUNTD_PID" || break
		wait "$SHUNTD_PID" 2>/dev/null
		SHUNTD_PID=
		((kills++, survived = 0, n += $4))
		dead "$from" "$to"
		shuntd_start box || break
		settled "$from" "$to"
		((DESCRIPTORS[$NOW] == $(descriptors))) || bad "$(descriptors) descriptors"
		[[ $NOW == "$to" ]] && t=$from from=$to to=$t
	done
	diag "$1 and $2: $kills kills at $3, the last one before step $n"
	is "$1 and $2, killed at $3: old or new, as it says, and nothing left behind" \
		"$FINDINGS findings" "0 findings"
	is "$1 and $2: the sweep came to its end" "$((kills > 0)) $survived" "1 2"
	clean old
}

# fail_sweep A B STRIDE: each call fails once; the daemon lives on
fail_sweep() {
	local from=$1 to=$2 n=1 status failed=0 refused=0 survived=0 t error

	FINDINGS=0
	while ((survived < 2)); do
		error=${ERRORS[failed % ${#ERRORS[@]}]}
		WHERE="$from to $to, $error at bpf() $n"
		inject bpf "error=$error:when=$n" "$to"
		status=$?
		net_dead "$SHUNTD_PID" && bad "the daemon died" && break
		if grep -q INJECTED "$TMP/strace.log"; then
			((failed++, survived = 0, n += $3))
		else
			((survived++))
		fi
		if ((status)); then
			((refused++))
			grep -q '"message"' "$TMP/apply.out" || bad "no reason: $(cat "$TMP/apply.out")"
		fi
		settled "$from" "$to"
		[[ $NOW == "$to" ]] && ((status)) && bad "refused, yet new: $(cat "$TMP/apply.out")"
		[[ $NOW == "$from" ]] && ((!status)) && bad "applied, yet old"
		[[ $NOW == "$to" ]] && t=$from from=$to to=$t
	done
	diag "$1 and $2: $failed calls failed, the last one before $n; $refused changes refused"
	is "$1 and $2, a bpf() fails: refused or done, never between" "$FINDINGS findings" "0 findings"
	is "$1 and $2: some were refused, and the sweep came to its end" \
		"$((refused > 0)) $survived" "1 2"
	clean old
}

clean() {		# NAME: runs, by a change that nothing happens to
	rpc --config "$TMP/$1.json" apply '{}' >/dev/null
	[[ $(running) == "$1" ]] || die "cannot apply '$1': $(tail -n 3 "$TMP/shuntd.log")"
}

declare -A OBJECTS=() DESCRIPTORS=()
shuntd_start box || die "no daemon"
for name in new none old; do
	clean "$name"
	is "$name: its verdict" "$(probe)" "${VERDICT[$name]}"
	shuntd_kill9
	shuntd_start box || die "no daemon"
	OBJECTS[$name]=$(objects) DESCRIPTORS[$name]=$(descriptors)
	is "$name: still its verdict after kill -9 and a start" "$(probe)" "${VERDICT[$name]}"
done

kill_sweep old new bpf "$STRIDE"
kill_sweep old none bpf "$STRIDE"
kill_sweep old new rename,fsync,unlink 1
fail_sweep old new "$STRIDE"
fail_sweep old none "$STRIDE"

clean none
is "in the end nothing is left" "$(objects)" "${OBJECTS[none]}"
shuntd_stop
finish
