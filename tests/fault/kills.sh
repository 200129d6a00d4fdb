#!/bin/sh
# Processes that are killed at moments that chance chooses: the runner, a stage, a role, a tracer, a
# program that is traced; by SIGKILL, SIGTERM and SIGINT. Nothing is left of the command, and it says
# what has happened: see kills.c.
#
# usage: tests/fault/kills.sh PORTREUSE HELPERS [N [SEED [FIRST]]]
#
# 30 kills take 20 seconds; 1000 some 6 minutes. With the same seed they are the same (but for the
# scheduler); a run with FIRST begins with that one.
if [ -z "${KILLS_ALONE:-}" ] && unshare -rpfmn --mount-proc true 2>/dev/null; then
  KILLS_ALONE=1 exec unshare -rpfmn --kill-child --mount-proc "$0" "$@"
fi
# shellcheck source=lib.sh
. "$(dirname "$0")/../lib.sh"
kills=${3:-30}
seed=${4:-$(date +%j%H%M%S)}
first=${5:-1}
cp "$helpers/kills" "$helpers/caller" "$work/"
mkdir "$work/empty" "$work/scenarios"

if [ -z "${KILLS_ALONE:-}" ] || ! ip link set lo up; then
  skip "processes that are killed" "no namespaces may be made here"
  finish
fi

# Each role has something to do until the end of each case.
{
  cat <<'END'
title each process has something to do until its end
setup
  server socket l SO_REUSEADDR
  server bind l 127.0.0.1:1215
  server listen l
  client socket c
  client connect c 127.0.0.1:1215
  server accept l p
case they take turns
END
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    printf '  client send c 1 -> 1\n  server recv p -> 1\n  sleep 35ms\n  server send p 1 -> 1\n  client recv c -> 1\n'
  done
  cat <<'END'
case one serves, the others are children
  server fork worker
  worker serve
    accept l k
    recv k -> eof
    close k
  end
  client repeat 12
    socket n
    connect n 127.0.0.1:1215
    sleep 25ms
    close n
  end
  client fork other
  other send c 1 -> 1
  server recv p -> 1
  worker stop -> 0..20
  server bind l 127.0.0.1:1216 -> EINVAL
END
} >"$work/scenarios/talk.scenario"
cat >"$work/scenarios/program.sh" <<END
$work/caller tcp4 bind=3000
sleep 0.15
$work/caller tcp4 bind=2000
sleep 0.5 # a signal at 300 ms has time to reach it
exit 0
END
cat >"$work/scenarios/program.scenario" <<END
title a program that is traced, and the roles beside it
case it lasts as long as the case
  app exec sleep 97
  beside socket s
  app calls bind within 400ms -> timeout
  beside bind s 127.0.0.1:2000
case it ends by itself
  app exec sh $work/scenarios/program.sh
  app calls bind -> ok
  app wait within 5s -> exit 0
END
"$portreuse" server -l 127.0.0.1:2000 >"$work/server" 2>&1 </dev/null &
server=$!
trap 'kill $server; rm -rf "$work"' EXIT
until_ok grep -q '^wait' "$work/server"

run "$portreuse" run "$work/scenarios/talk.scenario" "$work/scenarios/program.scenario"
ok "without a kill all cases pass" status_is 0
cd "$work/empty" || exit 1
run timeout 7200 "$work/kills" -s "$seed" -f "$first" "$kills" "$portreuse" "$work/scenarios"
ok "$kills kills (seed $seed) leave nothing, and none is an answer" status_is 0
quote 20 "$work/out" "# "
finish
