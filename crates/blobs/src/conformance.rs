//! What every implementation of the store must do, as one suite.
