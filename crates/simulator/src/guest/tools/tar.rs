//! `tar`: the machine's own, unless the disk is to be full.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::Command;

use super::{bytes, err, is_full};
use crate::guest::init::all_ids_mapped;

/// `tar …`
pub(super) fn main(args: &[OsString]) -> i32 {
    let extracts = args.first().is_some_and(|first| bytes(first).contains(&b'x'))
        || args.iter().any(|arg| arg == "--extract");
    if extracts && is_full() {
        err(
            "tar: -: Cannot write: No space left on device\ntar: Exiting with failure status due to previous errors",
        );
        return 2;
    }
    let mut command = Command::new("/usr/.machine/bin/tar");
    command.arg0("tar").args(args);
    if extracts && !all_ids_mapped() {
        // There is no other owner to give here.
        command.arg("--no-same-owner");
    }
    let error = command.exec();
    err(format!("tar: {error}"));
    127
}
