#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many slow seeds in one program: slow.py HOST PORT TORRENT FILE COUNT BYTES-A-SECOND. Each has an address of its own, connects,
has everything, lets the other end ask, and answers one block at a time. Prints `ready` once all were greeted, and at SIGUSR1 what
they have given."""

import asyncio
import hashlib
import resource
import signal
import socket
import struct
import sys
from pathlib import Path

BLOCK = 16384
AT_ONCE = 20            # dials
TRIES = 5


def bencode_end(data, at):
    """Where the bencoded value at that place ends."""
    kind = data[at:at + 1]
    if kind == b'i':
        return data.index(b'e', at) + 1
    if kind in (b'l', b'd'):
        at += 1
        while data[at:at + 1] != b'e':
            at = bencode_end(data, at)
        return at + 1
    colon = data.index(b':', at)
    return colon + 1 + int(data[at:colon])


class Crowd:
    def __init__(self, host, port, torrent, payload, count, rate):
        raw = Path(torrent).read_bytes()
        begin = raw.index(b'4:info') + 6
        info = raw[begin:bencode_end(raw, begin)]
        at = info.index(b'12:piece lengthi') + 16
        self.piece_size = int(info[at:info.index(b'e', at)])
        self.hash = hashlib.sha1(info).digest()
        self.data = Path(payload).read_bytes()
        self.pieces = -(-len(self.data) // self.piece_size)
        self.host, self.port, self.count, self.pause = host, port, count, BLOCK / rate
        self.greeted = self.given = self.lost = 0
        self.dials = asyncio.Semaphore(AT_ONCE)

    async def greet(self, number):
        """A connection to the program, both handshakes through."""
        source = f'10.91.{2 + number // 250}.{1 + number % 250}'
        async with self.dials:
            end = socket.socket()
            end.setblocking(False)
            end.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)   # the next program may get that port to listen at
            end.bind((source, 0))
            await asyncio.get_running_loop().sock_connect(end, (self.host, self.port))
            reader, writer = await asyncio.open_connection(sock=end)
            writer.write(b'\x13BitTorrent protocol' + bytes(8) + self.hash + b'-XX0001-' + b'%012d' % number)
            bits = bytearray(b'\xff' * (-(-self.pieces // 8)))
            if self.pieces % 8:
                bits[-1] = 0xff00 >> self.pieces % 8 & 0xff
            writer.write(struct.pack('>IB', 1 + len(bits), 5) + bytes(bits) + struct.pack('>IB', 1, 1))
            await reader.readexactly(68)
        self.greeted += 1
        if self.greeted % 100 == 0:
            print(f'greeted {self.greeted}', flush=True)
        if self.greeted == self.count:
            print('ready', flush=True)
        return reader, writer

    async def peer(self, number):
        for left in range(TRIES - 1, -1, -1):
            try:
                reader, writer = await self.greet(number)
                break
            except (OSError, asyncio.IncompleteReadError) as problem:
                print(f'peer {number}: {problem!r}', flush=True)
                if left == 0:
                    return
                await asyncio.sleep(1)
        asked = asyncio.Queue()
        giving = asyncio.create_task(self.give(asked, writer))
        try:
            while True:
                size = struct.unpack('>I', await reader.readexactly(4))[0]
                body = await reader.readexactly(size)
                if body[:1] == b'\x06':
                    asked.put_nowait(struct.unpack('>III', body[1:13]))
        except (asyncio.IncompleteReadError, ConnectionError):
            self.lost += 1
        finally:
            giving.cancel()
            writer.close()

    async def give(self, asked, writer):
        while True:
            piece, offset, size = await asked.get()
            await asyncio.sleep(self.pause)
            at = piece * self.piece_size + offset
            writer.write(struct.pack('>IBII', 9 + size, 7, piece, offset) + self.data[at:at + size])
            self.given += size

    def tell(self):
        print(f'given {self.given} lost {self.lost}', flush=True)

    async def run(self):
        end = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, end.set)
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, self.tell)
        peers = [asyncio.create_task(self.peer(number)) for number in range(self.count)]
        await end.wait()
        for peer in peers:
            peer.cancel()
        await asyncio.gather(*peers, return_exceptions=True)


def main():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    host, port, torrent, payload, count, rate = sys.argv[1:]
    asyncio.run(Crowd(host, int(port), torrent, payload, int(count), int(rate)).run())


if __name__ == '__main__':
    main()
