# SPDX-License-Identifier: GPL-3.0-or-later
"""2,000 complete torrents: how long until all are there, what each costs in memory, what they cost while idle. The
files are sparse and all zeros, so that they take no room and yet are right."""

import hashlib
import threading
import time
from pathlib import Path

from clients import PYTHON
from ground import until
from rivals import anonymous_kib, cpu_seconds

PIECES, FILES, PIECE_SIZE = 1500, 20, 16384
FILE_SIZE = PIECES * PIECE_SIZE // FILES
SETTLE, IDLE = 3, 10           # seconds: after loading, and of measuring
HERE = Path(__file__).resolve().parent


def bencode(value):
    if isinstance(value, int):
        return b'i%de' % value
    if isinstance(value, bytes):
        return b'%d:%s' % (len(value), value)
    if isinstance(value, str):
        return bencode(value.encode())
    if isinstance(value, list):
        return b'l' + b''.join(bencode(item) for item in value) + b'e'
    return b'd' + b''.join(bencode(key) + bencode(value[key]) for key in sorted(value)) + b'e'


class Material:
    def __init__(self, scene, count):
        self.count = count
        self.data = scene.new_folder('data')
        self.torrents = scene.new_folder('torrents')
        self.hashes = []
        pieces = hashlib.sha1(bytes(PIECE_SIZE)).digest() * PIECES
        for number in range(count):
            name = f'Torrent {number:05}'
            files = [f'a folder/file number {index:02}.bin' for index in range(FILES)]
            (self.data / name / 'a folder').mkdir(parents=True)
            for path in files:
                with open(self.data / name / path, 'wb') as out:
                    out.truncate(FILE_SIZE)
            info = bencode({'name': name, 'piece length': PIECE_SIZE, 'pieces': pieces,
                            'files': [{'length': FILE_SIZE, 'path': path.split('/')} for path in files]})
            (self.torrents / f'{number:05}.torrent').write_bytes(b'd4:info' + info + b'e')
            self.hashes.append(hashlib.sha1(info).hexdigest())

    def paths(self):
        return sorted(self.torrents.glob('*.torrent'))


def rest(seconds):
    """Lets a program idle for as long as its idling is measured."""
    threading.Event().wait(seconds)


def measure(start, ready, count):
    """start(with_torrents) runs the program, ready(program) says whether all of them are there."""
    empty = start(False)
    until(lambda: ready(empty, 0), 60, 'the empty program is up', [empty])
    rest(SETTLE)
    base = anonymous_kib(empty.pid)
    empty.end()

    program = start(True)
    until(lambda: ready(program, count), 300, f'{count} torrents are loaded', [program])
    seconds = time.monotonic() - program.started
    rest(SETTLE)
    used = cpu_seconds(program.pid)
    rest(IDLE)
    result = {'seconds': seconds, 'each': (anonymous_kib(program.pid) - base) / count,
              'idle': (cpu_seconds(program.pid) - used) / IDLE * 100}
    program.end()
    return result


def shoal(rival, scene, material):
    us, state = rival.client, scene.new_folder('shoal-state')
    # The records are made as a user makes them: every torrent is added and verified once.
    adding = us.command(scene, 'download', *material.paths(), '--dir', material.data, '--state', state, '--quiet',
                        '--port', scene.port(), *us.ALONE)
    until(lambda: adding.poll() is not None, 600, 'all are verified once')

    def start(full):
        return us.command(scene, 'serve', '--state', state if full else scene.new_folder('shoal-empty'), '--port', scene.port(), *us.ALONE)
    return measure(start, lambda program, count: f'ready {count} ' in program.output(), material.count)


def libtorrent(_, scene, material):
    def start(full):
        return scene.run('libtorrent', [PYTHON, HERE / 'lt_load.py', material.data, material.torrents if full else '-',
                                        scene.another_host(), scene.port()])
    return measure(start, lambda program, count: f'ready {count}\n' in program.output(), material.count)


def transmission(rival, scene, material):
    def start(full):
        client = rival.client
        if not full:
            return client.start(scene, {'message-level': 1})

        def fill(home):
            (home / 'torrents').mkdir()
            (home / 'resume').mkdir()
            now = int(time.time()) + 3600
            for path, info_hash in zip(material.paths(), material.hashes):
                (home / 'torrents' / f'{info_hash}.torrent').write_bytes(path.read_bytes())
                (home / 'resume' / f'{info_hash}.resume').write_bytes(bencode({
                    'destination': str(material.data), 'paused': 0, 'done-date': now - 7200, 'added-date': now - 7200,
                    'progress': {'have': 'all', 'time-checked': [now] * FILES}}))
        return client.start(scene, {'message-level': 1}, fill)

    def ready(program, count):
        torrents = rival.client.call(program, 'torrent-get', fields=['status'])['torrents']
        return len(torrents) == count and all(torrent['status'] == 6 for torrent in torrents)
    return measure(start, ready, material.count)


LOADERS = {'shoal': shoal, 'libtorrent': libtorrent, 'transmission': transmission}
