"""Scenarios that are valid, or nearly, and command lines that somebody could type. All chance comes from
the given generator, so that the same one makes the same."""

ADDRESSES = ["127.0.0.1:1215", "127.0.0.1:2000", "127.0.0.2:1215", "0.0.0.0:1215", "*:1215", "127.0.0.1:0", "*:0",
             "[::1]:1215", "[::]:1215", "[::ffff:127.0.0.1]:1215", "127.0.0.1:80", "[::]:0"]
ODD_ADDRESSES = ["224.0.0.1:1215", "255.255.255.255:1215", "192.0.2.1:1215", "[fe80::1%lo]:80", "127.0.0.1:65535",
                 "[ff02::1]:1215", "127.0.0.1:$server.l.port", "$server.l", "$client.c", "$client.c.peer", "unix:db",
                 "unix:@db", "127.0.0.1:65536", "127.0.0.1:*"]
OPTIONS = ["SO_REUSEADDR", "SO_REUSEPORT", "SO_REUSEADDR=0", "SO_REUSEPORT=0", "SO_LINGER=0", "SO_LINGER=off", "IPV6_V6ONLY",
           "IPV6_V6ONLY=0", "IP_FREEBIND", "IP_TRANSPARENT", "IP_BIND_ADDRESS_NO_PORT", "IP_LOCAL_PORT_RANGE=40000-40099",
           "SO_BINDTODEVICE=lo", "SO_KEEPALIVE", "TCP_NODELAY", "TCP_DEFER_ACCEPT=3", "TCP_USER_TIMEOUT=1000", "TCP_LINGER2=-1",
           "TCP_FASTOPEN=5", "TCP_SYNCNT=1", "SO_MARK=7", "SO_INCOMING_CPU=0", "TCP_MAXSEG=536"]
STATES = ["LISTEN", "TIME-WAIT", "ESTABLISHED", "CLOSE-WAIT", "BOUND", "ANY", "FIN-WAIT-2", "SYN-SENT", "CLOSED", "UNCONN"]
SYSCTLS = ["net.ipv4.ip_local_port_range 40000 40009", "net.ipv4.tcp_tw_reuse 1", "net.core.somaxconn 8",
           "net.ipv4.ip_local_reserved_ports 40003-40005", "net.ipv4.tcp_timestamps 0", "net.ipv4.ip_unprivileged_port_start 0",
           "net.ipv4.ip_nonlocal_bind 1", "net.ipv6.conf.lo.disable_ipv6 1", "net.ipv4.tcp_max_tw_buckets 0",
           "net.ipv4.no_such 1", "net.ipv4.tcp_abort_on_overflow 1", "kernel.hostname x"]
ERRORS = ["EADDRINUSE", "EADDRNOTAVAIL", "EACCES", "EINVAL", "ECONNREFUSED", "EAGAIN", "ENOENT", "EPERM"]
CAUSES = ["free", "address-in-use", "time-wait-rebind", "dual-stack", "wildcard-vs-specific", "any"]
WORDS = ["server", "client", "l", "c", "->", "ok", "any", "end", "bind", "within", "2s", "|", "\"", "#", "$i", "$here", "host",
         "case", "setup", "0", "-1", "99999999999999999999", "socket", "listen", "repeat", "serve", "\\", "\x1b[31m", "\u202e",
         "::error::x", "<b>", "x" * 300, "a b", "\t", "title", "why", "EADDRINUSE", "0..", "..1", "1..2", "=", "SO_REUSEADDR=",
         "[::1", "127.0.0.1:", "unix:", "udp", "tcp6", "on", "exec", "$program", "1e9", "0x10", "\u00e9", "\x00"]


