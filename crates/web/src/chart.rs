//! Lines over time as SVG, drawn on the server: nothing to load, and a page without scripts has them too.

use std::fmt::Write as _;

use time::OffsetDateTime;

use crate::filters::size;

/// The drawing's own units; the page stretches it.
pub const WIDTH: f64 = 600.0;
/// Its height.
pub const HEIGHT: f64 = 120.0;
/// So many points are drawn at most: more are not seen.
const POINTS: usize = 150;

/// What values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Shares, 0 to 1.
    Share,
    /// Bytes.
    Bytes,
    /// Bytes in a second.
    Rate,
}

impl Unit {
    /// A value in words.
    fn words(self, value: f64) -> String {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a size, none below 0")]
        let whole = value.max(0.0) as u64;
        match self {
            Self::Share => format!("{:.1} %", value * 100.0),
            Self::Bytes => size(whole),
            Self::Rate => format!("{}/s", size(whole)),
        }
    }
}

/// A value at a time, or that nothing was measured then.
pub type Point = (i64, Option<f64>);

/// Something that is measured.
#[derive(Debug, Clone)]
pub struct Measured {
    /// What it is.
    pub label: &'static str,
    /// Its values, in the order of time.
    pub points: Vec<Point>,
}

/// A line of a chart.
#[derive(Debug, Clone)]
pub struct Line {
    /// What it is.
    pub label: &'static str,
    /// The strokes of an SVG path; where nothing was measured it is broken.
    pub path: String,
    /// What it says, in words: the text alternative.
    pub summary: String,
    /// Its last value in words, if there is one.
    pub now: Option<String>,
}

/// A chart.
#[derive(Debug, Clone)]
pub struct Chart {
    /// What it shows.
    pub title: &'static str,
    /// Its lines.
    pub lines: Vec<Line>,
    /// The value at its upper edge, in words.
    pub top: String,
    /// When it begins and ends; none where nothing was measured.
    pub span: Option<(OffsetDateTime, OffsetDateTime)>,
}

impl Chart {
    /// Draws what was measured; the upper edge is `most`, or somewhat above the highest value.
    pub fn draw(title: &'static str, unit: Unit, most: Option<f64>, measured: &[Measured]) -> Self {
        let highest =
            measured.iter().flat_map(|it| &it.points).filter_map(|(_, value)| *value).fold(0.0, f64::max);
        let top = most.filter(|most| *most > 0.0).unwrap_or_else(|| above(highest, unit)).max(highest);
        let times = || measured.iter().flat_map(|it| &it.points).map(|(time, _)| *time);
        let span = times().min().zip(times().max()).filter(|(from, to)| from < to);
        let any = measured.iter().any(|it| it.points.iter().any(|(_, value)| value.is_some()));
        let lines = measured
            .iter()
            .map(|it| Line {
                label: it.label,
                path: span.map_or_else(String::new, |span| path(&thinned(&it.points), span, top)),
                summary: summary(it, unit),
                now: it.points.iter().rev().find_map(|(_, value)| *value).map(|value| unit.words(value)),
            })
            .collect();
        let at = |time| OffsetDateTime::from_unix_timestamp(time).ok();
        let span = span.filter(|_| any).and_then(|(from, to)| at(from).zip(at(to)));
        Self { title, lines, top: unit.words(top), span }
    }
}

/// A round value that leaves some room above the highest one.
fn above(highest: f64, unit: Unit) -> f64 {
    let (base, least): (f64, f64) = match unit {
        Unit::Share => (10.0, 0.01),
        Unit::Bytes | Unit::Rate => (2.0, 1024.0),
    };
    let mut top = least;
    while top < highest * 1.05 {
        let half = top * if base > 2.0 { 2.0 } else { base };
        top = half;
    }
    top
}

