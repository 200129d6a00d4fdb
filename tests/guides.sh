#!/bin/sh
# Follows docs/add-a-verb.md, add-a-scenario.md, add-a-command.md and add-a-format.md in a copy of the
# tree, for an example of each; then leaves out one step at a time, and shows which test notices it.
#
# usage: tests/guides.sh [GUIDE...]   (verb scenario command format; default: all; some minutes)
#
# Exit status 0 if the tests pass with all steps, and fail with each step left out.
#
# shellcheck disable=SC2034,SC2154 # `follow` sets and reads some variables by eval
set -u
top=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
chmod 755 "$work" # some tests run as an ordinary user
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
passed=0
failed=0
git clone -q --shared "$top" "$work/tree" && cd "$work/tree" || exit 1

# before FILE PATTERN: inserts standard input before the first line that matches; after: after it.
before() { insert "$1" "$2" 0; }
after() { insert "$1" "$2" 1; }
insert() {
  cat >"$work/text"
  line=$(grep -n -m 1 -e "$2" "$1" | cut -d : -f 1)
  [ -n "$line" ] || { echo "$0: $1 has no line '$2'" >&2; exit 1; }
  line=$((line - 1 + $3))
  { head -n "$line" "$1"; cat "$work/text"; tail -n "+$((line + 1))" "$1"; } >"$work/new"
  cat "$work/new" >"$1"
}

# block GUIDE N: the Nth block of C in a guide, without its indentation.
block() {
  awk -v wanted="$2" '/^ *```$/ { inside = 0 } inside && count == wanted { sub(/^   /, ""); print }
    /^ *```c$/ { inside = 1; count++ }' "docs/add-a-$1.md"
}

# --- the examples: for each step of a guide, a function that takes it ---

verb_steps=5
verb_tests="unit/verbs cli/language cli/man"
verb_1() { block verb 1 | before include/scenario/verb.h "a role's process"; }
verb_2() { block verb 2 >>src/scenario/steps_socket.c; }
verb_3() { block verb 3 >>src/engine/role_calls.c; }
verb_4() {
  echo '| `ROLE nonblock NAME` | the calls on the socket no longer wait |' |
    after docs/scenario-language.md '^| `ROLE getsockname'
  printf '%s\n' '.It Ar ROLE Cm nonblock Ar NAME' 'Makes the socket non-blocking.' |
    before docs/man/portreuse-scenario.5 '^\.It Ar ROLE Cm getpeername'
}
verb_5() {
  echo '  server   nonblock    l' |
    before tests/cli/scenarios/every-verb.scenario '^  client   send        c 5'
}

scenario_steps=2
scenario_tests="unit/catalogue cli/catalogue"
scenario_1() {
  sed 's/^title .*/title  An example of the guide/' scenarios/address-in-use.scenario \
    >scenarios/a-guide.scenario
}
scenario_2() { tests/catalogue.sh build/portreuse >docs/catalogue.md; }

command_steps=4
command_tests="cli/commands cli/man cli/registry"
command_1() {
  {
    printf '%s\n' '/* portreuse ports: an example. */' '#include <getopt.h>' '#include <stdio.h>' '' \
      '#include "cmd/commands.h"' '#include "cmd/options.h"' '' 'struct request {' '    bool verbose;' \
      '};' '' 'static const struct option_group groups[];' '' \
      'static int cmd_ports(int argc, char **argv) {' '    struct request request = {0};' \
      '    if (!options_parse("ports", groups, argc, argv, &request))' '        return EXIT_TROUBLE;' \
      '    puts(request.verbose ? "verbose" : "brief");' '    return EXIT_AS_EXPECTED;' '}' ''
    block command 1
  } | sed '/^static const struct option_group groups\[\];$/d' >"$work/command"
  # The tables come before the function that uses them.
  awk '/^static int cmd_ports/ { keep = 1 } keep { body = body $0 "\n"; if (/^}/) keep = 0; next }
    /^const struct command/ { printf "%s\n", body } { print }' "$work/command" >src/cmd/ports.c
}
command_2() {
  sed -i 's/\([ ,]\)command_help;/\1command_ports, command_help;/' src/cmd/commands.c
  echo '    &command_ports,' | before src/cmd/commands.c '^    &command_help,'
}
command_3() {
  printf '%s\n' '.Nm' '.Cm ports' '.Op Fl v' '.Ar ADDRESS ...' |
    before docs/man/portreuse.1 '^\.Sh DESCRIPTION'
  printf '%s\n' '.Ss portreuse ports' 'An example.' '.Bl -tag -width Ds' '.It Fl v , Fl -verbose' \
    'An example.' '.El' | before docs/man/portreuse.1 '^\.Ss portreuse help'
}
command_4() {
  printf '%s\n' '#!/bin/sh' '# portreuse ports.' '. "$(dirname "$0")/../lib.sh"' \
    'run "$portreuse" ports -v' 'ok "it is verbose" first_line_is verbose' finish >tests/cli/ports.sh
  chmod +x tests/cli/ports.sh
}

