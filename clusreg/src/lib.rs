//! The cluster registry: keys, typed values, atomic batches and change watches, with a durable store below.
