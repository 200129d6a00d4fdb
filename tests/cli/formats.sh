#!/bin/sh
# The formats: each is read by a program that others wrote for it, and says what the JSON says; also
# of a scenario whose texts are as bad as can be.
# shellcheck source=lib.sh
. "$(dirname "$0")/../lib.sh"
cd "$work" || exit 1
top=$here/../..

have() { command -v "$1" >/dev/null; }
json() { jq -e "$1" r.json; }

before=$(date -u +%FT%T)

# One run of scenarios with all four verdicts, and a hostile one.
printf 'title Cannot run here\nneeds kernel >= 99.0\ncase c\n a socket s\n' >skip.scenario
cat >mixed.scenario <<'S'
title  All but SKIP
setup
  one  socket  s
  one  bind    s 127.0.0.1:4000
case as expected
  two  socket  s
  two  bind    s 127.0.0.1:4000 -> EADDRINUSE
  two  repeat 3
    socket r
    close  r
  end
  two  fork three
  two  exit
case otherwise
  two  socket  s
  two  bind    s 127.0.0.1:4000 -> ok | EACCES
  two  listen  s
case in vain
  await LISTEN 127.0.0.1:4000 within 1ms
case broken
  a  socket  c
  a  connect c 127.0.0.1:4001 -> ECONNREFUSED | ok
  b  socket  d
  b  connect d $a.c.peer
S
long=$(printf '%04096d' 0)
{
  printf 'title  "<b>]]>&amp;\\"%%s\\" | `x` *y* \\\\ # \033[31m \001 \377\376 \302\205 end; %%%% --- ..."\n'
  printf 'case "# SKIP not really"\n "a | `b` ]]> & #1; \033 \377" socket s\n'
  printf 'case end\n End socket s\n "%%%%{init}%%%%" socket s\n'
  printf 'case style a:b; c;\n "style x:y#1;" socket s\n wrap: socket s\n'
  printf 'case %s\n %s socket s\n' "$long" "$long"
  printf 'case "\\\\# \\\\ | \302\240 \342\200\256 \357\277\277 \360\237\230\200 TODO # TODO"\n "->>" socket s -> EINVAL\n'
  printf 'case "\047<![CDATA[ ]]>"\n "a: b" socket s\n'
} >hostile.scenario

for ending in txt json ndjson tap xml sarif md html mermaid.md prom; do
  set -- "$@" --output r.$ending
done
shift 2
run "$portreuse" run "$@" skip.scenario mixed.scenario hostile.scenario time-wait-rebind
ok "one run writes all formats, and keeps its exit code" status_is 2
cp out r.out
for ending in txt json ndjson tap xml sarif md html mermaid.md prom; do
  ok "r.$ending is UTF-8" iconv -f UTF-8 -t UCS-4 -o /dev/null r.$ending
  ok "r.$ending has no control character" sh -c '! LC_ALL=C grep -qE "$(printf "[\001-\010\013-\037\177]")" "$1"' - r.$ending
done
ok "the text is what standard output got" cmp r.txt r.out
if have jq; then
  ok "there is every verdict" json '[.cases[] > 0] | all'
  total=$(jq '[.cases[]] | add' r.json)
  ok "the events are JSON, a line each" jq -es 'length > 50 and all(.event)' r.ndjson
  ok "each format has all cases" test "$total" = 15
else
  skip "what the JSON says" "jq is not installed"
  finish
fi

