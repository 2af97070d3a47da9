// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * netlink_test.c - the mirror of links against the kernel, in a namespace of the test's own
 *
 * Whatever happens, the table must equal that of a fresh one once all events are in.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>

#include <kernel/ethtool.h>
#include <kernel/netlink.h>

#include "../lib/unit.h"

static int sh(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static int sh(const char *fmt, ...)
{
	char command[512];
	va_list args;
	int r;

	va_start(args, fmt);
	vsnprintf(command, sizeof(command), fmt, args);
	va_end(args);
	r = system(command);
	return WIFEXITED(r) ? WEXITSTATUS(r) : -1;
}

static struct netlink *open_new(void)
{
	struct netlink *netlink;
	struct err err = {};

	if (netlink_new(&netlink, &err) < 0)
		fail_msg("%s", err.text);
	return netlink;
}

/* Wait for what netlink_process() has still to do. Return: false: nothing */
static bool settle(struct netlink *netlink)
{
	int wait_ms = netlink_wait_ms(netlink);

	if (wait_ms > 0)
		poll(NULL, 0, wait_ms);
	return wait_ms >= 0;
}

/* All that has been sent so far: a command that has returned has sent its events */
static bool take(struct netlink *netlink)
{
	struct pollfd poll_fd = { .fd = netlink_fd(netlink), .events = POLLIN };
	bool any = false, changed;
	struct err err = {};

	do {
		if (netlink_process(netlink, &changed, &err) < 0)
			fail_msg("%s", err.text);
		any |= changed;
	} while (poll(&poll_fd, 1, 0) > 0 || settle(netlink));
	return any;
}

static void must_equal_fresh(struct netlink *netlink)
{
	struct netlink *fresh = open_new();
	const struct link_table *a = netlink_links(netlink), *b = netlink_links(fresh);

	assert_int_equal(a->n, b->n);
	for (unsigned int i = 0; i < a->n; i++)
		if (memcmp(&a->link[i], &b->link[i], sizeof(a->link[i])))
			fail_msg("'%s' differs from '%s' of a fresh dump", a->link[i].name,
				 b->link[i].name);
	assert_true(addr_table_equal(netlink_addrs(netlink), netlink_addrs(fresh)));
	netlink_free(fresh);
}

static const struct link *must_find(struct netlink *netlink, const char *name)
{
	const struct link *link = link_find_name(netlink_links(netlink), name);

	if (!link)
		fail_msg("no link '%s'", name);
	assert_ptr_equal(link, link_find(netlink_links(netlink), link->ifindex));
	return link;
}

/* The address of an interface, as text */
static const struct addr *find_addr(struct netlink *netlink, const char *name, const char *text)
{
	const struct addr_table *addrs = netlink_addrs(netlink);
	uint32_t ifindex = must_find(netlink, name)->ifindex;
	struct shunt_addr wanted = {};

	if (inet_pton(AF_INET, text, &wanted.v4) == 1)
		wanted.v4_prefix[2] = htonl(0xffff);
	else
		assert_int_equal(inet_pton(AF_INET6, text, &wanted), 1);
	for (unsigned int i = 0; i < addrs->n; i++)
		if (addrs->addr[i].ifindex == ifindex &&
		    !memcmp(&addrs->addr[i].addr, &wanted, sizeof(wanted)))
			return &addrs->addr[i];
	return NULL;
}

static int setup(void **state)
{
	if (unshare(CLONE_NEWNET) < 0)
		return -1;
	*state = open_new();
	return 0;
}

static int teardown(void **state)
{
	netlink_free(*state);
	return 0;
}

static void test_addresses(void **state)
{
	struct netlink *netlink = *state;
	const struct addr *addr;

	sh("ip link add aa type veth peer name ab; ip addr add 10.0.0.1/24 dev aa; "
	   "ip addr add 10.0.0.9 peer 10.0.0.10/32 dev aa; ip addr add fd00::1/64 dev ab nodad");
	assert_true(take(netlink));
	addr = find_addr(netlink, "aa", "10.0.0.1");
	assert_non_null(addr);
	assert_int_equal(addr->family, AF_INET);
	assert_int_equal(addr->prefix_len, 24);
	assert_non_null(find_addr(netlink, "aa", "10.0.0.9"));	/* its own, not the peer's */
	assert_null(find_addr(netlink, "aa", "10.0.0.10"));
	addr = find_addr(netlink, "ab", "fd00::1");
	assert_non_null(addr);
	assert_int_equal(addr->family, AF_INET6);
	assert_int_equal(addr->prefix_len, 64);
	must_equal_fresh(netlink);

	sh("ip addr del 10.0.0.1/24 dev aa");
	assert_true(take(netlink));
	assert_null(find_addr(netlink, "aa", "10.0.0.1"));
	must_equal_fresh(netlink);

	sh("ip link del aa");			/* with all that it had */
	assert_true(take(netlink));
	must_equal_fresh(netlink);
}

/* Whatever comes and goes, the order is that of the kernel's lists */
static void test_address_order(void **state)
{
	static const char *const steps[] = {
		"ip link add aa type veth peer name ab; ip link set aa up; "
		"echo 1 >/proc/sys/net/ipv4/conf/aa/promote_secondaries",
		"ip addr add 192.0.2.9/24 dev aa; ip addr add 10.0.0.5/24 dev aa; "
		"ip addr add 10.0.0.2/24 dev aa; ip addr add 192.0.2.1/24 dev aa",
		"ip addr add fd00::5/64 dev aa nodad; ip addr add fd00::2/64 dev aa nodad; "
		"ip addr add fd00::9/64 dev aa nodad",
		"ip addr del 192.0.2.9/24 dev aa",
		"ip addr add 192.0.2.9/24 dev aa; ip addr del fd00::2/64 dev aa",
		"ip addr add fd00::2/64 dev aa nodad; ip addr add 172.16.0.1/16 dev aa",
	};
	struct netlink *netlink = *state;
	unsigned int i;

	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		sh(steps[i]);
		assert_true(take(netlink));
		must_equal_fresh(netlink);
	}
	assert_true(find_addr(netlink, "aa", "10.0.0.5")->order <
		    find_addr(netlink, "aa", "192.0.2.1")->order);
	assert_true(find_addr(netlink, "aa", "fd00::2")->order <
		    find_addr(netlink, "aa", "fd00::9")->order);
}

