#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Copyright (c) The shunt authors
# nat_clients_test.sh - programs that people use, behind a box that masquerades
#
# client --- box (masquerade, one forward) --- router --- server. Nobody outside has a route to the
# client, so what comes back comes through the translation.
. "$(dirname "$0")/../lib/net.sh"

((EUID)) && skip_all "needs root"
for tool in nginx curl iperf3 dig dnsmasq ping traceroute python3; do
	command -v "$tool" >/dev/null || skip_all "no $tool"
done
for ns in client box router server; do
	ns_new "$ns" ipv6
done
veth client v0 10.0.0.1/24,fd00::1/64 box in 10.0.0.254/24,fd00::fe/64
veth box out 192.0.2.1/24,2001:db8::1/64 router in 192.0.2.2/24,2001:db8::2/64
veth router out 198.51.100.1/24,2001:db8:1::1/64 server v0 198.51.100.2/24,2001:db8:1::2/64
ip -n "$client" addr add 10.0.0.2/24 dev v0
ip -n "$client" addr add fd00::2/64 dev v0 nodad
for hop in "client 10.0.0.254 fd00::fe" "box 192.0.2.2 2001:db8::2" \
	"server 198.51.100.1 2001:db8:1::1"; do
	read -r ns gateway gateway6 <<<"$hop"
	ip -n "$(ns_name "$ns")" route add default via "$gateway"
	ip -n "$(ns_name "$ns")" route add default via "$gateway6"
done
for ns in box router; do	# errors as fast as they come: traceroute asks fast
	ns_do "$ns" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 \
		net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0 net.ipv4.icmp_msgs_per_sec=100000
done
ns_do server sysctl -qw net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0
declare -A SERVER=([4]=198.51.100.2 [6]=2001:db8:1::2) OUTSIDE=([4]=192.0.2.1 [6]=2001:db8::1) \
	CLIENT=([4]=10.0.0.1 [6]=fd00::1) OTHER=([4]=10.0.0.2 [6]=fd00::2)

apply() {			# HOOK of what comes in, timeout of TCP[, ports of who is translated]
	local ports=${3:+meta l4proto { tcp, udp \} masquerade to :$3 accept}

	cat >"$TMP/nat.yaml" <<-END
		version: 1
		conntrack: { pickup: false, timeouts: { tcp-established: $2 } }
		nodes:
		  ct: { module: conntrack }
		  leaves:
		    module: filter
		    rules:
		      ${3:+- ip saddr 10.0.0.0/8 $ports}
		      ${3:+- ip6 saddr fd00::/8 $ports}
		      - ip saddr 10.0.0.0/8 masquerade accept
		      - ip6 saddr fd00::/8 masquerade accept
		  enters:
		    module: filter
		    default: drop
		    rules:
		      - icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } goto own
		      - icmp type echo-request dnat to 10.0.0.1 accept
		      - icmpv6 type echo-request dnat to fd00::1 accept
		      - tcp dport 8080 dnat to 10.0.0.1:80 accept
		      - tcp dport 8080 dnat to [fd00::1]:80 accept
		  n: { module: nat }
		graphs:
		  out:
		    entry: ct
		    edges:
		      ct: { established: n, related: n, next: leaves }
		      leaves: { accept: n }
		      n: { next: pass }
		  in:
		    entry: ct
		    edges:
		      ct: { established: n, related: n, next: enters }
		      enters: { accept: n, own: pass }
		      n: { next: pass }
		attach:
		  - { dev: out, hook: tc-egress, graph: out }
		  - { dev: out, hook: $1, graph: in }
	END
	shunt_ box apply "$TMP/nat.yaml"
}

# ---- servers ----
serve() {			# serve NS PORT CMD...: until something listens at the port
	local port=$2 ns=$1

	ns_do "$ns" "${@:3}" >>"$TMP/servers.log" 2>&1 </dev/null &
	on_exit net_end $!
	wait_for 10 listens "$ns" "$port" || die "no server at $port: $(cat "$TMP/servers.log")"
}

listens() { [[ $(ns_do "$1" ss -Hlntu "sport = :$2") ]]; }

