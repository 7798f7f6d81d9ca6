//! What the application promises, on both databases and real files.

#[cfg(test)]
mod jobs;
#[cfg(test)]
mod paging;
#[cfg(test)]
mod races;
#[cfg(test)]
mod removal;
#[cfg(test)]
mod statements;
#[cfg(test)]
mod support;
#[cfg(test)]
mod verify;
