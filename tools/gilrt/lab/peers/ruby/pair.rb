# pair.rb LIBRARY PAIRS: release and acquire by a thread that is alone: what blocking calls go through, called from a loop in C.
require_relative "peer"

pairs = Integer(ARGV[1])
without = Fiddle::Handle::DEFAULT["rb_thread_call_without_gvl"]
calls = function("native_calls", [Fiddle::TYPE_VOIDP, U64], U64, true)
calls.call(without, pairs)
report(pairs: pairs, elapsed_ns: calls.call(without, pairs))