web() {				# web NS: says who asks; /big is 8 MB, and different each time
	mkdir "$TMP/web-$1"
	cat >"$TMP/web-$1/nginx.conf" <<-CONF
		daemon off; master_process off; pid nginx.pid; error_log stderr error;
		events {}
		http {
			access_log off; default_type text/plain;
			client_body_temp_path .; proxy_temp_path .; fastcgi_temp_path .;
			uwsgi_temp_path .; scgi_temp_path .;
			server {
				listen 80; listen [::]:80; root $TMP;
				location / { return 200 "\$remote_addr\n"; }
				location /big { }
			}
		}
	CONF
	serve "$1" 80 nginx -p "$TMP/web-$1" -c "$TMP/web-$1/nginx.conf" -e stderr
}

# Answers an HTTP request after 10 s of silence
slow() {
	serve server 81 python3 -c '
import socket, threading, time
def answer(c):
    c.recv(2000)
    time.sleep(10)
    c.sendall(b"HTTP/1.0 200 OK\r\n\r\nat last\n")
    c.close()
s = socket.create_server(("::", 81), family=socket.AF_INET6, dualstack_ipv6=True)
while True:
    threading.Thread(target=answer, args=(s.accept()[0],), daemon=True).start()'
}

# FTP, as far as a download takes it. Like others it connects to nobody but who asks
ftp() {
	serve server 21 python3 -c '
import socket, threading
def serve(c):
    say = lambda text: c.sendall(text.encode() + b"\r\n")
    peer, me = c.getpeername()[0], c.getsockname()
    say("220 here")
    data = None
    for line in c.makefile():
        word, _, rest = line.strip().partition(" ")
        if word == "USER":
            say("230 in")
        elif word == "PWD":
            say("257 \"/\"")
        elif word == "EPSV":
            wait = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
            say("229 at (|||%d|)" % wait.getsockname()[1])
            data = lambda: wait.accept()[0]
        elif word in ("EPRT", "PORT"):
            if word == "EPRT":
                _, _, host, port, _ = rest.split("|")
            else:
                part = rest.split(",")
                host, port = ".".join(part[:4]), int(part[4]) * 256 + int(part[5])
            if host != peer.removeprefix("::ffff:"):
                say("500 not the address of who asks: " + host)
                continue
            say("200 there")
            data = lambda: socket.create_connection((host, int(port)), 5)
        elif word == "RETR":
            say("150 comes")
            with data() as d:
                d.sendall(b"a file\n")
            say("226 done")
        elif word == "QUIT":
            say("221 bye")
            return
        elif word in ("TYPE", "SIZE"):
            say("200 so be it" if word == "TYPE" else "213 7")
        else:
            say("500 unknown")
s = socket.create_server(("::", 21), family=socket.AF_INET6, dualstack_ipv6=True)
while True:
    threading.Thread(target=serve, args=(s.accept()[0],), daemon=True).start()'
}

names() {			# DNS; 'long' does not fit into one packet
	local part

	part=$(printf 'x%.0s' {1..250})
	serve server 53 dnsmasq -k -C /dev/null --user=root --no-resolv --no-hosts \
		--pid-file="$TMP/dnsmasq.pid" --edns-packet-max=4096 \
		--host-record=short,203.0.113.7,2001:db8:7::7 \
		--txt-record="long$(printf ",$part%.0s" {1..12})"
}

# ---- clients ----
url() {				# url ADDRESS REST
	[[ $1 == *:* ]] && echo "http://[$1]$2" || echo "http://$1$2"
}

get() { ns_do client curl -sS -m 20 --no-progress-meter "$@"; }
ask() { ns_do client dig "@${SERVER[$V]}" +tries=1 +time=5 +short "$@"; }

iperf() {			# iperf OPTION...: what came of it is in $TMP/iperf.json
	ns_do client timeout 30 iperf3 "-$V" -c "${SERVER[$V]}" -t 1 -J "$@" >"$TMP/iperf.json" || {
		cat "$TMP/iperf.json"
		return 1
	}
}

iperf_sum() {			# of what came to the end that receives: FIELD
	python3 -c 'import json, sys
end = json.load(open(sys.argv[1]))["end"]
print(int(end.get("sum_received", end.get("sum"))[sys.argv[2]]))' "$TMP/iperf.json" "$1"
}

hops() {			# hops NS ADDRESS OPTION...: who answers, in one line
	ns_do "$1" timeout 30 traceroute "-$V" -n -q 1 -w 2 -m 5 "${@:3}" "$2" 2>&1 |
		awk 'NR > 1 { print $2 }' | xargs
}

