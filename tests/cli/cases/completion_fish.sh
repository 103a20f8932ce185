evenkeel completion fish > evenkeel.fish
contains evenkeel.fish "-a train -d"
contains evenkeel.fish "__fish_seen_subcommand_from train' -l optimizer -x -a 'sgd adam adamw'"
lacks evenkeel.fish sabotage
if command -v fish > /dev/null; then
    export HOME=$PWD
    offers() { fish --no-config -c '. evenkeel.fish; complete -C "'"$1"'"' | cut -f1 | tr '\n' ' '; }
    [ "$(offers 'evenkeel tr')" = "train " ] || die "command: $(offers 'evenkeel tr')"
    [ "$(offers 'evenkeel train --opti')" = "--optimizer " ] || die option
    [ "$(offers 'evenkeel train --optimizer ada')" = "adam adamw " ] || die value
fi
