//! AWS Signature Version 4 on the server: verify and presign, on top of aws-sigv4. No I/O.