# learnt NS ADDRESS MTU: TCP of that machine knows how much goes through. Not IPv6: skbs that come over
# a veth still have their sender's ignore_df, so Linux forwards them where they are too big
learnt() {
	((V == 4)) || return
	is "$NAME: $1 has learnt how much goes through" \
		"$(ip -n "$(ns_name "$1")" route get "$2" | sed -n 's/.* mtu \([0-9]*\).*/\1/p')" "$3"
}

# Routes narrower than the links: client to server 1400, the other way 1300. Nobody knows yet
narrow() {
	ip -n "$router" route replace 198.51.100.2 dev out mtu 1400
	ip -n "$router" route replace 2001:db8:1::2 dev out mtu 1400
	ip -n "$box" route replace 10.0.0.1 dev in mtu 1300
	ip -n "$box" route replace fd00::1 dev in mtu 1300
}

forget() {			# what has been learnt
	ip -n "$client" "-$V" route flush cache
	ip -n "$server" "-$V" route flush cache
}

web_works() {
	local sum

	forget
	sum=$(md5sum <"$TMP/big")
	is "$NAME: curl, seen as the box" "$(get "$(url "${SERVER[$V]}" /)")" "${OUTSIDE[$V]}"
	is "$NAME: curl, 8 MB" "$(get "$(url "${SERVER[$V]}" /big)" | md5sum)" "$sum"
	learnt server "${OUTSIDE[$V]}" 1300
	is "$NAME: 200 requests, 20 at a time" "$(get -Z --parallel-max 20 \
		"$(url "${SERVER[$V]}" '/?[1-200]')" | sort | uniq -c | xargs)" "200 ${OUTSIDE[$V]}"
	is "$NAME: curl of one outside, 8 MB from inside" \
		"$(ns_do server curl -sS -m 20 "$(url "${OUTSIDE[$V]}" ":8080/big")" | md5sum)" "$sum"
}

iperf_works() {
	forget				# or the server would ask for small segments
	ok "$NAME: iperf3, TCP" iperf
	ok "$NAME: iperf3, TCP, much came" test "$(iperf_sum bytes)" -gt 1000000
	learnt client "${SERVER[$V]}" 1400
	ok "$NAME: iperf3, TCP, from the server" iperf -R
	ok "$NAME: iperf3, TCP, from the server, much came" test "$(iperf_sum bytes)" -gt 1000000
	udp_works "iperf3, UDP" -l 1200
	udp_works "iperf3, UDP, in fragments" -l 8000
}

udp_works() {			# udp_works NAME OPTION...
	local full

	full=$(queue_full)
	ok "$NAME: $1" iperf -u -b 10M "${@:2}"
	full=$(($(queue_full) - full))
	ok "$NAME: $1, much came" test "$(iperf_sum bytes)" -gt 1000000
	ok "$NAME: $1, none was lost on the way" test "$(iperf_sum lost_packets)" -le "$full"
}

queue_full() {			# what the server's sockets had no room for
	ns_do server awk '/^Udp: [0-9]/ { n += $6 } $1 == "Udp6RcvbufErrors" { n += $2 }
		END { print n }' /proc/net/snmp /proc/net/snmp6
}

names_work() {
	is "$NAME: dig, UDP" "$(ask short A)" 203.0.113.7
	is "$NAME: dig, TCP" "$(ask +tcp short AAAA)" 2001:db8:7::7
	is "$NAME: dig, UDP, an answer of 3000 bytes in fragments" \
		"$(ask +bufsize=4096 +ignore long TXT | tr -d '" \n' | wc -c)" 3000
	is "$NAME: dig, too long for UDP, so by TCP" \
		"$(ask +bufsize=512 long TXT | tr -d '" \n' | wc -c)" 3000
}

# One id from two addresses: the box gives one of them another
pings() {
	local count="-n -q -c 5 -i 0.2 -W 5 -e 4711" status=0 first

	# shellcheck disable=SC2086
	ns_do client ping "-$V" $count -I "${CLIENT[$V]}" "${SERVER[$V]}" &
	first=$!
	# shellcheck disable=SC2086
	ns_do client ping "-$V" $count -I "${OTHER[$V]}" "${SERVER[$V]}" || status=1
	wait "$first" && return "$status"
}

