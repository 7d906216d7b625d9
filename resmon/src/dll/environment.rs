//! The one change that the monitor makes to its own environment.

/// Takes a secret out of the environment, so that no application started by a resource inherits it.
///
/// To be called while the process has a single thread, at the start of `main`.
pub(crate) fn take(name: &str) -> Option<String> {
    let value = std::env::var(name).ok();
    // SAFETY: the caller promises that no other thread exists, so nobody reads the environment at the same time.
    unsafe { std::env::remove_var(name) };
    value
}
