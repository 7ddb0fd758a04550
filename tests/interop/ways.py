# SPDX-License-Identifier: GPL-3.0-or-later
"""Two ways out of the network namespace of a test into a world of its own, and how many packets took which."""

import argparse
import contextlib
import json
import shutil
import socket
import subprocess
from pathlib import Path

from clients import LibTorrent, Shoal
from dht import OPEN
from ground import PYTHON, Failed, Scene, Tap, Torrent, differences, end_on_sigterm, own_network, skip, until, write_payload
from web import nginx_binary, user

SERVER, SERVER6 = '172.20.9.1', 'fd20:9::1'     # everything that the world has to offer, reached either way
TRACKER, MIRROR, SIX = 'tracker.example', 'mirror.example', 'six.example'
ROUTER_NODE = '172.20.9.3'                      # where the DHT begins, on the server too
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
        return any(line.split()[1].endswith(f':{port:04X}') and (kind.startswith('udp') or line.split()[3] == '0A') for line in lines)

    def close(self):
        self.holder.stdin.close()
        self.holder.wait(10)


class World:
    """A router with a cable for each way, and a server behind it: NAME here has 172.20.N.1 and fd20:N::1, and the router 172.20.N.2
    and fd20:N::2."""

    def __init__(self, ways):
        self.router, self.server = Namespace(), Namespace()
        self.ways = dict(ways)
        self.router.inside('sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward && echo 1 > /proc/sys/net/ipv6/conf/all/forwarding')
        self.router.inside('ip', 'link', 'add', 'inner', 'type', 'veth', 'peer', 'name', 'outer', 'netns', self.server.number)
        # Neighbours are asked for with an address of the link, which is usable at once only if nobody checks whose it is.
        for namespace, device, address in ((self.router, 'inner', 'fe80::2/64'), (self.server, 'outer', 'fe80::1/64')):
            namespace.inside('ip', 'link', 'set', device, 'addrgenmode', 'none')
            namespace.inside('ip', 'addr', 'add', address, 'dev', device, 'nodad')
        self.router.inside('ip', 'addr', 'add', '172.20.9.2/24', 'dev', 'inner')
        self.router.inside('ip', 'addr', 'add', 'fd20:9::2/64', 'dev', 'inner', 'nodad')
        self.router.inside('ip', 'link', 'set', 'inner', 'up')
        for address, *more in ((f'{SERVER}/24',), (f'{ROUTER_NODE}/24',), (f'{SERVER6}/64', 'nodad')):
            self.server.inside('ip', 'addr', 'add', address, 'dev', 'outer', *more)
        self.server.inside('ip', 'link', 'set', 'outer', 'up')
        self.server.inside('ip', 'route', 'add', 'default', 'via', '172.20.9.2')
        self.server.inside('ip', 'route', 'add', 'default', 'via', 'fd20:9::2')
        for name in self.ways:
            self.plug(name)

    def plug(self, name):
        """The cable of a way: a new one each time."""
        number = self.ways[name]
        ip('link', 'add', name, 'type', 'veth', 'peer', 'name', f'far-{name}', 'netns', self.router.number)
        # Nothing that the kernel says by itself is to be counted.
        ip('link', 'set', name, 'addrgenmode', 'none')
        self.address(name)
        self.router.inside('ip', 'link', 'set', f'far-{name}', 'addrgenmode', 'none')
        self.router.inside('ip', 'addr', 'add', f'172.20.{number}.2/24', 'dev', f'far-{name}')
        for address in (f'fd20:{number}::2/64', 'fe80::2/64'):
            self.router.inside('ip', 'addr', 'add', address, 'dev', f'far-{name}', 'nodad')
        self.router.inside('ip', 'link', 'set', f'far-{name}', 'up')
        ip('link', 'set', name, 'up')

    def address(self, name):
        """Ours. Those of IPv6 are gone once an interface was down."""
        ip('addr', 'replace', f'172.20.{self.ways[name]}.1/24', 'dev', name)
        ip('addr', 'replace', f'fd20:{self.ways[name]}::1/64', 'dev', name, 'nodad')

    @staticmethod
    def unplug(name):
        ip('link', 'del', name)

    def route(self, name, metric):
        for router in (f'172.20.{self.ways[name]}.2', f'fd20:{self.ways[name]}::2'):
            ip('route', 'replace', 'default', 'via', router, 'dev', name, 'metric', str(metric))

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
    """(kind, local address and port, listening, state) of the TCP and UDP sockets in a process's namespace. What nobody holds any more,
    and the system has not forgotten yet, has no inode."""
    found = []
    for kind in ('tcp', 'tcp6', 'udp', 'udp6'):
        for line in Path(f'/proc/{pid}/net/{kind}').read_text(encoding='ascii').splitlines()[1:]:
            fields = line.split()
            if fields[9] != '0':
                found.append((kind, fields[1], fields[3] == '0A', fields[3]))
    return found


