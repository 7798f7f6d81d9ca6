//! The local store, on a real file system.

#[cfg(test)]
mod bounds;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod local;
#[cfg(test)]
mod support;
