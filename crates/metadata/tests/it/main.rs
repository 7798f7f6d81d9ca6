//! What the crate's sources and migrations promise.

#[cfg(test)]
mod notifications;
#[cfg(test)]
mod schema;
#[cfg(test)]
mod source;
#[cfg(test)]
mod statements;
