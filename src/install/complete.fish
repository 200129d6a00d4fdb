# Completion of portreuse for fish. The program knows which words may come next: see its
# `help --words`. Where it knows none, files are offered.

function __portreuse_words
    set -l words (commandline -opc) (commandline -ct)
    set -l program $words[1]
    set -e words[1]
    set -l link (string match -r '^(.*portreuse)-([a-z]+)$' -- $program)
    if set -q link[1] # a link, which stands for a command
        set program $link[2]
        set -p words $link[3]
    end
    set -l found ($program help --words -- $words 2>/dev/null)
    printf '%s\n' $found
    string match -q -- "$words[-1]*" $found
    or __fish_complete_path $words[-1]
end

for command in portreuse portreuse-run
    complete -c $command -f -a '(__portreuse_words)'
end
