evenkeel train --batch 3 -b 4
