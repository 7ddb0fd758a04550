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
SIZE_MIB = 256
SETTLE, MEASURE = 5, 20         # seconds
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
    used = cpu_seconds(program.pid)
    rest(MEASURE)
    cpu = (cpu_seconds(program.pid) - used) / MEASURE * 100
    each = (anonymous_kib(program.pid) - base) / count
    crowd.end(signal.SIGTERM)
    given, lost = (int(number) for number in re.search(r'given (\d+) lost (\d+)', crowd.output()).groups())
    program.end()
    return {'each': each, 'cpu': cpu, 'rate': given / (SETTLE + MEASURE) / 1024, 'lost': lost}
