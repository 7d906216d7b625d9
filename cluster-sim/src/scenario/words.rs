//! A line as words, and reading them one after the other with errors that say what was expected.

use cluster_engine::Millis;
use cluster_engine::quorum::Witness;

use super::script::Call;

/// A word longer than this is a mistake.
pub(super) const WORD_BYTES: usize = 512;
/// The longest time that a line can name: two days.
pub(super) const LONGEST: Millis = Millis(48 * 3_600_000);

#[derive(Clone, Debug)]
struct Word {
    text: String,
    /// In quotation marks: a name, never one of the words of the language.
    quoted: bool,
    /// Where it begins in the line, from 1.
    column: usize,
}

/// The names that a script has given so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    pub(super) nodes: Vec<String>,
    pub(super) groups: Vec<String>,
    pub(super) resources: Vec<String>,
    /// Quorum devices; they are resources too.
    pub(super) devices: Vec<(String, Witness)>,
}

/// The words of one line, read from the left.
#[derive(Clone, Debug)]
pub(super) struct Words {
    words: Vec<Word>,
    at: usize,
    /// Where the word stands that was looked at last, from 1; behind the line when it should have gone on.
    blame: usize,
    /// Behind the last word.
    behind: usize,
}

/// A fault in a line: where, from 1, and what was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) column: usize,
    pub(super) text: String,
}

/// What stands before a comment: `#` at the beginning or after a blank, outside of quotation marks and brackets.
pub(super) fn without_comment(line: &str) -> &str {
    let (mut quoted, mut bracket, mut blank) = (false, false, true);
    for (at, c) in line.char_indices() {
        match c {
            '#' if blank && !quoted && !bracket => return line[..at].trim_end(),
            '"' => quoted = !quoted,
            '[' if !quoted => bracket = true,
            ']' if !quoted => bracket = false,
            _ => {}
        }
        blank = c.is_whitespace();
    }
    line.trim_end()
}

impl Words {
    /// Splits a line at blanks; "quotation marks" and [brackets] keep a name together.
    pub(super) fn split(line: &str) -> Result<Words, Fault> {
        let mut words: Vec<Word> = Vec::new();
        let (mut text, mut quoted, mut in_quotes, mut in_bracket) = (String::new(), false, false, false);
        let (mut begins, mut opened, mut behind) = (1, 1, 1);
        for (at, c) in line.chars().chain([' ']).enumerate() {
            let column = at + 1;
            if text.is_empty() && !quoted {
                begins = column;
            }
            match c {
                '"' if !in_bracket => {
                    in_quotes = !in_quotes;
                    quoted = true;
                    opened = column;
                }
                c if c.is_whitespace() && !in_quotes && !in_bracket => {
                    if !text.is_empty() || quoted {
                        words.push(Word { text: std::mem::take(&mut text), quoted, column: begins });
                        quoted = false;
                        behind = column;
                    }
                }
                c => {
                    if !in_quotes {
                        opened = if c == '[' { column } else { opened };
                        in_bracket = (in_bracket || c == '[') && c != ']';
                    }
                    text.push(c);
                }
            }
        }
        if in_quotes || in_bracket {
            let mark = if in_quotes { "quotation mark" } else { "bracket" };
            return Err(Fault { column: opened, text: format!("a {mark} is opened and not closed") });
        }
        if let Some(long) = words.iter().find(|w| w.text.len() > WORD_BYTES) {
            let start: String = long.text.chars().take(20).collect();
            let text = format!("the word that begins with '{start}' is longer than {WORD_BYTES} bytes");
            return Err(Fault { column: long.column, text });
        }
        let blame = words.first().map_or(1, |w| w.column);
        Ok(Words { words, at: 0, blame, behind })
    }

    /// A fault at the word that was looked at last.
    pub(super) fn fault(&self, text: String) -> Fault {
        Fault { column: self.blame, text }
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.at >= self.words.len()
    }

    /// The next word, if it is not a name in quotation marks; it stays the next one.
    pub(super) fn peek(&self) -> Option<&str> {
        self.words.get(self.at).filter(|w| !w.quoted).map(|w| w.text.as_str())
    }

    /// The next word, whatever it is; it stays the next one.
    pub(super) fn peek_name(&self) -> Option<&str> {
        self.words.get(self.at).map(|w| w.text.as_str())
    }

    /// Takes the next word. `expected` says what it should be, for the error.
    pub(super) fn take(&mut self, expected: &str) -> Result<String, String> {
        let Some(word) = self.words.get(self.at) else {
            self.blame = self.behind;
            return Err(match self.at.checked_sub(1).and_then(|before| self.words.get(before)) {
                Some(before) => format!("{expected} is expected after '{}'", before.text),
                None => format!("{expected} is expected"),
            });
        };
        self.at += 1;
        self.blame = word.column;
        Ok(word.text.clone())
    }

    /// Takes the next word if it is this one.
    pub(super) fn take_if(&mut self, word: &str) -> bool {
        let found = self.peek().is_some_and(|next| next.eq_ignore_ascii_case(word));
        if found {
            self.blame = self.words[self.at].column;
            self.at += 1;
        }
        found
    }

