//! Calls of every function of the cluster API in C, generated from the tables of the reference.
//!
//! Each function is called with valid arguments, with nothing but NULL and zero, with each of its handles wrong, and, where
//! it fills a text or bytes, with a buffer that is too small and with none. What the calls find is in
//! `fixtures/cluster_api/surroundings.h`, which arguments are valid in `arguments.txt` beside it. The program says what came
//! of each call in a line; what it should be is judged by the test.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::programs;

/// A function of the tables.
#[derive(Clone, Debug)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// Its return type as C has it.
    pub returns: String,
    /// Names and C types of its parameters.
    pub parameters: Vec<(String, String)>,
}

/// How a function is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// With valid arguments.
    Valid,
    /// With NULL and zero alone.
    Null,
    /// With one handle that is none; the others are valid.
    WrongHandle(usize),
    /// With room for one character in this buffer.
    Small(usize),
    /// Without this buffer, but with its length.
    Probe(usize),
    /// With room for one byte in this buffer.
    SmallBytes(usize),
}

/// A buffer of bytes: its parameter, the one with its size, and the one in which the size that is needed is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Bytes {
    at: usize,
    size: usize,
    told: usize,
}

/// Parameters that are filled with bytes.
const FILLED: [&str; 6] = ["lpoutbuffer", "poutpropertylist", "poutpropertyformatlist", "lpdata", "pitem", "buffer"];

impl How {
    /// The word in the program's lines.
    #[must_use]
    pub fn word(self) -> String {
        match self {
            How::Valid => "valid".to_owned(),
            How::Null => "null".to_owned(),
            How::WrongHandle(at) => format!("wrong{at}"),
            How::Small(at) => format!("small{at}"),
            How::Probe(at) => format!("probe{at}"),
            How::SmallBytes(at) => format!("bytes{at}"),
        }
    }
}

/// The functions of one library, from `docs/reference/data`.
///
/// # Panics
/// When the table cannot be read.
#[must_use]
pub fn functions(table: &str) -> Vec<Function> {
    let path = programs::root().join("docs/reference/data").join(table);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.lines().skip(1).map(read_row).collect()
}

fn read_row(line: &str) -> Function {
    let (name, rest) = line.split_once(',').expect("a name");
    let (returns, parameters) = rest.split_once(',').expect("a type");
    let parameters = parameters.trim().trim_matches('"');
    let parameters = parameters.split(", ").filter(|parameter| !parameter.is_empty()).map(|parameter| {
        let (name, kind) = parameter.split_once(':').expect("name : type");
        (name.trim().to_owned(), c_type(kind))
    });
    Function { name: name.trim().to_owned(), returns: c_type(returns), parameters: parameters.collect() }
}

/// A type of the tables, which are in Rust, as C has it.
fn c_type(rust: &str) -> String {
    let words: Vec<&str> = rust.split_whitespace().collect();
    match words.join(" ").as_str() {
        "u32" => "DWORD".into(),
        "i32" => "LONG".into(),
        "u64" => "ULONGLONG".into(),
        "i64" => "LONGLONG".into(),
        "usize" => "DWORD_PTR".into(),
        "isize" => "RESOURCE_HANDLE".into(),
        "void" => "VOID".into(),
        "PCWSTR" => "LPCWSTR".into(),
        "PWSTR" => "LPWSTR".into(),
        "OBJECT_SECURITY_INFORMATION" => "SECURITY_INFORMATION".into(),
        "*const c_void" | "*mut c_void" => "LPVOID".into(),
        "*mut u32" | "*const u32" => "LPDWORD".into(),
        "*mut u8" => "LPBYTE".into(),
        "*const u8" => "const BYTE *".into(),
        "*const i8" => "const char *".into(),
        "*mut i32" => "LONG *".into(),
        "*mut u64" => "ULONGLONG *".into(),
        "*mut usize" => "DWORD_PTR *".into(),
        "*mut *mut u8" => "LPBYTE *".into(),
        "*mut PWSTR" => "LPWSTR *".into(),
        "*const PCWSTR" => "const LPCWSTR *".into(),
        "*mut *mut c_void" => "LPVOID *".into(),
        "*const FILETIME" | "*mut FILETIME" => "FILETIME *".into(),
        "*mut HKEY" => "PHKEY".into(),
        "*mut *mut CLUS_WORKER" => "PCLUS_WORKER *".into(),
        "*const SECURITY_ATTRIBUTES" => "LPSECURITY_ATTRIBUTES".into(),
        other => match other.split_once(' ') {
            Some(("*mut", name)) => format!("{name} *"),
            Some(("*const", name)) => format!("const {name} *"),
            _ => other.to_owned(),
        },
    }
}

