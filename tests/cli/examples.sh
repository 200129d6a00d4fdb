#!/bin/sh
# The commands of README and docs. Those shown with their output, `$ COMMAND`, are run and their output is
# compared: here, or where examples.tsv says (by-hand.sh does docs/by-hand.md, tests/field those with real
# servers). The others are run, too, as examples.tsv says; it has each of them, and no other.
# shellcheck source=lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=situation.sh
. "$here/../situation.sh"
top=$(cd "$here/../.." && pwd)

# shellcheck source=shown.sh
. "$here/../shown.sh"

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

# --- every command line ---

# The documents that are written by hand; by-hand.sh does the other one.
cd "$top" || exit 1
for document in README.md docs/*.md; do
  case $document in
    docs/catalogue.md | docs/causes.md | docs/by-hand.md) ;;
    *) awk -f "$here/examples.awk" "$document" | sed "s|^|$document	|" ;;
  esac
done >"$work/lines"
cut -f 1,2 "$here/examples.tsv" >"$work/known"
ok "examples.tsv has each command line of README and docs, and no other" diff "$work/known" "$work/lines"
ok "and they are many" test "$(wc -l <"$work/lines")" -gt 50

# What they find: the program in the PATH, a few scenarios, a test of another project, and the documents.
mkdir -p "$work/there/tests"
cd "$work/there" || exit 1
cp "$portreuse" .
cp "$top/scenarios/time-wait-rebind.scenario" my.scenario
cp "$top/scenarios/address-in-use.scenario" tests/own.scenario
ln -s "$top/docs" docs
printf 'test:\n\ttrue\n' >Makefile
echo '{"name": "own", "version": "1.0.0", "scripts": {"test": "true"}}' >package.json
# lacks COMMAND: prints the first program of the line that is not installed.
lacks() {
  for word in jq prove ansible npm make timeout; do
    case " $1 " in *" $word "*) command -v "$word" >/dev/null || { echo "$word" && return; } ;; esac
  done
}
while IFS='	' read -r document command how <&3; do
  case $how in
    "in "*)
      how=${how#in }
      words=$command
      [ "$how" = "${how%%: *}" ] || words=${how#*: }
      ok "$document: $command: ${how%%: *} has it" grep -qF -e "$words" "$top/tests/${how%%: *}"
      ;;
    "not: "*) echo "# not run: $document: $command: ${how#not: }" ;;
    *)
      [ "$how" != = ] || how=$command
      missing=$(lacks "$how")
      if [ -n "$missing" ]; then
        skip "$document: $command" "$missing is not installed"
      else
        run env PATH="$work/there:$PATH" HOME="$work" sh -c "$how"
        ok "$document: $command" status_is 0
      fi
      ;;
  esac
done 3<"$here/examples.tsv"

# Commands in the middle of a sentence: the scenarios and the options that they name are there.
cd "$top" || exit 1
grep -ohE '`(sudo )?portreuse [^`]+`' README.md docs/*.md | tr -d '`' | sed 's/^sudo //' | sort -u >"$work/inline"
sed -n 's/^portreuse run //p' "$work/inline" | tr ' ' '\n' | grep -xE '[a-z0-9]+(-[a-z0-9]+)+' | sort -u >"$work/names"
"$portreuse" list --format json >"$work/list" # without jq
ok "each scenario that a sentence names is there" sh -c 'while read -r name; do
    grep -qF "\"name\": \"$name\"" "$1" || { echo "$name"; exit 1; }; done <"$2"' - "$work/list" "$work/names"
ok "and they are some" test "$(wc -l <"$work/names")" -gt 2
while read -r _ command rest; do
  "$portreuse" help "$command" >"$work/help" 2>/dev/null || continue # `portreuse :8080`
  for word in ${rest%% -- *}; do
    case $word in
      --) break ;;
      --*)
        grep -qE -e "^ .*${word%%[=,]*}([^a-z-]|$)" "$work/help" || echo "portreuse $command has no $word" ;;
    esac
  done
done <"$work/inline" >"$work/wrong"
ok "each option that a sentence names is there" sh -c '! grep . "$1"' - "$work/wrong"

# --- the comparison itself ---

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
printf 'one two\n  (4711) three\n...\nfive\n' >"$work/want"
printf 'zero one two (123)\nthree four five six\n' >"$work/out"
ok "word by word, lines may break elsewhere" as_told "$work/out"
printf 'zero one two (123)\nthree 3 six\n' >"$work/out"
as_told "$work/out" >"$work/said"
ok "but a word that is missing is found" grep -q 'expected: five' "$work/said"
finish
