# SPDX-License-Identifier: GPL-3.0-or-later
"""The same clients as in the interop suite, with what a measurement needs beside: when a download is complete, how to
verify, what a process used. Everything here is asked of /proc, so that all programs are measured alike."""

import os
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / 'interop'))

from encryption import THEIRS                                         # noqa: E402  pylint: disable=wrong-import-position
from clients import OTHERS, Shoal                                     # noqa: E402  pylint: disable=wrong-import-position
from ground import Failed, until                                      # noqa: E402  pylint: disable=wrong-import-position

TICK = os.sysconf('SC_CLK_TCK')


def cpu_seconds(pid):
    """user + system of a living process, all its threads."""
    fields = Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def anonymous_kib(pid):
    for line in Path(f'/proc/{pid}/status').read_text().splitlines():
        if line.startswith('RssAnon:'):
            return int(line.split()[1])
    return 0


def loopback_bytes():
    """What came in over loopback so far; in a network of our own that is the traffic of the test."""
    for line in Path('/proc/net/dev').read_text().splitlines():
        if line.strip().startswith('lo:'):
            return int(line.split(':')[1].split()[0])
    return 0


class Rival:
    """One program in one role. Subclasses say how it starts and how one sees that it is done."""

    def __init__(self, client):
        self.client = client
        self.name = client.name

    def installed(self):
        return self.client.installed()

    def seed(self, scene, torrent, folder, limit_kib=0):
        raise NotImplementedError

    def leech(self, scene, torrent, folder, rc4=False):
        """A download; with rc4 everything must be encrypted so."""
        raise NotImplementedError

    def complete(self, program, folder):
        """Whether the download that leech() started has everything, checked."""
        raise NotImplementedError

    def verify(self, scene, torrent, folder):
        """(program, condition that holds once every byte was hashed)."""
        raise NotImplementedError


class ShoalRival(Rival):
    def seed(self, scene, torrent, folder, limit_kib=0):
        return self.client.seed(scene, torrent, folder, more=('--limit-up', str(limit_kib)) if limit_kib else ())

    def leech(self, scene, torrent, folder, rc4=False):
        return self.client.download(scene, torrent.path, folder, more=('--seed', *(['--encryption=require'] if rc4 else [])))

    def complete(self, program, folder):
        return 'complete ' in program.output()

    def verify(self, scene, torrent, folder):
        program = self.client.command(scene, 'verify', torrent.path, '--dir', folder)
        return program, lambda: program.poll() is not None


class LibTorrentRival(Rival):
    def seed(self, scene, torrent, folder, limit_kib=0, rc4=False):
        more = THEIRS[self.name]['rc4'] if rc4 else ()
        program = self.client.seed(scene, torrent, folder, more=('--trust', '--limit-up', str(limit_kib), *more))
        until(lambda: 'complete' in program.output(), 30, 'libtorrent seeds', [program])
        return program

    def leech(self, scene, torrent, folder, rc4=False):
        return self.client.download(scene, torrent.path, folder, more=THEIRS[self.name]['rc4'] if rc4 else ())

    def complete(self, program, folder):
        return 'complete' in program.output()

    def verify(self, scene, torrent, folder):
        program = self.client.download(scene, torrent.path, folder)
        return program, lambda: 'complete' in program.output()


class TransmissionRival(Rival):
    def seed(self, scene, torrent, folder, limit_kib=0):
        more = {'speed-limit-up-enabled': True, 'speed-limit-up': limit_kib} if limit_kib else {}
        return self.client.seed(scene, torrent, folder, more={'message-level': 1, **more})

    def leech(self, scene, torrent, folder, rc4=False):
        more = THEIRS[self.name]['rc4'] if rc4 else {}
        return self.client.download(scene, torrent.path, folder, more={'message-level': 1, **more})

    def complete(self, program, folder):
        torrents = self.client.call(program, 'torrent-get', fields=['leftUntilDone', 'status', 'recheckProgress'])['torrents']
        return bool(torrents) and torrents[0]['leftUntilDone'] == 0 and torrents[0]['status'] in (5, 6)

    def verify(self, scene, torrent, folder):
        program = self.client.seed(scene, torrent, folder, more={'message-level': 1})
        return program, lambda: self.complete(program, folder)


class Aria2Rival(Rival):
    def seed(self, scene, torrent, folder, limit_kib=0):
        return self.client.seed(scene, torrent, folder, more=(f'--max-upload-limit={limit_kib}K',))

    def leech(self, scene, torrent, folder, rc4=False):
        # Its control file stays for up to a minute after the last piece: it is asked to call a script instead.
        mark = scene.folder / f'aria2-mark-{len(scene.programs)}'
        script = scene.folder / f'{mark.name}.sh'
        script.write_text(f'#!/bin/sh\n: >"{mark}"\n')
        script.chmod(0o755)
        program = self.client.run(scene, torrent.path, folder, '--seed-ratio=0.0', '--file-allocation=falloc',
                                  f'--on-bt-download-complete={script}', *(THEIRS[self.name]['rc4'] if rc4 else ()))
        program.mark = mark
        return program

    def complete(self, program, folder):
        return program.mark.exists()

    def verify(self, scene, torrent, folder):
        program = self.client.run(scene, torrent.path, folder, '--check-integrity=true', '--hash-check-only=true')
        return program, lambda: program.poll() is not None


class RTorrentRival(Rival):
    MARK = 'method.set_key = {event}, mark, "execute.nothrow=touch,{path}"\n'

    def _run(self, scene, torrent, folder, event, more=''):
        mark = scene.folder / f'rtorrent-mark-{len(scene.programs)}'
        program = self.client.run(scene, torrent.path, folder, 'pieces.hash.on_completion.set = no\n' + more
                                  + self.MARK.format(event=event, path=mark))
        program.mark = mark
        return program

    def seed(self, scene, torrent, folder, limit_kib=0):
        more = f'throttle.global_up.max_rate.set_kb = {limit_kib}\n' if limit_kib else ''
        return self._run(scene, torrent, folder, 'event.download.hash_done', more)

    def leech(self, scene, torrent, folder, rc4=False):
        return self._run(scene, torrent, folder, 'event.download.finished', THEIRS[self.name]['rc4'] if rc4 else '')

    def complete(self, program, folder):
        return program.mark.exists()

    def verify(self, scene, torrent, folder):
        program = self._run(scene, torrent, folder, 'event.download.hash_done')
        return program, program.mark.exists


KINDS = {'libtorrent': LibTorrentRival, 'transmission': TransmissionRival, 'aria2': Aria2Rival, 'rtorrent': RTorrentRival}


def everyone(build):
    """All programs that are installed, Shoal first."""
    rivals = [ShoalRival(Shoal(build)), *(kind(OTHERS[name]) for name, kind in KINDS.items())]
    return [rival for rival in rivals if rival.installed()]


def free_of(path, gib):
    return shutil.disk_usage(path).free > gib * (1 << 30)


__all__ = ['Failed', 'Shoal', 'anonymous_kib', 'cpu_seconds', 'everyone', 'free_of', 'loopback_bytes', 'until']
