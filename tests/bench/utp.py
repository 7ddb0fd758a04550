#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""./dev bench utp: Shoal and libtorrent, each to its own kind over uTP alone, between two network namespaces that a
line of a certain rate, delay, loss and queue joins. Prints megabits a second on the line and the CPU of the seed."""

import argparse
import collections
import ctypes
import fcntl
import json
import os
import random
import select
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

PYTHON = '/usr/bin/python3'
_pause = threading.Event()
HERE = Path(__file__).resolve().parent
TUNSETIFF, IFF_TUN, IFF_NO_PI, CLONE_NEWNET = 0x400454CA, 1, 0x1000, 0x40000000
UTP_ALONE = {'enable_outgoing_utp': True, 'enable_incoming_utp': True, 'enable_outgoing_tcp': False, 'enable_incoming_tcp': False}

# Mbit/s, delay each way in ms, loss, packets in the queue.
WAYS = {
    '200 Mbit/s, 50 ms': (200, 25, 0, 1000),
    '200 Mbit/s, 50 ms, 1 % loss': (200, 25, 0.01, 1000),
    '200 Mbit/s, 300 ms': (200, 150, 0, 1000),
    '20 Mbit/s, 50 ms': (20, 25, 0, 1000),
}


# ---- the line ------------------------------------------------------------------------------------

def tun_of(pid):
    """An interface in the namespace of a process; what is sent there is read here."""
    with open(f'/proc/{pid}/ns/net') as space:
        if ctypes.CDLL(None, use_errno=True).setns(space.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), 'setns')
    tun = os.open('/dev/net/tun', os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tun, TUNSETIFF, struct.pack('16sH22x', b'way0', IFF_TUN | IFF_NO_PI))
    return tun


def carry(pids, mbit, delay_ms, loss, queue):
    """Carries packets between the two until it is killed: serialised behind a queue, then delayed."""
    tuns = [tun_of(pid) for pid in pids]
    rng, byte_s, free = random.Random(1), 8 / (mbit * 1e6), [0.0, 0.0]
    due = [collections.deque(), collections.deque()]
    poll = select.epoll()
    for tun in tuns:
        poll.register(tun, select.EPOLLIN)
    print('ready', flush=True)
    while True:
        heads = [way[0][0] for way in due if way]
        for tun, _ in poll.poll(max(0.0, min(heads) - time.monotonic()) if heads else 1.0):
            side, now = tuns.index(tun), time.monotonic()
            for _ in range(64):
                try:
                    packet = os.read(tun, 65536)
                except BlockingIOError:
                    break
                start = max(now, free[side])
                if start - now > queue * 1500 * byte_s:
                    continue
                free[side] = start + len(packet) * byte_s
                if rng.random() >= loss:
                    due[side].append((free[side] + delay_ms / 1e3, packet))
        now = time.monotonic()
        for side, way in enumerate(due):
            while way and way[0][0] <= now:
                try:
                    os.write(tuns[1 - side], way.popleft()[1])
                except OSError:
                    pass


# ---- who uses it ---------------------------------------------------------------------------------

def shoal(build, torrent, folder, port, seeds, peer):
    argv = [build / 'src/cli/shoal-cli', 'download', torrent, '--dir', folder, '--port', port, '--no-tcp', '--no-dht', '--no-lsd',
            '--no-pex', '--no-trackers', '--no-portmap', '--quiet', '--encryption=off']
    return argv + (['--seed'] if seeds else ['--peer', peer])


def libtorrent(build, torrent, folder, port, seeds, peer):
    argv = [PYTHON, HERE.parent / 'interop/lt_client.py', torrent, '--dir', folder, '--host', '0.0.0.0', '--port', port,
            '--settings', json.dumps({**UTP_ALONE, 'outgoing_interfaces': ''})]
    return argv + (['--trust'] if seeds else ['--peer', peer])


PROGRAMS = {'shoal': shoal, 'libtorrent': libtorrent}


class World:
    """Two namespaces, the line between them and all that runs there."""

    def __init__(self, way):
        self.running = []
        self.sides = [self.start(['unshare', '-n', 'sleep', '100000']) for _ in range(2)]
        _pause.wait(0.3)
        line = self.start([sys.executable, __file__, '--carry', json.dumps([[side.pid for side in self.sides], *way])], stdout=subprocess.PIPE)
        line.stdout.readline()
        for number, side in enumerate(self.sides):
            self.inside(number, ['sh', '-c', f'ip link set lo up; ip addr add 10.92.0.{number + 1}/24 dev way0; ip link set way0 up'])

    def start(self, argv, **more):
        process = subprocess.Popen([str(part) for part in argv], **{'stdout': subprocess.DEVNULL, 'stderr': subprocess.DEVNULL, **more})
        self.running.append(process)
        return process

    def enter(self, number, argv):
        return self.start(['nsenter', '-t', self.sides[number].pid, '-n', *argv], env={**os.environ, 'GSETTINGS_BACKEND': 'memory'})

    def inside(self, number, argv):
        return subprocess.run(['nsenter', '-t', str(self.sides[number].pid), '-n', *argv], check=True, capture_output=True, text=True).stdout

    def received(self):
        for row in self.inside(1, ['cat', '/proc/net/dev']).splitlines():
            if row.strip().startswith('way0:'):
                return int(row.split(':')[1].split()[0])
        return 0

    def end(self):
        for process in reversed(self.running):
            process.kill()
            process.wait()


def cpu_seconds(pid):
    fields = Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def measure(build, program, way, seconds, folder, torrent):
    got = Path(tempfile.mkdtemp(dir=folder))
    world = World(way)
    try:
        seed = world.enter(0, PROGRAMS[program](build, torrent, folder / 'share', 7001, True, None))
        _pause.wait(3)
        world.enter(1, PROGRAMS[program](build, torrent, got, 7002, False, '10.92.0.1:7001'))
        until = time.monotonic() + 10
        while world.received() < 100_000 and time.monotonic() < until:
            _pause.wait(0.05)
        begun, first, cpu = time.monotonic(), world.received(), cpu_seconds(seed.pid)
        _pause.wait(seconds)
        took = time.monotonic() - begun
        return (world.received() - first) * 8 / took / 1e6, (cpu_seconds(seed.pid) - cpu) / took
    finally:
        world.end()
        shutil.rmtree(got, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('build', nargs='?')
    parser.add_argument('--carry')
    parser.add_argument('--seconds', type=float, default=20)
    parser.add_argument('--only', action='append', choices=PROGRAMS)
    parser.add_argument('--way', action='append', choices=WAYS)
    args = parser.parse_args()
    if args.carry:
        return carry(*json.loads(args.carry))

    build = Path(args.build).resolve()
    folder = Path(tempfile.mkdtemp(prefix='shoal-utp-'))
    try:
        (folder / 'share').mkdir()
        with open(folder / 'share/payload', 'wb') as out:
            for _ in range(64):
                out.write(os.urandom(16 << 20))
        torrent = folder / 'payload.torrent'
        subprocess.run([build / 'src/cli/shoal-cli', 'create', folder / 'share/payload', '-o', torrent, '--v1'], check=True, capture_output=True)
        print(f'{"":32}' + ''.join(f'{name:>24}' for name in args.only or PROGRAMS))
        for name in args.way or WAYS:
            row = f'{name:32}'
            for program in args.only or PROGRAMS:
                mbit, cpu = measure(build, program, WAYS[name], args.seconds, folder, torrent)
                row += f'{mbit:8.1f} Mbit/s, CPU {cpu:.2f}'.rjust(24)
            print(row, flush=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == '__main__':
    sys.exit(main())
