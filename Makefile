# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Copyright (c) The shunt authors
# The only Makefile. `make help` lists what it can do.

CC	?= gcc
CLANG	?= clang
PREFIX	?= /usr
DESTDIR	?=
V	?= 0
CASE	?= *

# Debian packages: to build, and to run demo, tests and benchmarks. The one list.
BUILD_PACKAGES	= clang gcc make pkg-config libbpf-dev libxdp-dev libnl-3-dev libnl-route-3-dev \
		  libuv1-dev libyaml-dev libjansson-dev libcurl4-openssl-dev libelf-dev zlib1g-dev libc6-dev
TEST_PACKAGES	= libcmocka-dev iproute2 bpftool curl iperf3 netcat-openbsd nginx-light strace \
		  util-linux procps ethtool python3 git xz-utils qemu-system-x86 busybox-static \
		  cpio kmod xdp-tools nftables iptables libclang-rt-14-dev \
		  iputils-ping traceroute bind9-dnsutils dnsmasq-base haproxy wrk

O	 = build
VERSION := 0.1.0
LIBS	 = libbpf libxdp libnl-3.0 libnl-route-3.0 libuv yaml-0.1 jansson

WARN	 = -Wall -Wextra -Wno-unused-parameter -Wstrict-prototypes -Wmissing-prototypes -Wshadow -Werror
INCLUDE	 = -I$(O)/include -Iinclude -Icontrol $(shell pkg-config --cflags-only-I $(LIBS))
CFLAGS	?= -O2 -g
CFLAGS_	 = -std=gnu11 $(WARN) $(INCLUDE) -D_GNU_SOURCE -DSHUNT_VERSION='"$(VERSION)"' \
	   -DSHUNT_LIBDIR='"$(PREFIX)/lib/shunt"' $(CFLAGS)
LDLIBS_	 = $(shell pkg-config --libs $(LIBS)) -lelf -lz
SAN	 = -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer

BPF_CFLAGS = -target bpf -mcpu=v3 -O2 -g -std=gnu11 -Wall -Wextra -Wno-unused-parameter -Werror \
	   -Wno-missing-declarations -I$(O)/include -Iinclude \
	   -I/usr/include/$(shell uname -m)-linux-gnu

Q	 = $(if $(filter 0,$(V)),@)
say	 = $(if $(filter 0,$(V)),@printf '  %-8s %s\n' '$(1)' '$(2)')

