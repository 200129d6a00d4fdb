#!/bin/sh
# Each cause is made, the remedies are pasted into a shell, and the question is asked again: the port is
# free, and nothing else has changed. Commands of systemd, docker and others only record their arguments:
# stubs stand for them.
# shellcheck source=field/lib.sh
. "$(dirname "$0")/lib.sh"

situation=$field_helpers/situation

# here COMMAND...: in the namespace of the situation.
here() { nsenter -t "$place" -n "$@"; }

# settings, processes: what could have changed.
settings() { here sysctl -a -r '^net\.ipv[46]\.(ip_|tcp_|conf\.all)' 2>/dev/null | sort; }
processes() {
  for folder in /proc/[0-9]*; do
    # shellcheck disable=SC2034
    read -r line <"$folder/stat" 2>/dev/null
    case $line in
    *') Z '*) ;;
    *) echo "${folder#/proc/}" ;;
    esac
  done
}

# ended PID: waits until it has, for the second that a process needs which is told to.
ended() {
  for _ in $(seq 50); do
    case $(sed 's/.*) //; s/ .*//' "/proc/$1/stat" 2>/dev/null) in
    '' | Z) return ;;
    esac
    sleep 0.02
  done
}

# One line on how the remedies are pasted: sudo is not needed, we are root.
stubs() {
  mkdir -p bin
  for stub in systemctl docker podman kubectl crictl supervisorctl setcap semanage journalctl; do
    # shellcheck disable=SC2016
    printf '#!/bin/sh\necho "$(basename "$0") $*" >>%s/recorded\n' "$work" >"bin/$stub"
  done
  printf '#!/bin/sh\nexec "$@"\n' >bin/sudo
  ln -s "$portreuse" bin/portreuse
  chmod +x bin/*
}

# cure WANT SITUATION ARGUMENT...: WANT is `free`, or `later` if only time helps.
cure() {
  want=$1
  name=$2
  shift 2
  stubs
  mkfifo hold
  "$situation" "$name" <hold >ready 2>trouble &
  exec 9>hold
  if ! await grep -q ready ready; then
    skip "$label" "$(cat trouble)"
    return
  fi
  place=$(sed -n 's/ready //p' ready)
  until_ok sh -c '[ "$(readlink /proc/self/ns/net)" != "$(readlink "/proc/$1/ns/net")" ]' - "$place"
  # Bystanders: a server, and a reserved port.
  nsenter -t "$place" -n "$python" -m http.server --bind 127.0.0.9 9000 >log 2>&1 &
  bystander=$!
  until_ok here sh -c 'grep -q ":2328 .* 0A " /proc/net/tcp'
  place=$bystander # it lives longer than the situation
  reserved=$(here sysctl -n net.ipv4.ip_local_reserved_ports)
  here sysctl -qw "net.ipv4.ip_local_reserved_ports=9000${reserved:+,$reserved}"
  as="nsenter -t $place -n"
  ask "$@"
  [ "$rc" = 0 ] && holds "$label: the situation is one" false
  cause "$(echo "$causes" | sed -n "s/ $FIELD_ROW\$//p")"
  json '.sockets[]? | .server.pid?, .processes[]?.pid' | sort >occupants
  settings >settings-before
  processes >processes-before
  json '.remedies[]' | grep -v '^ *#' >remedies
  while read -r line; do
    case $line in
    *--watch*) seconds=1 ;; # ends when the port is free, or now
    *) seconds=30 ;;
    esac
    PATH=$work/bin:$PATH here timeout "$seconds" sh -c "$line" >pasted 2>&1 </dev/null 9>&-
    status=$?
    case $line in
    *--watch*) ;;
    kill*) ;; # of two processes, one may end with the other
    portreuse*) holds "$label: '$line' answers" test "$status" -le 1 ;;
    *)
      if [ "$status" != 0 ]; then
        sed "s/^/# $status: /" pasted
      fi
      holds "$label: '$line' runs as printed" test "$status" = 0
      ;;
    esac
  done <remedies
  sed -n 's/^\(sudo \)\{0,1\}kill [^0-9]*//p' remedies | tr ' ' '\n' >killed
  while read -r number; do
    ended "$number"
  done <killed
  settings >settings-after
  processes >processes-after
  asked="$* again"
  run $as "$portreuse" why "$@"
  if [ "$want" = free ]; then
    holds "$label: $asked: the port is free" status_is 0
  fi
  holds "$label: a server beside it lives" kill -0 "$bystander"
  holds "$label: a reserved port stays so" sh -c "nsenter -t $bystander -n sysctl -n net.ipv4.ip_local_reserved_ports | tr , '\n' | grep -qE '^9000'"
  # The processes that ended are occupants.
  comm -23 processes-before processes-after >ended
  comm -23 ended occupants >others
  holds "$label: no other process has ended ($(tr '\n' ' ' <others))" test ! -s others
  diff settings-before settings-after | sed -n 's/^> \([^ ]*\) .*/\1/p' >changed
  while read -r setting; do
    holds "$label: $setting is changed by a remedy that names it" grep -qF "$setting" remedies
  done <changed
  as=
}

