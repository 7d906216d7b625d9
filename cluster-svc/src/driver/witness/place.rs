//! Where the witness's store lies: on the device of the quorum resource, in the folder that `Quorum\Path` names.
//!
//! What the cluster registry says is read in the node's task, without touching a device; the folder itself is looked for
//! later, by the thread that may wait for one.

use std::path::{Component, Path, PathBuf};

use clusreg::Hive;
use clusres::device;
use cluster_engine::Guid;

/// The folder on the device when `Quorum\Path` says nothing (reference 07.4).
const DEFAULT_FOLDER: &str = "MSCS";
/// Below the shared directory: the folders of quorum resources of other types, one per resource.
const OTHER_TYPES: &str = "quorum";

/// What the registry says about the quorum device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::driver) struct Place {
    resource: Guid,
    device: Device,
    path: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Device {
    Disk { path: String, signature: u32, disk_signature: u32 },
    Share { path: String },
    Other,
}

impl Place {
    /// Of this quorum resource.
    pub(in crate::driver) fn read(hive: &Hive, resource: Guid) -> Place {
        let parameters = format!("Resources\\{resource}\\Parameters");
        let text = |name| hive.sz(&parameters, name).unwrap_or_default();
        let number = |name| hive.dword(&parameters, name).unwrap_or_default();
        let type_name = hive.sz(&format!("Resources\\{resource}"), "Type").unwrap_or_default();
        let is = |name: &str| type_name.eq_ignore_ascii_case(name);
        let device = if is("Physical Disk") {
            let (signature, disk_signature) = (number("Signature"), number("DiskSignature"));
            Device::Disk { path: text("DiskPath"), signature, disk_signature }
        } else if is("File Share Witness") {
            Device::Share { path: text("SharePath") }
        } else {
            Device::Other
        };
        Place { resource, device, path: hive.sz("Quorum", "Path").unwrap_or_default() }
    }

    /// The folder of the witness's store. The device has to be there, the folder need not.
    ///
    /// # Errors
    /// In words.
    pub(super) fn folder(&self, shared_dir: &Path) -> Result<PathBuf, String> {
        let root = match &self.device {
            Device::Disk { path, signature, disk_signature } => {
                device::disk_folder(shared_dir, path, *signature, *disk_signature)
            }
            Device::Share { path } => device::share_folder(shared_dir, path, &self.resource.to_string()),
            Device::Other => Ok(shared_dir.join(OTHER_TYPES).join(self.resource.to_string())),
        };
        let root = root.map_err(|failure| failure.to_string())?;
        Ok(root.join(self.below()?))
    }

    /// `Quorum\Path` as a path below the device. A drive letter says nothing here: the resource says which device.
    fn below(&self) -> Result<PathBuf, String> {
        let text = self.path.replace('\\', "/");
        let text = match text.split_once(':') {
            Some((drive, rest)) if drive.len() == 1 => rest,
            Some(_) | None => &text,
        };
        let path: PathBuf = text.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
        if !path.components().all(|part| matches!(part, Component::Normal(_))) {
            return Err(format!(
                "{} is no folder on the quorum device; set another one with the quorum, {DEFAULT_FOLDER} for example",
                self.path
            ));
        }
        Ok(if path.as_os_str().is_empty() { DEFAULT_FOLDER.into() } else { path })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clusreg::{Batch, FileTime, Value};

    const ID: Guid = Guid(5);

    fn folder(type_name: &str, parameters: &[(&str, Value)], path: &str, shared: &Path) -> Result<PathBuf, String> {
        let mut hive = Hive::new();
        let key = format!("Resources\\{ID}");
        let mut batch = Batch::at("").create_key(&key).set_value("Type", Value::sz(type_name));
        batch = batch.create_key(format!("{key}\\Parameters"));
        for (name, value) in parameters {
            batch = batch.set_value(*name, value.clone());
        }
        hive.apply(&batch, FileTime(1)).expect("a good batch");
        let batch = Batch::at("").create_key("Quorum").set_value("Path", Value::sz(path));
        hive.apply(&batch, FileTime(2)).expect("a good batch");
        Place::read(&hive, ID).folder(shared)
    }

    #[test]
    fn the_store_lies_on_the_device_of_the_resource() {
        let shared = tempfile::tempdir().expect("a folder");
        let check = |type_name: &str, parameters: &[(&str, Value)], path: &str, expected: &str| {
            let found = folder(type_name, parameters, path, shared.path()).expect(expected);
            assert_eq!(found, shared.path().join(expected), "{type_name} {path}");
        };
        check("Physical Disk", &[("DiskPath", Value::sz("q"))], "", "disks/q/MSCS");
        check("physical disk", &[("DiskPath", Value::sz("disks/q"))], "MSCS\\deep\\", "disks/q/MSCS/deep");
        check("Physical Disk", &[("Signature", Value::dword(255))], "Q:\\x", "disks/000000ff/x");
        check("Physical Disk", &[("DiskSignature", Value::dword(1))], "/x/./y", "disks/00000001/x/y");
        check("File Share Witness", &[("SharePath", Value::sz("s"))], "", &format!("s/{ID}/MSCS"));
        check("Mine", &[], "", &format!("quorum/{ID}/MSCS"));
        let refuse = |parameters: &[(&str, Value)], path: &str, part: &str| {
            let error = folder("Physical Disk", parameters, path, shared.path()).expect_err(part);
            assert!(error.contains(part), "{error}");
        };
        refuse(&[("DiskPath", Value::sz("q"))], "..\\x", "no folder on the quorum device");
        refuse(&[], "", "set DiskPath");
        refuse(&[("DiskPath", Value::sz("/no/such/disk"))], "", "/no/such/disk");
    }
}
