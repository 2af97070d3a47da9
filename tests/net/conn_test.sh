#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Copyright (c) The shunt authors
# conn_test.sh - flows by command: real traffic is listed, counted, watched, deleted; a restart keeps it
. "$(dirname "$0")/../lib/net.sh"

((EUID)) && skip_all "needs root"
ns_new client ipv6
ns_new box ipv6
veth client v0 10.0.0.1/24,fd00::1/64 box in 10.0.0.2/24,fd00::2/64

sh_() { shunt_ box "$@"; }
list() { sh_ conn list "$@"; }
flows() { sh_ conn count "$@" | sed -n 's/^flows: //p'; }
config() {		# config SECTION: of the flow table; pickup off: what is no SYN begins nothing
	cat >"$TMP/t.yaml" <<-END
		version: 1
		conntrack: { $1 }
		nodes:
		  ct: { module: conntrack }
		  guard:
		    module: filter
		    rules:
		      - tcp dport 81 ct mark set 0x15 accept
		      - meta l4proto { tcp, udp, icmp, icmpv6 } accept
		    default: drop
		  keep: { module: commit }
		graphs:
		  in:
		    entry: ct
		    edges:
		      ct: { established: pass, related: pass, next: guard }
		      guard: { accept: keep }
		      keep: { next: pass }
		attach:
		  - { dev: in, hook: tc-ingress, graph: in }
		  - { dev: in, hook: tc-egress, graph: in }
	END
}

# Talks when told to: "tcp ADDRESS PORT" opens, "say N" and "close N" do so with the N-th one
cat >"$TMP/talk.py" <<-'END'
	import socket, sys
	conns = []
	for line in sys.stdin:
	    word = line.split()
	    if word[0] == "say":
	        try:
	            conns[int(word[1])].send(b"x")
	            print("got", conns[int(word[1])].recv(9).decode(), flush=True)
	        except OSError:
	            print("nothing", flush=True)
	        continue
	    if word[0] == "close":
	        conns[int(word[1])].close()
	        print("closed", flush=True)
	        continue
	    s = socket.socket(socket.AF_INET6 if ":" in word[1] else socket.AF_INET,
	                      socket.SOCK_STREAM if word[0] == "tcp" else socket.SOCK_DGRAM)
	    s.settimeout(1.5)
	    s.connect((word[1], int(word[2])))
	    conns.append(s)
	    print("port", s.getsockname()[1], flush=True)
END
# Echoes: TCP on ports 80 and 81, UDP on 53; of both families
cat >"$TMP/echo.py" <<-'END'
	import selectors, socket
	sel = selectors.DefaultSelector()
	for port in 80, 81:
	    sel.register(socket.create_server(("::", port), family=socket.AF_INET6,
	                                      dualstack_ipv6=True), 1, "listen")
	for family, addr in (socket.AF_INET, "10.0.0.2"), (socket.AF_INET6, "fd00::2"):
	    s = socket.socket(family, socket.SOCK_DGRAM)
	    s.bind((addr, 53))
	    sel.register(s, 1, "udp")
	print("ready", flush=True)
	while True:
	    for key, _ in sel.select():
	        s = key.fileobj
	        if key.data == "listen":
	            sel.register(s.accept()[0], 1, "tcp")
	        elif key.data == "udp":
	            data, addr = s.recvfrom(99)
	            s.sendto(data, addr)
	        else:
	            data = s.recv(99)
	            if data:
	                s.send(data)
	            else:
	                sel.unregister(s)
	                s.close()
END
# An echo request to ADDRESS with ID, until it is answered
cat >"$TMP/ping.py" <<-'END'
	import socket, struct, sys
	six = ":" in sys.argv[1]
	s = socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_RAW,
	                  58 if six else 1)
	s.settimeout(3)
	head = struct.pack("!BBHHH", 128 if six else 8, 0, 0, int(sys.argv[2]), 1)
	words = sum(struct.unpack("!4H", head))
	words = ~(words + (words >> 16)) & 0xffff
	s.sendto(head[:2] + struct.pack("!H", words) + head[4:], (sys.argv[1], 0))
	while s.recv(200)[0 if six else 20] != (129 if six else 0):
	    pass
END

mkfifo "$TMP/said" "$TMP/heard"
ns_do box python3 "$TMP/echo.py" >"$TMP/echo" 2>&1 &
NET_PIDS["echo"]=$!
ns_do client python3 "$TMP/talk.py" <"$TMP/said" >"$TMP/heard" 2>"$TMP/talk.err" &
NET_PIDS["talk"]=$!
exec {SAY}>"$TMP/said" {HEAR}<"$TMP/heard"
wait_for 10 grep -q ready "$TMP/echo" || die "nobody echoes"
talk() {		# talk WORD...: what comes of it
	local line

	echo "$*" >&"$SAY"
	read -r -t 10 -u "$HEAR" line && echo "$line"
}
port() {		# port WORD...: opens; its port
	local line

	line=$(talk "$@") && echo "${line#port }"
}
ping_() { ns_do client python3 "$TMP/ping.py" "$@"; }

