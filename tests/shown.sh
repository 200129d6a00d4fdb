# For scripts that compare an output with what README or docs show: `. "$here/../shown.sh"` after lib.sh.
#
# shellcheck shell=sh
# shellcheck disable=SC2154 # lib.sh sets them

# block FILE COMMAND: what the document shows below `$ COMMAND` (from COMMAND on, if it ends with `*`), in an
# indented block or in one of ```console, goes to the file want, and the whole command to $shown.
# shellcheck disable=SC2034 # $shown is for the scripts
block() {
  shown=$(awk -v command="$2" -v want="$work/want" '
    BEGIN { printf "" >want; part = sub(/\*$/, "", command) }
    /^```/ { if (inside) exit; fenced = !fenced; next }
    { line = $0; if (!fenced && sub(/^    /, "", line) == 0 && line != "") line = "\n" } # "\n": not in a block
    substr(line, 1, 2) == "$ " {
      if (inside) exit
      typed = substr(line, 3)
      inside = part ? index(typed, command) == 1 : typed == command
      if (inside) print typed
      next
    }
    inside && line == "\n" { exit }
    inside { print line >want }' "$here/../../$1")
  sed -i -e :a -e '/^\n*$/{$d;N;ba' -e '}' "$work/want"
}

# What differs from time to time: process IDs, ports that the kernel chose, times, and who started a process.
same() {
  sed -E -e 's/\(([0-9]+)\)/(PID)/g' -e 's/\bpid [0-9]+/pid PID/g' -e 's/\bkill [0-9]+/kill PID/g' \
    -e 's/:[3-6][0-9]{4}([^0-9]|$)/:PORT\1/g' -e 's/[0-9]+ s left/T s left/g' -e 's/looked [0-9]+/looked N/g' \
    -e 's/[^ ]+( -c)? \(PID\)( > [^>()]* \(PID\)| > \.\.\.)+/PARENTS/g' "$@"
}

# as_shown: the output is what the document shows, line by line. A line of `...` stands for any lines.
as_shown() {
  [ -s "$work/want" ] || {
    echo "the document does not show this command"
    return 1
  }
  same "$work/out" >"$work/now"
  same "$work/want" | awk -v now="$work/now" '
    function next_line() { return (getline line <now) > 0 }
    /^ *\.\.\.$/ { skipping = 1; next }
    {
      do
        if (!next_line()) { print "expected: " $0; exit failed = 1 }
      while (skipping && line != $0)
      if (line != $0) { print "expected: " $0 "\nprinted:  " line; exit failed = 1 }
      skipping = 0
    }
    END { if (!failed && !skipping && next_line()) { print "not expected: " line; exit 1 } }'
}

# as_told FILE: the same, word by word, wherever a longer process ID has broken the lines; and other words may
# stand before and behind.
as_told() {
  [ -s "$work/want" ] || {
    echo "the document does not show this command"
    return 1
  }
  tr -s ' \n' ' ' <"$1" | same >"$work/now"
  awk '/^ *\.\.\.$/ { print ""; next } { printf "%s ", $0 }' "$work/want" | tr -s ' ' | same | sed 's/^ //' |
    awk -v now="$work/now" 'BEGIN { getline told <now }
      $0 != "" {
        at = index(told, $0)
        if (at == 0) { print "expected: " $0; exit failed = 1 }
        told = substr(told, at + length($0))
      }'
}
