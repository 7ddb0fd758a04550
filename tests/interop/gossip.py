#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Peers that are found without a tracker, and what trackers count: gossip.py BUILD [CASE]... Peer exchange (BEP 11): a third
client is found only because a second one tells of it. Local discovery (BEP 14) on a made-up interface. Scrapes (BEP 48) of
opentracker, seen by a relay in front of it. Prints TAP and leaves a row for table.py."""

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

from clients import LibTorrent, Shoal, Transmission
from ground import Failed, OpenTracker, Scene, Tap, Torrent, differences, end_on_sigterm, own_network, until, write_payload

SECONDS = 100          # peers are told of at most once a minute
NETWORK = '10.92.0'
ADDRESS = f'{NETWORK}.1'
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
        write_payload(scene.folder / 'share' / 'Odd sizes')
        out = scene.folder / f'{"with" if tracker else "no"}.torrent'
        self.us.create(scene.folder / 'share' / 'Odd sizes', out, 'v1', tracker)
        return Torrent(out)

    def shoal(self, scene, source, folder, *more, use=(), port=None):
        """Everything off but what is in use."""
        alone = [flag for flag in Shoal.ALONE if flag not in use]
        program = self.us.command(scene, 'download', source, '--dir', folder, '--seed', '--port', port or scene.port(), *alone, *more)
        return program

    def libtorrent(self, scene, source, folder, host, port, *more, **settings):
        return scene.run('libtorrent', [sys.executable, Path(__file__).parent / 'lt_client.py', source, '--dir', folder, '--host', host,
                                        '--port', port, '--settings', json.dumps(settings), *more])

    @staticmethod
    def complete(scene, got, programs):
        wanted = scene.folder / 'share'
        until(lambda: not differences(wanted, got, False), SECONDS, 'every byte is there', programs)


def pex_learns(row, other, host):
    """A seed, another program that alone is connected to it, and Shoal, which knows that one only. The one in the middle loads so slowly
    that it has nothing to give, and nothing to say stands behind blocks."""
    with Scene(host) as scene:
        torrent = row.torrent(scene)
        seed_port, middle_port, middle = scene.port(), scene.port(), scene.new_folder('middle')
        if other is row.lt:
            programs = [row.shoal(scene, torrent.path, scene.folder / 'share', port=seed_port)]
            programs.append(row.libtorrent(scene, torrent.path, middle, f'{QUIET}.2', middle_port, '--peer', f'{QUIET}.1:{seed_port}',
                                           '--limit-down', '1'))
        else:
            daemon = row.transmission.start(scene, {'pex-enabled': True, 'peer-port': middle_port, 'bind-address-ipv4': f'{QUIET}.2',
                                                    'speed-limit-down-enabled': True, 'speed-limit-down': 1})
            row.transmission.add(daemon, torrent.path, middle)
            # Transmission knows only peers that others tell of: the seed comes to it.
            programs = [daemon, row.libtorrent(scene, torrent.path, scene.folder / 'share', f'{QUIET}.4', seed_port,
                                               '--peer', f'{QUIET}.2:{middle_port}')]
        got = scene.new_folder('got')
        programs.append(row.shoal(scene, torrent.path, got, '--peer', f'{QUIET}.2:{middle_port}', use=('--no-pex',)))
        row.complete(scene, got, programs)


def pex_teaches(row, other, host):
    """Shoal in the middle tells another program of a seed that only Shoal knows."""
    with Scene(host) as scene:
        torrent = row.torrent(scene)
        seed_port, middle_port, port = scene.port(), scene.port(), scene.port()
        got = scene.new_folder('got')
        programs = [row.libtorrent(scene, torrent.path, scene.folder / 'share', f'{QUIET}.2', seed_port)]
        if other is row.lt:
            programs.append(row.libtorrent(scene, torrent.path, got, f'{QUIET}.3', port))
        else:
            daemon = row.transmission.start(scene, {'pex-enabled': True, 'peer-port': port, 'bind-address-ipv4': f'{QUIET}.3'})
            row.transmission.add(daemon, torrent.path, got)
            programs.append(daemon)
        programs.append(row.shoal(scene, torrent.path, scene.new_folder('middle'), '--peer', f'{QUIET}.2:{seed_port}', '--peer',
                                  f'{QUIET}.3:{port}', '--limit-down', '1', use=('--no-pex',), port=middle_port))
        row.complete(scene, got, programs)


def lsd_finds(row, other, host, we_seed):
    with Scene(host) as scene:
        torrent = row.torrent(scene)
        got = scene.new_folder('got')
        ours, theirs = (scene.folder / 'share', got) if we_seed else (got, scene.folder / 'share')
        if other is row.lt:
            programs = [row.libtorrent(scene, torrent.path, theirs, f'{NETWORK}.2', scene.port(), enable_lsd=True)]
        else:
            daemon = row.transmission.start(scene, {'lpd-enabled': True, 'bind-address-ipv4': f'{NETWORK}.2'})
            row.transmission.add(daemon, torrent.path, theirs)
            # It drops every announce of its first seconds.
            until(lambda: time.monotonic() - daemon.started > 8, 20, 'transmission listens', [daemon])
            programs = [daemon]
        programs.append(row.shoal(scene, torrent.path, ours, use=('--no-lsd',)))
        row.complete(scene, got, programs)


class Relay:
    """Stands in front of a tracker and notes what is asked of it."""

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
                self.seen.append(answer)
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
                    self.seen.append(answer)
                client.sendall(answer)


def scrape(row, wire, host):
    with Scene(host) as scene:
        bare = row.torrent(scene)
        tracker = OpenTracker(scene, [bare])
        relay = Relay(tracker.host, tracker.port, wire == 'udp')
        scheme = 'udp' if wire == 'udp' else 'http'
        torrent = row.torrent(scene, f'{scheme}://{tracker.host}:{relay.port}/announce')
        program = scene.run('shoal', [row.us.cli, 'download', torrent.path, '--dir', scene.folder / 'share', '--seed', '--port', scene.port(), '--json',
                                      *Shoal.ALONE], env={**row.us.env, 'G_MESSAGES_DEBUG': 'shoal-engine'})
        until(lambda: 'a tracker counts ' in program.output(), 30, 'the tracker tells its numbers', [program, tracker.program])
        if not relay.seen:
            raise Failed('nothing was asked of the tracker')


def cases(row):
    for name, other in (('libtorrent', row.lt), ('transmission', row.transmission)):
        yield f'pex from {name}', other, pex_learns, (row, other)
        yield f'pex to {name}', other, pex_teaches, (row, other)
        yield f'lsd, {name} seeds', other, lsd_finds, (row, other, ADDRESS, False)
        yield f'lsd, {name} gets', other, lsd_finds, (row, other, ADDRESS, True)
    for wire in ('http', 'udp'):
        yield f'scrape {wire}', None, scrape, (row, wire)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('build')
    parser.add_argument('cases', nargs='*')
    args = parser.parse_intermixed_args()
    end_on_sigterm()
    own_network()
    row, tap, results = Row(args.build), Tap(), {}
    if not make_network():
        print('1..0 # SKIP no network of its own with an interface in it can be made here')
        return 0
    for name, other, function, arguments in cases(row):
        if args.cases and not any(case in name for case in args.cases):
            continue
        if (other and not other.installed()) or (other is None and not shutil.which('opentracker')):
            results[name] = 'not installed'
            continue
        results[name] = tap.case(name, function, *arguments, *([] if function is lsd_finds else [ADDRESS]))
    tap.plan()
    (Path(args.build) / 'interop-gossip.json').write_text(json.dumps({'program': 'gossip', 'address': ADDRESS, 'row': results}))
    return 1 if tap.failed else 0


if __name__ == '__main__':
    sys.exit(main())
