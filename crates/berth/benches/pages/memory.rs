//! Memory of a process, as the kernel counts it.

/// Resident memory of a process now and at most so far, in MiB: `VmRSS` and `VmHWM` of `/proc/PID/status`.
pub(crate) fn of(pid: u32) -> (f64, f64) {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let mebibytes = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.split_whitespace().next().unwrap().parse::<f64>().unwrap() / 1024.0
    };
    (mebibytes("VmRSS:"), mebibytes("VmHWM:"))
}
