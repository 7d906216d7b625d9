//! The command line of an application: `%NAME%` replaced from the environment, then split into words with quotes
//! respected, as a POSIX shell splits them but without any other meaning of the shell.

use resapi::Failure;
use resapi::codes::win32;

/// The words of `text` after [`expand`]; the first is the program.
///
/// # Errors
/// 160 when it is empty or a quote is not closed.
pub(crate) fn split(text: &str, read: impl Fn(&str) -> Option<String>) -> Result<Vec<String>, Failure> {
    let expanded = expand(text, read);
    let words = shlex::split(&expanded).ok_or_else(|| {
        Failure::new(
            win32::ERROR_BAD_ARGUMENTS,
            format!("the command line `{expanded}` has a quote or backslash that is not closed; close it"),
        )
    })?;
    if words.first().is_none_or(|program| program.is_empty()) {
        return Err(Failure::new(
            win32::ERROR_BAD_ARGUMENTS,
            "the command line names no program; set the private property CommandLine",
        ));
    }
    Ok(words)
}

/// Replaces each `%NAME%` that `read` knows; everything else stays as it is, also a lone `%` (reference 09.2: Online
/// expands the environment).
pub(crate) fn expand(text: &str, read: impl Fn(&str) -> Option<String>) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('%') {
        let after = &rest[start + 1..];
        let value = after.find('%').and_then(|end| read(&after[..end]).map(|value| (end, value)));
        result.push_str(&rest[..start]);
        match value {
            Some((end, value)) => {
                result.push_str(&value);
                rest = &after[end + 1..];
            }
            None => {
                result.push('%');
                rest = after;
            }
        }
    }
    result.push_str(rest);
    result
}

/// Splits `NAME=value` lines of a multi-string property.
///
/// # Errors
/// 87 with the line that has no name or holds a NUL.
pub(crate) fn environment(lines: &[String]) -> Result<Vec<(String, String)>, Failure> {
    lines.iter().map(|line| line.trim_end_matches('\0')).filter(|line| !line.is_empty()).map(assignment).collect()
}

fn assignment(line: &str) -> Result<(String, String), Failure> {
    match line.split_once('=') {
        Some((name, value)) if !name.is_empty() && !line.contains('\0') => Ok((name.to_owned(), value.to_owned())),
        Some(_) | None => Err(Failure::new(
            win32::ERROR_INVALID_PARAMETER,
            format!("`{line}` in the property Environment is not of the form NAME=value"),
        )),
    }
}

/// Whether the program is one for Windows, which needs Wine: by its first bytes, or, when it is a path in the words of
/// Windows, by its name.
pub(crate) fn is_windows_program(program: &str) -> bool {
    use std::io::Read;
    let is_windows_path = program.get(1..3) == Some(":\\");
    let mut first = [0; 2];
    let begins = std::fs::File::open(program).and_then(|mut file| file.read_exact(&mut first));
    is_windows_path || (begins.is_ok() && &first == b"MZ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str) -> Option<String> {
        match name {
            "HOME" => Some("/home/me".into()),
            "TWO" => Some("a b".into()),
            _ => None,
        }
    }

    #[test]
    fn words_and_quotes() {
        let check = |text: &str, expected: &[&str]| assert_eq!(split(text, read).expect(text), expected, "{text}");
        check("sleep 5", &["sleep", "5"]);
        check("  sh -c 'echo \"x y\"; exit 3' ", &["sh", "-c", "echo \"x y\"; exit 3"]);
        check("\"/opt/my app/run\" --dir=%HOME%/data", &["/opt/my app/run", "--dir=/home/me/data"]);
        check("run \"%TWO%\" %TWO%", &["run", "a b", "a", "b"]);
        check("date +%Y%m%d", &["date", "+%Y%m%d"]);
        check("a '' b", &["a", "", "b"]);
    }

    #[test]
    fn nonsense_is_refused_with_a_remedy() {
        for text in ["", "   ", "sh -c 'open", "\"", "'' x"] {
            let failure = split(text, read).expect_err(text);
            assert_eq!(failure.code, win32::ERROR_BAD_ARGUMENTS, "{text}");
            assert!(
                failure.message.contains("close it") || failure.message.contains("set the private"),
                "{}",
                failure.message
            );
        }
    }

    #[test]
    fn environment_lines() {
        let lines = |lines: &[&str]| environment(&lines.iter().map(|line| line.to_string()).collect::<Vec<_>>());
        assert_eq!(
            lines(&["A=1", "", "B=x=y", "C="]).expect("good"),
            [("A", "1"), ("B", "x=y"), ("C", "")].map(|(a, b)| (a.to_string(), b.to_string()))
        );
        for bad in ["A", "=x", "A=x\0y"] {
            assert_eq!(lines(&[bad]).expect_err(bad).code, win32::ERROR_INVALID_PARAMETER);
        }
    }
}
