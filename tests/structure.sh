#!/bin/sh
# Checks the structure of the sources: which file includes which, and where files lie.
#
# usage: tests/structure.sh [--draw] [TREE]   (default: the tree that this script is in)
#
# Prints each breach of a rule as FILE: WHAT, and statistics on the last line. Exit status 0 if there
# is no breach. With --draw it prints the includes between folders as a graph for dot(1) instead.
#
# A floor is a folder of src/ or include/; src/x.c is on the floor `main`. A file and the header of the
# same name are one module. The rules:
#   - A file includes files of its own floor and of lower floors only. Floors, from the top:
#     main cmd typed report probe engine trace diagnose scenario inspect kernel model base
#   - No circle between modules, nor between folders (report/run is a folder of its own).
#   - A header that another folder includes is in include/; all others are in src/.
#   - A header has the name of a source, or declares no function.
#   - model/ makes no system call: it includes no header for them, and uses <sys/socket.h> for its
#     constants alone.
#   - A file has at most 700 lines.
set -eu
draw=0
if [ "${1:-}" = --draw ]; then
  draw=1
  shift
fi
cd "${1:-$(dirname "$0")/..}"

find src include -name '*.[ch]' | sort | xargs awk -v draw="$draw" '
BEGIN {
  split("main cmd typed report probe engine trace diagnose scenario inspect kernel model base", floors)
  for (i in floors)
    height[floors[i]] = -i
  # Types and constants, and functions that compute. <sys/socket.h> is there for its constants.
  split("assert ctype errno inttypes limits stdalign stdarg stdbool stddef stdint stdio stdlib string " \
        "netinet/in netinet/tcp sys/socket sys/types", names)
  for (i in names)
    pure[names[i] ".h"] = 1
  socket_call = "(^|[^a-z0-9_])(socket|bind|connect|listen|accept4?|shutdown|send(to|msg)?|" \
                "recv(from|msg)?|[gs]etsockopt|getsockname|getpeername)\\([^)]"
}

function breach(file, text) {
  print file ": " text
  breaches++
}

# src/report/run/x.c -> report/run, src/main.c -> main
function folder_of(path) {
  sub(/^(src|include)\//, "", path)
  return sub(/\/[^\/]*$/, "", path) ? path : "main"
}
function floor_of(path) {
  path = folder_of(path)
  sub(/\/.*/, "", path)
  return path
}
# include/base/x.h and src/base/x.c -> base/x
function module_of(path) {
  sub(/^(src|include)\//, "", path)
  sub(/\.[ch]$/, "", path)
  return path
}

FNR == 1 {
  files[++file_count] = FILENAME
  exists[FILENAME] = 1
  inside = 0
}
{ lines[FILENAME] = FNR }

/^#include "/ {
  split($0, parts, "\"")
  uses[++use_count] = FILENAME
  used_name[use_count] = parts[2]
}
/^#include </ && floor_of(FILENAME) == "model" {
  name = $2
  gsub(/[<>]/, "", name)
  if (!(name in pure))
    breach(FILENAME, "includes <" name ">: model/ makes no system call")
}

floor_of(FILENAME) == "model" && !/^ \* / {
  code = $0
  gsub(/"[^"]*"|\/\*.*/, "", code)
  if (match(code, socket_call))
    breach(FILENAME, "line " FNR " makes a system call: " code)
}

