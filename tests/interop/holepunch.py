#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two clients behind NATs of their own and a third one that both are connected to: holepunch.py BUILD [CASE]... The ways between the two are
closed until both knock at once, so what arrives came through a hole (BEP 55). Each lives in a network namespace, the NATs are those of
nftables. Prints TAP and leaves a row for table.py."""

import json
import os
import shutil
import subprocess
import sys

from clients import HERE, LibTorrent, Shoal
from ground import PYTHON, Failed, Scene, Tap, arguments, own_network, skip, until, until_same, write_payload

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


class Crew:
    """Who takes part in a case: Shoal or libtorrent in each role. Over uTP alone, and without a tracker."""

    FLAGS = ('--no-dht', '--no-lsd', '--no-portmap', '--no-trackers', '--seed')
    UTP = {'enable_outgoing_utp': True, 'enable_incoming_utp': True, 'peer_connect_timeout': 5}

    def __init__(self, scene, us):
        self.scene, self.us = scene, us
        write_payload(scene.folder / 'share' / 'Odd sizes')
        us.create(scene.folder / 'share' / 'Odd sizes', scene.folder / 'a.torrent', 'v1')
        self.torrent = scene.folder / 'a.torrent'

    def shoal(self, role, space, folder, address, port, deaf, *more):
        flags = [*self.FLAGS, '--no-tcp', *(['--no-pex'] if deaf else [])]
        return self.scene.run(role, [*space, self.us.cli, 'download', self.torrent, '--dir', folder, '--port', port, *flags, *more],
                              env={**self.us.env, 'G_MESSAGES_DEBUG': 'shoal-engine'})

    def libtorrent(self, role, space, folder, address, port, deaf, *more):
        """It asks for a way only after a dial with TCP failed too."""
        return self.scene.run(role, [*space, PYTHON, HERE / 'lt_client.py', self.torrent, '--dir', folder, '--host', address, '--port', port,
                                     '--settings', json.dumps(self.UTP), *(['--no-plugins'] if deaf else []), *more])


def punch(us, relay, seed, leecher):
    with Scene(RELAY) as scene:
        run('ip', 'link', 'add', 'world', 'type', 'bridge')
        try:
            run('ip', 'addr', 'add', f'{RELAY}/24', 'dev', 'world')
            run('ip', 'link', 'set', 'world', 'up')
            left, right = behind_nat(scene, 'left'), behind_nat(scene, 'right')
            crew, got, share = Crew(scene, us), scene.new_folder('got'), scene.folder / 'share'
            slow = ('--limit-down', '1', '--limit-up', '1')
            known = ('--peer', f'{RELAY}:7000')
            programs = [getattr(crew, relay)('relay', [], scene.new_folder('middle'), RELAY, 7000, False, *slow),
                        # It hears of nobody, so that it knocks only when it is told to.
                        getattr(crew, seed)('seed', left.enter, share, f"{SIDES['left'][1]}.2", 7001, True, *known),
                        getattr(crew, leecher)('leecher', right.enter, got, f"{SIDES['right'][1]}.2", 7002, False, *known)]
            until_same(share, got, SECONDS, programs)
            if seed == 'shoal' and 'a way through NATs is tried' not in programs[1].output():
                raise Failed('nobody told the seed to knock')
        finally:
            for name in ('world', *SIDES):
                run('ip', 'link', 'del', name, check=False)


# Who the third one is, who seeds behind the one NAT, who downloads behind the other.
CASES = {
    'a hole through two NATs': ('shoal', 'shoal', 'shoal'),
    'libtorrent helps': ('libtorrent', 'shoal', 'shoal'),
    'to libtorrent': ('shoal', 'shoal', 'libtorrent'),
    'from libtorrent': ('shoal', 'libtorrent', 'shoal'),
}


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
    args = arguments()
    own_network()
    reason = allowed()
    if reason:
        return skip(args.build, 'holepunch', reason)
    tap, row = Tap(), {}
    for name, programs in CASES.items():
        if not args.cases or name in args.cases:
            able = 'libtorrent' not in programs or LibTorrent().installed()
            row[name] = tap.case(name, punch, Shoal(args.build), *programs) if able else 'not installed'
    return tap.leave(args.build, 'holepunch', row)


if __name__ == '__main__':
    sys.exit(main())
