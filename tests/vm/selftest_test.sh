#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Copyright (c) The shunt authors
#
# selftest_test.sh - that tests/vm/run gives the verdict of the guest, or none, and leaves nothing

set -u
export LC_ALL=C
here=$(dirname "$(realpath "$0")")
run=(setpriv --pdeathsig TERM "$here/run")
n=0 failed=0

ok() {
	n=$((n + 1))
	if [ "$1" = 0 ]; then
		echo "ok $n - $2"
	else
		failed=1
		echo "not ok $n - $2"
		tail -qn 60 "$dir"/out* "$dir"/err* | sed 's/^/# /'
	fi
}

is() { [ "$1" = "$2" ]; ok $? "$3"; }
says() { grep -Eq "$2" "$dir/$1"; ok $? "$3"; }
vm() { "${run[@]}" "$@" >"$dir/out" 2>"$dir/err"; }

# For as long as a loaded machine may need, but not for ever
until_true() {
	local i

	for ((i = 0; i < 1200; i++)); do
		! "$@" || return 0
		sleep 0.1
	done
	return 1
}

runs() { pgrep -f "/shunt-vm-$1-" >/dev/null; }
is_gone() { ! runs "$1" && ! compgen -G "$dir/shunt-vm-$1-*" >/dev/null; }

compile() {
	cat >"$dir/pass.c" <<-'END'
	#define SEC(name) __attribute__((section(name), used))
	char _license[] SEC("license") = "GPL";
	struct xdp_md { unsigned int data; };	/* libxdp's dispatcher compares its name */
	SEC("xdp") int NAME(struct xdp_md *ctx) { return 2; }
	SEC("tc") int pass_tc(void *ctx) { return 0; }
	END
	for name in pass first second; do
		clang -O2 -g -target bpf -DNAME=$name -c "$dir/pass.c" -o "$dir/$name.o" || return
	done
}

# A second guest runs all the time that the first starts: neither may disturb the other
test_guest() {
	local verdict name status

	"${run[@]}" -- 'seq 20000; exit 0' >"$dir/out2" 2>"$dir/err2" &
	pid=$!
	SHUNT_VM_SHARE=$dir/share SHUNT_WORD="two  words" vm -- "$here/selftest_guest" "$dir"
	is $? 7 "exit status 7 comes through"
	wait "$pid"
	status=$?
	pid=
	is $status 0 "exit status 0 does, of a guest at the same time"
	cmp -s "$dir/out2" <(seq 20000)
	ok $? "its output is complete"
	says out '^kernel: 6\.1\.' "Linux 6.1"
	says out "^directory: $PWD\$" "the command has the same working directory"
	says out '^word: two  words$' "and the variables SHUNT_*"
	says out '^reopened$' "what it writes to /dev/stderr comes out"
	is "$(cat "$dir/share/result")" result "the shared directory has what it wrote there"
	[ ! -e "$dir/written" ] && [ ! -e "$here/written" ] && [ ! -e /etc/written ]
	ok $? "the host has nothing else that it wrote"
	while IFS=: read -r verdict name; do
		case $verdict in
		pass) ok 0 "guest:$name" ;;
		fail) ok 1 "guest:$name" ;;
		esac
	done <"$dir/out"
	says out '^checked: all$' "guest: nothing left out"
}

test_no_verdict() {
	vm -- 'echo c >/proc/sysrq-trigger; exit 0'
	is $? 125 "a panic gives 125"
	says err 'Kernel panic.*sysrq' "and shows the console"
	vm -- '/bin/busybox poweroff -f; exit 0'
	is $? 125 "to power off gives 125"
	vm -t 5 -- 'while :; do sleep 1; done'
	is $? 125 "a timeout gives 125"
	says err 'ran for more than 5 s' "and says so"
	vm -k 9.9 -- true
	is $? 125 "a kernel that is not to be had gives 125"
}

# Ends a run while its guest is up
test_signal() {
	local signal=$1 status

	"${run[@]}" -- 'echo up; while :; do sleep 1; done' >"$dir/out" 2>"$dir/err" &
	pid=$!
	until_true grep -q up "$dir/out" && runs "$pid"
	ok $? "SIG$signal: the guest is up"
	kill "-$signal" "$pid"
	wait "$pid" 2>/dev/null
	status=$?
	is "$status" "$2" "SIG$signal: ends it"
	until_true is_gone "$pid"
	ok $? "SIG$signal: its processes and files are gone"
	pid=
}

cleanup() {
	trap '' INT TERM HUP
	[ -z "$pid" ] || { kill "$pid" && wait "$pid"; } 2>/dev/null
	rm -rf "$dir"
}

if [ "$(id -u)" != 0 ]; then
	echo "1..0 # SKIP root only"
	exit 0
fi
pid=
dir=$(mktemp -d "${TMPDIR:-/tmp}/shunt-vmtest-$$-XXXXXX") || exit 1
export TMPDIR=$dir	# of the runs, so that nothing else is there
# Removes it even if this script is killed, when its runs have ended too
exec 9> >(trap '' INT TERM HUP; cat; rm -rf -- "$dir")
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
mkdir "$dir/share"
compile || exit 1
test_guest
test_no_verdict
test_signal TERM 143
test_signal KILL 137
compgen -G "$dir/shunt-vm-*" >/dev/null
is $? 1 "nothing is left of any run"
echo "1..$n"
exit "$failed"