/// At most as many points as are seen; each the mean of those it stands for.
fn thinned(points: &[Point]) -> Vec<Point> {
    let per = points.len().div_ceil(POINTS).max(1);
    let mean = |chunk: &[Point]| {
        let values: Vec<f64> = chunk.iter().filter_map(|(_, value)| *value).collect();
        #[allow(clippy::cast_precision_loss, reason = "a handful")]
        let mean = (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64);
        (chunk[chunk.len() / 2].0, mean)
    };
    points.chunks(per).map(mean).collect()
}

fn path(points: &[Point], (from, to): (i64, i64), top: f64) -> String {
    let mut path = String::new();
    let mut drawing = false;
    for (index, (time, value)) in points.iter().enumerate() {
        let Some(value) = value else {
            drawing = false;
            continue;
        };
        #[allow(clippy::cast_precision_loss, reason = "seconds")]
        let x = (time - from) as f64 / (to - from) as f64 * WIDTH;
        let y = HEIGHT - (value / top).clamp(0.0, 1.0) * HEIGHT;
        let _ = write!(path, "{}{x:.1} {y:.1}", if drawing { "L" } else { "M" });
        // A value between two gaps is a dot.
        let alone = !drawing && points.get(index + 1).is_none_or(|(_, next)| next.is_none());
        if alone {
            let _ = write!(path, "h1");
        }
        drawing = true;
    }
    path
}

fn summary(measured: &Measured, unit: Unit) -> String {
    let values: Vec<f64> = measured.points.iter().filter_map(|(_, value)| *value).collect();
    let Some(last) = values.last() else { return format!("{}: nothing was measured", measured.label) };
    #[allow(clippy::cast_precision_loss, reason = "some thousands")]
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let most = values.iter().copied().fold(f64::MIN, f64::max);
    let gaps = measured.points.len() - values.len();
    let gaps = match gaps * 100 / measured.points.len() {
        0 => String::new(),
        share => format!("; {share} % of the time nothing was measured"),
    };
    format!(
        "{}: {} at last, {} on average, {} at most{gaps}",
        measured.label,
        unit.words(*last),
        unit.words(mean),
        unit.words(most)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(values: &[Option<f64>]) -> Chart {
        let points = (0..).zip(values.iter().copied()).map(|(minute, value)| (minute * 60, value)).collect();
        Chart::draw("CPU", Unit::Share, Some(1.0), &[Measured { label: "CPU", points }])
    }

    #[test]
    fn a_gap_breaks_the_line_and_is_told() {
        let drawn = chart(&[Some(0.0), Some(0.5), None, Some(1.0), None]);
        assert_eq!(drawn.lines[0].path, "M0.0 120.0L150.0 60.0M450.0 0.0h1");
        let summary = &drawn.lines[0].summary;
        assert_eq!(
            summary,
            "CPU: 100.0 % at last, 50.0 % on average, 100.0 % at most; 40 % of the time nothing was measured"
        );
    }

    #[test]
    fn nothing_at_all_is_no_chart() {
        for values in [&[][..], &[None, None], &[None]] {
            let drawn = chart(values);
            assert!(drawn.span.is_none() && drawn.lines[0].now.is_none(), "{drawn:?}");
        }
    }

    #[test]
    fn a_day_of_minutes_is_thinned_to_what_is_seen() {
        let values: Vec<_> = (0..1440).map(|minute| Some(f64::from(minute % 2))).collect();
        let drawn = chart(&values);
        assert!(drawn.lines[0].path.matches('L').count() < POINTS);
        assert!(drawn.lines[0].path.split('L').skip(1).all(|point| point.ends_with(" 60.0")), "means");
    }

    #[test]
    fn a_value_above_the_edge_raises_it() {
        let points = vec![(0, Some(3000.0)), (60, Some(100.0))];
        let measured = [Measured { label: "In", points }];
        assert_eq!(Chart::draw("Network", Unit::Rate, None, &measured).top, "4 KiB/s");
        assert_eq!(Chart::draw("Memory", Unit::Bytes, Some(1024.0), &measured).top, "2.9 KiB");
    }
}
