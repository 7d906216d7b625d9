//! Files that are no resource DLL, made by changing one that is. The DLL is built by hand, so that the test needs no
//! compiler for Windows.

use object::pe;

use super::*;

/// Where the PE signature is.
const SIGNATURE: usize = 0x40;
/// The file header follows it.
const FILE_HEADER: usize = SIGNATURE + 4;
/// The optional header follows that.
const OPTIONAL_HEADER: usize = FILE_HEADER + 20;
/// The data directories are at its end.
const DIRECTORIES: usize = OPTIONAL_HEADER + 112;
const SECTIONS: usize = DIRECTORIES + 16 * 8;
/// The one section, in the file and in memory.
const SECTION: usize = 0x200;
const SECTION_ADDRESS: u32 = 0x1000;

/// The name of the imported function, in the section.
const FUNCTION: usize = 0x172;
/// Where the import of that function stands, in the section.
const THUNK: usize = 0x140;

/// A DLL with one export, number 1, and the import of one function of a DLL.
fn dll(export: &str, import: &str) -> Vec<u8> {
    let mut bytes = vec![0_u8; SECTION + 0x200];
    let mut put = |at: usize, what: &[u8]| bytes[at..at + what.len()].copy_from_slice(what);
    put(0, b"MZ");
    put(0x3c, &(SIGNATURE as u32).to_le_bytes());
    put(SIGNATURE, b"PE\0\0");
    put(FILE_HEADER, &pe::IMAGE_FILE_MACHINE_AMD64.to_le_bytes());
    put(FILE_HEADER + 2, &1_u16.to_le_bytes());
    put(FILE_HEADER + 16, &240_u16.to_le_bytes());
    put(FILE_HEADER + 18, &(pe::IMAGE_FILE_DLL | pe::IMAGE_FILE_EXECUTABLE_IMAGE).to_le_bytes());
    put(OPTIONAL_HEADER, &pe::IMAGE_NT_OPTIONAL_HDR64_MAGIC.to_le_bytes());
    put(OPTIONAL_HEADER + 32, &0x1000_u32.to_le_bytes());
    put(OPTIONAL_HEADER + 36, &0x200_u32.to_le_bytes());
    put(OPTIONAL_HEADER + 56, &0x2000_u32.to_le_bytes());
    put(OPTIONAL_HEADER + 60, &(SECTION as u32).to_le_bytes());
    put(OPTIONAL_HEADER + 108, &16_u32.to_le_bytes());
    let place = |offset: u32| (SECTION_ADDRESS + offset).to_le_bytes();
    // Directory 0: exports; 1: imports.
    put(DIRECTORIES, &place(0));
    put(DIRECTORIES + 4, &0x80_u32.to_le_bytes());
    put(DIRECTORIES + 8, &place(0x100));
    put(DIRECTORIES + 12, &40_u32.to_le_bytes());
    put(SECTIONS, b".all");
    put(SECTIONS + 8, &0x200_u32.to_le_bytes());
    put(SECTIONS + 12, &place(0));
    put(SECTIONS + 16, &0x200_u32.to_le_bytes());
    put(SECTIONS + 20, &(SECTION as u32).to_le_bytes());
    // Exports: one function, one name.
    put(SECTION + 16, &1_u32.to_le_bytes());
    put(SECTION + 20, &1_u32.to_le_bytes());
    put(SECTION + 24, &1_u32.to_le_bytes());
    put(SECTION + 28, &place(0x40));
    put(SECTION + 32, &place(0x44));
    put(SECTION + 36, &place(0x48));
    put(SECTION + 0x40, &place(0x1f0));
    put(SECTION + 0x44, &place(0x50));
    put(SECTION + 0x50, export.as_bytes());
    // Imports: one DLL.
    put(SECTION + 0x100, &place(0x140));
    put(SECTION + 0x100 + 12, &place(0x150));
    put(SECTION + 0x100 + 16, &place(0x140));
    put(SECTION + THUNK, &u64::from(SECTION_ADDRESS + FUNCTION as u32 - 2).to_le_bytes());
    put(SECTION + 0x150, import.as_bytes());
    put(SECTION + FUNCTION, b"Wanted");
    bytes
}

