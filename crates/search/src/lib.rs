//! What documents say: an analyser of words, and text and pictures out of files nobody trusts.
