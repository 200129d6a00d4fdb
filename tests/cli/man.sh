#!/bin/sh
# The man pages say what the program says: its commands and options, and the words of its language.
# shellcheck source=lib.sh
. "$(dirname "$0")/../lib.sh"
export LC_ALL=C
top=$(cd "$here/../.." && pwd)
page=$top/docs/man/portreuse.1
language=$top/docs/man/portreuse-scenario.5

# The options in the section of the man page that is about a command, as help writes them:
# `-j, --jobs[=N]`, `--tag TAG`, `--as server|client`.
page_options() { # COMMAND
  sed -n "/^\.Ss portreuse $1\$/,/^\.S[sh] /p" "$page" | sed -n 's/^\.It Fl/Fl/p' |
    sed 's/Fl /-/g; s/ , /, /; s/ Ns Op = Ns Ar \([^ ]*\)/[=\1]/; s/ Ns Op : .*//; s/ | /|/g; s/ Ar / /; s/ Cm / /' | sort
}
help_options() { # COMMAND
  "$portreuse" help "$1" | sed -n '/^Options$/,/^$/s/^  *\(-.*\)/\1/p' | sed 's/  .*//' | sort
}

"$portreuse" help --words | cut -f 1 >"$work/commands"
sed -n 's/^\.Ss portreuse //p' "$page" >"$work/sections"
ok "the man page has a part for each command, in the order of the help" \
  diff "$work/commands" "$work/sections"
while read -r command; do
  page_options "$command" >"$work/page"
  help_options "$command" >"$work/help"
  ok "it has the options of $command and their values, and no others" diff "$work/help" "$work/page"
  ok "and it shows how to call it" grep -qxF ".Cm $command" "$page"
done <"$work/commands"

# The words of the language: each has a row in a table of the source.
grep -E '^\.(It|Cm) ' "$language" | tr -s ' ,' '\n' | sort -u >"$work/said"
words_are_said() { # TABLE: the file "words" has its words
  ok "portreuse-scenario(5) has the words of $1" \
    sh -c '[ "$(wc -l <"$1")" -gt 9 ] && comm -23 "$1" "$2" | diff /dev/null -' - "$work/words" "$work/said"
}
sed -n 's/^ *VERB([A-Z]*, \([a-z]*\)).*/\1/p' "$top/include/scenario/verb.h" | sort >"$work/words"
words_are_said scenario/verb.h
for table in kernel/sockopt.c model/socket.c; do
  sed -n 's/^    \(\[[A-Z0-9_]*\] = \)\{0,1\}{\{0,1\}"\([A-Za-z0-9_-]*\)",.*/\2/p' "$top/src/$table" |
    grep -vx none | sort >"$work/words"
  words_are_said $table
done

sed -n '/^\.Bd -literal$/,/^\.Ed$/{/^\./d;p;}' "$language" >"$work/example.scenario"
run "$portreuse" run -q "$work/example.scenario"
ok "its example runs" first_line_is "PASS example: 2 cases, all as expected"

if command -v mandoc >/dev/null; then
  for file in "$page" "$language"; do
    # Whether other man pages are installed is not the matter.
    mandoc -Tlint "$file" 2>&1 | grep -vE 'referenced manual not found|outdated mandoc.db' >"$work/lint"
    ok "mandoc finds nothing in $(basename "$file")" diff /dev/null "$work/lint"
    mandoc -Tascii -Owidth=80 "$file" | sed "s/.$(printf '\b')//g" >"$work/shown"
    ok "and it fits 80 columns" sh -c '[ -s "$1" ] && ! grep -E "^.{81}" "$1"' - "$work/shown"
  done
else
  skip "the man pages are well-formed" "mandoc is not installed"
fi

finish