/// The same with an import by number instead of by name.
fn numbered(mut bytes: Vec<u8>, number: u16) -> Vec<u8> {
    let thunk = (1_u64 << 63) | u64::from(number);
    bytes[SECTION + THUNK..SECTION + THUNK + 8].copy_from_slice(&thunk.to_le_bytes());
    bytes
}

fn refused(bytes: &[u8], code: u32, word: &str) {
    let (got, text) = imports(bytes).expect_err(word);
    assert!(got == code && text.contains(word), "{got} {text}: should be {code} and say {word}");
}

#[test]
fn a_resource_dll_is_taken() {
    let of = |dll: &str, function: Function| Ok(vec![Import { dll: dll.into(), functions: vec![function] }]);
    assert_eq!(imports(&dll("Startup", "KERNEL32.dll")), of("KERNEL32.dll", Function::Name("Wanted".into())));
    assert_eq!(imports(&numbered(dll("StartupEx", "a.dll"), 7)), of("a.dll", Function::Number(7)));
}

#[test]
fn what_is_none_is_told_apart() {
    let good = dll("Startup", "KERNEL32.dll");
    let with = |at: usize, what: &[u8]| {
        let mut bytes = good.clone();
        bytes[at..at + what.len()].copy_from_slice(what);
        bytes
    };
    refused(b"", BAD_FORMAT, "no Windows DLL");
    refused(b"#!/bin/sh", BAD_FORMAT, "no Windows DLL");
    refused(b"\x7fELF\x02", BAD_FORMAT, "library of Linux");
    refused(b"MZ", BAD_FORMAT, "no PE header");
    refused(&with(0x3c, &u32::MAX.to_le_bytes()), BAD_FORMAT, "no PE header");
    refused(&with(FILE_HEADER, &pe::IMAGE_FILE_MACHINE_I386.to_le_bytes()), BAD_FORMAT, "32-bit DLL");
    refused(&with(FILE_HEADER, &pe::IMAGE_FILE_MACHINE_ARM64.to_le_bytes()), BAD_FORMAT, "ARM64");
    refused(&with(FILE_HEADER, &[0x12, 0x34]), BAD_FORMAT, "another processor");
    refused(&with(FILE_HEADER + 18, &[2, 0]), BAD_FORMAT, "a program, not a DLL");
    refused(&with(DIRECTORIES + 14 * 8, &[0, 0x10, 0, 0, 72]), BAD_FORMAT, ".NET");
    refused(&good[..SECTION + 0x180], BAD_FORMAT, "cut short");
    refused(&dll("Start", "KERNEL32.dll"), PROC_NOT_FOUND, "neither Startup nor StartupEx");
}

#[test]
fn damage_anywhere_is_an_answer() {
    let good = dll("Startup", "KERNEL32.dll");
    for length in 0..good.len() {
        // Whatever it is, it is no panic.
        let _ = imports(&good[..length]);
    }
    for at in 0..good.len() {
        for flip in [1, 0x80, 0xff] {
            let mut bytes = good.clone();
            bytes[at] ^= flip;
            let _ = imports(&bytes);
            let _ = parse(&bytes).and_then(|image| exports(&image));
        }
    }
}

#[test]
fn missing_dlls_are_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x.dll");
    std::fs::write(&path, dll("Startup", "Vendor.DLL")).expect("written");
    let ours = folder.path().join("windows");
    let has_wine = LIBRARY_DIRS.iter().any(|dir| Path::new(dir).join(BUILTIN_DIR).is_dir());
    match check(&path, &ours, &[]) {
        Err((MOD_NOT_FOUND, text)) => assert!(has_wine && text.contains("Vendor.DLL"), "{text}"),
        other => assert!(!has_wine && other.is_ok(), "{other:?}"),
    }
    // One that imports itself needs nobody else.
    std::fs::write(folder.path().join("vendor.dll"), dll("Wanted", "vendor.dll")).expect("written");
    assert_eq!(check(&path, &ours, &[]), Ok(()));
    assert!(is_there("API-MS-WIN-core-synch-l1-2-0.dll", &BTreeSet::new()));
    assert!(is_there("kernel32", &["kernel32.dll".into()].into()));
    let (code, text) = check(&folder.path().join("none.dll"), &ours, &[]).expect_err("not there");
    assert!(code == MOD_NOT_FOUND && text.contains("cannot be read"), "{text}");
}

