#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Web seeds of both kinds, files (BEP 19) and pieces (BEP 17): webseeds.py BUILD [CASE]... A server of our own keeps to the rules,
and breaks each of them on purpose, beside one that is honest and slow: all has to come, and soon."""

import argparse
import http.server
import os
import subprocess
import sys
import threading
import time
import urllib.parse

from clients import LibTorrent, Shoal
from ground import Failed, Scene, Tap, Torrent, differences, end_on_sigterm, own_network, raw_info, skip, write_payload

HOST = '11.22.33.44'       # a link into the local network may have no parameters, as those of BEP 17 do
SECONDS = 90
LANES = 4             # requests at once to one seed, at most
PIECE = 64 * 1024
FILES = (('a first file.bin', 700_003), ('empty', 0), ('sub/one byte', 1), ('sub/deep/odd.dat', 70_001), ('z last.bin', 1_234_567))
KINDS = ('files', 'pieces')


class Server:
    """A folder as BEP 19 wants it under /files/BEHAVIOUR/, and its torrent as BEP 17 does under /pieces/BEHAVIOUR."""

    def __init__(self, host, share):
        outer = self
        self.share, self.requests, self.torrent = share, [], None

        class Answer(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def do_GET(self):
                outer.answer(self)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer((host, 0), Answer)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None      # the client may go at any time
        self.base = f'http://{host}:{self.server.server_address[1]}'
        self.ended = threading.Event()
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def url(self, kind, behaviour):
        return f'{self.base}/{kind}/{behaviour}' + ('/' if kind == 'files' else '')

    def asked(self, kind, behaviour):
        return [request for request in self.requests if request[:2] == (kind, behaviour)]

    def close(self):
        self.ended.set()
        self.server.shutdown()
        self.server.server_close()

    def _file(self, path, request):
        """Its bytes and the range that is wanted of them."""
        data = (self.share / urllib.parse.unquote(path)).read_bytes()
        first, _, last = request.headers.get('Range', f'bytes=0-{len(data) - 1}').removeprefix('bytes=').partition('-')
        return data, int(first), int(last) + 1

    def _piece(self, query):
        """The same of a piece, after looking at the info-hash."""
        wanted = dict(part.split('=', 1) for part in query.split('&'))
        if urllib.parse.unquote_to_bytes(wanted['info_hash']) != self.torrent.v1:
            raise KeyError('another torrent')
        whole = b''.join((self.share / self.torrent.name / '/'.join(part.decode() for part in entry[b'path'])).read_bytes()
                         for entry in self.torrent.info[b'files'])
        data = whole[int(wanted['piece']) * PIECE:][:PIECE]
        first, _, last = wanted.get('ranges', f'0-{len(data) - 1}').partition('-')
        return data, int(first), int(last) + 1

    def answer(self, request):
        link = urllib.parse.urlsplit(request.path)
        _, kind, behaviour, *rest = link.path.split('/')
        self.requests.append((kind, behaviour, request.path, time.monotonic()))
        try:
            data, first, end = self._file('/'.join(rest), request) if kind == 'files' else self._piece(link.query)
        except (OSError, KeyError):
            request.send_error(404)
            return
        getattr(self, f'do_{behaviour.replace("-", "_")}')(request, kind, data, first, end)

    @staticmethod
    def send(request, status, headers, body=b''):
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(body)

    def part(self, request, kind, data, first, end, **changed):
        """What is right, but for what is changed: body, size, range_first, total."""
        body = changed.get('body', data[first:end])
        headers = {'Content-Length': str(changed.get('size', len(body)))}
        if kind == 'files':
            at = changed.get('range_first', first)
            headers['Content-Range'] = f'bytes {at}-{at + end - first - 1}/{changed.get("total", len(data))}'
        self.send(request, 206 if kind == 'files' else 200, headers, body)

    # -- who behaves --

    def do_good(self, request, kind, data, first, end):
        self.part(request, kind, data, first, end)

    def do_slow(self, request, kind, data, first, end):
        """800 KiB a second for each request."""
        request.send_response(206 if kind == 'files' else 200)
        request.send_header('Content-Length', str(end - first))
        if kind == 'files':
            request.send_header('Content-Range', f'bytes {first}-{end - 1}/{len(data)}')
        request.end_headers()
        for at in range(first, end, 20_480):
            request.wfile.write(data[at:min(at + 20_480, end)])
            self.ended.wait(0.025)

    def do_busy(self, request, kind, data, first, end):
        """Refuses the first two seconds, and says for how long: in a header, or as BEP 17 does."""
        since = time.monotonic() - self.asked(kind, 'busy')[0][3]
        if since > 1.9:
            self.part(request, kind, data, first, end)
        elif kind == 'files':
            self.send(request, 503, {'Retry-After': '2', 'Content-Length': '0'})
        else:
            self.send(request, 503, {'Content-Length': '1'}, b'2')

    def do_moved(self, request, kind, data, first, end):
        self.send(request, 302, {'Location': request.path.replace('/moved', '/good', 1), 'Content-Length': '0'})

    # -- who does not --

    def do_whole(self, request, kind, data, first, end):
        """Everything, whatever was asked for."""
        self.send(request, 200, {'Content-Length': str(len(data))}, data)

    def do_not_satisfied(self, request, kind, data, first, end):
        self.send(request, 416, {'Content-Range': f'bytes */{len(data)}', 'Content-Length': '0'})

    def do_missing(self, request, kind, data, first, end):
        request.send_error(404)

    def do_refuses(self, request, kind, data, first, end):
        self.send(request, 503, {'Retry-After': '3000', 'Content-Length': '0'})

    def do_truncated(self, request, kind, data, first, end):
        """Ends in the middle of what it has announced."""
        self.part(request, kind, data, first, end, body=data[first:(first + end) // 2], size=end - first)
        request.close_connection = True

    def do_short(self, request, kind, data, first, end):
        """Announces less than was asked for."""
        self.part(request, kind, data, first, end, body=data[first:(first + end) // 2])

    def do_elsewhere(self, request, kind, data, first, end):
        self.part(request, kind, data, first, end, range_first=first + 1)

    def do_other_file(self, request, kind, data, first, end):
        self.part(request, kind, data, first, end, body=bytes(end - first + 3), total=len(data) + 3)

    def do_endless(self, request, kind, data, first, end):
        """What was asked for, and then more of it for ever."""
        request.send_response(206 if kind == 'files' else 200)
        if kind == 'files':
            request.send_header('Content-Range', f'bytes {first}-{end - 1}/{len(data)}')
        request.send_header('Transfer-Encoding', 'chunked')
        request.end_headers()
        while not self.ended.is_set():
            request.wfile.write(f'{end - first:x}\r\n'.encode() + data[first:end] + b'\r\n')

    def do_drip(self, request, kind, data, first, end):
        """A byte now and then."""
        request.send_response(206 if kind == 'files' else 200)
        request.send_header('Content-Length', str(end - first))
        if kind == 'files':
            request.send_header('Content-Range', f'bytes {first}-{end - 1}/{len(data)}')
        request.end_headers()
        while first < end and not self.ended.wait(0.5):
            request.wfile.write(data[first:first + 1])
            first += 1

    def do_lies(self, request, kind, data, first, end):
        self.part(request, kind, data, first, end, body=bytes(byte ^ 1 for byte in data[first:end]))

    def do_packed(self, request, kind, data, first, end):
        self.send(request, 206, {'Content-Encoding': 'gzip', 'Content-Length': str(end - first)}, data[first:end])

    def do_silent(self, request, kind, data, first, end):
        self.ended.wait(SECONDS)


GOOD = ('good', 'busy', 'moved')
# How often each may be asked, at most: who lies is found out piece by piece, who is merely broken is tried again later.
BAD = {'whole': 60, 'not-satisfied': 12, 'missing': 12, 'refuses': 4, 'truncated': 60, 'short': 60, 'elsewhere': 12, 'other-file': 12, 'endless': 60,
       'drip': 8, 'lies': 12, 'packed': 4, 'silent': 4}
OF_FILES_ALONE = ('elsewhere',)      # an answer of BEP 17 does not say which part it is


def with_pieces(path, urls):
    """Adds links of BEP 17 to a .torrent file; its keys stay in order."""
    data = path.read_bytes()
    info = data.index(b'4:info' + raw_info(data))
    links = b''.join(f'{len(url)}:{url}'.encode() for url in urls)
    path.write_bytes(data[:info] + b'9:httpseedsl' + links + b'e' + data[info:])


class Story:
    def __init__(self, us, host):
        self.us, self.host = us, host

    def play(self, kind, *behaviours, other=None):
        """Downloads from seeds that behave so, with another program in our place if one is given. Returns the server, closed, and the
        seconds that it took."""
        with Scene(self.host) as scene:
            share = scene.new_folder('share')
            write_payload(share / 'A folder', FILES, seed=5)
            server = Server(HOST, share)
            try:
                urls = [server.url(kind, behaviour) for behaviour in behaviours]
                torrent = scene.folder / 'made.torrent'
                argv = [self.us.cli, 'create', share / 'A folder', '-o', torrent, '--v1', '--piece-size', '64KiB']
                for url in urls if kind == 'files' else ():
                    argv += ['--web-seed', url]
                subprocess.run([str(part) for part in argv], check=True, capture_output=True, timeout=60)
                if kind == 'pieces':
                    with_pieces(torrent, urls)
                server.torrent = Torrent(torrent)
                got = scene.new_folder('got')
                begun = time.monotonic()
                if other:
                    program = other.run(scene, torrent, got, '--once')
                else:
                    program = self.us.download(scene, torrent, got)
                if program.wait(SECONDS) != 0:
                    raise Failed(f'it ended with status {program.poll()}\n{program.tail()}')
                wrong = differences(share, got)
                if wrong:
                    raise Failed('; '.join(wrong))
                return server, time.monotonic() - begun
            finally:
                server.close()

    def good(self, kind, behaviour):
        server, _ = self.play(kind, behaviour)
        asked = server.asked(kind, behaviour)
        if behaviour == 'busy' and len(asked) >= 2 and 0.2 < asked[1][3] - asked[0][3] < 1.5:
            raise Failed(f'it was asked again after {asked[1][3] - asked[0][3]:.1f} s')
        if behaviour == 'moved':
            paths = [path for _, _, path, _ in asked]
            # All lanes may ask for one file before the first of them has learnt where it went. That it is remembered then is shown by the
            # unit test of HTTP streams.
            most = max(paths.count(path) for path in paths) if paths else 0
            if kind == 'files' and most > LANES:
                raise Failed(f'{most} redirects for one file')
            if not server.asked(kind, 'good'):
                raise Failed('the redirects were not followed')

    def other(self, kind, program):
        """That our server speaks as others understand it."""
        server, _ = self.play(kind, 'good', other=program)
        if not server.asked(kind, 'good'):
            raise Failed('it was never asked')

    def bad(self, kind, behaviour):
        server, seconds = self.play(kind, behaviour, 'slow')
        n = len(server.asked(kind, behaviour))
        print(f'# {kind}/{behaviour}: {n} requests, {len(server.asked(kind, "slow"))} to the honest one, {seconds:.1f} s')
        if n == 0:
            raise Failed('it was never asked')
        if n > BAD[behaviour]:
            raise Failed(f'it was asked {n} times')

    def run(self, tap, cases):
        row = {}
        for kind in KINDS:
            for behaviours, function in ((GOOD, self.good), (BAD, self.bad)):
                for behaviour in behaviours:
                    if kind == 'pieces' and behaviour in OF_FILES_ALONE:
                        continue
                    if not cases or kind in cases or behaviour in cases or f'{kind}/{behaviour}' in cases:
                        row[f'{kind}/{behaviour}'] = tap.case(f'{kind}: {behaviour}', function, kind, behaviour)
            if LibTorrent().installed() and (not cases or {'libtorrent', kind, f'{kind}/libtorrent'} & set(cases)):
                row[f'{kind}/libtorrent'] = tap.case(f'{kind}: libtorrent', self.other, kind, LibTorrent())
        return row


def own_address():
    """Whether the address is ours now."""
    if os.environ.get('SHOAL_OWN_NETWORK') != 'yes':
        return False
    try:
        return subprocess.run(['ip', 'addr', 'add', f'{HOST}/32', 'dev', 'lo'], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('build')
    parser.add_argument('cases', nargs='*', help='files, pieces, a behaviour, or one as in files/lies; all of them if none is named')
    args = parser.parse_args()
    end_on_sigterm()
    host = own_network()
    if not own_address():
        return skip(args.build, 'webseeds', 'no network namespace of our own here, or no ip(8): the server needs an address that is not local')
    tap = Tap()
    return tap.leave(args.build, 'webseeds', Story(Shoal(args.build), host).run(tap, args.cases))


if __name__ == '__main__':
    sys.exit(main())
