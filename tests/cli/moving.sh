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
if ! command -v jq >/dev/null; then
  skip "sockets that move" "jq is not installed"
  finish
fi

looks=${LOOKS:-6}
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

# look MODE ADDRESS [OPTION...]: looks so many times; each answer goes to the file answers, as verdict,
# cause, program, whether somebody listens for a client, and `changed` if it says so. With KEEP=FOLDER
# the wrong ones are kept there.
look() {
  mode=$1
  shift
  for _ in $(seq "$looks"); do
    ask --format json "$@"
  done >"$work/json" 2>"$work/err"
  jq -r '[.verdict, .cause // "-", .sockets[0].server.program // "-"] +
      (if .client == null then [] else [.client.listens | tostring] end) +
      (if .changed then ["changed"] else [] end) | join(" ")' "$work/json" >"$work/answers"
  [ -z "${KEEP:-}" ] || jq -c . "$work/json" | paste -d '\t' "$work/answers" - |
    grep -vE -e "^($(allowed "$right"))$(printf '\t')" >"$KEEP/$mode"
  sort "$work/answers" | uniq -c | sed "s/^/# $mode: /"
}

# What changed while it was looked at may be told by its last state, or not be known.
allowed() { echo "($1)( changed)?|refused unknown - changed"; }

only() {
  grep -vxE -e "$(allowed "$1")" "$work/answers"
  [ $? = 1 ] && [ "$(wc -l <"$work/answers")" = "$looks" ]
}

# chosen MODE: whether it is one of those to be run.
chosen() { case " ${MODES:-$1} " in *" $1 "*) ;; *) return 1 ;; esac }

# moves MODE ANSWERS WHAT [ADDRESS [OPTION...]]: each answer is one of these (an extended regular
# expression), whether or not something changed while we looked.
moves() {
  if chosen "$1" && begin "$1"; then
    mode=$1
    right=$2
    what=$3
    shift 3
    [ $# -gt 0 ] || set -- 127.0.0.1:2000
    [ "$1" != --pid ] || { shift 2 && set -- --pid "$mover" "$@"; }
    look "$mode" "$@"
    ok "$mode: $what" only "$right"
    end
  fi
}

# An ordinary user is not told who it is.
who=mover
[ "${AS:-}" != user ] || who=-

listens="each time a server listens"
moves exec "refused address-in-use (exe|mover|-)" "$listens"
for mode in fork descriptor high copies pass threads workers; do
  moves $mode "refused address-in-use ($who|-)" "$listens"
done
moves names "refused address-in-use (mover|moving.sock-[01]|-)" "$listens"
moves renames "refused address-in-use (mover-[0-9]|-)" "$listens"
! chosen renames || ok "renames: nothing has changed" sh -c '! grep changed "$1"' - "$work/answers"
moves reuseport "refused (address-in-use|reuseport-all-or-none) ($who|-)" "$listens"
moves reload "refused (address-in-use|reuseport-all-or-none) ($who|-)" "$listens"
moves idle "free bound-but-idle ($who|-)" "each time a socket is bound"
moves udp "refused udp-port-taken ($who|-)" "each time a server has the port" udp/127.0.0.1:2000
for mode in unix unix-replace; do
  moves $mode "refused unix-socket-in-use ($who|-)" "$listens" "$socket"
done

# Where the socket itself comes and goes: never one of no process, and nothing but what there is.
free="free - -"
taken="refused address-in-use ($who|-)"
bound="free bound-but-idle ($who|-)"
waits="free time-wait-rebind -"
connected="free (live-connection|close-wait-leak|fin-wait-[12]-orphan|last-ack-orphan) ($who|-)"
moves sharers "$free|$bound|refused (address-in-use|reuseport-all-or-none|bound-but-idle) ($who|-)" \
  "a group that grows and shrinks"
moves reopen "$free|$taken|$bound" "a socket that comes and goes"
moves relay "$free|$taken|$bound" "a socket that is handed over and closed"
moves alternate "$free|$taken|$bound" "a socket that is bound before it listens"
moves crash "$free|$taken|$bound" "a program that dies again and again"
moves addresses "$free|$bound|refused (address-in-use|wildcard-vs-specific) ($who|-)" \
  "a socket of one address or all"
moves families "$free|$bound|refused dual-stack ($who|-)" "a socket of one family or both"
moves udp-relay "free - -|refused udp-port-taken ($who|-)" \
  "a socket that is handed over and closed" udp/127.0.0.1:2000
moves udp-reopen "free - -|refused udp-port-taken ($who|-)" "a socket that comes and goes" \
  udp/127.0.0.1:2000
moves udp-sharers "free - -|refused udp-port-taken ($who|-)" "a group that grows and shrinks" \
  udp/127.0.0.1:2000
moves unix-reopen "free - -|refused (unix-socket-in-use ($who|-)|unix-stale-socket -)" \
  "a file that comes and goes" "$socket"
# Other ways to ask.
if [ "${AS:-}" != user ]; then
  moves workers "$taken" "asked as one of its processes" --pid mover 127.0.0.1:2000
  moves fork "$taken" "asked from elsewhere" --netns "/proc/$$/ns/net" 127.0.0.1:2000
fi
moves fork "free - - true" "a client finds it each time" --as client 127.0.0.1:2000
moves crash "free - - (true|false)" "a client finds it, or not" --as client 127.0.0.1:2000
moves crash "$free" "waiting until the port is free" --watch=20s 127.0.0.1:2000
# Last, as these leave TIME-WAIT on the port: a socket with SO_REUSEPORT alone could not be bound.
moves traffic "refused address-in-use ($who|-)" "$listens"
for mode in restart beside gone; do
  moves $mode "$free|$taken|$bound|$waits|$connected" "a server that starts and ends"
done

# The same for the calls of a program, which cannot be repeated.
trace_causes() {
  : >"$work/causes"
  for _ in $(seq $((looks / 3 + 1))); do
    # shellcheck disable=SC2046 # words
    "$portreuse" trace --output "$work/json:json" -- "$helpers/caller" \
      $(yes "tcp4 reuseaddr bind=2000" | head -n 200) >/dev/null 2>&1
    jq -r '.calls[].cause // empty' "$work/json" >>"$work/causes"
  done
  sort "$work/causes" | uniq -c | sed "s/^/# traced: /"
}

if chosen beside && begin beside; then
  trace_causes
  ok "beside: a traced program is told no wrong cause" \
    sh -c '! grep -vxE "address-in-use|unknown" "$1"' - "$work/causes"
  end
fi

# Where few look, and an ordinary user may not.
[ "${AS:-}" != user ] || finish
if chosen flight && begin flight; then
  run ask 127.0.0.1:2000
  ok "flight: no process has it" out_has "  held-by-no-process: "
  ok "flight: who can receive it" out_matches '^    pid [0-9]+ was sent descriptors, and has not'
  end
fi
for mode in thread leader ring; do
  if chosen $mode && begin $mode; then
    run ask 127.0.0.1:2000
    ok "$mode: the process is found" first_line_starts "EADDRINUSE 127.0.0.1:2000: mover ("
    ok "$mode: address-in-use" out_has "  address-in-use: "
    end
  fi
done
finish
