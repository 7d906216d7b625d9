//! Makes the import library of `libclusapi`, as Windows has one for every DLL: an empty shared library with the name and the
//! functions that this one imports. The real one is found beside this library when a program is started.

use std::path::PathBuf;

/// The functions are listed once, where they are declared.
const IMPORTS: &str = "src/imports.rs";

fn main() {
    println!("cargo::rerun-if-changed={IMPORTS}");
    println!("cargo::rerun-if-changed=build.rs");
    // On Windows the declarations themselves name the DLL.
    if std::env::var_os("CARGO_CFG_WINDOWS").is_some() {
        return;
    }
    let declared = std::fs::read_to_string(IMPORTS).expect("the list of imports is part of this crate");
    let names = declared.lines().filter_map(|line| line.trim().strip_prefix("pub(crate) fn ")?.split('(').next());
    let source: String = names.map(|name| format!("void {name}(void) {{}}\n")).collect();
    let folder = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo says where"));
    let (code, library) = (folder.join("clusapi.c"), folder.join("libclusapi.so"));
    std::fs::write(&code, source).expect("the folder of this build can be written");
    let mut command = cc::Build::new().cargo_metadata(false).get_compiler().to_command();
    command.args(["-shared", "-fPIC", "-Wl,-soname,libclusapi.so", "-o"]).arg(&library).arg(&code);
    let status = command.status().expect("a C compiler, as for the other crates");
    assert!(status.success(), "the import library was not made");
    println!("cargo::rustc-link-search=native={}", folder.display());
    println!("cargo::rustc-cdylib-link-arg=-lclusapi");
    println!("cargo::rustc-cdylib-link-arg=-Wl,-rpath,$ORIGIN");
    println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libresutils.so");
}
