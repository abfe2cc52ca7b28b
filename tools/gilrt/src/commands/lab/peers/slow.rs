//! A server that takes its time over each answer, as a disk or a far machine does, without keeping anybody else waiting.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::failure::{Failure, reason};

/// How long each answer takes.
pub const DELAY: Duration = Duration::from_millis(1);
/// How often an idle server looks whether it is to end.
const LOOK: Duration = Duration::from_millis(20);

/// Runs until it is dropped, on a thread of its own and a port that the system chose.
pub struct Server {
    pub port: u16,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

struct Answer {
    due: Instant,
    client: SocketAddr,
    packet: [u8; 64],
    length: usize,
}

impl Server {
    pub fn start() -> Result<Self, Failure> {
        let failed = |error: std::io::Error| {
            Failure::Failed(format!("cannot listen on 127.0.0.1: {}", reason(&error)))
        };
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).map_err(failed)?;
        socket.set_nonblocking(true).map_err(failed)?;
        let port = socket.local_addr().map_err(failed)?.port();
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        // Relaxed: it orders nothing, the join does.
        let thread = std::thread::spawn(move || serve(&socket, || told.load(Ordering::Relaxed)));
        Ok(Self { port, stop, thread: Some(thread) })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic has been printed where it was.
            let _ = thread.join();
        }
    }
}

/// All answers take equally long, so they fall due in the order in which the questions came.
fn serve(socket: &UdpSocket, stopped: impl Fn() -> bool) {
    let mut waiting: VecDeque<Answer> = VecDeque::new();
    while !stopped() {
        let mut packet = [0; 64];
        // Nothing there, or a client that has gone: either way there is nothing to answer.
        while let Ok((length, client)) = socket.recv_from(&mut packet) {
            waiting.push_back(Answer { due: Instant::now() + DELAY, client, packet, length });
        }
        let is_due = |answer: &Answer| answer.due <= Instant::now();
        while waiting.front().is_some_and(is_due)
            && let Some(answer) = waiting.pop_front()
        {
            // Who does not get it says so.
            let _ = socket.send_to(&answer.packet[..answer.length], answer.client);
        }
        let next = waiting.front().map(|answer| answer.due.saturating_duration_since(Instant::now()));
        wait(socket, next.unwrap_or(LOOK).min(LOOK));
    }
}

/// Until a packet comes or the time is over. A socket's own timeout counts in the ticks of the system's clock, which are too coarse.
fn wait(socket: &UdpSocket, time: Duration) {
    let mut poll = libc::pollfd { fd: socket.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    let time = libc::timespec { tv_sec: 0, tv_nsec: time.min(LOOK).as_nanos() as libc::c_long };
    // SAFETY: one descriptor, which is open, and a time below a second; no signal mask is given.
    unsafe { libc::ppoll(&mut poll, 1, &time, std::ptr::null()) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_answer_takes_its_time_and_none_waits_for_another() {
        let server = Server::start().unwrap();
        let client = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        client.connect((Ipv4Addr::LOCALHOST, server.port)).unwrap();
        client.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let start = Instant::now();
        for number in 0..10u8 {
            client.send(&[number; 3]).unwrap();
        }
        for number in 0..10 {
            let mut packet = [0; 64];
            assert_eq!(client.recv(&mut packet).unwrap(), 3);
            assert_eq!(packet[..3], [number; 3]);
            assert!(start.elapsed() >= DELAY);
        }
    }
}
