evenkeel train --bacth 64
