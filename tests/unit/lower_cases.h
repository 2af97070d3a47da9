/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* lower_cases.h - rules, and what they are lowered to as lower_test.c prints it */
#ifndef TESTS_LOWER_CASES_H
#define TESTS_LOWER_CASES_H

struct lower_case {
	const char *rules, *text;
};

static const struct lower_case cases[] = {
	{ "tcp dport 53 drop",
	  "1: ip4 proto 6 l4 dport 53 drop\n"
	  "1: ip6 proto 6 l4 dport 53 drop\n"
	  "rounds 1\n" },
	{ "accept",
	  "1: any4 accept\n"
	  "1: ip6 accept\n"
	  "rounds 1\n" },
	{ "ip saddr 10.0.0.0/8 ip daddr 192.0.2.1 accept",
	  "1: ip4 saddr 10.0.0.0/8 daddr 192.0.2.1 accept\n"
	  "rounds 1\n" },
	{ "ip6 saddr 2001:db8::/32 tcp dport 1024-65535 goto odd",
	  "1: ip6 saddr 2001:db8::/32 proto 6 l4 dport 1024-65535 odd\n"
	  "rounds 1\n" },
	{ "ip saddr 10.0.0.1-10.0.0.4 drop",
	  "1: ip4 saddr 10.0.0.1 drop\n"
	  "1: ip4 saddr 10.0.0.2/31 drop\n"
	  "1: ip4 saddr 10.0.0.4 drop\n"
	  "rounds 1\n" },
	{ "th dport 53 meta nfproto ipv4 drop",
	  "1: ip4 proto 6 l4 dport 53 drop\n"
	  "1: ip4 proto 17 l4 dport 53 drop\n"
	  "1: ip4 proto 132 l4 dport 53 drop\n"
	  "rounds 1\n" },
	{ "ip protocol != tcp drop",
	  "1: ip4 proto 0/fc drop\n"
	  "1: ip4 proto 4/fe drop\n"
	  "1: ip4 proto 7 drop\n"
	  "1: ip4 proto 8/f8 drop\n"
	  "1: ip4 proto 16/f0 drop\n"
	  "1: ip4 proto 32/e0 drop\n"
	  "1: ip4 proto 64/c0 drop\n"
	  "1: ip4 proto 128/80 drop\n"
	  "rounds 1\n" },
	{ "ip protocol { icmp, udp } drop",
	  "1: ip4 proto 1/ef drop\n"
	  "rounds 1\n" },
	{ "tcp flags & (syn|ack) == syn meta nfproto ipv4 drop",
	  "1: ip4 proto 6 l4 flags 2/12 drop\n"
	  "rounds 1\n" },
	{ "tcp flags & (syn|ack) != syn meta nfproto ipv4 drop",
	  "1: ip4 proto 6 l4 flags 0/2 drop\n"
	  "1: ip4 proto 6 l4 flags 18/12 drop\n"
	  "rounds 1\n" },
	{ "tcp flags & (syn|ack) != syn ip ttl 1 drop",
	  "1: ip4 proto 6 l4 drop ext0\n"
	  "ext0: ttl&ff = 1 not flags&12 = 2\n"
	  "rounds 1\n" },
	{ "frag none drop",
	  "1: ip4 frag 0 drop\n"
	  "1: ip6 frag 0 drop\n"
	  "rounds 1\n" },
	{ "frag { none, later } meta nfproto ipv4 drop",
	  "1: ip4 frag 0/1 drop\n"
	  "rounds 1\n" },
	{ "frag != none meta nfproto ipv4 drop",
	  "1: ip4 frag 1 drop\n"
	  "1: ip4 frag 2 drop\n"
	  "rounds 1\n" },
	{ "ct state established,related accept",
	  "1: any4 ct 2/6 accept\n"
	  "1: ip6 ct 2/6 accept\n"
	  "rounds 1\n" },
	{ "ct state invalid meta nfproto ipv4 drop",
	  "1: ip4 ct 4 drop\n"
	  "rounds 1\n" },
	{ "ct state { new, untracked } tcp dport 22 meta nfproto ipv4 accept",
	  "1: ip4 proto 6 l4 dport 22 ct 1/3 accept\n"
	  "rounds 1\n" },
	{ "ct state != none meta nfproto ipv6 accept",
	  "1: ip6 ct 1/5 accept\n"
	  "1: ip6 ct 2 accept\n"
	  "1: ip6 ct 4/6 accept\n"
	  "rounds 1\n" },
	{ "meta nfproto ipv4 ct state vmap { established : accept, invalid : drop }",
	  "1: ip4 ct 2 accept\n"
	  "1: ip4 ct 4 drop\n"
	  "rounds 1\n" },
	{ "meta nfproto ipv4 ct state . ct mark { new . 1, related . 2-3 } accept",
	  "1: ip4 ct 1 accept ext0\n"
	  "2: ip4 ct 3 accept ext1\n"
	  "ext0: ct-mark&ffffffff = 1\n"
	  "ext1: ct-mark&ffffffff = 2-3\n"
	  "rounds 1\n" },
	{ "meta nfproto ipv4 ct mark & 0xff == 5 ct zone 3 ct direction reply accept",
	  "1: ip4 accept ext0\n"
	  "ext0: ct-mark&ff = 5 zone&ffff = 3 direction&1 = 1\n"
	  "rounds 1\n" },
	{ "ct original ip saddr 10.0.0.0/8 ct reply proto-src != 80 accept",
	  "1: ip4 accept ext0\n"
	  "ext0: flow0&ffffffff = 167772160-184549375 not flow12&ffff = 80\n"
	  "rounds 1\n" },
	{ "ct reply ip6 daddr 2001:db8::/32 accept",
	  "1: ip6 accept ext0\n"
	  "ext0: flow11&ffffffffffffffff = 2306139568115548160-2306139572410515455\n"
	  "rounds 1\n" },
	{ "ct original ip6 saddr { 2001:db8::1, fd00::/8 } accept",
	  "1: ip6 accept ext0\n"
	  "2: ip6 accept ext1\n"
	  "ext0: flow2&ffffffffffffffff = 2306139568115548160 flow6&ffffffffffffffff = 1\n"
	  "ext1: flow2&ffffffffffffffff = 18230571291595767808-18302628885633695743\n"
	  "rounds 1\n" },
	{ "ct original ip6 saddr != 2001:db8::1 drop",
	  "1: ip6 accept ext0\n"
	  "2: ip6 drop ext1\n"
	  "ext0: flow2&ffffffffffffffff = 2306139568115548160 flow6&ffffffffffffffff = 1 "
	  "uncounted resume 3\n"
	  "ext1: flow2&ffffffffffffffff\n"
	  "rounds 2\n" },
	{ "ct state new meta nfproto ipv4 jump web\n"
	  "web: notrack\n"
	  "web: drop",
	  "1: ip4 ct 1 accept ext0\n"
	  "2: ip4 accept ext1\n"
	  "3: ip4 accept ext2\n"
	  "4: ip4 drop\n"
	  "ext0: uncounted resume 3\n"
	  "ext1: uncounted resume 5\n"
	  "ext2:; notrack 0 0 next\n"
	  "rounds 4\n" },
	{ "ct state . tcp dport { new . 22 } meta nfproto ipv4 jump web\n"
	  "web: notrack\n"
	  "web: drop",
	  "1: ip4 proto 6 l4 dport 22 ct 1 accept ext0\n"
	  "2: ip4 proto 6 l4 accept ext1\n"
	  "3: ip4 proto 6 l4 accept ext2\n"
	  "4: ip4 proto 6 l4 drop\n"
	  "ext0: uncounted resume 3\n"
	  "ext1: uncounted resume 5\n"
	  "ext2:; notrack 0 0 next\n"
	  "rounds 4\n" },
	{ "ct mark 1 meta nfproto ipv4 jump web\n"
	  "web: ct mark set 2 drop",
	  "1: ip4 accept ext0\n"
	  "2: ip4 accept ext1\n"
	  "3: ip4 drop ext2\n"
	  "ext0: ct-mark&ffffffff = 1 uncounted resume 3\n"
	  "ext1: uncounted resume 4\n"
	  "ext2:; mark 0 to ct 2/0\n"
	  "rounds 3\n" },
	{ "meta nfproto ipv4 ct mark set mark meta mark set ct mark and 0xff "
	  "ct mark set ct mark xor 1 ct timeout set short drop",
	  "1: ip4 drop ext0\n"
	  "ext0:; mark 0 to ct 0/ffffffff; mark 0 from ct 0/ff; mark 0 from ct to ct "
	  "1/ffffffff; policy 2 0\n"
	  "rounds 1\n" },
	{ "meta nfproto ipv4 ct status snat|dnat accept",
	  "1: ip4 accept ext0\n"
	  "ext0: flow16&30 = 1-48\n"
	  "rounds 1\n" },
	{ "meta nfproto ipv4 ct status & (snat|assured) == snat ct status ! dnat accept",
	  "1: ip4 accept ext0\n"
	  "ext0: flow16&14 = 16 flow16&20 = 0\n"
	  "rounds 1\n" },
	{ "meta nfproto ipv4 ct zone 1 jump web\n"
	  "web: ct zone set 2 drop",
	  "1: ip4 accept ext0\n"
	  "2: ip4 accept ext1\n"
	  "3: ip4 drop ext2\n"
	  "ext0: zone&ffff = 1 uncounted resume 3\n"
	  "ext1: uncounted resume 4\n"
	  "ext2:; zone 0 2\n"
	  "rounds 3\n" },
	{ "ct timeout set shrt drop",
	  "/rules/0 no_such_policy: no timeout policy 'shrt'\n" },
	{ "tcp dport 80 dnat to 10.0.0.80:8080 masquerade snat to 192.0.2.9",
	  "1: ip4 proto 6 l4 dport 80 accept ext0\n"
	  "ext0:; dnat 0 50/0; snat 0 1/0; snat 0 9/0 next\n"
	  "rounds 2\n" },
	{ "icmp type echo-request drop",
	  "1: ip4 proto 1 l4 sport 8 drop\n"
	  "rounds 1\n" },
	{ "icmpv6 type 133-136 drop",
	  "1: ip6 proto 58 l4 sport 133-136 drop\n"
	  "rounds 1\n" },
	{ "icmp code 1-5 drop",
	  "1: ip4 proto 1 l4 dport 1-5 drop\n"
	  "rounds 1\n" },
	{ "ip length 1000-65535 drop",
	  "1: ip4 drop ext0\n"
	  "ext0: length&ffff = 1000-65535\n"
	  "rounds 1\n" },
	{ "ip length { 20, 40-60, 1500 } drop",
	  "1: ip4 drop ext0\n"
	  "ext0: length&ffff = 20-1500 not length&ffff = 21-39 not length&ffff = 61-1499\n"
	  "rounds 1\n" },
	{ "ip length != 40-60 drop",
	  "1: ip4 drop ext0\n"
	  "ext0: not length&ffff = 40-60\n"
	  "rounds 1\n" },
	{ "ip ttl { 1, 3, 5, 7, 9, 11, 13 } drop",
	  "1: ip4 drop ext0\n"
	  "2: ip4 drop ext1\n"
	  "ext0: ttl&ff = 1-11 not ttl&ff = 2 not ttl&ff = 4 not ttl&ff = 6 not ttl&ff "
	  "= 8 not ttl&ff = 10\n"
	  "ext1: ttl&ff = 13\n"
	  "rounds 1\n" },
	{ "ether type ip drop",
	  "1: ip4 drop\n"
	  "rounds 1\n" },
	{ "ether type arp drop",
	  "1: other drop ext0\n"
	  "ext0: ether-type&ffff = 2054\n"
	  "rounds 1\n" },
	{ "ether type { arp, ip6 } drop",
	  "1: ip6 drop\n"
	  "2: other drop ext0\n"
	  "ext0: ether-type&ffff = 2054\n"
	  "rounds 1\n" },
	{ "ether type != ip drop",
	  "1: other drop\n"
	  "1: ip6 drop\n"
	  "rounds 1\n" },
	{ "ether saddr 02:00:00:00:00:01 drop",
	  "1: any4 drop ext0\n"
	  "1: ip6 drop ext0\n"
	  "ext0: ether-saddr&ffffffffffff = 2199023255553\n"
	  "rounds 1\n" },
	{ "vlan id 0-4095 drop",
	  "1: any4 drop ext0\n"
	  "1: ip6 drop ext0\n"
	  "ext0: vlan&fff = 0-4095\n"
	  "rounds 1\n" },
	{ "iifname { \"eth*\", \"lan0\" } drop",
	  "1: any4 drop ext0\n"
	  "1: ip6 drop ext0\n"
	  "ext0: iif&ffffffff = 3-4\n"
	  "rounds 1\n" },
	{ "iifname != \"wan0\" drop",
	  "1: any4 drop ext0\n"
	  "1: ip6 drop ext0\n"
	  "ext0: not iif&ffffffff = 9\n"
	  "rounds 1\n" },
	{ "iifname \"lan0\" drop\n"
	  "accept",
	  "2: any4 accept\n"
	  "2: ip6 accept\n"
	  "rounds 1\n" },
	{ "meta mark & 0xff == 7 drop",
	  "1: any4 drop ext0\n"
	  "1: ip6 drop ext0\n"
	  "ext0: mark&ff = 7\n"
	  "rounds 1\n" },
	{ "meta mark & 0xff != 7 drop",
	  "1: any4 drop ext0\n"
	  "1: ip6 drop ext0\n"
	  "ext0: not mark&ff = 7\n"
	  "rounds 1\n" },
	{ "@nh,8,16 0x1234 drop",
	  "1: any4 drop ext0\n"
	  "1: ip6 drop ext0\n"
	  "ext0: @1,1,2&ffff = 4660\n"
	  "rounds 1\n" },
	{ "exthdr frag exists drop",
	  "1: ip6 drop ext0\n"
	  "ext0: exthdr&8 = 8\n"
	  "rounds 1\n" },
	{ "ip saddr @few drop",
	  "1: ip4 saddr 10.0.0.0 drop\n"
	  "1: ip4 saddr 10.0.0.2 drop\n"
	  "rounds 1\n" },
	{ "ip saddr @large drop",
	  "1: ip4 drop ext0\n"
	  "ext0: set4(1)\n"
	  "rounds 1\n" },
	{ "ip saddr != @large drop",
	  "1: ip4 drop ext0\n"
	  "ext0: not set4(1)\n"
	  "rounds 1\n" },
	{ "ip saddr @seen drop",
	  "1: ip4 drop ext0\n"
	  "ext0: dset9(1)\n"
	  "rounds 1\n" },
	{ "ip saddr . tcp dport @pairs drop",
	  "1: ip4 proto 6 l4 drop ext0\n"
	  "ext0: set4(1.7)\n"
	  "rounds 1\n" },
	{ "ip saddr . tcp dport { 10.0.0.1 . 80, 10.0.0.2 . 443 } drop",
	  "1: ip4 saddr 10.0.0.1 proto 6 l4 dport 80 drop\n"
	  "1: ip4 saddr 10.0.0.2 proto 6 l4 dport 443 drop\n"
	  "rounds 1\n" },
	{ "ip saddr @few ip saddr . tcp dport != @rangy drop",
	  "1: ip4 saddr 10.0.0.0 proto 6 l4 dport 80-81 accept ext0\n"
	  "1: ip4 saddr 10.0.0.2 proto 6 l4 dport 80-81 accept ext0\n"
	  "2: ip4 saddr 10.0.0.0 proto 6 l4 drop\n"
	  "2: ip4 saddr 10.0.0.2 proto 6 l4 drop\n"
	  "ext0: uncounted resume 3\n"
	  "rounds 2\n" },
	{ "tcp dport 22 counter name one",
	  "1: ip4 proto 6 l4 dport 22 accept ext0\n"
	  "1: ip6 proto 6 l4 dport 22 accept ext0\n"
	  "ext0:; count 77 0 next\n"
	  "rounds 2\n" },
	{ "tcp dport 22 limit rate 10/second burst 20 packets drop",
	  "1: ip4 proto 6 l4 dport 22 drop ext0\n"
	  "1: ip6 proto 6 l4 dport 22 drop ext0\n"
	  "ext0:; limit 0 6553600000000 20 packets per 0/32/64\n"
	  "rounds 2\n" },
	{ "limit rate over 1 mbytes/second per saddr/24,/56 drop",
	  "1: any4 drop ext0\n"
	  "1: ip6 drop ext0\n"
	  "ext0:; not limit 0 62500000 0 bytes per 1/24/56\n"
	  "rounds 2\n" },
	{ "quota over 10 mbytes drop",
	  "1: any4 drop ext0\n"
	  "1: ip6 drop ext0\n"
	  "ext0:; not quota 0 10485760\n"
	  "rounds 2\n" },
	{ "tcp dport 22 ct count over 10 per saddr/24,/56 drop",
	  "1: ip4 proto 6 l4 dport 22 drop ext0\n"
	  "1: ip6 proto 6 l4 dport 22 drop ext0\n"
	  "ext0:; not ct count 300 10 per 1/24/56\n"
	  "rounds 2\n" },
	{ "mark set 1 ct count 3 accept",
	  "1: any4 accept ext0\n"
	  "1: ip6 accept ext0\n"
	  "ext0:; mark 0 1/0; ct count 301 3 per 0/0/0\n"
	  "rounds 2\n" },
	{ "ct count over 5 jump web\n"
	  "drop\n"
	  "web: accept",
	  "1: any4 accept ext0\n"
	  "1: ip6 accept ext0\n"
	  "2: any4 accept\n"
	  "2: ip6 accept\n"
	  "4: any4 drop\n"
	  "4: ip6 drop\n"
	  "ext0:; not ct count 300 5 per 0/0/0 inverted uncounted resume 3\n"
	  "rounds 2\n" },
	{ "log prefix \"x\" every 100 drop",
	  "1: any4 drop ext0\n"
	  "1: ip6 drop ext0\n"
	  "ext0:; log 0 100\n"
	  "rounds 1\n" },
	{ "meta mark set 0x10 accept",
	  "1: any4 accept ext0\n"
	  "1: ip6 accept ext0\n"
	  "ext0:; mark 0 10/0\n"
	  "rounds 1\n" },
	{ "add @seen { ip saddr timeout 10m } drop",
	  "1: ip4 drop ext0\n"
	  "ext0:; add 9 (1) 600000000000\n"
	  "rounds 1\n" },
	{ "update @seen { ip saddr } drop",
	  "1: ip4 drop ext0\n"
	  "ext0:; not add 9 (1) 0\n"
	  "rounds 1\n" },
	{ "tcp dport 22 reject with tcp reset",
	  "1: ip4 proto 6 l4 dport 22 reject ext0\n"
	  "1: ip6 proto 6 l4 dport 22 reject ext0\n"
	  "ext0:; reject 0 1/0\n"
	  "rounds 1\n" },
	{ "ip saddr 10.0.0.0/8 jump web\n"
	  "drop\n"
	  "web: tcp dport 80 accept\n"
	  "web: return",
	  "1: ip4 saddr 10.0.0.0/8 proto 6 l4 dport 80 accept\n"
	  "2: ip4 saddr 10.0.0.0/8 accept ext0\n"
	  "4: any4 drop\n"
	  "4: ip6 drop\n"
	  "ext0: resume 3\n"
	  "rounds 2\n" },
	{ "ip saddr 10.0.0.0/8 limit rate 1/second log jump web\n"
	  "web: tcp dport 80 accept",
	  "1: ip4 saddr 10.0.0.0/8 accept ext0\n"
	  "2: ip4 saddr 10.0.0.0/8 accept ext1\n"
	  "3: ip4 saddr 10.0.0.0/8 proto 6 l4 dport 80 accept\n"
	  "ext0:; not limit 0 65536000000000 5 packets per 0/32/64 uncounted resume 4\n"
	  "ext1:; log 1 1 next\n"
	  "rounds 3\n" },
	{ "meta mark 1 meta mark set 2 jump web\n"
	  "web: tcp dport 80 accept",
	  "1: any4 accept ext0\n"
	  "1: ip6 accept ext0\n"
	  "2: any4 accept ext1\n"
	  "2: ip6 accept ext1\n"
	  "3: any4 accept ext2\n"
	  "3: ip6 accept ext2\n"
	  "4: ip4 proto 6 l4 dport 80 accept\n"
	  "4: ip6 proto 6 l4 dport 80 accept\n"
	  "ext0: mark&ffffffff = 1 uncounted resume 3\n"
	  "ext1: uncounted resume 5\n"
	  "ext2:; mark 0 2/0 next\n"
	  "rounds 4\n" },
	{ "ip saddr != @seen jump web\n"
	  "web: add @seen { ip saddr }\n"
	  "web: tcp dport 80 accept",
	  "1: ip4 accept ext0\n"
	  "2: ip4 accept ext1\n"
	  "3: ip4 accept ext2\n"
	  "4: ip4 proto 6 l4 dport 80 accept\n"
	  "ext0: not dset9(1) uncounted resume 3\n"
	  "ext1: uncounted resume 5\n"
	  "ext2:; add 9 (1) 0 next\n"
	  "rounds 4\n" },
	{ "meta mark vmap { 1 : jump web, 2 : drop }\n"
	  "web: meta mark set 2",
	  "1: any4 drop ext0\n"
	  "1: ip6 drop ext0\n"
	  "2: any4 accept ext1\n"
	  "2: ip6 accept ext1\n"
	  "3: any4 accept ext2\n"
	  "3: ip6 accept ext2\n"
	  "4: any4 accept ext3\n"
	  "4: ip6 accept ext3\n"
	  "5: any4 accept ext4\n"
	  "5: ip6 accept ext4\n"
	  "ext0: mark&ffffffff = 2\n"
	  "ext1: mark&ffffffff = 1 uncounted resume 4\n"
	  "ext2: uncounted resume 6\n"
	  "ext3:; mark 0 2/0 next\n"
	  "ext4: uncounted resume 7\n"
	  "rounds 5\n" },
	{ "tcp dport vmap { 22 : drop, 80-81 : accept, 443 : goto odd }",
	  "1: ip4 proto 6 l4 dport 22 drop\n"
	  "1: ip6 proto 6 l4 dport 22 drop\n"
	  "1: ip4 proto 6 l4 dport 80-81 accept\n"
	  "1: ip6 proto 6 l4 dport 80-81 accept\n"
	  "1: ip4 proto 6 l4 dport 443 odd\n"
	  "1: ip6 proto 6 l4 dport 443 odd\n"
	  "rounds 1\n" },
	{ "tcp dport vmap { 22 : jump web, 23 : goto odd, 25 : return }\n"
	  "accept\n"
	  "web: ip saddr 10.0.0.1 accept\n"
	  "web: return",
	  "1: ip4 proto 6 l4 dport 23 odd\n"
	  "1: ip6 proto 6 l4 dport 23 odd\n"
	  "1: ip4 proto 6 l4 dport 25 accept ext0\n"
	  "1: ip6 proto 6 l4 dport 25 accept ext0\n"
	  "2: ip4 saddr 10.0.0.1 proto 6 l4 dport 22 accept\n"
	  "3: ip4 proto 6 l4 dport 22 accept ext1\n"
	  "3: ip6 proto 6 l4 dport 22 accept ext1\n"
	  "5: any4 accept\n"
	  "5: ip6 accept\n"
	  "ext0: resume at the end\n"
	  "ext1: resume 4\n"
	  "rounds 3\n" },
	{ "counter name one tcp dport vmap { 22 : drop }",
	  "1: ip4 proto 6 l4 accept ext0\n"
	  "1: ip6 proto 6 l4 accept ext0\n"
	  "2: ip4 proto 6 l4 dport 22 drop\n"
	  "2: ip6 proto 6 l4 dport 22 drop\n"
	  "ext0:; count 77 0 uncounted next\n"
	  "rounds 2\n" },
	{ "iifname . tcp dport { \"eth0\" . 22, \"wan0\" . 80 } drop",
	  "1: ip4 proto 6 l4 dport 22 drop ext0\n"
	  "1: ip6 proto 6 l4 dport 22 drop ext0\n"
	  "2: ip4 proto 6 l4 dport 80 drop ext1\n"
	  "2: ip6 proto 6 l4 dport 80 drop ext1\n"
	  "ext0: iif&ffffffff = 3\n"
	  "ext1: iif&ffffffff = 9\n"
	  "rounds 1\n" },
	{ "iifname vmap { \"eth0\" : accept, \"wan0\" : drop }",
	  "1: any4 accept ext0\n"
	  "1: ip6 accept ext0\n"
	  "2: any4 drop ext1\n"
	  "2: ip6 drop ext1\n"
	  "ext0: iif&ffffffff = 3\n"
	  "ext1: iif&ffffffff = 9\n"
	  "rounds 1\n" },
	{ "tcp dport vmap @ports",
	  "1: ip4 proto 6 l4 dport 22-23 drop\n"
	  "1: ip6 proto 6 l4 dport 22-23 drop\n"
	  "1: ip4 proto 6 l4 dport 80 accept\n"
	  "1: ip6 proto 6 l4 dport 80 accept\n"
	  "rounds 1\n" },
	{ "exthdr frag missing drop",
	  "1: ip6 drop ext0\n"
	  "ext0: exthdr&8 = 0\n"
	  "rounds 1\n" },
	{ "ip length 1-100 ip length != 50 ip dscp 0 jump web\n"
	  "web: ip length 20-70 drop",
	  "1: ip4 drop ext0\n"
	  "ext0: length&ffff = 20-70 not length&ffff = 50 dscp&3f = 0\n"
	  "rounds 1\n" },
	{ "return\n"
	  "drop",
	  "1: any4 accept ext0\n"
	  "1: ip6 accept ext0\n"
	  "2: any4 drop\n"
	  "2: ip6 drop\n"
	  "ext0: resume at the end\n"
	  "rounds 2\n" },
	{ "ip length 1 ip dscp 1 ip ttl 1 meta mark 1 vlan id 1 vlan pcp 1 ether saddr "
	  "02:00:00:00:00:01 drop",
	  "/rules/0 too_many_conditions: more than 6 conditions besides addresses, "
	  "ports, protocol and flags\n" },
	{ "ip length 1 ip dscp 1 ip ttl 1 meta mark 1 jump web\n"
	  "web: vlan id 1 vlan pcp 1 ether saddr 02:00:00:00:00:01 drop",
	  "/web/0 too_many_conditions: more than 6 conditions besides addresses, "
	  "ports, protocol and flags, with those of the rule that jumps here\n"
	  "hint: the rule that jumps here is /rules/0\n" },
	{ "ip ttl { 1, 3, 5, 7, 9, 11, 13 } ip length { 1, 3 } drop",
	  "1: ip4 drop ext0\n"
	  "2: ip4 drop ext1\n"
	  "ext0: length&ffff = 1-3 not length&ffff = 2 ttl&ff = 1-7 not ttl&ff = 2 not "
	  "ttl&ff = 4 not ttl&ff = 6\n"
	  "ext1: length&ffff = 1-3 not length&ffff = 2 ttl&ff = 9-13 not ttl&ff = 10 "
	  "not ttl&ff = 12\n"
	  "rounds 1\n" },
	{ "ip ttl { 1, 3, 5, 7, 9, 11, 13, 15, 17, 19 } ip length { 1, 3, 5, 7, 9, 11, "
	  "13, 15, 17, 19, 21, 23, 25 } drop",
	  "/rules/0 too_many_alternatives: its conditions are more than 16 alternatives\n"
	  "hint: name the values as a set, or split the rule\n" },
	{ "ip6 saddr ::1-ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe ip6 daddr "
	  "::1-ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe tcp dport { 1, 3 } drop",
	  "/rules/0 too_many_rows: expands to 129032 rows, 65536 at most\n"
	  "hint: the product of its prefixes, ranges, protocols; a large set is looked "
	  "up instead\n" },
	{ "goto even",
	  "/rules/0 no_such_edge: the node has no edge 'even'\n" },
	{ "counter name one log log log log log reject",
	  "/rules/0 too_many_statements: 7 statements, 6 at most ('reject' is one)\n" },
	{ "add @few { ip saddr } drop",
	  "/rules/0 not_dynamic: packets cannot add to set 'few': its elements are the "
	  "configuration's\n" },
	{ "ip length @seen drop",
	  "/rules/0 no_lookup: elements of set 'seen' come and go, and it cannot be looked up by "
	  "these fields\n" },
	{ "jump web\n"
	  "web: jump web",
	  "/web/0 chain_depth: more than 8 chains within each other\n" },
	{ "jump lan",
	  "/rules/0 no_such_chain: no chain 'lan'\n" },
};

#endif
