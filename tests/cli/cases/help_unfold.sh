evenkeel unfold --help
