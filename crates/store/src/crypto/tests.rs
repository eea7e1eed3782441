use berth_domain::Secret;
use proptest::prelude::*;
use secrecy::ExposeSecret as _;
use uuid::Uuid;

use super::{Context, HEADER, InvalidKey, InvalidKeyId, Key, KeyId, Keyring, NONCE, TAG, header, sealed_by};

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
    assert_eq!(both.ids().collect::<Vec<_>>(), [both.current(), Key::new([1; 32]).id()]);
}

fn refusal(keyring: &Keyring, envelope: &[u8]) -> String {
    keyring.open(envelope, HERE).unwrap_err().to_string()
}

#[test]
fn a_refusal_names_the_column_and_the_key_and_no_row() {
    let sealed = keyring().seal(&Secret::from("s3cret"), HERE);
    let error = refusal(&Keyring::new(&Key::new([2; 32]), &[Key::new([3; 32])]), &sealed);
    assert!(error.contains("nodes.token_secret") && !error.contains(&HERE.row.to_string()), "{error}");
    assert!(error.contains("the key 72cd6e84, which is not given"), "{error}");

    let mut later = sealed.clone();
    later[0] = 2;
    assert!(refusal(&keyring(), &later).contains("unknown version"));
    assert_eq!((sealed_by(&sealed), sealed_by(&later)), (Some(keyring().current()), None));
    assert!(!keyring().is_current(&later));

    let mut of_no_key = sealed.clone();
    of_no_key[1..HEADER].copy_from_slice(&[0xde, 0xad, 0xbe, 0xef]);
    assert!(refusal(&keyring(), &of_no_key).contains("the key deadbeef"));

    // The id of another key that is given does not make that key open it.
    let both = Keyring::new(&Key::new([1; 32]), &[Key::new([2; 32])]);
    let mut of_the_other = sealed.clone();
    of_the_other[..HEADER].copy_from_slice(&header(Key::new([2; 32]).id()));
    assert!(refusal(&both, &of_the_other).contains("damaged or was moved"));
    assert!(refusal(&keyring(), &sealed[..HEADER + NONCE + TAG - 1]).contains("cut off"));
}

#[test]
fn every_cut_and_every_flipped_bit_is_refused() {
    let sealed = keyring().seal(&Secret::from("s3cret"), HERE);
    assert_eq!(sealed.len(), HEADER + NONCE + "s3cret".len() + TAG);
    for length in 0..sealed.len() {
        assert_eq!(opened(&keyring(), &sealed[..length], HERE), None, "cut to {length}");
        assert_eq!(opened(&keyring(), &sealed[length + 1..], HERE), None, "without its first {}", length + 1);
    }
    for bit in 0..sealed.len() * 8 {
        let mut flipped = sealed.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(opened(&keyring(), &flipped, HERE), None, "bit {bit}");
    }
    assert_eq!(opened(&keyring(), &[sealed.as_slice(), b"\0"].concat(), HERE), None, "one byte longer");
}

#[test]
fn names_of_places_do_not_run_into_each_other() {
    let here = Context { table: "ab", column: "c", row: HERE.row };
    let sealed = keyring().seal(&Secret::from("x"), here);
    assert_eq!(opened(&keyring(), &sealed, Context { table: "a", column: "bc", ..here }), None);
}

#[test]
fn key_ids_are_read_as_they_are_shown() {
    let id = Key::new([1; 32]).id();
    assert_eq!(id.to_string(), "72cd6e84");
    assert_eq!(" 72CD6E84\n".parse(), Ok(id));
    for wrong in ["", "72cd6e8", "72cd6e8g", "72cd6e8400"] {
        assert_eq!(wrong.parse::<KeyId>(), Err(InvalidKeyId), "{wrong}");
    }
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
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        prop_assert_eq!(opened(&keyring(), &bytes, HERE), None);
    }
}
