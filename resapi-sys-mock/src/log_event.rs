//! The monitor's `LogEvent`: C-variadic outside, a plain Rust function inside.
//!
//! A resource DLL logs with a FormatMessage-style text (`Cannot open %1, error %2!u!`) and inserts (reference
//! 01.5). A monitor calls [`set_sink`] once and hands [`LOG_EVENT`] to the DLLs it starts; each line then arrives
//! at the sink, formatted and cut to [`LOG_LINE_MAX_CHARS`]. The sink runs on the thread of the DLL that logs.
//!
//! Left out: floating point inserts, which FormatMessage does not know either.

use std::sync::{Once, PoisonError, RwLock};

use crate::abi::{LOG_EVENT_ROUTINE, LOG_LEVEL, LOG_LINE_MAX_CHARS, LPCWSTR, RESOURCE_HANDLE};
use crate::wide;

/// Receives one finished line. Must not panic; a panic is swallowed, because a C frame is below.
pub type Sink = fn(RESOURCE_HANDLE, LOG_LEVEL, &str);

static SINK: RwLock<Option<Sink>> = RwLock::new(None);

/// The function to hand to `Startup` or to put into the callback table.
pub const LOG_EVENT: LOG_EVENT_ROUTINE = resapi_log_event;

/// Says where lines go, from now on, for the whole process. Call it before [`LOG_EVENT`] is given to anybody: lines
/// without a sink are dropped.
pub fn set_sink(sink: Sink) {
    *SINK.write().unwrap_or_else(PoisonError::into_inner) = Some(sink);
    BIND.call_once(|| {
        if !cfg!(miri) {
            // SAFETY: the shim only keeps the pointer; it is written once, and nobody has the variadic function yet.
            unsafe { resapi_log_event_bind(receive) }
        }
    });
}

static BIND: Once = Once::new();

/// What the shim calls.
type Receive = unsafe extern "C" fn(RESOURCE_HANDLE, LOG_LEVEL, LPCWSTR, *const usize, usize);

unsafe extern "C" {
    /// The variadic function of `shim/log_event.c`.
    fn resapi_log_event(handle: RESOURCE_HANDLE, level: LOG_LEVEL, format: LPCWSTR, ...);
    /// Tells the shim whom to call.
    fn resapi_log_event_bind(receive: Receive);
}

/// Called by the shim with the inserts as an array.
///
/// # Safety
/// The shim promises `count` inserts; the DLL promised that `format` is NULL or NUL-terminated and that each
/// insert is of the kind its text says.
unsafe extern "C" fn receive(
    handle: RESOURCE_HANDLE,
    level: LOG_LEVEL,
    format: LPCWSTR,
    inserts: *const usize,
    count: usize,
) {
    let sink = *SINK.read().unwrap_or_else(PoisonError::into_inner);
    let Some(sink) = sink else { return };
    // A panic must not unwind into the C frame below; there is nobody left to tell.
    let _ = std::panic::catch_unwind(|| {
        // SAFETY: the shim's array is `count` long and lives in its frame during this call.
        let inserts = unsafe { std::slice::from_raw_parts(inserts, count) };
        // SAFETY: the DLL promised a NUL-terminated text, the shim passed it unchanged.
        let format = unsafe { wide::read(format) }.unwrap_or_default();
        sink(handle, level, &render(&format, inserts, &text_of));
    });
}

/// Text behind an insert of kind `s`.
fn text_of(insert: usize, width: TextWidth) -> String {
    match width {
        TextWidth::Wide => {
            // SAFETY: the DLL's own format text says that this insert is a UTF-16 string.
            let text = unsafe { wide::read(insert as LPCWSTR) };
            text.unwrap_or_else(|| "(null)".into())
        }
        TextWidth::Narrow => {
            if insert == 0 {
                return "(null)".into();
            }
            // SAFETY: the DLL's own format text says that this insert is a NUL-terminated byte string.
            unsafe { std::ffi::CStr::from_ptr(insert as *const std::ffi::c_char) }.to_string_lossy().into_owned()
        }
    }
}

/// Whether a text insert has 16-bit or 8-bit characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TextWidth {
    Wide,
    Narrow,
}

