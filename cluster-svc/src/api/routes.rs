//! Every route, in one place. What each takes and answers stands in `openapi`, and a test holds the two together.

use axum::Router;
use axum::handler::Handler;
use axum::routing::{MethodRouter, delete, get, patch, post, put};

use super::{
    Api, PREFIX, cluster, dependencies, findings, groups, history, metrics, nodes, openapi, parameters, quorum,
    registry, resources, steps, stream, types,
};

/// Method and path of a route, the path with the prefix.
pub(super) type Mounted = (&'static str, String);

/// Collects routes, and what they are.
struct Mount {
    router: Router<Api>,
    mounted: Vec<Mounted>,
}

impl Mount {
    fn on(mut self, method: &'static str, path: &str, handlers: MethodRouter<Api>) -> Mount {
        let path = format!("{PREFIX}{path}");
        self.router = self.router.route(&path, handlers);
        self.mounted.push((method, path));
        self
    }

    fn get<T: 'static>(self, path: &str, handler: impl Handler<T, Api>) -> Mount {
        self.on("get", path, get(handler))
    }

    fn post<T: 'static>(self, path: &str, handler: impl Handler<T, Api>) -> Mount {
        self.on("post", path, post(handler))
    }

    fn put<T: 'static>(self, path: &str, handler: impl Handler<T, Api>) -> Mount {
        self.on("put", path, put(handler))
    }

    fn patch<T: 'static>(self, path: &str, handler: impl Handler<T, Api>) -> Mount {
        self.on("patch", path, patch(handler))
    }

    fn delete<T: 'static>(self, path: &str, handler: impl Handler<T, Api>) -> Mount {
        self.on("delete", path, delete(handler))
    }
}

/// The router, and the list of what it has.
pub(super) fn all() -> (Router<Api>, Vec<Mounted>) {
    let mut mount = Mount { router: Router::new(), mounted: Vec::new() };
    mount = cluster_and_nodes(mount);
    mount = groups_and_types(mount);
    mount = all_of_resources(mount);
    mount = registry_and_history(mount);
    let Mount { router, mut mounted } = mount;
    mounted.push(("get", METRICS.to_owned()));
    (router.route(METRICS, get(metrics::show)), mounted)
}

/// Prometheus looks here when it is not told otherwise.
const METRICS: &str = "/metrics";

fn cluster_and_nodes(mount: Mount) -> Mount {
    mount
        .get("/cluster", cluster::show)
        .patch("/cluster", cluster::set)
        .get("/cluster/properties", cluster::show_properties)
        .get("/quorum", quorum::show)
        .put("/quorum", quorum::put)
        .patch("/quorum", quorum::patch)
        .get("/quorum/steps", steps::show)
        .get("/simulations/state", quorum::state)
        .get("/networks", cluster::networks)
        .get("/names", cluster::all_names)
        .get("/nodes", nodes::list)
        .get("/nodes/{node}", nodes::show)
        .patch("/nodes/{node}", nodes::set)
        .delete("/nodes/{node}", nodes::evict)
        .get("/nodes/{node}/properties", nodes::show_properties)
        .post("/nodes/{node}/pause", nodes::pause)
        .post("/nodes/{node}/resume", nodes::resume)
        .post("/nodes/{node}/stop", nodes::stop)
        .post("/nodes/{node}/clear-quarantine", nodes::clear_quarantine)
}

fn groups_and_types(mount: Mount) -> Mount {
    mount
        .get("/groups", groups::list)
        .post("/groups", groups::create)
        .get("/groups/{group}", groups::show)
        .patch("/groups/{group}", groups::alter)
        .delete("/groups/{group}", groups::delete)
        .get("/groups/{group}/properties", groups::show_properties)
        .get("/groups/{group}/placement", groups::placement)
        .post("/groups/{group}/online", groups::online)
        .post("/groups/{group}/offline", groups::offline)
        .post("/groups/{group}/move", groups::move_to)
        .post("/groups/{group}/cancel", groups::cancel)
        .put("/groups/{group}/owners", groups::owners)
        .get("/resource-types", types::list)
        .get("/resource-types/{type}", types::show)
        .post("/resource-types/{type}", types::register)
        .patch("/resource-types/{type}", types::set)
        .delete("/resource-types/{type}", types::unregister)
        .get("/resource-types/{type}/properties", types::show_properties)
}

fn all_of_resources(mount: Mount) -> Mount {
    mount
        .get("/resources", resources::list)
        .post("/resources", resources::create)
        .get("/resources/{resource}", resources::show)
        .patch("/resources/{resource}", resources::alter)
        .delete("/resources/{resource}", resources::delete)
        .post("/resources/{resource}/online", resources::online)
        .post("/resources/{resource}/offline", resources::offline)
        .post("/resources/{resource}/fail", resources::fail)
        .post("/resources/{resource}/group", resources::regroup)
        .get("/resources/{resource}/properties", resources::show_properties)
        .get("/resources/{resource}/parameters", parameters::show)
        .patch("/resources/{resource}/parameters", parameters::alter)
        .post("/resources/{resource}/control", parameters::control)
        .put("/resources/{resource}/dependencies", dependencies::set)
        .post("/resources/{resource}/dependencies/{provider}", dependencies::add)
        .delete("/resources/{resource}/dependencies/{provider}", dependencies::remove)
        .put("/resources/{resource}/owners/{node}", dependencies::add_owner)
        .delete("/resources/{resource}/owners/{node}", dependencies::remove_owner)
}

fn registry_and_history(mount: Mount) -> Mount {
    mount
        .get("/registry", registry::show)
        .post("/registry", registry::post)
        .put("/registry", registry::put)
        .get("/registry/{*path}", registry::show)
        .put("/registry/{*path}", registry::put)
        .delete("/registry/{*path}", registry::delete)
        .get("/events", history::events)
        .get("/stream", stream::listen)
        .get("/log", history::log)
        .get("/dll/findings", findings::list)
        .get("/openapi.json", openapi::show)
}
