evenkeel inspect --help
