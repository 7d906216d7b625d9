//! `cluster resource`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use clusreg::{Value as RegistryValue, ValueType};
use cluster_engine::state::property::Kind;
use reqwest::Method;
use serde_json::{Value, json};

use super::args::Resource;
use super::client::Ask;
use super::session::{Hope, Session, members};
use super::trouble::Trouble;
use super::{assign, output, settings};
use crate::api::views::{Accepted, ResourceView};

/// How long `restart` waits for the resource to be offline when nothing is said, in seconds.
const RESTART_WAIT_S: u32 = 60;

pub(super) async fn run(session: &Session, verb: Resource) -> Result<(), Trouble> {
    match verb {
        Resource::List { group } => list(session, group.as_deref()).await,
        Resource::Show(resource) => session.show(&["resources", &resource.name]).await,
        Resource::Create { name, group, resource_type, parameters, properties, separate_monitor } => {
            let parameters = (!parameters.is_empty()).then(|| assign::private(&parameters)).transpose()?;
            let properties =
                (!properties.is_empty()).then(|| assign::common(Kind::Resource, &properties)).transpose()?;
            let body = members([
                ("Name", Some(Value::from(name))),
                ("Group", Some(Value::from(group))),
                ("ResourceType", Some(Value::from(resource_type))),
                ("SeparateMonitor", separate_monitor.then_some(Value::from(true))),
                ("Properties", properties),
                ("Parameters", parameters),
            ]);
            session.send(Method::POST, &["resources"], Some(body)).await
        }
        Resource::Delete(resource) => session.send(Method::DELETE, &["resources", &resource.name], None).await,
        Resource::Rename { name, new_name } => {
            session.send(Method::PATCH, &["resources", &name], Some(json!({ "Name": new_name }))).await
        }
        Resource::Online(resource) => session.send_online(&["resources", &resource.name, "online"], None).await,
        Resource::Offline { name, force } => {
            session.send(Method::POST, &["resources", &name, "offline"], Some(json!({ "Force": force }))).await
        }
        Resource::Fail(resource) => session.send(Method::POST, &["resources", &resource.name, "fail"], None).await,
        Resource::Restart(resource) => restart(session, &resource.name).await,
        Resource::Depend { name, expression: None } => dependencies(session, &name).await,
        Resource::Depend { name, expression: Some(expression) } => {
            let body = json!({ "Expression": expression });
            session.send(Method::PUT, &["resources", &name, "dependencies"], Some(body)).await
        }
        Resource::AddDependency { name, provider } => {
            session.send(Method::POST, &["resources", &name, "dependencies", &provider], None).await
        }
        Resource::RemoveDependency { name, provider } => {
            session.send(Method::DELETE, &["resources", &name, "dependencies", &provider], None).await
        }
        Resource::Owners(resource) => owners(session, &resource.name).await,
        Resource::AddOwner { name, node } => {
            session.send(Method::PUT, &["resources", &name, "owners", &node], None).await
        }
        Resource::RemoveOwner { name, node } => {
            session.send(Method::DELETE, &["resources", &name, "owners", &node], None).await
        }
        Resource::MoveGroup { name, group } => {
            session.send(Method::POST, &["resources", &name, "group"], Some(json!({ "Group": group }))).await
        }
        Resource::Params(given) if given.values.is_empty() => parameters(session, &given.name).await,
        Resource::Params(given) => {
            let body = assign::private(&given.values)?;
            session.send(Method::PATCH, &["resources", &given.name, "parameters"], Some(body)).await
        }
        Resource::Set(given) | Resource::Properties(given) => {
            settings::properties(session, Kind::Resource, &["resources", &given.name], &given.values).await
        }
        Resource::Control { name, code, input } => control(session, &name, &code, input.as_deref()).await,
    }
}

async fn list(session: &Session, group: Option<&str>) -> Result<(), Trouble> {
    let answer = session.get(&["resources"]).await?;
    let mut resources: Vec<ResourceView> = session.read(&answer)?;
    resources.retain(|r| group.is_none_or(|g| r.owner_group.eq_ignore_ascii_case(g)));
    let answer = if group.is_some() { serde_json::to_value(&resources).unwrap_or_default() } else { answer };
    session.print(&answer, || Ok(table(&resources)))
}

