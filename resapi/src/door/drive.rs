//! The monitor's side of the table, for tests (written below).
