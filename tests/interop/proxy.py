#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""shoal-cli through proxies that others wrote, for everything: every packet that leaves by another way than to the proxy fails the
case. The tracker is known by a name that only the proxy can look up."""

import argparse
import json
import shutil
import sys
from pathlib import Path

from clients import Shoal
from ground import Failed, Scene, Tap, differences, end_on_sigterm, own_network, until
from ways import SERVER, TRACKER, Onlooker, Services, World, sent, sockets, why_not

LAN, WAY = 'lan0', 'way0'
PROXY = '172.20.3.2'
SECONDS = 60


class Proxy:
    name = ''
    binary = ''
    scheme = 'socks5'
    user = ''

    def argv(self, scene, port):
        raise NotImplementedError

    def start(self, scene, world):
        """In the world, with a table of names of its own."""
        self.port = scene.port()
        hosts = scene.folder / 'hosts'
        hosts.write_text(f'127.0.0.1 localhost\n{SERVER} {TRACKER}\n')
        argv = ' '.join(f"'{part}'" for part in self.argv(scene, self.port))
        self.program = scene.run(self.name, [*world.router.prefix(), 'unshare', '--mount', 'sh', '-c', f"mount --bind '{hosts}' /etc/hosts && exec {argv}"])
        until(lambda: world.router.listens(self.port), 10, f'{self.name} listens', [self.program])
        return f'{self.scheme}://{self.user}{PROXY}:{self.port}'


class Microsocks(Proxy):
    name = binary = 'microsocks'

    def __init__(self, password=False):
        self.password = password
        if password:
            self.name, self.user = 'microsocks with a password', 'me:se%40cret@'

    def argv(self, scene, port):
        return [shutil.which('microsocks'), '-i', PROXY, '-p', port, *(['-u', 'me', '-P', 'se@cret'] if self.password else [])]


class Dante(Proxy):
    name, binary = 'dante', 'danted'

    def argv(self, scene, port):
        config = scene.folder / 'danted.conf'
        config.write_text(f'logoutput: stderr\ninternal: {PROXY} port = {port}\nexternal: 172.20.9.2\nclientmethod: none\nsocksmethod: none\n'
                          'user.privileged: root\nuser.unprivileged: root\n'
                          'client pass { from: 0.0.0.0/0 to: 0.0.0.0/0 }\nsocks pass { from: 0.0.0.0/0 to: 0.0.0.0/0 }\n')
        return [shutil.which('danted'), '-f', config]


class Tinyproxy(Proxy):
    name = binary = 'tinyproxy'
    scheme = 'http'

    def __init__(self, password=False):
        self.password = password
        if password:
            self.name, self.user = 'tinyproxy with a password', 'me:secret@'

    def argv(self, scene, port):
        config = scene.folder / 'tinyproxy.conf'
        config.write_text(f'Port {port}\nListen {PROXY}\nTimeout 60\nMaxClients 50\n' + ('BasicAuth me secret\n' if self.password else ''))
        return [shutil.which('tinyproxy'), '-d', '-c', config]


PROXIES = {proxy.name: proxy for proxy in (Microsocks(), Microsocks(True), Dante(), Tinyproxy(), Tinyproxy(True))}
WIRES = {'microsocks': ('http', 'web'), 'danted': ('http', 'udp', 'web'), 'tinyproxy': ('http', 'web')}


class Case:
    """A world with a proxy at one end and a better route at the other."""

    def __init__(self, us, host, proxy, wire):
        self.us, self.host, self.proxy, self.wire = us, host, proxy, wire

    def __enter__(self):
        self.scene = Scene(self.host)
        self.world = World({LAN: 2, WAY: 3})
        self.world.route(LAN, 100)
        self.services = Services(self.scene, self.world, self.us, self.wire)
        self.url = self.proxy.start(self.scene, self.world)
        self.got = self.scene.new_folder('got')
        self.onlooker = Onlooker(LAN)
        return self

    def __exit__(self, *_):
        self.onlooker.close()
        self.scene.__exit__()
        self.world.close()

    def start(self, *more, **how):
        self.ours = self.us.download(self.scene, self.services.torrent.path, self.got, more=('--proxy', self.url, '--proxy-all', *more), **how)

    def finish(self):
        if self.ours.wait(SECONDS) != 0:
            raise Failed(f'shoal-cli ended with status {self.ours.poll()}\n{self.ours.tail()}\n{self.proxy.program.tail()}')
        wrong = differences(self.services.share, self.got)
        if wrong:
            raise Failed('; '.join(wrong))
        self.no_leak()

    def no_leak(self):
        self.onlooker.expect_none('in all')
        if 'se@cret' in self.ours.output() or 'secret' in self.ours.output():
            raise Failed('the password was printed')


def whole(us, host, proxy, wire):
    with Case(us, host, proxy, wire) as case:
        case.start()
        case.finish()


def everything_on(us, host, proxy):
    """Whatever else looks for peers and ports keeps still, or goes by the proxy."""
    with Case(us, host, proxy, 'http') as case:
        case.start('--limit-down', '600', alone=())
        case.finish()


def listens_to_nobody(us, host, proxy):
    with Case(us, host, proxy, 'http') as case:
        case.start('--limit-down', '300')
        until(lambda: sockets(case.ours.pid), SECONDS, 'it talks to the proxy', [case.ours])
        until(lambda: any(p.stat().st_blocks > 0 for p in case.got.rglob('*') if p.is_file()), SECONDS, 'the download has begun', [case.ours])
        listening = [entry for entry in sockets(case.ours.pid) if entry[2]]
        if listening:
            raise Failed(f'listening: {listening}')
        case.no_leak()


def proxy_gone(us, host, proxy):
    """When the proxy is not there nothing goes any other way."""
    with Case(us, host, proxy, 'http') as case:
        proxy.program.end()
        case.start('--peer', f'{SERVER}:{case.services.seed_port}')
        until(lambda: sent(WAY) > 8, SECONDS, 'the proxy was tried', [case.ours])
        case.no_leak()
        if list(path for path in case.got.rglob('*') if path.is_file() and path.stat().st_blocks):
            raise Failed('something came all the same')


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('build')
    parser.add_argument('cases', nargs='*')
    args = parser.parse_args()
    end_on_sigterm()
    host = own_network()
    tap, row, us = Tap(), {}, Shoal(args.build)
    absent = why_not()
    if host.startswith('127.') or absent:
        reason = f'{absent} not installed' if absent else 'no network namespaces here'
        print(f'1..0 # SKIP {reason}')
        row = {'*': reason}
    else:
        for name, proxy in PROXIES.items():
            cases = {'web seed' if wire == 'web' else f'{wire} tracker': (whole, wire) for wire in WIRES[proxy.binary]}
            if name == 'dante':
                cases |= {'everything on': (everything_on,)}
            if name in ('microsocks', 'tinyproxy'):
                cases |= {'listens to nobody': (listens_to_nobody,), 'proxy gone': (proxy_gone,)}
            for case, (function, *more) in cases.items():
                if args.cases and name not in args.cases and case not in args.cases:
                    continue
                row[f'{name}/{case}'] = f'{proxy.binary} not installed' if not shutil.which(proxy.binary) else tap.case(
                    f'{name}: {case}', function, us, host, proxy, *more)
        tap.plan()
    (Path(args.build) / 'interop-proxy.json').write_text(json.dumps({'program': 'proxy', 'address': host, 'row': row}))
    return 1 if tap.failed else 0


if __name__ == '__main__':
    sys.exit(main())
