#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""shoal-cli through proxies that others wrote, for everything: every packet that leaves by another way than to the proxy fails the
case. The tracker is known by a name that only the proxy can look up."""

import shutil
import sys

from ground import Failed, until
from utp import UTP_ALONE, ShoalOverUtp
from ways import MIRROR, ROUTER_NODE, SERVER, TRACKER, Case, main, sent, sockets

PROXY = '172.20.3.2'
UTP_ONLY = ShoalOverUtp.ALONE


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
        self.run(scene, world)
        return f'{self.scheme}://{self.user}{PROXY}:{self.port}'

    def run(self, scene, world):
        hosts = scene.folder / 'hosts'
        hosts.write_text(f'127.0.0.1 localhost\n{SERVER} {TRACKER} {MIRROR}\n')
        argv = ' '.join(f"'{part}'" for part in self.argv(scene, self.port))
        self.program = scene.run(self.name, [*world.router.prefix(), 'unshare', '--mount', 'sh', '-c', f"mount --bind '{hosts}' /etc/hosts && exec {argv}"])
        until(lambda: world.router.listens(self.port), 10, f'{self.name} listens', [self.program])


class Microsocks(Proxy):
    name = binary = 'microsocks'

    def __init__(self, password=False):
        self.password = password
        if password:
            self.name, self.user = 'microsocks with a password', 'me:se%40cret@'

    def argv(self, scene, port):
        return [shutil.which('microsocks'), '-i', PROXY, '-p', port, *(['-u', 'me', '-P', 'se@cret'] if self.password else [])]


class Dante(Proxy):
    name, binary = 'dante', 'danted' if shutil.which('danted') else 'sockd'   # Debian's name, and its own

    def argv(self, scene, port):
        config = scene.folder / 'danted.conf'
        config.write_text(f'logoutput: stderr\ninternal: {PROXY} port = {port}\nexternal: 172.20.9.2\nclientmethod: none\nsocksmethod: none\n'
                          'user.privileged: root\nuser.unprivileged: root\n'
                          'client pass { from: 0.0.0.0/0 to: 0.0.0.0/0 }\nsocks pass { from: 0.0.0.0/0 to: 0.0.0.0/0 }\n')
        return [shutil.which(self.binary), '-f', config]


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
WIRES = {'microsocks': ('http', 'web'), Dante.binary: ('http', 'udp', 'web', 'moved'), 'tinyproxy': ('http', 'web')}
CASE_OF = {'http': 'http tracker', 'udp': 'udp tracker', 'web': 'web seed', 'moved': 'redirected web seed'}


class ProxyCase(Case):
    """A proxy at the end of the other way, and nobody else."""

    def __init__(self, us, host, proxy, *what, **how):
        super().__init__(us, host, *what, **how)
        self.proxy = proxy

    def prepare(self):
        self.url = self.proxy.start(self.scene, self.world)

    def __enter__(self):
        super().__enter__()
        self.look_at(self.OTHER, allowed=PROXY)
        return self

    def start(self, *more, **how):
        super().start('--proxy', self.url, '--proxy-all', *more, **how)

    def no_leak(self, what='in all'):
        super().no_leak(what)
        if 'se@cret' in self.ours.output() or 'secret' in self.ours.output():
            raise Failed('the password was printed')


def whole(us, host, proxy, wire):
    with ProxyCase(us, host, proxy, wire) as case:
        case.start()
        case.finish()


def everything_on(us, host, proxy):
    """Whatever else looks for peers and ports keeps still, or goes by the proxy."""
    with ProxyCase(us, host, proxy) as case:
        case.start('--limit-down', '600', alone=())
        case.finish()


def utp_alone(us, host, proxy):
    """The tracker is asked by datagrams, and the only peer speaks uTP alone: all of it by the proxy's relay."""
    with ProxyCase(us, host, proxy, 'udp', settings=UTP_ALONE) as case:
        case.start(alone=UTP_ONLY)
        case.finish()


def dht_magnet(us, host, proxy):
    """A magnet link and two nodes behind the relay; the peer speaks uTP alone too."""
    with ProxyCase(us, host, proxy, 'dht', settings=UTP_ALONE) as case:
        case.start('--dht-router', f'{ROUTER_NODE}:{case.services.node_port}', source=f'magnet:?xt=urn:btih:{case.services.torrent.v1.hex()}',
                   alone=[option for option in UTP_ONLY if option != '--no-dht'])
        case.finish()


def relay_again(us, host, proxy):
    """The proxy ends while datagrams go by its relay, and is there again a while later."""
    with ProxyCase(us, host, proxy, 'udp', slow=500, settings=UTP_ALONE) as case:
        case.start(alone=UTP_ONLY)
        case.begun()
        proxy.program.end()
        until(lambda: not case.world.router.listens(proxy.port), 10, 'the proxy is gone')
        case.no_leak('while it was gone')
        proxy.run(case.scene, case.world)
        case.finish()


def listens_to_nobody(us, host, proxy):
    with ProxyCase(us, host, proxy) as case:
        case.start('--limit-down', '300')
        until(lambda: sockets(case.ours.pid), case.seconds, 'it talks to the proxy', [case.ours])
        case.begun()
        listening = [entry for entry in sockets(case.ours.pid) if entry[2]]
        if listening:
            raise Failed(f'listening: {listening}')
        case.no_leak()


def proxy_gone(us, host, proxy):
    """When the proxy is not there nothing goes any other way."""
    with ProxyCase(us, host, proxy) as case:
        proxy.program.end()
        case.start('--peer', case.services.peer)
        until(lambda: sent(case.OTHER) > 8, case.seconds, 'the proxy was tried', [case.ours])
        case.no_leak()
        if case.has_some():
            raise Failed('something came all the same')


def cases(us, host):
    for name, proxy in PROXIES.items():
        stories = {CASE_OF[wire]: (whole, wire) for wire in WIRES[proxy.binary]}
        if name == 'dante':
            stories |= {'uTP alone': (utp_alone,), 'DHT magnet': (dht_magnet,), 'relay again': (relay_again,), 'everything on': (everything_on,)}
        if name in ('microsocks', 'tinyproxy'):
            stories |= {'listens to nobody': (listens_to_nobody,), 'proxy gone': (proxy_gone,)}
        absent = None if shutil.which(proxy.binary) else f'{proxy.binary} not installed'
        for story, (function, *more) in stories.items():
            yield f'{name}/{story}', absent, function, (us, host, proxy, *more)


if __name__ == '__main__':
    sys.exit(main('proxy', cases))
