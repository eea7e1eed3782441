//! What to think twice about: more than the node has, or than is free on it.

use super::{Capacity, NodeOptions};

/// What a container would take from its node; `None` where that cannot be read yet.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted<'a> {
    /// CPU cores.
    pub cores: Option<u32>,
    /// Memory in MiB.
    pub memory: Option<u32>,
    /// Swap in MiB.
    pub swap: Option<u32>,
    /// Root disk in GiB.
    pub disk: Option<u32>,
    /// Storage of the root disk.
    pub storage: &'a str,
}

/// A warning, and the field of the form it is about. It refuses nothing: nodes are overcommitted on purpose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubt {
    /// `cores`, `memory`, `swap` or `disk`.
    pub field: &'static str,
    /// What is too much.
    pub text: String,
}

impl NodeOptions {
    /// What to think twice about before a container takes this much. What the node did not say is not doubted.
    pub fn doubts(&self, wanted: Wanted<'_>) -> Vec<Doubt> {
        let capacity = self.capacity.as_ref().ok();
        let name = &self.node.name;
        let found = [
            ("cores", capacity.and_then(|capacity| cores(name, capacity, wanted.cores?))),
            ("memory", capacity.and_then(|capacity| memory(name, capacity, wanted.memory?))),
            ("swap", capacity.and_then(|capacity| swap(name, capacity, wanted.swap?))),
            ("disk", wanted.disk.and_then(|disk| self.disk(disk, wanted.storage))),
        ];
        found.into_iter().filter_map(|(field, text)| Some(Doubt { field, text: text? })).collect()
    }

    fn disk(&self, gibibytes: u32, storage: &str) -> Option<String> {
        let found = self.storages.as_ref().ok()?.iter().find(|each| each.name == storage)?;
        let free = found.free.filter(|free| u64::from(gibibytes) << 30 > *free)?;
        Some(format!("{gibibytes} GiB of disk is more than is free on {storage} ({} GiB)", free >> 30))
    }
}

fn cores(name: &str, capacity: &Capacity, cores: u32) -> Option<String> {
    let all = capacity.cores.filter(|all| u64::from(cores) > *all)?;
    Some(format!("{cores} cores are more than {name} has ({all})"))
}

fn memory(name: &str, capacity: &Capacity, mebibytes: u32) -> Option<String> {
    let wanted = u64::from(mebibytes);
    let (all, free) = (capacity.memory >> 20, capacity.memory.saturating_sub(capacity.memory_used) >> 20);
    if wanted > all {
        Some(format!("{mebibytes} MiB of memory is more than {name} has ({all} MiB)"))
    } else if wanted > free {
        Some(format!("{mebibytes} MiB of memory is more than is free on {name} now ({free} of {all} MiB)"))
    } else {
        None
    }
}

/// A node without any swap is common, and Proxmox's own default of 512 MiB does no harm there.
fn swap(name: &str, capacity: &Capacity, mebibytes: u32) -> Option<String> {
    let all = capacity.swap >> 20;
    (all > 0 && u64::from(mebibytes) > all)
        .then(|| format!("{mebibytes} MiB of swap is more than {name} has ({all} MiB)"))
}

#[cfg(test)]
mod tests {
    use super::super::tests::options;
    use super::*;

    #[test]
    fn more_than_there_is_or_is_free_is_doubted() {
        let options = options("attic", &[], &["local-ct"], &["vmbr0"]);
        let fields = |wanted| {
            options.doubts(wanted).into_iter().map(|doubt| (doubt.field, doubt.text)).collect::<Vec<_>>()
        };
        let fits = Wanted {
            cores: Some(8),
            memory: Some(4096),
            swap: Some(1024),
            disk: Some(100),
            storage: "local-ct",
        };
        assert_eq!(fields(fits), []);
        let texts =
            fields(Wanted { cores: Some(9), memory: Some(4097), swap: Some(1025), disk: Some(101), ..fits });
        assert_eq!(
            texts.iter().map(|(field, _)| *field).collect::<Vec<_>>(),
            ["cores", "memory", "swap", "disk"]
        );
        assert!(texts[1].1.contains("free on attic now (4096 of 8192 MiB)"), "{texts:?}");
        assert!(
            fields(Wanted { memory: Some(8193), ..fits })[0].1.contains("more than attic has (8192 MiB)")
        );
        // What is typed and not yet a number, or a storage that is not known, is no doubt.
        assert_eq!(fields(Wanted { storage: "other", disk: Some(9999), ..Wanted::default() }), []);
    }

    #[test]
    fn a_node_that_does_not_say_is_not_doubted() {
        let mut options = options("attic", &[], &[], &[]);
        options.capacity = Err("no answer".into());
        options.storages = Err("no answer".into());
        let much = Wanted {
            cores: Some(9999),
            memory: Some(u32::MAX),
            swap: Some(u32::MAX),
            disk: Some(u32::MAX),
            storage: "x",
        };
        assert_eq!(options.doubts(much), []);
        options.capacity = Ok(Capacity { cores: None, memory: 1 << 33, memory_used: 0, swap: 0 });
        assert_eq!(options.doubts(Wanted { cores: Some(99), swap: Some(512), ..Wanted::default() }), []);
    }
}
