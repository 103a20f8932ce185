evenkeel train --help
