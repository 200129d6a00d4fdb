#!/usr/bin/env python3
"""Makes a site of the docs: each page of docs/ by pandoc, and a page for each scenario.

usage: tests/site.py PORTREUSE FOLDER

The page of a scenario has the error messages that people search for, as runtimes and servers print them
(from tests/unit/pasted.tsv, which a unit test checks), and the scenario's report with its diagrams, made by a
run on this machine. Prints each link that leads nowhere, and exits with 1 if there is one.
"""
import concurrent.futures
import html
import html.parser
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent

# What people type into a search box, and the number that stands in the message.
ERRORS = {
    ("bind", "EADDRINUSE"): ("bind: Address already in use", 98),
    ("listen", "EADDRINUSE"): ("listen: Address already in use", 98),
    ("connect", "EADDRINUSE"): ("connect: Address already in use", 98),
    ("bind", "EADDRNOTAVAIL"): ("bind: Cannot assign requested address", 99),
    ("connect", "EADDRNOTAVAIL"): ("connect: Cannot assign requested address", 99),
    ("bind", "EACCES"): ("bind: Permission denied", 13),
    ("connect", "ECONNREFUSED"): ("connect: Connection refused", 111),
    ("connect", "ETIMEDOUT"): ("connect: Connection timed out", 110),
    ("connect", "ECONNRESET"): ("connect: Connection reset by peer", 104),
    ("connect", "ENETUNREACH"): ("connect: Network is unreachable", 101),
    ("connect", "EAGAIN"): ("connect: Resource temporarily unavailable", 11),
}

# The same in the words of runtimes and servers. Each is a line of pasted.tsv: `portreuse why` reads it.
MESSAGES = {
    ("bind", "EADDRINUSE"): {
        "Python": "OSError: [Errno 98] Address already in use",
        "Node.js": "Error: listen EADDRINUSE: address already in use :::3000",
        "Go": "listen tcp4 0.0.0.0:8080: bind: address already in use",
        "Java": "java.net.BindException: Address already in use (Bind failed)",
        "Ruby": 'Address already in use - bind(2) for "127.0.0.1" port 3000 (Errno::EADDRINUSE)',
        "Rust": 'Error: Os { code: 98, kind: AddrInUse, message: "Address already in use" }',
        ".NET": "System.Net.HttpListenerException (98): Address already in use",
        "nginx": "nginx: [emerg] bind() to 0.0.0.0:80 failed (98: Address already in use)",
        "Apache": "(98)Address already in use: AH00072: make_sock: could not bind to address [::]:80",
        "Docker": "docker: Error response from daemon: failed to bind host port 0.0.0.0:53/udp: address already in use",
    },
    ("bind", "EADDRNOTAVAIL"): {
        "Python": "OSError: [Errno 99] error while attempting to bind on address ('::1', 8188, 0, 0): cannot assign requested address",
        "Node.js": "Error: listen EADDRNOTAVAIL: address not available 192.0.2.7:8080",
        "Go": "panic: listen tcp [::1]:9090: bind: cannot assign requested address",
        "Apache": "(99)Cannot assign requested address: AH00072: make_sock: could not bind to address 10.0.0.9:80",
    },
    ("connect", "EADDRNOTAVAIL"): {
        "Python": "redis.exceptions.ConnectionError: Error 99 connecting to localhost:6379. Cannot assign requested address.",
        "Node.js": "Error: connect EADDRNOTAVAIL 10.0.0.5:5432 - Local (0.0.0.0:0)",
        "Go": "dial tcp 10.0.0.5:5432: connect: cannot assign requested address",
        "Java": "java.net.NoRouteToHostException: Cannot assign requested address (Address not available)",
        "Ruby": 'Errno::EADDRNOTAVAIL: Failed to open TCP connection to 10.0.0.5:80 (Cannot assign requested address - connect(2) for "10.0.0.5" port 80)',
    },
    ("bind", "EACCES"): {
        "Node.js": "Error: listen EACCES: permission denied 0.0.0.0:80",
        "Go": "main.go:42: listen tcp :80: bind: permission denied",
        "nginx": "nginx: [emerg] bind() to 0.0.0.0:80 failed (13: Permission denied)",
        "Apache": "(13)Permission denied: AH00072: make_sock: could not bind to address [::]:80",
    },
}
MESSAGES["listen", "EADDRINUSE"] = MESSAGES["bind", "EADDRINUSE"]

