# SPDX-License-Identifier: GPL-3.0-or-later
"""Two ways out of the network namespace of a test into a world of its own, and how many packets took which."""

import contextlib
import shutil
import socket
import subprocess
from pathlib import Path

from clients import LibTorrent
from ground import Failed, Torrent, until, write_payload
from web import nginx_binary, user

SERVER = '172.20.9.1'        # everything that the world has to offer, reached either way
TRACKER = 'tracker.example'
FILES = (('first.bin', 3_000_001), ('empty', 0), ('sub/second.bin', 1_234_567))


def ip(*args, check=True):
    subprocess.run(['ip', *args], check=check, capture_output=True, timeout=10)


class Namespace:
    """A network namespace, held by a process that waits for the end of its input."""

    def __init__(self):
        self.holder = subprocess.Popen(['unshare', '--net', 'cat'], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        self.number = str(self.holder.pid)
        own = Path('/proc/self/ns/net').readlink()
        until(lambda: Path(f'/proc/{self.number}/ns/net').readlink() != own, 10, 'the namespace is there')
        self.inside('ip', 'link', 'set', 'lo', 'up')

    def prefix(self):
        return ['nsenter', '-t', self.number, '-n']

    def inside(self, *argv):
        subprocess.run([*self.prefix(), *argv], check=True, capture_output=True, timeout=10)

    def listens(self, port, kind='tcp'):
        """Whether somebody listens there. Looked up, not tried: a try would be counted."""
        lines = Path(f'/proc/{self.number}/net/{kind}').read_text(encoding='ascii').splitlines()[1:]
        return any(line.split()[1].endswith(f':{port:04X}') and (kind == 'udp' or line.split()[3] == '0A') for line in lines)

    def close(self):
        self.holder.stdin.close()
        self.holder.wait(10)


class World:
    """A router with a cable for each way, and a server behind it: NAME here has 172.20.N.1, and the router 172.20.N.2."""

    def __init__(self, ways):
        self.router, self.server = Namespace(), Namespace()
        self.ways = dict(ways)
        self.router.inside('sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward')
        self.router.inside('ip', 'link', 'add', 'inner', 'type', 'veth', 'peer', 'name', 'outer', 'netns', self.server.number)
        self.router.inside('ip', 'addr', 'add', '172.20.9.2/24', 'dev', 'inner')
        self.router.inside('ip', 'link', 'set', 'inner', 'up')
        self.server.inside('ip', 'addr', 'add', f'{SERVER}/24', 'dev', 'outer')
        self.server.inside('ip', 'link', 'set', 'outer', 'up')
        self.server.inside('ip', 'route', 'add', 'default', 'via', '172.20.9.2')
        for name in self.ways:
            self.plug(name)

    def plug(self, name):
        """The cable of a way: a new one each time."""
        number = self.ways[name]
        ip('link', 'add', name, 'type', 'veth', 'peer', 'name', f'far-{name}', 'netns', self.router.number)
        # Nothing that the kernel says by itself is to be counted.
        ip('link', 'set', name, 'addrgenmode', 'none')
        ip('addr', 'add', f'172.20.{number}.1/24', 'dev', name)
        self.router.inside('ip', 'link', 'set', f'far-{name}', 'addrgenmode', 'none')
        self.router.inside('ip', 'addr', 'add', f'172.20.{number}.2/24', 'dev', f'far-{name}')
        self.router.inside('ip', 'link', 'set', f'far-{name}', 'up')
        ip('link', 'set', name, 'up')

    @staticmethod
    def unplug(name):
        ip('link', 'del', name)

    def route(self, name, metric):
        ip('route', 'add', 'default', 'via', f'172.20.{self.ways[name]}.2', 'dev', name, 'metric', str(metric))

    def close(self):
        for name in self.ways:
            with contextlib.suppress(subprocess.SubprocessError):
                self.unplug(name)
        self.server.close()
        self.router.close()


def sent(*names):
    """Packets that left by these interfaces of the test's own namespace."""
    total = 0
    for line in Path('/proc/self/net/dev').read_text(encoding='ascii').splitlines()[2:]:
        name, numbers = line.split(':')
        if name.strip() in names:
            total += int(numbers.split()[9])
    return total


def sockets(pid):
    """(local address and port, listening) of the TCP and UDP sockets in a process's namespace."""
    found = []
    for kind in ('tcp', 'tcp6', 'udp', 'udp6'):
        for line in Path(f'/proc/{pid}/net/{kind}').read_text(encoding='ascii').splitlines()[1:]:
            fields = line.split()
            if fields[3] not in ('06',):
                found.append((kind, fields[1], fields[3] == '0A'))
    return found


class Services:
    """In the world: opentracker at a name, and libtorrent with the whole torrent."""

    def __init__(self, scene, world, us, wire, slow=0):
        self.scene, self.world = scene, world
        share = scene.new_folder('share')
        write_payload(share / 'payload', FILES)
        port = scene.port()
        url = {'http': f'http://{TRACKER}:{port}/announce', 'udp': f'udp://{TRACKER}:{port}/announce', 'web': None}[wire]
        web = f'http://{TRACKER}:{port}/' if wire == 'web' else None
        us.create(share / 'payload', scene.folder / 'named.torrent', 'v1', url, web_seed=web)
        if web:
            self._web_seed(share, port)
            return
        us.create(share / 'payload', scene.folder / 'plain.torrent', 'v1', f'http://{SERVER}:{port}/announce')
        self.share = share
        self.torrent = Torrent(scene.folder / 'named.torrent')
        self.tracker = self._tracker(port)
        self.seed_port = scene.port()
        self.seed = scene.run('libtorrent', [*world.server.prefix(), '/usr/bin/python3', Path(__file__).resolve().parent / 'lt_client.py',
                                             scene.folder / 'plain.torrent', '--dir', share, '--host', SERVER, '--port', self.seed_port,
                                             '--limit-up', slow])
        until(lambda: 'complete' in self.seed.output(), 30, 'the seed is ready', [self.seed])

    def _web_seed(self, share, port):
        """A server of files; no tracker and no peer."""
        self.share, self.torrent, self.seed_port = share, Torrent(self.scene.folder / 'named.torrent'), port
        root = self.scene.new_folder('nginx')
        (root / 'nginx.conf').write_text(
            f'daemon off; master_process off; pid {root}/pid; error_log {root}/log; events {{ }}\n'
            f'http {{ access_log off; client_body_temp_path {root}/1; proxy_temp_path {root}/2; fastcgi_temp_path {root}/3;\n'
            f'uwsgi_temp_path {root}/4; scgi_temp_path {root}/5; server {{ listen {SERVER}:{port}; root {share}; }} }}\n')
        web = self.scene.run('nginx', [*self.world.server.prefix(), nginx_binary(), '-c', root / 'nginx.conf', '-e', root / 'early.log',
                                       '-g', f'user {user()};'])
        until(lambda: self.world.server.listens(port), 10, 'the web server listens', [web])

    def _tracker(self, port):
        root = self.scene.new_folder('tracker')
        (root / 'whitelist').write_text(''.join(f'{key.hex()}\n' for key in self.torrent.keys))
        config = root / 'opentracker.conf'
        config.write_text(f'listen.tcp {SERVER}:{port}\nlisten.udp {SERVER}:{port}\ntracker.rootdir {root}\n'
                          'tracker.user nobody\naccess.whitelist whitelist\n')
        program = self.scene.run('opentracker', [*self.world.server.prefix(), shutil.which('opentracker'), '-f', config])
        until(lambda: self.world.server.listens(port) and self.world.server.listens(port, 'udp'), 10, 'opentracker listens', [program])
        return program


def why_not(*programs):
    absent = [name for name in ('ip', 'nsenter', 'unshare', 'opentracker', *programs) if not shutil.which(name)]
    if not nginx_binary():
        absent.append('nginx')
    if not LibTorrent().installed():
        absent.append('libtorrent')
    return ', '.join(absent)


class Onlooker:
    """Looks at what leaves by an interface. The system itself, asked by nobody, refuses packets that arrive for a connection
    which is no more, by the route that it likes best: those are counted apart. ARP is what the others bring about."""

    OUTGOING, ARP, IPV4, TCP, RESET = 4, 0x0806, 0x0800, 6, 0x04

    def __init__(self, interface):
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.htons(3))
        self.socket.bind((interface, 3))
        self.interface, self.resets, self.others = interface, 0, []

    def _look(self):
        while True:
            try:
                frame, (_, protocol, kind, *_) = self.socket.recvfrom(65536)
            except BlockingIOError:
                return
            if kind != self.OUTGOING or protocol == self.ARP:
                continue
            header = 14 + 4 * (frame[14] & 15)
            if protocol == self.IPV4 and frame[23] == self.TCP and frame[header + 13] & self.RESET:
                self.resets += 1
            else:
                self.others.append(frame[14:54].hex())

    def expect_none(self, what):
        self._look()
        if self.others:
            raise Failed(f'{len(self.others)} packets left by {self.interface} {what}: {self.others[:3]}')

    def close(self):
        self.socket.close()
