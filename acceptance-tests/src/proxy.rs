//! An HTTP proxy between provider and cloud that fails on demand.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use anyhow::{Context, Result, bail};
use regex::Regex;

use crate::scenario::Fault;

/// The proxy. It ends with the process.
#[derive(Clone)]
pub struct Proxy {
    /// Its URL, with Keystone's path.
    pub url: String,
    /// Its URLs for the other services, by type, with their paths.
    pub services: BTreeMap<String, String>,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Default)]
struct Shared {
    faults: Vec<(Regex, Fault)>,
    /// `METHOD path` of every request.
    seen: Vec<String>,
}

struct Request {
    line: String,
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Proxy {
    /// Starts a proxy for a Keystone, and for other services, whose paths begin with the type of the service.
    pub fn start(keystone: &str, services: &BTreeMap<String, String>) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let own = format!("http://{}", listener.local_addr()?);
        let (host, path) = split(keystone)?;
        let mut proxy =
            Proxy { url: format!("{own}{path}"), services: BTreeMap::new(), shared: Arc::default() };
        let mut origins = BTreeMap::from([(String::new(), host.to_owned())]);
        // Keystone comes first, and two services have a second type.
        let passed = ["identity", "volumev3", "sharev2"];
        for (kind, url) in services.iter().filter(|(kind, _)| !passed.contains(&kind.as_str())) {
            let (host, path) = split(url)?;
            origins.insert(kind.clone(), host.to_owned());
            proxy.services.insert(kind.clone(), format!("{own}/{kind}{path}"));
        }
        let (origins, shared) = (Arc::new(origins), proxy.shared.clone());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (origins, shared) = (origins.clone(), shared.clone());
                // A connection that breaks is the client's business.
                thread::spawn(move || drop(serve(stream, &origins, &shared)));
            }
        });
        Ok(proxy)
    }

    /// Replaces the faults, and forgets the requests.
    pub fn set(&self, faults: &[Fault]) -> Result<()> {
        let mut compiled = Vec::new();
        for fault in faults {
            compiled.push((pattern(&fault.on)?, fault.clone()));
        }
        *lock(&self.shared) = Shared { faults: compiled, seen: Vec::new() };
        Ok(())
    }

    /// How many requests came that match `METHOD path-regex`.
    pub fn count(&self, on: &str) -> Result<usize> {
        let pattern = pattern(on)?;
        Ok(lock(&self.shared).seen.iter().filter(|line| pattern.is_match(line)).count())
    }
}

/// A URL's host with its scheme, and its path.
fn split(url: &str) -> Result<(&str, &str)> {
    let rest = url.strip_prefix("http://").context("the proxy speaks plain HTTP only")?;
    Ok(url.split_at(url.len() - rest.len() + rest.find('/').unwrap_or(rest.len())))
}

/// Where a request goes: to the service whose type its path begins with, or else to Keystone.
fn destination(target: &str, origins: &BTreeMap<String, String>) -> String {
    let rest = target.trim_start_matches('/');
    let (kind, path) = rest.split_once('/').unwrap_or((rest, ""));
    match (origins.get(kind), origins.get("")) {
        (Some(origin), _) => format!("{origin}/{path}"),
        (None, keystone) => format!("{}{target}", keystone.map(String::as_str).unwrap_or_default()),
    }
}

fn pattern(on: &str) -> Result<Regex> {
    Regex::new(&format!("^(?:{on})$")).with_context(|| format!("`{on}` is no METHOD path-regex"))
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The fault that a request meets, used up by one.
fn fault(shared: &Mutex<Shared>, line: &str) -> Option<Fault> {
    let mut shared = lock(shared);
    shared.seen.push(line.to_owned());
    let (_, fault) =
        shared.faults.iter_mut().find(|(on, fault)| on.is_match(line) && fault.times != Some(0))?;
    if let Some(times) = &mut fault.times {
        *times -= 1;
    }
    Some(fault.clone())
}

fn serve(mut stream: TcpStream, origins: &BTreeMap<String, String>, shared: &Mutex<Shared>) -> Result<()> {
    stream.set_nodelay(true)?;
    let agent: ureq::Agent =
        ureq::Agent::config_builder().http_status_as_error(false).proxy(None).max_redirects(0).build().into();
    let mut buffer = Vec::new();
    while let Some(request) = read(&mut stream, &mut buffer)? {
        let fault = fault(shared, &request.line);
        if let Some(status) = fault.as_ref().and_then(|it| it.answer) {
            let after = fault.and_then(|it| it.retry_after).map(|it| format!("retry-after: {it}\r\n"));
            let body = r#"{"error": {"code": 503, "message": "Out of order, by order of the test.", "title": "Fault"}}"#;
            let body = body.replace("503", &status.to_string());
            write!(
                stream,
                "HTTP/1.1 {status} Fault\r\n{}content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
                after.unwrap_or_default(),
                body.len()
            )?;
            continue;
        }
        let mut outgoing = ureq::http::Request::builder()
            .method(request.method.as_str())
            .uri(destination(&request.target, origins));
        for (name, value) in &request.headers {
            // Connection and length are between two neighbours only; a plain body is easier to pass on.
            if !["host", "connection", "content-length", "accept-encoding"].contains(&name.as_str()) {
                outgoing = outgoing.header(name, value);
            }
        }
        let mut reply = agent.run(outgoing.body(request.body)?)?;
        let body = reply.body_mut().read_to_vec()?;
        if fault.is_some_and(|it| it.lose_reply) {
            stream.shutdown(Shutdown::Both)?;
            return Ok(());
        }
        let mut head = format!("HTTP/1.1 {}\r\n", reply.status());
        for (name, value) in reply.headers() {
            if !["connection", "content-length", "transfer-encoding"].contains(&name.as_str()) {
                head.push_str(&format!("{name}: {}\r\n", String::from_utf8_lossy(value.as_bytes())));
            }
        }
        if reply.status() != 204 {
            head.push_str(&format!("content-length: {}\r\n", body.len()));
        }
        stream.write_all(format!("{head}\r\n").as_bytes())?;
        if request.method != "HEAD" {
            stream.write_all(&body)?;
        }
    }
    Ok(())
}

/// The next request of a connection, `None` at its end.
fn read(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<Option<Request>> {
    let mut chunk = [0; 16 * 1024];
    loop {
        if let Some((request, length)) = parse(buffer)? {
            buffer.drain(..length);
            return Ok(Some(request));
        }
        match stream.read(&mut chunk)? {
            0 if buffer.is_empty() => return Ok(None),
            0 => bail!("the connection ended within a request"),
            read => buffer.extend_from_slice(&chunk[..read]),
        }
    }
}

/// A whole request at the start of the buffer, and its length.
fn parse(buffer: &[u8]) -> Result<Option<(Request, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut parsed = httparse::Request::new(&mut headers);
    let httparse::Status::Complete(head) = parsed.parse(buffer)? else { return Ok(None) };
    let headers: Vec<_> = parsed
        .headers
        .iter()
        .map(|it| (it.name.to_ascii_lowercase(), String::from_utf8_lossy(it.value).into_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length = length.map_or(Ok(0), |(_, value)| value.parse::<usize>())?;
    let Some(body) = buffer.get(head..head + length) else { return Ok(None) };
    let (method, target) = (parsed.method.unwrap_or_default(), parsed.path.unwrap_or_default());
    let path = target.split('?').next().unwrap_or_default();
    Ok(Some((
        Request {
            line: format!("{method} {path}"),
            method: method.to_owned(),
            target: target.to_owned(),
            headers,
            body: body.to_vec(),
        },
        head + length,
    )))
}
