#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""One program and Shoal with every policy of encryption, in both directions: encryption.py BUILD PROGRAM [CASE]... All bytes
are compared, and in a network of our own an onlooker reads along: of what is required to be RC4 it may recognise nothing."""

import json
import socket
import sys
import threading
import zlib

from clients import OTHERS, Shoal
from ground import Failed, Scene, write_payload
from interop import both_ways, exchange, start, unable

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
    # Required, it is RC4.
    'qbittorrent': {'rc4': {'Encryption': 1}, 'off': {'Encryption': 2}, 'default': {'Encryption': 0}},
}
# What would take a minute; both RC4 shows that it can.
LATER = {('qbittorrent', 'gets', 'ours RC4'): 'dials in plain first'}
GREETING = b'\x13BitTorrent protocol'


class Onlooker:
    """Reads everything that passes on loopback and counts our plain greetings and recognised parts of the payload. (Others may
    greet us in plain first although we do not take that.)"""

    def __init__(self, host, payload):
        self.us = socket.inet_aton(host)
        data = max(payload.rglob('*'), key=lambda path: path.stat().st_size if path.is_file() else 0).read_bytes()
        self.probes = [data[at:at + 24] for at in range(1000, len(data) - 24, 50_000)]
        self.greetings, self.payload = [], 0
        self.done = threading.Event()
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.socket.setsockopt(socket.SOL_SOCKET, 33, 32 << 20)   # SO_RCVBUFFORCE
        self.socket.bind(('lo', 0))
        self.socket.settimeout(0.2)
        self.thread = threading.Thread(target=self._look)
        self.thread.start()

    def _look(self):
        while True:
            try:
                packet = self.socket.recv(1 << 17)
            except TimeoutError:
                if self.done.is_set():
                    return      # and nothing is left to look at
                continue
            if packet[26:30] == packet[30:34]:     # a program that the tracker sent to itself
                continue
            if packet[26:30] == self.us and (at := packet.find(GREETING)) >= 0:
                self.greetings.append(packet[at + 28:at + 48])
            self.payload += any(probe in packet for probe in self.probes)

    def end(self):
        self.done.set()
        self.thread.join()
        self.socket.close()


def judge(onlooker, torrent, payload, greeting):
    greetings = onlooker.greetings.count(torrent.v1)
    if payload != (onlooker.payload > 0):
        raise Failed(f'parts of the payload passed {"un" if onlooker.payload else ""}encrypted')
    if greeting is not None and greeting != (greetings > 0):
        raise Failed(f'{greetings} handshakes of ours passed in plain')


def encrypted_case(us, other, direction, case, host, build):
    ours, theirs, payload, greeting = CASES[case]
    with Scene(host) as scene:
        share = scene.folder / 'share'
        write_payload(share / 'Odd sizes', seed=zlib.crc32(f'{direction}/{case}'.encode()))     # others pass at the same time
        onlooker = None if host.startswith('127.') else Onlooker(host, share)
        try:
            torrent = exchange(scene, us, other, direction, build, more={us: (f'--encryption={ours}',), other: THEIRS[other.name][theirs]})
        finally:
            if onlooker:
                onlooker.end()
        if onlooker:
            judge(onlooker, torrent, payload, greeting)


def main():
    args = start(OTHERS)
    us = Shoal(args.build)
    return both_ways(args, f'encryption-{args.program}', CASES,
                     lambda other, direction, case: unable(other, direction, args.host) or LATER.get((other.name, direction, case))
                     or (None if CASES[case][1] in THEIRS[other.name] else 'has no such setting'),
                     lambda other, direction, case: encrypted_case(us, other, direction, case, args.host, args.build))


if __name__ == '__main__':
    sys.exit(main())
