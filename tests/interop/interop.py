#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""One program against Shoal, in both directions: interop.py BUILD PROGRAM [CASE]... Prints TAP, a case per column of
the table, and leaves the row in BUILD/interop-PROGRAM.json for table.py."""

import argparse
import json
import shutil
import sys
from pathlib import Path

from clients import OTHERS, LibTorrent, Shoal, libtorrent_create
from ground import (DemoTracker, Failed, OpenTracker, Scene, Tap, Torrent, differences, end_on_sigterm, own_network,
                    until, write_payload)

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
DIRECTIONS = {'seeds': 'seeds to Shoal', 'gets': 'downloads from Shoal'}
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
    if hasattr(us, 'cli'):
        status = program.wait(SECONDS)
        if status != 0:
            raise Failed(f'{program.name} ended with status {status}\n{program.tail()}')
        wrong = differences(wanted, got)
        if wrong:
            raise Failed('; '.join(wrong))
    else:
        until(lambda: not differences(wanted, got), SECONDS, 'the download is complete', [program])


def swarm_case(us, other, direction, case, host, build):
    kind, source, wire = CASES[case]
    seeder, leecher = (other, us) if direction == 'seeds' else (us, other)
    with Scene(host) as scene:
        bare = make(us, seeder, scene, kind)      # the info-hash does not depend on the tracker, the whitelist needs it first
        tracker = open_tracker(scene, [bare], build)
        url = tracker.http if wire == 'http' else tracker.udp
        torrent = make(us, seeder, scene, kind, url)
        if torrent.keys != bare.keys:
            raise Failed('the same files made two info-hashes')

        seed_data = scene.folder / 'share'
        if direction == 'seeds' and torrent.pads:
            seed_data = scene.folder / 'padded'
            shutil.copytree(scene.folder / 'share', seed_data)
        seed = seeder.seed(scene, torrent, seed_data)
        until(lambda: tracker.seeds(torrent) > 0, SECONDS, 'the seed announced itself', [seed, tracker.program])

        got = scene.new_folder('got')
        program = leecher.download(scene, torrent.magnet(url, leecher.both_topics) if source == 'magnet' else torrent.path, got)
        if leecher is us:
            finish_ours(us, program, scene.folder / 'share', got)
        else:
            wanted = scene.folder / 'share'
            try:
                until(lambda: not differences(wanted, got, other.makes_empty), SECONDS, 'every byte is there')
            except Failed as problem:
                raise Failed(f'{problem}: {"; ".join(differences(wanted, got))}\n{program.tail()}\n{seed.tail()}') from None


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


def why_not(other, direction, kind, wire, host):
    if wire == 'udp' and not shutil.which('opentracker'):
        return 'no UDP tracker here'
    if other.name == 'transmission' and direction == 'gets' and host.startswith('127.'):
        return 'refuses 127.0.0.1'
    return other.cannot.get(kind) or other.cannot.get(wire)


def tracker_row(us, tap, args, host):
    row = {}
    for wire in ('http', 'udp'):
        name = f'opentracker: {wire}'
        if not args.cases or wire in args.cases:
            row[f'{wire}'] = tap.case(name, tracker_case, us, wire, host, args.build)
    return row


def client_row(us, other, tap, args, host):
    row = {}
    for direction, words in DIRECTIONS.items():
        for case, (kind, _, wire) in CASES.items():
            if args.cases and case not in args.cases and direction not in args.cases:
                continue
            reason = why_not(other, direction, kind, wire, host)
            row[f'{direction}/{case}'] = reason or tap.case(
                f'{other.name} {words}: {case}', swarm_case, us, other, direction, case, host, args.build)
    return row


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('build')
    parser.add_argument('program', choices=[*OTHERS, 'opentracker'])
    parser.add_argument('cases', nargs='*', help='columns, or seeds, or gets')
    parser.add_argument('--us', default='shoal', help='for checking the suite itself: libtorrent in the place of Shoal')
    args = parser.parse_intermixed_args()
    end_on_sigterm()
    host = own_network() if shutil.which('opentracker') else '127.0.0.1'     # the other tracker listens there alone
    us = Shoal(args.build) if args.us == 'shoal' else LibTorrent()
    out = Path(args.build) / f'interop-{args.program}.json'
    tap = Tap()

    other = OTHERS.get(args.program)
    if not (other.installed() if other else shutil.which('opentracker')):
        print(f'1..0 # SKIP {args.program} is not installed')
        row = {'*': 'not installed'}
    else:
        row = client_row(us, other, tap, args, host) if other else tracker_row(us, tap, args, host)
        tap.plan()
    out.write_text(json.dumps({'program': args.program, 'address': host, 'row': row}))
    return 1 if tap.failed else 0


if __name__ == '__main__':
    sys.exit(main())
