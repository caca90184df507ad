//! As much of HTTP as a measuring client needs.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use anyhow::{Context as _, Result, bail};

const ANSWER_BYTES_MAX: u64 = 16 << 20;

/// The status of the first answer in `bytes` and how long the answer is; none while it is not whole.
/// Answers must carry a `Content-Length`.
pub(crate) fn answer(bytes: &[u8]) -> Result<Option<(u16, usize)>> {
    let Some(length) = length(bytes)? else { return Ok(None) };
    let status = status(bytes).context("not an HTTP answer")?;
    Ok((bytes.len() >= length).then_some((status, length)))
}

/// How long the request or answer is that `bytes` begin with; none while its head is not whole.
pub(crate) fn length(bytes: &[u8]) -> Result<Option<usize>> {
    let Some(head) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(None);
    };
    let mut body = 0;
    for line in bytes[..head].split(|&b| b == b'\n').skip(1) {
        if line.len() > 15 && line[..15].eq_ignore_ascii_case(b"content-length:") {
            body = std::str::from_utf8(&line[15..])?.trim().parse()?;
        } else if line.len() > 18 && line[..18].eq_ignore_ascii_case(b"transfer-encoding:") {
            bail!("an answer in chunks cannot be read here");
        }
    }
    Ok(Some(head + 4 + body))
}

fn status(bytes: &[u8]) -> Option<u16> {
    std::str::from_utf8(bytes.get(9..12)?).ok()?.parse().ok()
}

/// One request on a connection of its own. HTTP/1.0, so the answer ends where the connection does.
pub(crate) fn get(server: SocketAddr, path: &str, token: Option<&str>) -> Result<(u16, String)> {
    let mut stream = TcpStream::connect_timeout(&server, Duration::from_secs(5))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    let mut request = format!("GET {path} HTTP/1.0\r\nHost: {server}\r\n");
    if let Some(token) = token {
        request.push_str("Authorization: Bearer ");
        request.push_str(token);
        request.push_str("\r\n");
    }
    request.push_str("\r\n");
    stream.write_all(request.as_bytes())?;
    let mut bytes = Vec::new();
    stream.take(ANSWER_BYTES_MAX).read_to_end(&mut bytes)?;
    let status = status(&bytes).with_context(|| format!("GET {path}: no HTTP answer"))?;
    let text = String::from_utf8_lossy(&bytes);
    let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    Ok((status, body.to_owned()))
}

/// Sends a prepared request on a kept connection and waits for the whole answer.
pub(crate) fn exchange(stream: &mut TcpStream, request: &[u8]) -> Result<u16> {
    Ok(converse(stream, request)?.0)
}

/// The same, with the whole answer.
pub(crate) fn converse(stream: &mut TcpStream, request: &[u8]) -> Result<(u16, Vec<u8>)> {
    stream.write_all(request)?;
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let read = stream.read(&mut buffer)?;
        if read == 0 {
            bail!("the server closed the connection");
        }
        bytes.extend_from_slice(&buffer[..read]);
        if let Some((status, _)) = answer(&bytes)? {
            return Ok((status, bytes));
        }
    }
}
