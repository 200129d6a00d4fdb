#!/bin/sh
# docs/fleet.md on several hosts: three network namespaces, each in a situation of its own. The lines with
# pdsh run as they stand in the document, the playbook runs on all three, and the plugin of
# node-problem-detector is asked as the monitor asks it.
# shellcheck source=lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=situation.sh
. "$here/../situation.sh"
docs=$here/../../docs
have() { command -v "$1" >/dev/null; }

# --- the hosts: web1 has a listener at port 2000, web2 has used up its ports, among them 2000, web3 has nothing ---

mkdir "$work/hosts"
host() { # NAME SITUATION DESCRIPTOR
  begin "$2"
  eval "exec $3>&9"
  exec 9>&-
  echo "$pid" >"$work/hosts/$1"
  eval "${1}_situation=\$situation"
}
host web1 listener 5
host web2 exhausted 6
host web3 nothing 7
for name in web1 web2 web3; do
  [ "$(cat "$work/hosts/$name")" != 0 ] || {
    skip "several hosts" "$name cannot be made here: $(cat "$work/trouble")"
    finish
  }
done

# Reaches a host as ssh(1) does: `on HOST COMMAND` runs a line of sh there.
user=
is_root || user='-U --preserve-credentials'
cat >"$work/on" <<S
#!/bin/sh
pid=\$(cat "$work/hosts/\$1") || exit 255
shift
PATH=$work:\$PATH exec nsenter -t "\$pid" $user -n sh -c "\$*"
S
cat >"$work/ssh" <<S
#!/bin/sh
# pdsh: ssh -2 -a -x -lUSER HOST COMMAND...
while case \$1 in -*) true ;; *) false ;; esac; do shift; done
exec "$work/on" "\$@"
S
chmod +x "$work/on" "$work/ssh"
run "$work/on" web3 portreuse why -q :2000
ok "a host can be reached" first_line_starts "FREE "

# --- pdsh, with the lines of the document ---

if have pdsh && have dshbak; then
  mkdir -p "$work/.dsh/group"
  printf '%s\n' web1 web2 web3 >"$work/.dsh/group/web"
  sed -n 's/^    \(pdsh .*\)/\1/p' "$docs/fleet.md" | sed 's/:8080/:2000/' >"$work/lines"
  # A list of hosts stands for the group where Debian's pdsh has no groups.
  pdsh -L 2>/dev/null | grep -q dshgroup || sed -i 's/-g web/-w web1,web2,web3/' "$work/lines"
  line() { # PATTERN: runs the line of the document that has it
    run env HOME="$work" PATH="$work:$PATH" PDSH_RCMD_TYPE=ssh sh -c "$(grep -m 1 -e "$1" "$work/lines")"
  }
  line 'audit -q'
  ok "audit: hosts with the same answer are one group" sh -c 'grep -q "^web\[1-3\]$" "$1" || grep -qE "^web(1,web)?2" "$1"' - "$work/out"
  line 'run --tag seed'
  ok "run: all hosts say the same" out_matches '^web\[1-3\]$'
  ok "and pass" out_matches '^PASS 5 scenarios'
  line 'budget -q'
  ok "budget: the host without ports comes first" first_line_starts "0 web2:"
  line 'why -q'
  ok "why: a server has the port on one host" out_matches '^web1: EADDRINUSE .* listens on 127.0.0.1:2000'
  ok "a client on another" out_matches '^web2: EADDRINUSE .* uses it as a client'
  ok "and on the third it is free" out_matches '^web3: FREE '
  ok "with -S the worst exit status is that of pdsh" status_is 1
  ok "each line of the document was tried" test "$(wc -l <"$work/lines")" = 4
else
  skip "the lines with pdsh" "pdsh is not installed"
fi

# --- Ansible: the playbook, on all hosts ---

if have ansible-playbook; then
  for name in web1 web2 web3; do
    printf '#!/bin/sh\nexec "%s" %s portreuse "$@"\n' "$work/on" $name >"$work/portreuse-on-$name"
    chmod +x "$work/portreuse-on-$name"
    echo "$name ansible_connection=local portreuse_program=$work/portreuse-on-$name"
  done >"$work/inventory"
  run env HOME="$work" ansible-playbook -i "$work/inventory" -e ansible_python_interpreter=/usr/bin/python3 \
    -e portreuse_address=:2000 "$docs/fleet/ansible.yml"
  ok "the playbook fails" status_is 2
  ok "on the hosts where the port is in use" sh -c 'grep -qE "^web1 .*failed=1" "$1" && grep -qE "^web2 .*failed=1" "$1"' - "$work/out"
  ok "and on no other one" out_matches '^web3 .*failed=0'
  ok "it shows what each host lacks" out_matches 'CRITICAL 127.0.0.1:3000 from 127.0.0.1: 0 of 4 ports left'
