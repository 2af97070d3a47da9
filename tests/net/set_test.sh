#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Copyright (c) The shunt authors
# set_test.sh - sets by command: of the configuration and of state; loaded from files, large ones
. "$(dirname "$0")/../lib/net.sh"

((EUID)) && skip_all "needs root"
ns_new client
ns_new box
veth client v0 10.0.0.1/24 box in 10.0.0.2/24
MAC=$(mac box in)

sh_() { shunt_ box "$@"; }
file() { cat >"$TMP/$1"; }

file t.yaml <<-END
	version: 1
	sets:
	  blocked: { type: ip, elements: [203.0.113.0/24] }
	  pairs: { type: ip . port, file: pairs.txt }
	  seen: { type: ip, timeout: 1h }
	  counted: { type: ip . port, dynamic: true, counters: true, size: 4 }
	  near: { type: iif . ip, dynamic: true }
	  unused: { type: mark, dynamic: true }
	maps:
	  way: { type: port, elements: { 9: jump web, 10-19: drop(two) } }
	nodes:
	  guard:
	    module: filter
	    rules:
	      - ip saddr @blocked drop(one)
	      - ip saddr . udp dport @pairs drop(two)
	      - ip saddr @seen drop(three)
	      - ip saddr . udp dport @counted drop(four)
	      - iif . ip saddr @near drop(four)
	      - udp dport 7 add @seen { ip saddr } drop(five)
	      - udp dport vmap @way
	    chains:
	      web:
	        - ip saddr 10.9.0.0/16 drop(web)
	graphs:
	  in: [guard]
	attach:
	  - { dev: in, hook: xdp, graph: in }
END
printf '# ours\n10.8.0.1 . 80\n\n10.8.0.2 . 81 # two\n' | file pairs.txt

hit() {			# SOURCE PORT [N]: the reason that N packets are dropped for, or nothing
	local before after n=${3:-5}

	before=$(sh_ drop show -j)
	send s client v0 -n "$n" --dst-mac "$MAC" --src "$1" --dst 10.0.0.2 --sport 1 --dport "$2"
	after=$(sh_ drop show -j)
	python3 - "$before" "$after" "$n" <<-END
		import json, sys
		a, b = ({d["reason"]: d["packets"] for d in json.loads(t)["drops"]} for t in sys.argv[1:3])
		print(" ".join(r for r in b if b[r] - a.get(r, 0) == int(sys.argv[3])))
	END
}

elements() { sh_ set list "$1"; }
same() { sh_ export | sh_ diff -; }
generation() { sh_ status -j | grep -o '"generation":[0-9]*' | head -1; }

shuntd_start box || die "no daemon"
ok "applied" sh_ apply -q "$TMP/t.yaml"

# ---- of the configuration ----
is "an element of a list" "$(hit 203.0.113.9 5)" one
is "of a file" "$(hit 10.8.0.2 81)" two
is "another port" "$(hit 10.8.0.2 80)" ""
is "what is exported is the file's text" "$(sh_ export | grep -A3 'pairs:' | tail -n 2)" \
"    elements: |
      # ours"
ok "and has no difference" same
ok "added" sh_ set add -q blocked 198.51.100.7 198.51.100.128/25
is "is there" "$(hit 198.51.100.200 5)" one
ok "added to text" sh_ set add -q pairs "10.8.0.3 . 82"
is "is there, too" "$(hit 10.8.0.3 82)" two
ok "deleted from text" sh_ set del -q pairs "10.8.0.2  .  0x51"
is "is gone" "$(hit 10.8.0.2 81)" ""
is "comments stay" "$(sh_ export | grep -A6 'pairs:' | tail -n 4)" \
"      # ours
      10.8.0.1 . 80

      10.8.0.3 . 82"
sh_ set add blocked 198.51.100.9 203.0.113.0-203.0.113.255 >"$TMP/out" 2>&1
is "what is there already: the status" $? 2
is "and the message" "$(cat "$TMP/out")" \
	"shunt: '203.0.113.0-203.0.113.255' is in set 'blocked' already"