STYLE = """
:root{color-scheme:light dark;--bg:#fff;--fg:#1b1f24;--soft:#57606a;--line:#d0d7de;--box:#f6f8fa;--link:#0550ae}
@media(prefers-color-scheme:dark){:root{--bg:#0d1117;--fg:#e6edf3;--soft:#9da7b1;--line:#3d444d;--box:#161b22;--link:#79c0ff}}
*{box-sizing:border-box}
body{margin:0 auto;padding:1rem;max-width:60rem;background:var(--bg);color:var(--fg);font:16px/1.55 system-ui,sans-serif;overflow-wrap:anywhere}
a{color:var(--link)}nav{border-bottom:1px solid var(--line);padding-bottom:.5rem;margin-bottom:1rem}nav a{margin-right:1rem;white-space:nowrap}
h1{font-size:1.6rem;line-height:1.25}h2{margin-top:2rem}
code,pre{font-family:ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace;font-size:.86em}
pre{background:var(--box);border:1px solid var(--line);border-radius:6px;padding:.75rem;overflow-x:auto}pre code{font-size:inherit;overflow-wrap:normal}
table{border-collapse:collapse;display:block;max-width:100%;overflow-x:auto}td,th{border:1px solid var(--line);padding:.3rem .6rem;text-align:left;vertical-align:top;overflow-wrap:normal}td code{overflow-wrap:anywhere}
p:has(>img){overflow-x:auto}
"""


def pages_of_docs():
    pages = {TOP / "README.md": "index.html"}
    for path in sorted((TOP / "docs").glob("*.md")):
        pages[path] = path.stem + ".html"
    return pages


