use berth_domain::TokenId;
use berth_testkit::fuzz::{any_text, fuzz, like, mutated};
use proptest::prelude::*;
use reqwest::header::HeaderValue;

const TELLING: &[&str] = &[
    "!", "@", "=", ":", "/", " ", "\t", "\r\n", "\n", "\0", "\u{7f}", "\u{85}", "\u{2028}", "ä", "é", "😀",
    "%", "\"", "'", ";", ",", "-", ".", "_",
];

fn token_id() -> impl Strategy<Value = String> {
    like("[a-z][a-zA-Z0-9@!. _+-]{0,12}@[a-z][a-z0-9._-]{1,8}![a-zA-Z][a-zA-Z0-9._-]{1,12}")
}

/// Whatever is accepted prints and reads back as the same, has exactly one `!`, and stands in a header as it is.
#[test]
fn token_an_accepted_token_id_reads_back_the_same_and_stands_in_a_header() {
    let texts = prop_oneof![1 => any_text(), 4 => mutated(token_id(), TELLING)];
    fuzz("token", &texts, |text| {
        let Ok(id) = text.parse::<TokenId>() else { return Ok(()) };
        let printed = id.to_string();
        prop_assert_eq!(&printed, text.trim());
        prop_assert_eq!(printed.parse::<TokenId>(), Ok(id.clone()));
        prop_assert_eq!(TokenId::try_from(String::from(id.clone())), Ok(id.clone()));
        prop_assert_eq!(printed.matches('!').count(), 1);
        prop_assert_eq!(&printed, &format!("{}!{}", id.userid(), id.token()));
        prop_assert_eq!(id.userid(), format!("{}@{}", id.user(), id.realm()));
        prop_assert!(
            !printed.contains(|c: char| c.is_whitespace() || c.is_control() || c == '='),
            "{printed:?}"
        );
        let header = format!("PVEAPIToken={printed}=secret");
        let carried = HeaderValue::from_str(&header);
        let carried = carried.map_err(|error| TestCaseError::fail(format!("{header:?}: {error}")))?;
        prop_assert_eq!(carried.as_bytes(), header.as_bytes());
        Ok(())
    });
}