class Story:
    """Writes a scenario; knows which roles and sockets there are, so that most steps can be done."""

    def __init__(self, chance):
        self.chance = chance
        self.lines = []
        self.sockets = {}  # role: {name: kind}
        self.steady = True  # the same verdict each time
        self.hosts = []

    def some(self, *words):
        return self.chance.choice(words)

    def often(self, percent):
        return self.chance.randrange(100) < percent

    def want(self, *likely):
        """What is expected of a step."""
        dice = self.chance.randrange(100)
        if dice < 45:
            return " -> any"
        if dice < 70:
            return ""
        if dice < 85:
            return " -> " + self.some(*likely, *ERRORS)
        if dice < 92:
            return " -> " + " | ".join(self.chance.sample([*likely, *ERRORS], 2))
        if dice < 94:
            return " -> ok, else " + self.some("SKIP", "ERROR") + ' "a reason"'
        if dice < 96:
            return f" -> ok since {self.some('4.1', '6.8', '99.0')}, else {self.some(*ERRORS)}"
        if dice < 98:
            return f" -> {self.some(*likely)} within {self.some('1s', '5s')}"
        return " -> " + self.some("any", "0..3", "127.0.0.1:1215")

    def address(self, kind="tcp4"):
        if kind.startswith("unix"):
            return self.some("unix:db", "unix:@db", "unix:other")
        if self.hosts and self.often(60):
            return self.some("10.0.0.1", "10.0.0.2", "0.0.0.0", "*") + ":" + self.some("80", "1215", "0")
        if self.often(12):
            return self.some(*ODD_ADDRESSES)
        if kind.endswith("6"):
            return self.some("[::1]:1215", "[::]:1215", "[::1]:0", "[::ffff:127.0.0.1]:1215", "*:1215", "*:0")
        return self.some(*ADDRESSES)

    def add(self, text):
        self.lines.append("  " + text)

    def role(self):
        if self.sockets and self.often(75):
            return self.some(*self.sockets)
        name = self.some("server", "client", "a", "b")
        if name not in self.sockets:
            self.sockets[name] = {}
            if self.hosts and self.often(95):
                self.add(f"{name} on {self.some(*self.hosts)}")
        return name

    def socket(self, role):
        """A socket of the role, made if there is none."""
        if self.sockets[role] and self.often(85):
            return self.some(*self.sockets[role])
        name = self.some("l", "c", "s", "k")
        kind = self.some("tcp4", "tcp4", "tcp4", "tcp6", "udp4", "udp6", "mptcp4", "unix", "unix-dgram")
        options = self.chance.sample(OPTIONS, self.some(0, 0, 1, 1, 2))
        if kind.startswith("unix"):
            options = []
        waits = "" if self.often(15) else " nonblock"
        self.add(f"{role} socket {name} {kind}{waits} {' '.join(options)}{' -> any' if options else ''}")
        self.sockets[role][name] = kind
        return name

    def connection(self):
        """A server that listens, and a client that has connected to it."""
        port = self.some("1215", "2000", "80")
        address = "10.0.0.1" if self.hosts else "127.0.0.1"
        for role in ("server", "client"):
            if role not in self.sockets:
                self.sockets[role] = {}
                if self.hosts:
                    self.add(f"{role} on {self.hosts[role == 'client']}")
        reuse = self.some("", " SO_REUSEADDR", " SO_REUSEPORT", " SO_REUSEADDR SO_REUSEPORT")
        names = [f"{letter}{len(self.lines)}" for letter in "lcp"]
        self.add(f"server socket {names[0]}{reuse}")
        self.add(f"server bind {names[0]} {address}:{port}")
        self.add(f"server listen {names[0]}")
        self.add(f"client socket {names[1]}")
        self.add(f"client connect {names[1]} {address}:{port}")
        self.add(f"server accept {names[0]} {names[2]}")
        self.sockets["server"].update({names[0]: "tcp4", names[2]: "tcp4"})
        self.sockets["client"][names[1]] = "tcp4"
        for what in range(self.some(0, 0, 1, 2)):
            first = what == 0
            self.add(self.some(f"server close {names[2]}", "server exit") if first else f"client close {names[1]}")
            if first and "exit" in self.lines[-1]:
                del self.sockets["server"]
            elif first:
                del self.sockets["server"][names[2]]
            else:
                del self.sockets["client"][names[1]]

    def body(self, role):
        for _ in range(self.some(1, 2, 3)):
            self.add("  " + self.some(
                "socket s", "socket s\n    bind s 127.0.0.1:0", "socket s\n    close s", "bind l 127.0.0.1:$i -> any",
                "sleep 1ms", "socket s SO_REUSEADDR\n    bind s 127.0.0.1:$i\n    close s",
                "socket s\n    connect s 127.0.0.1:1215\n    close s", "close s", "socket s udp4\n    connect s 127.0.0.1:9"))
        self.sockets[role]["s"] = "tcp4"

    def block(self):
        role = self.role()
        if self.often(70):
            count = self.some("", "1", "5", "50", "300")
            variable = self.some("", f" as i from {self.some('1', '0', '40000', '65530')}") if count else ""
            self.add(f"{role} repeat {count}{variable}{self.some('', ' timed')}")
            self.body(role)
            self.add("end" + self.some("", " -> any", " -> any", " -> ok", " -> EADDRINUSE at bind after 0..300"))
            self.steady = self.steady and count != ""
        else:
            self.steady = False
            name = self.socket(role)
            self.add(f"{role} serve{self.some('', ' epoll')}")
            self.add(f"  accept {name} q")
            self.add("  close q")
            self.add("end")
            if self.often(60):
                self.add(f"{role} stop -> any")

    def question(self):
        kind = self.some("tcp4", "udp4", "unix")
        more = self.some("", "", " client", " server", " udp", " client from 127.0.0.1", " SO_REUSEADDR", f" as {self.role()}")
        on = f"on {self.some(*self.hosts)} " if self.hosts and self.often(70) else ""
        self.add(on + self.some(f"why {self.address(kind)}{more} -> {self.some(*CAUSES)}",
                                f"budget {self.address()} -> {self.some('any', '10', '0..65535')}",
                                f"ephemeral {self.address()} -> {self.some('0', '1', 'any')}"))

    def environment(self):
        on = f"on {self.some(*self.hosts)} " if self.hosts and self.often(70) else ""
        protocol = self.some("", "", "tcp ", "udp ", "unix ", "mptcp ")
        where = f"{protocol}{self.some(*STATES)} {self.address('unix' if protocol == 'unix ' else 'tcp4')}"
        within = f" within {self.some('1ms', '20ms', '100ms')}"
        what = self.some("sysctl", "await", "await no", "count", "destroy", "address", "sleep", "wire")
        if what == "sysctl":
            self.add(on + f"sysctl {self.some(*SYSCTLS)}{self.want('ok', 'ENOENT')}")
        elif what in ("await", "await no"):
            self.steady = False
            self.add(on + f"{what} {where}{within}{self.some('', ' -> any')}")
        elif what == "count":
            self.add(on + f"count {where} -> {self.some('any', '0', '1', '0..9')}")
        elif what == "destroy":
            self.add(on + f"destroy {self.some('', 'udp ')}{self.address()}{self.want('ok', 'ENOENT')}")
        elif what == "address":
            self.add(on + f"address {self.some('', 'no ')}{self.some('10.9.0.1/24', '127.0.0.9', 'fd00::9/64')}{self.want('ok')}")
        elif what == "sleep":
            self.add(f"sleep {self.some('1ms', '10us', '5ms')}")
        elif self.hosts:
            self.steady = False
            self.add(f"{self.some('cut', 'join', 'off')} {self.some(*self.hosts)}")

    def call(self):
        role = self.role()
        name = self.socket(role)
        kind = self.sockets[role][name]
        what = self.some("bind", "bind", "bind", "listen", "listen", "connect", "connect", "accept", "send", "recv", "shutdown",
                         "close", "getsockname", "getpeername", "getsockopt", "setsockopt", "dup", "disconnect", "poll", "chown",
                         "unlink")
        self.add({
            "bind": f"{role} bind {name} {self.address(kind)}{self.want('ok', 'EADDRINUSE')}",
            "listen": f"{role} listen {name}{self.some('', ' 1', ' 0', ' 128')}{self.want('ok', 'EADDRINUSE')}",
            "connect": f"{role} connect {name} {self.address(kind)}{self.want('ok', 'EINPROGRESS', 'ECONNREFUSED')}",
            "accept": f"{role} accept {name} q -> {self.some('any', 'EAGAIN', 'EINVAL')}",
            "send": f"{role} send {name} {self.some('1', '100', '5000')}{' ' + self.address(kind) if kind[:3] == 'udp' else ''} -> any",
            "recv": f"{role} recv {name} {self.some('', '10')} -> {self.some('any', 'EAGAIN', 'eof')}",
            "shutdown": f"{role} shutdown {name} {self.some('read', 'write', 'both')}{self.want('ok', 'ENOTCONN')}",
            "close": f"{role} close {name}",
            "getsockname": f"{role} getsockname {name} -> {self.some('any', '127.0.0.1:1215')}",
            "getpeername": f"{role} getpeername {name} -> {self.some('any', 'ENOTCONN')}",
            "getsockopt": f"{role} getsockopt {name} {self.some('SO_REUSEADDR', 'SO_ERROR', 'SO_ACCEPTCONN', 'TCP_MAXSEG')} -> any",
            "setsockopt": f"{role} setsockopt {name} {self.some(*OPTIONS)}{self.want('ok', 'ENOPROTOOPT')}",
            "dup": f"{role} dup {name} d",
            "disconnect": f"{role} disconnect {name} -> any",
            "poll": f"{role} poll {name} {self.some('read', 'write')} within 10ms -> any",
            "chown": f"{role} chown {name} {self.some('0', '1000')} -> any",
            "unlink": f"{role} unlink unix:db -> any",
        }[what])
        if what == "dup":
            self.sockets[role]["d"] = kind
        elif what == "close":
            del self.sockets[role][name]

    def process(self):
        role = self.role()
        new = self.some("child", "other")
        what = self.some("fork", "pass", "exit", "kill", "uid", "exec")
        if what == "fork" and new not in self.sockets:
            self.add(f"{role} fork {new}")
            self.sockets[new] = dict(self.sockets[role])
        elif what == "pass" and len(self.sockets) > 1:
            name = self.socket(role)
            other = self.some(*(one for one in self.sockets if one != role))
            self.add(f"{role} pass {name} {other}")
            self.sockets[other][name] = self.sockets[role][name]
        elif what in ("exit", "kill"):
            self.add(f"{role} {what}")
            del self.sockets[role]
        elif what == "uid" and self.often(30):
            self.add(f"{role} uid {self.some('1000', '65534')}")
        elif what == "exec" and self.often(40):
            self.steady = False
            self.add(f"{role} exec {self.some('/bin/true', '/bin/false', 'sleep 0.05', '/nowhere -> ENOENT')}")
            if "nowhere" not in self.lines[-1]:
                self.add(self.some(f"{role} wait within 2s -> any", f"{role} signal SIGTERM\n  {role} wait within 2s -> any",
                                   f"{role} calls bind within 50ms -> any"))
                del self.sockets[role]

    def steps(self, count):
        for _ in range(count):
            self.some(*[self.call] * 10, *[self.environment] * 4, *[self.process] * 2, *[self.question] * 2, self.connection,
                      self.block)()

    def write(self):
        self.lines = ["title A story that chance has written", f"tags {self.some('bind', 'connect', 'udp unix')}"]
        for need in ("ipv6", "uids", "sock_diag", "mptcp", "kernel >= 6.3", "IP_LOCAL_PORT_RANGE", "sysctl net.ipv4.tcp_tw_reuse"):
            if self.often(4):
                self.lines.append("needs " + need)
        if self.often(10):
            self.hosts = ["web", "db"]
            self.lines += ["host web 10.0.0.1/24", "host db 10.0.0.2/24" + self.some("", " fd00::2/64")]
        if self.often(30):
            self.lines.append('why\n  Because of | chance, `code` and "quotes".')
        if self.often(70):
            self.lines.append("setup")
            self.steps(self.some(1, 2, 5))
        start = {role: dict(sockets) for role, sockets in self.sockets.items()}
        for number in range(self.some(1, 1, 2, 3)):
            self.sockets = {role: dict(sockets) for role, sockets in start.items()}
            self.lines.append(f"case number {number}" + self.some("", " <b>", " | x", " # y"))
            self.steps(self.some(1, 3, 6, 12))
        return "\n".join(self.lines) + "\n"


