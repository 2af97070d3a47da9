// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * netlink.c - rtnetlink: fills the mirror and keeps it
 *
 * DOC: A class is dumped in slices. While it is, events wait in their socket: what a dump says may be older than
 * an event that was taken in meanwhile. They are applied after it; the last one of an entry is its state,
 * so it does no harm that the dump knew already. When the socket overran, what it still holds is thrown
 * away, and all classes are dumped.
 *
 * A dump that the kernel says was interrupted is begun again; the last of some attempts is taken for what it
 * has, and nothing is removed by it: the class stays stale, and is tried again later.
 *
 * What the kernel does not tell: mirror/mirror.c knows what goes along with what. When one end of a veth pair
 * is made, moves to another namespace or comes back, nothing is said of the other end, which is
 * asked for then (pairs_repair()). An XDP program that is attached by a link, or
 * to an interface that is down, makes no event either: xdp_prog and xdp_mode are
 * those of the interface's last event or of the last resync. For what is not known, each class is
 * compared every now and then.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>

#include <base/arena.h>
#include <kernel/netlink.h>
#include <kernel/netlink_apply.h>
#include <kernel/netlink_attr.h>
#include <kernel/netlink_class.h>
#include <kernel/netlink_sock.h>

#define DUMPS_MAX	5		/* interrupted ones in a row */
#define SLICE_MS	15		/* of one netlink_process(): the loop has other work too */
#define GAP_MS		10		/* between resyncs, and thrice what the last one took */
#define DOUBT_MS	500		/* ahead of one for what is only in doubt */
#define RETRY_MS	2000		/* ahead of one for a class that is stale */
#define ROUND_MS	300000		/* after which a class is compared */
#define ROUND_TIMES	200		/* or this often what that takes, if it is longer */
#define NOBODY		(-1)

struct class_state {
	struct netlink_class_stats stats;
	uint64_t due_ms;		/* when to dump it; 0: not wanted */
	uint64_t synced_ms;		/* last time; 0: never */
};

struct netlink {
	struct netlink_sock event, dump;
	struct mirror mirror;
	struct netlink_stats stats;
	struct class_state class[MIRROR_CLASS_MAX];
	uint64_t free_ms;		/* no dump before */
	bool lost;			/* what is queued is to be thrown away */
	bool pairs_doubtful;		/* a link came or went since pairs_repair() */

	int dumping;			/* class, NOBODY: none */
	unsigned int step, attempt;
	bool interrupted;
	uint64_t began_ms, changes;	/* of the dump under way */

	mirror_fn *changed;
	void (*synced)(void *arg, enum mirror_class class);
	void *arg;
};

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ull + now.tv_nsec / 1000000;
}

/* ---- classes ----------------------------------------------------------------------------- */
static bool is_wanted(const struct netlink *netlink, enum mirror_class class)
{
	return netlink->stats.classes >> class & 1;
}

static void set_stale(struct netlink *netlink, enum mirror_class class, uint64_t due_ms)
{
	struct class_state *state = &netlink->class[class];

	if (!state->stats.stale_ms)
		state->stats.stale_ms = now_ms();
	if (!state->due_ms || state->due_ms > due_ms)
		state->due_ms = due_ms;
}

static void set_all_stale(struct netlink *netlink)
{
	for (enum mirror_class class = 0; class < MIRROR_CLASS_MAX; class++)
		if (is_wanted(netlink, class))
			set_stale(netlink, class, now_ms());
}

static void set_due(struct netlink *netlink, enum mirror_class class, uint64_t due_ms)
{
	if (is_wanted(netlink, class) && !netlink->class[class].due_ms)
		netlink->class[class].due_ms = due_ms;
}

void netlink_doubt(struct netlink *netlink, uint32_t classes)
{
	for (enum mirror_class class = 0; class < MIRROR_CLASS_MAX; class++)
		if (classes >> class & 1)
			set_due(netlink, class, now_ms());
}

static void take_doubt(struct netlink *netlink)
{
	for (enum mirror_class class = 0; netlink->mirror.doubt && class < MIRROR_CLASS_MAX; class++)
		if (netlink->mirror.doubt >> class & 1)
			set_due(netlink, class, now_ms() + DOUBT_MS);
	netlink->mirror.doubt = 0;
}