# CAUSE HOW: the row that makes it, in this script or another one of this folder (SCRIPT:ROW), or `-` and
# the reason why its remedies cannot be pasted.
causes='
address-in-use listener
address-in-use inherited
wildcard-vs-specific wildcard
dual-stack dual_stack
bind-twice-listen-once - only the program that listens too late meets it: portreuse trace
reuseport-uid other_user
reuseport-all-or-none all_or_none
leaked-listener leaked
bound-twice - only the program itself knows what it binds: portreuse trace
kernel-socket protocols:kernel
kernel-socket protocols:mptcp_endpoint
held-by-no-process - its remedies show who it can be, and stop nothing
bound-but-idle idle
live-connection established
self-connect self_connected
close-wait-leak close_wait
fin-wait-1-orphan fin_wait_1
fin-wait-1-orphan unread
last-ack-orphan last_ack
fin-wait-2-orphan fin_wait
stolen-port stolen
stolen-port-time-wait stolen_time_wait
time-wait-rebind time_wait_reuse
time-wait-old-without-reuse time_wait
fixed-client-port fixed_client
ephemeral-exhaustion - its remedies are those of ephemeral-exhaustion-established
ephemeral-exhaustion-established exhausted
poisoned-port - its remedies are those of ephemeral-exhaustion-established
port-range-per-socket - its remedies are for the source of the program
reserved-ports reserved_range
ephemeral-bind full_range
address-not-local address_not_local
address-tentative tentative
no-route - its remedies depend on the network around the host
wrong-source - its remedies are for the source of the program
privileged-port privileged
not-permitted - it depends on the security policy of the host
udp-port-taken udp
unix-socket-in-use protocols:unix_live
unix-stale-socket protocols:unix_stale
unix-no-socket - its remedy is to start the server
unix-not-a-socket - its remedy shows the file; whether somebody needs it is not known
unix-no-directory no_directory
unix-not-a-directory - its remedy shows the file; whether somebody needs it is not known
unix-ends-in-slash - its remedy is another path
unix-directory-not-writable - its remedy shows the directory
unix-not-permitted - its remedy shows the file
unknown - nothing was found that could be mended
'

row_listener() { cure free listener 127.0.0.1:2000; }
row_wildcard() { cure free wildcard 127.0.0.1:2000; }
row_dual_stack() { cure free dual-stack 127.0.0.1:2000; }
row_idle() { cure free idle 127.0.0.1:2000; }
row_inherited() { cure free inherited 127.0.0.1:2000; }
row_time_wait() { cure free time-wait 127.0.0.1:2000; }
row_time_wait_reuse() { cure free time-wait-reuse --no-reuse-addr 127.0.0.1:2000; }
row_stolen() { cure free stolen 127.0.0.1:2000; }
row_stolen_time_wait() { cure free stolen-time-wait 127.0.0.1:2000; }
row_fixed_client() { cure free fixed-client 127.0.0.1:2000; }
row_self_connected() { cure free self-connected 127.0.0.1:2000; }
row_close_wait() { cure free close-wait 127.0.0.1:2000; }
row_established() { cure free established 127.0.0.1:2000; }
row_fin_wait() { cure free fin-wait 127.0.0.1:2000; }
row_fin_wait_1() { cure free fin-wait-1 127.0.0.1:2000; }
row_last_ack() { cure free last-ack 127.0.0.1:2000; }
row_unread() { cure free unread 127.0.0.1:2000; }
row_other_user() { is_root && cure free other-user --reuse-port 127.0.0.1:2000; }
row_full_range() { cure free full-range 127.0.0.1:0; }
row_reserved_range() { cure free reserved-range 127.0.0.1:0; }
row_address_not_local() { cure free nothing 192.0.2.1:2000; }
row_tentative() { cure later tentative '[2001:db8::1]:2000'; }
row_privileged() { is_root && cure free nothing --uid 12345 127.0.0.1:80; }
row_all_or_none() { cure free reuseport 127.0.0.1:2000; }
row_leaked() { cure free leaked 127.0.0.1:2000; }
row_udp() { cure free udp 127.0.0.1:2000/udp; }
row_no_directory() { cure free nothing "$work/no/such/web.sock"; }
row_exhausted() { cure free exhausted --as client 127.0.0.1:3000; }

# A unit and a container: what stops them is asked of them, and nothing is killed.
recorded() { # PATTERN: made by row_*, in a control group
  stubs
  ask 127.0.0.1:8080
  json '.remedies[]' | grep -v '^ *#' | while read -r line; do
    PATH=$work/bin:$PATH timeout 2 sh -c "$line" >/dev/null 2>&1 </dev/null
  done
  holds "$label: $1" grep -qxE "$1" recorded
  holds "$label: nothing is killed" kill -0 "$pid"
  leave_groups
}
row_unit() {
  py 's = server("127.0.0.1", 8080)
done()'
  made
  if cgroup system.slice/web.service "$pid"; then
    recorded 'systemctl stop web\.service'
  else
    skip "$label" "control groups cannot be made here"
  fi
}
row_container() {
  py 's = server("127.0.0.1", 8080)
done()'
  made
  if cgroup "docker/0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" "$pid"; then
    recorded 'docker stop 0123456789ab'
  else
    skip "$label" "control groups cannot be made here"
  fi
}

# Each cause of the table has a row, or a reason why it has none; and each row that is named is there.
row_every_cause() {
  sed -n 's/^## //p' "$here/../../docs/causes.md" | while read -r name; do
    echo "$causes" | grep -q "^$name " || echo "$name"
  done >missing
  holds "$label: the causes are read" grep -q '^## address-in-use' "$here/../../docs/causes.md"
  holds "$label: each cause has a row: $(tr '\n' ' ' <missing)" test ! -s missing
  echo "$causes" | sed -n 's/^\S\S* \([a-z0-9_:]*\)$/\1/p' | while read -r row; do
    case $row in
    *:*) script=${row%%:*} ;;
    *) script=remedies ;;
    esac
    grep -q "^row_${row##*:}() " "$here/$script.sh" || echo "$row"
  done >missing
  holds "$label: each row is there: $(tr '\n' ' ' <missing)" test ! -s missing
}

rows
