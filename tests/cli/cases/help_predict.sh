evenkeel predict --help