void netlink_tick(struct netlink *netlink)
{
	uint64_t now = now_ms();

	for (enum mirror_class class = 0; class < MIRROR_CLASS_MAX; class++) {
		const struct class_state *state = &netlink->class[class];
		uint64_t round = (uint64_t)state->stats.sync_ms * ROUND_TIMES;

		if (round < ROUND_MS)
			round = ROUND_MS;
		if (state->synced_ms && now - state->synced_ms >= round)
			set_due(netlink, class, now);
	}
}

static void entry_changed(void *arg, const struct mirror *mirror, enum mirror_item item,
			  const void *entry, bool gone)
{
	struct netlink *netlink = arg;
	struct netlink_class_stats *stats = &netlink->class[mirror_item_class(item)].stats;

	stats->changes++;
	if (netlink->changed)
		netlink->changed(netlink->arg, mirror, item, entry, gone);
}

/* ---- dumps ------------------------------------------------------------------------------- */
static int send_step(struct netlink *netlink)
{
	const struct netlink_class *info = &netlink_classes[netlink->dumping];
	union { uint8_t family; uint8_t bytes[32]; } head = {
		.family = info->step[netlink->step].family,
	};
	struct nl_msg *msg;

	_Static_assert(sizeof(struct ifinfomsg) <= sizeof(head), "the largest");
	msg = netlink_sock_request(info->step[netlink->step].type, NLM_F_DUMP, &head,
				   info->step[netlink->step].head_bytes);
	if (netlink->dumping == MIRROR_LINK &&
	    nla_put_u32(msg, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS) < 0)
		arena_no_memory();
	return netlink_sock_send(&netlink->dump, msg);
}

static int begin_dump(struct netlink *netlink, enum mirror_class class)
{
	netlink->dumping = class;
	netlink->step = 0;
	netlink->interrupted = false;
	netlink->changes = netlink->class[class].stats.changes;
	if (!netlink->attempt)
		netlink->began_ms = now_ms();
	mirror_begin(&netlink->mirror, class);
	return send_step(netlink);
}

/* @r: 0: whole; -EAGAIN: interrupted too often; -errno. Return: the same */
static int end_dump(struct netlink *netlink, int r)
{
	struct class_state *state = &netlink->class[netlink->dumping];
	enum mirror_class class = netlink->dumping;
	uint64_t now = now_ms();

	mirror_end(&netlink->mirror, r == 0);
	netlink->dumping = NOBODY;
	netlink->attempt = 0;
	netlink->stats.resyncs += class == MIRROR_LINK;
	netlink->free_ms = now + GAP_MS + 3 * (now - netlink->began_ms);
	state->stats.sync_ms = now - netlink->began_ms;
	state->due_ms = 0;
	if (r < 0) {
		set_stale(netlink, class, now + RETRY_MS);
		return r;
	}
	state->stats.resyncs++;
	if (state->synced_ms)
		state->stats.repaired += state->stats.changes - netlink->changes;
	state->stats.stale_ms = 0;
	state->synced_ms = now;
	if (netlink->synced)
		netlink->synced(netlink->arg, class);
	return 0;
}

static int apply(struct nlmsghdr *msg, void *arg)
{
	struct netlink *netlink = arg;

	return netlink_apply(&netlink->mirror, msg);
}

/* What this kernel has no tables for is empty */
static bool is_unknown(int r)
{
	return r == -EOPNOTSUPP || r == -EAFNOSUPPORT || r == -EPFNOSUPPORT;
}

/* One datagram. Return: 0: the dump goes on or has ended; -errno: it ended so */
static int go_on(struct netlink *netlink)
{
	struct netlink_class_stats *stats = &netlink->class[netlink->dumping].stats;
	int r;

	r = netlink_sock_take(&netlink->dump, 0, apply, netlink, &netlink->interrupted);
	if (r == 0)
		return 0;
	if (r < 0 && !is_unknown(r))
		return end_dump(netlink, r);
	if (++netlink->step < NETLINK_STEPS_MAX &&
	    netlink_classes[netlink->dumping].step[netlink->step].type) {
		r = send_step(netlink);
		return r < 0 ? end_dump(netlink, r) : 0;
	}
	if (!netlink->interrupted)
		return end_dump(netlink, 0);
	stats->interrupted++;
	netlink->stats.interrupted++;
	if (++netlink->attempt == DUMPS_MAX)
		return end_dump(netlink, -EAGAIN);
	r = begin_dump(netlink, netlink->dumping);
	return r < 0 ? end_dump(netlink, r) : 0;
}

