evenkeel completion --help
