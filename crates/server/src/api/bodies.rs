//! Reading the bodies of API requests, with one bound on the memory of all of them.

use axum::body::{Body, Bytes};
use bytes::BytesMut;
use docharbor_wire::ErrorCode;
use http_body_util::BodyExt as _;
use tokio::sync::Semaphore;

use super::error::Problem;

/// The most bytes a request's body may have; no request of the model comes near it.
const BODY_MAX_BYTES: usize = 1 << 20;

/// Bodies up to this size need no leave: what programs send is a few hundred bytes.
const SMALL_MAX_BYTES: usize = 16 << 10;

/// How many larger bodies may be on their way at once.
const LARGE_MAX: usize = 32;

/// Reads bodies. Whoever sends a large one is not known yet, so all of them together get a bound.
pub(crate) struct Bodies(Semaphore);

impl Bodies {
    pub(crate) fn new() -> Self {
        Self(Semaphore::new(LARGE_MAX))
    }

    /// Reads a whole body. The chunks it came in are not kept apart: each would cost far more memory
    /// than the bytes in it.
    pub(super) async fn read(&self, mut body: Body) -> Result<Bytes, Problem> {
        let mut bytes = BytesMut::new();
        let mut leave = None;
        while let Some(frame) = body.frame().await {
            let Ok(frame) = frame else { return Err(broken_off()) };
            let Ok(chunk) = frame.into_data() else { continue };
            let length = bytes.len() + chunk.len();
            if length > BODY_MAX_BYTES {
                return Err(Problem::Code(
                    ErrorCode::RequestEntityTooLarge,
                    format!("A request's body has at most {BODY_MAX_BYTES} bytes."),
                ));
            }
            if length > SMALL_MAX_BYTES && leave.is_none() {
                leave = Some(self.0.try_acquire().map_err(|_| busy())?);
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes.freeze())
    }
}

fn broken_off() -> Problem {
    let text = "The body did not come to its end in time; send it again.";
    Problem::Code(ErrorCode::RequestTimeout, text.to_owned())
}

fn busy() -> Problem {
    let text = "Too many large requests are on their way; try again in a moment.";
    Problem::Code(ErrorCode::ServiceUnavailable, text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(chunks: usize, chunk_bytes: usize) -> Body {
        let chunk = Bytes::from(vec![b'x'; chunk_bytes]);
        let chunks = std::iter::repeat_n(chunk, chunks).map(Ok::<_, std::io::Error>);
        Body::from_stream(futures::stream::iter(chunks))
    }

    fn code(read: Result<Bytes, Problem>) -> ErrorCode {
        match read {
            Err(Problem::Code(code, _)) => code,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn a_body_is_read_whole_up_to_its_limit_however_it_is_cut() {
        let bodies = Bodies::new();
        for (chunks, chunk_bytes) in [(0, 1), (1, 1), (100_000, 1), (1, BODY_MAX_BYTES)] {
            let read = bodies.read(body(chunks, chunk_bytes)).await.unwrap();
            assert_eq!(read.len(), chunks * chunk_bytes);
        }
        let too_large = bodies.read(body(2, BODY_MAX_BYTES / 2 + 1)).await;
        assert_eq!(code(too_large), ErrorCode::RequestEntityTooLarge);
    }

    #[tokio::test]
    async fn large_bodies_have_a_common_bound_and_small_ones_pass_beside_it() {
        let bodies = Bodies::new();
        let held = bodies.0.acquire_many(u32::try_from(LARGE_MAX).unwrap()).await.unwrap();
        assert_eq!(bodies.read(body(1, SMALL_MAX_BYTES)).await.unwrap().len(), SMALL_MAX_BYTES);
        let refused = bodies.read(body(1, SMALL_MAX_BYTES + 1)).await;
        assert_eq!(code(refused), ErrorCode::ServiceUnavailable);
        drop(held);
        assert!(bodies.read(body(1, SMALL_MAX_BYTES + 1)).await.is_ok());
    }
}
