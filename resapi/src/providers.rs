//! What a resource depends on, as its own key says, and how it is recognised in the tables of the cluster.
//!
//! The key of a resource holds `DependencyExpression`, such as `([id] or [id]) and [id]` (reference 03.1, 03.4). A resource
//! library sees nothing of other resources but what they publish themselves, so a Network Name finds its addresses, and an
//! application its network name, by comparing these ids with those in the claims.

use crate::{Context, Value};

/// The value of the resource's own key that says what it depends on.
const DEPENDENCIES: &str = "DependencyExpression";

/// The references to what a resource depends on, in order: ids or names. None when its key cannot be read.
#[must_use]
pub fn of(context: &Context) -> Vec<String> {
    let stored = context.resource_key().and_then(|key| key.value(DEPENDENCIES).ok().flatten());
    match stored {
        Some(Value::Sz(expression) | Value::ExpandSz(expression)) => parse(&expression),
        Some(_) | None => Vec::new(),
    }
}

/// The references in a dependency expression: what stands in brackets, in order.
fn parse(expression: &str) -> Vec<String> {
    expression
        .split('[')
        .skip(1)
        .filter_map(|part| part.split_once(']'))
        .map(|(reference, _)| reference.trim().to_owned())
        .filter(|reference| !reference.is_empty())
        .collect()
}

/// Whether one of the references means the resource with this id or name.
#[must_use]
pub fn contains(references: &[String], id: &str, name: &str) -> bool {
    references.iter().any(|reference| is_same_id(reference, id) || reference.eq_ignore_ascii_case(name))
}

/// Ids are written with or without braces and hyphens.
fn is_same_id(one: &str, other: &str) -> bool {
    let digits = |id: &str| {
        id.chars().filter(char::is_ascii_hexdigit).map(|digit| digit.to_ascii_lowercase()).collect::<String>()
    };
    let is_id =
        |id: &str| !id.is_empty() && id.chars().all(|sign| sign.is_ascii_hexdigit() || matches!(sign, '-' | '{' | '}'));
    is_id(one) && is_id(other) && digits(one) == digits(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_of_an_expression() {
        let check = |expression: &str, expected: &[&str]| assert_eq!(parse(expression), expected, "{expression}");
        check("", &[]);
        check("[a]", &["a"]);
        check("([6b1a] or [99c2]) and [Disk 3]", &["6b1a", "99c2", "Disk 3"]);
        check("[] and [ x ", &[]);
        check("no brackets", &[]);
    }

    #[test]
    fn ids_and_names_are_recognised() {
        let references = ["{6B1A0000-0000-0000-0000-00000000000F}".to_owned(), "Disk 3".to_owned()];
        let check =
            |id: &str, name: &str, expected: bool| assert_eq!(contains(&references, id, name), expected, "{id} {name}");
        check("6b1a000000000000000000000000000f", "x", true);
        check("6b1a0000-0000-0000-0000-00000000000f", "x", true);
        check("6b1a0000-0000-0000-0000-00000000000e", "x", false);
        check("", "disk 3", true);
        check("", "Disk 4", false);
        check("", "", false);
    }
}
