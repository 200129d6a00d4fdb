#!/bin/sh
# docs/bind-rules.md has every rule of the model, and names no scenario that there is not.
# shellcheck source=lib.sh
. "$(dirname "$0")/../lib.sh"
top=$(cd "$here/../.." && pwd)
page=$top/docs/bind-rules.md

tr -d '\n' <"$top/src/model/rules.c" | grep -oE '\[RULE_[A-Z0-9_]+\] = +\{"[a-z0-9-]+"' |
  cut -d '"' -f 2 | grep -vxE 'free|other-port' >"$work/rules"
ok "the model has rules" sh -c '[ "$(wc -l <"$1")" -ge 18 ]' - "$work/rules"
# shellcheck disable=SC2016 # the backquotes are those of Markdown
ok "each of them stands in docs/bind-rules.md" sh -c \
  'while read -r rule; do grep -qF "\`$rule\`" "$2" || { echo "$rule"; exit 1; }; done <"$1"' - \
  "$work/rules" "$page"

# A name in backquotes with a hyphen in it, and neither a rule nor a thing that is left out.
grep -oE '`[a-z0-9]+(-[a-z0-9]+)+`' "$page" | tr -d '`' | sort -u >"$work/named"
sed -n 's/^| `\([a-z0-9.-]*\)` | .*/\1/p' "$page" >"$work/tables"
grep -vxF -f "$work/rules" "$work/named" | grep -vxF -f "$work/tables" >"$work/scenarios"
ok "scenarios are named" sh -c '[ "$(wc -l <"$1")" -ge 15 ]' - "$work/scenarios"
ok "each of them is there" sh -c \
  'while read -r name; do [ -e "$2/scenarios/$name.scenario" ] || { echo "$name"; exit 1; }; done <"$1"' - \
  "$work/scenarios" "$top"

sed -n 's/^    \$ portreuse //p' "$page" | head -n 1 >"$work/example"
# shellcheck disable=SC2046 # the words are to be parted
run "$portreuse" $(cat "$work/example")
sed -n '/^    \$ portreuse /,/^## /p' "$page" | sed '1d; /^## /d; s/^    //' | sed '$d' >"$work/shown"
if grep -q 'PASS matrix: 1 pair' "$work/out"; then
  ok "the example answers as the page shows" diff "$work/out" "$work/shown"
else
  skip "the example answers as the page shows" "there are no other users, or no IPv6"
fi

finish
