#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A magnet link and no tracker: dht.py BUILD [CASE]... The distributed hash table alone brings Shoal and another program
together, each way and over IPv4 and IPv6. The network is the two of them where that is libtorrent or qbittorrent; the others, of
which transmission does not search before it knows nine nodes, meet among nodes that belong to nobody. Items: what one libtorrent
stored at Shoal is read by another (BEP 44), and it samples what Shoal knows of (BEP 51). Prints TAP and leaves a row for table.py."""

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path

from clients import OTHERS, PYTHON, Aria2, QBittorrent, RTorrent
from gossip import Row
from ground import Failed, Scene, Tap, arguments, own_network, until, write_payload

HERE = Path(__file__).resolve().parent
IPV6 = '2001:db8:91::'         # and what follows, on loopback: no program takes them for local ones
CROWD = 12
OPEN = {'enable_dht': True, 'dht_restrict_routing_ips': False, 'dht_restrict_search_ips': False, 'dht_announce_interval': 5}   # seconds; a quarter of an hour is usual


def ipv6(number):
    return f'{IPV6}{number:x}'


def make_ipv6():
    """FALSE: there is no network of our own, no ip, or no IPv6. Transmission speaks it only where a way leads into the world."""
    steps = [*(['addr', 'add', f'{ipv6(number)}/128', 'dev', 'lo', 'nodad'] for number in range(1, CROWD + 10)),
             ['route', 'add', 'default', 'dev', 'lo', 'src', ipv6(1)]]
    return (os.environ.get('SHOAL_OWN_NETWORK') == 'yes' and shutil.which('ip') is not None
            and all(subprocess.run(['ip', '-6', *step], capture_output=True, check=False).returncode == 0 for step in steps))


def endpoint(host, port):
    return f'[{host}]:{port}' if ':' in host else f'{host}:{port}'


# ---- programs: each starts with nodes to ask -----------------------------------------------------

def libtorrent(row, scene, source, folder, seeds, at, port, nodes):
    host = f'[{at}]' if ':' in at else at
    return row.libtorrent(scene, source, folder, host, port, dht_bootstrap_nodes=nodes[0], outgoing_interfaces=at, **OPEN)


def kept(nodes):
    """Endpoints as a DHT writes them."""
    parts = [one.rpartition(':') for one in nodes]
    return b''.join(socket.inet_pton(socket.AF_INET6 if '[' in host else socket.AF_INET, host.strip('[]')) + int(port).to_bytes(2, 'big')
                    for host, _, port in parts)


def transmission(row, scene, source, folder, seeds, at, port, nodes):
    """Its nodes are as if kept from an earlier run: it tries one every two seconds, and those of dht.bootstrap only every quarter of a minute."""
    v6 = ':' in at

    def fill(home):
        data = kept(nodes)
        (home / 'dht.dat').write_bytes(b'd2:id20:%s%s%d:%se' % (os.urandom(20), b'6:nodes6' if v6 else b'5:nodes', len(data), data))
    program = row.transmission.start(scene, {'dht-enabled': True, 'peer-port': port, f'bind-address-ipv{6 if v6 else 4}': at}, fill)
    row.transmission.add(program, source, folder)
    return program


def aria2(row, scene, source, folder, seeds, at, port, nodes):
    if ':' in at:
        more = ['--disable-ipv6=false', '--enable-dht6=true', f'--dht-listen-addr6={at}', f'--dht-entry-point6={nodes[0]}', f'--dht-file-path6={scene.folder}/dht6.dat']
    else:
        more = ['--enable-dht=true', f'--dht-entry-point={nodes[0]}', f'--dht-file-path={scene.folder}/dht.dat']
    more += [f'--dht-listen-port={port}', f'--interface={at}']
    return Aria2().run(scene, source, folder, *more, *(['--check-integrity=true', '--seed-ratio=0.0'] if seeds else ['--seed-time=0']))


def rtorrent(row, scene, source, folder, seeds, at, port, nodes):
    """Its nodes are as if kept from an earlier run: where it knows none at its start a minute goes by
    before it looks for some again. 0.9.8 announces itself, but takes the first bytes of the list of
    peers that it is told for an address and dials nobody: it has to be found."""
    def fill(home):
        contacts = b''.join(b'l%d:%si%see' % (len(host), host.encode(), number.encode()) for host, _, number in (one.rpartition(':') for one in nodes))
        (home / 'session' / 'rtorrent.dht_cache').write_bytes(b'd8:contactsl%see' % contacts)
    return RTorrent().run(scene, source, folder, f'network.bind_address.set = {at}\ndht.mode.set = on\ndht.port.set = {port}\n', fill)


def qbittorrent(row, scene, source, folder, seeds, at, port, nodes):
    """It takes nodes from .torrent files alone, and searches at once for what comes when it knows one."""
    client = QBittorrent()
    program = client.start(scene, {'DHTEnabled': 'true', 'Port': port, 'InterfaceAddress': at})
    host, _, number = nodes[0].rpartition(':')
    write_payload(scene.folder / 'other', (('a', 1),))
    row.us.create(scene.folder / 'other', scene.folder / 'other.torrent', 'v1')
    data = (scene.folder / 'other.torrent').read_bytes()
    named = scene.folder / 'named.torrent'
    named.write_bytes(data[:-1] + b'5:nodesll%d:%si%seeee' % (len(host), host.encode(), number.encode()))
    client.add(program, named, scene.folder)
    until(lambda: json.loads(client.call(program, 'transfer/info'))['dht_nodes'], 30, 'it knows a node', [program])
    client.add(program, source, folder)
    return program


# ---- cases ---------------------------------------------------------------------------------------

class Crowds:
    """Nodes that belong to nobody, one lot for each family, from when they are first wanted."""

    def __init__(self, host):
        self.host, self.lots, self.lock, self.scene = host, {}, threading.Lock(), None

    def __enter__(self):
        self.scene = Scene(self.host).__enter__()
        return self

    def __exit__(self, *what):
        self.scene.__exit__(*what)

    def get(self, v6):
        """Their endpoints."""
        with self.lock:
            if v6 not in self.lots:
                prefix = f'{self.host.rpartition(".")[0]}.'
                endpoints = [endpoint(ipv6(10 + n) if v6 else f'{prefix}{100 + n}', self.scene.port()) for n in range(CROWD)]
                program = self.scene.run('crowd', [PYTHON, HERE / 'lt_crowd.py', *endpoints])
                until(lambda: 'ready' in program.output(), 60, 'the crowd knows itself', [program])
                self.lots[v6] = endpoints
            return self.lots[v6]


def is_announced(nodes, key):
    """Whether one of the nodes knows of a peer (BEP 5)."""
    query = b'd1:ad2:id20:%s9:info_hash20:%se1:q9:get_peers1:t2:aa1:y1:qe' % (os.urandom(20), key)
    with socket.socket(socket.AF_INET6 if '[' in nodes[0] else socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.settimeout(0.3)
        for host, _, port in (one.rpartition(':') for one in nodes):
            asker.sendto(query, (host.strip('[]'), int(port)))
        try:
            return any(b'6:valuesl' in asker.recv(4096) for _ in nodes)
        except OSError:
            return False


def find(row, start, we_seed, crowds, us=None, them=None):
    """Of the two, Shoal is at @us and the other at @them."""
    with Scene(crowds.host) as scene:
        torrent = row.torrent(scene)
        got, share = scene.new_folder('got'), scene.folder / 'share'
        us, them, ours, theirs = us or crowds.host, them or scene.another_host(), scene.port(), scene.port()
        link = f'magnet:?xt=urn:btih:{torrent.v1.hex()}'
        common = crowds.get(':' in us) if start not in (libtorrent, qbittorrent) else None
        begin = {
            # On loopback it would be seen at whichever of its addresses was added last.
            True: lambda: row.shoal(scene, torrent.path if we_seed else link, share if we_seed else got,
                                    '--dht-router', common[0] if common else endpoint(them, theirs),
                                    *(['--bind', us] if ':' in us else []), use=('--no-dht',), port=ours),
            False: lambda: start(row, scene, link if we_seed else torrent.path, got if we_seed else share, not we_seed,
                                 them, theirs, common or [endpoint(us, ours)]),
        }
        # Who dials comes last: a search in vain is not repeated for minutes.
        we_dial = start is rtorrent and we_seed
        first = begin[not we_dial]()
        if common and we_seed:
            until(lambda: is_announced(common, torrent.v1), 60, 'the first one is announced', [first])
        row.complete(scene, got, [first, begin[we_dial]()])


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


def cases(row, crowds, v6):
    for name, start in (('libtorrent', libtorrent), ('transmission', transmission), ('aria2', aria2), ('rtorrent', rtorrent),
                        ('qbittorrent', qbittorrent)):
        for way, we_seed in (('seeds', False), ('gets', True)):
            if OTHERS[name].installed():
                yield f'{name} {way}', find, (row, start, we_seed, crowds)
                if v6 and name in ('libtorrent', 'transmission', 'aria2'):
                    yield f'{name} v6 {way}', find, (row, start, we_seed, crowds, ipv6(1), ipv6(2))
    yield 'items', items, (row, crowds.host)


def main():
    args = arguments()
    host = own_network()
    v6 = make_ipv6()
    if not v6:
        print('# no IPv6: addresses can be given only in a network of our own')
    row, tap = Row(args.build), Tap()
    row.us.env['G_MESSAGES_DEBUG'] = 'shoal-engine'
    with Crowds(host) as crowds:
        # They mostly wait.
        results = tap.together([case for case in cases(row, crowds, v6) if not args.cases or any(wanted in case[0] for wanted in args.cases)])
    return tap.leave(args.build, 'dht', results)


if __name__ == '__main__':
    sys.exit(main())
