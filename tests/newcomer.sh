#!/bin/sh
# A newcomer's first minutes: for each SUITE of Debian, makes a root directory with nothing but the base
# system, puts a clone of this tree there, and follows README.md as an ordinary user who may use sudo. The
# commands are read from README.md and typed as they stand there: the first block that builds and runs, the
# tour, the second block that tests. Prints TAP.
#
# usage: tests/newcomer.sh [--first | --plain] [--keep] [SUITE...]   (default: bookworm trixie bullseye)
#
#   --first   only the first command and the tour: two minutes for each suite
#   --plain   the second command with its step `plain` alone; whole, it takes a quarter of an hour
#   --keep    keeps the base systems in build-roots/, so that the next run need not fetch them
#
# Skipped (exit status 77) without root, debootstrap, or a mirror of Debian in the sources of this machine.
# Nothing of the machine is changed: all mounts are in a private namespace. Not tried: Ubuntu, Fedora, Alpine
# and the others that tests/deps.sh knows, as there is no mirror of theirs here.
set -u
top=$(cd "$(dirname "$0")/.." && pwd)
second=all
keep=
while [ $# -gt 0 ]; do
  case $1 in
    --first) second=none ;;
    --plain) second=plain ;;
    --keep) keep=yes ;;
    -*)
      echo "$0: unknown option '$1'" >&2
      exit 2
      ;;
    *) break ;;
  esac
  shift
done
[ $# -gt 0 ] || set -- bookworm trixie bullseye

give_up() {
  echo "1..0 # SKIP $*"
  exit 77
}
[ "$(id -u)" = 0 ] || give_up "only root can make a root directory and enter it"
for tool in debootstrap git unshare pivot_root; do
  command -v $tool >/dev/null || give_up "$tool is missing"
done
mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.sources /etc/apt/sources.list.d/*.list 2>/dev/null |
  sed -n -e 's/^URIs: *//p' -e 's/^deb \(\[[^]]*\] \)\{0,1\}\([^ ]*\) .*/\2/p' | tr ' ' '\n' |
  grep -m 1 -E '/debian/?$')
[ -n "$mirror" ] || give_up "the sources of this machine have no mirror of Debian"

work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT
trap 'exit 130' INT TERM
chmod 755 "$work"
case $(findmnt -n -o OPTIONS -T "$work") in
  *nosuid*) give_up "$work is mounted nosuid, so that sudo cannot work there" ;;
esac

count=0
failures=0
# ok NAME COMMAND...
ok() {
  count=$((count + 1))
  name=$1
  shift
  if "$@" >"$work/said" 2>&1; then
    echo "ok $count - $suite: $name"
  else
    failures=$((failures + 1))
    echo "not ok $count - $suite: $name"
    tail -n 40 "$work/said" | sed 's/^/# | /'
    [ ! -s "$work/out" ] || tail -n 40 "$work/out" | sed 's/^/# out: /'
    [ ! -s "$work/err" ] || tail -n 20 "$work/err" | sed 's/^/# err: /'
  fi
}

# --- what README.md says ---

