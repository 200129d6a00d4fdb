#!/bin/sh
# What a scenario of a stranger may take, and what its processes may do.
# shellcheck source=lib.sh
. "$(dirname "$0")/../lib.sh"

# limited NAME N TEXT: the scenario in $file is not begun; with its limit raised it is.
limited() {
  run "$portreuse" run --timeout 20s "$file"
  ok "$1: it is not begun: exit 2" status_is 2
  ok "$1: an ERROR, with the limit and the option" out_says "$3 (--limit $1=N)"
  run "$portreuse" run -q --timeout 20s --limit "$1=$2" "$file"
  ok "$1: with a higher limit it is" first_line_starts "$4"
}

scenario sockets <<'END'
title very many sockets
case they stay open
  a repeat 300000
    socket s udp4
  end -> any
END
run "$portreuse" run "$file"
ok "more than 200,000 sockets: ERROR" status_is 2
ok "with the option" out_says "up to 300000 sockets, and the limit is 200000 (--limit sockets=N)"
scenario closed <<'END'
title as many, each closed before the next
case one
  a repeat 300000
    socket s
    close s
  end
END
run "$portreuse" run --limit sockets=1 --timeout 60s "$file"
ok "what is closed in its round counts once" status_is 0
run "$portreuse" run --limit sockets=10 address-in-use
ok "a limit can be lower, too" first_line_starts "PASS"
run "$portreuse" run --limit sockets=1 address-in-use
ok "and then counts" status_is 2

scenario bytes <<'END'
title memory of the host
setup
  server socket l
  server bind l 127.0.0.1:1215
  server listen l
case nobody reads
  client repeat 50
    socket c SO_SNDTIMEO=10ms
    connect c 127.0.0.1:1215
    send c 4000000
  end -> any
END
limited bytes 500000000 "up to 200000000 bytes in flight, and the limit is 67108864" "PASS"

# A block that ends by an answer has no number of rounds: it is stopped.
scenario endless_bytes <<'END'
title memory of the host, without a number
setup
  server socket l
  server bind l 127.0.0.1:1215
  server listen l
case nobody reads
  client repeat
    socket c SO_SNDTIMEO=10ms
    connect c 127.0.0.1:1215
    send c 4000000
  end -> ECONNREFUSED
END
run "$portreuse" run "$file"
ok "rounds without end: ERROR" status_is 2
ok "with the rounds and the option" out_says \
  ":7: more than 16 rounds could take more than 67108864 bytes in flight (--limit bytes=N)"
run "$portreuse" run -q --limit bytes=9000000 "$file"
ok "a lower limit: fewer rounds" out_says "line 7: more than 2 rounds"

scenario endless_sockets <<'END'
title descriptors, without a number
case they stay open
  a repeat
    socket s udp4
  end -> EMFILE
  b repeat
    socket s udp4
  end -> EMFILE
END
run "$portreuse" run --limit sockets=102 "$file"
ok "sockets without end: ERROR" status_is 2
ok "two blocks share what is left" out_says \
  ":3: more than 51 rounds could take more than 102 sockets (--limit sockets=N)"

scenario served <<'END'
title a server that sends without being asked
setup
  server socket l
  server bind l 127.0.0.1:1215
  server listen l
  server serve
    accept l p
    send p 1000000 -> any
  end
case nobody reads
  client repeat 100
    socket c
    connect c 127.0.0.1:1215
  end
END
limited bytes 200000000 "up to 100000000 bytes in flight, and the limit is 67108864" "PASS"

scenario buffers <<'END'
title larger buffers
setup
  sysctl net.ipv4.tcp_wmem "4096 16384 100000000"
  server socket l
  server bind l 127.0.0.1:1215
  server listen l
case nobody reads
  client socket c SO_SNDTIMEO=10ms
  client connect c 127.0.0.1:1215
  client send c 60000000 -> any
  client send c 60000000 -> any
END
limited bytes 200000000 "up to 120000000 bytes in flight, and the limit is 67108864" "PASS"

scenario seconds <<'END'
title a long time
case it waits
  sleep 4000s
