"""torch_cards.py FOLDER: runs the PyTorch of every card, which asserts what it shows. Exit 77: there is no PyTorch."""
import pathlib
import runpy
import sys

try:
    import torch
except ImportError:
    print("SKIPPED: there is no torch for this Python (Debian's python3-torch)")
    sys.exit(77)

torch.set_num_threads(1)
cards = sorted(pathlib.Path(sys.argv[1]).glob("card*.py"))
assert len(cards) == 15, cards
for card in cards:
    print(card.name)
    runpy.run_path(str(card))
