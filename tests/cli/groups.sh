#!/bin/sh
# A user in hundreds of groups: /proc/PID/status is longer than a page, and what is asked of it stands
# behind the groups.
# shellcheck source=lib.sh
. "$(dirname "$0")/../lib.sh"

grouped() { setpriv --groups "$(seq -s , 1000000000 1000000399)" "$@"; }
scenario restless <<S
title A program that never rests for long
case it does not settle
  p exec    python3 $work/restless.py
  p settles within 500ms -> timeout
S
cat >"$work/restless.py" <<'END'
import time
while True:
    time.sleep(0.001)
END
if grouped python3 -c pass 2>/dev/null; then
  run grouped "$portreuse" run "$file"
  ok "a program that does not rest has not settled" first_line_is "PASS restless: 1 case, as expected"
else
  skip "a program that does not rest has not settled" "this needs root, setpriv and python3"
fi

finish
