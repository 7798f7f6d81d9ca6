//! What the application promises, on both databases and real files.

#[cfg(test)]
mod activities;
#[cfg(test)]
mod directory;
#[cfg(test)]
mod extraction;
#[cfg(test)]
mod jobs;
#[cfg(test)]
mod notifications;
#[cfg(test)]
mod oauth;
#[cfg(test)]
mod organizations;
#[cfg(test)]
mod paging;
#[cfg(test)]
mod placement;
#[cfg(test)]
mod races;
#[cfg(test)]
mod races_tree;
#[cfg(test)]
mod receiver;
#[cfg(test)]
mod recycled;
#[cfg(test)]
mod removal;
#[cfg(test)]
mod retention;
#[cfg(test)]
mod search;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod sign_in;
#[cfg(test)]
mod statements;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tokens;
#[cfg(test)]
mod turns;
#[cfg(test)]
mod verify;
#[cfg(test)]
mod versions;