class Services:
    """In the world, by wire: a tracker at a name and libtorrent with the whole torrent (http, udp); libtorrent alone, found by
    nothing (peer, peer6) or by the DHT, of which it is half (dht); or only a server of files (web, web6, moved)."""

    def __init__(self, scene, world, us, wire, slow=0, settings=None):
        self.scene, self.world, self.slow = scene, world, slow
        self.share = scene.new_folder('share')
        write_payload(self.share / 'payload', FILES)
        port = scene.port()
        url = f'{wire}://{TRACKER}:{port}/announce' if wire in ('http', 'udp') else None
        web = {'web': f'http://{TRACKER}:{port}/', 'web6': f'http://{SIX}:{port}/', 'moved': f'http://{TRACKER}:{port}/moved/'}.get(wire)
        us.create(self.share / 'payload', scene.folder / 'named.torrent', 'v1', url, web_seed=web)
        self.torrent = Torrent(scene.folder / 'named.torrent')
        if web:
            self.seed_port = port
            self._web_seed(port)
            return
        # The seed asks the tracker at its address: it has nobody to ask for names.
        us.create(self.share / 'payload', scene.folder / 'plain.torrent', 'v1', url and f'http://{SERVER}:{port}/announce')
        if url:
            self._tracker(port)
        settings = dict(settings or {})
        if wire == 'dht':
            self.node_port = scene.port()
            self._libtorrent(self._other_torrent(us), scene.new_folder('node'), ROUTER_NODE, self.node_port, OPEN)
            settings |= {**OPEN, 'dht_bootstrap_nodes': f'{ROUTER_NODE}:{self.node_port}'}
        self.seed_port = scene.port()
        self.peer = f'[{SERVER6}]:{self.seed_port}' if wire == 'peer6' else f'{SERVER}:{self.seed_port}'
        seed = self._libtorrent(scene.folder / 'plain.torrent', self.share, self.peer.rpartition(':')[0], self.seed_port, settings)
        until(lambda: 'complete' in seed.output(), 30, 'the seed is ready', [seed])

    def _other_torrent(self, us):
        """A node has to have something to do."""
        write_payload(self.scene.folder / 'other' / 'file', (('a', 1),))
        us.create(self.scene.folder / 'other' / 'file', self.scene.folder / 'other.torrent', 'v1')
        return self.scene.folder / 'other.torrent'

    def _libtorrent(self, torrent, folder, host, port, settings):
        # A numeric address in brackets is one to listen at, not one to leave from.
        settings = {**settings, 'outgoing_interfaces': host.strip('[]')}
        return self.scene.run('libtorrent', [*self.world.server.prefix(), PYTHON, Path(__file__).resolve().parent / 'lt_client.py', torrent,
                                             '--dir', folder, '--host', host, '--port', port, '--limit-up', self.slow,
                                             '--settings', json.dumps(settings)])

    def _web_seed(self, port):
        """A server of files; no tracker and no peer."""
        root = self.scene.new_folder('nginx')
        (root / 'nginx.conf').write_text(
            f'daemon off; master_process off; pid {root}/pid; error_log {root}/log; events {{ }}\n'
            f'http {{ access_log off; client_body_temp_path {root}/1; proxy_temp_path {root}/2; fastcgi_temp_path {root}/3;\n'
            f'uwsgi_temp_path {root}/4; scgi_temp_path {root}/5; server {{ listen {SERVER}:{port}; listen [{SERVER6}]:{port}; root {self.share};\n'
            f'location /moved/ {{ rewrite ^/moved/(.*)$ http://{MIRROR}:{port}/$1 redirect; }} }} }}\n')
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


def why_not(*programs):
    absent = [name for name in ('ip', 'nsenter', 'unshare', 'opentracker', *programs) if not shutil.which(name)]
    if not nginx_binary():
        absent.append('nginx')
    if not LibTorrent().installed():
        absent.append('libtorrent')
    return ', '.join(absent)


