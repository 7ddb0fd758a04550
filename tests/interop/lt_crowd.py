#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small network of libtorrent's DHT nodes without torrents, until it is killed: lt_crowd.py ENDPOINT... Each has an address
of its own and begins with the first. Says "ready" once every one of them knows most of the others."""

import sys

import libtorrent as lt

KNOWN = 0.7     # of the others, that a node of the crowd knows


def node(endpoint, first):
    return lt.session({
        'listen_interfaces': endpoint, 'outgoing_interfaces': endpoint.rpartition(':')[0].strip('[]'), 'dht_bootstrap_nodes': first,
        'enable_dht': True, 'enable_lsd': False, 'enable_upnp': False, 'enable_natpmp': False, 'dht_restrict_routing_ips': False,
        'dht_restrict_search_ips': False, 'dht_block_ratelimit': 10000, 'alert_mask': 0})


def main():
    endpoints = sys.argv[1:]
    sessions = [node(endpoint, endpoints[0]) for endpoint in endpoints]
    ready = False
    while True:
        sessions[0].wait_for_alert(200)
        if not ready and all(session.status().dht_nodes >= KNOWN * (len(endpoints) - 1) for session in sessions):
            ready = True
            print('ready', flush=True)


if __name__ == '__main__':
    main()
