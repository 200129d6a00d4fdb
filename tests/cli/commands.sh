#!/bin/sh
# The commands: what they print, and what they answer to words that they do not know.
# shellcheck source=lib.sh
. "$(dirname "$0")/../lib.sh"

run "$portreuse" list
ok "list succeeds" status_is 0
for name in address-in-use time-wait-rebind ephemeral-exhaustion fixed-client-port ephemeral-bind; do
  ok "list has the seed's $name" out_matches "^  $name  +[A-Z]"
done
ok "list fits 80 columns" sh -c '! grep -E "^.{81}" "$1"' - "$work/out"
names() { sed -n 's/^  \([a-z0-9-]*\)\( .*\)*$/\1/p' "$work/out" | grep .; }
ok "list has each built-in scenario once" sh -c '[ "$1" = "$2" ]' - "$(names | sort)" \
  "$(basename -s .scenario "$here"/../../scenarios/*.scenario | sort)"
run "$portreuse" list --tag seed
ok "list --tag seed shows the five" sh -c '[ "$1" = 5 ]' - "$(names | wc -l)"
ok "by group" sh -c '[ "$(grep -c "^[a-z-]*: " "$1")" = 4 ]' - "$work/out"
run "$portreuse" list TIME-wait 470
ok "list WORD... searches why too" sh -c '[ "$1" = ephemeral-exhaustion ]' - "$(names)"
run "$portreuse" list rebind
ok "list WORD searches names" out_matches '^  time-wait-rebind '
run "$portreuse" list --tag seed runs OUT of
ok "all the words have to be there, and the tag" sh -c '[ "$1" = ephemeral-exhaustion ]' - "$(names)"
run "$portreuse" list seed nonsense
ok "a search that finds nothing is exit 2" status_is 2
ok "and says so" err_has "no scenario has all of 'seed', ... in its name, title, tags or why"
run "$portreuse" list --tag nonsense
ok "list --tag of no scenario is exit 2" status_is 2
ok "and says so" err_has "no scenario has the tag 'nonsense'"
run "$portreuse" list --tag tiem-wait
ok "and suggests one that is near" err_has "no scenario has the tag 'tiem-wait'; did you mean 'time-wait'?"
run "$portreuse" list tiem-wait
ok "so does list WORD" err_has "no scenario has 'tiem-wait'; did you mean 'time-wait'?"

run "$portreuse" list --format json
ok "list --format json succeeds" status_is 0
if command -v jq >/dev/null; then
  cp "$work/out" "$work/list.json"
  ok "it has each built-in scenario" sh -c '[ "$(jq -r ".scenarios[].name" "$1")" = "$2" ]' - "$work/list.json" \
    "$(basename -s .scenario "$here"/../../scenarios/*.scenario | LC_ALL=C sort)"
  ok "with its cases, and their lines" sh -c '
    jq -r ".scenarios[] | .name as \$name | .cases[] | \"\(\$name) \(.line)\"" "$1/list.json" >"$1/cases"
    for file in "$2"/*.scenario; do
      awk -v name="$(basename -s .scenario "$file")" "/^case / { print name, NR }" "$file"
    done | sort >"$1/want"; sort "$1/cases" | cmp - "$1/want"' - "$work" "$here/../../scenarios"
  ok "and what it needs" sh -c '[ "$(jq -r ".scenarios[] | select(.name == \"port-range-per-socket\") | .needs[]" "$1/list.json")" = \
    "$(sed -n "s/^needs  *//p" "$2/port-range-per-socket.scenario")" ]' - "$work" "$here/../../scenarios"
  run "$portreuse" list --format json --tag seed runs OUT of
  ok "searched like the text" sh -c 'jq -e ".scenarios | map(.name) == [\"ephemeral-exhaustion\"]" "$1"' - "$work/out"
else
  skip "what list --format json says" "jq is not installed"
fi
run "$portreuse" list --format json nonsense
ok "a search that finds nothing prints no document" out_is_empty
ok "and is exit 2" status_is 2

run "$portreuse" show time-wait-rebind
ok "show succeeds" status_is 0
ok "show prints the very file" cmp "$work/out" "$here/../../scenarios/time-wait-rebind.scenario"
cp "$work/out" "$work/mine.scenario"
run "$portreuse" run -q "$work/mine.scenario"
ok "what show printed runs as one's own file" first_line_is "PASS mine: 4 cases, all as expected"
run "$portreuse" show time-wait-rebnid
ok "show of an unknown name is exit 2" status_is 2
ok "and suggests" err_has "did you mean 'time-wait-rebind'?"
run "$portreuse" show
ok "show without a name is exit 2" status_is 2

