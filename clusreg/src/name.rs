//! Names and paths: what may be a key name, when two names are the same, and how a path is taken apart.
//!
//! Names keep the case they were created with and are compared without regard to it. Two names are the same when
//! their **folded** forms are equal; the folded form is also what the tree is ordered by. Folding follows Windows,
//! which maps one UTF-16 unit to one: each character becomes its upper-case form if that form is a single character.
//! So `ß` stays `ß` (its upper case would be two letters), characters beyond U+FFFF stay as they are, and no foreign
//! letter ever becomes an ASCII one (`ı` stays `ı`). The upper-case table is the one of Rust's standard library;
//! ASCII and the alphabets in use are the same in every version of it.
//!
//! Control characters are refused in all names, which Windows does not do: they would make the text forms ambiguous.

use std::sync::Arc;

use crate::error::Error;
use crate::limits;

/// Separates the names of a path.
pub(crate) const SEPARATOR: char = '\\';

/// The form of a name (or of a whole path) in which names are compared and ordered.
pub fn fold(name: &str) -> String {
    if name.is_ascii() { name.to_ascii_uppercase() } else { name.chars().map(fold_char).collect() }
}

/// The folded form as the tree keeps it: the very same allocation when the name is folded already.
pub(crate) fn fold_shared(name: &Arc<str>) -> Arc<str> {
    let folded = fold(name);
    if *folded == **name { Arc::clone(name) } else { folded.into() }
}

fn fold_char(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_uppercase();
    }
    let mut upper = c.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(one), None) if !one.is_ascii() && c <= '\u{FFFF}' && one <= '\u{FFFF}' => one,
        _ => c,
    }
}

/// Length of a name as Windows counts it: UTF-16 code units.
pub(crate) fn chars(name: &str) -> usize {
    if name.is_ascii() { name.len() } else { name.encode_utf16().count() }
}

/// Takes a path apart and checks every name in it. The empty path is the root.
pub(crate) fn split(path: &str) -> Result<Vec<&str>, Error> {
    if path.is_empty() {
        return Ok(Vec::new());
    }
    if path.starts_with(SEPARATOR) {
        return Err(Error::LeadingBackslash { path: shorten(path) });
    }
    let length = chars(path);
    if length > limits::PATH_CHARS {
        return Err(Error::PathTooLong { path: shorten(path), chars: length });
    }
    let names: Vec<&str> = path.split(SEPARATOR).collect();
    if names.len() > limits::KEY_DEPTH {
        return Err(Error::TooDeep { path: shorten(path), depth: names.len() });
    }
    for name in &names {
        check_key_name(path, name)?;
    }
    Ok(names)
}

/// The path of `below` seen from the root, when `below` is relative to `base`. Checks both.
pub(crate) fn join(base: &str, below: &str) -> Result<String, Error> {
    split(below)?;
    let mut path = base.to_owned();
    if !below.is_empty() {
        push(&mut path, below);
    }
    split(&path)?;
    Ok(path)
}

/// Appends one name to a path.
pub(crate) fn push(path: &mut String, name: &str) {
    if !path.is_empty() {
        path.push(SEPARATOR);
    }
    path.push_str(name);
}

fn check_key_name(path: &str, name: &str) -> Result<(), Error> {
    let length = chars(name);
    if length > limits::KEY_NAME_CHARS {
        return Err(Error::KeyNameTooLong { name: shorten(name), chars: length });
    }
    if name.is_empty() || name.contains(char::is_control) {
        return Err(Error::BadKeyName { path: shorten(path), name: shorten(name) });
    }
    Ok(())
}

/// Checks the name of a value. The empty name is the default value of a key (reference 06.3).
pub(crate) fn check_value_name(name: &str) -> Result<(), Error> {
    let length = chars(name);
    if length > limits::VALUE_NAME_CHARS {
        return Err(Error::ValueNameTooLong { name: shorten(name), chars: length });
    }
    if name.contains(char::is_control) {
        return Err(Error::BadValueName { name: shorten(name) });
    }
    Ok(())
}

/// A text of the caller, short enough to be quoted in a message.
pub(crate) fn shorten(text: &str) -> String {
    const QUOTED_CHARS: usize = 80;
    match text.char_indices().nth(QUOTED_CHARS) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}...", &text[..end]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn folds_like_windows() {
        for (name, folded) in [
            ("Groups", "GROUPS"),
            ("Straße", "STRAßE"),
            ("été", "ÉTÉ"),
            ("ναι", "ΝΑΙ"),
            ("ıſ", "ıſ"),
            ("ŉ", "ŉ"),
            ("𐐨", "𐐨"),
            ("", ""),
        ] {
            assert_eq!(fold(name), folded);
        }
    }

    proptest! {
        #[test]
        fn folding_twice_changes_nothing_and_keeps_the_length(name in any::<String>()) {
            let once = fold(&name);
            prop_assert_eq!(fold(&once), once.clone());
            prop_assert_eq!(chars(&once), chars(&name));
        }

        #[test]
        fn any_path_is_taken_apart_or_refused(path in any::<String>()) {
            if let Ok(names) = split(&path) {
                prop_assert_eq!(names.join("\\"), path);
            }
        }
    }

    fn code(path: &str) -> Option<u32> {
        split(path).err().map(|error| error.win32())
    }

    #[test]
    fn refuses_what_is_no_path() {
        for (path, expected) in [
            ("", None),
            ("Groups", None),
            ("Groups\\a b\\é", None),
            ("\\Groups", Some(161)),
            ("\\", Some(161)),
            ("Groups\\", Some(123)),
            ("Groups\\\\x", Some(123)),
            ("a\0b", Some(123)),
            ("a\nb", Some(123)),
        ] {
            assert_eq!(code(path), expected, "{path:?}");
        }
    }

    #[test]
    fn limits_of_names_count_utf16_units() {
        let fits = "é".repeat(limits::KEY_NAME_CHARS);
        assert_eq!(code(&fits), None);
        assert_eq!(code(&format!("{fits}x")), Some(87));
        assert_eq!(code(&"𐐨".repeat(limits::KEY_NAME_CHARS / 2 + 1)), Some(87));
        assert_eq!(code(&["a"; limits::KEY_DEPTH].join("\\")), None);
        assert_eq!(code(&["a"; limits::KEY_DEPTH + 1].join("\\")), Some(87));
        let wide = ["abcdefghijklmnopqrstuvwxyz"; 40].join("\\");
        assert_eq!(split(&wide), Err(Error::PathTooLong { path: shorten(&wide), chars: wide.len() }));
        assert_eq!(check_value_name(&"v".repeat(limits::VALUE_NAME_CHARS)), Ok(()));
        assert_eq!(check_value_name(&"v".repeat(limits::VALUE_NAME_CHARS + 1)).map_err(|e| e.win32()), Err(87));
    }
}
