#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What neither compiler nor linker sees of the rules of this tree. Prints TAP, a case per rule."""

import re
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
MAX_LINES = 800
MAX_COLUMNS = 100
PURE = ('base', 'wire', 'engine')

# Calls that would let the world into the pure layers; a field of the same name is no call.
WORLD = re.compile(
    r'(?<![\w.>])('
    r'g_get_monotonic_time|g_get_real_time|g_date_time_new_now\w*|clock_gettime|gettimeofday|time|clock|'
    r'g_random_\w+|g_rand_\w+|rand|srand|random|srandom|drand48|lrand48|getrandom|getentropy|RAND_bytes|g_uuid_string_random|'
    r'open|openat|fopen|creat|read|pread|readv|write|pwrite|writev|stat|unlink|g_open|g_fopen|g_stat|g_mkdir\w*|g_unlink|g_file_\w+|g_dir_open|'
    r'socket|connect|bind|accept|sendto|recvfrom|sendmsg|recvmsg|'
    r'g_timeout_\w+|g_idle_\w+|g_main_\w+|g_thread_\w+|pthread_create|g_mutex_\w+|'
    r'sleep|usleep|nanosleep|g_usleep|getenv|g_getenv'
    r')\s*\(')
SLEEP = re.compile(r'(?<![\w.>])(sleep|usleep|nanosleep|g_usleep)\s*\(|\btime\.sleep\b|^\s*sleep\s+[\d.$]', re.MULTILINE)
# In tests strings that long are data, messages and keys, and stay whole.
STRING = re.compile(r'"(?:\\.|[^"\\])*"')
DATA_SIZE = 40
LATER = re.compile(r'\b(TODO|FIXME|XXX|HACK)\b')
GOTO = re.compile(r'^\s+goto\s+\w+;', re.MULTILINE)
INCLUDE = re.compile(r'^\s*#\s*include\s*["<]([^">]+)[">]', re.MULTILINE)
STATIC = re.compile(r'^(\s*)static\s+(?!inline\b|void\b.*\()([^;={(]*?)(\w+)\s*((?:\[[^\]]*\]\s*)*)(=|;)', re.MULTILINE)
TRANSLATED = re.compile(r'(?<!\w)(?:N?C?_|ngettext|g_dngettext|g_dpgettext2)\s*\(\s*"|translatable="(?:yes|true)"')
BOILERPLATE = re.compile(r'^(properties|signals|props|\w+_properties|\w+_signals|\w+_source_funcs)$')
# Who sees inside another module of its layer; each line is a decision.
FRIENDS = {
    'engine': ('swarm', 'link'),
    'swarm': ('engine', 'link'),
    'link': ('engine', 'swarm'),
    'peer': ('session',),
    'preferences': ('session',),
    'torrent': ('session', 'torrent-list'),
    'torrent-list': ('session',),
    'tracker': ('session',),
}
NO_SPDX = ('COPYING', 'po/LINGUAS', 'tests/fuzz/corpus/', 'tests/fuzz/dict/', 'tests/data/', '.gitignore')
NO_SPDX_ENDINGS = ('.png', '.torrent', '.json', '.po', '.pot', '.svg', '.bin', '.hex')

_text = {}


def tracked():
    """Every file of the tree, those not yet committed included; what is ignored is not of the tree."""
    listing = subprocess.run(['git', 'ls-files', '-co', '--exclude-standard'], cwd=TOP, capture_output=True, text=True, check=False)
    if listing.returncode == 0:
        names = listing.stdout.splitlines()
    else:
        names = [str(p.relative_to(TOP)) for p in TOP.rglob('*') if p.is_file() and not str(p.relative_to(TOP)).startswith(('.git/', 'build'))]
    return sorted(name for name in set(names) if (TOP / name).is_file())


def text(name):
    if name not in _text:
        _text[name] = (TOP / name).read_text(encoding='utf-8', errors='replace')
    return _text[name]


def code(name):
    """The text with comments and strings blanked, lines kept."""
    def blank(match):
        return re.sub(r'[^\n]', ' ', match.group(0))
    return re.sub(r'/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', blank, text(name), flags=re.DOTALL)


def line_of(body, position):
    return body.count('\n', 0, position) + 1


def found(pattern, name, body):
    return [f'{name}:{line_of(body, m.start() + len(m.group(0)) - len(m.group(0).lstrip()))}: {m.group(0).strip()}'
            for m in pattern.finditer(body)]


def layer_of(name):
    parts = name.split('/')
    return parts[1] if len(parts) > 2 and parts[0] == 'src' else None


def rule_spdx(files):
    return [f'{name}: no SPDX line at its top' for name in files
            if not name.startswith(NO_SPDX) and not name.endswith(NO_SPDX_ENDINGS)
            and 'SPDX-License-Identifier: GPL-3.0-or-later' not in '\n'.join(text(name).splitlines()[:3])]


def rule_pure(files):
    return [hit for name in files if layer_of(name) in PURE and name.endswith(('.c', '.h'))
            for hit in found(WORLD, name, code(name))]


