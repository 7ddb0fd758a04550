# SPDX-License-Identifier: GPL-3.0-or-later
"""The programs, all behind the same few words: seed, download. Each talks on one address only, with DHT, local
discovery, peer exchange, uTP and port mapping off."""

import base64
import json
import shutil
import signal
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

from ground import PYTHON, Failed, until

try:
    import libtorrent as lt
except ImportError:
    lt = None

HERE = Path(__file__).resolve().parent


class Client:
    name = ''
    binary = ''
    makes_empty = True     # creates the empty files of a torrent that it downloads
    both_topics = True     # takes a magnet with a btih and a btmh topic
    cannot = {}            # what it is not able to do, and why: version or wire to words

    def installed(self):
        return shutil.which(self.binary) is not None

    def seed(self, scene, torrent, folder, source=None, peers=()):
        raise NotImplementedError

    def download(self, scene, source, folder, peers=()):
        raise NotImplementedError


class Shoal(Client):
    name = 'shoal'
    ALONE = ('--no-dht', '--no-lsd', '--no-pex', '--no-utp', '--no-portmap')

    def __init__(self, build):
        self.build = Path(build).resolve()
        self.cli = self.build / 'src/cli/shoal-cli'
        self.env = {'GSETTINGS_SCHEMA_DIR': str(self.build / 'data'), 'GSETTINGS_BACKEND': 'memory'}

    def installed(self):
        return self.cli.exists()

    def command(self, scene, *args):
        return scene.run('shoal', [self.cli, *args], env=self.env)

    def create(self, folder, out, kind, tracker=None, piece_size='64KiB', web_seed=None):
        argv = [self.cli, 'create', folder, '-o', out, f'--{kind}', '--piece-size', piece_size]
        if tracker:
            argv += ['--tracker', tracker]
        if web_seed:
            argv += ['--web-seed', web_seed]
        subprocess.run([str(part) for part in argv], check=True, capture_output=True, timeout=60)

    def seed(self, scene, torrent, folder, source=None, peers=(), more=()):
        return self.command(scene, 'download', torrent.path, '--dir', folder, '--seed', '--port', scene.port(), *self.ALONE,
                            *[part for peer in peers for part in ('--peer', peer)], *more)

    def download(self, scene, source, folder, peers=(), more=(), alone=None):
        return self.command(scene, 'download', source, '--dir', folder, '--port', scene.port(), *(self.ALONE if alone is None else alone),
                            *[part for peer in peers for part in ('--peer', peer)], *more)


class LibTorrent(Client):
    name = 'libtorrent'

    def installed(self):
        if not Path(PYTHON).exists():
            return False
        return subprocess.run([PYTHON, '-c', 'import libtorrent'], capture_output=True, check=False).returncode == 0

    def run(self, scene, source, folder, *more):
        return scene.run(self.name, [PYTHON, HERE / 'lt_client.py', source, '--dir', folder, '--host', scene.another_host(),
                                     '--port', scene.port(), *more])

    def seed(self, scene, torrent, folder, source=None, peers=(), more=()):
        return self.run(scene, torrent.path, folder, *more)

    def download(self, scene, source, folder, peers=(), more=()):
        return self.run(scene, source, folder, *more)


