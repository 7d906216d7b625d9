//! The Cluster service, its API and the cluster command.