def page(title, description, body, style=""):
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="description" content="{html.escape(description)}">
<title>{html.escape(title)}</title>
<style>{style}{STYLE}</style>
</head>
<body>
<nav><a href="index.html">portreuse</a> <a href="scenarios.html">Scenarios</a> <a href="causes.html">Causes</a> <a href="live.html">On a live host</a> <a href="installing.html">Installing</a></nav>
{body}
</body>
</html>
"""


def without_tags(text):
    return " ".join(html.unescape(re.sub(r"<[^>]*>", "", text)).split())


def render(path, name, folder, pages, scenarios):
    """One page of docs/: links between pages lead to pages, those to other files of the tree to copies."""
    body = subprocess.run(["pandoc", "-f", "gfm-tex_math_dollars", "-t", "html5", "--no-highlight", "--wrap=none", path],
                          check=True, capture_output=True, text=True).stdout

    def follow(match):
        target, _, anchor = html.unescape(match[2]).partition("#")
        if not target or "://" in target:
            return match[0]
        file = (path.parent / target).resolve()
        if file in pages:
            to = pages[file]
        elif file.is_file() and TOP in file.parents:
            to = str(file.relative_to(TOP))
            (folder / to).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, folder / to)
        else:
            to = target
        return f'{match[1]}="{to}{"#" + anchor if anchor else ""}"'

    body = re.sub(r'\b(href|src)="([^"]*)"', follow, body)
    if name in ("catalogue.html", "causes.html"):
        # A heading that is the name of a scenario leads to its page.
        body = re.sub(r'(<h[23] id="([a-z0-9-]+)">)\2(</h[23]>)',
                      lambda m: f'{m[1]}<a href="scenario-{m[2]}.html">{m[2]}</a>{m[3]}' if m[2] in scenarios else m[0], body)
    heading = without_tags(re.search(r"<h1[^>]*>(.*?)</h1>", body, re.S)[1])
    first = re.search(r"<p>(.*?)</p>", body, re.S)
    title = "portreuse: why bind() says Address already in use" if name == "index.html" else f"{heading} - portreuse"
    (folder / name).write_text(page(title, without_tags(first[1])[:160] if first else heading, body))


def check_messages():
    """Each of them is one that a unit test has `portreuse why` read."""
    pasted = {line.split("\t")[0] for line in (TOP / "tests/unit/pasted.tsv").read_text().splitlines()}
    for pair, texts in MESSAGES.items():
        for text in texts.values():
            if text not in pasted:
                sys.exit(f"{pair}: tests/unit/pasted.tsv lacks: {text}")


def refusals(report):
    """The calls that the kernel refuses in a run, the most telling first."""
    seen = []
    for case in report["scenarios"][0]["cases"]:
        for step in case["steps"]:
            # In a block the answer names the call: "EADDRNOTAVAIL at connect after 100".
            words = (step.get("got") or "").split()
            pair = (words[2], words[0]) if words[1:2] == ["at"] and len(words) > 2 else (step.get("verb"), " ".join(words))
            if pair in ERRORS and pair not in seen:
                seen.append(pair)
    return sorted(seen, key=list(ERRORS).index)


def story(portreuse, folder, scenario):
    """The page of a scenario."""
    name = scenario["name"]
    made = folder / f".{name}"
    subprocess.run([portreuse, "run", "-q", name, "--output", f"{made}.html", "--output", f"{made}.json"],
                   stdout=subprocess.DEVNULL, check=False)
    report, picture = json.loads(pathlib.Path(f"{made}.json").read_text()), pathlib.Path(f"{made}.html").read_text()
    for ending in ("html", "json"):
        os.unlink(f"{made}.{ending}")
    style = re.search(r"<style>(.*?)</style>", picture, re.S)[1]
    story_of = re.search(r"<main>(.*)</main>", picture, re.S)[1]
    story_of = re.sub(r"<h1>.*?</h1>\s*<p>.*?</p>", "", story_of, count=1, flags=re.S)
    story_of = re.sub(r"<details>.*?</details>", "", story_of, flags=re.S)  # the machine that made the page
    body = [f"<main>\n<h1>{html.escape(scenario['title'])}</h1>"]
    pairs = refusals(report)
    if pairs:
        body.append("<h2>The error</h2>\n<ul>")
        body += [f"<li><strong>{ERRORS[pair][0]}</strong> ({pair[1]}, errno {ERRORS[pair][1]})</li>" for pair in pairs]
        body.append("</ul>")
        rows = dict.fromkeys((runtime, text) for pair in pairs for runtime, text in MESSAGES.get(pair, {}).items())
        if rows:
            body.append("<p>Programs print it in their own words, for example:</p>\n<table>")
            body += [f"<tr><th>{html.escape(runtime)}</th><td><code>{html.escape(text)}</code></td></tr>" for runtime, text in rows]
            body.append("</table>")
        body.append('<p><a href="index.html">portreuse</a>, a program for Linux, finds out whether this is the cause on your '
                    "host: paste your message after <code>portreuse why</code>.</p>")
    calls, heading, prose = story_of.partition("<h2>Why</h2>")
    program = " -- PROGRAM" if "program" in scenario["needs"] else ""
    body.append(f"{heading}{prose}\n<h2>To see it happen</h2>\n<pre><code>portreuse run {name}{program}</code></pre>")
    body.append("" if program else calls)
    body.append(f'<p>In the <a href="catalogue.html#{name}">catalogue</a>: all cases of <code>{name}</code>.</p>\n</main>')
    error = f"{ERRORS[pairs[0]][0]} ({pairs[0][1]})" if pairs else ""
    title = (f"{error}: {uncapitalized(scenario['title'])}" if error else scenario["title"]) + " - portreuse"
    (folder / f"scenario-{name}.html").write_text(page(title, f"{scenario['title']}: why, and what to do.", "\n".join(body), style))
    return name, (error, scenario["title"])


def uncapitalized(title):
    """The title in the middle of a sentence: an acronym or the name of an option stays as it is."""
    return title if title[1].isupper() or "_" in title.split()[0] else title[0].lower() + title[1:]


def list_of(titles):
    """All scenarios, below the error that each shows first."""
    lines = []
    for error in sorted({error for error, _ in titles.values()}, key=lambda error: (error == "", error)):
        lines.append(f"<h2>{html.escape(error or 'No call fails')}</h2>\n<ul>")
        lines += [f'<li><a href="scenario-{name}.html">{html.escape(title)}</a></li>'
                  for name, (shown, title) in sorted(titles.items(), key=lambda item: item[1]) if shown == error]
        lines.append("</ul>")
    return "\n".join(lines)


class Links(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.ids, self.links = set(), []

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.ids |= {attrs[key] for key in ("id", "name") if attrs.get(key)}
        self.links += [attrs[key] for key in ("href", "src") if attrs.get(key)]


def broken_links(folder):
    read = {}
    for path in folder.glob("*.html"):
        read[path.name] = Links()
        read[path.name].feed(path.read_text())
    broken = []
    for name, seen in sorted(read.items()):
        for link in seen.links:
            target, _, anchor = link.partition("#")
            if "://" in link or link.startswith(("mailto:", "data:")):
                continue
            target = target or name
            if not (folder / target).is_file() or (anchor and target in read and anchor not in read[target].ids):
                broken.append(f"{name}: {link}")
    return broken


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    portreuse, folder = os.path.abspath(sys.argv[1]), pathlib.Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    listing = subprocess.run([portreuse, "list", "--format", "json"], check=True, capture_output=True, text=True).stdout
    scenarios = {entry["name"]: entry for entry in json.loads(listing)["scenarios"]}
    check_messages()
    pages = pages_of_docs()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        stories = [pool.submit(story, portreuse, folder, entry)
                   for entry in scenarios.values() if not entry["slow"]]
        titles = dict(job.result() for job in stories)
        for job in [pool.submit(render, path, name, folder, pages, titles) for path, name in pages.items()]:
            job.result()
    (folder / "scenarios.html").write_text(page(
        "Address already in use, Cannot assign requested address: every cause, reproduced - portreuse",
        "Every way in which Linux refuses a port, each with the calls that lead there.",
        f"<h1>Every scenario, by its error</h1>\n{list_of(titles)}"))
    broken = broken_links(folder)
    print("\n".join(f"broken link in {line}" for line in broken) or f"{len(titles)} scenarios, {len(pages)} pages of docs, no broken link")
    sys.exit(1 if broken else 0)


main()
