//! The headers for C authors, compiled with gcc, clang and mingw, as C and as C++, with every warning an error: each size, offset
//! and number in them is the one of the Rust side, and nothing in them is left uncompared.

mod interface;
mod names;
mod objects;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use interface::Fact;

/// A compiler: the command, the standard, whether what it makes runs here, and the Debian package that has it.
struct Compiler {
    command: &'static str,
    standard: &'static str,
    is_native: bool,
    package: &'static str,
}

const COMPILERS: [Compiler; 6] = [
    Compiler { command: "gcc", standard: "c11", is_native: true, package: "gcc" },
    Compiler { command: "g++", standard: "c++11", is_native: true, package: "g++" },
    Compiler { command: "clang", standard: "c11", is_native: true, package: "clang" },
    Compiler { command: "clang++", standard: "c++11", is_native: true, package: "clang" },
    Compiler { command: "x86_64-w64-mingw32-gcc", standard: "c11", is_native: false, package: "gcc-mingw-w64-x86-64" },
    Compiler {
        command: "x86_64-w64-mingw32-g++",
        standard: "c++11",
        is_native: false,
        package: "g++-mingw-w64-x86-64",
    },
];

fn include() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("include")
}

fn all_facts() -> Vec<Fact> {
    interface::facts().into_iter().chain(objects::facts()).collect()
}

/// The program: each fact is asserted when it is compiled, so that it need not run where it was made for another system.
fn program(facts: &[Fact]) -> String {
    let mut source = String::from(include_str!("demo.c"));
    for Fact { expression, number } in facts {
        // As 32 bits: the bindings have some flags with a sign.
        let bits = *number as u32;
        source.push_str(&format!("static_assert((DWORD)({expression}) == {bits}u, \"{expression} is {bits}\");\n"));
    }
    source
}

/// Compiles the program with one compiler. `Err` is what it said.
fn compile(compiler: &Compiler, source: &Path, binary: &Path) -> Result<(), String> {
    let Compiler { command, standard, is_native, package } = compiler;
    let mut words = vec![format!("-std={standard}")];
    words.extend(["-Wall", "-Wextra", "-Werror", "-pedantic", "-I"].map(str::to_owned));
    let mut run = Command::new(command);
    run.args(words).arg(include()).arg(source).arg("-o").arg(binary);
    if !is_native {
        run.arg("-c");
    }
    let output = run.output().unwrap_or_else(|error| {
        panic!("{command} cannot be started ({error}): the headers are checked with it. Install it, on Debian: apt-get install {package}")
    });
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

fn source_of(compiler: &Compiler, folder: &Path, text: &str) -> PathBuf {
    let is_cpp = compiler.standard.starts_with("c++");
    let source = folder.join(if is_cpp { "facts.cpp" } else { "facts.c" });
    std::fs::write(&source, text).expect("the folder can be written");
    source
}

#[test]
fn headers_agree_with_every_compiler() {
    let facts = all_facts();
    for compiler in &COMPILERS {
        let folder = tempfile::tempdir().expect("a folder");
        let (source, binary) = (source_of(compiler, folder.path(), &program(&facts)), folder.path().join("facts"));
        if let Err(said) = compile(compiler, &source, &binary) {
            panic!("{} -std={}: {said}", compiler.command, compiler.standard);
        }
        if compiler.is_native {
            let status = Command::new(&binary).status().expect("it was just made");
            assert!(status.success(), "{}: the program found the table or the text wrong: {status}", compiler.command);
        }
    }
}

/// A check that cannot fail is none: one number that is off is found by each compiler.
#[test]
fn a_wrong_number_is_found_by_every_compiler() {
    let wrong = [
        Fact { expression: "sizeof(CLUSTER_ENUM_ITEM)".into(), number: 41 },
        Fact { expression: "offsetof(RESOURCE_STATUS, EventHandle)".into(), number: 12 },
        Fact { expression: "CLUSTER_CHANGE_ALL".into(), number: 0x7FFF_FFFF },
    ];
    for compiler in &COMPILERS {
        let folder = tempfile::tempdir().expect("a folder");
        let source = source_of(compiler, folder.path(), &program(&wrong));
        let said = compile(compiler, &source, &folder.path().join("facts")).expect_err(compiler.command);
        for fact in &wrong {
            assert!(said.contains(&fact.expression), "{}: {said}", compiler.command);
        }
    }
}

/// What is in the headers and is no number: guards against a second inclusion, words for the compiler, texts.
const NO_NUMBERS: [&str; 7] = [
    "WINAPI",
    "CALLBACK",
    "RESAPI_EXPORT",
    "STARTUP_EXPORT",
    "STARTUP_EX_EXPORT",
    "WOLFDEN_BIND_HOST_EXPORT",
    // A pointer; demo.c looks at it.
    "INVALID_HANDLE_VALUE",
];

#[test]
fn nothing_in_the_headers_is_left_uncompared() {
    // The reader of names does not see in which part of a structure a field is.
    let name = |fact: Fact| fact.expression.replace("Anonymous.", "");
    let compared: BTreeSet<String> = all_facts().into_iter().map(name).collect();
    let mut count = 0;
    let mut missing = Vec::new();
    for entry in std::fs::read_dir(include()).expect("the headers are there").flatten() {
        let text = std::fs::read_to_string(entry.path()).expect("a header is text");
        for name in names::of(&text) {
            count += 1;
            if !compared.contains(&name) && !NO_NUMBERS.contains(&name.as_str()) {
                missing.push(format!("{}: {name}", entry.file_name().to_string_lossy()));
            }
        }
    }
    assert!(count > 1_000, "only {count} names were found");
    assert!(missing.is_empty(), "{} names are not compared:\n{}", missing.len(), missing.join("\n"));
}

/// The examples are compiled with the very lines that their own comments give, and without a warning.
#[test]
fn the_c_examples_compile_as_their_comments_say() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate is a folder of the project");
    let mut count = 0;
    for entry in std::fs::read_dir(root.join("examples/c")).expect("the examples are there").flatten() {
        let path = entry.path();
        let stem = path.file_stem().and_then(|stem| stem.to_str()).expect("a plain name").to_owned();
        let source = std::fs::read_to_string(&path).expect("an example is text");
        let line = source.lines().find_map(|line| line.trim_start_matches([' ', '*']).strip_prefix("cc "));
        let line = line.unwrap_or_else(|| panic!("{stem}: the comment does not show how to compile"));
        let arguments: Vec<_> = line.split_whitespace().collect();
        let folder = tempfile::tempdir().expect("a folder");
        let library = folder.path().join(format!("lib{stem}.so"));
        let (output, rest) = arguments.split_last().expect("the line has arguments");
        assert_eq!(*output, format!("lib{stem}.so"));
        for compiler in ["gcc", "clang"] {
            let output = Command::new(compiler)
                .current_dir(root)
                .args(rest)
                .arg(&library)
                .args(["-Wall", "-Wextra", "-Werror"])
                .output()
                .unwrap_or_else(|error| panic!("{compiler} cannot be started ({error}): install {compiler}"));
            assert!(output.status.success(), "{compiler} {stem}: {}", String::from_utf8_lossy(&output.stderr));
            let built = std::fs::read(&library).expect("it was just made");
            assert!(built.windows(8).any(|bytes| bytes == b"\0Startup"), "{stem} exports Startup");
        }
        count += 1;
    }
    assert!(count >= 3, "only {count} examples were found");
}
