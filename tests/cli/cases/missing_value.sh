expect 2 evenkeel train --batch --lr 0.1 2> between
contains between "--batch needs a value: --batch N"
evenkeel train --batch
