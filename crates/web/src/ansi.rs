//! Terminal colours as classed spans, for the log the server renders. `static/src/ansi.js` does the same in the browser.

use std::fmt::{self, Write};

use askama::filters::HtmlSafe;

/// One line of output as markup: escaped text and spans with fixed class names, nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnsiLine(String);

/// Pieces of a line in colours of their own: a span for each is many times as long as what asks for it.
const MOST_PIECES: usize = 200;

impl AnsiLine {
    /// Renders a line as a terminal would show it: colours kept, other sequences and control characters dropped,
    /// and of a line that redraws itself by carriage returns only the last state.
    pub fn new(line: &str) -> Self {
        let line = line.trim_end_matches(['\r', '\n']);
        let visible = line.rsplit_once('\r').map_or(line, |(_, last)| last);
        let mut html = String::with_capacity(visible.len());
        let mut style = Style::default();
        let mut rest = visible;
        let mut changes = 0;
        while let Some(start) = rest.find('\u{1b}') {
            style.write(&mut html, &rest[..start]);
            let (sequence, after) = sequence(&rest[start..]);
            if let Some(parameters) = sequence {
                changes += 1;
                style.apply(if changes < MOST_PIECES { parameters } else { "0" });
            }
            rest = after;
        }
        style.write(&mut html, rest);
        Self(html)
    }
}

impl fmt::Display for AnsiLine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl HtmlSafe for AnsiLine {}

/// Takes one escape sequence off the front: the parameters if it sets colours, and what follows it.
fn sequence(text: &str) -> (Option<&str>, &str) {
    let body = &text[1..];
    if let Some(csi) = body.strip_prefix('[') {
        let end = csi.find(|c: char| !matches!(c, ' '..='?'));
        return match end {
            Some(end) if matches!(csi.as_bytes()[end], b'@'..=b'~') => {
                let parameters = (csi.as_bytes()[end] == b'm').then_some(&csi[..end]);
                (parameters, &csi[end + 1..])
            }
            Some(end) => (None, &csi[end..]),
            None => (None, ""),
        };
    }
    if let Some(osc) = body.strip_prefix(']') {
        let end = osc.find(['\u{7}', '\u{1b}']).unwrap_or(osc.len());
        let after = &osc[end..];
        return (
            None,
            after.strip_prefix('\u{7}').or_else(|| after.strip_prefix("\u{1b}\\")).unwrap_or(after),
        );
    }
    let skipped = body.trim_start_matches(|c: char| matches!(c, ' '..='/'));
    (None, skipped.strip_prefix(|c: char| matches!(c, '0'..='~')).unwrap_or(skipped))
}

#[derive(Default)]
#[allow(clippy::struct_excessive_bools, reason = "a terminal's attributes are independent switches")]
struct Style {
    foreground: Option<u16>,
    background: Option<u16>,
    bold: bool,
    dim: bool,
    italic: bool,
    underline: bool,
}

impl Style {
    fn apply(&mut self, parameters: &str) {
        let codes: Vec<u16> = parameters.split([';', ':']).map(|code| code.parse().unwrap_or(0)).collect();
        let mut at = 0;
        while let Some(&code) = codes.get(at) {
            match code {
                0 => *self = Self::default(),
                1 => self.bold = true,
                2 => self.dim = true,
                3 => self.italic = true,
                4 => self.underline = true,
                22 => (self.bold, self.dim) = (false, false),
                23 => self.italic = false,
                24 => self.underline = false,
                30..=37 => self.foreground = Some(code - 30),
                38 => at += extended(&codes[at..], &mut self.foreground),
                39 => self.foreground = None,
                40..=47 => self.background = Some(code - 40),
                48 => at += extended(&codes[at..], &mut self.background),
                49 => self.background = None,
                90..=97 => self.foreground = Some(code - 82),
                100..=107 => self.background = Some(code - 92),
                _ => {}
            }
            at += 1;
        }
    }

