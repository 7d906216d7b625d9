//! Why a resource could not do what it was asked: an error number and a sentence.

use std::fmt;

use resapi_sys_mock::codes::win32;

/// A resource honestly failed. The code goes to the cluster, the message into the cluster log.
///
/// `?` works on `std::io::Error`. The message should say what to do, not only what went wrong:
/// `Failure::new(2, "the directory of Path does not exist: create it or change Path")`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Win32 error number, never 0. Names are in `resapi_sys_mock::codes::win32`.
    pub code: u32,
    /// One sentence for the log; cut at 500 characters there.
    pub message: String,
}

impl Failure {
    /// A failure with a Win32 error number. 0 and 997 (success and pending) become 31 (general failure): a failure
    /// must not read as a success anywhere.
    pub fn new(code: u32, message: impl Into<String>) -> Self {
        let code = match code {
            win32::ERROR_SUCCESS | win32::ERROR_IO_PENDING => win32::ERROR_GEN_FAILURE,
            honest => honest,
        };
        Self { code, message: message.into() }
    }

    /// The work was given up because a stop was requested (995). Return it from `online` or `offline` when
    /// [`crate::Progress::wait`] or [`crate::Progress::checkpoint`] said `false`.
    pub fn stopped() -> Self {
        Self::new(win32::ERROR_OPERATION_ABORTED, "stopped on request")
    }

    /// A number alone, described by its name.
    pub(crate) fn from_code(code: u32, what: &str) -> Self {
        let name = win32::name(code).unwrap_or("unknown error");
        Self::new(code, format!("{what}: {name}"))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (error {}", self.message, self.code)?;
        match win32::name(self.code) {
            Some(name) => write!(f, ", {name})"),
            None => write!(f, ")"),
        }
    }
}

impl std::error::Error for Failure {}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        use std::io::ErrorKind;
        let code = match error.kind() {
            ErrorKind::NotFound => win32::ERROR_FILE_NOT_FOUND,
            ErrorKind::PermissionDenied => win32::ERROR_ACCESS_DENIED,
            ErrorKind::AlreadyExists => win32::ERROR_ALREADY_EXISTS,
            ErrorKind::ConnectionRefused => win32::ERROR_CONNECTION_REFUSED,
            ErrorKind::NetworkUnreachable => win32::ERROR_NETWORK_UNREACHABLE,
            ErrorKind::HostUnreachable => win32::ERROR_HOST_UNREACHABLE,
            ErrorKind::TimedOut => win32::ERROR_TIMEOUT,
            ErrorKind::InvalidInput => win32::ERROR_INVALID_PARAMETER,
            ErrorKind::InvalidData => win32::ERROR_INVALID_DATA,
            ErrorKind::OutOfMemory => win32::ERROR_NOT_ENOUGH_MEMORY,
            ErrorKind::Unsupported => win32::ERROR_NOT_SUPPORTED,
            ErrorKind::ResourceBusy => win32::ERROR_BUSY,
            ErrorKind::NotADirectory => win32::ERROR_PATH_NOT_FOUND,
            // The list of kinds is open: what has no Win32 sister is a general failure.
            _ => match error.raw_os_error() {
                // On Windows the number is already the right one.
                Some(code) if cfg!(windows) => code.unsigned_abs(),
                _ => win32::ERROR_GEN_FAILURE,
            },
        };
        Self::new(code, error.to_string())
    }
}
