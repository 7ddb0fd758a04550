#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What shoal-cli creates beside what libtorrent makes of the same files: create.py BUILD. The info-hashes are the same,
of version 1, 2 and hybrid, for every shape of a torrent; and libtorrent finds all of the data by ours."""

import argparse
import sys
import tempfile
from pathlib import Path

from clients import LibTorrent, Shoal, libtorrent_create
from ground import Failed, Tap, Torrent, end_on_sigterm, skip, until, write_payload

PIECE = 65_536
SHAPES = {
    'a single file': (('', 1_234_567),),
    'odd sizes': (('a', 1_000_003), ('b', 65_535), ('c', 65_537), ('d', 131_073), ('e', 1)),
    'empty files': (('a', 0), ('b', 70_001), ('c', 0), ('d', 65_536), ('e', 0)),
    'nested folders': (('x/y/z/a', 300_001), ('x/y/b', 16_385), ('x/c', 16_384), ('d/e/f', 99_999), ('g', 5)),
    'exactly one piece': (('', PIECE),),
    'pieces to the byte': (('a', PIECE), ('b', 3 * PIECE)),
}
KINDS = ('v1', 'v2', 'hybrid')


def create_case(us, shape, kind, root):
    share = root / shape.replace(' ', '-')
    if not share.exists():
        if SHAPES[shape][0][0] == '':
            write_payload(root, ((share.name, SHAPES[shape][0][1]),))
        else:
            write_payload(share, SHAPES[shape])
    ours, theirs = root / f'{share.name}-{kind}.torrent', root / f'{share.name}-{kind}-other.torrent'
    us.create(share, ours, kind, piece_size='64KiB')
    libtorrent_create(share, theirs, kind, piece_size=PIECE)
    a, b = Torrent(ours), Torrent(theirs)
    if kind != 'v1' and a.meta.get(b'piece layers', {}) != b.meta.get(b'piece layers', {}):
        raise Failed('other piece layers')
    # Version 1 leaves the order of files to whoever makes it; libtorrent's reading of ours decides there.
    if (a.v2 is not None and a.v2 != b.v2) or (kind == 'hybrid' and a.v1 != b.v1):
        raise Failed(f'{a.v1 and a.v1.hex()} {a.v2 and a.v2.hex()} instead of {b.v1 and b.v1.hex()} {b.v2 and b.v2.hex()}')
    read_back(a, share.parent)


def read_back(torrent, folder):
    """libtorrent, given our .torrent, knows it by the same hashes and finds every piece."""
    import libtorrent as lt   # pylint: disable=import-outside-toplevel
    info = lt.torrent_info(str(torrent.path))
    hashes = info.info_hashes()
    told = (hashes.v1.to_bytes() if hashes.has_v1() else None, hashes.v2.to_bytes() if hashes.has_v2() else None)
    if told != (torrent.v1, torrent.v2):
        raise Failed('libtorrent knows it by other hashes')
    session = lt.session({'listen_interfaces': '127.0.0.1:0', 'enable_dht': False, 'enable_lsd': False, 'enable_upnp': False,
                          'enable_natpmp': False})
    params = lt.add_torrent_params()
    params.ti, params.save_path = info, str(folder)
    params.flags &= ~(lt.torrent_flags.auto_managed | lt.torrent_flags.paused)
    handle = session.add_torrent(params)
    until(lambda: handle.status().is_seeding or handle.status().errc.value(), 20, 'libtorrent has checked the data')
    status = handle.status()
    if status.errc.value():
        raise Failed(status.errc.message())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('build')
    args = parser.parse_args()
    end_on_sigterm()
    if not LibTorrent().installed():
        return skip(args.build, 'create', 'libtorrent is not installed')
    us, tap, row = Shoal(args.build), Tap(), {}
    with tempfile.TemporaryDirectory(prefix='shoal-create-') as root:
        for shape in SHAPES:
            for kind in KINDS:
                row[f'{shape}/{kind}'] = tap.case(f'{shape}, {kind}', create_case, us, shape, kind, Path(root))
    return tap.leave(args.build, 'create', row)


if __name__ == '__main__':
    sys.exit(main())
