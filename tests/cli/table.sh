#!/bin/sh
# A case that lists sockets has a table of TCP connections of its own where the kernel has such tables, and
# all else is as in any new network namespace; the host's setting stays as it is.
# shellcheck source=lib.sh
. "$(dirname "$0")/../lib.sh"

child=/proc/sys/net/ipv4/tcp_child_ehash_entries
if [ ! -e $child ]; then
  skip "a table of TCP connections for the case" "this kernel has none (Linux 6.1)"
  finish
fi
before=$(cat $child)
limits="/proc/sys/net/ipv4/tcp_max_tw_buckets /proc/sys/net/ipv4/tcp_max_syn_backlog"
# shellcheck disable=SC2086 # two words
if ! usual=$(unshare -rn grep . $limits 2>/dev/null); then
  skip "a table of TCP connections for the case" "no private network namespace"
  finish
fi

cat >"$work/seen" <<END
#!/bin/sh
mkdir "\$1" || exit 1
cat /proc/sys/net/ipv4/tcp_ehash_entries >"\$1/table"
grep . $limits >"\$1/limits"
END
chmod 755 "$work/seen"
cat >"$work/table.scenario" <<END
title  What a case has of the kernel
case lists
  a     exec   $work/seen $work/PLACE/lists
  a     wait
  count LISTEN *:1215 -> 0
case does not list
  l     socket listener
  l     bind   listener 127.0.0.1:1215
  l     listen listener
  await LISTEN 127.0.0.1:1215
  a     exec   $work/seen $work/PLACE/other
  a     wait
END

# has_its_own PLACE COMMAND...: of the run by COMMAND.
has_its_own() {
  place=$1
  shift
  mkdir -m 777 "$work/$place"
  sed "s/PLACE/$place/" "$work/table.scenario" >"$work/$place.scenario"
  run "$@" "$portreuse" run --must-run "$work/$place.scenario"
  ok "the cases pass, $place" status_is 0
  ok "one that lists sockets has a table of its own" test "$(cat "$work/$place/lists/table")" -gt 0
  ok "the limits are as usual" test "$(cat "$work/$place/lists/limits")" = "$usual"
  ok "one that awaits one socket has the common table" test "$(cat "$work/$place/other/table")" -lt 0
}
has_its_own caller
if is_root && users_may; then
  has_its_own user as_user
fi
ok "the host's setting is as before" test "$(cat $child)" = "$before"

finish
