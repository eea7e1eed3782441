//! `tar`: the machine's own, unless the disk is to be full.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::Command;

use super::{bytes, err, is_full};

/// `tar …`
pub(super) fn main(args: &[OsString]) -> i32 {
    let extracts = args.first().is_some_and(|first| bytes(first).contains(&b'x')) || args.iter().any(|arg| arg == "--extract");
    if extracts && is_full() {
        err("tar: -: Cannot write: No space left on device\ntar: Exiting with failure status due to previous errors");
        return 2;
    }
    let error = Command::new("/usr/.machine/bin/tar").arg0("tar").args(args).exec();
    err(format!("tar: {error}"));
    127
}
