#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Shoal is to the swarm: manners.py BUILD [CASE]... A super-seed (BEP 16) serves three other programs and gives little more than
one copy, and another's serves Shoal; who has some files and wants no more says so (BEP 21), and so do others; blocked addresses get and give nothing. Prints
TAP and leaves a row for table.py."""

import base64
import json
import shutil
import socket
import sys

from clients import OTHERS, Shoal, counters, progress
from ground import Failed, OpenTracker, Scene, Tap, Torrent, arguments, own_network, skip, until, until_same, write_payload
from interop import finish_ours

SECONDS = 60
COPIES = 2.0          # of the payload, that a super-seed may give to three; three is what they would take of any other
FILES = tuple((f'file {number}.bin', 3_000_000 + number) for number in range(4))


def make(us, scene, host=None):
    """A torrent, with a tracker where there is a host for one."""
    write_payload(scene.folder / 'share' / 'Some files', FILES)
    out = scene.folder / 'bare.torrent'
    us.create(scene.folder / 'share' / 'Some files', out, 'v1')
    if not host:
        return Torrent(out), None
    tracker = OpenTracker(scene, [Torrent(out)])
    us.create(scene.folder / 'share' / 'Some files', out, 'v1', tracker.http)
    return Torrent(out), tracker


def super_seed(us, host):
    with Scene(host) as scene:
        torrent, tracker = make(us, scene, host)
        seed = us.seed(scene, torrent, scene.folder / 'share', more=('--super-seeding', '--json'))
        until(lambda: tracker.scrape(torrent.v1) != (0, 0), SECONDS, 'the seed announced itself', [seed, tracker.program])
        got = {name: scene.new_folder(name) for name in ('libtorrent', 'transmission', 'aria2')}
        programs = [OTHERS[name].run(scene, torrent.path, folder, '--seed-ratio=0.0') if name == 'aria2' else
                    OTHERS[name].download(scene, torrent.path, folder) for name, folder in got.items()]
        for folder in got.values():
            until_same(scene.folder / 'share', folder, SECONDS, [seed], tails=programs)
        size = sum(size for _, size in FILES)
        until(lambda: progress(seed).get('rate_up') == 0, SECONDS, 'nothing moves any more', [seed])
        given = progress(seed)['uploaded']
        print(f'# three copies of {size} bytes were made of {given}')
        if not size <= given <= COPIES * size:
            raise Failed(f'{given} bytes were given for three copies of {size}')


def super_seeded(us, host):
    """Another program shows Shoal a piece at a time, and the next one when it has that."""
    other = OTHERS['qbittorrent']
    with Scene(host) as scene:
        torrent, tracker = make(us, scene, host)
        seed = other.seed(scene, torrent, scene.folder / 'share')
        until(lambda: tracker.seeds(torrent) > 0, SECONDS, 'the seed announced itself', [seed, tracker.program])
        other.call(seed, 'torrents/setSuperSeeding', hashes=torrent.v1.hex(), value='true')
        until(lambda: json.loads(other.call(seed, 'torrents/info'))[0]['super_seeding'], SECONDS, 'it seeds so', [seed])
        got = scene.new_folder('got')
        finish_ours(us, us.download(scene, torrent.path, got), scene.folder / 'share', got)


def says_partial(us, host):
    """Another program knows of Shoal, which has one file of four, that it only uploads, and takes what there is."""
    lt = OTHERS['libtorrent']
    with Scene(host) as scene:
        torrent, _ = make(us, scene)
        port, seed_port = scene.port(), scene.port()
        seed = lt.run(scene, torrent.path, scene.folder / 'share', '--port', seed_port)
        ours = us.command(scene, 'download', torrent.path, '--dir', scene.new_folder('ours'), '--seed', '--select', '0', '--port', port, *us.ALONE,
                          '--peer', f'{scene.host.rpartition(".")[0]}.{scene.hosts}:{seed_port}')
        until(lambda: 'complete ' in ours.output(), SECONDS, 'the one file is there', [ours, seed], lambda: len(ours.output()))
        seed.end()
        # Slow enough that it is seen: libtorrent parts from whoever uploads only and has nothing more for it.
        other = lt.run(scene, torrent.path, scene.new_folder('other'), '--peer', f'{host}:{port}', '--limit-down', '2048')
        until(lambda: 'ready' in other.output(), SECONDS, 'libtorrent is up', [other])
        until(lambda: counters(other)['partial'] == 1, SECONDS, 'libtorrent is told that Shoal uploads only', [ours, other])
        until(lambda: counters(other)['down'] >= FILES[0][1], SECONDS, 'the other one has that file', [ours, other])


def hears_partial(us, host):
    """Shoal, which has everything, parts from a peer that has some and wants no more, as it would from a seed."""
    lt, transmission = OTHERS['libtorrent'], OTHERS['transmission']
    with Scene(host) as scene:
        torrent, tracker = make(us, scene, host)
        seed = lt.seed(scene, torrent, scene.folder / 'share')
        daemon = transmission.start(scene)
        transmission.call(daemon, 'torrent-add', **{'download-dir': str(scene.new_folder('other')), 'files-unwanted': [1, 2, 3],
                                                    'metainfo': base64.b64encode(torrent.path.read_bytes()).decode()})
        until(lambda: any(entry['leftUntilDone'] == 0 and entry['haveValid'] >= FILES[0][1] for entry in transmission.call(
            daemon, 'torrent-get', fields=['leftUntilDone', 'haveValid'])['torrents']), SECONDS, 'transmission has its one file', [daemon, seed])
        seed.end()
        ours = scene.run('shoal', [us.cli, 'download', torrent.path, '--dir', scene.folder / 'share', '--seed', '--port', scene.port(), *us.ALONE],
                         env={**us.env, 'G_MESSAGES_DEBUG': 'shoal-engine'})
        until(lambda: 'neither side wants anything' in ours.output(), SECONDS, 'Shoal parts from it', [ours, daemon, tracker.program])


def greeted(scene, source, port, torrent):
    """What Shoal answers to a handshake from that address."""
    with socket.create_connection((scene.host, port), 10, (source, 0)) as link:
        try:
            link.sendall(b'\x13BitTorrent protocol' + bytes(8) + torrent.v1 + b'-XX0001-' + bytes(12))
            return link.recv(1)
        except ConnectionError:
            return b''


def blocked(us, host):
    """A blocked seed dials and is dialled in vain; another one gives everything."""
    lt = OTHERS['libtorrent']
    with Scene(host) as scene:
        torrent, _ = make(us, scene)
        port, got = scene.port(), scene.new_folder('got')
        seed = lt.run(scene, torrent.path, scene.folder / 'share', '--peer', f'{host}:{port}')
        address = f'{host.rpartition(".")[0]}.{scene.hosts}'
        seed_port = seed.argv[seed.argv.index('--port') + 1]
        rules = scene.folder / 'list.p2p'
        rules.write_text(f'nobody:1.2.3.4-1.2.3.5\nthe seed:{address}-{address}\n')
        program = us.command(scene, 'download', torrent.path, '--dir', got, '--port', port, '--peer', f'{address}:{seed_port}',
                             '--filter', rules, *us.ALONE)
        until(lambda: _listens(host, port), SECONDS, 'Shoal listens', [program])
        until(lambda: greeted(scene, address, port, torrent) == b'' and greeted(scene, f'{host.rpartition(".")[0]}.99', port, torrent) == b'\x13',
              SECONDS, 'it greets nobody that is blocked, and others', [program, seed])
        lt.run(scene, torrent.path, scene.folder / 'share', '--peer', f'{host}:{port}')
        finish_ours(us, program, scene.folder / 'share', got)
        if counters(seed)['up'] != 0:
            raise Failed('a blocked peer gave something')


def _listens(host, port):
    try:
        socket.create_connection((host, port), 1).close()
        return True
    except OSError:
        return False


CASES = {'super-seed': super_seed, "another's super-seed": super_seeded, 'partial seed says so': says_partial, 'partial seed is heard': hears_partial, 'blocked peer': blocked}


def main():
    args = arguments()
    host = own_network()
    absent = [name for name in ('libtorrent', 'transmission', 'aria2', 'qbittorrent') if not OTHERS[name].installed()]
    absent += [] if shutil.which('opentracker') else ['opentracker']
    if absent:
        return skip(args.build, 'manners', f'{", ".join(absent)} not installed')
    if host.startswith('127.'):
        return skip(args.build, 'manners', 'no network of its own can be made here')
    us, tap = Shoal(args.build), Tap()
    row = tap.together([(name, case, (us, host)) for name, case in CASES.items() if not args.cases or name in args.cases])
    return tap.leave(args.build, 'manners', row)


if __name__ == '__main__':
    sys.exit(main())
