# A word that is no command is refused, with the nearest one.
expect 2 evenkeel benches 2> typo
contains typo "did you mean 'bench'"
expect 2 evenkeel konvert 2> typo
contains typo "did you mean 'convert'"