/// Offline, and when it has come to rest there, online.
async fn restart(session: &Session, name: &str) -> Result<(), Trouble> {
    let wait = Some(session.wait.unwrap_or(RESTART_WAIT_S));
    let ask = Ask::new(Method::POST, ["resources", name, "offline"]).waiting(wait);
    let answer = session.client.ask(ask).await?;
    let accepted: Accepted = session.read(&answer)?;
    let state = accepted.resource.map(|r| r.state).unwrap_or_default();
    if accepted.timed_out {
        let message = format!("'{name}' did not go offline in time (state {state}); it was not started again");
        return Err(Trouble::Unreached { code: 1460, message });
    }
    session.change(Ask::new(Method::POST, ["resources", name, "online"]), Hope::Online).await
}

/// The columns of Get-ClusterResourceDependency.
async fn dependencies(session: &Session, name: &str) -> Result<(), Trouble> {
    let answer = session.get(&["resources", name]).await?;
    let resource: ResourceView = session.read(&answer)?;
    let shown = json!({ "Resource": resource.name, "DependencyExpression": resource.dependency_expression });
    session.print(&shown, || {
        let row = [resource.name.clone(), resource.dependency_expression.clone()];
        Ok(output::table(&["Resource", "DependencyExpression"], [row]))
    })
}

async fn owners(session: &Session, name: &str) -> Result<(), Trouble> {
    let answer = session.get(&["resources", name]).await?;
    let resource: ResourceView = session.read(&answer)?;
    let shown = json!({ "ClusterObject": resource.name, "OwnerNodes": resource.possible_owners });
    session.print(&shown, || Ok(settings::owners_table(&resource.name, &resource.possible_owners)))
}

/// The columns of Get-ClusterParameter.
async fn parameters(session: &Session, name: &str) -> Result<(), Trouble> {
    let answer = session.get(&["resources", name, "parameters"]).await?;
    session.print(&answer, || {
        let members = answer.as_object().cloned().unwrap_or_default();
        let rows = members.iter().map(|(parameter, v)| [name.to_owned(), parameter.clone(), output::shown(v)]);
        Ok(output::table(&["Object", "Name", "Value"], rows))
    })
}

async fn control(session: &Session, name: &str, code: &str, input: Option<&str>) -> Result<(), Trouble> {
    let number = match code.strip_prefix("0x").or_else(|| code.strip_prefix("0X")) {
        Some(hex) => u32::from_str_radix(hex, 16),
        None => code.parse(),
    };
    let number = number.map_err(|e| Trouble::Argument(format!("'{code}' is no control code: {e}.")))?;
    let input = RegistryValue::parse(ValueType::BINARY, input.unwrap_or_default())
        .map_err(|e| Trouble::Argument(format!("--input: {e}.")))?;
    let body = json!({ "Code": number, "Input": BASE64.encode(input.as_bytes()) });
    let ask = Ask::new(Method::POST, ["resources", name, "control"]).json(body);
    let answer = session.client.ask(ask).await?;
    session.print(&answer, || {
        let output = answer["Output"].as_str().and_then(|text| BASE64.decode(text).ok()).unwrap_or_default();
        Ok(format!("{} {}\n{}", answer["Code"], output::shown(&answer["Name"]), hex_lines(&output)))
    })
}

/// Bytes as people compare them: 16 a line.
fn hex_lines(bytes: &[u8]) -> String {
    let line = |(at, chunk): (usize, &[u8])| {
        let hex: Vec<String> = chunk.iter().map(|b| format!("{b:02x}")).collect();
        let text: String = chunk.iter().map(|b| if b.is_ascii_graphic() { char::from(*b) } else { '.' }).collect();
        format!("{:04x}  {:<47}  {text}\n", at * 16, hex.join(" "))
    };
    bytes.chunks(16).enumerate().map(line).collect()
}

/// The columns of Get-ClusterResource.
pub(super) fn table(resources: &[ResourceView]) -> String {
    let row = |r: &ResourceView| [r.name.clone(), r.state.clone(), r.owner_group.clone(), r.resource_type.clone()];
    output::table(&["Name", "State", "OwnerGroup", "ResourceType"], resources.iter().map(row))
}
