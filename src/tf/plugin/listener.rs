//! Where the host connects: a Unix socket, or a local port where there are none.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::Stream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio_rustls::TlsAcceptor;
use tonic::transport::server::Connected;

use super::Error;
use super::handshake::Environment;
use super::life::{Connections, OpenConnection};

/// How long a client may take for the TLS handshake.
const HANDSHAKE_TIME: Duration = Duration::from_secs(10);

/// A bound socket. Its file, if it has one, goes when this is dropped.
pub(super) struct Listener {
    socket: Socket,
    address: String,
}

enum Socket {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix(tokio::net::UnixListener, unix::SocketFile),
}

impl Listener {
    pub(super) fn bind(environment: &Environment) -> Result<Self, Error> {
        // `cfg!` as well, so that the rest is compiled and tested everywhere.
        #[cfg(unix)]
        if cfg!(unix) {
            let (listener, file) = unix::bind(environment)?;
            let address = file.path().to_owned();
            return Ok(Listener { socket: Socket::Unix(listener, file), address });
        }
        Self::bind_tcp(environment)
    }

    /// Takes the first free port of those that the host allows.
    fn bind_tcp(environment: &Environment) -> Result<Self, Error> {
        let mut last = ("127.0.0.1".to_owned(), io::ErrorKind::AddrInUse.into());
        for port in environment.ports.clone().unwrap_or(0..=0) {
            let address = format!("127.0.0.1:{port}");
            let bound = std::net::TcpListener::bind(&address).and_then(|listener| {
                listener.set_nonblocking(true)?;
                Ok((listener.local_addr()?, TcpListener::from_std(listener)?))
            });
            match bound {
                Ok((address, listener)) => {
                    return Ok(Listener { socket: Socket::Tcp(listener), address: address.to_string() });
                }
                Err(error) => last = (address, error),
            }
        }
        Err(Error::Listen { address: last.0, source: last.1 })
    }

    /// The kind of address, as hosts call it.
    pub(super) fn network(&self) -> &'static str {
        match self.socket {
            Socket::Tcp(_) => "tcp",
            #[cfg(unix)]
            Socket::Unix(..) => "unix",
        }
    }

    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// Starts to accept. With an acceptor, what comes out has passed it.
    pub(super) fn incoming(self, tls: Option<TlsAcceptor>, connections: Connections) -> Incoming {
        let (sender, accepted) = mpsc::channel(8);
        match self.socket {
            Socket::Tcp(listener) => {
                let accept = async move || {
                    let (stream, _) = listener.accept().await?;
                    stream.set_nodelay(true)?;
                    Ok(stream)
                };
                let task = tokio::spawn(accept_all(accept, tls, connections, sender));
                Incoming { accepted, task: task.abort_handle(), _file: None }
            }
            #[cfg(unix)]
            Socket::Unix(listener, file) => {
                let accept = async move || Ok(listener.accept().await?.0);
                let task = tokio::spawn(accept_all(accept, tls, connections, sender));
                Incoming { accepted, task: task.abort_handle(), _file: Some(Box::new(file)) }
            }
        }
    }
}

async fn accept_all<S: Io>(
    accept: impl AsyncFn() -> io::Result<S>,
    tls: Option<TlsAcceptor>,
    connections: Connections,
    sender: mpsc::Sender<io::Result<Connection>>,
) {
    loop {
        let stream = match accept().await {
            Ok(stream) => stream,
            Err(error) => {
                // Out of file descriptors, most likely. Some may come free.
                tracing::warn!(%error, "failed to accept a connection");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let open = connections.open();
        let Some(tls) = tls.clone() else {
            let connection = Connection { io: Box::new(stream), _open: open };
            if sender.send(Ok(connection)).await.is_err() {
                return;
            }
            continue;
        };
        // Apart, so that a client that stalls does not keep others out.
        let sender = sender.clone();
        tokio::spawn(async move {
            match tokio::time::timeout(HANDSHAKE_TIME, tls.accept(stream)).await {
                Ok(Ok(stream)) => {
                    let connection = Connection { io: Box::new(stream), _open: open };
                    // Fails only when nobody is served any more.
                    let _ = sender.send(Ok(connection)).await;
                }
                Ok(Err(error)) => tracing::warn!(%error, "refused a connection"),
                Err(_) => tracing::warn!("refused a connection: it took too long over its handshake"),
            }
        });
    }
}

/// Connections as they come. Dropping it ends that and unlinks the socket.
pub(super) struct Incoming {
    accepted: mpsc::Receiver<io::Result<Connection>>,
    task: AbortHandle,
    /// What has to go with the socket.
    _file: Option<Box<dyn Send + Sync>>,
}

impl Drop for Incoming {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Stream for Incoming {
    type Item = io::Result<Connection>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.accepted.poll_recv(cx)
    }
}

trait Io: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Io for T {}

/// One connection, with or without TLS.
pub(super) struct Connection {
    io: Box<dyn Io>,
    _open: OpenConnection,
}

impl Connected for Connection {
    type ConnectInfo = ();

    fn connect_info(&self) -> Self::ConnectInfo {}
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.io).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.io).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.io).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.io).poll_shutdown(cx)
    }
}

#[cfg(unix)]
mod unix;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn takes_the_next_port_when_one_is_taken() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port();
        let only = Environment { ports: Some(port..=port), ..Environment::default() };
        let refused = Listener::bind_tcp(&only).err().unwrap().to_string();
        assert!(refused.starts_with(&format!("failed to listen on 127.0.0.1:{port}: ")), "{refused}");

        let more = Environment { ports: Some(port..=port.saturating_add(50)), ..Environment::default() };
        let listener = Listener::bind_tcp(&more).unwrap();
        assert_eq!(listener.network(), "tcp");
        assert_ne!(listener.address(), format!("127.0.0.1:{port}"));
    }
}