    /// Takes this word.
    pub(super) fn keyword(&mut self, word: &str) -> Result<(), String> {
        if self.take_if(word) {
            return Ok(());
        }
        let expected = format!("'{word}'");
        let found = self.take(&expected)?;
        Err(format!("{expected} is expected before '{found}'"))
    }

    /// Nothing may be left.
    pub(super) fn end(&mut self) -> Result<(), String> {
        match self.words.get(self.at) {
            Some(word) => {
                self.blame = word.column;
                Err(format!("'{}' is too much", word.text))
            }
            None => Ok(()),
        }
    }

    /// Words up to one of `stops` or the end, with a blank between.
    pub(super) fn until_word(&mut self, stops: &[&str]) -> String {
        let mut text = String::new();
        while let Some(word) = self.peek_name().map(str::to_owned) {
            if self.peek().is_some_and(|w| stops.iter().any(|s| w.eq_ignore_ascii_case(s))) {
                break;
            }
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(&word);
            self.at += 1;
        }
        text
    }

    // ---- names ----

    pub(super) fn node(&mut self, known: &Known) -> Result<String, String> {
        self.known("a node", &[&known.nodes])
    }

    pub(super) fn group(&mut self, known: &Known) -> Result<String, String> {
        self.known("a group", &[&known.groups])
    }

    pub(super) fn resource(&mut self, known: &Known) -> Result<String, String> {
        self.known("a resource", &[&known.resources])
    }

    pub(super) fn group_or_resource(&mut self, known: &Known) -> Result<String, String> {
        self.known("a group or a resource", &[&known.groups, &known.resources])
    }

    /// A name that exists, written as it was first.
    pub(super) fn known(&mut self, what: &str, lists: &[&Vec<String>]) -> Result<String, String> {
        let name = self.take(&format!("the name of {what}"))?;
        let all = || lists.iter().flat_map(|list| list.iter());
        match all().find(|k| k.eq_ignore_ascii_case(&name)) {
            Some(known) => Ok(known.clone()),
            None => {
                let names: Vec<&str> = all().map(String::as_str).collect();
                let names = if names.is_empty() { "none so far".to_owned() } else { names.join(", ") };
                Err(format!("'{name}' is not the name of {what} (known: {names})"))
            }
        }
    }

    /// Nodes, as long as there are any.
    pub(super) fn nodes(&mut self, known: &Known) -> Result<Vec<String>, String> {
        let mut nodes = vec![self.node(known)?];
        while self.peek_name().is_some_and(|n| known.nodes.iter().any(|k| k.eq_ignore_ascii_case(n))) {
            nodes.push(self.node(known)?);
        }
        Ok(nodes)
    }

    // ---- numbers, times ----

    pub(super) fn number<T: std::str::FromStr>(&mut self, what: &str) -> Result<T, String> {
        let word = self.take(what)?;
        word.parse().map_err(|_| format!("{what} is expected, not '{word}'"))
    }

    /// `500ms`, `2s`, `3min`, `1h`.
    pub(super) fn span(&mut self) -> Result<Millis, String> {
        let what = "a time such as 500ms, 2s, 3min or 1h";
        let word = self.take(what)?;
        span(&word).ok_or_else(|| format!("{what}, not more than 48h, is expected, not '{word}'"))
    }

    pub(super) fn call(&mut self) -> Result<Call, String> {
        let word = self.take("'online' or 'offline'")?;
        match word.to_ascii_lowercase().as_str() {
            "online" => Ok(Call::Online),
            "offline" => Ok(Call::Offline),
            _ => Err(format!("'online' or 'offline' is expected, not '{word}'")),
        }
    }

    /// One of a few words, written as in the list.
    pub(super) fn one_of(&mut self, what: &str, words: &[&str]) -> Result<String, String> {
        let word = self.take(what)?;
        match words.iter().find(|w| w.eq_ignore_ascii_case(&word)) {
            Some(found) => Ok((*found).to_owned()),
            None => Err(format!("'{word}' is not {what} (known: {})", words.join(", "))),
        }
    }
}

/// Reads `500ms`, `2s`, `3min`, `1h`.
fn span(word: &str) -> Option<Millis> {
    let digits = word.find(|c: char| !c.is_ascii_digit())?;
    let number: u64 = word[..digits].parse().ok()?;
    let unit = match &word[digits..] {
        "ms" => 1,
        "s" => 1_000,
        "min" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    number.checked_mul(unit).map(Millis).filter(|span| *span <= LONGEST)
}

/// Reads `21:58` as minutes since midnight.
pub(super) fn time_of_day(word: &str) -> Option<u32> {
    let (hours, minutes) = word.split_once(':')?;
    let two = |text: &str, limit: u32| {
        let is_two_digits = text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
        text.parse::<u32>().ok().filter(|n| is_two_digits && *n < limit)
    };
    Some(two(hours, 24)? * 60 + two(minutes, 60)?)
}
