evenkeel help --help