/// Formats one line as FormatMessage does. Pure but for `text_of`, which reads the text behind an insert.
fn render(format: &str, inserts: &[usize], text_of: &dyn Fn(usize, TextWidth) -> String) -> String {
    let mut line = String::new();
    let mut rest = format;
    while let Some(at) = rest.find('%') {
        line.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let Some(next) = rest.chars().next() else {
            break;
        };
        match next {
            '1'..='9' => rest = render_insert(rest, inserts, text_of, &mut line),
            '0' => return cut(line),
            other => {
                line.push(match other {
                    'n' | 'r' => ' ', // one line of the log stays one line
                    't' => '\t',
                    'b' => ' ',
                    same => same,
                });
                rest = &rest[other.len_utf8()..];
            }
        }
    }
    line.push_str(rest);
    cut(line)
}

/// Formats the insert whose number `rest` starts with; returns what follows it.
fn render_insert<'a>(
    rest: &'a str,
    inserts: &[usize],
    text_of: &dyn Fn(usize, TextWidth) -> String,
    line: &mut String,
) -> &'a str {
    let digits = rest.bytes().take(2).take_while(u8::is_ascii_digit).count();
    let mut index = rest[..digits].parse::<usize>().map_or(0, |number| number - 1);
    let mut rest = &rest[digits..];
    let mut spec = "s";
    if let Some((inside, after)) = rest.strip_prefix('!').and_then(|inside| inside.split_once('!')) {
        spec = inside;
        rest = after;
    }
    let mut next = || {
        let insert = inserts.get(index).copied();
        index += 1;
        insert
    };
    match Spec::parse(spec, &mut next) {
        Some(spec) => match next() {
            Some(insert) => line.push_str(&spec.apply(insert, text_of)),
            None => line.push_str("(missing)"),
        },
        None => line.push_str(&format!("!{spec}!")),
    }
    rest
}

/// A printf-style specification such as `-10s`, `08X` or `*.*s`.
struct Spec {
    left: bool,
    zeros: bool,
    sharp: bool,
    plus: bool,
    width: usize,
    precision: Option<usize>,
    /// Bits of an integer: 16, 32 or 64.
    bits: u32,
    text: TextWidth,
    kind: char,
}

impl Spec {
    /// `None` when the specification is not one.
    fn parse(spec: &str, next: &mut dyn FnMut() -> Option<usize>) -> Option<Self> {
        let (mut left, mut zeros, mut sharp, mut plus) = (false, false, false, false);
        let mut rest = spec;
        while let Some(flag @ ('-' | '0' | '#' | '+' | ' ')) = rest.chars().next() {
            match flag {
                '-' => left = true,
                '0' => zeros = true,
                '#' => sharp = true,
                '+' => plus = true,
                _ => {}
            }
            rest = &rest[1..];
        }
        let width = number(&mut rest, next)?.unwrap_or(0);
        let mut precision = None;
        if let Some(after) = rest.strip_prefix('.') {
            rest = after;
            precision = Some(number(&mut rest, next)?.unwrap_or(0));
        }
        let (kind_text, bits, text) = [
            ("I64", 64, TextWidth::Wide),
            ("I32", 32, TextWidth::Wide),
            ("ll", 64, TextWidth::Wide),
            ("l", 32, TextWidth::Wide),
            ("w", 32, TextWidth::Wide),
            ("I", usize::BITS, TextWidth::Wide),
            ("h", 16, TextWidth::Narrow),
        ]
        .into_iter()
        .find_map(|(prefix, bits, text)| rest.strip_prefix(prefix).map(|kind| (kind, bits, text)))
        .unwrap_or((rest, 32, TextWidth::Wide));
        let mut letters = kind_text.chars();
        let kind = letters.next()?;
        let text = if kind == 'S' || kind == 'C' { TextWidth::Narrow } else { text };
        let is_known = "sScCdiuxXop".contains(kind) && letters.next().is_none();
        is_known.then_some(Self { left, zeros, sharp, plus, width, precision, bits, text, kind })
    }

    fn apply(&self, insert: usize, text_of: &dyn Fn(usize, TextWidth) -> String) -> String {
        let unsigned = match self.bits {
            16 => insert as u16 as u64,
            32 => insert as u32 as u64,
            _ => insert as u64,
        };
        let signed = match self.bits {
            16 => i64::from(insert as i16),
            32 => i64::from(insert as i32),
            _ => insert as i64,
        };
        let body = match self.kind {
            's' | 'S' => {
                let text = text_of(insert, self.text);
                return self.pad("", &text.chars().take(self.precision.unwrap_or(usize::MAX)).collect::<String>());
            }
            'c' | 'C' => {
                return self.pad("", &char::from_u32(unsigned as u32 & 0xFFFF).unwrap_or('\u{FFFD}').to_string());
            }
            'd' | 'i' => {
                let sign = match (signed < 0, self.plus) {
                    (true, _) => "-",
                    (false, true) => "+",
                    (false, false) => "",
                };
                return self.pad(sign, &self.digits(signed.unsigned_abs().to_string()));
            }
            'u' => unsigned.to_string(),
            'x' => format!("{unsigned:x}"),
            'X' => format!("{unsigned:X}"),
            'o' => format!("{unsigned:o}"),
            _ => format!("{insert:016X}"),
        };
        let prefix = match (self.sharp, self.kind) {
            (true, 'x') => "0x",
            (true, 'X') => "0X",
            _ => "",
        };
        self.pad(prefix, &self.digits(body))
    }

