#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A magnet link and no tracker: dht.py BUILD [CASE]... The distributed hash table alone brings Shoal and another program
together, each way: the two nodes are the whole network. Prints TAP and leaves a row for table.py."""

import argparse
import json
import sys
import time
from pathlib import Path

from gossip import Row
from ground import Scene, Tap, end_on_sigterm, own_network

HOST = '127.0.0.1'
OPEN = {'enable_dht': True, 'dht_restrict_routing_ips': False, 'dht_restrict_search_ips': False, 'dht_announce_interval': 5}   # seconds; a quarter of an hour is usual


def magnet(torrent):
    return f'magnet:?xt=urn:btih:{torrent.v1.hex()}'


def with_libtorrent(row, we_seed, host):
    with Scene(host) as scene:
        torrent = row.torrent(scene)
        got, share = scene.new_folder('got'), scene.folder / 'share'
        ours, theirs = scene.port(), scene.port()
        link = magnet(torrent)
        programs = [
            row.shoal(scene, torrent.path if we_seed else link, share if we_seed else got, '--dht-router', f'127.0.0.2:{theirs}',
                      use=('--no-dht',), port=ours),
            row.libtorrent(scene, link if we_seed else torrent.path, got if we_seed else share, '127.0.0.2', theirs,
                           dht_bootstrap_nodes=f'127.0.0.1:{ours}', **OPEN),
        ]
        row.complete(scene, got, programs)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('build')
    parser.add_argument('cases', nargs='*')
    args = parser.parse_intermixed_args()
    end_on_sigterm()
    own_network()
    row, tap, results = Row(args.build), Tap(), {}
    for name, other, function in (('libtorrent', row.lt, with_libtorrent),):
        for case, we_seed in ((f'{name} seeds', False), (f'{name} gets', True)):
            if args.cases and not any(wanted in case for wanted in args.cases):
                continue
            if not other.installed():
                results[case] = 'not installed'
                continue
            began = time.monotonic()
            results[case] = tap.case(case, function, row, we_seed, HOST)
            print(f'# {case}: {time.monotonic() - began:.1f} s')
    tap.plan()
    (Path(args.build) / 'interop-dht.json').write_text(json.dumps({'program': 'dht', 'address': HOST, 'row': results}))
    return 1 if tap.failed else 0


if __name__ == '__main__':
    sys.exit(main())
