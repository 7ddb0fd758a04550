#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tracker that is reached over IPv6 and tells of peers there, over HTTP (BEP 7) and UDP (BEP 15):
ipv6.py BUILD [CASE]... It alone brings Shoal and another program together, each way. Prints TAP and
leaves a row for table.py.

The tracker is one of our own, as Debian's opentracker speaks IPv4 alone; it refuses whatever is not
as the BEPs say, and the other programs, which use it as well, show that it is one. It does not look
at the Host of a request, in which libtorrent 2.0.8 and others put an address without brackets."""

import http.server
import socket
import socketserver
import struct
import sys
import threading
import urllib.parse

from clients import OTHERS, Aria2, QBittorrent
from dht import ipv6, make_ipv6
from gossip import Row
from ground import Failed, Scene, Tap, arguments, own_network, skip, until

OURS, THEIRS, TRACKER = ipv6(1), ipv6(2), ipv6(3)
WITHOUT_UDP = {'aria2': 'no UDP trackers', 'transmission': 'no UDP trackers over IPv6'}
INTERVAL = 2
MAGIC, CONNECT, ANNOUNCE, ERROR = 0x41727101980, 0, 1, 3
CONNECTION = 0x5348    # one for all: nobody forges anything here


class Tracker:
    """Whoever announced itself, by info-hash: endpoint to what is left."""

    def __init__(self):
        self.swarms, self.faults, self.lock = {}, [], threading.Lock()
        tracker = self

        class Http(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                tracker.answer_http(self)

            def log_message(self, *_):
                pass

        class Udp(socketserver.BaseRequestHandler):
            def handle(self):
                tracker.answer_udp(*self.request, self.client_address)

        class HttpServer(http.server.ThreadingHTTPServer):
            address_family = socket.AF_INET6

        class UdpServer(socketserver.ThreadingUDPServer):
            address_family = socket.AF_INET6

        self.servers = [HttpServer((TRACKER, 0), Http), UdpServer((TRACKER, 0), Udp)]
        self.urls = {kind: f'{kind}://[{TRACKER}]:{server.server_address[1]}/announce'
                     for kind, server in zip(('http', 'udp'), self.servers)}
        for server in self.servers:
            threading.Thread(target=server.serve_forever, daemon=True).start()

    def end(self):
        for server in self.servers:
            server.shutdown()
            server.server_close()

    def announced(self, info_hash, host, port, left, stopped):
        """The compact endpoints of all others."""
        own = socket.inet_pton(socket.AF_INET6, host) + port.to_bytes(2, 'big')
        with self.lock:
            swarm = self.swarms.setdefault(info_hash, {})
            swarm.pop(own, None)
            others = b''.join(swarm)
            if not stopped:
                swarm[own] = left
        return others

    def seeds(self, torrent):
        if self.faults:
            raise Failed('; '.join(self.faults))
        with self.lock:
            return sum(left == 0 for left in self.swarms.get(torrent.v1, {}).values())

    def answer_http(self, request):
        if not request.path.startswith('/announce?'):
            request.send_error(404)
            return
        fields = urllib.parse.parse_qs(urllib.parse.urlsplit(request.path).query, True, True, 'latin-1')
        one = {name: values[0] for name, values in fields.items()}
        info_hash, peer_id = (one.get(name, '').encode('latin-1') for name in ('info_hash', 'peer_id'))
        if len(info_hash) != 20 or len(peer_id) != 20 or one.get('compact', '1') != '1':
            self.faults.append(f'a bad request: {request.path}')
        peers = self.announced(info_hash, request.client_address[0], int(one['port']),
                               int(one['left']), one.get('event') == 'stopped')
        body = b'd8:intervali%de5:peers0:6:peers6%d:%se' % (INTERVAL, len(peers), peers)
        request.send_response(200)
        request.send_header('Content-Length', str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    def answer_udp(self, packet, answering, sender):
        connection, action, transaction = struct.unpack_from('>QII', packet)
        answer = struct.pack('>II', ERROR, transaction) + b'no such thing'
        if action == CONNECT and connection == MAGIC and len(packet) == 16:
            answer = struct.pack('>IIQ', CONNECT, transaction, CONNECTION)
        elif action == ANNOUNCE and connection == CONNECTION and len(packet) >= 98:
            left, event, port = (struct.unpack_from(kind, packet, at)[0]
                                 for kind, at in (('>Q', 64), ('>I', 80), ('>H', 96)))
            peers = self.announced(packet[16:36], sender[0], port, left, event == 3)
            answer = struct.pack('>IIIII', ANNOUNCE, transaction, INTERVAL, 0, 0) + peers
        else:
            self.faults.append(f'a bad packet: {packet.hex()}')
        answering.sendto(answer, sender)


def libtorrent(row, scene, torrent, folder, seeds):
    row.libtorrent(scene, torrent, folder, f'[{THEIRS}]', scene.port(), outgoing_interfaces=THEIRS)


def transmission(row, scene, torrent, folder, seeds):
    program = row.transmission.start(scene, {
        'peer-port': scene.port(), 'bind-address-ipv6': THEIRS, 'bind-address-ipv4': '0.0.0.0'})
    row.transmission.add(program, torrent, folder)


def aria2(row, scene, torrent, folder, seeds):
    Aria2().run(scene, torrent, folder, '--disable-ipv6=false', f'--interface={THEIRS}',
                *(['--check-integrity=true', '--seed-ratio=0.0'] if seeds else ['--seed-time=0']))


def qbittorrent(row, scene, torrent, folder, seeds):
    client = QBittorrent()
    program = client.start(scene, {'Port': scene.port(), 'InterfaceAddress': THEIRS})
    client.add(program, torrent, folder)


def meet(row, start, we_seed, host, kind):
    with Scene(host) as scene:
        tracker = Tracker()
        try:
            torrent = row.torrent(scene, tracker.urls[kind])
            share, got = scene.folder / 'share', scene.new_folder('got')

            def begin(ours, folder, seeds):
                # On loopback it would be seen at whichever of its addresses was added last.
                if ours:
                    row.shoal(scene, torrent.path, folder, '--bind', OURS)
                else:
                    start(row, scene, torrent.path, folder, seeds)

            begin(we_seed, share, True)
            until(lambda: tracker.seeds(torrent), 30, 'the seed announced itself', scene.programs)
            begin(not we_seed, got, False)
            row.complete(scene, got, scene.programs)
        finally:
            tracker.end()


def cases(row, host):
    for name, start in (('libtorrent', libtorrent), ('transmission', transmission), ('aria2', aria2),
                        ('qbittorrent', qbittorrent)):
        for kind in ('http', 'udp'):
            for way, we_seed in (('seeds', False), ('gets', True)):
                if OTHERS[name].installed() and not (kind == 'udp' and name in WITHOUT_UDP):
                    yield f'{name} {kind} {way}', meet, (row, start, we_seed, host, kind)


def main():
    args = arguments()
    host = own_network()
    if not make_ipv6():
        return skip(args.build, 'ipv6', 'addresses can be given only in a network of our own')
    tap = Tap()
    results = {f'{name} udp': words for name, words in WITHOUT_UDP.items()}
    results |= tap.together([case for case in cases(Row(args.build), host)
                            if not args.cases or any(wanted in case[0] for wanted in args.cases)])
    return tap.leave(args.build, 'ipv6', results)


if __name__ == '__main__':
    sys.exit(main())
