//! Unit tests for resource types without a cluster (written below).
