//! A TCP proxy that misbehaves on command.
//!
//! It works at the level of byte streams: what it holds back arrives later, as over a network that
//! drops packets and heals, and nothing that it forwards is ever changed.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::port::{free_port, local};

/// Chunks on their way through a delay, per direction. Past them the proxy stops reading.
const IN_TRANSIT: usize = 256;
/// Largest chunk.
const CHUNK: usize = 16 * 1024;

/// A proxy in front of one address. Its tasks run on the runtime that started it; all connections
/// end when it is dropped.
#[derive(Debug)]
pub struct Proxy {
    addr: SocketAddr,
    faults: watch::Sender<Faults>,
    links: Arc<Mutex<Links>>,
    stalled: watch::Receiver<u64>,
    _stop: DropGuard,
}

#[derive(Debug, Clone, Default)]
struct Faults {
    delay: Duration,
    refuse: bool,
    black_hole: bool,
    pattern: Option<Arc<[u8]>>,
}

/// How to reach the connections that are open.
#[derive(Debug)]
struct Links {
    /// Ends them.
    cut: CancellationToken,
    /// Ends their server side only.
    sever: CancellationToken,
}

impl Links {
    fn under(stop: &CancellationToken) -> Self {
        Self { cut: stop.child_token(), sever: stop.child_token() }
    }
}

impl Proxy {
    /// Starts a proxy in front of `target`.
    ///
    /// # Panics
    /// When no port can be bound.
    pub async fn start(target: SocketAddr) -> Self {
        let addr = local(free_port());
        let listener = TcpListener::bind(addr).await.expect("a port that was free just now");
        let stop = CancellationToken::new();
        let links = Arc::new(Mutex::new(Links::under(&stop)));
        let (faults, seen_faults) = watch::channel(Faults::default());
        let (stalls, stalled) = watch::channel(0);
        let server = Server {
            addr,
            target,
            faults: seen_faults,
            links: Arc::clone(&links),
            stalls: Arc::new(stalls),
            stop: stop.clone(),
        };
        tokio::spawn(server.run(listener));
        Self { addr, faults, links, stalled, _stop: stop.drop_guard() }
    }

    /// Where it listens.
    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Holds every chunk back for this long, in both directions.
    pub fn set_delay(&self, delay: Duration) {
        self.faults.send_modify(|faults| faults.delay = delay);
    }

    /// Closes every connection and refuses new ones.
    pub fn cut(&self) {
        self.faults.send_modify(|faults| faults.refuse = true);
        self.close_all();
    }

    /// Closes every connection. New ones are welcome.
    pub fn close_all(&self) {
        self.links(|links| links.cut.cancel());
    }

    /// Ends every fault: accepts again, forwards again, without delay. Connections that are stalled
    /// or half open stay so.
    pub fn heal(&self) {
        self.faults.send_replace(Faults::default());
    }

    /// Forwards nothing in either direction while on. Connections stay open, new ones are accepted,
    /// and what was sent meanwhile arrives when it ends.
    pub fn black_hole(&self, on: bool) {
        self.faults.send_modify(|faults| faults.black_hole = on);
    }

    /// Lets the server see every open connection end while its client sees it open and silent.
    pub fn half_open(&self) {
        self.links(|links| links.sever.cancel());
    }

    /// From the first chunk on in which a client sends `pattern`, nothing more is forwarded on that
    /// connection, that chunk included, in either direction. Other connections go on.
    pub fn stall_when_client_sends(&self, pattern: &[u8]) {
        self.faults.send_modify(|faults| faults.pattern = Some(pattern.into()));
    }

    /// Waits until a connection has stalled because of its pattern.
    pub async fn stalled(&self) {
        let mut stalled = self.stalled.clone();
        // The sender lives as long as the proxy.
        let _ = stalled.wait_for(|count| *count > 0).await;
    }

    /// Tells the open connections and makes the next ones hear of the next time only.
    fn links(&self, tell: impl FnOnce(&Links)) {
        let mut links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        tell(&links);
        // Whichever was not told still reaches the old connections through the new one.
        let next = |token: &CancellationToken| {
            if token.is_cancelled() { CancellationToken::new() } else { token.clone() }
        };
        *links = Links { cut: next(&links.cut), sever: next(&links.sever) };
    }
}

