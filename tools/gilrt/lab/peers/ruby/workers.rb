# workers.rb LIBRARY KIND COUNT TURNS: CPU-bound work shared by threads or by processes: how long each takes to be there, how long
# the work lasts, and what memory each has for itself.
require_relative "peer"

KIND, COUNT, TURNS = ARGV[1], Integer(ARGV[2]), Integer(ARGV[3])
WORKS = turn("interpreter")
# What the workers say, and what they wait for. Threads and processes wait alike.
SAID, SAY = IO.pipe
GO, LET_GO = IO.pipe
LEAVE, LET_LEAVE = IO.pipe
DONE = Array.new(COUNT, 0)

def memory
  Integer(File.read("/proc/self/smaps_rollup")[/^Private_Dirty:\s*(\d+)/, 1]) * 1024
end

def worker(index)
  SAY.syswrite("r")
  GO.sysread(1)
  (TURNS / COUNT + (index < TURNS % COUNT ? 1 : 0)).times do
    WORKS.call
    DONE[index] += 1
  end
  SAY.syswrite("d")
  SAY.syswrite(format("%16d%16d", memory, DONE[index])) if KIND == "processes"
  LEAVE.sysread(1)
end

before = memory
start = now
workers = COUNT.times.map do |index|
  if KIND == "processes"
    fork do
      worker(index)
      exit!(0)
    end
  else
    Thread.new { worker(index) }
  end
end
SAID.read(COUNT)
began = now
LET_GO.syswrite("g" * COUNT)
if KIND == "processes"
  numbers = SAID.read(COUNT * 33).tr("d", " ").split.map { |word| Integer(word) }
  ended = now
  used = numbers.each_slice(2).sum(&:first) / COUNT
  finished = numbers.each_slice(2).sum(&:last)
else
  SAID.read(COUNT)
  ended = now
  used = [memory - before, 0].max / COUNT
  finished = DONE.sum
end
LET_LEAVE.syswrite("l" * COUNT)
workers.each { |each| KIND == "processes" ? Process.wait(each) : each.join }
report(done: finished, start_up_ns: (began - start) / COUNT, time_ns: ended - began, memory: used)