def rule_statics(files):
    bad = []
    for name in files:
        if not name.startswith('src/') or not name.endswith(('.c', '.h')) or name.endswith('/main.c'):
            continue
        body = code(name)
        for match in STATIC.finditer(body):
            if 'const' in match.group(2).split() or 'const' in re.split(r'\W+', match.group(2)):
                continue
            if not BOILERPLATE.match(match.group(3)):
                bad.append(f'{name}:{line_of(body, match.start(2))}: {match.group(3)} is static and can change')
    return bad


def rule_private(files):
    bad = []
    for name in files:
        if not name.endswith(('.c', '.h')):
            continue
        stem = re.sub(r'^(test-|fuzz-|shoal-)', '', Path(name).stem)
        for header in INCLUDE.findall(text(name)):
            match = re.fullmatch(r'shoal-(.+)-private\.h', Path(header).name)
            if not match:
                continue
            own = match.group(1)
            if not any(stem == home or stem.startswith(home + '-') for home in (own, *FRIENDS.get(own, ()))):
                bad.append(f'{name}: includes {header}, which belongs to shoal-{own}*.c')
    return bad


def rule_tested(files):
    tests = {}
    for name in files:
        parts = name.split('/')
        if len(parts) == 3 and parts[0] == 'tests' and parts[2].startswith('test-') and name.endswith('.c'):
            tests.setdefault(parts[1], set()).add(parts[2][len('test-'):-len('.c')])
    bad = []
    for name in files:
        layer = layer_of(name)
        if not layer or not name.endswith('.c') or name.endswith('/main.c'):
            continue
        stem = re.sub(r'^shoal-', '', Path(name).stem)
        words = stem.split('-')
        heads = {'-'.join(words[:n]) for n in range(1, len(words) + 1)}
        have = tests.get(layer, set())
        if not heads & have and not any(test.startswith(stem + '-') for test in have):
            bad.append(f'{name}: no tests/{layer}/test-{stem}.c')
    return bad


def rule_sleep(files):
    return [hit for name in files if name.startswith('tests/') and name.endswith(('.c', '.py', '.sh')) and name != 'tests/style/check-tree.py'
            for hit in found(SLEEP, name, code(name) if name.endswith('.c') else text(name))]


def rule_later(files):
    return [hit for name in files if name.endswith(('.c', '.h', '.ui', '.py', '.sh', '.build', '.xml', '.css')) or name in ('dev', '.ci/run')
            if name != 'tests/style/check-tree.py' for hit in found(LATER, name, text(name))]


def rule_goto(files):
    return [hit for name in files if name.endswith('.c') for hit in found(GOTO, name, code(name))]


def rule_size(files):
    return [f'{name}: {len(text(name).splitlines())} lines, two ideas in one room' for name in files
            if name.startswith('src/') and name.endswith(('.c', '.h')) and len(text(name).splitlines()) > MAX_LINES]


def is_data(name, line):
    return name.startswith('tests/') and sum(map(len, STRING.findall(line))) >= DATA_SIZE


def rule_columns(files):
    return [f'{name}:{number}: {len(line)} columns' for name in files
            if name.startswith(('src/', 'tests/')) and name.endswith(('.c', '.h'))
            for number, line in enumerate(text(name).split('\n'), 1)
            if len(line) > MAX_COLUMNS and not is_data(name, line)]


def rule_templates(files):
    return [f'{name}: no src/ui/{Path(name).stem}.c' for name in files
            if re.fullmatch(r'resources/ui/shoal-[^/]*\.ui', name) and f'src/ui/{Path(name).stem}.c' not in files]


def rule_potfiles(files):
    listed = set()
    if 'po/POTFILES.in' in files:
        listed = {line.strip() for line in text('po/POTFILES.in').splitlines() if line.strip() and not line.startswith('#')}
    bad = [f'po/POTFILES.in: {name} does not exist' for name in sorted(listed) if name not in files]
    for name in files:
        spoken = name.endswith(('.desktop.in.in', '.metainfo.xml.in.in')) or (
            name.startswith(('src/', 'resources/')) and name.endswith(('.c', '.ui')) and TRANSLATED.search(text(name)))
        if spoken and name not in listed:
            bad.append(f'po/POTFILES.in: lacks {name}')
    return bad


RULES = (
    ('every file carries its licence', rule_spdx),
    ('no clock, chance, file, socket or thread below io', rule_pure),
    ('no variable outlives its owner', rule_statics),
    ('private headers stay private', rule_private),
    ('every source file has a test', rule_tested),
    ('no test sleeps', rule_sleep),
    ('nothing is left for later', rule_later),
    ('no goto', rule_goto),
    ('no file is too long', rule_size),
    ('no line is too long', rule_columns),
    ('every template has its class', rule_templates),
    ('every translated file is in POTFILES.in', rule_potfiles),
)


def main():
    files = tracked()
    failed = False
    print(f'1..{len(RULES)}')
    for number, (title, rule) in enumerate(RULES, 1):
        bad = rule(files)
        failed = failed or bool(bad)
        print(f"{'not ok' if bad else 'ok'} {number} {title}")
        for line in bad:
            print(f'# {line}')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
