//! `apk`, Alpine's package manager.

use std::fs;
use std::path::Path;

use super::{err, is_full, out};
use crate::guest::catalogue::{Package, find, packages};

const WORLD: &str = "/etc/apk/world";

fn world() -> Vec<String> {
    fs::read_to_string(WORLD).unwrap_or_default().split_whitespace().map(str::to_owned).collect()
}

/// `apk add|del|update|info|search …`
pub(super) fn main(args: &[String]) -> i32 {
    let words: Vec<&str> = args.iter().map(String::as_str).filter(|word| !word.starts_with('-')).collect();
    match words.split_first() {
        Some((&"update" | &"upgrade" | &"fix", _)) => {
            out(
                "fetch https://dl-cdn.alpinelinux.org/alpine/v3.20/main/x86_64/APKINDEX.tar.gz\nOK: 24148 distinct packages available\n",
            );
            0
        }
        Some((&"add", names)) => add(names),
        Some((&"del", names)) => {
            let left: Vec<String> =
                world().into_iter().filter(|name| !names.contains(&name.as_str())).collect();
            save(&left)
        }
        Some((&"info", names)) => info(names, args),
        Some((&"search", names)) => {
            for package in
                packages().iter().filter(|package| names.iter().all(|name| package.name.contains(name)))
            {
                if let Some(version) = &package.alpine {
                    out(format!("{}-{version}\n", package.name));
                }
            }
            0
        }
        Some((verb, _)) => {
            err(format!("ERROR: {verb}: unknown command"));
            1
        }
        None => {
            out("apk-tools 2.14.4, compiled for x86_64.\n");
            1
        }
    }
}

fn save(names: &[String]) -> i32 {
    match fs::write(WORLD, format!("{}\n", names.join("\n"))) {
        Ok(()) => {
            out(format!("OK: 12 MiB in {} packages\n", names.len() + 14));
            0
        }
        Err(error) => {
            err(format!("ERROR: {error}"));
            1
        }
    }
}

fn add(names: &[&str]) -> i32 {
    let have = world();
    let mut wanted: Vec<&'static Package> = Vec::new();
    for name in names {
        let bare = name.split(['=', '~', '<', '>', '@']).next().unwrap_or(name);
        let Some(package) = find(bare).filter(|package| package.alpine.is_some()) else {
            err(format!(
                "ERROR: unable to select packages:\n  {bare} (no such package):\n    required by: world[{bare}]"
            ));
            return 1;
        };
        let needed = package.closure().into_iter().filter(|other| other.alpine.is_some());
        wanted.extend(needed.filter(|other| !have.contains(&other.name)));
    }
    if is_full() {
        err("ERROR: No space left on device");
        return 1;
    }
    let mut all = have;
    for (index, package) in wanted.iter().enumerate() {
        if all.contains(&package.name) {
            continue;
        }
        out(format!(
            "({}/{}) Installing {} ({})\n",
            index + 1,
            wanted.len(),
            package.name,
            package.alpine.as_deref().unwrap_or_default()
        ));
        if let Err(error) = package.unpack(Path::new("/")).and_then(|()| init_scripts(package)) {
            err(format!("ERROR: {}: {error}", package.name));
            return 1;
        }
        all.push(package.name.clone());
    }
    save(&all)
}

/// OpenRC knows a service by its script; ours only names the unit behind it.
fn init_scripts(package: &Package) -> std::io::Result<()> {
    fs::create_dir_all("/etc/init.d")?;
    for unit in &package.units {
        let name = unit.name.trim_end_matches(".service");
        fs::write(
            format!("/etc/init.d/{name}"),
            format!("#!/sbin/openrc-run\ndescription=\"{}\"\n", unit.description),
        )?;
    }
    Ok(())
}

fn info(names: &[&str], args: &[String]) -> i32 {
    let have = world();
    if names.is_empty() {
        for name in &have {
            out(format!("{name}\n"));
        }
        return 0;
    }
    let mut code = 0;
    for name in names {
        match find(name).filter(|_| have.iter().any(|other| other == name)) {
            Some(_) if args.iter().any(|arg| arg == "-e" || arg == "--installed") => out(format!("{name}\n")),
            Some(package) => out(format!(
                "{name}-{} description:\n{}\n",
                package.alpine.as_deref().unwrap_or_default(),
                package.description
            )),
            None => code = 1,
        }
    }
    code
}
