#!/usr/bin/env python3
"""How the processor time of portreuse grows with what it has to look at: measures it as root, and draws it
with both axes logarithmic. A point is the median of three runs after one to warm up, or the first run,
if that takes more than two seconds.

usage: growth.py BUILD TSV SVG        measures into TSV, and draws SVG; BUILD has portreuse, crowd and host
       growth.py --draw TSV SVG       draws what was measured before"""
import json
import math
import os
import re
import subprocess
import sys
import tempfile
from xml.sax.saxutils import escape

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SHARED = os.path.join(TOP, 'src', 'report', 'shared')

# --- what is measured ---


def steps(n):
    return ['case c'] + ['  a socket s', '  a close s'] * (n // 2)


def cases(n):
    return [line for i in range(n) for line in (f'case c{i}', '  a socket s', '  a bind s 127.0.0.1:1215')]


def roles(n):
    return ['case c'] + [f'  r{i} socket s' for i in range(n)]


def hosts(n):
    return ([f'host h{i} 10.0.0.{i + 1}/24' for i in range(n)] + ['case c'] +
            [line for i in range(n) for line in (f'  r{i} on h{i}', f'  r{i} socket s')])


def evidence(n):
    """A bind() that fails because of so many connections. A role opens as many as it may have descriptors;
    each has a destination of its own, as connect() is slow when half of the range is taken."""
    each = 15000
    return ['case c', '  sysctl net.ipv4.ip_local_port_range "2000 65000"', '  sysctl net.core.somaxconn 200000',
            '  server socket l', '  server bind l *:1215', '  server listen l 200000',
            *(line for i in range(-(-n // each)) for line in (
                f'  c{i} repeat {min(each, n - i * each)}', '    socket k', f'    connect k 127.0.1.{i + 1}:1215', '  end')),
            '  again socket l', '  again bind l *:1215 -> EADDRINUSE']


SCENARIOS = [('steps of a case', steps, [10, 40, 100, 400, 1000, 4000]),
             ('cases', cases, [1, 4, 16, 64, 250, 1000]),
             ('roles of a case', roles, [1, 2, 4, 8, 16, 32, 64]),
             ('hosts of a case', hosts, [1, 2, 4, 6, 8]),
             ('connections on the port', evidence, [10, 100, 1000, 10000, 100000])]
QUESTIONS = {'why': ['why', '127.0.0.1:2001'], 'budget': ['budget', '--interval', '0'], 'audit': ['audit'],
             'trace': ['trace', 'true'], 'why --all-netns': ['why', '--all-netns', ':2001']}
ONE = ['why', 'budget', 'audit', 'trace']
# The numbers of host(1), processes, descriptors and namespaces, and of crowd(1), which runs in it: connections.
HOSTS = [('sockets of the host', lambda n: (0, 8, 0, n // 2), ONE, [10, 100, 1000, 10000, 50000, 200000]),
         ('processes of the host', lambda n: (n, 8, 0, 2), ONE, [10, 50, 200, 1000, 5000]),
         ('descriptors of two processes', lambda n: (4, n, 0, 2), ONE, [10, 100, 1000, 6000, 18000]),
         ('network namespaces', lambda n: (4, 8, n, 2), [*ONE, 'why --all-netns'], [1, 10, 100, 500, 2000])]

# Runs each command several times, where crowd and host have made the rest.
TIMER = '''
import json, resource, statistics, subprocess, sys
def spent():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
for command in json.loads(sys.argv[1]):
    times = []
    while len(times) < 4 and (not times or times[0] < 2):
        before = spent()
        done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        times.append(spent() - before)
        if done.returncode > 1:
            sys.exit(done.stderr.decode())
    print("seconds", statistics.median(times[1:] or times))
'''


def timed(commands, within=()):
    """The seconds of processor time that each command uses, with the processes that it starts."""
    done = subprocess.run([*within, sys.executable, '-c', TIMER, json.dumps(commands)], capture_output=True, text=True,
                          check=False)
    found = re.findall(r'^seconds (.*)$', done.stdout, re.M)
    if len(found) != len(commands):
        sys.exit(f'{commands}: {done.stdout}{done.stderr}')
    return found


def measure(build, out):
    def note(panel, curves, size, commands, within=()):
        for curve, seconds in zip(curves, timed(commands, within)):
            print(panel, curve, size, seconds, sep='\t', file=out, flush=True)

    run = [f'{build}/portreuse', 'run', '-q', '--must-run', '--limit', 'sockets=1000000', '--limit',
           'memory=4000000000']
    for panel, text, sizes in SCENARIOS:
        for size in sizes:
            with tempfile.NamedTemporaryFile('w', suffix='.scenario') as file:
                file.write('title t\n' + '\n'.join(text(size)) + '\n')
                file.flush()
                note(panel, ['run'], size, [[*run, file.name]])
    for panel, numbers, curves, sizes in HOSTS:
        for size in sizes:
            *host, connections = map(str, numbers(size))
            note(panel, curves, size, [[f'{build}/portreuse', *QUESTIONS[curve]] for curve in curves],
                 [f'{build}/host', *host, f'{build}/crowd', connections, '0'])


# --- drawing ---

WIDTH, HEIGHT, LEFT, TOP_SPACE, RIGHT, BELOW, COLUMNS = 250, 190, 66, 60, 120, 46, 3
DASHES = {'budget': '7 3', 'audit': '2 3', 'trace': '9 3 2 3', 'why --all-netns': '14 4'}


def read(path):
    with open(path, encoding='utf-8') as file:
        return file.read()


def style():
    """The style sheet of a picture that stands alone, as styles.cmake makes it."""
    light = dark = read(os.path.join(SHARED, 'picture.css'))
    for name, day, night in re.findall(r'^([a-z]+) +(#\w+) +(#\w+)$', read(os.path.join(SHARED, 'palette.txt')), re.M):
        light, dark = light.replace(f'var(--{name})', day), dark.replace(f'var(--{name})', night)
    return f'{light}@media(prefers-color-scheme:dark){{\n{dark}}}\n'


def number(n):
    return f'{n:,.0f}' if n >= 1 else f'{n:g}'


def duration(seconds):
    return f'{number(seconds)} s' if seconds >= 1 else f'{number(seconds * 1000)} ms'


def text(x, y, classes, words, anchor='start'):
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{classes}" text-anchor="{anchor}">{escape(words)}</text>'


def path(classes, points, dashes=''):
    dashes = f' stroke-dasharray="{dashes}"' if dashes else ''
    return f'<path class="{classes}"{dashes} d="M' + 'L'.join(f'{x:.1f} {y:.1f}' for x, y in points) + '"/>'


def apart(ys, least=14):
    """The heights of labels, moved so far that none covers another."""
    moved = []
    for y in ys:
        moved.append(max(y, moved[-1] + least) if moved else y)
    return moved


def draw_panel(panel, curves, left, top):
    sizes = [size for points in curves.values() for size, _ in points]
    times = [time for points in curves.values() for _, time in points]
    low, high = math.log10(min(sizes)), math.log10(max(sizes))
    bottom, ceiling = math.floor(math.log10(min(times))), math.ceil(math.log10(max(times)))

    def at(size, time):
        return (left + (math.log10(size) - low) / (high - low) * WIDTH,
                top + HEIGHT - (math.log10(time) - bottom) / (ceiling - bottom) * HEIGHT)

    out = [text(left, top - 14, 'name', panel[0].upper() + panel[1:])]
    for power in range(bottom, ceiling + 1):
        y = at(min(sizes), 10.0 ** power)[1]
        out += [path('lane', [(left, y), (left + WIDTH, y)]), text(left - 6, y + 4, 'soft', duration(10.0 ** power), 'end')]
    marks = sorted({min(sizes), max(sizes)} | {10 ** p for p in range(math.ceil(low), math.floor(high) + 1)})
    marks = [m for m in marks if m in (min(sizes), max(sizes)) or m * 4 < max(sizes)]
    for mark in marks:
        x = at(mark, times[0])[0]
        out += [path('lane', [(x, top), (x, top + HEIGHT)]), text(x, top + HEIGHT + 18, 'soft', number(mark), 'middle')]
    # The line of slope 1 ends where the highest curve does, or where it leaves the panel.
    steep = max(time for points in curves.values() for size, time in points if size == max(sizes))
    start = max(min(sizes), max(sizes) * 10.0 ** bottom / steep)
    out.append(path('arrow', [at(start, steep * start / max(sizes)), at(max(sizes), steep)], '1 4'))
    ends = sorted((at(*points[-1])[1], curve) for curve, points in curves.items())
    for curve, points in curves.items():
        out.append(path('plot', [at(*point) for point in points], DASHES.get(curve, '')))
        out += [f'<circle class="yes" cx="{x:.1f}" cy="{y:.1f}" r="3"/>' for x, y in (at(*point) for point in points)]
    for y, (_, curve) in zip(apart([y for y, _ in ends]), ends):
        out.append(text(left + WIDTH + 10, y + 4, '', curve))
    return out


def draw(rows):
    panels = {}
    for panel, curve, size, seconds in rows:
        panels.setdefault(panel, {}).setdefault(curve, []).append((float(size), float(seconds)))
    columns, lines = COLUMNS, -(-len(panels) // COLUMNS)
    across, down = LEFT + WIDTH + RIGHT, TOP_SPACE + HEIGHT + BELOW
    width, height = columns * across + 20, lines * down + 110
    out = [text(36, 58, 'title', 'How the processor time grows'),
           text(36, 90, 'prose soft', 'Both axes are logarithmic. The dotted lines have slope 1: twice as much takes twice as long.')]
    for i, (panel, curves) in enumerate(panels.items()):
        out += draw_panel(panel, curves, i % columns * across + LEFT + 10, i // columns * down + TOP_SPACE + 90)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
            f'viewBox="0 0 {width} {height}">\n<title>How the processor time grows</title>\n<style>\n{style()}</style>\n'
            f'<rect class="ground" width="{width}" height="{height}"/>\n' + '\n'.join(out) + '\n</svg>\n')


def main():
    if len(sys.argv) != 4:
        print(__doc__, file=sys.stderr)
        return 2
    source, tsv, svg = sys.argv[1:]
    if source != '--draw':
        with open(tsv, 'w', encoding='utf-8') as out:
            measure(os.path.abspath(source), out)
    else:
        tsv, svg = sys.argv[2:]
    picture = draw([line.split('\t') for line in read(tsv).splitlines()])
    with open(svg, 'w', encoding='utf-8') as file:
        file.write(picture)
    return 0


if __name__ == '__main__':
    sys.exit(main())
