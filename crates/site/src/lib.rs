//! The application: one function per thing a caller can do, whatever door they came through.
