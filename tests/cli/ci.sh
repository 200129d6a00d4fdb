#!/bin/sh
# docs/ci.md: its YAML is YAML, of the right shape, and each `portreuse run` in it can be run.
# shellcheck source=lib.sh
. "$(dirname "$0")/../lib.sh"
doc=$here/../../docs/ci.md

if python3 -c 'import yaml' 2>/dev/null; then
  cat >"$work/read.py" <<'P'
import re, sys, yaml
text = open(sys.argv[1]).read()
documents = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", text, re.S)]
github, gitlab, pod = documents
steps = github["jobs"]["portreuse"]["steps"]
assert all("run" in step or "uses" in step for step in steps), steps
assert isinstance(gitlab["portreuse"]["script"][0], str)
assert gitlab["portreuse"]["artifacts"]["reports"]["junit"] == "results.xml"
assert all(isinstance(line, str) for line in gitlab["portreuse"]["before_script"])
container = pod["spec"]["containers"][0]
assert container["securityContext"]["privileged"] is True
print(next(step["run"] for step in steps if step.get("name") == "Run"))
print(gitlab["portreuse"]["script"][0])
print(" ".join(container["command"]))
P
  run python3 "$work/read.py" "$doc"
  ok "the YAML of docs/ci.md is as GitHub, GitLab and Kubernetes want it" status_is 0
  cp "$work/out" "$work/yaml"
else
  skip "the YAML of docs/ci.md" "Python's yaml is not installed"
  : >"$work/yaml"
fi

# Every command of the page, on the scenarios of the seed instead of all.
grep -E '^ .*portreuse run|^portreuse run' "$doc" | cat - "$work/yaml" | grep -o 'portreuse run .*' |
  tr -d "'" | sed 's/--all/--tag seed/' | sort -u >"$work/commands"
ok "the page has commands to run" test -s "$work/commands"
mkdir "$work/job"
while read -r command; do
  # shellcheck disable=SC2086 # the words are to be parted
  run sh -c 'cd "$1" && shift && exec "$@"' - "$work/job" "$portreuse" ${command#portreuse }
  ok "$command" status_is 0
done <"$work/commands"
ok "results.xml is JUnit's" grep -q '<testsuites' "$work/job/results.xml"

finish
