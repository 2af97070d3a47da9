// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * traps.c - known traps of a hook on an interface, as they apply now
 *
 * DOC: Each was seen to lose packets without a trace (docs/architecture.md, "Traps").
 * What a veth's other end does is asked of that end: in this namespace, or
 * in a named one (/run/netns); where it cannot be seen, the warning says so.
 */
#include <dirent.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/if_link.h>
#include <linux/membarrier.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <base/file.h>
#include <kernel/ethtool.h>
#include <kernel/traps.h>

#define NETNS_DIR	"/run/netns"

/* The other end of a veth */
struct peer {
	bool seen;
	struct ethtool_features features;
	bool native_xdp;
};

static bool is_veth(const struct link *link)
{
	return !strcmp(link->kind, "veth");
}

/* Id of namespace @ns_fd in ours, as IFLA_LINK_NETNSID gives it for a veth's other end; -1: none */
static int netns_id(int ns_fd)
{
	struct {
		struct nlmsghdr head;
		struct rtgenmsg gen;
		struct rtattr attr __attribute__((aligned(NLMSG_ALIGNTO)));
		int32_t value;
		char room[64];		/* for the answer */
	} msg = {
		.head = { .nlmsg_type = RTM_GETNSID, .nlmsg_flags = NLM_F_REQUEST },
		.attr = { .rta_len = RTA_LENGTH(sizeof(int32_t)), .rta_type = NETNSA_FD },
		.value = ns_fd,
	};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), id = -1;

	msg.head.nlmsg_len = offsetof(typeof(msg), room);
	if (fd >= 0 && send(fd, &msg, msg.head.nlmsg_len, 0) > 0 &&
	    recv(fd, &msg, sizeof(msg), 0) >= (ssize_t)offsetof(typeof(msg), room) &&
	    msg.head.nlmsg_type == RTM_NEWNSID && msg.attr.rta_type == NETNSA_NSID)
		id = msg.value;
	fd_close(fd);
	return id;
}

/* In the namespace that we are in: is interface @peer the other end of @ifindex? */
static void peer_look(uint32_t peer, uint32_t ifindex, struct peer *ret_peer)
{
	char name[IFNAMSIZ];
	uint64_t other;
	uint32_t id = 0;

	if (!if_indextoname(peer, name) || ethtool_stat(name, "peer_ifindex", &other) < 0 ||
	    other != ifindex || ethtool_get(name, &ret_peer->features, NULL) < 0)
		return;
	ret_peer->native_xdp = bpf_xdp_query_id(peer, XDP_FLAGS_DRV_MODE, &id) == 0 && id;
	ret_peer->seen = true;
}

