//! What the author of a resource type depends on: the portable trait, property tables and the export macro.
