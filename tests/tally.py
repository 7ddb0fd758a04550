#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Adds up every test case of a run: reads Meson's testlog.json, prints the failures and one plain line."""

import json
import os
import re
import sys

CASE = re.compile(r'^\s*(not )?ok\b[^#\n]*(#\s*SKIP)?', re.IGNORECASE | re.MULTILINE)


def count(test):
    """The cases of one program as (passed, failed, skipped); a program without TAP is one case."""
    passed = failed = skipped = 0
    for match in CASE.finditer(test.get('stdout') or ''):
        if match.group(2):
            skipped += 1
        elif match.group(1):
            failed += 1
        else:
            passed += 1
    good = test['result'] in ('OK', 'EXPECTEDFAIL', 'SKIP')
    if not good and failed == 0:
        failed = 1
    if good and passed + skipped == 0:
        passed, skipped = (0, 1) if test['result'] == 'SKIP' else (1, 0)
    return passed, failed, skipped


def main():
    try:
        with open(sys.argv[1], encoding='utf-8') as log:
            tests = [json.loads(line) for line in log if line.strip()]
    except OSError as error:
        print(f'no test was run: {error}', file=sys.stderr)
        tests = []
    sums = [0, 0, 0]
    for test in tests:
        counts = count(test)
        sums = [a + b for a, b in zip(sums, counts)]
        if counts[1]:
            print(f"FAILED {test['name']} ({test['result']}, {counts[1]} of {sum(counts)} cases)")
    passed, failed, skipped = sums
    if not tests:
        failed = 1
    line = f'{passed} passed, {failed} failed' + (f', {skipped} skipped' if skipped else '')
    print(line if os.environ.get('SHOAL_TALLY') != 'no' else f'under the sanitizers: {line}')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
