# What the programs beside this file share. The first argument of each is the library of c/native.c.
require "fiddle"
require "json"

LIBRARY = Fiddle.dlopen(ARGV[0])
U64 = -Fiddle::TYPE_LONG_LONG

# A function of the library, called with the lock held or without it.
def function(name, arguments, result, holding)
  Fiddle::Function.new(LIBRARY[name], arguments, result, need_gvl: holding)
end

COUNTDOWN = 1000 # steps of the language itself in a turn
WORK = 50_000 # multiplications in C in a turn

# One turn of CPU-bound work of this kind.
def turn(kind)
  case kind
  when "interpreter"
    lambda do
      n = COUNTDOWN
      n -= 1 while n > 0
    end
  when "holding", "releasing"
    work = function("native_work", [U64], U64, kind == "holding")
    -> { work.call(WORK) }
  else
    abort "there is no work of the kind #{kind}"
  end
end

def now
  Process.clock_gettime(Process::CLOCK_MONOTONIC, :nanosecond)
end

def report(figures)
  puts JSON.generate(figures)
  $stdout.flush
end

# What fails in a thread is the program's failure, and told once.
Thread.abort_on_exception = true
Thread.report_on_exception = false
