# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Copyright (c) The shunt authors
# shellcheck shell=bash
# demo.sh - run $DEMO_FILE, a topology's demo, and look at what it left
export BUILD
unset CONFIG SHUNT_SOCKET

# A process group of its own, which a signal can be sent to as a terminal does. What bash starts in
# the background ignores SIGINT unless told otherwise.
demo_start() {			# demo_start NAME [VARIABLE=VALUE]: its pid in $DEMO
	setsid env --default-signal=INT "${@:2}" "$DEMO_FILE" >"$TMP/$1.out" 2>&1 </dev/null &
	DEMO=$!
	on_exit net_end "$DEMO"
}

demo_end() {			# demo_end NAME PID: how it ended in $STATUS
	wait "$2"
	STATUS=$?
	((!STATUS)) || diag "$(tail -n 15 "$TMP/$1.out")"
}

left() {			# left PID: what a demo with that pid did not remove
	local path environ

	for path in /run/netns/shunt-"$1"-* /tmp/shunt-test."$1".*; do
		[[ -e $path ]] && echo "$path"
	done
	grep -o "/tmp/shunt-test\.$1\.[^ ]*" /proc/self/mountinfo
	for path in /proc/[0-9]*; do
		environ=$(tr '\0' '\n' <"$path/environ" 2>/dev/null)
		[[ $environ == *"/tmp/shunt-test.$1."* ]] || continue
		net_dead "${path#/proc/}" || echo "process $(tr '\0' ' ' <"$path/cmdline")"
	done 2>/dev/null
}

runs_as_far_as() {		# runs_as_far_as NAME TEXT
	wait_for 60 grep -qF -- "$2" "$TMP/$1.out"
}
