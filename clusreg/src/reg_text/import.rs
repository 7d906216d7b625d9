//! Reading `.reg` text, also text that people wrote by hand.

use super::{HEADER, ROOTS, RegTextError};
use crate::batch::{Batch, Command};
use crate::limits;
use crate::name;
use crate::value::{Value, ValueType};

/// Turns `.reg` text into a batch that is relative to the root.
///
/// `[key]` creates or opens a key and its values follow; `[-key]` deletes a key with all below it; `"name"=-` deletes a
/// value. Keys must be below `HKEY_LOCAL_MACHINE\Cluster`. Names and sizes are checked here already, so that the
/// message can name the line. Never panics, whatever the text.
pub fn import(text: &str) -> Result<Batch, RegTextError> {
    if text.len() > limits::REG_TEXT_BYTES {
        let problem = format!("the text has {} bytes; split it, {} are the limit", text.len(), limits::REG_TEXT_BYTES);
        return Err(RegTextError { line: 1, problem });
    }
    let mut reader = Reader { rest: text.strip_prefix('\u{FEFF}').unwrap_or(text), line: 1 };
    reader.header()?;
    let mut batch = Batch::at("");
    let mut key_is_open = false;
    loop {
        reader.skip(char::is_whitespace);
        let command = match reader.peek() {
            None => return Ok(batch),
            Some(';') => {
                reader.line_end()?;
                continue;
            }
            Some('[') => {
                let command = reader.key()?;
                key_is_open = matches!(command, Command::CreateKey { .. });
                command
            }
            Some('"' | '@') if key_is_open => reader.value()?,
            Some('"' | '@') => {
                return Err(reader.error(
                    "this value belongs to no key; put a line such as [HKEY_LOCAL_MACHINE\\Cluster\\Groups] above it",
                ));
            }
            Some(_) => {
                return Err(reader.error("expected [a key], \"a value\"=..., @=... or a comment that starts with ;"));
            }
        };
        batch.commands.push(command);
        if batch.commands.len() > limits::BATCH_COMMANDS {
            let problem = format!("more than {} keys and values; split the file", limits::BATCH_COMMANDS);
            return Err(reader.error(&problem));
        }
    }
}

