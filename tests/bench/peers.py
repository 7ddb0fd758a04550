# SPDX-License-Identifier: GPL-3.0-or-later
"""200 and 1,000 slow seeds at once: what a connected peer costs in memory, and all of them in CPU."""

import json
import re
import resource
import signal
from pathlib import Path

from clients import PYTHON
from ground import until
from load import rest
from rivals import anonymous_kib, cpu_seconds

RATE = 2048                     # bytes a second of each
SETTLE, MEASURE = 10, 24        # seconds: a peer takes 8 for a block
HERE = Path(__file__).resolve().parent


def shoal(rival, scene, torrent, got, count):
    host, port = scene.host, scene.port()
    return host, port, rival.client.command(scene, 'download', torrent.path, '--dir', got, '--port', port, '--max-peers', count + 50,
                                            '--no-trackers', '--json', *rival.client.ALONE)


def libtorrent(_, scene, torrent, got, count):
    host, port = scene.another_host(), scene.port()
    return host, port, scene.run('libtorrent', [PYTHON, HERE.parent / 'interop' / 'lt_client.py', torrent.path, '--dir', got, '--host', host,
                                                '--port', port, '--settings', json.dumps({'connections_limit': count + 50, 'listen_queue_size': count})])


STARTERS = {'shoal': shoal, 'libtorrent': libtorrent}


def told(crowd):
    """(bytes given, peers lost) so far."""
    count = crowd.output().count('given')
    crowd.send(signal.SIGUSR1)
    until(lambda: crowd.output().count('given') > count and crowd.output().endswith('\n'), 10, 'the slow seeds tell', [crowd])
    return tuple(int(number) for number in re.findall(r'given (\d+) lost (\d+)', crowd.output())[-1])


def measure(rival, scene, torrent, payload, count):
    """KiB of each peer, percent of a core, KiB a second that came."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    got = scene.new_folder(f'{rival.name}-{count}')
    host, port, program = STARTERS[rival.name](rival, scene, torrent, got, count)
    until(lambda: program.output().strip(), 30, f'{rival.name} is up', [program])
    rest(2)
    base = anonymous_kib(program.pid)
    crowd = scene.run('slow-seeds', [PYTHON, HERE / 'slow.py', host, port, torrent.path, payload, count, RATE])
    until(lambda: 'ready' in crowd.output(), 120, f'{count} peers are greeted', [program, crowd])
    rest(SETTLE)
    used, before = cpu_seconds(program.pid), told(crowd)
    rest(MEASURE)
    cpu = (cpu_seconds(program.pid) - used) / MEASURE * 100
    each = (anonymous_kib(program.pid) - base) / count
    given, lost = told(crowd)
    crowd.end()
    program.end()
    return {'each': each, 'cpu': cpu, 'rate': (given - before[0]) / MEASURE / 1024, 'lost': lost}
