#!/bin/sh
# docs/fleet: the manifests are as their schemas want them, and what they call is there and answers as
# they expect.
# shellcheck source=lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=situation.sh
. "$here/../situation.sh"
top=$(cd "$here/../.." && pwd)
fleet=$top/docs/fleet
have() { command -v "$1" >/dev/null; }

python=
for candidate in python3 /usr/bin/python3; do
  "$candidate" -c 'import yaml' 2>/dev/null && python=$candidate
done

# json FILE: the YAML documents of a file as a JSON array, on standard output.
json() { "$python" -c 'import json, sys, yaml
print(json.dumps(list(yaml.safe_load_all(open(sys.argv[1])))))' "$1"; }

if [ -z "$python" ] || ! have jq; then
  skip "the manifests" "python3-yaml or jq is not installed"
else
  for file in "$fleet"/*.y*ml; do
    ok "$(basename "$file") is YAML" json "$file"
  done

  # node-problem-detector: docs/custom_plugin_monitor.md of its source says what the keys are.
  json "$fleet/node-problem-detector.yaml" |
    jq -r '.[] | select(.kind == "ConfigMap") | .data["portreuse.json"]' >"$work/plugin.json"
  ok "the plugin's configuration has what node-problem-detector reads" jq -e '
    .plugin == "custom" and .pluginConfig.max_output_length == 80 and (.rules | length > 0) and
    (.conditions | map(.type)) as $types | all(.rules[];
      (.type == "temporary" or (.type == "permanent" and (.condition as $c | $types | index($c)))) and
      .reason and .path)' "$work/plugin.json"
  jq -c '.rules[].args' "$work/plugin.json" >"$work/rules"
  while read -r rule; do
    # shellcheck disable=SC2046 # no argument has blanks
    run "$portreuse" $(echo "$rule" | jq -r '.[]')
    ok "its rule $rule answers 0 or 1" test "$rc" -le 1
    ok "and one line of at most 80 bytes" sh -c '[ "$(wc -l <"$1")" = 1 ] && [ "$(wc -c <"$1")" -le 81 ]' - \
      "$work/out"
  done <"$work/rules"

  # The Sonobuoy plugin: its command, with a scenario instead of all.
  json "$fleet/sonobuoy.yaml" | jq -r '.[0].spec.args[0]' | sed 's/--all/address-in-use/' >"$work/job.sh"
  mkdir "$work/results"
  run env PATH="$work:$PATH" SONOBUOY_RESULTS_DIR="$work/results" sh "$work/job.sh"
  ok "the Sonobuoy plugin hands in its report" test "$(cat "$work/results/done")" = "$work/results/portreuse.xml"
  ok "which is JUnit" grep -q '<testsuite' "$work/results/portreuse.xml"
fi

# The schemas of Kubernetes, from npm; .ci/run installs them.
modules=$top/build-kubernetes
if [ -n "$python" ] && have node && [ -d "$modules/node_modules/kubernetes-models" ]; then
  cp "$here/fleet.mjs" "$modules/fleet-$$.mjs"
  json "$fleet/node-problem-detector.yaml" >"$work/objects"
  run sh -c 'node "$1" <"$2"' - "$modules/fleet-$$.mjs" "$work/objects"
  ok "the Kubernetes objects are as their schemas want them" first_line_is "2 objects are valid"
  jq '.[1].spec.template.spec.containers[0].image = 7' "$work/objects" >"$work/broken"
  run sh -c 'node "$1" <"$2"' - "$modules/fleet-$$.mjs" "$work/broken"
  ok "and a wrong one is found" test "$rc" != 0
  rm "$modules/fleet-$$.mjs"
else
  skip "Kubernetes objects against their schemas" "node or build-kubernetes/node_modules/kubernetes-models is missing"
fi

if have promtool; then
  run promtool check rules "$fleet/prometheus-rules.yml"
  ok "promtool finds nothing in the rules" status_is 0
  run sh -c 'cd "$1" && promtool test rules prometheus-rules.test.yml' - "$fleet"
  ok "and they alert when they should" status_is 0
  begin time-wait
  ok "by metrics that there are" sh -c '
    for command in budget audit "why :2000"; do
      "$1" $command --pid "$4" -q --output "$2/${command%% *}.prom" >/dev/null
    done
    for name in $(grep -o "portreuse_[a-z_]*" "$3" | sort -u); do
      grep -q "^$name" "$2"/*.prom || { echo "$name"; exit 1; }
    done' - "$portreuse" "$work" "$fleet/prometheus-rules.test.yml" "$pid"
  end
else
  skip "promtool reads the rules" "prometheus is not installed"
fi

if have ansible-playbook; then
  run env ANSIBLE_LOCALHOST_WARNING=0 HOME="$work" ansible-playbook -i localhost, -c local \
    -e portreuse_program="$portreuse" -e ansible_python_interpreter=/usr/bin/python3 "$fleet/ansible.yml"
  ok "the playbook runs" status_is 0
  ok "and shows the verdicts" out_matches 'ports left'
else
  skip "the playbook runs" "ansible is not installed"
fi

finish
