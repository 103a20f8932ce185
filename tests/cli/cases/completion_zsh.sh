# The syntax by zsh itself where there is one; what the function offers by zsh's own mechanism is tried by hand.
evenkeel completion zsh > _evenkeel
contains _evenkeel "#compdef evenkeel"
contains _evenkeel "'train:"
contains _evenkeel "'--optimizer=["
contains _evenkeel "(sgd adam adamw)"
lacks _evenkeel sabotage
if command -v zsh > /dev/null; then
    zsh -n _evenkeel
    zsh -f -c 'autoload -Uz compinit && compinit -u -d dump && . ./_evenkeel && [ "$_comps[evenkeel]" = _evenkeel ]'
fi
