#!/bin/sh
# The commands that README and docs show with their output, `    $ COMMAND` in an indented block: each is run
# here, and its output compared. A line of `...` stands for any lines. (by-hand.sh does docs/by-hand.md,
# tests/field the ones that need nginx or another server.)
# shellcheck source=lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=situation.sh
. "$here/../situation.sh"
top=$(cd "$here/../.." && pwd)

# block FILE COMMAND: what the document shows below the command goes to the file want.
block() {
  awk -v command="    \$ $2" '
    $0 == command { inside = 1; next }
    inside && /^    \$ / { exit }
    inside && /^    / { sub(/^    /, ""); print; next }
    inside && /^$/ { print; next }
    inside { exit }' "$top/$1" | sed -e :a -e '/^\n*$/{$d;N;ba' -e '}' >"$work/want"
}

# What differs from time to time: process IDs, ports that the kernel chose, times left.
same() { sed -E -e 's/\([0-9]+\)/(PID)/g' -e 's/:[3-6][0-9]{4}([^0-9]|$)/:PORT\1/g' -e 's/[0-9]+ s left/T s left/' "$@"; }

# as_shown: the output is what the document shows.
as_shown() {
  [ -s "$work/want" ] || {
    echo "the document does not show this command"
    return 1
  }
  same "$work/out" >"$work/now"
  same "$work/want" | awk -v now="$work/now" '
    function next_line() { return (getline line <now) > 0 }
    /^ *\.\.\.$/ { skipping = 1; next }
    {
      do
        if (!next_line()) { print "expected: " $0; exit failed = 1 }
      while (skipping && line != $0)
      if (line != $0) { print "expected: " $0 "\nprinted:  " line; exit failed = 1 }
      skipping = 0
    }
    END { if (!failed && !skipping && next_line()) { print "not expected: " line; exit 1 } }'
}

block README.md "portreuse run time-wait-rebind"
run "$portreuse" run time-wait-rebind
ok "README.md: portreuse run time-wait-rebind" as_shown

command="matrix --state TIME-WAIT --first 127.0.0.1,REUSEADDR --second 127.0.0.1,REUSEADDR"
block docs/bind-rules.md "portreuse $command"
# shellcheck disable=SC2086 # to be split into words
run "$portreuse" $command
ok "docs/bind-rules.md: portreuse $command" as_shown

# The port of the situation is another one. The document shows what an ordinary user sees.
begin time-wait
if is_root && [ "$pid" != 0 ]; then
  block README.md "portreuse why :8080"
  sed -i 's/:8080/:2000/g' "$work/want"
  run nsenter -t "$pid" -n setpriv --reuid=65534 --regid=65534 --clear-groups "$portreuse" why :2000
  ok "README.md: portreuse why :8080" as_shown
else
  skip "README.md: portreuse why :8080" "only root can be an ordinary user in a namespace that is there"
fi
end

# A difference is found.
printf 'one\n...\nthree\nfour\n' >"$work/want"
printf 'one\ntwo\nthree\n' >"$work/out"
as_shown >"$work/said"
ok "a line that is not printed is found" grep -qx 'expected: four' "$work/said"
printf 'one\n...\nthree\n' >"$work/want"
ok "lines may be left out" as_shown
printf 'one\n' >"$work/want"
as_shown >"$work/said"
ok "a line that the document does not have is found" grep -q 'not expected: two' "$work/said"
printf 'one\ntwo\nfive\n' >"$work/want"
as_shown >"$work/said"
ok "and another one" grep -q 'printed:  three' "$work/said"
finish
