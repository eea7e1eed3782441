//! `ss`: the listening sockets that really are there, with the processes that hold them.

use std::collections::HashMap;
use std::fs;
use std::net::Ipv4Addr;

use super::out;

#[derive(Debug)]
struct Socket {
    udp: bool,
    local: String,
    inode: String,
}

/// `ss [-H] [-t] [-u] [-l] [-n] [-p]`
pub(super) fn main(args: &[String]) -> i32 {
    let short: String = args
        .iter()
        .filter(|arg| arg.starts_with('-') && !arg.starts_with("--"))
        .map(String::as_str)
        .collect();
    let has = |letter: char, long: &str| short.contains(letter) || args.iter().any(|arg| arg == long);
    let (tcp, udp) = (has('t', "--tcp"), has('u', "--udp"));
    let both = tcp == udp;
    let processes = if has('p', "--processes") { holders() } else { HashMap::new() };
    if !has('H', "--no-header") {
        let kind = if both { "Netid " } else { "" };
        let last = if has('p', "--processes") { "Process" } else { "" };
        out(format!("{kind}State  Recv-Q Send-Q Local Address:Port Peer Address:Port{last}\n"));
    }
    for socket in sockets().iter().filter(|socket| both || socket.udp == udp) {
        let kind = match (both, socket.udp) {
            (false, _) => "",
            (true, true) => "udp   ",
            (true, false) => "tcp   ",
        };
        let (state, queue) = if socket.udp { ("UNCONN", 0) } else { ("LISTEN", 4096) };
        let peer = if socket.local.starts_with('*') {
            "*:*"
        } else if socket.local.starts_with('[') {
            "[::]:*"
        } else {
            "0.0.0.0:*"
        };
        let users = processes
            .get(&socket.inode)
            .map_or(String::new(), |users| format!(" users:({})", users.join(",")));
        out(format!("{kind}{state} 0      {queue:<4} {:>6} {peer}{users}\n", socket.local));
    }
    0
}

fn sockets() -> Vec<Socket> {
    let mut found = Vec::new();
    for (file, udp) in [("tcp", false), ("tcp6", false), ("udp", true), ("udp6", true)] {
        let text = fs::read_to_string(format!("/proc/net/{file}")).unwrap_or_default();
        for line in text.lines().skip(1) {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let (Some(local), Some(state), Some(inode)) = (fields.get(1), fields.get(3), fields.get(9))
            else {
                continue;
            };
            if *state == if udp { "07" } else { "0A" }
                && let Some(local) = address(local)
            {
                found.push(Socket { udp, local, inode: (*inode).to_owned() });
            }
        }
    }
    found
}

/// `0100007F:0050` as `127.0.0.1:80`; an IPv6 wildcard is `*`.
fn address(hex: &str) -> Option<String> {
    let (ip, port) = hex.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    if ip.len() == 8 {
        let ip = Ipv4Addr::from(u32::from_str_radix(ip, 16).ok()?.swap_bytes());
        return Some(format!("{ip}:{port}"));
    }
    if ip.bytes().all(|digit| digit == b'0') {
        return Some(format!("*:{port}"));
    }
    Some(if ip.ends_with("01000000") { format!("[::1]:{port}") } else { format!("[::]:{port}") })
}

fn holders() -> HashMap<String, Vec<String>> {
    let mut found: HashMap<String, Vec<String>> = HashMap::new();
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    for process in processes {
        let Some(pid) = process.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        let name = fs::read_to_string(process.path().join("comm")).unwrap_or_default();
        for fd in fs::read_dir(process.path().join("fd")).into_iter().flatten().flatten() {
            let target = fs::read_link(fd.path()).unwrap_or_default();
            let target = target.to_string_lossy();
            if let Some(inode) = target.strip_prefix("socket:[").and_then(|rest| rest.strip_suffix(']')) {
                let number = fd.file_name();
                let user = format!("(\"{}\",pid={pid},fd={})", name.trim(), number.to_string_lossy());
                found.entry(inode.to_owned()).or_default().push(user);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn kernel_addresses_are_read() {
        assert_eq!(address("0100007F:0050").as_deref(), Some("127.0.0.1:80"));
        assert_eq!(address("00000000000000000000000000000000:0016").as_deref(), Some("*:22"));
    }
}
