# compute.rb LIBRARY KIND THREADS MILLISECONDS: the same CPU-bound work by one thread and by several.
require_relative "peer"

kind, threads, milliseconds = ARGV[1], Integer(ARGV[2]), Integer(ARGV[3])
WORKS = turn(kind)

def timed(threads, turns)
  done = Array.new(threads, 0)
  start = now
  workers = threads.times.map do |i|
    Thread.new do
      (turns / threads + (i < turns % threads ? 1 : 0)).times do
        WORKS.call
        done[i] += 1
      end
    end
  end
  workers.each(&:join)
  [now - start, done.sum]
end

turns = 1
took, = timed(1, turns)
# As many as fill the time: found out by doubling, which also wakes the processor and a compiler up.
while took < milliseconds * 500_000
  turns *= 2
  took, = timed(1, turns)
end
turns = [turns * milliseconds * 1_000_000 / took, threads].max
alone, = timed(1, turns)
together, done = timed(threads, turns)
report(turns: turns, done: done, alone_ns: alone, together_ns: together)