#[test]
fn missing_functions_are_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let (ours, path) = (folder.path().join("windows"), folder.path().join("x.dll"));
    std::fs::create_dir(&ours).expect("made");
    let narrow = {
        let mut bytes = dll("Wanted", "KERNEL32.dll");
        bytes[FILE_HEADER..FILE_HEADER + 2].copy_from_slice(&pe::IMAGE_FILE_MACHINE_I386.to_le_bytes());
        bytes
    };
    // They import themselves, so that they need nobody else.
    let (has, lacks) = (dll("Wanted", "vendor.dll"), dll("Other", "vendor.dll"));
    // Where the other DLL lies, what it is, how it is imported; and what is said, if anything.
    type Case<'a> = (&'a str, &'a [u8], Vec<u8>, Option<(u32, &'a str)>);
    let cases: &[Case<'_>] = &[
        ("windows/clusapi.dll", &has, dll("Startup", "CLUSAPI.dll"), None),
        ("windows/clusapi.dll", &lacks, dll("Startup", "CLUSAPI.dll"), Some((PROC_NOT_FOUND, "imports Wanted from"))),
        ("windows/resutils.dll", &lacks, dll("Startup", "resutils"), Some((PROC_NOT_FOUND, "no version of Windows"))),
        (
            "windows/clusapi.dll",
            &has,
            numbered(dll("Startup", "clusapi.dll"), 1),
            Some((PROC_NOT_FOUND, "number 1 from")),
        ),
        ("Vendor.dll", &has, dll("Startup", "vendor.dll"), None),
        ("Vendor.dll", &has, numbered(dll("Startup", "vendor.dll"), 1), None),
        ("Vendor.dll", &has, numbered(dll("Startup", "vendor.dll"), 2), Some((PROC_NOT_FOUND, "number 2 from"))),
        ("vendor.dll", &lacks, dll("Startup", "Vendor.dll"), Some((PROC_NOT_FOUND, "different versions"))),
        ("vendor.dll", &narrow, dll("Startup", "Vendor.dll"), Some((BAD_FORMAT, "32-bit DLL"))),
        ("vendor.dll", b"no DLL", dll("Startup", "Vendor.dll"), Some((BAD_FORMAT, "no Windows DLL"))),
        ("vendor.dll", &has[..SECTION], dll("Startup", "Vendor.dll"), Some((BAD_FORMAT, "damaged"))),
    ];
    for (place, other, image, expected) in cases {
        let place = folder.path().join(place);
        std::fs::write(&place, other).expect("written");
        std::fs::write(&path, image).expect("written");
        match (check(&path, &ours, &[]), expected) {
            (Ok(()), None) => {}
            (Err((code, text)), Some((expected, words))) if code == *expected => {
                assert!(text.contains(words) && text.contains("x.dll"), "{text} should say {words}");
                assert!(text.contains(&place.display().to_string()), "{text} should name {}", place.display());
            }
            (got, _) => panic!("{}: {got:?} instead of {expected:?}", place.display()),
        }
        std::fs::remove_file(&place).expect("it was written");
    }
}

/// The same with a descriptor of delayed imports, which name what the other imports name.
fn with_delayed(mut bytes: Vec<u8>, attributes: u32) -> Vec<u8> {
    let mut put = |at: usize, what: u32| bytes[at..at + 4].copy_from_slice(&what.to_le_bytes());
    put(DIRECTORIES + 13 * 8, SECTION_ADDRESS + 0x180);
    put(DIRECTORIES + 13 * 8 + 4, 0x40);
    put(SECTION + 0x180, attributes);
    put(SECTION + 0x180 + 4, SECTION_ADDRESS + 0x150);
    put(SECTION + 0x180 + 16, SECTION_ADDRESS + THUNK as u32);
    bytes
}

