#!/bin/sh
# Processes whose names are made to deceive: every format shows the same harmless text.
# shellcheck source=lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=private.sh
. "$here/../private.sh"

server=
trap 'kill -KILL $server 2>/dev/null; rm -rf "$work"' EXIT

# begin NAME: a server on port 2000 that gives itself this name.
begin() {
  : >"$work/ready"
  "$helpers/mover" named "$1" <"$work/hold" >"$work/ready" 2>/dev/null &
  server=$!
  exec 9>"$work/hold"
  until_ok grep -q ready "$work/ready"
}
end() {
  exec 9>&-
  wait "$server"
}

# Returns whether the output has bytes that can do harm: a control character other than the end of a
# line, a mark of direction, a byte that is no UTF-8.
harmless() {
  ! LC_ALL=C grep -qaE "$(printf '[\001-\010\013-\037\177]|\342\200[\213\216\217\250-\256]|\342\201[\240-\251\246]')" \
    "$work/out" && iconv -f UTF-8 -t UTF-8 "$work/out" >/dev/null
}
one_line() { [ "$(wc -l <"$work/out")" = 1 ]; }

mkfifo "$work/hold"
# NAME (for printf), how it is shown
while IFS=' ' read -r name shown; do
  # shellcheck disable=SC2059 # it is a format
  begin "$(printf "$name")"
  [ "$shown" != - ] || shown=mover
  for format in text json line nagios prometheus; do
    run "$portreuse" why --format $format 127.0.0.1:2000
    ok "$shown: $format is harmless" harmless
    case $format in
      text) ok "$shown: text" out_has ": $shown ($server) listens" ;;
      json) ok "$shown: JSON" out_has "$(printf '%s' "$shown" | sed 's/\\/\\\\/g') ($server) listens" ;;
      line) ok "$shown: one line" one_line ;;
      nagios) ok "$shown: Nagios, one line" one_line ;;
      prometheus) ok "$shown: Prometheus, the address" out_has 'why_bindable{address="127.0.0.1:2000"' ;;
    esac
  done
  end
done <<'END'
a\033[31mb a\x1b[31mb
x\nfree x\x0afree
\342\200\256gnp \u202egnp
a\342\200\213b a\u200bb
\342\200\250x \u2028x
\040 -
\047 '
`id` `id`
{stop} {stop}
END

# What was typed is repeated in complaints, on standard error.
err_is_harmless() { ! LC_ALL=C grep -qa "$(printf '\033')" "$work/err" && [ "$(wc -l <"$work/err")" -le "$1" ]; }
name=$(printf 'a\033[31m\n::error::b')
for command in why budget list show check server; do
  run timeout 20 "$portreuse" $command "$name.x:80"
  ok "$command: a complaint is one line, and does nothing to the terminal" err_is_harmless 1
done
run "$portreuse" "$name"
ok "so is that about an unknown command" err_is_harmless 4
run "$portreuse" why --format "$name" :80
ok "and that about a format" err_is_harmless 1
run "$portreuse" why --output "$name" :80
ok "and that about a file" err_is_harmless 1
printf '\033[31ma\000b' >"$work/binary"
run "$portreuse" show "$work/binary"
ok "show prints no file that is no text" out_is_empty
ok "which is trouble" status_is 2
finish
