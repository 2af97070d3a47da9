#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Copyright (c) The shunt authors
# lib_test.sh - the test runner sees what fails, and what tests make is removed however they end
. "$(dirname "$0")/../lib/net.sh"

# ---- the runner ----
mkdir -p "$TMP/t/unit"
program() {	# NAME TEXT
	printf '#!/bin/bash\n%s\n' "$2" >"$TMP/t/unit/$1_test.sh"
	chmod +x "$TMP/t/unit/$1_test.sh"
}

result() {	# its last line for NAME and how it ended
	local out

	out=$(CASE=${2:-*} TEST_TIMEOUT=1 TEST_FILTER='' timeout 30 "$NET_TOP/tests/lib/run" \
		"$TMP/t/unit/$1_test.sh" 2>/dev/null)
	echo "$? ${out##*$'\n'}"
}

program good 'echo 1..2; echo ok 1 - a; echo "ok 2 - b # SKIP c"'
program bad 'echo 1..1; echo not ok 1 - a'
program few 'echo 1..2; echo ok 1 - a'
program none 'exit 0'
program code 'echo 1..1; echo ok 1 - a; exit 3'
program signal 'echo 1..1; kill -SEGV $$'
program slow 'echo 1..1; sleep 60; echo ok 1 - a'
program filter 'echo 1..1; [[ $TEST_FILTER == "x*" ]] && echo ok 1 - a'

is "passed and skipped" "$(result good)" "0 1 passed, 0 failed, 1 skipped"
is "a failed one" "$(result bad)" "1 0 passed, 1 failed, 0 skipped"
is "fewer than planned" "$(result few)" "1 1 passed, 1 failed, 0 skipped"
is "no TAP" "$(result none)" "1 0 passed, 1 failed, 0 skipped"
is "non-zero without a 'not ok'" "$(result code)" "1 1 passed, 1 failed, 0 skipped"
is "a signal" "$(result signal)" "1 0 passed, 1 failed, 0 skipped"
is "too slow" "$(result slow)" "1 0 passed, 1 failed, 0 skipped"
is "third part of CASE is a filter" "$(result filter 'unit/filter/x*')" \
	"0 1 passed, 0 failed, 0 skipped"
is "nothing selected" "$(result good net/good)" "1 0 passed, 0 failed, 0 skipped"

# ---- cleaning up ----
cat >"$TMP/victim.sh" <<-END
	. "$NET_TOP/tests/lib/net.sh"
	ns_new x
	mount -t tmpfs shunt-test "\$(mkdir -p "\$TMP/run/m"; echo "\$TMP/run/m")"
	nsenter --net=/run/netns/\$x sleep 600 &
	echo "\$TMP \$!" >"$TMP/victim"
	wait
END

victim_start() {
	rm -f "$TMP/victim"
	bash "$TMP/victim.sh" >/dev/null 2>&1 &
	VICTIM=$!

	wait_for 10 test -s "$TMP/victim"
	read -r VICTIM_TMP VICTIM_CHILD <"$TMP/victim"
}

left() {	# of the victim
	[[ -e /run/netns/shunt-$VICTIM-x ]] && echo namespace
	[[ -e $VICTIM_TMP ]] && echo folder
	net_dead "$VICTIM_CHILD" || echo process
}

if ((EUID)); then
	skip "all made is removed" "needs root"
else
	victim_start
	is "there is something to remove" "$(left | xargs)" "namespace folder process"
	kill -TERM "$VICTIM"
	wait "$VICTIM" 2>/dev/null
	is "nothing is left after SIGTERM" "$(left | xargs)" ""
	victim_start
	kill -KILL "$VICTIM"
	wait "$VICTIM" 2>/dev/null
	is "SIGKILL leaves everything" "$(left | xargs)" "namespace folder process"
	net_sweep
	is "the next start removes it" "$(left | xargs)" ""
fi
finish