impl Function {
    /// Numbers of the parameters that are handles which this library can tell from wrong ones.
    #[must_use]
    pub fn handles(&self) -> Vec<usize> {
        let is_handle =
            |kind: &str| kind == "HANDLE" || kind.starts_with('H') && kind.chars().all(|c| c.is_uppercase());
        let is_ours = |kind: &str| is_handle(kind) && kind != "HRESULT" && kind != "HCLUSCRYPTPROVIDER";
        (0..self.parameters.len()).filter(|at| is_ours(&self.parameters[*at].1)).collect()
    }

    /// Numbers of the parameters that are text buffers with their lengths behind them.
    #[must_use]
    pub fn texts(&self) -> Vec<usize> {
        let has_length = |at: usize| self.parameters.get(at + 1).is_some_and(|(_, kind)| kind == "LPDWORD");
        (0..self.parameters.len()).filter(|at| self.parameters[*at].1 == "LPWSTR" && has_length(*at)).collect()
    }

    /// The buffers of bytes that it fills.
    fn bytes(&self) -> Vec<Bytes> {
        let kind = |at: usize| self.parameters.get(at).map_or("", |(_, kind)| kind.as_str());
        let is_filled = |at: &usize| {
            let (name, kind) = &self.parameters[*at];
            FILLED.contains(&name.as_str()) && !kind.starts_with("const") && !kind.ends_with("**")
        };
        let buffer = |at: usize| {
            let size = at + 1;
            let required = self.parameters.iter().position(|(name, _)| name == "pcbrequired");
            let told = match kind(size) {
                "LPDWORD" => required.unwrap_or(size),
                "DWORD" => required.or_else(|| (size + 1..self.parameters.len()).find(|at| kind(*at) == "LPDWORD"))?,
                _ => return None,
            };
            Some(Bytes { at, size, told })
        };
        (0..self.parameters.len()).filter(is_filled).filter_map(buffer).collect()
    }

    /// All ways in which it is called.
    #[must_use]
    pub fn ways(&self) -> Vec<How> {
        let mut ways = vec![How::Valid, How::Null];
        ways.extend(self.handles().into_iter().map(How::WrongHandle));
        ways.extend(self.texts().into_iter().flat_map(|at| [How::Small(at), How::Probe(at)]));
        ways.extend(self.bytes().into_iter().map(|bytes| How::SmallBytes(bytes.at)));
        ways
    }

    /// What the returned value is: `count`, `state`, `handle`, `truth`, `text`, `nothing`, or a `code`.
    #[must_use]
    pub fn ending(&self) -> &'static str {
        match self.returns.as_str() {
            "DWORD" if self.name.contains("GetEnumCount") => "count",
            "DWORD" | "LONG" => "code",
            "BOOL" => "truth",
            "VOID" => "nothing",
            "LPWSTR" => "text",
            state if state.ends_with("_STATE") => "state",
            _ => "handle",
        }
    }
}

/// The rules of `arguments.txt`.
struct Arguments {
    rules: Vec<(String, String)>,
    wants_online: Vec<String>,
}

impl Arguments {
    fn read(folder: &Path) -> Arguments {
        let text = fs::read_to_string(folder.join("arguments.txt")).expect("the rules are beside the surroundings");
        let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let split = lines.filter_map(|line| line.split_once(' '));
        let (online, rules): (Vec<_>, Vec<_>) = split.partition(|(_, expression)| *expression == "online");
        Arguments {
            rules: rules.into_iter().map(|(name, expression)| (name.to_owned(), expression.to_owned())).collect(),
            wants_online: online.into_iter().map(|(name, _)| name.to_owned()).collect(),
        }
    }

    fn find(&self, name: &str) -> Option<&str> {
        self.rules.iter().find(|(rule, _)| rule == name).map(|(_, expression)| expression.as_str())
    }

    /// The valid argument of a parameter.
    fn valid(&self, function: &Function, at: usize) -> String {
        let (name, kind) = &function.parameters[at];
        if let Some(special) = self.find(&format!("{}.{name}", function.name)) {
            return special.to_owned();
        }
        // Texts that a function fills have the names of texts that others take.
        let texts = function.texts();
        if let Some(place) = texts.iter().position(|text| *text == at) {
            return format!("text{}", place + 1);
        }
        if let Some(place) = texts.iter().position(|text| text + 1 == at) {
            return format!("&units{}", place + 1);
        }
        let named = if kind == "LPWSTR" { None } else { self.find(&format!("*.{name}")) };
        if let Some(found) = named.or_else(|| self.find(&format!("*{kind}"))) {
            let second = match kind.as_str() {
                "HRESOURCE" => "resource2",
                "HGROUP" => "group2",
                _ => "set2",
            };
            return if found == "second" { second.to_owned() } else { found.to_owned() };
        }
        match kind.as_str() {
            "LPWSTR" => "text1".into(),
            "LPDWORD" => "&units5".into(),
            "LPCWSTR" => "T(\"x\")".into(),
            "DWORD" if name.starts_with("cch") => "ROOM".into(),
            "BOOL" => "FALSE".into(),
            kind if kind.ends_with('*') || kind == "LPBYTE" || kind == "PHKEY" => "(LPVOID)bytes1".into(),
            _ => "0".into(),
        }
    }
}

