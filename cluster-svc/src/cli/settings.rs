//! `cluster restype`, `network`, `names`, and the common properties of every kind of object.

use std::collections::BTreeMap;

use cluster_engine::state::property::Kind;
use reqwest::Method;
use serde_json::{Value, json};

use super::args::Restype;
use super::session::{Session, members};
use super::trouble::Trouble;
use super::{assign, output};
use crate::api::views::{NameView, NetworkView, PropertyView, TypeView};

pub(super) async fn restype(session: &Session, verb: Restype) -> Result<(), Trouble> {
    match verb {
        Restype::List => {
            let answer = session.get(&["resource-types"]).await?;
            let types: Vec<TypeView> = session.read(&answer)?;
            let rows = types.iter().map(|t| [t.name.clone(), t.display_name.clone()]);
            session.print(&answer, || Ok(output::table(&["Name", "DisplayName"], rows)))
        }
        Restype::Show(named) => session.show(&["resource-types", &named.name]).await,
        Restype::Register { name, dll, display, looks_alive, is_alive } => {
            let body = members([
                ("DllName", Some(Value::from(dll))),
                ("DisplayName", display.map(Value::from)),
                ("LooksAlivePollInterval", looks_alive.map(Value::from)),
                ("IsAlivePollInterval", is_alive.map(Value::from)),
            ]);
            session.send(Method::POST, &["resource-types", &name], Some(body)).await
        }
        Restype::Unregister(named) => session.send(Method::DELETE, &["resource-types", &named.name], None).await,
        Restype::Properties(given) => {
            properties(session, Kind::ResourceType, &["resource-types", &given.name], &given.values).await
        }
    }
}

pub(super) async fn networks(session: &Session) -> Result<(), Trouble> {
    let answer = session.get(&["networks"]).await?;
    let networks: Vec<NetworkView> = session.read(&answer)?;
    let rows = networks.iter().map(|n| [n.name.clone(), n.state.clone(), n.role.to_string()]);
    session.print(&answer, || Ok(output::table(&["Name", "State", "Role"], rows)))
}

pub(super) async fn names(session: &Session) -> Result<(), Trouble> {
    let answer = session.get(&["names"]).await?;
    let names: Vec<NameView> = session.read(&answer)?;
    let rows = names.iter().map(|n| [n.name.clone(), n.addresses.join(", "), n.owner_node.clone(), n.resource.clone()]);
    session.print(&answer, || Ok(output::table(&["Name", "Addresses", "OwnerNode", "Resource"], rows)))
}

pub(super) async fn cluster_properties(session: &Session, values: &[String]) -> Result<(), Trouble> {
    properties(session, Kind::Cluster, &["cluster"], values).await
}

/// Shows the common properties of an object, or sets those that are given.
pub(super) async fn properties(
    session: &Session,
    kind: Kind,
    object: &[&str],
    values: &[String],
) -> Result<(), Trouble> {
    if !values.is_empty() {
        let body = json!({ "Properties": assign::common(kind, values)? });
        return session.send(Method::PATCH, object, Some(body)).await;
    }
    let answer = session.get(&[object, &["properties"]].concat()).await?;
    let properties: BTreeMap<String, PropertyView> = session.read(&answer)?;
    session.print(&answer, || {
        let rows = properties.iter().map(|(name, p)| {
            let note = match (p.read_only, p.value == p.default) {
                (true, _) => "read-only",
                (false, true) => "default",
                (false, false) => "",
            };
            [name.clone(), output::shown(&p.value), p.kind.clone(), note.to_owned()]
        });
        Ok(output::table(&["Name", "Value", "Type", ""], rows))
    })
}

/// The columns of Get-ClusterOwnerNode.
pub(super) fn owners_table(object: &str, owners: &[String]) -> String {
    output::table(&["ClusterObject", "OwnerNodes"], [[object.to_owned(), format!("{{{}}}", owners.join(", "))]])
}
