//! A million bytes of relocations would be read, and stay in memory, whenever a process starts: packed they are a few thousand.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
}
