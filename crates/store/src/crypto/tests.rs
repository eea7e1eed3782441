use berth_domain::Secret;
use proptest::prelude::*;
use secrecy::ExposeSecret as _;
use uuid::Uuid;

use super::{Context, InvalidKey, Key, Keyring};

const HERE: Context = Context { table: "nodes", column: "token_secret", row: Uuid::from_u128(7) };

fn keyring() -> Keyring {
    Keyring::new(&Key::new([1; 32]), &[])
}

fn opened(keyring: &Keyring, envelope: &[u8], context: Context) -> Option<String> {
    keyring.open(envelope, context).ok().map(|secret| secret.expose_secret().to_owned())
}

#[test]
fn opens_only_where_it_was_sealed() {
    let envelope = keyring().seal(&Secret::from("s3cret"), HERE);
    assert_eq!(opened(&keyring(), &envelope, HERE).as_deref(), Some("s3cret"));
    let elsewhere = [
        Context { table: "users", ..HERE },
        Context { column: "ssh_secret", ..HERE },
        Context { row: Uuid::from_u128(8), ..HERE },
    ];
    for context in elsewhere {
        assert_eq!(opened(&keyring(), &envelope, context), None, "{context:?}");
    }
}

#[test]
fn the_same_secret_looks_different_each_time_and_is_not_in_the_envelope() {
    let (one, two) =
        (keyring().seal(&Secret::from("s3cret"), HERE), keyring().seal(&Secret::from("s3cret"), HERE));
    assert_ne!(one, two);
    assert!(!one.windows(6).any(|part| part == b"s3cret"));
}

#[test]
fn an_old_key_opens_and_the_current_one_seals() {
    let (old, new) = (Key::new([1; 32]), Key::new([2; 32]));
    let sealed_by_old = keyring().seal(&Secret::from("x"), HERE);
    let both = Keyring::new(&new, &[old]);
    assert_eq!(opened(&both, &sealed_by_old, HERE).as_deref(), Some("x"));
    assert!(!both.is_current(&sealed_by_old));
    assert!(both.is_current(&both.seal(&Secret::from("x"), HERE)));
    let error = Keyring::new(&new, &[]).open(&sealed_by_old, HERE).unwrap_err();
    assert!(error.to_string().contains("another key"), "{error}");
}

#[test]
fn keys_are_read_as_base64_and_hexadecimal_and_never_shown() {
    let hex =
        Key::parse(&Secret::from(" 0101010101010101010101010101010101010101010101010101010101010101\n"));
    let base64 = Key::parse(&Secret::from("AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="));
    assert_eq!(hex.unwrap().bytes(), &[1; 32]);
    assert_eq!(base64.unwrap().bytes(), &[1; 32]);
    for wrong in ["", "AQEB", "zz01010101010101010101010101010101010101010101010101010101010101"] {
        assert_eq!(Key::parse(&Secret::from(wrong)).err(), Some(InvalidKey), "{wrong}");
    }
    assert!(Key::parse(&Key::generate()).is_ok());
    assert_eq!(format!("{:?}", Key::new([1; 32])), "Key(72cd6e84)");
}

proptest! {
    #[test]
    fn any_text_comes_back(text in ".{0,200}") {
        let envelope = keyring().seal(&Secret::from(text.as_str()), HERE);
        prop_assert_eq!(opened(&keyring(), &envelope, HERE), Some(text));
    }

    #[test]
    fn any_flipped_bit_is_refused(text in "[a-z]{0,40}", place in any::<prop::sample::Index>(), bit in 0..8u8) {
        let mut envelope = keyring().seal(&Secret::from(text.as_str()), HERE);
        let place = place.index(envelope.len());
        envelope[place] ^= 1 << bit;
        prop_assert_eq!(opened(&keyring(), &envelope, HERE), None);
    }

    #[test]
    fn any_cut_is_refused(keep in 0..50usize) {
        let envelope = keyring().seal(&Secret::from("a text of some length: 12345"), HERE);
        prop_assert_eq!(opened(&keyring(), &envelope[..keep.min(envelope.len() - 1)], HERE), None);
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        prop_assert_eq!(opened(&keyring(), &bytes, HERE), None);
    }
}
