# reclaim.rb LIBRARY SLOTS STEPS: in each step a new tree of fifteen nodes replaces the one in some slot of a table, and whatever
# this runtime has reclaims the old one. How long the steps take, and how much memory there was at the most.
require_relative "peer"

slots, steps = Integer(ARGV[1]), Integer(ARGV[2])

class Node
  def initialize(left, right)
    @left = left
    @right = right
  end
end

def tree(depth)
  depth > 0 ? Node.new(tree(depth - 1), tree(depth - 1)) : Node.new(nil, nil)
end

def most_memory
  Integer(File.read("/proc/self/status")[/^VmHWM:\s*(\d+)/, 1]) * 1024
end

table = Array.new(slots) { tree(3) }
waits = Array.new(steps, 0)
random = 1
start = now
steps.times do |step|
  random = (random * 6364136223846793005 + 1442695040888963407) & 0xFFFFFFFFFFFFFFFF
  slot = (random >> 33) % slots
  before = now
  table[slot] = tree(3)
  waits[step] = now - before
end
elapsed = now - start
memory = most_memory
waits.sort!
report(nodes: steps * 15, elapsed_ns: elapsed, p99_ns: waits[steps * 99 / 100], longest_ns: waits[-1], memory: memory)