def spoil(chance, text):
    """The text with a mistake or two, as people make them."""
    for _ in range(chance.choice((1, 1, 2, 5))):
        lines = text.split("\n")
        at = chance.randrange(len(lines))
        words = lines[at].split(" ")
        word = chance.randrange(len(words))
        dice = chance.randrange(9)
        if dice == 0:
            del lines[at]
        elif dice == 1:
            lines.insert(at, chance.choice(lines))
        elif dice == 2:
            lines[at] = " ".join(words[:word] + words[word + 1:])
        elif dice == 3:
            words[word] = chance.choice(WORDS)
            lines[at] = " ".join(words)
        elif dice == 4:
            other = chance.randrange(len(lines))
            lines[at], lines[other] = lines[other], lines[at]
        elif dice == 5:
            words.insert(word, chance.choice(WORDS))
            lines[at] = " ".join(words)
        elif dice == 6 and len(lines[at]) > 1:
            letter = chance.randrange(len(lines[at]) - 1)
            lines[at] = lines[at][:letter] + lines[at][letter + 1] + lines[at][letter] + lines[at][letter + 2:]
        elif dice == 7:
            lines[at] += chance.choice((" -> ok", " -> any within", " |", " \"", " -> 5..1", " ->", " SO_REUSEADDR"))
        else:
            lines = lines[:at]
        text = "\n".join(lines)
    return text


