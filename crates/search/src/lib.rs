//! What documents say: words to search for, text and thumbnails out of untrusted files.

pub mod analyse;
pub mod extract;