# The lists and the documentation have them all.
# shellcheck disable=SC2013 # names have no blanks
for format in $(sed -n 's/^const struct format \(format_[a-z]*\) = .*/\1/p' "$top"/src/report/run/*.c); do
  ok "$format is in the list of src/report/run/run.c" grep -qF "&$format," "$top/src/report/run/run.c"
done
"$portreuse" help run | sed -n '/^Formats/,$p' | sed -n 's/^  \([a-z][a-z]*\)  *\(\(\.[a-z.]* \)*\) *.*/| \1 | \2|/p' >rows
ok "help has each of the list" test "$(wc -l <rows)" = \
  "$(sed -n '/^static const struct format \*const formats/,/^}/p' "$top/src/report/run/run.c" | grep -o '&format_' | wc -l)"
ok "each that has a file extension was written above" sh -c '
  for file in $(sed -n "s/^[^.]*| \(\.[^ ]*\) .*/r\1/p" rows); do [ -s "$file" ] || { echo "$file"; exit 1; }; done'
ok "and docs/exit-codes-and-formats.md has the same, with their extensions" sh -c '
  while read -r row; do grep -qF "$row" "$1" || { echo "$row"; exit 1; }; done <rows' - \
  "$top/docs/exit-codes-and-formats.md"

# TAP, by prove, of any age: those before 3.48 (Debian 12) refuse version 14.
if have prove; then
  ok "the first line tells the version" sh -c '[ "$(head -n 1 r.tap)" = "TAP version 13" ]'
  run prove -v -e cat r.tap
  ok "prove finds the failed tests" out_matches 'Failed tests?: +3-5, 10$'
  ok "and reads all" out_has "Tests=$total,"
  ok "without errors of its own" out_lacks "Parse errors"
  ok "it skips the one that is to be skipped, for a reason" out_matches \
    '^ok 1 - skip: c # SKIP needs kernel >= 99.0; this is '
  run "$portreuse" run --format tap time-wait-rebind
  cp out good.tap
  run prove -e cat good.tap
  ok "and prove is content with a run that passed" out_has "All tests successful."
  run perl -MTAP::Parser -e '
    my $parser = TAP::Parser->new({exec => ["cat", $ARGV[0]]});
    while (my $result = $parser->next) {
      push @{$kinds{$result->type}}, $result;
      if ($result->is_yaml) { print join("|", map { $_ // "" } @{$result->data}{qw(verdict line want got errno)},
        $result->data->{evidence}{cause}, $result->data->{evidence}{in_the_way}[0]), "\n" }
    }
    print "unknown: ", $_->as_string, "\n" for @{$kinds{unknown}};
    print "skipped: @{[$parser->skipped]}, to do: @{[$parser->todo]}\n";
    print "problems: ", scalar($parser->parse_errors), "\n";' r.tap
  ok "the YAML has want, got, errno and evidence" out_has \
    "FAIL|16|ok | EACCES|EADDRINUSE|98|bound-but-idle|BOUND 127.0.0.1:4000, held by one.s"
  ok "also where nothing was in the way" out_has "FAIL|19|ok|ETIMEDOUT|110||"
  ok "and of an ERROR" out_matches '^ERROR\|24\|'
  ok "a title cannot skip a test" out_has "skipped: 1, to do: "
  ok "every line is understood" out_lacks "unknown:"
  ok "and none is wrong" out_has "problems: 0"
else
  skip "TAP by prove" "prove (perl) is not installed"
fi

# JUnit, by libxml2.
if have xmllint; then
  ok "the XML is as the schema says" xmllint --noout --schema "$here/junit.xsd" r.xml
  xpath() { [ "$(xmllint --xpath "$1" r.xml)" = "$2" ]; }
  ok "it has all cases" xpath 'count(//testcase)' "$total"
  ok "and counts them" xpath 'sum(//testsuite/@tests)' "$total"
  ok "as many failures" xpath 'count(//failure)' "$(jq .cases.fail r.json)"
  ok "as it counts" xpath 'sum(//testsuite/@failures) + number(/testsuites/@failures)' \
    "$(jq '.cases.fail * 2' r.json)"
  ok "as many errors" xpath 'count(//error)' "$(jq .cases.error r.json)"
  ok "as many skipped" xpath 'count(//skipped)' "$(jq .cases.skip r.json)"
  ok "a failure says why" xpath 'string(//testcase[@name="otherwise"]/failure/@message)' \
    "line 16: want ok | EACCES, got EADDRINUSE"
  ok "and where" xpath 'string(//testcase[@name="otherwise"]/@line)' 14
  ok "and tells the evidence" sh -c \
    'xmllint --xpath "string(//failure)" r.xml | grep -q "in the way: BOUND 127.0.0.1:4000"'
  ok "what is skipped says why" sh -c \
    'xmllint --xpath "string(//skipped/@message)" r.xml | grep -q "needs kernel"'
  ok "texts come out as they went in" xpath "string(//testcase[contains(@name,'CDATA')]/@name)" \
    "'<![CDATA[ ]]>"
  after=$(date -u +%FT%T)
  ok "each suite says when it began, by UTC" sh -c '
    xmllint --xpath "//testsuite/@timestamp" r.xml | tr " " "\n" | sed -n "s/.*=\"\(.*\)\"/\1/p" >times
    [ "$(wc -l <times)" = 4 ] && [ "$( (echo "$1"; cat times; echo "$2") | sort -c 2>&1)" = "" ]' - "$before" "$after"
  ok "and on which host" xpath "count(//testsuite[@hostname='$(uname -n)'])" 4
  ok "the properties have the kernel" xpath "count(//property[@name='kernel.release' and @value='$(uname -r)'])" 4
  ok "and the sysctls of the JSON" xpath \
    "string(//testsuite[1]//property[@name='net.ipv4.ip_local_port_range']/@value)" \
    "$(jq -r '.surroundings.sysctl["net.ipv4.ip_local_port_range"]' r.json)"
  ok "also long ones" xpath "count(//testcase[@name='$long'])" 1
else
  skip "JUnit by xmllint" "xmllint (libxml2-utils) is not installed"
fi

# GitHub's annotations, read as its runner does (actions/runner, src/Runner.Common/ActionCommand.cs).
cat >annotations.awk <<'A'
function plain(text) {
  gsub(/%0D/, "\r", text); gsub(/%0A/, "\n", text); gsub(/%3A/, ":", text); gsub(/%2C/, ",", text)
  gsub(/%25/, "%", text)
  return text
}
NR == 1 { next } # the verdict
!/^::[a-z]+ .*::/ { print "not a command: " $0; next }
{
  rest = substr($0, 3); end = index(rest, "::")
  head = substr(rest, 1, end - 1); message = substr(rest, end + 2)
  command = head; sub(/ .*/, "", command); sub(/^[a-z]+ /, "", head)
  count = split(head, pairs, ","); line = "-"; file = "-"; title = "-"
  for (i = 1; i <= count; i++) {
    name = pairs[i]; sub(/=.*/, "", name); value = pairs[i]; sub(/^[a-z]+=/, "", value)
    if (name == "file") file = plain(value)
    else if (name == "line") line = value
    else if (name == "title") title = plain(value)
    else print "unknown property: " name
  }
  text = plain(message); gsub(/\n/, " | ", text)
  print command " " file ":" line " <" title "> " text
}
A
run "$portreuse" run --format github skip.scenario mixed.scenario hostile.scenario address-in-use
ok "github: the exit code is the same" status_is 2
ok "the first line is the verdict" first_line_starts "ERROR 4 scenarios: "
awk -f annotations.awk out >annotations
ok "each other line is an annotation, of three properties" sh -c '! grep -E "^(not a command|unknown property)" annotations'
ok "one for each case that did not pass" test "$(wc -l <annotations)" = \
  $((total - $(jq .cases.pass r.json)))
annotated() { grep -qxF -e "$1" annotations; }
ok "a failure is told at its line, with what was in the way" annotated \
  "error mixed.scenario:16 <FAIL mixed: otherwise> line 16: want ok | EACCES, got EADDRINUSE | two bind s 127.0.0.1:4000 | in the way: BOUND 127.0.0.1:4000, held by one.s | cause: bound-but-idle: a socket is bound to the port and does nothing with it; many tools do not show such a socket"
ok "and what an await saw instead" annotated \
  "error mixed.scenario:19 <FAIL mixed: in vain> line 19: want ok, got ETIMEDOUT | await LISTEN 127.0.0.1:4000 within 1ms | seen: BOUND 127.0.0.1:4000"
ok "an ERROR is told at its line" sh -c 'grep -q "^error mixed.scenario:24 <ERROR mixed: broken> line 24: " annotations'
ok "SKIP is a notice" sh -c 'grep -q "^notice skip.scenario:3 <SKIP skip: c> needs kernel >= 99.0; " annotations'
printf 'title t\nsetup\n a socket s\n a bind s 127.0.0.1:80 -> EPERM\ncase c\n a close s\ncase d\n a close s\n' >setup.scenario
printf 'title t\ncase "##[error]c, 100%%25:"\n a socket s -> EPERM\n' >'##[error]a,b:c.scenario'
run "$portreuse" run --format github setup.scenario './##[error]a,b:c.scenario'
awk -f annotations.awk out >annotations
ok "a setup that fails is told once" annotated \
  "error setup.scenario:4 <FAIL setup: c, and 1 more case> line 4: want EPERM, got ok | a bind s 127.0.0.1:80"
ok "what has a meaning is escaped" annotated \
  "error ./##[error]a,b:c.scenario:3 <FAIL ##[error]a,b:c: ##[error]c, 100%25:> line 3: want EPERM, got ok | a socket s"
run "$portreuse" run --format github './##[error]a,b:c.scenario'
ok "the line of the verdict commands nothing" sh -c '! head -n 1 out | grep -F "##["'
printf 'title t\nneeds kernel >= 99.0\ncase c\n a socket s\ncase d\n a socket s\n' >skip2.scenario
run "$portreuse" run --format github skip.scenario skip2.scenario
ok "a reason to skip is told once" sh -c '[ "$(grep -c "^::notice" out)" = 1 ]'
ok "for all cases" out_has "::notice file=skip.scenario,line=3,title=SKIP skip%3A 3 cases of 2 scenarios::needs kernel"
run sh -c '"$1" run --format github - <mixed.scenario' - "$portreuse"
ok "standard input is no file" out_has "::error title=FAIL <stdin>%3A otherwise::line 16"

# SARIF: what the schema of 2.1.0 demands of what we write, and what its readers need. (sarif.jq has it as
# far as we use it; the schema itself is not here.)
sarif() { jq -e "$1" r.sarif; }
ok "the SARIF is as its schema wants it" jq -e -f "$here/sarif.jq" r.sarif
ok "its results are the cases that did not pass" sarif \
  ".runs[0].results | length == $(jq '.cases.fail + .cases.error' r.json)"
ok "a result is at the line of its step, and tells the story" sarif '.runs[0].results[] |
  select(.ruleId == "mixed" and .properties.got == "EADDRINUSE") |
  .locations[0].physicalLocation == {artifactLocation: {uri: "mixed.scenario"}, region: {startLine: 16}} and
  .locations[0].logicalLocations[0].fullyQualifiedName == "mixed:otherwise" and
  .properties.cause == "bound-but-idle" and
  (.message.text | startswith("line 16: want ok | EACCES, got EADDRINUSE\ntwo bind s 127.0.0.1:4000\nin the way: BOUND"))'
ok "its rule is the scenario, where ruleIndex says" sarif '.runs[0] | . as $run | all(.results[];
  $run.tool.driver.rules[.ruleIndex].id == .ruleId)'
ok "an ERROR is a result too, and the run was no success" sarif '.runs[0] |
  (.results | any(.properties.verdict == "ERROR")) and (.invocations[0].executionSuccessful | not)'
ok "what was skipped is a notification" sarif '.runs[0].invocations[0].toolExecutionNotifications |
  length == 1 and (.[0].message.text | startswith("needs kernel >= 99.0"))'
ok "a scenario that passed is no rule" sarif '.runs[0].tool.driver.rules | all(.id != "time-wait-rebind")'
jq 'del(.runs[0].results[0].message)' r.sarif >broken.sarif
ok "and the schema finds a result without a message" sh -c '! jq -e -f "$1" broken.sarif' - "$here/sarif.jq"
mkdir -p 'a b'
printf 'title t\nwhy\n  Because.\ncase "##[error]c, 100%%25:"\n a socket s -> EPERM\n' >'a b/ä#:c.scenario'
run "$portreuse" run --format sarif './a b/ä#:c.scenario' "$PWD/a b/ä#:c.scenario"
cp out r.sarif
ok "a path is a URI, relative as it was given" sarif '.runs[0].results[0].locations[0].physicalLocation.artifactLocation.uri ==
  "a%20b/%C3%A4%23%3Ac.scenario"'
ok "or absolute" sarif '.runs[0].results[1].locations[0].physicalLocation.artifactLocation.uri |
  startswith("file:///") and endswith("/a%20b/%C3%A4%23%3Ac.scenario")'
ok "and that is as the schema wants it, too" jq -e -f "$here/sarif.jq" r.sarif
run sh -c '"$1" run --format sarif - <mixed.scenario' - "$portreuse"
cp out r.sarif
ok "standard input has no file, only the name of the case" sarif '.runs[0].results |
  length > 0 and all(.locations[0] | has("physicalLocation") == false and .logicalLocations[0].fullyQualifiedName)'
run "$portreuse" run --format sarif address-in-use
cp out r.sarif
ok "a run that passed has no result, and no rule" sarif '.runs[0] | .results == [] and .tool.driver.rules == [] and
  .invocations[0].executionSuccessful'

# Markdown, by GitHub's parser.
if have cmark-gfm; then
  cmark-gfm -e table -t xml r.md >md.xml
  ok "the Markdown has a table of cases for each scenario that did not pass" \
    test "$(grep -c '^| verdict | case | why |$' r.md)" = 3
  ok "those that passed are folded" sh -c '
    sed -n "/^<details><summary>PASS: 1 scenario, 4 cases</,/^<.details>$/p" r.md | grep -q "^| time-wait-rebind | .* | 4 |$"'
  tables=$(grep -cE '^\|-+:?\|' r.md)
  ok "and one for each case that did not pass, and for the surroundings" test "$tables" = 9
  ok "each parses as a table" test "$(grep -c '<table>' md.xml)" = "$tables"
  ok "with all its rows" test "$(grep -c '<table_row>' md.xml)" = $(($(grep -c '^| ' r.md) - tables))
  ok "and has its cells" sh -c '
    for width in 2 3 5; do # of the environment; cases, and scenarios that passed; steps
      xmllint --xpath "count(//*[local-name()=\"table\"][count(*[1]/*)=$width]/*[count(*)!=$width])" "$1"
    done | sort -u | grep -qx 0' - md.xml
  ok "the verdict stands first" sh -c 'head -n 1 "$1" | grep -q "^\*\*ERROR 4 scenarios: "' - r.md
  ok "nothing of a title is markup" sh -c '! grep -E "<(emph|link|image)" "$1"' - md.xml
  ok "no HTML but ours" sh -c \
    '[ "$(grep -c "<html_block" "$1")" = 4 ] && ! grep "<html_inline" "$1"' - md.xml
  ok "the surroundings are told" sh -c 'cmark-gfm -e table -t plaintext "$1" | grep -qF "$(uname -r)"' - r.md
  run "$portreuse" run --format markdown -v time-wait-rebind address-in-use
  ok "with -v those that passed are in full, and folded" sh -c '
    awk "/^<details><summary>PASS: 2 scenarios, 12 cases</ { folded = 1 } /^<.details>/ { folded = 0 }
      /^#### PASS/ { found += folded; other += !folded } END { exit !(found == 12 && other == 0) }" out'
  run "$portreuse" run --format markdown time-wait-rebind
  ok "one scenario is not folded" sh -c '! grep -q "<summary>PASS" out && grep -q "^#### PASS" out'
  cmark-gfm -t xml r.mermaid.md >mermaid.xml
  ok "the diagrams are in fences" sh -c '[ "$(grep -c "info=\"mermaid\"" "$1")" = "$2" ]' - mermaid.xml "$total"
else
  skip "Markdown by cmark-gfm" "cmark-gfm is not installed"
fi

# The page, by libxml2; tests/pages/run.sh looks at it in a browser.
ok "the page needs nothing else" sh -c \
  '! grep -iE "<(script|link|img|iframe|object|embed|base)|(src|href|action)=|url\(|@import|https?:" r.html'
run "$portreuse" run --format html time-wait-rebind
ok "HTML: a number is not parted from its unit" out_has '<span class="whole">60 s</span>'
run "$portreuse" run -q --output slow.html slow-connect
ok "the times of the rounds are a plot, over the fill of the range" sh -c \
  '[ "$(grep -c "class=\"plot\" d=\"M[0-9]* [0-9]*\(L[0-9]* [0-9]*\)\{99\}\"" slow.html)" = 2 ] &&
    [ "$(grep -c ">100 %<" slow.html)" = 2 ] && grep -q ">ports taken, of 2000<" slow.html'
ok "a bracket holds the calls of each of its six blocks together" sh -c \
  '[ "$(grep -c "class=\"arrow\" d=\"M[0-9]* [0-9]*h-6V[0-9]*h6\"" slow.html)" = 6 ]'
# Larger is lower.
ok "which rises where half of it is taken" awk '/class="plot"/ && !done {
    done = n = split($0, point, /[ML][0-9]+ /)
    for (i = 2; i <= n; i++) sum[i > n / 2] += point[i]
    exit !(sum[1] + 10 * n / 2 < sum[0]) }' slow.html
