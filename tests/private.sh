# For scripts that make sockets: `. "$here/../private.sh"` after lib.sh. Runs the script again in a
# network namespace of its own, with `lo` up; without one it is reported as skipped.
#
# shellcheck shell=sh
# shellcheck disable=SC2154 # lib.sh sets them

if [ "${PORTREUSE_INSIDE:-}" != 1 ]; then
  enter="unshare -n"
  is_root || enter="unshare -rn"
  if ! $enter true 2>/dev/null; then
    skip "$(basename "$0")" "no private network namespace: $enter"
    finish
  fi
  rm -rf "$work"
  PORTREUSE_INSIDE=1 exec $enter "$0" "$@"
fi
if ! command -v ip >/dev/null || ! ip link set lo up; then
  skip "$(basename "$0")" "ip is not installed"
  finish
fi
