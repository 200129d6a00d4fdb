# Writes each mutant of a scenario to a file of its own: one case, with the setup before it, and one
# option, `listen` or setting less, or two closes of different processes in the other order.
# A sleep stays: on a busy machine the time passes without it.
# Only what comes before the last expectation of the case is changed: what comes after it is a claim
# itself.
#
# usage: awk -v into=DIRECTORY -f mutants.awk FILE.scenario
# prints a line for each: NAME-OF-MUTANT CASE WHAT LINE, separated by tabs. CASE is `setup` if the
# changed step is there, and LINE counts the steps from 1.
function text_of(at) { return at <= setup_count ? setup[at] : line[at - setup_count] }
function is_claim(text) { return text ~ /->/ }
function role_of(text,   words) { split(text, words, " "); return words[1] }
function ends(text) { return text ~ /^ +[a-z0-9]+ +(close|exit|shutdown)( |$)/ && !is_claim(text) }
function emit(mutation, at, replacement, also, other,   file, i) {
  file = sprintf("%s/%s.%03d.%04d.scenario", into, base, case_count, ++mutants)
  printf "%s", header > file
  print "case " title > file
  for (i = 1; i <= setup_count + count; i++)
    if (i == at) { if (replacement != "") print replacement > file }
    else if (i == also) print other > file
    else print text_of(i) > file
  close(file)
  gsub(/ +/, " ", mutation)
  sub(/.*\//, "", file)
  sub(/\.scenario$/, "", file)
  print file "\t" (at <= setup_count ? "setup" : title) "\t" mutation "\t" at
}
function mutate(   i, total, last, words, n, w, copy, alone) {
  if (title == "") return
  case_count++
  mutants = 0
  total = setup_count + count
  last = total
  for (i = setup_count + 1; i <= total; i++) if (is_claim(text_of(i))) last_claim = i
  if (last_claim > setup_count) last = last_claim
  last_claim = 0
  for (i = 1; i < last; i++) {
    copy = text_of(i)
    if (is_claim(copy)) continue
    n = split(copy, words, " ")
    alone = copy ~ / setsockopt / && n == 4 # without its option it is no step
    for (w = 1; w <= n && !alone; w++)
      if (words[w] ~ /^(SO|IP|IPV6|TCP)_[A-Z0-9_]+(=.*)?$/) {
        cut = copy
        sub(" +" words[w], "", cut)
        emit("without " words[w] ":" copy, i, cut)
      }
    if (copy ~ / (listen|setsockopt|shutdown|uid) / || copy ~ /^ +(sysctl|address|device|destroy|listen) /)
      emit("without:" copy, i, "")
    if (ends(copy) && i + 1 < last && ends(text_of(i + 1)) && role_of(copy) != role_of(text_of(i + 1)))
      emit("swapped:" copy " /" text_of(i + 1), i, text_of(i + 1), i + 1, copy)
  }
}
FNR == 1 { base = FILENAME; sub(/.*\//, "", base); sub(/\.scenario$/, "", base) }
{ plain = $0 }
/^setup/ { part = "setup"; next }
/^case / { mutate(); part = "case"; title = substr($0, 6); count = 0; next }
part == "" { header = header $0 "\n"; next }
{ sub(/ +#.*/, "", plain); if (plain ~ /^ *$/) next }
part == "setup" { setup[++setup_count] = plain; next }
{ line[++count] = plain }
END { mutate() }