# ---- what is built from what -------------------------------------------------------------------
lib_src	:= $(wildcard control/base/*.c control/model/*.c control/mirror/*.c control/compile/*.c \
	   control/kernel/*.c control/client/*.c)
daemon_src := $(wildcard control/daemon/*.c)
cli_src	:= $(wildcard control/cli/*.c)
health_src := $(wildcard control/health/*.c)
bpf_mod	:= $(patsubst dataplane/modules/%.bpf.c,%,$(wildcard dataplane/modules/*.bpf.c))
bpf_obj	:= $(foreach h,xdp tc,$(O)/bpf/gate.$(h).o $(O)/bpf/root.$(h).o \
	   $(patsubst %,$(O)/bpf/modules/%.$(h).o,$(bpf_mod)))
unit_src := $(wildcard tests/unit/*_test.c)
ktest_src := $(wildcard tests/packet/*_test.c tests/kernel/*_test.c)
bench_src := $(wildcard tests/bench/*.bench.c)
tool_src := $(wildcard tests/lib/tool_*.c)
tlib_src := $(filter-out $(tool_src),$(wildcard tests/lib/*.c))
tbpf_src := $(wildcard tests/lib/*.bpf.c tests/kernel/*.bpf.c tests/bench/*.bpf.c tests/net/*.bpf.c)
fuzz_src := $(wildcard tests/fuzz/*_fuzz.c)

tlib_src := $(filter-out %.bpf.c,$(tlib_src))
tbpf_obj := $(foreach h,xdp tc,$(patsubst %.bpf.c,$(O)/%.$(h).o,$(tbpf_src)))
obj	 = $(patsubst %.c,$(O)/$(2)%.o,$(1))

programs := $(O)/shuntd $(O)/shunt $(O)/shunt-health
units	:= $(patsubst %.c,$(O)/%,$(unit_src))
ktests	:= $(patsubst %.c,$(O)/%,$(ktest_src))
benches	:= $(patsubst %.bench.c,$(O)/%.bench,$(bench_src))
tools	:= $(patsubst tests/lib/tool_%.c,$(O)/tests/%,$(tool_src))

.PHONY: all
all: $(programs) $(bpf_obj)

.PHONY: help
help: ## this list
	@echo 'make TARGET [CASE=glob] [V=1]'
	@sed -n 's/^\([a-z-]*\):.*## /  \1\t/p' $(firstword $(MAKEFILE_LIST)) | expand -t 14

$(O)/include/shunt/lib:
	$(Q)mkdir -p $(@D) && ln -sfn $(CURDIR)/dataplane/lib $@

# The sanitized twin of each object lies in build/san/
define c_rule
$(O)/$(1)%.o: %.c | $(O)/include/shunt/lib
	$$(call say,CC,$$@)
	$$(Q)mkdir -p $$(@D) && $$(CC) $$(CFLAGS_) $(2) -MMD -MP -c -o $$@ $$<
endef
$(eval $(call c_rule,,))
$(eval $(call c_rule,san/,$(SAN) -O1))

$(O)/shuntd: $(call obj,$(daemon_src) $(lib_src),)
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) -o $@ $^ $(LDLIBS_)

$(O)/shunt: $(call obj,$(cli_src) $(filter control/base/% control/model/% control/client/%,$(lib_src)),)
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) -o $@ $^ $(shell pkg-config --libs yaml-0.1 jansson)

$(O)/shunt-health: $(call obj,$(health_src) $(filter control/base/%,$(lib_src)),)
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) -o $@ $^ $(shell pkg-config --libs libuv jansson libcurl)

$(O)/bpf/%.xdp.o: dataplane/%.bpf.c | $(O)/include/shunt/lib
	$(call say,BPF,$@)
	$(Q)mkdir -p $(@D) && $(CLANG) $(BPF_CFLAGS) -DSHUNT_XDP -MMD -MP -c -o $@ $<

$(O)/bpf/%.tc.o: dataplane/%.bpf.c | $(O)/include/shunt/lib
	$(call say,BPF,$@)
	$(Q)mkdir -p $(@D) && $(CLANG) $(BPF_CFLAGS) -MMD -MP -c -o $@ $<

$(O)/tests/%.xdp.o: tests/%.bpf.c | $(O)/include/shunt/lib
	$(call say,BPF,$@)
	$(Q)mkdir -p $(@D) && $(CLANG) $(BPF_CFLAGS) -DSHUNT_XDP -MMD -MP -c -o $@ $<

$(O)/tests/%.tc.o: tests/%.bpf.c | $(O)/include/shunt/lib
	$(call say,BPF,$@)
	$(Q)mkdir -p $(@D) && $(CLANG) $(BPF_CFLAGS) -MMD -MP -c -o $@ $<

# ---- tests ------------------------------------------------------------------------------------
# Unit tests run sanitized; packet and kernel tests load programs and run plain.
$(units): $(O)/tests/unit/%: $(call obj,$(lib_src) $(tlib_src),san/) $(O)/san/tests/unit/%.o
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(SAN) -o $@ $^ $(LDLIBS_) $(LIBS_HERE) -lcmocka

$(filter $(O)/tests/unit/cli_%,$(units)): $(call obj,$(filter-out control/cli/main.c,$(cli_src)),san/)
$(filter $(O)/tests/unit/health_%,$(units)): $(call obj,$(filter-out control/health/main.c,$(health_src)),san/)
$(filter $(O)/tests/unit/health_%,$(units)): LIBS_HERE = $(shell pkg-config --libs libcurl)
$(filter $(O)/tests/unit/probe_%,$(units)): $(call obj,control/daemon/probe.c,san/)
$(filter $(O)/tests/unit/lb_run_%,$(units)): $(call obj,control/daemon/lb_run.c,san/)

$(ktests): $(O)/tests/%: $(call obj,$(lib_src) $(tlib_src),) $(O)/tests/%.o
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D) && $(CC) -o $@ $^ $(LDLIBS_) -lcmocka

$(benches): $(O)/tests/bench/%.bench: $(call obj,$(lib_src) $(tlib_src),) $(O)/tests/bench/%.bench.o
	$(call say,LD,$@)
	$(Q)$(CC) -o $@ $^ $(LDLIBS_)

$(O)/tests/bench/filter_live: $(call obj,$(lib_src) $(tlib_src) tests/bench/filter_live.c \
		tests/bench/filter_live_rules.c,)
	$(call say,LD,$@)
	$(Q)$(CC) -o $@ $^ $(LDLIBS_)

$(tools): $(O)/tests/%: $(O)/tests/lib/tool_%.o $(call obj,$(lib_src) $(tlib_src),)
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D) && $(CC) -o $@ $^ $(LDLIBS_)

classbench_src := tests/bench/classbench.c tests/bench/classbench_prog.c
$(O)/tests/bench/classbench: $(call obj,$(classbench_src) $(lib_src) $(tlib_src),)
	$(call say,LD,$@)
	$(Q)$(CC) -o $@ $^ $(LDLIBS_)

fuzzers	:= $(patsubst %.c,$(O)/%,$(fuzz_src))
$(fuzzers): $(O)/tests/fuzz/%: tests/fuzz/%.c | $(O)/include/shunt/lib
	$(call say,FUZZ,$@)
	$(Q)mkdir -p $(@D) && $(CLANG) -g -O1 -std=gnu11 -D_GNU_SOURCE $(INCLUDE) \
		-fsanitize=fuzzer,address,undefined -o $@ $< $(wildcard control/base/*.c control/model/*.c) \
		$$(pkg-config --libs yaml-0.1 jansson)

.PHONY: tests
tests: all $(units) $(ktests) $(tools) $(tbpf_obj) $(O)/tests/bench/classbench

.PHONY: packages
packages: ## install the Debian packages that are missing (root)
	$(Q)tests/lib/packages $(BUILD_PACKAGES) $(TEST_PACKAGES)

# A fresh machine has nothing to build with: packages first, then make anew, with what they brought
again	 = +$(Q)$(MAKE) --no-print-directory -j$$(nproc) O='$(O)'
shell_tests = $(wildcard tests/net/*_test.sh tests/packet/*_test.sh tests/kernel/*_test.sh)
vm_tests = $(wildcard tests/vm/*_test.sh)

.PHONY: test
test: packages ## all tests; CASE=kind/name picks some (root)
	$(again) tests
	$(Q)BUILD='$(abspath $(O))' CASE='$(CASE)' tests/lib/run -j2 tests/unit/layers_test.sh $(units) \
		$(ktests) $(shell_tests) $(vm_tests)

.PHONY: check
check: ## tests that need no root, under ASan and UBSan
	$(again) all $(units) $(tbpf_obj)
	$(Q)BUILD='$(abspath $(O))' CASE='$(CASE)' tests/lib/run -j2 tests/unit/layers_test.sh $(units)

.PHONY: test-long
test-long: packages ## swaps, crashes and fuzzers for hours instead of minutes (root)
	$(again) tests $(fuzzers)
	$(Q)BUILD='$(abspath $(O))' tests/lib/long

.PHONY: test-balancers
test-balancers: packages ## the demo of topologies/edge-lb for 20 rounds, with more of everything (root)
	$(again) all
	$(Q)BUILD='$(abspath $(O))' ROUNDS=20 RATE=400 DOWNLOADS=48 FLOOD=10000 topologies/edge-lb/demo

TOPOLOGY ?= edge-filter

.PHONY: demo
demo: packages ## a file becomes a graph, traffic, changes under load; TOPOLOGY=nat-gateway, edge-lb, nat-lb (root)
	$(again) all
	$(Q)BUILD='$(abspath $(O))' 'topologies/$(TOPOLOGY)/demo'

.PHONY: bench
bench: packages ## cost per packet, one JSON line a case; CASE=glob (root)
	$(again) all $(benches) $(tbpf_obj) $(tools)
	$(Q)BUILD='$(abspath $(O))' CASE='$(CASE)' tests/bench/run $(benches)

.PHONY: bench-filter
bench-filter: packages ## filtering live over veth, beside xdp-filter, nftables and iptables (root)
	$(again) all $(O)/tests/bench/filter_live $(tbpf_obj)
	$(Q)CASE='$(CASE)' $(O)/tests/bench/filter_live

.PHONY: bench-nat
bench-nat: packages ## masquerading live, beside nftables and plain forwarding (root)
	$(again) all $(tools)
	$(Q)BUILD='$(abspath $(O))' tests/bench/nat_live

.PHONY: bench-lb
bench-lb: packages ## balancers live: connections, beside haproxy, nftables and plain routing (root)
	$(again) all $(tools)
	$(Q)BUILD='$(abspath $(O))' tests/bench/lb_live

.PHONY: bench-lb-control
bench-lb-control: packages ## balancers' control plane: updates, memory, verdicts of 4000 checks (root)
	$(again) all $(tools)
	$(Q)BUILD='$(abspath $(O))' tests/bench/lb_control

# ---- install ----------------------------------------------------------------------------------
$(O)/libshunt-client.a: $(call obj,control/client/client.c,)
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

.PHONY: install
install: all $(O)/libshunt-client.a ## into DESTDIR, under PREFIX (/usr)
	install -D -t $(DESTDIR)$(PREFIX)/sbin $(O)/shuntd
	install -D -t $(DESTDIR)$(PREFIX)/bin $(O)/shunt $(O)/shunt-health
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/lib/shunt/bpf $(wildcard $(O)/bpf/*.o)
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/lib/shunt/bpf/modules $(wildcard $(O)/bpf/modules/*.o)
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/lib $(O)/libshunt-client.a
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/include/shunt $(wildcard include/shunt/*.h)
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/include/shunt/lib $(wildcard dataplane/lib/*.h)
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/lib/systemd/system control/daemon/shuntd.service \
		control/health/shunt-health.service
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/man/man8 docs/shuntd.8 docs/shunt-health.8
	install -d $(DESTDIR)$(PREFIX)/share/man/man1 \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions
	$(O)/shunt help --man > $(DESTDIR)$(PREFIX)/share/man/man1/shunt.1
	install -m 644 control/cli/completion.bash \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions/shunt

.PHONY: clean
clean: ## remove what was built
	rm -rf $(O)

-include $(shell find $(O) -name '*.d' 2>/dev/null)
