//! A cluster of engines in virtual time, driven from one seed, with faults.
