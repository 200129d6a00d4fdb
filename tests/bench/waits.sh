#!/bin/sh
# What a run waits for: its 30 longest cases, with the time that their steps spent waiting for timers of the
# kernel and for other roles (sleep, await, poll, recv, accept), the time of everything else, and the
# longest step. No run can be shorter than the longest wait.
#
# usage: tests/bench/waits.sh PORTREUSE [ARGUMENT...]    (default: --all -j)
set -eu
portreuse=$1
shift
[ $# -gt 0 ] || set -- --all -j
"$portreuse" run --format json "$@" | jq -r '
  def ms: . * 1000 | round | tostring | (8 - length) * " " + .;
  def waits: .verb | IN("sleep", "await", "poll", "recv", "accept");
  .seconds as $elapsed
  | [.scenarios[] | .name as $name | .cases[] | {
      name: "\($name): \(.title)",
      all: .seconds,
      waited: ([.steps[] | select(waits) | .seconds // 0] | add // 0),
      longest: (.steps | max_by(.seconds // 0) | "line \(.line), \(.verb)")
    }] | sort_by(-.all)
  | ($elapsed | ms) + " ms: the run",
    ([.[].all] | add | ms) + " ms: its \(length) cases, added up",
    ([.[].waited] | add | ms) + " ms: of this, waiting",
    ([.[].waited] | max | ms) + " ms: the longest wait",
    "",
    "      ms  waiting     rest  case",
    (.[:30][] | (.all | ms) + " " + (.waited | ms) + " " + (.all - .waited | ms) + "  " + .name[:60] + " (" + .longest + ")")'
