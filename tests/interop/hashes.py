#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Version 2 with pieces of 16 MiB, of more blocks than we ask hashes of at once: hashes.py BUILD [CASE]... libtorrent in both
directions, by .torrent and by magnet link; a peer of our own that lies in a block now and then, beside an honest libtorrent;
and one that asks for hashes as libtorrent does. Prints TAP and leaves a row for table.py."""

import hashlib
import os
import socket
import struct
import sys
import threading

from clients import OTHERS, Shoal, counters, libtorrent_create
from ground import Failed, Scene, Tap, Torrent, arguments, own_network, skip, until, until_same, write_payload
from interop import finish_ours, open_tracker

SECONDS = 60
PIECE, BLOCK = 16 << 20, 16 << 10
LEAVES = PIECE // BLOCK
FILES = (('large.bin', 3 * PIECE - 40 * BLOCK - 5), ('less than a piece.bin', 9_000_001), ('one block.bin', 777))
TWO_FILES = (FILES[0], FILES[2])
LIE_EVERY = 100          # blocks that the liar sends
PLAIN = ('--encryption', 'off')
UNCHOKE, INTERESTED, BITFIELD, REQUEST, PIECE_DATA, HASH_REQUEST, HASHES, HASH_REJECT = 1, 2, 5, 6, 7, 21, 22, 23


def make(scene, tracker=None, files=FILES):
    share = scene.folder / 'share'
    if not share.exists():
        write_payload(share / 'Large pieces', files)
    out = scene.folder / f'{"with" if tracker else "no"}-tracker.torrent'
    libtorrent_create(share / 'Large pieces', out, 'v2', tracker, PIECE)
    return Torrent(out)


def ways(us, lt, direction, source, host, build):
    with Scene(host) as scene:
        tracker = open_tracker(scene, [make(scene)], build)
        torrent = make(scene, tracker.http)
        seeder, leecher = (lt, us) if direction == 'seeds' else (us, lt)
        seed = seeder.seed(scene, torrent, scene.folder / 'share')
        until(lambda: tracker.seeds(torrent) > 0, SECONDS, 'the seed announced itself', [seed, tracker.program])
        got = scene.new_folder('got')
        program = leecher.download(scene, torrent.magnet(tracker.http) if source == 'magnet' else torrent.path, got)
        if leecher is us:
            finish_ours(us, program, scene.folder / 'share', got)
        else:
            until_same(scene.folder / 'share', got, SECONDS, tails=(program, seed))


class Link:
    """A connection that speaks the protocol of peers."""

    def __init__(self, link, torrent):
        self.link = link
        link.settimeout(SECONDS)
        link.sendall(b'\x13BitTorrent protocol' + bytes(8) + torrent.v2[:20] + b'-XX0001-' + os.urandom(12))
        self.take(68)

    def take(self, size):
        data = b''
        while len(data) < size:
            part = self.link.recv(size - len(data))
            if not part:
                raise ConnectionError
            data += part
        return data

    def say(self, number, payload=b''):
        self.link.sendall(struct.pack('>IB', 1 + len(payload), number) + payload)

    def hear(self):
        while True:
            size = struct.unpack('>I', self.take(4))[0]
            if size > 0:
                message = self.take(size)
                return message[0], message[1:]


class Liar:
    """A seed that knows no hashes and spoils a block now and then."""

    def __init__(self, scene, torrent, data):
        self.torrent, self.data = torrent, data
        self.blocks = self.lies = self.given = 0
        self.host = scene.another_host()
        self.server = socket.create_server((self.host, 0))
        self.address = f'{self.host}:{self.server.getsockname()[1]}'
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                link = Link(self.server.accept()[0], self.torrent)
            except ConnectionError:
                continue
            except OSError:
                return
            threading.Thread(target=self.talk, args=(link,), daemon=True).start()

    def talk(self, link):
        try:
            n_pieces = -(-len(self.data) // PIECE)
            link.say(BITFIELD, bytes([0xff << (8 - n_pieces) & 0xff]))
            while True:
                number, payload = link.hear()
                if number == INTERESTED:
                    link.say(UNCHOKE)
                elif number == REQUEST:
                    link.say(PIECE_DATA, payload[:8] + self.block(*struct.unpack('>III', payload)))
                elif number == HASH_REQUEST:
                    link.say(HASH_REJECT, payload)
        except OSError:
            pass

    def block(self, piece, offset, size):
        data = self.data[piece * PIECE + offset:][:size]
        self.blocks += 1
        self.given += size
        if self.blocks % LIE_EVERY:
            return data
        self.lies += 1
        return data[:5] + bytes([data[5] ^ 1]) + data[6:]


def lied_to(us, lt, host):
    """What both gave beyond the size is lost: the blocks that were lies, and what came twice at the end."""
    with Scene(host) as scene:
        torrent = make(scene, files=TWO_FILES)
        share = scene.folder / 'share' / 'Large pieces'
        data = (share / TWO_FILES[0][0]).read_bytes().ljust(3 * PIECE, b'\0') + (share / TWO_FILES[1][0]).read_bytes()
        liar = Liar(scene, torrent, data)
        seed = lt.seed(scene, torrent, scene.folder / 'share', more=('--limit-up', '16384'))
        address = f'{scene.host.rpartition(".")[0]}.{scene.hosts}:{seed.argv[seed.argv.index("--port") + 1]}'
        until(lambda: 'complete' in seed.output(), SECONDS, 'libtorrent has compared all', [seed])
        got = scene.new_folder('got')
        program = us.download(scene, torrent.path, got, peers=(liar.address, address), more=PLAIN)
        finish_ours(us, program, scene.folder / 'share', got)
        lost = liar.given + counters(seed)['up'] - sum(size for _, size in TWO_FILES)
        print(f'# {liar.lies} lies in {liar.blocks} blocks of a liar: {lost / BLOCK:.1f} blocks were lost')
        liar.server.close()
        if not liar.lies:
            raise Failed('the liar was asked for nothing')
        if lost > (liar.lies + 64) * BLOCK:
            raise Failed(f'{lost} bytes were lost')


def parent(left, right):
    return hashlib.sha256(left + right).digest()


def ask(link, request):
    """None: it is refused, as one peer is given the hashes of a few pieces at a time."""
    link.say(HASH_REQUEST, request)
    while True:
        message = link.hear()
        if message[0] == HASH_REJECT:
            return None
        if message[0] == HASHES:
            return message


def asked(us, host):
    """All leaves of a piece in one request, with uncles up to the root: they have to lead there."""
    with Scene(host) as scene:
        torrent = make(scene, files=TWO_FILES)
        path = scene.folder / 'share' / 'Large pieces' / FILES[0][0]
        data, root = path.read_bytes(), torrent.info[b'file tree'][FILES[0][0].encode()][b''][b'pieces root']
        seed = us.seed(scene, torrent, scene.folder / 'share')
        port = int(seed.argv[seed.argv.index('--port') + 1])
        until(lambda: 'complete ' in seed.output(), SECONDS, 'Shoal has compared all', [seed])
        link = Link(socket.create_connection((host, port), SECONDS), torrent)
        for piece in range(3):
            request = root + struct.pack('>IIII', 0, piece * LEAVES, LEAVES, 11)
            number, payload = until(lambda request=request: ask(link, request), SECONDS, f'the leaves of piece {piece}', [seed])
            if number != HASHES or payload[:48] != request:
                raise Failed(f'the leaves of piece {piece} were not given')
            hashes = [payload[at:at + 32] for at in range(48, len(payload), 32)]
            layer, uncles = hashes[:LEAVES], hashes[LEAVES:]
            blocks = [data[at:at + BLOCK] for at in range(piece * PIECE, min(len(data), (piece + 1) * PIECE), BLOCK)]
            wanted = [hashlib.sha256(block).digest() for block in blocks]
            if len(uncles) != 2 or layer != wanted + [bytes(32)] * (LEAVES - len(wanted)):
                raise Failed(f'the leaves of piece {piece} are wrong')
            while len(layer) > 1:
                layer = [parent(*layer[at:at + 2]) for at in range(0, len(layer), 2)]
            top = layer[0]
            for level, uncle in enumerate(uncles):
                top = parent(uncle, top) if piece >> level & 1 else parent(top, uncle)
            if top != root:
                raise Failed(f'the uncles of piece {piece} do not lead to the root')


def main():
    args = arguments()
    us, lt = Shoal(args.build), OTHERS['libtorrent']
    if not lt.installed():
        return skip(args.build, 'hashes', 'libtorrent is not installed')
    host, tap, row = own_network(), Tap(), {}
    cases = {f'{direction}/{source}': (ways, us, lt, direction, source, host, args.build)
             for direction in ('seeds', 'gets') for source in ('torrent', 'magnet')}
    cases.update({'lied to': (lied_to, us, lt, host), 'asked': (asked, us, host)})
    for name, case in cases.items():
        if not args.cases or name in args.cases:
            row[name] = tap.case(name, *case)
    return tap.leave(args.build, 'hashes', row)


if __name__ == '__main__':
    sys.exit(main())
