#!/bin/sh
# The static build, with each C library that is installed: one small file that works alone in an empty
# tree.
# shellcheck source=lib.sh
. "$(dirname "$0")/../lib.sh"
PATH=$PATH:/usr/sbin # chroot, which Debian keeps from the path of an ordinary user
top=$(cd "$here/../.." && pwd)
root=$work/root
mkdir "$root"

# alone COMMAND...: the program in a tree that has nothing else, not even /proc. `unshare -r` creates a
# mount namespace, in which any user is root.
alone() { unshare -rm chroot "$root" /portreuse "$@"; }
alone_as_user() { as_user unshare -rm chroot "$root" /portreuse "$@"; }

works_alone() { # FUNCTION
  run "$1" list
  ok "list works" out_has "  address-in-use "
  run "$1" version -v
  ok "version says what is missing" out_matches "sysctls can be written +no: /proc/sys is missing"
  run "$1" help run
  ok "help works" out_has "usage: portreuse run"
  run "$1" show address-in-use
  ok "show works" cmp "$work/out" "$top/scenarios/address-in-use.scenario"
  "$1" check - <"$top/scenarios/address-in-use.scenario" >"$work/out" 2>"$work/err"
  ok "check works" first_line_is "PASS 1 file without errors"
  run "$1" run --tag seed
  ok "what needs no /proc runs" out_matches "^PASS +time-wait-rebind "
  ok "what does is skipped" out_matches "^SKIP +ephemeral-bind "
  ok "with the reason" out_has "there is no /proc/sys here"
}

tests_of() { # NAME COMPILER LIMIT
  build=$work/$2
  run sh -c 'cmake -S "$1" -B "$2" -DCMAKE_C_COMPILER="$3" -DPORTREUSE_STATIC=ON -DPORTREUSE_WERROR=ON &&
    cmake --build "$2" -j 2 --target portreuse' - "$top" "$build" "$2"
  ok "the static build with $1 succeeds, without warnings" status_is 0
  [ "$rc" = 0 ] || return
  size=$(wc -c <"$build/portreuse")
  echo "# note: the static file with $1 has $size bytes, and may have $3"
  ok "it has at most $3 bytes" test "$size" -le "$3"
  ok "it needs no shared library" sh -c '! readelf -ldW "$1" | grep -E "INTERP|NEEDED"' - \
    "$build/portreuse"
  cp "$build/portreuse" "$root/portreuse"
  chmod 755 "$root" "$root/portreuse"
  if unshare -rm true 2>/dev/null; then
    works_alone alone
  else
    skip "it works alone" "no mount namespace could be made to try it in"
  fi
  if users_may; then
    works_alone alone_as_user
  else
    skip "it works alone, for an ordinary user" "an ordinary user may have no namespace here"
  fi
  if is_root; then
    run chroot --userspec=65534:65534 "$root" /portreuse run --tag seed
    ok "in a chroot without any right all is skipped" first_line_starts "SKIP "
    ok "with the reason" out_has "not permitted, as in a chroot"
  fi
  ok "it leaves nothing there" sh -c '[ "$(find "$1" | wc -l)" = 2 ]' - "$root"
  run "$here/../cli/language.sh" "$build/portreuse" "$helpers"
  ok "and it passes the tests of the language" status_is 0
}

echo 'int main(void) { return 0; }' >"$work/empty.c"
if_it_links() { # NAME COMPILER LIMIT
  if "$2" -static "$work/empty.c" -o "$work/empty" 2>/dev/null; then
    tests_of "$@"
  else
    skip "the static build with $1" "$2 cannot link one here"
  fi
}
if_it_links glibc cc $((2176 * 1024))
if_it_links musl musl-gcc $((1216 * 1024))

finish
