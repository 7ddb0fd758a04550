# SPDX-License-Identifier: GPL-3.0-or-later
"""What every test with real programs stands on: a network of its own, ports, processes, waiting, payloads, comparing."""

import argparse
import concurrent.futures
import contextlib
import ctypes
import fcntl
import hashlib
import json
import os
import random
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from pathlib import Path

PYTHON = '/usr/bin/python3'       # the one that Debian's libtorrent is built for
ADDRESS = '10.91.0.1'             # on the loopback interface of our own network, with all of 10/8; transmission
                                  # refuses peers in 127/8, and takes all peers at one address for one
SIOCSIFADDR, SIOCGIFFLAGS, SIOCSIFFLAGS = 0x8916, 0x8913, 0x8914
IFF_UP = 1
PR_SET_PDEATHSIG = 1

_pause = threading.Event()


class Failed(Exception):
    """A case did not do what it should; the text says what."""


# ---- network -------------------------------------------------------------------------------------

def _loopback_up(address):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        flags = struct.unpack('16xh', fcntl.ioctl(control, SIOCGIFFLAGS, struct.pack('16sh14x', b'lo', 0))[:18])[0]
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack('16sh14x', b'lo', flags | IFF_UP))
        fcntl.ioctl(control, SIOCSIFADDR,
                    struct.pack('16sHH4s8x', b'lo:1', socket.AF_INET, 0, socket.inet_aton(address)))


def own_network():
    """Starts this program again in a network namespace that holds nothing but loopback; without the right to do
    that, stays where it is. Returns the address that every program of the test uses."""
    if os.environ.get('SHOAL_OWN_NETWORK') == 'yes':
        try:
            _loopback_up(ADDRESS)
            return ADDRESS
        except OSError:
            return '127.0.0.1'
    flags = ['--net'] if os.getuid() == 0 else ['--net', '--map-current-user', '--keep-caps']
    if shutil.which('unshare') and subprocess.run(['unshare', *flags, 'true'], capture_output=True, check=False).returncode == 0:
        os.environ['SHOAL_OWN_NETWORK'] = 'yes'
        os.execvp('unshare', ['unshare', *flags, '--', PYTHON, *sys.argv])
    return '127.0.0.1'


_given, _giving = set(), threading.Lock()


