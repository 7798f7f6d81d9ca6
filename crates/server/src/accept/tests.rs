//! The accept loop as a client on the loopback sees it.