is "all or none" "$(hit 198.51.100.9 5)" ""
printf '192.0.2.1\n\n  192.0.2.300\n' | file bad.txt
sh_ set load blocked "$TMP/bad.txt" >"$TMP/out" 2>&1
is "a wrong file: the status" $? 3
is "and where" "$(cat "$TMP/out")" "$TMP/bad.txt:3:3: error: '192.0.2.300' is not an IPv4 address
        192.0.2.300
        ^~~~~~~~~~~"
printf ' 192.0.2.1\r\n192.0.2.2' | file good.txt
ok "loaded" sh_ set load -q blocked "$TMP/good.txt"
is "the old ones are gone" "$(hit 203.0.113.9 5)" ""
is "the new ones are there" "$(elements blocked)" "192.0.2.1-192.0.2.2"
ok "loaded besides" sh_ set load -q blocked --add - <<<10.7.0.0/16
is "all are there" "$(elements blocked)" $'10.7.0.0/16\n192.0.2.1-192.0.2.2'
ok "no difference" same
elements blocked >"$TMP/copy.txt"
ok "flushed" sh_ set flush -q blocked
is "nothing is there" "$(elements blocked)$(hit 10.7.0.1 5)" ""
ok "what was listed can be loaded" sh_ set load -q blocked "$TMP/copy.txt"
is "and is the same" "$(hit 10.7.0.1 5) $(elements blocked)" "one $(cat "$TMP/copy.txt")"
ok "back to before" sh_ rollback -q
is "is empty again" "$(elements blocked)" ""

# ---- large ----
python3 - >"$TMP/large.txt" <<-END
	import random
	random.seed(1)
	print("# large")
	for i in range(200000):
	    n = random.choice((24, 25, 26, 32))
	    a = (random.getrandbits(31) | 1 << 31) >> (32 - n) << (32 - n)
	    print("%d.%d.%d.%d/%d" % (a >> 24, a >> 16 & 255, a >> 8 & 255, a & 255, n))
