# retake.rb LIBRARY MILLISECONDS: a thread that holds the lock for 100 us, releases it and takes it back at once, and one that
# sleeps for a millisecond and then wants it: how long it waits at the most. A wait that the end cuts short lasted at least so long.
require_relative "peer"

milliseconds = Integer(ARGV[1])
sleeping = function("native_sleep", [U64], U64, false)
nothing = function("native_nothing", [], Fiddle::TYPE_VOID, false)
pin = function("native_pin", [-Fiddle::TYPE_INT], Fiddle::TYPE_VOID, true)
finish = now + milliseconds * 1_000_000
holds = 0
pin.call(1)
holder = Thread.new do
  pin.call(0)
  till = now
  while till < finish
    till += 100_000
    nil while now < till
    nothing.call
    holds += 1
    till = now
  end
end
longest = visits = 0
while now < finish
  slept = sleeping.call(1_000_000)
  longest = [longest, now - slept].max
  visits += 1
end
holder.join
report(longest_ns: longest, visits: visits, holds: holds)