/* Whether the other end is in namespace @name: indices alone may be equal in several */
static bool peer_look_in(const char *name, const struct link *link, struct peer *ret_peer)
{
	char path[300];
	bool found;
	int fd;

	snprintf(path, sizeof(path), NETNS_DIR "/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	found = netns_id(fd) == link->peer_netns;
	if (found && setns(fd, CLONE_NEWNET) == 0)
		peer_look(link->peer, link->ifindex, ret_peer);
	fd_close(fd);
	return found;
}

static void peer_find(const struct link *link, struct peer *ret_peer)
{
	struct dirent *entry;
	bool found = false;
	int home;
	DIR *dir;

	*ret_peer = (struct peer) {};
	if (link->peer_netns < 0) {
		peer_look(link->peer, link->ifindex, ret_peer);
		return;
	}
	home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	if (home < 0)
		return;
	dir = opendir(NETNS_DIR);
	while (dir && !found && (entry = readdir(dir)))
		found = entry->d_name[0] != '.' && peer_look_in(entry->d_name, link, ret_peer);
	if (dir)
		closedir(dir);
	if (setns(home, CLONE_NEWNET) < 0)
		abort();	/* anything done in a foreign namespace would be wrong */
	fd_close(home);
}

static bool graph_has(const struct plan_graph *graph, enum shunt_target target)
{
	unsigned int i, j;

	for (i = 0; graph && i < graph->n_nodes; i++)
		for (j = 0; j < graph->node[i].n_edges; j++)
			if (graph->node[i].edge[j].rodata.target == target)
				return true;
	return false;
}

static bool graph_needs_vlan(const struct plan_graph *graph)
{
	unsigned int i;

	for (i = 0; graph && i < graph->n_nodes; i++)
		if (graph->node[i].module->depth & SHUNT_NEEDS_VLAN)
			return true;
	return false;
}

/* A frame that native XDP sends out of a veth arrives only where the other end polls for it */
static void trap_deaf_peer(const struct link *out, struct jsonw *w)
{
	struct peer peer;

	if (!is_veth(out))
		return;
	peer_find(out, &peer);
	if (!peer.seen)
		jsonw_fmt(w, NULL, "frames sent out of veth '%s' vanish unless its other end, which cannot be "
			  "seen from here, has GRO on or native XDP", out->name);
	else if (!peer.features.gro && !peer.native_xdp)
		jsonw_fmt(w, NULL, "frames sent out of veth '%s' vanish: its other end has neither GRO nor "
			  "native XDP: 'ethtool -K DEV gro on' there", out->name);
}

/* Of its own, without a redirect, a veth sends only to another program: GRO is not enough */
static void trap_way_back(const struct link *link, struct jsonw *w)
{
	struct peer peer;

	if (!is_veth(link))
		return;
	peer_find(link, &peer);
	if (!peer.seen)
		jsonw_fmt(w, NULL, "frames that go back out of veth '%s' vanish unless its other end, which "
			  "cannot be seen from here, has native XDP", link->name);
	else if (!peer.native_xdp)
		jsonw_fmt(w, NULL, "frames that go back out of veth '%s' vanish: its other end has no native "
			  "XDP. By 'redirect(%s)' GRO is enough there", link->name, link->name);
}

static void trap_deaf_peers(const struct link *link, const struct link_table *links,
			    const struct plan_graph *graph, struct jsonw *w)
{
	const struct link *out;
	unsigned int i, j;

	if (graph_has(graph, SHUNT_TARGET_TX) || graph_has(graph, SHUNT_TARGET_FORWARD))
		trap_way_back(link, w);
	for (i = 0; graph && i < graph->n_nodes; i++)
		for (j = 0; j < graph->node[i].n_edges; j++) {
			const struct plan_edge *edge = &graph->node[i].edge[j];
			char name[IFNAMSIZ];

			if (edge->rodata.target != SHUNT_TARGET_REDIRECT ||
			    sscanf(edge->target, "redirect(%15[^)])", name) != 1)
				continue;
			out = link_find_name(links, name);
			if (out)
				trap_deaf_peer(out, w);
		}
}

/* What the sender left to offload is not there yet when a frame is redirected natively */
static void trap_checksum(const struct link *link, const struct plan_graph *graph, struct jsonw *w)
{
	struct peer peer;

	if (!is_veth(link) || !graph_has(graph, SHUNT_TARGET_REDIRECT))
		return;
	peer_find(link, &peer);
	if (!peer.seen)
		jsonw_str(w, NULL, "a native redirect breaks checksums that the veth's other end, which "
			  "cannot be seen from here, leaves to offload: 'ethtool -K DEV tx off' there");
	else if (peer.features.tx_checksum)
		jsonw_str(w, NULL, "a native redirect breaks checksums: the veth's other end leaves them to "
			  "offload: 'ethtool -K DEV tx off' there");
}

static void trap_vlan(const struct link *link, const struct ethtool_features *own,
		      const struct plan_graph *graph, struct jsonw *w)
{
	struct peer peer = {};

	if (!graph_needs_vlan(graph))
		return;
	if (own->rx_vlan && !is_veth(link))
		jsonw_fmt(w, NULL, "XDP does not see VLAN tags: '%s' takes them off: 'ethtool -K %s rxvlan off'",
			  link->name, link->name);
	if (!is_veth(link))
		return;
	peer_find(link, &peer);
	if (!peer.seen || peer.features.tx_vlan)
		jsonw_str(w, NULL, "XDP does not see VLAN tags that the veth's other end leaves to offload: "
			  "'ethtool -K DEV txvlan off' there");
}

void traps_write(const struct attach *attach, const struct link *link,
		 const struct link_table *links, const struct plan_graph *graph, struct jsonw *w)
{
	struct ethtool_features own = {};

	if (attach->hook != SHUNT_HOOK_XDP)
		return;
	ethtool_get(link->name, &own, NULL);
	trap_vlan(link, &own, graph, w);
	if (attach->generic) {
		jsonw_str(w, NULL, "generic mode: each frame is an skb already, none of XDP's speed is had");
		return;
	}
	trap_deaf_peers(link, links, graph, w);
	trap_checksum(link, graph, w);
	if (own.lro)
		jsonw_fmt(w, NULL, "LRO is on with native XDP: 'ethtool -K %s lro off'",
			  link->name);
}

static void feature(struct jsonw *w, const char *name, const char *value, const char *why)
{
	jsonw_object(w, NULL);
	jsonw_str(w, "name", name);
	jsonw_str(w, "value", value);
	jsonw_str(w, "why", why);
	jsonw_object_end(w);
}

static void feature_is(struct jsonw *w, const char *name, bool there, const char *why)
{
	feature(w, name, there ? "yes" : "no", why);
}

/* Asks for the list of loopback's tcx programs: a kernel without tcx knows no such attach type */
static bool has_tcx(void)
{
	union bpf_attr attr = {};

	attr.query.target_fd = 1;	/* ifindex of lo */
	attr.query.attach_type = 46;	/* BPF_TCX_INGRESS */
	return syscall(__NR_bpf, BPF_PROG_QUERY, &attr, sizeof(attr)) == 0;
}

static bool has_xdp_frags(void)
{
	struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .prog_flags = BPF_F_XDP_HAS_FRAGS);
	int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "probe", "GPL", insns, 2, &opts);

	fd_close(fd < 0 ? -1 : fd);
	return fd >= 0;
}