struct Server {
    addr: SocketAddr,
    target: SocketAddr,
    faults: watch::Receiver<Faults>,
    links: Arc<Mutex<Links>>,
    stalls: Arc<watch::Sender<u64>>,
    stop: CancellationToken,
}

impl Server {
    async fn run(mut self, listener: TcpListener) {
        let stop = self.stop.clone();
        stop.run_until_cancelled(self.serve(listener)).await;
    }

    async fn serve(&mut self, first: TcpListener) {
        let mut listener = Some(first);
        loop {
            if self.faults.borrow_and_update().refuse {
                listener = None;
                if self.faults.wait_for(|faults| !faults.refuse).await.is_err() {
                    return;
                }
                continue;
            }
            if listener.is_none() {
                listener = TcpListener::bind(self.addr).await.ok();
            }
            let Some(open) = &listener else {
                // Somebody has the port for a moment.
                tokio::time::sleep(Duration::from_millis(10)).await;
                continue;
            };
            tokio::select! {
                changed = self.faults.changed() => if changed.is_err() { return },
                accepted = open.accept() => if let Ok((client, _)) = accepted {
                    self.connect(client);
                },
            }
        }
    }

    fn connect(&self, client: TcpStream) {
        let links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        let link = Link {
            faults: self.faults.clone(),
            cut: links.cut.clone(),
            sever: links.sever.clone(),
            stalls: Arc::clone(&self.stalls),
            stall: CancellationToken::new(),
        };
        drop(links);
        let (target, stop) = (self.target, self.stop.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = link.cut.cancelled() => {}
                () = link.run(client, target) => {}
            }
        });
    }
}

/// One proxied connection.
struct Link {
    faults: watch::Receiver<Faults>,
    cut: CancellationToken,
    sever: CancellationToken,
    stalls: Arc<watch::Sender<u64>>,
    stall: CancellationToken,
}

impl Link {
    async fn run(&self, client: TcpStream, target: SocketAddr) {
        let Ok(server) = TcpStream::connect(target).await else { return };
        let _ = (client.set_nodelay(true), server.set_nodelay(true));
        let (mut client_reads, mut client_writes) = client.into_split();
        let (server_reads, server_writes) = server.into_split();
        let both_ways = async {
            tokio::join!(
                self.forward(&mut client_reads, server_writes, true),
                self.forward(server_reads, &mut client_writes, false),
            );
        };
        // When severed, the server's halves are dropped with `both_ways` and the client's are kept.
        if self.sever.run_until_cancelled(both_ways).await.is_none() {
            let _ = tokio::io::copy(&mut client_reads, &mut tokio::io::sink()).await;
        }
    }

    /// Forwards one direction until its end, which it passes on.
    async fn forward(
        &self,
        mut from: impl AsyncRead + Unpin,
        mut to: impl AsyncWrite + Unpin,
        from_client: bool,
    ) {
        let (due, mut transit) = mpsc::channel::<(Instant, Vec<u8>)>(IN_TRANSIT);
        let read = async move {
            // The end of the last chunk, in case the pattern spans two.
            let mut tail = Vec::new();
            loop {
                let mut chunk = vec![0; CHUNK];
                let length = match from.read(&mut chunk).await {
                    Ok(0) | Err(_) => return,
                    Ok(length) => length,
                };
                chunk.truncate(length);
                let faults = self.faults.borrow().clone();
                if let (true, Some(pattern)) = (from_client, &faults.pattern) {
                    tail.extend_from_slice(&chunk);
                    if contains(&tail, pattern) {
                        self.stall.cancel();
                        self.stalls.send_modify(|count| *count += 1);
                        std::future::pending::<()>().await;
                    }
                    tail.drain(..tail.len().saturating_sub(pattern.len().saturating_sub(1)));
                }
                if due.send((Instant::now() + faults.delay, chunk)).await.is_err() {
                    return;
                }
            }
        };
        let write = async move {
            while let Some((at, chunk)) = transit.recv().await {
                tokio::time::sleep_until(at).await;
                self.open_road().await;
                if to.write_all(&chunk).await.is_err() {
                    return;
                }
            }
            self.open_road().await;
            let _ = to.shutdown().await;
        };
        tokio::join!(read, write);
    }

    /// Returns when things may be forwarded; never, once the connection is stalled.
    async fn open_road(&self) {
        let mut faults = self.faults.clone();
        // An error means that the proxy is gone, and this task is about to be.
        let _ = faults.wait_for(|faults| !faults.black_hole).await;
        if self.stall.is_cancelled() {
            std::future::pending::<()>().await;
        }
    }
}

