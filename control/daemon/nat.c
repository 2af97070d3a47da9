// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * nat.c - the addresses that 'masquerade' takes, as the interfaces have them
 *
 * DOC: Table 'nat_addrs' is the only place that knows what it was before: so a daemon that
 * starts finds what has changed meanwhile. Flows that were given an address that no interface
 * has any more go: nobody answers for it.
 */
#include <string.h>

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <base/file.h>
#include <base/log.h>
#include <daemon/daemon.h>
#include <kernel/flows.h>
#include <kernel/nat.h>

static bool nat_is_none(const struct shunt_addr *addr)
{
	return !addr->half[0] && !addr->half[1];
}

/* IPv4: as the kernel picks one; IPv6: one that stays */
static bool nat_usable(const struct addr *addr)
{
	if (addr->scope != RT_SCOPE_UNIVERSE)
		return false;
	if (addr->family == AF_INET)
		return !(addr->flags & IFA_F_SECONDARY);
	return !(addr->flags & (IFA_F_TEMPORARY | IFA_F_DEPRECATED | IFA_F_TENTATIVE |
				IFA_F_DADFAILED));
}

/* The first of each family in the kernel's order. Return: false: there is none */
static bool nat_wanted(const struct addr_table *table, uint32_t ifindex,
		       struct nat_addrs *ret_addrs)
{
	const struct addr *first[2] = {}, *addr;
	unsigned int i, six;

	for (i = 0; i < table->n; i++) {
		addr = &table->addr[i];
		six = addr->family == AF_INET6;
		if (addr->ifindex == ifindex && nat_usable(addr) &&
		    (!first[six] || addr->order < first[six]->order))
			first[six] = addr;
	}
	*ret_addrs = (struct nat_addrs){};
	if (first[0])
		ret_addrs->addr4 = first[0]->addr;
	if (first[1])
		ret_addrs->addr6 = first[1]->addr;
	return first[0] || first[1];
}

static bool nat_is_there(const struct addr_table *table, const struct shunt_addr *addr)
{
	unsigned int i;

	for (i = 0; i < table->n; i++)
		if (!memcmp(&table->addr[i].addr, addr, sizeof(*addr)))
			return true;
	return false;
}

static bool nat_has(const struct flow *flow, unsigned int family, const struct shunt_addr *addr)
{
	uint64_t flags = flow->flow.life >> CONNTRACK_FLAGS_SHIFT;

	if (flow->family != family || !(flags & CONNTRACK_SNAT))
		return false;
	return family ? !memcmp(&flow->flow6.nat_addr[0], addr, sizeof(*addr)) :
			flow->flow4.nat_addr[0] == addr->v4;
}

static void nat_forget(struct daemon *daemon, unsigned int family, const struct shunt_addr *addr)
{
	struct flows *flows = install_flows(daemon->install);
	uint64_t cursor = 0;
	struct flow flow;
	unsigned int n = 0;
	int r;

	while ((r = flows_next(flows, &cursor, UINT32_MAX, &flow)) >= 0)
		if (r > 0 && nat_has(&flow, family, addr) && flows_remove(flows, &flow) == 0)
			n++;
	if (n)
		log_info("%u flows had an address that is gone", n);
}

/* What was there, and is to be something else */
static void nat_changed(struct daemon *daemon, const struct nat_addrs *was,
			const struct nat_addrs *now)
{
	const struct addr_table *table = netlink_addrs(daemon->netlink);
	const struct shunt_addr *old[] = { &was->addr4, &was->addr6 };
	const struct shunt_addr *new[] = { &now->addr4, &now->addr6 };
	unsigned int i;

	for (i = 0; i < 2; i++)
		if (memcmp(old[i], new[i], sizeof(*old[i])) && !nat_is_none(old[i]) &&
		    !nat_is_there(table, old[i]))
			nat_forget(daemon, i, old[i]);
}

static void nat_put(int fd, uint32_t ifindex, const struct nat_addrs *addrs)
{
	int r = nat_addrs_put(fd, ifindex, addrs);

	if (r < 0)
		log_warn("masquerade: addresses of interface %u: %s", ifindex, strerror(-r));
}

void nat_sync(struct daemon *daemon)
{
	const struct addr_table *table = netlink_addrs(daemon->netlink);
	struct nat_addrs was, now;
	uint32_t ifindex = 0, last = 0;
	int fd = nat_addrs_open(daemon->bpffs);
	unsigned int i;
	bool any;

	if (fd < 0) {
		log_warn("masquerade: table 'nat_addrs': %s", strerror(-fd));
		return;
	}
	while (nat_addrs_next(fd, &ifindex, &was) == 0) {
		any = nat_wanted(table, ifindex, &now);
		if (!memcmp(&was, &now, sizeof(was)))
			continue;
		nat_put(fd, ifindex, any ? &now : NULL);
		nat_changed(daemon, &was, &now);
		if (!any)
			ifindex = 0;	/* what is gone has no next one */
	}
	for (i = 0; i < table->n; i++) {
		ifindex = table->addr[i].ifindex;
		if (ifindex != last && nat_wanted(table, ifindex, &now))
			nat_put(fd, ifindex, &now);
		last = ifindex;
	}
	fd_close(fd);
}
