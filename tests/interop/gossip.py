#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Peers that are found without a tracker, and what trackers count: gossip.py BUILD [CASE]... Peer exchange (BEP 11): a third
client is found only because a second one tells of it. Local discovery (BEP 14) on a made-up interface. Scrapes (BEP 48) of
opentracker, seen by a relay in front of it. Prints TAP and leaves rows for table.py."""

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

from clients import OTHERS, LibTorrent, Shoal, Transmission, counters, progress
from ground import ODD_FILES, Failed, OpenTracker, Scene, Tap, Torrent, arguments, own_network, room_taken, skip, until, until_same, write_payload

SECONDS = 280          # peers are told of at most once a minute; rtorrent looks every other minute, and first says only that it will
NOWHERE = 'http://127.0.0.1:9/announce'     # rtorrent takes no torrent without a tracker where it has no DHT
TOTAL = sum(size for _, size in ODD_FILES)
NETWORK = '10.92.0'
ADDRESS = f'{NETWORK}.1'
COUNTED = 5              # torrents of one tracker
QUIET = '10.91.0'        # on loopback: what listens on an interface may not hear its own machine


def make_network():
    """An interface with multicast in the namespace of the test. FALSE: there is no ip, or no right to."""
    if os.environ.get('SHOAL_OWN_NETWORK') != 'yes' or not shutil.which('ip'):
        return False
    steps = [['link', 'add', 'lan', 'type', 'veth', 'peer', 'name', 'far'], *[['addr', 'add', f'{NETWORK}.{n}/24', 'dev', 'lan'] for n in range(1, 9)],
             ['addr', 'add', 'fd92::1/64', 'dev', 'lan', 'nodad'], ['link', 'set', 'lan', 'up', 'multicast', 'on'], ['link', 'set', 'far', 'up'],
             ['route', 'add', 'default', 'dev', 'lan']]
    return all(subprocess.run(['ip', *step], capture_output=True, check=False).returncode == 0 for step in steps)


class Row:
    """What every case needs: a torrent without a tracker, and who takes part."""

    def __init__(self, build):
        self.us = Shoal(build)
        self.lt = LibTorrent()
        self.transmission = Transmission()

    def torrent(self, scene, tracker=None):
        """Each has an info-hash of its own."""
        share = scene.folder / 'share' / f'Odd sizes of {scene.folder.name}'
        write_payload(share)
        out = scene.folder / f'{"with" if tracker else "no"}.torrent'
        self.us.create(share, out, 'v1', tracker)
        return Torrent(out)

    def shoal(self, scene, source, folder, *more, use=(), port=None):
        """Everything off but what is in use."""
        alone = [flag for flag in Shoal.ALONE if flag not in use]
        program = self.us.command(scene, 'download', source, '--dir', folder, '--seed', '--port', port or scene.port(), *alone, *more)
        return program

    def libtorrent(self, scene, source, folder, host, port, *more, **settings):
        return scene.run('libtorrent', [sys.executable, Path(__file__).parent / 'lt_client.py', source, '--dir', folder, '--host', host,
                                        '--port', port, '--settings', json.dumps(settings), *more])

    def other(self, scene, name, torrent, folder, host, port):
        """Another program with peer exchange and nothing else, at that address, slow."""
        client = OTHERS[name]
        if name == 'libtorrent':
            return self.libtorrent(scene, torrent.path, folder, host, port, '--limit-down', '1')
        if name == 'transmission':
            more = {'pex-enabled': True, 'peer-port': port, 'bind-address-ipv4': host, 'speed-limit-down-enabled': True, 'speed-limit-down': 1,
                    'preallocation': 0}
        elif name == 'qbittorrent':
            more = {'PeXEnabled': 'true', 'Port': port, 'InterfaceAddress': host, 'GlobalDLSpeedLimit': 1}
        elif name == 'aria2':
            # It parts from whom it has nothing for within half a minute.
            more = ('--enable-peer-exchange=true', f'--listen-port={port}', f'--interface={host}', '--max-download-limit=10K', '--max-upload-limit=1K')
        else:
            more = (f'protocol.pex.set = yes\nnetwork.port_range.set = {port}-{port}\nnetwork.bind_address.set = {host}\n'
                    'throttle.global_down.max_rate.set_kb = 1\n')
        return client.download(scene, torrent.path, folder, more=more)

    @staticmethod
    def complete(scene, got, programs):
        until_same(scene.folder / 'share', got, SECONDS, programs, False)


def pex_learns(row, other, host):
    """A seed, another program that alone is connected to it, and Shoal, which knows that one only. The one in the middle loads so slowly
    that it has nothing to give, and nothing to say stands behind blocks. The seed hears of nobody. It comes last: once a minute aria2
    tells of those that came within that minute."""
    with Scene(host) as scene:
        torrent = row.torrent(scene, NOWHERE)
        middle_port, middle, got = scene.port(), scene.new_folder('middle'), scene.new_folder('got')
        programs = [row.other(scene, other.name, torrent, middle, f'{QUIET}.2', middle_port),
                    row.shoal(scene, torrent.path, got, '--peer', f'{QUIET}.2:{middle_port}', '--json', use=('--no-pex',))]
        until(lambda: progress(programs[1]).get('peers'), 30, 'Shoal has met the one in the middle', programs)
        met = time.monotonic()
        until(lambda: time.monotonic() > met + 5, 10, 'a moment has passed', programs)
        programs.append(row.libtorrent(scene, torrent.path, scene.folder / 'share', f'{QUIET}.4', scene.port(),
                                       '--no-plugins', '--peer', f'{QUIET}.2:{middle_port}', min_reconnect_time=1))
        row.complete(scene, got, programs)
        if room_taken(middle) * 512 > TOTAL // 2:
            raise Failed(f'the one in the middle had {room_taken(middle) * 512} bytes itself')


def pex_teaches(row, other, host):
    """Shoal in the middle tells another program of a seed that only Shoal knows and that hears of nobody: it comes to it. The seed is
    slow, or Shoal would be done with it before."""
    with Scene(host) as scene:
        torrent = row.torrent(scene, NOWHERE)
        seed_port, port = scene.port(), scene.port()
        seed = row.libtorrent(scene, torrent.path, scene.folder / 'share', f'{QUIET}.2', seed_port, '--no-plugins', '--limit-up', '1')
        until(lambda: 'ready' in seed.output(), SECONDS, 'the seed is up', [seed])
        programs = [seed, row.other(scene, other.name, torrent, scene.new_folder('got'), f'{QUIET}.3', port),
                    row.shoal(scene, torrent.path, scene.new_folder('middle'), '--peer', f'{QUIET}.2:{seed_port}', '--peer', f'{QUIET}.3:{port}',
                              use=('--no-pex',))]
        until(lambda: f'{QUIET}.3' in counters(seed)['peers'], SECONDS, 'the other one comes to the seed', programs)


def lsd_finds(row, other, host, we_seed):
    with Scene(host) as scene:
        torrent = row.torrent(scene)
        got = scene.new_folder('got')
        ours, theirs = (scene.folder / 'share', got) if we_seed else (got, scene.folder / 'share')
        if other.name == 'libtorrent':
            programs = [row.libtorrent(scene, torrent.path, theirs, f'{NETWORK}.2', scene.port(), enable_lsd=True)]
        elif other.name == 'qbittorrent':
            programs = [other.download(scene, torrent.path, theirs, more={'LSDEnabled': 'true', 'InterfaceAddress': f'{NETWORK}.2'})]
        elif other.name == 'aria2':
            programs = [other.run(scene, torrent.path, theirs, '--bt-enable-lpd=true', '--bt-lpd-interface=lan', f'--interface={NETWORK}.2',
                                  '--check-integrity=true', '--seed-ratio=0.0')]
        else:
            daemon = row.transmission.start(scene, {'lpd-enabled': True, 'bind-address-ipv4': f'{NETWORK}.2'})
            row.transmission.add(daemon, torrent.path, theirs)
            # It drops every announce of its first seconds.
            until(lambda: time.monotonic() - daemon.started > 8, 20, 'transmission listens', [daemon])
            programs = [daemon]
        programs.append(row.shoal(scene, torrent.path, ours, use=('--no-lsd',)))
        row.complete(scene, got, programs)


class Relay:
    """Stands in front of a tracker and notes for how many torrents each scrape asks."""

    def __init__(self, host, port, udp):
        self.to = (host, port)
        self.seen = []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM if udp else socket.SOCK_STREAM)
        self.socket.bind((host, 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self._udp if udp else self._tcp, daemon=True).start()

    def _udp(self):
        behind = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        behind.settimeout(5)
        while True:
            data, address = self.socket.recvfrom(4096)
            behind.sendto(data, self.to)
            try:
                answer = behind.recv(4096)
            except OSError:
                continue
            if data[8:12] == b'\0\0\0\2':
                self.seen.append((len(data) - 16) // 20)
            self.socket.sendto(answer, address)

    def _tcp(self):
        self.socket.listen()
        while True:
            client, _ = self.socket.accept()
            with client, socket.create_connection(self.to, 5) as behind:
                request = client.recv(8192)
                behind.sendall(request.replace(b'Connection: Keep-Alive', b'Connection: close'))
                behind.settimeout(5)
                answer = b''
                try:
                    while part := behind.recv(8192):
                        answer += part
                except OSError:
                    pass
                if request.startswith(b'GET /scrape'):
                    self.seen.append(request.count(b'info_hash='))
                client.sendall(answer)


def scrape(row, wire, host):
    """A tracker is asked for all torrents at once, and tells of each."""
    with Scene(host) as scene:
        share = scene.new_folder('counted')

        def torrents(tracker=None):
            for n in range(COUNTED):
                (share / f'{n}').write_bytes(bytes([n]) * 1000)
                row.us.create(share / f'{n}', scene.folder / f'{n}.torrent', 'v1', tracker)
                yield Torrent(scene.folder / f'{n}.torrent')

        tracker = OpenTracker(scene, list(torrents()))
        relay = Relay(tracker.host, tracker.port, wire == 'udp')
        sources = [torrent.path for torrent in torrents(f'{wire}://{tracker.host}:{relay.port}/announce')]
        program = scene.run('shoal', [row.us.cli, 'download', *sources, '--dir', share, '--seed', '--port', scene.port(), '--json', *Shoal.ALONE],
                            env={**row.us.env, 'G_MESSAGES_DEBUG': 'shoal-engine'})
        until(lambda: program.output().count('a tracker counts ') == COUNTED, 30, 'the tracker tells its numbers', [program, tracker.program])
        until(lambda: None not in [progress(program).get(f'tracker_{what}') for what in ('seeds', 'leechers', 'completed')],
              10, 'who looks is told of them', [program])
        if relay.seen != [COUNTED]:
            raise Failed(f'the tracker was asked for {relay.seen} torrents')


def installed(name):
    return OTHERS[name].installed() if name in OTHERS else shutil.which(name) is not None


def main():
    args = arguments()
    own_network()
    row, tap, results = Row(args.build), Tap(), {}
    if not make_network():
        return skip(args.build, 'gossip', 'no network of its own with an interface in it can be made here')

    def cases(*table):
        """(name, function, arguments) of what is wanted and can be tried; the others have their result."""
        wanted = [line for line in table if not args.cases or any(case in line[0] for case in args.cases)]
        results.update((name, 'not installed') for name, program, *_ in wanted if not installed(program))
        return [(name, function, (row, *more)) for name, program, function, *more in wanted if installed(program)]

    results.update(tap.together(cases(
        *((f'pex {way} {name}', name, function, OTHERS[name], ADDRESS)
          for name in OTHERS for way, function in (('from', pex_learns), ('to', pex_teaches))),
        *((f'lsd, {name} {way}', name, lsd_finds, OTHERS[name], ADDRESS, way == 'gets')
          for name in ('libtorrent', 'transmission', 'aria2', 'qbittorrent') for way in ('seeds', 'gets')),
        *((f'scrape {wire}', 'opentracker', scrape, wire, ADDRESS) for wire in ('http', 'udp')))))
    return tap.leave(args.build, 'gossip', results)


if __name__ == '__main__':
    sys.exit(main())
