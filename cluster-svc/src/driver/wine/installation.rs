//! Finding Wine on this machine, and the Windows half of Wolfden beside the executable.

use std::path::{Path, PathBuf};

/// Names the program that runs Windows programs, when it is not where it usually is.
pub(crate) const WINE_VARIABLE: &str = "WOLFDEN_WINE";

/// Names the directory with `resmon.exe`, when it is not `windows` beside the executable.
pub(crate) const WINDOWS_DIR_VARIABLE: &str = "WOLFDEN_WINDOWS_DIR";

/// The oldest major version that is known to work.
pub(crate) const OLDEST_MAJOR: u32 = 8;

/// Where distributions put the program itself. The `wine` in the path is a script on Debian that starts it, and comes last:
/// a script between the service and Wine would have to exec to keep its process number.
const LOADERS: &[&str] = &[
    "/usr/lib/wine/wine64",
    "/opt/wine-stable/bin/wine64",
    "/opt/wine-staging/bin/wine64",
    "/opt/wine-devel/bin/wine64",
    "/opt/wine-stable/bin/wine",
    "/opt/wine-staging/bin/wine",
    "/opt/wine-devel/bin/wine",
];

/// How to get it.
const REMEDY: &str = "Install it on every node: on Debian or Ubuntu `apt-get install --no-install-recommends wine wine64`, on Fedora `dnf install wine-core`; any version from 8.0 on will do. Or name the program in WOLFDEN_WINE";

/// What is needed to host Windows DLLs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Installation {
    /// The program that runs Windows programs.
    pub(crate) loader: PathBuf,
    /// The directory with `resmon.exe`, `clusapi.dll` and `resutils.dll`.
    pub(crate) windows_dir: PathBuf,
}

/// Finds everything, or says what is missing and how to get it.
///
/// # Errors
/// In words.
pub(crate) fn find(executable: &Path) -> Result<Installation, String> {
    let loader = loader(std::env::var_os(WINE_VARIABLE).map(PathBuf::from), std::env::var_os("PATH"))?;
    let beside = executable.parent().unwrap_or(Path::new("."));
    let windows_dir = std::env::var_os(WINDOWS_DIR_VARIABLE).map_or_else(|| beside.join("windows"), PathBuf::from);
    if !windows_dir.join(RESMON).is_file() {
        return Err(format!(
            "{} is missing: it is the Resource Monitor for Windows DLLs. Build it with `cargo xtask windows`, or name its directory in {WINDOWS_DIR_VARIABLE}",
            windows_dir.join(RESMON).display()
        ));
    }
    Ok(Installation { loader, windows_dir })
}

/// The monitor as a Windows program.
pub(crate) const RESMON: &str = "resmon.exe";

fn loader(named: Option<PathBuf>, path: Option<std::ffi::OsString>) -> Result<PathBuf, String> {
    if let Some(named) = named {
        return if named.is_file() {
            Ok(named)
        } else {
            Err(format!("{WINE_VARIABLE} names {}, which is no file", named.display()))
        };
    }
    let known = LOADERS.iter().map(PathBuf::from);
    let dirs: Vec<PathBuf> = path.map(|path| std::env::split_paths(&path).collect()).unwrap_or_default();
    let in_path = ["wine64", "wine"].into_iter().flat_map(|name| dirs.iter().map(move |dir| dir.join(name)));
    let mut found = in_path.clone().filter(|file| file.ends_with("wine64")).chain(known).chain(in_path);
    found.find(|file| file.is_file()).ok_or_else(|| format!("Windows DLLs need Wine, which is not there. {REMEDY}"))
}

/// The major version in what `wine --version` says, e.g. `wine-8.0 (Debian 8.0~repack-4)`.
pub(crate) fn major(version: &str) -> Option<u32> {
    version.trim().strip_prefix("wine-")?.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read() {
        let cases = [
            ("wine-8.0 (Debian 8.0~repack-4)\n", Some(8)),
            ("wine-10.3", Some(10)),
            ("wine-9.0-rc1", Some(9)),
            ("", None),
            ("wine", None),
            ("something else", None),
        ];
        for (text, expected) in cases {
            assert_eq!(major(text), expected, "{text}");
        }
    }

    #[test]
    fn wine_is_found_by_name_or_by_path() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("wine64");
        std::fs::write(&file, "").expect("written");
        assert_eq!(loader(Some(file.clone()), None), Ok(file.clone()));
        assert_eq!(loader(None, Some(folder.path().into())), Ok(file));
        let missing = loader(Some(folder.path().join("no")), None).expect_err("not there");
        assert!(missing.contains(WINE_VARIABLE), "{missing}");
    }

    #[test]
    fn the_missing_half_is_named_with_its_remedy() {
        let folder = tempfile::tempdir().expect("a folder");
        let problem = find(&folder.path().join("cluster")).expect_err("nothing is there");
        assert!(problem.contains("xtask windows") || problem.contains("apt-get"), "{problem}");
    }
}