run "$portreuse" version
ok "version prints a version" out_matches '^portreuse [0-9]+\.[0-9]+\.[0-9]+$'
cp "$work/out" "$work/version"
run "$portreuse" --version
ok "--version is version" cmp "$work/out" "$work/version"
run "$portreuse" version -v
ok "version -v succeeds" status_is 0
ok "version -v names the kernel" out_has "$(uname -r)"
ok "version -v says if a private namespace is possible" out_matches 'private network namespace +[yn]'
ok "version -v shows sysctls" out_matches 'net.ipv4.ip_local_port_range +[0-9]+'

for word in help --help -h; do
  run "$portreuse" $word
  ok "$word shows the commands" out_matches '^  run +run scenarios'
  ok "in 80 columns" sh -c '! grep -E "^.{81}" "$1"' - "$work/out"
done
for command in $("$portreuse" help | sed -n '/^Examples/q; s/^  \([a-z]*\)  *[a-z].*/\1/p'); do
  run "$portreuse" help "$command"
  ok "help $command tells its usage" out_has "usage: portreuse $command"
  run "$portreuse" "$command" --help
  ok "$command --help does too" out_has "usage: portreuse $command"
  ok "and nothing in it is escaped" out_lacks '\x'
  ok "in 80 columns" sh -c '! grep -E "^.{81}" "$1"' - "$work/out"
done
"$portreuse" help >"$work/help"
sed -n '/^Examples$/,/^$/s/^  \(portreuse.*\)   *.*/\1/p' "$work/help" >"$work/examples"
ok "help has three examples" test "$(wc -l <"$work/examples")" = 3
while read -r _ command _; do
  ok "of commands" sh -c 'grep -q "^  $1 " "$2"' - "$command" "$work/help"
done <"$work/examples"
run "$portreuse" help rnu
ok "help of an unknown command is exit 2" status_is 2
ok "and suggests" err_has "did you mean 'run'?"

run "$portreuse"
ok "no command is exit 2" status_is 2
ok "and prints what there is" cmp "$work/err" "$work/help"
ok "and nothing on standard output" out_is_empty
run "$portreuse" rnu time-wait-rebind
ok "an unknown command is exit 2" status_is 2
ok "and suggests" err_has "unknown command 'rnu'; did you mean 'run'?"
ok "and prints nothing on standard output" out_is_empty
run "$portreuse" list --tga seed
ok "an unknown option is exit 2" status_is 2
ok "and suggests" err_has "unknown option '--tga'; did you mean '--tag'?"
run "$portreuse" run -x
ok "an unknown short option is named" err_has "unknown option '-x'"
run "$portreuse" run --all -qx
ok "also behind a long one, and behind another in its word" err_has "unknown option '-x'"
run "$portreuse" run -quiet
ok "a long option with one hyphen is led to two" err_has "unknown option '-quiet'; did you mean '--quiet'?"
run "$portreuse" run --repeat
ok "an option without its value is named" err_has "option '--repeat' needs a value"
run "$portreuse" run --all=1
ok "a value for an option that takes none is named" err_has "option '--all=1' takes no value"
run "$portreuse" version one two
ok "a word too many is exit 2" status_is 2
ok "and is named" err_has "unexpected 'one'"

# shellcheck disable=SC2013 # names have no blanks
for command in $(sed -n 's/^const struct command command_\([a-z]*\) = .*/\1/p' "$here"/../../src/cmd/*.c); do
  ok "command_$command is in the table of src/cmd/commands.c" \
    grep -qF "&command_$command," "$here/../../src/cmd/commands.c"
  ok "a script of tests/cli runs '$command' (if none does: write tests/cli/$command.sh)" \
    grep -qE "portreuse\"? $command( |\$)" "$here"/*.sh
done

ln -s portreuse "$work/portreuse-run"
run "$work/portreuse-run" -q address-in-use
ok "a link called portreuse-run is 'portreuse run'" first_line_is \
  "PASS address-in-use: 8 cases, all as expected"
ln -s portreuse "$work/portreuse-0.1-static"
run "$work/portreuse-0.1-static" run -q address-in-use
ok "a link of another name is the program itself" status_is 0

run sh -c '"$1" list >/dev/full' - "$portreuse"
ok "a full disk is exit 2" status_is 2
ok "and is told" err_has "No space left on device"
run sh -c '"$1" run address-in-use >/dev/full' - "$portreuse"
ok "also for a report" status_is 2
run sh -c '"$1" version <&- >"$2" 2>&-' - "$portreuse" "$work/closed"
ok "closed descriptors do no harm" status_is 0

finish
