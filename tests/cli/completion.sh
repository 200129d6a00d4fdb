#!/bin/sh
# What shells complete: `portreuse help --words -- WORD...` prints what the options and operands allow.
# shellcheck source=lib.sh
. "$(dirname "$0")/../lib.sh"
export LC_ALL=C

# words WORD...: what the last word may become goes to the file words, without the descriptions.
words() {
  run "$portreuse" help --words -- "$@"
  cut -f 1 "$work/out" >"$work/words"
}
has() { grep -qxF -e "$1" "$work/words"; }
lacks() { ! has "$1"; }
same() { cmp "$work/words" "$work/want"; }

"$portreuse" help | sed -n '/^Examples/q; s/^  \([a-z]*\) .*/\1/p' >"$work/want"
commands=$(cat "$work/want")
words
ok "at first stand the commands" same
words ""
ok "also where nothing is typed yet" same
words help ""
ok "and behind help" same
ok "with their line of help" out_matches "^run	run scenarios"

for file in "$here"/../../scenarios/*.scenario; do
  basename "$file" .scenario
done | LC_ALL=C sort >"$work/want"
for command in run show; do
  words $command ""
  ok "behind $command stand the scenarios" same
done
words run -v address-in-use ""
ok "behind a scenario, too" same
ok "with their titles" out_has "time-wait-rebind	A restarted server finds its port in TIME-WAIT"

words run time-wait-rebind:
ok "behind a scenario and a colon stand the lines of its cases" \
  out_matches "^time-wait-rebind:[0-9]+	SO_REUSEADDR on neither socket\$"
ok "and nothing else" sh -c '! grep -v "^time-wait-rebind:" "$1"' - "$work/words"
words run no-such-scenario:
ok "none behind another word" out_is_empty
words show time-wait-rebind:
ok "nor for a command that takes no case" sh -c '! grep : "$1"' - "$work/words"

words run -
ok "behind a dash stand the options" has --must-run
ok "short ones" has -v
ok "and those whose value may be left out" has --jobs
ok "and no hidden one" lacks --noclose
ok "and no scenario" lacks address-in-use
words list ""
ok "where nothing else can stand, the options do" has --tag
words run --tag ""
ok "behind --tag stand the tags" has time-wait
ok "each once" sh -c '[ -z "$(sort "$1" | uniq -d)" ]' - "$work/words"
words run --tag=
ok "behind --tag= too" has --tag=time-wait
words run --format ""
ok "behind --format stand the formats" has json
# values COMMAND OPTION VALUE...: exactly these are offered after the option, and after `OPTION=`.
values() {
  values_command=$1 values_option=$2
  shift 2
  words "$values_command" "$values_option" ""
  printf '%s\n' "$@" >"$work/want"
  ok "$values_command $values_option has its values" same
  words "$values_command" "$values_option="
  printf '%s\n' "$@" | sed "s/^/$values_option=/" >"$work/want"
  ok "$values_command $values_option= too" same
}
values why --as server client
values run --net private current
values matrix --call bind port-0 connect bind-connect
"$portreuse" matrix | sed -n '/^BOUND  *a /,/^$/ s/^\([A-Z][A-Z0-9-]*\)  *.*/\1/p' >"$work/states"
ok "there are states" sh -c '[ "$(wc -l <"$1")" -ge 20 ]' - "$work/states"
# shellcheck disable=SC2046 # the states are to be parted
values matrix --state $(cat "$work/states") UNCONN
words run --color=
ok "behind --color= stand its values" has --color=never
words run --color ""
ok "but not behind --color, whose value may be left out" has address-in-use
words why --netns ""
ok "a namespace is no scenario" out_is_empty
cat >"$work/listening" <<'END'
ip link set lo up
"$1" server -l 127.0.0.1:1217 >"$2/server1" 2>&1 &
one=$!
"$1" server -l 127.0.0.1:80 >"$2/server2" 2>&1 &
trap 'kill $one $!' EXIT
until grep -q ':04C1 00000000:0000 0A' /proc/net/tcp && grep -q ':0050 00000000:0000 0A' /proc/net/tcp; do
  sleep 0.05
done
"$1" help --words -- why -q ""
"$1" help --words -- why localhost:
END
if unshare -rn true 2>/dev/null && command -v ip >/dev/null; then
  run timeout 60 unshare -rn sh "$work/listening" "$portreuse" "$work"
  ok "behind why stand the ports that have a listener" test "$(cat "$work/out")" = "$(printf '80\n1217\nlocalhost:80\nlocalhost:1217')"
  run unshare -rn "$portreuse" help --words -- why ""
  ok "none where nothing listens" out_is_empty
else
  skip "behind why stand the ports that have a listener" "no namespace, or no ip(8)"
fi
words why -
ok "and its options behind a dash" has --as
words run --timeout ""
ok "a time is anybody's guess" out_is_empty
words check ""
ok "files are the shell's to find" out_is_empty
words nonsense ""
ok "of an unknown command nothing is known" out_is_empty
ok "and that is no error" status_is 0

# Every option that the help tells is one that the command takes, with a value where it says so. An
# option behind it that nobody knows keeps the command from being run.
for command in $commands; do
  words "$command" -
  sort -u "$work/words" >"$work/options"
  while read -r option; do
    run "$portreuse" "$command" "$option" --nobody-knows-this
    ok "$command $option is known" sh -c '! grep -q "option .$1.*\(;\|no value\)" "$2"' - \
      "$option" "$work/err"
  done <"$work/options"
done

finish
