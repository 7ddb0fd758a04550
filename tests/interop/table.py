#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prints the rows that the interop tests of a run left in BUILD/interop-NAME.json as tables: table.py BUILD. Nothing ran: nothing
is printed. table.py --check NAME...: whether the tables have a place for each of these tests, and for no other."""

import json
import sys
from pathlib import Path

WORDS = {'seeds': 'seeds to Shoal', 'gets': 'gets from Shoal'}
TABLES = {
    'over TCP': ('libtorrent', 'transmission', 'aria2', 'rtorrent', 'qbittorrent'),
    'encryption': ('encryption-libtorrent', 'encryption-transmission', 'encryption-aria2', 'encryption-rtorrent',
                   'encryption-qbittorrent'),
    'over uTP': ('utp-libtorrent', 'utp-transmission', 'utp-qbittorrent'),
    'tracker': ('opentracker',),
    'IPv6 tracker': ('ipv6',),
    'web seeds': ('nginx',),
    'odd web seeds': ('webseeds',),
    'port mapping': ('miniupnpd',),
    'kill -9': ('kill',),
    'bound': ('binding',),
    'through a proxy': ('proxy',),
    'peers of peers': ('gossip',),
    'DHT': ('dht',),
    'through NATs': ('holepunch',),
    'created': ('create',),
    'large pieces': ('hashes',),
    'manners': ('manners',),
}


def check(names):
    """What has no place, and what has one and is no test, in words."""
    known = [name for rows in TABLES.values() for name in rows]
    return [*(f'no table has a place for interop-{name}' for name in names if name not in known),
            *(f'there is no test interop-{name}' for name in known if name not in names),
            *(f'{name} has two places' for name in set(known) if known.count(name) > 1)]


def lines_of(name, entry):
    """(label, {column: result}) of a test: a line for each direction, the first one with the time that all took."""
    lines = {}
    for key, result in entry['row'].items():
        direction, _, column = key.rpartition('/')
        lines.setdefault(direction, {})[column] = result
    if lines and entry.get('seconds'):
        next(iter(lines.values()))['took'] = f"{entry['seconds']:.0f} s"
    return [(f"{name.rpartition('-')[2]} {WORDS.get(direction, direction)}".strip(), cells) for direction, cells in lines.items()]


def print_table(title, rows):
    columns = list(dict.fromkeys(column for _, cells in rows for column in cells if column != 'took')) + ['took']
    widths = [max(len(column), *(len(cells.get(column, '')) for _, cells in rows)) for column in columns]
    first = max(len(title), *(len(label) for label, _ in rows))
    print()
    for label, cells in [(title, {column: column for column in columns}), *rows]:
        print('  '.join([label.ljust(first), *(cells.get(column, '').ljust(width) for column, width in zip(columns, widths))]).rstrip())


def main():
    if sys.argv[1] == '--check':
        wrong = check(sys.argv[2:])
        print('\n'.join(wrong), end='\n' if wrong else '')
        return 1 if wrong else 0
    entries = {path.stem.removeprefix('interop-'): json.loads(path.read_text()) for path in Path(sys.argv[1]).glob('interop-*.json')}
    for title, names in TABLES.items():
        rows = [line for name in names if name in entries for line in lines_of(name, entries[name])]
        if rows:
            print_table(title, rows)
    if entries:
        print()
    return 0


if __name__ == '__main__':
    sys.exit(main())
