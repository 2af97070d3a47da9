#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Copyright (c) The shunt authors
# lb_test.sh - a balancer in front of servers: which one serves whom, while they come, drain, die and return
#
# Servers b1 to b4 answer by themselves (l2), or are translated to (nat).
. "$(dirname "$0")/../lib/net.sh"

((EUID)) && skip_all "needs root"
. "$(dirname "$0")/../lib/lb.sh"
lb_world

config() {			# config FORWARD BACKEND...
	local forward=$1 list

	shift
	printf -v list ' { address: %s },' "$@"
	cat >"$TMP/lb.yaml" <<-END
		version: 1
		nodes:
		  edge:
		    module: lb
		    services:
		      www:
		        address: $VIP
		        port: 80
		        proto: tcp
		        forward: $forward
		        drain: 4s
		        table: 4099
		        backends: [${list%,} ]
		      idle:
		        address: $VIP
		        port: 81
		        proto: tcp
		        forward: l2
		        table: 4099
		        backends: [ { address: 10.1.1.2 } ]
		graphs:
		  in: [edge]
		attach:
		  - { dev: c, hook: tc-ingress, graph: in }
	END
}

# ---- whom packets go to ----
config l2 10.1.1.2 10.1.2.2 10.1.3.2
ok "applied" shunt_ lb apply "$TMP/lb.yaml" || finish
is "ways to all servers are known when it runs" "$(backends)" \
	"10.1.1.2 up ready
10.1.2.2 up ready
10.1.3.2 up ready"
answers=$(who 20000 20059)
is "all servers answer, nobody else" "$(cut -d' ' -f1 <<<"$answers" | tr '\n' ' ')" "b1 b2 b3 "
is "every flow was answered" "$(awk '{ n += $2 } END { print n }' <<<"$answers")" 60
is "'lb show' counts them" "$(lb show -j | python3 -c '
import json, sys
print([(s["service"], s["flows"]) for s in json.load(sys.stdin)["services"]])')" \
	"[('idle', 0), ('www', 60)]"