if have xmllint; then
  run xmllint --html --nowarning --noout r.html
  grep -vE 'Tag (main|details|summary|svg|title|path|rect|text) invalid|^ *[<^]|^ |^$' err >wrong
  ok "libxml2 finds nothing wrong in it, but what HTML 5 has added" sh -c '! grep error wrong'
  tags() { [ "$(xmllint --html --nowarning --xpath "$1" r.html 2>/dev/null)" = "$2" ]; }
  ok "each scenario can be opened" tags 'count(//details)' 5
  ok "each case that began has a picture" tags 'count(//svg) >= 13' true
  ok "the failing call is in it" tags 'count(//svg/text[contains(@class,"FAIL") and starts-with(.,"EADDRINUSE (want ok | EACCES)")]) > 0' true
  ok "and what was in the way" tags 'count(//svg/text[starts-with(.,"BOUND 127.0.0.1:4000, held by one.s")]) > 0' true
  ok "texts come out as they went in" tags "count(//h2[contains(.,'<![CDATA[ ]]>')])" 1
else
  skip "the page by xmllint" "xmllint (libxml2-utils) is not installed"
fi

# mermaid, by itself; .ci/run installs it.
modules=$top/build-mermaid
if have node && [ -d "$modules/node_modules/mermaid" ]; then
  cp "$here/mermaid.mjs" "$modules/mermaid-$$.mjs"
  run node "$modules/mermaid-$$.mjs" r.mermaid.md
  rm "$modules/mermaid-$$.mjs"
  ok "mermaid parses the diagrams" status_is 0
  cp out mermaid.json
  drawn() { jq -s -e "$1" mermaid.json; }
  ok "each is a sequence diagram" drawn "length == $total and all(.type == \"sequence\")"
  ok "the roles are its participants" drawn \
    '.[-4].actors == ["plain", "reuse", "client", "restart", "kernel"]'
  ok "calls are told" drawn '.[-4].messages | index("bind listener 127.0.0.1:1215")'
  ok "errnos, too" drawn '.[-4].messages | index("EADDRINUSE")'
  ok "and the states of sockets" drawn \
    '.[-4].messages | any(test("TIME-WAIT 127.0.0.1:1215 to 127.0.0.1:\\*, left by plain.peer"))'
  ok "what was wanted stands with what came" drawn \
    '.[2].messages | index("EADDRINUSE (want ok | EACCES)")'
  ok "a case that is skipped says why" drawn '.[0].messages | any(startswith("SKIP: needs kernel"))'
  ok "texts come out as they went in" drawn \
    '[.[5:11][].actors[0]] | .[0] == "a | `b` ]]> & #1; \\x1b \ufffd" and .[2] == "style x:y#1;" and .[4] == "->>"'
  ok "also those that mermaid gives a meaning" drawn '.[7].actors[1] == "wrap:"'
  ok "no line is lost" drawn '[.[5:11][] | .messages | length >= 1] | all'
else
  skip "the parser of mermaid" "node, or mermaid in build-mermaid/, is not there; .ci/run installs it"
fi

finish
