#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Web seeds: shoal-cli downloads from nginx, alone and together with a libtorrent seed. web.py BUILD; with --measure GIB
it downloads a file of that size from nginx with Shoal and with aria2 instead, and prints what each needed."""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.parse

from clients import OTHERS, Shoal
from ground import Failed, Scene, Tap, Torrent, differences, end_on_sigterm, own_network, skip, until, write_payload

SECONDS = 60
FILES = (('a first file.bin', 5_000_003), ('empty', 0), ('sub/one byte', 1), ('sub/100% odd #?&+.dat', 70_001),
         ('sub/deep/ünï çødé.txt', 333), ('sub/exact piece', 65_536), ('z last.bin', 3_234_567))
TOTAL = sum(size for _, size in FILES)

NGINX = """
daemon off; master_process off; worker_processes 1; pid {root}/nginx.pid; error_log {root}/error.log warn;
events {{ worker_connections 256; }}
http {{
  access_log {root}/access.log; sendfile on; types {{ }} default_type application/octet-stream;
  client_body_temp_path {root}/t1; proxy_temp_path {root}/t2; fastcgi_temp_path {root}/t3; uwsgi_temp_path {root}/t4; scgi_temp_path {root}/t5;
  limit_conn_zone $server_addr zone=one:1m;
  server {{
    listen {host}:{port};
    location / {{ root {share}; }}
    location /slow/ {{ alias {share}/; limit_rate 300k; }}
    location /moved/ {{ if ($request_uri ~ ^/moved/(.*)$) {{ return 302 http://{host}:{port}/$1; }} }}
    location /whole/ {{ alias {share}/; max_ranges 0; }}
    location /liar/ {{ alias {liar}/; }}
    location /busy/ {{ return 503; }}
    location /packed/ {{ alias {share}/; gzip on; gzip_types application/octet-stream; gzip_min_length 1; add_header Content-Encoding gzip; }}
  }}
}}
"""


class Nginx:
    """Its own configuration, folder and process."""

    def __init__(self, scene, share):
        self.host, self.port = scene.another_host(), scene.port()
        self.root = scene.new_folder('nginx')
        self.liar = scene.new_folder('liar')
        config = self.root / 'nginx.conf'
        config.write_text(NGINX.format(root=self.root, share=share, liar=self.liar, host=self.host, port=self.port))
        self.program = scene.run('nginx', [nginx_binary(), '-c', config, '-e', self.root / 'early.log', '-g', f'user {user()};'])
        until(lambda: (self.root / 'nginx.pid').exists(), 10, 'nginx is up', [self.program])

    def url(self, path=''):
        return f'http://{self.host}:{self.port}/{path}'

    def requests(self):
        log = self.root / 'access.log'
        return log.read_text().splitlines() if log.exists() else []


def user():
    return 'root' if os.getuid() == 0 else subprocess.run(['id', '-un'], capture_output=True, text=True, check=True).stdout.strip()


def nginx_binary():
    return shutil.which('nginx') or shutil.which('nginx', path='/usr/sbin:/sbin')


class Cases:
    def __init__(self, us, host):
        self.us, self.host = us, host

    def make(self, scene, share, urls, kind='v1', piece_size='64KiB'):
        out = scene.folder / f'made-{len(scene.programs)}.torrent'
        argv = [self.us.cli, 'create', share, '-o', out, f'--{kind}', '--piece-size', piece_size]
        for url in urls:
            argv += ['--web-seed', url]
        subprocess.run([str(part) for part in argv], check=True, capture_output=True, timeout=60)
        return Torrent(out)

    def fetch(self, scene, share, source, peers=(), more=(), seconds=SECONDS):
        got = scene.new_folder('got')
        program = self.us.download(scene, source, got, peers=peers, more=('--json', *more))
        until(lambda: '"complete"' in program.output(), seconds, 'it is complete', [program])
        if program.wait(20) != 0:
            raise Failed(f'it ended with status {program.poll()}')
        wrong = differences(share, got)
        if wrong:
            raise Failed('; '.join(wrong))
        return program

    def folder(self, scene):
        share = scene.new_folder('share')
        write_payload(share / 'A folder', FILES, seed=3)
        return share

    def many(self, *paths, kind='v1', check=None):
        """The folder from seeds at these paths of the server."""
        with Scene(self.host) as scene:
            share = self.folder(scene)
            nginx = Nginx(scene, share)
            torrent = self.make(scene, share / 'A folder', [nginx.url(path) for path in paths], kind)
            program = self.fetch(scene, share, torrent.path)
            if check:
                check(nginx, program)

    def single(self):
        """One file, by its own link and by its folder."""
        for at in ('one%20file.bin', ''):
            with Scene(self.host) as scene:
                share = scene.new_folder('share')
                write_payload(share, (('one file.bin', 3_000_001),), seed=4)
                nginx = Nginx(scene, share)
                torrent = self.make(scene, share / 'one file.bin', [nginx.url(at)])
                self.fetch(scene, share, torrent.path)

    def liar(self):
        """A seed with wrong bytes is left, the other one gives everything."""
        with Scene(self.host) as scene:
            share = self.folder(scene)
            nginx = Nginx(scene, share)
            write_payload(nginx.liar / 'A folder', FILES, seed=99)
            torrent = self.make(scene, share / 'A folder', [nginx.url('liar/'), nginx.url('slow/')])
            self.fetch(scene, share, torrent.path)
            lies = sum('/liar/' in line for line in nginx.requests())
            if lies > 40:
                raise Failed(f'{lies} requests went to a seed that lies')

    def both(self):
        """A web seed and a libtorrent seed share the work."""
        with Scene(self.host) as scene:
            share = scene.new_folder('share')
            write_payload(share / 'A folder', (('big.bin', 20_000_001), ('sub/more.bin', 9_000_001)), seed=6)
            nginx = Nginx(scene, share)
            torrent = self.make(scene, share / 'A folder', [nginx.url('slow/')])
            seed = OTHERS['libtorrent'].seed(scene, torrent, share, more=('--limit-up', '1500'))
            until(lambda: 'complete' in seed.output(), SECONDS, 'libtorrent seeds', [seed])
            port = seed.argv[seed.argv.index('--port') + 1]
            host = seed.argv[seed.argv.index('--host') + 1]
            self.fetch(scene, share, torrent.path, peers=[f'{host}:{port}'])
            seed.send(signal.SIGUSR1)
            until(lambda: '"up"' in seed.output(), 10, 'libtorrent reports', [seed])
            up = json.loads(seed.output().splitlines()[-1])['up']
            web = sum(int(line.split('"')[2].split()[1]) for line in nginx.requests())
            print(f'# 29000002 bytes: {web} from nginx, {up} from libtorrent')
            if min(web, up) < 1_000_000:
                raise Failed(f'the work was not shared: {web} from nginx, {up} from libtorrent')
            if web + up > 29_000_002 * 1.05:
                raise Failed(f'{web + up} bytes came for 29000002')

    def magnet(self):
        """Metadata from libtorrent, everything else from the web seed of the link."""
        with Scene(self.host) as scene:
            share = self.folder(scene)
            nginx = Nginx(scene, share)
            torrent = self.make(scene, share / 'A folder', [])
            seed = OTHERS['libtorrent'].seed(scene, torrent, share, more=('--limit-up', '20'))
            until(lambda: 'complete' in seed.output(), SECONDS, 'libtorrent seeds', [seed])
            peer = seed.argv[seed.argv.index('--host') + 1] + ':' + seed.argv[seed.argv.index('--port') + 1]
            link = f'magnet:?xt=urn:btih:{torrent.v1.hex()}&ws={urllib.parse.quote(nginx.url(), safe="")}'
            self.fetch(scene, share, link, peers=[peer])

    def limit(self):
        """The limit holds for web seeds too."""
        with Scene(self.host) as scene:
            share = self.folder(scene)
            nginx = Nginx(scene, share)
            torrent = self.make(scene, share / 'A folder', [nginx.url()])
            begun = time.monotonic()
            self.fetch(scene, share, torrent.path, more=('--limit-down', '2048'))
            took = time.monotonic() - begun
            if took < TOTAL / (2048 * 1024) * 0.8:
                raise Failed(f'{TOTAL} bytes in {took:.1f} s at a limit of 2 MiB/s')

    def run(self, tap):
        row = {}
        for name, function in (
                ('one file', self.single), ('folder v1', lambda: self.many('')), ('folder hybrid', lambda: self.many('', kind='hybrid')),
                ('folder v2', lambda: self.many('', kind='v2')), ('redirects', lambda: self.many('moved/')),
                ('busy and missing', lambda: self.many('busy/', 'nothing/here/', 'slow/')), ('compressed', lambda: self.many('packed/', 'slow/')),
                ('whole files only', lambda: self.many('whole/', 'slow/')), ('liar', self.liar), ('limit', self.limit), ('magnet', self.magnet),
                ('with libtorrent', self.both)):
            row[name] = tap.case(f'nginx: {name}', function)
        return row


def measure(us, host, gib):
    """Shoal and aria2, the same file from the same server."""
    size = int(gib * (1 << 30))
    for name in ('shoal', 'aria2') * 2:
        with Scene(host, '/dev/shm') as scene:
            share = scene.new_folder('share')
            block = os.urandom(16 << 20)
            with open(share / 'big.bin', 'wb') as out:
                done = 0
                while done < size:
                    step = min(size - done, len(block) - (done >> 20) % 64)
                    out.write(block[(done >> 20) % 64:][:step])
                    done += step
            nginx = Nginx(scene, share)
            torrent = Cases(us, host).make(scene, share / 'big.bin', [nginx.url('big.bin')], piece_size='1MiB')
            got = scene.new_folder('got')
            begun = time.monotonic()
            if name == 'shoal':
                program = us.download(scene, torrent.path, got, more=('--json',))
            else:
                program = scene.run('aria2', ['aria2c', '-d', got, '--seed-time=0', '--enable-dht=false', '--bt-enable-lpd=false', '--file-allocation=none',
                                              '--split=4', '--max-connection-per-server=4', '--listen-port', str(scene.port()), torrent.path])
            program.wait(300)
            used = program.rusage.ru_utime + program.rusage.ru_stime
            if (got / 'big.bin').stat().st_size != size:
                raise Failed(program.tail())
            print(f'{name}: {time.monotonic() - begun:.2f} s, {used:.2f} CPU s, {program.rusage.ru_maxrss // 1024} MiB, '
                  f'{len(nginx.requests())} requests', flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('build')
    parser.add_argument('--measure', type=float, metavar='GIB')
    args = parser.parse_args()
    end_on_sigterm()
    host = own_network()
    if args.measure:
        measure(Shoal(args.build), host, args.measure)
        return 0
    absent = [] if nginx_binary() else ['nginx']
    absent += [] if OTHERS['libtorrent'].installed() else ['libtorrent']
    if absent:
        return skip(args.build, 'nginx', f'{", ".join(absent)} not installed')
    tap = Tap()
    return tap.leave(args.build, 'nginx', Cases(Shoal(args.build), host).run(tap))


if __name__ == '__main__':
    sys.exit(main())
