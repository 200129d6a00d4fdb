#!/bin/sh
# The catalogue: it passes, each refusal in it is explained, and docs/catalogue.md is what it is now.
# shellcheck source=lib.sh
. "$(dirname "$0")/../lib.sh"
docs=$here/../../docs

if ! command -v jq >/dev/null; then
  skip "the catalogue" "jq is not installed"
  finish
fi
run "$portreuse" run --all -j --format json
json() { jq -e "$1" "$work/out"; }
ok "the whole catalogue passes" status_is 0
ok "each EADDRINUSE and EADDRNOTAVAIL has evidence" json \
  '[.scenarios[].cases[].steps[] | select(.got // "" | test("^EADDR")) | .evidence] |
   all(.cause and (.words | length > 20))'

# What is skipped here, or not listed by this kernel, explains less.
if json '.verdict == "PASS" and ([.scenarios[].cases[].verdict] | all(. == "PASS"))'; then
  all_ran=yes
else
  all_ran=no
fi >"$work/ok"
causes=$("$helpers/causes" names | sed -n 's/^\([a-z0-9-]*\) has a scenario$/"\1"/p' | jq -s .)
if [ $all_ran = yes ]; then
  # No evidence is collected for EACCES, ENETUNREACH and EINVAL.
  ok "and a cause" json '[.scenarios[].cases[].steps[].evidence.cause // empty] | all(. != "unknown")'
  ok "each cause is shown by the scenario of its name" jq -e --argjson causes "$causes" '
    [.scenarios[] | .name as $name | select([.cases[].steps[].evidence.cause] | index($name)) | $name]
    | $causes - . - ["privileged-port", "no-route", "wrong-source"] | if . == [] then true else error(tostring) end' "$work/out"
else
  skip "and a cause, which its scenario shows" "some cases are skipped here"
fi

if command -v python3 >/dev/null; then
  ok "docs/kernels.svg is the picture of docs/kernels.md" "$here/../kernels/picture.py" --check
else
  skip "docs/kernels.svg is the picture of docs/kernels.md" "python3 is not installed"
fi

# docs/catalogue.md; its causes are those of a kernel on which every case runs.
told() {
  if [ $all_ran = yes ]; then cat "$1"; else grep -v '^Causes: ' "$1" | cat -s; fi
}
"$here/../catalogue.sh" "$portreuse" "$work/out" >"$work/catalogue.md"
told "$work/catalogue.md" >"$work/now.md"
told "$docs/catalogue.md" >"$work/docs.md"
ok "docs/catalogue.md is fresh: tests/catalogue.sh build/portreuse >docs/catalogue.md" \
  diff "$work/docs.md" "$work/now.md"

finish
