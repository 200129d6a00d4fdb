#!/usr/bin/env python3
"""harmless.py FORMAT FILE [FORMAT FILE]...: whether reports can do no harm, whatever names they tell
of. A payload in those names tries to become a line, a tag, an attribute, a command, a label or a
control character; each such thing is called `evil`. Each format is read as what reads it does. Prints
what is wrong; exit status 1 if something is."""
import csv
import html.parser
import io
import json
import re
import shutil
import subprocess
import sys
import unicodedata
import xml.etree.ElementTree

# What GitHub's runner knows (ActionCommandManager); the same names behind `##[`.
COMMANDS = set("""add-mask add-matcher remove-matcher debug error warning notice group endgroup echo save-state
    set-output set-env add-path stop-commands""".split())


tools = True  # whether programs that read a format are asked, too


class Harm(Exception):
    pass


def check_characters(text):
    for character in text.replace("\n", "").replace("\t", ""):
        kind = unicodedata.category(character)
        if kind in ("Cc", "Cs", "Zl", "Zp") or (kind == "Cf" and character not in "\u200c\u200d"):
            raise Harm(f"has U+{ord(character):04x}")


def command_in(line):
    """The command that a log of GitHub takes the line for, or None (ActionCommand.TryParseV2, TryParse)."""
    found = re.match(r"\s*::([^ :]*)(?: .*?)?::", line) or re.search(r"##\[([^\] ]*)[^\]]*\]", line)
    name = found and found.group(1).lower()
    return name if name in COMMANDS else None


def check_log(text):
    for line in text.split("\n"):
        if command_in(line) or re.search(r"##[A-Za-z]*\[", line):
            raise Harm(f"the line {line!r} is a command")


def check_lines(text, *beginnings):
    for line in text.split("\n"):
        for beginning in ("evil", "::[A-Za-z]") + beginnings:
            if re.match(beginning, line):
                raise Harm(f"the line {line!r}")


VOID = set("area base br col embed hr img input link meta source track wbr".split())


class Tags(html.parser.HTMLParser):
    """Tags that are ours, closed in the order in which they were opened."""

    def __init__(self):
        super().__init__()
        self.open = []

    def handle_starttag(self, tag, attributes):
        if "evil" in tag or tag == "script" or any("evil" in name for name, _ in attributes):
            raise Harm(f"the tag {tag} {attributes}")
        if any(name.startswith("on") or (name in ("href", "src") and "evil" in (value or "")) for name, value in attributes):
            raise Harm(f"the tag {tag} {attributes}")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            raise Harm(f"</{tag}> closes nothing")

    def handle_comment(self, data):
        if "evil" in data:
            raise Harm(f"the comment {data}")


def check_html(text):
    tags = Tags()
    tags.feed(text)
    tags.close()
    if tags.open:
        raise Harm(f"{tags.open} are not closed")


def check_xml(data):
    for element in xml.etree.ElementTree.fromstring(data).iter():
        if "evil" in element.tag or any("evil" in name for name in element.attrib):
            raise Harm(f"the element {element.tag}")


def check_json(text):
    def unique(pairs):
        keys = [key for key, _ in pairs]
        if len(set(keys)) < len(keys) or any("evil" in key for key in keys):
            raise Harm(f"the keys {keys}")
        return dict(pairs)

    json.loads(text, object_pairs_hook=unique)


def check_github(text):
    for line in text.split("\n"):
        if not line.startswith("::"):
            if command_in(line) or re.match(r"\s*::", line):
                raise Harm(f"the line {line!r}")
            continue
        found = re.fullmatch(r"::(error|warning|notice) (.*?)::(.*)", line)
        if not found:
            raise Harm(f"the annotation {line!r}")
        for part in found.group(2).split(","):
            if part.split("=", 1)[0] not in ("file", "line", "title"):
                raise Harm(f"the property {part!r}")


def check_tap(text):
    """TAP 13: version, plan, comments, and points, each perhaps with a block of YAML."""
    lines = text.rstrip("\n").split("\n")
    if lines[0] != "TAP version 13":
        raise Harm(f"the version {lines[0]!r}")
    plan, points, block = None, 0, None
    for line in lines[1:]:
        if block is not None:
            if line == "  ...":
                block = None
            elif "evil" in re.sub(r'"(?:[^"\\]|\\.)*"', "", line):
                raise Harm(f"outside of a string: {line!r}")
            continue
        point = re.fullmatch(r"(?:not )?ok (\d+) - (.*)", line)
        if line == "  ---":
            block = points
        elif re.fullmatch(r"1\.\.\d+", line):
            plan = int(line[3:])
        elif point:
            points += 1
            if int(point.group(1)) != points:
                raise Harm(f"the number of {line!r}")
            directive = re.search(r"(?<!\\)(?:\\\\)*#\s*(\w+)", point.group(2))
            if directive and (directive.group(1) != "SKIP" or line.startswith("not")):
                raise Harm(f"the directive {line!r}")
        elif not line.startswith("# "):
            raise Harm(f"the line {line!r}")
    if block is not None or plan != points:
        raise Harm(f"a plan of {plan} for {points} points")


