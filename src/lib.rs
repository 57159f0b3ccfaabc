//! sockdiag reads what was captured on a host whose sockets pile up and says which process leaks, what, how many and why.
//!
//! The modules are the path of the data, in this order; each uses only those above it.

pub mod bundle;
pub mod error;
pub mod facts;
pub mod formats;
pub mod report;
pub mod signatures;
