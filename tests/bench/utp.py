#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""./dev bench utp: Shoal, libtorrent and transmission over uTP alone, between two network namespaces that a line (line.c)
of a certain rate, delay, loss and queue joins; from each to its own kind and from Shoal to the others and back. What counts
is the payload that arrived for the first time; it is taken from the line, as is all else but the CPU of who sends."""

import argparse
import contextlib
import http.server
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

PYTHON = '/usr/bin/python3'
HERE = Path(__file__).resolve().parent
UTP_ALONE = {'enable_outgoing_utp': True, 'enable_incoming_utp': True, 'enable_outgoing_tcp': False, 'enable_incoming_tcp': False}
NEAR, FAR = '10.92.0.1', '10.92.0.2'
SEED, LEECH, TRACKER, RIVAL = 7001, 7002, 7003, 7004
WAIT, WARM = 30, 15           # seconds: for the first bytes; beside TCP until both have found their shares
BEGUN = 100_000               # bytes

OWN = [(who, who) for who in ('shoal', 'libtorrent', 'transmission')]
PAIRS = [*OWN, ('shoal', 'libtorrent'), ('libtorrent', 'shoal'), ('shoal', 'transmission'),
         ('transmission', 'shoal')]
ALONE = None                  # the TCP stream

# Mbit/s, delay each way in ms, loss, packets in the queue, a TCP stream beside it; what is measured
# there unless it is asked for other or --all.
WAYS = {
    '200 Mbit/s, 50 ms': (200, 25, 0, 1000, False, PAIRS),
    '200 Mbit/s, 50 ms, 1 % loss': (200, 25, 0.01, 1000, False, PAIRS),
    '200 Mbit/s, 2 ms': (200, 1, 0, 1000, False, OWN[:2]),
    '200 Mbit/s, 300 ms': (200, 150, 0, 1000, False, OWN),
    '200 Mbit/s, 300 ms, 1 % loss': (200, 150, 0.01, 1000, False, OWN),
    '20 Mbit/s, 50 ms, TCP': (20, 25, 0, 1000, True, OWN[:2]),
    '20 Mbit/s, 50 ms, queue 20, TCP': (20, 25, 0, 20, True, OWN[:2]),
    '200 Mbit/s, 50 ms, queue 20, TCP': (200, 25, 0, 20, True, [OWN[0], ALONE]),
}
GOALS = {'200 Mbit/s, 50 ms': 170, '200 Mbit/s, 50 ms, 1 % loss': 60}   # Mbit/s of payload, Shoal to Shoal
_pause = threading.Event()


# ---- who uses the line: each gives what is to be started, to send (no peer is named) or to fetch ---

def shoal(build, torrent, folder, port, home, peer):
    return [build / 'src/cli/shoal-cli', 'download', torrent, '--dir', folder, '--port', port, '--no-tcp', '--no-dht', '--no-lsd', '--no-pex',
            '--no-portmap', '--quiet', '--encryption=off', *(['--peer', peer] if peer else ['--seed'])]


def libtorrent(build, torrent, folder, port, home, peer):
    return [PYTHON, HERE.parent / 'interop/lt_client.py', torrent, '--dir', folder, '--host', '0.0.0.0', '--port', port,
            '--settings', json.dumps({**UTP_ALONE, 'outgoing_interfaces': ''}), *(['--peer', peer] if peer else ['--trust'])]


def transmission(build, torrent, folder, port, home, peer):
    """It finds the other end by the tracker, and reads the torrent from its folder."""
    (home / 'torrents').mkdir(parents=True)
    shutil.copy(torrent, home / 'torrents')
    (home / 'settings.json').write_text(json.dumps({
        'download-dir': str(folder), 'peer-port': port, 'peer-port-random-on-start': False, 'rpc-enabled': False, 'dht-enabled': False,
        'lpd-enabled': False, 'pex-enabled': False, 'utp-enabled': True, 'encryption': 0, 'port-forwarding-enabled': False,
        'rename-partial-files': False, 'incomplete-dir-enabled': False, 'message-level': 1}))
    return ['transmission-daemon', '--foreground', '--config-dir', home]


PROGRAMS = {'shoal': shoal, 'libtorrent': libtorrent, 'transmission': transmission}


class Tracker(http.server.BaseHTTPRequestHandler):
    """Tells everybody where the seed is."""

    def do_GET(self):
        body = b'd8:intervali1800e5:peers6:' + socket.inet_aton(NEAR) + SEED.to_bytes(2, 'big') + b'e'
        self.send_response(200)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def rival(sends):
    """A TCP stream with cubic."""
    if sends:
        with socket.socket() as stream:
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b'cubic')
            stream.connect((FAR, RIVAL))
            while True:
                stream.sendall(bytes(65536))
    with socket.create_server((FAR, RIVAL)) as server:
        stream, _ = server.accept()
        while stream.recv(1 << 20):
            pass


class Count:
    """What the line counted."""

    def __init__(self, answer):
        fields = answer.split()
        self.seconds = float(fields[0])
        self.payload, self.tcp, self.n_data, self.n_twice = (int(field) for field in fields[1:5])
        self.queue_ms, self.queue_most_ms = float(fields[5]), float(fields[6])
        self.n_overflow, self.n_lost = int(fields[7]), int(fields[8])
        self.mbit, self.tcp_mbit = self.payload * 8e-6 / self.seconds, self.tcp * 8e-6 / self.seconds
        self.twice = self.n_twice / max(self.n_data, 1)
        self.twice_back = int(fields[10]) / max(int(fields[9]), 1)


class World:
    """Two namespaces, the line between them and all that runs there."""

    def __init__(self, build, way):
        self.running = []
        self.sides = [self.start(['unshare', '-n', 'cat'], stdin=subprocess.PIPE) for _ in range(2)]
        own = os.readlink('/proc/self/ns/net')
        while any(os.readlink(f'/proc/{side.pid}/ns/net') == own for side in self.sides):
            _pause.wait(0.01)
        self.line = self.start([build / 'tests/bench/line', *(side.pid for side in self.sides), *way[:4], SEED, LEECH],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.line.stdout.readline()
        for side, address in zip(self.sides, (NEAR, FAR)):
            self.enter(side, ['sh', '-c', f'ip link set lo up && ip link set way0 txqueuelen 4000 && ip addr add {address}/24 dev way0 '
                                          '&& ip link set way0 up']).wait()

    def start(self, argv, **more):
        process = subprocess.Popen([str(part) for part in argv], **{'stdout': subprocess.DEVNULL, 'stderr': subprocess.DEVNULL, **more})
        self.running.append(process)
        return process

    def enter(self, side, argv):
        return self.start(['nsenter', '-t', side.pid, '-n', *argv], env={**os.environ, 'GSETTINGS_BACKEND': 'memory'})

    def counted(self):
        """Since the last time."""
        self.line.stdin.write('\n')
        self.line.stdin.flush()
        return Count(self.line.stdout.readline())

    def end(self):
        for process in reversed(self.running):
            process.kill()
            process.wait()


def cpu_seconds(pid):
    fields = Path(f'/proc/{pid}/stat').read_text(encoding='ascii').rpartition(')')[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def transfer(world, build, pair, folder, home, torrent):
    """Starts both and waits until bytes arrive. Returns who sends; (nullable): none did."""
    near, far = world.sides
    world.enter(near, [sys.executable, __file__, '--role', 'tracker'])
    seed = world.enter(near, PROGRAMS[pair[0]](build, torrent, folder / 'share', SEED, home / 'seed', None))
    _pause.wait(4 if 'transmission' in pair else 2)      # for what it has to be checked
    world.enter(far, PROGRAMS[pair[1]](build, torrent, home / 'got', LEECH, home / 'leech', f'{NEAR}:{SEED}'))
    until, arrived = time.monotonic() + WAIT, 0
    while arrived < BEGUN:
        if time.monotonic() > until:
            return None
        _pause.wait(0.05)
        arrived += world.counted().payload
    return seed


def measure(build, pair, way, seconds, folder, torrent):
    """What the line counted and the share of a processor that sending took; (nullable): nothing arrived. @pair: (nullable): TCP alone."""
    with tempfile.TemporaryDirectory(dir=folder) as home, contextlib.ExitStack() as stack:
        world = World(build, way)
        stack.callback(world.end)
        seed = transfer(world, build, pair, folder, Path(home), torrent) if pair else None
        if pair and seed is None:
            return None
        if way[4]:
            world.enter(world.sides[1], [sys.executable, __file__, '--role', 'sink'])
            _pause.wait(0.5)
            world.enter(world.sides[0], [sys.executable, __file__, '--role', 'rival'])
            _pause.wait(WARM)
            world.counted()
        cpu = cpu_seconds(seed.pid) if seed else 0
        _pause.wait(seconds)
        count = world.counted()
        return count, (cpu_seconds(seed.pid) - cpu) / count.seconds if seed else 0


def verdict(pair, way_name, count, own):
    """Beside the goal; with others, what they reach among themselves. @own: Mbit/s by program,
    which is filled here."""
    if pair is None:
        return ''
    if pair[0] == pair[1]:
        own[pair[0]] = count.mbit
        goal = GOALS.get(way_name) if pair[0] == 'shoal' else None
        return '' if goal is None else f'   goal {goal}: {"met" if count.mbit >= goal else "not met"}'
    other = pair[0] if pair[1] == 'shoal' else pair[1]
    return f'   {count.mbit / own[other]:.0%} of {other} alone' if own.get(other) else ''


def row(pair, way_name, result, own):
    who = f'  {pair[0]} → {pair[1]}' if pair else '  TCP alone'
    if result is None:
        return f'{who:30} nothing arrived'
    count, cpu = result
    tcp = f'{count.tcp_mbit:8.1f}' if WAYS[way_name][4] else f'{"":8}'
    return (f'{who:30}{count.mbit:8.1f}{tcp}{count.queue_ms:8.1f}{count.queue_most_ms:8.1f}{count.twice:8.2%}{count.twice_back:8.2%}'
            f'{count.n_overflow:8}{cpu:7.2f}{verdict(pair, way_name, count, own)}')


def make_torrent(build, folder, mib):
    (folder / 'share').mkdir()
    with open(folder / 'share/payload', 'wb') as out:
        for _ in range(mib // 16):
            out.write(os.urandom(16 << 20))
    torrent = folder / 'payload.torrent'
    subprocess.run([build / 'src/cli/shoal-cli', 'create', folder / 'share/payload', '-o', torrent, '--v1', '--tracker',
                    f'http://{NEAR}:{TRACKER}/announce'], check=True, capture_output=True)
    return torrent


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('build', nargs='?')
    parser.add_argument('--role', choices=('tracker', 'sink', 'rival'), help=argparse.SUPPRESS)
    parser.add_argument('--seconds', type=float, default=6)
    parser.add_argument('--mib', type=int, default=512, help='of the payload; what is fetched before it ends')
    parser.add_argument('--all', action='store_true', help='every pair on every way')
    parser.add_argument('--pair', action='append', choices=[':'.join(pair) for pair in PAIRS])
    parser.add_argument('--way', action='append', type=int, choices=range(len(WAYS)), help=', '.join(f'{i}: {name}' for i, name in enumerate(WAYS)))
    args = parser.parse_args()
    if args.role == 'tracker':
        return http.server.ThreadingHTTPServer((NEAR, TRACKER), Tracker).serve_forever()
    if args.role:
        return rival(args.role == 'rival')

    build = Path(args.build).resolve()
    folder = Path(tempfile.mkdtemp(prefix='shoal-utp-'))
    try:
        torrent = make_torrent(build, folder, args.mib)
        print(f'{"Mbit/s of payload, ms, packets":30}{"uTP":>8}{"TCP":>8}{"queue":>8}{"most":>8}{"twice":>8}{"back":>8}{"dropped":>8}{"CPU":>7}')
        for number, (name, way) in enumerate(WAYS.items()):
            if args.way and number not in args.way:
                continue
            print(name)
            pairs, own = [*PAIRS, *[ALONE] * way[4]] if args.all else way[5], {}
            if args.pair:
                pairs = [pair for pair in PAIRS if ':'.join(pair) in args.pair]
            for pair in pairs:
                result = measure(build, pair, way, args.seconds, folder, torrent)
                print(row(pair, name, result, own), flush=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == '__main__':
    sys.exit(main())
