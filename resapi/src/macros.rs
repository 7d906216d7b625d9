//! The two macros that turn resource types into a startup function. They only name things; all code is in the door.

/// Exports resource types from a `cdylib`: defines `StartupEx` (versions 1 to 4) and `Startup` (version 1), of which a
/// monitor looks one up by name, and `WolfdenBindHost`, through which a library outside of Windows gets the cluster registry.
///
/// Once per library, with every type in it: `resapi::export!(Mailbox, Printer);`
#[macro_export]
macro_rules! export {
    ($($resource_type:ty),+ $(,)?) => {
        $crate::startup_function! {
            #[unsafe(no_mangle)] Startup, $($resource_type),+
        }

        /// Gives a monitor the newest function table that it speaks of one of the resource types of this library.
        ///
        /// # Safety
        /// As for `Startup`; `callbacks` is NULL or a whole table.
        #[unsafe(no_mangle)]
        #[allow(non_snake_case)]
        unsafe extern "system" fn StartupEx(
            resource_type: $crate::sys::abi::LPCWSTR,
            min_version: u32,
            max_version: u32,
            callbacks: *mut $crate::sys::abi::CLRES_CALLBACK_FUNCTION_TABLE,
            table: *mut *mut $crate::sys::abi::CLRES_FUNCTION_TABLE,
        ) -> u32 {
            const ENTRIES: &[$crate::door::Entry] = &[$($crate::door::Entry::of::<$resource_type>()),+];
            // SAFETY: the monitor's promises above are the ones that the door asks for.
            unsafe {
                $crate::door::startup_ex(ENTRIES, resource_type, min_version, max_version, callbacks, table)
            }
        }

        /// Lists the names of the resource types, for tools: NUL-terminated texts, of which the last is empty.
        #[unsafe(no_mangle)]
        #[allow(non_snake_case)]
        extern "system" fn WolfdenResourceTypes() -> $crate::sys::abi::LPCWSTR {
            static NAMES: std::sync::OnceLock<Vec<u16>> = std::sync::OnceLock::new();
            const ENTRIES: &[$crate::door::Entry] = &[$($crate::door::Entry::of::<$resource_type>()),+];
            NAMES.get_or_init(|| $crate::door::type_names(ENTRIES)).as_ptr()
        }

        /// Receives the host's functions, once, before the first `Startup`.
        ///
        /// # Safety
        /// The caller is a host: `table` is NULL or a host table that lives as long as this library is loaded.
        #[unsafe(no_mangle)]
        #[allow(non_snake_case)]
        unsafe extern "system" fn WolfdenBindHost(table: *const $crate::sys::host::HostTable) -> u32 {
            // SAFETY: the host's promise above is the one that the door asks for.
            unsafe { $crate::door::bind_host(table) }
        }
    };
}

/// Defines a constant with the startup function of some resource types, without exporting anything: for types that
/// are linked into the monitor, and for tests.
///
/// `resapi::table!(pub STARTUP = GenericApplication, GenericScript);` gives `pub const STARTUP: STARTUP_ROUTINE`.
/// The process calls `resapi::door::bind_host` once before it calls the function.
#[macro_export]
macro_rules! table {
    ($(#[$attribute:meta])* $visibility:vis $name:ident = $($resource_type:ty),+ $(,)?) => {
        $(#[$attribute])*
        $visibility const $name: $crate::sys::abi::STARTUP_ROUTINE = {
            $crate::startup_function!(#[inline(never)] startup, $($resource_type),+);
            startup
        };
    };
}

/// The function behind both macros.
#[doc(hidden)]
#[macro_export]
macro_rules! startup_function {
    (#[$attribute:meta] $name:ident, $($resource_type:ty),+) => {
        /// Gives a monitor the function table of one of the resource types of this library.
        ///
        /// # Safety
        /// The caller is a monitor: text is NUL-terminated UTF-16, the callbacks may be called from any thread as
        /// long as the library is loaded, and `table` is NULL or writable.
        #[$attribute]
        #[allow(non_snake_case)]
        unsafe extern "system" fn $name(
            resource_type: $crate::sys::abi::LPCWSTR,
            min_version: u32,
            max_version: u32,
            set_resource_status: $crate::sys::abi::PSET_RESOURCE_STATUS_ROUTINE,
            log_event: $crate::sys::abi::PLOG_EVENT_ROUTINE,
            table: *mut *mut $crate::sys::abi::CLRES_FUNCTION_TABLE,
        ) -> u32 {
            const ENTRIES: &[$crate::door::Entry] = &[$($crate::door::Entry::of::<$resource_type>()),+];
            // SAFETY: the monitor's promises above are the ones that the door asks for.
            unsafe {
                $crate::door::startup(
                    ENTRIES, resource_type, min_version, max_version, set_resource_status, log_event, table,
                )
            }
        }
    };
}