# ---- no table ----
shuntd_start box || die "no daemon"
printf 'version: 1\nnodes:\n  guard: { module: filter }\n' >"$TMP/none.yaml"
ok "applied without" sh_ apply -q "$TMP/none.yaml"
for what in list count stats watch "del --all"; do
	# shellcheck disable=SC2086
	sh_ conn $what >"$TMP/out" 2>&1
	is "no table: $what" "$? $(cat "$TMP/out")" \
		"2 shunt: no flow table: no graph that is attached has a node of module 'conntrack'"
done
is "status has none" "$(sh_ status | grep FLOWS)" ""

# ---- list, count, show ----
config "flows: 4000, flows6: 1000, counters: true, pickup: false"
ok "applied" sh_ apply -q "$TMP/t.yaml"
is "nothing yet" "$(list)$(flows)" 0
ok "ping" ping_ 10.0.0.2 77
ok "ping, IPv6" ping_ fd00::2 78
is "curl" "$(ns_do client curl -s --max-time 1 --http0.9 --data hello http://10.0.0.2:80/ |
	head -c 4)" POST
web=$(port tcp 10.0.0.2 81)
is "TCP" "$(talk say 0)" "got x"
six=$(port tcp fd00::2 80)
is "TCP, IPv6" "$(talk say 1)" "got x"
udp=$(port udp 10.0.0.2 53)
is "UDP" "$(talk say 2)" "got x"
like "a query" "$(list meta l4proto icmp)" \
	'^icmp echo 10\.0\.0\.1 > 10\.0\.0\.2 id 77 replied 2[0-9]s packets 1/1$'
like "a query, IPv6" "$(list meta l4proto icmpv6)" \
	'^icmpv6 echo fd00::1 > fd00::2 id 78 replied 2[0-9]s packets 1/1$'
like "TCP, with its mark" "$(list tcp dport 81)" \
	"^tcp 10\.0\.0\.1:$web > 10\.0\.0\.2:81 established 4319[0-9]{2}s mark 0x15 packets [34]/[23]$"
like "TCP, IPv6" "$(list ip6 daddr fd00::2 tcp dport 80)" \
	"^tcp \[fd00::1\]:$six > \[fd00::2\]:80 established 4319[0-9]{2}s packets [34]/[23]$"
like "UDP" "$(list ip saddr 10.0.0.1 udp dport 53)" \
	"^udp 10\.0\.0\.1:$udp > 10\.0\.0\.2:53 replied 1[0-9]{2}s packets 1/1$"
like "curl's" "$(list ip daddr 10.0.0.2 tcp dport 80)" '^tcp 10\.0\.0\.1:[0-9]+ > 10\.0\.0\.2:80 '
is "IPv4" "$(list meta nfproto ipv4 | wc -l)" 4
is "IPv6" "$(list meta nfproto ipv6 | wc -l)" 2
is "answered ones" "$(list ct state established | wc -l) $(list ct state new | wc -l)" "6 0"
is "by mark" "$(list ct mark 0x15 | wc -l)" 1
is "by what replies have" "$(list ct reply proto-src 81 | wc -l)" 1
is "by zone" "$(list ct zone 1 | wc -l)" 0
is "some of them" "$(list --count 3 | wc -l)" 3
is "how many" "$(flows)" 6
is "of one kind" "$(sh_ conn count ip6 saddr fd00::1 tcp dport 80 -j)" \
	'{"schema":1,"counts":[{"protocol":"tcp","state":"tcp-established","flows":1}]}'
like "all of one" "$(sh_ conn show udp dport 53)" \
	"policy usual, bytes [0-9]+/[0-9]+, replied$"
like "as JSON" "$(list -j udp sport "$udp")" \
	"^\{\"schema\":1,\"flows\":\[\{\"family\":4,\"protocol\":\"udp\",.*\"sport\":$udp,\"dport\":53,\"state\":\"udp-replied\","
is "stats" "$(sh_ conn stats | awk '$1 == "new" || $1 == "gone" { printf "%s %s ", $1, $2 }')" \
	"new 6 gone 0 "
like "status" "$(sh_ status | grep -A2 ^FLOWS)" \
	$'FLOWS +TAKEN +SLOTS +MEMORY\nIPv4 +4 +6[67][0-9]{2} +[0-9]+ KiB\nIPv6 +2 +1[67][0-9]{2} +[0-9]+ KiB$'
