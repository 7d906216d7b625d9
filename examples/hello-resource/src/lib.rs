//! A resource type in 30 lines.