/* Return: class whose dump is due, in the order of classes; NOBODY */
static int next_due(const struct netlink *netlink, uint64_t now)
{
	for (enum mirror_class class = 0; class < MIRROR_CLASS_MAX; class++)
		if (netlink->class[class].due_ms && netlink->class[class].due_ms <= now)
			return class;
	return NOBODY;
}

/* What is queued is older than the dump that follows. Another overrun meanwhile is no news */
static void drain(struct netlink *netlink)
{
	int n;

	do {
		n = netlink_sock_receive(&netlink->event, MSG_DONTWAIT);
	} while (n >= 0 || n == -ENOBUFS || n == -EMSGSIZE);
}

static int dump_error(const struct netlink *netlink, int class, int r, struct err *err)
{
	if (r == -EAGAIN)
		return err_set(err, r, "%s: changed while it was dumped, %d times.",
			       mirror_class_name(class), DUMPS_MAX);
	return err_set(err, r, "dump of %s", mirror_class_name(class));
}

/* @until_ms: 0: to the end of all that are due. Return: 0; -errno: of the last that failed */
static int dump_some(struct netlink *netlink, uint64_t until_ms, struct err *err)
{
	int class, r, bad = 0;

	do {
		if (netlink->dumping == NOBODY) {
			class = next_due(netlink, now_ms());
			if (class == NOBODY)
				break;
			if (netlink->lost)
				drain(netlink);
			netlink->lost = false;
			r = begin_dump(netlink, class);
			if (r < 0)
				end_dump(netlink, r);
		} else {
			class = netlink->dumping;
			r = go_on(netlink);
		}
		if (r < 0)
			bad = dump_error(netlink, class, r, err);
	} while (!until_ms || now_ms() < until_ms);
	return bad;
}

int netlink_resync(struct netlink *netlink, struct err *err)
{
	int r;

	netlink_doubt(netlink, netlink->stats.classes);
	for (enum mirror_class class = 0; class < MIRROR_CLASS_MAX; class++)
		if (netlink->class[class].due_ms)
			netlink->class[class].due_ms = 1;
	r = dump_some(netlink, 0, err);
	take_doubt(netlink);
	return r;
}

