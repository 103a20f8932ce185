evenkeel train --flip=yes