# command N: the Nth block of shell.
command_of() {
  awk -v wanted="$1" '/^```$/ { inside = 0 } inside && count == wanted { print }
    /^```sh$/ { inside = 1; count++ }' "$top/README.md"
}
# shown PATTERN: the indented block below the first line that matches.
shown() {
  awk -v pattern="$1" '!found && $0 ~ pattern { found = 1; next }
    found && /^    / { sub(/^    /, ""); print; begun = 1; next }
    found && begun && /^$/ { print; next }
    found && begun { exit }' "$top/README.md" | sed -e :a -e '/^\n*$/{$d;N;ba' -e '}'
}

# --- the base system ---

# base SUITE: makes $root, with nothing but the packages that Debian requires, apt, sudo and an ordinary user.
base() {
  root=$work/root
  rm -rf --one-file-system "$root"
  kept=$top/build-roots/$1
  if [ ! -e "$kept/etc" ]; then
    new=$root
    [ -z "$keep" ] || { new=$kept.new && rm -rf "$new" && mkdir -p "$top/build-roots"; }
    debootstrap --variant=minbase --include=sudo,ca-certificates "$1" "$new" "$mirror" >"$work/out" 2>"$work/err" || return 1
    [ -z "$keep" ] || mv "$new" "$kept"
  fi
  [ -e "$root" ] || cp -a "$kept" "$root"
  cp -L /etc/resolv.conf "$root/etc/resolv.conf"
  chroot "$root" useradd -m -s /bin/bash newcomer
  echo 'newcomer ALL=(ALL) NOPASSWD: ALL' >"$root/etc/sudoers.d/newcomer"
  git clone -q --no-hardlinks "$top" "$root/home/newcomer/portreuse"
  chroot "$root" chown -R newcomer: /home/newcomer
}

# What enters the root directory: a mount namespace that has it as its root, not a chroot, in which the
# kernel lets no user make a user namespace.
cat >"$work/enter" <<'S'
set -e
root=$1
shift
mount --bind "$root" "$root"
cd "$root"
mount -t proc proc proc
mount --rbind /sys sys
mount --rbind /dev dev
mount -t tmpfs -o mode=1777 tmpfs tmp
mkdir -p mnt
pivot_root . mnt
cd /
umount -l /mnt
exec "$@"
S

# typed LINE: what the newcomer types in a new login shell, in the clone; its exit status goes to $rc.
typed() {
  rc=0
  timeout 7200 unshare --mount --pid --fork --kill-child --propagation private sh "$work/enter" "$root" \
    su - newcomer -c "cd portreuse && $1" >"$work/out" 2>"$work/err" </dev/null || rc=$?
}
status_is() {
  echo "exit status $rc"
  [ "$rc" = "$1" ]
}
seconds() { echo $(($(date +%s) - begun)); }
out_matches() { grep -qE -e "$1" "$work/out"; }
first_line_matches() { head -n 1 "$work/out" | grep -qE -e "$1"; }
ends_like() { # FILE
  tail -n "$(wc -l <"$1")" "$work/out" | diff "$1" -
}

# --- the minutes ---

first_command() {
  begun=$(date +%s)
  typed "$(command_of 1)"
  ok "the first command: $(command_of 1)" status_is 0
  echo "# note: $suite: the first command took $(seconds) s"
  shown '^It ends like this' >"$work/want"
  ok "README.md shows how it ends" test -s "$work/want"
  ok "and it ends so" ends_like "$work/want"
  ok "the compiler does not complain" sh -c '! grep -h "warning:" "$@"' - "$work/out" "$work/err"
}

# What README.md lets the newcomer type next, by where it stands there.
tour() {
  line=$(sed -n 's/^    \(PATH=.*\)/\1/p' "$top/README.md")
  typed "$line && portreuse version"
  ok "after $line, the program is found" first_line_matches '^portreuse [0-9]'
  typed 'cmake --install build --prefix ~/.local'
  ok "it is installed for one user" status_is 0
  typed 'portreuse'
  ok "alone, it prints a short help" grep -q '^  portreuse why :8080 ' "$work/err"
  typed 'portreuse run time-wait-rebind'
  ok "portreuse run time-wait-rebind" first_line_matches '^PASS time-wait-rebind: 4 cases, all as expected$'
  typed 'portreuse why :8080'
  ok "portreuse why :8080" first_line_matches '^(FREE|EADDRINUSE) (0\.0\.0\.0)?:8080: '
  typed 'portreuse Error: listen EADDRINUSE: address already in use :::3000'
  ok "an error message that is pasted" first_line_matches '^(FREE|EADDRINUSE) .*:3000'
  typed 'echo "bind: Address already in use 127.0.0.1:8080" 2>&1 | portreuse why -'
  ok "one that comes through a pipe" first_line_matches '^(FREE|EADDRINUSE) 127\.0\.0\.1:8080'
  typed 'portreuse why /run/app.sock'
  ok "portreuse why /run/app.sock" first_line_matches '^[A-Z]+ .*/run/app\.sock'
  typed 'portreuse trace -- portreuse client -e 127.0.0.1:1'
  ok "portreuse trace" grep -q 'portreuse trace: connect(127.0.0.1:1): ECONNREFUSED' "$work/err"
  for line in budget audit list 'list time-wait' 'show time-wait-rebind' matrix 'version -v' 'help why' help; do
    typed "portreuse $line"
    ok "portreuse $line" test "$rc" -le 1
    ok "portreuse $line: it says something" test -s "$work/out"
  done
  shown '^A scenario is a text file that says' >"$root/home/newcomer/own.scenario"
  typed 'portreuse check ~/own.scenario && portreuse run ~/own.scenario'
  ok "the scenario of README.md is right" first_line_matches '^PASS 1 file without errors'
  ok "and passes" out_matches '^PASS own: 2 cases, all as expected'
  typed 'cd /tmp && portreuse run --all --output results.xml --output results.html && head -c 5 results.xml results.html'
  ok "portreuse run --all with two reports" status_is 0
  ok "of which both are there" out_matches '<\?xml'
  typed 'man -V >/dev/null 2>&1 || ls ~/.local/share/man/man1/portreuse.1'
  ok "the man page is installed" status_is 0
  typed 'sudo cmake --install build && portreuse version'
  ok "it is installed for all, with sudo" status_is 0
}

# Without sudo, deps.sh can but say what is missing.
without_sudo() {
  mv "$root/usr/bin/sudo" "$root/usr/bin/sudo.away"
  typed 'tests/deps.sh tests'
  ok "without sudo, deps.sh fails" status_is 1
  ok "and says what to install, by Debian's names" grep -q 'please install: libcmocka-dev$' "$work/err"
  mv "$root/usr/bin/sudo.away" "$root/usr/bin/sudo"
}

second_command() {
  begun=$(date +%s)
  line=$(command_of 2)
  [ "$second" = all ] || line="$line plain"
  typed "$line"
  cp "$work/out" "$work/$suite.tests"
  ok "the second command: $line" status_is 0
  # What stands below the name of a test with a failure.
  awk '/^[^ ]+: .* [1-9][0-9]* failed/ { more = 100 } more-- > 0 || /^not ok/ { print "# " $0 }' "$work/out"
  echo "# note: $suite: the second command took $(seconds) s: $(tail -n 1 "$work/out")"
  ok "its last line is the sum, without a failure" sh -c 'tail -n 1 "$1" | grep -qE "^[1-9][0-9]+ passed, 0 failed$"' - "$work/out"
}

for suite; do
  begun=$(date +%s)
  base "$suite"
  ok "a base system of $suite" test -x "$root/usr/bin/sudo"
  [ -x "$root/usr/bin/sudo" ] || continue
  echo "# note: $suite: the base system took $(seconds) s"
  first_command
  tour
  without_sudo
  [ "$second" = none ] || second_command
done
echo "1..$count"
[ $failures = 0 ]
