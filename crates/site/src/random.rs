//! Chance, handed in so that tests can know it.

/// Makes bytes nobody can guess.
pub trait Random: Send + Sync + 'static {
    /// Fills the bytes.
    fn fill(&self, bytes: &mut [u8]);
}

/// The operating system's random numbers.
pub struct OsRandom;

impl Random for OsRandom {
    #[expect(clippy::disallowed_methods, reason = "this is the source that is handed in")]
    #[expect(clippy::expect_used, reason = "without randomness no id or secret is safe to make")]
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system gives random bytes");
    }
}
