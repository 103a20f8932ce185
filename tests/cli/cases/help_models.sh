evenkeel models --help
