//! `cluster dll findings` and `cluster dll guard`: what resource libraries were found to do wrong, and how strict to be.

use reqwest::Method;
use resmon::protocol::GuardMode;
use serde_json::json;

use super::args::Guarded;
use super::output;
use super::session::Session;
use super::trouble::Trouble;
use crate::api::findings::FindingView;
use crate::api::views::KeyView;

/// The value of a type's key that holds its mode, as the monitor reads it.
const CALL_GUARD_VALUE: &str = "CallGuard";

pub(super) async fn findings(session: &Session) -> Result<(), Trouble> {
    let answer = session.get(&["dll", "findings"]).await?;
    session.print(&answer, || {
        let findings: Vec<FindingView> = session.read(&answer)?;
        if findings.is_empty() {
            return Ok("No findings.\n".into());
        }
        Ok(table(&findings))
    })
}

fn table(findings: &[FindingView]) -> String {
    let columns = ["Count", "Kind", "Node", "Resource", "EntryPoint", "Call", "DllName", "What to do"];
    let rows = findings.iter().map(|found| {
        let place = found.entry_point.clone().unwrap_or_else(|| format!("({})", found.thread));
        let resource = found.resource.clone().unwrap_or_else(|| found.resource_type.clone());
        let (kind, node, dll) = (found.kind.clone(), found.node.clone(), found.dll_name.clone());
        [found.count.to_string(), kind, node, resource, place, found.call.clone(), dll, found.text.clone()]
    });
    output::table(&columns, rows)
}

pub(super) async fn guard(session: &Session, given: &Guarded) -> Result<(), Trouble> {
    let shown = session.get(&["resource-types", &given.resource_type]).await?;
    let name = shown.get("Name").and_then(serde_json::Value::as_str).unwrap_or(&given.resource_type).to_owned();
    let path = ["registry", "ResourceTypes", &name];
    let Some(mode) = given.mode else {
        let key = session.get(&path).await?;
        let key: KeyView = session.read(&key)?;
        let value = key.values.iter().find(|value| value.name.eq_ignore_ascii_case(CALL_GUARD_VALUE));
        let mode = value.and_then(|value| GuardMode::of_word(value.value.as_str()?)).unwrap_or(GuardMode::Warn);
        return session.print(&json!({ "ResourceType": name, "CallGuard": mode.word() }), || {
            Ok(format!("CallGuard of '{name}' is {}.\n", mode.word()))
        });
    };
    let value = json!({ "Name": CALL_GUARD_VALUE, "Type": "REG_SZ", "Value": mode.mode().word() });
    let body = json!({ "Values": [value] });
    session.send(Method::PUT, &path, Some(body)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_per_finding() {
        let finding = |entry_point: Option<&str>| FindingView {
            node: "n1".into(),
            kind: "ForbiddenCall".into(),
            dll_name: "a.so".into(),
            resource_type: "A".into(),
            resource: entry_point.map(|_| "one".into()),
            entry_point: entry_point.map(str::to_owned),
            thread: "worker".into(),
            call: "MoveClusterGroup".into(),
            text: "do-not-use: leave it".into(),
            call_guard: "warn".into(),
            count: 2,
            first: String::new(),
            last: String::new(),
        };
        let text = table(&[finding(Some("Online")), finding(None)]);
        let lines: Vec<&str> = text.lines().skip(2).collect();
        assert!(
            lines[0].contains("one") && lines[0].contains("Online") && lines[0].contains("MoveClusterGroup"),
            "{text}"
        );
        assert!(lines[1].contains("(worker)") && lines[1].contains("a.so"), "{text}");
    }
}
