#!/usr/bin/env python3
"""end_to_end.py PORTREUSE SECONDS SEED [NUMBER]: gives the built program scenarios and command lines that
chance has made (stories.py), and looks whether it keeps its promises. end_to_end.sh calls it in
namespaces of their own. Number N of a seed is the same each time; NUMBER tries that one alone, and shows
it. Exit status 1 if something was wrong."""
import json
import os
import random
import re
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "cli"))
import harmless
import stories

portreuse, seconds, seed = sys.argv[1], float(sys.argv[2]), sys.argv[3]
only = int(sys.argv[4]) if len(sys.argv) > 4 else None
FORMATS = {"json": "json", "xml": "junit", "tap": "tap", "md": "markdown", "html": "html", "github": "github",
           "mermaid": "mermaid", "line": "line", "nagios": "nagios", "prom": "prometheus"}
MOST = 60  # seconds that a command may take
top = os.getcwd()  # an empty directory
tmp = os.path.join(top, "tmp")  # where temporary files would be
os.mkdir(tmp)
environment = {**os.environ, "TMPDIR": tmp, "HOME": tmp, "LC_ALL": "C.UTF-8",
               "ASAN_OPTIONS": "exitcode=99:detect_leaks=" + os.environ.get("LEAKS", "1"),
               "UBSAN_OPTIONS": "halt_on_error=1:exitcode=99:print_stacktrace=1"}
counts = dict.fromkeys(("scenarios", "valid", "run twice", "command lines", "commands", "wrong"), 0)
verdicts = {}


class Wrong(Exception):
    pass


def processes():
    """All but this one and its parents: the pid namespace is ours."""
    return [int(name) for name in os.listdir("/proc") if name.isdigit() and int(name) not in known]


def reap():
    try:
        while os.waitpid(-1, os.WNOHANG)[0] > 0:
            pass
    except ChildProcessError:
        pass


class Answer:
    def __init__(self, status, out, err, took):
        self.status, self.out, self.err, self.took = status, out, err, took
        self.first = out.split("\n", 1)[0]


def command(*words):
    """Runs it. Whatever the command, these hold: it ends by itself, with a documented status; it complains
    when it says that it could not do it; it does no harm to a terminal; nothing is left."""
    counts["commands"] += 1
    begin = time.monotonic()
    with open("out", "wb") as out, open("err", "wb") as err:
        child = subprocess.Popen([portreuse, *words], stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                 env=environment, start_new_session=True)
        try:
            status = child.wait(MOST)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
            raise Wrong(f"it did not end in {MOST} s: {words}") from None
    took = time.monotonic() - begin
    data, said = open("out", "rb").read(), open("err", "rb").read()
    try:
        answer = Answer(status, data.decode(), said.decode(), took)
    except UnicodeDecodeError as why:
        raise Wrong(f"{words}: not UTF-8: {why}") from None
    if status < 0:
        raise Wrong(f"{words}: signal {signal.Signals(-status).name}\n{answer.err}")
    if status == 99 or "Sanitizer" in answer.err or "runtime error" in answer.err:
        raise Wrong(f"{words}: {answer.err}")
    plugin = "nagios" in words
    if status not in ((0, 1, 2, 3) if plugin else (0, 1, 2)):
        raise Wrong(f"{words}: exit status {status}")
    trouble = status == (3 if plugin else 2)
    if trouble and not answer.err.strip() and not re.match(r"(PORTREUSE )?(ERROR|UNKNOWN|\{)", answer.out) \
            and "ERROR" not in answer.out and "UNKNOWN" not in answer.out and "unknown" not in answer.out:
        raise Wrong(f"{words}: exit status {status} without a complaint")
    harmless.check("text", said)
    leftovers(words)
    return answer