/* ---- events ------------------------------------------------------------------------------ */
static int take_events(struct netlink *netlink, int len)
{
	struct nlmsghdr *msg = (struct nlmsghdr *)netlink->event.buffer;
	int r;

	for (; nlmsg_ok(msg, len); msg = nlmsg_next(msg, &len)) {
		enum mirror_class class = netlink_class(msg);

		if (class == MIRROR_CLASS_MAX || !is_wanted(netlink, class))
			continue;
		netlink->stats.events++;
		netlink->class[class].stats.events++;
		r = netlink_apply(&netlink->mirror, msg);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Of links and addresses, for the caller; of a class that changed, when */
static uint64_t count_changes(struct netlink *netlink, uint64_t before[MIRROR_CLASS_MAX])
{
	for (enum mirror_class class = 0; class < MIRROR_CLASS_MAX; class++)
		before[class] = netlink->class[class].stats.changes;
	return netlink->mirror.changes[MIRROR_ITEM_LINK] + netlink->mirror.changes[MIRROR_ITEM_ADDR];
}

static void note_changes(struct netlink *netlink, const uint64_t before[MIRROR_CLASS_MAX])
{
	for (enum mirror_class class = 0; class < MIRROR_CLASS_MAX; class++)
		if (netlink->class[class].stats.changes != before[class])
			netlink->class[class].stats.changed_ms = now_ms();
}

static bool is_pair(const struct link *link)
{
	return link->peer && (!strcmp(link->kind, "veth") || !strcmp(link->kind, "netkit"));
}

/* An answer that is no dump ends with its acknowledgement */
static int ask_link(struct netlink *netlink, uint32_t ifindex)
{
	struct ifinfomsg info = { .ifi_family = AF_UNSPEC, .ifi_index = ifindex };
	struct nl_msg *msg = netlink_sock_request(RTM_GETLINK, NLM_F_ACK, &info, sizeof(info));
	int r;

	if (nla_put_u32(msg, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS) < 0)
		arena_no_memory();
	r = netlink_sock_send(&netlink->dump, msg);
	if (r == 0)
		r = netlink_sock_answer(&netlink->dump, apply, netlink, NULL);
	return r == -ENODEV ? 0 : r;	/* its end is in the events to come */
}

/* Ask for those ends whose other end is not here, or does not say the same of the pair */
static int pairs_repair(struct netlink *netlink, struct err *err)
{
	const struct link_table *links = &netlink->mirror.links;
	int r = 0;

	netlink->pairs_doubtful = false;
	for (unsigned int i = 0; r == 0 && i < links->n; i++) {
		const struct link *link = &links->link[i], *other;
		uint32_t ifindex = link->ifindex;

		if (!is_pair(link) || link->peer_netns != -1)
			continue;
		other = link_find(links, link->peer);
		if (other && other->peer == ifindex && other->peer_netns == -1)
			continue;
		r = ask_link(netlink, other ? other->ifindex : ifindex);
	}
	return r < 0 ? err_set(err, r, "ask for a link") : 0;
}

/* Return: 0; 1: there is no more; -errno */
static int take_some(struct netlink *netlink, uint64_t until_ms, struct err *err)
{
	unsigned int i;
	int n;

	for (i = 0; i % 64 || now_ms() < until_ms; i++) {
		n = netlink_sock_receive(&netlink->event, MSG_DONTWAIT);
		if (n == -EAGAIN)
			return 1;
		if (n < 0 && n != -ENOBUFS && n != -EMSGSIZE)
			return err_set(err, n, "read events of links and addresses");
		if (n >= 0 && take_events(netlink, n) == 0)
			continue;
		netlink->stats.overruns++;
		netlink->lost = true;
		set_all_stale(netlink);
		return 0;
	}
	return 0;
}

int netlink_process(struct netlink *netlink, bool *ret_changed, struct err *err)
{
	uint64_t now = now_ms(), until = now + SLICE_MS, before[MIRROR_CLASS_MAX], was;
	int r = 0;

	was = count_changes(netlink, before);
	if (netlink->dumping != NOBODY ||
	    (netlink->free_ms <= now && next_due(netlink, now) != NOBODY))
		r = dump_some(netlink, until, err);
	if (netlink->lost && netlink->dumping == NOBODY)
		drain(netlink);
	while (r == 0 && netlink->dumping == NOBODY && !netlink->lost && now_ms() < until)
		r = take_some(netlink, until, err);
	if (r == 1)
		r = 0;
	netlink->pairs_doubtful |= count_changes(netlink, (uint64_t[MIRROR_CLASS_MAX]){}) != was;
	if (r == 0 && netlink->pairs_doubtful && netlink->dumping == NOBODY)
		r = pairs_repair(netlink, err);
	take_doubt(netlink);
	note_changes(netlink, before);
	*ret_changed = count_changes(netlink, before) != was;
	return r;
}

int netlink_wait_ms(const struct netlink *netlink)
{
	uint64_t now = now_ms(), due = 0;

	if (netlink->dumping != NOBODY)
		return 0;
	for (enum mirror_class class = 0; class < MIRROR_CLASS_MAX; class++) {
		uint64_t its = netlink->class[class].due_ms;

		if (its && (!due || its < due))
			due = its;
	}
	if (!due)
		return -1;
	if (due < netlink->free_ms)
		due = netlink->free_ms;
	return due > now ? due - now : 0;
}

/* ---- which classes ----------------------------------------------------------------------- */
static int join(struct netlink *netlink, enum mirror_class class, struct err *err)
{
	const int *group = netlink_classes[class].group;
	int i, r;

	for (i = 0; i < NETLINK_GROUPS_MAX && group[i]; i++) {
		r = netlink_sock_join(&netlink->event, group[i]);
		if (r < 0)
			return err_set(err, r, "subscribe to events of %s", mirror_class_name(class));
	}
	return 0;
}

/* Empty: as if the kernel had none. Its events are passed by from now on */
static void drop(struct netlink *netlink, enum mirror_class class)
{
	if (netlink->dumping != NOBODY) {	/* of whatever: it is begun again, for it stays due */
		mirror_end(&netlink->mirror, false);
		netlink->dumping = NOBODY;
		netlink->attempt = 0;
	}
	mirror_begin(&netlink->mirror, class);
	mirror_end(&netlink->mirror, true);
	netlink->class[class] = (struct class_state){};
	netlink->stats.classes &= ~(1u << class);
}

int netlink_want(struct netlink *netlink, uint32_t classes, struct err *err)
{
	uint32_t had = netlink->stats.classes;
	enum mirror_class class;
	int r;

	classes |= MIRROR_ALWAYS;
	if (classes & MIRROR_BIT(ROUTE))
		classes |= MIRROR_BIT(NEXTHOP);
	for (class = 0; class < MIRROR_CLASS_MAX; class++) {
		r = (classes & ~had) >> class & 1 ? join(netlink, class, err) : 0;
		if (r < 0)
			return r;
	}
	for (class = 0; class < MIRROR_CLASS_MAX; class++)
		if ((had & ~classes) >> class & 1)
			drop(netlink, class);
	netlink->stats.classes = classes;
	for (class = 0; class < MIRROR_CLASS_MAX; class++)
		if ((classes & ~had) >> class & 1)
			set_stale(netlink, class, now_ms());
	return 0;
}

/* ---- the rest ---------------------------------------------------------------------------- */
int netlink_new(struct netlink **ret_netlink, struct err *err)
{
	struct netlink *netlink = calloc(1, sizeof(*netlink));
	int r;

	if (!netlink)
		arena_no_memory();
	netlink->event.fd = netlink->dump.fd = -1;
	netlink->dumping = NOBODY;
	mirror_init(&netlink->mirror);
	netlink->mirror.changed = entry_changed;
	netlink->mirror.arg = netlink;
	r = netlink_sock_open_events(&netlink->event, err);
	if (r == 0)
		r = netlink_sock_open_requests(&netlink->dump, err);
	if (r == 0)
		r = netlink_want(netlink, MIRROR_ALWAYS, err);
	if (r == 0)
		r = netlink_resync(netlink, err);
	if (r < 0 && r != -EAGAIN) {	/* interrupted: may lack some, and is tried again */
		netlink_free(netlink);
		return r;
	}
	*ret_netlink = netlink;
	return 0;
}

void netlink_free(struct netlink *netlink)
{
	if (!netlink)
		return;
	netlink_sock_close(&netlink->event);
	netlink_sock_close(&netlink->dump);
	mirror_fini(&netlink->mirror);
	free(netlink);
}

int netlink_fd(const struct netlink *netlink)
{
	return netlink->event.fd;
}

const struct mirror *netlink_mirror(const struct netlink *netlink)
{
	return &netlink->mirror;
}

const struct link_table *netlink_links(const struct netlink *netlink)
{
	return &netlink->mirror.links;
}

const struct addr_table *netlink_addrs(const struct netlink *netlink)
{
	return &netlink->mirror.addrs;
}

void netlink_watch(struct netlink *netlink, mirror_fn *changed,
		   void (*synced)(void *arg, enum mirror_class class), void *arg)
{
	netlink->changed = changed;
	netlink->synced = synced;
	netlink->arg = arg;
}

void netlink_stats(const struct netlink *netlink, struct netlink_stats *ret_stats)
{
	*ret_stats = netlink->stats;
	ret_stats->stale = false;
	for (enum mirror_class class = 0; class < MIRROR_CLASS_MAX; class++)
		ret_stats->stale |= netlink->class[class].stats.stale_ms != 0;
}

void netlink_class_stats(const struct netlink *netlink, enum mirror_class class,
			 struct netlink_class_stats *ret_stats)
{
	*ret_stats = netlink->class[class].stats;
}
