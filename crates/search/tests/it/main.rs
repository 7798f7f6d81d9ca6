//! Documents of every kind, good and hostile, through the real child process.

#[cfg(test)]
mod corpus;
#[cfg(test)]
mod escapes;
#[cfg(test)]
mod formats;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod office;
#[cfg(test)]
mod support;
