#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""One program and Shoal with every policy of encryption, in both directions: encryption.py BUILD PROGRAM [CASE]... All bytes
are compared, and in a network of our own an onlooker reads along: of what is required to be RC4 it may recognise nothing."""

import argparse
import json
import shutil
import socket
import sys
import threading
from pathlib import Path

from clients import OTHERS, Shoal
from ground import Failed, Scene, Tap, differences, end_on_sigterm, own_network, until
from interop import DIRECTIONS, SECONDS, finish_ours, make, open_tracker

# Column: our policy, theirs, what the onlooker sees: a payload, a plain greeting of ours (None: depends on the program).
CASES = {
    'theirs RC4': ('prefer', 'rc4', False, False),
    'theirs plain payload': ('prefer', 'plain', True, None),
    'theirs off': ('prefer', 'off', True, True),
    'ours RC4': ('require', 'default', False, False),
    'both RC4': ('require', 'rc4', False, False),
    'ours off': ('off', 'default', True, True),
}

# What makes each program require RC4, require the handshake but take a plain payload, or speak in plain only.
THEIRS = {
    'libtorrent': {
        'rc4': ('--settings', json.dumps({'in_enc_policy': 0, 'out_enc_policy': 0, 'allowed_enc_level': 2})),
        'plain': ('--settings', json.dumps({'in_enc_policy': 0, 'out_enc_policy': 0, 'allowed_enc_level': 1})),
        'off': ('--settings', json.dumps({'in_enc_policy': 2, 'out_enc_policy': 2})),
        # It greets in plain first; what it tries next should not take a minute.
        'default': ('--settings', json.dumps({'min_reconnect_time': 1})),
    },
    'transmission': {'rc4': {'encryption': 2}, 'default': {'encryption': 1}},
    'aria2': {
        'rc4': ('--bt-require-crypto=true', '--bt-min-crypto-level=arc4'),
        'plain': ('--bt-require-crypto=true', '--bt-min-crypto-level=plain'),
        'default': (),
    },
    'rtorrent': {
        'rc4': 'protocol.encryption.set = allow_incoming,try_outgoing,require,require_RC4\n',
        'plain': 'protocol.encryption.set = allow_incoming,try_outgoing,require,prefer_plaintext\n',
        'off': 'protocol.encryption.set = none\n',
        'default': 'protocol.encryption.set = allow_incoming,try_outgoing,enable_retry\n',
    },
}
GREETING = b'\x13BitTorrent protocol'


class Onlooker:
    """Reads everything that passes on loopback and counts our plain greetings and recognised parts of the payload. (Others may
    greet us in plain first although we do not take that.)"""

    def __init__(self, host, payload):
        self.us = socket.inet_aton(host)
        data = max(payload.rglob('*'), key=lambda path: path.stat().st_size if path.is_file() else 0).read_bytes()
        self.probes = [data[at:at + 24] for at in range(1000, len(data) - 24, 50_000)]
        self.greetings = self.payload = 0
        self.done = threading.Event()
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.socket.setsockopt(socket.SOL_SOCKET, 33, 32 << 20)   # SO_RCVBUFFORCE
        self.socket.bind(('lo', 0))
        self.socket.settimeout(0.2)
        self.thread = threading.Thread(target=self._look)
        self.thread.start()

    def _look(self):
        while not self.done.is_set():
            try:
                packet = self.socket.recv(1 << 17)
            except TimeoutError:
                continue
            if packet[26:30] == packet[30:34]:     # a program that the tracker sent to itself
                continue
            self.greetings += packet[26:30] == self.us and GREETING in packet
            self.payload += any(probe in packet for probe in self.probes)

    def end(self):
        self.done.set()
        self.thread.join()
        self.socket.close()


def judge(onlooker, payload, greeting):
    if payload != (onlooker.payload > 0):
        raise Failed(f'parts of the payload passed {"un" if onlooker.payload else ""}encrypted')
    if greeting is not None and greeting != (onlooker.greetings > 0):
        raise Failed(f'{onlooker.greetings} handshakes of ours passed in plain')


def encrypted_case(us, other, direction, case, host, build):
    ours, theirs, payload, greeting = CASES[case]
    more = {us: (f'--encryption={ours}',), other: THEIRS[other.name][theirs]}
    seeder, leecher = (other, us) if direction == 'seeds' else (us, other)
    with Scene(host) as scene:
        bare = make(us, us, scene, 'v1')
        tracker = open_tracker(scene, [bare], build)
        torrent = make(us, us, scene, 'v1', tracker.http)
        share = scene.folder / 'share'
        onlooker = None if host.startswith('127.') else Onlooker(host, share)
        try:
            seed = seeder.seed(scene, torrent, share, more=more[seeder])
            until(lambda: tracker.seeds(torrent) > 0, SECONDS, 'the seed announced itself', [seed, tracker.program])
            got = scene.new_folder('got')
            program = leecher.download(scene, torrent.path, got, more=more[leecher])
            if leecher is us:
                finish_ours(us, program, share, got)
            else:
                try:
                    until(lambda: not differences(share, got, other.makes_empty), SECONDS, 'every byte is there')
                except Failed as problem:
                    raise Failed(f'{problem}\n{program.tail()}\n{seed.tail()}') from None
        finally:
            if onlooker:
                onlooker.end()
        if onlooker:
            judge(onlooker, payload, greeting)


def why_not(other, direction, case, host):
    if other.name == 'transmission' and direction == 'gets' and host.startswith('127.'):
        return 'refuses 127.0.0.1'
    return None if CASES[case][1] in THEIRS[other.name] else 'has no such setting'


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('build')
    parser.add_argument('program', choices=OTHERS)
    parser.add_argument('cases', nargs='*', help='columns, or seeds, or gets')
    args = parser.parse_intermixed_args()
    end_on_sigterm()
    host = own_network() if shutil.which('opentracker') else '127.0.0.1'
    us, other, tap, row = Shoal(args.build), OTHERS[args.program], Tap(), {}

    if not other.installed():
        print(f'1..0 # SKIP {args.program} is not installed')
        row = {'*': 'not installed'}
    else:
        for direction, words in DIRECTIONS.items():
            for case in CASES:
                if args.cases and case not in args.cases and direction not in args.cases:
                    continue
                row[f'{direction}/{case}'] = why_not(other, direction, case, host) or tap.case(
                    f'{other.name} {words}, encryption: {case}', encrypted_case, us, other, direction, case, host, args.build)
        tap.plan()
    out = Path(args.build) / f'interop-encryption-{args.program}.json'
    out.write_text(json.dumps({'program': args.program, 'table': 'encryption', 'address': host, 'row': row}))
    return 1 if tap.failed else 0


if __name__ == '__main__':
    sys.exit(main())