def leftovers(words):
    end = time.monotonic() + 5
    while True:
        reap()
        left = processes()
        if not left:
            break
        if time.monotonic() > end:
            names = [open(f"/proc/{pid}/cmdline").read() for pid in left if os.path.exists(f"/proc/{pid}")]
            for pid in left:
                os.kill(pid, signal.SIGKILL)
            raise Wrong(f"{words}: left the processes {names}")
        time.sleep(0.01)
    if os.listdir(tmp) or set(os.listdir(top)) - files:
        raise Wrong(f"{words}: left the files {os.listdir(tmp)} {set(os.listdir(top)) - files}")
    if open("/proc/self/mountinfo").read() != mounts:
        raise Wrong(f"{words}: left a mount")


def is_language_error(answer):
    return re.search(r"^s\.scenario:(\d+:\d+:)? error: ", answer.err, re.M) is not None


STATUS_OF = {"PASS": 0, "SKIP": 0, "FAIL": 1, "ERROR": 2}


def judge_run(answer):
    """The report in each format is of that format, and they agree. Returns the JSON."""
    document = json.load(open("r.json"))
    if document["summary"] != answer.first:
        raise Wrong(f"the text says {answer.first!r}, JSON {document['summary']!r}")
    if STATUS_OF[document["verdict"]] != answer.status:
        raise Wrong(f"{document['verdict']} with exit status {answer.status}")
    cases = [case["verdict"] for scenario in document["scenarios"] for case in scenario["cases"]]
    worst = max(cases, key=["PASS", "SKIP", "FAIL", "ERROR"].index)
    if worst != document["verdict"] and not (worst == "SKIP" and document["verdict"] == "PASS"):
        raise Wrong(f"{cases} are {document['verdict']}")
    harmless.check("text", answer.out.encode())
    for extension, form in FORMATS.items():
        harmless.check(form, open(f"r.{extension}", "rb").read())
    for case in cases:
        verdicts[case] = verdicts.get(case, 0) + 1
    return [(case["verdict"], [(step.get("verb"), step.get("got")) for step in case.get("steps", [])])
            for scenario in document["scenarios"] for case in scenario["cases"]]


def check_until_valid(text, most):
    """Writes the scenario, and leaves out the lines that check does not like, `most` times. Returns what
    check says in the end."""
    while True:
        with open("s.scenario", "w", encoding="utf-8") as file:
            file.write(text)
        answer = command("check", "--all", "s.scenario")
        bad = {int(line) for line in re.findall(r"^s\.scenario:(\d+):", answer.err, re.M)}
        if not bad or most == 0:
            return answer
        most -= 1
        text = "\n".join(line for number, line in enumerate(text.split("\n"), 1) if number not in bad)


def try_scenario(chance):
    text, steady = stories.story(chance)
    counts["scenarios"] += 1
    checked = check_until_valid(text, chance.choice((0, 5, 5, 5)))
    if checked.status == 2:
        checked = command("check", "s.scenario")
    outputs = [word for extension, form in FORMATS.items() for word in ("--output", f"r.{extension}:{form}")]
    for extension in FORMATS:
        if os.path.exists(f"r.{extension}"):
            os.unlink(f"r.{extension}")
    ran = command("run", "--timeout", "3s", *chance.choice(([], [], ["-v"])), *outputs, "s.scenario")
    if checked.status not in (0, 2) or is_language_error(checked) != (checked.status == 2):
        raise Wrong(f"check: exit status {checked.status}: {checked.err}")
    if is_language_error(ran) != (checked.status == 2):
        raise Wrong(f"check says {checked.first!r}, run {ran.first!r}: {checked.err} {ran.err}")
    if checked.status == 2:
        if ran.status != 2 or ran.err != checked.err:
            raise Wrong(f"check and run complain of other things: {checked.err} {ran.err}")
        return
    counts["valid"] += 1
    first = judge_run(ran)
    again = command("run", "--timeout", "3s", "--output", "r.json", "s.scenario")
    second = [case["verdict"] for scenario in json.load(open("r.json"))["scenarios"] for case in scenario["cases"]]
    if steady and ran.took < 2 and again.took < 2:
        counts["run twice"] += 1
        if second != [verdict for verdict, _ in first]:
            raise Wrong(f"first {ran.first!r}, then {again.first!r}")