# A function begins with a line that ends in `) {` and ends with `}`, both at the left margin.
/^[a-z].*\) \{$/ && FILENAME ~ /\.c$/ { inside = 1; first = FNR }
/^[a-z].*\($/ || (/^[a-z].*[,(]$/ && FILENAME ~ /\.c$/) { opened = FNR }
/^ .*\) \{$/ && opened && !inside && FNR - opened < 6 { inside = 1; first = opened }
/^\}/ && inside { inside = 0; lengths[++function_count] = FNR - first + 1; opened = 0 }
/^[^ \t}].*;$/ { opened = 0 }

# A prototype, as clang-format writes it.
/^[a-z][a-z0-9_ ]*[ *][a-z0-9_]+\(/ && !/^(static|typedef)/ && FILENAME ~ /\.h$/ {
  if (!(FILENAME in prototype)) {
    name = $0
    sub(/\(.*/, "", name)
    sub(/.*[ *]/, "", name)
    prototype[FILENAME] = name
  }
}

function resolve(from, name,    path) {
  if (("include/" name) in exists)
    return "include/" name
  if (("src/" name) in exists)
    return "src/" name
  path = from
  sub(/[^\/]*$/, name, path)
  if (path in exists)
    return path
  breach(from, "includes \"" name "\", which does not exist")
  return ""
}

# An arrow of a graph (`kind` is module or folder), with the files that made it.
function arrow(kind, from, to, why) {
  if (from == to || (kind, from, to) in arrows)
    return
  arrows[kind, from, to] = why
  targets[kind, from] = targets[kind, from] to " "
  if (!((kind, from) in node))
    nodes[kind] = nodes[kind] from " "
  node[kind, from] = 1
}

# Depth first; the path from the root is in trail[1..depth].
function visit(kind, at,    list, count, i, j, text) {
  state[kind, at] = "open"
  trail[++depth] = at
  count = split(targets[kind, at], list, " ")
  for (i = 1; i <= count; i++) {
    if (!((kind, list[i]) in state)) {
      visit(kind, list[i])
    } else if (state[kind, list[i]] == "open") {
      for (j = depth; trail[j] != list[i]; j--)
        ;
      text = ""
      for (; j <= depth; j++)
        text = text trail[j] " -> "
      breach(arrows[kind, at, list[i]], "closes a circle of " kind "s: " text list[i])
    }
  }
  state[kind, at] = "done"
  depth--
}
function find_circles(kind,    list, count, i) {
  count = split(nodes[kind], list, " ")
  for (i = 1; i <= count; i++)
    if (!((kind, list[i]) in state))
      visit(kind, list[i])
}

function median(values, count,    i, j, value) {
  for (i = 2; i <= count; i++) {
    value = values[i]
    for (j = i - 1; j > 0 && values[j] > value; j--)
      values[j + 1] = values[j]
    values[j + 1] = value
  }
  return values[int((count + 1) / 2)]
}

END {
  for (i = 1; i <= use_count; i++) {
    from = uses[i]
    to = resolve(from, used_name[i])
    if (to == "")
      continue
    here = folder_of(from)
    there = folder_of(to)
    if (here != there)
      visited[to] = 1
    if (height[floor_of(to)] > height[floor_of(from)])
      breach(from, "includes \"" used_name[i] "\", but " floor_of(to) "/ is above " floor_of(from) "/")
    if (here != there && to ~ /^src\//)
      breach(from, "includes \"" used_name[i] "\", a private header of " there "/ (move it to include/)")
    arrow("folder", here, there, from)
    arrow("module", module_of(from), module_of(to), from)
    count_of[here, there]++
  }
  if (draw) {
    print "digraph includes {\n  node [shape=box]"
    for (pair in count_of) {
      split(pair, ends, SUBSEP)
      if (ends[1] != ends[2])
        printf "  \"%s\" -> \"%s\" [label=%d]\n", ends[1], ends[2], count_of[pair] | "sort"
    }
    close("sort")
    print "}"
    exit
  }
  for (i = 1; i <= file_count; i++) {
    file = files[i]
    if (!(floor_of(file) in height))
      breach(file, "lies on no floor: " floor_of(file) "/ is not in the list of tests/structure.sh")
    if (lines[file] > 700)
      breach(file, "has " lines[file] " lines, which is more than 700")
    small += lines[file] <= 60
    if (file ~ /\.c$/) {
      sources++
      continue
    }
    headers++
    if (file ~ /^include\// && !(file in visited))
      breach(file, "is included by no other folder (move it to src/" folder_of(file) "/)")
    if (file in prototype && !(("src/" module_of(file) ".c") in exists))
      breach(file, "declares " prototype[file] "(), but there is no src/" module_of(file) ".c")
  }
  find_circles("module")
  find_circles("folder")
  printf "%d sources, %d headers, %d of them with 60 lines or fewer; %d functions, the median has %d lines\n",
    sources, headers, small, function_count, median(lengths, function_count)
  exit breaches > 0
}'
