#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""One program and Shoal over uTP alone, in both directions: utp.py BUILD PROGRAM [CASE]... We neither dial nor listen with
TCP, and libtorrent does not either. All bytes are compared."""

import argparse
import json
import shutil
import sys
from pathlib import Path

from clients import OTHERS, Shoal
from ground import Failed, Scene, Tap, differences, end_on_sigterm, own_network, until
from interop import DIRECTIONS, SECONDS, finish_ours, make, open_tracker

CASES = {'plain': 'off', 'encrypted': 'require'}
UTP_ALONE = {'enable_outgoing_utp': True, 'enable_incoming_utp': True, 'enable_outgoing_tcp': False, 'enable_incoming_tcp': False}
THEIRS = {
    'libtorrent': {
        'plain': ('--settings', json.dumps({**UTP_ALONE, 'in_enc_policy': 2, 'out_enc_policy': 2})),
        'encrypted': ('--settings', json.dumps({**UTP_ALONE, 'in_enc_policy': 0, 'out_enc_policy': 0})),
    },
    'transmission': {'plain': {'utp-enabled': True, 'encryption': 0}, 'encrypted': {'utp-enabled': True, 'encryption': 2}},
}


class ShoalOverUtp(Shoal):
    ALONE = ('--no-dht', '--no-lsd', '--no-pex', '--no-tcp', '--no-portmap')


def utp_case(us, other, direction, case, host, build):
    more = {us: (f'--encryption={CASES[case]}',), other: THEIRS[other.name][case]}
    seeder, leecher = (other, us) if direction == 'seeds' else (us, other)
    with Scene(host) as scene:
        bare = make(us, us, scene, 'v1')
        tracker = open_tracker(scene, [bare], build)
        torrent = make(us, us, scene, 'v1', tracker.http)
        share = scene.folder / 'share'
        seed = seeder.seed(scene, torrent, share, more=more[seeder])
        until(lambda: tracker.seeds(torrent) > 0, SECONDS, 'the seed announced itself', [seed, tracker.program])
        got = scene.new_folder('got')
        program = leecher.download(scene, torrent.path, got, more=more[leecher])
        if leecher is us:
            finish_ours(us, program, share, got)
            return
        try:
            until(lambda: not differences(share, got, other.makes_empty), SECONDS, 'every byte is there')
        except Failed as problem:
            raise Failed(f'{problem}\n{program.tail()}\n{seed.tail()}') from None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('build')
    parser.add_argument('program', choices=THEIRS)
    parser.add_argument('cases', nargs='*', help='as in gets/plain; all of them if none is named')
    args = parser.parse_intermixed_args()
    end_on_sigterm()
    host = own_network() if shutil.which('opentracker') else '127.0.0.1'
    us, other, tap, row = ShoalOverUtp(args.build), OTHERS[args.program], Tap(), {}

    if not other.installed():
        print(f'1..0 # SKIP {args.program} is not installed')
        row = {'*': 'not installed'}
    else:
        for direction, words in DIRECTIONS.items():
            for case in CASES:
                if args.cases and f'{direction}/{case}' not in args.cases:
                    continue
                if other.name == 'transmission' and direction == 'gets' and host.startswith('127.'):
                    row[f'{direction}/{case}'] = 'refuses 127.0.0.1'
                else:
                    row[f'{direction}/{case}'] = tap.case(f'{other.name} {words} over uTP: {case}', utp_case, us, other, direction,
                                                          case, host, args.build)
        tap.plan()
    out = Path(args.build) / f'interop-utp-{args.program}.json'
    out.write_text(json.dumps({'program': args.program, 'table': 'utp', 'address': host, 'row': row}))
    return 1 if tap.failed else 0


if __name__ == '__main__':
    sys.exit(main())
