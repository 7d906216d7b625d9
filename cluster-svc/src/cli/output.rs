//! Tables and lists on the terminal.

use comfy_table::{Table, presets};
use serde_json::Value;

/// A table in the manner of the cmdlets: names of columns, dashes below them, no lines.
pub(super) fn table<R, C>(columns: &[&str], rows: R) -> String
where
    R: IntoIterator<Item = C>,
    C: IntoIterator<Item = String>,
{
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header(columns);
    table.add_row(columns.iter().map(|c| "-".repeat(c.chars().count())));
    for row in rows {
        table.add_row(row);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 1));
    }
    table.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

/// An object as a list of its members, in their order of names.
pub(super) fn list(object: &Value) -> String {
    let Some(members) = object.as_object() else { return shown(object) };
    let width = members.keys().map(|k| k.chars().count()).max().unwrap_or(0);
    let line = |(name, value): (&String, &Value)| match value {
        Value::Array(items) if items.len() > 1 && items.iter().any(is_sentence) => {
            let lines: Vec<String> = items.iter().map(shown).collect();
            format!("{name:<width$} : {}\n", lines.join(&format!("\n{:width$}   ", "")))
        }
        value => format!("{name:<width$} : {}\n", shown(value)).trim_end().to_owned() + "\n",
    };
    members.iter().map(line).collect()
}

/// A value on one line.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(shown).collect::<Vec<_>>().join(", "),
        Value::Object(members) => {
            members.iter().map(|(k, v)| format!("{k}={}", shown(v))).collect::<Vec<_>>().join(" ")
        }
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

fn is_sentence(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.contains(' '))
}
