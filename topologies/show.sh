# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Copyright (c) The shunt authors
# shellcheck shell=bash
# show.sh - show commands and what they print, and end where they do not show what is claimed
#
#	say "what passes"			a heading
#	try 0 'client curl -s http://…'		show a command, run it; it must end with that status
#	expect "the page came" "$OUT" hello	what it printed must have that in it

OUT=				# what the last 'try' printed

say() {
	printf '\n== %s\n' "$*"
}

fail() {
	printf '\nFAILED: %s\n' "$*"
	exit 1
}

try() {				# try STATUS COMMAND
	local wanted=$1 status

	printf '\n$ %s\n' "$2"
	OUT=$(eval "$2" 2>&1)
	status=$?
	[[ ! $OUT ]] || printf '%s\n' "$OUT"
	((status == wanted)) || fail "'$2' ended with $status, not with $wanted"
	((!status)) || printf '[ends with %d]\n' "$status"
}

expect() {			# expect CLAIM TEXT PART
	[[ $2 == *"$3"* ]] || fail "$1: '$2' has no '$3'"
	printf '  -> %s\n' "$1"
}

expect_is() {			# expect_is CLAIM GOT WANTED
	[[ $2 == "$3" ]] || fail "$1: it is '$2', not '$3'"
	printf '  -> %s\n' "$1"
}

# Packets that GRAPH dropped for REASON
drops() {			# drops REASON GRAPH
	shunt drop show -q | awk -v reason="$1" -v graph="$2" \
		'$2 == reason && $3 == graph { n += $1 } END { print n + 0 }'
}

# Packets that the rules of NODE which begin with TEXT matched
matched() {			# matched NODE TEXT
	shunt rule list "$1" -s -q | awk -v text="$2" 'index($0, " " text) { n += $3 } END { print n + 0 }'
}

# Packets that went along an edge
passed() {			# passed GRAPH NODE EDGE
	shunt graph show "$1" | awk -v node="$2" -v edge="$3" '
		$2 ~ /^\(/ { at = $1 }
		$1 == edge && $2 == "->" && at == node { print $NF }'
}
