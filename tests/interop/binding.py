#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""shoal-cli bound to one of two interfaces: TCP, UDP, HTTP and names, while it is there, goes and comes back. Every packet
that leaves by the other one, which has the better route, fails the case."""

import shutil
import subprocess
import sys
import time

from clients import Shoal
from ground import Failed, until
from utp import UTP_ALONE, ShoalOverUtp
from ways import SERVER, SERVER6, SIX, TRACKER, Case, ip, main, sockets

WAY = Case.OTHER
OWN, OWN6 = '172.20.3.1', 'fd20:3::1'     # our addresses on it


class BoundCase(Case):
    """A name server beside the services."""

    def prepare(self):
        self.world.route(WAY, 200)
        self.names = self.scene.run('dnsmasq', [*self.world.server.prefix(), shutil.which('dnsmasq'), '--keep-in-foreground', '--conf-file=/dev/null',
                                                '--no-resolv', '--no-hosts', f'--listen-address={SERVER}', f'--listen-address={SERVER6}',
                                                '--bind-interfaces', '--user=root', '--log-queries', '--log-facility=-', '--pid-file=',
                                                f'--address=/{TRACKER}/{SERVER}', f'--address=/{SIX}/{SERVER6}'])
        until(lambda: self.world.server.listens(53, 'udp') and self.world.server.listens(53, 'udp6'), 10, 'dnsmasq listens', [self.names])


def whole(us, host, wire, *options, name=TRACKER):
    with BoundCase(us, host, wire) as case:
        case.start(*options)
        case.finish()
        if name not in case.names.output():
            raise Failed('the name server was not asked')


def six_by_name(us, host, *options):
    """A web server that has an IPv6 address and no other, and so has the name server."""
    whole(us, host, 'web6', *options, name=SIX)


def six_peer(us, host, alone, settings, *options):
    with BoundCase(us, host, 'peer6', settings=settings) as case:
        case.start(*options, '--peer', case.services.peer, alone=alone)
        case.finish()


class Unprivileged(Shoal):
    """Without any of root's rights over the network: in a user namespace of its own, to which the network does not belong."""

    def command(self, scene, *args):
        return scene.run('shoal', ['unshare', '--user', '--', self.cli, *args], env=self.env)


def without_root(us, host, *options):
    rights = subprocess.run(['unshare', '--user', '--', 'ip', 'link', 'set', 'lo', 'up'], capture_output=True, text=True, check=False)
    if 'not permitted' not in rights.stderr:
        raise Failed(f'the network can be changed: {rights.stderr}')
    down_and_up(Unprivileged(us.build), host, *options)


def everything_on(us, host, *options):
    """Whatever else looks for peers and ports does so by this way too."""
    with BoundCase(us, host, slow=600) as case:
        case.start(*options, alone=())
        case.finish()


def no_server(us, host):
    """Names fail, nobody else is asked, and addresses work."""
    with BoundCase(us, host) as case:
        case.start('--bind', WAY, '--peer', case.services.peer)
        case.finish()
        if TRACKER in case.names.output():
            raise Failed('somebody asked the name server')


def quiet(case, seconds=2.5):
    """Nothing leaves and no socket is there, for a while."""
    try:
        until(lambda: not sockets(case.ours.pid), 10, 'every socket is closed', [case.ours])
    except Failed as problem:
        raise Failed(f'{problem}\nstill there: {sockets(case.ours.pid)}') from None
    deadline = time.monotonic() + seconds
    until(lambda: sockets(case.ours.pid) or time.monotonic() > deadline, seconds + 5, 'time passes', [case.ours])
    if sockets(case.ours.pid):
        raise Failed(f'sockets while it is down: {sockets(case.ours.pid)}')
    case.no_leak('while it was down')


def absent_at_start(us, host):
    with BoundCase(us, host) as case:
        case.world.unplug(WAY)
        case.start('--bind', WAY, '--dns', SERVER)
        quiet(case)
        case.world.plug(WAY)
        case.world.route(WAY, 200)
        case.finish()


def down_and_up(us, host, *options, wire='http'):
    """The interface is switched off in the middle, and on again."""
    with BoundCase(us, host, wire, slow=600) as case:
        case.start(*options, *(('--peer', case.services.peer) if wire == 'peer6' else ()))
        case.begun()
        ip('link', 'set', WAY, 'down')
        quiet(case)
        ip('link', 'set', WAY, 'up')
        case.world.address(WAY)
        case.world.route(WAY, 200)
        case.finish()


def six_down_and_up(us, host, *options):
    down_and_up(us, host, *options, wire='peer6')


def replaced(us, host):
    """It vanishes in the middle, and another one of its name comes: what a VPN does that connects again."""
    with BoundCase(us, host, slow=600) as case:
        case.start('--bind', WAY, '--dns', SERVER)
        case.begun()
        case.world.unplug(WAY)
        quiet(case)
        case.world.plug(WAY)
        case.world.route(WAY, 200)
        case.finish()


def unbound_leaves_by_lan(us, host):
    """What is counted is worth counting: without a binding the other interface is the way."""
    with BoundCase(us, host) as case:
        case.start('--dns', SERVER)
        try:
            case.finish()
        except Failed as problem:
            if 'packets left by' in str(problem):
                return
            raise
        raise Failed('nothing was counted')


CASES = {
    'counted unbound': (unbound_leaves_by_lan,),
    'http by name': (whole, 'http', '--bind', WAY, '--dns', SERVER),
    'udp by name': (whole, 'udp', '--bind', WAY, '--dns', SERVER),
    'web seed by name': (whole, 'web', '--bind', WAY, '--dns', SERVER),
    'by address': (whole, 'http', '--bind', OWN, '--dns', SERVER),
    'IPv6 by name': (six_by_name, '--bind', WAY, '--dns', SERVER6),
    'IPv6 by address': (six_by_name, '--bind', OWN6, '--dns', SERVER6),
    'IPv6 peer': (six_peer, None, None, '--bind', OWN6),
    'IPv6 peer over uTP': (six_peer, ShoalOverUtp.ALONE, UTP_ALONE, '--bind', WAY),
    'everything on': (everything_on, '--bind', WAY, '--dns', SERVER),
    'no name server': (no_server,),
    'absent at start': (absent_at_start,),
    'down and up': (down_and_up, '--bind', WAY, '--dns', SERVER),
    'address away and back': (down_and_up, '--bind', OWN, '--dns', SERVER),
    'IPv6 away and back': (six_down_and_up, '--bind', OWN6),
    'without root': (without_root, '--bind', WAY, '--dns', SERVER),
    'replaced': (replaced,),
}


def cases(us, host):
    strangers = subprocess.run(['unshare', '--user', 'true'], capture_output=True, check=False).returncode == 0
    for name, (function, *more) in CASES.items():
        why = 'no user namespaces here' if function is without_root and not strangers else None
        yield name, why, function, (us, host, *more)


if __name__ == '__main__':
    sys.exit(main('binding', cases, 'dnsmasq'))
