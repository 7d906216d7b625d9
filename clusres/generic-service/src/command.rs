//! The command line by which a service is started under a network name.
//!
//! A service finds the name in its environment (reference 09.2). The service control manager of Windows takes the environment from
//! the key of the service; that of Wine does not. So for the moment of the start the command of the service is one of the
//! monitor's executable, which sets the environment and runs the real command behind it.

/// The word that makes the monitor's executable run a service. The network name follows, then ` -- ` and the real command.
pub const WORD: &str = "--service-as";

/// Behind it the real command begins.
const MARK: &str = " -- ";

/// The command that runs `real` under the name. `program` is the monitor's executable.
#[must_use]
pub fn under_name(program: &str, name: &str, real: &str) -> String {
    format!("\"{program}\" {WORD} {name}{MARK}{real}")
}

/// Network name and real command of what [`under_name`] has made; `None` for any other command.
#[must_use]
pub fn parts(command: &str) -> Option<(&str, &str)> {
    let (program, rest) = command.split_once(&format!(" {WORD} "))?;
    // What runs the monitor's executable has no other words before ours.
    let is_program =
        program.strip_prefix('"').map_or(!program.contains(' '), |rest| rest.find('"') == Some(rest.len() - 1));
    rest.split_once(MARK).filter(|(name, real)| is_program && !name.contains(' ') && !real.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_real_command_comes_back() {
        for real in [r#""C:\Program Files\x.exe" -- /a "b c""#, r"C:\x.exe", r#"x --service-as Y -- z"#] {
            let command = under_name(r"Z:\opt\my own\resmon.exe", "WEB", real);
            assert_eq!(parts(&command), Some(("WEB", real)), "{command}");
        }
        for other in ["", r#""C:\a b.exe" x --service-as WEB -- y"#, "x --service-as WEB", "x --service-as WEB -- "] {
            assert_eq!(parts(other), None, "{other}");
        }
        assert_eq!(parts("x --service-as WEB -- y"), Some(("WEB", "y")), "without quotation marks, as main sees it");
    }
}
