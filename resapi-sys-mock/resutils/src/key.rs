//! A key of the cluster registry, by the functions of libclusapi: the store behind property tables, and value helpers.

use resapi_sys_mock::abi::{HKEY, KEY_ALL_ACCESS, KEY_READ};
use resapi_sys_mock::codes::win32::*;
use resapi_sys_mock::property_table::{Store, Stored};
use resapi_sys_mock::wide;

use crate::imports::*;

/// How often a read is tried again because the value grew in between.
const READ_TRIES: usize = 8;
/// The longest name, in characters with the NUL.
const NAME_UNITS: usize = 16 * 1024;

/// A key that somebody else closes.
#[derive(Clone, Copy)]
pub(crate) struct Key(pub(crate) HKEY);

/// A key that is closed at the end.
pub(crate) struct OwnKey(pub(crate) Key);

impl Drop for OwnKey {
    fn drop(&mut self) {
        // SAFETY: libclusapi checks handles; nothing can be done about an error here.
        unsafe { ClusterRegCloseKey(self.0.0) };
    }
}

pub(crate) fn check(code: u32) -> Result<(), u32> {
    if code == ERROR_SUCCESS { Ok(()) } else { Err(code) }
}

impl Key {
    /// A key below this one.
    pub(crate) fn open(self, path: &str) -> Result<OwnKey, u32> {
        let (path, mut result) = (wide::units(path), std::ptr::null_mut());
        // SAFETY: the text is NUL-terminated, `result` is ours; libclusapi checks the handle.
        check(unsafe { ClusterRegOpenKey(self.0, path.as_ptr(), KEY_READ, &mut result) } as u32)?;
        Ok(OwnKey(Key(result)))
    }

    /// A key below this one, made when it is missing.
    pub(crate) fn create(self, path: &str) -> Result<OwnKey, u32> {
        let (path, mut result) = (wide::units(path), std::ptr::null_mut());
        let (none, nobody) = (std::ptr::null(), std::ptr::null_mut());
        // SAFETY: as above; both NULLs are allowed.
        let code = unsafe { ClusterRegCreateKey(self.0, path.as_ptr(), 0, KEY_ALL_ACCESS, none, &mut result, nobody) };
        check(code as u32)?;
        Ok(OwnKey(Key(result)))
    }

    /// Type and bytes of a value. 2 when it is missing.
    pub(crate) fn read(self, name: &str) -> Result<(u32, Vec<u8>), u32> {
        let name = wide::units(name);
        let (mut kind, mut size) = (0, 0);
        // SAFETY: the text is NUL-terminated, the numbers are ours; without a buffer only the size is told.
        let first = unsafe { ClusterRegQueryValue(self.0, name.as_ptr(), &mut kind, std::ptr::null_mut(), &mut size) };
        check(first as u32)?;
        for _ in 0..READ_TRIES {
            // One byte more, so that an empty value does not look like a missing buffer.
            let mut bytes = vec![0; size as usize + 1];
            let mut room = bytes.len() as u32;
            // SAFETY: as above; the buffer has the room stated.
            let code = unsafe { ClusterRegQueryValue(self.0, name.as_ptr(), &mut kind, bytes.as_mut_ptr(), &mut room) };
            match code as u32 {
                ERROR_SUCCESS => {
                    bytes.truncate(room as usize);
                    return Ok((kind, bytes));
                }
                ERROR_MORE_DATA => size = room,
                code => return Err(code),
            }
        }
        Err(ERROR_MORE_DATA)
    }

    /// Writes a value.
    pub(crate) fn write(self, name: &str, kind: u32, bytes: &[u8]) -> Result<(), u32> {
        let name = wide::units(name);
        let size = u32::try_from(bytes.len()).map_err(|_| ERROR_INVALID_PARAMETER)?;
        // SAFETY: the text is NUL-terminated, the bytes are `size` long.
        check(unsafe { ClusterRegSetValue(self.0, name.as_ptr(), kind, bytes.as_ptr(), size) })
    }

    /// Deletes a value. 2 when it is missing.
    pub(crate) fn remove(self, name: &str) -> Result<(), u32> {
        let name = wide::units(name);
        // SAFETY: the text is NUL-terminated.
        check(unsafe { ClusterRegDeleteValue(self.0, name.as_ptr()) })
    }

    /// Names of the subkeys.
    pub(crate) fn subkeys(self) -> Result<Vec<String>, u32> {
        let mut found = Vec::new();
        loop {
            let mut name = vec![0; NAME_UNITS];
            let mut units = NAME_UNITS as u32;
            // SAFETY: the buffer has the room stated; NULL for the time is allowed.
            let code = unsafe {
                ClusterRegEnumKey(self.0, found.len() as u32, name.as_mut_ptr(), &mut units, std::ptr::null_mut())
            };
            match code as u32 {
                ERROR_SUCCESS => found.push(String::from_utf16_lossy(&name[..units as usize])),
                ERROR_NO_MORE_ITEMS => return Ok(found),
                code => return Err(code),
            }
        }
    }

    /// The key in which an item of a table has its value; `None` while that key is missing.
    fn place(self, key_name: &str) -> Result<Option<OwnKey>, u32> {
        match self.open(key_name) {
            Ok(key) => Ok(Some(key)),
            Err(ERROR_FILE_NOT_FOUND) => Ok(None),
            Err(code) => Err(code),
        }
    }
}

impl Store for Key {
    fn query(&self, key_name: &str, name: &str) -> Result<Option<(u32, Vec<u8>)>, u32> {
        let found = match key_name {
            "" => self.read(name),
            sub => match self.place(sub)? {
                Some(key) => key.0.read(name),
                None => return Ok(None),
            },
        };
        match found {
            Err(ERROR_FILE_NOT_FOUND) => Ok(None),
            found => found.map(Some),
        }
    }

    fn set(&self, key_name: &str, name: &str, kind: u32, bytes: &[u8]) -> Result<(), u32> {
        match key_name {
            "" => self.write(name, kind, bytes),
            sub => self.create(sub)?.0.write(name, kind, bytes),
        }
    }

    fn delete(&self, key_name: &str, name: &str) -> Result<(), u32> {
        let deleted = match key_name {
            "" => self.remove(name),
            sub => match self.place(sub)? {
                Some(key) => key.0.remove(name),
                None => return Ok(()),
            },
        };
        match deleted {
            Err(ERROR_FILE_NOT_FOUND) => Ok(()),
            deleted => deleted,
        }
    }

    fn all(&self) -> Result<Vec<Stored>, u32> {
        let mut found: Vec<Stored> = Vec::new();
        loop {
            let mut name = vec![0; NAME_UNITS];
            let mut units = NAME_UNITS as u32;
            // SAFETY: the buffer has the room stated; NULL for type and value is allowed.
            let code = unsafe {
                let nothing = std::ptr::null_mut();
                ClusterRegEnumValue(
                    self.0,
                    found.len() as u32,
                    name.as_mut_ptr(),
                    &mut units,
                    nothing,
                    std::ptr::null_mut(),
                    std::ptr::null_mut(),
                )
            };
            match code {
                ERROR_SUCCESS => {
                    let name = String::from_utf16_lossy(&name[..units as usize]);
                    match self.read(&name) {
                        Ok((kind, bytes)) => found.push((name, kind, bytes)),
                        // Deleted between the two calls: the list has shifted, so it is read again.
                        Err(ERROR_FILE_NOT_FOUND) => found.clear(),
                        Err(code) => return Err(code),
                    }
                }
                ERROR_NO_MORE_ITEMS => return Ok(found),
                code => return Err(code),
            }
        }
    }
}
