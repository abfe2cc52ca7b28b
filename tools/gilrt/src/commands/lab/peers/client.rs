//! Who asks an answering program over UDP on 127.0.0.1, bounded in time and so in count. It is the same for all subjects, and it is
//! in another process than they are.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, UdpSocket};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use crate::failure::{Failure, reason};

/// A runtime that lets its I/O threads in every 100 ms is the slowest that is known; beyond this it hangs.
const PATIENCE: Duration = Duration::from_secs(10);
/// Each number is sent as eight bytes, and comes back so.
type Packet = [u8; 8];

pub struct Client {
    socket: UdpSocket,
    sent: u64,
}

/// Answers, and how long each took.
pub struct Answers {
    pub count: u64,
    pub elapsed: Duration,
    pub latencies: Histogram<u64>,
}

impl Answers {
    fn new() -> Result<Self, Failure> {
        let latencies = Histogram::new_with_bounds(1, 2 * PATIENCE.as_nanos() as u64, 3)
            .map_err(|error| Failure::Failed(format!("cannot keep latencies: {error}")))?;
        Ok(Self { count: 0, elapsed: Duration::ZERO, latencies })
    }

    fn add(&mut self, latency: Duration) {
        self.count += 1;
        self.latencies.saturating_record(latency.as_nanos() as u64);
    }

    pub fn quantile(&self, quantile: f64) -> f64 {
        self.latencies.value_at_quantile(quantile) as f64
    }

    pub fn per_second(&self) -> f64 {
        self.count as f64 / self.elapsed.as_secs_f64().max(1e-9)
    }
}

impl Client {
    pub fn connect(port: u64) -> Result<Self, Failure> {
        let failed = |error: std::io::Error| {
            Failure::Failed(format!("cannot reach port {port} of 127.0.0.1: {}", reason(&error)))
        };
        let port = u16::try_from(port).map_err(|_| Failure::Failed(format!("{port} is no port")))?;
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).map_err(failed)?;
        socket.connect((Ipv4Addr::LOCALHOST, port)).map_err(failed)?;
        socket.set_read_timeout(Some(PATIENCE)).map_err(failed)?;
        Ok(Self { socket, sent: 0 })
    }

    /// One question after the other, the next `pause` after the answer, until the time is over and one has been answered.
    pub fn ask(&mut self, duration: Duration, pause: Duration) -> Result<Answers, Failure> {
        let mut answers = Answers::new()?;
        let start = Instant::now();
        while answers.count == 0 || start.elapsed() < duration {
            std::thread::sleep(pause);
            let begun = Instant::now();
            let number = self.send()?;
            self.receive(number)?;
            answers.add(begun.elapsed());
        }
        answers.elapsed = start.elapsed();
        Ok(answers)
    }

    /// As many as are answered while `window` are under way.
    pub fn stream(&mut self, duration: Duration, window: u64) -> Result<Answers, Failure> {
        let mut answers = Answers::new()?;
        let first = self.sent;
        for _ in 0..window {
            self.send()?;
        }
        let start = Instant::now();
        while answers.count == 0 || start.elapsed() < duration {
            self.receive(first + answers.count)?;
            answers.count += 1;
            self.send()?;
        }
        answers.elapsed = start.elapsed();
        // Those still under way, so that what comes next finds nobody waiting.
        for number in first + answers.count..self.sent {
            self.receive(number)?;
        }
        Ok(answers)
    }

    /// How many were sent, and so answered.
    pub fn sent(&self) -> u64 {
        self.sent
    }

    pub fn quit(self) -> Result<(), Failure> {
        self.socket.send(b"quit").map(drop).map_err(|error| failed(&error))
    }

    fn send(&mut self) -> Result<u64, Failure> {
        let number = self.sent;
        self.socket.send(&number.to_le_bytes()).map_err(|error| failed(&error))?;
        self.sent += 1;
        Ok(number)
    }

    /// The loopback interface neither loses nor reorders what fits into the buffers, so an answer that is another is a failure.
    fn receive(&self, number: u64) -> Result<(), Failure> {
        let mut packet = Packet::default();
        let length = self.socket.recv(&mut packet).map_err(|error| failed(&error))?;
        if length == packet.len() && u64::from_le_bytes(packet) == number {
            return Ok(());
        }
        Err(Failure::Failed(format!("question {number} was answered with something else")))
    }
}

fn failed(error: &std::io::Error) -> Failure {
    Failure::Failed(match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => format!("no answer for {} s", PATIENCE.as_secs()),
        _ => format!("no answer: {}", reason(error)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers `count` packets as `answer` changes them, on a thread.
    fn server(count: usize, answer: impl Fn(&mut [u8]) + Send + 'static) -> u64 {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = socket.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for _ in 0..count {
                let mut packet = [0; 64];
                let (length, client) = socket.recv_from(&mut packet).unwrap();
                answer(&mut packet[..length]);
                socket.send_to(&packet[..length], client).unwrap();
            }
        });
        port.into()
    }

    #[test]
    fn every_question_is_answered_and_timed() {
        let mut client = Client::connect(server(usize::MAX, |_| ())).unwrap();
        let asked = client.ask(Duration::from_millis(20), Duration::ZERO).unwrap();
        assert_eq!((asked.count, asked.latencies.len()), (client.sent(), client.sent()));
        let before = client.sent();
        let streamed = client.stream(Duration::from_millis(20), 16).unwrap();
        assert_eq!(client.sent() - before, streamed.count + 16);
        // At once, though no time is left.
        assert_eq!(client.ask(Duration::ZERO, Duration::ZERO).unwrap().count, 1);
    }

    #[test]
    fn a_wrong_answer_and_a_closed_port_are_told() {
        let why = |port| {
            let mut client = Client::connect(port).unwrap();
            client.ask(Duration::ZERO, Duration::ZERO).err().expect("it fails").message()
        };
        assert_eq!(why(server(1, |packet| packet[0] ^= 1)), "question 0 was answered with something else");
        let closed = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        assert_eq!(why(closed.into()), "no answer: connection refused");
    }
}
