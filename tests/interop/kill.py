#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""kill -9 in the middle of a download from two seeds, and what follows: kill.py BUILD. Only pieces that were not
complete are fetched again, the files are not read from end to end again, and the result is then seeded to aria2."""

import argparse
import hashlib
import shutil
import signal
import sys
from pathlib import Path

from clients import OTHERS, Shoal, counters, progress
from ground import Failed, OpenTracker, Scene, Tap, Torrent, differences, end_on_sigterm, own_network, skip, until, until_same, write_payload

PIECE = 256 * 1024
FILES = (('a big one.bin', 30_000_001), ('sub/empty', 0), ('sub/odd.dat', 9_999_999), ('sub/one byte', 1), ('z/last.bin', 12_345_678))
LIMITS = {'transmission': 4096, 'libtorrent': 1024}   # KiB/s; transmission lets a peer wait for up to 15 s first
SECONDS = 90


def complete_pieces(torrent, folder):
    """The bytes of pieces that are whole on disk, files with a suffix for incomplete ones among them."""
    hashes = torrent.info[b'pieces']
    size = torrent.info[b'piece length']
    spans = []
    for entry in torrent.info[b'files']:
        name = '/'.join(part.decode() for part in entry[b'path'])
        path = folder / torrent.name / name
        if not path.exists():
            path = path.with_name(path.name + '.part')
        spans.append((path, entry[b'length']))
    joined = bytearray()
    for path, length in spans:
        data = path.read_bytes()[:length] if path.exists() else b''
        joined += data + bytes(length - len(data))
    return sum(len(joined[at:at + size]) for number, at in enumerate(range(0, len(joined), size))
               if hashlib.sha1(joined[at:at + size]).digest() == hashes[number * 20:number * 20 + 20])


def read_from_files(pid):
    """Bytes that the process asked of read calls so far, sockets among them where it reads them that way."""
    for line in Path(f'/proc/{pid}/io').read_text().splitlines():
        if line.startswith('rchar:'):
            return int(line.split()[1])
    return 0


class Story:
    """The steps, one case each; a step that fails stops those after it."""

    def __init__(self, us, scene):
        self.us, self.scene = us, scene
        self.share = scene.folder / 'share'
        write_payload(self.share / 'Killed', FILES, seed=9)
        self.total = sum(size for _, size in FILES)
        bare = scene.folder / 'bare.torrent'
        us.create(self.share / 'Killed', bare, 'v1', None, '256KiB')
        self.tracker = OpenTracker(scene, [Torrent(bare)])
        us.create(self.share / 'Killed', scene.folder / 'killed.torrent', 'v1', self.tracker.http, '256KiB')
        self.torrent = Torrent(scene.folder / 'killed.torrent')
        self.got = scene.new_folder('got')
        self.state = scene.new_folder('state')

    def start_ours(self, *more):
        return self.us.download(self.scene, self.torrent.path, self.got, more=('--state', self.state, '--json', *more))

    def kill(self):
        """Both seeds give, then comes the kill at about half."""
        self.other = OTHERS['transmission']
        self.seeds = [self.other.seed(self.scene, self.torrent, self.share, more={
            'speed-limit-up-enabled': True, 'speed-limit-up': LIMITS['transmission']}),
                      OTHERS['libtorrent'].seed(self.scene, self.torrent, self.share, more=('--limit-up', str(LIMITS['libtorrent'])))]
        until(lambda: self.tracker.seeds(self.torrent) == 2, SECONDS, 'both seeds announced themselves', self.seeds)
        ours = self.start_ours()
        until(lambda: progress(ours).get('done', 0) > self.total * 0.4, SECONDS, 'nearly half is there', [ours, *self.seeds],
              lambda: progress(ours).get('done', 0))
        ours.send(signal.SIGKILL)
        ours.wait(10)
        self.first = (self.other.uploaded(self.seeds[0]), counters(self.seeds[1])['up'])
        if min(self.first) == 0:
            raise Failed(f'only one seed gave anything: transmission {self.first[0]} bytes, libtorrent {self.first[1]}')
        self.kept = complete_pieces(self.torrent, self.got)
        if self.kept < self.total * 0.25:
            raise Failed(f'only {self.kept} of {self.total} bytes are in whole pieces on disk')

    def resume(self):
        """What was whole is not fetched twice."""
        self.ours = self.start_ours('--seed')
        until(lambda: '"complete"' in self.ours.output(), SECONDS, 'it is complete', [self.ours, *self.seeds],
              lambda: progress(self.ours).get('done', 0))
        self.read = read_from_files(self.ours.pid)
        second = self.other.uploaded(self.seeds[0]), counters(self.seeds[1])['up']
        self.fetched = sum(second) - sum(self.first)
        missing = self.total - self.kept
        print(f'# {self.total} bytes, whole at the kill {self.kept}, fetched afterwards {self.fetched}, read {self.read}')
        slack = 4 * PIECE + missing // 50
        if self.fetched > missing + slack:
            raise Failed(f'{self.fetched} bytes were fetched for {missing} that were missing')
        wrong = differences(self.share, self.got)
        if wrong:
            raise Failed('; '.join(wrong))

    def no_recheck(self):
        """Reading at most what the journal told of and what came from the network, not the whole again."""
        bound = self.kept + self.fetched + self.fetched // 10 + 4 * 1024 * 1024
        if self.read > bound:
            raise Failed(f'{self.read} bytes were read, {bound} would do')

    def pass_on(self):
        """It now seeds: aria2 gets it while the two seeds are gone."""
        for seed in self.seeds:
            seed.end()
        got = self.scene.new_folder('aria2-got')
        until(lambda: self.tracker.seeds(self.torrent) >= 1, SECONDS, 'it is announced as a seed', [self.ours])
        OTHERS['aria2'].download(self.scene, self.torrent.path, got)
        until_same(self.share, got, SECONDS, [self.ours])
        self.ours.end(signal.SIGINT)
        if self.ours.poll() != 130:
            raise Failed(f'the seed ended with status {self.ours.poll()} on SIGINT')


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('build')
    args = parser.parse_args()
    end_on_sigterm()
    host = own_network()
    absent = [name for name in ('libtorrent', 'transmission', 'aria2') if not OTHERS[name].installed()]
    absent += [] if shutil.which('opentracker') else ['opentracker']
    if absent:
        return skip(args.build, 'kill', f'{", ".join(absent)} not installed')
    tap, row = Tap(), {}
    with Scene(host) as scene:
        story = Story(Shoal(args.build), scene)
        for name, step in (('kill -9 while two seeds give', story.kill), ('only the rest is fetched', story.resume),
                           ('no full recheck', story.no_recheck), ('then seeds to aria2', story.pass_on)):
            row[name] = tap.case(name, step) if 'FAIL' not in row.values() or name == 'then seeds to aria2' and hasattr(story, 'fetched') \
                else 'not reached'
    return tap.leave(args.build, 'kill', row)


if __name__ == '__main__':
    sys.exit(main())