    /// Leading zeros up to the precision.
    fn digits(&self, body: String) -> String {
        format!("{body:0>width$}", width = self.precision.unwrap_or(1).min(LOG_LINE_MAX_CHARS))
    }

    /// Fills up to the width, never beyond the longest line.
    fn pad(&self, prefix: &str, body: &str) -> String {
        let length = prefix.len() + body.chars().count();
        let fill = self.width.min(LOG_LINE_MAX_CHARS).saturating_sub(length);
        match (self.left, self.zeros && self.precision.is_none()) {
            (true, _) => format!("{prefix}{body}{}", " ".repeat(fill)),
            (false, true) => format!("{prefix}{}{body}", "0".repeat(fill)),
            (false, false) => format!("{}{prefix}{body}", " ".repeat(fill)),
        }
    }
}

/// Reads a width or precision: digits, or `*` for the next insert. `Some(None)` when there is none.
fn number(rest: &mut &str, next: &mut dyn FnMut() -> Option<usize>) -> Option<Option<usize>> {
    if let Some(after) = rest.strip_prefix('*') {
        *rest = after;
        return Some(Some(next()? as u32 as usize));
    }
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (number, after) = rest.split_at(digits);
    *rest = after;
    if number.is_empty() { Some(None) } else { number.parse().ok().map(Some) }
}

/// The first [`LOG_LINE_MAX_CHARS`] characters, without line breaks.
fn cut(line: String) -> String {
    line.chars().take(LOG_LINE_MAX_CHARS).map(|c| if c == '\n' || c == '\r' { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(format: &str, inserts: &[usize], expected: &str) {
        // Inserts of kind `s` are numbers here and stand for the text "<n>", so that no pointer is needed.
        let text_of = |insert: usize, width: TextWidth| match width {
            TextWidth::Wide => format!("<{insert}>"),
            TextWidth::Narrow => format!("({insert})"),
        };
        assert_eq!(render(format, inserts, &text_of), expected, "{format:?}");
    }

    #[test]
    fn formats_as_format_message_does() {
        check("plain", &[], "plain");
        check("%1 and %2", &[1, 2], "<1> and <2>");
        check("%2 and %1", &[1, 2], "<2> and <1>");
        check("error %1!u!.", &[5007], "error 5007.");
        check("%1!d!|%1!i!|%1!u!", &[usize::MAX], "-1|-1|4294967295");
        check("%1!ld!|%1!lu!|%1!I64d!", &[usize::MAX], "-1|4294967295|-1");
        check("0x%1!08X! %1!#x!", &[0xAB], "0x000000AB 0xab");
        check("[%1!5d!][%1!-5d!][%1!05d!][%1!.3d!]", &[7], "[    7][7    ][00007][007]");
        check("[%1!6s!][%1!-6s!][%1!.2s!]", &[1], "[   <1>][<1>   ][<1]");
        check("%1!S! %1!hs! %1!ls! %1!ws!", &[1], "(1) (1) <1> <1>");
        check("%1!*.*s!", &[5, 2, 9], "   <9");
        check("%1!c!", &[65], "A");
        check("100%% sure%! %.", &[], "100% sure! .");
        check("cut%0 here", &[], "cut");
        check("two%nlines\nand more", &[], "two lines and more");
        check("%10", &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], "<10>");
        check("%3", &[1], "(missing)");
        check("%1!q!", &[1], "!q!");
        check("%1!u", &[1], "<1>!u");
        check("ends in %", &[], "ends in ");
        check("%1!999999999d!", &[1], &format!("{:>500}", 1));
    }

    #[test]
    fn never_longer_than_one_line() {
        check(&"x".repeat(600), &[], &"x".repeat(LOG_LINE_MAX_CHARS));
    }
}
