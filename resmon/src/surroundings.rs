//! What depends on the system that the monitor runs on: the types that are built in, the guard of applications, and how
//! paths of the Cluster service are written.
//!
//! The service runs on Linux or macOS. A monitor of the same system has the built-in types; a monitor that is a Windows
//! program (under Wine) hosts Windows DLLs, and has the one built-in type that needs Windows, Generic Service. The service speaks of files in its own words, `/dir/file`;
//! Wine shows the whole file system of the host as drive `Z:`.
#![forbid(unsafe_code)]

pub(crate) use system::{built_in, opening, own_path, process_number, settle};

#[cfg(not(windows))]
pub(crate) use system::guard;
#[cfg(windows)]
pub(crate) use system::{guard, hold, service_as};

#[cfg(not(windows))]
mod system {
    use std::ffi::OsString;
    use std::path::{Path, PathBuf};
    use std::process::ExitCode;

    use crate::dll::provider::BuiltIn;

    /// The types that are linked into the monitor.
    pub(crate) fn built_in() -> Vec<BuiltIn> {
        vec![BuiltIn {
            dll_names: &[clusres::DLL_NAME, clusres::SECOND_DLL_NAME],
            startup: clusres::STARTUP,
            bind: resapi::door::bind_host,
        }]
    }

    /// Tells the built-in types where they are.
    pub(crate) fn settle(node: String, shared_dir: PathBuf, run_dir: PathBuf) -> Result<(), String> {
        let guard = std::env::current_exe().map_err(|error| format!("cannot find the own executable: {error}"))?;
        let place = clusres::place::Place { node, shared_dir, run_dir, guard };
        clusres::place::settle(place).map_err(|failure| failure.message)
    }

    /// Runs Open of a resource. Built-in types know each other by id; the C interface hands over only the name.
    pub(crate) fn opening<T>(id: &str, open: impl FnOnce() -> T) -> T {
        clusres::place::opening(id, open)
    }

    /// The guard of an application.
    pub(crate) fn guard(arguments: impl Iterator<Item = OsString>) -> ExitCode {
        ExitCode::from(u8::try_from(clusres::guard::main(arguments)).unwrap_or(u8::MAX))
    }

    /// A path of the service, as this program has to write it.
    pub(crate) fn own_path(path: &Path) -> PathBuf {
        path.to_owned()
    }

    /// The number of this process as the service knows it.
    pub(crate) fn process_number() -> u32 {
        std::process::id()
    }
}

#[cfg(windows)]
mod system {
    use std::ffi::OsString;
    use std::io::{Read, Write};
    use std::path::{Path, PathBuf};
    use std::process::ExitCode;
    use std::time::Duration;

    use crate::dll::provider::BuiltIn;
    use crate::dll::windows::{RegistryError, write_number, write_text};
    use crate::dll::windows_service::{Windows, run_under_name};
    use crate::protocol::{ALIVE, PROCESS_VARIABLE, READY};

    /// The drive that is the whole file system of the host.
    const HOST_DRIVE: &str = "Z:";

    /// Where Windows keeps the name that GetComputerName answers.
    const COMPUTER_NAMES: &str = r"SYSTEM\CurrentControlSet\Control\ComputerName";

    /// How often the holder of a world looks whether the wineserver is alive.
    const SERVER_LOOK: Duration = Duration::from_millis(500);

    /// Wine asked for the registry and refused, or standard input could not be read.
    const EXIT_NOT_READY: u8 = 5;

    /// What needs Windows.
    pub(crate) fn built_in() -> Vec<BuiltIn> {
        vec![BuiltIn {
            dll_names: generic_service::DLL_NAMES,
            startup: generic_service::STARTUP,
            bind: resapi::door::bind_host,
        }]
    }

    /// Tells the built-in types where they are.
    pub(crate) fn settle(node: String, shared_dir: PathBuf, _run_dir: PathBuf) -> Result<(), String> {
        let own = std::env::current_exe().map_err(|error| format!("cannot find the own executable: {error}"))?;
        let (shared_dir, program) = (own_path(&shared_dir), own.display().to_string());
        generic_service::settle(generic_service::Place { node, shared_dir, program, system: &Windows });
        Ok(())
    }

