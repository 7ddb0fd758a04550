#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""One program and Shoal over uTP alone, in both directions: utp.py BUILD PROGRAM [CASE]... We neither dial nor listen with
TCP, and libtorrent and qbittorrent do not either. All bytes are compared."""

import json
import sys

from clients import Shoal
from ground import Scene
from interop import both_ways, exchange, start, unable

CASES = {'plain': 'off', 'encrypted': 'require'}
UTP_ALONE = {'enable_outgoing_utp': True, 'enable_incoming_utp': True, 'enable_outgoing_tcp': False, 'enable_incoming_tcp': False}
THEIRS = {
    'libtorrent': {
        'plain': ('--settings', json.dumps({**UTP_ALONE, 'in_enc_policy': 2, 'out_enc_policy': 2})),
        'encrypted': ('--settings', json.dumps({**UTP_ALONE, 'in_enc_policy': 0, 'out_enc_policy': 0})),
    },
    'transmission': {'plain': {'utp-enabled': True, 'encryption': 0}, 'encrypted': {'utp-enabled': True, 'encryption': 2}},
    'qbittorrent': {'plain': {'BTProtocol': 'UTP', 'Encryption': 2}, 'encrypted': {'BTProtocol': 'UTP', 'Encryption': 1}},
}


class ShoalOverUtp(Shoal):
    ALONE = ('--no-dht', '--no-lsd', '--no-pex', '--no-tcp', '--no-portmap')


def utp_case(us, other, direction, case, host, build):
    with Scene(host) as scene:
        exchange(scene, us, other, direction, build, more={us: (f'--encryption={CASES[case]}',), other: THEIRS[other.name][case]})


def main():
    args = start(THEIRS)
    us = ShoalOverUtp(args.build)
    return both_ways(args, f'utp-{args.program}', CASES,
                     lambda other, direction, _: unable(other, direction, args.host),
                     lambda other, direction, case: utp_case(us, other, direction, case, args.host, args.build))


if __name__ == '__main__':
    sys.exit(main())