def check_markdown(text):
    check_lines(text, r"\|?evil", r"\s*[-+*] evil", "#+ evil")
    if tools and shutil.which("cmark-gfm"):
        page = subprocess.run(["cmark-gfm", "-e", "table", "-e", "tasklist", "--unsafe"], input=text.encode(),
                              capture_output=True, check=True).stdout.decode()
        check_html(page)
        for wrong in (r"<a [^>]*evil", r"<h\d>evil", r"<code>evil</code>", r"<li>evil"):
            if re.search(wrong, page):
                raise Harm(f"{wrong} in the page")
        for rows in re.findall(r"<table>.*?</table>", page, re.S):
            columns = {len(re.findall("<t[dh]", row)) for row in re.findall(r"<tr>.*?</tr>", rows, re.S)}
            if len(columns) > 1:
                raise Harm("rows of different lengths")
        return
    outside = re.sub(r"\\[!-/:-@[-`{-~]", "_", re.sub(r"(?ms)^(`{3,})\w*$.*?^\1$", "", text))
    if re.search(r"\]\(evil|`evil`|<evil", outside):
        raise Harm("a link, a code or a tag")


def check_prometheus(text):
    label = r'[a-z_]+="(?:[^"\\\n]|\\["\\n])*"'
    sample = re.compile(rf"[a-z_]+(?:\{{{label}(?:,{label})*\}})? (?:[-+0-9.e]+|NaN)")
    for line in text.splitlines():
        comment = re.fullmatch(r"# (?:HELP|TYPE) portreuse_\w+ .*", line)
        if not (sample.fullmatch(line) or comment) or (comment and "evil" in line):
            raise Harm(f"the line {line!r}")
    if tools and shutil.which("promtool"):
        said = subprocess.run(["promtool", "check", "metrics"], input=text.encode(), capture_output=True, check=False)
        if b"error while linting" in said.stderr or b"parsing" in said.stderr:
            raise Harm(said.stderr.decode())


def check_nagios(text):
    if text.count("\n") != 1 or not text.endswith("\n"):
        raise Harm(f"{text.count(chr(10))} lines")
    number = r"[-0-9.e+]*"
    for datum in text.rstrip("\n").partition(" |")[2].split():
        if not re.fullmatch(rf"[^\s'=;|]+=[-0-9.e+]+[sc%B]?;{number};{number};;", datum):
            raise Harm(f"the performance data {datum!r}")
    if text.count("|") > 1:
        raise Harm("two bars")


def check_csv(text):
    if len({len(row) for row in csv.reader(io.StringIO(text))}) > 1:
        raise Harm("rows of different lengths")


def check(form, data):
    text = data.decode()
    check_characters(text)
    if form not in ("github", "prometheus", "csv"):
        check_log(text)
    if form in ("json", "sarif"):
        check_json(text)
    elif form == "ndjson":
        for line in text.splitlines():
            check_json(line)
    elif form == "html":
        check_html(text)
    elif form in ("svg", "junit"):
        check_xml(data)
    elif form == "markdown":
        check_markdown(text)
    elif form == "github":
        check_github(text)
    elif form == "tap":
        check_tap(text)
    elif form == "prometheus":
        check_prometheus(text)
    elif form == "nagios":
        check_nagios(text)
    elif form == "csv":
        check_csv(text)
    elif form in ("text", "line", "mermaid"):
        check_lines(text)
        if form == "line" and text.count("\n") != 1:
            raise Harm(f"{text.count(chr(10))} lines")
    else:
        raise Harm("is an unknown format")


def main():
    wrong = False
    for form, path in zip(sys.argv[1::2], sys.argv[2::2]):
        try:
            with open(path, "rb") as file:
                check(form, file.read())
        except (Harm, ValueError, SyntaxError, csv.Error) as why:
            print(f"{form}: {why}")
            wrong = True
    sys.exit(wrong)


if __name__ == "__main__":
    main()
