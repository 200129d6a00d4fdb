#!/bin/sh
# Runs one test of a list, for tests/run.sh, and prints in one piece what is worth reading of it, as
# other tests run beside it.
#
# usage: tests/one.sh DIRECTORY N
#
# DIRECTORY/list has a line for each test: its name, program and arguments, separated by tabs. Runs the
# Nth and leaves what tap.sh counted in DIRECTORY/N.sum.
set -u

# The tests that were skipped; of those with the same reason the first, and how many more there are.
skipped() {
  awk '/# SKIP/ {
      sub(/^not /, "")
      reason = $0
      sub(/.*# SKIP/, "", reason)
      if (reason !~ / .* /) reason = $0 # the name of a unit test, which gives no reason
      if (count[reason]++ == 0) {
        line[++lines] = $0
        of[lines] = reason
      }
    }
    END {
      for (i = 1; i <= lines; i++)
        print "  " line[i] (count[of[i]] > 1 ? " (and " count[of[i]] - 1 " more)" : "")
    }' "$1"
}

log=$1/$2
tab=$(printf '\t')
line=$(sed -n "$2p" "$1/list")
name=${line%%"$tab"*}
begin=$(date +%s)
set -f
IFS=$tab
# shellcheck disable=SC2086 # to be split at tabs
tests/tap.sh ${line#*"$tab"} >"$log" 2>&1 </dev/null
unset IFS
seconds=$(($(date +%s) - begin))
[ $seconds -ge 10 ] && seconds=" ($seconds s)" || seconds=
tail -n 1 "$log" | grep -E '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' >"$log.sum"
sum=$(cat "$log.sum")
{
  echo "$name: ${sum%, 0 skipped}$seconds"
  sed -n 's/^# note: /  /p' "$log"
  case $sum in
    *" 0 failed"*) skipped "$log" ;;
    *) sed '$d' "$log" | grep -vE '^ok ' ;;
  esac
} >"$log.shown"
cat "$log.shown"
