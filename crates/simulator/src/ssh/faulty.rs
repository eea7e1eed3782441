//! A connection that can be cut in mid-stream.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::task::AtomicWaker;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::faults::{Fault, Stage};
use crate::state::Host;

/// Waits as long as is planted.
pub(super) async fn slow(host: &Host) {
    if let Some(Fault::SlowSsh { ms }) = host.faults().take(|fault| matches!(fault, Fault::SlowSsh { .. })) {
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }
}

/// Never returns when silence is planted for this stage.
pub(super) async fn hang(host: &Host, now: Stage) {
    let planted = |fault: &Fault| matches!(fault, Fault::SshHang { stage, .. } if *stage == now);
    if host.faults().take(planted).is_some() {
        std::future::pending::<()>().await;
    }
}

/// Cuts its connection without a goodbye.
#[derive(Debug, Clone, Default)]
pub(super) struct Cutter(Arc<(AtomicBool, AtomicWaker)>);

impl Cutter {
    pub(super) fn cut(&self) {
        self.0.0.store(true, Ordering::Release);
        self.0.1.wake();
    }

    fn is_cut(&self) -> bool {
        self.0.0.load(Ordering::Acquire)
    }
}

/// The stream of one client.
#[derive(Debug)]
pub(super) struct Faulty {
    stream: TcpStream,
    cutter: Cutter,
}

impl Faulty {
    pub(super) fn new(stream: TcpStream) -> (Self, Cutter) {
        let cutter = Cutter::default();
        (Self { stream, cutter: cutter.clone() }, cutter)
    }

    fn reset() -> io::Error {
        io::Error::from(io::ErrorKind::ConnectionReset)
    }
}

impl AsyncRead for Faulty {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.cutter.0.1.register(cx.waker());
        if self.cutter.is_cut() {
            return Poll::Ready(Err(Self::reset()));
        }
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Faulty {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if self.cutter.is_cut() {
            return Poll::Ready(Err(Self::reset()));
        }
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
