#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""One program against Shoal, in both directions: interop.py BUILD PROGRAM [CASE]... Prints TAP, a case per column of
the table, and leaves the row in BUILD/interop-PROGRAM.json for table.py."""

import shutil
import sys

from clients import OTHERS, LibTorrent, Shoal, libtorrent_create
from ground import (DemoTracker, Failed, OpenTracker, Scene, Tap, Torrent, arguments, differences, own_network, room_taken, skip,
                    until, until_same, write_payload)

# Column: what a torrent is made as, how the downloader is told of it, how peers find each other.
CASES = {
    'v1 http': ('v1', 'torrent', 'http'),
    'v1 udp': ('v1', 'torrent', 'udp'),
    'v1 magnet': ('v1', 'magnet', 'http'),
    'hybrid': ('hybrid', 'torrent', 'http'),
    'hybrid magnet': ('hybrid', 'magnet', 'http'),
    'v2': ('v2', 'torrent', 'http'),
    'v2 magnet': ('v2', 'magnet', 'http'),
}
DIRECTIONS = ('seeds', 'gets')     # what the other program does
SECONDS = 30


def make(us, maker, scene, kind, tracker=None):
    share = scene.folder / 'share'
    if not share.exists():
        write_payload(share / 'Odd sizes')
    out = scene.folder / f'{kind}-{"with" if tracker else "no"}-tracker.torrent'
    if maker is us and hasattr(us, 'create'):
        us.create(share / 'Odd sizes', out, kind, tracker)
    elif not libtorrent_create(share / 'Odd sizes', out, kind, tracker):
        us.create(share / 'Odd sizes', out, kind, tracker)
    return Torrent(out)


def open_tracker(scene, torrents, build):
    if shutil.which('opentracker'):
        return OpenTracker(scene, torrents)
    return DemoTracker(scene, build)


def finish_ours(us, program, wanted, got):
    """Our own download ends by itself, with status 0 and nothing but the data in its folder."""
    if not hasattr(us, 'cli'):
        until_same(wanted, got, SECONDS, [program])
        return
    until(lambda: program.poll() is not None, SECONDS, f'{program.name} ends', [program], lambda: room_taken(got))
    if program.poll() != 0:
        raise Failed(f'{program.name} ended with status {program.poll()}\n{program.tail()}')
    wrong = differences(wanted, got)
    if wrong:
        raise Failed('; '.join(wrong))


def exchange(scene, us, other, direction, build, kind='v1', source='torrent', wire='http', more=None):
    """One of the two seeds, the other downloads, and a tracker brings them together; every byte is compared. more: what each of
    them is started with beside. Returns the torrent."""
    seeder, leecher = (other, us) if direction == 'seeds' else (us, other)
    settings = {client: {'more': more[client]} if more else {} for client in (us, other)}
    bare = make(us, seeder, scene, kind)      # the info-hash does not depend on the tracker, the whitelist needs it first
    tracker = open_tracker(scene, [bare], build)
    url = tracker.http if wire == 'http' else tracker.udp
    torrent = make(us, seeder, scene, kind, url)
    if torrent.keys != bare.keys:
        raise Failed('the same files made two info-hashes')

    wanted = seed_data = scene.folder / 'share'
    if direction == 'seeds' and torrent.pads:
        seed_data = scene.folder / 'padded'
        shutil.copytree(wanted, seed_data)
    seed = seeder.seed(scene, torrent, seed_data, **settings[seeder])
    until(lambda: tracker.seeds(torrent) > 0, SECONDS, 'the seed announced itself', [seed, tracker.program])

    got = scene.new_folder('got')
    program = leecher.download(scene, torrent.magnet(url, leecher.both_topics) if source == 'magnet' else torrent.path, got,
                               **settings[leecher])
    if leecher is us:
        finish_ours(us, program, wanted, got)
    else:
        until_same(wanted, got, SECONDS, empty_too=other.makes_empty, tails=(program, seed))
    return torrent


def swarm_case(us, other, direction, case, host, build):
    kind, source, wire = CASES[case]
    with Scene(host) as scene:
        exchange(scene, us, other, direction, build, kind, source, wire)


def tracker_case(us, wire, host, build):
    """Two of us find each other through the tracker, and it counts what we say to it."""
    with Scene(host) as scene:
        bare = make(us, us, scene, 'v1')
        tracker = OpenTracker(scene, [bare])
        torrent = make(us, us, scene, 'v1', tracker.http if wire == 'http' else tracker.udp)
        seed = us.seed(scene, torrent, scene.folder / 'share')
        until(lambda: tracker.scrape(torrent.v1) == (1, 0), SECONDS, 'the tracker counts one seed', [seed, tracker.program])
        got = scene.new_folder('got')
        finish_ours(us, us.download(scene, torrent.path, got), scene.folder / 'share', got)
        seed.end()
        until(lambda: tracker.scrape(torrent.v1) == (0, 0), 10, 'both said that they stopped', [tracker.program])


def unable(other, direction, host):
    """Why a direction can be tried in no way at all."""
    return 'refuses 127.0.0.1' if other.name == 'transmission' and direction == 'gets' and host.startswith('127.') else None


def why_not(other, direction, kind, wire, host):
    if wire == 'udp' and not shutil.which('opentracker'):
        return 'no UDP tracker here'
    return unable(other, direction, host) or other.cannot.get(kind) or other.cannot.get(wire)


def start(programs):
    """BUILD PROGRAM [CASE]..., and the address that all of the test use."""
    args = arguments(('program', {'choices': programs}),
                     ('--us', {'default': 'shoal', 'help': 'for checking the suite itself: libtorrent in the place of Shoal'}))
    args.host = own_network() if shutil.which('opentracker') else '127.0.0.1'     # the other tracker listens there alone
    return args


def both_ways(args, name, columns, reason, case):
    """Runs case (other, direction, column) for every column in both directions, or says its reason not to; leaves the row."""
    other, tap = OTHERS[args.program], Tap()
    if not other.installed():
        return skip(args.build, name, f'{args.program} is not installed')
    wanted = [(direction, column) for direction in DIRECTIONS for column in columns
              if not args.cases or {column, direction, f'{direction}/{column}'} & set(args.cases)]
    row = {f'{direction}/{column}': reason(other, direction, column) for direction, column in wanted}
    cases = [(f'{direction}/{column}', case, (other, direction, column))
             for direction, column in wanted if not row[f'{direction}/{column}']]
    # Transmission looks only every ten seconds whom it wants something from.
    for part in [cases] if args.program == 'transmission' else [[one] for one in cases]:
        row.update(tap.together(part))
    return tap.leave(args.build, name, row)


def tracker_row(us, args):
    if not shutil.which('opentracker'):
        return skip(args.build, args.program, 'opentracker is not installed')
    tap = Tap()
    row = {wire: tap.case(f'opentracker: {wire}', tracker_case, us, wire, args.host, args.build)
           for wire in ('http', 'udp') if not args.cases or wire in args.cases}
    return tap.leave(args.build, args.program, row)


def main():
    args = start([*OTHERS, 'opentracker'])
    us = Shoal(args.build) if args.us == 'shoal' else LibTorrent()
    if args.program == 'opentracker':
        return tracker_row(us, args)
    return both_ways(args, args.program, CASES,
                     lambda other, direction, case: why_not(other, direction, CASES[case][0], CASES[case][2], args.host),
                     lambda other, direction, case: swarm_case(us, other, direction, case, args.host, args.build))


if __name__ == '__main__':
    sys.exit(main())
