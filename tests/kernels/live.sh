#!/bin/sh
# Live checks in a guest: `why`, `budget` and `audit` about situations that are made there. Prints TAP.
# The argument says what is special here: live, live-no-diag, live-hidepid, live-no-ipv6.

count=0
mkdir -p /tmp/live
chmod 777 /tmp/live
as=

ok() { # NAME COMMAND...
  name=$1
  shift
  count=$((count + 1))
  if "$@" >/dev/null 2>&1; then
    echo "ok $count - $name"
  else
    echo "not ok $count - $name"
    sed 's/^/# | /' /tmp/live/out
  fi
}

ask() { # ARG...: asks portreuse about the situation
  $as portreuse "$@" >/tmp/live/out 2>&1
}

begin() { # SITUATION
  rm -f /tmp/live/hold /tmp/live/ready
  mkfifo /tmp/live/hold /tmp/live/ready
  chmod 666 /tmp/live/*
  $as situation "$1" </tmp/live/hold >/tmp/live/ready 2>/tmp/live/trouble &
  exec 9>/tmp/live/hold
  pid=0
  read -r word pid </tmp/live/ready
  [ "$word" = ready ] || pid=0
}

end() {
  exec 9>&-
  wait
}

says() { grep -qF -e "$1" /tmp/live/out; }
lacks() { ! grep -qF -e "$1" /tmp/live/out; }
starts() { head -n 1 /tmp/live/out | grep -q "^$1"; }

cause() { # SITUATION WANT ADDRESS
  begin "$1"
  ask why --pid "$pid" "$3"
  ok "$1: $2" says "  $2: "
  end
}

where=$1
cause listener address-in-use 127.0.0.1:2000
cause wildcard wildcard-vs-specific 127.0.0.1:2000
if [ "$where" = live-no-diag ] || [ ! -e /modules/tcp_diag.ko ]; then
  # /proc/net does not show bound, idle sockets.
  begin idle
  ask why --pid "$pid" 127.0.0.1:2000
  ok "idle: that the kernel cannot list it is said" says "no tcp_diag"
  end
else
  cause idle bound-but-idle 127.0.0.1:2000
fi
cause time-wait time-wait-old-without-reuse 127.0.0.1:2000
case $where in
  live-hidepid)
    # Root's listener in the guest's own namespace, asked about by an ordinary user.
    tail -f /dev/null | nc -l -p 2000 >/dev/null 2>&1 &
    listener=$!
    sleep 1
    su -s /bin/sh nobody -c "portreuse why :2000" >/tmp/live/out 2>&1
    ok "hidepid: the listener is there" says "  address-in-use: "
    ok "hidepid: that /proc hides processes is said" says "/proc hides the processes of other users"
    kill $listener
    ;;
  live-no-ipv6)
    as=
    ask why '[::1]:2000'
    ok "without IPv6: that is said" says "no IPv6 here"
    ;;
esac
echo "1..$count"
