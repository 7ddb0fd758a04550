#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""shoal-cli bound to one of two interfaces: TCP, UDP, HTTP and names, while it is there, goes and comes back. Every packet
that leaves by the other one, which has the better route, fails the case."""

import argparse
import json
import shutil
import sys
import time
from pathlib import Path

from clients import Shoal
from ground import Failed, Scene, Tap, differences, end_on_sigterm, own_network, until
from ways import SERVER, TRACKER, Onlooker, Services, World, ip, sockets, why_not

VPN, LAN = 'vpn0', 'lan0'
SECONDS = 60


class Case:
    """Both ways, a name server, a tracker and a seed; ours downloads."""

    def __init__(self, us, host, wire='http', slow=0):
        self.us, self.host, self.wire, self.slow = us, host, wire, slow

    def __enter__(self):
        self.scene = Scene(self.host)
        self.world = World({VPN: 1, LAN: 2})
        self.world.route(LAN, 100)
        self.world.route(VPN, 200)
        self.names = self.scene.run('dnsmasq', [*self.world.server.prefix(), shutil.which('dnsmasq'), '--keep-in-foreground', '--conf-file=/dev/null',
                                                '--no-resolv', '--no-hosts', f'--listen-address={SERVER}', '--bind-interfaces', '--user=root',
                                                '--log-queries', '--log-facility=-', '--pid-file=', f'--address=/{TRACKER}/{SERVER}'])
        self.services = Services(self.scene, self.world, self.us, self.wire, self.slow)
        until(lambda: self.world.server.listens(53, 'udp'), 10, 'dnsmasq listens', [self.names])
        self.got = self.scene.new_folder('got')
        self.onlooker = Onlooker(LAN)
        return self

    def __exit__(self, *_):
        self.onlooker.close()
        self.scene.__exit__()
        self.world.close()

    def start(self, *more, **how):
        self.ours = self.us.download(self.scene, self.services.torrent.path, self.got, more=more, **how)
        return self.ours

    def finish(self):
        if self.ours.wait(SECONDS) != 0:
            raise Failed(f'shoal-cli ended with status {self.ours.poll()}\n{self.ours.tail()}')
        wrong = differences(self.services.share, self.got)
        if wrong:
            raise Failed('; '.join(wrong))
        self.onlooker.expect_none('in all')

    def some(self):
        """Something of the payload is there, and not all."""
        until(lambda: any(p.stat().st_blocks > 0 for p in self.got.rglob('*') if p.is_file()), SECONDS, 'the download has begun', [self.ours])


def whole(us, host, wire, *options):
    with Case(us, host, wire) as case:
        case.start(*options)
        case.finish()
        if TRACKER not in case.names.output():
            raise Failed('the name server was not asked')


def everything_on(us, host, *options):
    """Whatever else looks for peers and ports does so by this way too."""
    with Case(us, host, slow=600) as case:
        case.start(*options, alone=())
        case.finish()


def no_server(us, host):
    """Names fail, nobody else is asked, and addresses work."""
    with Case(us, host) as case:
        case.start('--bind', VPN, '--peer', f'{SERVER}:{case.services.seed_port}')
        case.finish()
        if TRACKER in case.names.output():
            raise Failed('somebody asked the name server')


def quiet(case, seconds=2.5):
    """Nothing leaves and no socket is there, for a while."""
    until(lambda: not sockets(case.ours.pid), 10, 'every socket is closed', [case.ours])
    deadline = time.monotonic() + seconds
    until(lambda: sockets(case.ours.pid) or time.monotonic() > deadline, seconds + 5, 'time passes', [case.ours])
    if sockets(case.ours.pid):
        raise Failed(f'sockets while it is down: {sockets(case.ours.pid)}')
    case.onlooker.expect_none('while it was down')


def absent_at_start(us, host):
    with Case(us, host) as case:
        case.world.unplug(VPN)
        case.start('--bind', VPN, '--dns', SERVER)
        quiet(case)
        case.world.plug(VPN)
        case.world.route(VPN, 200)
        case.finish()


def down_and_up(us, host, *options):
    """The interface is switched off in the middle, and on again."""
    with Case(us, host, slow=600) as case:
        case.start(*options)
        case.some()
        ip('link', 'set', VPN, 'down')
        quiet(case)
        ip('link', 'set', VPN, 'up')
        case.world.route(VPN, 200)
        case.finish()


def replaced(us, host):
    """It vanishes in the middle, and another one of its name comes: what a VPN does that connects again."""
    with Case(us, host, slow=600) as case:
        case.start('--bind', VPN, '--dns', SERVER)
        case.some()
        case.world.unplug(VPN)
        quiet(case)
        case.world.plug(VPN)
        case.world.route(VPN, 200)
        case.finish()


def unbound_leaves_by_lan(us, host):
    """What is counted is worth counting: without a binding the other interface is the way."""
    with Case(us, host) as case:
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
    'http by name': (whole, 'http', '--bind', VPN, '--dns', SERVER),
    'udp by name': (whole, 'udp', '--bind', VPN, '--dns', SERVER),
    'web seed by name': (whole, 'web', '--bind', VPN, '--dns', SERVER),
    'by address': (whole, 'http', '--bind', '172.20.1.1', '--dns', SERVER),
    'everything on': (everything_on, '--bind', VPN, '--dns', SERVER),
    'no name server': (no_server,),
    'absent at start': (absent_at_start,),
    'down and up': (down_and_up, '--bind', VPN, '--dns', SERVER),
    'address away and back': (down_and_up, '--bind', '172.20.1.1', '--dns', SERVER),
    'replaced': (replaced,),
}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('build')
    parser.add_argument('cases', nargs='*')
    args = parser.parse_args()
    end_on_sigterm()
    host = own_network()
    tap, row, us = Tap(), {}, Shoal(args.build)
    absent = why_not('dnsmasq')
    if host.startswith('127.') or absent:
        reason = f'{absent} not installed' if absent else 'no network namespaces here'
        print(f'1..0 # SKIP {reason}')
        row = {'*': reason}
    else:
        for name, (function, *more) in CASES.items():
            if not args.cases or name in args.cases:
                row[name] = tap.case(name, function, us, host, *more)
        tap.plan()
    (Path(args.build) / 'interop-binding.json').write_text(json.dumps({'program': 'binding', 'address': host, 'row': row}))
    return 1 if tap.failed else 0


if __name__ == '__main__':
    sys.exit(main())
