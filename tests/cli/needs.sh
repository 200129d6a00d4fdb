#!/bin/sh
# What a case needs and the kernel has not is a SKIP with the reason; a step that expects the errno of
# such a kernel gets it.
# shellcheck source=lib.sh
. "$(dirname "$0")/../lib.sh"

# skips NAME REASON FORMAT...: the scenario that printf makes; passes NAME FORMAT...
skips() {
  skip_name=$1
  reason=$2
  shift 2
  # shellcheck disable=SC2059 # the format is an argument
  printf "$@" >"$work/one.scenario"
  run "$portreuse" run "$work/one.scenario"
  ok "$skip_name: exit 0" status_is 0
  ok "$skip_name" out_says "SKIP $reason"
}
passes() {
  pass_name=$1
  shift
  # shellcheck disable=SC2059
  printf "$@" >"$work/one.scenario"
  run "$portreuse" run -q "$work/one.scenario"
  ok "$pass_name" first_line_is "PASS one: 1 case, as expected"
}
head='title t
case c
  r socket s'

skips "a sysctl that is needed" "one: needs sysctl net.ipv4.nonsense, which is not here (ENOENT)" \
  'title t\nneeds sysctl net.ipv4.nonsense\ncase c\n r socket s\n'
passes "what is here" 'title t\nneeds sysctl net.ipv4.tcp_tw_reuse\nneeds sock_diag\nneeds SO_REUSEADDR\nneeds IPV6_V6ONLY\ncase c\n r socket s\n'
skips "a sysctl that is set" "one: line 4: this kernel has no sysctl net.ipv4.nonsense here (ENOENT)" \
  '%s\n  sysctl net.ipv4.nonsense 1\n' "$head"
passes "where its absence is expected" '%s\n  sysctl net.ipv4.nonsense 1 -> ENOENT\n' "$head"
passes "or allowed" '%s\n  sysctl net.ipv4.nonsense 1 -> ok | ENOENT\n' "$head"
passes "a list that the kernel writes in another way" '%s\n  sysctl net.ipv4.ip_local_reserved_ports 9,7,8\n' "$head"
passes "numbers that it keeps" '%s\n  sysctl net.ipv4.ip_local_port_range 40000 40099\n' "$head"
skips "an option that the socket does not know" "one: line 4: this kernel does not know the option IPV6_V6ONLY" \
  '%s\n  r setsockopt s SO_KEEPALIVE IPV6_V6ONLY\n' "$head"
skips "in a block" "one: line 5: this kernel does not know the option IPV6_V6ONLY" \
  '%s\n  r repeat 3\n    socket t IPV6_V6ONLY\n  end\n' "$head"
passes "where that is expected" '%s\n  r setsockopt s IPV6_V6ONLY -> ENOPROTOOPT\n' "$head"
passes "also in a block" '%s\n  r repeat 3\n    socket t IPV6_V6ONLY\n  end -> ENOPROTOOPT at socket after 0\n' "$head"
printf '%s\n  r setsockopt s IPV6_V6ONLY -> EINVAL\n' "$head" >"$work/one.scenario"
run "$portreuse" run --must-run "$work/one.scenario"
ok "with --must-run it is an error" first_line_starts "ERROR one: line 4: this kernel does not know"

finish
