evenkeel freeze --help
