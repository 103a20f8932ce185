# Commands of later versions are not there, not half there.
for command in convert; do expect 2 evenkeel $command 2>> messages; done
contains messages "unknown command 'convert'"
expect 2 evenkeel benches 2> typo
contains typo "did you mean 'bench'"
