#!/bin/sh
# Every command with few descriptors, little memory, a small stack: it answers as ever, or it has exit
# status 2 and says what it lacks. Never FREE, OK or PASS by mistake, no crash, no hang.
# shellcheck source=lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=private.sh
. "$here/../private.sh"

"$portreuse" server 127.0.0.1:1215 >"$work/served" &
server=$!
# Another program than the first.
cp "$portreuse" "$work/other"
"$portreuse" server --reuse-port 127.0.0.1:1218 >"$work/first" &
first=$!
"$work/other" server --reuse-port 127.0.0.1:1218 >"$work/second" &
second=$!
trap 'kill $server $first $second 2>/dev/null; rm -rf "$work"' EXIT
for name in served first second; do
  until_ok grep -q '^wait' "$work/$name"
done
scenario good <<'END'
title it can be read
case one
  a socket s
END

# Root could raise the limit again.
limited="setpriv --bounding-set=-sys_resource"
$limited true 2>/dev/null || limited=

# ask ARGUMENT...: what it says depends on no process ID and no port.
ask() {
  run timeout 60 "$@"
  told="$rc $(head -n 1 "$work/out" | tr -d '0-9')"
}
lacks_something() {
  cat "$work/out" "$work/err" | tr -s ' \n' ' ' | grep -qE \
    'EMFILE|ENOMEM|Too many open files|Cannot allocate memory|out of memory|too few descriptors'
}
# answers: as without a limit ($usual); or with exit status 2 and what is lacking; or with the same
# verdict, and what kept it from saying more.
answers() {
  [ "$told" != "$usual" ] || return 0
  case $rc in
    127) err_has "error while loading shared libraries" ;; # before the program begins
    2) lacks_something ;;
    *) [ "${told%%:*}" = "${usual%%:*}" ] && lacks_something ;;
  esac
}
# under OPTION VALUE...: asks the same with each of these limits of ulimit.
under() {
  option=$1
  shift
  for value in "$@"; do
    # shellcheck disable=SC2016,SC2086 # it is the other shell's; the words are many
    ask $limited sh -c 'ulimit "$1" "$2" || exit 99; shift 2; exec "$@"' - "$option" "$value" \
      "$portreuse" $command
    answers || {
      echo "with ulimit $option $value: $told, not $usual"
      return 1
    }
  done
}

# A sanitizer maps more than these limits, and takes more of the stack.
small=yes
! grep -q __asan_init "$portreuse" || small=
while read -r command; do
  # shellcheck disable=SC2086 # the words are many
  ask "$portreuse" $command
  usual=$told
  ok "$command: few descriptors" under -n 4 5 7 9 12
  [ -n "$small" ] || continue
  ok "$command: little memory" under -v 5600 6400 7200 9000
  ok "$command: a small stack" under -s 100 600
done <<END
run -q time-wait-rebind
why 127.0.0.1:1215
why --format json 127.0.0.1:1216
why -q :1216
why -q --as client 127.0.0.1:1215
why unix:$work/no.sock
budget -q
audit -q
trace -- $portreuse server 127.0.0.1:1215
matrix --state BOUND --first 127.0.0.1 --second 127.0.0.1
list --format json
show time-wait-rebind
check $file
server 127.0.0.1:1217 -w 0
server 127.0.0.1:1215
client 127.0.0.1:1215 -w 0
version -v
help
END

finish
