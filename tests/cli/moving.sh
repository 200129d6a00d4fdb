#!/bin/sh
# A listener that moves while we look (mover.c), and one where few look: no wrong cause, and no process
# that is said to be none. LOOKS=1000 looks longer.
# shellcheck source=lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=private.sh
. "$here/../private.sh"

# begin MODE: starts the mover. Returns 1 if it cannot be had here.
begin() {
  rm -f "$work/hold"
  mkfifo "$work/hold"
  : >"$work/ready"
  "$helpers/mover" "$1" <"$work/hold" >"$work/ready" 2>"$work/trouble" &
  mover=$!
  exec 9>"$work/hold"
  tries=0
  until grep -q ready "$work/ready" || ! kill -0 "$mover" 2>/dev/null || [ $tries = 1000 ]; do
    tries=$((tries + 1))
    sleep 0.01
  done
  grep -q ready "$work/ready" && return
  skip "$1" "$(cat "$work/trouble")"
  end
  return 1
}

end() {
  exec 9>&-
  wait "$mover"
}

why() { run "$portreuse" why 127.0.0.1:2000; }

# look MODE COUNT: looks so many times; each answer goes to the file answers, as cause and `changed`.
look() {
  : >"$work/answers"
  for _ in $(seq "$2"); do
    "$portreuse" why --format json 127.0.0.1:2000 | sed -n \
      '/^  "cause":/{s/.*: //;s/,$//;H;};/^  "changed":/{s/.*: //;H;x;s/\n/ /g;s/^ //;p;}' \
      >>"$work/answers"
  done
  sort "$work/answers" | uniq -c | sed "s/^/# $1: /"
}
only() { ! grep -qvxE -e "$1" "$work/answers"; }

looks=${LOOKS:-60}
for mode in fork descriptor pass; do
  if begin $mode; then
    look $mode "$looks"
    ok "$mode: each time a server listens" only '"address-in-use" (true|false)'
    end
  fi
done
if begin reopen; then
  look reopen "$looks"
  ok "reopen: never held by no process" only \
    'null (true|false)|"(address-in-use|bound-but-idle)" (true|false)|"unknown" true'
  end
fi

# Where few look.
for mode in thread leader ring; do
  if begin $mode; then
    why
    ok "$mode: the process is found" first_line_starts "EADDRINUSE 127.0.0.1:2000: mover ("
    ok "$mode: address-in-use" out_has "  address-in-use: "
    end
  fi
done
finish
