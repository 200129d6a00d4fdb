#compdef portreuse portreuse-run
# Completion of portreuse for zsh. The program knows which words may come next: see its
# `help --words`. Where it knows none, files are offered.

local program=${(Q)words[1]} name=${${(Q)words[1]}:t} line
local -a before found
if [[ $name == portreuse-* ]]; then # a link, which stands for a command
  before=(${name#portreuse-})
  program=${program%-$before[1]}
fi
before+=("${(Q@)words[2,CURRENT-1]}")
for line in "${(@f)$(_call_program words ${(q)program} help --words -- "${(q@)before}" ${(q)PREFIX}"''")}"; do
  found+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
done
_describe 'portreuse' found || _files
