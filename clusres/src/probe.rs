//! The probe port of an IP Address: a listener that load balancers ask which node owns the address. Whoever connects is
//! greeted with a closed connection; that it could connect is the answer.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Stack of the listening thread, in bytes.
const PROBE_STACK: usize = 64 * 1024;
/// How long the listener's own wake-up call may take.
const WAKE_LIMIT: Duration = Duration::from_secs(1);
/// Pause after a failed accept (too many open files), so that the thread does not spin.
const TROUBLE_PAUSE: Duration = Duration::from_millis(100);

/// A probe port that is answered. Dropping it closes the port.
#[derive(Debug)]
pub(crate) struct Probe {
    at: SocketAddr,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Probe {
    /// Listens at the address itself, so that several nodes of one machine do not take each other's port.
    pub(crate) fn listen(address: Ipv4Addr, port: u16) -> io::Result<Probe> {
        let listener = TcpListener::bind((address, port))?;
        let at = listener.local_addr()?;
        let is_over = Arc::new(AtomicBool::new(false));
        let thread = {
            let is_over = Arc::clone(&is_over);
            thread::Builder::new()
                .name("probe".into())
                .stack_size(PROBE_STACK)
                .spawn(move || answer(&listener, &is_over))?
        };
        Ok(Probe { at, is_over, thread: Some(thread) })
    }

    /// Where it listens.
    pub(crate) fn at(&self) -> SocketAddr {
        self.at
    }
}

fn answer(listener: &TcpListener, is_over: &AtomicBool) {
    loop {
        let accepted = listener.accept();
        if is_over.load(Ordering::SeqCst) {
            return;
        }
        if accepted.is_err() {
            thread::sleep(TROUBLE_PAUSE);
        }
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        let woken = TcpStream::connect_timeout(&self.at, WAKE_LIMIT);
        if let (Ok(_), Some(thread)) = (woken, self.thread.take()) {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_answers_while_the_probe_lives() {
        let probe = Probe::listen(Ipv4Addr::LOCALHOST, 0).expect("a free port");
        let at = probe.at();
        for _ in 0..3 {
            TcpStream::connect(at).expect("answers");
        }
        drop(probe);
        assert_eq!(TcpStream::connect(at).expect_err("closed").kind(), io::ErrorKind::ConnectionRefused);
    }
}