END
run "$portreuse" run "$file"
ok "a case that waits for more than an hour is not begun" status_is 2
ok "with the option" out_says "up to 4000 seconds of waiting, and the limit is 3600 (--limit seconds=N)"
run "$portreuse" run --timeout 1s "$file"
ok "with --timeout it is" out_has "FAIL"

{
  echo 'title devices'
  echo 'case many'
  seq 101 | while read -r i; do echo "  address 10.0.0.$i/24 dev v$i"; done
} >"$work/devices.scenario"
run "$portreuse" check "$work/devices.scenario"
if [ "$rc" = 0 ]; then
  run "$portreuse" run "$work/devices.scenario"
  ok "more than 100 devices: ERROR" out_says "up to 101 network devices, and the limit is 100 (--limit devices=N)"
fi

{
  printf 'title results\nsetup\n  a socket s\n  a listen s\ncase many rounds\n'
  seq 600 | while read -r i; do printf '  a repeat 70000\n    listen s\n  end -> any\n'; done
} >"$work/results.scenario"
run "$portreuse" run "$work/results.scenario"
ok "more than 256 MiB of results: ERROR" status_is 2
ok "with the option" out_says "bytes of results, and the limit is 268435456 (--limit memory=N)"
{
  printf 'title names\ncase each role of its own\n'
  seq 60 | while read -r i; do
    echo "  r$i socket s$i udp4"
    seq 60 | sed "s/.*/  r$i getsockopt s$i SO_REUSEADDR -> 0/"
  done
} >"$work/names.scenario"
run "$portreuse" run -q "$work/names.scenario"
ok "many roles and steps take little" status_is 0

for wrong in sockets sockets=x =5 none=5 sockets=-1; do
  run "$portreuse" run --limit $wrong address-in-use
  ok "--limit $wrong is refused" err_has "expected sockets=N"
done

# --- the processes of a case ---

scenario lasting <<'END'
title a case that lasts
case it waits
  a socket s
  a bind s 127.0.0.1:1215
  sleep 60s
END
exec 7<"$0"
"$portreuse" run "$file" >"$work/out" 2>"$work/err" </dev/null &
runner=$!
exec 7<&-
child() { cut -d" " -f1 "/proc/$1/task/$1/children" 2>/dev/null; }
# The first child that the runner or the stage has can be one that only looks at something.
has_role() { stage=$(child "$runner") && [ -n "$stage" ] && role=$(child "$stage") && [ -n "$role" ]; }
# shellcheck disable=SC2010 # links to sockets
has_socket() { has_role && ls -l "/proc/$role/fd" | grep -q socket:; }
until_ok has_socket
ok "a role has no descriptor of the caller" sh -c '! ls -l "/proc/$1/fd" "/proc/$2/fd" | grep -F "limits.sh"' - "$role" "$stage"
status_of() { sed -n "s/^$1:[[:space:]]*//p" "/proc/$role/status"; }
is_confined() { [ "$(status_of Seccomp)" = 2 ]; } # which comes last, and after its first socket
ok "it has a list of calls" await is_confined
ok "it cannot raise its privileges" [ "$(status_of NoNewPrivs)" = 1 ]
# CAP_NET_BIND_SERVICE, CAP_NET_ADMIN, CAP_NET_RAW
ok "its capabilities are those for sockets" [ "$(status_of CapPrm)" = 0000000000003400 ]
kill "$runner"
wait "$runner"

if is_root; then
  scenario user <<'END'
title another user
case it is another one in its groups, too
  a socket s
  a uid 4321
  a bind s 127.0.0.1:1215
  sleep 60s
END
  "$portreuse" run "$file" >"$work/out" 2>"$work/err" </dev/null &
  runner=$!
  is_user() { has_role && [ "$(status_of Uid)" = "4321	4321	4321	4321" ]; }
  ok "uid N changes the user" await is_user
  ok "and the group" [ "$(status_of Gid)" = "4321	4321	4321	4321" ]
  ok "and leaves no other group" [ -z "$(status_of Groups | tr -d ' ')" ]
  ok "and no capability" [ "$(status_of CapPrm)" = 0000000000000000 ]
  kill "$runner"
  wait "$runner"
fi

finish