    fn write(&self, html: &mut String, raw: &str) {
        if !raw.chars().any(printable) {
            return;
        }
        let classes = self.classes();
        if !classes.is_empty() {
            let _ = write!(html, r#"<span class="{classes}">"#);
        }
        for character in raw.chars().filter(|&c| printable(c)) {
            match character {
                '&' => html.push_str("&amp;"),
                '<' => html.push_str("&lt;"),
                '>' => html.push_str("&gt;"),
                '"' => html.push_str("&quot;"),
                '\'' => html.push_str("&#39;"),
                other => html.push(other),
            }
        }
        if !classes.is_empty() {
            html.push_str("</span>");
        }
    }

    fn classes(&self) -> String {
        let mut names = Vec::new();
        names.extend(self.foreground.map(|colour| format!("ansi-fg-{colour}")));
        names.extend(self.background.map(|colour| format!("ansi-bg-{colour}")));
        let flags =
            [(self.bold, "bold"), (self.dim, "dim"), (self.italic, "italic"), (self.underline, "underline")];
        names.extend(flags.iter().filter(|(on, _)| *on).map(|(_, name)| format!("ansi-{name}")));
        names.join(" ")
    }
}

/// Reads `38;5;n` or `38;2;r;g;b` and returns how many codes follow the first. Only the sixteen named colours are shown.
fn extended(codes: &[u16], colour: &mut Option<u16>) -> usize {
    match codes.get(1) {
        Some(5) => {
            *colour = codes.get(2).copied().filter(|&number| number < 16);
            2
        }
        Some(2) => {
            *colour = None;
            4
        }
        _ => 0,
    }
}

fn printable(character: char) -> bool {
    character == '\t' || !character.is_control()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn html(line: &str) -> String {
        AnsiLine::new(line).to_string()
    }

    #[test]
    fn colours_become_classes() {
        assert_eq!(html("a\u{1b}[1;31mred\u{1b}[0mb"), r#"a<span class="ansi-fg-1 ansi-bold">red</span>b"#);
        assert_eq!(html("\u{1b}[92mx"), r#"<span class="ansi-fg-10">x</span>"#);
        assert_eq!(html("\u{1b}[38;2;1;2;3;4mx"), r#"<span class="ansi-underline">x</span>"#);
    }

    #[test]
    fn a_line_of_colours_alone_does_not_grow_without_end() {
        let line = "\u{1b}[1;2;3;4;91;101mx".repeat(2000);
        let html = html(&line);
        assert_eq!(html.matches("<span").count(), MOST_PIECES - 1);
        assert_eq!(html.matches('x').count(), 2000);
        assert!(html.len() < 30_000, "{}", html.len());
    }

    #[test]
    fn everything_else_is_dropped() {
        assert_eq!(html("\u{1b}[2K\u{1b}]0;title\u{7}ok\u{8}\0\ttab"), "ok\ttab");
        assert_eq!(html("10%\r50%\r100%\r"), "100%");
        assert_eq!(html("\u{1b}"), "");
    }

    proptest! {
        #[test]
        fn no_markup_gets_through(line in r#"(\x1b\[[0-9;]{0,6}[a-zA-Z]|\x1b\]?|[<>&"'\r]|\PC|.){0,60}"#) {
            let fragment = scraper::Html::parse_fragment(&html(&line));
            for element in fragment.select(&scraper::Selector::parse("*").unwrap()) {
                prop_assert!(matches!(element.value().name(), "html" | "span"), "{}", element.html());
                for (name, value) in element.value().attrs() {
                    prop_assert_eq!(name, "class");
                    prop_assert!(value.split(' ').all(|class| class.starts_with("ansi-")));
                }
            }
        }

        // Without U+FEFF: at the start of a document the parser takes it for a byte order mark.
        #[test]
        fn plain_text_is_kept(line in r"[^\x1b\r\n\p{Cc}\u{feff}]{0,80}") {
            let fragment = scraper::Html::parse_fragment(&html(&line));
            let shown: String = fragment.root_element().text().collect();
            prop_assert_eq!(shown, line);
        }
    }
}