END
last=$(tail -n 1 "$TMP/large.txt")
start=${EPOCHREALTIME/./}
ok "200 000 prefixes" sh_ set load -q blocked "$TMP/large.txt"
diag "loaded in $(((${EPOCHREALTIME/./} - start) / 1000)) ms"
is "the last of them" "$(hit "${last%/*}" 5)" one
ok "are exported without a difference" same
sh_ export | sed '0,/^      # large$/s//&\n      1.2.3.4/' >"$TMP/more.yaml"
is "a difference is short" "$(sh_ diff "$TMP/more.yaml")" \
	"~ /sets/blocked/elements: +1 (200001 elements)"

# ---- state ----
before=$(generation)
is "nothing is seen yet" "$(hit 10.6.0.1 5)" ""
is "a rule adds" "$(hit 10.6.0.1 7 1)" five
is "is seen" "$(hit 10.6.0.1 5)" three
like "is listed, with its time" "$(elements seen)" '^10\.6\.0\.1 timeout 1h # expires in 59m[0-9]+s'
is "added by command" "$(sh_ set add seen 10.6.0.2 10.6.0.8/31 timeout 10m)" \
	"set seen: 3 added, 0 deleted"
is "is seen, too" "$(hit 10.6.0.9 5)" three
is "how many" "$(sh_ set list | sed -n 's/^seen *ip *dynamic *\([0-9]*\) .*/\1/p')" 4
is "deleted" "$(sh_ set del seen 10.6.0.8)" "set seen: 0 added, 1 deleted"
is "is seen no more" "$(hit 10.6.0.8 5)" ""
sh_ set del seen 10.6.0.9 10.6.0.8 >"$TMP/out" 2>&1
is "what is not there: the status" $? 2
is "and the message" "$(cat "$TMP/out")" "shunt: '10.6.0.8' is no element of set 'seen'"
is "all or none" "$(hit 10.6.0.9 5)" three
printf '10.6.0.1 timeout 2h\n10.6.0.20 # new\n' | file seen.txt
is "loaded: what is not in the file goes" "$(sh_ set load seen "$TMP/seen.txt")" \
	"set seen: 2 added, 2 deleted"
is "with the times of the file, or the set's" \
	"$(elements seen | sed 's/ #.*//' | sort | tr '\n' ,)" \
	"10.6.0.1 timeout 2h,10.6.0.20 timeout 1h,"
ok "for a short time" sh_ set add -q seen 10.6.0.30 timeout 200ms
sleep 0.4
is "which passes" "$(hit 10.6.0.30 5)" ""
ok "counted ones" sh_ set add -q counted "10.5.0.1 . 5"
is "count" "$(hit 10.5.0.1 5; elements counted)" $'four\n10.5.0.1 . 5'
like "and tell" "$(sh_ set list counted -s)" '^10\.5\.0\.1 \. 5 # packets 5 bytes [0-9]+$'
sh_ set add counted "10.5.0.1 . 1" "10.5.0.1 . 2" "10.5.0.1 . 3" "10.5.0.1 . 4" "10.5.0.1 . 6" \
	>"$TMP/out" 2>&1
is "more than there is room for" "$? $(cat "$TMP/out")" \
	"2 shunt: set 'counted' has room for 4 elements"
ok "an interface in an element" sh_ set add -q near "in . 10.4.0.1"
is "is its index" "$(hit 10.4.0.1 5; elements near)" $'four\nin . 10.4.0.1'
sh_ set add near "out . 10.4.0.1" >"$TMP/out" 2>&1
is "one that is not there" "$? $(cat "$TMP/out")" "2 shunt: no interface 'out'"
sh_ set add unused 1 >"$TMP/out" 2>&1
is "a set that no rule names" $? 2
is "none of it is a generation" "$(generation)" "$before"
ok "nor a difference" same
ok "a change of the configuration" sh_ set add -q blocked 10.3.0.1
is "leaves it alone" "$(hit 10.6.0.20 5)" three
like "flushed" "$(sh_ set flush seen)" '^set seen: 0 added, [23] deleted$'	# one has expired
is "nothing is there" "$(elements seen)$(hit 10.6.0.20 5)" ""

# ---- maps and chains ----
is "a map's verdict" "$(hit 10.2.0.1 12)" two
is "a map's jump" "$(hit 10.9.0.1 9)" web
is "back from the chain" "$(hit 10.2.0.1 9)" ""
ok "a rule of the chain" sh_ rule add -q guard "ip saddr 10.2.0.0/16 drop(more)" --chain web
is "is tried" "$(hit 10.2.0.1 9)" more
id=$(sh_ rule list guard -j | python3 -c 'import json, sys
print([r["id"] for r in json.load(sys.stdin)["rules"] if r["chain"] == "web"][1])')
ok "one in front of it" sh_ rule insert -q guard before "$id" "ip saddr 10.2.0.1 return"
is "returns" "$(hit 10.2.0.1 9)" ""
is "the other is still there" "$(hit 10.2.0.2 9)" more
ok "replaced" sh_ rule replace -q guard "$id" "ip saddr 10.2.0.0/16 drop(other)"
is "by another" "$(hit 10.2.0.2 9)" other
sh_ rule insert guard 9999 drop >"$TMP/out" 2>&1
is "no such place" "$? $(cat "$TMP/out")" "2 shunt: node 'guard' has 7 rules: index 0 to 7"
sh_ rule add guard drop --chain wed >"$TMP/out" 2>&1
is "no such chain" "$? $(cat "$TMP/out")" "2 shunt: no chain 'wed'; did you mean 'web'?"

sh_ detach --all >/dev/null
shuntd_stop
finish
