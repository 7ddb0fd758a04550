#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""./dev bench [NAME]...: Shoal beside libtorrent, aria2, rtorrent and transmission, all in one run on loopback.

download  1 GiB from a libtorrent seed: CPU of all of it, seconds without the first 128 MiB, and the floor (floor.c:
          receives from a sender of its own, hashes, writes, nothing else)
encrypted the same download with RC4 required at both ends
seed      1 GiB to a libtorrent leecher: CPU of the seed
verify    4 GiB of data against the hashes
load      2,000 complete torrents of 1,500 pieces and 20 files: until ready, memory of each, CPU while idle
peers     a download from 200 and from 1,000 slow seeds, Shoal's and libtorrent's at once: memory of each connected peer, CPU of
          them all, rate
dht       a node of the DHT on loopback: questions answered in a second, CPU of each
filter    500,000 blocked ranges: seconds to load, nanoseconds for a look-up
swarm     8 leechers of 256 MiB behind a seed of 20 MiB/s: the last one done, as a multiple of the ideal time
Memory while downloading comes with download."""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / 'interop'))

from ground import Failed, OpenTracker, Scene, Torrent, end_on_sigterm, own_network, until   # noqa: E402
from rivals import anonymous_kib, cpu_seconds, everyone, free_of, loopback_bytes           # noqa: E402

MIB = 1 << 20
GIB = 1 << 30
NAMES = ('download', 'encrypted', 'seed', 'verify', 'load', 'peers', 'swarm', 'filter', 'dht')
FIRST_BYTES = 2 * MIB        # once so much came over loopback, the transfer has begun
LIMIT_SECONDS = 100          # for one program in one run
RUNS, ONCE_SECONDS = 3, 15    # the median of so many runs, but one of a program that takes longer for it
WARM_BYTES = 128 * MIB       # a libtorrent seed sends slowly until its next tick of a second: when in it a client came is chance


class Bench:
    def __init__(self, args, host):
        self.args, self.host = args, host
        self.build = Path(args.build).resolve()
        self.base = args.dir or ('/dev/shm' if free_of('/dev/shm', 8) else '/tmp')
        self.rivals = [rival for rival in everyone(self.build) if not args.only or rival.name in args.only]
        self.us = everyone(self.build)[0]
        self.results = {}
        self.materials = {}
        self.common = None       # the scene of what several measurements use

    def scene(self):
        return Scene(self.host, self.base)

    # ---- material --------------------------------------------------------------------------------

    def material(self, scene, name, size, piece_size):
        """(folder, torrent without tracker) of one file of that size, made once for all who use it in that scene: from a random
        block that repeats shifted, so that no two pieces are alike."""
        if (scene, name) not in self.materials:
            folder = scene.new_folder(f'share-{name}')
            block = os.urandom(16 * MIB)
            with open(folder / name, 'wb') as out:
                done = 0
                while done < size:
                    step = min(size - done, len(block) - done // MIB % 64)
                    out.write(memoryview(block)[done // MIB % 64:][:step])
                    done += step
            bare = scene.folder / f'{name}.bare.torrent'
            self.us.client.create(folder / name, bare, 'v1', None, piece_size)
            self.materials[scene, name] = folder, bare
        return self.materials[scene, name]

    def big(self):
        return self.material(self.common, 'big.bin', int(self.args.gib * GIB), '1MiB')

    def small(self):
        return self.material(self.common, 'small.bin', 256 * MIB, '256KiB')

    @staticmethod
    def tracked(scene, bare):
        """(torrent, its tracker): nobody whom an earlier run left behind is known there."""
        tracker = OpenTracker(scene, [Torrent(bare)])
        path = scene.folder / bare.name.replace('.bare', '')
        path.write_bytes(b'd8:announce%d:%s' % (len(tracker.http), tracker.http.encode()) + bare.read_bytes()[1:])
        return Torrent(path), tracker

    # ---- download --------------------------------------------------------------------------------

    def encrypted_once(self, rival):
        return self.download_once(rival, True)

    def download_once(self, rival, rc4=False):
        share, bare = self.big()
        size = (share / 'big.bin').stat().st_size
        with self.scene() as scene:
            torrent, tracker = self.tracked(scene, bare)
            got = scene.new_folder('got')
            if rival is None:
                return self.floor_once(scene, torrent, share, got, size)
            seed = self.rival('libtorrent').seed(scene, torrent, share, rc4=rc4)
            until(lambda: tracker.seeds(torrent) > 0, 30, 'the seed announced itself', [seed])
            before = loopback_bytes()
            program = rival.leech(scene, torrent, got, rc4)
            until(lambda: loopback_bytes() - before > WARM_BYTES, 60, 'the transfer is in full swing', [program, seed])
            begun = time.monotonic()
            peak = [0]

            def done():
                peak[0] = max(peak[0], anonymous_kib(program.pid))
                return rival.complete(program, got)
            until(done, LIMIT_SECONDS, 'the download is complete', [program, seed])
            seconds = time.monotonic() - begun
            program.end()
            if (got / 'big.bin').stat().st_size != size:
                raise Failed(f'{rival.name} left a file of another size')
            return {'seconds': seconds, 'cpu': program.rusage.ru_utime + program.rusage.ru_stime, 'memory': peak[0] / 1024}

    def floor_once(self, scene, torrent, share, got, size):
        hashes = scene.folder / 'hashes'
        hashes.write_bytes(torrent.info[b'pieces'])
        floor, piece_size = self.build / 'tests/bench/floor', torrent.info[b'piece length']
        sender = scene.run('sender', [floor, 'send', self.host, share / 'big.bin', piece_size])
        port = until(lambda: sender.output().strip(), 10, 'the sender listens', [sender])
        before = loopback_bytes()
        program = scene.run('floor', [floor, 'receive', self.host, port, size, piece_size, hashes, got / 'big.bin'])
        until(lambda: loopback_bytes() - before > FIRST_BYTES, 60, 'the transfer begins', [program])
        begun = time.monotonic()
        if program.wait(LIMIT_SECONDS) != 0:
            raise Failed(program.tail())
        return {'seconds': time.monotonic() - begun, 'cpu': program.rusage.ru_utime + program.rusage.ru_stime, 'memory': 0}

    def download(self):
        self.big()
        rows = self.repeat([None, *self.rivals], self.download_once)
        self.results['download'] = rows
        floor, ours = rows.get('floor', {}), rows.get('shoal', {})
        self.table(f'Download of {self.args.gib:g} GiB from a libtorrent seed', rows, (
            ('seconds', '{:.2f} s'), ('cpu', '{:.2f} CPU s'), ('memory', '{:.0f} MiB anonymous')),
            {'cpu / floor': lambda row: row['cpu'] / floor['cpu'] if floor else None,
             'cpu / shoal': lambda row: row['cpu'] / ours['cpu'] if ours else None,
             'seconds / shoal': lambda row: row['seconds'] / ours['seconds'] if ours else None})

    def encrypted(self):
        self.big()
        rows = self.repeat(self.rivals, self.encrypted_once)
        self.results['encrypted'] = rows
        ours = rows.get('shoal', {})
        self.table(f'Download of {self.args.gib:g} GiB from a libtorrent seed, all in RC4', rows, (
            ('seconds', '{:.2f} s'), ('cpu', '{:.2f} CPU s'), ('memory', '{:.0f} MiB anonymous')),
            {'cpu / shoal': lambda row: row['cpu'] / ours['cpu'] if ours else None,
             'seconds / shoal': lambda row: row['seconds'] / ours['seconds'] if ours else None})

    # ---- seeding ---------------------------------------------------------------------------------

    def seed_once(self, rival):
        share, bare = self.big()
        with self.scene() as scene:
            torrent, tracker = self.tracked(scene, bare)
            seed = rival.seed(scene, torrent, share)
            until(lambda: tracker.seeds(torrent) > 0, 120, 'the seed announced itself', [seed])
            before, used = loopback_bytes(), cpu_seconds(seed.pid)
            leecher = self.rival('libtorrent').leech(scene, torrent, scene.new_folder('got'))
            until(lambda: loopback_bytes() - before > FIRST_BYTES, 60, 'the transfer begins', [leecher, seed])
            begun = time.monotonic()
            until(lambda: self.rival('libtorrent').complete(leecher, None), LIMIT_SECONDS, 'the leecher is complete', [leecher, seed])
            return {'seconds': time.monotonic() - begun, 'cpu': cpu_seconds(seed.pid) - used}

    def seed(self):
        self.big()
        rows = self.repeat(self.rivals, self.seed_once)
        self.results['seed'] = rows
        ours = rows.get('shoal', {})
        self.table(f'Seeding {self.args.gib:g} GiB to a libtorrent leecher', rows, (('seconds', '{:.2f} s'), ('cpu', '{:.2f} CPU s')),
                   {'cpu / shoal': lambda row: row['cpu'] / max(ours['cpu'], 0.01) if ours else None,
                    'seconds / shoal': lambda row: row['seconds'] / ours['seconds'] if ours else None})

    # ---- verifying -------------------------------------------------------------------------------

    def verify(self):
        size = int(4 * self.args.gib * GIB)
        with self.scene() as material:
            share, bare = self.material(material, 'large.bin', size, '2MiB')

            def verify_once(rival):
                with self.scene() as scene:
                    torrent, tracker = self.tracked(scene, bare)
                    tracker.program.end()
                    begun = time.monotonic()
                    program, done = rival.verify(scene, torrent, share)
                    until(done, LIMIT_SECONDS, 'everything is hashed', [] if rival.name in ('shoal', 'aria2') else [program])
                    seconds = time.monotonic() - begun
                    program.end()
                    return {'seconds': seconds, 'speed': size / MIB / seconds, 'cpu': program.rusage.ru_utime + program.rusage.ru_stime}
            rows = self.repeat(self.rivals, verify_once)
        self.results['verify'] = rows
        ours = rows.get('shoal', {})
        self.table(f'Verifying {4 * self.args.gib:g} GiB', rows, (('seconds', '{:.2f} s'), ('speed', '{:.0f} MiB/s'), ('cpu', '{:.2f} CPU s')),
                   {'speed / shoal': lambda row: row['speed'] / ours['speed'] if ours else None})

    # ---- many torrents ---------------------------------------------------------------------------

    def load(self):
        import load   # pylint: disable=import-outside-toplevel
        rows = {}
        with self.scene() as scene:
            material = load.Material(scene, self.args.torrents)
            for rival in self.rivals:
                how = load.LOADERS.get(rival.name)
                if how:
                    try:
                        rows[rival.name] = how(rival, scene, material)
                    except Failed as problem:
                        print(f'{rival.name}: {problem}', file=sys.stderr)
        self.results['load'] = rows
        ours = rows.get('shoal', {})
        self.table(f'{self.args.torrents} complete torrents of {load.PIECES} pieces and {load.FILES} files', rows,
                   (('seconds', 'ready in {:.2f} s'), ('each', '{:.1f} KiB each'), ('idle', '{:.2f} % CPU idle')),
                   {'seconds / shoal': lambda row: row['seconds'] / ours['seconds'] if ours else None})

    # ---- peers -----------------------------------------------------------------------------------

    def peers(self):
        import peers   # pylint: disable=import-outside-toplevel
        rivals = [rival for rival in self.rivals if rival.name in peers.STARTERS]
        for count in (200, 1000):
            def measure(rival, count=count):
                share, bare = self.small()
                with self.scene() as scene:
                    return peers.measure(rival, scene, Torrent(bare), share / 'small.bin', count)
            measure.__name__ = f'peers_{count}'
            self.small()
            rows = self.repeat(rivals, measure, at_once=True)   # they mostly wait: together they take a tenth of a core
            self.results[f'peers {count}'] = rows
            self.table(f'{count} slow seeds of {peers.RATE} B/s each', rows, (
                ('each', '{:.1f} KiB each'), ('cpu', '{:.1f} % CPU'), ('rate', '{:.0f} KiB/s'), ('lost', '{:.0f} lost')), {})

    # ---- DHT -------------------------------------------------------------------------------------

    def dht(self):
        import answers   # pylint: disable=import-outside-toplevel

        def node(rival):
            with self.scene() as scene:
                return answers.measure(rival, scene, self.build)
        rows = self.repeat([rival for rival in self.rivals if rival.name in answers.STARTERS], node)
        self.results['dht'] = rows
        ours = rows.get('shoal', {})
        self.table('Questions to a node of the DHT, find_node and get_peers in turn', rows, (
            ('rate', '{:.0f} answers a second'), ('each', '{:.1f} CPU us each'), ('answered', '{:.0f} % answered'), ('size', '{:.0f} bytes'),
            ('nodes', '{:.1f} nodes in each')),
            {'rate / shoal': lambda row: row['rate'] / ours['rate'] if ours else None})

    # ---- swarm -----------------------------------------------------------------------------------

    def filter(self):
        print('\nBlocked addresses (goals: 0.3 s, 1000 ns)')
        subprocess.run([self.build / 'tests/bench/bench-filter'], check=False)

    def swarm_once(self, rival):
        rate, leechers = 20 * MIB, 8
        share, bare = self.small()
        size = (share / 'small.bin').stat().st_size
        with self.scene() as scene:
            torrent, tracker = self.tracked(scene, bare)
            seed = self.rival('libtorrent').seed(scene, torrent, share, rate // 1024)
            until(lambda: tracker.seeds(torrent) > 0, 30, 'the seed announced itself', [seed])
            before = loopback_bytes()
            folders = [scene.new_folder(f'got-{number}') for number in range(leechers)]
            programs = [rival.leech(scene, torrent, folder) for folder in folders]
            until(lambda: loopback_bytes() - before > FIRST_BYTES, 60, 'the transfer begins', [seed, *programs])
            begun = time.monotonic()
            until(lambda: all(rival.complete(*pair) for pair in zip(programs, folders)), LIMIT_SECONDS, 'all are complete', [seed, *programs])
            seconds = time.monotonic() - begun
            return {'seconds': seconds, 'ideal': seconds / (size / rate), 'cpu': sum(cpu_seconds(program.pid) for program in programs)}

    def swarm(self):
        self.small()
        rows = self.repeat(self.rivals, self.swarm_once)
        self.results['swarm'] = rows
        self.table('8 leechers of 256 MiB behind a seed of 20 MiB/s', rows, (
            ('seconds', '{:.1f} s'), ('ideal', '{:.2f} of the ideal time'), ('cpu', '{:.1f} CPU s in all')), {})

    # ---- running and printing --------------------------------------------------------------------

    def measure(self, names):
        begun = time.monotonic()
        with self.scene() as self.common:
            for name in names:
                began = time.monotonic()
                getattr(self, name)()
                print(f'  {name} took {time.monotonic() - began:.0f} s', file=sys.stderr)
        print(f'\nAll of it took {(time.monotonic() - begun) / 60:.1f} minutes')

    def rival(self, name):
        for rival in everyone(self.build):
            if rival.name == name:
                return rival
        raise SystemExit(f'bench: {name} is not installed; ./dev deps test')

    def repeat(self, rivals, measure, at_once=False):
        """Every program in turn, that as often as asked; the median of each. Unless a number of runs is asked for, who takes long has no
        further turn: its figures differ little. With at_once nobody waits for another. A failure is said and leaves a gap."""
        rows, ended = {}, set()

        def turn(rival, number):
            name = rival.name if rival else 'floor'
            if name in ended:
                return
            begun = time.monotonic()
            try:
                rows.setdefault(name, []).append(measure(rival))
                print(f'  {measure.__name__} run {number + 1} {name}: '
                      + ', '.join(f'{key} {value:.2f}' for key, value in rows[name][-1].items()), file=sys.stderr)
            except (Failed, OSError) as problem:
                print(f'  {name}: {problem}', file=sys.stderr)
                ended.add(name)
            if not self.args.runs and time.monotonic() - begun > ONCE_SECONDS:
                ended.add(name)

        for number in range(self.args.runs or RUNS):
            if at_once:
                with ThreadPoolExecutor(len(rivals)) as pool:
                    list(pool.map(turn, rivals, [number] * len(rivals)))
            else:
                for rival in rivals:
                    turn(rival, number)
        return {name: median(all_runs) for name, all_runs in rows.items() if all_runs}

    @staticmethod
    def table(title, rows, columns, ratios):
        cells = [['', 'runs', *(key for key, _ in columns), *ratios]]
        for name, row in rows.items():
            line = [name, str(row.get('runs', 1)), *(form.format(row[key]) for key, form in columns)]
            for ratio in ratios.values():
                value = ratio(row)
                line.append(f'{value:.2f}' if value is not None else '')
            cells.append(line)
        widths = [max(len(line[column]) for line in cells) for column in range(len(cells[0]))]
        print(f'\n{title}')
        for line in cells:
            print('  ' + '  '.join(cell.ljust(width) if number == 0 else cell.rjust(width)
                                   for number, (cell, width) in enumerate(zip(line, widths))).rstrip())
        sys.stdout.flush()

    def verdict(self):
        """The promises, each with what was measured."""
        goals = []

        def goal(words, value, bound, form='{:.2f}'):
            goals.append((words, form.format(value), form.format(bound), 'ok' if value <= bound else 'MISSED'))

        rows = self.results.get('download', {})
        ours = rows.get('shoal')
        if ours and 'floor' in rows:
            goal('download: CPU of the floor', ours['cpu'] / rows['floor']['cpu'], 1.1)
        for rival in ('aria2', 'libtorrent'):
            if ours and rival in rows:
                if rival == 'aria2':
                    goal(f"download: CPU of {rival}'s", ours['cpu'] / rows[rival]['cpu'], 1)
                goal(f"download: time of {rival}'s", ours['seconds'] / rows[rival]['seconds'], 1)
        if ours:
            goal('download: anonymous memory, MiB', ours['memory'], 100, '{:.0f}')
        rows = self.results.get('encrypted', {})
        for rival in ('aria2', 'libtorrent'):
            if 'shoal' in rows and rival in rows:
                goal(f"encrypted: CPU of {rival}'s", rows['shoal']['cpu'] / rows[rival]['cpu'], 1)
                goal(f"encrypted: time of {rival}'s", rows['shoal']['seconds'] / rows[rival]['seconds'], 1)
        rows = self.results.get('seed', {})
        for rival in ('aria2', 'rtorrent'):
            if 'shoal' in rows and rival in rows:
                goal(f"seeding: CPU of {rival}'s", rows['shoal']['cpu'] / rows[rival]['cpu'], 1)
                goal(f"seeding: time of {rival}'s", rows['shoal']['seconds'] / rows[rival]['seconds'], 1)
        rows = self.results.get('verify', {})
        for rival in [name for name in rows if name != 'shoal']:
            if 'shoal' in rows:
                goal(f"verify: time of {rival}'s", rows['shoal']['seconds'] / rows[rival]['seconds'], 1)
        ours = self.results.get('load', {}).get('shoal')
        if ours:
            goal('load: seconds until ready', ours['seconds'], 0.5)
            goal('load: KiB of each torrent', ours['each'], 8, '{:.1f}')
            goal('load: % of a core while idle', ours['idle'], 0.3)
        for count in (200, 1000):
            rows = self.results.get(f'peers {count}', {})
            if 'shoal' in rows and 'libtorrent' in rows:
                goal(f"{count} slow peers: CPU of libtorrent's", rows['shoal']['cpu'] / rows['libtorrent']['cpu'], 1)
                goal(f"{count} slow peers: libtorrent's rate of Shoal's", rows['libtorrent']['rate'] / rows['shoal']['rate'], 1.03)
        rows = self.results.get('dht', {})
        if 'shoal' in rows and 'libtorrent' in rows:
            goal("DHT: CPU of libtorrent's for an answer", rows['shoal']['each'] / rows['libtorrent']['each'], 1)
        ours = self.results.get('swarm', {}).get('shoal')
        if ours:
            goal('swarm: of the ideal time', ours['ideal'], 1.4)
        if goals:
            width = max(len(line[0]) for line in goals)
            print('\nShoal against its goals')
            for words, value, bound, result in goals:
                print(f'  {words.ljust(width)}  {value:>7}  at most {bound:>5}  {result}')


def median(runs):
    return {'runs': len(runs), **{key: statistics.median(run[key] for run in runs) for key in runs[0]}}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('build')
    parser.add_argument('names', nargs='*', help=', '.join(NAMES))
    parser.add_argument('--runs', type=int, help=f'median of so many runs (default: {RUNS}, and one of a program that takes over {ONCE_SECONDS} s)')
    parser.add_argument('--gib', type=float, default=1, help='size of the transfers; verify takes four times that')
    parser.add_argument('--torrents', type=int, default=2000)
    parser.add_argument('--only', action='append', default=[], metavar='PROGRAM')
    parser.add_argument('--dir', help='where the data lies meanwhile (default: /dev/shm where it is large enough)')
    args = parser.parse_intermixed_args()
    unknown = [name for name in args.names if name not in NAMES]
    if unknown:
        parser.error(f'no measurement is called {unknown[0]}')
    if not shutil.which('opentracker'):
        parser.error('opentracker is missing; ./dev deps test')
    end_on_sigterm()
    host = own_network()
    if host.startswith('127.'):
        print('bench: no network of its own could be made, so transmission will find no peers', file=sys.stderr)
    bench = Bench(args, host)
    if not bench.us.installed():
        parser.error(f'{args.build} holds no shoal-cli')
    print(f'{os.cpu_count()} cores, data in {bench.base}')
    bench.measure(args.names or NAMES)
    bench.verdict()
    (bench.build / 'bench.json').write_text(json.dumps(bench.results, indent=1))
    return 0


if __name__ == '__main__':
    sys.exit(main())