def without_numbers(text):
    return re.sub(r"\d+(\.\d+)?( ?(ms|us|s|min|h)\b)?", "N", text)


def try_command_line(chance):
    words = stories.command_line(chance)
    counts["command lines"] += 1
    answer = command(*words)
    reports = words[0] in ("why", "budget", "audit", "matrix", "run")
    form = words[words.index("--format") + 1] if "--format" in words[:-1] else "text"
    if reports and answer.out and "--" not in words and form in (*FORMATS.values(), "text", "svg", "csv"):
        # --color can be written shorter.
        colored = any(word.startswith("--c") for word in words)
        if not colored and not answer.out.startswith("usage:"):
            harmless.check(form, answer.out.encode())
    if not reports or answer.status == 2 and not answer.out:
        return
    again = command(words[0], "--output", "r.json", *words[1:])
    if again.out and form == "text" and os.path.exists("r.json"):
        summary = json.load(open("r.json"))["summary"]
        if re.sub(r"\x1b\[[0-9;]*m", "", again.first) != summary:
            raise Wrong(f"{words}: the text says {again.first!r}, JSON {summary!r}")
        os.unlink("r.json")
    same = without_numbers(answer.first) == without_numbers(again.first) and answer.status == again.status
    if not same and form == "text" and "changed" not in answer.out + again.out:
        raise Wrong(f"{words}: first {answer.first!r}, then {again.first!r}")


def surroundings():
    """What the questions are about: some sockets. Returns them, to be kept open."""
    import socket
    kept = []
    for family, kind, address in ((socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 2000)),
                                  (socket.AF_INET6, socket.SOCK_STREAM, ("::", 3000)),
                                  (socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 5353)),
                                  (socket.AF_UNIX, socket.SOCK_STREAM, "db"), (socket.AF_UNIX, socket.SOCK_STREAM, "\0db")):
        one = socket.socket(family, kind)
        one.bind(address)
        if kind == socket.SOCK_STREAM:
            one.listen()
        kept.append(one)
    for _ in range(3):
        kept.append(socket.create_connection(("127.0.0.1", 2000)))
    return kept


def try_number(number):
    chance = random.Random(f"{seed}:{number}")
    harmless.tools = number % 20 == 0 or only is not None  # they take longer than all the rest
    reap()
    try:
        (try_scenario if number % 5 < 3 else try_command_line)(chance)
    except (Wrong, harmless.Harm, ValueError, SyntaxError, KeyError, OSError) as why:
        counts["wrong"] += 1
        print(f"--- wrong: number {number} of seed {seed}: {type(why).__name__}: {why}")
        if number % 5 < 3:
            print(open("s.scenario", encoding="utf-8").read())
        sys.stdout.flush()
        for name in set(os.listdir(top)) - files:
            os.system(f"rm -rf '{name}'")


kept = surroundings()
files = {"tmp", "out", "err", "s.scenario", "db", *(f"r.{extension}" for extension in FORMATS)}
known = {os.getpid(), *(int(name) for name in os.listdir("/proc") if name.isdigit())}
mounts = open("/proc/self/mountinfo").read()
begin = time.monotonic()
number = 0
if only is not None:
    try_number(only)
    if only % 5 < 3:
        print(open("s.scenario", encoding="utf-8").read())
    else:
        print(stories.command_line(random.Random(f"{seed}:{only}")))
    print(open("out").read(), open("err").read())
while only is None and time.monotonic() - begin < seconds and counts["wrong"] < 20:
    try_number(number)
    number += 1
print(f"seed {seed}, {time.monotonic() - begin:.0f} s: " + ", ".join(f"{count} {what}" for what, count in counts.items()))
print("cases: " + ", ".join(f"{count} {verdict}" for verdict, count in sorted(verdicts.items())))
sys.exit(counts["wrong"] > 0)
