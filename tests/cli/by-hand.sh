#!/bin/sh
# docs/by-hand.md does what it says: its commands are typed into two shells as they stand there, and
# what they print is compared. In a network namespace of its own, as the user who runs the test; if
# that is root, as an ordinary user too.
#
# In the document a block ```console N is of terminal N: `$ ` begins a command, `^C` stands for the
# key, `...` for any lines; the rest is what is to be printed.
# shellcheck source=lib.sh
. "$(dirname "$0")/../lib.sh"

cp "$helpers/netns" "$work/netns"
cp "$here/../../docs/by-hand.md" "$work/by-hand.md"

# What differs from run to run: process ids, times left, ports that the kernel chose, and by how many
# sockets a range was full.
same() {
  sed -E -e 's/\(pid [0-9]+\)/(pid N)/' -e 's/, [0-9]+ s left/, T left/' \
    -e 's/kill [0-9]+/kill N/' -e 's/^( +)sudo /\1/' \
    -e 's/:[3-6][0-9]{4}([^0-9]|$)/:P\1/g' -e 's/( ports of [0-9-]+): .*/\1: S/' \
    -e 's/^(made +)[0-9]+/\1N/' "$@"
}

cat >"$work/typist" <<'S'
#!/bin/sh
# Runs the document; prints what differs. Exit status 0: nothing.
cd "$1" || exit 1
PATH=$2:$PATH
same_lines=$3

# matches N: whether terminal N has printed all that it should have by now. Exit status 1: not yet;
# 2: it has printed something else.
matches() {
  sh -c "$same_lines" same "printed$1" >"now$1"
  sh -c "$same_lines" same "expected$1" | awk -v printed="now$1" '
    function next_line() { return (getline line <printed) > 0 }
    $0 == "..." { skipping = 1; next }
    {
      do
        if (!next_line()) exit 1
      while (skipping && line != $0)
      if (line != $0) { print "expected: " $0 "\nprinted:  " line; exit 2 }
      skipping = 0
    }
    END { if (whole && !skipping && next_line()) { print "not expected: " line; exit 2 } }
  ' whole="${2:-}"
}

settle() { # N [whole]
  for try in $(seq 600); do
    matches "$1" "${2:-}" >differs
    settled=$?
    [ $settled = 1 ] || break
    sleep 0.05
  done
  [ $settled = 0 ] && return
  echo "terminal $1, line $number: the output is not as written"
  cat differs
  sed 's/^/  /' "printed$1"
  exit 1
}

# The process that the shell of terminal N waits for.
foreground() {
  read -r shell <"shell$1"
  cat "/proc/$shell/task/$shell/children"
}

for n in 1 2; do
  mkfifo "keys$n"
  : >"expected$n"
  sh <"keys$n" >"printed$n" 2>&1 &
  echo $! >"shell$n"
done
exec 8>keys1 9>keys2
trap 'for n in 1 2; do kill $(foreground $n) $(cat shell$n); done 2>/dev/null' EXIT

awk '/^```console [12]$/ { n = $2; print NR, n, "begin"; next }
     /^```$/ && n { print NR, n, "end"; n = 0; next }
     n { print NR, n, "line", $0 }' by-hand.md >script
while read -r number n kind text; do
  # `read` takes the blanks at the front away.
  [ "$kind" = line ] && text=$(sed -n "${number}p" by-hand.md)
  case $kind$text in
  begin) ;;
  end) settle "$n" ;;
  'line$ '*)
    settle "$n"
    printf '%s\n' "${text#\$ }" >&$((n + 7))
    ;;
  'line^C')
    settle "$n"
    # shellcheck disable=SC2046 # it ends in a blank
    kill -INT $(foreground "$n")
    ;;
  *) printf '%s\n' "$text" >>"expected$n" ;;
  esac
done <script
number=end
exec 8>&- 9>&-
wait
trap - EXIT
settle 1 whole
settle 2 whole
[ -s expected1 ] && [ -s expected2 ]
S
chmod 755 "$work/typist" "$work/netns"

same_lines=$(sed -n '/^same() {$/,/^}$/p' "$0")
same_lines="$same_lines
same \"\$@\""

# by_hand WHO COMMAND...: types the document in a fresh directory, under the command.
begin() {
  where=$work/$1
  who=$1
  shift
  mkdir "$where"
  cp "$work/by-hand.md" "$where"
  chmod 777 "$where"
  "$@" "$work/netns" "$work/typist" "$where" "$work" "$same_lines" >"$work/$who.out" 2>&1 &
}

end() { # WHO PROCESS
  rc=0
  wait "$2" || rc=$?
  cp "$work/$1.out" "$work/out"
  : >"$work/err"
  if [ $rc = 77 ]; then
    skip "docs/by-hand.md, as $1" "$(cat "$work/out")"
  else
    ok "docs/by-hand.md does what it says, as $1" status_is 0
  fi
}

if "$portreuse" version -v | grep -qE 'IP_LOCAL_PORT_RANGE +yes'; then
  begin "we are" env
  ours=$!
  if is_root; then
    begin "an ordinary user" as_user
    theirs=$!
    end "an ordinary user" $theirs
  fi
  end "we are" $ours
else
  skip "docs/by-hand.md does what it says" "this kernel has no IP_LOCAL_PORT_RANGE (Linux 6.3)"
fi
finish
