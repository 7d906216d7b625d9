//! Which cluster a name means (reference 08.1).
//!
//! NULL is the cluster of this computer: the address in the environment variable `CLUSTER_ENDPOINT` (a Resource Monitor has
//! it set to its own node), or the lab whose address stands in `wolfden/lab.json` in the user's state directory. A name with
//! a port is an address. Any other name is that of the cluster just described, or of one of its nodes.

use std::path::PathBuf;

use resapi_sys_mock::codes::win32::{EPT_S_NOT_REGISTERED, RPC_S_SERVER_UNAVAILABLE};

use crate::session::Session;

/// Where the local cluster is.
const ENDPOINT_VARIABLE: &str = "CLUSTER_ENDPOINT";

/// Connects with the cluster of that name; `None` is the local one.
///
/// # Errors
/// 1753 when there is no local cluster, 1722 when it does not answer or no cluster has the name.
pub(crate) fn open(name: Option<&str>) -> Result<Session, u32> {
    match name {
        None | Some("" | ".") => Session::open(&local_endpoint().ok_or(EPT_S_NOT_REGISTERED)?, None),
        Some(address) if is_address(address) => Session::open(address, None),
        Some(name) => {
            let endpoint = local_endpoint().ok_or(RPC_S_SERVER_UNAVAILABLE)?;
            let session = Session::open(&endpoint, Some(name))?;
            let is_node = session.nodes().iter().any(|node| node.name.eq_ignore_ascii_case(name));
            let is_ours = is_node || session.cluster()?.name.eq_ignore_ascii_case(name);
            if is_ours { Ok(session) } else { Err(RPC_S_SERVER_UNAVAILABLE) }
        }
    }
}

/// The address of the local cluster, if there is one.
pub(crate) fn local_endpoint() -> Option<String> {
    let set = std::env::var(ENDPOINT_VARIABLE).ok().filter(|value| !value.is_empty());
    set.or_else(|| url_of(&std::fs::read_to_string(lab_file()?).ok()?))
}

fn lab_file() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(|value| own_path(value.into()));
    let state = set("XDG_STATE_HOME").or_else(|| Some(set(HOME_VARIABLE)?.join(".local/state")))?;
    Some(state.join("wolfden").join("lab.json"))
}

/// Names the home directory of the user.
#[cfg(not(windows))]
const HOME_VARIABLE: &str = "HOME";

/// Names that of the host: Wine has another HOME, and keeps this one.
#[cfg(windows)]
const HOME_VARIABLE: &str = "WINEHOMEDIR";

/// A path of the host, as this program has to write it.
fn own_path(path: PathBuf) -> PathBuf {
    if cfg!(windows) { path.to_str().map(wine_path).unwrap_or(path) } else { path }
}

/// A path of the host under Wine, where drive Z: is its whole file system: `/x`, or as the kernel of Windows writes it,
/// `\??\Z:\x` or `\??\unix\x`.
fn wine_path(text: &str) -> PathBuf {
    let plain = text.strip_prefix(r"\??\").unwrap_or(text);
    let rest = plain.strip_prefix(r"unix").filter(|rest| rest.starts_with('\\') || rest.starts_with('/'));
    match rest.or_else(|| Some(plain).filter(|plain| plain.starts_with('/'))) {
        Some(rest) => PathBuf::from(format!("Z:{rest}")),
        None => PathBuf::from(plain),
    }
}

/// The value of `url` in a file that is known to have no escapes in it.
fn url_of(json: &str) -> Option<String> {
    let (_, after) = json.split_once("\"url\"")?;
    let (_, after) = after.split_once('"')?;
    after.split_once('"').map(|(url, _)| url.to_owned())
}

fn is_address(name: &str) -> bool {
    let rest = name.strip_prefix("http://").unwrap_or(name);
    let has_port = rest.trim_end_matches('/').rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    has_port || name.starts_with("http://")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_from_names() {
        for address in ["127.0.0.1:7820", "http://127.0.0.1:7820", "http://127.0.0.1:7820/", "localhost:1"] {
            assert!(is_address(address), "{address}");
        }
        for name in ["LAB", "n1", "127.0.0.1", "n1:x", ""] {
            assert!(!is_address(name), "{name}");
        }
    }

    #[test]
    fn paths_of_the_host_are_found_under_wine() {
        let cases = [
            ("/root", "Z:/root"),
            (r"\??\Z:\root", r"Z:\root"),
            (r"\??\unix\root", r"Z:\root"),
            (r"\??\unix/root", "Z:/root"),
            (r"C:\users\x", r"C:\users\x"),
            ("unixoid", "unixoid"),
        ];
        for (text, expected) in cases {
            assert_eq!(wine_path(text), PathBuf::from(expected), "{text}");
        }
    }

    #[test]
    fn the_lab_file_names_its_address() {
        assert_eq!(url_of(r#"{"url":"http://127.0.0.1:1","pid":7}"#).as_deref(), Some("http://127.0.0.1:1"));
        assert_eq!(url_of(r#"{"pid":7, "url" : "http://x"}"#).as_deref(), Some("http://x"));
        assert_eq!(url_of("{}"), None);
    }
}
