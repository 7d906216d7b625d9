//! Property lists and value lists, the binary format in which properties cross the interface (reference 04.2, 04.3).
