# The same as kernels/collect.c in CPython: nanoseconds an object of a full and of a young collection of live rings of ten.
import gc, json, platform, sys, time


class Node:
    __slots__ = ("next", "value")


def rings(count):
    nodes = [Node() for _ in range(count)]
    for i in range(0, count, 10):
        ring = nodes[i : i + 10]
        for node, after in zip(ring, ring[1:] + ring[:1]):
            node.next = after
    return nodes[::10]


def timed(generation, count):
    start = time.perf_counter_ns()
    gc.collect(generation)
    return (time.perf_counter_ns() - start) / count


full, young = int(sys.argv[1]), int(sys.argv[2])
gc.disable()
old = rings(full)
gc.collect()
result = {"version": platform.python_version(), "full": timed(2, full)}
new = rings(young)
result["young"] = timed(0, young)
print(json.dumps(result))
