#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports at a real gateway: portmap.py BUILD [CASE]. This program's network is the router, with miniupnpd and nftables; Shoal runs
behind it in a network of its own. What counts is what the router's tables say, and what a tracker is told."""

import argparse
import http.server
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.parse
from pathlib import Path

from clients import Shoal
from ground import PYTHON, Failed, Scene, Tap, Torrent, end_on_sigterm, own_network, skip, until, write_payload

ROUTER, CLIENT, NEIGHBOUR, OUTER = '10.9.0.1', '10.9.0.2', '10.9.0.3', '11.22.33.44'   # miniupnpd wants a public one
ROUTER6, CLIENT6 = '2001:db8:9::1', '2001:db8:9::2'
PORT = 26413
DAEMON = '/usr/sbin/miniupnpd'
ALONE = ('--no-dht', '--no-lsd', '--no-pex', '--no-utp')
TABLES = '''
table inet filter {
  chain input { type filter hook input priority 0; policy accept; }
  chain forward { type filter hook forward priority 0; policy accept; jump miniupnpd; }
  chain miniupnpd { }
  chain prerouting { type nat hook prerouting priority -100; policy accept; jump prerouting_miniupnpd; }
  chain postrouting { type nat hook postrouting priority 100; policy accept; jump postrouting_miniupnpd; }
  chain prerouting_miniupnpd { }
  chain postrouting_miniupnpd { }
}
'''
NEIGHBOUR_ASKS = f'''
import socket, struct
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(('{NEIGHBOUR}', 0)); s.settimeout(5)
s.sendto(struct.pack('>BBHHHI', 0, 2, 0, {PORT}, {PORT}, 3600), ('{ROUTER}', 5351))
print(struct.unpack('>H', s.recv(16)[10:12])[0])
'''