def free_port(host):
    """A port that was free a moment ago and that this test has not given away before."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.bind((host, 0))
            port = probe.getsockname()[1]
        with _giving:
            if port not in _given:
                _given.add(port)
                return port


# ---- waiting and processes -----------------------------------------------------------------------

def until(condition, seconds, what, alive=(), progress=None):
    """Polls until the condition holds and returns what it returned. A program that ends meanwhile fails the case. With progress, the
    seconds count from when it last returned something new: a busy machine is slow, but it does not stand still."""
    deadline = time.monotonic() + seconds
    seen = progress() if progress else None
    while True:
        value = condition()
        if value:
            return value
        if progress and (now := progress()) != seen:
            seen, deadline = now, time.monotonic() + seconds
        for program in alive:
            if program.poll() is not None:
                value = condition()
                if value:
                    return value
                raise Failed(f'{program.name} ended with status {program.poll()} before: {what}\n{program.tail()}')
        if time.monotonic() > deadline:
            tails = '\n'.join(program.tail() for program in alive)
            raise Failed(f'not within {seconds} s: {what}\n{tails}')
        _pause.wait(0.05)


_prctl = ctypes.CDLL(None).prctl


def _die_with_parent():
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Program:
    """A child process with its output in a file; ended by its pid."""

    def __init__(self, name, argv, log, env=None, cwd=None, stdin=subprocess.DEVNULL):
        self.name = name
        self.log = Path(log)
        self.argv = [str(part) for part in argv]
        self.started = time.monotonic()
        with open(self.log, 'wb') as out:
            self.process = subprocess.Popen(self.argv, stdin=stdin, stdout=out, stderr=subprocess.STDOUT, cwd=cwd,
                                            env={**os.environ, **(env or {})}, preexec_fn=_die_with_parent)
        self.rusage = self.ended = None

    @property
    def pid(self):
        return self.process.pid

    def output(self):
        return self.log.read_text(encoding='utf-8', errors='replace')

    def tail(self):
        lines = self.output().replace('\r', '\n').splitlines()
        return '\n'.join(f'  {self.name}: {line[:300]}' for line in lines[-8:])

    def poll(self):
        """The exit status or None; once it ended, self.rusage says what exactly this process used."""
        if self.process.returncode is None:
            pid, status, usage = os.wait4(self.pid, os.WNOHANG)
            if pid:
                self.rusage = usage
                self.process.returncode = os.waitstatus_to_exitcode(status)
                self.ended = time.monotonic()
        return self.process.returncode

    def wait(self, seconds):
        deadline = time.monotonic() + seconds
        while self.poll() is None:
            if time.monotonic() > deadline:
                raise Failed(f'{self.name} did not end within {seconds} s\n{self.tail()}')
            _pause.wait(0.005)
        return self.poll()

    def send(self, number):
        if self.poll() is None:
            os.kill(self.pid, number)

    def end(self, number=signal.SIGTERM, seconds=8):
        if self.poll() is not None:
            return
        try:
            self.send(number)
            self.wait(seconds)
        except Failed:
            self.send(signal.SIGKILL)
            self.wait(seconds)


class Scene:
    """One case: a folder, and programs that are ended and removed with it whatever happens."""

    def __init__(self, host, base=None):
        self.host = host
        self.hosts = 1
        self.folder = Path(tempfile.mkdtemp(prefix='shoal-interop-', dir=base))
        self.folder.chmod(0o755)     # opentracker drops its rights and still reads its whitelist
        self.programs = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for program in reversed(self.programs):
            program.end()
        shutil.rmtree(self.folder, ignore_errors=True)

    def new_folder(self, name):
        path = self.folder / name
        path.mkdir(parents=True)
        return path

    def run(self, name, argv, **more):
        count = len(self.programs)
        home = self.folder / f'home-{count}'
        home.mkdir()
        env = {'HOME': str(home), 'XDG_CONFIG_HOME': str(home / 'config'), 'XDG_DATA_HOME': str(home / 'data'),
               'XDG_CACHE_HOME': str(home / 'cache'), 'TERM': 'dumb', **more.pop('env', {})}
        program = Program(name, argv, self.folder / f'{count}-{name}.log', env=env, **more)
        self.programs.append(program)
        return program

    def port(self):
        return free_port(self.host)

    def another_host(self):
        """An address of its own for a program; the first one is what Shoal is seen at."""
        self.hosts += 1
        return f'{self.host.rpartition(".")[0]}.{self.hosts}'


# ---- payloads and torrents -----------------------------------------------------------------------

ODD_FILES = (('a first file.bin', 1_000_003), ('empty at the end of the folder', 0), ('sub/one byte', 1), ('sub/deep/er/odd.dat', 70_001),
             ('sub/empty', 0), ('sub/exact piece', 65_536), ('ünï çødé.txt', 333), ('z last.bin', 1_234_567))


def write_payload(folder, files=ODD_FILES, seed=1):
    """Files with content drawn from a seed. Returns the folder."""
    chance = random.Random(seed)
    for name, size in files:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, 'wb') as out:
            left = size
            while left > 0:
                step = min(left, 1 << 20)
                out.write(chance.randbytes(step))
                left -= step
    return folder


def bdecode(data, at=0):
    """One bencoded value and where it ends; for .torrent files that this suite made itself."""
    kind = data[at:at + 1]
    if kind == b'i':
        end = data.index(b'e', at)
        return int(data[at + 1:end]), end + 1
    if kind in (b'l', b'd'):
        items, at = [], at + 1
        while data[at:at + 1] != b'e':
            item, at = bdecode(data, at)
            items.append(item)
        return (items if kind == b'l' else dict(zip(items[::2], items[1::2]))), at + 1
    colon = data.index(b':', at)
    size = int(data[at:colon])
    return data[colon + 1:colon + 1 + size], colon + 1 + size


def raw_info(data):
    """The bytes of the info dictionary, as they stand in the file."""
    at = 1
    while data[at:at + 1] != b'e':
        key, at = bdecode(data, at)
        start = at
        _, at = bdecode(data, at)
        if key == b'info':
            return data[start:at]
    raise ValueError('no info dictionary')


class Torrent:
    """A .torrent file and what the suite wants to know of it."""

    def __init__(self, path):
        self.path = Path(path)
        data = self.path.read_bytes()
        self.meta = bdecode(data)[0]
        self.info = self.meta[b'info']
        self.name = self.info[b'name'].decode()
        raw = raw_info(data)
        self.v1 = hashlib.sha1(raw).digest() if b'pieces' in self.info else None
        self.v2 = hashlib.sha256(raw).digest() if b'file tree' in self.info else None

    @property
    def keys(self):
        """The 20-byte keys under which a tracker knows it."""
        return [key for key in (self.v1, self.v2[:20] if self.v2 else None) if key]

    @property
    def pads(self):
        """Files of zeros between the files, for programs that do not know them as such."""
        return [('/'.join(part.decode() for part in entry[b'path']), entry[b'length'])
                for entry in self.info.get(b'files', []) if b'p' in entry.get(b'attr', b'')]

    def magnet(self, tracker, both=True):
        topics = []
        if self.v1:
            topics.append(f'xt=urn:btih:{self.v1.hex()}')
        if self.v2 and (both or not self.v1):
            topics.append(f'xt=urn:btmh:1220{self.v2.hex()}')
        return 'magnet:?' + '&'.join([*topics, 'dn=' + urllib.parse.quote(self.name), 'tr=' + urllib.parse.quote(tracker, safe='')])

    def add_pads(self, folder):
        for name, size in self.pads:
            path = folder / self.name / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(bytes(size))


def listing(folder):
    return {str(path.relative_to(folder)): path for path in Path(folder).rglob('*') if path.is_file()}


def room_taken(folder):
    """What a download has on disk so far, whatever size its files pretend to have."""
    blocks = 0
    for path in Path(folder).rglob('*'):
        with contextlib.suppress(OSError):
            blocks += path.stat().st_blocks
    return blocks


def until_same(wanted, got, seconds, alive=(), empty_too=True, tails=()):
    """Waits for every byte. Fails when for so many seconds nothing more came; tails: programs that may end, and are quoted then."""
    try:
        until(lambda: not differences(wanted, got, empty_too), seconds, 'every byte is there', alive, lambda: room_taken(got))
    except Failed as problem:
        lines = [str(problem), '; '.join(differences(wanted, got, empty_too)), *(program.tail() for program in tails)]
        raise Failed('\n'.join(line for line in lines if line)) from None


def differences(wanted, got, empty_too=True):
    """What is missing, too much or different in got, in words; pad files and
    the metadata that rtorrent keeps do not count. Empty when all is the same."""
    left, right = listing(wanted), listing(got)
    found = []
    for name in sorted(left):
        size = left[name].stat().st_size
        if name not in right:
            if size or empty_too:
                found.append(f'{name} is missing')
        elif right[name].stat().st_size != size:
            found.append(f'{name} has {right[name].stat().st_size} bytes instead of {size}')
        elif left[name].read_bytes() != right[name].read_bytes():
            found.append(f'{name} has other bytes')
    found += [f'{name} should not be there' for name in sorted(right) if name not in left and '.pad/' not in name and not name.endswith('.meta')]
    return found


# ---- trackers ------------------------------------------------------------------------------------

class OpenTracker:
    """Debian's opentracker is built with a whitelist: it knows only the torrents that it is told of at its start."""

    def __init__(self, scene, torrents):
        self.host, self.port = scene.another_host(), scene.port()
        root = scene.new_folder(f'tracker-{self.port}')
        (root / 'whitelist').write_text(''.join(f'{key.hex()}\n' for torrent in torrents for key in torrent.keys))
        config = root / 'opentracker.conf'
        config.write_text(f'listen.tcp {self.host}:{self.port}\nlisten.udp {self.host}:{self.port}\n'
                          f'tracker.rootdir {root}\ntracker.user nobody\naccess.whitelist whitelist\n')
        self.program = scene.run('opentracker', [shutil.which('opentracker'), '-f', config])
        until(self._up, 10, 'opentracker listens', [self.program])

    def _up(self):
        try:
            socket.create_connection((self.host, self.port), 1).close()
            return True
        except OSError:
            return False

    @property
    def http(self):
        return f'http://{self.host}:{self.port}/announce'

    @property
    def udp(self):
        return f'udp://{self.host}:{self.port}/announce'

    def scrape(self, key):
        """(seeds, leechers) of a torrent."""
        url = f'http://{self.host}:{self.port}/scrape?info_hash={urllib.parse.quote(key)}'
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(url, timeout=5) as answer:
            files = bdecode(answer.read())[0].get(b'files', {})
        entry = files.get(key, {})
        return entry.get(b'complete', 0), entry.get(b'incomplete', 0)

    def seeds(self, torrent):
        return max(self.scrape(key)[0] for key in torrent.keys)