static void test_fields(void **state)
{
	struct netlink *netlink = *state;
	const struct link *link, *peer;
	uint32_t ifindex;

	assert_int_equal(must_find(netlink, "lo")->ifindex, 1);
	sh("ip link add name va address 02:00:00:00:00:0a mtu 1400 numrxqueues 2 numtxqueues 3 "
	   "type veth peer name vb; ip link add br0 type bridge; ip link set vb master br0");
	assert_true(take(netlink));
	link = must_find(netlink, "va");
	peer = must_find(netlink, "vb");
	assert_string_equal(link->kind, "veth");
	assert_memory_equal(link->mac, "\2\0\0\0\0\12", 6);
	assert_int_equal(link->mtu, 1400);
	assert_int_equal(link->rx_queues, 2);
	assert_int_equal(link->tx_queues, 3);
	assert_int_equal(link->peer, peer->ifindex);
	assert_int_equal(peer->peer, link->ifindex);
	assert_int_equal(link->peer_netns, -1);
	assert_int_equal(peer->master, must_find(netlink, "br0")->ifindex);
	assert_string_equal(must_find(netlink, "br0")->kind, "bridge");
	assert_false(link->flags & IFF_UP);
	must_equal_fresh(netlink);

	/* a port that leaves a bridge is "deleted" in the bridge's family only */
	sh("ip link set vb nomaster; ip link set va up");
	assert_true(take(netlink));
	assert_int_equal(must_find(netlink, "vb")->master, 0);
	assert_true(must_find(netlink, "va")->flags & IFF_UP);
	must_equal_fresh(netlink);

	ifindex = must_find(netlink, "va")->ifindex;
	sh("ip link set va down; ip link set va name renamed");
	assert_true(take(netlink));
	assert_null(link_find_name(netlink_links(netlink), "va"));
	assert_int_equal(must_find(netlink, "renamed")->ifindex, ifindex);
	must_equal_fresh(netlink);

	sh("ip link del renamed");
	assert_true(take(netlink));
	assert_null(link_find(netlink_links(netlink), ifindex));
	assert_null(link_find_name(netlink_links(netlink), "vb"));
	must_equal_fresh(netlink);
}