else
  skip "the playbook" "ansible is not installed"
fi

# --- node-problem-detector: as its custom plugin monitor asks ---
#
# (pkg/custompluginmonitor of its source) Each rule is run with its timeout. Its output, without the blanks around
# it, is cut to max_output_length bytes; exit status 0 is OK, 1 NonOK, anything else Unknown. A permanent rule
# sets its condition to False, True or Unknown; where that changes, the reason and the message are those of the
# rule (True), the default ones (False), or the default reason with the message of the rule (Unknown). A
# temporary rule makes an event unless it is OK.
python=
for candidate in python3 /usr/bin/python3; do
  "$candidate" -c 'import yaml' 2>/dev/null && python=$candidate
done
cat >"$work/monitor.py" <<'S'
import json, subprocess, sys, yaml
manifest, on, *hosts = sys.argv[1:]
config = json.loads(next(o["data"]["portreuse.json"] for o in yaml.safe_load_all(open(manifest)) if o["kind"] == "ConfigMap"))
conditions = {c["type"]: dict(c, status="False") for c in config["conditions"]}
defaults = {c["type"]: c for c in config["conditions"]}
for host in hosts:
    for rule in config["rules"]:
        assert float(rule["timeout"].rstrip("s")) <= float(config["pluginConfig"]["timeout"].rstrip("s")), "refused at the start"
        done = subprocess.run([on, host, "portreuse", *rule["args"]], stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=6 * float(rule["timeout"].rstrip("s")))  # of a busy machine
        message = done.stdout.strip()
        assert message and b"\n" not in message, done
        assert len(message) <= config["pluginConfig"]["max_output_length"], message
        message = message.decode()
        result = {0: "False", 1: "True"}.get(done.returncode, "Unknown")
        if rule["type"] == "temporary":
            print(host, "no event" if result == "False" else f"event {rule['reason']}: {message}")
            continue
        condition, default = conditions[rule["condition"]], defaults[rule["condition"]]
        if condition["status"] != result:
            condition["status"] = result
            condition["reason"] = rule["reason"] if result == "True" else default["reason"]
            condition["message"] = default["message"] if result == "False" else message
        print(host, condition["type"], condition["status"], condition["reason"] + ":", condition["message"])
S
# A host that cannot be looked at: nothing says what its range is.
cat >"$work/on-any" <<S
#!/bin/sh
[ "\$1" = blind ] || exec "$work/on" "\$@"
shift
exec unshare ${user:+-r} -mn sh -c 'mount -t tmpfs none /proc/sys && PATH=$work:\$PATH exec "\$@"' - "\$@"
S
chmod +x "$work/on-any"
if [ -z "$python" ]; then
  skip "node-problem-detector" "python3-yaml is not installed"
else
  run "$python" "$work/monitor.py" "$docs/fleet/node-problem-detector.yaml" "$work/on-any" web3 web2 blind web3
  ok "node-problem-detector: each rule is as the monitor wants it" status_is 0
  line() { sed -n "$1p" "$work/out" | grep -qE -e "$2"; }
  ok "the condition is false where all ports are left" line 1 '^web3 LocalPortsRunOut False LocalPortsLeft: local ports are left'
  ok "true where none is, with the reason of the rule and the line of portreuse" line 3 \
    '^web2 LocalPortsRunOut True FewLocalPorts: CRITICAL 127\.0\.0\.1:3000 .* 0 of 4 ports left'
  ok "no server port is in danger there" line 4 '^web2 no event$'
  ok "unknown where nothing can be found out, with the reason why" line 5 '^blind LocalPortsRunOut Unknown LocalPortsLeft: UNKNOWN .*'
  ok "and false again afterwards" line 7 '^web3 LocalPortsRunOut False LocalPortsLeft: local ports are left'
fi

exec 5>&- 6>&- 7>&-
# shellcheck disable=SC2154 # by eval
wait "$web1_situation" "$web2_situation" "$web3_situation"
finish