def story(chance):
    """Returns a scenario, and whether it has the same verdict each time."""
    one = Story(chance)
    text = one.write()
    if chance.randrange(100) < 35:
        text = spoil(chance, text)
    return text, one.steady


# --- command lines ---

QUESTIONS = ["127.0.0.1:2000", ":2000", "2000", "[::]:3000", "[::1]:3000", ":::3000", "0.0.0.0:2000", "localhost:2000", ":http",
             "udp/5353", "5353/udp", "127.0.0.1:5353", "unix:db", "@db", "./db", "/nowhere/db", "http://localhost:2000/x",
             "tcp://127.0.0.1:2000", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:-1", "[::1", "::1]:80", "", " ", "-",
             "--", "[fe80::1%lo]:80", "[fe80::1%nowhere]:80", "224.0.0.1:80", "192.0.2.1:80", "255.255.255.255:80", "nowhere.invalid:80",
             "bind: Address already in use", "listen tcp :2000: bind: address already in use", "127.0.0.1:99999999999999999999",
             "Error: listen EADDRINUSE: address already in use :::3000", "OSError: [Errno 98] Address already in use: ('', 2000)",
             "connect: Cannot assign requested address", "\x1b[31m", "\u202e:80", "x" * 5000, "a" * 70 + ":80", "*:2000", "0:2000",
             "127.1:2000", "0x7f.1:2000", "127.0.0.1:02000", "127.0.0.1:2000 127.0.0.1:3000", "[::ffff:127.0.0.1]:2000", "1.2.3.4.5:6"]