static void test_unchanged(void **state)
{
	struct netlink *netlink = *state;
	struct netlink_stats stats;
	uint64_t events;
	bool changed = true;
	struct err err = {};

	sh("ip link add name va type veth peer name vb; ip link set va up; ip link set vb up");
	take(netlink);
	assert_int_equal(netlink_process(netlink, &changed, &err), 0);
	assert_false(changed);
	netlink_stats(netlink, &stats);
	events = stats.events;
	/* told of again, though nothing that the table has is different */
	sh("ip link set va alias somebody; ip link set va alias ''");
	assert_false(take(netlink));
	netlink_stats(netlink, &stats);
	assert_true(stats.events > events);
	assert_int_equal(netlink_resync(netlink, &err), 0);
	must_equal_fresh(netlink);
}

static void test_moved(void **state)
{
	struct netlink *netlink = *state;
	uint32_t ifindex;
	char c = 0;
	int fd[2];
	pid_t pid;

	assert_int_equal(pipe(fd), 0);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (unshare(CLONE_NEWNET) < 0 || write(fd[1], &c, 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}
	assert_int_equal(read(fd[0], &c, 1), 1);
	sh("ip link add name va type veth peer name vb");
	take(netlink);
	must_equal_fresh(netlink);
	ifindex = must_find(netlink, "vb")->ifindex;
	assert_int_equal(sh("ip link set vb netns %d", (int)pid), 0);
	assert_true(take(netlink));
	assert_null(link_find(netlink_links(netlink), ifindex));
	assert_int_equal(must_find(netlink, "va")->peer, ifindex);
	assert_true(must_find(netlink, "va")->peer_netns >= 0);
	must_equal_fresh(netlink);
	sh("nsenter -n -t %d ip link set vb netns %d", (int)pid, (int)getpid());
	assert_true(take(netlink));
	assert_int_equal(must_find(netlink, "va")->peer_netns, -1);
	must_equal_fresh(netlink);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(fd[0]);
	close(fd[1]);
}

static void test_xdp(void **state)
{
	static const struct bpf_insn pass[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "pass", "GPL", pass, 2, NULL);
	struct netlink *netlink = *state;
	struct bpf_prog_info info = {};
	uint32_t len = sizeof(info), ifindex;
	struct err err = {};
	int link_fd;

	assert_true(fd >= 0);
	assert_int_equal(bpf_obj_get_info_by_fd(fd, &info, &len), 0);
	sh("ip link add name va type veth peer name vb; ip link set va up");
	take(netlink);
	ifindex = must_find(netlink, "va")->ifindex;
	assert_int_equal(must_find(netlink, "va")->xdp_mode, XDP_ATTACHED_NONE);
	assert_int_equal(bpf_xdp_attach(ifindex, fd, XDP_FLAGS_DRV_MODE, NULL), 0);
	assert_true(take(netlink));
	assert_int_equal(must_find(netlink, "va")->xdp_prog, info.id);
	assert_int_equal(must_find(netlink, "va")->xdp_mode, XDP_ATTACHED_DRV);
	must_equal_fresh(netlink);
	assert_int_equal(bpf_xdp_detach(ifindex, XDP_FLAGS_DRV_MODE, NULL), 0);
	assert_int_equal(bpf_xdp_attach(ifindex, fd, XDP_FLAGS_SKB_MODE, NULL), 0);
	assert_true(take(netlink));
	assert_int_equal(must_find(netlink, "va")->xdp_prog, info.id);
	assert_int_equal(must_find(netlink, "va")->xdp_mode, XDP_ATTACHED_SKB);
	assert_int_equal(bpf_xdp_detach(ifindex, XDP_FLAGS_SKB_MODE, NULL), 0);
	assert_true(take(netlink));
	assert_int_equal(must_find(netlink, "va")->xdp_prog, 0);
	must_equal_fresh(netlink);

	/* a link makes no event: a resync sees it */
	link_fd = bpf_link_create(fd, ifindex, BPF_XDP, NULL);
	assert_true(link_fd >= 0);
	assert_int_equal(netlink_resync(netlink, &err), 0);
	assert_int_equal(must_find(netlink, "va")->xdp_prog, info.id);
	close(link_fd);
	close(fd);
}

/* More events than the socket holds: some are lost, the table is not wrong */
static void test_overrun(void **state)
{
	struct netlink *netlink = *state;
	struct netlink_stats stats;
	int bytes = 4096;

	assert_int_equal(setsockopt(netlink_fd(netlink), SOL_SOCKET, SO_RCVBUF, &bytes,
				    sizeof(bytes)), 0);
	sh("for i in $(seq 150); do echo link add name va$i type veth peer name vb$i; "
	   "echo link set va$i up; done | ip -batch -");
	sh("for i in $(seq 1 3 150); do echo link del va$i; done | ip -batch -");
	assert_true(take(netlink));
	netlink_stats(netlink, &stats);
	assert_true(stats.overruns > 0);
	assert_true(stats.resyncs > 1);
	assert_false(stats.stale);
	assert_int_equal(netlink_links(netlink)->n, 1 + 2 * 100);
	must_equal_fresh(netlink);
}

/* Dumps while links come and go: interrupted ones are not believed */
static void *churn(void *arg)
{
	atomic_bool *stop = arg;

	while (!atomic_load(stop))
		sh("for i in $(seq 40); do echo link add name vx$i type veth peer name vy$i; done | ip -batch -;"
		   "for i in $(seq 40); do echo link del vx$i; done | ip -batch -");
	return NULL;
}

static void test_churn(void **state)
{
	struct netlink *netlink = *state;
	struct netlink_stats before, stats;
	atomic_bool stop = false;
	struct err err = {};
	unsigned int n;
	pthread_t thread;
	bool changed;
	int r;

	/* enough for a dump of several messages: one alone cannot be interrupted */
	sh("for i in $(seq 150); do echo link add name va$i type veth peer name vb$i; done | ip -batch -");
	take(netlink);
	n = netlink_links(netlink)->n;
	netlink_stats(netlink, &before);
	assert_int_equal(pthread_create(&thread, NULL, churn, &stop), 0);
	for (int i = 0; i < 200; i++) {
		r = netlink_resync(netlink, &err);
		netlink_stats(netlink, &stats);
		assert_int_equal(stats.stale, r < 0);
		assert_true(r == 0 || r == -EAGAIN);
		assert_true(netlink_links(netlink)->n >= n);	/* those that stay are never missing */
		if (i % 10 == 0)
			netlink_process(netlink, &changed, &err);
	}
	atomic_store(&stop, true);
	pthread_join(thread, NULL);
	netlink_stats(netlink, &stats);
	print_message("# %llu dumps interrupted\n",
		      (unsigned long long)(stats.interrupted - before.interrupted));
	assert_true(stats.interrupted > before.interrupted);
	take(netlink);
	assert_int_equal(netlink_resync(netlink, &err), 0);
	must_equal_fresh(netlink);
}

static void test_ethtool(void **state)
{
	struct ethtool_features features = { .driver = "untouched" };
	struct err err = {};

	assert_int_equal(ethtool_get("nobody", &features, &err), -ENODEV);
	assert_non_null(strstr(err.text, "'nobody'"));
	assert_int_equal(ethtool_get("a-name-that-is-too-long", &features, &err), -ENODEV);
	assert_string_equal(features.driver, "untouched");
	sh("ip link add name va type veth peer name vb; ethtool -K va gro on tso off tx off txvlan off >/dev/null");
	assert_int_equal(ethtool_get("va", &features, &err), 0);
	assert_string_equal(features.driver, "veth");
	assert_true(features.gro);
	assert_false(features.tx_checksum);
	assert_false(features.tso);
	assert_false(features.tx_vlan);
	assert_true(features.rx_vlan);
	sh("ethtool -K va gro off tx on tso on txvlan on rxvlan off >/dev/null");
	assert_int_equal(ethtool_get("va", &features, &err), 0);
	assert_false(features.gro);
	assert_true(features.tx_checksum);
	assert_true(features.tso);
	assert_true(features.tx_vlan);
	assert_false(features.rx_vlan);
	assert_int_equal(ethtool_get("lo", &features, &err), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_fields), TEST(test_addresses), TEST(test_address_order),
		TEST(test_unchanged), TEST(test_moved),
		TEST(test_xdp), TEST(test_overrun), TEST(test_churn), TEST(test_ethtool),
	};
	return unit_main(tests, sizeof(tests) / sizeof(tests[0]));
}