/// The text that is left to read, and the line it starts in.
struct Reader<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Reader<'a> {
    fn header(&mut self) -> Result<(), RegTextError> {
        self.skip(char::is_whitespace);
        let first = self.rest.lines().next().unwrap_or_default().trim_end();
        if first == HEADER {
            self.skip_bytes(first.len());
            return Ok(());
        }
        Err(self.error(&match first {
            "REGEDIT4" => format!("REGEDIT4 is the format of Windows 98; export again in the format of \"{HEADER}\""),
            _ => format!("the first line must be: {HEADER}"),
        }))
    }

    /// `[path]` or `[-path]`. A name may contain brackets: the last one in the line closes.
    fn key(&mut self) -> Result<Command, RegTextError> {
        let line = self.rest.lines().next().unwrap_or_default();
        let Some(end) = line.rfind(']') else {
            return Err(self.error("the key is not closed; end the line with ]"));
        };
        let inside = &line[1..end];
        let (inside, deletes) = inside.strip_prefix('-').map_or((inside, false), |path| (path, true));
        let Some(path) = below_root(inside) else {
            return Err(self.error(&format!(
                "only keys in {0} can be imported; write {0} or {0}\\Groups, without a backslash at the end",
                ROOTS[0]
            )));
        };
        if let Err(error) = name::split(path) {
            return Err(self.error(&error.to_string()));
        }
        if deletes && path.is_empty() {
            return Err(
                self.error("the root of the cluster registry cannot be deleted; delete the keys in it one by one")
            );
        }
        let path = path.to_owned();
        self.skip_bytes(end + 1);
        self.line_end()?;
        Ok(if deletes { Command::DeleteTree { path } } else { Command::CreateKey { path } })
    }

    /// `"name"=data` or `@=data`.
    fn value(&mut self) -> Result<Command, RegTextError> {
        let line = self.line;
        let name = if self.take("@") { String::new() } else { self.quoted()? };
        if let Err(error) = name::check_value_name(&name) {
            return Err(RegTextError { line, problem: error.to_string() });
        }
        self.skip(is_blank);
        if !self.take("=") {
            return Err(self.error("expected = after the name of the value"));
        }
        self.skip(is_blank);
        if self.take("-") {
            self.line_end()?;
            return Ok(Command::DeleteValue { name });
        }
        let value = self.content()?;
        if value.data.len() > limits::VALUE_BYTES {
            return Err(RegTextError { line, problem: too_large() });
        }
        self.line_end()?;
        Ok(Command::SetValue { name, value })
    }

    fn content(&mut self) -> Result<Value, RegTextError> {
        if self.peek() == Some('"') {
            let line = self.line;
            let text = self.quoted()?;
            if text.contains('\0') {
                return Err(RegTextError {
                    line,
                    problem: "there is a NUL in the text; write it as hex(1):".to_owned(),
                });
            }
            return Ok(Value::sz(&text));
        }
        if self.take("dword:") {
            self.skip(is_blank);
            let digits = self.hex_digits();
            let number = if digits.len() > 8 { None } else { u32::from_str_radix(digits, 16).ok() };
            return number
                .map(Value::dword)
                .ok_or_else(|| self.error("write one to eight hexadecimal digits after dword:"));
        }
        if self.take("hex:") {
            return Ok(Value { kind: ValueType::BINARY, data: self.bytes()? });
        }
        if self.take("hex(") {
            let digits = self.hex_digits();
            let kind = u32::from_str_radix(digits, 16).ok().filter(|_| self.take("):"));
            let kind = kind.map(ValueType).ok_or_else(|| self.error("write the type in hexadecimal, as in hex(7):"))?;
            return Ok(Value { kind, data: self.bytes()? });
        }
        Err(self.error("expected \"text\", dword:, hex:, hex(n): or - after the ="))
    }

    /// Text in quotes. A text may run over several lines, as the registry editor writes line ends inside a string.
    fn quoted(&mut self) -> Result<String, RegTextError> {
        let start = self.line;
        let unclosed =
            || RegTextError { line: start, problem: "the quotes are not closed; end the text with \"".to_owned() };
        self.bump();
        let mut text = String::new();
        loop {
            match self.bump().ok_or_else(unclosed)? {
                '"' => return Ok(text),
                '\\' => match self.bump().ok_or_else(unclosed)? {
                    escaped @ ('\\' | '"') => text.push(escaped),
                    _ => {
                        return Err(self.error("a backslash in quotes is written \\\\, and a quote \\\""));
                    }
                },
                c => text.push(c),
            }
        }
    }

    /// Bytes separated by commas, perhaps over several lines that end in a backslash.
    fn bytes(&mut self) -> Result<Vec<u8>, RegTextError> {
        let mut bytes = Vec::new();
        loop {
            self.skip_continued()?;
            let digits = self.hex_digits();
            if digits.is_empty() && bytes.is_empty() {
                return Ok(bytes);
            }
            if digits.is_empty() || digits.len() > 2 {
                return Err(self.error("write each byte as two hexadecimal digits, with commas between, as in 0a,ff"));
            }
            bytes.extend(u8::from_str_radix(digits, 16));
            if bytes.len() > limits::VALUE_BYTES {
                return Err(self.error(&too_large()));
            }
            self.skip_continued()?;
            if !self.take(",") {
                return Ok(bytes);
            }
        }
    }

    /// Skips blanks, and a backslash with the line end behind it.
    fn skip_continued(&mut self) -> Result<(), RegTextError> {
        loop {
            self.skip(is_blank);
            if !self.take("\\") {
                return Ok(());
            }
            self.skip(is_blank);
            if !self.take("\r\n") && !self.take("\n") {
                return Err(self.error("nothing may follow a backslash that continues a line"));
            }
        }
    }

    /// The end of a line, before which blanks and a comment may stand.
    fn line_end(&mut self) -> Result<(), RegTextError> {
        self.skip(is_blank);
        if self.peek() == Some(';') {
            self.skip(|c| c != '\n');
        }
        if self.rest.is_empty() || self.take("\r\n") || self.take("\n") {
            return Ok(());
        }
        Err(self.error("there is more in this line than expected; put it on a line of its own"))
    }

    fn hex_digits(&mut self) -> &'a str {
        let end = self.rest.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(self.rest.len());
        let (digits, rest) = self.rest.split_at(end);
        self.rest = rest;
        digits
    }

    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn bump(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.skip_bytes(c.len_utf8());
        Some(c)
    }

    /// Skips the given text if it is next.
    fn take(&mut self, text: &str) -> bool {
        let found = self.rest.starts_with(text);
        if found {
            self.skip_bytes(text.len());
        }
        found
    }

    fn skip(&mut self, wanted: impl Fn(char) -> bool) {
        let end = self.rest.find(|c: char| !wanted(c)).unwrap_or(self.rest.len());
        self.skip_bytes(end);
    }

    fn skip_bytes(&mut self, count: usize) {
        let (skipped, rest) = self.rest.split_at(count);
        self.line += skipped.matches('\n').count();
        self.rest = rest;
    }

    fn error(&self, problem: &str) -> RegTextError {
        RegTextError { line: self.line, problem: problem.to_owned() }
    }
}

/// The path below the root of the cluster registry, if the key is in it.
fn below_root(key: &str) -> Option<&str> {
    ROOTS.iter().find_map(|root| {
        let start = key.get(..root.len())?;
        let rest = key.get(root.len()..)?;
        if !start.eq_ignore_ascii_case(root) {
            return None;
        }
        if rest.is_empty() { Some(rest) } else { rest.strip_prefix('\\').filter(|path| !path.is_empty()) }
    })
}

fn is_blank(c: char) -> bool {
    c == ' ' || c == '\t'
}

fn too_large() -> String {
    format!("the value is larger than {} bytes; keep large data in a file and store its path", limits::VALUE_BYTES)
}