def call(*argv, text=None):
    done = subprocess.run(argv, input=text, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failed(f'{" ".join(argv)}: {done.stderr.strip()}')
    return done.stdout


class Ground:
    """The two networks and the wire between them."""

    def __init__(self, scene):
        self.scene = scene
        self.holder = scene.run('client-network', ['unshare', '--net', '--', PYTHON, '-c', 'import sys; print("here", flush=True); sys.stdin.read()'],
                                stdin=subprocess.PIPE)
        until(lambda: 'here' in self.holder.output(), 10, 'the client has a network', [self.holder])
        for line in ('link add wan type veth peer name world', f'addr add {OUTER}/24 dev wan', 'link set wan up', 'link set world up',
                     'link add lan type veth peer name eth0', f'addr add {ROUTER}/24 dev lan',
                     f'addr add {ROUTER6}/64 dev lan nodad', 'addr add 2001:db8:8::1/64 dev wan nodad', 'link set lan up',
                     f'link set eth0 netns {self.holder.pid}', 'route add 239.0.0.0/8 dev lan'):
            call('ip', *line.split())
        for line in ('link set lo up', f'addr add {CLIENT}/24 dev eth0', f'addr add {NEIGHBOUR}/24 dev eth0', f'addr add {CLIENT6}/64 dev eth0 nodad',
                     'link set eth0 up',
                     f'route add default via {ROUTER} src {CLIENT}'):
            call(*self.inside('ip', *line.split()))
        # As routers announce themselves: by an address of the link alone.
        near = until(self._link_local, 10, 'the router has an address of the link')
        call(*self.inside('ip', 'route', 'add', 'default', 'via', near, 'dev', 'eth0'))
        call('nft', '-f', '-', text=TABLES)

    @staticmethod
    def _link_local():
        words = call('ip', '-6', '-oneline', 'addr', 'show', 'dev', 'lan', 'scope', 'link', '-tentative').split()
        return words[words.index('inet6') + 1].partition('/')[0] if 'inet6' in words else None

    def inside(self, *argv):
        return ['nsenter', f'--net=/proc/{self.holder.pid}/ns/net', '--', *argv]

    def close(self):
        self.holder.end(signal.SIGKILL)
        for line in ('link del wan', 'link del lan'):
            subprocess.run(['ip', *line.split()], capture_output=True, check=False)
        subprocess.run(['nft', 'flush', 'ruleset'], capture_output=True, check=False)


class Gateway:
    """miniupnpd with the router's tables."""

    def __init__(self, scene, pcp=True, upnp=True, lifetime=3600):
        folder = scene.new_folder('gateway')
        config = folder / 'miniupnpd.conf'
        config.write_text(f'ext_ifname=wan\next_ifname6=wan\next_ip={OUTER}\nlistening_ip=lan\nhttp_port=5000\n'
                          f'enable_natpmp={"yes" if pcp else "no"}\nenable_upnp={"yes" if upnp else "no"}\n'
                          f'secure_mode=yes\nsystem_uptime=no\nmin_lifetime=2\nmax_lifetime={lifetime}\n'
                          'uuid=2ff8bd6c-1d9a-4b3c-9b16-9c8a1d6c0e21\nallow 1024-65535 0.0.0.0/0 1024-65535\n')
        self.scene, self.argv = scene, [DAEMON, '-d', '-f', config, '-P', folder / 'pid']
        self.run()

    def run(self):
        self.program = self.scene.run('miniupnpd', self.argv)
        until(lambda: 'listening' in self.program.output().lower(), 10, 'miniupnpd listens', [self.program])


def mappings():
    """{(protocol, outer port): (address, inner port)} as the router's tables have it."""
    rules = call('nft', 'list', 'chain', 'inet', 'filter', 'prerouting_miniupnpd')
    protocols = {'0x6': 'tcp', '0x11': 'udp', 'tcp': 'tcp', 'udp': 'udp'}   # nft prints what miniupnpd wrote as raw bytes
    found = {}
    for line in rules.splitlines():
        protocol = re.search(r'@nh,72,8 (\w+)|l4proto (\w+)|(tcp|udp) dport', line)
        rest = re.search(r'dport (\d+) .*dnat (?:ip )?to ([\d.]+):(\d+)', line)
        if protocol and rest:
            found[protocols[next(filter(None, protocol.groups()))], int(rest[1])] = (rest[2], int(rest[3]))
    return found


def pinholes():
    """{(protocol, port)} that the router's firewall lets through to the client's IPv6 address."""
    address = '0x' + socket.inet_pton(socket.AF_INET6, CLIENT6).hex()
    found = set()
    for line in call('nft', 'list', 'chain', 'inet', 'filter', 'miniupnpd').splitlines():
        port, protocol = re.search(r'dport (\d+)', line), re.search(r'@nh,48,8 (\w+)|l4proto (\w+)', line)
        if port and protocol and address in line:
            found.add(({'0x6': 'tcp', '0x11': 'udp'}.get(protocol[1] or protocol[2], protocol[2]), int(port[1])))
    return found


class Tracker:
    """Remembers which port was announced, and knows nobody."""

    def __init__(self):
        outer = self
        self.announced = []

        class Answer(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                link = urllib.parse.urlparse(self.path)
                query = urllib.parse.parse_qs(link.query, errors='replace')
                if link.path != '/announce':     # a scrape
                    self.send_error(404)
                    return
                outer.announced.append((query.get('event', [''])[0], int(query.get('port', ['0'])[0])))
                body = b'd8:intervali1800e12:min intervali900e5:peers0:e'
                self.send_response(200)
                self.send_header('Content-Length', str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer((ROUTER, 0), Answer)
        self.url = f'http://{ROUTER}:{self.server.server_address[1]}/announce'
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Client:
    """Shoal behind the router, seeding something that nobody wants."""

    def __init__(self, ground, us, url):
        scene = ground.scene
        share = scene.folder / 'share'
        write_payload(share / 'Mapped', (('one.bin', 100_000),))
        us.create(share / 'Mapped', scene.folder / 'mapped.torrent', 'v1', url, '16KiB')
        Torrent(scene.folder / 'mapped.torrent')
        self.program = scene.run('shoal-cli', ground.inside(
            us.cli, 'download', scene.folder / 'mapped.torrent', '--dir', share, '--seed', '--port', PORT, '--json', *ALONE), env=us.env)

    def mapping(self):
        """The last one that --json told of."""
        for line in reversed(self.program.output().splitlines()):
            try:
                return json.loads(line)['mapping']
            except (ValueError, KeyError):
                continue
        return {'state': 'unknown'}

    def wait(self, state, seconds=20):
        until(lambda: self.mapping()['state'] == state, seconds, f'the mapping is {state}', [self.program])
        return self.mapping()

    def stop(self):
        """The seconds that it took."""
        started = time.monotonic()
        self.program.send(signal.SIGINT)
        self.program.wait(10)
        if self.program.poll() != 130:
            raise Failed(f'it ended with status {self.program.poll()}\n{self.program.tail()}')
        return time.monotonic() - started


class Suite:
    def __init__(self, build):
        self.us = Shoal(build)

    def play(self, story, host, gateway):
        with Scene(host) as scene:
            ground = Ground(scene)
            tracker = Tracker()
            try:
                ground.gateway = Gateway(scene, **gateway) if gateway is not None else None
                story(ground, tracker)
            finally:
                tracker.close()
                for program in reversed(scene.programs):
                    if program is not ground.holder:
                        program.end()
                ground.close()

    def expect(self, ground, tracker, method, outer=PORT):
        client = Client(ground, self.us, tracker.url)
        told = client.wait('mapped')
        if told['method'] != method:
            raise Failed(f'it was mapped by {told["method"]}')
        if told['address'] != OUTER:
            raise Failed(f'the outer address is said to be {told["address"]}')
        if outer is not None and (told['tcp_port'], told['udp_port']) != (outer, outer):
            raise Failed(f'ports {told["tcp_port"]} and {told["udp_port"]} instead of {outer}')
        for protocol in ('tcp', 'udp'):
            if mappings().get((protocol, told[f'{protocol}_port'])) != (CLIENT, PORT):
                raise Failed(f'the router has {mappings()}')
        until(lambda: tracker.announced and tracker.announced[-1][1] == told['tcp_port'], 15, f'{told["tcp_port"]} is announced', [client.program])
        return client

    def removed(self, client, renewed=False):
        """miniupnpd 2.3.1 forgets whose a pinhole is when it is renewed, and does not let it be closed: it ends with its lease."""
        seconds = client.stop()
        if renewed:
            until(lambda: not pinholes(), 30, 'the last lease of the firewall has ended')
        if [entry for entry in mappings().values() if entry[0] == CLIENT] or pinholes():
            raise Failed(f'after the end the router has {mappings()} and {pinholes()}')
        if seconds > 3:
            raise Failed(f'the end took {seconds:.1f} s')

    def by_pcp(self, ground, tracker):
        self.removed(self.expect(ground, tracker, 'PCP'))

    def by_nat_pmp(self, ground, tracker):
        call('nft', 'add', 'rule', 'inet', 'filter', 'input', 'udp', 'dport', '5351', '@th,64,8', '2', 'drop')
        self.removed(self.expect(ground, tracker, 'NAT-PMP'))

    def by_upnp(self, ground, tracker):
        self.removed(self.expect(ground, tracker, 'UPnP'))

    def firewall(self, ground, tracker, method):
        """Nothing is translated for IPv6: the router has to let both ports through."""
        client = self.expect(ground, tracker, method)
        until(lambda: client.mapping()['ipv6'] == 'mapped', 20, 'the firewall is open', [client.program])
        if pinholes() != {('tcp', PORT), ('udp', PORT)}:
            raise Failed(f'the router lets {pinholes()} through')
        self.removed(client)

    def firewall_by_pcp(self, ground, tracker):
        self.firewall(ground, tracker, 'PCP')

    def firewall_by_upnp(self, ground, tracker):
        self.firewall(ground, tracker, 'UPnP')

    def restarted(self, ground, tracker):
        """The router forgets everything, and says so: it is asked again long before a lease is half over."""
        client = self.expect(ground, tracker, 'PCP')
        until(lambda: len(pinholes()) == 2, 20, 'the firewall is open', [client.program])
        # Its seconds have to be fewer afterwards by more than clocks may differ.
        begun = time.monotonic()
        until(lambda: time.monotonic() > begun + 5, 10, 'some seconds pass', [client.program])
        ground.gateway.program.end()
        for chain in ('prerouting_miniupnpd', 'postrouting_miniupnpd', 'miniupnpd'):
            call('nft', 'flush', 'chain', 'inet', 'filter', chain)
        if mappings() or pinholes():
            raise Failed('it remembers')
        ground.gateway.run()
        until(lambda: len(mappings()) == 2 and len(pinholes()) == 2, 20, 'all is mapped again', [client.program])
        self.removed(client)

    def other_port(self, ground, tracker):
        """The neighbour has the port: another is given and announced."""
        if int(call(*ground.inside(PYTHON, '-c', NEIGHBOUR_ASKS))) != PORT:
            raise Failed('the neighbour did not get the port')
        client = self.expect(ground, tracker, 'PCP', None)
        if client.mapping()['tcp_port'] == PORT:
            raise Failed('two have the same port')
        self.removed(client)

    def renewed(self, ground, tracker):
        """Leases of 10 s: three of them pass."""
        client = self.expect(ground, tracker, 'PCP')
        ends = time.monotonic() + 25
        until(lambda: time.monotonic() > ends or not mappings(), 40, 'three leases have passed', [client.program])
        if len(mappings()) != 2:
            raise Failed(f'a lease has run out: {mappings()}')
        if len(pinholes()) != 2:
            raise Failed(f'the firewall lets only {pinholes()} through')
        self.removed(client, renewed=True)

    def silent(self, ground, tracker):
        """A gateway that drops everything: a clear state, and an end in time."""
        call('nft', 'add', 'rule', 'inet', 'filter', 'input', 'iifname', 'lan', 'udp', 'dport', '{ 1900, 5351 }', 'drop')
        client = Client(ground, self.us, tracker.url)
        until(lambda: tracker.announced, 15, 'it announces itself without waiting', [client.program])
        told = client.wait('failed')
        if 'offers no way' not in told['text'] or told['tcp_port'] != 0:
            raise Failed(f'it says {told}')
        if tracker.announced[-1][1] != PORT:
            raise Failed(f'{tracker.announced} was announced')
        if client.stop() > 3:
            raise Failed('the end took too long')

    def comes_and_goes(self, ground, tracker):
        """The way to the world goes and comes back: the mapping with it."""
        client = self.expect(ground, tracker, 'PCP')
        call(*ground.inside('ip', 'route', 'del', 'default'))
        client.wait('failed')
        call(*ground.inside('ip', 'route', 'add', 'default', 'via', ROUTER, 'src', CLIENT))
        client.wait('mapped')
        self.removed(client)


def cases(suite):
    return {
        'PCP': (suite.by_pcp, {}),
        'NAT-PMP': (suite.by_nat_pmp, {}),
        'UPnP': (suite.by_upnp, {'pcp': False}),
        'IPv6 PCP': (suite.firewall_by_pcp, {}),
        'IPv6 UPnP': (suite.firewall_by_upnp, {'pcp': False}),
        'restart': (suite.restarted, {}),
        'other port': (suite.other_port, {}),
        'renewal': (suite.renewed, {'lifetime': 10}),
        'silent gateway': (suite.silent, None),
        'network change': (suite.comes_and_goes, {}),
    }


def absent():
    """Why nothing can be tried here, or None."""
    for program in (DAEMON, 'nft', 'nsenter', 'ip'):
        if not shutil.which(program):
            return f'{Path(program).name} is not installed'
    if os.environ.get('SHOAL_OWN_NETWORK') != 'yes':
        return 'network namespaces are not allowed here'
    if subprocess.run(['nft', '-f', '-'], input=TABLES, capture_output=True, text=True, check=False).returncode != 0:
        return 'nftables are not to be had here'
    call('nft', 'flush', 'ruleset')
    return None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('build')
    parser.add_argument('case', nargs='?')
    args = parser.parse_args()
    end_on_sigterm()
    host = own_network()
    why = absent()
    if why:
        return skip(args.build, 'miniupnpd', why)
    tap, row, suite = Tap(), {}, Suite(args.build)
    for name, (story, gateway) in cases(suite).items():
        if args.case in (None, name):
            row[name] = tap.case(name, suite.play, story, host, gateway)
    return tap.leave(args.build, 'miniupnpd', row)


if __name__ == '__main__':
    sys.exit(main())