class Onlooker:
    """Looks at what leaves by an interface. The system itself, asked by nobody, refuses packets that arrive for a socket
    which is no more, by the route that it likes best: those are counted apart. ARP and its like of IPv6 are what the others bring
    about. What goes to one address may be allowed."""

    OUTGOING, ARP, IPV4, IPV6, TCP, ICMP, ICMP6, RESET = 4, 0x0806, 0x0800, 0x86dd, 6, 1, 58, 0x04
    UNREACHABLE, UNREACHABLE6 = 3, 1
    NEIGHBOURS = (131, 132, 133, 134, 135, 136, 143)     # of IPv6: whom it looks for, and which groups it hears

    def __init__(self, interface, allowed=None):
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.htons(3))
        self.socket.bind((interface, 3))
        self.interface, self.refusals, self.others = interface, 0, []
        self.allowed = socket.inet_aton(allowed) if allowed else None

    def _is_refusal(self, protocol, frame):
        if protocol == self.IPV4:
            header = 14 + 4 * (frame[14] & 15)
            return frame[23] == self.TCP and frame[header + 13] & self.RESET or frame[23] == self.ICMP and frame[header] == self.UNREACHABLE
        # Behind the header, and eight bytes of options that reports of groups have.
        kind, header = (frame[54], 62) if frame[20] == 0 else (frame[20], 54)
        return kind == self.TCP and frame[header + 13] & self.RESET or kind == self.ICMP6 and frame[header] in (self.UNREACHABLE6, *self.NEIGHBOURS)

    def _look(self):
        while True:
            try:
                frame, (_, protocol, kind, *_) = self.socket.recvfrom(65536)
            except BlockingIOError:
                return
            if kind != self.OUTGOING or protocol == self.ARP or (self.allowed and protocol == self.IPV4 and frame[30:34] == self.allowed):
                continue
            if self._is_refusal(protocol, frame):
                self.refusals += 1
            else:
                self.others.append(frame[14:74].hex())

    def expect_none(self, what):
        self._look()
        if self.others:
            raise Failed(f'{len(self.others)} packets left by {self.interface} {what}: {self.others[:3]}')

    def close(self):
        self.socket.close()


class Case:
    """shoal-cli in a world with two ways, the better one of which nothing may take."""

    BETTER, OTHER = 'lan0', 'way0'
    seconds = 60

    def __init__(self, us, host, wire='http', slow=0, settings=None):
        self.us, self.host, self.wanted = us, host, (us, wire, slow, settings)

    def prepare(self):
        """What the world has beside the services, before they start."""

    def __enter__(self):
        with contextlib.ExitStack() as building:
            self.world = World({self.BETTER: 2, self.OTHER: 3})
            building.callback(self.world.close)
            self.world.route(self.BETTER, 100)
            self.scene = building.enter_context(Scene(self.host))
            self.prepare()
            self.services = Services(self.scene, self.world, *self.wanted)
            self.got = self.scene.new_folder('got')
            self.onlookers = []
            self.look_at(self.BETTER)
            self.stack = building.pop_all()
        return self

    def __exit__(self, *_):
        for onlooker in self.onlookers:
            onlooker.close()
        self.stack.close()

    def look_at(self, interface, **how):
        self.onlookers.append(Onlooker(interface, **how))

    def start(self, *more, source=None, **how):
        self.ours = self.us.download(self.scene, source or self.services.torrent.path, self.got, more=more, **how)

    def begun(self):
        """Something of the payload is there, and not all."""
        until(self.has_some, self.seconds, 'the download has begun', [self.ours])

    def has_some(self):
        return any(path.stat().st_blocks > 0 for path in self.got.rglob('*') if path.is_file())

    def no_leak(self, what='in all'):
        for onlooker in self.onlookers:
            onlooker.expect_none(what)

    def finish(self):
        if self.ours.wait(self.seconds) != 0:
            raise Failed(f'shoal-cli ended with status {self.ours.poll()}\n{self.ours.tail()}')
        wrong = differences(self.services.share, self.got)
        if wrong:
            raise Failed('; '.join(wrong))
        self.no_leak()


def main(program, cases, *needed):
    """Prints TAP and leaves the row. cases(us, host): for each (name, why it cannot be or None, function, arguments)."""
    parser = argparse.ArgumentParser()
    parser.add_argument('build')
    parser.add_argument('cases', nargs='*', help='names, or what stands before or behind the stroke in one; all of them if none is named')
    args = parser.parse_args()
    end_on_sigterm()
    host = own_network()
    absent = why_not(*needed)
    if host.startswith('127.') or absent:
        return skip(args.build, program, f'{absent} not installed' if absent else 'no network namespaces here')
    tap, row = Tap(), {}
    for name, why, function, arguments in cases(Shoal(args.build), host):
        if not args.cases or not {name, *name.split('/')}.isdisjoint(args.cases):
            row[name] = why or tap.case(name, function, *arguments)
    return tap.leave(args.build, program, row)
