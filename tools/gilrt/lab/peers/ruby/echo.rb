# echo.rb LIBRARY KIND HOGS: a thread that answers packets, beside others that compute. Says its port, ends when told to quit.
require "socket"
require_relative "peer"

kind, hogs = ARGV[1], Integer(ARGV[2])
work = turn(kind)
turns = Array.new(hogs, 0)
stop = false
s = UDPSocket.new
s.bind("127.0.0.1", 0)
workers = hogs.times.map do |i|
  Thread.new do
    loop do # one turn at least, so that all of them have computed
      work.call
      turns[i] += 1
      break if stop
    end
  end
end
report(port: s.addr[1])
answered = 0
loop do
  packet, client = s.recvfrom(64)
  break if packet == "quit"
  s.send(packet, 0, client[3], client[1])
  answered += 1
end
stop = true
workers.each(&:join)
report(answered: answered, turns: turns.sum)