class Transmission(Client):
    name = 'transmission'
    binary = 'transmission-daemon'
    # 3.00 does not read the empty keys of a file tree.
    cannot = {'hybrid': 'cannot read one', 'v2': 'v1 only'}
    makes_empty = False

    def start(self, scene, more=None, fill=None):
        """A daemon with nothing in it but what fill (home) put there; its RPC answers when this returns."""
        home = scene.new_folder(f'transmission-{len(scene.programs)}')
        rpc = scene.port()
        if fill:
            fill(home)
        (home / 'settings.json').write_text(json.dumps({
            'bind-address-ipv4': scene.another_host(), 'bind-address-ipv6': '::1', 'peer-port': scene.port(), 'peer-port-random-on-start': False,
            'rpc-bind-address': '127.0.0.1', 'rpc-port': rpc, 'rpc-authentication-required': False, 'rpc-host-whitelist-enabled': False,
            'dht-enabled': False, 'lpd-enabled': False, 'pex-enabled': False, 'utp-enabled': False, 'port-forwarding-enabled': False,
            'rename-partial-files': False, 'incomplete-dir-enabled': False, 'download-queue-enabled': False, 'seed-queue-enabled': False,
            'ratio-limit-enabled': False, 'idle-seeding-limit-enabled': False, 'message-level': 2, **(more or {})}))
        program = scene.run(self.name, [shutil.which(self.binary), '--foreground', '--config-dir', home])
        program.rpc, program.session = rpc, ''
        until(lambda: self.call(program, 'session-get', quiet=True), 20, 'transmission answers', [program])
        return program

    @staticmethod
    def call(program, method, quiet=False, **arguments):
        body = json.dumps({'method': method, 'arguments': arguments}).encode()
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        for _ in range(2):
            request = urllib.request.Request(f'http://127.0.0.1:{program.rpc}/transmission/rpc', data=body,
                                             headers={'X-Transmission-Session-Id': program.session})
            try:
                with opener.open(request, timeout=30) as answer:
                    return json.load(answer)['arguments']
            except urllib.error.HTTPError as error:
                if error.code != 409:
                    raise
                program.session = error.headers['X-Transmission-Session-Id']
            except (urllib.error.URLError, OSError):
                if quiet:
                    return None
                raise
        return None

    def add(self, program, source, folder):
        arguments = {'download-dir': str(folder), 'paused': False}
        if str(source).startswith('magnet:'):
            arguments['filename'] = str(source)
        else:
            arguments['metainfo'] = base64.b64encode(Path(source).read_bytes()).decode()
        return self.call(program, 'torrent-add', **arguments)

    def seed(self, scene, torrent, folder, source=None, peers=(), more=None):
        torrent.add_pads(folder)
        program = self.start(scene, more)
        self.add(program, torrent.path, folder)
        return program

    def download(self, scene, source, folder, peers=(), more=None):
        program = self.start(scene, more)
        self.add(program, source, folder)
        return program

    def uploaded(self, program):
        return sum(entry['uploadedEver'] for entry in self.call(program, 'torrent-get', fields=['uploadedEver'])['torrents'])


class Aria2(Client):
    name = 'aria2'
    binary = 'aria2c'
    # 1.36 loses the empty keys of a file tree and so announces an info-hash that nobody else knows.
    cannot = {'hybrid': 'makes another hash', 'v2': 'v1 only', 'udp': 'no UDP trackers'}

    def run(self, scene, source, folder, *more):
        return scene.run(self.name, [shutil.which(self.binary), '--no-conf=true', f'--dir={folder}', f'--listen-port={scene.port()}',
                                     '--enable-dht=false', '--enable-dht6=false', '--bt-enable-lpd=false', '--enable-peer-exchange=false',
                                     '--disable-ipv6=true', f'--interface={scene.another_host()}', '--file-allocation=none', '--summary-interval=0',
                                     '--console-log-level=warn', '--show-console-readout=false', '--bt-tracker-timeout=10',
                                     '--allow-overwrite=true', *more, source])

    def seed(self, scene, torrent, folder, source=None, peers=(), more=()):
        torrent.add_pads(folder)
        return self.run(scene, torrent.path, folder, '--check-integrity=true', '--seed-ratio=0.0', *more)

    def download(self, scene, source, folder, peers=(), more=()):
        return self.run(scene, source, folder, '--seed-time=0', *more)


class RTorrent(Client):
    name = 'rtorrent'
    binary = 'rtorrent'
    both_topics = False
    cannot = {'v2': 'v1 only'}

    def run(self, scene, source, folder, more='', fill=None):
        """fill (home): puts there what it finds when it starts."""
        home = scene.new_folder(f'rtorrent-{len(scene.programs)}')
        port = scene.port()
        (home / 'session').mkdir()
        if fill:
            fill(home)
        (home / 'rc').write_text(f'''\
system.daemon.set = true
directory.default.set = "{folder}"
session.path.set = "{home}/session"
network.port_range.set = {port}-{port}
network.port_random.set = no
network.bind_address.set = {scene.another_host()}
network.scgi.open_local = "{home}/rpc"
dht.mode.set = disable
protocol.pex.set = no
trackers.use_udp.set = yes
pieces.hash.on_completion.set = yes
{more}
schedule2 = start, 0, 0, ((load.start, "{source}"))
''')
        program = scene.run(self.name, [shutil.which(self.binary), '-n', '-o', f'import={home}/rc'], cwd=home)
        program.home = home
        return program

    def seed(self, scene, torrent, folder, source=None, peers=(), more=''):
        torrent.add_pads(folder)
        return self.run(scene, torrent.path, folder, more)

    def download(self, scene, source, folder, peers=(), more=''):
        return self.run(scene, source, folder, more)


