#!/bin/sh
# Files that a person names: one that never ends is refused at once, and one that a report replaces
# keeps what it had beside its bytes.
# shellcheck source=lib.sh
. "$(dirname "$0")/../lib.sh"
cd "$work" || exit 1

# --- files to be read ---

mkfifo fifo
mkdir folder
truncate -s 65M long
# refused WHY COMMAND...: the command does not wait for the file, and says what it is.
refused() {
  why=$1
  shift
  run timeout 20 "$portreuse" "$@"
  ok "$*: exit 2" status_is 2
  ok "$*: $why" err_says "$why"
}
for file in fifo /dev/zero /proc/kmsg folder; do
  case $file in
    fifo) why="cannot read this file: it is a FIFO" ;;
    folder) why="cannot read this file: it is a directory" ;;
    /dev/*) why="cannot read this file: it is a device or a socket" ;;
    *) why="cannot read this file: it is a file of the kernel" ;;
  esac
  if [ ! -r $file ]; then
    skip "$file is refused" "only root may read it"
    continue
  fi
  refused "$why" run $file
  refused "$why" check $file
  refused "$why" show $file
  refused "$why" audit --services $file
  refused "$why" matrix --diff $file
done
refused "cannot read this file: it is larger than 64 MiB" audit --services long
refused "--netns $work/fifo: it is not a network namespace" why --netns "$work/fifo" 127.0.0.1:80
refused "--netns /dev/zero: it is not a network namespace" budget --netns /dev/zero
refused "--netns $work/folder: it is not a network namespace" audit --netns "$work/folder"

story=$here/../../scenarios/address-in-use.scenario
run sh -c 'cat "$2" | "$1" check /dev/stdin' - "$portreuse" "$story"
ok "a pipe without a name is a file like any other" first_line_is "PASS 1 file without errors"

# --- files to be written ---

# report FILE: writes one.
report() { run "$portreuse" why -q --output "$1" 127.0.0.1:2000; }
is_report() { grep -q '127.0.0.1:2000' "$1"; }
modes() { stat -c '%a %u %g' "$1"; }

umask 022
for mode in 600 640 444 4755; do
  echo old >kept.json
  chmod $mode kept.json
  before=$(modes kept.json)
  report kept.json
  ok "a file of mode $mode is replaced" is_report kept.json
  ok "and keeps it" [ "$(modes kept.json)" = "$before" ]
  rm -f kept.json
done
report new.json
ok "a new file has the mode of the umask" [ "$(stat -c %a new.json)" = 644 ]
if is_root; then
  echo old >foreign.json
  chown 4321:4322 foreign.json
  chmod 660 foreign.json
  report foreign.json
  ok "a file of another user is replaced" is_report foreign.json
  ok "and stays that user's" [ "$(modes foreign.json)" = "660 4321 4322" ]

  # One who may write to the file and not give it away writes in place.
  mkdir -m 777 everybody
  echo "a longer line than the report has, hopefully, as it must be cut" >everybody/theirs.json
  chmod 666 everybody/theirs.json
  inode=$(stat -c %i everybody/theirs.json)
  chmod 755 "$work"
  run as_user "$portreuse" why -q --output "$work/everybody/theirs.json" 127.0.0.1:2000
  ok "where the owner cannot be kept, the file is written in place" is_report everybody/theirs.json
  ok "and is still that file" [ "$(stat -c '%i %u' everybody/theirs.json)" = "$inode 0" ]
  chmod 644 everybody/theirs.json
  run as_user "$portreuse" why -q --output "$work/everybody/theirs.json" 127.0.0.1:2000
  ok "where that is not permitted either, it is an error" status_is 2
  ok "and the file stays the owner's" [ "$(modes everybody/theirs.json)" = "644 0 0" ]

  # fs.protected_symlinks
  mkdir -m 1777 sticky
  echo secret >target.json
  as_user ln -s "$work/target.json" sticky/link.json
  report sticky/link.json
  ok "another user's link out of a sticky directory is not followed" status_is 2
  ok "it says so" err_has "sticky/link.json: Permission denied"
  ok "and the target stays" [ "$(cat target.json)" = secret ]
  as_user ln -s "$work" sticky/folder
  report sticky/folder/target.json
  ok "nor one to a folder" [ "$(cat target.json)" = secret ]
  ln -s "$work/target.json" sticky/own.json
  report sticky/own.json
  ok "our own is" is_report target.json
fi
if python3 -c 'import os; os.setxattr("new.json", "user.note", b"x")' 2>/dev/null; then
  report new.json
  ok "an extended attribute is kept" python3 -c 'import os; assert os.getxattr("new.json", "user.note") == b"x"'
  # user::rw-,user:77:r--,group::---,mask::r--,other::---
  python3 - <<'END' || true
import os, struct
entries = [(1, 6, 0xffffffff), (2, 4, 77), (4, 0, 0xffffffff), (0x10, 4, 0xffffffff), (0x20, 0, 0xffffffff)]
acl = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)
os.setxattr("new.json", "system.posix_acl_access", acl)
open("acl", "wb").write(acl)
END
  if [ -s acl ]; then
    report new.json
    ok "and the ACL" python3 -c 'import os; assert os.getxattr("new.json", "system.posix_acl_access") == open("acl", "rb").read()'
  fi
else
  skip "an extended attribute is kept" "this file system has none, or there is no python3"
fi
# A label of SELinux is such an attribute, and a file system keeps it without SELinux, too.
label='system_u:object_r:httpd_log_t:s0'
if is_root && python3 -c 'import os, sys; os.setxattr("new.json", "security.selinux", sys.argv[1].encode() + b"\0")' $label 2>/dev/null; then
  report new.json
  ok "and a label of SELinux" python3 -c \
    'import os, sys; assert os.getxattr("new.json", "security.selinux") == sys.argv[1].encode() + b"\0"' $label
else
  skip "and a label of SELinux" "only root may set one, on a file system that has them"
fi
ln -s new.json link.json
report link.json
ok "a link is kept, and its file replaced" [ -L link.json ]
ln -s nowhere.json dangling.json
report dangling.json
ok "a link to nothing makes its file" is_report nowhere.json
ln -s loop.json loop.json
report loop.json
ok "a loop of links is an error" err_has "Too many levels of symbolic links"
ok "no temporary file is left" sh -c '! ls -A | grep "\.tmp"'
if command -v strace >/dev/null && strace -qq true 2>/dev/null; then
  # tampered CALL INJECTION: a report is written while the call fails so.
  tampered() {
    rm -f kept.json
    run env ASAN_OPTIONS=detect_leaks=0 strace -qq -o "$work/trace" -e trace="$1" -e inject="$1:$2" \
      "$portreuse" why -q --output kept.json 127.0.0.1:2000
  }
  # The name of the new file is taken already, by somebody who could guess it.
  tampered linkat error=EEXIST:when=1
  ok "where a temporary name is taken, another one is" is_report kept.json
  ok "after the refusal" grep -q 'tmp.*EEXIST.*INJECTED' "$work/trace"
  # A file cannot be made without a name, or not be given one.
  tampered linkat error=ENOENT
  ok "without /proc a file is written that has a name" is_report kept.json
  tampered openat error=ENOENT:when=9999
  which=$(grep -n O_TMPFILE "$work/trace" | cut -d: -f1)
  tampered openat "error=EOPNOTSUPP:when=$which"
  ok "on another file system, too" is_report kept.json
  ok "as it was asked first" grep -q 'O_TMPFILE.*EOPNOTSUPP.*INJECTED' "$work/trace"
  rm -f kept.json
  # Who may not set a label keeps it by writing in place.
  echo old >labelled.json
  if is_root && python3 -c 'import os, sys; os.setxattr("labelled.json", "security.selinux", sys.argv[1].encode())' "$label" 2>/dev/null; then
    before=$(stat -c '%i %a' labelled.json)
    run env ASAN_OPTIONS=detect_leaks=0 strace -f -qq -o "$work/trace" -e trace=fsetxattr -e inject=fsetxattr:error=EPERM \
      "$portreuse" why -q --output labelled.json 127.0.0.1:2000
    ok "a label that may not be set was to be set" grep -q 'security.selinux.*EPERM' "$work/trace"
    ok "the file keeps it, being the same" [ "$(stat -c '%i %a' labelled.json)" = "$before" ]
    ok "with the report" is_report labelled.json
  fi
  run env ASAN_OPTIONS=detect_leaks=0 strace -f -qq -o "$work/trace" -e trace=renameat,renameat2 -e inject=renameat,renameat2:error=EIO \
    "$portreuse" why -q --output kept.json 127.0.0.1:2000
  ok "a file that cannot be renamed is an error" status_is 2
  ok "no temporary file is left then" sh -c '! ls -A | grep "\.tmp"'
fi

# --- standard output ---

for command in list version --help "why -q 127.0.0.1:2000" "check $story"; do
  # shellcheck disable=SC2086 # to be split
  run sh -c '"$@" >&-' - "$portreuse" $command
  ok "$command: a closed standard output is an error" status_is 2
  ok "$command: it is told" err_has "writing to standard output: Bad file descriptor"
done

finish
