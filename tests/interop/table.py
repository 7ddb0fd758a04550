#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prints the rows that the interop tests of a run left in the build folder as one table. Nothing ran: nothing is printed."""

import json
import sys
from pathlib import Path

WORDS = {'seeds': 'seeds to Shoal', 'gets': 'gets from Shoal'}
ORDER = ('libtorrent', 'transmission', 'aria2', 'rtorrent', 'opentracker', 'nginx', 'webseeds', 'miniupnpd', 'kill', 'binding', 'proxy', 'gossip', 'dht', 'holepunch')
ALONE = ('opentracker', 'nginx', 'webseeds', 'miniupnpd', 'kill', 'binding', 'proxy', 'gossip', 'dht', 'holepunch')     # a table of its own for each


def lines_of(entry):
    """(label, {column: result}) of a program: a line for each direction."""
    lines = {}
    for key, result in entry['row'].items():
        direction, _, column = key.rpartition('/')
        lines.setdefault(direction, {})[column] = result
    return [(f"{entry['program']} {WORDS.get(direction, direction)}".strip(), cells) for direction, cells in lines.items()]


def main():
    entries = [json.loads(path.read_text()) for path in Path(sys.argv[1]).glob('interop-*.json')]
    entries.sort(key=lambda entry: ORDER.index(entry['program']))
    for group in (lambda e: e['program'] not in ALONE and 'table' not in e, lambda e: e.get('table') == 'encryption',
                  lambda e: e.get('table') == 'utp',
                  *(lambda e, name=name: e['program'] == name for name in ALONE)):
        rows = [line for entry in entries if group(entry) for line in lines_of(entry)]
        if not rows:
            continue
        columns = list(dict.fromkeys(column for _, cells in rows for column in cells))
        widths = [max(len(column), *(len(cells.get(column, '')) for _, cells in rows)) for column in columns]
        first = max(len(label) for label, _ in rows)
        print()
        print('  '.join([' ' * first, *(column.ljust(width) for column, width in zip(columns, widths))]).rstrip())
        for label, cells in rows:
            print('  '.join([label.ljust(first), *(cells.get(column, '').ljust(width) for column, width in zip(columns, widths))]).rstrip())
    if entries:
        print()


if __name__ == '__main__':
    main()
