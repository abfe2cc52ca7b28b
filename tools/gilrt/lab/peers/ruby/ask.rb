# ask.rb LIBRARY PORT THREADS MILLISECONDS: threads that do nothing but ask a server and wait for its answer.
require "socket"
require_relative "peer"

port, threads, milliseconds = Integer(ARGV[1]), Integer(ARGV[2]), Integer(ARGV[3])
answered = Array.new(threads, 0)
start = now
finish = start + milliseconds * 1_000_000
workers = threads.times.map do |i|
  Thread.new do
    question = [i].pack("q")
    s = UDPSocket.new
    s.connect("127.0.0.1", port)
    loop do # one answer at least, however late the thread began
      s.send(question, 0)
      raise "the answer was another" if s.recv(64) != question
      answered[i] += 1
      break if now >= finish
    end
    s.close
  end
end
workers.each(&:join)
report(round_trips: answered.sum, least: answered.min, elapsed_ns: now - start)
