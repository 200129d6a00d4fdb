#!/usr/bin/env python3
"""Makes one table of what tests/kernels/run.sh has kept, scenario by kernel, and judges it.

usage: table.py [--docs FILE] RESULTS KERNEL...

RESULTS has a folder for each KERNEL. Prints the table and everything that is not as expected; with
--docs also writes docs/kernels.md and the picture beside it. The reasons of what differs are in reasons.tsv: the scenario, a
pattern of the case's title and verdict, linux or gvisor, and the reason. Exit status 1 if a kernel failed in
anything; gVisor fails nothing."""
import json
import os
import re
import sys

import picture

HERE = os.path.dirname(os.path.abspath(__file__))
WORD = re.compile(r'^[A-Za-z][A-Za-z-]*$')  # an answer that is no number, port or address


def read(path):
    try:
        with open(path, encoding='utf-8', errors='replace') as file:
            return file.read()
    except OSError:
        return ''


def load(path):
    try:
        return json.loads(read(path))
    except ValueError:
        return None


def steps_of(steps):
    for step in steps or []:
        yield step
        yield from steps_of(step.get('steps'))


class Kernel:
    """What is known of one kernel. `troubles` are the reasons why it fails."""

    def __init__(self, results, name):
        self.name = name
        self.folder = os.path.join(results, name)
        self.gvisor = name == 'gvisor'
        self.release = self.text('release').strip() or name
        self.label = 'gVisor' if self.gvisor else re.sub(r'^([0-9.]*[0-9]).*', r'\1', self.release)
        built = re.search(r'Debian ([0-9.]+[0-9])', self.text('uname'))  # uname -v
        if built:
            self.label = built.group(1)
        self.troubles = []
        self.run = self.report('run.json')
        self.user = self.plain = self.matrices = {}
        if self.gvisor:
            return
        if os.environ.get('SHORT'):
            self.matrices = {file: self.matrix(file) for file in ('matrix.json', 'matrix-udp.json')}
            self.tap('live.tap')
            return
        self.user = self.report('run-user.json')
        self.report('uids.json')
        self.matrices = {file: self.matrix(file) for file in ('matrix.json', 'matrix-udp.json')}
        taps = ['property.tap', 'live-no-diag.tap', 'live-hidepid.tap']
        if not self.text('no-modules'):
            taps.append('live.tap')
        if os.path.isdir(os.path.join(self.folder, 'plain')):
            self.plain = self.report('plain/run-plain.json')
            self.matrices['plain'] = self.matrix('plain/matrix-plain.json')
            taps.append('plain/live-no-ipv6.tap')
        for file in taps:
            self.tap(file)
        for line in (self.text('dmesg.txt') + self.text('plain/dmesg.txt')).splitlines():
            self.troubles.append('the kernel says: ' + line)

    def text(self, file):
        return read(os.path.join(self.folder, file))

    def report(self, file):
        """Returns the verdicts by scenario and title."""
        document = load(os.path.join(self.folder, file))
        if document is None:
            self.troubles.append(f'{file}: no report')
            return {}
        cases = {}
        for scenario in document['scenarios']:
            for case in scenario['cases']:
                cases[scenario['name'], case['title']] = case
                if case['verdict'] in ('FAIL', 'ERROR'):
                    odd = next((s for s in steps_of(case['steps'])
                                if s.get('status') not in ('pass', 'not run', None)), {})
                    self.troubles.append(
                        f"{file}: {case['verdict']} {scenario['name']}: {case['title']}: "
                        f"{case.get('reason') or ''} line {odd.get('line')}, {odd.get('verb')} "
                        f"{odd.get('arguments')}: want {odd.get('want')}, got {odd.get('got')}")
        return cases

    def matrix(self, file):
        document = load(os.path.join(self.folder, file)) or {'verdict': 'ERROR', 'summary': 'no report'}
        if document.get('verdict') not in ('PASS', 'SKIP'):
            self.troubles.append(f"{file}: {document.get('summary') or document.get('verdict')}")
        return document

    def tap(self, file):
        text = self.text(file)
        if not re.search(r'^1\.\.[1-9]', text, re.M):
            self.troubles.append(f'{file}: not complete')
        lines = text.splitlines()
        for i, line in enumerate(lines):
            if line.startswith('not ok'):
                more = ' '.join(x[2:].strip() for x in lines[i + 1:i + 8] if x.startswith('#'))
                self.troubles.append(f'{file}: {line}: {more}')

    def stories(self):
        """What the property test found."""
        text = self.text('property.tap')
        if not re.search(r'^1\.\.[1-9]', text, re.M):
            return '-'
        return 'differs' if 'not ok' in text else 'agrees'

    def counts(self, cases):
        verdicts = [case['verdict'] for case in cases.values()]
        if not verdicts:
            return '-'
        return '/'.join(str(verdicts.count(v)) for v in ('PASS', 'SKIP', 'FAIL', 'ERROR'))


