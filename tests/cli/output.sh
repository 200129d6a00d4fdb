#!/bin/sh
# --format and --output: which format goes where, and what becomes of a file that cannot be written.
# shellcheck source=lib.sh
. "$(dirname "$0")/../lib.sh"
cd "$work" || exit 1
mkdir files
nothing_else_in_files() { [ "$(find files -mindepth 1 | sort | tr '\n' ' ')" = "$1" ]; }
same() { cmp "$1" "$2"; }

scenario fails <<'S'
title  One case as expected, one not
case good
  one  socket  s
case bad
  one  socket  s
  one  bind    s 127.0.0.1:4000 -> EADDRINUSE
S
fails=$file
run "$portreuse" run "$fails"
cp out told
run "$portreuse" run --output files/a.json --output files/b:text --output files/c.txt "$fails"
ok "the exit code stays that of the run" status_is 1
ok "standard output is as ever" same out told
ok "a file told to be text is the same" same files/b told
ok "one that is text by its ending too" same files/c.txt told
ok "the JSON is of that run" grep -q '"verdict": "FAIL"' files/a.json
ok "no other file is left" nothing_else_in_files "files/a.json files/b files/c.txt "
run "$portreuse" run -q --format json --output files/c.txt "$fails"
ok "--format is for standard output" out_has '"verdict": "FAIL"'
ok "-q is too" same files/c.txt told
run "$portreuse" run -q --output "files/a:b.txt" --output files/x:y:text "$fails"
ok "a colon may be in a file's name" nothing_else_in_files \
  "files/a.json files/a:b.txt files/b files/c.txt files/x:y "
chmod 644 files/b && ln -s b files/link
run "$portreuse" run -q --output files/link:json "$fails"
ok "a link is followed, not replaced" sh -c '[ -h files/link ] && grep -q "\"FAIL\"" files/b'

# What is wrong is said before anything runs.
refused() { # NAME TEXT OPTION...
  refused_name=$1 refused_text=$2
  shift 2
  run "$portreuse" run "$@" "$fails"
  ok "$refused_name is exit 2" status_is 2
  ok "$refused_name is told" err_has "$refused_text"
  ok "$refused_name: nothing was run" out_is_empty
}
refused "an unknown format" "--format: unknown format 'jsno'; did you mean 'json'?" --format jsno
refused "another one" "unknown format 'no-such-format'; expected text" --format no-such-format
refused "an unknown format of a file" "--output: unknown format 'txet'; did you mean 'text'?" \
  --output files/d:txet
refused "an unknown ending" "write files/d.foo:FORMAT, or use one of .txt" --output files/d.foo
refused "a file without an ending" "write files/d:FORMAT" --output files/d
refused "the same file twice" "the same file is named twice" \
  --output files/d.json --output files/../files/d.json
refused "the same file twice, by a link" "the same file is named twice" \
  --output files/b:json --output files/link:text
refused "a missing directory" "--output none/d.json: No such file" --output none/d.json
refused "a directory" "--output files: Is a directory" --output files:json
refused "standard output" "--format is for standard output" --output -
refused "an empty name" "expected a file name" --output :json
run sh -c '"$1" run -q --output /dev/stdout:json "$2" >files/e' - "$portreuse" "$fails"
ok "a file that is standard output already is exit 2" status_is 2
ok "and told" err_has "this is standard output; use --format"
rm files/e