VALUES = ["", "0", "1", "-1", "99999999999999999999", "x", "127.0.0.1", "127.0.0.1:2000", "[::1]", "lo", "nowhere", "40000-40099",
          "5-1", "1-", "-", "0s", "1ms", "1h", "/dev/null", "/nowhere/x", ".", "json", "text", "tcp", "udp", "unix", "server", "client",
          "root", "65534", "::,v6only,REUSEADDR", "LISTEN", "bind", "time-wait", "\x1b[31m", "::error::x", "a" * 300, "\u202e"]
OPTIONS_OF = {
    "why": ["--as", "--protocol", "--from", "--no-port", "--port-range", "--no-reuse-addr", "--reuse-addr", "--reuse-port", "--v6only",
            "--device", "--uid", "-v", "--all-netns", "--pid", "--netns", "-q", "--color", "--try-time-wait", "--watch=1ms"],
    "budget": ["--from", "--device", "--port-range", "--bind", "--range", "--reuse-addr", "--warn", "--critical", "--pid", "--netns",
               "-q", "--color=never", "--try-time-wait"],
    "audit": ["--ports", "--services", "--pid", "--netns", "-q", "--color=always"],
    "list": ["--tag"], "show": [], "check": ["--all"],
    "matrix": ["--protocol", "--state", "--first", "--second", "--diff", "--must-run"],
    "run": ["--repeat", "--timeout", "--port", "--must-run", "-v", "-q", "--limit"],
    "version": ["-v"], "help": [],
}
TAKES = {"--as", "--protocol", "--from", "--port-range", "--device", "--uid", "--pid", "--netns", "--range", "--warn", "--critical",
         "--ports", "--services", "--tag", "--state", "--first", "--second", "--diff", "--repeat", "--timeout", "--port", "--limit"}
FORMATS = ["text", "json", "line", "nagios", "prometheus", "html", "markdown", "svg", "csv", "x"]


def command_line(chance):
    """Returns the words behind `portreuse`."""
    command = chance.choice(["why"] * 6 + ["budget"] * 4 + ["audit"] * 2 + ["matrix"] + ["list", "show", "check", "run", "version", "help"])
    words = [command]
    if command == "budget":
        words.append("--interval=" + chance.choice(("0", "0", "1ms", "x")))
    if command == "matrix":
        words += ["--first", chance.choice(("127.0.0.1", "::,v6only")), "--second", chance.choice(("127.0.0.1", "::1"))]
    for _ in range(chance.choice((0, 0, 1, 1, 2, 4))):
        options = OPTIONS_OF[command]
        option = chance.choice(options) if options and chance.randrange(100) < 92 else "--" + chance.choice(WORDS[:12])
        words.append(option)
        if option in TAKES and chance.randrange(100) < 95:
            value = chance.choice(VALUES if chance.randrange(100) < 70 or command in ("list", "run") else QUESTIONS)
            words.append(value if option != "--repeat" else chance.choice(("0", "2", "x", "-1")))
    if command in ("why", "budget"):
        words += chance.sample(QUESTIONS, chance.choice((0, 1, 1, 1, 1, 1, 2)))
    elif command in ("list", "show", "check", "help"):
        words += chance.sample(VALUES + ["address-in-use", "time-wait-rebind", "adress-in-use", "why", "bind"], chance.choice((0, 1, 1, 2)))
    elif command == "run":
        words += chance.sample(VALUES + ["address-in-use", "option-after-bind", "adress-in-use"], chance.choice((0, 1, 1)))
    if chance.randrange(100) < 30 and command in ("why", "budget", "audit", "matrix", "run"):
        words += ["--format", chance.choice(FORMATS)]
    chance.shuffle(words) if chance.randrange(100) < 2 else None
    return [word.replace("\0", "") for word in words]
