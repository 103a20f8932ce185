evenkeel train -Z