said="" seen=""
for port in {20100..20119}; do
	where=$(lb where "10.0.0.2:$port" www -j | python3 -c '
import json, sys
w = json.load(sys.stdin)
print(w["begins"], w["goes_on"], w["why"])')
	said+="$where;"
	n=$(get "$port")
	seen+="10.1.${n#b}.2 10.1.${n#b}.2 owner;"
done
is "'lb where' says who answers" "$said" "$seen"
like "by address and port, too" "$(lb where 10.0.0.2:20100 $VIP:80)" "^edge/www: slot"
ok "other ports are no service's" not lb where 10.0.0.2:20100 $VIP:82
ok "without the client's port nothing is said" not lb where 10.0.0.2 www

# ---- one that drains ----
slow_start drain 21000 24
owners=$(lb service www -j | python3 -c '
import json, sys
print(json.load(sys.stdin)["services"][0]["backends"][0]["flows"] > 0)')
is "some downloads are from b1" "$owners" True
out=$(lb backend drain www 10.1.1.2)
like "b1 drains: nothing is rendered" "$out" "0 rendered"
like "that is in what is exported" "$(shunt_ lb export)" "state: drain"
answers=$(who 21100 21129)
is "new flows go to the others" "$(cut -d' ' -f1 <<<"$answers" | tr '\n' ' ')" "b2 b3 "
like "slots of b1 are in transition" "$(field changing)" "^[1-9]"
is "all downloads end whole" "$(slow_end drain)" "24 of 24"
ok "the transition ends with the drain time" wait_for 10 test 0 = "$(sleep 4; field changing)"
ok "b1 serves again" lb backend up www 10.1.1.2
ok "nothing of it is left in what is exported" not grep -q 'state: drain' <(shunt_ lb export)

# ---- one that comes, one that weighs more, one that goes ----
slow_start add 22000 24
ok "b4 comes" lb backend add www 10.1.4.2 weight 2
ok "b1 weighs more" lb backend weight www 10.1.1.2 3
answers=$(who 22100 22159)
is "all four answer" "$(cut -d' ' -f1 <<<"$answers" | tr '\n' ' ')" "b1 b2 b3 b4 "
ok "b4 drains" lb backend drain www 10.1.4.2
ok "and is taken back" lb backend up www 10.1.4.2
is "all downloads end whole, over four changes" "$(slow_end add)" "24 of 24"
is "slots by weight" "$(lb service www -j | python3 -c '
import json, sys
print([round(b["slots"] / 585.6) for b in json.load(sys.stdin)["services"][0]["backends"]])')" \
	"[3, 1, 1, 2]"
ok "b4 goes" lb backend del www 10.1.4.2
answers=$(who 22200 22229)
is "the others answer" "$(cut -d' ' -f1 <<<"$answers" | tr '\n' ' ')" "b1 b2 b3 "
like "rollback brings it back" "$(shunt_ lb rollback && backends)" "10.1.4.2 up ready"
ok "and forth" shunt_ lb rollback
ok "what is none is refused" not lb backend del www 10.1.9.9
ok "what is there already is refused" not lb backend add www 10.1.1.2
like "with a reason" "$(lb backend add www 10.1.1.2 2>&1)" "another backend of this service has this address"

# ---- one that dies ----
slow_start down 23000 12
like "b2 is down" "$(lb backend down www 10.1.2.2)" "down .was up."
is "once more changes nothing" "$(lb backend down www 10.1.2.2)" "down (was down)"
answers=$(who 23100 23129)
is "nobody goes there" "$(cut -d' ' -f1 <<<"$answers" | tr '\n' ' ')" "b1 b3 "
slow_end down >/dev/null		# those of b2 are lost: it is dead
ok "a restart" shuntd_stop
ok "takes up what ran" shuntd_start lb
like "b2 is still down" "$(backends)" "10.1.2.2 down ready"
is "and still gets nothing" "$(who 23200 23229 | cut -d' ' -f1 | tr '\n' ' ')" "b1 b3 "
like "it is up again" "$(lb backend up www 10.1.2.2)" "up .was down."
is "and serves" "$(who 23300 23329 | cut -d' ' -f1 | tr '\n' ' ')" "b1 b2 b3 "
ok "none lives" eval 'for i in 1 2 3; do lb backend down www 10.1.$i.2; done'
is "nobody answers" "$(get 23400)" ""
like "that is counted" "$(lb service www)" "dropped no_backend [1-9]"
ok "all are back" eval 'for i in 1 2 3; do lb backend up www 10.1.$i.2; done'
is "and answer" "$(who 23500 23529 | cut -d' ' -f1 | tr '\n' ' ')" "b1 b2 b3 "

# ---- the daemon dies in a transition ----
slow_start crash 24000 24
ok "b3 drains" lb backend drain www 10.1.3.2
shuntd_kill9
sleep 0.3
ok "a start finds the rings" shuntd_start lb
like "in transition" "$(field changing)" "^[1-9]"
is "all downloads end whole" "$(slow_end crash)" "24 of 24"
ok "b3 serves again" lb backend up www 10.1.3.2

# ---- next hops ----
old=$(mac b1 eth0)
ip -n "$lb" neigh replace 10.1.1.2 lladdr 02:00:00:00:00:99 dev p1 nud permanent
ip -n "$b1" link set eth0 address 02:00:00:00:00:99
is "a neighbour with another address is followed" "$(who 25000 25019 | awk '{ n += $2 } END { print n }')" 20
ip -n "$b1" link set eth0 address "$old"
ip -n "$lb" neigh del 10.1.1.2 dev p1
ip -n "$lb" link set p2 down
ok "a way that is gone is told" wait_for 3 grep -q '10.1.2.2 up no_route' <(sleep 0.3; backends)
ip -n "$lb" link set p2 up
ok "and found again" eval 'for i in {1..50}; do backends | grep -q "10.1.2.2 up ready" && break; sleep 0.1; done; backends | grep -q "10.1.2.2 up ready"'
is "all answer" "$(who 25100 25129 | awk '{ n += $2 } END { print n }')" 30

# ---- a service that goes, and all of them ----
sed -i '/^      idle:/,/backends: .*10.1.1.2 } \]$/d' "$TMP/lb.yaml"
ok "a service goes" shunt_ lb apply "$TMP/lb.yaml"
is "the other one stays" "$(who 26000 26019 | awk '{ n += $2 } END { print n }')" 20
ok "tables are there" test -e "$TMP/run/bpf/lb/lb_vips"
printf 'version: 1\n' >"$TMP/none.yaml"
ok "all go" shunt_ lb apply "$TMP/none.yaml"
ok "with their tables" test ! -e "$TMP/run/bpf/lb"
is "a refused change leaves nothing" "$(sed 's/forward: l2/forward: nat/' "$TMP/lb.yaml" >"$TMP/bad.yaml"
	shunt_ lb apply "$TMP/bad.yaml" >/dev/null 2>&1; ls "$TMP/run/bpf/lb" 2>/dev/null)" ""
finish
