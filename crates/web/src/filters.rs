//! What askama templates may do to a value: icons, file addresses, times, sizes, durations.

use std::fmt::Display;

use askama::filters::Safe;
use askama::{Error, Result, Values};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

use crate::icon::Icon;

/// The inline SVG of an icon in `static/icons.json`.
#[askama::filter_fn]
pub(crate) fn icon(name: impl Display, _: &dyn Values) -> Result<Icon> {
    let name = name.to_string();
    Icon::find(&name).ok_or_else(|| Error::custom(format!("no icon {name} in static/icons.json")))
}

/// The address of a built file.
#[askama::filter_fn]
pub(crate) fn asset(name: impl Display, _: &dyn Values) -> Result<String> {
    let name = name.to_string();
    crate::assets::asset(&name).ok_or_else(|| Error::custom(format!("no file {name} in static/dist")))
}

/// A point in time, in UTC until the browser shows it in its own zone.
#[askama::filter_fn]
pub(crate) fn at(instant: &OffsetDateTime, _: &dyn Values) -> Result<Safe<String>> {
    time_element(instant, "at")
}

/// A point in time as "5 minutes ago" once the browser has a say, in UTC before.
#[askama::filter_fn]
pub(crate) fn ago(instant: &OffsetDateTime, _: &dyn Values) -> Result<Safe<String>> {
    time_element(instant, "ago")
}

/// When a line of a log was written, to the second.
#[askama::filter_fn]
pub(crate) fn stamp(instant: &OffsetDateTime, _: &dyn Values) -> Result<Safe<String>> {
    let machine = instant.format(&Rfc3339).map_err(Error::custom)?;
    let readable = format_description!("[year]-[month]-[day] [hour]:[minute]:[second]");
    let human = instant.to_offset(time::UtcOffset::UTC).format(&readable).map_err(Error::custom)?;
    Ok(Safe(format!(r#"<time class="log-time" datetime="{machine}" data-show="stamp">{human} </time>"#)))
}

/// A point in time as RFC 3339, for attributes.
#[askama::filter_fn]
pub(crate) fn rfc3339(instant: &OffsetDateTime, _: &dyn Values) -> Result<String> {
    instant.format(&Rfc3339).map_err(Error::custom)
}

/// A number of bytes in the units people buy memory and disks in: `512 MiB`, `8 GiB`.
#[askama::filter_fn]
pub(crate) fn bytes(count: &u64, _: &dyn Values) -> Result<String> {
    Ok(size(*count))
}

/// A number of seconds in words: `8 s`, `2 min 5 s`, `1 h 4 min`.
#[askama::filter_fn]
pub(crate) fn duration(seconds: &u64, _: &dyn Values) -> Result<String> {
    Ok(words(*seconds))
}

fn time_element(instant: &OffsetDateTime, show: &str) -> Result<Safe<String>> {
    let machine = instant.format(&Rfc3339).map_err(Error::custom)?;
    let readable = format_description!("[year]-[month]-[day] [hour]:[minute] UTC");
    let human = instant.to_offset(time::UtcOffset::UTC).format(&readable).map_err(Error::custom)?;
    Ok(Safe(format!(r#"<time datetime="{machine}" data-show="{show}">{human}</time>"#)))
}

/// A number of bytes with one decimal where it says something.
pub(crate) fn size(count: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = count as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    let rounded = format!("{value:.1}");
    let shown = rounded.strip_suffix(".0").unwrap_or(&rounded);
    format!("{shown} {}", UNITS[unit])
}

/// A duration in its two largest units.
pub(crate) fn words(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_like_a_label() {
        assert_eq!(size(0), "0 B");
        assert_eq!(size(536_870_912), "512 MiB");
        assert_eq!(size(1_610_612_736), "1.5 GiB");
    }

    #[test]
    fn durations_use_two_units() {
        assert_eq!(words(59), "59 s");
        assert_eq!(words(125), "2 min 5 s");
        assert_eq!(words(3_840), "1 h 4 min");
        assert_eq!(words(90_000), "1 d 1 h");
    }
}
