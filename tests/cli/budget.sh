#!/bin/sh
# The number that `portreuse budget` tells is the number of connections that succeed: budgets.c makes
# the set-ups, asks, and connects until it fails. As root and as an ordinary user.
# shellcheck source=lib.sh
. "$(dirname "$0")/../lib.sh"

# compare ARGUMENT...: reports each set-up as a test. One that fails is made once more: on a busy
# machine a TIME-WAIT can get old enough for connect() between the question and the connections.
compare() {
  "$helpers/budgets" "$portreuse" "$@" >"$work/first"
  while read -r line; do
    name=${line#* - }
    case $line in
      '# not run'*) echo "$line" ;;
      '#'*) last=$line ;;
      *' # SKIP '*) skip "${name% # SKIP*}" "${line#* # SKIP }" ;;
      'ok '*) ok "$name: ${last#\# }" true ;;
      'not ok '*)
        # shellcheck disable=SC2086 # --random is never repeated
        run "$helpers/budgets" "$portreuse" ${as_user_option:-} "${name%, as an ordinary user}"
        ok "$name" status_is 0
        ;;
    esac
  done <"$work/first"
}

if ! command -v ip >/dev/null; then
  skip "budget and connect()" "ip is not installed"
  finish
fi
compare
if is_root; then
  as_user_option=--as-user
  compare --as-user
fi
finish
