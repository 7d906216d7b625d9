//! The API against a hand-made cluster: the routes, the shapes, the refusals and the live stream, over real sockets.

pub(crate) mod fake;
mod flows;
mod goldens;
mod live;
mod quorum;
mod refusals;
