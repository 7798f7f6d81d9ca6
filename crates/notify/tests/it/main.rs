//! What the other end does, and what becomes of it here.

#[cfg(test)]
mod courier;
#[cfg(test)]
mod lookup;
#[cfg(test)]
mod receiver;
