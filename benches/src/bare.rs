//! The baseline of reads: an axum handler that answers the same bytes and checks nothing.

use std::process::ExitCode;

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::serve::ListenerExt as _;
use tokio::net::TcpListener;

use crate::Outcome;
use crate::client::Head;

/// Answers every request with the head and body in the file that is named.
pub(crate) fn serve(arguments: &[String]) -> Outcome<ExitCode> {
    let path = arguments.first().ok_or("bare needs the file of its answer")?;
    let answer = std::fs::read(path).map_err(|error| format!("{path}: {error}"))?;
    let end = Head::read(&answer)?.ok_or("the file holds no answer")?.end;
    let headers = headers(&answer[..end]);
    let body = Bytes::copy_from_slice(&answer[end..]);
    let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
    runtime.block_on(async move {
        let failed = |error: std::io::Error| error.to_string();
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(failed)?;
        println!("{}", listener.local_addr().map_err(failed)?);
        let listener = listener.tap_io(|stream| {
            if let Err(error) = stream.set_nodelay(true) {
                eprintln!("bare: no TCP_NODELAY: {error}");
            }
        });
        let handler = move || {
            let answer = (headers.clone(), body.clone());
            async move { answer }
        };
        axum::serve(listener, Router::new().fallback(handler)).await.map_err(failed)
    })?;
    Ok(ExitCode::SUCCESS)
}

/// The headers of an answer, but for those that every server writes itself.
fn headers(head: &[u8]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in String::from_utf8_lossy(head).split("\r\n").skip(1) {
        let Some((name, value)) = line.split_once(": ") else { continue };
        if ["date", "content-length"].contains(&name) {
            continue;
        }
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.parse::<HeaderValue>()) {
            headers.insert(name, value);
        }
    }
    headers
}
