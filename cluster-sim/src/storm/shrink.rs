//! Finding a shorter storm that breaks the same promise.
