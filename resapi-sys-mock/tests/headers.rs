//! The headers for C authors, compiled as C and as C++: every size, offset and number is the one of the Rust side.

use std::collections::BTreeMap;
use std::mem::{offset_of, size_of};
use std::path::{Path, PathBuf};
use std::process::Command;

use resapi_sys_mock::abi::*;
use resapi_sys_mock::codes::{control, win32};
use resapi_sys_mock::host::{HOST_TABLE_VERSION, HostTable};
use resapi_sys_mock::property_list::{Format, syntax};

/// One thing that both sides state: the C expression and the number on the Rust side.
struct Fact {
    expression: String,
    number: i64,
}

/// Facts about a structure: its size and the offsets of its fields.
macro_rules! layout {
    ($facts:ident, $($rust:ident as $c:literal { $($field:ident),* $(,)? })*) => {$(
        $facts.push(Fact { expression: format!("sizeof({})", $c), number: size_of::<$rust>() as i64 });
        $($facts.push(Fact {
            expression: format!("offsetof({}, {})", $c, stringify!($field)),
            number: offset_of!($rust, $field) as i64,
        });)*
    )*};
}

fn facts() -> Vec<Fact> {
    let mut facts = Vec::new();
    layout! { facts,
        WCHAR as "WCHAR" {}
        BOOL as "BOOL" {}
        RESID as "RESID" {}
        RESOURCE_HANDLE as "RESOURCE_HANDLE" {}
        LOG_LEVEL as "LOG_LEVEL" {}
        FILETIME as "FILETIME" { dwLowDateTime, dwHighDateTime }
        RESOURCE_STATUS as "RESOURCE_STATUS" { ResourceState, CheckPoint, WaitHint, EventHandle }
        RESOURCE_STATUS_EX as "RESOURCE_STATUS_EX" {
            ResourceState, CheckPoint, EventHandle, ApplicationSpecificErrorCode, Flags, WaitHint,
        }
        CLUS_WORKER as "CLUS_WORKER" { hThread, Terminate }
        CLUS_RESOURCE_CLASS_INFO as "CLUS_RESOURCE_CLASS_INFO" { rc, SubClass }
        CLUSCTL_RESOURCE_STATE_CHANGE_REASON_STRUCT as "CLUSCTL_RESOURCE_STATE_CHANGE_REASON_STRUCT" {
            dwSize, dwVersion, eReason,
        }
        CLRES_V1_FUNCTIONS as "CLRES_V1_FUNCTIONS" {
            Open, Close, Online, Offline, Terminate, LooksAlive, IsAlive, Arbitrate, Release, ResourceControl,
            ResourceTypeControl,
        }
        CLRES_V2_FUNCTIONS as "CLRES_V2_FUNCTIONS" {
            Open, Close, Online, Offline, Terminate, LooksAlive, IsAlive, Arbitrate, Release, ResourceControl,
            ResourceTypeControl, Cancel,
        }
        CLRES_V3_FUNCTIONS as "CLRES_V3_FUNCTIONS" { BeginResourceControl, BeginResourceTypeControl, Cancel }
        CLRES_V4_FUNCTIONS as "CLRES_V4_FUNCTIONS" {
            Cancel, BeginResourceControlAsUser, BeginResourceTypeControlAsUser,
        }
        CLRES_CALLBACK_FUNCTION_TABLE as "CLRES_CALLBACK_FUNCTION_TABLE" {
            LogEvent, SetResourceStatusEx, SetResourceLockedMode, SignalFailure,
            SetResourceInMemoryNodeLocalProperties, EndControlCall, EndTypeControlCall, ExtendControlCall,
            ExtendTypeControlCall, RaiseResTypeNotification, ChangeResourceProcessForDumps,
            ChangeResTypeProcessForDumps, SetInternalState, SetResourceLockedModeEx, RequestDump,
            SetResourceWprPolicy, ArmWprWatchdogForCurrentResourceCall,
        }
        CLRES_FUNCTION_TABLE as "CLRES_FUNCTION_TABLE" { TableSize, Version }
        CLUSPROP_VALUE as "CLUSPROP_VALUE" { Syntax, cbLength }
        CLUSPROP_BINARY as "CLUSPROP_BINARY" { Base, rgb }
        CLUSPROP_WORD as "CLUSPROP_WORD" { Base, w }
        CLUSPROP_DWORD as "CLUSPROP_DWORD" { Base, dw }
        CLUSPROP_LONG as "CLUSPROP_LONG" { Base, l }
        CLUSPROP_SZ as "CLUSPROP_SZ" { Base, sz }
        CLUSPROP_ULARGE_INTEGER as "CLUSPROP_ULARGE_INTEGER" { Base, li }
        CLUSPROP_LARGE_INTEGER as "CLUSPROP_LARGE_INTEGER" { Base, li }
        CLUSPROP_FILETIME as "CLUSPROP_FILETIME" { Base, ft }
        CLUSPROP_RESOURCE_CLASS as "CLUSPROP_RESOURCE_CLASS" { Base, rc }
        CLUSPROP_RESOURCE_CLASS_INFO as "CLUSPROP_RESOURCE_CLASS_INFO" { Base, Base2 }
        CLUSPROP_LIST as "CLUSPROP_LIST" { nPropertyCount, PropertyName }
        CLUSPROP_REQUIRED_DEPENDENCY as "CLUSPROP_REQUIRED_DEPENDENCY" { Value, ResClass, ResTypeName }
        CLUS_SCSI_ADDRESS_0_0 as "CLUS_SCSI_ADDRESS_0_0" { PortNumber, PathId, TargetId, Lun }
        CLUS_PARTITION_INFO as "CLUS_PARTITION_INFO" { dwFlags, szDeviceName, szVolumeLabel, dwSerialNumber, rgdwMaximumComponentLength, dwFileSystemFlags, szFileSystem }
        CLUS_FORCE_QUORUM_INFO as "CLUS_FORCE_QUORUM_INFO" { dwSize, dwNodeBitMask, dwMaxNumberofNodes, multiszNodeList }
        CLUS_MAINTENANCE_MODE_INFO as "CLUS_MAINTENANCE_MODE_INFO" { InMaintenance }
        CLUS_MAINTENANCE_MODE_INFOEX as "CLUS_MAINTENANCE_MODE_INFOEX" { InMaintenance, MaintainenceModeType, InternalState, Signature }
        CLUS_NETNAME_VS_TOKEN_INFO as "CLUS_NETNAME_VS_TOKEN_INFO" { ProcessID, DesiredAccess, InheritHandle }
        GET_OPERATION_CONTEXT_PARAMS as "GET_OPERATION_CONTEXT_PARAMS" { Size, Version, Type, Priority }
        RESOURCE_FAILURE_INFO as "RESOURCE_FAILURE_INFO" { dwRestartAttemptsRemaining, dwRestartPeriodRemaining }
        RESOURCE_FAILURE_INFO_BUFFER as "RESOURCE_FAILURE_INFO_BUFFER" { dwVersion, Info }
        RESOURCE_TERMINAL_FAILURE_INFO_BUFFER as "RESOURCE_TERMINAL_FAILURE_INFO_BUFFER" { isTerminalFailure, restartPeriodRemaining }
        GROUP_FAILURE_INFO as "GROUP_FAILURE_INFO" { dwFailoverAttemptsRemaining, dwFailoverPeriodRemaining }
        GROUP_FAILURE_INFO_BUFFER as "GROUP_FAILURE_INFO_BUFFER" { dwVersion, Info }
        RESUTIL_LARGEINT_DATA as "RESUTIL_LARGEINT_DATA" { Default, Minimum, Maximum }
        RESUTIL_ULARGEINT_DATA as "RESUTIL_ULARGEINT_DATA" { Default, Minimum, Maximum }
        RESUTIL_FILETIME_DATA as "RESUTIL_FILETIME_DATA" { Default, Minimum, Maximum }
        RESUTIL_PROPERTY_ITEM as "RESUTIL_PROPERTY_ITEM" { Name, KeyName, Format, Minimum, Maximum, Flags, Offset }
        HostTable as "WOLFDEN_HOST_TABLE" {
            size, version, ClusterRegOpenKey, ClusterRegCreateKey, ClusterRegCloseKey, ClusterRegQueryValue,
            ClusterRegSetValue, ClusterRegDeleteValue, ClusterRegEnumValue, ClusterRegEnumKey, CreateEvent, SetEvent,
            CloseEvent, SetLastError, GuardCall, WorkerPass, WorkerBegins, WorkerEnds, KeyPath,
        }
    }
    for member in ["V1Functions", "V4Functions"] {
        let expression = format!("offsetof(CLRES_FUNCTION_TABLE, {member})");
        facts.push(Fact { expression, number: offset_of!(CLRES_FUNCTION_TABLE, Anonymous) as i64 });
    }
    let mut number = |name: &str, number: i64| facts.push(Fact { expression: name.to_owned(), number });
    number("WOLFDEN_HOST_TABLE_VERSION", i64::from(HOST_TABLE_VERSION));
    number("CLRES_V1_FUNCTION_SIZE", i64::from(CLRES_V1_FUNCTION_SIZE));
    number("CLRES_V4_FUNCTION_SIZE", i64::from(CLRES_V4_FUNCTION_SIZE));
    number("KEY_ALL_ACCESS", i64::from(KEY_ALL_ACCESS));
    number("REG_EXPAND_SZ", i64::from(REG_EXPAND_SZ));
    number("REG_MULTI_SZ", i64::from(REG_MULTI_SZ));
    number("REG_QWORD", i64::from(REG_QWORD));
    number("TRUE", 1);
    let enumerations = [
        VERSIONS,
        RESOURCE_STATES,
        EXIT_STATES,
        LOG_LEVELS,
        FAILURE_TYPES,
        APPLICATION_STATES,
        CHARACTERISTICS,
        RESOURCE_CLASSES,
        FLAGS,
        STATE_CHANGE_REASONS,
    ];
    for (name, value) in enumerations.into_iter().flatten() {
        number(name, *value);
    }
    for (name, value) in control::ALL.iter().copied().chain([win32::ALL]).flatten() {
        number(name, i64::from(*value));
    }
    for format in Format::ALL {
        let name = match format {
            Format::Unknown => "UNKNOWN",
            Format::Binary => "BINARY",
            Format::Dword => "DWORD",
            Format::Sz => "SZ",
            Format::ExpandSz => "EXPAND_SZ",
            Format::MultiSz => "MULTI_SZ",
            Format::ULargeInteger => "ULARGE_INTEGER",
            Format::Long => "LONG",
            Format::ExpandedSz => "EXPANDED_SZ",
            Format::SecurityDescriptor => "SECURITY_DESCRIPTOR",
            Format::LargeInteger => "LARGE_INTEGER",
            Format::Word => "WORD",
            Format::FileTime => "FILETIME",
            Format::ValueList => "VALUE_LIST",
            Format::PropertyList => "PROPERTY_LIST",
        };
        number(&format!("CLUSPROP_FORMAT_{name}"), format as i64);
        if !matches!(format, Format::Unknown | Format::ValueList) {
            number(&format!("CLUSPROP_SYNTAX_LIST_VALUE_{name}"), i64::from(format.list_value()));
        }
    }
    let syntaxes = [
        ("ENDMARK", syntax::ENDMARK),
        ("NAME", syntax::NAME),
        ("RESCLASS", syntax::RESCLASS),
        ("DISK_SIGNATURE", syntax::DISK_SIGNATURE),
        ("SCSI_ADDRESS", syntax::SCSI_ADDRESS),
        ("DISK_NUMBER", syntax::DISK_NUMBER),
        ("PARTITION_INFO", syntax::PARTITION_INFO),
        ("FTSET_INFO", syntax::FTSET_INFO),
        ("DISK_SERIALNUMBER", syntax::DISK_SERIALNUMBER),
        ("DISK_GUID", syntax::DISK_GUID),
        ("DISK_SIZE", syntax::DISK_SIZE),
        ("PARTITION_INFO_EX", syntax::PARTITION_INFO_EX),
        ("PARTITION_INFO_EX2", syntax::PARTITION_INFO_EX2),
        ("STORAGE_DEVICE_ID_DESCRIPTOR", syntax::STORAGE_DEVICE_ID_DESCRIPTOR),
    ];
    for (name, value) in syntaxes {
        number(&format!("CLUSPROP_SYNTAX_{name}"), i64::from(value));
        // The type is the high half.
        if !matches!(name, "DISK_SIGNATURE") {
            number(&format!("CLUSPROP_TYPE_{name}"), i64::from(value >> 16));
        }
    }
    number("CLUSPROP_TYPE_SIGNATURE", 5);
    number("CLUSPROP_TYPE_LIST_VALUE", 1);
    facts
}

