# SPDX-License-Identifier: GPL-3.0-or-later
"""A node of the DHT on loopback, as many questions as it answers: how many a second, and the CPU of each."""

import json
from pathlib import Path

from clients import PYTHON
from ground import until
from rivals import cpu_seconds

SECONDS = 8
HERE = Path(__file__).resolve().parent
HASH = '5a' * 20
# It answers five a second of one address, and 8 kB a second in all, unless told otherwise.
UNLIMITED = {'enable_dht': True, 'dht_restrict_routing_ips': False, 'dht_restrict_search_ips': False, 'dht_block_ratelimit': 1_000_000_000,
             'dht_upload_rate_limit': 1_000_000_000, 'dht_bootstrap_nodes': ''}


def shoal(rival, scene, port):
    alone = [flag for flag in rival.client.ALONE if flag != '--no-dht']
    return rival.client.command(scene, 'download', f'magnet:?xt=urn:btih:{HASH}', '--dir', scene.folder, '--port', port, '--dht-router', '127.1.0.1:1', *alone)


def libtorrent(_, scene, port):
    return scene.run('libtorrent', [PYTHON, HERE.parent / 'interop' / 'lt_client.py', f'magnet:?xt=urn:btih:{HASH}', '--dir', scene.folder,
                                    '--host', '127.0.0.1', '--port', port, '--settings', json.dumps(UNLIMITED)])


STARTERS = {'shoal': shoal, 'libtorrent': libtorrent}


def measure(rival, scene, build):
    port = scene.port()
    program = STARTERS[rival.name](rival, scene, port)
    load = scene.run('load', [build / 'tests/bench/dht-load', port, SECONDS])
    until(lambda: 'warm' in load.output(), 40, 'the node has neighbours', [program, load])
    used = cpu_seconds(program.pid)
    load.wait(SECONDS + 10)
    used = cpu_seconds(program.pid) - used
    answers, asked, size, nodes = (float(word) for word in load.output().split()[1:])
    return {'rate': answers / SECONDS, 'each': used / max(answers, 1) * 1e6, 'answered': answers / asked * 100, 'size': size / max(answers, 1),
            'nodes': nodes}
