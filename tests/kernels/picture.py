#!/usr/bin/env python3
"""Draws the table `Scenario by kernel` of docs/kernels.md as a picture to hang up.

usage: picture.py [--check] [MARKDOWN [SVG]]   (default: docs/kernels.md docs/kernels.svg)

The colours and fonts are those of the pages that portreuse writes. With --check it writes nothing; exit
status 1 if the picture is not that of the table."""
import os
import re
import sys
from xml.sax.saxutils import escape

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SHARED = os.path.join(TOP, 'src', 'report', 'shared')
CELL, LINE, MARGIN, NAME = 16, 20, 36, 284
LEGEND = [('yes', 'every case passes'), ('part', 'some cases pass, the others cannot run there'),
          ('no', 'no case can run there'), ('wrong', 'a case answers differently')]


def read(path):
    with open(path, encoding='utf-8') as file:
        return file.read()


def style():
    """The style sheet of a picture that stands alone, as styles.cmake makes it."""
    light = dark = read(os.path.join(SHARED, 'picture.css'))
    for name, day, night in re.findall(r'^([a-z]+) +(#\w+) +(#\w+)$',
                                       read(os.path.join(SHARED, 'palette.txt')), re.M):
        light, dark = light.replace(f'var(--{name})', day), dark.replace(f'var(--{name})', night)
    return f'{light}@media(prefers-color-scheme:dark){{\n{dark}}}\n'


def table(text):
    """The labels of the kernels, and a row of cells for each scenario."""
    part = text.split('## Scenario by kernel', 1)[1].split('\n## ', 1)[0]
    rows = [[x.strip() for x in line.strip().strip('|').split('|')]
            for line in part.splitlines() if line.startswith('|')]
    return rows[0][1:], rows[2:]


def kind(cell):
    if cell in ('-', '?'):
        return 'no'
    return 'wrong' if 'differ' in cell else 'part' if ' of ' in cell else 'yes'


def square(what, x, y):
    side = CELL - 2
    box = f'M{x} {y}h{side}v{side}h-{side}z'
    if what == 'part':
        return f'<path class="no" d="{box}"/><path class="part" d="M{x} {y}v{side}h{side}z"/>'
    cross = f'<path class="cross" d="M{x + 4} {y + 4}l6 6m0 -6l-6 6"/>' if what == 'wrong' else ''
    return f'<path class="{what}" d="{box}"/>{cross}'


def text(x, y, classes, words, more=''):
    return f'<text x="{x}" y="{y}" class="{classes}"{more}>{escape(words)}</text>'


def draw(markdown):
    labels, rows = table(markdown)
    columns = 3 if len(rows) > 30 else 1
    per = -(-len(rows) // columns)
    width = NAME + len(labels) * LINE + MARGIN
    top = 250
    out = [text(MARGIN, 58, 'title', 'What each kernel answers'),
           text(MARGIN, 90, 'prose soft', f'{len(rows)} scenarios of portreuse on {len(labels)} kernels')]
    for i, (what, words) in enumerate(LEGEND):
        out += [square(what, MARGIN, 108 + i * 24), text(MARGIN + 24, 120 + i * 24, 'prose', words)]
    for column in range(columns):
        left = MARGIN + column * width
        for k, label in enumerate(labels):
            x = left + NAME + k * LINE
            out.append(f'<text transform="translate({x + 11} {top - 8}) rotate(-90)">{escape(label)}</text>')
        for i, (name, *cells) in enumerate(rows[column * per:(column + 1) * per]):
            y = top + i * LINE
            out.append(text(left + NAME - 10, y + 11, '', name, ' text-anchor="end"'))
            out += [square(kind(cell), left + NAME + k * LINE, y) for k, cell in enumerate(cells)]
    size = (max(MARGIN + columns * width, 560), top + per * LINE + MARGIN)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{size[0]}" height="{size[1]}" '
            f'viewBox="0 0 {size[0]} {size[1]}">\n<title>What each kernel answers</title>\n'
            f'<style>\n{style()}</style>\n<rect class="ground" width="{size[0]}" height="{size[1]}"/>\n'
            + '\n'.join(out) + '\n</svg>\n')


def write(markdown, svg):
    picture = draw(read(markdown))
    with open(svg, 'w', encoding='utf-8') as file:
        file.write(picture)


def main():
    arguments = sys.argv[1:]
    check = arguments[:1] == ['--check']
    arguments = arguments[check:]
    markdown = arguments[0] if arguments else os.path.join(TOP, 'docs', 'kernels.md')
    svg = arguments[1] if len(arguments) > 1 else os.path.join(TOP, 'docs', 'kernels.svg')
    if check:
        if not os.path.exists(svg) or read(svg) != draw(read(markdown)):
            print(f'{svg} is not the picture of {markdown}: tests/kernels/picture.py makes it')
            return 1
        return 0
    write(markdown, svg)
    return 0


if __name__ == '__main__':
    sys.exit(main())
