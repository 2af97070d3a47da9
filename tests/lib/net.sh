# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Copyright (c) The shunt authors
# shellcheck shell=bash
# net.sh - what shell tests and demos share: TAP, namespaces, the daemon, counted traffic
#
#	. "$(dirname "$0")/../lib/net.sh"
#	plan 2
#	ns_new client; ns_new server
#	veth client eth0 10.0.0.1/24 server eth0 10.0.0.2/24
#	ok "server answers" ns_do client ping -c 1 10.0.0.2
#	recv_start r server eth0
#	send s client eth0 -n 1000 -r 100000 --dst-mac "$(mac server eth0)" \
#		--src 10.0.0.1 --dst 10.0.0.2 --sport 1 --dport 2
#	recv_stop r
#	is "nothing lost" "$(count r received)" "$(count s sent)"
#	finish
#
# Everything made here goes when the script ends, by signal too; what a killed script left goes when
# the next one starts. Names carry the script's pid, so that two at once do not meet.
set -u

NET_TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
BUILD=${BUILD:-$NET_TOP/build}
NET_PREFIX=shunt-$$
NET_EXIT=()			# commands of on_exit
declare -A NET_PIDS=()		# traffic tools by name
NET_VETHS=0
SHUNTD_PID=
SHUNTD_NS=
TAP_N=0 TAP_FAILED=0 TAP_PLAN= TAP_FINISHED=

# ---- TAP ----
plan() {			# plan N: said first or last
	TAP_PLAN=$1
	echo "1..$1"
}

diag() {
	local text="$*"

	echo "# ${text//$'\n'/$'\n# '}"
}

tap_result() {			# tap_result STATUS NAME
	((TAP_N++))
	if (($1)); then
		((TAP_FAILED++))
		echo "not ok $TAP_N - $2"
	else
		echo "ok $TAP_N - $2"
	fi
	return "$1"
}

ok() {				# ok NAME CMD...: CMD ends 0; its output is shown if not
	local name=$1 status

	shift
	"$@" >"$TMP/ok.out" 2>&1
	status=$?
	tap_result $((status != 0)) "$name" && return
	diag "'$*' ended with $status"
	[[ ! -s $TMP/ok.out ]] || diag "$(head -c 20000 "$TMP/ok.out")"
	return 1
}

not() {				# ok "refused" not CMD...: fails as a command does, not by a signal
	local status

	"$@"
	status=$?
	((status > 0 && status < 126))
}

is() {				# is NAME GOT WANTED
	[[ $2 == "$3" ]]
	tap_result $? "$1" && return
	diag "   got: $2"
	diag "wanted: $3"
	return 1
}

like() {			# like NAME GOT REGEX
	[[ $2 =~ $3 ]]
	tap_result $? "$1" && return
	diag "        got: $2"
	diag "wanted like: $3"
	return 1
}

skip() {			# skip NAME WHY
	((TAP_N++))
	echo "ok $TAP_N - $1 # SKIP $2"
}

skip_all() {			# skip_all WHY: nothing of this file can run here
	echo "1..0 # SKIP $*"
	TAP_FINISHED=1
	exit 0
}

die() {				# the test itself cannot go on
	echo "Bail out! $*"
	exit 1
}

finish() {
	[[ $TAP_PLAN ]] || plan "$TAP_N"
	TAP_FINISHED=1
	((TAP_FAILED == 0 && TAP_N == TAP_PLAN))
	exit $?
}

# ---- waiting ----
wait_for() {			# wait_for SECONDS CMD...: until CMD ends 0; 1: it did not in time
	local end=$((${EPOCHREALTIME/./} + $1 * 1000000))

	shift
	until "$@" >/dev/null 2>&1; do
		((${EPOCHREALTIME/./} < end)) || return 1
		sleep 0.02
	done
}

