use berth_store::Keyring;
use berth_store::crypto::{Context, Key};
use berth_testkit::fuzz::{fuzz, like};
use proptest::prelude::*;
use proptest::sample::Index;
use secrecy::{ExposeSecret as _, SecretString};
use uuid::Uuid;

/// How bytes come about that somebody tries to open.
#[derive(Clone, Debug)]
enum Bytes {
    /// Any at all.
    Any(Vec<u8>),
    /// They begin as an envelope does that one of the keys has sealed.
    Headed(Vec<u8>),
    /// A sealed envelope with these bytes put over it.
    Overwritten(Vec<(Index, u8)>),
    /// A sealed envelope without what stands between the two.
    Cut(Index, Index),
    /// A sealed envelope with more behind it.
    Longer(Vec<u8>),
    /// Two halves of two sealed envelopes.
    Spliced(Index),
}

const TABLES: &[&str] = &["nodes", "node", "users", ""];
const COLUMNS: &[&str] = &["token_secret", "ssh_secret", "stoken_secret", ""];

fn place() -> impl Strategy<Value = Context> {
    (prop::sample::select(TABLES), prop::sample::select(COLUMNS), 0..3_u128)
        .prop_map(|(table, column, row)| Context { table, column, row: Uuid::from_u128(row) })
}

fn bytes() -> impl Strategy<Value = Bytes> {
    let any_bytes = || prop::collection::vec(any::<u8>(), 0..120);
    prop_oneof![
        any_bytes().prop_map(Bytes::Any),
        any_bytes().prop_map(Bytes::Headed),
        prop::collection::vec((any::<Index>(), any::<u8>()), 0..4).prop_map(Bytes::Overwritten),
        (any::<Index>(), any::<Index>()).prop_map(|(from, to)| Bytes::Cut(from, to)),
        any_bytes().prop_map(Bytes::Longer),
        any::<Index>().prop_map(Bytes::Spliced),
    ]
}

fn made(how: &Bytes, sealed: &[u8], other: &[u8]) -> Vec<u8> {
    match how {
        Bytes::Any(bytes) => bytes.clone(),
        Bytes::Headed(bytes) => [&sealed[..5], bytes].concat(),
        Bytes::Overwritten(changes) => changes.iter().fold(sealed.to_vec(), |mut bytes, (place, byte)| {
            let place = place.index(bytes.len());
            bytes[place] = *byte;
            bytes
        }),
        Bytes::Cut(from, to) => {
            let (from, to) = (from.index(sealed.len() + 1), to.index(sealed.len() + 1));
            [&sealed[..from.min(to)], &sealed[from.max(to)..]].concat()
        }
        Bytes::Longer(bytes) => [sealed, bytes].concat(),
        Bytes::Spliced(place) => {
            let place = place.index(sealed.len().min(other.len()) + 1);
            [&sealed[..place], &other[place..]].concat()
        }
    }
}

/// No bytes panic. Exactly what was sealed opens: unmodified, for the same table, row and column, with that key among those given.
#[test]
fn envelope_opens_only_what_was_sealed_there_with_that_key() {
    let keys = (0..3_u8, prop::collection::vec(0..3_u8, 1..=3));
    let input = (like("\\PC{0,40}"), like("\\PC{0,40}"), keys, place(), place(), bytes());
    fuzz("envelope", &input, |(secret, other, (sealing, given), here, there, how)| {
        let key = |number: u8| Key::new([number; 32]);
        let owner = Keyring::new(&key(sealing), &[]);
        let secret = SecretString::from(secret);
        let sealed = owner.seal(&secret, here);
        let bytes = made(&how, &sealed, &owner.seal(&SecretString::from(other.clone()), here));
        let old: Vec<Key> = given[1..].iter().map(|number| key(*number)).collect();
        let reader = Keyring::new(&key(given[0]), &old);

        let whole_other =
            matches!(how, Bytes::Spliced(_)) && bytes.get(5..17) != sealed.get(5..17) && bytes != sealed;
        let should = given.contains(&sealing) && here == there;
        match reader.open(&bytes, there) {
            Ok(opened) => {
                prop_assert!(should, "opened with {:?} at {}", reader, there);
                let expected = if whole_other { other.as_str() } else { secret.expose_secret() };
                prop_assert_eq!(opened.expose_secret(), expected);
                prop_assert!(bytes == sealed || whole_other, "{:?}", how);
                prop_assert_eq!(reader.is_current(&bytes), given[0] == sealing);
            }
            Err(error) => {
                prop_assert!(!(should && bytes == sealed), "{error}");
                prop_assert!(error.to_string().contains(there.column), "{error}");
            }
        }
        Ok(())
    });
}
