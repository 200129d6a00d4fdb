# shellcheck shell=sh
# Sourced by the benchmarks, which set $build. If a row fails, the others follow, and $wrong is 1.
# shellcheck disable=SC2034,SC2154 # the caller exits with $wrong, and has set $build
wrong=0

compare() { # NAME PAIRS[,MS] COMMAND... -- OTHER...
  echo "$1"
  row_pairs=$2
  shift 2
  "$build/pairs" "$row_pairs" -- "$@" || wrong=1
  echo
}
