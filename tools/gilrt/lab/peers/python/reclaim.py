# reclaim.py LIBRARY SLOTS STEPS: in each step a new tree of fifteen nodes replaces the one in some slot of a table, and whatever
# this runtime has reclaims the old one. How long the steps take, and how much memory there was at the most.
import sys
from peer import HOLDING, RELEASING, report

slots, steps = int(sys.argv[2]), int(sys.argv[3])
now = (HOLDING or RELEASING).native_now


class Node:
    __slots__ = ("left", "right")

    def __init__(self, left, right):
        self.left = left
        self.right = right


def tree(depth):
    return Node(tree(depth - 1), tree(depth - 1)) if depth else Node(None, None)


def most_memory():
    with open("/proc/self/status") as status:
        line = next(line for line in status if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


table = [tree(3) for _ in range(slots)]
waits = [0] * steps
random = 1
begin = now()
for step in range(steps):
    random = (random * 6364136223846793005 + 1442695040888963407) & 0xFFFFFFFFFFFFFFFF
    slot = (random >> 33) % slots
    start = now()
    table[slot] = tree(3)
    waits[step] = now() - start
elapsed = now() - begin
memory = most_memory()
waits.sort()
report(nodes=steps * 15, elapsed_ns=elapsed, p99_ns=waits[steps * 99 // 100], longest_ns=waits[-1], memory=memory)