format_steps=4
format_tests="cli/formats"
format_1() {
  {
    printf '%s\n' '/* csv: an example. */' '#include "report/run/run.h"' '#include "report/subject.h"' '' \
      'static void write_report(const struct report *report, FILE *out) {' \
      '    fprintf(out, "%zu\n", run_findings(report)->run->scenario_count);' '}' ''
    block format 1
  } >src/report/run/csv.c
}
format_2() {
  sed -i 's/ format_mermaid;$/ format_mermaid, format_csv;/
    s/&format_prometheus, NULL,$/\&format_prometheus, \&format_csv, NULL,/' src/report/run/run.c
}
format_3() {
  echo '| csv | .csv | for spreadsheets |' | after docs/exit-codes-and-formats.md '^| mermaid '
}
format_4() {
  sed -i 's/for ending in txt /for ending in csv txt /' tests/cli/formats.sh
}

# --- the trials ---

# try GUIDE STEP: takes all steps except one (0: all), builds, and runs the tests.
try() {
  git clean -qfd -e build && git checkout -q .
  step=0
  while [ $step -lt "$steps" ]; do
    step=$((step + 1))
    if [ "$1_$step" = scenario_2 ] && [ "$2" != 2 ]; then
      # it needs the program
      { cmake -S . -B build && cmake --build build -j 2; } >/dev/null 2>&1
    fi
    [ $step = "$2" ] || "$1_$step"
  done
  cmake -S . -B build -DPORTREUSE_TESTS=ON -DPORTREUSE_WERROR=ON \
    -DCMAKE_BUILD_TYPE=Debug >"$work/log" 2>&1 &&
    cmake --build build -j 2 >"$work/log" 2>&1 &&
    (cd build && ctest --output-on-failure -R "$(echo "^($tests)\$" | tr ' ' '|')") >"$work/log" 2>&1
}

# The first lines of the log that tell what is wrong.
reason() {
  grep -hE -A 4 '^ERROR|^not ok|error: [^F]|undefined reference' "$work/log" | head -n 8 | cut -c 1-160 |
    sed 's/^/    | /'
}

note() { # STATUS NAME
  if [ "$1" = 0 ]; then
    passed=$((passed + 1))
    echo "ok - $2"
  else
    failed=$((failed + 1))
    echo "not ok - $2"
  fi
}

follow() { # GUIDE
  eval "steps=\$$1_steps tests=\$$1_tests"
  try "$1" 0
  status=$?
  note $status "add-a-$1.md: with all steps the tests pass"
  if [ $status != 0 ]; then
    reason
    return
  fi
  # Without the first step of a scenario there is none, and nothing to notice.
  omitted=0
  [ "$1" != scenario ] || omitted=1
  while [ $omitted -lt "$steps" ]; do
    omitted=$((omitted + 1))
    ! try "$1" $omitted
    note $? "add-a-$1.md: without step $omitted a test fails"
    reason
  done
}

# A scenario as one who has not read the guide writes it first. The tests say what is missing and run to
# their end, and `list` shows it all the same.
careless() {
  git clean -qfd -e build && git checkout -q .
  scenario_1
  sed -i -e 's/^tags .*/tags   sockets/' -e '/^why$/,/^$/d' scenarios/a-guide.scenario
  cmake -S . -B build >"$work/log" 2>&1 && cmake --build build -j 2 >"$work/log" 2>&1
  build/portreuse list >"$work/list"
  grep -A 9 '^other: ' "$work/list" | grep -q '^  a-guide '
  note $? "a scenario without a group is in the list"
  build/tests/unit/test_catalogue >"$work/log" 2>&1
  [ $? -lt 128 ]
  note $? "a scenario without 'why' crashes no test"
  grep -q "a-guide: 'why' or 'fix' is missing" "$work/log" && grep -q 'a-guide: its first tag is no group' "$work/log"
  note $? "the tests say what it lacks"
}

[ $# -gt 0 ] || set -- verb scenario command format
for guide; do
  follow "$guide"
  [ "$guide" != scenario ] || careless
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
