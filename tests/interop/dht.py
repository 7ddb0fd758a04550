#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A magnet link and no tracker: dht.py BUILD [CASE]... The distributed hash table alone brings Shoal and another program
together, each way and over IPv4 and IPv6. The network is the two of them where that is libtorrent; the others, of which
transmission does not search before it knows nine nodes, meet among nodes that belong to nobody. Items: what one libtorrent stored at Shoal is read by another (BEP 44), and it samples
what Shoal knows of (BEP 51). Prints TAP and leaves a row for table.py."""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

from clients import PYTHON, Aria2, RTorrent
from gossip import Row
from ground import Failed, Scene, Tap, arguments, own_network, until

HERE = Path(__file__).resolve().parent
IPV6 = '2001:db8:91::1'        # and the following, on loopback: no program takes them for local ones
CROWD = 12
OPEN = {'enable_dht': True, 'dht_restrict_routing_ips': False, 'dht_restrict_search_ips': False, 'dht_announce_interval': 5}   # seconds; a quarter of an hour is usual


def make_ipv6():
    """FALSE: there is no network of our own, no ip, or no IPv6."""
    steps = [['-6', 'addr', 'add', f'{IPV6[:-1]}{number}/128', 'dev', 'lo', 'nodad'] for number in range(1, 4)]
    return (os.environ.get('SHOAL_OWN_NETWORK') == 'yes' and shutil.which('ip') is not None
            and all(subprocess.run(['ip', *step], capture_output=True, check=False).returncode == 0 for step in steps))


def endpoint(host, port):
    return f'[{host}]:{port}' if ':' in host else f'{host}:{port}'


# ---- programs: each starts with nodes to ask -----------------------------------------------------

def libtorrent(row, scene, source, folder, seeds, at, port, nodes):
    host = f'[{at}]' if ':' in at else at
    return row.libtorrent(scene, source, folder, host, port, dht_bootstrap_nodes=nodes[0], outgoing_interfaces=at, **OPEN)


def transmission(row, scene, source, folder, seeds, at, port, nodes):
    """Its nodes are as if kept from an earlier run: it tries one every two seconds, and those of dht.bootstrap only every quarter of a minute."""
    def fill(home):
        kept = b''.join(socket.inet_aton(one.rpartition(':')[0]) + int(one.rpartition(':')[2]).to_bytes(2, 'big') for one in nodes)
        (home / 'dht.dat').write_bytes(b'd2:id20:%s5:nodes%d:%se' % (os.urandom(20), len(kept), kept))
    program = row.transmission.start(scene, {'dht-enabled': True, 'peer-port': port, 'bind-address-ipv4': at}, fill)
    row.transmission.add(program, source, folder)
    return program


def aria2(row, scene, source, folder, seeds, at, port, nodes):
    more = ['--enable-dht=true', f'--dht-listen-port={port}', f'--dht-entry-point={nodes[0]}', f'--dht-file-path={scene.folder}/dht.dat', f'--interface={at}']
    return Aria2().run(scene, source, folder, *more, *(['--check-integrity=true', '--seed-ratio=0.0'] if seeds else ['--seed-time=0']))


def rtorrent(row, scene, source, folder, seeds, at, port, nodes):
    """A minute goes by before it looks for nodes again after it knew none at its start."""
    return RTorrent().run(scene, source, folder, f'''\
network.bind_address.set = {at}
dht.mode.set = on
dht.port.set = {port}
schedule2 = dht, 0, 0, "dht.add_node={nodes[0]}"
''')


# ---- cases ---------------------------------------------------------------------------------------

def crowd(scene):
    """Nodes that belong to nobody. Returns their endpoints."""
    endpoints = [endpoint(scene.another_host(), scene.port()) for _ in range(CROWD)]
    program = scene.run('crowd', [PYTHON, HERE / 'lt_crowd.py', *endpoints])
    until(lambda: 'ready' in program.output(), 60, 'the crowd knows itself', [program])
    return endpoints


def find(row, start, we_seed, host, us=None, them=None):
    """Of the two, Shoal is at @us and the other at @them."""
    with Scene(host) as scene:
        torrent = row.torrent(scene)
        got, share = scene.new_folder('got'), scene.folder / 'share'
        us, them, ours, theirs = us or host, them or scene.another_host(), scene.port(), scene.port()
        link = f'magnet:?xt=urn:btih:{torrent.v1.hex()}'
        common = crowd(scene) if start is not libtorrent else None
        # On loopback it would be seen at whichever of its addresses was added last.
        shoal = row.shoal(scene, torrent.path if we_seed else link, share if we_seed else got, '--dht-router', common[0] if common else endpoint(them, theirs),
                          *(['--bind', us] if ':' in us else []), use=('--no-dht',), port=ours)
        if common and we_seed:
            # Who searched in vain waits for minutes before it does again.
            until(lambda: ' were told' in shoal.output(), 30, 'Shoal is announced', [shoal])
        other = start(row, scene, link if we_seed else torrent.path, got if we_seed else share, not we_seed, them, theirs, common or [endpoint(us, ours)])
        row.complete(scene, got, [shoal, other])


def items(row, host):
    with Scene(host) as scene:
        ours = scene.port()
        programs = [row.shoal(scene, row.torrent(scene).path, scene.folder / 'share', use=('--no-dht',), port=ours)]
        for role in ('put', 'get'):
            program = scene.run(role, [PYTHON, HERE / 'lt_items.py', role, endpoint(scene.another_host(), scene.port()), endpoint(host, ours),
                                       '5a' * 20])
            programs.append(program)
            until(lambda program=program: 'done' in program.output(), 60, f'libtorrent is through with {role}', programs)
            if role == 'put':
                program.end()
                programs.remove(program)
        if 'immutable mutable sample' not in program.output():
            raise Failed(f'something was not answered\n{program.tail()}')


def cases(row, host, ipv6):
    for name, start in (('libtorrent', libtorrent), ('transmission', transmission), ('aria2', aria2), ('rtorrent', rtorrent)):
        for way, we_seed in (('seeds', False), ('gets', True)):
            yield f'{name} {way}', find, (row, start, we_seed, host)
    for way, we_seed in (('seeds', False), ('gets', True)):
        if ipv6:
            yield f'libtorrent v6 {way}', find, (row, libtorrent, we_seed, host, IPV6, IPV6[:-1] + '2')
    yield 'items', items, (row, host)


def main():
    args = arguments()
    host = own_network()
    ipv6 = make_ipv6()
    if not ipv6:
        print('# no IPv6: addresses can be given only in a network of our own')
    row, tap, results = Row(args.build), Tap(), {}
    row.us.env['G_MESSAGES_DEBUG'] = 'shoal-engine'
    for case, function, given in cases(row, host, ipv6):
        if not args.cases or any(wanted in case for wanted in args.cases):
            results[case] = tap.case(case, function, *given)
    return tap.leave(args.build, 'dht', results)


if __name__ == '__main__':
    sys.exit(main())
