#!/bin/sh
# tests/structure.sh finds each breach of the structure of the sources, and none in this tree.
# shellcheck source=lib.sh
. "$(dirname "$0")/../lib.sh"
top=$(cd "$here/../.." && pwd)

run "$top/tests/structure.sh"
ok "the structure of the sources is as tests/structure.sh says" status_is 0
echo "# note: $(tail -n 1 "$work/out")"

# file PATH LINE...: writes a file of a small tree.
file() {
  mkdir -p "$work/tree/$(dirname "$1")"
  path=$work/tree/$1
  shift
  printf '%s\n' "$@" >"$path"
}

# finds TEXT: the check of the small tree prints it; the tree is gone afterwards.
finds() {
  run "$top/tests/structure.sh" "$work/tree"
  ok "it finds: $1" out_has "$1"
  ok "and nothing else" sh -c '[ "$(wc -l <"$1")" = 2 ]' - "$work/out"
  rm -rf "$work/tree"
}

file src/model/a.c '#include "base/b.h"'
file include/base/b.h 'int b(int n);'
file src/base/b.c '#include "base/b.h"' '' 'int b(int n) {' '    return n;' '}'
run "$top/tests/structure.sh" "$work/tree"
ok "a good tree passes" status_is 0
ok "with statistics" first_line_is \
  "2 sources, 1 headers, 3 of them with 60 lines or fewer; 1 functions, the median has 3 lines"
run "$top/tests/structure.sh" --draw "$work/tree"
ok "and is drawn" out_has '  "model" -> "base" [label=1]'
rm -rf "$work/tree"

file src/base/a.c '#include "model/b.h"'
file include/model/b.h
finds 'src/base/a.c: includes "model/b.h", but model/ is above base/'

file include/base/a.h '#include "base/b.h"'
file include/base/b.h '#include "base/a.h"'
file src/model/c.c '#include "base/b.h"' '#include "base/a.h"'
finds 'closes a circle of modules: base/a -> base/b -> base/a'

file src/report/run/a.c '#include "report/host/b.h"'
file include/report/host/b.h
file src/report/host/c.c '#include "report/run/d.h"'
file include/report/run/d.h
finds 'closes a circle of folders: report/host -> report/run -> report/host'

file src/base/b.h
file src/model/a.c '#include "base/b.h"'
finds 'src/model/a.c: includes "base/b.h", a private header of base/ (move it to include/)'

file src/base/a.c '#include "base/b.h"'
file include/base/b.h
finds 'include/base/b.h: is included by no other folder (move it to src/base/)'

file src/base/b.h 'void b(int n);'
file src/base/c.c '#include "base/b.h"'
finds 'src/base/b.h: declares b(), but there is no src/base/b.c'

file src/model/a.c '#include <unistd.h>'
finds 'src/model/a.c: includes <unistd.h>: model/ makes no system call'

file src/model/a.c '/* bind(fd, ...) */' 'int a(int fd) {' '    return listen(fd, 1);' '}'
finds 'src/model/a.c: line 3 makes a system call:     return listen(fd, 1);'

file src/base/a.c "$(seq 701)"
finds 'src/base/a.c: has 701 lines, which is more than 700'

file src/live/a.c
finds 'src/live/a.c: lies on no floor'

file src/base/a.c '#include "base/gone.h"'
finds 'src/base/a.c: includes "base/gone.h", which does not exist'

finish
