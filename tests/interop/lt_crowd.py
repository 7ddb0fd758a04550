#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small network of libtorrent's DHT nodes without torrents, until it is killed: lt_crowd.py ENDPOINT... Each has an address
of its own and begins with the first. Says "ready" once every one of them tells a stranger of enough others: a node tells only of
those that answered it, and so each searches until it was answered."""

import os
import socket
import sys

import libtorrent as lt

TOLD = 8          # nodes, in one answer


def node(endpoint, first):
    return lt.session({
        'listen_interfaces': endpoint, 'outgoing_interfaces': endpoint.rpartition(':')[0].strip('[]'), 'dht_bootstrap_nodes': first,
        'enable_dht': True, 'enable_lsd': False, 'enable_upnp': False, 'enable_natpmp': False, 'dht_restrict_routing_ips': False,
        'dht_restrict_search_ips': False, 'dht_block_ratelimit': 10000, 'alert_mask': 0})


def told(endpoint):
    """How many nodes it tells somebody of who asks."""
    host, _, port = endpoint.rpartition(':')
    six = host.startswith('[')
    with socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.settimeout(0.3)
        query = lt.bencode({'a': {'id': os.urandom(20), 'target': os.urandom(20)}, 'q': 'find_node', 't': b'aa', 'y': 'q', 'ro': 1})
        try:
            stranger.sendto(query, (host.strip('[]'), int(port)))
            answer = lt.bdecode(stranger.recv(4096)).get(b'r', {})
        except (OSError, RuntimeError):
            return 0
    return len(answer.get(b'nodes6', b'')) // 38 if six else len(answer.get(b'nodes', b'')) // 26


def main():
    endpoints = sys.argv[1:]
    sessions = {endpoint: node(endpoint, endpoints[0]) for endpoint in endpoints}
    unknown = list(endpoints)
    while True:
        sessions[endpoints[0]].wait_for_alert(200)
        if not unknown:
            continue
        unknown = [endpoint for endpoint in unknown if told(endpoint) < TOLD]
        for endpoint in unknown:
            sessions[endpoint].dht_get_peers(lt.sha1_hash(os.urandom(20)))
        if not unknown:
            print('ready', flush=True)


if __name__ == '__main__':
    main()
