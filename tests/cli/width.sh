#!/bin/sh
# No line of help or of a report is wider than 80 columns. Columns are counted, not bytes.
# shellcheck source=lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=situation.sh
. "$here/../situation.sh"

top=$(cd "$here/../.." && pwd)

# The exception is a command to paste that cannot be broken.
to_paste='^ +(sudo |ip netns exec [^ ]+ |nsenter [^ ]+ ([0-9]+ -n )?)*(echo|kill|portreuse why|ss -tK|sysctl) '
too_wide() { LC_ALL=C.UTF-8 grep -hE '^.{81}' "$@" | grep -vE "$to_paste"; }

# fits COMMAND...: notes what it prints that is too wide.
fits() {
  run "$@"
  shift
  too_wide "$work/out" "$work/err" | sed "s|^|$*: |" >>"$work/wide"
}

# all_fit NAME: everything since the last time fitted.
all_fit() {
  ok "$1: no line is wider than 80 columns" sh -c '! grep "" "$1"' - "$work/wide"
  : >"$work/wide"
}

printf 'äöü%077d\n' 1 >"$work/80"
printf 'äöü%078d\n' 1 >"$work/81"
ok "81 columns are too wide" too_wide "$work/81"
ok "80 columns are not, if they are 83 bytes, too" sh -c '! grep "" "$1"' - \
  "$(too_wide "$work/80" >"$work/none"; echo "$work/none")"

fits "$portreuse" help
commands=$(sed -n 's/^  \([a-z]*\)  *[a-z].*/\1/p' "$work/out")
ok "help names the commands" test "$(echo "$commands" | wc -l)" -gt 9
for command in $commands; do
  fits "$portreuse" help "$command"
done
all_fit help

fits "$portreuse" version -v
fits "$portreuse" list
names=$(sed -n 's/^  \([a-z0-9-]\{1,\}\)\( .*\)*$/\1/p' "$work/out")
fits "$portreuse" list time
fits "$portreuse" check "$top"/scenarios/*.scenario
all_fit "version, list and check"

echo "$names" | xargs -P 4 -I '{}' sh -c '
  "$1" show "$2" | grep -q "^slow" || "$1" run "$2" >"$3/run.$2" 2>&1' - "$portreuse" '{}' "$work"
ok "scenarios have run" test -s "$work/run.address-in-use"
too_wide "$work"/run.* >"$work/wide"
fits "$portreuse" run --all -j
fits "$portreuse" run --all -j -v
all_fit "runs that pass"

scenario wide <<'TEXT'
title A report of what did not go as expected, with the longest addresses there are
case two sockets on one address, of which the second is expected to be allowed here
  address 2001:db8:1111:2222:3333:4444:5555:6666
  first-role-with-name  socket  listener-with-a-long-name
  first-role-with-name  bind    listener-with-a-long-name [2001:db8:1111:2222:3333:4444:5555:6666]:65000
  first-role-with-name  listen  listener-with-a-long-name
  second-role-with-name socket  listener-with-a-long-name
  second-role-with-name bind    listener-with-a-long-name [2001:db8:1111:2222:3333:4444:5555:6666]:65000
  second-role-with-name connect listener-with-a-long-name [2001:db8:1111:2222:3333:4444:5555:6666]:65000 -> ECONNREFUSED
TEXT
fits "$portreuse" check "$file"
fits "$portreuse" run "$file"
fits "$portreuse" run -v "$file"
all_fit "runs that fail"

fits "$portreuse" matrix
fits "$portreuse" matrix -v
all_fit matrix

situations=$(sed -n 's/^ *{"\([a-z0-9-]*\)", make_.*/\1/p' "$here/situation.c")
ok "there are situations" test -n "$situations"
for name in $situations; do
  begin "$name"
  if [ "$pid" != 0 ]; then
    for address in 127.0.0.1:2000 '[::1]:2000' 127.0.0.1:0; do
      fits "$portreuse" why --pid "$pid" "$address"
    done
    fits "$portreuse" why --pid "$pid" --reuse-addr --reuse-port :2000
    fits "$portreuse" why --pid "$pid" --as client 127.0.0.1:3000
    fits "$portreuse" budget --interval 0 --pid "$pid"
    fits "$portreuse" audit --ports 1-65535 --pid "$pid"
  fi
  end
done
fits "$portreuse" budget
fits "$portreuse" audit
fits "$portreuse" why 192.0.2.1:2000
all_fit "why, budget and audit"

finish
