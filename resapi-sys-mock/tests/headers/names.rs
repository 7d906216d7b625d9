//! The names that a header declares: constants, enumerators, structures and their fields. A reader of our own headers, which
//! are written in one way; no reader of C.

/// `NAME`, `sizeof(NAME)` and `offsetof(NAME, field)` of all that is declared in the text of a header.
pub(super) fn of(text: &str) -> Vec<String> {
    let text = without_comments(text);
    let mut names = Vec::new();
    for line in text.lines() {
        names.extend(line.strip_prefix("#define ").and_then(constant));
    }
    for body in bodies(&text, "enum") {
        let enumerators = body.1.split(',').filter_map(|part| part.split('=').next());
        names.extend(enumerators.map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned));
    }
    for kind in ["struct", "union"] {
        for (name, body) in bodies(&text, kind) {
            names.push(format!("sizeof({name})"));
            let fields = body.split(';').filter_map(field);
            names.extend(fields.map(|field| format!("offsetof({name}, {field})")));
        }
    }
    names
}

fn without_comments(text: &str) -> String {
    let mut rest = text;
    let mut out = String::new();
    while let Some((before, after)) = rest.split_once("/*") {
        out.push_str(before);
        rest = after.split_once("*/").map_or("", |(_, after)| after);
    }
    out + rest
}

/// The name of `NAME value`; nothing for a macro with arguments, and for a guard, which has no value.
fn constant(definition: &str) -> Option<String> {
    let (name, value) = definition.split_once(' ')?;
    (!name.contains('(') && !value.trim().is_empty()).then(|| name.to_owned())
}

/// Name and body of each `typedef KIND NAME { body }`.
fn bodies<'a>(text: &'a str, kind: &str) -> Vec<(&'a str, &'a str)> {
    let start = format!("typedef {kind} ");
    let found = text.match_indices(&start).filter_map(|(at, start)| {
        let (name, rest) = text[at + start.len()..].split_once(' ')?;
        let body = rest.strip_prefix('{')?;
        let mut depth = 1;
        let end = body.char_indices().find(|(_, sign)| {
            depth += match sign {
                '{' => 1,
                '}' => -1,
                _ => 0,
            };
            depth == 0
        });
        Some((name.trim_start_matches('_'), &body[..end?.0]))
    });
    found.collect()
}

/// The name that a declaration ends with, of a function pointer the one in its first parentheses. What only fills a gap, and
/// the end of an anonymous part, have none.
fn field(declaration: &str) -> Option<&str> {
    let name = match declaration.split_once('*').filter(|(before, _)| before.contains('(')) {
        Some((_, pointer)) => pointer.split(')').next()?,
        None => declaration.split('[').next()?.rsplit([' ', '*', '\n', '}']).next()?,
    };
    (!name.is_empty() && !name.starts_with("__padding__")).then_some(name)
}

#[test]
fn names_are_found() {
    let text = "#ifndef G_H\n#define G_H\n#define A 1u /* one */\n#define M(x) x\ntypedef enum E {\n    B = -1, /* x */\n    C\n} E;\n\
        typedef struct _S {\n    DWORD a;\n    BYTE b[2];\n    LONG(WINAPI *c)(HKEY key, DWORD *d);\n    union {\n        int e;\n\
        void *f;\n    };\n    struct { WORD g; } Part;\n} S, *PS;\ntypedef struct T T;\n";
    let expected = [
        "A",
        "B",
        "C",
        "sizeof(S)",
        "offsetof(S, a)",
        "offsetof(S, b)",
        "offsetof(S, c)",
        "offsetof(S, e)",
        "offsetof(S, f)",
        "offsetof(S, g)",
        "offsetof(S, Part)",
    ];
    assert_eq!(of(text), expected);
}
