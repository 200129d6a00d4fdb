#!/bin/sh
# Each case of the catalogue proves what it claims: without one of the options, settings and listen()
# calls before its last expectation it fails, or survivors.txt says why it does not.
#
# tests/cli/inversion.sh shows that each expectation is looked at; this shows what it depends on. A step
# of the setup has to matter to one case at least.
#
# usage: tests/mutation/run.sh PORTREUSE HELPERS [SCENARIO...]   (default: all but the slow ones, which need TIMEOUT=120s)
# shellcheck source=lib.sh
. "$(dirname "$0")/../lib.sh"

if ! command -v jq >/dev/null; then
  skip "each case fails without what it depends on" "jq is not installed"
  finish
fi
[ $# -lt 2 ] || shift 2
tab=$(printf '\t')

mkdir "$work/mutants"
names=$*
[ -n "$names" ] || names=$(cd "$here/../../scenarios" && grep -L '^slow' ./*.scenario | sed 's,^./,,; s/.scenario$//')
for name in $names; do
  awk -v into="$work/mutants" -f "$here/mutants.awk" "$here/../../scenarios/$name.scenario" |
    sed "s/^/$name$tab/"
done >"$work/list"

# A mutant that `check` refuses proves nothing: what is missing is a word of the language.
for mutant in "$work"/mutants/*; do
  "$portreuse" check "$mutant" >/dev/null 2>&1 || rm "$mutant"
done
ok "there are mutants" test "$(find "$work/mutants" -type f | wc -l)" -gt "$(echo "$names" | wc -w)"

"$portreuse" run -j 16 --timeout "${TIMEOUT:-30s}" --format json "$work"/mutants/*.scenario >"$work/out"
verdicts() {
  jq -r '.scenarios[] | select(.verdict == "FAIL" or .verdict == "PASS") | [.name, .verdict] | @tsv' \
    "$work/out"
}
verdicts >"$work/verdicts"
# On a busy machine a step may not end in time: what is an ERROR is run once more, with less beside it.
jq -r '.scenarios[] | select(.verdict == "ERROR") | .name' "$work/out" >"$work/again"
if [ -s "$work/again" ]; then
  sed "s,.*,$work/mutants/&.scenario," "$work/again" |
    xargs "$portreuse" run -j 2 --timeout 60s --format json >"$work/out"
  verdicts >>"$work/verdicts"
fi
ok "none of them is an ERROR" jq -e '[.scenarios[] | select(.verdict == "ERROR") | .name] |
  if . == [] then true else error(tostring) end' "$work/out"

# What is left of a step that every case passes without, and all that was judged: not what is SKIP here.
awk -F '\t' '
  NR == FNR { verdict[$1] = $2; next }
  $2 in verdict {
    key = $1 "\t" $3 "\t" $4
    at = key "\t" $5
    key_of[at] = key
    if (verdict[$2] == "FAIL") killed[at] = 1
  }
  END { for (at in key_of) print (at in killed ? "killed" : "survivor") "\t" key_of[at] }' \
  "$work/verdicts" "$work/list" >"$work/judged"
sed -n "s/^survivor$tab//p" "$work/judged" | sort -u >"$work/survivors"
cut -f 2- "$work/judged" | sort -u >"$work/seen"
[ -z "${SURVIVORS:-}" ] || cp "$work/survivors" "$SURVIVORS"
sed '/^#/d; /^$/d' "$here/survivors.txt" >"$work/known.all"
for name in $names; do
  grep "^$name$tab" "$work/known.all"
done >"$work/listed"
cut -f 1-3 "$work/listed" | sort -u >"$work/known"
grep -v "${tab}by chance: " "$work/listed" | cut -f 1-3 | sort -u | comm -12 - "$work/seen" >"$work/certain"
ok "each reason is given" sh -c '! grep -vE "^[^	]+	[^	]+	[^	]+	.+" "$1"' - "$work/known.all"
ok "what passes all the same is in survivors.txt" sh -c '! comm -23 "$1" "$2" | grep .' - \
  "$work/survivors" "$work/known"
ok "and nothing else is" sh -c '! comm -13 "$1" "$2" | grep .' - "$work/survivors" "$work/certain"

finish
