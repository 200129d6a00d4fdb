# Completion of portreuse for bash. The program knows which words may come next: see its
# `help --words`. Where it knows none, files are offered.
#
# shellcheck shell=bash

_portreuse() {
  local program=$1 name=${1##*/} words=() word joining='' cut=''
  if [[ $name == portreuse-* ]]; then # a link, which stands for a command
    words=("${name#portreuse-}")
    program=${1%"-${words[0]}"}
  fi
  # Readline splits --net=current into three words: join them again.
  for word in "${COMP_WORDS[@]:1:COMP_CWORD}"; do
    if [[ $word == = || $joining ]] && ((${#words[@]})); then
      words[${#words[@]} - 1]+=$word
      [[ $word == = ]] && joining=yes || joining=''
    else
      words+=("$word")
    fi
  done
  local last=${words[${#words[@]} - 1]}
  [[ $last == -*=* ]] && cut=${last%%=*}=
  COMPREPLY=()
  while IFS=$'\t' read -r word _; do
    [[ $word == "$last"* ]] && COMPREPLY+=("${word#"$cut"}")
  done < <("$program" help --words -- "${words[@]}" 2>/dev/null)
}

complete -o bashdefault -o default -F _portreuse portreuse portreuse-run
