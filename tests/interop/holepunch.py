#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two clients behind NATs of their own and a third one that both are connected to: holepunch.py BUILD. The ways between the two are
closed until both knock at once, so what arrives came through a hole (BEP 55). Each lives in a network namespace, the NATs are those of
nftables. Prints TAP and leaves a row for table.py."""

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from clients import Shoal
from ground import Failed, Scene, Tap, Torrent, differences, end_on_sigterm, own_network, until, write_payload

SECONDS = 150
RELAY = '203.0.113.1'
SIDES = {'left': ('203.0.113.11', '192.168.11'), 'right': ('203.0.113.12', '192.168.12')}
NAT = '''
table ip nat {{
  chain out {{ type nat hook postrouting priority 100; oifname "wan" masquerade; }}
}}
table ip guard {{
  chain in {{ type filter hook input priority 0; policy drop; iifname "lan" accept; ct state established,related accept; }}
  chain pass {{ type filter hook forward priority 0; policy drop; iifname "lan" accept; ct state established,related accept; }}
}}
'''


def run(*argv, check=True, **more):
    done = subprocess.run([str(part) for part in argv], capture_output=True, text=True, check=False, **more)
    if check and done.returncode != 0:
        raise Failed(f'{" ".join(map(str, argv))}: {done.stderr.strip()}')
    return done


class Space:
    """A network namespace, held by a process that does nothing."""

    def __init__(self, scene, name):
        self.holder = scene.run(name, ['unshare', '--net', 'sh', '-c', 'echo ready; exec sleep 3600'])
        until(lambda: 'ready' in self.holder.output(), 5, f'{name} is there', [self.holder])
        self.enter = ['nsenter', f'--target={self.holder.pid}', '--net']
        self.inside('ip', 'link', 'set', 'lo', 'up')

    def inside(self, *argv, **more):
        return run(*self.enter, *argv, **more)


def behind_nat(scene, side):
    """A host behind a NAT, joined to the bridge that is the world."""
    outside, inside = SIDES[side]
    nat, host = Space(scene, f'{side}-nat'), Space(scene, f'{side}-host')
    run('ip', 'link', 'add', side, 'type', 'veth', 'peer', 'name', 'wan', 'netns', nat.holder.pid)
    run('ip', 'link', 'set', side, 'master', 'world', 'up')
    nat.inside('ip', 'addr', 'add', f'{outside}/24', 'dev', 'wan')
    nat.inside('ip', 'link', 'set', 'wan', 'up')
    nat.inside('ip', 'link', 'add', 'lan', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', host.holder.pid)
    nat.inside('ip', 'addr', 'add', f'{inside}.1/24', 'dev', 'lan')
    nat.inside('ip', 'link', 'set', 'lan', 'up')
    nat.inside('sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward')
    nat.inside('nft', '-f', '-', input=NAT.format())
    host.inside('ip', 'addr', 'add', f'{inside}.2/24', 'dev', 'eth0')
    host.inside('ip', 'link', 'set', 'eth0', 'up')
    host.inside('ip', 'route', 'add', 'default', 'via', f'{inside}.1')
    return host


def punch(us):
    with Scene(RELAY) as scene:
        run('ip', 'link', 'add', 'world', 'type', 'bridge')
        run('ip', 'addr', 'add', f'{RELAY}/24', 'dev', 'world')
        run('ip', 'link', 'set', 'world', 'up')
        left, right = behind_nat(scene, 'left'), behind_nat(scene, 'right')
        write_payload(scene.folder / 'share' / 'Odd sizes')
        us.create(scene.folder / 'share' / 'Odd sizes', scene.folder / 'a.torrent', 'v1')
        torrent = Torrent(scene.folder / 'a.torrent')
        flags = ['--no-dht', '--no-lsd', '--no-portmap', '--no-trackers', '--seed']

        def shoal(name, space, folder, port, *more):
            return scene.run(name, [*space, us.cli, 'download', torrent.path, '--dir', folder, '--port', port, *flags, *more],
                             env={**us.env, 'G_MESSAGES_DEBUG': 'shoal-engine'})

        middle = shoal('relay', [], scene.new_folder('middle'), 7000, '--limit-down', '1', '--limit-up', '1')
        # It hears of nobody, so that it knocks only when it is told to.
        seed = shoal('seed', left.enter, scene.folder / 'share', 7001, '--no-tcp', '--no-pex', '--peer', f'{RELAY}:7000')
        got = scene.new_folder('got')
        leecher = shoal('leecher', right.enter, got, 7002, '--no-tcp', '--peer', f'{RELAY}:7000')
        until(lambda: not differences(scene.folder / 'share', got), SECONDS, 'every byte came through the hole', [middle, seed, leecher])
        if 'a way through NATs is tried' not in seed.output():
            raise Failed('nobody told the seed to knock')


def allowed():
    """Whether namespaces in the namespace, a bridge and a NAT can be made."""
    if os.environ.get('SHOAL_OWN_NETWORK') != 'yes':
        return 'no network namespaces here'
    if not all(shutil.which(name) for name in ('ip', 'nft', 'nsenter', 'unshare')):
        return 'ip, nft, nsenter or unshare is missing'
    trial = ('ip link add trial type bridge && ip link del trial && echo "add table ip trial; add chain ip trial c '
             '{ type nat hook postrouting priority 100; }; add rule ip trial c masquerade; delete table ip trial" | nft -f -')
    if run('unshare', '--net', 'sh', '-c', trial, check=False).returncode != 0:
        return 'no bridge or no NAT in a namespace here'
    return None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('build')
    args = parser.parse_args()
    end_on_sigterm()
    own_network()
    reason = allowed()
    if reason:
        print(f'1..0 # SKIP {reason}')
        return 0
    tap = Tap()
    row = {'holepunch': tap.case('a hole through two NATs', punch, Shoal(args.build))}
    tap.plan()
    (Path(args.build) / 'interop-holepunch.json').write_text(json.dumps({'program': 'holepunch', 'address': RELAY, 'row': row}))
    return 1 if tap.failed else 0


if __name__ == '__main__':
    sys.exit(main())
