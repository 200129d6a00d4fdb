# Prints the command lines of a document in Markdown: those behind `$ ` in a block that has some, otherwise each
# line of a block that begins with a program. A line that goes on (with \, | or an open quote) is one with the next.
function flush(    i, any, line) {
  for (i = 1; i <= count; i++) any = any || substr(block[i], 1, 2) == "$ "
  for (i = 1; i <= count; i++) {
    line = block[i]
      if (any ? substr(line, 1, 2) != "$ " : line !~ /^(sudo|portreuse|cmake|tests\/[^ ]*|build\/[^ ]*|src\/[^ ]*|xargs|pdsh|kubectl|sonobuoy|ansible|ansible-playbook|unshare|cp|dpkg-buildpackage|docker|[*] [*] [*] [*] [*]|command[[][^ ]*|[A-Z]+=[^ ]*|\.) [^ ]|^(tests|build|src)\/[^ ]*$|^PATH=/) continue
    if (any) line = substr(line, 3)
    while (i < count && (line ~ /[\\|]$/ || gsub(/'/, "'", line) % 2)) {
      sub(/\\$/, "", line)
      sub(/^ */, "", block[++i])
      line = line " " block[i]
    }
    gsub(/  +/, " ", line)
    print line
  }
  count = 0
}
/^```/ {
  flush()
  fenced = !fenced
  shell = fenced && $0 ~ /^```(sh|console.*)$/
  next
}
fenced { if (shell) block[++count] = $0; next }
/^ *    [^ ]/ && (blank || count) { line = $0; sub(/^    /, "", line); sub(/^   +/, "", line); block[++count] = line; blank = 0; next }
/^$/ { blank = 1; if (count) block[++count] = ""; next }
{ flush(); blank = 0 }
END { flush() }