    /// Runs a service under a network name, see [`generic_service::command`].
    pub(crate) fn service_as() -> ExitCode {
        match run_under_name() {
            Ok(code) => ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX)),
            Err(problem) => {
                eprintln!("resmon: {problem}");
                ExitCode::from(crate::EXIT_USAGE)
            }
        }
    }

    pub(crate) fn opening<T>(_id: &str, open: impl FnOnce() -> T) -> T {
        open()
    }

    pub(crate) fn guard(_arguments: impl Iterator<Item = OsString>) -> ExitCode {
        eprintln!("resmon: applications are guarded by the monitor of the host, not by one under Wine");
        ExitCode::from(crate::EXIT_USAGE)
    }

    /// A path of the service, as this program has to write it.
    pub(crate) fn own_path(path: &Path) -> PathBuf {
        let text = path.to_string_lossy();
        if text.starts_with('/') {
            PathBuf::from(format!("{HOST_DRIVE}{}", text.replace('/', "\\")))
        } else {
            path.to_owned()
        }
    }

    /// The number of this process as the service knows it: that of the host, not the one that Wine made up.
    pub(crate) fn process_number() -> u32 {
        let told = std::env::var(PROCESS_VARIABLE).ok().and_then(|text| text.parse().ok());
        told.unwrap_or_else(std::process::id)
    }

    /// Keeps the Windows world of a node up (its registry, its service manager) until standard input ends, so that each
    /// monitor starts in a moment. Says `ready` when the world can be used.
    ///
    /// Also writes what programs look for to see whether they are on a cluster node: `HKLM\Cluster`, the ClusSvc service,
    /// and the name of the computer, which is that of the node.
    pub(crate) fn hold() -> ExitCode {
        let node = std::env::var("WOLFDEN_NODE").unwrap_or_default();
        if let Err(error) = describe_cluster(&node) {
            println!("the registry of the Wine prefix cannot be written: {error}");
            return ExitCode::from(EXIT_NOT_READY);
        }
        // Whoever listens may have gone; then the input ends too.
        let _ = writeln!(std::io::stdout(), "{READY}").and_then(|()| std::io::stdout().flush());
        std::thread::spawn(|| {
            let mut rest = [0; 64];
            while let Ok(1..) = std::io::stdin().read(&mut rest) {}
            std::process::exit(0);
        });
        // A thread that asks a dead wineserver for something is ended by Wine, the process is not: so the service notices by
        // the silence.
        loop {
            std::thread::sleep(SERVER_LOOK);
            crate::dll::windows::ask_server();
            let _ = writeln!(std::io::stdout(), "{ALIVE}").and_then(|()| std::io::stdout().flush());
        }
    }

    fn describe_cluster(node: &str) -> Result<(), RegistryError> {
        write_text("Cluster", "ClusterName", "Cluster")?;
        let service = r"SYSTEM\CurrentControlSet\Services\ClusSvc";
        write_text(service, "DisplayName", "Cluster Service")?;
        write_text(service, "ObjectName", "LocalSystem")?;
        write_text(service, "ImagePath", r"C:\windows\Cluster\clussvc.exe -s")?;
        // A service of its own process that somebody else starts: Wine must not try to.
        for (name, value) in [("Type", 0x10), ("Start", 3), ("ErrorControl", 1)] {
            write_number(service, name, value)?;
        }
        // Bits of ClusterInstallationState: 2 is configured.
        let installed = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion\Cluster Server";
        write_number(installed, "ClusterInstallationState", 2)?;
        if !node.is_empty() {
            write_text(r"SYSTEM\CurrentControlSet\Services\ClusSvc\Parameters", "NodeName", node)?;
            for key in ["ActiveComputerName", "ComputerName"] {
                write_text(&format!(r"{COMPUTER_NAMES}\{key}"), "ComputerName", &node.to_uppercase())?;
            }
            write_text(r"SYSTEM\CurrentControlSet\Services\Tcpip\Parameters", "Hostname", node)?;
        }
        Ok(())
    }
}