/// A program that prints one line per fact, and a library's skeleton, so that every declaration is used once.
fn program(facts: &[Fact]) -> String {
    let mut source = String::from(
        r#"#include <resapi.h>
#include <wolfden_host.h>
#include <stdio.h>

static RESID WINAPI DemoOpen(LPCWSTR name, HKEY key, RESOURCE_HANDLE handle) { (void)name; (void)key; (void)handle; return NULL; }
static VOID WINAPI DemoClose(RESID id) { (void)id; }
static DWORD WINAPI DemoOnline(RESID id, LPHANDLE event) { (void)id; (void)event; return ERROR_IO_PENDING; }
static DWORD WINAPI DemoOffline(RESID id) { (void)id; return 0; }
static VOID WINAPI DemoTerminate(RESID id) { (void)id; }
static BOOL WINAPI DemoLooksAlive(RESID id) { (void)id; return TRUE; }
static BOOL WINAPI DemoIsAlive(RESID id) { (void)id; return FALSE; }
static DWORD WINAPI DemoControl(RESID id, DWORD code, PVOID in, DWORD cbIn, PVOID out, DWORD cbOut, LPDWORD n) {
    (void)id; (void)code; (void)in; (void)cbIn; (void)out; (void)cbOut; (void)n; return ERROR_INVALID_FUNCTION;
}
static DWORD WINAPI DemoTypeControl(LPCWSTR t, DWORD code, PVOID in, DWORD cbIn, PVOID out, DWORD cbOut, LPDWORD n) {
    (void)t; (void)code; (void)in; (void)cbIn; (void)out; (void)cbOut; (void)n; return ERROR_INVALID_FUNCTION;
}
static CLRES_V1_FUNCTION_TABLE(DemoTable, CLRES_VERSION_V1_00, Demo, NULL, NULL, DemoControl, DemoTypeControl);
static const WCHAR TypeName[] = CLUS_TEXT("Demo");

#ifdef __cplusplus
extern "C"
#endif
RESAPI_EXPORT STARTUP_ROUTINE Startup;
DWORD WINAPI Startup(LPCWSTR type, DWORD min, DWORD max, PSET_RESOURCE_STATUS_ROUTINE status, PLOG_EVENT_ROUTINE log,
                     PCLRES_FUNCTION_TABLE *table) {
    if (min > 0 || max > 0) status(0, NULL);
    if (log != NULL) log(0, LOG_WARNING, type, 1);
    *table = &DemoTable;
    return ERROR_SUCCESS;
}

int main(void) {
    PCLRES_FUNCTION_TABLE table = NULL;
    if (Startup(TypeName, 0, 0, NULL, NULL, &table) != 0 || table->V1Functions.Online != DemoOnline) return 1;
    if (table->TableSize != 88 || table->Version != 0x100 || table->V1Functions.Arbitrate != NULL) return 2;
    if (sizeof TypeName != 10 || TypeName[1] != 'e') return 3;
"#,
    );
    for (index, fact) in facts.iter().enumerate() {
        source.push_str(&format!("    printf(\"{index} %lld\\n\", (long long)({}));\n", fact.expression));
    }
    source.push_str("    return 0;\n}\n");
    source
}

/// Compiles the program, runs it, and compares what it says.
fn check(is_cpp: bool, standard: &str) {
    let facts = facts();
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join(if is_cpp { "facts.cpp" } else { "facts.c" });
    std::fs::write(&source, program(&facts)).unwrap();
    let binary = folder.path().join("facts");
    compile(is_cpp, standard, &source, &binary);
    let output = Command::new(&binary).output().unwrap();
    assert!(output.status.success(), "the program found the table or the text wrong: {}", output.status);
    let said: BTreeMap<usize, i64> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| line.split_once(' ').unwrap())
        .map(|(index, number)| (index.parse().unwrap(), number.parse().unwrap()))
        .collect();
    assert_eq!(said.len(), facts.len());
    for (index, fact) in facts.iter().enumerate() {
        assert_eq!(said[&index], fact.number, "{standard}: {}", fact.expression);
    }
}