is "by the read-only socket" "$("$BUILD/tests/rpc" --socket "$TMP/run/shuntd-ro.sock" conn.count '{}' |
	grep -o '"flows":[0-9]*' | awk -F: '{ n += $2 } END { print n }')" 6

# ---- errors ----
sh_ conn list tcp dport 80 tcp flags syn >"$TMP/out" 2>&1
is "no field of a flow" "$? $(cat "$TMP/out")" "3 filter:1:14: error: a flow has no 'tcp flags'
        tcp dport 80 tcp flags syn
                     ^~~~~~~~~~~~~
        hint: packets have that, flows do not"
sh_ conn watch ct state invalid >"$TMP/out" 2>&1
like "no state of a flow" "$? $(cat "$TMP/out")" "^3 filter:1:1: error: no flow has that state"
sh_ conn del "" >"$TMP/out" 2>&1
like "delete by an empty filter" "$? $(cat "$TMP/out")" "^2 .*an empty filter is of all flows"
is "deletes nothing" "$(flows)" 6
rpc() { "$BUILD/tests/rpc" --socket "$TMP/run/shuntd.sock" "$@" 2>&1; }
like "delete what?" "$(rpc conn.del '{}')" "'conn.del' wants either 'filter' or 'all'"
like "a cursor of one's own" "$(rpc conn.list '{"cursor":"-1"}')" "as an answer had it"
like "far behind the end" "$(rpc conn.list '{"cursor":"18446744073709551615"}')" \
	'"flows":\[\],"cursor":null'
like "none" "$(rpc conn.list '{"limit":0}')" "'limit' is 1 or more"
like "one, and where to go on" "$(rpc conn.list '{"limit":1}')" \
	'"flows":\[\{[^]]*\],"cursor":"[0-9]+"'
ok "no change on the read-only socket" not "$BUILD/tests/rpc" --socket "$TMP/run/shuntd-ro.sock" \
	conn.del '{"all":true}'

# ---- watch ----
watch() {		# watch FILE OPTION...: in the background, until it listens
	local before

	before=$(grep -c "conn.watch by pid" "$TMP/shuntd.log")
	"$BUILD/shunt" --socket "$TMP/run/shuntd.sock" conn watch "${@:2}" >"$TMP/$1" 2>"$TMP/$1.err" &
	NET_PIDS[$1]=$!
	wait_for 5 eval "(( \$(grep -c 'conn.watch by pid' '$TMP/shuntd.log') > $before ))"
}
unwatch() {		# unwatch FILE: by Ctrl-C; its status
	local pid=${NET_PIDS[$1]}

	unset "NET_PIDS[$1]"
	kill -INT "$pid"
	wait "$pid"
}
events() { sed -n 's/^[0-9:]*\.[0-9]* \([a-z]*\) .*/\1/p' "$TMP/$1" | uniq | tr '\n' ' '; }
has() { grep -q "$2" "$TMP/$1"; }

watch all
watch six ip6 daddr fd00::2
watched=$(port udp 10.0.0.2 53)
is "another one" "$(talk say 3)" "got x"
ok "is told" wait_for 5 has all " update  udp 10.0.0.1:$watched > 10.0.0.2:53 replied "
is "deleted" "$(sh_ conn del udp sport "$watched")" "1 deleted"
ok "is told, too" wait_for 5 has all \
	" destroy udp 10.0.0.1:$watched > 10.0.0.2:53 replied packets 1/1$"
is "in this order" "$(events all)" "new update destroy "
is "not to who asked for others" "$(cat "$TMP/six")" ""
port tcp fd00::2 80 >"$TMP/out"
is "IPv6" "$(talk say 4)" "got x"
ok "is told to both" wait_for 5 eval 'has six established && has all "fd00::2.*established"'
is "nothing else is" "$(grep -c ' udp ' "$TMP/six")" 0
ok "until interrupted" unwatch all
ok "the other, too" unwatch six
watch one -j --count 1
port udp 10.0.0.2 53 >"$TMP/out"
talk say 5 >"$TMP/out"
ok "ends by itself" net_wait one
like "as JSON" "$(cat "$TMP/one")" \
	'^\{"jsonrpc":"2.0","method":"conn","params":\{"time_ns":[0-9]{19},"event":"new","family":4,"protocol":"udp",'