class QBittorrent(Client):
    name = 'qbittorrent'
    binary = 'qbittorrent-nox'

    def start(self, scene, more=None):
        """It alone, nothing in it; its Web API answers when this returns. more: keys of its Session."""
        home, web = scene.new_folder(f'qbittorrent-{len(scene.programs)}'), scene.port()
        session = {
            'InterfaceAddress': scene.another_host(), 'Port': scene.port(), 'UseRandomPort': 'false', 'DHTEnabled': 'false',
            'LSDEnabled': 'false', 'PeXEnabled': 'false', 'BTProtocol': 'TCP', 'Encryption': 0, 'QueueingSystemEnabled': 'false',
            'AnnounceToAllTrackers': 'true', 'Preallocation': 'false', 'MultiConnectionsPerIp': 'true', **(more or {})}
        (home / 'qBittorrent' / 'config').mkdir(parents=True)
        (home / 'qBittorrent' / 'config' / 'qBittorrent.conf').write_text('\n'.join((
            '[LegalNotice]', 'Accepted=true', '[BitTorrent]', *(f'Session\\{key}={value}' for key, value in session.items()),
            '[Network]', 'PortForwardingEnabled=false', '[Preferences]', 'Connection\\ResolvePeerCountries=false', 'Connection\\UPnP=false',
            'WebUI\\Address=127.0.0.1', f'WebUI\\Port={web}', 'WebUI\\LocalHostAuth=false', 'WebUI\\UseUPnP=false', '')))
        program = scene.run(self.name, [shutil.which(self.binary), f'--profile={home}'])
        program.web = f'http://127.0.0.1:{web}'
        until(lambda: self.call(program, 'app/version', quiet=True), 30, 'qbittorrent answers', [program])
        return program

    @staticmethod
    def call(program, method, quiet=False, files=None, **fields):
        """What the Web API answers. files: name to bytes."""
        end = 'a-line-that-stands-nowhere-else'
        parts = [(f'name="{key}"', str(value).encode()) for key, value in fields.items()]
        parts += [(f'name="torrents"; filename="{name}"', data) for name, data in (files or {}).items()]
        body = b''.join(f'--{end}\r\nContent-Disposition: form-data; {head}\r\n\r\n'.encode() + data + b'\r\n' for head, data in parts)
        request = urllib.request.Request(f'{program.web}/api/v2/{method}', headers={'Content-Type': f'multipart/form-data; boundary={end}'},
                                         data=body + f'--{end}--\r\n'.encode() if parts else None)
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
                return answer.read().decode()
        except (urllib.error.URLError, OSError):
            if quiet:
                return None
            raise

    def add(self, program, source, folder, **more):
        magnet = str(source).startswith('magnet:')
        answer = self.call(program, 'torrents/add', savepath=folder, **more, **({'urls': source} if magnet else {}),
                           files=None if magnet else {'a.torrent': Path(source).read_bytes()})
        if answer != 'Ok.':
            raise Failed(f'qbittorrent does not take {source}: {answer}')

    def seed(self, scene, torrent, folder, source=None, peers=(), more=None):
        return self.download(scene, torrent.path, folder, peers, more)

    def download(self, scene, source, folder, peers=(), more=None):
        program = self.start(scene, more)
        self.add(program, source, folder)
        return program


def progress(program):
    """Of Shoal: the last numbers of its torrent that --json printed."""
    for line in reversed(program.output().splitlines()):
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if entry.get('event') == 'progress' and entry.get('torrents'):
            return entry['torrents'][0]
    return {}


def counters(seed):
    """Of libtorrent: what lt_client.py reports when it is asked."""
    before = seed.output().count('{')
    seed.send(signal.SIGUSR1)
    until(lambda: seed.output().count('{') > before and seed.output().endswith('\n'), 10, 'libtorrent reports', [seed])
    return json.loads(seed.output().splitlines()[-1])


OTHERS = {client.name: client for client in (LibTorrent(), Transmission(), Aria2(), RTorrent(), QBittorrent())}


def libtorrent_create(folder, out, kind, tracker=None, piece_size=65536):
    """A .torrent as libtorrent makes it. Runs in the program's own Python, where libtorrent is."""
    if lt is None:
        return False
    storage = lt.file_storage()
    lt.add_files(storage, str(folder))
    flags = {'v1': lt.create_torrent.v1_only, 'v2': lt.create_torrent.v2_only, 'hybrid': 0}[kind]
    maker = lt.create_torrent(storage, piece_size=piece_size, flags=flags)
    if tracker:
        maker.add_tracker(tracker)
    lt.set_piece_hashes(maker, str(Path(folder).parent))
    Path(out).write_bytes(lt.bencode(maker.generate()))
    return True