net_dead() {			# whether a process is gone, or only waits to be reaped
	local stat

	stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 0
	[[ ${stat##*) } == Z* ]]
}

net_end() {			# net_end PID...: TERM, and KILL for those that take longer than 5 s
	local pid

	(($#)) || return 0
	kill -TERM "$@" 2>/dev/null
	for pid; do
		wait_for 5 net_dead "$pid" || kill -KILL "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
	done
	return 0
}

# ---- cleaning up ----
on_exit() {			# on_exit CMD...: run at the end, last one first
	NET_EXIT+=("$(printf '%q ' "$@")")
}

net_remove_ns() {		# full names
	local name pids

	for name; do
		pids=$(ip netns pids "$name" 2>/dev/null)
		# shellcheck disable=SC2086
		net_end $pids
		ip netns del "$name" 2>/dev/null
	done
}

net_remove_folder() {
	local point

	while read -r point; do
		umount -l "$point"
	done < <(awk -v dir="$1/" 'index($5, dir) == 1 { print $5 }' /proc/self/mountinfo | sort -r)
	rm -rf --one-file-system "$1"
}

net_sweep() {			# what killed scripts left: their pid is in the name
	local path pid

	for path in /run/netns/shunt-[0-9]*-*; do
		pid=${path#/run/netns/shunt-}
		pid=${pid%%-*}
		[[ $pid =~ ^[0-9]+$ && ! -e /proc/$pid ]] && net_remove_ns "${path##*/}"
	done
	for path in /tmp/shunt-test.[0-9]*.*; do
		pid=${path#/tmp/shunt-test.}
		pid=${pid%%.*}
		[[ $pid =~ ^[0-9]+$ && ! -e /proc/$pid && -O $path ]] && net_remove_folder "$path"
	done
}

net_exit() {
	local status=$? i path

	trap : INT TERM HUP		# not '': what is started here would ignore them too
	trap - EXIT
	for ((i = ${#NET_EXIT[@]}; i--; )); do
		eval "${NET_EXIT[i]}"
	done
	if [[ $SHUNTD_PID ]] && ! net_dead "$SHUNTD_PID"; then
		timeout 10 nsenter --net="/run/netns/$SHUNTD_NS" "$BUILD/shunt" \
			--socket "$TMP/run/shuntd.sock" detach --all >/dev/null 2>&1
		net_end "$SHUNTD_PID"
	fi
	net_end "${NET_PIDS[@]}"
	for path in /run/netns/"$NET_PREFIX"-*; do
		[[ -e $path ]] && net_remove_ns "${path##*/}"
	done
	[[ ${TEST_KEEP:-} ]] && diag "kept: $TMP" || net_remove_folder "$TMP"
	if ((!status)) && ((TAP_N)) && [[ ! $TAP_FINISHED ]]; then
		echo "Bail out! ended before 'finish'"
		status=1
	fi
	exit "$status"
}

((EUID)) || net_sweep
TMP=$(mktemp -d "/tmp/shunt-test.$$.XXXXXX") || die "no temporary folder"
trap net_exit EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# ---- namespaces ----
ns_name() {			# "client" or what ns_new made of it -> shunt-PID-client
	[[ $1 == "$NET_PREFIX"-* ]] && echo "$1" || echo "$NET_PREFIX-$1"
}

ns_do() {			# ns_do NAME CMD...: in that network namespace, else here
	local net

	net=/run/netns/$(ns_name "$1")
	shift
	nsenter --net="$net" "$@"
}

# ns_new NAME [ipv6]: namespace shunt-PID-NAME, also in variable NAME. Without IPv6 no packet is
# sent that a test did not send; with it no address or router is looked for, but multicast reports
# remain.
ns_new() {
	local name settings="default.disable_ipv6 all.disable_ipv6" value=1 key

	((EUID)) && die "only root can make namespaces"
	name=$(ns_name "$1")
	ip netns add "$name" || die "no namespace '$name'"
	[[ $1 == "$name" ]] || printf -v "$1" %s "$name"
	if [[ ${2:-} == ipv6 ]]; then
		settings="default.accept_ra default.autoconf default.dad_transmits"
		settings+=" default.router_solicitations" value=0
	fi
	for key in $settings; do
		ns_do "$name" sh -c "echo $value > /proc/sys/net/ipv6/conf/${key/./\/}" ||
			die "cannot set IPv6 in '$name'"
	done
	ip -n "$name" link set lo up
}

net_addr() {			# net_addr NS IF ADDR[,ADDR...]|-
	local addr

	[[ $3 == - ]] && return
	for addr in ${3//,/ }; do
		if [[ $addr == *:* ]]; then
			ns_do "$1" sh -c "echo 0 > /proc/sys/net/ipv6/conf/$2/disable_ipv6"
			ip -n "$1" addr add "$addr" dev "$2" nodad || die "no address $addr on '$2'"
		else
			ip -n "$1" addr add "$addr" dev "$2" || die "no address $addr on '$2'"
		fi
	done
}

# veth NS1 IF1 ADDR1 NS2 IF2 ADDR2 [OPTION...]: a cable, up; addresses with prefix length, several
# with commas, "-": none. IPv6 is switched on where an address asks for it. OPTION: of both ends
# (mtu 9000)
veth() {
	local ns1 if1=$2 addr1=$3 ns2 if2=$5 addr2=$6 base

	ns1=$(ns_name "$1")
	ns2=$(ns_name "$4")
	shift 6
	printf -v base '02:00:%02x:%02x:%02x' $(($$ >> 8 & 255)) $(($$ & 255)) $((NET_VETHS++))
	# Equal numbers of queues: native XDP asks for that
	ip link add "$if1" netns "$ns1" address "$base:01" numtxqueues 1 numrxqueues 1 "$@" \
		type veth peer name "$if2" netns "$ns2" address "$base:02" \
		numtxqueues 1 numrxqueues 1 "$@" ||
		die "no veth $if1 - $if2"
	net_addr "$ns1" "$if1" "$addr1"
	net_addr "$ns2" "$if2" "$addr2"
	ip -n "$ns1" link set "$if1" up
	ip -n "$ns2" link set "$if2" up
}

gro_on() {			# gro_on NS IF: so that XDP on the peer can transmit to it
	ns_do "$1" ethtool -K "$2" gro on || die "cannot switch GRO on"
}

mac() {				# mac NS IF
	ip -n "$(ns_name "$1")" -br link show dev "$2" | awk '{ print $3 }'
}

# ---- the daemon ----
shuntd_start() {		# shuntd_start NS [OPTION...]: until its socket answers
	local ns

	ns=$(ns_name "$1")
	shift
	mkdir -p "$TMP/run" "$TMP/state"
	rm -f "$TMP/run/shuntd.sock"	# one that a killed daemon left is no sign of life
	nsenter --net="/run/netns/$ns" "$BUILD/shuntd" --run-dir "$TMP/run" \
		--state-dir "$TMP/state" --bpf-dir "$BUILD/bpf" "$@" \
		>>"$TMP/shuntd.log" 2>&1 </dev/null &
	SHUNTD_PID=$!
	SHUNTD_NS=$ns
	wait_for 20 net_shuntd_settled
	[[ -S $TMP/run/shuntd.sock ]] && ! net_dead "$SHUNTD_PID" && return 0
	diag "shuntd does not start:"
	diag "$(tail -n 20 "$TMP/shuntd.log")"
	return 1
}

net_shuntd_settled() {
	[[ -S $TMP/run/shuntd.sock ]] || net_dead "$SHUNTD_PID"
}

shunt_() {			# shunt_ NS ARGS...
	local ns=$1

	shift
	ns_do "$ns" "$BUILD/shunt" --socket "$TMP/run/shuntd.sock" "$@"
}

shuntd_stop() {			# its exit status
	local pid=$SHUNTD_PID

	[[ $pid ]] || return 0
	kill -TERM "$pid" 2>/dev/null
	wait_for 10 net_dead "$pid" || {
		diag "shuntd does not end"
		kill -KILL "$pid"
	}
	SHUNTD_PID=
	wait "$pid"
}

shuntd_kill9() {
	local pid=$SHUNTD_PID

	[[ $pid ]] || return 0
	kill -KILL "$pid"
	SHUNTD_PID=
	wait "$pid" 2>/dev/null
	return 0
}

# ---- counted traffic: see tool_send.c, tool_recv.c ----
net_start() {			# net_start NAME NS TOOL ARGS...
	local name=$1 net

	net=/run/netns/$(ns_name "$2")
	shift 2
	nsenter --net="$net" "$BUILD/tests/$1" "${@:2}" \
		>"$TMP/$name.json" 2>"$TMP/$name.err" </dev/null &
	NET_PIDS[$name]=$!
}

net_wait() {
	local pid=${NET_PIDS[$1]} status

	unset "NET_PIDS[$1]"
	wait "$pid"
	status=$?
	[[ ! -s $TMP/$1.err ]] || diag "$(cat "$TMP/$1.err")"
	return "$status"
}

net_stop() {
	kill -TERM "${NET_PIDS[$1]}" 2>/dev/null
	net_wait "$1"
}

recv_start() {			# recv_start NAME NS IF [OPTION...]: counting when it returns
	local name=$1 ns=$2 iface=$3

	shift 3
	rm -f "$TMP/$name.ready"
	net_start "$name" "$ns" recv -i "$iface" --ready "$TMP/$name.ready" "$@"
	wait_for 10 test -e "$TMP/$name.ready" && return
	diag "$(cat "$TMP/$name.err")"
	return 1
}

recv_stop() { net_stop "$1"; }		# recv_stop NAME: see count
recv_wait() { net_wait "$1"; }		# until its -n or -s is reached

send_start() {			# send_start NAME NS IF OPTION...: in the background
	net_start "$1" "$2" send -i "$3" "${@:4}"
}

send_wait() { net_wait "$1"; }
send_stop() { net_stop "$1"; }

send() {			# send NAME NS IF OPTION...: until all is sent
	send_start "$@" && send_wait "$1"
}

count() {			# count NAME FIELD: of what send or recv printed
	local json

	json=$(cat "$TMP/$1.json")
	[[ $json =~ \"$2\":(-?[0-9.]+) ]] && echo "${BASH_REMATCH[1]}"
}
