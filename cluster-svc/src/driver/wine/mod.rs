//! Windows resource DLLs under Wine: which types need it, what is refused before anything is started, and the processes.
//!
//! The engine knows monitors by their keys and nothing of Wine. The driver serves a key by up to two processes: a native
//! monitor, and one that is a Windows program (`resmon.exe`, the same sources) and runs under Wine in the private prefix of
//! the node. Which of them a resource lives in follows from the `DllName` of its type (`choice`), so that a group can mix
//! both kinds.
//!
//! 1. A type whose `DllName` is a Windows DLL is looked at first (`image`): a DLL for another processor, a broken file, a
//!    missing import is refused when the resource is opened, in words, and no process is started for it. So is a machine
//!    without Wine (`installation`).
//! 2. The service starts its own executable with [`launch::WORD`]. That process makes the prefix when there is none
//!    (`prefix`), wakes the Windows world of the node when it sleeps (`launch`), and *becomes* Wine by exec. So the
//!    monitor is a child of the service with one process number from its first moment, and killing, watching and the lock
//!    that it inherits are those of any monitor.
//! 3. Wine's own processes (wineserver, services.exe) live under a lock of their own, `monitor-wine.lock`, which the next
//!    life of the service waits for like for those of monitors.
//!
//! Facts about Wine that this rests on are in docs/wine.md.

pub mod choice;
pub(crate) mod command_world;
pub(crate) mod image;
pub(crate) mod installation;
pub mod launch;
pub(crate) mod prefix;
pub(crate) mod world;

pub(super) use choice::{Host, Kind, Windows};
