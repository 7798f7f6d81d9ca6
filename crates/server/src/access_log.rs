//! One line in the log for each request. Never a query, a header or a name that a user chose.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use http::{Method, StatusCode};
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::Instant;

use crate::request_id::RequestId;

/// What a request was, as the door that answered it says in an extension of the answer.
///
/// Without it the log has the class of the route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OperationName(pub &'static str);

/// A request's line, kept until its answer has been sent or given up.
pub(crate) struct Line {
    id: RequestId,
    method: Method,
    operation: &'static str,
    began: Instant,
    status: StatusCode,
    sent_bytes: u64,
    complete: bool,
}

impl Line {
    pub(crate) fn begin(id: &RequestId, request: &Request) -> Self {
        Self {
            id: id.clone(),
            method: request.method().clone(),
            operation: route_class(request.uri().path()),
            began: Instant::now(),
            // What a proxy would log for a client that left before its answer began.
            status: StatusCode::from_u16(499).unwrap_or(StatusCode::BAD_REQUEST),
            sent_bytes: 0,
            complete: false,
        }
    }

    /// Writes the line when the last byte of `response` has been handed over.
    pub(crate) fn until_sent(mut self, response: Response) -> Response {
        self.status = response.status();
        if let Some(OperationName(name)) = response.extensions().get() {
            self.operation = name;
        }
        self.complete = response.body().is_end_stream() || self.method == Method::HEAD;
        response.map(|body| Body::new(LoggedBody { body, line: self }))
    }
}

/// Logged when dropped, and so also when the client goes away or the handler is cancelled.
impl Drop for Line {
    fn drop(&mut self) {
        tracing::info!(
            target: "docharbor::access",
            request_id = self.id.as_str(),
            operation = self.operation,
            method = self.method.as_str(),
            status = self.status.as_u16(),
            duration_ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX),
            sent_bytes = self.sent_bytes,
            complete = self.complete,
            "request"
        );
    }
}

/// The first segment of a path, when it is one of ours: anything else may hold a user's words.
fn route_class(path: &str) -> &'static str {
    const CLASSES: [&str; 10] = [
        "api", "health", "oauth", "device", "sign-in", "sign-out", "setup", "dav", "workdocs",
        "transfer",
    ];
    let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    CLASSES.into_iter().find(|class| *class == first).unwrap_or("other")
}

struct LoggedBody {
    body: Body,
    line: Line,
}

impl HttpBody for LoggedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                let length = frame.data_ref().map_or(0, Bytes::len);
                let sent = self.line.sent_bytes;
                self.line.sent_bytes =
                    sent.saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
                // The reader of a body of known length does not come back for its end.
                self.line.complete = self.body.is_end_stream();
            }
            Poll::Ready(None) => self.line.complete = true,
            Poll::Ready(Some(Err(_))) | Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_class_never_holds_what_a_user_typed() {
        for (path, class) in [
            ("/api/v1/folders/abc", "api"),
            ("/health/live", "health"),
            ("/oauth", "oauth"),
            ("/oauth/token", "oauth"),
            ("/device", "device"),
            ("/sign-in", "sign-in"),
            ("/setup", "setup"),
            ("/dav/My%20secret/plan.txt", "dav"),
            ("/secret", "other"),
            ("/", "other"),
            ("", "other"),
            ("//api", "api"),
        ] {
            assert_eq!(route_class(path), class, "{path}");
        }
    }
}
