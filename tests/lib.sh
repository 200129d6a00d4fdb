# For the test scripts: `. "$(dirname "$0")/../lib.sh"`. The first argument is the path of the binary,
# the second the directory with the helper programs. Prints TAP; exit status 1 if a test failed.
#
# shellcheck shell=sh
# shellcheck disable=SC2034 # some variables are for the scripts

portreuse=$1
helpers=$2
here=$(cd "$(dirname "$0")" && pwd)
scenarios=$here/scenarios
count=0
failures=0

work=$(mktemp -d)
chmod 755 "$work"
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# A copy that every user may run, even if the tree is private.
cp "$portreuse" "$work/portreuse"
chmod 755 "$work/portreuse"
portreuse=$work/portreuse

# run COMMAND...: its exit status goes to $rc, its output to the files out and err.
run() {
  rc=0
  "$@" >"$work/out" 2>"$work/err" </dev/null || rc=$?
}

# quote LINES FILE [PREFIX]: the first lines of the file as remarks; the last one ends with a newline,
# whatever the file says, so that no result stands behind it in the same line.
quote() {
  [ ! -e "$2" ] || head -n "$1" "$2" | awk -v prefix="${3:-# | }" '{ print prefix $0 }'
}

# Whether this machine refuses network namespaces (as many containers do), which most tests need.
refuses_namespaces() { "$portreuse" version -v | grep -q '^ *private network namespace *no'; }

# ok NAME COMMAND...: passes if the command succeeds. Where it fails and network namespaces are refused,
# it is reported as skipped.
ok() {
  test_name=$1
  shift
  if "$@" >"$work/ok" 2>&1; then
    count=$((count + 1))
    echo "ok $count - $test_name"
    return
  fi
  if refuses_namespaces; then
    skip "$test_name" "it fails, as this machine refuses network namespaces: portreuse version -v"
    return
  fi
  count=$((count + 1))
  failures=$((failures + 1))
  echo "not ok $count - $test_name"
  echo "# failed: $*"
  quote 60 "$work/ok"
  echo "# exit status ${rc:-none}; standard output:"
  quote 60 "$work/out"
  echo "# standard error:"
  quote 30 "$work/err"
}

# The processes that run our copy of the program. An ordinary user sees all those of the machine: one find(1)
# looks at them.
our_processes() { find /proc/[0-9]*/exe -prune -lname "$portreuse" 2>/dev/null; }

# await COMMAND...: waits until it succeeds. Returns 1 if it has not after half a minute and more, which
# even a busy machine does not need.
await() {
  tries=0
  until "$@" >/dev/null 2>&1; do
    tries=$((tries + 1))
    [ $tries -lt 1500 ] || return 1
    sleep 0.02
  done
}

# until_ok COMMAND...: the same where it must succeed.
until_ok() {
  await "$@" || {
    ok "waiting for: $*" false
    return 1
  }
}

# skip NAME REASON: reported as skipped.
skip() {
  count=$((count + 1))
  echo "ok $count - $1 # SKIP $2"
}

# skip_kernel NAME REASON: the same for what this kernel lacks. CI does not know the machine to be able
# to do it: there it is only a remark, not a failure.
skip_kernel() {
  if [ "${CI:-}" = true ]; then
    echo "# not run: $1: $2"
  else
    skip "$1" "$2"
  fi
}

# For `ok`: predicates on what the last `run` left in $rc, out and err.
status_is() { [ "$rc" = "$1" ]; }
out_has() { grep -qF -e "$1" "$work/out"; }
# out_says TEXT: like out_has, but every run of blanks and newlines is taken as one blank.
out_says() { tr -s ' \n' ' ' <"$work/out" | grep -qF -e "$1"; }
out_lacks() { ! grep -qF -e "$1" "$work/out"; }
out_matches() { grep -qE -e "$1" "$work/out"; }
err_has() { grep -qF -e "$1" "$work/err"; }
err_says() { tr -s ' \n' ' ' <"$work/err" | grep -qF -e "$1"; } # like out_says
first_line_is() { [ "$(head -n 1 "$work/out")" = "$1" ]; }
first_line_starts() { case "$(head -n 1 "$work/out")" in "$1"*) true ;; *) false ;; esac }
out_is_empty() { [ ! -s "$work/out" ]; }
err_is_empty() { [ ! -s "$work/err" ]; }

# as_user COMMAND...: as an ordinary user, whoever we are.
as_user() {
  if [ "$(id -u)" = 0 ]; then
    setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
  else
    "$@"
  fi
}

# Returns whether an ordinary user may create a private namespace here; otherwise skip what needs one.
users_may() { as_user "$portreuse" version -v | grep -qE 'private network namespace +yes'; }

is_root() { [ "$(id -u)" = 0 ]; }

# scenario NAME: writes the scenario on standard input to a file, and its path to $file.
scenario() {
  file=$work/$1.scenario
  cat >"$file"
}

finish() {
  echo "1..$count"
  [ "$failures" = 0 ]
  exit
}
