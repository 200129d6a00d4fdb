#!/bin/sh
# A socket that moves while we look (mover.c), and one where few look: no wrong cause, and no process
# that is said to be none.
#
#   LOOKS=1000 AS=user MODES="fork pass" tests/cli/moving.sh build/portreuse build/tests
#
# looks longer, as an ordinary user who does not own the sockets, in these modes alone.
# shellcheck source=lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=private.sh
. "$here/../private.sh"

looks=${LOOKS:-25}
socket=$work/moving.sock

begun() { grep -q ready "$work/ready" || ! kill -0 "$mover"; }

# begin MODE: starts the mover. Returns 1 if it cannot be had here.
begin() {
  rm -f "$work/hold"
  mkfifo "$work/hold"
  : >"$work/ready"
  "$helpers/mover" "$1" "$socket" <"$work/hold" >"$work/ready" 2>"$work/trouble" &
  mover=$!
  exec 9>"$work/hold"
  await begun
  grep -q ready "$work/ready" && return
  exec 9>&-
  wait "$mover"
  if [ $? = 77 ]; then
    skip_kernel "$1" "$(cat "$work/trouble")"
  else
    ok "$1: the mover starts" false
  fi
  return 1
}

end() {
  exec 9>&-
  wait "$mover"
}

ask() {
  if [ "${AS:-}" = user ]; then
    as_user "$portreuse" why "$@"
  else
    "$portreuse" why "$@"
  fi
}

# look MODE ADDRESS: looks so many times; each answer goes to the file answers, as cause and `changed`.
look() {
  : >"$work/answers"
  for _ in $(seq "$looks"); do
    ask --format json "$2" >"$work/json" 2>&1
    sed -n '/^  "cause":/{s/.*: //;s/,$//;H;};/^  "changed":/{s/.*: //;H;x;s/\n/ /g;s/^ //;p;}' \
      "$work/json" >"$work/answer"
    cat "$work/answer" >>"$work/answers"
    [ -z "${KEEP:-}" ] || grep -qxE -e "$3" "$work/answer" || cp "$work/json" "$KEEP"
  done
  sort "$work/answers" | uniq -c | sed "s/^/# $1: /"
}

only() {
  grep -vxE -e "$1" "$work/answers"
  [ $? = 1 ] && [ "$(wc -l <"$work/answers")" = "$looks" ]
}

# moves MODE CAUSES WHAT [ADDRESS [PASSING]]: each answer is one of the causes, whether or not something
# changed while we looked, or one of PASSING, and it says that something changed.
moves() {
  case " ${MODES:-$1} " in *" $1 "*) ;; *) return ;; esac
  if begin "$1"; then
    want="($2) (true|false)${5:+|($5) true}"
    look "$1" "${4:-127.0.0.1:2000}" "$want"
    ok "$1: $3" only "$want"
    end
  fi
}

listens='each time a server listens'
for mode in fork exec descriptor high pass threads workers; do
  moves $mode '"address-in-use"' "$listens"
done
moves reuseport '"address-in-use"|"reuseport-all-or-none"' "$listens"
moves idle '"bound-but-idle"' "each time a socket is bound"
moves udp '"udp-port-taken"' "each time a server has the port" udp/127.0.0.1:2000
moves unix '"unix-socket-in-use"' "each time a server listens" "$socket"

# Where the socket itself comes and goes: never one of no process, and whatever stays unexplained has
# changed.
comes='null|"(address-in-use|bound-but-idle|time-wait-rebind|live-connection|unknown)"'
moves reopen "$comes" "a socket that comes and goes"
# A connection that ends is in FIN-WAIT-1 until the acknowledgement is there, and so on: on a busy
# machine a look can meet it.
ends='"(fin-wait-1|fin-wait-2|last-ack)-orphan"'
moves restart "$comes" "a server that starts and ends" 127.0.0.1:2000 "$ends"
moves crash "$comes" "a program that dies again and again"
moves unix-reopen 'null|"unix-socket-in-use"|"unix-stale-socket"' "a file that comes and goes" \
  "$socket"
# Last, as it leaves TIME-WAIT on the port: a socket with SO_REUSEPORT alone could not be bound, and
# where a listener comes and goes beside it, 1 look in 100 still takes the TIME-WAIT for the cause.
moves traffic '"address-in-use"' "$listens"

# Where few look.
if begin flight; then
  run ask 127.0.0.1:2000
  ok "flight: no process has it" out_has "  held-by-no-process: "
  ok "flight: who can receive it" out_matches '^    pid [0-9]+ was sent descriptors, and has not'
  end
fi
for mode in thread leader ring; do
  if begin $mode; then
    run ask 127.0.0.1:2000
    ok "$mode: the process is found" first_line_starts "EADDRINUSE 127.0.0.1:2000: mover ("
    ok "$mode: address-in-use" out_has "  address-in-use: "
    end
  fi
done
finish
