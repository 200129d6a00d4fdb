#!/bin/sh
# Measures how much of the parsers (parsers.txt) the inputs of corpus/ reach. Prints a line for each
# file. Exit status 1 if it is less than 90 % of all lines.
#
# usage: tests/fuzz/coverage.sh [FOLDER]   (other inputs than those of corpus/: FOLDER/TARGET/...)
set -eu
# shellcheck source=fuzz/build.sh
. "$(dirname "$0")/build.sh"
corpus=${1:-$here/corpus}
least=90
flags="-fprofile-instr-generate -fcoverage-mapping"

# Only the parsers are compiled to be measured, and take the place of what is in the archive.
[ -e "$build/parts/libportreuse_parts.a" ] ||
  build_parts parts "-O2 -fsanitize-coverage=inline-8bit-counters,pc-table" address,undefined
rm -rf "$build/coverage"
mkdir -p "$build/coverage"
sed -n 's/^\(src[^ ]*\).*/\1/p' "$here/parsers.txt" >"$build/coverage/files"
# shellcheck disable=SC2016 # for the inner shell
xargs -P "$jobs" -I '{}' sh -c 'clang -std=gnu11 -D_GNU_SOURCE -DPORTREUSE_VERSION=\"0\" -g -O0 \
  -fprofile-instr-generate -fcoverage-mapping -I"$1/include" -I"$1/src" -c "$1/$2" \
  -o "$3/$(echo "$2" | tr / _).o"' - "$top" '{}' "$build/coverage" <"$build/coverage/files"

objects=
for target in $targets; do
  # shellcheck disable=SC2086 # to be split into words
  build_fuzzer parts "$target" -fsanitize=address,undefined $flags "$build"/coverage/*.o
  mv "$build/parts/fuzz_$target" "$build/coverage/fuzz_$target"
  LLVM_PROFILE_FILE=$build/coverage/$target.raw "$build/coverage/fuzz_$target" -runs=0 -close_fd_mask=3 \
    -max_len=5000 "$corpus/$target" >/dev/null 2>&1
  objects="$objects -object $build/coverage/fuzz_$target"
done
llvm-profdata merge -sparse "$build"/coverage/*.raw -o "$build/coverage/all.profile"

# Functions of the C library's headers and of what is left out are not counted.
while read -r file left_out; do
  case $file in src/*) ;; *) continue ;; esac
  # shellcheck disable=SC2086 # to be split into words
  llvm-cov report ${objects# -object} -instr-profile="$build/coverage/all.profile" \
    -show-functions "$top/$file" 2>/dev/null |
    awk -v file="$file" -v left_out=" $left_out " '
      NF >= 7 && $1 !~ /^(Name|TOTAL|File|---)/ {
        name = $1
        sub(/.*:/, "", name)
        if (index(left_out, " " name " ") || seen[name]++) next
        lines += $5
        missed += $6
        if ($6 > 0 && $6 == $5) never = never " " name
      }
      END { printf "%-34s %5d lines, %5d reached, %5.1f %%%s\n", file, lines, lines - missed, lines ? 100 * (lines - missed) / lines : 0, never == "" ? "" : "; never:" never }'
done <"$here/parsers.txt" >"$build/coverage/table"
cat "$build/coverage/table"
awk -v least=$least '{ lines += $2; reached += $4 }
  END { share = lines ? 100 * reached / lines : 0
    printf "all of them: %d of %d lines, %.1f %%\n", reached, lines, share
    exit share < least }' "$build/coverage/table"
