//! Just enough of HTTP/1.1 to be asked quickly: connections that are kept, and bodies of a known length.

use std::collections::HashMap;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

/// A request.
pub struct Request {
    /// The method.
    pub method: String,
    /// The path, its escapes undone.
    pub path: String,
    /// What follows the question mark.
    pub query: HashMap<String, String>,
    /// The body, or null.
    pub body: Value,
}

/// A reply.
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The body; none if null.
    pub body: Value,
    /// Further headers, each with its line's end.
    pub headers: String,
}

impl Reply {
    /// With a body.
    pub fn new(status: u16, body: Value) -> Self {
        Self { status, body, headers: String::new() }
    }
}

/// Reads the next request of a connection. `None`: there are no more.
pub async fn read(stream: &mut BufReader<TcpStream>) -> Result<Option<Request>> {
    let mut line = String::new();
    if stream.read_line(&mut line).await? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace();
    let (Some(method), Some(target)) = (words.next(), words.next()) else { bail!("no request: {line:?}") };
    let url = url::Url::parse("http://fake").and_then(|base| base.join(target))?;
    let path = percent_encoding::percent_decode_str(url.path()).decode_utf8()?.into_owned();
    let query = url.query_pairs().into_owned().collect();
    let method = method.to_owned();
    let mut length = 0;
    loop {
        line.clear();
        if stream.read_line(&mut line).await? <= 2 {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().context("the body has no length")?;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    let body = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap_or_default() };
    Ok(Some(Request { method, path, query, body }))
}

/// Writes a reply.
pub async fn write(stream: &mut BufReader<TcpStream>, reply: Reply, head_only: bool) -> Result<()> {
    let Reply { status, body, headers } = reply;
    let body = if body.is_null() || head_only { String::new() } else { body.to_string() };
    let length = body.len();
    let text = format!(
        "HTTP/1.1 {status} X\r\n{headers}content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(text.as_bytes()).await?;
    Ok(stream.flush().await?)
}