# ---- the table goes and comes while somebody watches ----
watch follow
watch follow_ip6 ip6 daddr fd00::99
ok "without a table" sh_ apply -q "$TMP/none.yaml"
dropped() { grep -cE '^[0-9:.]{15} dropped the flow table, with all flows$' "$TMP/$1"; }
ok "that it went is told" wait_for 5 eval '(($(dropped follow)))'
sleep 1.3
is "once, whatever the filter" "$(dropped follow) $(dropped follow_ip6) $(grep -c . "$TMP/follow_ip6")" "1 1 1"
is "nothing of its flows" "$(grep -c ' destroy ' "$TMP/follow")" 0
ok "without a table, again" sh_ apply -q "$TMP/none.yaml"
ok "with one" sh_ apply -q "$TMP/t.yaml"
is "flows went with it" "$(flows)" 0
sleep 1.3
ok "ping" ping_ 10.0.0.2 79
ok "is told" wait_for 5 has follow " new     icmp echo 10.0.0.1 > 10.0.0.2 id 79 "
is "a change without a table tells nothing" "$(dropped follow)" 1
ok "to the end" unwatch follow
ok "the other one, too" unwatch follow_ip6

# ---- del ----
web=$(port tcp 10.0.0.2 81)
is "a connection" "$(talk say 6)" "got x"
port udp 10.0.0.2 53 >"$TMP/out"
talk say 7 >"$TMP/out"
before=$(flows)
is "deleted" "$(sh_ conn del tcp sport "$web")" "1 deleted"
is "nothing else" "$(flows)" $((before - 1))
is "it is there no more" "$(list tcp sport "$web")" ""
is "and its packets are invalid" "$(talk say 6)" nothing
is "deleted again" "$(sh_ conn del tcp sport "$web")" "0 deleted"
is "all" "$(sh_ conn del --all -j)" "{\"schema\":1,\"deleted\":$((before - 1))}"
is "are gone" "$(list)" ""

# ---- a restart, another size, many ----
web=$(port tcp 10.0.0.2 81)
is "a connection" "$(talk say 8)" "got x"
shuntd_stop
is "the daemon ends well" "$?" 0
is "the connection goes on" "$(talk say 8)" "got x"
shuntd_start box || die "no daemon"
like "and is there" "$(list tcp sport "$web")" " established .* mark 0x15 packets [456]/[345]$"
config "flows: 40000, flows6: 1000, counters: true, pickup: false"
watch size tcp sport "$web"
ok "another size" sh_ apply -q "$TMP/t.yaml"
like "it is there still" "$(list tcp sport "$web")" " established .* mark 0x15 packets [456]/[345]$"
is "the connection goes on" "$(talk say 8)" "got x"
talk close 8 >"$TMP/out"
ok "its end is told" wait_for 5 has size " update  tcp 10.0.0.1:$web .* time-wait "
ok "to who has watched all the time" unwatch size
# One who does not read meanwhile: each event is told, or that it was lost
python3 - "$TMP/run/shuntd.sock" "$TMP" >"$TMP/slow" <<-'END' &
	import json, os, socket, sys, time
	s = socket.socket(socket.AF_UNIX)
	s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
	s.connect(sys.argv[1])
	s.sendall(b'{"jsonrpc":"2.0","id":1,"method":"conn.watch","params":{"filter":"udp dport 9"}}\n')
	f = s.makefile()
	f.readline()
	open(sys.argv[2] + "/watching", "w")
	while not os.path.exists(sys.argv[2] + "/sent"):
	    time.sleep(0.05)
	time.sleep(1.2)
	told = buffer = client = 0
	s.settimeout(5)
	while told + buffer + client < 20000:
	    try:
	        line = json.loads(f.readline())
	    except TimeoutError:
	        break
	    params = line["params"]
	    if line["method"] == "lost":
	        buffer += params["buffer"]
	        client += params["client"]
	    else:
	        told += params["event"] == "new"
	print(told + buffer + client, client > 0, file=sys.stdout)
	print("told", told, "lost", buffer, client, file=sys.stderr)
END
NET_PIDS["slow"]=$!
ok "somebody watches, and does not read" wait_for 5 test -e "$TMP/watching"
send s client v0 -n 20000 -r 50000 -P udp --dst-mac "$(mac box in)" --src 10.0.0.1 --dst 10.0.0.2 \
	--sport 1000-20999 --dport 9
touch "$TMP/sent"
net_wait slow
is "every flow was told, or that it was lost" "$(cat "$TMP/slow")" "20000 True"
many=$(flows udp dport 9)
is "many" "$many" 20000
is "page by page" "$(list udp dport 9 | sort -u | wc -l)" "$many"
is "as one document" "$(list -j udp dport 9 |
	python3 -c 'import json, sys; print(len(json.load(sys.stdin)["flows"]))')" "$many"
is "deleted" "$(sh_ conn del udp dport 9)" "$many deleted"
is "are gone" "$(flows udp dport 9)" 0
shuntd_stop
is "the daemon ends well" "$?" 0
finish