fn contains(bytes: &[u8], pattern: &[u8]) -> bool {
    !pattern.is_empty() && bytes.windows(pattern.len()).any(|window| window == pattern)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that sends everything back.
    async fn echo() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut reads, mut writes) = stream.into_split();
                    let _ = tokio::io::copy(&mut reads, &mut writes).await;
                });
            }
        });
        addr
    }

    async fn says(stream: &mut TcpStream, text: &str) -> Option<String> {
        stream.write_all(text.as_bytes()).await.ok()?;
        let mut back = vec![0; text.len()];
        stream.read_exact(&mut back).await.ok()?;
        String::from_utf8(back).ok()
    }

    async fn is_silent(stream: &mut TcpStream) -> bool {
        tokio::time::timeout(Duration::from_millis(100), stream.read_u8()).await.is_err()
    }

    #[tokio::test]
    async fn forwards_both_ways_and_passes_the_end_on() {
        let proxy = Proxy::start(echo().await).await;
        let mut stream = TcpStream::connect(proxy.addr()).await.unwrap();
        assert_eq!(says(&mut stream, "hello").await.as_deref(), Some("hello"));
        stream.shutdown().await.unwrap();
        assert_eq!(stream.read(&mut [0; 8]).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn a_cut_closes_and_refuses_until_healed() {
        let proxy = Proxy::start(echo().await).await;
        let mut stream = TcpStream::connect(proxy.addr()).await.unwrap();
        assert!(says(&mut stream, "hello").await.is_some());
        proxy.cut();
        assert!(says(&mut stream, "hello").await.is_none());
        while TcpStream::connect(proxy.addr()).await.is_ok() {}
        proxy.heal();
        let mut again = loop {
            if let Ok(stream) = TcpStream::connect(proxy.addr()).await {
                break stream;
            }
            tokio::task::yield_now().await;
        };
        assert!(says(&mut again, "hello").await.is_some());
    }

    #[tokio::test]
    async fn a_delay_holds_chunks_back_in_both_directions() {
        let proxy = Proxy::start(echo().await).await;
        proxy.set_delay(Duration::from_millis(60));
        let mut stream = TcpStream::connect(proxy.addr()).await.unwrap();
        let since = Instant::now();
        assert!(says(&mut stream, "hello").await.is_some());
        assert!(since.elapsed() >= Duration::from_millis(120));
    }

    #[tokio::test]
    async fn what_a_black_hole_held_arrives_when_it_ends() {
        let proxy = Proxy::start(echo().await).await;
        let mut stream = TcpStream::connect(proxy.addr()).await.unwrap();
        proxy.black_hole(true);
        stream.write_all(b"x").await.unwrap();
        assert!(is_silent(&mut stream).await);
        proxy.black_hole(false);
        assert_eq!(stream.read_u8().await.unwrap(), b'x');
    }

    #[tokio::test]
    async fn a_half_open_connection_is_gone_for_the_server_only() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Proxy::start(listener.local_addr().unwrap()).await;
        let mut client = TcpStream::connect(proxy.addr()).await.unwrap();
        let (mut server, _) = listener.accept().await.unwrap();
        proxy.half_open();
        assert_eq!(server.read(&mut [0; 8]).await.unwrap_or(0), 0);
        client.write_all(b"x").await.unwrap();
        assert!(is_silent(&mut client).await);

        let mut later = TcpStream::connect(proxy.addr()).await.unwrap();
        let (mut server, _) = listener.accept().await.unwrap();
        later.write_all(b"y").await.unwrap();
        assert_eq!(server.read_u8().await.unwrap(), b'y');
    }

    #[tokio::test]
    async fn a_connection_stalls_at_the_pattern_even_across_chunks_and_others_go_on() {
        let proxy = Proxy::start(echo().await).await;
        proxy.stall_when_client_sends(b"XACK");
        let mut stream = TcpStream::connect(proxy.addr()).await.unwrap();
        assert!(says(&mut stream, "ready X").await.is_some());
        stream.write_all(b"ACK").await.unwrap();
        proxy.stalled().await;
        assert!(is_silent(&mut stream).await);

        let mut other = TcpStream::connect(proxy.addr()).await.unwrap();
        assert!(says(&mut other, "hello").await.is_some());
    }
}