def cell(kernel, scenario):
    """What became of a scenario: `6`, `4 of 6` if the rest cannot run there, `1 differs`."""
    verdicts = [case['verdict'] for (name, _), case in kernel.run.items() if name == scenario]
    wrong = sum(v in ('FAIL', 'ERROR') for v in verdicts)
    passed = verdicts.count('PASS')
    if not verdicts:
        return '?'
    if wrong:
        return f'**{wrong} differ**' if wrong > 1 else '**1 differs**'
    if passed == len(verdicts):
        return str(passed)
    return f'{passed} of {len(verdicts)}' if passed else '-'


def answers(case):
    """The answers of a case's steps that are words: by role, verb and arguments, and how often these
    stood before."""
    if case['verdict'] == 'SKIP':
        return {}
    found = {}
    seen = {}
    for step in steps_of(case['steps']):
        text = ' '.join(x for x in (step.get('role'), step['verb'], step.get('arguments')) if x)
        seen[text] = seen.get(text, 0) + 1
        got = step.get('got')
        if isinstance(got, str) and step.get('status') != 'not run':
            first = got.split(' ')[0]
            if WORD.match(first):
                found[seen[text], text] = got.split(' after ')[0] if ' at ' in got else first
    return found


class Reasons:
    def __init__(self, path):
        self.rows = [line.rstrip('\n').split('\t') for line in open(path, encoding='utf-8')
                     if line.strip() and not line.startswith('#')]
        self.missing = []

    def of(self, scenario, title, where, said=''):
        for name, pattern, kind, text in self.rows:
            if name in (scenario, '*') and kind == where and re.search(pattern, f'{title} {said}'):
                return text
        self.missing.append(f'{scenario}: {title} ({where})')
        return 'not explained'


def skip_reason(case):
    """The part of a reason that is the same for all steps."""
    return re.sub(r'^line \d+: ', '', case.get('reason') or '')


def differences(kernels, reasons):
    """Rows (scenario, case, step, {answer: kernels}, reason) of what Linux kernels answer otherwise."""
    rows = []
    linux = [k for k in kernels if not k.gvisor and k.run]
    for key in sorted({key for k in linux for key in k.run}):
        verdicts, steps = {}, {}
        for kernel in linux:
            case = kernel.run.get(key)
            if case is None:
                continue
            said = 'cannot run: ' + skip_reason(case) if case['verdict'] == 'SKIP' else 'runs'
            verdicts.setdefault(said, []).append(kernel.label)
            for step, answer in answers(case).items():
                steps.setdefault(step, {}).setdefault(answer, []).append(kernel.label)
        if len(verdicts) > 1:
            rows.append((*key, '', verdicts, reasons.of(*key, 'linux', ' '.join(verdicts))))
        for (_, text), said in sorted(steps.items()):
            if len(said) > 1:
                rows.append((*key, text, said, reasons.of(*key, 'linux')))
    return rows


def gvisor_rows(kernel, reasons):
    rows = []
    for key, case in sorted(kernel.run.items()):
        if case['verdict'] not in ('FAIL', 'ERROR'):
            continue
        odd = next((s for s in steps_of(case['steps'])
                    if s.get('status') not in ('pass', 'not run', None)), {})
        text = ' '.join(x for x in (odd.get('role'), odd.get('verb'), odd.get('arguments')) if x)
        rows.append((*key, text, odd.get('want'), odd.get('got') or case.get('reason'),
                     reasons.of(*key, 'gvisor', text)))
    return rows


