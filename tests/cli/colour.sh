#!/bin/sh
# Colour: on a terminal, unless it is refused, and never in what is not for a terminal.
# shellcheck source=lib.sh
. "$(dirname "$0")/../lib.sh"
cd "$work" || exit 1
escape=$(printf '\033')
scenario fails <<'S'
title  One as expected, one not
case good
  one  socket  s
case bad
  one  socket  s
  one  connect s 127.0.0.1:4000
S
fails=$file
run "$portreuse" run "$fails"
cp out plain
ok "what is piped is not in colour" out_lacks "$escape"
run "$portreuse" run --color=always "$fails"
ok "with --color=always it is" out_has "${escape}[1;31mFAIL${escape}[0m fails: 1 of 2 cases"
ok "the exit code is the same" status_is 1
ok "verdicts are" out_has "${escape}[32mPASS ${escape}[0m good"
ok "and unexpected answers" out_has "${escape}[1;31mECONNREFUSED  <- not as expected${escape}[0m"
sed "s/${escape}\[[0-9;]*m//g" out >stripped
ok "else the text is the same" cmp stripped plain
run "$portreuse" run --color "$fails"
ok "--color alone is always" out_has "$escape"
run env NO_COLOR=1 "$portreuse" run --color "$fails"
ok "also against NO_COLOR" out_has "$escape"
run "$portreuse" run --color never "$fails"
ok "its value may stand behind a blank" out_has "FAIL fails: 1 of 2 cases"
ok "and is none of the scenarios" sh -c '! grep -q never err'
run "$portreuse" run --color always "$fails"
ok "always, too" out_has "$escape"
run "$portreuse" run --color=always --color=never "$fails"
ok "the last one counts" cmp out plain
run "$portreuse" run --color=sometimes "$fails"
ok "any other word is exit 2" status_is 2
ok "and told" err_has "--color 'sometimes': expected 'auto', 'always' or 'never'"
run "$portreuse" run --color=always --output file.txt --output file.xml "$fails"
ok "a file is not in colour" cmp file.txt plain
ok "whatever its format" sh -c '! grep -q "$1" file.xml' - "$escape"
for format in json ndjson tap junit markdown mermaid; do
  run "$portreuse" run --color=always --format $format "$fails"
  ok "nor is $format on standard output" out_lacks "$escape"
done

if ! command -v script >/dev/null; then
  skip "colour on a terminal" "script (util-linux) is not installed"
  finish
fi
unset NO_COLOR
on_terminal() { # COMMAND LINE
  TERM=xterm run script -qec "$1" terminal
}
on_terminal "$portreuse run -q $fails"
ok "on a terminal it is in colour" out_has "${escape}[1;31mFAIL"
on_terminal "NO_COLOR=1 $portreuse run -q $fails"
ok "not with NO_COLOR" out_lacks "$escape"
on_terminal "NO_COLOR= $portreuse run -q $fails"
ok "an empty NO_COLOR is none" out_has "$escape"
on_terminal "TERM=dumb $portreuse run -q $fails"
ok "not on a terminal without colours" out_lacks "$escape"
on_terminal "$portreuse run -q --color=never $fails"
ok "not with --color=never" out_lacks "$escape"
on_terminal "$portreuse run -q --color=auto $fails"
ok "--color=auto is the default" out_has "$escape"

finish