/// The program that calls all functions: the C source, to be put beside the surroundings.
///
/// # Panics
/// When the surroundings cannot be read.
#[must_use]
pub fn program(functions: &[Function]) -> String {
    let arguments = Arguments::read(&programs::root().join("tests/fixtures/cluster_api"));
    let mut source = String::from("#include \"surroundings.h\"\n\n");
    for function in functions {
        for how in function.ways() {
            call(&mut source, &arguments, function, how);
        }
    }
    source.push_str("int main(void) {\n");
    for function in functions {
        for how in function.ways() {
            let _ = writeln!(source, "    {}_{}();", function.name, how.word());
        }
    }
    source.push_str("    CloseCluster(cluster);\n    printf(\"end\\n\");\n    return 0;\n}\n");
    source
}

/// One call in a function of its own.
fn call(source: &mut String, arguments: &Arguments, function: &Function, how: How) {
    let Function { name, returns, parameters } = function;
    let online = u8::from(arguments.wants_online.contains(name) && how == How::Valid);
    let _ = write!(source, "static void {name}_{word}(void) {{\n    set_up({online});\n", word = how.word());
    for (at, (_, kind)) in parameters.iter().enumerate() {
        let is_structure = matches!(kind.as_str(), "GUID" | "FILETIME" | "NOTIFY_FILTER_AND_TYPE");
        let wrong = format!("({kind})(uintptr_t)0xDEADBEEF");
        let value = match how {
            How::Null => None,
            How::WrongHandle(which) if which == at => Some(wrong),
            How::Probe(which) if which == at => None,
            How::Valid | How::WrongHandle(_) | How::Small(_) | How::Probe(_) | How::SmallBytes(_) => {
                Some(arguments.valid(function, at))
            }
        };
        let _ = match (value.filter(|value| !(is_structure && value == "0")), is_structure) {
            (None, true) => writeln!(source, "    {kind} a{at};\n    memset(&a{at}, 0, sizeof a{at});"),
            (None, false) => writeln!(source, "    {kind} a{at} = ({kind})0;"),
            (Some(value), true) => writeln!(source, "    {kind} a{at} = {value};"),
            (Some(value), false) => writeln!(source, "    {kind} a{at} = ({kind})({value});"),
        };
        if how == How::Small(at) {
            // The length is the next parameter: it is set after all have their values.
            let _ = writeln!(source, "    /* room for one character */");
        }
    }
    if let How::Small(at) = how {
        let _ = writeln!(source, "    *a{} = 1;", at + 1);
    }
    let bytes = function.bytes().into_iter().find(|bytes| how == How::SmallBytes(bytes.at));
    if let Some(Bytes { at, size, told }) = bytes {
        // A buffer of its own with a known end; the size and what is told have their places too.
        let _ = writeln!(source, "    memset(little, LITTLE_FILL, sizeof little);\n    units3 = units4 = 1;");
        let _ = writeln!(source, "    a{at} = ({})(LPVOID)little;", parameters[at].1);
        let size_now = if parameters[size].1 == "DWORD" { "1" } else { "&units3" };
        let _ = writeln!(source, "    a{size} = {size_now};");
        if told != size {
            let _ = writeln!(source, "    a{told} = &units4;");
        }
    }
    let list: Vec<String> = (0..parameters.len()).map(|at| format!("a{at}")).collect();
    let list = list.join(", ");
    let _ = writeln!(source, "    SetLastError(0);\n    begin(\"{name}\", \"{}\");", how.word());
    let value = match function.ending() {
        "nothing" => {
            let _ = writeln!(source, "    {name}({list});");
            "0".to_owned()
        }
        "handle" | "text" => {
            let _ = writeln!(source, "    {returns} result = {name}({list});");
            "result != NULL".to_owned()
        }
        _ => {
            let _ = writeln!(source, "    {returns} result = {name}({list});");
            "(long long)result".to_owned()
        }
    };
    let _ = writeln!(
        source,
        "    report(\"{name}\", \"{}\", \"{}\", {value}, GetLastError());",
        how.word(),
        function.ending()
    );
    if let How::Small(at) | How::Probe(at) = how {
        let _ = writeln!(source, "    printf(\"# %u\\n\", (unsigned)*a{});", at + 1);
    }
    if let Some(Bytes { told, .. }) = bytes {
        let _ = writeln!(source, "    printf(\"# %u\\n\", (unsigned)*a{told});\n    check_little(\"{name}\");");
    }
    source.push_str("    tear_down();\n}\n\n");
}