fn compile(is_cpp: bool, standard: &str, source: &Path, binary: &Path) {
    let include = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("include");
    // cc finds the same compiler as the build script did; outside of one it has to be told the target.
    let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let mut build = cc::Build::new();
    build.cpp(is_cpp).target(&target).host(&target).opt_level(0).cargo_metadata(false);
    let mut command = build.get_compiler().to_command();
    command.arg(format!("-std={standard}")).args(["-Wall", "-Wextra", "-Werror", "-pedantic"]);
    command.arg("-I").arg(include).arg(source).arg("-o").arg(binary);
    let output = command.output().expect("a C compiler is needed to check the headers: install gcc or clang");
    assert!(output.status.success(), "{standard}: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn headers_agree_as_c() {
    check(false, "c11");
}

#[test]
fn headers_agree_as_cpp() {
    check(true, "c++11");
}

/// The example is compiled with the very line that its own comment gives, and without a warning.
#[test]
fn the_c_example_compiles_as_its_comment_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate is a folder of the project");
    let source = std::fs::read_to_string(root.join("examples/c/counter.c")).unwrap();
    let line = source.lines().find_map(|line| line.trim_start_matches([' ', '*']).strip_prefix("cc "));
    let arguments: Vec<_> = line.expect("the comment shows how to compile").split_whitespace().collect();
    let folder = tempfile::tempdir().unwrap();
    let library = folder.path().join("libcounter.so");
    let (output, rest) = arguments.split_last().expect("the line has arguments");
    assert_eq!(*output, "libcounter.so");
    let output = Command::new("cc")
        .current_dir(root)
        .args(rest)
        .arg(&library)
        .args(["-Wall", "-Wextra", "-Werror"])
        .output()
        .expect("a C compiler is needed to check the example: install gcc or clang");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let built = std::fs::read(&library).unwrap();
    assert!(built.windows(8).any(|bytes| bytes == b"\0Startup"), "the library exports Startup");
}
