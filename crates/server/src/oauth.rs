//! How programs come by a user's token: by consent on a page, by a code, by a code typed elsewhere.

mod asked;
mod consent;
mod device;
mod program;

use axum::Router;
use axum::extract::{Request, State};
use axum::routing::get;

use crate::door::Door;
use asked::Flow;

/// Routes the pages on which people consent, and what programs ask for by themselves.
pub(crate) fn router(door: Door) -> Router {
    let both = |flow: Flow| {
        get(move |State(door): State<Door>, request: Request| consent::show(door, request, flow))
            .post(move |State(door): State<Door>, request: Request| {
                consent::submit(door, request, flow)
            })
    };
    Router::new()
        .route(Flow::Implicit.path(), both(Flow::Implicit))
        .route(Flow::Code.path(), both(Flow::Code))
        .merge(program::router())
        .merge(device::router())
        .with_state(door)
}