class DemoTracker(OpenTracker):
    """The tracker of ./dev demo, where no opentracker is packaged: HTTP only, on 127.0.0.1."""

    def __init__(self, scene, build):   # pylint: disable=super-init-not-called
        self.host, self.port = '127.0.0.1', free_port('127.0.0.1')
        self.program = scene.run('tracker', [Path(build) / 'tests/demo/tracker', '--port', self.port])
        until(self._up, 10, 'the tracker listens', [self.program])


# ---- output --------------------------------------------------------------------------------------

def end_on_sigterm():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def arguments(*more):
    """The command line of a test: BUILD, what more has as (name, keywords), and CASE..., some of its cases and no others."""
    parser = argparse.ArgumentParser()
    parser.add_argument('build')
    for name, keywords in more:
        parser.add_argument(name, **keywords)
    parser.add_argument('cases', nargs='*', help='those cases alone; in a test with two directions: columns, seeds, gets, gets/hybrid')
    end_on_sigterm()
    return parser.parse_intermixed_args()


class Tap:
    """Cases one after the other, printed as they end."""

    def __init__(self):
        self.count = 0
        self.failed = False
        self.started = time.monotonic()

    def case(self, name, function, *args):
        """Runs it. Returns 'ok' or 'FAIL'."""
        return self._print(name, *self._judge(function, args))

    def together(self, cases):
        """Runs (name, function, arguments) all at once, for those that mostly wait. Returns {name: 'ok' or 'FAIL'}. Programs that a
        case started end with it."""
        with concurrent.futures.ThreadPoolExecutor(max(1, len(cases))) as threads:
            names = {threads.submit(self._judge, function, args): name for name, function, args in cases}
            results = {names[end]: self._print(names[end], *end.result()) for end in concurrent.futures.as_completed(names)}
            return {name: results[name] for name in names.values()}

    @staticmethod
    def _judge(function, args):
        started, result, words = time.monotonic(), 'ok', ''
        try:
            function(*args)
        except Exception as problem:   # pylint: disable=broad-except
            result, words = 'not ok', f'{problem if isinstance(problem, Failed) else repr(problem)}\n'
        return result, f'{words}{time.monotonic() - started:.1f} s'

    def _print(self, name, result, detail):
        self.count += 1
        print(f'{result} {self.count} {name}')
        for line in detail.splitlines():
            print(f'# {line}')
        sys.stdout.flush()
        self.failed = self.failed or result != 'ok'
        return 'ok' if result == 'ok' else 'FAIL'

    def plan(self):
        print(f'1..{self.count}')

    def leave(self, build, name, row):
        """The row of a test for table.py, which knows it by its name in meson.build. Returns the exit status."""
        self.plan()
        leave_row(build, name, row, time.monotonic() - self.started)
        return 1 if self.failed else 0


def leave_row(build, name, row, seconds=0):
    (Path(build) / f'interop-{name}.json').write_text(json.dumps({'row': row, 'seconds': seconds}))


def skip(build, name, reason):
    """Says why nothing is tried, here and in the table. Returns the exit status."""
    print(f'1..0 # SKIP {reason}')
    leave_row(build, name, {'*': reason})
    return 0