def table(rows, head):
    lines = ['| ' + ' | '.join(head) + ' |', '|' + '---|' * len(head)]
    for row in rows:
        lines.append('| ' + ' | '.join(str(x).replace('|', '\\|') for x in row) + ' |')
    return '\n'.join(lines)


def scenario_table(kernels):
    names = sorted({name for k in kernels for name, _ in k.run})
    return table([[name] + [cell(k, name) for k in kernels] for name in names],
                 ['scenario'] + [k.label for k in kernels])


def overview(kernels):
    rows = []
    for k in kernels:
        if k.gvisor:
            rows.append([k.label, k.release, k.counts(k.run), '-', '-', '-', '-'])
            continue
        rows.append([k.label, k.release, k.counts(k.run), k.counts(k.user), k.counts(k.plain),
                     k.matrices['matrix.json'].get('disagreements', '-'), k.stories()])
    return table(rows, ['kernel', 'release', 'as root', 'as a user', 'no module, no IPv6',
                        'pairs that differ from the model', 'random sequences'])


def by_kernel(said):
    return '; '.join(f"{answer}: {', '.join(labels)}" for answer, labels in said.items())


def write_docs(path, kernels, reasons):
    rows = differences(kernels, reasons)
    grouped = {}
    for scenario, title, step, said, reason in rows:
        grouped.setdefault((scenario, by_kernel(said), reason), []).append((title, step))
    parts = [read(os.path.join(HERE, 'kernels-head.md')).rstrip(), overview(kernels),
             '## Scenario by kernel\n\nThe number of cases that passed; `4 of 6`: the others cannot run '
             'there; `-`: none can.', scenario_table(kernels),
             '## What differs between releases of Linux',
             table([[s, '<br>'.join(f'{t}: `{x}`' if x else t for t, x in where), said, reason]
                    for (s, said, reason), where in grouped.items()],
                   ['scenario', 'case and step', 'answers', 'reason'])]
    for kernel in kernels:
        if kernel.gvisor:
            found = {}
            for scenario, title, step, want, got, reason in gvisor_rows(kernel, reasons):
                found.setdefault(reason, []).append((scenario, title, step, want, got))
            parts.append('## gVisor')
            parts.append(read(os.path.join(HERE, 'kernels-gvisor.md')).rstrip())
            parts.append(table([[reason, len(cases), ', '.join(sorted({c[0] for c in cases})),
                                 f'`{cases[0][2]}`: Linux {cases[0][3]}, gVisor {cases[0][4]}']
                                for reason, cases in found.items()],
                               ['what is different', 'cases', 'in', 'for example']))
    parts.append(read(os.path.join(HERE, 'kernels-tail.md')).rstrip())
    with open(path, 'w', encoding='utf-8') as file:
        file.write('\n\n'.join(part for part in parts if part) + '\n')
    picture.write(path, re.sub(r'\.md$', '.svg', path))


def main():
    arguments = sys.argv[1:]
    docs = None
    if arguments[:1] == ['--docs']:
        docs, arguments = arguments[1], arguments[2:]
    results, names = arguments[0], arguments[1:]
    kernels = [Kernel(results, name) for name in names]
    reasons = Reasons(os.path.join(HERE, 'reasons.tsv'))
    print(overview(kernels), end='\n\n')
    print(scenario_table(kernels), end='\n\n')
    if docs:
        write_docs(docs, kernels, reasons)
        for missing in reasons.missing:
            print('not explained:', missing)
    bad = 0
    for kernel in kernels:
        for trouble in kernel.troubles:
            print(f"{'differs' if kernel.gvisor else 'FAILED'} {kernel.label}: {trouble[:400]}")
        bad += bool(kernel.troubles) and not kernel.gvisor
    print(f'{len(kernels) - bad} of {len(kernels)} kernels are as expected')
    return bad > 0


if __name__ == '__main__':
    sys.exit(main())