#[test]
fn delayed_imports_are_read() {
    let plain = dll("Startup", "Vendor.dll");
    assert_eq!(delayed(&plain), []);
    let functions = vec![Function::Name("Wanted".into())];
    let found = vec![Import { dll: "Vendor.dll".into(), functions }];
    assert_eq!(delayed(&with_delayed(plain.clone(), 1)), found);
    assert_eq!(delayed(&with_delayed(plain.clone(), 0)), [], "addresses of another kind");
    let all = with_delayed(plain, 1);
    for at in 0..all.len() {
        // Whatever it is now, it is no panic.
        let mut bytes = all.clone();
        bytes[at] ^= 0xff;
        let _ = delayed(&bytes);
        let _ = delayed(&all[..at]);
    }
}

#[test]
fn what_the_system_lacks_is_refused_when_it_is_imported_and_told_when_it_is_delayed() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, system) = (folder.path().join("x.dll"), folder.path().join("system32"));
    std::fs::create_dir(&system).expect("made");
    let places = [system.clone()];
    let ours = folder.path().join("windows");
    // A DLL that no Wine has, so that the result is the same everywhere.
    let vendor = |bytes: Vec<u8>| std::fs::write(system.join("vendor.dll"), bytes).expect("written");
    std::fs::write(&path, with_delayed(dll("Startup", "Vendor.dll"), 1)).expect("written");
    let warning = || {
        let found = look_at_delayed(&path, &ours, &places);
        let [Delayed { dll, warning }] = &found[..] else { panic!("{found:?}") };
        assert_eq!(dll, "Vendor.dll");
        warning.clone().unwrap_or_default()
    };
    vendor(dll("Wanted", "KERNEL32.dll"));
    assert_eq!(check(&path, &ours, &places), Ok(()));
    assert_eq!(warning(), "");
    vendor(dll("Other", "KERNEL32.dll"));
    let (code, text) = check(&path, &ours, &places).expect_err("it lacks the function");
    assert_eq!(code, PROC_NOT_FOUND);
    for part in ["x.dll imports Wanted from", "system32/vendor.dll", "version of Wine"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(warning().contains("does not export Wanted"), "{}", warning());
    vendor(b"no DLL".to_vec());
    assert!(warning().contains("cannot be used"), "{}", warning());
    std::fs::remove_file(system.join("vendor.dll")).expect("it was there");
    let has_wine = LIBRARY_DIRS.iter().any(|dir| Path::new(dir).join(BUILTIN_DIR).is_dir());
    assert_eq!(warning().contains("nor part of Wine"), has_wine, "{}", warning());
    // One Wine of several that has it is enough.
    let second = folder.path().join("second");
    std::fs::create_dir(&second).expect("made");
    vendor(dll("Other", "KERNEL32.dll"));
    std::fs::write(second.join("vendor.dll"), dll("Wanted", "KERNEL32.dll")).expect("written");
    assert_eq!(check(&path, &ours, &[system, second]), Ok(()));
}

#[test]
fn what_lies_beside_is_followed() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x.dll");
    let ours = folder.path().join("windows");
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).expect("written");
    write("x.dll", &dll("Startup", "first.dll"));
    write("first.dll", &dll("Wanted", "second.dll"));
    // In a circle, which ends.
    write("second.dll", &dll("Wanted", "first.dll"));
    assert_eq!(check(&path, &ours, &[]), Ok(()));
    write("second.dll", &dll("Other", "first.dll"));
    let (code, text) = check(&path, &ours, &[]).expect_err("the second lacks it");
    assert_eq!(code, PROC_NOT_FOUND);
    assert!(text.contains("first.dll imports Wanted from") && text.contains("second.dll"), "{text}");
    write("second.dll", &dll("Wanted", "first.dll")[..SECTION]);
    let (code, text) = check(&path, &ours, &[]).expect_err("the second is damaged");
    assert!(code == BAD_FORMAT && text.contains("first.dll needs"), "{text}");
    std::fs::remove_file(folder.path().join("second.dll")).expect("it was there");
    let has_wine = LIBRARY_DIRS.iter().any(|dir| Path::new(dir).join(BUILTIN_DIR).is_dir());
    match check(&path, &ours, &[]) {
        Err((MOD_NOT_FOUND, text)) => assert!(has_wine && text.contains("first.dll needs second.dll"), "{text}"),
        other => assert!(!has_wine && other.is_ok(), "{other:?}"),
    }
}