too_big() {			# too_big NS ADDRESS WHO MTU: WHO tells him that the limit is MTU
	forget
	like "$NAME: ping of $1, too big: is told so" \
		"$(ns_do "$1" ping "-$V" -n -c 1 -W 5 -M "do" -s 1400 "$2")" \
		"From $3 .*(Frag needed and DF set \\(mtu = $4\\)|Packet too big: mtu=$4)"
}

pings_work() {
	ok "$NAME: ping of two clients with one id" pings
	too_big client "${SERVER[$V]}" "${ROUTER[$V]}" 1400
	too_big server "${OUTSIDE[$V]}" "${OUTSIDE[$V]}" 1300
	ok "$NAME: ping, in fragments" \
		ns_do client ping "-$V" -n -c 2 -i 0.2 -W 5 -s 5000 "${SERVER[$V]}"
}

traces_work() {
	local way="${INSIDE[$V]} ${ROUTER[$V]} ${SERVER[$V]}" option

	for option in "" "-U -p 33500" -I -T "-T -p 81"; do
		# shellcheck disable=SC2086
		is "$NAME: traceroute${option:+ $option}" "$(hops client "${SERVER[$V]}" $option)" "$way"
	done
	is "$NAME: traceroute -T of one outside to the forward" \
		"$(hops server "${OUTSIDE[$V]}" -T -p 8080)" \
		"${ROUTER_OUT[$V]} ${OUTSIDE[$V]} ${OUTSIDE[$V]}"
}
declare -A INSIDE=([4]=10.0.0.254 [6]=fd00::fe) ROUTER=([4]=192.0.2.2 [6]=2001:db8::2) \
	ROUTER_OUT=([4]=198.51.100.1 [6]=2001:db8:1::1)

ftp_fails() {
	local address=${SERVER[$V]}

	[[ $V == 6 ]] && address="[$address]"
	is "$NAME: ftp, passive" "$(get "ftp://$address/file")" "a file"
	[[ $V == 4 ]] || return		# curl, refused EPRT, waits for nothing
	get -v -P 10.0.0.1 "ftp://$address/file" >"$TMP/ftp.out" 2>&1
	is "$NAME: ftp, active: refused, as docs/modules/nat.md says" "$?" 30
	like "$NAME: ftp, active: the server says why" "$(cat "$TMP/ftp.out")" \
		"500 not the address of who asks: 10.0.0.1"
}

# An hour of silence: 10 s, where a connection is forgotten after 4. Keepalives come each second. Meanwhile
# the box asks from the client's port
silence() {
	local pids=()

	for V in 4 6; do
		get -m 15 --keepalive-time 1 --local-port "4000$V" "$(url "${SERVER[$V]}" :81/)" \
			>"$TMP/kept$V" 2>&1 &
		pids+=($!)
		get -m 15 --no-keepalive "$(url "${SERVER[$V]}" :81/)" >"$TMP/lost$V" 2>&1 &
		pids+=($!)
	done
	sleep 1
	for V in 4 6; do
		ns_do box curl -sS -m 14 --keepalive-time 1 --local-port "4000$V" \
			"$(url "${SERVER[$V]}" :81/)" >"$TMP/own$V" 2>&1 &
		pids+=($!)
	done
	wait "${pids[@]}"
}

web server
web client
serve server 5201 iperf3 -s
slow
ftp
names
dd if=/dev/urandom of="$TMP/big" bs=1M count=8 status=none
narrow
shuntd_start box || die "no daemon"

for hook in tc-ingress xdp; do
	ok "$hook: apply" apply "$hook" 5d
	for V in 4 6; do
		NAME="$hook, IPv$V"
		pings_work
		web_works
		iperf_works
		names_work
		traces_work
		ftp_fails
	done
done
ok "connections are forgotten soon, and have ports of their own" apply xdp 4s 10000-29999
silence
for V in 4 6; do
	is "IPv$V: silence with keepalives" "$(cat "$TMP/kept$V")" "at last"
	like "IPv$V: without, it is forgotten" "$(cat "$TMP/lost$V")" "timed out"
	is "IPv$V: a connection of the box from a port that a client has, too" \
		"$(cat "$TMP/own$V")" "at last"
done
"$BUILD/tests/rpc" --socket "$TMP/run/shuntd.sock" detach '{"all":true}' >/dev/null
shuntd_stop
is "the daemon ends well" "$?" 0
finish
