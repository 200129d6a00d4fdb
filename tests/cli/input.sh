#!/bin/sh
# Bad input: a clear error, exit 2, nothing started, nothing hangs.
# shellcheck source=lib.sh
. "$(dirname "$0")/../lib.sh"

# refused NAME MESSAGE FILE...: run and check both refuse it, with this message.
refused() {
  name=$1
  message=$2
  shift 2
  for command in run check; do
    run timeout 10 "$portreuse" $command "$@"
    ok "$command: $name is exit 2" status_is 2
    ok "$command: and the message tells" err_has "$message"
    [ $command = check ] || ok "run: nothing was run" out_is_empty
  done
}

refused "a missing file" "$work/none.scenario: error: cannot read this file: No such file" \
  "$work/none.scenario"
refused "a directory" "error: cannot read this file: it is a directory" "$work"
head -c 4096 "$portreuse" >"$work/binary" # all of it may be too large
refused "a binary file" "error: not a text file: it contains NUL bytes" "$work/binary"
: >"$work/empty.scenario"
refused "an empty file" "empty.scenario: error: cannot read this file: it is empty" "$work/empty.scenario"
head -c 1048576 /dev/zero | tr '\0' x >"$work/long.scenario"
refused "a line of a megabyte" "long.scenario:1:1: error: this line has 1048576 bytes" \
  "$work/long.scenario"
refused "a file without end" "error: cannot read this file: it is a device or a socket" /dev/zero
mkfifo "$work/fifo"
refused "a FIFO that nobody writes to" "error: cannot read this file: it is a FIFO" "$work/fifo"
if ! is_root; then
  : >"$work/secret.scenario"
  chmod 0 "$work/secret.scenario"
  refused "a file without permission" "Permission denied" "$work/secret.scenario"
fi
refused "a name that is near to a scenario's" "did you mean 'address-in-use'?" adress-in-use
refused "a name that is near to none" "no scenario or file has this name" frobnicate

scenario keyword <<'S'
title  A role that is called like a keyword
case one
  await socket listener
  setup socket listener
  end   socket listener
  connect socket listener
  why   socket listener
S
refused "a role name that is a keyword" ":3:3: error: 'await' is a keyword and cannot name a role" \
  "$file"
ok "another" err_has ":4:3: error: 'setup' is a keyword and cannot name a role"
ok "another" err_has ":5:3: error: 'end' is a keyword and cannot name a role"
ok "one of the header" err_has ":7:3: error: 'why' is a keyword and cannot name a role"
ok "a verb" err_has ":6:3: error: 'connect' is a keyword and cannot name a role"

{
  printf 'title many mistakes\ncase one\n'
  seq 30 | sed 's/^/  one frobnicate /'
} >"$work/many.scenario"
run "$portreuse" check "$work/many.scenario"
ok "of many mistakes the first 20 are shown" [ "$(grep -c 'error:' "$work/err")" = 20 ]
ok "and how many more there are" err_has "... and 10 more errors ('portreuse check --all' shows all)"
ok "all are counted" out_has "ERROR 30 errors in 1 file"
run "$portreuse" check --all "$work/many.scenario"
ok "check --all shows all" [ "$(grep -c 'error:' "$work/err")" = 30 ]

scenario early <<'S'
title  A socket before it is made
case one
  one  bind  listener 127.0.0.1:4000
S
refused "a socket used before it is made" \
  "early.scenario:3:14: error: socket 'listener' of role 'one' is used before it is created" "$file"

scenario end <<'S'
title  An end without a block
case one
  one  socket  s
  end
S
refused "an end without a block" ":4:3: error: 'end' without a block" "$file"

scenario host <<'S'
title  A sysctl of the host
case one
  sysctl kernel.pid_max 100
S
refused "a sysctl that is not of a network namespace" "affects the whole host" "$file"

run timeout 10 "$portreuse" run --nonsense time-wait-rebind
ok "an unknown option is exit 2" status_is 2
for pair in "--repeat 0" "--repeat x" "-j 0" "--timeout 5x" "--timeout 0" "--net=host" "--format xml"; do
  # shellcheck disable=SC2086 # the words are to be parted
  run timeout 10 "$portreuse" run $pair address-in-use
  ok "run $pair is exit 2" status_is 2
  ok "and says what is expected" err_has "expected "
done
run timeout 10 "$portreuse" run
ok "run without a name is exit 2" status_is 2
run timeout 10 "$portreuse" run --all address-in-use
ok "names beside --all are exit 2" status_is 2
run timeout 10 "$portreuse" run --tag nonsense
ok "a tag that no scenario has is exit 2" status_is 2

# Standard input and process substitution are files too.
run sh -c '"$1" run -q - <"$2"' - "$portreuse" "$here/../../scenarios/address-in-use.scenario"
ok "- is standard input" first_line_is "PASS <stdin>: 8 cases, all as expected"
(cat "$here/../../scenarios/address-in-use.scenario" >"$work/fifo") &
run timeout 10 sh -c 'sleep 0.2; "$1" run -q - <"$2"' - "$portreuse" "$work/fifo"
ok "a pipe is read to its end" first_line_is "PASS <stdin>: 8 cases, all as expected"

finish