static void kernel_features(struct jsonw *w)
{
	long commands = syscall(__NR_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);

	feature_is(w, "xdp", libbpf_probe_bpf_prog_type(BPF_PROG_TYPE_XDP, NULL) == 1,
		   "programs load at the XDP hook");
	feature_is(w, "xdp-frags", has_xdp_frags(), "XDP with MTUs beyond a page");
	feature_is(w, "tcx", has_tcx(), "TC links; without them clsact filters are used");
	feature_is(w, "dispatcher", libbpf_probe_bpf_prog_type(BPF_PROG_TYPE_EXT, NULL) == 1,
		   "'share: true' with other XDP programs (libxdp needs freplace)");
	feature_is(w, "bpf-loop",
		   libbpf_probe_bpf_helper(BPF_PROG_TYPE_XDP, BPF_FUNC_loop, NULL) == 1,
		   "needed by module 'filter'");
	feature_is(w, "membarrier", commands >= 0 && commands & MEMBARRIER_CMD_GLOBAL,
		   "grace time of a commit; without it 100 ms are waited");
}

static void link_features(const struct link *link, struct jsonw *w)
{
	static const char *const mode[] = { "none", "native", "generic", "offloaded", "several" };
	struct ethtool_features own = {};
	char text[64];

	ethtool_get(link->name, &own, NULL);
	feature(w, "driver", *own.driver ? own.driver : "unknown", NULL);
	snprintf(text, sizeof(text), "%u rx, %u tx", link->rx_queues, link->tx_queues);
	feature(w, "queues", text, "native XDP on veth: no fewer rx here than tx at the other end");
	snprintf(text, sizeof(text), "%u", link->mtu);
	feature(w, "mtu", text, NULL);
	feature(w, "xdp-attached", mode[link->xdp_mode <= 4 ? link->xdp_mode : 0], NULL);
	feature_is(w, "gro", own.gro,
		   "a veth without it is deaf to native redirects, unless it has native XDP");
	feature_is(w, "lro", own.lro, "must be off for native XDP");
	feature_is(w, "tx-checksum", own.tx_checksum,
		   "left to offload: broken by a native redirect");
	feature_is(w, "rx-vlan-offload", own.rx_vlan, "takes tags off before XDP sees them");
	feature_is(w, "tx-vlan-offload", own.tx_vlan, "veth: hides tags from XDP at the other end");
}

void traps_features(const struct link *link, struct jsonw *w)
{
	if (link)
		link_features(link, w);
	else
		kernel_features(w);
}