# A write that fails.
run "$portreuse" run -q --output /dev/full:json --output files/f.json "$fails"
ok "a full disk is exit 2" status_is 2
ok "and told" err_has "--output /dev/full: No space left on device"
ok "the other reports are written all the same" test -s files/f.json
ok "also that on standard output" first_line_starts "FAIL fails: 1 of 2 cases"
# It is the same for every command that has a report.
# still_reports COMMAND ARGUMENT...: standard output is as ever although a file cannot be written. In a
# network namespace of its own if that can be had: on the host, other processes open and close sockets.
alone="unshare -n"
is_root || alone="unshare -rn"
$alone true 2>/dev/null || alone=
still_reports() {
  # shellcheck disable=SC2086 # to be split
  run $alone "$portreuse" "$@"
  head -n 1 out | tr -d '0-9' >told_before
  # shellcheck disable=SC2086
  run $alone "$portreuse" "$@" --output /dev/full:json --output "files/$1.json"
  head -n 1 out | tr -d '0-9' >told_now
  ok "$1: a full disk is exit 2" status_is 2
  ok "$1: and told" err_has "--output /dev/full: No space left on device"
  ok "$1: standard output has its report" sh -c '[ -s told_now ] && cmp told_now told_before'
  ok "$1: the other file has it too" test -s "files/$1.json"
}
still_reports run -q "$fails"
still_reports why -q 127.0.0.1:0
still_reports budget -q
still_reports audit -q
still_reports matrix --state BOUND --first 127.0.0.1 --second 127.0.0.1
run "$portreuse" run -q --output /dev/null:json "$fails"
ok "/dev/null is written as it is" sh -c '[ "$1" = 1 ] && [ -c /dev/null ]' - "$rc"
mkfifo files/pipe
sh -c 'sleep 0.5; exec cat files/pipe' >piped & # the reader comes late
run "$portreuse" run -q --output files/pipe:text "$fails"
wait $!
ok "a pipe is written as it is" same piped told
sh -c 'exec 3<files/pipe' &
run "$portreuse" run -q --output files/pipe:json --output files/g.txt ephemeral-exhaustion
wait $!
ok "a reader that has gone is exit 2" status_is 2
ok "and told" err_has "--output files/pipe: Broken pipe"
ok "and the next file is written" test -s files/g.txt
run "$portreuse" run -q --output files/pipe:text "$fails"
ok "a pipe that nobody reads is exit 2" status_is 2
ok "and told, before anything runs" err_has "--output files/pipe: No such device or address"
mkdir -m 555 files/closed
run as_user "$portreuse" run --output files/closed/d.json "$fails"
ok "no permission is exit 2" status_is 2
ok "and told before anything runs" err_has "--output files/closed/d.json: Permission denied"
ok "nothing was run" out_is_empty
cp told files/closed/d.json
if ln files/closed/d.json files/closed/e.json 2>/dev/null; then
  chmod 666 files/closed/d.json
  run as_user "$portreuse" run -q --output files/closed/d.json "$fails"
  ok "a file that is there is left alone where the new one cannot be made" same files/closed/d.json told
fi
ulimit_run() { (ulimit -f "$1" && shift && exec "$@"); }
cp told files/h.json
for signal in default ignore; do
  run ulimit_run 1 env --$signal-signal=XFSZ "$portreuse" run -q --output files/h.json time-wait-rebind
  ok "a file that cannot grow is exit 2, SIGXFSZ by $signal" status_is 2
  ok "and told" err_has "--output files/h.json: File too large"
  ok "the old file is still there, whole" same files/h.json told
  ok "no temporary file is left" sh -c '! find files -name "*.tmp" | grep .'
done
run sh -c 'ulimit -f 0; exec "$1" list >files/k' - "$portreuse"
ok "standard output that cannot grow, too" status_is 2
rm files/k

scenario long <<'S'
title  It takes a while
case one
  sleep 20s
S
# start FILE: runs it in the background as $victim, with a report to FILE, and waits for its first step.
start() {
  "$portreuse" run --format ndjson --output "$1" "$file" >events 2>err &
  victim=$!
  until_ok grep -q '"step begin"' events
}
start files/i.json
kill -TERM $victim
wait $victim
ok "a run that a signal ends writes its files, too" grep -q '"interrupted": true' files/i.json
start files/j.json
kill -KILL $victim
wait $victim
ok "a run that is killed leaves no file" sh -c '! find files -name "*j.json*" -o -name "*.tmp" | grep .'

finish
