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

  # The Sonobuoy plugin: its command, with two scenarios instead of all, and what Sonobuoy does with it
  # (pkg/worker/worker.go and pkg/client/results/junit.go of its source): the worker waits for the file `done`,
  # sends the file that it names, and the aggregator reads the XML in it. A container of a DaemonSet that ends
  # is started again.
  json "$fleet/sonobuoy.yaml" | jq -r '.[0].spec.args[0]' |
    sed 's/--all/address-in-use "$SCENARIO"/; s/sleep 3600/sleep 1/' >"$work/job.sh"
  printf 'title t\nneeds kernel >= 99.0\ncase c\n a socket s\n' >"$work/skip.scenario"
  cat >"$work/worker.py" <<'S'
import mimetypes, os, sys, time, xml.etree.ElementTree as tree
done = os.path.join(sys.argv[1], "done")
end = time.time() + 60
while not os.path.exists(done):
    assert time.time() < end, "no file `done`"
    time.sleep(0.01)
path = open(done).read().strip()
assert os.path.isfile(path), path
assert os.stat(path).st_mtime_ns <= os.stat(done).st_mtime_ns, "the report is newer than `done`"
assert mimetypes.guess_type(path)[0] in ("text/xml", "application/xml"), path
root = tree.parse(path).getroot()
suites = [root] if root.tag == "testsuite" else list(root)
status = {"passed": 0, "failed": 0, "skipped": 0}
for suite in suites:
    assert suite.tag == "testsuite" and suite.get("name")
    int(suite.get("tests")), int(suite.get("failures", 0)), float(suite.get("time", 0))
    for case in suite.iter("testcase"):
        kind = "skipped" if case.find("skipped") is not None else \
            "failed" if case.find("failure") is not None or case.find("error") is not None else "passed"
        status[kind] += 1
print(os.path.basename(path), *(f"{count} {kind}" for kind, count in status.items()))
S
  plugin() { # NAME WANT PATH SCENARIO
    rm -rf "$work/results"
    mkdir "$work/results"
    SCENARIO=$4 PATH=$3 SONOBUOY_RESULTS_DIR=$work/results /bin/sh "$work/job.sh" >"$work/log" 2>&1 &
    job=$!
    run "$python" "$work/worker.py" "$work/results"
    ok "Sonobuoy: $1: the worker sends $2" first_line_is "$2"
    ok "Sonobuoy: $1: the container does not end" sh -c 'sleep 0.2; kill -0 "$1"' - $job
    kill $job
  }
  plugin "two scenarios" "portreuse.xml 8 passed 0 failed 1 skipped" "$work:$PATH" "$work/skip.scenario"
  plugin "a file that is not there" "portreuse.xml 0 passed 1 failed 0 skipped" "$work:$PATH" "$work/none.scenario"
  mkdir "$work/tools"
  for tool in mv sleep; do ln -s "$(command -v $tool)" "$work/tools/$tool"; done
  plugin "no portreuse in the image" "portreuse.xml 0 passed 1 failed 0 skipped" "$work/tools" "$work/skip.scenario"
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
