# Completion of portreuse for bash. The program knows which words may come next: see its
# `help --words`. Where it knows none, files are offered.
#
# shellcheck shell=bash

_portreuse() {
  local program=$1 name=${1##*/} words=() word joining='' typed=${COMP_WORDS[COMP_CWORD]} cut
  if [[ $name == portreuse-* ]]; then # a link, which stands for a command
    words=("${name#portreuse-}")
    program=${1%"-${words[0]}"}
  fi
  # Readline splits --net=current and localhost:80 into three words: join them again.
  for word in "${COMP_WORDS[@]:1:COMP_CWORD}"; do
    if ((${#words[@]})) && [[ $joining ||
      $word == +([=:]) && $COMP_LINE == *"${words[${#words[@]} - 1]}$word"* ]]; then
      words[${#words[@]} - 1]+=$word
    else
      words+=("$word")
    fi
    [[ $word == +([=:]) ]] && joining=yes || joining=''
  done
  local last=${words[${#words[@]} - 1]}
  [[ $typed == +([=:]) ]] && typed=''
  cut=${last%"$typed"} # what is typed, but not a part of readline's word
  COMPREPLY=()
  while IFS=$'\t' read -r word _; do
    [[ $word == "$last"* ]] && COMPREPLY+=("${word#"$cut"}")
  done < <("$program" help --words -- "${words[@]}" 2>/dev/null)
}

complete -o bashdefault -o default -F _portreuse portreuse portreuse-run
